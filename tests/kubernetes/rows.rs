//! What files answer, a server with the same objects answers: the rows of `tests/rules/attachment.toml`, and the manifests
//! of `tests/manifests`, whose answers from files are known by the tests of the gateway. Sections 7 and 8.

use std::{collections::BTreeSet, fs, path::Path, time::Instant};

use serde_json::Value;

use crate::{
    gateway::Gateway,
    kubectl::objects,
    objects::Placed,
    process::{self, Response, file},
    row::{Attachment, Table},
    server,
    stand_in::StandIn,
};

/// Rows with objects that the CRDs do not admit, so that no server can have them. A row that is admitted after all fails
/// the test.
const NOT_ADMITTED: [&str; 4] = [
    // Gateways without a listener.
    "a_listener_set_can_put_its_policy_before_those_of_its_routes",
    "the_listener_of_a_set_stays_before_a_gateway_that_prefers_its_own",
    "a_gateway_without_a_policy_leaves_the_order_of_its_sets",
    // A kind of another project, whose CRD is not there.
    "the_cors_settings_of_an_object_that_is_not_read_apply_to_nothing_and_are_a_lint",
];

/// The same of the manifests.
const MANIFESTS_NOT_ADMITTED: [&str; 1] = ["attachment/strays"];

// rule 10.1
#[test]
fn every_row_is_answered_from_a_server_as_it_is_from_files() {
    let Some(server) = server::own() else { return };
    let start = Instant::now();
    let (kubeconfig, proxy) = (server.kubeconfig("admin"), server.proxy());
    let (mut wrong, mut not_admitted) = (Vec::new(), Vec::new());
    let rows = Table::parse(include_str!("../rules/attachment.toml")).attachment;
    for row in &rows {
        match Placed::place(&proxy, &row.manifests) {
            Ok(placed) => {
                wrong.extend(differences(&kubeconfig, row));
                placed.remove();
            }
            Err(refused) => {
                eprintln!("{}: {refused}", row.name);
                not_admitted.push(row.name.as_str());
            }
        }
    }
    let mut manifests_not_admitted = Vec::new();
    let mut manifests = 0;
    for (name, yaml) in manifests_of_the_gateway() {
        match Placed::place(&proxy, &yaml) {
            Ok(placed) => {
                wrong.extend(differences_of_manifest(&kubeconfig, &name, &yaml));
                placed.remove();
                manifests += 1;
            }
            Err(refused) => {
                eprintln!("{name}: {refused}");
                manifests_not_admitted.push(name);
            }
        }
    }
    eprintln!("{} rows and {manifests} manifests in {:?}", rows.len() - not_admitted.len(), start.elapsed());
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(not_admitted, NOT_ADMITTED);
    assert_eq!(manifests_not_admitted, MANIFESTS_NOT_ADMITTED);
}

