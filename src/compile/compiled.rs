//! A policy after compilation: the matcher, every header value, the lints, and the policy it was made of.
//! Rules 2.15, 3.6, 3.7.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use super::{
    Profile,
    check::Checked,
    values::{Expose, Values, ValuesByThread},
};
use crate::{
    finding::{Lint, Severity, Violations},
    headers,
    origin::{Origin, OriginSet},
    policy::{CorsPolicy, OriginFunction, Provenance, RustPolicy, list::is_any},
};

/// A valid policy with everything precomputed that a request will need.
///
/// Cloning one shares it. It comes from [`CorsPolicy::compile`] or a [`Compiler`](super::Compiler).
#[derive(Clone)]
pub struct CompiledPolicy(pub(super) Arc<Compiled>);

pub(super) struct Compiled {
    origins: Origins,
    credentialed: bool,
    /// Arranged when the first name is looked up: the layer itself leaves that to the browser.
    allowed_headers: OnceLock<AllowedHeaders>,
    /// Whether any response header is exposed; most policies need not look at their values to know that none is.
    exposes: bool,
    values: ValuesByThread,
    /// Shared with whoever had it compiled: the objects of a cluster are kept beside the policies that are made of them.
    pub(super) policy: Arc<RustPolicy>,
    profile: Profile,
    lints: Box<[Lint]>,
    provenance: Option<Provenance>,
    /// The origins that the ceilings of a merged policy permit: bounds for a function that a layer adds (2.19).
    pub(super) bounds: Vec<OriginFunction>,
}

enum Origins {
    /// `*`
    Any,
    Listed(OriginSet),
}

/// What `allowHeaders` allows, ready for look-ups in any number (8.2).
enum AllowedHeaders {
    /// `*`
    Any,
    /// In lower case, sorted: a hash table would take 100 bytes for one name.
    Listed(Box<[Box<str>]>),
}

impl AllowedHeaders {
    fn of(policy: &CorsPolicy) -> Self {
        let names = policy.allow_headers.as_deref().unwrap_or_default();
        match names.iter().any(|name| name == "*") {
            true => Self::Any,
            false => {
                let mut listed: Vec<Box<str>> = names.iter().map(|name| name.to_ascii_lowercase().into()).collect();
                listed.sort_unstable();
                listed.dedup();
                Self::Listed(listed.into())
            }
        }
    }
}

/// The longest origin that a credentialed `*` or a function reflects, in bytes: a host of 253, a port, and a scheme beyond any in use.
pub(super) const MAX_REFLECTED: usize = 512;

impl CompiledPolicy {
    pub(super) fn new(
        policy: Arc<RustPolicy>,
        profile: Profile,
        checked: Checked,
        provenance: Option<Provenance>,
        bounds: Vec<OriginFunction>,
    ) -> Self {
        let credentialed = policy.allow_credentials == Some(true);
        Self(Arc::new(Compiled {
            origins: if checked.any_origin { Origins::Any } else { Origins::Listed(checked.origins) },
            credentialed,
            allowed_headers: OnceLock::new(),
            exposes: policy.expose_headers.as_ref().is_some_and(|names| !names.is_empty()),
            values: ValuesByThread::new(),
            policy,
            profile,
            lints: checked.lints.into(),
            provenance,
            bounds,
        }))
    }

    /// The policy that this one was compiled from (2.15).
    pub fn policy(&self) -> &CorsPolicy {
        &self.0.policy
    }

    /// The same with the function that allows further origins, where there is one (2.19): what this one is compiled from anew.
    pub fn rust_policy(&self) -> &RustPolicy {
        &self.0.policy
    }

    pub(crate) fn origin_function(&self) -> Option<&OriginFunction> {
        self.0.policy.function()
    }

    /// The profile that the policy was validated under.
    pub fn profile(&self) -> Profile {
        self.0.profile
    }

    /// What is allowed but probably not meant, in the order of the fields.
    pub fn lints(&self) -> &[Lint] {
        &self.0.lints
    }

