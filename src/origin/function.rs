//! Functions over parsed origins, as a policy takes them. In: a closure over an [`Origin`]. Out: the policy that asks it,
//! for well-formed origins alone. Rule 2.19.

use super::Origin;
use crate::policy::{CorsPolicy, OriginAnswer, OriginFunction, RustPolicy};

impl CorsPolicy {
    /// Also allows the origins for which `function` says yes: a rule that no pattern can say.
    ///
    /// It is asked with the parsed origin, at most once a request, and only where no entry of
    /// [`allow_origins`](Self::allow_origins) allows it. It is never asked about `null`, nor about what is no well-formed
    /// origin. It answers with a `bool`, or with a `Result` of one: an error counts as a no, and so does a panic; both
    /// are reported as [`Reason::FunctionFailed`](crate::Reason::FunctionFailed). A yes is answered as a listed origin is,
    /// with the origin echoed. A policy with a function has no `*` among its origins.
    ///
    /// What it gives is no longer plain data, and is taken wherever a policy is. A function that is given later is asked where the earlier ones say no. For one that must wait, see
    /// [`CorsLayer::allow_origin_if_async`](crate::CorsLayer::allow_origin_if_async). It runs on the path of every
    /// cross-origin request, so it must not block. It is not part of a serialised policy.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_cors::{CorsPolicy, origin::Origin};
    ///
    /// let policy = CorsPolicy::new()
    ///     .allow_origins(["https://app.example"])
    ///     .allow_origin_if(|origin: &Origin<'_>| origin.scheme() == "moz-extension")
    ///     .compile()?;
    /// assert!(policy.allows_origin("moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc"));
    /// assert!(!policy.allows_origin("https://other.example"));
    /// # Ok::<_, tower_cors::Violations>(())
    /// ```
    #[must_use]
    pub fn allow_origin_if<F, A>(self, function: F) -> RustPolicy
    where
        F: Fn(&Origin<'_>) -> A + Send + Sync + 'static,
        A: Into<OriginAnswer>,
    {
        RustPolicy::from(self).allow_origin_if(function)
    }
}

impl RustPolicy {
    /// Adds a function, which is asked where the earlier ones say no. See [`CorsPolicy::allow_origin_if`].
    #[must_use]
    pub fn allow_origin_if<F, A>(mut self, function: F) -> Self
    where
        F: Fn(&Origin<'_>) -> A + Send + Sync + 'static,
        A: Into<OriginAnswer>,
    {
        let function = OriginFunction::new(move |origin| {
            Origin::parse(origin).map_or(OriginAnswer::No, |origin| function(&origin).into())
        });
        self.allow_origin_if = OriginFunction::any(self.allow_origin_if.take().into_iter().chain([function]));
        self
    }
}
