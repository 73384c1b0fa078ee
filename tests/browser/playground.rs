//! The example `playground` in a real browser: what a person sees who edits, sends, follows a link, or has a small
//! screen. What its servers answer is the subject of `tests/gateway/playground.rs`.

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::chromium;

#[path = "../../examples/playground/main.rs"]
#[allow(dead_code, reason = "a program's main is not called")]
mod example;

/// What `playground.mjs` has seen.
#[derive(Debug, Deserialize)]
struct Seen {
    readable: Exchange,
    blocked: Exchange,
    sandboxed: Exchange,
    elsewhere: Exchange,
    panes: Value,
    violations: Value,
    markup: Value,
    link: Link,
    widths: Vec<u32>,
    consoles: Vec<Console>,
    small: Vec<String>,
    cut: Vec<String>,
    pasted: Value,
    given: Given,
    lints: String,
    damaged: Value,
    lost: String,
    complaints: Vec<String>,
}

/// What the page shows of an exchange.
#[derive(Debug, Deserialize, PartialEq, Eq)]
struct Exchange {
    headline: String,
    why: String,
    messages: Vec<String>,
    decisions: Vec<String>,
    sees: Vec<String>,
    agreement: Option<String>,
    announced: String,
}

/// What the page says of a refusal, and what Chromium's console says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Console {
    name: String,
    said: String,
    heard: String,
    way_out: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Link {
    before: State,
    after: State,
}

/// What came of a whole manifest.
#[derive(Debug, Deserialize)]
struct Given {
    pasted: Value,
    blocked: Exchange,
    chosen: Value,
    copied: String,
    problem: String,
    linked: String,
    levels: Value,
}

/// What stands in the controls, and what came of it.
#[derive(Debug, Deserialize, PartialEq, Eq)]
struct State {
    shows: Exchange,
    values: Vec<Value>,
    fragment: String,
}

#[tokio::test]
async fn the_playground_shows_what_the_browser_does() {
    if !chromium::is_ready() {
        return;
    }
    let seen: Seen = chromium::run("playground.mjs", &json!({ "url": serve().await })).await;
    readable(&seen.readable);
    blocked(&seen.blocked);

    assert_eq!(seen.sandboxed.why, "CORS check: there is no Access-Control-Allow-Originno-allow-origin");
    let null = "The handler answers: the origin is null, which only a policy for any origin without credentials allows; \
                serve the page from an origin of its own; no list can name null";
    assert_eq!(seen.sandboxed.decisions, [null]);
    assert_eq!((seen.elsewhere.headline.as_str(), seen.elsewhere.messages.len()), ("Blocked", 2));

    let written = "allowOrigins:\n- https://b.example\nallowMethods:\n- PUT\nmaxAge: 60\n";
    assert_eq!(seen.panes, json!({"read": "https://a.example", "written": written, "focused": "PUT"}));
    let violations = json!({
        "ofText": [
            "\"app.example\" has no scheme; write \"https://app.example\"",
            "\"24h\" is not a whole number of seconds; did you mean 86400?",
        ],
        "ofPolicy": ["\"app.example\" has no scheme; write \"https://app.example\""],
        "field": "allowOrigins",
        "headline": "Not sent",
        "mended": "allowOrigins:\n- https://app.example\nmaxAge: 86400\n",
    });
    assert_eq!(seen.violations, violations);
    assert_eq!(seen.markup, json!({"shown": 1, "forged": 0}));

    assert!(seen.link.before.values.contains(&"# ü\nallowOrigins: [\"*\"]\nallowMethods: [PUT]\n".into()));
    assert_eq!(seen.link.before, seen.link.after);
    assert_eq!(seen.link.after.shows.headline, "Blocked", "nothing allows X-Trace");
    assert_eq!(seen.widths, [360; 12]);
    assert_eq!(seen.complaints, [""; 0]);

    assert!(seen.consoles.len() >= 8, "{:?}", seen.consoles);
    for Console { name, said, heard, way_out } in &seen.consoles {
        assert_eq!(said, heard, "{name}");
        let is_told = name.contains("outside") || name.contains("credentials with *") || name.contains("proxy");
        assert_eq!(way_out.is_some(), is_told, "{name}: {way_out:?}");
    }
    assert_eq!((seen.small, seen.cut), (Vec::new(), Vec::new()), "less than 14 pixels; cut at 390");
    assert_eq!(
        seen.pasted,
        json!({
            "taken": "# mine\nallowOrigins: [https://a.example]\n",
            "typed": "cors:\n  maxAge: 7\n",
            "notice": "Of what was pasted, the policy below cors: was taken.",
        })
    );
    given(seen.given);
    assert!(seen.lints.starts_with("4 violations keep the policy from being served"), "{}", seen.lints);
    let damaged = "The link is damaged: perhaps it was cut. It holds nothing that could be shown.";
    assert_eq!(seen.damaged, json!({"notice": damaged, "gone": true}));
    assert!(seen.lost.starts_with("The playground's server does not answer. Is it still running?"), "{}", seen.lost);
}

