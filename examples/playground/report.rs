//! What happened, for the page: what the server saw and why it decided so, what the library's model of a browser makes
//! of these very answers, and whether the real browser did the same.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use serde::{Deserialize, Serialize};
use tower_cors::{
    browser::{Blocked, Credentials, Readable, ScriptRequest},
    decision::Options,
    explain::Explanation,
};

use super::{
    console,
    effective::Whole,
    exchange::{Said, Seen},
    scenario::header,
};

/// A request as the script makes it: with the method and the headers that the browser lets it use.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// The page's, as the browser serialises it.
    pub(crate) origin: String,
    pub(crate) method: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) credentials: bool,
}

/// What the script got.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Got {
    pub(crate) readable: bool,
    /// The names of the headers that it sees.
    pub(crate) headers: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) preflight: Option<SeenView>,
    pub(crate) request: Option<SeenView>,
    pub(crate) verdict: Option<Verdict>,
    /// The model's answer beside the browser's, for each thing that both say.
    pub(crate) comparison: Vec<Compared>,
    pub(crate) agrees: bool,
    /// Whether the answer was made outside of the layer.
    pub(crate) outside: bool,
}

/// A request that came, and its answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SeenView {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) request: Vec<[String; 2]>,
    pub(crate) said: Option<Said>,
    pub(crate) reached_backend: bool,
    pub(crate) status: u16,
    pub(crate) response: Vec<[String; 2]>,
}

/// The model's verdict on the answers.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Verdict {
    pub(crate) readable: bool,
    pub(crate) code: Option<&'static str>,
    pub(crate) message: Option<String>,
    /// What Chromium's console says of it.
    pub(crate) console: Option<String>,
    #[serde(rename = "wayOut")]
    pub(crate) way_out: Option<&'static str>,
    pub(crate) shown: Vec<String>,
    pub(crate) hidden: Vec<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Compared {
    pub(crate) about: &'static str,
    pub(crate) model: String,
    pub(crate) browser: String,
}

impl Asked {
    /// # Errors
    ///
    /// What makes it no request, in a sentence.
    pub(crate) fn script_request(&self) -> Result<ScriptRequest, String> {
        let origin = HeaderValue::from_str(&self.origin).map_err(|_| "the origin is not one".to_owned())?;
        let method = Method::from_bytes(self.method.as_bytes()).map_err(|_| "the method is not one".to_owned())?;
        let credentials = if self.credentials { Credentials::Include } else { Credentials::Omit };
        let mut request = ScriptRequest::new(origin, method).credentials(credentials);
        for (name, value) in &self.headers {
            let (name, value) = header(name, value)?;
            request = request.header(name, value);
        }
        Ok(request)
    }

    /// What is to be expected; none where there is no request, or nothing to serve.
    pub(crate) fn explain(&self, whole: &Whole, uri: Uri) -> Option<Explanation> {
        Some(Explanation::new(self.script_request().ok()?, uri, &whole.resolver()?, &Options::new()))
    }
}

impl Report {
    pub(crate) fn new(asked: &ScriptRequest, got: &Got, seen: &[Seen], outside: bool) -> Self {
        // Every send has an address of its own, so what came is of this one alone.
        let is_preflight = |seen: &&Seen| seen.request.contains_key(http::header::ACCESS_CONTROL_REQUEST_METHOD);
        let preflight = seen.iter().find(is_preflight);
        let request = seen.iter().find(|seen| !is_preflight(seen));
        let judged = judge(asked, preflight, request);
        let comparison = compare(asked, got, preflight, request, judged.as_ref());
        Self {
            preflight: preflight.map(SeenView::new),
            request: request.map(SeenView::new),
            verdict: judged.as_ref().map(|judged| {
                let last = request.or(preflight).map(|seen| seen.response.clone()).unwrap_or_default();
                Verdict::new(judged, &last, outside)
            }),
            agrees: comparison.iter().all(|compared| compared.model == compared.browser),
            comparison,
            outside,
        }
    }
}

/// What the model makes of the answers; none where one is missing that it needs.
fn judge(asked: &ScriptRequest, preflight: Option<&Seen>, request: Option<&Seen>) -> Option<Result<Readable, Blocked>> {
    if asked.needs_preflight() {
        let answer = preflight?;
        if let Err(blocked) = asked.check_preflight(answer.status, &answer.response) {
            return Some(Err(blocked));
        }
    }
    Some(asked.check_response(&request?.response))
}

fn compare(
    asked: &ScriptRequest,
    got: &Got,
    preflight: Option<&Seen>,
    request: Option<&Seen>,
    judged: Option<&Result<Readable, Blocked>>,
) -> Vec<Compared> {
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let row = |about, model, browser| Compared { about, model, browser };
    let model = |of: fn(&Result<Readable, Blocked>) -> bool| judged.map_or("can't tell".to_owned(), |it| yes(of(it)));
    let mut rows = vec![
        row("a preflight goes first", yes(asked.needs_preflight()), yes(preflight.is_some())),
        row(
            "the request is sent",
            model(|judged| !matches!(judged, Err(Blocked::Preflight(_)))),
            yes(request.is_some()),
        ),
        row("the script reads the answer", model(Result::is_ok), yes(got.readable)),
    ];
    if let (Some(Ok(readable)), Some(answer), true) = (judged, request, got.readable) {
        // What hyper adds on the way (`date`) was not there yet for the model to judge.
        let judged: Vec<_> = answer.response.keys().map(HeaderName::as_str).collect();
        let seen = got.headers.iter().map(String::as_str).filter(|name| judged.contains(name));
        let shown = readable.headers().iter().map(HeaderName::as_str);
        rows.push(row("the headers that it sees", sorted(shown), sorted(seen)));
    }
    rows
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

impl Verdict {
    fn new(judged: &Result<Readable, Blocked>, answer: &HeaderMap, outside: bool) -> Self {
        let names = |names: &[HeaderName]| names.iter().map(HeaderName::to_string).collect();
        match judged {
            Ok(readable) => Self {
                readable: true,
                code: None,
                message: None,
                console: None,
                way_out: None,
                shown: names(readable.headers()),
                hidden: names(readable.hidden_headers()),
            },
            Err(blocked) => Self {
                readable: false,
                code: Some(blocked.code()),
                message: Some(blocked.to_string()),
                console: Some(console::sentence(blocked, answer)),
                way_out: console::way_out(blocked, outside),
                shown: Vec::new(),
                hidden: Vec::new(),
            },
        }
    }
}

impl SeenView {
    fn new(seen: &Seen) -> Self {
        Self {
            method: seen.method.to_string(),
            path: seen.path.clone(),
            request: lines(&seen.request),
            said: seen.said.clone(),
            reached_backend: seen.reached_backend,
            status: seen.status.as_u16(),
            response: lines(&seen.response),
        }
    }
}

fn lines(headers: &HeaderMap) -> Vec<[String; 2]> {
    let line = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| [name.to_string(), line(value)]).collect()
}
