//! Presets: the lists of each, written out; how they unite with a policy and with each other; and what they are for, held
//! against the model of a browser: with a preset the protocol's calls go through, and without any one of its names one of
//! them does not.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use tower_cors::{
    CompiledPolicy, CorsPolicy, Decision,
    browser::ScriptRequest,
    decision::{Options, decide},
    policy::{Preset, RustPolicy},
    request::CorsRequest,
};

const PAGE: &str = "https://app.example";

fn for_page() -> CorsPolicy {
    CorsPolicy::new().allow_origins([PAGE])
}

fn list(names: &[&str]) -> Option<Vec<String>> {
    (!names.is_empty()).then(|| names.iter().map(|name| (*name).to_owned()).collect())
}

#[test]
fn a_preset_adds_these_lists_and_nothing_else() {
    type Lists<'a> = (Preset, &'a [&'a str], &'a [&'a str], &'a [&'a str]);
    let rows: [Lists<'_>; 4] = [
        (
            Preset::GrpcWeb,
            &[],
            &["Content-Type", "X-Grpc-Web", "X-User-Agent", "Grpc-Timeout"],
            &["Grpc-Status", "Grpc-Message", "Grpc-Status-Details-Bin"],
        ),
        (
            Preset::Connect,
            &[],
            &["Content-Type", "Connect-Protocol-Version", "Connect-Timeout-Ms", "X-User-Agent"],
            &[],
        ),
        (
            Preset::Mcp,
            &["DELETE"],
            &[
                "Content-Type",
                "Authorization",
                "MCP-Protocol-Version",
                "Mcp-Method",
                "Mcp-Name",
                "Mcp-Session-Id",
                "Last-Event-ID",
            ],
            &["Mcp-Session-Id", "WWW-Authenticate"],
        ),
        (Preset::ServerSentEvents, &[], &["Last-Event-ID", "Cache-Control"], &[]),
    ];
    for (preset, methods, request_headers, response_headers) in rows {
        let expected = CorsPolicy {
            allow_methods: list(methods),
            allow_headers: list(request_headers),
            expose_headers: list(response_headers),
            ..CorsPolicy::default()
        };
        assert_eq!(CorsPolicy::new().preset(preset), expected, "{preset:?}");
    }
}

#[test]
fn two_presets_and_settings_of_ones_own_unite_in_order_without_repeats() {
    let policy = for_page()
        .allow_methods(["PUT", "delete"])
        .allow_headers(["X-Tenant", "authorization"])
        .expose_headers(["ETag"])
        .preset(Preset::ServerSentEvents)
        .preset(Preset::Mcp)
        .preset(Preset::Mcp)
        .extend_allow_headers(["Mcp-Param-Region"]);
    let expected = CorsPolicy {
        allow_origins: list(&[PAGE]),
        // A method is another method when its case differs.
        allow_methods: list(&["PUT", "delete", "DELETE"]),
        allow_headers: list(&[
            "X-Tenant",
            "authorization",
            "Last-Event-ID",
            "Cache-Control",
            "Content-Type",
            "MCP-Protocol-Version",
            "Mcp-Method",
            "Mcp-Name",
            "Mcp-Session-Id",
            "Mcp-Param-Region",
        ]),
        expose_headers: list(&["ETag", "Mcp-Session-Id", "WWW-Authenticate"]),
        ..CorsPolicy::default()
    };
    assert_eq!(policy, expected);
}

#[test]
fn a_setter_that_replaces_keeps_what_a_preset_needs() {
    let lists = |policy: &CorsPolicy| {
        [&policy.allow_methods, &policy.allow_headers, &policy.expose_headers].map(|list| {
            let mut list = list.clone().unwrap_or_default();
            list.sort();
            list
        })
    };
    let before = for_page().allow_methods(["PUT"]).allow_headers(["X-Tenant"]).expose_headers(["ETag"]);
    let before = before.preset(Preset::Mcp).preset(Preset::ServerSentEvents);
    let after = for_page().preset(Preset::Mcp).preset(Preset::ServerSentEvents);
    let after = after.allow_methods(["PUT"]).allow_headers(["X-Tenant"]).expose_headers(["ETag"]);
    let between = for_page().allow_headers(["X-Old"]).preset(Preset::ServerSentEvents).expose_headers(["ETag"]);
    let between =
        between.preset(Preset::Mcp).allow_origin_if(|_| false).allow_methods(["PUT"]).allow_headers(["X-Tenant"]);
    assert_eq!(lists(&before)[0], ["DELETE", "PUT"]);
    assert_eq!((lists(&after), lists(&between)), (lists(&before), lists(&before)));

    // A star covers the preset, and a field that is set by itself is what it says.
    let mut star = for_page().preset(Preset::GrpcWeb).allow_headers(["*"]);
    assert_eq!(star.allow_headers.as_deref().unwrap(), ["*"]);
    star.allow_headers = Some(vec!["X-Grpc-Web".to_owned()]);
    assert_eq!(star.compile().expect("a valid policy").policy().allow_headers.as_deref().unwrap(), ["X-Grpc-Web"]);
}

#[test]
fn a_star_covers_what_a_preset_needs() {
    let any = CorsPolicy::new().allow_methods(["*"]).allow_headers(["*"]).expose_headers(["*"]);
    assert_eq!(any.clone().preset(Preset::Mcp).preset(Preset::GrpcWeb), any);
}

#[test]
fn a_list_that_is_set_to_nothing_gains_what_a_preset_needs_and_no_other_list_is_set() {
    let none = [""; 0];
    let policy = CorsPolicy::new().allow_methods(none).allow_headers(none).preset(Preset::ServerSentEvents);
    let expected = CorsPolicy {
        allow_methods: Some(Vec::new()),
        allow_headers: list(&["Last-Event-ID", "Cache-Control"]),
        ..CorsPolicy::default()
    };
    assert_eq!(policy, expected);
}

#[test]
fn every_preset_alone_and_all_together_compile_without_a_violation_or_a_lint() {
    let start = RustPolicy::from(for_page().allow_credentials(true));
    let all = ALL.iter().fold(start, |policy, preset| policy.preset(*preset));
    for policy in ALL.iter().map(|preset| for_page().preset(*preset)).chain([all]) {
        let compiled = policy.compile().expect("a valid policy");
        assert!(compiled.lints().is_empty(), "{:?}", compiled.lints());
    }
}

#[test]
fn no_preset_lets_a_page_in_by_itself() {
    for preset in ALL {
        let policy = CorsPolicy::new().preset(preset).compile().expect("a valid policy");
        for call in calls(preset) {
            assert!(!goes_through(&policy, &call), "{preset:?}: {call:?}");
        }
    }
}

#[test]
fn with_a_preset_every_call_of_its_protocol_goes_through() {
    for preset in ALL {
        let policy = for_page().preset(preset).compile().expect("a valid policy");
        for call in calls(preset) {
            assert!(goes_through(&policy, &call), "{preset:?}: {call:?}");
        }
    }
}

#[test]
fn without_any_one_of_its_names_some_call_of_the_protocol_does_not_go_through() {
    for preset in ALL {
        let whole = for_page().preset(preset);
        for (name, policy) in lacking_one_name(&whole) {
            let policy = policy.compile().expect("a valid policy");
            let all_go = calls(preset).iter().all(|call| goes_through(&policy, call));
            assert!(!all_go, "{preset:?}: {name} is not needed");
        }
    }
}

const ALL: [Preset; 4] = [Preset::GrpcWeb, Preset::Connect, Preset::Mcp, Preset::ServerSentEvents];

/// A call as a client in a browser makes it: the method, the headers that the script sets, and the headers of the response
/// that it must see.
#[derive(Debug)]
struct Call {
    method: &'static str,
    sends: &'static [(&'static str, &'static str)],
    reads: &'static [&'static str],
}

fn calls(preset: Preset) -> Vec<Call> {
    match preset {
        Preset::GrpcWeb => vec![
            Call {
                method: "POST",
                sends: &[
                    ("accept", "application/grpc-web-text"),
                    ("content-type", "application/grpc-web-text"),
                    ("x-grpc-web", "1"),
                    ("x-user-agent", "grpc-web-javascript/0.1"),
                    ("grpc-timeout", "1000m"),
                ],
                reads: &["content-type"],
            },
            Call {
                method: "POST",
                sends: &[("content-type", "application/grpc-web+proto"), ("x-grpc-web", "1")],
                reads: &["content-type", "grpc-status", "grpc-message", "grpc-status-details-bin"],
            },
        ],
        Preset::Connect => vec![
            Call { method: "GET", sends: &[], reads: &["content-type"] },
            Call {
                method: "POST",
                sends: &[
                    ("content-type", "application/json"),
                    ("connect-protocol-version", "1"),
                    ("connect-timeout-ms", "1000"),
                    ("x-user-agent", "connect-es/2.0.0"),
                ],
                reads: &["content-type"],
            },
        ],
        Preset::Mcp => vec![
            // 2026-07-28
            Call {
                method: "POST",
                sends: &[
                    ("accept", "application/json, text/event-stream"),
                    ("content-type", "application/json"),
                    ("authorization", "Bearer t"),
                    ("mcp-protocol-version", "2026-07-28"),
                    ("mcp-method", "tools/call"),
                    ("mcp-name", "get_weather"),
                ],
                reads: &["content-type", "www-authenticate"],
            },
            // 2025-11-25: begin a session, resume its stream, end it.
            Call {
                method: "POST",
                sends: &[("accept", "application/json, text/event-stream"), ("content-type", "application/json")],
                reads: &["content-type", "mcp-session-id"],
            },
            Call {
                method: "GET",
                sends: &[
                    ("accept", "text/event-stream"),
                    ("mcp-protocol-version", "2025-11-25"),
                    ("mcp-session-id", "s"),
                    ("last-event-id", "7"),
                ],
                reads: &["content-type"],
            },
            Call {
                method: "DELETE",
                sends: &[("mcp-protocol-version", "2025-11-25"), ("mcp-session-id", "s")],
                reads: &[],
            },
        ],
        Preset::ServerSentEvents => vec![
            Call { method: "GET", sends: &[("accept", "text/event-stream")], reads: &["content-type"] },
            Call {
                method: "GET",
                sends: &[("accept", "text/event-stream"), ("last-event-id", "7"), ("cache-control", "no-cache")],
                reads: &["content-type"],
            },
        ],
        preset => panic!("no calls for {preset:?}"),
    }
}

/// Whether a browser sends the call, lets the script read the response, and shows it the headers that the client reads.
fn goes_through(policy: &CompiledPolicy, call: &Call) -> bool {
    let name = |name: &str| name.parse::<HeaderName>().expect("a header name");
    let method: Method = call.method.parse().expect("a method");
    let script = ScriptRequest::new(HeaderValue::from_static(PAGE), method.clone());
    let script = call
        .sends
        .iter()
        .fold(script, |script, (header, value)| script.header(name(header), HeaderValue::from_static(value)));
    if script.needs_preflight() {
        let answer = answer(policy, Method::OPTIONS, script.preflight_headers(), &[]);
        if script.check_preflight(answer.status(), answer.headers()).is_err() {
            return false;
        }
    }
    let response = answer(policy, method, script.request_headers(), call.reads);
    let readable = script.check_response(response.headers());
    readable.is_ok_and(|readable| call.reads.iter().all(|header| readable.shows(&name(header))))
}

/// What a server answers that sets the headers `set`.
fn answer(policy: &CompiledPolicy, method: Method, headers: HeaderMap, set: &[&'static str]) -> Response<()> {
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.headers_mut() = headers;
    let mut response = Response::new(());
    match decide(&CorsRequest::of(&request), &policy.into(), &Options::new()) {
        Decision::Answer(answer) => {
            *response.status_mut() = answer.status();
            answer.write_to(response.headers_mut());
        }
        Decision::Continue(plan) => {
            for name in set {
                response.headers_mut().insert(*name, HeaderValue::from_static("0"));
            }
            plan.apply(response.status(), response.headers_mut());
        }
        decision => panic!("{decision:?}"),
    }
    response
}

/// The policy without one name of one list, for each of them.
fn lacking_one_name(policy: &CorsPolicy) -> Vec<(String, CorsPolicy)> {
    type List = fn(&mut CorsPolicy) -> &mut Option<Vec<String>>;
    let lists: [List; 3] =
        [|policy| &mut policy.allow_methods, |policy| &mut policy.allow_headers, |policy| &mut policy.expose_headers];
    let mut lacking = Vec::new();
    for list in lists {
        for at in 0..list(&mut policy.clone()).as_ref().map_or(0, Vec::len) {
            let mut policy = policy.clone();
            let name = list(&mut policy).as_mut().expect("a list with names").remove(at);
            lacking.push((name, policy));
        }
    }
    assert!(!lacking.is_empty(), "a preset with nothing in it");
    lacking
}
