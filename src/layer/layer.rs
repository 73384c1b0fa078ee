//! [`CorsLayer`]: a resolver and the settings that the Gateway API does not have, ready to wrap services.

use std::sync::Arc;

use http::Response;
use tower_layer::Layer;

use super::{
    AnswerErrorsLayer, Cors, Event,
    body::{DefaultBody, EmptyBody, TextBody, WrapBody},
    observe::Shared,
};
use crate::{
    compile::CompiledPolicy,
    decision::{InnerHeaders, PreflightStatus, UnmatchedPreflight},
    finding::{Severity, Violations},
    origin::Origin,
    policy::{CorsPolicy, OriginAnswer},
    request::CorsRequest,
    resolver::{AllowOriginAsync, Async, AsyncPolicyResolver, PolicyResolver},
};

/// A [`Layer`] that answers preflights and gives responses their CORS headers.
///
/// Put it outside everything that can answer by itself: routers, authentication, rate limits, timeouts. What a layer
/// outside of it answers carries no CORS headers, so a script can't read it.
///
/// It is ready when the inner service is: readiness is asked for before a request is known, so a preflight too waits for a
/// service that is not ready. A limit goes inside with `load_shed` or `buffer` before it; see
/// [`guide::troubleshooting`](crate::guide::troubleshooting).
///
/// `R` picks the policy of a request; `M` makes the bodies of answers.
///
/// # Examples
///
/// ```
/// use tower::ServiceBuilder;
/// use tower_cors::{CorsLayer, CorsPolicy};
///
/// let cors = CorsLayer::new(CorsPolicy::new().allow_origins(["https://app.example"]))?;
/// let service =
///     ServiceBuilder::new().layer(cors).service_fn(async |_: http::Request<String>| {
///         Ok::<_, std::io::Error>(http::Response::new(String::from("hello")))
///     });
/// # Ok::<_, tower_cors::Violations>(())
/// ```
#[derive(Debug)]
pub struct CorsLayer<R = Option<CompiledPolicy>, M = DefaultBody> {
    /// What each service gets a copy of. Routers clone a layer for each route, so a clone is one count.
    shared: Arc<Shared<R>>,
    body: M,
}

impl CorsLayer {
    /// A layer with one policy for every request, compiled under [`Profile::Strict`](crate::Profile::Strict).
    ///
    /// # Errors
    ///
    /// Every violation of the policy at once.
    pub fn new(policy: CorsPolicy) -> Result<Self, Violations> {
        policy.compile().map(Self::from)
    }

    /// A layer that does nothing, for servers that choose at run time: requests pass untouched, preflights included.
    pub fn disabled() -> Self {
        Self::with_resolver(None)
    }
}

impl From<CompiledPolicy> for CorsLayer {
    fn from(policy: CompiledPolicy) -> Self {
        Self::with_resolver(Some(policy))
    }
}

impl<R: PolicyResolver> CorsLayer<R> {
    /// A layer whose policy depends on the request.
    pub fn with_resolver(resolver: R) -> Self {
        Self { shared: Arc::new(Shared::new(resolver)), body: DefaultBody }
    }
}

impl<R: AsyncPolicyResolver> CorsLayer<Async<R>> {
    /// A layer that waits for the policy of each request. See [`AsyncPolicyResolver`].
    ///
    /// The services it wraps are cloned for each request.
    pub fn with_async_resolver(resolver: R) -> Self {
        Self { shared: Arc::new(Shared::new(Async::new(resolver))), body: DefaultBody }
    }
}

impl<R, M> CorsLayer<R, M> {
    /// Sets the status of an answered preflight. The default is [`PreflightStatus::Ok`].
    pub fn preflight_status(mut self, status: PreflightStatus) -> Self {
        let shared = self.shared_mut();
        shared.options = shared.options.preflight_status(status);
        self
    }

    /// Sets what happens to a preflight whose origin is not allowed. The default is [`UnmatchedPreflight::Answer`].
    pub fn unmatched_preflight(mut self, unmatched: UnmatchedPreflight) -> Self {
        let shared = self.shared_mut();
        shared.options = shared.options.unmatched_preflight(unmatched);
        self
    }

