//! Manifests in which one rule has more policies than are kept: 256 listeners with a policy each, and 16 backends with a
//! filter each.

pub(crate) fn manifests() -> String {
    let mut text = String::new();
    for gateway in 0..4 {
        let listeners = (0..64)
            .map(|at| format!("  - {{name: l{at}, port: 80, protocol: HTTP, hostname: a{at}.g{gateway}.example}}\n"))
            .collect::<String>();
        text += &format!("{API}kind: Gateway\nmetadata: {{name: g{gateway}}}\nspec:\n  listeners:\n{listeners}---\n");
        for at in 0..64 {
            text += &format!(
                "apiVersion: gateway.kgateway.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {{name: p{gateway}-{at}}}\n\
                 spec:\n  targetRefs:\n  - group: gateway.networking.k8s.io\n    kind: Gateway\n    name: g{gateway}\n    \
                 sectionName: l{at}\n  cors: {{allowOrigins: [https://app.example]}}\n---\n"
            );
        }
    }
    let filter = "filters: [{type: CORS, cors: {allowOrigins: [https://app.example]}}]";
    let backends = (0..16).map(|at| format!("    - {{name: b{at}, port: 80, {filter}}}\n")).collect::<String>();
    let parents = "parentRefs: [{name: g0}, {name: g1}, {name: g2}, {name: g3}]";
    text + &format!(
        "{API}kind: HTTPRoute\nmetadata: {{name: r}}\nspec:\n  {parents}\n  rules:\n  - backendRefs:\n{backends}"
    )
}

const API: &str = "apiVersion: gateway.networking.k8s.io/v1\n";
