//! The layer and tonic: native gRPC clients over HTTP/2, which must not notice it; gRPC-Web as a browser sends it, over
//! HTTP/1.1; and the layer around one service of several, which is still found by its name.

use std::{collections::BTreeMap, convert::Infallible, future::ready, net::SocketAddr};

use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, uri::PathAndQuery};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use prost::Message;
use tokio::net::{TcpListener, TcpStream};
use tonic::{
    Code, Request, Response, Status, Streaming,
    client::Grpc,
    server::NamedService,
    service::Routes,
    transport::{Channel, Server, server::TcpIncoming},
};
use tonic_prost::ProstCodec;
use tonic_web::GrpcWebLayer;
use tower::Layer;
use tower_cors::{
    CorsLayer, CorsPolicy,
    browser::{Blocked, ScriptRequest},
    policy::{Preset, RustPolicy},
    request::CorsRequest,
    resolver::{Overridable, resolve_async},
};

use crate::echo::{ECHO_LENGTH, Echo, Number, Text};

const PAGE: &str = "https://app.example";
const SAY: &str = "/echo.Echo/Say";
const COUNT: &str = "/echo.Echo/Count";

fn policy() -> RustPolicy {
    CorsPolicy::new().allow_origins([PAGE]).preset(Preset::GrpcWeb).extend_expose_headers([ECHO_LENGTH])
}

fn cors() -> CorsLayer {
    CorsLayer::new(policy()).expect("a valid policy")
}

fn text(text: &str) -> Text {
    Text { text: text.to_owned() }
}

/// A server with the CORS layer and gRPC-Web around all of its services.
async fn server() -> SocketAddr {
    let (incoming, address) = incoming().await;
    let server = Server::builder().accept_http1(true).layer(cors()).layer(GrpcWebLayer::new()).add_service(Echo);
    tokio::spawn(server.serve_with_incoming(incoming));
    address
}

/// The same server without a CORS layer.
async fn bare_server() -> SocketAddr {
    let (incoming, address) = incoming().await;
    let server = Server::builder().accept_http1(true).layer(GrpcWebLayer::new()).add_service(Echo);
    tokio::spawn(server.serve_with_incoming(incoming));
    address
}

/// A server whose service `echo.Echo` has the CORS layer, and whose health service has not.
async fn server_with_one_layered_service() -> SocketAddr {
    let (incoming, address) = incoming().await;
    let (_reporter, health) = tonic_health::server::health_reporter();
    let server = Server::builder()
        .accept_http1(true)
        .add_service(GrpcWebLayer::new().layer(health))
        .add_service(cors().layer(GrpcWebLayer::new().layer(Echo)));
    tokio::spawn(server.serve_with_incoming(incoming));
    address
}

async fn incoming() -> (TcpIncoming, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    (TcpIncoming::from(listener), address)
}

async fn client(address: SocketAddr) -> Grpc<Channel> {
    let endpoint = Channel::from_shared(format!("http://{address}")).expect("a URI");
    let mut client = Grpc::new(endpoint.connect().await.expect("a connection"));
    client.ready().await.expect("a channel");
    client
}

async fn say(address: SocketAddr, request: Request<Text>) -> Result<Response<Text>, Status> {
    let codec = ProstCodec::default();
    client(address).await.unary(request, PathAndQuery::from_static(SAY), codec).await
}

async fn count(address: SocketAddr, number: u32) -> Result<Response<Streaming<Text>>, Status> {
    let (request, codec) = (Request::new(Number { number }), ProstCodec::default());
    client(address).await.server_streaming(request, PathAndQuery::from_static(COUNT), codec).await
}

/// The texts of a stream, and the status that ended it.
async fn all(mut stream: Streaming<Text>) -> (Vec<String>, Result<(), Status>) {
    let mut texts = Vec::new();
    loop {
        match stream.message().await {
            Ok(Some(text)) => texts.push(text.text),
            Ok(None) => return (texts, Ok(())),
            Err(status) => return (texts, Err(status)),
        }
    }
}

#[tokio::test]
async fn a_native_unary_call_is_answered() {
    let response = say(server().await, Request::new(text("hello"))).await.expect("an answer");
    assert_eq!(response.get_ref(), &text("hello"));
}

#[tokio::test]
async fn a_native_stream_arrives_whole_and_ends_well() {
    let stream = count(server().await, 3).await.expect("a stream").into_inner();
    let (texts, end) = all(stream).await;
    assert_eq!(texts, ["1", "2", "3"]);
    assert!(end.is_ok(), "{end:?}");
}

