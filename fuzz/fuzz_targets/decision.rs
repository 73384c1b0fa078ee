//! The whole decision, for any policy, options, request and response: no panic, and what holds whatever they say.
//!
//! In: lines of text. `origin`, `method`, `header`, `expose` add an entry to a list of the policy, `credentials` and
//! `age` set a field, `option` one of the layer's settings, `verb` the method, `> name: value` a header of the request,
//! `< name: value` one of the inner response, `status` its status. Other lines mean nothing.
#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use libfuzzer_sys::fuzz_target;
use tower_cors::{
    CompiledPolicy, CorsPolicy, Decision, Profile,
    compile::Compiler,
    decision::{InnerHeaders, Options, PreflightStatus, UnmatchedPreflight, decide},
    request::CorsRequest,
};

#[derive(Default)]
struct Input {
    policy: CorsPolicy,
    options: Options,
    // 4.4 and 5.5 let the inner service's headers stand.
    keeps_inner: bool,
    method: Method,
    request: HeaderMap,
    status: StatusCode,
    response: HeaderMap,
}

impl Input {
    fn read(input: &[u8]) -> Self {
        let mut read = Self::default();
        for line in input.split(|&byte| byte == b'\n').take(1000) {
            let space = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
            let (word, rest) = (&line[..space], line.get(space + 1..).unwrap_or_default());
            read.line(word, rest);
        }
        read
    }

    fn line(&mut self, word: &[u8], rest: &[u8]) {
        let text = String::from_utf8_lossy(rest).into_owned();
        let policy = &mut self.policy;
        match word {
            b"origin" => policy.allow_origins.get_or_insert_default().push(text),
            b"method" => policy.allow_methods.get_or_insert_default().push(text),
            b"header" => policy.allow_headers.get_or_insert_default().push(text),
            b"expose" => policy.expose_headers.get_or_insert_default().push(text),
            b"credentials" => policy.allow_credentials = Some(rest == b"true"),
            b"age" => policy.max_age = text.parse().ok(),
            b"option" => self.option(&text),
            b"verb" => self.method = Method::from_bytes(rest).unwrap_or_default(),
            b"status" => self.status = text.parse().unwrap_or_default(),
            b">" => append(&mut self.request, rest),
            b"<" => append(&mut self.response, rest),
            _ => {}
        }
    }

    fn option(&mut self, name: &str) {
        self.keeps_inner |= matches!(name, "forward" | "keep");
        let options = self.options;
        self.options = match name {
            "no-content" => options.preflight_status(PreflightStatus::NoContent),
            "forbid" => options.unmatched_preflight(UnmatchedPreflight::Forbid),
            "forward" => options.unmatched_preflight(UnmatchedPreflight::Forward),
            "keep" => options.inner_headers(InnerHeaders::Keep),
            "enforce" => options.enforce(true),
            "guard" => options.guard_websocket_upgrades(true),
            "private" => options.allow_private_network(true),
            _ => options,
        };
    }
}

fn append(headers: &mut HeaderMap, line: &[u8]) {
    let colon = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
    let name = HeaderName::from_bytes(&line[..colon]);
    let value = HeaderValue::from_bytes(line.get(colon + 1..).unwrap_or_default().trim_ascii());
    if let (Ok(name), Ok(value)) = (name, value) {
        headers.append(name, value);
    }
}

