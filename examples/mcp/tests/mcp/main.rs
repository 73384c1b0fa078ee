//! The example with the official client in pages: `tests/browser/mcp.mjs` in Chromium. And what it refuses, without one.

/// Chromium, driven by a script of node.
#[path = "../../../../tests/browser/chromium.rs"]
mod chromium;
/// The example.
#[path = "../../src/main.rs"]
#[allow(dead_code, reason = "a test has a main function of its own")]
mod example;
/// The origins that the pages come from.
#[allow(dead_code, reason = "two origins are enough for a server")]
#[path = "../../../../tests/browser/origins.rs"]
mod origins;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
    routing::any,
};
use serde::{Deserialize, Serialize};
use tower::ServiceExt;
use tower_cors::{CorsLayer, CorsPolicy, axum::WithCors, policy::Preset};

use origins::Origins;

const SESSIONS: &str = "2025-11-25";
const LATEST: &str = "2026-07-28";

/// A visit of a page, for `mcp.mjs`.
#[derive(Serialize)]
struct Visit {
    page: String,
    sandboxed: bool,
    server: String,
    revision: &'static str,
    token: Option<&'static str>,
}

#[derive(Serialize)]
struct Input {
    visits: Vec<Visit>,
}

/// What the client got.
#[derive(Debug, Default, Deserialize, PartialEq)]
struct Answer {
    revision: Option<String>,
    tools: Option<Vec<String>>,
    counted: Option<String>,
    events: Vec<f64>,
    /// Whether a stream went on after an event, and whether the session was ended: where there are sessions.
    resumed: Option<bool>,
    ended: Option<bool>,
    /// The request that failed, if one did.
    failed: Option<String>,
    /// What the client read of a 401.
    challenge: Option<String>,
    #[serde(default)]
    error: Option<String>,
}

/// What a policy lists for a page. A test takes one of it away.
#[derive(Clone)]
struct Lists {
    methods: Vec<&'static str>,
    headers: Vec<&'static str>,
    exposed: Vec<&'static str>,
}

impl Lists {
    fn of_the_preset() -> Self {
        Self {
            methods: Preset::Mcp.allow_methods().to_vec(),
            headers: Preset::Mcp.allow_headers().to_vec(),
            exposed: Preset::Mcp.expose_headers().to_vec(),
        }
    }

