//! How two matches of different tables stand to one another, for comparisons of tables. In: two matches. Out: whether some
//! request may meet both, and whether one surely takes every request of the other. Where expressions leave it open, they
//! may, and surely they don't.

use super::{RouteMatch, path::Kind};

impl RouteMatch {
    /// Whether some request may meet both.
    pub(crate) fn may_overlap(&self, other: &Self) -> bool {
        let has_one_method = match (&self.method, &other.method) {
            (Some(one), Some(two)) => one == two,
            _ => true,
        };
        let excludes = |(name, value): &(_, super::ValueMatch)| {
            other.headers.iter().any(|(known, other)| known == name && value.excludes(other))
        };
        has_one_method && !self.headers.iter().any(excludes) && paths_overlap(&self.path.0, &other.path.0)
    }

    /// Whether every request that meets `other` meets this, as far as that is easy to tell.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self.grpc.is_some() == other.grpc.is_some()
            && (self.method.is_none() || self.method == other.method)
            && self.headers.iter().all(|condition| other.headers.contains(condition))
            && self.query.iter().all(|condition| other.query.contains(condition))
            && path_covers(&self.path.0, &other.path.0)
    }
}

fn paths_overlap(one: &Kind, two: &Kind) -> bool {
    match (one, two) {
        (Kind::Exact(one), Kind::Exact(two)) => one == two,
        (Kind::Exact(path), Kind::Pattern(pattern)) | (Kind::Pattern(pattern), Kind::Exact(path)) => {
            pattern.matches(path)
        }
        (Kind::Pattern(_), _) | (_, Kind::Pattern(_)) => true,
        _ => path_covers(one, two) || path_covers(two, one),
    }
}

fn path_covers(outer: &Kind, inner: &Kind) -> bool {
    match (outer, inner) {
        (Kind::Exact(outer), Kind::Exact(inner)) => outer == inner,
        (Kind::Prefix(outer), Kind::Exact(inner) | Kind::Prefix(inner)) => {
            inner.strip_prefix(&**outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
        (Kind::Prefix(outer), Kind::Pattern(_)) => outer.is_empty(),
        (Kind::Pattern(outer), Kind::Exact(inner)) => outer.matches(inner),
        (Kind::Pattern(outer), Kind::Pattern(inner)) => outer.as_str() == inner.as_str(),
        (Kind::Exact(_) | Kind::Pattern(_), _) => false,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, Method};

    use super::super::{PathMatch, RouteMatch, ValueMatch};

    fn prefix(path: &str) -> RouteMatch {
        RouteMatch::new().path(PathMatch::prefix(path).unwrap())
    }

    fn exact(path: &str) -> RouteMatch {
        RouteMatch::new().path(PathMatch::exact(path).unwrap())
    }

    fn expression(path: &str) -> RouteMatch {
        RouteMatch::new().path(PathMatch::regular_expression(path).unwrap())
    }

    #[test]
    fn matches_are_told_apart_by_path_method_and_header() {
        let header = |value: &str| RouteMatch::new().header(HeaderName::from_static("x-a"), ValueMatch::exact(value));
        let put = || prefix("/v1").method(Method::PUT);
        // Whether they may overlap, whether the first covers the second, and the second the first.
        let rows = [
            (prefix("/"), prefix("/v1"), true, true, false),
            (prefix("/v1"), prefix("/v1/a"), true, true, false),
            (prefix("/v1"), prefix("/v10"), false, false, false),
            (prefix("/v1"), exact("/v1"), true, true, false),
            (exact("/v1"), exact("/v1"), true, true, true),
            (exact("/v1"), exact("/v2"), false, false, false),
            (prefix("/v1"), put(), true, true, false),
            (put(), prefix("/v1").method(Method::DELETE), false, false, false),
            (header("1"), header("2"), false, false, false),
            (RouteMatch::new(), header("2"), true, true, false),
            (expression("/v[12]"), exact("/v1"), true, true, false),
            (expression("/v[12]"), exact("/v3"), false, false, false),
            (expression("/v[12]"), expression("/v[12]"), true, true, true),
            (expression("/v1/a|/b"), prefix("/v1"), true, false, false),
            (prefix("/"), expression("/v[12]"), true, true, false),
            (prefix("/v1"), RouteMatch::grpc(Some("v1"), None), true, false, false),
        ];
        for (one, two, overlap, covers, is_covered) in rows {
            assert_eq!((one.may_overlap(&two), two.may_overlap(&one)), (overlap, overlap), "{one} and {two}");
            assert_eq!((one.covers(&two), two.covers(&one)), (covers, is_covered), "{one} and {two}");
        }
    }
}
