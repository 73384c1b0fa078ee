//! gRPC-Web behind manifests: a page calls the service of a `GRPCRoute`, and reads what a `TrafficPolicy` lets it read.
//! Rules 7.1, 8.7.

use tower_cors::{CorsLayer, manifest::Manifests};

use crate::{
    browser::{Answer, Argument, Call, Input, serve_behind},
    chromium,
    origins::Origins,
};

const ROUTE: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: any
  listeners: [{name: http, port: 80, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: echo}
spec:
  parentRefs: [{name: edge}]
  hostnames: [localhost]
  rules:
  - {name: say, matches: [{method: {service: echo.Echo, method: Say}}]}
  - {name: count, matches: [{method: {service: echo.Echo, method: Count}}]}
";

/// A policy for a target, which is the rest of a reference to a route or to a Gateway.
fn policy(origin: &str, target: &str) -> String {
    format!(
        "---
apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {{name: pages}}
spec:
  targetRefs: [{{group: gateway.networking.k8s.io, {target}}}]
  cors:
    allowOrigins: ['{origin}']
    allowHeaders: [Content-Type, X-Grpc-Web, X-User-Agent, Grpc-Timeout]
    exposeHeaders: [Grpc-Status, Grpc-Message, Echo-Length]
"
    )
}

// rule 7.1, 8.7
#[tokio::test]
async fn a_page_reads_the_methods_of_a_grpc_route_that_have_a_policy() {
    if !chromium::is_ready() {
        return;
    }
    let origins = Origins::serve().await;
    // For each target, whether `Say` and `Count` can be read.
    let rows = [
        (Some("kind: GRPCRoute, name: echo"), [true, true]),
        (Some("kind: GRPCRoute, name: echo, sectionName: say"), [true, false]),
        (Some("kind: Gateway, name: edge"), [true, true]),
        (None, [false, false]),
    ];
    for (target, readable) in rows {
        let policy = target.map(|target| policy(origins.app(), target)).unwrap_or_default();
        let routes = Manifests::new().read("m.yaml", &format!("{ROUTE}{policy}")).build().expect("valid manifests");
        let service = serve_behind(CorsLayer::with_resolver(routes.into_table())).await;
        let call = |method, argument| {
            let (page, sandboxed) = origins.page_of(origins.app());
            Call { page, sandboxed, format: "text", method, argument }
        };
        let calls = vec![call("Say", Argument::Text("hello")), call("Count", Argument::Number(2))];
        let answers: Vec<Answer> = chromium::run("grpc_web.mjs", &Input { service, calls }).await;
        let said = Answer { texts: vec!["hello".to_owned()], length: Some("5".to_owned()), ..Answer::default() };
        let counted = Answer { texts: vec!["1".to_owned(), "2".to_owned()], ..Answer::default() };
        let read = [said, counted].into_iter().zip(readable);
        let expected: Vec<_> =
            read.map(|(answer, is_readable)| if is_readable { answer } else { Answer::unreadable() }).collect();
        assert_eq!(answers, expected, "{target:?}");
    }
}
