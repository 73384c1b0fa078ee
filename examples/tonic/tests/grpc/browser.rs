//! gRPC-Web with Google's client: a page calls the service of the example `tonic`, through the layer and tonic-web.

use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tonic::transport::{Server, server::TcpIncoming};
use tonic_web::GrpcWebLayer;
use tower_cors::{CorsLayer, CorsPolicy, PolicyResolver, policy::Preset};

use crate::{chromium, echo, origins::Origins};

/// A call, for `grpc_web.mjs`.
#[derive(Debug, Serialize)]
pub(crate) struct Call {
    pub(crate) page: String,
    pub(crate) sandboxed: bool,
    /// `text` is base64, whose messages arrive one by one; `binary` is not.
    pub(crate) format: &'static str,
    pub(crate) method: &'static str,
    pub(crate) argument: Argument,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Argument {
    Text(&'static str),
    Number(u32),
}

#[derive(Serialize)]
pub(crate) struct Input {
    pub(crate) service: String,
    pub(crate) calls: Vec<Call>,
}

/// What the page got.
#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) texts: Vec<String>,
    /// The metadata `echo-length`.
    pub(crate) length: Option<String>,
    pub(crate) error: Option<Failure>,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Failure {
    code: u32,
    message: String,
}

#[tokio::test]
async fn a_page_calls_a_service_by_grpc_web() {
    if !chromium::is_ready() {
        return;
    }
    let origins = Origins::serve().await;
    let service = serve(&origins).await;
    let counted = |last: u32| (1..=last).map(|number| number.to_string()).collect();
    let (mut calls, mut expected) = (Vec::new(), Vec::new());
    for format in ["text", "binary"] {
        let mut call = |origin: &str, method, argument, answer| {
            let (page, sandboxed) = origins.page_of(origin);
            calls.push(Call { page, sandboxed, format, method, argument });
            expected.push(answer);
        };
        let app = origins.app();
        let said = Answer { texts: vec!["hello".to_owned()], length: Some("5".to_owned()), error: None };
        call(app, "Say", Argument::Text("hello"), said);
        call(app, "Say", Argument::Text(""), Answer::failed(3, "there is no text to echo"));
        call(app, "Count", Argument::Number(3), Answer { texts: counted(3), ..Answer::default() });
        let too_far = Answer { texts: counted(10), ..Answer::failed(11, "counts to 10 at most") };
        call(app, "Count", Argument::Number(11), too_far);
        call("null", "Say", Argument::Text("hello"), Answer::unreadable());
    }
    let answers: Vec<Answer> = chromium::run("grpc_web.mjs", &Input { service, calls }).await;
    assert_eq!(answers, expected);
}

impl Answer {
    fn failed(code: u32, message: &str) -> Self {
        Self { error: Some(Failure { code, message: message.to_owned() }), ..Self::default() }
    }

    /// The client knows no more than any script does: that there was no response.
    pub(crate) fn unreadable() -> Self {
        Self::failed(2, "Http response at 400 or 500 level, http status code: 0")
    }
}

/// Serves as the example does, for pages of `{app}`.
async fn serve(origins: &Origins) -> String {
    let policy = CorsPolicy::new().allow_origins([origins.app()]).preset(Preset::GrpcWeb);
    let policy = policy.extend_expose_headers([echo::ECHO_LENGTH]);
    serve_behind(CorsLayer::new(policy).expect("a valid policy")).await
}

/// Serves the service behind a layer.
pub(crate) async fn serve_behind<R: PolicyResolver + Send + Sync + 'static>(layer: CorsLayer<R>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let port = listener.local_addr().expect("a bound address").port();
    let server = Server::builder()
        .accept_http1(true)
        .layer(layer)
        .layer(GrpcWebLayer::new())
        .add_service(echo::Echo)
        .serve_with_incoming(TcpIncoming::from(listener));
    tokio::spawn(server);
    format!("http://localhost:{port}")
}
