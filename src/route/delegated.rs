//! How the match of a delegated rule meets that of the rule that delegates to it. In: two matches. Out: whether the one
//! lies within the other, or the two joined. Rule 8.8.

use super::{PathMatch, RouteMatch, path::Kind};

impl RouteMatch {
    /// Whether the path is a prefix, as that of a rule that delegates must be.
    pub(crate) fn is_prefix(&self) -> bool {
        matches!(self.path.0, Kind::Prefix(_))
    }

    /// Whether the match counts under a rule with the match `parent`: its path begins with that prefix, on a segment
    /// boundary, and it has the parent's other conditions among its own.
    pub(crate) fn lies_within(&self, parent: &Self) -> bool {
        let Kind::Prefix(prefix) = &parent.path.0 else { return false };
        let path = match &self.path.0 {
            Kind::Exact(path) | Kind::Prefix(path) => path,
            Kind::Pattern(pattern) => pattern.text(),
        };
        let rest = path.strip_prefix(&**prefix);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            && (parent.method.is_none() || parent.method == self.method)
            && parent.headers.iter().all(|condition| self.headers.contains(condition))
            && parent.query.iter().all(|condition| self.query.contains(condition))
    }

    /// The match of a child that inherits from `parent`: its path behind the parent's prefix, and the conditions of
    /// both. None where no request can meet both.
    pub(crate) fn joined_to(&self, parent: &Self) -> Option<Self> {
        let Kind::Prefix(prefix) = &parent.path.0 else { return None };
        let path = match &self.path.0 {
            Kind::Exact(path) => PathMatch::exact(&format!("{prefix}{path}")).ok()?,
            Kind::Prefix(path) => PathMatch::prefix(&format!("{prefix}{path}/")).ok()?,
            Kind::Pattern(pattern) => {
                PathMatch::regular_expression(&format!("{}(?:{})", regex::escape(prefix), pattern.text())).ok()?
            }
        };
        let method = match (&self.method, &parent.method) {
            (Some(own), Some(inherited)) if own != inherited => return None,
            (own, inherited) => own.as_ref().or(inherited.as_ref()).cloned(),
        };
        let headers = joined(&self.headers, &parent.headers)?;
        let query = joined(&self.query, &parent.query)?;
        Some(Self { path, method, headers, query, grpc: None })
    }
}

/// Conditions on values by name, each name once. None where one name has two values.
fn joined<N: Clone + PartialEq, V: Clone + PartialEq>(own: &[(N, V)], inherited: &[(N, V)]) -> Option<Vec<(N, V)>> {
    let mut joined = own.to_vec();
    for (name, value) in inherited {
        match joined.iter().find(|(known, _)| known == name) {
            Some((_, known)) if known != value => return None,
            Some(_) => {}
            None => joined.push((name.clone(), value.clone())),
        }
    }
    Some(joined)
}
