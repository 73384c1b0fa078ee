//! The service of `echo.proto`, written by hand where `tonic-build` would have generated it: the messages, and a service
//! that has each method called by its path.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tokio_stream::Iter;
use tonic::{
    Request, Response, Status,
    body::Body,
    server::{Grpc, NamedService},
};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

/// The metadata of a response of `Say`: how many bytes the text has.
pub(crate) const ECHO_LENGTH: &str = "echo-length";

/// How far `Count` counts.
const LAST: u32 = 10;

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Text {
    #[prost(string, tag = "1")]
    pub(crate) text: String,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Number {
    #[prost(uint32, tag = "1")]
    pub(crate) number: u32,
}

async fn say(request: Request<Text>) -> Result<Response<Text>, Status> {
    let text = request.into_inner();
    if text.text.is_empty() {
        return Err(Status::invalid_argument("there is no text to echo"));
    }
    let length = text.text.len();
    let mut response = Response::new(text);
    response.metadata_mut().insert(ECHO_LENGTH, length.into());
    Ok(response)
}

async fn count(request: Request<Number>) -> Result<Response<Counting>, Status> {
    let last = request.into_inner().number;
    let mut steps: Vec<_> = (1..=last.min(LAST)).map(|number| Ok(Text { text: number.to_string() })).collect();
    if last > LAST {
        steps.push(Err(Status::out_of_range(format!("counts to {LAST} at most"))));
    }
    Ok(Response::new(tokio_stream::iter(steps)))
}

type Counting = Iter<std::vec::IntoIter<Result<Text, Status>>>;

/// The service `echo.Echo`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Echo;

impl NamedService for Echo {
    const NAME: &'static str = "echo.Echo";
}

impl Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            Ok(match request.uri().path() {
                "/echo.Echo/Say" => Grpc::new(ProstCodec::default()).unary(service_fn(say), request).await,
                "/echo.Echo/Count" => {
                    Grpc::new(ProstCodec::default()).server_streaming(service_fn(count), request).await
                }
                _ => Status::unimplemented("echo.Echo has no such method").into_http(),
            })
        })
    }
}
