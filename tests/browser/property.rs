//! Rule 9.2, the property that sums everything up: over arbitrary valid policies, pages, requests and inner responses,
//! through the whole service, a browser lets the page read the response if and only if the policy means it to.
//!
//! What the policy means is written here from the words of the rules, on strings and slowly, without the crate's
//! matcher.

use std::{
    cell::Cell,
    future::{Ready, ready},
    pin::pin,
    task::{Context, Poll, Waker},
};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, TestRunner},
};
use tower::{Layer, Service, service_fn};
use tower_cors::{
    CompiledPolicy, CorsLayer, CorsPolicy, Profile,
    browser::{Credentials, ScriptRequest},
    compile::Compiler,
};

// ---- What there is: policies, pages, requests, inner responses.

const HOSTS: [&str; 14] = [
    "example.com",
    "a.example.com",
    "b.a.example.com",
    "evilexample.com",
    "example.com.evil.test",
    "com",
    "localhost",
    "a-b.test",
    "_a.test",
    "xn--bcher-kva.example",
    "1.test",
    "127.0.0.1",
    "[::1]",
    "[2001:db8::1]",
];
const PORTS: [&str; 6] = ["", "", "", ":80", ":443", ":8443"];
const METHODS: [&str; 12] =
    ["GET", "get", "HEAD", "POST", "PUT", "put", "DELETE", "OPTIONS", "PATCH", "patch", "PROPFIND", "X"];
const REQUEST_HEADERS: [&str; 10] = [
    "Accept",
    "Accept-Language",
    "Content-Language",
    "Content-Type",
    "Range",
    "Authorization",
    "X-A",
    "x-a",
    "X-B",
    "If-None-Match",
];
const REQUEST_VALUES: [&str; 8] = ["", "text/plain", "application/json", "bytes=0-", "de", "(", "a=\"b\"", LONG];
const LONG: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const RESPONSE_HEADERS: [&str; 21] = [
    "access-control-allow-origin",
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-expose-headers",
    "access-control-max-age",
    "access-control-allow-private-network",
    "cache-control",
    "content-language",
    "content-type",
    "content-length",
    "last-modified",
    "etag",
    "set-cookie",
    "set-cookie2",
    "vary",
    "vary",
    "x-a",
    "x-b",
    "location",
];
const RESPONSE_VALUES: [&str; 9] =
    ["*", "true", "https://example.com", "null", "etag, x-a", "Origin", "accept, origin", "", "\u{e4}"];

/// The names that a policy lists or that are looked for in it.
const EXPOSED: [&str; 8] =
    ["X-A", "x-b", "ETag", "Content-Type", "Set-Cookie", "Vary", "access-control-max-age", "X-C"];

#[derive(Clone, Debug)]
struct Case {
    policy: CorsPolicy,
    strict: bool,
    /// What one of the policy's patterns stands for, with these labels and this port where it has a `*`.
    meant: (Index, &'static str, &'static str),
    /// A page of an origin that has nothing to do with the patterns.
    stranger: Option<String>,
    method: &'static str,
    credentials: Credentials,
    headers: Vec<(&'static str, &'static str)>,
    /// How many headers the script sets beside these, and how long their names are.
    flood: Option<(usize, usize)>,
    status: u16,
    response: Vec<(&'static str, &'static str)>,
}

fn pattern() -> impl Strategy<Value = String> {
    let web =
        (select(vec!["https", "https", "http", "HTTPS"]), 0..3, select(&HOSTS[..]), select(&PORTS[..]), 0..8, 0..8);
    let web = web.prop_map(|(scheme, shape, host, port, any_port, odd)| {
        let is_name = !host.starts_with(['[', '1']) || host.ends_with("test");
        let host = match shape {
            0 if is_name => format!("*.{host}"),
            1 if odd < 2 => "*".to_owned(),
            _ if odd == 2 && is_name => host.to_ascii_uppercase(),
            _ => host.to_owned(),
        };
        let port = if any_port == 0 { ":*" } else { port };
        format!("{scheme}://{host}{port}{}", if odd == 3 { "/" } else { "" })
    });
    prop_oneof![9 => web, 1 => select(vec!["tauri://localhost", "chrome-extension://abc"]).prop_map(str::to_owned)]
}

