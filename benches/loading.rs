//! How long what happens once takes: compiling a large policy, merging and loading 10,000 routes, building their table.

use divan::Bencher;
use tower_cors::{
    CorsPolicy,
    compile::Compiler,
    manifest::Manifests,
    merge::{MergeOptions, MergeStrategy, Setting, merge},
};

fn main() {
    divan::main();
}

#[divan::bench(args = [1, 1_000, 100_000], sample_count = 20, sample_size = 1)]
fn compile_origins(bencher: Bencher<'_, '_>, count: usize) {
    bencher
        .with_inputs(|| {
            CorsPolicy::new().allow_origins((0..count).map(|number| format!("https://tenant-{number}.example.com")))
        })
        .bench_values(CorsPolicy::compile);
}

#[divan::bench(args = [MergeStrategy::Replace, MergeStrategy::Inherit, MergeStrategy::Union], sample_count = 20, sample_size = 1)]
fn merge_10_000_routes(bencher: Bencher<'_, '_>, strategy: MergeStrategy) {
    let gateway = Setting::policy(
        "Gateway",
        CorsPolicy::new().allow_origins(["https://app.example", "https://*.example.com"]).expose_headers(["ETag"]),
    );
    let stacks: Vec<[Setting; 2]> = (0..10_000)
        .map(|number| {
            let route = CorsPolicy::new().allow_origins([format!("https://tenant-{number}.example.com")]);
            [Setting::policy(format!("HTTPRoute {number}"), route), gateway.clone()]
        })
        .collect();
    let options = MergeOptions::new(strategy);
    bencher.bench(|| {
        let compiled = stacks.iter().map(|stack| merge(stack, &options).compile(&Compiler::new()));
        compiled.filter(|effective| matches!(effective, Ok(Some(_)))).count()
    });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn load_10_000_routes(bencher: Bencher<'_, '_>) {
    let text: String = (0..10_000).map(route).collect();
    bencher.bench(|| Manifests::new().read("routes.yaml", &text).build().expect("valid manifests"));
}

fn route(number: usize) -> String {
    format!(
        "---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: route-{number}
  namespace: bench
spec:
  parentRefs:
  - name: gateway
  hostnames: [tenant-{number}.example.com]
  rules:
  - filters:
    - type: CORS
      cors:
        allowOrigins: [\"https://app-{number}.example.com\"]
        allowMethods: [GET, PUT]
        allowHeaders: [Content-Type]
        maxAge: 600
    backendRefs:
    - name: service
      port: 8080
"
    )
}
