//! What the gateway may do by `examples/kubernetes/rbac.yaml` is enough, and nothing of it is left over: each verb that is
//! taken away is missed, and stderr names it, once.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};

use crate::{
    gateway::Gateway,
    kubectl::objects,
    process::file,
    server::{self, ACCOUNTS},
    wait::wait_until,
};

/// A right: API group, resource, verb.
type Right = [String; 3];

/// The rights of the example's role, one by one.
fn rights() -> Vec<Right> {
    let role = example().into_iter().find(|object| object["kind"] == "ClusterRole").expect("a role");
    let texts = |value: &Value| -> Vec<String> {
        let texts = value.as_array().expect("a list").iter();
        texts.map(|text| text.as_str().expect("a text").to_owned()).collect()
    };
    let mut rights = Vec::new();
    for rule in role["rules"].as_array().expect("rules") {
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                let verbs = texts(&rule["verbs"]).into_iter();
                rights.extend(verbs.map(|verb| [group.clone(), resource.clone(), verb]));
            }
        }
    }
    rights
}

fn example() -> Vec<Value> {
    objects(&fs::read_to_string(file("examples/kubernetes/rbac.yaml")).expect("the example"))
}

/// A role with these rights, bound to an account.
fn grant(account: &str, rights: &[&Right]) -> String {
    let rule =
        |[group, resource, verb]: &Right| json!({"apiGroups": [group], "resources": [resource], "verbs": [verb]});
    let rules: Vec<_> = rights.iter().map(|right| rule(right)).collect();
    let group = "rbac.authorization.k8s.io";
    let role = json!({"apiVersion": format!("{group}/v1"), "kind": "ClusterRole", "metadata": {"name": account}, "rules": rules});
    let binding = json!({
        "apiVersion": format!("{group}/v1"),
        "kind": "ClusterRoleBinding",
        "metadata": {"name": account},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": account},
        "subjects": [{"kind": "ServiceAccount", "namespace": "gateways", "name": account}],
    });
    json!({"apiVersion": "v1", "kind": "List", "items": [role, binding]}).to_string()
}

/// One object of each kind that has a status to be written, for a controller of its own.
fn served(account: &str) -> String {
    let policy = |group: &str, kind: &str, target: &str| {
        format!(
            "---\napiVersion: {group}/v1alpha1\nkind: {kind}\nmetadata: {{name: p, namespace: {account}}}\n\
             spec: {{targetRefs: [{{group: gateway.networking.k8s.io, kind: {target}, name: r}}], cors: {{allowOrigins: [https://app.example]}}}}\n"
        )
    };
    format!(
        "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {account}}}\n---\n\
         apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {{name: {account}}}\nspec: {{controllerName: cors.example/{account}}}\n---\n\
         apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: g, namespace: {account}}}\n\
         spec: {{gatewayClassName: {account}, listeners: [{{name: http, port: 80, protocol: HTTP}}]}}\n---\n\
         apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: r, namespace: {account}}}\n\
         spec: {{parentRefs: [{{name: g}}], hostnames: [{account}.example]}}\n---\n\
         apiVersion: gateway.networking.k8s.io/v1\nkind: GRPCRoute\nmetadata: {{name: r, namespace: {account}}}\n\
         spec: {{parentRefs: [{{name: g}}], hostnames: [{account}.example], rules: [{{matches: [{{method: {{service: a.B}}}}]}}]}}\n{}{}",
        policy("gateway.kgateway.dev", "TrafficPolicy", "HTTPRoute"),
        policy("gloo.solo.io", "GlooTrafficPolicy", "GRPCRoute"),
    )
}

/// Whether a line names what is missing, in the server's words.
fn names(line: &str, [group, resource, verb]: &Right) -> bool {
    line.contains(&format!("cannot {verb} resource \"{resource}\" in API group \"{group}\""))
}

fn told_more_than_once(gateway: &Gateway) -> Vec<String> {
    let mut counts = BTreeMap::<_, usize>::new();
    for line in gateway.lines() {
        *counts.entry(line).or_default() += 1;
    }
    // Tables may be built as often as they are due.
    counts.retain(|line, count| *count > 1 && !line.starts_with("reloaded"));
    counts.into_keys().collect()
}