/// Absent, empty, `*`, or a list without repeats.
fn list(entries: impl Strategy<Value = String>) -> impl Strategy<Value = Option<Vec<String>>> {
    let unique = |mut list: Vec<String>| {
        let mut seen = std::collections::HashSet::new();
        list.retain(|entry| seen.insert(entry.clone()));
        list
    };
    prop_oneof![
        1 => Just(None),
        1 => Just(Some(Vec::new())),
        3 => Just(Some(vec!["*".to_owned()])),
        9 => vec(entries, 1..6).prop_map(move |list| Some(unique(list))),
    ]
}

fn word(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(words).prop_map(str::to_owned)
}

fn policy() -> impl Strategy<Value = CorsPolicy> {
    let fields = (
        list(pattern()),
        option::of(any::<bool>()),
        list(word(&METHODS)),
        list(word(&REQUEST_HEADERS)),
        list(word(&EXPOSED)),
        option::of(0_u64..100_000),
    );
    fields.prop_map(|(allow_origins, allow_credentials, allow_methods, allow_headers, expose_headers, max_age)| {
        CorsPolicy { allow_origins, allow_credentials, allow_methods, allow_headers, expose_headers, max_age }
    })
}

fn stranger() -> impl Strategy<Value = String> {
    let any = (select(vec!["https", "http", "tauri"]), select(&HOSTS[..]), select(&PORTS[..]))
        .prop_map(|(scheme, host, port)| as_sent(&format!("{scheme}://{host}{port}")));
    // A browser does send these, and none of them is well-formed (3.4).
    let odd = ["null", "null", "https://example.com.", "https://a..example.com", "https://a!b.example.com"];
    let odd = select(odd.to_vec()).prop_map(str::to_owned);
    prop_oneof![any, odd]
}

fn case() -> impl Strategy<Value = Case> {
    let request = (
        (any::<Index>(), select(vec!["a", "a.b", "x-1"]), select(&PORTS[..])),
        option::of(stranger()),
        select(&METHODS[..]),
        select(vec![Credentials::Omit, Credentials::Include]),
        prop_oneof![
            2 => Just(Vec::new()),
            5 => vec((select(&REQUEST_HEADERS[..]), select(&REQUEST_VALUES[..])), 1..4),
            1 => vec((select(&REQUEST_HEADERS[..4]), select(&REQUEST_VALUES[6..])), 8..20),
        ],
        prop_oneof![
            20 => Just(None),
            1 => (250_usize..262).prop_map(|names| Some((names, 8))),
            1 => (1010_usize..1030).prop_map(|bytes| Some((8, bytes))),
        ],
    );
    let status = prop_oneof![3 => Just(200_u16), 1 => Just(304), 3 => 200_u16..600];
    let response = vec((select(&RESPONSE_HEADERS[..]), select(&RESPONSE_VALUES[..])), 0..12);
    // Left to chance, hardly any request meets a policy that allows every part of it.
    let welcome = any::<bool>();
    (policy(), any::<bool>(), request, status, response, welcome).prop_map(
        |(policy, strict, (meant, stranger, method, credentials, headers, flood), status, response, welcome)| {
            let case = Case { policy, strict, meant, stranger, method, credentials, headers, flood, status, response };
            if welcome { case.welcome() } else { case }
        },
    )
}

impl Case {
    /// The case without most of what makes its policy refuse it.
    fn welcome(mut self) -> Self {
        if self.policy.allow_origins.iter().flatten().next().is_none() {
            self.policy.allow_origins = Some(vec!["https://*.example.com".to_owned()]);
        }
        self.stranger = None;
        if self.policy.allow_credentials != Some(true) {
            self.credentials = Credentials::Omit;
        }
        let allowed = self.policy.allow_methods.iter().flatten().map(String::as_str).collect::<Vec<_>>();
        if allowed != ["*"] && !allowed.contains(&self.method) {
            self.method = METHODS.into_iter().find(|method| allowed.contains(method)).unwrap_or("GET");
        }
        let allowed = self.policy.allow_headers.clone().unwrap_or_default();
        self.headers.retain(|(name, _)| allowed.iter().any(|entry| entry == "*" || entry == name));
        self
    }

