//! What becomes of one HTTP request, in the messages that Envoy sends about it. In: the head of the request, then that of
//! the response. Out: an answer, or how the headers change. Everything is decided by `decide`, which sees the request, and
//! carried out by the plan that it gives, which sees the response; the plan is all that is kept between the two.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use tonic::Status;
use tower_cors::{
    Decision, PolicyResolver,
    decision::{Options, Outcome, ResponsePlan, decide},
    request::CorsRequest,
    route::Listener,
};

use crate::protocol::{
    CommonResponse, HeaderMutation, HeadersResponse, HttpHeaders, HttpStatus, ImmediateResponse, ProcessingRequest,
    ProcessingResponse, Received, Sent,
};

/// What decides about all requests.
#[derive(Debug)]
pub(crate) struct Processor<R> {
    resolver: R,
    options: Options,
}

/// One HTTP request under way: one stream of messages.
#[derive(Debug)]
pub(crate) struct Exchange<R> {
    processor: Arc<Processor<R>>,
    /// Where the request arrived, if Envoy says so.
    listener: Option<Listener>,
    /// What was decided, until the response comes.
    plan: Option<ResponsePlan>,
}

impl<R: PolicyResolver> Processor<R> {
    pub(crate) fn new(resolver: R, options: Options) -> Self {
        Self { resolver, options }
    }

    pub(crate) fn exchange(self: &Arc<Self>, listener: Option<Listener>) -> Exchange<R> {
        Exchange { processor: Arc::clone(self), listener, plan: None }
    }
}

impl<R: PolicyResolver> Exchange<R> {
    /// What Envoy does next.
    ///
    /// An error ends the stream, and the client gets a 500 of Envoy.
    pub(crate) fn answer(&mut self, request: &ProcessingRequest) -> Result<ProcessingResponse, Status> {
        let sent = match &request.request {
            Some(Received::RequestHeaders(headers)) => self.answer_request(headers),
            Some(Received::ResponseHeaders(headers)) => self.answer_response(headers)?,
            None => {
                let how = "its processing_mode needs the body modes NONE and the trailer modes SKIP";
                return Err(Status::failed_precondition(format!("the processor reads headers alone: {how}")));
            }
        };
        Ok(ProcessingResponse { response: Some(sent) })
    }

    fn answer_request(&mut self, headers: &HttpHeaders) -> Sent {
        let Some(mut request) = request_of(headers) else {
            return immediate(StatusCode::BAD_REQUEST, HeaderMutation::default(), "cors_unreadable_request");
        };
        if let Some(listener) = &self.listener {
            request.extensions_mut().insert(listener.clone());
        }
        let head = CorsRequest::of(&request);
        let Processor { resolver, options } = &*self.processor;
        let decision = resolver.resolve_then(&head, |resolution| decide(&head, &resolution, options));
        let outcome = Outcome::of(&decision, &head);
        match decision {
            Decision::Answer(answer) => {
                let status = answer.status();
                let mut headers = HeaderMap::new();
                answer.write_to(&mut headers);
                let mutation = HeaderMutation::between(&HeaderMap::new(), &headers);
                return immediate(status, mutation, &format!("cors_{}", outcome.code().replace('-', "_")));
            }
            Decision::Continue(plan) => self.plan = Some(plan),
            // No policy applies: what the upstream says stands.
            _ => {}
        }
        Sent::RequestHeaders(HeadersResponse::default())
    }

    fn answer_response(&mut self, headers: &HttpHeaders) -> Result<Sent, Status> {
        let Some(plan) = self.plan.take() else { return Ok(Sent::ResponseHeaders(HeadersResponse::default())) };
        let status = headers.pseudo(":status").and_then(|status| StatusCode::from_bytes(status).ok());
        let (Some(status), Some(before)) = (status, headers.to_map()) else {
            return Err(Status::invalid_argument("the response has a header that is none of HTTP"));
        };
        let mut after = before.clone();
        plan.apply(status, &mut after);
        let header_mutation = Some(HeaderMutation::between(&before, &after));
        Ok(Sent::ResponseHeaders(HeadersResponse { response: Some(CommonResponse { header_mutation }) }))
    }
}

fn immediate(status: StatusCode, headers: HeaderMutation, details: &str) -> Sent {
    Sent::ImmediateResponse(ImmediateResponse {
        status: Some(HttpStatus { code: status.as_u16().into() }),
        headers: Some(headers),
        details: details.to_owned(),
    })
}

/// The head of a request as a server of HTTP/1.1 has it; none where a part of it is none of HTTP.
fn request_of(headers: &HttpHeaders) -> Option<Request<()>> {
    let mut request = Request::new(());
    *request.headers_mut() = headers.to_map()?;
    *request.method_mut() = Method::from_bytes(headers.pseudo(":method")?).ok()?;
    // A CONNECT has none.
    if let Some(path) = headers.pseudo(":path") {
        *request.uri_mut() = Uri::try_from(path).ok()?;
    }
    if let Some(authority) = headers.pseudo(":authority") {
        request.headers_mut().insert(header::HOST, HeaderValue::from_bytes(authority).ok()?);
    }
    split_origin(request.headers_mut());
    Some(request)
}

/// Envoy joins the lines of an `Origin` with commas. No origin has one, and two lines are to be taken for two (3.5).
fn split_origin(headers: &mut HeaderMap) {
    let Some(joined) = headers.get(header::ORIGIN).filter(|origin| origin.as_bytes().contains(&b',')) else { return };
    let joined = joined.clone();
    headers.remove(header::ORIGIN);
    for line in joined.as_bytes().split(|byte| *byte == b',') {
        // A part of a value is one.
        if let Ok(line) = HeaderValue::from_bytes(line) {
            headers.append(header::ORIGIN, line);
        }
    }
}
