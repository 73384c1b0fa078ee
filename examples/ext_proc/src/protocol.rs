//! The messages of `ext_proc.proto`, written by hand where `tonic-build` would have generated them, and how they become
//! headers and come of them.

use http::{HeaderMap, HeaderName, HeaderValue};

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ProcessingRequest {
    #[prost(oneof = "Received", tags = "2, 3")]
    pub(crate) request: Option<Received>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Received {
    #[prost(message, tag = "2")]
    RequestHeaders(HttpHeaders),
    #[prost(message, tag = "3")]
    ResponseHeaders(HttpHeaders),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ProcessingResponse {
    #[prost(oneof = "Sent", tags = "1, 2, 7")]
    pub(crate) response: Option<Sent>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Sent {
    #[prost(message, tag = "1")]
    RequestHeaders(HeadersResponse),
    #[prost(message, tag = "2")]
    ResponseHeaders(HeadersResponse),
    #[prost(message, tag = "7")]
    ImmediateResponse(ImmediateResponse),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct HttpHeaders {
    #[prost(message, optional, tag = "1")]
    pub(crate) headers: Option<Headers>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct HeadersResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) response: Option<CommonResponse>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CommonResponse {
    #[prost(message, optional, tag = "2")]
    pub(crate) header_mutation: Option<HeaderMutation>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ImmediateResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) status: Option<HttpStatus>,
    #[prost(message, optional, tag = "2")]
    pub(crate) headers: Option<HeaderMutation>,
    #[prost(string, tag = "5")]
    pub(crate) details: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct HeaderMutation {
    #[prost(message, repeated, tag = "1")]
    pub(crate) set_headers: Vec<HeaderValueOption>,
    #[prost(string, repeated, tag = "2")]
    pub(crate) remove_headers: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct HeaderValueOption {
    #[prost(message, optional, tag = "1")]
    pub(crate) header: Option<Header>,
    #[prost(enumeration = "AppendAction", tag = "3")]
    pub(crate) append_action: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum AppendAction {
    AppendIfExistsOrAdd = 0,
    AddIfAbsent = 1,
    OverwriteIfExistsOrAdd = 2,
    OverwriteIfExists = 3,
}

/// `HeaderMap` in the file.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Headers {
    #[prost(message, repeated, tag = "1")]
    pub(crate) headers: Vec<Header>,
}

/// `HeaderValue` in the file.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Header {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) raw_value: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct HttpStatus {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
}

impl Header {
    pub(crate) fn bytes(&self) -> &[u8] {
        if self.raw_value.is_empty() { self.value.as_bytes() } else { &self.raw_value }
    }
}

impl HttpHeaders {
    /// The value of a pseudo-header, such as `:path`.
    pub(crate) fn pseudo(&self, name: &str) -> Option<&[u8]> {
        self.lines().find(|line| line.key == name).map(Header::bytes)
    }

    /// The headers without the pseudo-headers; none where one is no header of HTTP.
    pub(crate) fn to_map(&self) -> Option<HeaderMap> {
        let mut map = HeaderMap::new();
        for line in self.lines().filter(|line| !line.key.starts_with(':')) {
            let name = HeaderName::from_bytes(line.key.as_bytes()).ok()?;
            let value = HeaderValue::from_bytes(line.bytes()).ok()?;
            map.try_append(name, value).ok()?;
        }
        Some(map)
    }

    fn lines(&self) -> impl Iterator<Item = &Header> {
        self.headers.iter().flat_map(|headers| &headers.headers)
    }
}

impl HeaderMutation {
    /// What makes `after` of `before`.
    pub(crate) fn between(before: &HeaderMap, after: &HeaderMap) -> Self {
        let gone = before.keys().filter(|name| !after.contains_key(*name));
        let mut mutation = Self { set_headers: Vec::new(), remove_headers: gone.map(ToString::to_string).collect() };
        for name in after.keys() {
            if before.get_all(name) == after.get_all(name) {
                continue;
            }
            // The first value takes the place of all that were there, and the others come behind it.
            let first = AppendAction::OverwriteIfExistsOrAdd;
            let actions = std::iter::once(first).chain(std::iter::repeat(AppendAction::AppendIfExistsOrAdd));
            for (value, action) in after.get_all(name).iter().zip(actions) {
                let (key, raw_value) = (name.to_string(), value.as_bytes().to_vec());
                let header = Some(Header { key, value: String::new(), raw_value });
                mutation.set_headers.push(HeaderValueOption { header, append_action: action.into() });
            }
        }
        mutation
    }
}
