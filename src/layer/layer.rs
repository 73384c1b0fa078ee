//! [`CorsLayer`]: a resolver and the settings that the Gateway API does not have, ready to wrap services.

use std::{fmt, marker::PhantomData, sync::Arc};

use http::Response;
use tower_layer::Layer;

use super::{
    AnswerErrorsLayer, Cors, Event,
    body::{DefaultBody, WrapBody},
    observe::Observers,
    shared::Shared,
    warning::Lints,
};
use crate::{
    compile::CompiledPolicy,
    decision::{InnerHeaders, Options, PreflightStatus, UnmatchedPreflight},
    finding::{Lint, Severity, Violations},
    origin::Origin,
    policy::{CorsPolicy, OriginAnswer, RustPolicy},
    request::CorsRequest,
    resolver::{AllowOriginAsync, Async, AsyncPolicyResolver, BoxAsyncResolver, BoxResolver, PolicyResolver},
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
/// `R` picks the policy of a request, and `M` says where the bodies of answers come from. Neither has to be written where
/// the layer has one policy; [`resolver`](crate::resolver) names the type of every other layer.
///
/// # Examples
///
/// ```
/// use tower::ServiceBuilder;
/// use tower_cors::{CorsLayer, CorsPolicy};
///
/// let cors = CorsLayer::new(CorsPolicy::new().allow_origins("https://app.example"))?;
/// let service =
///     ServiceBuilder::new().layer(cors).service_fn(async |_: http::Request<String>| {
///         Ok::<_, std::io::Error>(http::Response::new(String::from("hello")))
///     });
/// # Ok::<_, tower_cors::Violations>(())
/// ```
#[doc(alias = "allow_origin")]
#[doc(alias = "AllowOrigin")]
pub struct CorsLayer<R = Option<CompiledPolicy>, M = DefaultBody> {
    /// What each service gets a copy of. Routers clone a layer for each route, so a clone shares all of it.
    shared: Arc<Shared<R>>,
    /// The observers again, to be added to; `shared` has them without their type.
    observers: Option<Arc<Observers>>,
    /// Reported when the first service is made.
    lints: Option<Arc<Lints>>,
    body: PhantomData<fn() -> M>,
}

impl CorsLayer {
    /// A layer with one policy for every request, compiled under [`Profile::Strict`](crate::Profile::Strict).
    ///
    /// # Errors
    ///
    /// Every violation of the policy at once.
    pub fn new(policy: impl Into<RustPolicy>) -> Result<Self, Violations> {
        policy.into().compile().map(Self::from)
    }

    /// A layer that does nothing, for servers that choose at run time: requests pass untouched, preflights included.
    pub fn disabled() -> Self {
        let mut layer = Self::with_resolver(None);
        layer.shared_mut().is_disabled = true;
        layer
    }

    /// A layer for development and for public APIs: every origin, method and header is allowed, every response header is
    /// exposed, and credentials are not allowed. It is [`CorsPolicy::permissive`].
    ///
    /// There is no such layer with credentials: it would let every site act as its visitors. List the origins instead.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use tower_cors::CorsLayer;
    ///
    /// let app: Router =
    ///     Router::new().route("/", get(async || "hello")).layer(CorsLayer::permissive());
    /// ```
    #[doc(alias = "very_permissive")]
    #[doc(alias = "mirror_request")]
    pub fn permissive() -> Self {
        let policy = CorsPolicy::permissive().compile();
        Self::with_resolver(policy.ok())
    }
}

impl From<CompiledPolicy> for CorsLayer {
    fn from(policy: CompiledPolicy) -> Self {
        let lints = Lints::of(&policy).map(Arc::new);
        Self { lints, ..Self::with_resolver(Some(policy)) }
    }
}

impl<R: PolicyResolver> CorsLayer<R> {
    /// A layer whose policy depends on the request.
    pub fn with_resolver(resolver: R) -> Self {
        Self::of(Shared::new(resolver))
    }
}

impl<R: AsyncPolicyResolver> CorsLayer<Async<R>> {
    /// A layer that waits for the policy of each request. See [`AsyncPolicyResolver`].
    ///
    /// The services it wraps are cloned for each request.
    pub fn with_async_resolver(resolver: R) -> Self {
        Self::of(Shared::new(Async::new(resolver)))
    }
}

impl<R> CorsLayer<R> {
    fn of(shared: Shared<R>) -> Self {
        Self { shared: Arc::new(shared), observers: None, lints: None, body: PhantomData }
    }
}

impl<R: PolicyResolver + Send + Sync + 'static, M> CorsLayer<R, M> {
    /// The same layer with a type that can be written, whatever its resolver is: a closure's has no name. Requests share
    /// the policies that the resolver lends.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::LazyLock;
    /// use tower_cors::{CorsLayer, CorsPolicy, request::CorsRequest, resolver::BoxResolver};
    ///
    /// static CORS: LazyLock<CorsLayer<BoxResolver>> = LazyLock::new(|| {
    ///     let open = CorsPolicy::permissive().compile().ok();
    ///     CorsLayer::with_resolver(move |request: &CorsRequest<'_>| {
    ///         let path = request.uri().map_or("", |uri| uri.path());
    ///         open.clone().filter(|_| path.starts_with("/public/"))
    ///     })
    ///     .boxed()
    /// });
    /// ```
    pub fn boxed(self) -> CorsLayer<BoxResolver, M> {
        let resolver = BoxResolver::new(Arc::clone(&self.shared.resolver));
        self.replace_resolver(resolver)
    }
}