// rule 10.5, 10.6
#[test]
fn the_gateway_works_with_the_rights_of_the_example_and_misses_each_that_is_taken_away() {
    let Some(server) = server::shared() else { return };
    let kubectl = server.kubectl();
    kubectl.apply(&fs::read_to_string(file("examples/kubernetes/rbac.yaml")).expect("the example"));
    let rights = rights();
    assert!(rights.len() > 20 && rights.len() < ACCOUNTS, "{rights:?}");

    let mut yaml = served("with-all");
    for (at, [_, _, verb]) in rights.iter().enumerate() {
        let account = format!("without-{at}");
        let others: Vec<_> = rights.iter().filter(|right| *right != &rights[at]).collect();
        yaml += &format!("---\n{}\n", grant(&account, &others));
        if verb == "patch" {
            yaml += &format!("---\n{}", served(&account));
        }
    }
    kubectl.apply(&yaml);

    let with_all = ["--controller-name", "cors.example/with-all", "--write-status"];
    let with_all = Gateway::start_synced(&server.kubeconfig("gateway"), &with_all);
    for object in ["httproute/r", "grpcroute/r"] {
        wait_until(object, || kubectl.get("with-all", object)["status"]["parents"].as_array().map(drop));
    }
    for object in ["trafficpolicy/p", "glootrafficpolicy/p"] {
        wait_until(object, || kubectl.get("with-all", object)["status"]["ancestors"].as_array().map(drop));
    }
    let troubles: Vec<_> =
        with_all.lines().into_iter().filter(|line| line.contains("API server") || line.contains("status of")).collect();
    assert!(troubles.is_empty(), "{troubles:?}");

    let start = |at: usize| {
        let controller = format!("cors.example/without-{at}");
        let arguments = ["--controller-name", &controller, "--write-status"];
        Gateway::start(&server.kubeconfig(&format!("without-{at}")), &arguments)
    };
    // As many as a small machine runs at the same time.
    for chunk in rights.iter().enumerate().collect::<Vec<_>>().chunks(8) {
        let running: Vec<_> = chunk.iter().map(|(at, right)| (start(*at), *right)).collect();
        for (gateway, right) in &running {
            gateway.wait_line(&right.join(" "), |line| names(line, right));
        }
        for ((at, _), (gateway, right)) in chunk.iter().zip(&running) {
            // It asks for it again and again, and says nothing more; a status is written again when the table changes.
            let least = if right[2] == "patch" { 1 } else { 5 };
            wait_until("a gateway is refused", || (server.refused(&format!("without-{at}")) >= least).then_some(()));
            let repeated = told_more_than_once(gateway);
            assert!(repeated.is_empty(), "{right:?}: {repeated:?}");
            // What can't be listed is never served, and the rest waits for it.
            assert!(right[2] != "list" || !gateway.is_ready(), "{right:?}");
        }
    }
}

// rule 10.2, 10.4
#[test]
fn without_rights_the_gateway_is_not_ready_until_it_has_them() {
    let Some(server) = server::shared() else { return };
    let kubectl = server.kubectl();
    let account = format!("without-{}", ACCOUNTS - 1);
    let rights = rights();
    kubectl.apply(&served(&account));
    let controller = format!("cors.example/{account}");
    let gateway = Gateway::start(&server.kubeconfig(&account), &["--controller-name", &controller]);
    let lists: Vec<_> = rights.iter().filter(|[_, _, verb]| verb == "list").collect();
    for right in &lists {
        gateway.wait_line(&right.join(" "), |line| names(line, right));
    }
    wait_until("the gateway is refused", || (server.refused(&account) >= 5 * lists.len()).then_some(()));
    assert_eq!(told_more_than_once(&gateway), [""; 0]);
    assert!(!gateway.is_ready());
    let url = format!("http://{account}.example/");
    assert_eq!(gateway.preflight(&url).cors_headers(), []);

    kubectl.apply(&grant(&account, &rights.iter().collect::<Vec<_>>()));
    gateway.wait_synced();
    gateway.wait_max_age(&url, Some(5));
    for [group, resource, _] in lists {
        let name = if group.is_empty() { resource.clone() } else { format!("{resource}.{group}") };
        gateway.wait_line(&name, |line| line == format!("API server: {name}: read again"));
    }
    assert_eq!(told_more_than_once(&gateway), [""; 0]);
}
