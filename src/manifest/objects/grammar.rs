//! What the CRDs permit in names, hostnames, paths and values, as pairs of what is expected and whether it is met.
//! Rule 2.12.

use crate::{headers, manifest::reader::Grammar};

pub(crate) const OBJECT_NAME: Grammar = ("a name of 1 to 253 characters", |text| (1..=253).contains(&text.len()));
pub(crate) const NAMESPACE: Grammar =
    ("a namespace: at most 63 lower-case letters, digits and -", |text| text.len() <= 63 && is_label(text));
pub(crate) const SECTION_NAME: Grammar = ("a name in lower case, as DNS has them, of at most 253 characters", |text| {
    text.len() <= 253 && text.split('.').all(is_label)
});
pub(crate) const GROUP: Grammar = ("an API group of at most 253 characters", |text| {
    text.is_empty() || (text.len() <= 253 && text.split('.').all(is_label))
});
pub(crate) const KIND: Grammar = ("a kind of 1 to 63 letters, digits and -", |text| {
    text.len() <= 63
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.ends_with(|last: char| last.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
});
pub(crate) const HEADER_NAME: Grammar =
    ("a header name of 1 to 256 characters", |text| text.len() <= 256 && headers::is_token(text.as_bytes()));
pub(crate) const METHOD: Grammar =
    ("one of GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE and PATCH", |text| headers::METHODS.contains(&text));
pub(crate) const HEADER_VALUE: Grammar =
    ("a value of 1 to 4096 characters", |text| (1..=4096).contains(&text.chars().count()));
pub(crate) const QUERY_VALUE: Grammar =
    ("a value of 1 to 1024 characters", |text| (1..=1024).contains(&text.chars().count()));
pub(crate) const GRPC_SERVICE: Grammar = ("a gRPC service such as package.Service", |text| {
    (1..=1024).contains(&text.len()) && text.split('.').all(is_identifier)
});
pub(crate) const GRPC_METHOD: Grammar =
    ("the name of a gRPC method", |text| (1..=1024).contains(&text.len()) && is_identifier(text));
pub(crate) const LONG_PATH: Grammar = ("a path of at most 1024 characters", |text| text.chars().count() <= 1024);
pub(crate) const HOSTNAME: Grammar = ("a hostname in lower case such as api.example or *.example", |text| {
    let host = text.strip_prefix("*.").unwrap_or(text);
    (1..=253).contains(&text.len()) && host.split('.').all(is_label)
});
/// The rules of the CRD for Exact and PathPrefix.
pub(crate) const PATH: Grammar = (
    "a path that begins with / and has no empty segment, no . or .. segment, no encoded slash and no other character \
     than a URL has",
    |text| {
        let is_character = |byte: u8| byte.is_ascii_alphanumeric() || b"/._~!$&'()*+,;=:@-".contains(&byte);
        let is_written = |text: &str| {
            let mut parts = text.split('%');
            parts.next().is_some_and(|part| part.bytes().all(is_character))
                && parts.all(|part| {
                    let bytes = part.as_bytes();
                    let (code, rest) = bytes.split_at(bytes.len().min(2));
                    code.len() == 2 && code.iter().all(u8::is_ascii_hexdigit) && rest.iter().copied().all(is_character)
                })
        };
        text.starts_with('/')
            && !["//", "/./", "/../", "%2f", "%2F"].iter().any(|part| text.contains(part))
            && !text.ends_with("/.")
            && !text.ends_with("/..")
            && is_written(text)
    },
);

/// A name as protobuf has them.
fn is_identifier(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') && text.bytes().all(is_inner)
}

fn is_label(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(is_inner) && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_method_is_answered_with_all_that_there_are() {
        let written = METHOD.0.trim_start_matches("one of ").replace(" and ", ", ");
        assert_eq!(written.split(", ").collect::<Vec<_>>(), headers::METHODS);
    }
}