    /// Sets what happens to the inner service's own CORS headers. The default is [`InnerHeaders::Remove`].
    pub fn inner_headers(mut self, inner: InnerHeaders) -> Self {
        let shared = self.shared_mut();
        shared.options = shared.options.inner_headers(inner);
        self
    }

    /// Answers 403 to a cross-origin actual request whose origin is not allowed. Off by default; see
    /// [`Options::enforce`](crate::decision::Options::enforce), also for a server behind a proxy that rewrites `Host`.
    pub fn enforce(mut self, enforce: bool) -> Self {
        let shared = self.shared_mut();
        shared.options = shared.options.enforce(enforce);
        self
    }

    /// Answers 403 to a cross-origin WebSocket upgrade whose origin is not allowed. Off by default; see
    /// [`Options::guard_websocket_upgrades`](crate::decision::Options::guard_websocket_upgrades).
    pub fn guard_websocket_upgrades(mut self, guard: bool) -> Self {
        let shared = self.shared_mut();
        shared.options = shared.options.guard_websocket_upgrades(guard);
        self
    }

    /// Grants allowed origins access to a private network, where the preflight asks for it. Off by default.
    pub fn allow_private_network(mut self, allow: bool) -> Self {
        let shared = self.shared_mut();
        shared.options = shared.options.allow_private_network(allow);
        self
    }

    /// Calls `hook` with each decision, for metrics; see [`Event`] for what makes a label.
    ///
    /// It is called before the inner service is, once a request; and a second time, with
    /// [`Outcome::AlreadyDecided`](crate::decision::Outcome::AlreadyDecided), for a response that a CORS layer nearer to
    /// the handler turns out to have decided. A hook given later takes the place of this one.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{
    ///     collections::HashMap,
    ///     sync::{Arc, Mutex},
    /// };
    /// use tower_cors::{CorsLayer, CorsPolicy};
    ///
    /// let counts: Arc<Mutex<HashMap<_, u64>>> = Arc::default();
    /// let counted = Arc::clone(&counts);
    /// let layer = CorsLayer::new(CorsPolicy::new().allow_origins(["https://app.example"]))?
    ///     .on_decision(move |event| {
    ///         let labels = (event.outcome().code(), event.reason().code());
    ///         *counted.lock().expect("no hook panics").entry(labels).or_default() += 1;
    ///     });
    /// # Ok::<_, tower_cors::Violations>(())
    /// ```
    pub fn on_decision(mut self, hook: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.shared_mut().observers.set_hook(Arc::new(hook));
        self
    }