fn given(shown: Given) {
    let rules = json!(["default/api rule 0: path prefix /v1", "default/api rule 1: path prefix /v2"]);
    let (mut pasted, page) = (shown.pasted, "https://app.example");
    let sent: Exchange = serde_json::from_value(pasted["sent"].take()).expect("an exchange");
    let expected = json!({"rules": rules, "rule": "0", "url": "https://api.example/v1", "page": page, "sent": null});
    assert_eq!(pasted, expected);
    // This page stands for the one that the policy allows, and the browser agrees.
    assert_eq!((sent.headline.as_str(), sent.messages.len()), ("Readable", 2));
    assert!(sent.announced.ends_with("Model and browser agree."), "{}", sent.announced);
    assert_eq!(shown.blocked.headline, "Blocked");
    assert!(shown.blocked.decisions[0].contains("\"https://evil.example\""), "{:?}", shown.blocked.decisions);
    let chosen = json!({"rules": rules, "rule": "1", "url": "https://api.example/v2", "page": "https://admin.example"});
    assert_eq!(shown.chosen, chosen);
    let case = "manifests: [manifest.yaml]\ncases:\n- page: https://admin.example\n  \
                fetch: GET https://api.example/v2\n  expect: readable\n";
    assert!(shown.copied.starts_with("manifests: [manifest.yaml]\ncases:\n- page: https://admin.example\n"));
    assert_eq!(shown.copied, case);
    assert!(shown.problem.contains("\"shop.example\" has no scheme"), "{}", shown.problem);
    assert!(shown.linked.contains("https://shop.example"), "a link holds it");
    assert_eq!(shown.levels, json!({"given": true, "panes": true}));
}

fn readable(shown: &Exchange) {
    assert_eq!((shown.headline.as_str(), shown.why.as_str()), ("Readable", "The page reads 200, after a preflight."));
    let messages = ["OPTIONS may I?", "200 permission", "PUT the request", "200 the answer"];
    assert_eq!(shown.messages, messages);
    let decisions =
        ["The layer answers: the policy allows the origin", "The handler answers: the policy allows the origin"];
    assert_eq!(shown.decisions, decisions);
    assert_eq!(shown.sees, ["content-length", "content-type", "x-request-id"]);
    let agreement = "✓The library's model of a browser and this browser agree on all 4 points.";
    assert_eq!(shown.agreement.as_deref(), Some(agreement));
    assert!(shown.announced.ends_with("Model and browser agree."), "{}", shown.announced);
}

fn blocked(shown: &Exchange) {
    let why = "CORS-preflight fetch: the header x-trace is not allowedpreflight-header";
    assert_eq!((shown.headline.as_str(), shown.why.as_str()), ("Blocked", why));
    assert_eq!(shown.messages, ["OPTIONS may I?", "200 not enough", "PUT is never sent"]);
    let decision = "The layer answers: the policy allows the origin, but not every header that the request has: \
                    \"x-trace\"; add \"x-trace\" to allowHeaders";
    assert_eq!(shown.decisions, [decision]);
    let agreement = "✓The library's model of a browser and this browser agree on all 3 points.";
    assert_eq!(shown.agreement.as_deref(), Some(agreement));
}

/// Serves the example on ports of its own, and returns where its page is.
async fn serve() -> String {
    let bind = async || TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let port = |listener: &TcpListener| listener.local_addr().expect("a bound address").port();
    let (page, api) = (bind().await, bind().await);
    let url = format!("http://localhost:{}", port(&page));
    let example = example::Playground::new(port(&page), port(&api));
    tokio::spawn(axum::serve(page, example.page).into_future());
    tokio::spawn(axum::serve(api, example.api).into_future());
    url
}
