//! A script's request, as `fetch` takes it and as the model takes it.

use http::{HeaderName, HeaderValue, Method};
use serde::{Deserialize, Serialize};
use tower_cors::browser::{Credentials, ScriptRequest};

/// What a row says of its request.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Script {
    method: String,
    headers: Vec<String>,
    credentials: String,
    body: Option<String>,
}

/// The second argument of `fetch`.
#[derive(Debug, Serialize)]
pub(crate) struct RequestInit {
    method: String,
    headers: Vec<(String, String)>,
    credentials: String,
    body: Option<String>,
}

impl Default for Script {
    fn default() -> Self {
        Self { method: "GET".to_owned(), headers: Vec::new(), credentials: "omit".to_owned(), body: None }
    }
}

impl Script {
    pub(crate) fn init(&self) -> RequestInit {
        RequestInit {
            method: self.method.clone(),
            headers: lines(&self.headers),
            credentials: self.credentials.clone(),
            body: self.body.clone(),
        }
    }

    /// The request of a page of `origin`, for the model.
    pub(crate) fn model(&self, origin: &str) -> ScriptRequest {
        let origin = origin.parse().expect("an origin");
        let credentials = if self.credentials == "include" { Credentials::Include } else { Credentials::Omit };
        let method: Method = self.method.parse().expect("a method");
        let request = ScriptRequest::new(origin, method).credentials(credentials);
        lines(&self.headers).into_iter().fold(request, |request, (name, value)| {
            let name: HeaderName = name.parse().expect("a header name");
            request.header(name, HeaderValue::from_str(&value).expect("a header value"))
        })
    }
}

/// Lines such as `Name: value`, taken apart.
pub(crate) fn lines(lines: &[String]) -> Vec<(String, String)> {
    let split = |line: &String| {
        let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("{line:?} is not a header line"));
        (name.to_owned(), value.trim().to_owned())
    };
    lines.iter().map(split).collect()
}
