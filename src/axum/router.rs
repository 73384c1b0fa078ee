//! A finished router under a CORS layer. In: a `Router` and a layer with any resolver. Out: a [`CorsRouter`], to which
//! nothing can be added, so that nothing can be left outside of the layer.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

#[cfg(not(target_family = "wasm"))]
use ::axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use ::axum::{
    Router,
    extract::Request,
    response::IntoResponse,
    routing::{IntoMakeService, Route},
};
use tower_service::Service;

use crate::layer::{Cors, CorsLayer};

/// Puts a CORS layer around a finished [`Router`].
pub trait WithCors: Sized {
    /// Puts `layer` around every route and fallback: what was merged and nested, axum's own 404 and 405, and every layer
    /// that was added before.
    ///
    /// The layer may have any resolver. It runs after the route was found, so [`ByMatchedPath`](super::ByMatchedPath)
    /// works. It costs a request what `Router::layer` costs it, beside the layer's own work: a clone of the route's boxed
    /// service, and a boxed future.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use axum::{Router, routing::get};
    /// use tower_cors::{CorsLayer, CorsPolicy, axum::WithCors};
    ///
    /// # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    /// let cors = CorsLayer::new(CorsPolicy::new().allow_origins(["https://app.example"]))?;
    /// let app = Router::new().route("/", get(async || "hello")).with_cors(cors);
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    /// axum::serve(listener, app).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A route that comes too late does not compile:
    ///
    /// ```compile_fail
    /// # use axum::{Router, routing::get};
    /// # use tower_cors::{CorsLayer, CorsPolicy, axum::WithCors};
    /// # let cors = CorsLayer::new(CorsPolicy::new().allow_origins(["https://app.example"])).unwrap();
    /// let app = Router::new().with_cors(cors).route("/", get(async || "too late"));
    /// ```
    fn with_cors<R, M>(self, layer: CorsLayer<R, M>) -> CorsRouter
    where
        Self: HasState,
        R: Send + Sync + 'static,
        M: 'static,
        Cors<Route, R, M>: Service<Request, Response: IntoResponse + 'static, Error = Infallible, Future: Send + 'static>
            + Clone
            + Send
            + Sync
            + 'static;
}

/// A [`Router`] that has its state, as every router has that takes none.
// Implemented for the router and not for its state: so the compiler knows the state where nobody names one.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` still misses its state",
    label = "`with_cors` ends a router that has its state",
    note = "call `.with_state(...)` before `.with_cors(...)`"
)]
#[doc(hidden)]
pub trait HasState {
    #[doc(hidden)]
    fn finished(self) -> Router;
}

impl HasState for Router {
    fn finished(self) -> Router {
        self
    }
}

impl<S> WithCors for Router<S> {
    fn with_cors<R, M>(self, layer: CorsLayer<R, M>) -> CorsRouter
    where
        Self: HasState,
        R: Send + Sync + 'static,
        M: 'static,
        Cors<Route, R, M>: Service<Request, Response: IntoResponse + 'static, Error = Infallible, Future: Send + 'static>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        // The state turns handlers into services now; without it, axum would do so for each request.
        CorsRouter(self.finished().layer(layer).with_state(()))
    }
}

/// A finished [`Router`], all of which is under a CORS layer; made by [`WithCors::with_cors`].
///
/// It serves like the router: `axum::serve` takes it, a test calls it with tower's `oneshot`, `Router::nest_service` and
/// a `tower::ServiceBuilder` take it as a service. It has no `route`, `merge`, `fallback` or `layer`.
///
/// # Examples
///
/// ```
/// use axum::{
///     Router,
///     body::Body,
///     http::{Request, StatusCode},
///     routing::get,
/// };
/// use tower::ServiceExt;
/// use tower_cors::{CorsLayer, CorsPolicy, axum::WithCors};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cors = CorsLayer::new(CorsPolicy::new().allow_origins(["https://app.example"]))?;
/// let app = Router::new().route("/", get(async || "hello")).with_cors(cors);
///
/// let request = Request::get("/nowhere")
///     .header("origin", "https://app.example")
///     .body(Body::empty())?;
/// let response = app.oneshot(request).await?;
/// assert_eq!(response.status(), StatusCode::NOT_FOUND);
/// assert_eq!(response.headers()["access-control-allow-origin"], "https://app.example");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a router does nothing unless it is served"]
pub struct CorsRouter(Router);

impl CorsRouter {
    /// The router, for what only a `Router` can do. What is added to it from here on is outside of the layer.
    pub fn into_router(self) -> Router {
        self.0
    }

    /// As the router's own: what hyper-based servers such as `axum-server` take.
    pub fn into_make_service(self) -> IntoMakeService<Router> {
        self.0.into_make_service()
    }

    /// As the router's own: handlers may extract the [`ConnectInfo`](::axum::extract::ConnectInfo) of the connection.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::net::SocketAddr;
    /// use axum::{Router, extract::ConnectInfo, routing::get};
    /// use tower_cors::{CorsLayer, CorsPolicy, axum::WithCors};
    ///
    /// # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    /// # let cors = CorsLayer::new(CorsPolicy::new().allow_origins("https://app.example"))?;
    /// let hello =
    ///     async |ConnectInfo(address): ConnectInfo<SocketAddr>| format!("hello {address}");
    /// let app = Router::new().route("/", get(hello)).with_cors(cors);
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    /// axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(not(target_family = "wasm"))]
    pub fn into_make_service_with_connect_info<C>(self) -> IntoMakeServiceWithConnectInfo<Router, C> {
        self.0.into_make_service_with_connect_info()
    }
}

/// Serves whatever a `Router` serves: requests, and, where axum's own features have it, the connections of `axum::serve`.
impl<T> Service<T> for CorsRouter
where
    Router: Service<T>,
{
    type Response = <Router as Service<T>>::Response;
    type Error = <Router as Service<T>>::Error;
    type Future = <Router as Service<T>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        <Router as Service<T>>::poll_ready(&mut self.0, context)
    }

    fn call(&mut self, request: T) -> Self::Future {
        <Router as Service<T>>::call(&mut self.0, request)
    }
}
