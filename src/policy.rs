//! The policy as its author writes it: plain data in the shape of the Gateway API's `HTTPCORSFilter`.
//!
//! Nothing is checked here. [`CorsPolicy::compile`] turns a policy into a
//! [`CompiledPolicy`](crate::CompiledPolicy) or lists everything that is wrong with it, naming each place by a
//! [`FieldPath`]. The [rules](crate::guide::semantics) 2.1, 2.3, 2.19.

mod function;
pub(crate) mod list;
mod presets;
mod provenance;
mod rust;

use std::fmt::{self, Write as _};

#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

pub(crate) use function::OriginAnswers;
pub use function::{OriginAnswer, OriginFunction};
pub use presets::Preset;
pub use provenance::{Provenance, Source};
pub use rust::RustPolicy;

/// The max-age of a policy that sets none, in seconds, as the header has it (2.10): the Gateway API's default, and Fetch's.
pub(crate) const DEFAULT_MAX_AGE_TEXT: &str = "5";

/// The same as a number.
pub(crate) const DEFAULT_MAX_AGE: u64 = match u64::from_str_radix(DEFAULT_MAX_AGE_TEXT, 10) {
    Ok(seconds) => seconds,
    // It does not compile then.
    Err(_) => panic!("the default max-age is a number"),
};

/// A CORS policy: the six fields of the Gateway API's `HTTPCORSFilter`, each of them optional, and, in Rust alone, a
/// function that allows origins.
///
/// Absent, empty and `*` are three different things: an absent field is not set (and inherits when policies are
/// merged), an empty list is set to nothing, `*` stands for everything. The default policy allows nothing.
///
/// | field | permitted | refused |
/// |---|---|---|
/// | `allow_origins` | `*`; `https://app.example`, `http://localhost:3000`, `https://*.example`, `https://*`, `https://app.example:*`, `http://127.0.0.1`, `http://[::1]:8080`, `tauri://localhost`, `app://.` | `app.example` (no scheme), `https://app.example/login` (a path), `https://a.*.example`, `null`, `file://`, `https://bücher.example` (write Punycode), `*` beside other origins |
/// | `allow_methods` | `*`; `GET`, `PROPFIND`, any token; case matters | `GET,PUT` in one string, `*` beside other methods |
/// | `allow_headers`, `expose_headers` | `*`; `Content-Type`, any token | `X Id`, `*` beside other names |
/// | `allow_credentials` | `true`, `false` | `true` with `*` or `https://*` among the origins, unless [accepted loudly](crate::compile::Compiler::dangerously_allow_any_origin_with_credentials) |
/// | `max_age` | seconds; unset means 5 | |
///
/// With the feature `serde` it is read and written with the Gateway API's field names (`allowOrigins`, …), and an
/// unknown field is an error. It is also read with the names of the setters (`allow_origins`) and in lower case alone
/// (`alloworigins`), as crates for settings make them of environment variables; `examples/environment` is such a program.
///
/// # Examples
///
/// Chained setters take strings and the `http` crate's own types:
///
/// ```
/// use http::{Method, header};
/// use tower_cors::CorsPolicy;
///
/// let policy = CorsPolicy::new()
///     .allow_origins(["https://app.example", "https://*.preview.example"])
///     .allow_methods([Method::GET, Method::PUT])
///     .allow_headers([header::CONTENT_TYPE, header::AUTHORIZATION])
///     .allow_credentials(true)
///     .max_age(600);
/// ```
///
/// A struct literal does as well:
///
/// ```
/// use tower_cors::CorsPolicy;
///
/// let policy = CorsPolicy {
///     allow_origins: Some(vec!["https://app.example".into()]),
///     max_age: Some(600),
///     ..CorsPolicy::default()
/// };
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
// 2.1: the Gateway API's names, and no others.
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase", deny_unknown_fields, default))]
pub struct CorsPolicy {
    /// The origins whose scripts may read responses; `*` stands for any.
    #[cfg_attr(
        feature = "serde",
        serde(alias = "allow_origins", alias = "alloworigins", skip_serializing_if = "Option::is_none")
    )]
    pub allow_origins: Option<Vec<String>>,
    /// Whether scripts may send cookies, TLS client certificates and HTTP authentication, and read the answer.
    #[cfg_attr(
        feature = "serde",
        serde(alias = "allow_credentials", alias = "allowcredentials", skip_serializing_if = "Option::is_none")
    )]
    pub allow_credentials: Option<bool>,
    /// The methods that scripts may use beyond `GET`, `HEAD` and `POST`; `*` stands for any.
    #[cfg_attr(
        feature = "serde",
        serde(alias = "allow_methods", alias = "allowmethods", skip_serializing_if = "Option::is_none")
    )]
    pub allow_methods: Option<Vec<String>>,
    /// The request headers that scripts may set beyond the safelisted ones; `*` stands for any.
    #[cfg_attr(
        feature = "serde",
        serde(alias = "allow_headers", alias = "allowheaders", skip_serializing_if = "Option::is_none")
    )]
    pub allow_headers: Option<Vec<String>>,
    /// The response headers that scripts may read beyond the safelisted ones; `*` stands for any.
    #[cfg_attr(
        feature = "serde",
        serde(alias = "expose_headers", alias = "exposeheaders", skip_serializing_if = "Option::is_none")
    )]
    pub expose_headers: Option<Vec<String>>,
    /// How long a browser may remember the answer to a preflight, in seconds; unset means 5.
    #[cfg_attr(feature = "serde", serde(alias = "max_age", alias = "maxage", skip_serializing_if = "Option::is_none"))]
    pub max_age: Option<u64>,
}

