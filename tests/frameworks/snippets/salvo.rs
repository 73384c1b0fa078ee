//! salvo, for docs/frameworks.md.

use salvo::{http::ReqBody, prelude::*};
use tower_cors::CorsLayer;

#[handler]
async fn hello() -> &'static str {
    "hello"
}

pub(crate) fn router(cors: CorsLayer) -> Router {
    Router::new().hoop(cors.compat::<ReqBody>()).goal(hello)
}