impl<R, M> CorsLayer<Async<R>, M>
where
    R: AsyncPolicyResolver<Future: Send + 'static> + Send + Sync + 'static,
{
    /// The same layer with a type that can be written, whatever its resolver is. The future of each request is boxed.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_cors::{
    ///     CompiledPolicy, CorsLayer,
    ///     resolver::{Async, BoxAsyncResolver, resolve_async},
    /// };
    ///
    /// # async fn find_policy(_: String) -> Result<CompiledPolicy, std::io::Error> { Err(std::io::ErrorKind::NotFound.into()) }
    /// fn cors() -> CorsLayer<Async<BoxAsyncResolver>> {
    ///     CorsLayer::with_async_resolver(resolve_async(|request| {
    ///         let tenant = request.authority().unwrap_or_default().to_owned();
    ///         find_policy(tenant)
    ///     }))
    ///     .boxed()
    /// }
    /// ```
    pub fn boxed(self) -> CorsLayer<Async<BoxAsyncResolver>, M> {
        let resolver = Async::new(BoxAsyncResolver::new(Arc::clone(&self.shared.resolver)));
        self.replace_resolver(resolver)
    }
}

/// The settings that the Gateway API does not have, as [`Options`] explains them.
impl<R, M> CorsLayer<R, M> {
    /// Sets all of them at once.
    pub fn options(self, options: Options) -> Self {
        self.change_options(|_| options)
    }

    /// See [`Options::preflight_status`].
    pub fn preflight_status(self, status: PreflightStatus) -> Self {
        self.change_options(|options| options.preflight_status(status))
    }

    /// See [`Options::unmatched_preflight`].
    pub fn unmatched_preflight(self, unmatched: UnmatchedPreflight) -> Self {
        self.change_options(|options| options.unmatched_preflight(unmatched))
    }

    /// See [`Options::inner_headers`].
    pub fn inner_headers(self, inner: InnerHeaders) -> Self {
        self.change_options(|options| options.inner_headers(inner))
    }

    /// See [`Options::enforce`].
    pub fn enforce(self, enforce: bool) -> Self {
        self.change_options(|options| options.enforce(enforce))
    }

    /// See [`Options::guard_websocket_upgrades`].
    pub fn guard_websocket_upgrades(self, guard: bool) -> Self {
        self.change_options(|options| options.guard_websocket_upgrades(guard))
    }

    /// See [`Options::allow_private_network`].
    pub fn allow_private_network(self, allow: bool) -> Self {
        self.change_options(|options| options.allow_private_network(allow))
    }
}

