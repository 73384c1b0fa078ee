//! poem, for docs/frameworks.md.

use std::{io, sync::Arc};

use poem::{
    Endpoint, EndpointExt, Request, Response, Result, Route, Server, endpoint::make_sync,
    listener::TcpAcceptor,
};
use tokio::net::TcpListener;
use tower_cors::{
    CompiledPolicy, Decision,
    decision::{Options, decide},
    request::CorsRequest,
};

async fn with_cors(
    endpoint: Arc<impl Endpoint>,
    request: Request,
    policy: CompiledPolicy,
) -> Result<Response> {
    let head = CorsRequest::new(request.method(), request.headers());
    let decision = decide(&head, &policy.into(), &Options::new());
    drop(head);
    if let Decision::Answer(answer) = decision {
        let mut response = Response::builder().status(answer.status()).finish();
        answer.write_to(response.headers_mut());
        return Ok(response);
    }
    // An error, such as a 404, is a response to a page as well.
    let mut response = endpoint.get_response(request).await;
    if let Decision::Continue(plan) = decision {
        plan.apply(response.status(), response.headers_mut());
    }
    Ok(response)
}

pub(crate) async fn serve(listener: TcpListener, policy: CompiledPolicy) -> io::Result<()> {
    let app = Route::new().at("/", make_sync(|_| "hello"));
    let app = app.around(move |app, request| with_cors(app, request, policy.clone()));
    Server::new_with_acceptor(TcpAcceptor::from_tokio(listener)?).run(app).await
}