    /// Gives events a label for the route, such as the pattern that a router matched. It must be one of few: never the
    /// path itself, which a client makes up. It is asked only when somebody listens.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_cors::{CorsLayer, CorsPolicy};
    ///
    /// let layer = CorsLayer::new(CorsPolicy::new().allow_origins(["https://app.example"]))?
    ///     .route_label(|request| {
    ///         let is_api = request.uri().is_some_and(|uri| uri.path().starts_with("/api/"));
    ///         Some(if is_api { "api" } else { "site" })
    ///     });
    /// # Ok::<_, tower_cors::Violations>(())
    /// ```
    pub fn route_label(
        mut self,
        label: impl for<'a> Fn(&CorsRequest<'a>) -> Option<&'a str> + Send + Sync + 'static,
    ) -> Self {
        self.shared_mut().observers.set_label(Arc::new(label));
        self
    }

    /// Evaluates a second policy beside the one that serves, and reports where a page would notice the difference: in
    /// [`Event::difference`], and with the feature `tracing` as `cors.shadow`. Nothing of it is applied, so a policy can
    /// be tightened in production without breaking anyone.
    ///
    /// `shadow` is a compiled policy or any other resolver. It is asked only when somebody listens.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_cors::{CorsLayer, CorsPolicy, layer::Difference};
    ///
    /// let tight = CorsPolicy::new().allow_origins(["https://app.example"]).compile()?;
    /// let layer = CorsLayer::new(
    ///     CorsPolicy::new().allow_origins(["https://*.example", "https://app.example"]),
    /// )?
    /// .shadow(tight)
    /// .on_decision(|event| {
    ///     if let Some(Difference::WouldDeny(reason)) = event.difference() {
    ///         eprintln!("the tight policy would deny this: {reason}");
    ///     }
    /// });
    /// # Ok::<_, tower_cors::Violations>(())
    /// ```
    pub fn shadow(mut self, shadow: impl PolicyResolver + Send + Sync + 'static) -> Self {
        self.shared_mut().observers.set_shadow(Arc::new(shadow));
        self
    }

    /// Puts a [`Recorded`](super::Recorded) into the extensions of every response, for layers outside of this one. Off
    /// by default. Of two layers on one request, the one whose decision holds leaves the record.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_cors::{CorsLayer, CorsPolicy, layer::Recorded};
    ///
    /// let layer = CorsLayer::new(CorsPolicy::new().allow_origins(["https://app.example"]))?
    ///     .record_decision(true);
    ///
    /// fn log<B>(response: &http::Response<B>) {
    ///     if let Some(recorded) = response.extensions().get::<Recorded>() {
    ///         println!("{} because {}", recorded.outcome(), recorded.reason());
    ///     }
    /// }
    /// # Ok::<_, tower_cors::Violations>(())
    /// ```
    pub fn record_decision(mut self, record: bool) -> Self {
        self.shared_mut().observers.set_record(record);
        self
    }

    /// Says in the answer to a preflight why a browser will block it, and what would allow it: in a header
    /// `tower-cors-debug`, and in a plain-text body where [`text_body`](Self::text_body) says how to make one. So does
    /// the 403 of a guard. Off by default.
    ///
    /// For development only. **It is a disclosure**: whoever asks learns which origin comes near to an allowed one, and
    /// so which sites are trusted.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_cors::{CorsLayer, CorsPolicy};
    ///
    /// let layer = CorsLayer::new(CorsPolicy::new().allow_origins(["https://app.example"]))?
    ///     .debug(cfg!(debug_assertions))
    ///     .text_body(|text: String| text);
    /// # Ok::<_, tower_cors::Violations>(())
    /// ```
    pub fn debug(mut self, debug: bool) -> Self {
        self.shared_mut().observers.set_debug(debug);
        self
    }

    /// Makes responses of the inner service's errors with a closure, so that they get CORS headers and a page can read
    /// them. Without it, an error passes the layer as it came, and whoever makes a response of it outside makes one
    /// without CORS headers.
    ///
    /// It takes the errors of calls, and those of a service that is not ready; the service of the layer then never fails,
    /// as axum's `Router::layer` asks for. It comes last, after the other settings. Where it is not called, nothing of it
    /// is there.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::{Request, Response, StatusCode};
    /// use tower::{BoxError, ServiceBuilder, ServiceExt, timeout::error::Elapsed};
    /// use tower_cors::{CorsLayer, CorsPolicy};
    ///
    /// fn answer(error: BoxError) -> Response<String> {
    ///     let is_late = error.is::<Elapsed>();
    ///     let mut response = Response::new(error.to_string());
    ///     *response.status_mut() =
    ///         if is_late { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::BAD_GATEWAY };
    ///     response
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), BoxError> {
    /// let cors = CorsLayer::new(CorsPolicy::new().allow_origins(["https://app.example"]))?;
    /// let service = ServiceBuilder::new()
    ///     .layer(cors.answer_errors(answer))
    ///     .timeout(std::time::Duration::from_secs(10))
    ///     .service_fn(async |_: Request<String>| {
    ///         Err::<Response<String>, _>("the backend is gone")
    ///     });
    ///
    /// let request =
    ///     Request::get("/").header("origin", "https://app.example").body(String::new())?;
    /// let response = service.oneshot(request).await?;
    /// assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    /// assert_eq!(response.headers()["access-control-allow-origin"], "https://app.example");
    /// # Ok(())
    /// # }
    /// ```
    pub fn answer_errors<E, B, F>(self, answer: F) -> AnswerErrorsLayer<F, E, R, M>
    where
        F: Fn(E) -> Response<B> + Clone,
    {
        AnswerErrorsLayer::new(self, answer)
    }

    /// Makes the body of an answer of a text with a closure, such as `axum::body::Body::from`. The text is empty, but for
    /// [`debug`](Self::debug).
    pub fn text_body<F>(self, text: F) -> CorsLayer<R, TextBody<F>> {
        CorsLayer { shared: self.shared, body: TextBody(text) }
    }

    /// Makes the empty body of an answer with a closure, for response bodies that are not `Default`.
    pub fn empty_body<F>(self, empty: F) -> CorsLayer<R, EmptyBody<F>> {
        CorsLayer { shared: self.shared, body: EmptyBody(empty) }
    }

    /// Wraps the bodies of responses into a [`CorsBody`](super::CorsBody), for those that nobody can make, such as
    /// hyper's `Incoming`.
    pub fn wrap_body(self) -> CorsLayer<R, WrapBody> {
        CorsLayer { shared: self.shared, body: WrapBody }
    }

    fn shared_mut(&mut self) -> &mut Shared<R> {
        Arc::make_mut(&mut self.shared)
    }
}

