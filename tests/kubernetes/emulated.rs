//! The documented scenario against an emulator of an API server that others wrote: `KubernetesEmulator` of the package `kmock`
//! of Python. `KMOCK_PYTHON` names a Python that has it; without one, or with a `python3` that has not, this is skipped with
//! a line, unless `KUBERNETES_TESTS=required` and `KMOCK_PYTHON` is set.

use std::process::{Command, Stdio};

use http::Method;
use serde_json::{Value, json};

use crate::{
    gateway::Gateway,
    kubectl::{Proxy, objects},
    process::file,
    protocol::{route, url},
    supervised::Supervised,
    wait::wait_until,
};

/// The emulator, where it is there.
fn start() -> Option<Proxy> {
    let given = std::env::var("KMOCK_PYTHON").ok();
    let python = given.clone().unwrap_or_else(|| "python3".to_owned());
    let mut import = Command::new(&python);
    let import = import.args(["-c", "import kmock"]).stderr(Stdio::null()).status();
    if !import.is_ok_and(|status| status.success()) {
        assert!(given.is_none(), "{python} has no kmock");
        eprintln!("skipped: python3 has no kmock, an emulator of an API server");
        return None;
    }
    let log = std::env::temp_dir().join(format!("tower-cors-kmock-{}", std::process::id()));
    let process = Supervised::start(Command::new(python).arg(file("tests/kubernetes/emulator.py")), &log);
    let address = wait_until("the emulator serves", || {
        let said = std::fs::read_to_string(&log).ok()?;
        said.trim().strip_prefix("http://")?.trim_end_matches('/').parse().ok()
    });
    Some(Proxy::to(address, process))
}

fn kubeconfig(emulator: &Proxy) -> String {
    let text = format!(
        "apiVersion: v1\nkind: Config\nclusters: [{{name: local, cluster: {{server: \"http://{}\"}}}}]\n\
         users: [{{name: test, user: {{}}}}]\ncontexts: [{{name: local, context: {{cluster: local, user: test}}}}]\ncurrent-context: local\n",
        emulator.address()
    );
    let path = std::env::temp_dir().join(format!("tower-cors-kmock-{}.kubeconfig", std::process::id()));
    std::fs::write(&path, text).expect("a kubeconfig");
    path.display().to_string()
}

/// An object of the namespace `web`. The emulator keeps no version of its own.
fn versioned(yaml: &str, version: &str) -> Value {
    let mut object = objects(yaml).remove(0);
    object["metadata"]["namespace"] = "web".into();
    object["metadata"]["resourceVersion"] = version.into();
    object
}

// rule 10.1, 10.2
#[test]
fn what_is_created_changed_and_deleted_in_an_emulator_is_answered() {
    const ROUTES: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/web/httproutes";
    const POLICIES: &str = "/apis/gateway.kgateway.dev/v1alpha1/namespaces/web/trafficpolicies";
    let Some(emulator) = start() else { return };
    // It can't list namespaces, so one is read.
    let gateway = Gateway::start_synced(&kubeconfig(&emulator), &["--namespace", "web"]);
    assert_eq!(gateway.max_age(&url("a")), None);

    let (status, _) = emulator.call(Method::POST, ROUTES, Some(&versioned(&route("a", 5), "1")));
    assert!((200..300).contains(&status), "{status}");
    gateway.wait_max_age(&url("a"), Some(5));

    let mut changed = versioned(&route("a", 6), "2");
    changed["spec"]["rules"][0]["filters"][0]["cors"]["maxAge"] = 6.into();
    emulator.call(Method::PATCH, &format!("{ROUTES}/a"), Some(&changed));
    gateway.wait_max_age(&url("a"), Some(6));

    let policy = json!({
        "apiVersion": "gateway.kgateway.dev/v1alpha1", "kind": "TrafficPolicy",
        "metadata": {"name": "p", "namespace": "web", "resourceVersion": "3"},
        "spec": {
            "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "b"}],
            "cors": {"allowOrigins": ["https://app.example"], "maxAge": 7},
        },
    });
    let mut plain = versioned(&route("b", 1), "4");
    plain["spec"]["rules"] = json!([{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}]}]);
    emulator.call(Method::POST, ROUTES, Some(&plain));
    emulator.call(Method::POST, POLICIES, Some(&policy));
    gateway.wait_max_age(&url("b"), Some(7));

    emulator.call(Method::DELETE, &format!("{ROUTES}/a"), None);
    gateway.wait_max_age(&url("a"), None);
}
