//! What Envoy calls: a server of tonic with the processor of the moment, which a test exchanges between two requests.

use std::{
    net::SocketAddr,
    sync::{Arc, RwLock},
    task::{Context, Poll},
};

use tokio::net::TcpListener;
use tonic::{
    body::Body,
    server::NamedService,
    transport::{Server, server::TcpIncoming},
};
use tower::Service;
use tower_cors::{PolicyResolver, decision::Options};

use crate::{processor::Processor, service::ExternalProcessor};

type Resolver = Arc<dyn PolicyResolver + Send + Sync>;
type Current = ExternalProcessor<Resolver>;

/// The processor of the moment. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Switch(Arc<RwLock<Current>>);

impl Switch {
    /// Serves, with no policy at first.
    pub(crate) async fn start() -> (Self, SocketAddr) {
        let switch = Self(Arc::new(RwLock::new(processor(None, Options::new()))));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a bound address");
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        tokio::spawn(Server::builder().add_service(switch.clone()).serve_with_incoming(incoming));
        (switch, address)
    }

    pub(crate) fn set(&self, resolver: impl PolicyResolver + Send + Sync + 'static, options: Options) {
        *self.0.write().expect("no panic") = processor(resolver, options);
    }
}

fn processor(resolver: impl PolicyResolver + Send + Sync + 'static, options: Options) -> Current {
    ExternalProcessor(Arc::new(Processor::new(Arc::new(resolver) as Resolver, options)))
}

impl NamedService for Switch {
    const NAME: &'static str = Current::NAME;
}

impl Service<http::Request<Body>> for Switch {
    type Response = <Current as Service<http::Request<Body>>>::Response;
    type Error = <Current as Service<http::Request<Body>>>::Error;
    type Future = <Current as Service<http::Request<Body>>>::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        self.0.read().expect("no panic").clone().call(request)
    }
}