impl CorsPolicy {
    /// The policy that sets nothing, and so allows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything but credentials: any origin, any method, any header, and every response header exposed. For development
    /// and for public APIs.
    #[doc(alias = "very_permissive")]
    pub fn permissive() -> Self {
        Self::new().allow_origins("*").allow_methods(["*"]).allow_headers(["*"]).expose_headers(["*"])
    }

    /// Replaces the allowed origins: by one, or by a list. See [`CorsPolicy`] for what may be written.
    ///
    /// A list from an environment variable goes through [`split_list`].
    #[doc(alias = "allow_origin")]
    #[doc(alias = "AllowOrigin")]
    #[doc(alias = "mirror_request")]
    pub fn allow_origins<K: ?Sized>(mut self, origins: impl IntoOrigins<K>) -> Self {
        self.allow_origins = Some(origins.into_origins());
        self
    }

    /// Adds to the allowed origins.
    pub fn extend_allow_origins<K: ?Sized>(mut self, origins: impl IntoOrigins<K>) -> Self {
        self.allow_origins.get_or_insert_default().extend(origins.into_origins());
        self
    }

    /// Sets whether credentials are allowed.
    pub fn allow_credentials(mut self, allow: bool) -> Self {
        self.allow_credentials = Some(allow);
        self
    }

    /// Replaces the allowed methods, given as strings or [`http::Method`]s.
    pub fn allow_methods<I>(mut self, methods: I) -> Self
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        self.allow_methods = Some(owned(methods));
        self
    }

    /// Adds to the allowed methods.
    pub fn extend_allow_methods<I>(mut self, methods: I) -> Self
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        self.allow_methods.get_or_insert_default().extend(owned(methods));
        self
    }

    /// Replaces the allowed request headers, given as strings or [`http::HeaderName`]s.
    pub fn allow_headers<I>(mut self, names: I) -> Self
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        self.allow_headers = Some(owned(names));
        self
    }

    /// Adds to the allowed request headers.
    pub fn extend_allow_headers<I>(mut self, names: I) -> Self
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        self.allow_headers.get_or_insert_default().extend(owned(names));
        self
    }

    /// Replaces the exposed response headers, given as strings or [`http::HeaderName`]s.
    pub fn expose_headers<I>(mut self, names: I) -> Self
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        self.expose_headers = Some(owned(names));
        self
    }

    /// Adds to the exposed response headers.
    pub fn extend_expose_headers<I>(mut self, names: I) -> Self
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        self.expose_headers.get_or_insert_default().extend(owned(names));
        self
    }

    /// Sets how long browsers may remember the answer to a preflight, in seconds. The header has no parts of a second, so
    /// this takes none: of a `Duration` write `as_secs()`.
    pub fn max_age(mut self, seconds: u64) -> Self {
        self.max_age = Some(seconds);
        self
    }
}

