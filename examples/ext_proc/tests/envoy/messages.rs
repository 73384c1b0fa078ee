//! Messages that no rule speaks of, without Envoy.

use std::sync::Arc;

use tonic::Code;
use tower_cors::{CorsPolicy, decision::Options};

use crate::{
    processor::{Exchange, Processor},
    protocol::{Header, Headers, HttpHeaders, ProcessingRequest, Received, Sent},
};

fn exchange() -> Exchange<tower_cors::CompiledPolicy> {
    let policy = CorsPolicy::new().allow_origins(["https://app.example"]).compile().expect("a valid policy");
    Arc::new(Processor::new(policy, Options::new())).exchange(None)
}

fn headers(lines: &[(&str, &str)]) -> HttpHeaders {
    let header = |line: &(&str, &str)| Header { key: line.0.into(), value: line.1.into(), raw_value: Vec::new() };
    HttpHeaders { headers: Some(Headers { headers: lines.iter().map(header).collect() }) }
}

fn request(lines: &[(&str, &str)]) -> ProcessingRequest {
    ProcessingRequest { request: Some(Received::RequestHeaders(headers(lines))) }
}

fn response(lines: &[(&str, &str)]) -> ProcessingRequest {
    ProcessingRequest { request: Some(Received::ResponseHeaders(headers(lines))) }
}

#[test]
fn a_request_that_is_none_of_http_is_answered_with_400() {
    for line in [(":path", "/a b"), (":method", "G E T"), ("a b", "1"), ("a", "\n")] {
        let lines = [(":method", "GET"), (":path", "/"), (":authority", "a")];
        let lines: Vec<_> = lines.into_iter().filter(|other| other.0 != line.0).chain([line]).collect();
        let answer = exchange().answer(&request(&lines)).expect("an answer").response;
        let Some(Sent::ImmediateResponse(answer)) = answer else { panic!("{line:?}: {answer:?}") };
        assert_eq!(answer.status.map(|status| status.code), Some(400), "{line:?}");
    }
}

#[test]
fn a_body_ends_the_stream_with_what_to_configure() {
    let error = exchange().answer(&ProcessingRequest { request: None }).expect_err("no headers");
    assert_eq!(error.code(), Code::FailedPrecondition);
    assert!(error.message().contains("the body modes NONE and the trailer modes SKIP"), "{error}");
}

#[test]
fn a_response_without_a_request_before_it_stays_as_it_is() {
    let answer = exchange().answer(&response(&[(":status", "200"), ("vary", "a")])).expect("an answer").response;
    let Some(Sent::ResponseHeaders(answer)) = answer else { panic!("{answer:?}") };
    assert_eq!(answer.response, None);
}

#[test]
fn a_response_that_is_none_of_http_ends_the_stream() {
    let mut exchange = exchange();
    let lines = [(":method", "GET"), (":path", "/"), (":authority", "a"), ("origin", "https://app.example")];
    exchange.answer(&request(&lines)).expect("it goes on");
    let error = exchange.answer(&response(&[(":status", "200"), ("a b", "1")])).expect_err("no header");
    assert_eq!(error.code(), Code::InvalidArgument);
}