impl<M> CorsLayer<Option<CompiledPolicy>, M> {
    /// Refuses a policy with a lint of this severity, or of a higher one.
    ///
    /// # Errors
    ///
    /// A violation for each such lint.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_cors::{CorsLayer, CorsPolicy, finding::Severity};
    ///
    /// let http = ["http://app.example"];
    /// let policy = CorsPolicy::new().allow_origins(http).allow_credentials(true);
    /// let violations = CorsLayer::new(policy)?.deny(Severity::Warning).unwrap_err();
    /// assert_eq!(
    ///     violations.to_string(),
    ///     "allowOrigins[0]: \"http://app.example\" lets whoever controls the network \
    ///      read with credentials, since http can be tampered with; use https",
    /// );
    /// # Ok::<_, tower_cors::Violations>(())
    /// ```
    pub fn deny(self, severity: Severity) -> Result<Self, Violations> {
        if let Some(policy) = &*self.shared.resolver {
            policy.deny(severity)?;
        }
        Ok(self)
    }
}

impl<M> CorsLayer<Option<CompiledPolicy>, M> {
    /// Also allows the origins for which an asynchronous `function` says yes, such as those in a database. The plain form
    /// is [`CorsPolicy::allow_origin_if`].
    ///
    /// It is asked with the parsed origin, at most once a request, and only where the policy does not allow it by itself;
    /// never about `null`, nor about what is no well-formed origin. Where the policy was merged under ceilings, they must
    /// permit the origin too. The future answers with a `bool`, or with a `Result` of one: an error counts as a no, and so
    /// does a panic; both are reported as [`Reason::FunctionFailed`](crate::Reason::FunctionFailed). The future borrows
    /// nothing from the origin: what it needs is read first, and owned. It has no time limit but its own.
    ///
    /// # Errors
    ///
    /// The policy allows `*`, which stands alone.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_cors::{CorsLayer, CorsPolicy};
    ///
    /// # async fn is_customer(_: String) -> Result<bool, std::io::Error> { Ok(true) }
    /// let policy = CorsPolicy::new().allow_origins(["https://app.example"]);
    /// let layer = CorsLayer::new(policy)?
    ///     .allow_origin_if_async(|origin| is_customer(origin.host().to_owned()))?;
    /// # Ok::<_, tower_cors::Violations>(())
    /// ```
    pub fn allow_origin_if_async<F, Fut>(
        self,
        function: F,
    ) -> Result<CorsLayer<Async<AllowOriginAsync<F>>, M>, Violations>
    where
        F: Fn(&Origin<'_>) -> Fut,
        Fut: Future<Output: Into<OriginAnswer>>,
    {
        let Shared { resolver, options, observers } = Arc::unwrap_or_clone(self.shared);
        let resolver = Arc::new(Async::new(AllowOriginAsync::new(Option::clone(&resolver), function)?));
        Ok(CorsLayer { shared: Arc::new(Shared { resolver, options, observers }), body: self.body })
    }
}

impl<S, R, M: Clone> Layer<S> for CorsLayer<R, M> {
    type Service = Cors<S, R, M>;

    fn layer(&self, inner: S) -> Self::Service {
        // A count for each service: requests to different routes then write to different ones.
        Cors::new(inner, Arc::new(Shared::clone(&self.shared)), self.body.clone())
    }
}

impl<R, M: Clone> Clone for CorsLayer<R, M> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), body: self.body.clone() }
    }
}
