//! Where manifests come from, and where in them a setting stands.

use tower_cors::{
    manifest::Manifests,
    policy::{PolicyField, Source},
};

#[test]
fn of_a_folder_the_files_of_manifests_are_read_in_the_order_of_their_names() {
    let folder = std::env::temp_dir().join(format!("tower-cors-folder-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("more.yaml")).unwrap();
    let route = |name: &str| {
        format!("apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: {name}}}\nspec: {{}}\n")
    };
    let files =
        [("c.json", "c"), ("a.yaml", "a"), ("b.yml", "b"), ("d.yaml.bak", "d"), ("e", "e"), ("more.yaml/f.yaml", "f")];
    for (file, name) in files {
        std::fs::write(folder.join(file), route(name)).unwrap();
    }
    let loaded = Manifests::new().load(&folder).build();
    std::fs::remove_dir_all(&folder).unwrap();
    let routes = loaded.unwrap();
    assert_eq!(routes.table().rules().map(|rule| rule.name().to_owned()).collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[test]
fn a_setting_says_where_each_of_its_fields_stands() {
    let text = "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec:
  rules:
  - backendRefs:
    - name: b
      filters:
      - type: CORS
        cors:
          maxAge: 60
          allowOrigins:
          - https://a.example
---
apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: p}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: r}]
  cors: {allowOrigins: [https://b.example]}
";
    let routes = Manifests::new().read("m.yaml", text).build().unwrap();
    let rule = routes.table().rules().next().unwrap();
    let stack = routes.stack(&rule);
    let source = |at: usize| Source::new(at, stack[at].label(), stack[at].path().clone());
    let at = |setting: usize, field| routes.position_of(&source(setting), field).unwrap().to_string();
    assert_eq!(at(0, Some(PolicyField::MaxAge)), "m.yaml:12:11");
    assert_eq!(at(0, Some(PolicyField::AllowOrigins)), "m.yaml:13:11");
    assert_eq!(at(1, Some(PolicyField::AllowOrigins)), "m.yaml:21:10");
    // What is not written stands where its block does.
    assert_eq!(at(0, Some(PolicyField::AllowMethods)), at(0, None));
    assert_eq!((at(0, None), at(1, None)), ("m.yaml:12:11".to_owned(), "m.yaml:21:9".to_owned()));
    let unknown = Source::new(0, "TrafficPolicy default/q", stack[1].path().clone());
    assert_eq!(routes.position_of(&unknown, None), None);
}
