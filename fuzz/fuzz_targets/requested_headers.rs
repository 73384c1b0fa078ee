//! What a policy with `allowHeaders: ["*"]` makes of `Access-Control-Request-Headers`, against a slow reference of
//! rules 4.8 and 4.9. In: its lines.
#![no_main]

use std::sync::LazyLock;

use http::{HeaderMap, HeaderValue, Method, header};
use libfuzzer_sys::fuzz_target;
use tower_cors::{
    CompiledPolicy, CorsPolicy, Decision, Reason,
    decision::{Options, decide},
    request::CorsRequest,
};

const ORIGIN: &str = "https://app.example";

static POLICIES: LazyLock<[CompiledPolicy; 2]> = LazyLock::new(|| {
    [false, true].map(|credentials| {
        let policy = CorsPolicy::new().allow_origins([ORIGIN]).allow_headers(["*"]).allow_credentials(credentials);
        policy.compile().unwrap()
    })
});

fuzz_target!(|input: &[u8]| {
    let mut request = HeaderMap::new();
    request.insert(header::ORIGIN, HeaderValue::from_static(ORIGIN));
    request.insert(header::ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("PUT"));
    let lines = input.split(|&byte| byte == b'\n').filter_map(|line| HeaderValue::from_bytes(line).ok());
    for line in lines.take(10_000) {
        request.append(header::ACCESS_CONTROL_REQUEST_HEADERS, line);
    }
    for policy in &*POLICIES {
        let decision = decide(&CorsRequest::new(&Method::OPTIONS, &request), &policy.into(), &Options::new());
        let Decision::Answer(answer) = decision else { panic!("a preflight is answered") };
        assert!(answer.is_allowed());
        let reason = answer.reason();
        let mut response = HeaderMap::new();
        answer.write_to(&mut response);
        let found = response.get(header::ACCESS_CONTROL_ALLOW_HEADERS).map(HeaderValue::as_bytes);
        match reference(&request) {
            Echo::TooLong => assert_eq!((found, reason), (None, Reason::TooManyHeaders)),
            Echo::Nothing => {
                let any = (!policy.is_credentialed()).then_some(&b"*"[..]);
                assert_eq!((found, reason), (any, Reason::OriginAllowed));
            }
            Echo::Names(names) => assert_eq!((found, reason), (Some(names.as_bytes()), Reason::OriginAllowed)),
        }
    }
});

enum Echo {
    TooLong,
    Nothing,
    Names(String),
}

fn reference(request: &HeaderMap) -> Echo {
    let lines: Vec<&[u8]> =
        request.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS).iter().map(HeaderValue::as_bytes).collect();
    let joined = lines.join(&b',').iter().map(|&byte| char::from(byte)).collect::<String>();
    let is_token = |name: &&str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
    };
    let names: Vec<&str> = joined
        .split(',')
        .map(|name| name.trim_matches([' ', '\t']))
        .filter(is_token)
        .filter(|name| *name != "*")
        .collect();
    match lines.iter().map(|line| line.len()).sum::<usize>() {
        bytes if bytes > 8192 || names.len() > 256 => Echo::TooLong,
        _ if names.is_empty() => Echo::Nothing,
        _ => Echo::Names(names.join(", ")),
    }
}
