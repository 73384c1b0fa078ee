//! What needs the types of the crate [`gateway_api`](https://docs.rs/gateway-api): its CORS filters as policies. In: a
//! filter of an `HTTPRoute`, of a rule or of a backend. Out: the policy, or the violation in it. The
//! [rules](crate::guide::semantics) 2.1, 2.12.
//!
//! Behind the feature `gateway-api`, for version 0.22 of that crate, which needs Rust 1.92; with the feature
//! `gateway-api-experimental` also for the filters of the Gateway API's experimental channel. The application chooses a
//! version of Kubernetes by a feature of [`k8s-openapi`](https://docs.rs/k8s-openapi) 0.28, such as `latest`, as for
//! everything that is built on it; the feature `k8s-openapi-latest` of this crate does so for one that does not care.
//!
//! # Examples
//!
//! ```
//! use gateway_api::httproutes::{HttpRouteRulesFilters, HttpRouteRulesFiltersCors};
//! use tower_cors::{CorsPolicy, Profile, compile::Compiler};
//!
//! # let filters = vec![HttpRouteRulesFilters {
//! #     cors: Some(HttpRouteRulesFiltersCors {
//! #         allow_origins: Some(vec!["https://app.example".into()]),
//! #         ..Default::default()
//! #     }),
//! #     ..Default::default()
//! # }];
//! // The Gateway API permits more than the default profile does, and sets limits of its own.
//! let compiler = Compiler::new().profile(Profile::GatewayApi).crd_limits();
//! for (at, filter) in filters.iter().enumerate() {
//!     if let Some(cors) = &filter.cors {
//!         let path = format!("spec.rules[0].filters[{at}].cors");
//!         let compiler = compiler.clone().at(path.as_str().into());
//!         let policy = compiler.compile(CorsPolicy::try_from(cors)?)?;
//!         assert!(policy.allows_origin("https://app.example"));
//!     }
//! }
//! # Ok::<_, tower_cors::Violations>(())
//! ```

use ::gateway_api::httproutes;

use crate::{
    finding::{Violation, ViolationKind, Violations},
    policy::{CorsPolicy, FieldPath, PolicyField},
};

/// The types have the same fields and no trait in common.
macro_rules! policy_of_filter {
    ($(#[$attribute:meta])* $filter:path) => {
        $(#[$attribute])*
        /// Field by field, each absent where it is absent in the filter. What the fields hold is judged when the policy is
        /// compiled.
        impl TryFrom<&$filter> for CorsPolicy {
            /// `maxAge` is negative, which no policy can express.
            type Error = Violations;

            fn try_from(filter: &$filter) -> Result<Self, Violations> {
                Ok(Self {
                    allow_origins: filter.allow_origins.clone(),
                    allow_credentials: filter.allow_credentials,
                    allow_methods: filter.allow_methods.clone(),
                    allow_headers: filter.allow_headers.clone(),
                    expose_headers: filter.expose_headers.clone(),
                    max_age: filter.max_age.map(seconds).transpose()?,
                })
            }
        }
    };
}

policy_of_filter!(httproutes::HttpRouteRulesFiltersCors);
policy_of_filter!(httproutes::HttpRouteRulesBackendRefsFiltersCors);
policy_of_filter!(
    #[cfg(feature = "gateway-api-experimental")]
    ::gateway_api::experimental::httproutes::HttpRouteRulesFiltersCors
);
policy_of_filter!(
    #[cfg(feature = "gateway-api-experimental")]
    ::gateway_api::experimental::httproutes::HttpRouteRulesBackendRefsFiltersCors
);

/// The crate's type has a sign, which the CRD's range (2.12) rules out.
fn seconds(age: i32) -> Result<u64, Violations> {
    u64::try_from(age).map_err(|_| {
        let path = FieldPath::root().field(PolicyField::MaxAge);
        Violation::new(path, ViolationKind::MaxAgeRange).with_value(age.to_string()).into()
    })
}
