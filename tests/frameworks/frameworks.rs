//! The code of `docs/frameworks.md`: it compiles, holds what a policy says, and stands on the page word for word.

use std::net::SocketAddr;

use http::StatusCode;
use tokio::net::TcpListener;
use tower::ServiceBuilder;

/// The requests of a page, and what holds for their answers.
#[path = "../stacks/page.rs"]
#[allow(dead_code, reason = "the frameworks need less of it than the stacks")]
mod page;

// As they stand on the page, where lines are shorter.
#[rustfmt::skip]
#[path = "snippets/actix.rs"]
mod actix;
#[rustfmt::skip]
#[path = "snippets/axum.rs"]
mod axum_router;
#[rustfmt::skip]
#[path = "snippets/hyper.rs"]
mod hyper_server;
#[rustfmt::skip]
#[path = "snippets/lambda.rs"]
mod lambda;
#[rustfmt::skip]
#[path = "snippets/poem.rs"]
mod poem_routes;
#[rustfmt::skip]
#[path = "snippets/salvo.rs"]
mod salvo_router;
#[rustfmt::skip]
#[path = "snippets/tonic.rs"]
mod tonic_server;

use page::{cors, holds, holds_at, is_readable, policy};

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

#[tokio::test]
async fn hyper() {
    let (listener, address) = listener().await;
    tokio::spawn(hyper_server::serve(listener, cors()));
    holds_at(address, "/", 200).await;
}

#[tokio::test]
async fn axum() {
    let (listener, address) = listener().await;
    tokio::spawn(axum_router::serve(listener, cors()));
    holds_at(address, "/", 200).await;
    holds_at(address, "/nowhere", 404).await;
}

#[tokio::test]
async fn tonic() {
    let (listener, address) = listener().await;
    tokio::spawn(tonic_server::serve(listener, cors()));
    // What is no call is refused by tonic-web, readably.
    holds_at(address, "/grpc.health.v1.Health/Check", 400).await;
}

#[tokio::test]
async fn lambda_http() {
    holds(lambda::service(cors()), "/", StatusCode::OK, || lambda_http::Body::Empty).await;
    // It is what the runtime asks for.
    drop(lambda::run(cors()));
}

#[tokio::test]
async fn poem() {
    let (listener, address) = listener().await;
    tokio::spawn(poem_routes::serve(listener, policy().compile().expect("a valid policy")));
    holds_at(address, "/", 200).await;
    holds_at(address, "/nowhere", 404).await;
}

// What the page says of poem's adapter for services.
#[tokio::test]
async fn poem_takes_a_service_of_tower_under_the_layer_as_an_endpoint() {
    use ::poem::{Route, Server, endpoint::TowerCompatExt, listener::TcpAcceptor};

    let service = ServiceBuilder::new().layer(cors()).service_fn(async |_: http::Request<_>| {
        Ok::<_, std::convert::Infallible>(http::Response::new(http_body_util::Full::<bytes::Bytes>::from("hello")))
    });
    let (listener, address) = listener().await;
    let app = Route::new().nest("/tower", service.compat());
    let acceptor = TcpAcceptor::from_tokio(listener).expect("an acceptor");
    tokio::spawn(Server::new_with_acceptor(acceptor).run(app));
    holds_at(address, "/tower", 200).await;
}

#[tokio::test]
async fn salvo() {
    use salvo::test::TestClient;

    let url = "http://127.0.0.1/";
    let router = || salvo_router::router(cors());
    let actual = TestClient::get(url).add_header("origin", "https://app.example", true);
    assert!(is_readable(actual.send(router()).await.headers()));
    let preflight = TestClient::options(url).add_header("origin", "https://app.example", true);
    let answer = preflight.add_header("access-control-request-method", "PUT", true).send(router()).await;
    assert!(is_readable(answer.headers()));
    assert_eq!(answer.headers()["access-control-allow-methods"], "PUT");
    let other = TestClient::get(url).add_header("origin", "https://other.example", true);
    assert!(!other.send(router()).await.headers().contains_key("access-control-allow-origin"));
    // What the page says of salvo's own 404.
    let nowhere = TestClient::get("http://127.0.0.1/nowhere").add_header("origin", "https://app.example", true);
    let nowhere = nowhere.send(router()).await;
    assert_eq!((nowhere.status_code.map(|status| status.as_u16()), is_readable(nowhere.headers())), (Some(404), false));
}

#[tokio::test]
async fn actix_web() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let policy = policy().compile().expect("a valid policy");
    std::thread::spawn(|| actix_web::rt::System::new().block_on(actix::serve(listener, policy)));
    holds_at(address, "/", 200).await;
    holds_at(address, "/nowhere", 404).await;
}

#[test]
fn a_page_can_read_what_a_middleware_of_actix_web_refuses() {
    use actix_web::{
        App, Error,
        body::BoxBody,
        dev::{ServiceRequest, ServiceResponse},
        error::ErrorUnauthorized,
        middleware::{Next, from_fn},
        test::{TestRequest, init_service, try_call_service},
        web::Data,
    };

    async fn refuse(_: ServiceRequest, _: Next<BoxBody>) -> Result<ServiceResponse<BoxBody>, Error> {
        Err(ErrorUnauthorized("who are you?"))
    }
    actix_web::rt::System::new().block_on(async {
        let policy = Data::new(policy().compile().expect("a valid policy"));
        let app = App::new().app_data(policy).wrap(from_fn(refuse)).wrap(from_fn(actix::with_cors));
        let app = init_service(app).await;
        let request = TestRequest::get().insert_header(("origin", "https://app.example")).to_request();
        // What the server makes of the error.
        let response = try_call_service(&app, request).await.expect_err("it is refused").error_response();
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers().get("access-control-allow-origin").expect("it"), "https://app.example");
    });
}

#[test]
fn the_page_shows_this_code() {
    let page = include_str!("../../docs/frameworks.md");
    let snippets = [
        include_str!("snippets/actix.rs"),
        include_str!("snippets/axum.rs"),
        include_str!("snippets/hyper.rs"),
        include_str!("snippets/lambda.rs"),
        include_str!("snippets/poem.rs"),
        include_str!("snippets/salvo.rs"),
        include_str!("snippets/tonic.rs"),
    ];
    for snippet in snippets {
        let (_, code) = snippet.split_once("\n\n").expect("a line on what it is, and code");
        let shown = format!("```rust,ignore\n{}```\n", code.replace("pub(crate) ", ""));
        assert!(page.contains(&shown), "docs/frameworks.md does not show\n{shown}");
    }
    assert_eq!(page.matches("```rust,ignore\n").count(), snippets.len());
}
