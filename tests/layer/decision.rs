//! The decision without tower: why it is as it is, what it answers, and what applying a plan reports.

use http::{HeaderMap, HeaderValue, Method};
use tower_cors::{
    CompiledPolicy, CorsPolicy, Decision, Reason,
    decision::{Options, Review, UnmatchedPreflight, decide},
    request::CorsRequest,
};

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_str(value).expect("a header value"));
    }
    headers
}

fn policy(origins: &[&str]) -> CompiledPolicy {
    CorsPolicy::new()
        .allow_origins(origins)
        .allow_methods(["PUT"])
        .allow_headers(["*"])
        .compile()
        .expect("a valid policy")
}

fn reason(policy: Option<&CompiledPolicy>, method: Method, lines: &[(&'static str, &str)]) -> Reason {
    let headers = headers(lines);
    let (request, resolution) = (CorsRequest::new(&method, &headers), policy.into());
    Review::new(&request, &resolution, &decide(&request, &resolution, &Options::new())).reason()
}

#[test]
fn every_decision_says_why() {
    let (listed, open) = (policy(&["https://a.example"]), policy(&["*"]));
    let why = |policy, origin: &str| reason(policy, Method::GET, &[("origin", origin)]);
    assert_eq!(why(None, "https://a.example"), Reason::NoPolicy);
    assert_eq!(reason(Some(&listed), Method::GET, &[]), Reason::NoOrigin);
    assert_eq!(why(Some(&listed), "https://a.example"), Reason::OriginAllowed);
    assert_eq!(why(Some(&listed), "https://b.example"), Reason::OriginNotAllowed);
    assert_eq!(why(Some(&listed), "null"), Reason::NullOrigin);
    assert_eq!(why(Some(&listed), "https://a.example, https://a.example"), Reason::MalformedOrigin);
    assert_eq!(why(Some(&listed), ""), Reason::MalformedOrigin);
    assert_eq!(why(Some(&listed), &"a".repeat(10_000)), Reason::MalformedOrigin);
    assert_eq!(why(Some(&open), "null"), Reason::OriginAllowed);
    let twice = [("origin", "https://a.example"), ("origin", "https://a.example")];
    assert_eq!(reason(Some(&open), Method::GET, &twice), Reason::SeveralOrigins);
}

// rule 4.9
#[test]
fn too_many_announced_names_are_the_reason_of_an_allowed_preflight() {
    let open = policy(&["*"]);
    let announced = |list: &str| {
        let lines = [
            ("origin", "https://a.example"),
            ("access-control-request-method", "PUT"),
            ("access-control-request-headers", list),
        ];
        reason(Some(&open), Method::OPTIONS, &lines)
    };
    assert_eq!(announced(&vec!["x"; 256].join(",")), Reason::OriginAllowed);
    assert_eq!(announced(&vec!["x"; 257].join(",")), Reason::TooManyHeaders);
    assert_eq!(announced(&"x".repeat(8193)), Reason::TooManyHeaders);
    assert!(!Reason::TooManyHeaders.is_denial(), "the origin is allowed");
}

#[test]
fn the_codes_and_the_sentences_of_reasons_are_their_own() {
    for (at, reason) in Reason::ALL.iter().enumerate() {
        for other in &Reason::ALL[..at] {
            assert_ne!(reason.code(), other.code());
            assert_ne!(reason.to_string(), other.to_string());
        }
    }
}

#[test]
fn an_answer_replaces_what_the_headers_held() {
    let request = headers(&[("origin", "https://a.example"), ("access-control-request-method", "PUT")]);
    let listed = policy(&["https://a.example"]);
    let Decision::Answer(answer) =
        decide(&CorsRequest::new(&Method::OPTIONS, &request), &(&listed).into(), &Options::new())
    else {
        panic!("a preflight is answered");
    };
    assert!(answer.is_allowed());
    let mut response =
        headers(&[("access-control-allow-origin", "*"), ("access-control-allow-origin", "null"), ("x-a", "1")]);
    answer.write_to(&mut response);
    assert_eq!(response.get_all("access-control-allow-origin").iter().collect::<Vec<_>>(), ["https://a.example"]);
    assert_eq!(response["x-a"], "1");
}

#[test]
fn a_denied_answer_says_that_it_permits_nothing() {
    let request = headers(&[("origin", "https://b.example"), ("access-control-request-method", "PUT")]);
    for (unmatched, status) in [(UnmatchedPreflight::Answer, 200), (UnmatchedPreflight::Forbid, 403)] {
        let options = Options::new().unmatched_preflight(unmatched);
        let decision =
            decide(&CorsRequest::new(&Method::OPTIONS, &request), &policy(&["https://a.example"]).into(), &options);
        let Decision::Answer(answer) = decision else { panic!("it is answered") };
        assert_eq!((answer.is_allowed(), answer.status().as_u16()), (false, status));
    }
}