    /// Each list without each of its names, and what was taken.
    fn without_each() -> Vec<(String, Self)> {
        let whole = Self::of_the_preset();
        let without =
            |list: &[&'static str], name: &str| list.iter().filter(|other| **other != name).copied().collect();
        let methods = whole
            .methods
            .iter()
            .map(|name| (format!("method {name}"), Self { methods: without(&whole.methods, name), ..whole.clone() }));
        let headers = whole.headers.iter().map(|name| {
            (format!("request header {name}"), Self { headers: without(&whole.headers, name), ..whole.clone() })
        });
        let exposed = whole.exposed.iter().map(|name| {
            (format!("response header {name}"), Self { exposed: without(&whole.exposed, name), ..whole.clone() })
        });
        methods.chain(headers).chain(exposed).collect()
    }

    fn layer(&self, origin: &str) -> CorsLayer {
        let policy = CorsPolicy::new().allow_origins([origin]).allow_methods(self.methods.clone());
        let policy = policy.allow_headers(self.headers.clone()).expose_headers(self.exposed.clone());
        CorsLayer::new(policy).expect("a valid policy").warnings(false)
    }
}

/// Serves the example, on a port of its own: what a browser remembers of a preflight is for one server.
async fn serve(cors: CorsLayer) -> String {
    let app = example::app(cors).into_router();
    let port = origins::serve(app).await;
    format!("http://localhost:{port}/mcp")
}

fn visit(origins: &Origins, origin: &str, server: &str, revision: &'static str) -> Visit {
    let (page, sandboxed) = origins.page_of(origin);
    Visit { page, sandboxed, server: server.to_owned(), revision, token: Some("a-token") }
}

#[tokio::test]
async fn a_page_uses_the_server_in_both_revisions_and_another_page_does_not() {
    if !chromium::is_ready() {
        return;
    }
    let origins = Origins::serve().await;
    let server = serve(Lists::of_the_preset().layer(origins.app())).await;
    let visits = vec![
        visit(&origins, origins.app(), &server, SESSIONS),
        visit(&origins, origins.app(), &server, LATEST),
        visit(&origins, "null", &server, SESSIONS),
        visit(&origins, "null", &server, LATEST),
    ];
    let answers: Vec<Answer> = chromium::run("mcp.mjs", &Input { visits }).await;
    let answers: Vec<_> = answers.into_iter().map(|answer| Answer { error: None, ..answer }).collect();
    let used = |revision: &str, has_session| Answer {
        revision: Some(revision.into()),
        tools: Some(vec!["count".into()]),
        counted: Some("counted to 3".into()),
        events: vec![1.0, 2.0, 3.0],
        resumed: Some(true).filter(|_| has_session),
        ended: Some(true).filter(|_| has_session),
        ..Answer::default()
    };
    let refused = |request: &str| Answer { failed: Some(request.into()), ..Answer::default() };
    let expected = [used(SESSIONS, true), used(LATEST, false), refused("initialize"), refused("server/discover")];
    assert_eq!(answers, expected);
}

/// What a policy without one name of the preset breaks: the first request that fails, with sessions and in the latest
/// revision.
const BROKEN: [(&str, Option<&str>, Option<&str>); 9] = [
    ("method DELETE", Some("DELETE"), None),
    ("request header Content-Type", Some("initialize"), Some("server/discover")),
    ("request header Authorization", Some("initialize"), Some("server/discover")),
    ("request header MCP-Protocol-Version", Some("notifications/initialized"), Some("server/discover")),
    ("request header Mcp-Method", None, Some("server/discover")),
    ("request header Mcp-Name", None, Some("tools/call")),
    ("request header Mcp-Session-Id", Some("notifications/initialized"), None),
    ("request header Last-Event-ID", Some("GET that resumes"), None),
    ("response header Mcp-Session-Id", Some("notifications/initialized"), None),
];

#[tokio::test]
async fn each_name_of_the_preset_is_needed_by_a_request() {
    if !chromium::is_ready() {
        return;
    }
    let origins = Origins::serve().await;
    let mut visits = Vec::new();
    let mut expected = Vec::new();
    for (name, lists) in Lists::without_each() {
        // The only one that the next test is about.
        if name == "response header WWW-Authenticate" {
            continue;
        }
        let row = BROKEN.iter().find(|row| row.0 == name).unwrap_or_else(|| panic!("no row is for {name}"));
        for (revision, failed) in [(SESSIONS, row.1), (LATEST, row.2)] {
            let server = serve(lists.layer(origins.app())).await;
            visits.push(visit(&origins, origins.app(), &server, revision));
            expected.push((name.clone(), revision, failed.map(str::to_owned)));
        }
    }
    let answers: Vec<Answer> = chromium::run("mcp.mjs", &Input { visits }).await;
    let failed = answers
        .iter()
        .zip(&expected)
        .map(|(answer, (name, revision, _))| (name.clone(), *revision, answer.failed.clone()));
    assert_eq!(failed.collect::<Vec<_>>(), expected, "{answers:#?}");
}

#[tokio::test]
async fn a_page_reads_where_to_get_a_token_because_the_preset_exposes_it() {
    const CHALLENGE: &str = "Bearer resource_metadata=\"https://api.example/.well-known/oauth-protected-resource\"";
    if !chromium::is_ready() {
        return;
    }
    let origins = Origins::serve().await;
    let whole = Lists::of_the_preset();
    let without = Lists { exposed: vec!["Mcp-Session-Id"], ..whole.clone() };
    let mut visits = Vec::new();
    for lists in [whole, without] {
        let refuse = async || (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, CHALLENGE)]);
        let app = Router::new().route("/mcp", any(refuse)).with_cors(lists.layer(origins.app()));
        let server = format!("http://localhost:{}/mcp", origins::serve(app.into_router()).await);
        visits.push(Visit { token: None, ..visit(&origins, origins.app(), &server, SESSIONS) });
    }
    let answers: Vec<Answer> = chromium::run("mcp.mjs", &Input { visits }).await;
    let challenges: Vec<_> = answers.iter().map(|answer| answer.challenge.as_deref()).collect();
    assert_eq!(challenges, [Some(CHALLENGE), None], "{answers:#?}");
}

/// rule 5.8
#[tokio::test]
async fn another_origin_and_another_host_are_refused() {
    let cors = || CorsLayer::new(CorsPolicy::new().allow_origins("https://app.example").preset(Preset::Mcp));
    let ask = async |host: &str, origin: &str| {
        let request = Request::post("/mcp").header(header::HOST, host).header(header::ORIGIN, origin);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let request = request.header(header::ACCEPT, "application/json, text/event-stream");
        let body = r#"{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25",
            "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}}"#;
        let app = example::app(cors().expect("a valid policy")).into_router();
        let response = app.oneshot(request.body(Body::from(body)).expect("a request")).await.expect("infallible");
        (response.status(), response.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN))
    };
    assert_eq!(ask("localhost:3000", "https://app.example").await, (StatusCode::OK, true));
    assert_eq!(ask("localhost:3000", "https://other.example").await, (StatusCode::FORBIDDEN, false));
    // A page whose name was made to lead here: its origin is the host that it asks for.
    assert_eq!(ask("other.example:3000", "http://other.example:3000").await, (StatusCode::FORBIDDEN, false));
}