// rule 10.1
#[test]
fn every_row_is_answered_from_the_stand_in_as_it_is_from_files() {
    let server = StandIn::start();
    let mut wrong = Vec::new();
    let rows = Table::parse(include_str!("../rules/attachment.toml")).attachment;
    for row in &rows {
        server.put(&row.manifests);
        wrong.extend(differences(&server.kubeconfig(), row));
        server.clear();
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn differences(kubeconfig: &str, row: &Attachment) -> Vec<String> {
    let mut arguments = Vec::new();
    if let Some(namespace) = &row.global_policy_namespace {
        arguments.extend(["--global-policy-namespace", namespace]);
    }
    // A request that says where it arrives needs a gateway that listens there.
    let mut plain = None;
    let mut wrong = Vec::new();
    for ask in &row.requests {
        let own;
        let gateway = match &ask.listener {
            None => &*plain.get_or_insert_with(|| Gateway::start_synced(kubeconfig, &arguments)),
            Some(listener) => {
                own = Gateway::start_listening(&format!("{listener}=127.0.0.1:0"), kubeconfig, &arguments);
                own.wait_synced();
                &own
            }
        };
        let mut headers =
            vec![("origin", crate::gateway::ORIGIN), ("access-control-request-method", ask.method.as_str())];
        if let Some(names) = &ask.announced {
            headers.push(("access-control-request-headers", names));
        }
        let response = gateway.send("OPTIONS", &ask.url, &headers);
        let age = response.header("access-control-max-age").map(|age| age.parse().expect("a number"));
        // Where no policy applies, the echo behind the gateway answers, with a max-age of its own.
        let age = age.map(|age: u64| if age == 3600 { 0 } else { age });
        let answered = if response.status() == 404 { None } else { Some(age.unwrap_or(0)) };
        if answered != ask.max_age {
            wrong.push(format!("rule {}, {}: {ask:?}: {answered:?}", row.rule, row.name));
        }
    }
    wrong
}

/// The manifests with which the gateway is tested, those with places for annotations with several.
fn manifests_of_the_gateway() -> Vec<(String, String)> {
    let read = |name: &str| {
        let text = fs::read_to_string(file(&format!("tests/manifests/{name}.yaml"))).expect("a manifest");
        (name.to_owned(), text)
    };
    let mut manifests: Vec<_> = ["precedence", "conformance", "held"].map(read).to_vec();
    let mut attachment = fs::read_dir(file("tests/manifests/attachment")).expect("a folder").collect::<Vec<_>>();
    attachment.sort_by_key(|entry| entry.as_ref().expect("an entry").path());
    for entry in attachment {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let (name, text) = read(&format!("attachment/{}", stem(&path)));
        if !text.contains("{} # of the ") {
            manifests.push((name, text));
            continue;
        }
        let values =
            ["ShallowMergePreferChild", "ShallowMergePreferParent", "DeepMergePreferChild", "DeepMergePreferParent"];
        for (at, of_gateway) in values.iter().enumerate() {
            // Each value meets another one on the route.
            let of_route = values[(at + 1) % values.len()];
            let annotated =
                [("gateway", of_gateway), ("route", &of_route)].iter().fold(text.clone(), |text, (place, value)| {
                    let annotation = format!("{{kgateway.dev/inherited-policy-priority: {value}}}");
                    text.replace(&format!("{{}} # of the {place}"), &annotation)
                });
            manifests.push((format!("{name} with {of_gateway} and {of_route}"), annotated));
        }
    }
    manifests
}

fn stem(path: &Path) -> String {
    path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned()
}

/// Every hostname of the manifest with every path of it, as preflight and as actual request, to a gateway that reads the
/// file and to one that reads the server.
fn differences_of_manifest(kubeconfig: &str, name: &str, yaml: &str) -> Vec<String> {
    let path = std::env::temp_dir().join(format!("tower-cors-kubernetes-rows-{}.yaml", std::process::id()));
    fs::write(&path, yaml).expect("a temporary file");
    let of_file = process::Gateway::start(&[path.to_str().expect("a path of text")]);
    let of_server = Gateway::start_synced(kubeconfig, &[]);
    let (hosts, paths) = hosts_and_paths(yaml);
    let mut wrong = Vec::new();
    for host in &hosts {
        for path in &paths {
            for (method, origin) in
                [("OPTIONS", "https://app.example"), ("GET", "https://app.example"), ("OPTIONS", "https://www.foo.com")]
            {
                let headers = [("host", host.as_str()), ("origin", origin), ("access-control-request-method", "PUT")];
                let expected = of_file.send(method, path, &headers);
                let answered = of_server.send(method, &format!("http://{host}{path}"), &headers[1..]);
                if comparable(&expected) != comparable(&answered) {
                    let (expected, answered) = (comparable(&expected), comparable(&answered));
                    wrong.push(format!("{name}: {method} {host}{path} of {origin}: {answered:?}, not {expected:?}"));
                }
            }
        }
    }
    fs::remove_file(&path).expect("the temporary file");
    wrong
}

fn comparable(response: &Response) -> (u16, Vec<(&str, &str)>) {
    (response.status(), response.cors_headers())
}

fn hosts_and_paths(yaml: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut hosts, mut paths) = (BTreeSet::from(["any.example".to_owned()]), BTreeSet::from(["/".to_owned()]));
    let texts = |value: &Value| -> Vec<String> {
        let texts = value.as_array().into_iter().flatten();
        texts.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    for object in objects(yaml) {
        let spec = &object["spec"];
        hosts.extend(texts(&spec["hostnames"]));
        let listeners = spec["listeners"].as_array().into_iter().flatten();
        hosts.extend(listeners.filter_map(|listener| listener["hostname"].as_str()).map(str::to_owned));
        for rule in spec["rules"].as_array().into_iter().flatten() {
            let matches = rule["matches"].as_array().into_iter().flatten();
            paths.extend(
                matches
                    .filter_map(|one| one["path"]["value"].as_str())
                    .filter(|path| path.starts_with('/'))
                    .map(str::to_owned),
            );
        }
    }
    // A wildcard stands for a host below it; what is no path of a request is left out.
    let hosts = hosts.into_iter().map(|host| host.replace('*', "below")).collect();
    let is_path = |path: &String| path.parse::<http::Uri>().is_ok();
    (hosts, paths.into_iter().filter(is_path).collect())
}
