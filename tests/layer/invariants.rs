//! What holds for every policy, every request and every inner response, through the whole service.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use proptest::{collection::vec, option, prelude::*, sample::select};
use tower::{Layer, ServiceExt, service_fn};
use tower_cors::{
    CompiledPolicy, CorsLayer, CorsPolicy,
    compile::{Compiler, Profile},
    decision::{PreflightStatus, UnmatchedPreflight},
    request::{CorsRequest, RequestOrigin},
};

type Lines = Vec<(HeaderName, HeaderValue)>;

const TOKENS: [&str; 8] = ["GET", "PUT", "X-Id", "content-type", "x_y", "PROPFIND", "ETag", "Authorization"];
const ORIGINS: [&str; 9] = [
    "https://a.example",
    "https://x.a.example",
    "http://b.example:8080",
    "null",
    "https://evil.example",
    "garbage",
    "",
    "https://A.example",
    "https://a.example/",
];
const NAMES: [&str; 16] = [
    "origin",
    "origin",
    "access-control-request-method",
    "access-control-request-headers",
    "access-control-request-headers",
    "vary",
    "host",
    "sec-fetch-site",
    "access-control-request-private-network",
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-expose-headers",
    "access-control-max-age",
    "set-cookie",
    "x-other",
    "access-control-allow-private-network",
];

fn policy() -> impl Strategy<Value = CompiledPolicy> {
    let origins = prop_oneof![
        Just(vec!["*"]),
        Just(vec!["https://*"]),
        Just(vec![]),
        Just(vec!["https://a.example"]),
        Just(vec!["https://a.example", "https://*.a.example", "http://b.example:*"]),
    ];
    let list =
        || option::of(prop_oneof![1 => Just(vec!["*"]), 2 => proptest::sample::subsequence(TOKENS.to_vec(), 0..4)]);
    (option::of(origins), any::<Option<bool>>(), list(), list(), list(), any::<Option<u64>>()).prop_map(
        |(origins, credentials, methods, headers, expose, age)| {
            let own = |list: Option<Vec<&str>>| list.map(|list| list.into_iter().map(String::from).collect());
            let policy = CorsPolicy {
                allow_origins: own(origins),
                allow_credentials: credentials,
                allow_methods: own(methods),
                allow_headers: own(headers),
                expose_headers: own(expose),
                max_age: age,
            };
            Compiler::new().profile(Profile::GatewayApi).compile(policy).expect("valid by construction")
        },
    )
}

fn value() -> impl Strategy<Value = HeaderValue> {
    prop_oneof![
        4 => select(ORIGINS.to_vec()).prop_map(HeaderValue::from_static),
        3 => select(TOKENS.to_vec()).prop_map(HeaderValue::from_static),
        2 => select(vec!["*", "true", "x-a, X-b,,c d", "origin", "Origin, *", "same-origin", "cross-site", ", ,", "x,"]).prop_map(HeaderValue::from_static),
        1 => vec(any::<u8>(), 0..40).prop_filter_map("a header value", |bytes| HeaderValue::from_bytes(&bytes).ok()),
        1 => ("[a-z,*é ]{0,4}", 1_usize..6_000).prop_filter_map("a header value", |(part, count)| HeaderValue::from_bytes(part.repeat(count).as_bytes()).ok()),
    ]
}

fn lines() -> impl Strategy<Value = Lines> {
    vec((select(NAMES.to_vec()).prop_map(HeaderName::from_static), value()), 0..8)
}

fn request() -> impl Strategy<Value = Request<()>> {
    // Half of the requests look like a preflight, so that both kinds are frequent.
    (
        select(vec!["GET", "PUT", "OPTIONS", "OPTIONS", "OPTIONS", "CONNECT"]),
        lines(),
        select(ORIGINS.to_vec()),
        any::<(bool, bool)>(),
    )
        .prop_map(|(method, lines, origin, (has_origin, announces))| {
            let mut request = Request::builder().method(method).body(()).expect("a request");
            if has_origin {
                request.headers_mut().append("origin", HeaderValue::from_static(origin));
            }
            if announces {
                request.headers_mut().append("access-control-request-method", HeaderValue::from_static("PUT"));
            }
            for (name, value) in lines {
                request.headers_mut().append(name, value);
            }
            request
        })
}