/// Who observes the decisions.
impl<R, M> CorsLayer<R, M> {
    /// Calls `hook` with each decision, for metrics; see [`Event`] for what makes a label.
    ///
    /// It is called before the inner service is, once a request; and a second time, with
    /// [`Outcome::AlreadyDecided`](crate::decision::Outcome::AlreadyDecided), for a response that a CORS layer nearer to
    /// the handler turns out to have decided, and for a preflight where such a layer is known: a router that clones its
    /// routes shows it. A hook given later takes the place of this one.
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
    pub fn on_decision(self, hook: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.change_observers(|observers| observers.hook = Some(Arc::new(hook)))
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
        self,
        label: impl for<'a> Fn(&CorsRequest<'a>) -> Option<&'a str> + Send + Sync + 'static,
    ) -> Self {
        self.change_observers(|observers| observers.label = Some(Arc::new(label)))
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
    pub fn shadow(self, shadow: impl PolicyResolver + Send + Sync + 'static) -> Self {
        self.change_observers(|observers| observers.shadow = Some(Arc::new(shadow)))
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
    pub fn record_decision(self, record: bool) -> Self {
        self.change_observers(|observers| observers.record = record)
    }

    /// Says in the answer to a preflight why a browser will block it, and what would allow it: in a header
    /// `tower-cors-debug`, and after [`wrap_body`](Self::wrap_body) in a plain-text body. So does the 403 of a guard. Off by
    /// default.
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
    ///     .debug(cfg!(debug_assertions));
    /// # Ok::<_, tower_cors::Violations>(())
    /// ```
    pub fn debug(self, debug: bool) -> Self {
        self.change_observers(|observers| observers.debug = debug)
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

    /// Wraps the bodies of responses into a [`CorsBody`](super::CorsBody), for bodies that are not `Default` (those of
    /// tower-http's `TraceLayer`, hyper's `Incoming`), and for a text in the answers of [`debug`](Self::debug).
    ///
    /// It is not the default, since axum puts every body that is not its own into a box: an allocation for each response.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower::ServiceBuilder;
    /// use tower_cors::{CorsLayer, CorsPolicy};
    /// use tower_http::trace::TraceLayer;
    ///
    /// let cors = CorsLayer::new(CorsPolicy::new().allow_origins("https://app.example"))?;
    /// let service = ServiceBuilder::new()
    ///     .layer(cors.wrap_body())
    ///     .layer(TraceLayer::new_for_http())
    ///     .service_fn(async |_: http::Request<String>| {
    ///         Ok::<_, std::io::Error>(http::Response::new(String::from("hello")))
    ///     });
    /// # fn is_service<S: tower::Service<http::Request<String>>>(_: S) {}
    /// # is_service(service);
    /// # Ok::<_, tower_cors::Violations>(())
    /// ```
    pub fn wrap_body(self) -> CorsLayer<R, WrapBody> {
        let Self { shared, observers, lints, .. } = self;
        CorsLayer { shared, observers, lints, body: PhantomData }
    }

    /// Whether the layer warns of lints when it makes its first service, and of another CORS layer within when it answers
    /// the first preflight: with the feature `tracing` as warnings of the target `tower_cors`, without it as lines on standard error, in debug
    /// builds alone. On by default.
    pub fn warnings(mut self, warn: bool) -> Self {
        self.shared_mut().warns = warn;
        self
    }
}

impl<R, M> CorsLayer<R, M> {
    fn shared_mut(&mut self) -> &mut Shared<R> {
        Arc::make_mut(&mut self.shared)
    }

    fn change_options(mut self, change: impl FnOnce(Options) -> Options) -> Self {
        let shared = self.shared_mut();
        shared.options = change(shared.options);
        self
    }

    fn change_observers(mut self, change: impl FnOnce(&mut Observers)) -> Self {
        let mut observers = self.observers.as_deref().cloned().unwrap_or_default();
        change(&mut observers);
        let observers = Arc::new(observers);
        self.shared_mut().observer = Some(Arc::clone(&observers) as _);
        self.observers = Some(observers);
        self
    }

    fn replace_resolver<T>(self, resolver: T) -> CorsLayer<T, M> {
        let shared = Arc::new(self.shared.with_resolver(Arc::new(resolver)));
        CorsLayer { shared, observers: self.observers, lints: self.lints, body: self.body }
    }
}

impl<M> CorsLayer<Option<CompiledPolicy>, M> {
    /// What the policy allows and probably does not mean. See [`warnings`](Self::warnings) for who is told of it.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_cors::{CorsLayer, CorsPolicy};
    ///
    /// let policy = CorsPolicy::new().allow_origins("https://app.example").allow_methods(["put"]);
    /// let cors = CorsLayer::new(policy)?;
    /// assert_eq!(cors.lints()[0].code(), "lowercase-method");
    /// # Ok::<_, tower_cors::Violations>(())
    /// ```
    pub fn lints(&self) -> &[Lint] {
        self.shared.resolver.as_ref().as_ref().map_or(&[], CompiledPolicy::lints)
    }

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
        let policy = Option::clone(&self.shared.resolver);
        let resolver = Async::new(AllowOriginAsync::new(policy, function)?);
        Ok(self.replace_resolver(resolver))
    }
}

impl<S, R, M> Layer<S> for CorsLayer<R, M> {
    type Service = Cors<S, R, M>;

    fn layer(&self, inner: S) -> Self::Service {
        if let Some(lints) = self.lints.as_ref().filter(|_| self.shared.warns) {
            lints.report();
        }
        // A count for each service: requests to different routes then write to different ones.
        Cors::new(inner, Arc::new(Shared::clone(&self.shared)))
    }
}

impl<R, M> Clone for CorsLayer<R, M> {
    fn clone(&self) -> Self {
        let Self { shared, observers, lints, body } = self;
        Self { shared: Arc::clone(shared), observers: observers.clone(), lints: lints.clone(), body: *body }
    }
}

impl<R: fmt::Debug, M> fmt::Debug for CorsLayer<R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CorsLayer")
            .field("resolver", &self.shared.resolver)
            .field("options", &self.shared.options)
            .field("observers", &self.observers)
            .finish_non_exhaustive()
    }
}