    /// Refuses the policy for its lints of this severity, or of a higher one.
    ///
    /// # Errors
    ///
    /// A violation of the kind [`ViolationKind::DeniedLint`](crate::finding::ViolationKind::DeniedLint) for each such lint.
    pub fn deny(&self, severity: Severity) -> Result<(), Violations> {
        Violations::of_lints(self.lints(), severity)
    }

    /// Which settings the fields came from (7.11), where the policy was merged from several.
    pub fn provenance(&self) -> Option<&Provenance> {
        self.0.provenance.as_ref()
    }

    /// Whether the policy is open: any origin, no credentials, so that the answer is the same for everybody.
    #[inline]
    pub fn is_open(&self) -> bool {
        matches!(self.0.origins, Origins::Any) && !self.0.credentialed
    }

    /// Whether the policy allows credentials.
    #[inline]
    pub fn is_credentialed(&self) -> bool {
        self.0.credentialed
    }

    /// Whether the policy lists an origin, or allows any.
    #[inline]
    pub(crate) fn lists_origin(&self, origin: &[u8]) -> bool {
        match &self.0.origins {
            // 3.6, 3.7: with credentials only well-formed origins are reflected.
            // A scheme has no limit of its own, and what is reflected must not grow with what an attacker sends.
            Origins::Any => !self.0.credentialed || (origin.len() <= MAX_REFLECTED && Origin::parse(origin).is_some()),
            Origins::Listed(set) => {
                set.find(self.0.policy.allow_origins.as_deref().unwrap_or_default(), origin).is_some()
            }
        }
    }

    /// Whether the policy lets a script use a method: one of `GET`, `HEAD` and `POST`, or one that it allows. Methods
    /// are compared with their case. A method that is literally `*` is never allowed (9.3).
    pub fn allows_method(&self, method: &str) -> bool {
        let allowed = self.0.policy.allow_methods.as_deref().unwrap_or_default();
        headers::is_safelisted_method(method)
            || method != "*" && (is_any(allowed) || allowed.iter().any(|allowed| allowed == method))
    }

    /// Whether the policy lets a script set a request header that needs permission. Names are compared without case.
    pub fn allows_header(&self, name: &str) -> bool {
        match self.allowed_headers() {
            AllowedHeaders::Any => name != "*",
            AllowedHeaders::Listed(names) => {
                let is_listed = |name: &str| names.binary_search_by(|listed| (**listed).cmp(name)).is_ok();
                // Browsers announce names in lower case.
                let is_lower = !name.bytes().any(|byte| byte.is_ascii_uppercase());
                if is_lower { is_listed(name) } else { is_listed(&name.to_ascii_lowercase()) }
            }
        }
    }

    fn allowed_headers(&self) -> &AllowedHeaders {
        self.0.allowed_headers.get_or_init(|| AllowedHeaders::of(&self.0.policy))
    }

    /// How many names `allowHeaders` lists; none where it is `*`.
    #[cfg(feature = "route")]
    pub(crate) fn listed_header_count(&self) -> Option<usize> {
        match self.allowed_headers() {
            AllowedHeaders::Any => None,
            AllowedHeaders::Listed(names) => Some(names.len()),
        }
    }

    /// What tells this policy from others as long as it lives. Clones are the same.
    pub(crate) fn id(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// What the responses to actual requests expose.
    #[inline]
    pub(crate) fn expose(&self) -> &Expose {
        if self.0.exposes { &self.values().expose } else { &Expose::Absent }
    }

    /// The header values of responses under the policy.
    #[inline]
    pub(crate) fn values(&self) -> &Values {
        self.0.values.get(&self.0.policy)
    }
}

impl PartialEq for CompiledPolicy {
    /// Equal policies under equal profiles compile to equal behaviour.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || (self.0.policy == other.0.policy && self.0.profile == other.0.profile)
    }
}

impl Eq for CompiledPolicy {}

impl fmt::Debug for CompiledPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompiledPolicy")
            .field("policy", &self.0.policy)
            .field("profile", &self.0.profile)
            .field("lints", &self.0.lints)
            .finish_non_exhaustive()
    }
}
