//! Kubernetes manifests: YAML with Gateways, HTTPRoutes and traffic policies into a route table. In: files or texts. Out:
//! [`LoadedRoutes`], or everything that is wrong, each with its field path and its place in the file.
//! The [rules](crate::guide::semantics) 2.1, 2.2, 2.12, 2.13, 7.1, 7.2, 7.6, 7.7, 8.4.
//!
//! # Examples
//!
//! ```
//! use tower_cors::{CorsLayer, manifest::Manifests};
//!
//! let yaml = "
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: HTTPRoute
//! metadata: {name: api}
//! spec:
//!   hostnames: [api.example]
//!   rules:
//!   - filters:
//!     - type: CORS
//!       cors:
//!         allowOrigins: [https://app.example]
//!         maxAge: 600
//! ";
//! let routes = Manifests::new().read("api.yaml", yaml).build()?;
//! assert!(routes.lints().is_empty());
//! let layer = CorsLayer::with_resolver(routes.into_table());
//!
//! let yaml = yaml.replace("600", "10m");
//! let errors = Manifests::new().read("api.yaml", &yaml).build().unwrap_err();
//! let expected = "api.yaml:12:17: spec.rules[0].filters[0].cors.maxAge: \
//!     \"10m\" is not a whole number of seconds; did you mean 600?";
//! assert_eq!(errors.to_string(), expected);
//! // The alternate form adds the line.
//! let line = "12 |         maxAge: 10m\n   |                 ^";
//! assert_eq!(format!("{errors:#}"), format!("{expected}\n{line}"));
//! # Ok::<_, tower_cors::manifest::ManifestErrors>(())
//! ```

mod attachment;
mod error;
mod finding;
mod manifests;
mod objects;
pub(crate) mod reader;
mod store;
mod value;

pub use attachment::{Change, Condition, LoadedRoutes, ObjectStatus, StatusEntry, StatusReference};
pub(crate) use attachment::{InEffect, Stacks};
pub use error::{ManifestError, ManifestErrors, ObjectError};
pub use finding::{Excerpt, Lint, LintKind, Located, Position, Violation, ViolationKind};
pub use manifests::Manifests;
pub(crate) use manifests::{read_file, read_other};
pub use objects::BackendRef;
pub(crate) use objects::suggest_field_name;
pub use store::ObjectStore;