fuzz_target!(|input: &[u8]| {
    let input = Input::read(input);
    let request = CorsRequest::new(&input.method, &input.request);
    assert!(matches!(decide(&request, &None.into(), &input.options), Decision::PassThrough), "5.7");
    let strict = Compiler::new().compile(input.policy.clone());
    let Ok(policy) = Compiler::new().profile(Profile::GatewayApi).compile(input.policy.clone()) else {
        assert!(strict.is_err(), "what the lenient profile refuses, the strict one refuses");
        return;
    };
    assert_eq!(policy.policy(), &input.policy, "2.15");
    let decision = decide(&request, &(&policy).into(), &input.options);
    let again = decide(&request, &(&policy).into(), &input.options);
    assert_eq!(format!("{decision:?}"), format!("{again:?}"), "a decision is deterministic");

    match decision {
        Decision::Answer(answer) => {
            assert!(request.is_preflight() || answer.status() == StatusCode::FORBIDDEN, "5.8");
            let denied = !answer.is_allowed();
            let mut headers = HeaderMap::new();
            answer.write_to(&mut headers);
            check(&input, &policy, &headers, denied);
            check_echoes(&input, &headers);
        }
        Decision::Continue(plan) => {
            assert!(!request.is_preflight() || input.keeps_inner, "4.1 to 4.3: a preflight never reaches the service");
            let denied = !plan.is_allowed();
            let mut headers = input.response.clone();
            plan.apply(input.status, &mut headers);
            if input.keeps_inner {
                return;
            }
            check(&input, &policy, &headers, denied);
            assert_eq!(others(&headers), others(&input.response), "5.6: other headers are untouched");
        }
        _ => panic!("there is a policy"),
    }
});

/// What holds for every response of the layer where the policy is the authority.
fn check(input: &Input, policy: &CompiledPolicy, headers: &HeaderMap, denied: bool) {
    let origins: Vec<_> = headers.get_all(header::ACCESS_CONTROL_ALLOW_ORIGIN).iter().collect();
    let credentials = headers.get(header::ACCESS_CONTROL_ALLOW_CREDENTIALS);
    assert!(origins.len() <= 1, "one permission at most");
    if let [origin] = *origins {
        assert_ne!(origin, "null", "3.7");
        if origin != "*" {
            assert_eq!(Some(origin), input.request.get(header::ORIGIN), "4.5");
            assert!(policy.allows_origin(origin.as_bytes()), "only an allowed origin is echoed");
        } else {
            assert!(policy.is_open(), "4.5");
        }
    }
    if credentials.is_some() {
        assert!(policy.is_credentialed() && origins.first().is_some_and(|origin| *origin != "*"), "4.6");
    }
    if !policy.is_open() {
        let varies = headers.get_all(header::VARY).iter().flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
        let varies = varies.map(<[u8]>::trim_ascii).any(|name| name == b"*" || name.eq_ignore_ascii_case(b"origin"));
        assert!(varies, "6.1");
    }
    if denied {
        let is_cors = |name: &HeaderName| match name.as_str().strip_prefix("access-control-") {
            Some(rest) => {
                let allowed = ["origin", "credentials", "methods", "headers", "private-network"];
                ["expose-headers", "max-age"].contains(&rest)
                    || rest.strip_prefix("allow-").is_some_and(|rest| allowed.contains(&rest))
            }
            None => false,
        };
        assert!(!headers.keys().any(is_cors), "4.2, 4.3, 5.3");
    }
}

/// What an answer takes from the request is made of tokens, and bounded beside what the policy lists.
fn check_echoes(input: &Input, headers: &HeaderMap) {
    for name in [header::ACCESS_CONTROL_ALLOW_METHODS, header::ACCESS_CONTROL_ALLOW_HEADERS] {
        let Some(value) = headers.get(name) else { continue };
        let is_token = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
        };
        assert!(value.to_str().unwrap().split(", ").all(is_token), "4.7, 4.8: {value:?}");
    }
    let policy = &input.policy;
    let lists = [&policy.allow_methods, &policy.allow_headers, &policy.expose_headers];
    let configured: usize = lists.into_iter().flatten().flatten().map(|entry| entry.len() + 2).sum();
    let origin = input.request.get(header::ORIGIN).map_or(0, HeaderValue::len);
    let total: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    // 8 KiB of a method; 8 KiB and a space each for 256 names; the names of the headers, and Vary.
    assert!(total <= configured + origin + 8192 + 8192 + 256 + 512, "{total} bytes");
}

/// The headers of a response that are none of the policy's business. Removing one reorders the names of the others in
/// a `HeaderMap`, which means nothing, and keeps the lines of each name in order.
fn others(headers: &HeaderMap) -> HeaderMap {
    let is_other = |name: &HeaderName| !name.as_str().starts_with("access-control-") && *name != header::VARY;
    let others = headers.iter().filter(|(name, _)| is_other(name));
    others.map(|(name, value)| (name.clone(), value.clone())).collect()
}