    /// The page's origin as the browser serialises it.
    fn origin(&self) -> String {
        if let Some(origin) = &self.stranger {
            return origin.clone();
        }
        let (at, labels, port) = self.meant;
        let patterns = self.policy.allow_origins.as_deref().unwrap_or_default();
        if patterns.is_empty() || patterns == ["*"] {
            return as_sent(&format!("https://{labels}.test{port}"));
        }
        let pattern = at.get(patterns).to_ascii_lowercase();
        let pattern = pattern.trim_end_matches('/').replace(":*", port).replace("//*.", &format!("//{labels}."));
        as_sent(&pattern.replace("//*", &format!("//{labels}")))
    }

    fn script(&self) -> ScriptRequest {
        let mut script = ScriptRequest::new(self.origin().parse().unwrap(), self.method.parse().unwrap())
            .credentials(self.credentials);
        for (name, value) in &self.headers {
            script = script.header(name.parse().unwrap(), HeaderValue::from_static(value));
        }
        let (names, bytes) = self.flood.unwrap_or_default();
        for number in 0..names {
            let name = format!("x-{number:0>width$}", width = bytes - 2);
            script = script.header(name.parse().unwrap(), HeaderValue::from_static("1"));
        }
        script
    }

    fn response(&self) -> Response<()> {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap();
        for (name, value) in &self.response {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            response.headers_mut().append(HeaderName::from_static(name), value);
        }
        response
    }

    /// The policy under one of the two profiles; any origin with credentials has to be accepted loudly under `Strict`.
    fn compiled(&self) -> CompiledPolicy {
        let compiler = match self.strict {
            true => Compiler::new().dangerously_allow_any_origin_with_credentials(),
            false => Compiler::new().profile(Profile::GatewayApi),
        };
        compiler.compile(self.policy.clone()).unwrap()
    }
}

/// Without a scheme's own port, which no browser writes.
fn as_sent(origin: &str) -> String {
    let own_port = if origin.starts_with("https:") { ":443" } else { ":80" };
    match origin.strip_suffix(own_port) {
        Some(rest) if origin.starts_with("http") => rest.to_owned(),
        _ => origin.to_owned(),
    }
}

// ---- What the policy means, in the words of 9.2, 9.3 and section 3.

fn means_it(policy: &CorsPolicy, origin: &str, script: &ScriptRequest) -> bool {
    let credentialed = policy.allow_credentials == Some(true);
    let method_is_allowed = || {
        let method = script.method().as_str();
        ["GET", "HEAD", "POST"].contains(&method) || names(&policy.allow_methods, |allowed| allowed == method)
    };
    let every_name_is_allowed = || {
        let announced = script.unsafe_header_names();
        announced.iter().all(|name| names(&policy.allow_headers, |allowed| allowed.to_lowercase() == name.as_str()))
    };
    allows_origin(policy, origin)
        && (credentialed || script_has_no_credentials(script))
        && (!script.needs_preflight() || (method_is_allowed() && every_name_is_allowed()))
        && !is_over_the_limits(policy, script)
}

fn script_has_no_credentials(script: &ScriptRequest) -> bool {
    *script == script.clone().credentials(Credentials::Omit)
}

/// Whether a list names something, or says `*`.
fn names(list: &Option<Vec<String>>, is: impl Fn(&str) -> bool) -> bool {
    list.iter().flatten().any(|entry| entry == "*" || is(entry))
}

/// 9.3: an announced list over the limits of 4.9, which is not echoed, so it matters only where an echo is due.
fn is_over_the_limits(policy: &CorsPolicy, script: &ScriptRequest) -> bool {
    let bytes = script.announced_headers().map_or(0, |list| list.len());
    names(&policy.allow_headers, |_| false) && (bytes > 8192 || script.unsafe_header_names().len() > 256)
}