#[tokio::test]
async fn a_status_in_the_trailers_of_a_native_stream_arrives_behind_its_messages() {
    let stream = count(server().await, 11).await.expect("a stream").into_inner();
    let (texts, end) = all(stream).await;
    assert_eq!(texts.len(), 10);
    let status = end.expect_err("it counts to 10");
    assert_eq!((status.code(), status.message()), (Code::OutOfRange, "counts to 10 at most"));
}

#[tokio::test]
async fn a_status_in_the_headers_of_a_native_response_arrives() {
    let status = say(server().await, Request::new(text(""))).await.expect_err("no text");
    assert_eq!((status.code(), status.message()), (Code::InvalidArgument, "there is no text to echo"));
}

/// rules 5.3 and 6.1
#[tokio::test]
async fn the_metadata_of_a_native_call_gains_vary_and_nothing_else() {
    let plain = metadata(bare_server().await, None).await;
    assert_eq!(plain["echo-length"], "5");
    let mut layered = metadata(server().await, None).await;
    assert_eq!(layered.remove("vary").as_deref(), Some("Origin"));
    assert_eq!(layered, plain);
}

/// rule 5.2
#[tokio::test]
async fn a_call_over_http2_with_an_allowed_origin_gets_its_headers() {
    let layered = metadata(server().await, Some(PAGE)).await;
    assert_eq!(layered["access-control-allow-origin"], PAGE);
    assert_eq!(layered["echo-length"], "5");
}

/// The metadata of a response of `Say`, but for the time.
async fn metadata(address: SocketAddr, origin: Option<&'static str>) -> BTreeMap<String, String> {
    let mut request = Request::new(text("hello"));
    if let Some(origin) = origin {
        request.metadata_mut().insert("origin", origin.parse().expect("metadata"));
    }
    let headers = say(address, request).await.expect("an answer").into_parts().0.into_headers();
    let pairs = headers.iter().filter(|(name, _)| *name != header::DATE);
    pairs.map(|(name, value)| (name.to_string(), value.to_str().expect("ASCII").to_owned())).collect()
}

/// A gRPC-Web call of a script on `page`: the preflight, the call itself, and what the script gets to see.
async fn call(address: SocketAddr, page: &'static str, path: &str, message: Bytes) -> Result<Seen, Blocked> {
    let script = ScriptRequest::new(HeaderValue::from_static(page), Method::POST)
        .header(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc-web+proto"))
        .header(HeaderName::from_static("x-grpc-web"), HeaderValue::from_static("1"));
    assert!(script.needs_preflight());
    let (status, headers, body) = send(address, Method::OPTIONS, path, script.preflight_headers(), Bytes::new()).await;
    assert!(body.is_empty(), "{body:?}");
    script.check_preflight(status, &headers)?;
    let (status, headers, body) = send(address, Method::POST, path, script.request_headers(), framed(&message)).await;
    assert_eq!(status, StatusCode::OK);
    let readable = script.check_response(&headers)?;
    let shown = readable.headers().iter().map(|name| (name.to_string(), headers[name].clone())).collect();
    Ok(Seen { headers: shown, frames: frames(body) })
}

#[derive(Debug)]
struct Seen {
    headers: BTreeMap<String, HeaderValue>,
    frames: Vec<(u8, Bytes)>,
}

async fn send(
    address: SocketAddr,
    method: Method,
    path: &str,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap, Bytes) {
    let stream = TcpStream::connect(address).await.expect("a connection");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
    tokio::spawn(connection);
    let mut request = http::Request::builder().method(method).uri(path).body(Full::new(body)).expect("a request");
    *request.headers_mut() = headers;
    request.headers_mut().insert(header::HOST, HeaderValue::from_static("api.example"));
    let (head, body) = sender.send_request(request).await.expect("a response").into_parts();
    (head.status, head.headers, body.collect().await.expect("a body").to_bytes())
}

/// A message as the body of a call: a byte of flags, four of length, the message.
fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).expect("a short message").to_be_bytes();
    [&[0], &length[..], message].concat().into()
}

/// The flags and contents of the frames of a body; the flag 0x80 marks the trailers.
fn frames(mut body: Bytes) -> Vec<(u8, Bytes)> {
    let mut frames = Vec::new();
    while body.has_remaining() {
        let (flags, length) = (body.get_u8(), body.get_u32());
        frames.push((flags, body.split_to(length as usize)));
    }
    frames
}

