//! The other side of the protocol: what the [Fetch standard](https://fetch.spec.whatwg.org/) makes a browser do with a
//! script's request to another origin ([rule 9.1](crate::guide::semantics)). In: the request, and the answers it got. Out:
//! whether it needs a preflight, what the preflight announces, and whether the script may read the response.
//!
//! The module is pure and knows no policy, so it judges this crate's answers and anybody else's alike. It has no
//! preflight cache and follows no redirect, and takes the request to be cross-origin and made by a script: Fetch's
//! forbidden methods and forbidden request headers never get this far. It follows Fetch where a browser does not:
//! Chromium lets `Access-Control-Allow-Headers: *` cover `Authorization`, Fetch wants that name spelled out.
//!
//! # Examples
//!
//! ```
//! use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
//! use tower_cors::browser::{Credentials, ScriptRequest};
//!
//! let request =
//!     ScriptRequest::new(HeaderValue::from_static("https://app.example"), Method::PUT)
//!         .credentials(Credentials::Include)
//!         .header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
//! assert!(request.needs_preflight());
//!
//! // The server's answer to the preflight, then to the request itself.
//! let mut headers = HeaderMap::new();
//! headers.insert(
//!     header::ACCESS_CONTROL_ALLOW_ORIGIN,
//!     HeaderValue::from_static("https://app.example"),
//! );
//! headers
//!     .insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
//! headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("PUT"));
//! let blocked = request.check_preflight(StatusCode::OK, &headers).unwrap_err();
//! assert_eq!(
//!     blocked.to_string(),
//!     "CORS-preflight fetch: the header content-type is not allowed"
//! );
//!
//! headers.insert(
//!     header::ACCESS_CONTROL_ALLOW_HEADERS,
//!     HeaderValue::from_static("Content-Type"),
//! );
//! request.check_preflight(StatusCode::OK, &headers)?;
//! headers.insert(header::ETAG, HeaderValue::from_static("\"1\""));
//! let readable = request.check_response(&headers)?;
//! assert!(!readable.shows(&header::ETAG), "no Access-Control-Expose-Headers names it");
//! # Ok::<_, tower_cors::browser::Blocked>(())
//! ```

mod blocked;
mod check;
mod request;

pub use blocked::{Blocked, CorsCheckFailure, PreflightFailure};
pub use check::Readable;
pub use request::{Credentials, ScriptRequest, unsafe_request_header_names};
