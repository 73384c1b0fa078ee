//! What a request may allocate, scenario by scenario: the benches' table, held without a clock.

#[path = "../../benches/scenarios.rs"]
#[allow(dead_code, unreachable_pub, reason = "the benches use the rest")]
mod scenarios;

/// Matching an origin.
mod origins;

use allocation_counter::measure;
use scenarios::{Handler, SCENARIOS, named, send_one};
use tower_cors::CorsPolicy;

#[test]
fn no_request_allocates_more_than_its_bound() {
    for scenario in SCENARIOS {
        let mut service = scenario.ours();
        let request = || scenario.request();
        // Once without counting: what is made on the first request only is not a request's cost.
        send_one(&mut service, request());
        let (alone, within) = (request(), request());
        let baseline = if scenario.is_preflight() {
            measure(|| drop(alone)).count_total
        } else {
            measure(|| send_one(&mut Handler, alone)).count_total
        };
        let counted = if scenario.cloned {
            measure(|| send_one(&mut service.clone(), within)).count_total
        } else {
            measure(|| send_one(&mut service, within)).count_total
        };
        let (above, bound) = (counted - baseline, scenario.bound.allocations);
        assert!(above <= bound, "{} ({}): {above} allocations, {bound} allowed", scenario.name, scenario.about);
    }
}

#[cfg(feature = "axum")]
#[test]
fn a_finished_router_costs_an_actual_request_one_more_box_of_axums_and_a_preflight_nothing() {
    use tower::Service;
    use tower_cors::{CorsLayer, axum::WithCors};

    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let count = |router: &axum::Router, request: fn(http::request::Builder) -> http::request::Builder| {
        let mut router = router.clone();
        let mut send = || {
            let request = request(http::Request::builder().header("origin", "https://app.example"));
            let request = request.body(axum::body::Body::empty()).expect("a request");
            measure(|| drop(runtime.block_on(router.call(request)))).count_total
        };
        // Once without counting, as above.
        send();
        send()
    };
    let bare = axum::Router::new().route("/", axum::routing::get(async || "hello")).with_state(());
    let cors = CorsLayer::new(CorsPolicy::new().allow_origins(["https://app.example"])).expect("a valid policy");
    let covered = bare.clone().with_cors(cors).into_router();
    let actual = |request: http::request::Builder| request.method("GET");
    let preflight =
        |request: http::request::Builder| request.method("OPTIONS").header("access-control-request-method", "PUT");
    assert!(count(&covered, actual) <= count(&bare, actual) + 3);
    assert!(count(&covered, preflight) <= count(&bare, preflight));
}

// rule 5.9
#[test]
fn a_layer_alone_allocates_no_mark_and_one_within_another_does() {
    use tower::Layer;

    let scenario = named("S2");
    let layer = tower_cors::CorsLayer::new(scenario.policy()).expect("a valid policy");
    let mut alone = layer.layer(Handler);
    let mut doubled = layer.layer(layer.layer(Handler));
    let request = scenario.request();
    let handler = measure(|| send_one(&mut Handler, request)).count_total;
    // The first request makes what is made only once.
    let (first, second) = (scenario.request(), scenario.request());
    send_one(&mut alone, first);
    send_one(&mut doubled, second);
    for _ in 0..2 {
        let (first, second) = (scenario.request(), scenario.request());
        assert_eq!(measure(|| send_one(&mut alone, first)).count_total, handler);
        assert!(measure(|| send_one(&mut doubled, second)).count_total > handler);
    }
}

#[cfg(feature = "axum")]
#[test]
fn a_wrapped_body_costs_axum_one_box_a_response() {
    use tower::Service;
    use tower_cors::CorsLayer;

    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let count = |router: axum::Router| {
        let mut router = router;
        let mut send = || {
            let request = http::Request::get("/").header("origin", "https://app.example");
            let request = request.body(axum::body::Body::empty()).expect("a request");
            measure(|| drop(runtime.block_on(router.call(request)))).count_total
        };
        // Once without counting, as above.
        send();
        send()
    };
    let router = axum::Router::new().route("/", axum::routing::get(async || "hello"));
    let plain = count(router.clone().layer(CorsLayer::permissive()).with_state(()));
    let wrapped = count(router.layer(CorsLayer::permissive().wrap_body()).with_state(()));
    assert_eq!(wrapped, plain + 1);
}

#[test]
fn the_peer_allocates_so_the_count_counts() {
    let scenario = named("S2");
    let mut service = scenario.peer();
    let request = scenario.request();
    assert!(measure(|| send_one(&mut service, request)).count_total >= 4);
}

#[test]
fn cloning_the_service_allocates_nothing_whatever_the_size_of_the_policy() {
    let service = named("S8/100k").ours();
    assert_eq!(measure(|| drop(service.clone())).count_total, 0);
}

#[test]
fn a_policy_costs_less_than_40_bytes_an_origin_over_its_text() {
    const ORIGINS: usize = 100_000;
    let text = (0..ORIGINS).map(|number| format!("https://tenant-{number}.example.com"));
    let policy = CorsPolicy::new().allow_origins(text);
    let mut compiled = None;
    let kept = measure(|| compiled = policy.compile().ok()).bytes_current;
    assert!(compiled.is_some());
    // The compiled policy keeps the policy it was made of: a `String` an origin, beside what compiling added.
    let per_origin = kept as f64 / ORIGINS as f64 + size_of::<String>() as f64;
    assert!(per_origin < 40.0, "{per_origin} bytes an origin");
}
