//! Which policy a route gets from manifests in files, told over a socket by the running gateway: the seven levels, the
//! annotations side by side, disabled policies, ages, and halves that make no whole. Section 7 of `docs/semantics.md`.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::process::{Gateway, file, run};
use http::Request;
use tower_cors::{
    manifest::{LoadedRoutes, Manifests},
    merge::Setting,
    policy::PolicyField,
    request::CorsRequest,
};

const ANNOTATION: &str = "kgateway.dev/inherited-policy-priority";

fn manifest(name: &str) -> String {
    file(&format!("tests/manifests/attachment/{name}.yaml"))
}

fn load(name: &str) -> LoadedRoutes {
    Manifests::new().load(manifest(name)).build().unwrap_or_else(|errors| panic!("{errors}"))
}

/// A file that is removed when this is dropped.
struct Scratch(PathBuf);

impl Scratch {
    /// The manifests `name` with the annotation on the Gateway and on the route, where it has a value.
    fn annotated(name: &str, of_gateway: &str, of_route: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let mut text = fs::read_to_string(manifest(name)).unwrap();
        for (place, value) in [("gateway", of_gateway), ("route", of_route)] {
            if !value.is_empty() {
                let empty = format!("{{}} # of the {place}");
                assert!(text.contains(&empty), "{name} has no place for the annotation of the {place}");
                text = text.replace(&empty, &format!("{{{ANNOTATION}: {value}}}"));
            }
        }
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tower-cors-attachment-{}-{count}.yaml", std::process::id()));
        fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Max-age and exposed headers, as a preflight is answered.
fn answered(gateway: &Gateway, host: &str, path: &str) -> Option<(String, String)> {
    let headers = [("host", host), ("origin", "https://app.example"), ("access-control-request-method", "GET")];
    let response = gateway.send("OPTIONS", path, &headers);
    assert_eq!(response.status(), 200, "{host}{path}");
    let age = response.header("access-control-max-age")?.to_owned();
    Some((age, response.header("access-control-expose-headers").unwrap_or_default().to_owned()))
}

fn assert_levels(of_gateway: &str, of_route: &str, rows: &[(&str, &str, &str, &str)]) {
    let file = Scratch::annotated("levels", of_gateway, of_route);
    let gateway = Gateway::start(&[&file.0.display().to_string()]);
    for (host, path, age, exposed) in rows {
        let expected = Some(((*age).to_owned(), (*exposed).to_owned()));
        assert_eq!(answered(&gateway, host, path), expected, "{of_gateway:?}, {of_route:?}: {host}{path}");
    }
}

const A: &str = "full.a.example";
const B: &str = "full.b.example";
const BARE_A: &str = "bare.a.example";
const BARE_B: &str = "bare.b.example";

// rule 7.1, 7.3, 7.7: the most specific setting counts, whole.
#[test]
fn each_level_counts_before_the_less_specific_ones() {
    let rows = [
        (A, "/1", "1", "X-1"),
        (A, "/2", "2", "X-2"),
        (A, "/3", "3", "X-3"),
        (A, "/4", "4", "X-4"),
        (A, "/5", "5", "X-5"),
        (BARE_A, "/", "6", "X-6"),
        (BARE_B, "/", "7", "X-7"),
        (B, "/5", "5", "X-5"),
    ];
    // The annotation's default says what its absence means.
    for of_gateway in ["", "ShallowMergePreferChild"] {
        for of_route in ["", "ShallowMergePreferChild"] {
            assert_levels(of_gateway, of_route, &rows);
        }
    }
}

// rule 7.6: native filters stay first, a listener stays before its Gateway.
#[test]
fn a_gateway_can_put_its_policies_before_those_of_its_routes() {
    let rows = [
        (A, "/1", "1", "X-1"),
        (A, "/2", "2", "X-2"),
        (A, "/3", "6", "X-6"),
        (A, "/5", "6", "X-6"),
        (B, "/3", "7", "X-7"),
        (BARE_A, "/", "6", "X-6"),
        (BARE_B, "/", "7", "X-7"),
    ];
    assert_levels("ShallowMergePreferParent", "", &rows);
    assert_levels("ShallowMergePreferParent", "DeepMergePreferChild", &rows[2..]);
}

// rule 7.5, 7.6
#[test]
fn a_gateway_can_have_its_policies_united_with_those_of_its_routes() {
    let child = [
        (A, "/1", "1", "X-1, X-6, X-7"),
        (A, "/3", "3", "X-3, X-6, X-7"),
        (B, "/5", "5", "X-5, X-7"),
        (BARE_A, "/", "6", "X-6, X-7"),
        (BARE_B, "/", "7", "X-7"),
    ];
    assert_levels("DeepMergePreferChild", "", &child);
    let parent = [
        (A, "/1", "1", "X-1, X-6, X-7"),
        (A, "/3", "6", "X-6, X-7, X-3"),
        (B, "/5", "7", "X-7, X-5"),
        (BARE_A, "/", "6", "X-6, X-7"),
    ];
    assert_levels("DeepMergePreferParent", "", &parent);
}

// rule 7.6: a route is the parent of its rules, and not of what its Gateway has.
#[test]
fn a_route_can_put_its_policy_before_those_of_its_rules_and_unite_them() {
    let shallow = [(A, "/2", "2", "X-2"), (A, "/3", "5", "X-5"), (A, "/4", "5", "X-5"), (BARE_A, "/", "6", "X-6")];
    assert_levels("", "ShallowMergePreferParent", &shallow);
    let child = [(A, "/1", "1", "X-1, X-2, X-3, X-4, X-5"), (A, "/4", "4", "X-4, X-5"), (BARE_A, "/", "6", "X-6")];
    assert_levels("", "DeepMergePreferChild", &child);
    let parent = [(A, "/1", "1", "X-1, X-2, X-5, X-3, X-4"), (A, "/4", "5", "X-5, X-4"), (A, "/5", "5", "X-5")];
    assert_levels("", "DeepMergePreferParent", &parent);
    let both = [(A, "/4", "6", "X-6, X-7, X-5, X-4"), (A, "/2", "2", "X-2, X-6, X-7, X-5, X-3, X-4")];
    assert_levels("DeepMergePreferParent", "DeepMergePreferParent", &both);
}

// rule 7.2
#[test]
fn the_oldest_of_several_policies_counts_then_the_first_by_name() {
    let gateway = Gateway::start(&[&manifest("ages")]);
    assert_eq!(answered(&gateway, "aged.example", "/").unwrap().0, "2");
    assert_eq!(answered(&gateway, "named.example", "/").unwrap().0, "5");

    let routes = load("ages");
    assert!(routes.lints().iter().all(|lint| lint.code() == "loses-to-older"), "{:?}", routes.lints());
    let texts: Vec<_> = routes.lints().iter().map(ToString::to_string).collect();
    let texts: Vec<_> = texts.iter().map(|text| text.split_once("spec.cors: ").unwrap().1).collect();
    let expected = [("young", "old", "aged"), ("undated", "old", "aged"), ("b-policy", "a-policy", "named")];
    let expected = expected.map(|(loser, winner, route)| {
        format!(
            "\"TrafficPolicy web/{loser}\" has no effect at HTTPRoute web/{route}, \
             where TrafficPolicy web/{winner} comes first"
        )
    });
    assert_eq!(texts, expected);
}

// rule 7.9
#[test]
fn a_disabled_policy_that_is_preferred_means_no_cors() {
    // The echo's own headers come through where no policy applies.
    for (of_gateway, without) in [
        ("", None),
        ("ShallowMergePreferChild", None),
        ("DeepMergePreferChild", None),
        ("ShallowMergePreferParent", Some("7")),
        ("DeepMergePreferParent", Some("7")),
    ] {
        let file = Scratch::annotated("disabled", of_gateway, "");
        let gateway = Gateway::start(&[&file.0.display().to_string()]);
        assert_eq!(answered(&gateway, "with.example", "/").unwrap().0, "7", "{of_gateway}");
        let age = answered(&gateway, "without.example", "/").map(|(age, _)| age);
        assert_eq!(age.as_deref(), without.or(Some("3600")), "{of_gateway}");
    }
}

// rule 7.10
#[test]
fn halves_that_make_no_whole_are_named_and_served_without_cors() {
    let path = manifest("invalid_whole");
    let gateway = Gateway::start(&["--forward-unmatched-preflights", &path]);
    let origins = |host: &str| {
        ["https://child1.example", "https://parent1.example"].map(|origin| {
            let headers = [("host", host), ("origin", origin), ("access-control-request-method", "PUT")];
            let preflight = gateway.send("OPTIONS", "/", &headers);
            let actual = gateway.send("GET", "/", &headers[..2]);
            let allowed = actual.header("access-control-allow-origin").is_some();
            assert_eq!((preflight.status(), actual.status()), (200, 200));
            assert_eq!(allowed, actual.cors_headers().len() == 1);
            if !allowed && host == "whole.example" {
                assert_eq!((preflight.cors_headers(), preflight.text()), (vec![], String::new()), "not forwarded");
            }
            allowed
        })
    };
    assert_eq!(origins("whole.example"), [false, false], "never with the wider half");
    assert_eq!(origins("half.example"), [false, true]);

    let output = run(&["--check", &path]);
    let text = String::from_utf8(output.stdout).unwrap();
    let expected = format!(
        "critical: {path}:21:1: spec.rules: \"HTTPRoute default/whole rule 0\" is served without CORS, since its settings make \
         no valid policy: allowOrigins has more than 64 entries; merged from allowOrigins of TrafficPolicy default/child \
         (spec.cors) and allowOrigins of TrafficPolicy default/parent (spec.cors) [invalid-whole]\n\
         not valid, 1 rule is served without CORS: 2 routes, 2 rules (1 with a policy), 1 lint\n"
    );
    let without_place = |text: &str| text.replace(&path, "m").split_once(": spec").map(|(_, rest)| rest.to_owned());
    assert_eq!((output.status.code(), without_place(&text)), (Some(1), without_place(&expected)));
}

// rule 7.11
#[test]
fn every_field_of_a_policy_from_manifests_knows_its_setting() {
    let file = Scratch::annotated("levels", "DeepMergePreferParent", "");
    let routes = Manifests::new().load(&file.0).build().unwrap();
    let request = Request::get("http://full.a.example/3").body(()).unwrap();
    let found = routes.table().find(&CorsRequest::of(&request)).unwrap();
    let provenance = found.policy().unwrap().provenance().unwrap();
    assert_eq!(
        provenance.to_string(),
        "allowOrigins: TrafficPolicy infra/six (spec.cors) and TrafficPolicy infra/seven (spec.cors) and TrafficPolicy web/three (spec.cors)\n\
         exposeHeaders: TrafficPolicy infra/six (spec.cors) and TrafficPolicy infra/seven (spec.cors) and TrafficPolicy web/three (spec.cors)\n\
         maxAge: TrafficPolicy infra/six (spec.cors)"
    );
    assert_eq!(provenance.of(PolicyField::MaxAge).count(), 1);
    let stack = routes.stack(&found);
    let labels: Vec<_> = stack.iter().map(Setting::label).collect();
    let expected =
        ["infra/six", "infra/seven", "web/three", "web/four", "web/five"].map(|name| format!("TrafficPolicy {name}"));
    assert_eq!(labels, expected);

    let routes = load("levels");
    let request = Request::get("http://full.a.example/1").body(()).unwrap();
    let found = routes.table().find(&CorsRequest::of(&request)).unwrap();
    assert_eq!(
        found.policy().unwrap().provenance().unwrap().to_string().lines().last().unwrap(),
        "maxAge: HTTPRoute web/full rule 0 backend web/backend (spec.rules[0].backendRefs[0].filters[0].cors)"
    );
}

// rule 7.1
#[test]
fn the_filter_of_one_of_several_backends_counts_once_it_is_chosen() {
    let routes = load("backends");
    let codes: Vec<_> = routes.lints().iter().map(|lint| (lint.code(), lint.value().unwrap().to_owned())).collect();
    assert_eq!(codes, [("backend-filter", "HTTPRoute default/split rule 0".to_owned())]);
    let age = |backend: Option<usize>| {
        let mut request = Request::get("http://any/").body(()).unwrap();
        let chosen = routes.table().find(&CorsRequest::of(&request)).unwrap();
        if let Some(backend) = backend {
            let chosen = chosen.choose(backend);
            assert_eq!(chosen.backend(), backend);
            request.extensions_mut().insert(chosen);
        }
        let found = routes.table().find(&CorsRequest::of(&request)).unwrap();
        let age = found.policy().unwrap().policy().max_age;
        (age, routes.stack(&found).len())
    };
    assert_eq!(age(None), (Some(2), 1));
    assert_eq!(age(Some(0)), (Some(2), 1));
    assert_eq!(age(Some(1)), (Some(1), 2));
    assert_eq!(age(Some(7)), (Some(2), 1), "a backend that the rule does not have");
}

// rule 7.1: a reference stays in its namespace; a parent may be in another one.
#[test]
fn policies_without_effect_are_reported_with_both_names() {
    let routes = load("strays");
    let texts: Vec<_> = routes.lints().iter().map(|lint| format!("{lint} [{}]", lint.code())).collect();
    let texts: Vec<_> = texts.iter().map(|text| text.split_once(": ").unwrap().1).collect();
    let expected = [
        "spec.parentRefs[0]: \"HTTPRoute web/api\" is not attached: Gateway web/public has no listener nowhere [not-attached]",
        "spec.rules[0].filters[0].extensionRef.name: \"TrafficPolicy web/missing\" is not in the manifests; HTTPRoute web/api names it [reference-not-found]",
        "spec.rules[0].backendRefs[0].filters[0].cors: \"HTTPRoute web/api rule 0\" counts only for requests whose chosen backend is known, since the rule has several backends [backend-filter]",
        "spec.targetRefs[0]: \"HTTPRoute other/api\" is not in the manifests; TrafficPolicy other/elsewhere names it [reference-not-found]",
        "spec.targetRefs[0]: \"HTTPRoute web/api rule orders\" is not in the manifests; TrafficPolicy web/no-rule names it [reference-not-found]",
        "spec.cors: \"TrafficPolicy web/unused\" applies to no route: none belongs to Gateway web/unused [attaches-to-nothing]",
        "spec.cors: \"TrafficPolicy web/loose\" has no target, and no route names it [attaches-to-nothing]",
    ];
    assert_eq!(texts, expected);
}
