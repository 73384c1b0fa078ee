//! A gateway of hyper's functions and no tower service. A decision answers each request or sends it on; then its plan
//! writes the headers of what comes back, be it the upstream's response or the gateway's own 502.
//!
//! ```text
//! cargo run --example decision_only [ADDRESS:PORT [UPSTREAM:PORT]]
//! ```
//!
//! Below `/api/` a policy applies, elsewhere none. Without an upstream the requests go to a server within, which allows
//! every origin by itself: below `/api/` the policy takes that back.

use std::{convert::Infallible, error::Error, sync::Arc};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{Either, Full};
use hyper::{body::Incoming, client, server, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tower_cors::{
    CompiledPolicy, CorsPolicy, Decision,
    decision::{Options, Resolution, Review, decide},
    request::CorsRequest,
};

/// The upstream's body as it streams in, or one of the gateway's own.
type Body = Either<Incoming, Full<Bytes>>;

type Failure = Box<dyn Error + Send + Sync>;

struct Gateway {
    policy: CompiledPolicy,
    options: Options,
    upstream: String,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(address).await?;
    let upstream = match arguments.next() {
        Some(upstream) => upstream,
        None => start_upstream().await?,
    };
    println!("listening on http://{}", listener.local_addr()?);
    run(listener, upstream).await
}

/// Serves what `listener` accepts, before `upstream`.
pub(crate) async fn run(listener: TcpListener, upstream: String) -> Result<(), Failure> {
    let policy = CorsPolicy::new().allow_origins(["https://app.example"]).allow_methods(["PUT"]).compile()?;
    let gateway = Arc::new(Gateway { policy, options: Options::new(), upstream });
    loop {
        let (stream, _) = listener.accept().await?;
        let gateway = Arc::clone(&gateway);
        tokio::spawn(async move {
            let service = service_fn(async |request| Ok::<_, Infallible>(gateway.serve(request).await));
            if let Err(error) =
                server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await
            {
                eprintln!("connection: {error}");
            }
        });
    }
}

impl Gateway {
    async fn serve(&self, request: Request<Incoming>) -> Response<Body> {
        let head = CorsRequest::of(&request);
        let policy = request.uri().path().starts_with("/api/").then_some(&self.policy);
        let resolution = Resolution::from(policy);
        let decision = decide(&head, &resolution, &self.options);
        eprintln!("{} {}: {}", request.method(), request.uri(), Review::new(&head, &resolution, &decision));
        match decision {
            Decision::Answer(answer) => {
                let mut response = Response::new(Either::Right(Full::default()));
                *response.status_mut() = answer.status();
                answer.write_to(response.headers_mut());
                response
            }
            Decision::Continue(plan) => {
                let mut response = self.forward(request).await;
                plan.apply(response.status(), response.headers_mut());
                response
            }
            // No policy applies: what the upstream says stands.
            _ => self.forward(request).await,
        }
    }

    /// The upstream's response, or the 502 of a gateway, to which the plan applies as well: so a page can read it.
    async fn forward(&self, request: Request<Incoming>) -> Response<Body> {
        self.ask_upstream(request).await.unwrap_or_else(|error| {
            eprintln!("upstream {}: {error}", self.upstream);
            let mut response = Response::new(Either::Right(Full::from("the upstream did not answer\n")));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        })
    }

    /// Sends a request over a connection of its own. A gateway for real use keeps connections, and removes more headers
    /// that concern one connection only; the example `gateway` does.
    async fn ask_upstream(&self, mut request: Request<Incoming>) -> Result<Response<Body>, Failure> {
        let stream = TcpStream::connect(&self.upstream).await?;
        let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        request.headers_mut().remove(header::CONNECTION);
        let mut response = sender.send_request(request).await?;
        for name in [header::CONNECTION, header::TRANSFER_ENCODING, HeaderName::from_static("keep-alive")] {
            response.headers_mut().remove(name);
        }
        Ok(response.map(Either::Left))
    }
}

/// Starts the server within, and returns its address. It answers with what it was asked.
pub(crate) async fn start_upstream() -> Result<String, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(async |request: Request<Incoming>| {
                let mut response =
                    Response::new(Full::<Bytes>::from(format!("{} {}\n", request.method(), request.uri())));
                response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
                Ok::<_, Infallible>(response)
            });
            tokio::spawn(server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(address)
}
