//! Policies by path prefix. In: prefixes and compiled policies. Out: the resolver that picks the longest prefix on
//! segment boundaries. `merge::Overrides` builds one over a base policy.

use std::collections::HashMap;

use super::PolicyResolver;
use crate::{compile::CompiledPolicy, decision::Resolution, escape::Escaped, request::CorsRequest};

/// The resolver that picks a policy by the path of the request: that of the longest matching prefix, else a fallback.
///
/// A prefix matches whole segments, and one trailing `/` in it counts for nothing: `/api` matches `/api`, `/api/` and
/// `/api/users`, not `/apis`. The path is compared as the request spells it, with its case, without decoding `%2F` or
/// resolving `..`; a router that does so may see another path than this one. Where the framework has a route for the
/// request already, choose by that (`axum::ByMatchedPath`, or a [`Overridable`](super::Overridable)).
///
/// # Examples
///
/// ```
/// use tower_cors::{CorsLayer, CorsPolicy, resolver::ByPathPrefix};
///
/// let site = CorsPolicy::new().allow_origins(["*"]).compile()?;
/// let api = CorsPolicy::new().allow_origins(["https://app.example"]).compile()?;
/// let resolver = ByPathPrefix::new(site).path_prefix("/api", api)?.path_prefix("/internal", None)?;
/// let layer = CorsLayer::with_resolver(resolver);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ByPathPrefix {
    fallback: Option<CompiledPolicy>,
    /// Without the trailing `/`, so that `/` itself is the empty prefix.
    prefixes: HashMap<Box<str>, Option<CompiledPolicy>>,
    longest: usize,
}

impl ByPathPrefix {
    /// The fallback for requests that no prefix matches, or that have no path: a policy, or `None` for no CORS.
    pub fn new(fallback: impl Into<Option<CompiledPolicy>>) -> Self {
        Self { fallback: fallback.into(), ..Self::default() }
    }

    /// Adds a prefix and its policy, or `None` for no CORS under it.
    ///
    /// # Errors
    ///
    /// The prefix does not begin with `/`, or it is there already.
    pub fn path_prefix(
        mut self,
        prefix: &str,
        policy: impl Into<Option<CompiledPolicy>>,
    ) -> Result<Self, PathPrefixError> {
        self.insert(prefix, policy.into())?;
        Ok(self)
    }

    pub(crate) fn insert(&mut self, prefix: &str, policy: Option<CompiledPolicy>) -> Result<(), PathPrefixError> {
        if !prefix.starts_with('/') {
            return Err(PathPrefixError::NotAbsolute(prefix.to_owned()));
        }
        let key = prefix.strip_suffix('/').unwrap_or(prefix);
        if self.prefixes.contains_key(key) {
            return Err(PathPrefixError::Repeated(prefix.to_owned()));
        }
        self.longest = self.longest.max(key.len());
        self.prefixes.insert(key.into(), policy);
        Ok(())
    }

    fn find(&self, path: &str) -> Option<&Option<CompiledPolicy>> {
        // No prefix ends behind `longest`, so a path of many slashes costs no more than the longest prefix has room for.
        let boundaries = path.bytes().enumerate().take(self.longest.saturating_add(1));
        let slashes = boundaries.filter(|(_, byte)| *byte == b'/').map(|(at, _)| at);
        let whole = (path.len() <= self.longest).then_some(path);
        whole
            .into_iter()
            .chain(slashes.rev().filter_map(|at| path.get(..at)))
            .find_map(|prefix| self.prefixes.get(prefix))
    }
}

impl PolicyResolver for ByPathPrefix {
    fn resolve<'a>(&'a self, request: &CorsRequest<'_>) -> Resolution<'a> {
        let found = request.uri().and_then(|uri| self.find(uri.path()));
        found.unwrap_or(&self.fallback).as_ref().into()
    }
}

/// A prefix that a [`ByPathPrefix`] can't take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathPrefixError {
    /// It does not begin with `/`, so no path begins with it.
    #[error("path prefix \"{}\" does not begin with /", Escaped(.0))]
    NotAbsolute(String),
    /// It is there already, perhaps with or without a trailing `/`.
    #[error("path prefix \"{}\" is given twice", Escaped(.0))]
    Repeated(String),
}
