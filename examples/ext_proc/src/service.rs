//! The service `envoy.service.ext_proc.v3.ExternalProcessor`: each call of its one method is one HTTP request.

use std::{
    convert::Infallible,
    fmt,
    future::{Future, Ready, ready},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio_stream::{Stream, StreamExt};
use tonic::{
    Request, Response, Status, Streaming,
    body::Body,
    metadata::MetadataMap,
    server::{Grpc, NamedService},
};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};
use tower_cors::{PolicyResolver, route::Listener};

use crate::{
    processor::Processor,
    protocol::{ProcessingRequest, ProcessingResponse},
};

/// The metadata of a call by which Envoy's configuration says where the request arrived:
/// `NAMESPACE/GATEWAY/LISTENER`, or `NAMESPACE/ListenerSet/SET/LISTENER`.
const LISTENER: &str = "tower-cors-listener";

type Answers = Pin<Box<dyn Stream<Item = Result<ProcessingResponse, Status>> + Send>>;

/// The service.
pub(crate) struct ExternalProcessor<R>(pub(crate) Arc<Processor<R>>);

impl<R> NamedService for ExternalProcessor<R> {
    const NAME: &'static str = "envoy.service.ext_proc.v3.ExternalProcessor";
}

impl<R: PolicyResolver + Send + Sync + 'static> ExternalProcessor<R> {
    fn process(&self, request: Request<Streaming<ProcessingRequest>>) -> Result<Response<Answers>, Status> {
        let mut exchange = self.0.exchange(listener(request.metadata())?);
        let answers = request.into_inner().map(move |request| exchange.answer(&request?));
        Ok(Response::new(Box::pin(answers)))
    }
}

/// Where the request arrived, if that is said.
fn listener(metadata: &MetadataMap) -> Result<Option<Listener>, Status> {
    let Some(value) = metadata.get(LISTENER) else { return Ok(None) };
    let parts: Vec<_> = value.to_str().unwrap_or_default().split('/').collect();
    match parts.as_slice() {
        [namespace, "ListenerSet", set, listener] => Ok(Some(Listener::of_listener_set(*namespace, *set, *listener))),
        [namespace, gateway, listener] => Ok(Some(Listener::of_gateway(*namespace, *gateway, *listener))),
        _ => Err(Status::invalid_argument(format!("{LISTENER} is not of the form NAMESPACE/PARENT/LISTENER"))),
    }
}

impl<R: PolicyResolver + Send + Sync + 'static> Service<http::Request<Body>> for ExternalProcessor<R> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            if request.uri().path() != "/envoy.service.ext_proc.v3.ExternalProcessor/Process" {
                return Ok(Status::unimplemented("ExternalProcessor has one method, Process").into_http());
            }
            let process = service_fn(move |request| -> Ready<_> { ready(service.process(request)) });
            Ok(Grpc::new(ProstCodec::default()).streaming(process, request).await)
        })
    }
}

impl<R> Clone for ExternalProcessor<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R> fmt::Debug for ExternalProcessor<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExternalProcessor")
    }
}