fn allows_origin(policy: &CorsPolicy, origin: &str) -> bool {
    let patterns = policy.allow_origins.as_deref().unwrap_or_default();
    match patterns {
        // 3.6, 3.7, 9.3
        [any] if any == "*" => policy.allow_credentials != Some(true) || is_well_formed(origin),
        _ => is_well_formed(origin) && patterns.iter().any(|pattern| stands_for(pattern, origin)),
    }
}

/// 3.4, as far as it matters for what a browser sends: it writes addresses and ports in one way only.
fn is_well_formed(origin: &str) -> bool {
    let Some((_, rest)) = origin.split_once("://") else { return false };
    let (host, _) = host_and_port(rest, "");
    let is_label =
        |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    host.starts_with('[') || host.split('.').all(is_label)
}

/// 3.1 to 3.3
fn stands_for(pattern: &str, origin: &str) -> bool {
    let pattern = pattern.to_lowercase();
    let (scheme, rest) = pattern.strip_suffix('/').unwrap_or(&pattern).split_once("://").unwrap();
    let (origin_scheme, origin_rest) = origin.split_once("://").unwrap();
    let (host, port) = host_and_port(rest, scheme);
    let (origin_host, origin_port) = host_and_port(origin_rest, origin_scheme);
    let host_fits = match host.strip_prefix("*.") {
        Some(parent) => origin_host.ends_with(&format!(".{parent}")) && origin_host.len() > parent.len() + 1,
        None => host == "*" || host == origin_host,
    };
    scheme == origin_scheme && host_fits && (port == "*" || port == origin_port)
}

fn host_and_port<'a>(rest: &'a str, scheme: &str) -> (&'a str, &'a str) {
    let own_port = match scheme {
        "https" => "443",
        "http" => "80",
        _ => "",
    };
    match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (rest, own_port),
    }
}

/// Whether the script sees the header `name` of a response that it can read.
fn is_shown(policy: &CorsPolicy, name: &str, status: u16) -> bool {
    let safelisted =
        ["cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma"];
    let of_cors = name.starts_with("access-control-");
    let exposed = match policy.expose_headers.as_deref().unwrap_or_default() {
        // 5.4: a credentialed policy names what the response has, but for CORS's own, and nothing on a 304.
        [any] if any == "*" && policy.allow_credentials == Some(true) => status != 304 && !of_cors,
        [any] if any == "*" => true,
        listed => listed.iter().any(|exposed| exposed.to_lowercase() == name),
    };
    safelisted.contains(&name) || (exposed && !name.starts_with("set-cookie"))
}

// ---- The property.

/// What became of a case, to see that no kind of them is missing.
#[derive(Clone, Copy)]
enum Outcome {
    Read,
    ReadAfterPreflight,
    BlockedPreflight,
    BlockedResponse,
    OverTheLimits,
}

fn answer<S>(service: &mut S, request: Request<()>) -> Response<()>
where
    S: Service<Request<()>, Response = Response<()>, Error: std::fmt::Debug>,
{
    match pin!(service.call(request)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(response) => response.unwrap(),
        Poll::Pending => panic!("nothing here has to wait"),
    }
}

fn request(method: Method, headers: HeaderMap) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = "/a?b".parse().unwrap();
    *request.headers_mut() = headers;
    request.headers_mut().insert("host", HeaderValue::from_static("api.test"));
    request
}