/// One origin, or a list of them: whatever is a string, and whatever iterates over strings. `K` tells the two apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither an origin nor a list of origins",
    note = "write a string such as \"https://app.example\", or an array, a `Vec` or an iterator of strings"
)]
pub trait IntoOrigins<K: ?Sized> {
    /// The origins, as they were written.
    fn into_origins(self) -> Vec<String>;
}

impl<T: AsRef<str>> IntoOrigins<str> for T {
    fn into_origins(self) -> Vec<String> {
        vec![self.as_ref().to_owned()]
    }
}

impl<I: IntoIterator<Item: AsRef<str>>> IntoOrigins<[String]> for I {
    fn into_origins(self) -> Vec<String> {
        owned(self)
    }
}

fn owned<I: IntoIterator<Item: AsRef<str>>>(items: I) -> Vec<String> {
    items.into_iter().map(|item| item.as_ref().to_owned()).collect()
}

/// Splits a comma-separated list, as people keep one in an environment variable, into its trimmed elements.
///
/// Empty elements are dropped; nothing else is checked, since compiling the policy does that.
///
/// # Examples
///
/// ```
/// use tower_cors::{CorsPolicy, policy::split_list};
///
/// let variable = "https://app.example, https://admin.example,";
/// let policy = CorsPolicy::new().allow_origins(split_list(variable));
/// assert_eq!(
///     policy.allow_origins.unwrap(),
///     ["https://app.example", "https://admin.example"]
/// );
/// ```
pub fn split_list(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|element| !element.is_empty())
}

/// One of the six fields of a [`CorsPolicy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PolicyField {
    /// [`CorsPolicy::allow_origins`]
    AllowOrigins,
    /// [`CorsPolicy::allow_credentials`]
    AllowCredentials,
    /// [`CorsPolicy::allow_methods`]
    AllowMethods,
    /// [`CorsPolicy::allow_headers`]
    AllowHeaders,
    /// [`CorsPolicy::expose_headers`]
    ExposeHeaders,
    /// [`CorsPolicy::max_age`]
    MaxAge,
}

impl PolicyField {
    /// Every field, in the order in which the Gateway API declares them.
    pub const ALL: [Self; 6] = [
        Self::AllowOrigins,
        Self::AllowCredentials,
        Self::AllowMethods,
        Self::AllowHeaders,
        Self::ExposeHeaders,
        Self::MaxAge,
    ];

    /// The Gateway API's name of the field, such as `allowOrigins`.
    pub fn name(self) -> &'static str {
        match self {
            Self::AllowOrigins => "allowOrigins",
            Self::AllowCredentials => "allowCredentials",
            Self::AllowMethods => "allowMethods",
            Self::AllowHeaders => "allowHeaders",
            Self::ExposeHeaders => "exposeHeaders",
            Self::MaxAge => "maxAge",
        }
    }
}

impl fmt::Display for PolicyField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The path of a field, such as `spec.rules[0].filters[0].cors.allowOrigins[2]`.
///
/// A policy built in Rust starts at the empty path, so its third origin is `allowOrigins[2]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldPath(String);

impl FieldPath {
    /// The empty path, which stands for the policy itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// The path of the field `name` below this one.
    #[must_use]
    #[inline(never)]
    pub fn field(&self, name: impl fmt::Display) -> Self {
        let dot = if self.0.is_empty() { "" } else { "." };
        self.followed_by(dot, format_args!("{name}"))
    }

    /// The path of the element `index` (from 0) of the list at this path.
    #[must_use]
    #[inline(never)]
    pub fn index(&self, index: usize) -> Self {
        self.followed_by("[", format_args!("{index}]"))
    }

    fn followed_by(&self, separator: &str, part: fmt::Arguments<'_>) -> Self {
        // With room for most names: manifests have a path for each of their fields.
        let mut path = String::with_capacity(self.0.len() + 24);
        path.push_str(&self.0);
        path.push_str(separator);
        // A `String` takes all that is written to it.
        _ = path.write_fmt(part);
        Self(path)
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for FieldPath {
    fn from(path: &str) -> Self {
        Self(path.to_owned())
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
