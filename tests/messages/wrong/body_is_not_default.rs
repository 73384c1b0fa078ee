//! A layer around another that changes the type of the body to one that can't be empty.

use axum::{Router, routing::get};
use tower::ServiceBuilder;
use tower_cors::CorsLayer;
use tower_http::trace::TraceLayer;

fn main() {
    let layers = ServiceBuilder::new().layer(CorsLayer::permissive()).layer(TraceLayer::new_for_http());
    let _: Router = Router::new().route("/", get(async || "hello")).layer(layers);
}

//~ a CORS layer can't make an empty `ResponseBody<
//~ is not `Default`
//~ call `.wrap_body()` on the CORS layer: its responses then have a `CorsBody<
//~ which can be empty
