//! What a layer warns its author of: the lints of its policy, once for all of its clones, where a log or a terminal is.

use std::convert::Infallible;

use http::{Request, Response};
use tower::{Layer, Service, service_fn};
use tower_cors::{CorsLayer, CorsPolicy};

const LINT: &str =
    "allowMethods[0]: \"put\" is not in upper case, as browsers send it, and the case counts; write it in upper case";

fn with_a_lint() -> CorsLayer {
    let policy = CorsPolicy::new().allow_origins("https://app.example").allow_methods(["put"]);
    CorsLayer::new(policy).expect("a valid policy")
}

fn inner() -> impl Service<Request<String>, Response = Response<String>, Error = Infallible> + Clone {
    service_fn(async |_: Request<String>| Ok(Response::new(String::new())))
}

/// Makes two services of two clones of a layer.
fn make_services(layer: &CorsLayer) {
    let _services = (layer.layer(inner()), layer.clone().layer(inner()));
}

#[test]
fn a_layer_gives_the_lints_of_its_policy() {
    let lints = |layer: CorsLayer| layer.lints().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(lints(with_a_lint()), [LINT]);
    assert_eq!(lints(CorsLayer::permissive()), [""; 0]);
    assert_eq!(lints(CorsLayer::disabled()), [""; 0]);
}

#[cfg(feature = "tracing")]
#[test]
fn a_layer_warns_of_each_lint_once_when_it_makes_its_first_service() {
    use tracing::Level;

    use super::events::{Kept, fields};

    let warned = |layer: CorsLayer| {
        let kept = Kept::new(Level::WARN);
        tracing::subscriber::with_default(kept.clone(), || make_services(&layer));
        kept.take()
    };
    let expected = fields(&[("cors.lint", "lowercase-method"), ("cors.severity", "warning"), ("message", LINT)]);
    assert_eq!(warned(with_a_lint()), [(Level::WARN, expected)]);
    assert_eq!(warned(with_a_lint().warnings(false)), []);
    assert_eq!(warned(CorsLayer::permissive()), []);
}

/// Its output is what the test below reads.
#[cfg(not(feature = "tracing"))]
#[test]
fn services_of_a_layer_with_a_lint_are_made() {
    make_services(&with_a_lint());
    make_services(&with_a_lint().warnings(false));
}

/// What one test of this program prints on standard error.
#[cfg(all(not(feature = "tracing"), debug_assertions))]
fn printed_by(test: &str) -> String {
    let program = std::env::current_exe().expect("this program");
    let output = std::process::Command::new(program).args(["--exact", test, "--nocapture"]).output();
    String::from_utf8(output.expect("it starts").stderr).expect("text")
}

#[cfg(all(not(feature = "tracing"), debug_assertions))]
#[test]
fn a_debug_build_without_tracing_prints_each_lint_once_on_standard_error() {
    let printed = printed_by("warnings::services_of_a_layer_with_a_lint_are_made");
    assert_eq!(printed.matches(LINT).count(), 1, "{printed}");
    assert!(printed.contains("tower-cors: warning: "), "{printed}");
    assert!(printed.contains("(lowercase-method) [`CorsLayer::warnings(false)` ends these lines]"), "{printed}");
}

/// Its output is what the test below reads.
#[cfg(not(feature = "tracing"))]
#[tokio::test]
async fn two_layers_answer_preflights() {
    use tower::ServiceExt;

    let (outer, within) = (CorsLayer::permissive(), CorsLayer::permissive());
    for service in [outer.layer(within.layer(inner())), outer.clone().warnings(false).layer(within.layer(inner()))] {
        for _ in 0..2 {
            let preflight = Request::options("/").header("origin", "https://app.example");
            let preflight = preflight.header("access-control-request-method", "PUT").body(String::new());
            service.clone().oneshot(preflight.expect("a request")).await.expect("infallible");
        }
    }
}

// rule 5.9
#[cfg(all(not(feature = "tracing"), debug_assertions))]
#[test]
fn a_debug_build_without_tracing_prints_a_second_layer_once_on_standard_error() {
    let printed = printed_by("warnings::two_layers_answer_preflights");
    assert_eq!(printed.matches("tower-cors: two CORS layers stand on one route: ").count(), 1, "{printed}");
}
