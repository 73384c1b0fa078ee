//! The decision without tower: a server of plain hyper functions that asks `decide` what to do with a request, and lets
//! the plan write the headers of the response. A gateway that is not made of tower services does it like this.
//!
//! ```text
//! cargo run --example decision_only [ADDRESS:PORT]
//! ```

use std::{convert::Infallible, error::Error, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tower_cors::{
    CompiledPolicy, CorsPolicy, Decision,
    decision::{Options, decide},
    request::CorsRequest,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let policy = CorsPolicy::new().allow_origins(["https://app.example"]).allow_methods(["PUT"]).compile()?;
    let policy = Arc::new(policy);
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let policy = Arc::clone(&policy);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let policy = Arc::clone(&policy);
                async move { Ok::<_, Infallible>(serve(request, &policy).await) }
            });
            if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
                eprintln!("connection: {error}");
            }
        });
    }
}

async fn serve(request: Request<Incoming>, policy: &CompiledPolicy) -> Response<Full<Bytes>> {
    let decision = decide(&CorsRequest::of(&request), Some(policy), &Options::new());
    eprintln!("{} {}: {}", request.method(), request.uri(), decision.reason());
    match decision {
        Decision::Answer(answer) => {
            let mut response = Response::new(Full::default());
            *response.status_mut() = answer.status();
            answer.write_to(response.headers_mut());
            response
        }
        Decision::Continue(plan) => {
            let mut response = backend(request).await;
            plan.apply(response.status(), response.headers_mut());
            response
        }
        // No policy applies, which never happens here.
        _ => backend(request).await,
    }
}

/// A stand-in for what the gateway sends requests to.
async fn backend(request: Request<Incoming>) -> Response<Full<Bytes>> {
    Response::new(Full::from(format!("{} {}\n", request.method(), request.uri())))
}
