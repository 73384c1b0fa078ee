//! The documented walk: objects are applied, changed and deleted with kubectl, and the next answers follow within the time
//! that is documented.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::{
    gateway::Gateway,
    process::{Response, file},
    server,
    wait::wait_until,
};

/// The longest from the return of kubectl to the first answer by the new table, as `docs/kubernetes.md` has it.
const LONGEST: Duration = Duration::from_millis(1200);

/// How often the measured steps are tried: whoever shares the machine can slow one of them down.
const TRIES: usize = 5;

fn preflight(gateway: &Gateway, host: &str) -> Response {
    let headers = [("origin", "https://example.com"), ("access-control-request-method", "GET")];
    gateway.send("OPTIONS", &format!("http://{host}/get"), &headers)
}

fn max_age(gateway: &Gateway, host: &str) -> Option<String> {
    preflight(gateway, host).header("access-control-max-age").map(str::to_owned)
}

/// The time until the answer has this max-age.
fn time_until(gateway: &Gateway, host: &str, expected: Option<&str>) -> Duration {
    let start = Instant::now();
    wait_until(&format!("{host} is answered with {expected:?}"), || {
        (max_age(gateway, host).as_deref() == expected).then_some(())
    });
    start.elapsed()
}

// rule 10.1, 10.2
#[test]
fn what_kubectl_has_changed_is_answered_within_the_documented_time() {
    let Some(server) = server::own() else { return };
    let kubectl = server.kubectl();
    let routes = fs::read_to_string(file("examples/kubernetes/routes.yaml")).expect("the example");
    let gateway = Gateway::start_synced(&server.kubeconfig("admin"), &["--controller-name", "cors.example/gateway"]);
    assert_eq!(preflight(&gateway, "cors.example").status(), 404);
    kubectl.create_namespace("gateways");
    kubectl.create_namespace("web");

    let (mut best, mut all) = ([Duration::MAX; 4], Vec::new());
    for at in 0..TRIES {
        kubectl.apply(&routes);
        let applied = time_until(&gateway, "cors.example", Some("86400"));
        assert_eq!(
            preflight(&gateway, "cors.example").cors_headers(),
            [
                ("access-control-allow-credentials", "true"),
                ("access-control-allow-headers", "Origin"),
                ("access-control-allow-methods", "GET, POST, OPTIONS"),
                ("access-control-allow-origin", "https://example.com"),
                ("access-control-expose-headers", "Origin, X-HTTPRoute-Header"),
                ("access-control-max-age", "86400"),
            ]
        );
        wait_until("the policy is served", || (max_age(&gateway, "policy.example")? == "7200").then_some(()));

        let filter = "{\"spec\": {\"rules\": [{\"filters\": [{\"type\": \"CORS\", \"cors\": \
                      {\"allowOrigins\": [\"https://example.com\"], \"maxAge\": 600}}]}]}}";
        kubectl.patch("web", "httproute/httpbin-cors", filter);
        let edited = time_until(&gateway, "cors.example", Some("600"));
        kubectl.patch("web", "trafficpolicy/httpbin-policy", "{\"spec\": {\"cors\": {\"maxAge\": 700}}}");
        let policy_edited = time_until(&gateway, "policy.example", Some("700"));
        kubectl.delete("web", "httproute/httpbin-cors");
        let deleted = time_until(&gateway, "cors.example", None);
        assert_eq!(preflight(&gateway, "cors.example").status(), 404);
        kubectl.delete("web", "trafficpolicy/httpbin-policy");
        // Without its policy the route has the echo's own headers.
        wait_until("the policy is gone", || {
            (preflight(&gateway, "policy.example").header("access-control-max-age")? == "3600").then_some(())
        });
        let times = [applied, edited, policy_edited, deleted];
        for (best, time) in best.iter_mut().zip(times) {
            *best = (*best).min(time);
        }
        all.push(times);
        if at > 0 && best.iter().all(|time| *time < LONGEST) {
            break;
        }
    }
    eprintln!("apply, patch of a route, patch of a policy, delete: {all:?}");
    assert!(best.iter().all(|time| *time < LONGEST), "{all:?}");
}