#[tokio::test]
async fn a_page_that_is_allowed_reads_a_message_its_metadata_and_its_trailers() {
    let message = Bytes::from(text("hi").encode_to_vec());
    let seen = call(server().await, PAGE, SAY, message.clone()).await.expect("readable");
    assert_eq!(seen.frames, [(0, message), (0x80, Bytes::from("grpc-status:0\r\n"))]);
    assert_eq!(seen.headers["echo-length"], "2");
    assert_eq!(seen.headers["content-type"], "application/grpc-web+proto");
}

#[tokio::test]
async fn a_page_reads_the_status_behind_a_stream_in_its_last_frame() {
    let seen = call(server().await, PAGE, COUNT, Number { number: 12 }.encode_to_vec().into()).await.expect("readable");
    let (trailers, messages) = seen.frames.split_last().expect("frames");
    let texts = messages.iter().map(|(_, frame)| Text::decode(frame.clone()).expect("a text").text);
    assert_eq!(texts.collect::<Vec<_>>(), ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]);
    let expected = Bytes::from("grpc-status:11\r\ngrpc-message:counts%20to%2010%20at%20most\r\n");
    assert_eq!(trailers, &(0x80, expected));
}

#[tokio::test]
async fn a_page_reads_a_status_in_the_headers_since_the_preset_exposes_it() {
    let seen = call(server().await, PAGE, SAY, Bytes::new()).await.expect("readable");
    assert!(seen.frames.is_empty(), "{seen:?}");
    assert_eq!(seen.headers["grpc-status"], "3");
    assert_eq!(seen.headers["grpc-message"], "there%20is%20no%20text%20to%20echo");
}

#[tokio::test]
async fn a_page_that_is_not_allowed_is_blocked_before_it_calls() {
    let blocked = call(server().await, "https://evil.example", SAY, Bytes::new()).await.expect_err("blocked");
    assert!(matches!(blocked, Blocked::Preflight(_)), "{blocked}");
}

#[tokio::test]
async fn the_layer_around_one_service_is_found_by_the_name_of_the_service() {
    let address = server_with_one_layered_service().await;
    let response = say(address, Request::new(text("hello"))).await.expect("an answer");
    assert_eq!(response.get_ref(), &text("hello"));
    assert_eq!(response.metadata().get("vary").map(|vary| vary.as_bytes()), Some(&b"Origin"[..]));
    let seen = call(address, PAGE, SAY, text("hi").encode_to_vec().into()).await.expect("readable");
    assert_eq!(seen.frames.len(), 2);
}

#[tokio::test]
async fn a_service_beside_the_layered_one_has_no_cors() {
    let address = server_with_one_layered_service().await;
    let blocked = call(address, PAGE, "/grpc.health.v1.Health/Check", Bytes::new()).await.expect_err("blocked");
    assert!(matches!(blocked, Blocked::Preflight(_)), "{blocked}");
    // On the wire, the health service's request is a text and its response a number.
    let codec = ProstCodec::<Text, Number>::default();
    let path = PathAndQuery::from_static("/grpc.health.v1.Health/Check");
    let healthy = client(address).await.unary(Request::new(text("")), path, codec).await.expect("an answer");
    assert_eq!(healthy.get_ref().number, 1, "SERVING");
    assert!(!healthy.metadata().contains_key("vary"), "{:?}", healthy.metadata());
}

#[tokio::test]
async fn a_layer_inside_of_the_one_for_grpc_web_gets_no_preflight_over_http1() {
    let (incoming, address) = incoming().await;
    let server = Server::builder().accept_http1(true).add_service(GrpcWebLayer::new().layer(cors().layer(Echo)));
    tokio::spawn(server.serve_with_incoming(incoming));
    let blocked = call(address, PAGE, SAY, Bytes::new()).await.expect_err("the wrong order");
    assert!(matches!(blocked, Blocked::Preflight(_)), "{blocked}");
}

#[test]
fn the_name_stays_whatever_resolves_the_policy_and_makes_the_bodies() {
    fn name<S: NamedService>(_: S) -> &'static str {
        S::NAME
    }
    let compiled = policy().compile().expect("a valid policy");
    let waiting = resolve_async(move |_: &CorsRequest<'_>| ready(Ok::<_, Infallible>(compiled.clone())));
    let waiting = CorsLayer::with_async_resolver(waiting);
    assert_eq!(name(cors().layer(Echo)), "echo.Echo");
    assert_eq!(name(cors().wrap_body().layer(Echo)), "echo.Echo");
    assert_eq!(
        name(CorsLayer::with_resolver(Overridable::new(None::<tower_cors::CompiledPolicy>)).layer(Echo)),
        "echo.Echo"
    );
    assert_eq!(name(waiting.layer(Echo)), "echo.Echo");
    // What tonic asks of a service beside its name.
    drop(Routes::new(waiting.layer(Echo)));
}