/// Runs a request through the layer; answers how often the inner service was called too.
fn send(layer: &CorsLayer, request: &Request<()>, status: StatusCode, inner: &Lines) -> (usize, Response<String>) {
    let called = Arc::new(AtomicUsize::new(0));
    let (count, lines) = (Arc::clone(&called), inner.clone());
    let service = layer.layer(service_fn(move |_: Request<()>| {
        count.fetch_add(1, Ordering::SeqCst);
        let mut response = Response::new(String::from("inner"));
        *response.status_mut() = status;
        for (name, value) in &lines {
            response.headers_mut().append(name, value.clone());
        }
        std::future::ready(Ok::<_, std::convert::Infallible>(response))
    }));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let response = runtime.block_on(service.oneshot(request.clone())).expect("nothing fails");
    (called.load(Ordering::SeqCst), response)
}

/// The request as the inner service gets it, where it does.
fn reached(layer: &CorsLayer, request: &Request<()>) -> Option<Request<()>> {
    let seen = Arc::new(Mutex::new(None));
    let held = Arc::clone(&seen);
    let service = layer.layer(service_fn(move |request: Request<()>| {
        *held.lock().expect("nobody panics") = Some(request);
        std::future::ready(Ok::<_, std::convert::Infallible>(Response::new(String::new())))
    }));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(service.oneshot(request.clone())).expect("nothing fails");
    seen.lock().expect("nobody panics").take()
}

fn cors_lines(headers: &HeaderMap) -> Vec<(&HeaderName, &HeaderValue)> {
    let is_cors = |name: &str| {
        [
            "allow-origin",
            "allow-credentials",
            "allow-methods",
            "allow-headers",
            "expose-headers",
            "max-age",
            "allow-private-network",
        ]
        .iter()
        .any(|end| name.strip_prefix("access-control-") == Some(end))
    };
    headers.iter().filter(|(name, _)| is_cors(name.as_str())).collect()
}

fn varies_on(headers: &HeaderMap, member: &str) -> bool {
    headers.get_all("vary").iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b',')).any(|found| {
        let found = found.trim_ascii();
        found == b"*" || found.eq_ignore_ascii_case(member.as_bytes())
    })
}

fn is_allowed(policy: &CompiledPolicy, request: &CorsRequest<'_>) -> bool {
    match request.origin() {
        RequestOrigin::One(origin) => policy.allows_origin(origin),
        _ => false,
    }
}

fn statuses() -> impl Strategy<Value = StatusCode> {
    select(vec![
        StatusCode::OK,
        StatusCode::NOT_MODIFIED,
        StatusCode::NO_CONTENT,
        StatusCode::BAD_GATEWAY,
        StatusCode::FOUND,
    ])
}