fn check(case: &Case) -> Result<Outcome, TestCaseError> {
    let called = Cell::new(0);
    let inner = service_fn(|_: Request<()>| -> Ready<Result<_, ()>> {
        called.set(called.get() + 1);
        ready(Ok(case.response()))
    });
    let mut service = CorsLayer::from(case.compiled()).layer(inner);
    let (origin, script) = (case.origin(), case.script());
    let means_it = means_it(&case.policy, &origin, &script);

    if script.needs_preflight() {
        let response = answer(&mut service, request(Method::OPTIONS, script.preflight_headers()));
        prop_assert_eq!(called.get(), 0, "the inner service was called for a preflight");
        if let Err(blocked) = script.check_preflight(response.status(), response.headers()) {
            prop_assert!(!means_it, "{}: {:?}", blocked, response);
            let over = is_over_the_limits(&case.policy, &script);
            return Ok(if over { Outcome::OverTheLimits } else { Outcome::BlockedPreflight });
        }
    }
    let response = answer(&mut service, request(script.method().clone(), script.request_headers()));
    prop_assert_eq!(called.get(), 1, "the browser sent the request, and the inner service was not called");
    prop_assert_eq!(response.status().as_u16(), case.status);
    prop_assert_eq!(without_cors(response.headers()), without_cors(case.response().headers()));
    let readable = match script.check_response(response.headers()) {
        Ok(readable) => readable,
        Err(blocked) => {
            prop_assert!(!means_it, "{}: {:?}", blocked, response);
            return Ok(Outcome::BlockedResponse);
        }
    };
    prop_assert!(means_it, "the page reads what the policy does not mean it to: {:?}", response);
    for name in response.headers().keys() {
        let expected = is_shown(&case.policy, name.as_str(), case.status);
        prop_assert_eq!(readable.shows(name), expected, "{} of {:?}", name, response);
    }
    Ok(if script.needs_preflight() { Outcome::ReadAfterPreflight } else { Outcome::Read })
}

/// The headers that are none of CORS's business.
fn without_cors(headers: &HeaderMap) -> HeaderMap {
    let mut rest = headers.clone();
    for name in headers.keys().filter(|name| name.as_str().starts_with("access-control-") || *name == "vary") {
        rest.remove(name);
    }
    rest
}

// rule 9.2, 9.3
#[test]
fn a_page_reads_a_response_exactly_when_the_policy_means_it_to() {
    let set = std::env::var_os("PROPTEST_CASES").is_some();
    let default = Config::default();
    let cases = if set { default.cases } else { 3000 };
    let outcomes: [Cell<u32>; 5] = Default::default();
    TestRunner::new(Config { cases, failure_persistence: None, ..default })
        .run(&case(), |case| {
            let outcome = &outcomes[check(&case)? as usize];
            outcome.set(outcome.get() + 1);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    // A generator that misses a kind of case proves nothing about it.
    let outcomes = outcomes.map(Cell::into_inner);
    let [read, read_after_preflight, blocked_preflight, blocked_response, over_the_limits] = outcomes;
    if cases >= 2000 {
        let share = |count: u32, percent: u32| count * 100 >= cases * percent;
        assert!(share(read, 5) && share(read_after_preflight, 5), "{outcomes:?}");
        assert!(share(blocked_preflight, 5) && share(blocked_response, 1) && over_the_limits > 0, "{outcomes:?}");
    }
}

/// A method or a header that is called `*` can't be told from the wildcard, so 4.7 and 4.8 never echo it: no rule of
/// 9.2 covers a script that uses one.
#[test]
fn a_method_or_header_called_asterisk_is_blocked_with_credentials() {
    let policy = CorsPolicy::new()
        .allow_origins(["https://example.com"])
        .allow_credentials(true)
        .allow_methods(["*"])
        .allow_headers(["*"]);
    let inner = service_fn(|_: Request<()>| ready(Ok::<_, ()>(Response::new(()))));
    let mut service = CorsLayer::new(policy).unwrap().layer(inner);
    for (method, name, expected) in
        [("PUT", "x-a", "readable"), ("*", "x-a", "preflight-method"), ("PUT", "*", "preflight-header")]
    {
        let script = ScriptRequest::new(HeaderValue::from_static("https://example.com"), method.parse().unwrap())
            .credentials(Credentials::Include)
            .unsafe_headers([HeaderName::from_static(name)]);
        let response = answer(&mut service, request(Method::OPTIONS, script.preflight_headers()));
        let found = match script.check_preflight(response.status(), response.headers()) {
            Ok(()) => "readable",
            Err(blocked) => blocked.code(),
        };
        assert_eq!(found, expected, "{method} {name}");
    }
}
