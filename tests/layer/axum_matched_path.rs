//! Policies by the route that axum has matched, and by the method that a preflight announces for it (rule 8.3 there).

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Request, StatusCode},
    response::Response,
    routing,
};
use tower::ServiceExt;
use tower_cors::{
    CorsLayer, CorsPolicy,
    axum::{ByMatchedPath, CorsRouter, WithCors, matched_path},
    browser::ScriptRequest,
    merge::{Base, MergeError, MergeOptions, MergeStrategy},
};

const APP: &str = "https://app.example";
const ADMIN: &str = "https://admin.example";

fn policy(max_age: u64) -> CorsPolicy {
    CorsPolicy { max_age: Some(max_age), ..CorsPolicy::new().allow_origins([APP]) }
}

async fn send(app: &CorsRouter, origin: &str, method: &str, path: &str) -> Response {
    let request = Request::builder().method(method).uri(path).header("origin", origin);
    app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn send_preflight(app: &CorsRouter, origin: &str, announced: &[&str], path: &str) -> HeaderMap {
    let mut request = Request::options(path).header("origin", origin);
    for method in announced {
        request = request.header("access-control-request-method", *method);
    }
    let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.headers().clone()
}

/// The max-age of an answer, which tells the policies of these tests apart.
fn max_age(headers: &HeaderMap) -> Option<&str> {
    headers.get("access-control-max-age").map(|age| age.to_str().unwrap())
}

// ---- routes ----

#[tokio::test]
async fn the_route_that_axum_matched_decides() {
    let resolver = ByMatchedPath::new(policy(1))
        .and_then(|base| base.route("/users/{id}", policy(2)))
        .and_then(|base| base.route("/nested/deep/{*rest}", policy(3)))
        .unwrap()
        .route_disabled("/internal");
    let nested = Router::new().route("/deep/{*rest}", routing::get(async || "deep"));
    let app = Router::new()
        .route("/users/{id}", routing::get(async || "user"))
        .route("/users/me", routing::get(async || "me"))
        .route("/internal", routing::get(async || "internal").options(async || "for the handler"))
        .nest("/nested", nested)
        .with_cors(CorsLayer::with_resolver(resolver));
    let table = [
        ("/users/7", Some("2")),
        // A route of its own, though the other pattern would match as well.
        ("/users/me", Some("1")),
        ("/nested/deep/er/still", Some("3")),
        ("/internal", None),
        ("/nowhere", Some("1")),
    ];
    for (path, expected) in table {
        assert_eq!(max_age(&send_preflight(&app, APP, &["PUT"], path).await), expected, "{path}");
    }
}

#[test]
fn an_invalid_override_names_the_route() {
    let base = ByMatchedPath::new(policy(1)).unwrap();
    assert_eq!(
        base.clone().route("/users/{id}", CorsPolicy::new().allow_headers(["a b"])).unwrap_err().to_string(),
        "route /users/{id}: allowHeaders[0]: \"a b\" is not a header name; did you mean \"a-b\"?"
    );
    let of_put = base.route_method("/users/{id}", Method::PUT, CorsPolicy::new().allow_headers(["a b"]));
    assert_eq!(
        of_put.unwrap_err().to_string(),
        "route PUT /users/{id}: allowHeaders[0]: \"a b\" is not a header name; did you mean \"a-b\"?"
    );
}

// ---- methods of one route ----

/// A route whose other methods are the app's, with policy 2, and whose `PUT` is the admin's, with policy 3.
fn by_method() -> ByMatchedPath {
    let others = policy(2).allow_methods(["DELETE", "PUT"]);
    let put = CorsPolicy { max_age: Some(3), ..CorsPolicy::new().allow_origins([ADMIN]).allow_methods(["PUT"]) };
    ByMatchedPath::new(policy(1))
        .and_then(|base| base.route("/users/{id}", others))
        .and_then(|base| base.route_method("/users/{id}", Method::PUT, put))
        .unwrap()
}

/// It, and how many requests reached a handler.
fn app(resolver: ByMatchedPath) -> (CorsRouter, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let handler = move || {
        count.fetch_add(1, Ordering::SeqCst);
        async { "called" }
    };
    let methods = routing::get(handler.clone()).post(handler.clone()).put(handler.clone()).delete(handler);
    (Router::new().route("/users/{id}", methods).with_cors(CorsLayer::with_resolver(resolver)), calls)
}

#[tokio::test]
async fn a_preflight_is_judged_by_the_policy_of_the_method_that_it_announces() {
    let (app, calls) = app(by_method());
    let table: [(&str, &[&str], Option<&str>); 9] = [
        (APP, &["GET"], Some("2")),
        (APP, &["DELETE"], Some("2")),
        (APP, &["PUT"], None),
        (ADMIN, &["GET"], None),
        (ADMIN, &["DELETE"], None),
        (ADMIN, &["PUT"], Some("3")),
        // Methods are case-sensitive, and two of them announce none.
        (APP, &["put"], Some("2")),
        (ADMIN, &["put"], None),
        (ADMIN, &["PUT", "PUT"], None),
    ];
    for (origin, announced, expected) in table {
        let headers = send_preflight(&app, origin, announced, "/users/7").await;
        assert_eq!(max_age(&headers), expected, "{origin} {announced:?}");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_request_that_follows_is_judged_by_the_same_policy() {
    let (app, _) = app(by_method());
    for (origin, method, allowed) in
        [(APP, "GET", true), (APP, "DELETE", true), (ADMIN, "PUT", true), (ADMIN, "GET", false), (ADMIN, "POST", false)]
    {
        let response = send(&app, origin, method, "/users/7").await;
        assert_eq!(response.status(), StatusCode::OK, "{origin} {method}");
        assert_eq!(response.headers().contains_key("access-control-allow-origin"), allowed, "{origin} {method}");
    }
}

// rule 8.3
#[tokio::test]
async fn nobody_sends_one_method_with_the_consent_of_another() {
    let (app, calls) = app(by_method());
    // The policy of DELETE lists PUT as well, so a browser that asked for DELETE holds both methods for allowed.
    let answer = send_preflight(&app, APP, &["DELETE"], "/users/7").await;
    let page = |method| ScriptRequest::new(HeaderValue::from_static(APP), method);
    assert!(page(Method::PUT).check_preflight(StatusCode::OK, &answer).is_ok());

    let response = send(&app, APP, "PUT", "/users/7").await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    // Where no method has a policy of its own, no actual request is blocked (5.8).
    let plain = ByMatchedPath::new(policy(1)).and_then(|base| base.route("/users/{id}", policy(2))).unwrap();
    let (app, calls) = self::app(plain);
    assert_eq!(send(&app, ADMIN, "PUT", "/users/7").await.status(), StatusCode::OK);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn head_has_the_policy_of_get_unless_it_is_given_one() {
    let open = CorsPolicy::new().allow_origins(["*"]);
    let of_get =
        ByMatchedPath::new(policy(1)).and_then(|base| base.route_method("/users/{id}", Method::GET, open)).unwrap();
    let permission = async |resolver: ByMatchedPath| {
        let response = send(&app(resolver).0, APP, "HEAD", "/users/7").await;
        response.headers()["access-control-allow-origin"].clone()
    };
    assert_eq!(permission(of_get.clone()).await, "*");
    assert_eq!(permission(of_get.route_method("/users/{id}", Method::HEAD, policy(4)).unwrap()).await, APP);
}

#[tokio::test]
async fn the_order_of_a_routes_settings_is_free_and_the_last_of_two_counts() {
    let resolver = ByMatchedPath::new(policy(1))
        .and_then(|base| base.route_method("/users/{id}", Method::PUT, policy(8)))
        .and_then(|base| base.route_method("/users/{id}", Method::PUT, policy(3)))
        .unwrap();
    let announced = async |resolver: &ByMatchedPath, method| {
        let headers = send_preflight(&app(resolver.clone()).0, APP, &[method], "/users/7").await;
        max_age(&headers).map(str::to_owned)
    };
    assert_eq!(announced(&resolver, "PUT").await.as_deref(), Some("3"));
    assert_eq!(announced(&resolver, "GET").await.as_deref(), Some("1"), "the base");
    let resolver = resolver.route("/users/{id}", policy(2)).unwrap();
    assert_eq!(announced(&resolver, "PUT").await.as_deref(), Some("3"));
    assert_eq!(announced(&resolver, "GET").await.as_deref(), Some("2"));
}

/// rule 8.3
#[tokio::test]
async fn the_403_of_a_method_that_its_own_policy_does_not_allow_says_why_in_the_debug_mode() {
    let resolver = ByMatchedPath::new(policy(1))
        .and_then(|base| base.route_method("/users/{id}", Method::PUT, policy(2)))
        .unwrap();
    let users = || Router::new().route("/users/{id}", routing::put(async || "changed"));
    let said = async |layer: CorsLayer<ByMatchedPath>| {
        let response = send(&users().with_cors(layer), APP, "PUT", "/users/7").await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        response.headers().get("tower-cors-debug").map(|text| text.to_str().unwrap().to_owned())
    };
    let layer = || CorsLayer::with_resolver(resolver.clone());
    let text = said(layer().debug(true)).await.unwrap();
    assert!(text.ends_with("add \"PUT\" to allowMethods"), "{text}");
    assert_eq!(said(layer()).await, None);
}

#[tokio::test]
async fn a_route_inherits_what_its_policy_leaves_out_unless_the_base_replaces() {
    let base = || CorsPolicy::new().allow_origins([APP]).allow_methods(["PUT"]).max_age(600);
    let own = || CorsPolicy::new().allow_origins([APP]).allow_methods([""; 0]);
    let answer = async |resolver: Result<ByMatchedPath, MergeError>| {
        let resolver = resolver.and_then(|base| base.route("/users/{id}", own())).unwrap();
        let headers = send_preflight(&app(resolver).0, APP, &["PUT"], "/users/7").await;
        (headers.contains_key("access-control-allow-methods"), max_age(&headers).map(str::to_owned))
    };
    assert_eq!(answer(ByMatchedPath::new(base())).await, (false, Some("600".to_owned())));
    let replacing = Base::new(base()).merging(MergeOptions::new(MergeStrategy::Replace));
    assert_eq!(answer(ByMatchedPath::new(replacing)).await, (false, Some("5".to_owned())));
}

#[tokio::test]
async fn a_pattern_that_no_request_had_is_told_for_all_clones() {
    let resolver = ByMatchedPath::new(policy(1))
        .and_then(|base| base.route("/users/{id}", policy(2)))
        .and_then(|base| base.route("/user/{id}", policy(3)))
        .and_then(|base| base.route_method("/accounts", Method::PUT, policy(4)))
        .unwrap()
        .route_disabled("/internal");
    assert_eq!(resolver.unmatched_routes(), ["/accounts", "/internal", "/user/{id}", "/users/{id}"]);
    send(&app(resolver.clone()).0, APP, "GET", "/users/7").await;
    assert_eq!(resolver.unmatched_routes(), ["/accounts", "/internal", "/user/{id}"]);
}

// ---- the label ----

#[tokio::test]
async fn the_label_of_a_route_is_its_pattern_and_a_fallback_has_none() {
    let labels = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&labels);
    let layer = CorsLayer::new(policy(1))
        .unwrap()
        .route_label(matched_path)
        .on_decision(move |event| log.lock().unwrap().push(event.route().map(str::to_owned)));
    let users = Router::new().route("/users/{id}", routing::get(async || "user"));
    let app = users.clone().nest("/api", users).with_cors(layer);
    for path in ["/users/7", "/api/users/7", "/users/7/nowhere"] {
        send(&app, APP, "GET", path).await;
    }
    send_preflight(&app, APP, &["GET"], "/users/7").await;
    let expected = [Some("/users/{id}"), Some("/api/users/{id}"), None, Some("/users/{id}")];
    assert_eq!(*labels.lock().unwrap(), expected.map(|label| label.map(str::to_owned)));
}
