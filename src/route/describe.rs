//! Matches in words, for people and explanations.

use std::fmt;

use super::{PathMatch, RouteMatch, ValueMatch, path::Kind};

impl fmt::Display for PathMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Exact(path) => write!(f, "path {path}"),
            // The root is kept as the empty text.
            Kind::Prefix(path) if path.is_empty() => f.write_str("path prefix /"),
            Kind::Prefix(path) => write!(f, "path prefix {path}"),
            Kind::Pattern(pattern) => write!(f, "path expression {}", pattern.as_str()),
        }
    }
}

/// What must be met, such as `path prefix /v1, method PUT, header x-canary: 1`.
impl fmt::Display for RouteMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if let Some(method) = &self.method {
            write!(f, ", method {method}")?;
        }
        for (name, value) in &self.headers {
            write!(f, ", header {name}: {value}")?;
        }
        for (name, value) in &self.query {
            write!(f, ", query {name}={value}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ValueMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_exact() {
            Some(value) => f.write_str(value),
            None => f.write_str(self.as_expression().unwrap_or_default()),
        }
    }
}