#[test]
fn the_largest_answer_echoes_a_method_and_a_list_of_8_kib_each() {
    let policy = CorsPolicy::new().allow_origins(["https://a.example"]).allow_methods(["*"]).allow_headers(["*"]);
    let request = Request::options("/")
        .header("origin", "https://a.example")
        .header("access-control-request-method", "M".repeat(8192))
        .header("access-control-request-headers", format!("{}{}", "x,".repeat(255), "y".repeat(8192 - 510)));
    let layer = CorsLayer::new(policy).expect("a valid policy");
    let (_, response) = send(&layer, &request.body(()).expect("a request"), StatusCode::OK, &Lines::new());
    let length = |name| response.headers().get(name).map_or(0, HeaderValue::len);
    assert_eq!(length("access-control-allow-methods"), 8192);
    assert_eq!(length("access-control-allow-headers"), 8192 + 255, "a space for each comma");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn no_response_permits_more_than_the_policy(policy in policy(), request in request(), status in statuses(), inner in lines()) {
        let (calls, response) = send(&CorsLayer::from(policy.clone()), &request, status, &inner);
        let head = CorsRequest::of(&request);
        let (headers, allowed) = (response.headers(), is_allowed(&policy, &head));
        let origins = headers.get_all("access-control-allow-origin").iter().collect::<Vec<_>>();
        let credentials = headers.get_all("access-control-allow-credentials").iter().collect::<Vec<_>>();

        // One permission at the most, whatever the inner service sent; it is the origin's or, of an open policy, a star.
        prop_assert!(origins.len() <= 1 && credentials.len() <= 1);
        if let [origin] = origins[..] {
            if policy.is_open() {
                prop_assert_eq!(origin, "*");
            } else {
                prop_assert!(allowed);
                prop_assert_eq!(Some(origin), request.headers().get("origin"));
                prop_assert_ne!(origin, "*");
                prop_assert_ne!(origin, "null");
            }
        } else {
            prop_assert!(cors_lines(headers).is_empty(), "{:?}", headers);
        }
        // Credentials only beside an echoed, allowed origin.
        if let [value] = credentials[..] {
            prop_assert_eq!(value, "true");
            prop_assert!(policy.is_credentialed() && allowed);
            prop_assert_ne!(origins[0], "*");
        }
        prop_assert_eq!(origins.is_empty(), !(allowed || (policy.is_open() && !head.is_preflight())));

        // A preflight is answered by the layer, everything else by the inner service, once.
        prop_assert_eq!(calls, usize::from(!head.is_preflight()));
        prop_assert_eq!(response.body().as_str(), if calls == 1 { "inner" } else { "" });
        prop_assert_eq!(response.status(), if calls == 1 { status } else { StatusCode::OK });

        // What depends on the request says so.
        prop_assert!(policy.is_open() || varies_on(headers, "origin"));
        if head.is_preflight() {
            prop_assert!(varies_on(headers, "access-control-request-method") && varies_on(headers, "access-control-request-headers"));
        }
    }

    #[test]
    fn other_headers_are_kept_in_their_lines(policy in policy(), request in request(), inner in lines()) {
        let (calls, response) = send(&CorsLayer::from(policy), &request, StatusCode::OK, &inner);
        if calls == 1 {
            for name in ["set-cookie", "x-other", "vary", "origin"] {
                let sent = inner.iter().filter(|line| line.0 == name).map(|line| &line.1).collect::<Vec<_>>();
                let got = response.headers().get_all(name).iter().collect::<Vec<_>>();
                if name == "vary" {
                    // rule 6.3: what is added joins the last line.
                    let (mut members, sent) = (members(&got), members(&sent));
                    if members.len() > sent.len() {
                        prop_assert_eq!(members.pop(), Some("Origin".to_owned()));
                    }
                    prop_assert_eq!(members, sent);
                } else {
                    prop_assert_eq!(got, sent);
                }
            }
        }
    }

    #[test]
    fn without_a_policy_everything_passes_in_its_order(request in request(), status in statuses(), inner in lines()) {
        let layer = CorsLayer::with_resolver(None::<CompiledPolicy>).enforce(true).unmatched_preflight(UnmatchedPreflight::Forbid);
        let (calls, response) = send(&layer, &request, status, &inner);
        let mut expected = HeaderMap::new();
        for (name, value) in &inner {
            expected.append(name, value.clone());
        }
        prop_assert_eq!((calls, response.status()), (1, status));
        let (got, expected) = (response.headers().iter().collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>());
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn a_request_reaches_the_service_as_it_came(policy in option::of(policy()), request in request()) {
        let layer = match policy {
            Some(policy) => CorsLayer::from(policy),
            None => CorsLayer::with_resolver(None::<CompiledPolicy>),
        };
        let mut request = request;
        request.extensions_mut().insert("an extension");
        if let Some(reached) = reached(&layer, &request) {
            prop_assert_eq!((reached.method(), reached.uri()), (request.method(), request.uri()));
            prop_assert_eq!(reached.extensions().get::<&str>(), Some(&"an extension"));
            let (got, sent) = (reached.headers().iter(), request.headers().iter());
            prop_assert_eq!(got.collect::<Vec<_>>(), sent.collect::<Vec<_>>(), "in their order");
        }
    }

    #[test]
    fn no_setting_widens_the_policy(
        policy in policy(),
        request in request(),
        inner in lines(),
        settings in any::<(bool, bool, bool, bool)>(),
    ) {
        let (empty, forbid, enforce, private_network) = settings;
        let layer = CorsLayer::from(policy.clone())
            .preflight_status(if empty { PreflightStatus::NoContent } else { PreflightStatus::Ok })
            .unmatched_preflight(if forbid { UnmatchedPreflight::Forbid } else { UnmatchedPreflight::Answer })
            .enforce(enforce)
            .guard_websocket_upgrades(!enforce)
            .allow_private_network(private_network);
        let head = CorsRequest::of(&request);
        let allowed = is_allowed(&policy, &head);
        let (calls, response) = send(&layer, &request, StatusCode::OK, &inner);
        let headers = response.headers();
        prop_assert!(calls == 0 || !head.is_preflight(), "a preflight never reaches the service");
        prop_assert!(headers.get_all("access-control-allow-origin").iter().count() <= 1);
        if headers.contains_key("access-control-allow-credentials") {
            prop_assert!(allowed && policy.is_credentialed());
            prop_assert_eq!(headers.get("access-control-allow-origin"), request.headers().get("origin"));
        }
        if !allowed && (!policy.is_open() || head.is_preflight()) {
            prop_assert!(cors_lines(headers).is_empty(), "{:?}", headers);
        }
        prop_assert!(policy.is_open() || varies_on(headers, "origin"));
    }

    #[test]
    fn what_is_echoed_is_made_of_tokens_and_bounded(policy in policy(), request in request()) {
        let (calls, response) = send(&CorsLayer::from(policy), &request, StatusCode::OK, &Lines::new());
        let is_token = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
        for name in ["access-control-allow-headers", "access-control-allow-methods"] {
            for value in response.headers().get_all(name) {
                let text = value.to_str().expect("tokens are ASCII");
                prop_assert!(text.split(", ").all(is_token), "{}", text);
                prop_assert!(text == "*" || text.split(", ").all(|element| element != "*"));
            }
        }
        if calls == 0 {
            // 16 KiB would not do: an echoed method may have 8 KiB (4.7) and so may an echoed list (4.9), which gains a
            // space a name. The rest is an origin of at most 512 bytes and what is fixed.
            let size = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>();
            prop_assert!(size < 18 * 1024, "{} bytes", size);
        }
    }

    #[test]
    fn the_same_request_gets_the_same_answer(policy in policy(), request in request(), inner in lines()) {
        let again = Compiler::new().profile(Profile::GatewayApi).compile(policy.policy().clone()).expect("it compiled before");
        let one = send(&CorsLayer::from(policy), &request, StatusCode::OK, &inner);
        let other = send(&CorsLayer::from(again), &request, StatusCode::OK, &inner);
        prop_assert_eq!((one.0, one.1.status(), one.1.headers()), (other.0, other.1.status(), other.1.headers()));
    }

    #[test]
    fn the_guard_blocks_cross_origin_requests_of_denied_origins_and_no_others(policy in policy(), request in request()) {
        let head = CorsRequest::of(&request);
        prop_assume!(!head.is_preflight());
        let (calls, response) = send(&CorsLayer::from(policy.clone()).enforce(true), &request, StatusCode::OK, &Lines::new());
        let blocked = head.is_cross_origin() && !is_allowed(&policy, &head);
        prop_assert_eq!(calls, usize::from(!blocked));
        if blocked {
            prop_assert_eq!(response.status(), StatusCode::FORBIDDEN);
            prop_assert!(cors_lines(response.headers()).is_empty());
            prop_assert!(policy.is_open() || varies_on(response.headers(), "origin"));
        }
    }
}

/// The members of a list that several lines may spell.
fn members(lines: &[&HeaderValue]) -> Vec<String> {
    let lines = lines.iter().map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned()).collect::<Vec<_>>();
    let joined = lines.join(",");
    joined.split(',').map(|member| member.trim().to_owned()).filter(|member| !member.is_empty()).collect()
}
