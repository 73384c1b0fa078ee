//! Every code of a violation and of a lint: it is documented, and something reaches it. The codes are read from the
//! source, so that a new one without a row here fails.

use std::{collections::BTreeSet, fs, path::Path};

use tower_cors::{
    CorsPolicy,
    compile::Compiler,
    explain::Cases,
    finding::Severity,
    manifest::{ManifestError, ManifestErrors, Manifests},
};

type Codes = BTreeSet<String>;

/// The kinds of violations: those of any policy, and those that only manifests have.
const VIOLATIONS: [&str; 2] = ["src/finding/violation.rs", "src/manifest/finding/violation.rs"];
const LINTS: [&str; 2] = ["src/finding/lint.rs", "src/manifest/finding/lint.rs"];

#[test]
fn every_violation_is_reached() {
    let mut reached = Codes::new();
    let mut refuse = |policy: CorsPolicy| {
        let violations = policy.compile().unwrap_err();
        reached.extend(violations.iter().map(|violation| violation.code().to_owned()));
    };
    let long_host = format!("https://{}.example", "a".repeat(64));
    for origin in [
        "",
        "null",
        "https://bücher.example",
        "https://a.example ",
        "https://a.example, https://b.example",
        "^https://.*$",
        "a.example",
        "any",
        "self",
        "${HOST}",
        "1a://b",
        "file:///a",
        "https://user@a.example",
        "https://a.example/login",
        "https://a.example?b",
        "https://",
        "https://a..example",
        &long_host,
        "https://a!.example",
        "https://1.2.3",
        "https://[1::2::3]",
        "https://a.example:0",
        "https://a*.example",
        "tauri://*",
    ] {
        refuse(CorsPolicy::new().allow_origins([origin]));
    }
    refuse(CorsPolicy::new().allow_origins(["*", "https://a.example", "https://a.example"]));
    refuse(CorsPolicy::new().allow_origins(["*"]).allow_credentials(true));
    refuse(CorsPolicy::new().allow_methods(["G(T"]).allow_headers(["x:"]));
    let denied = Compiler::new().deny(Severity::Info).compile(CorsPolicy::new()).unwrap_err();
    reached.extend(denied.iter().map(|violation| violation.code().to_owned()));
    let many = (0..65).map(|n| format!("x{n}")).collect::<Vec<_>>().join(", ");
    for text in [
        cors("allowOrigins: [tauri://localhost]"),
        cors("allowMethods: [PROPFIND]"),
        cors(&format!("allowHeaders: [{}]", "x".repeat(257))),
        cors(&format!("allowHeaders: [{many}]")),
        cors("maxAge: 0"),
        cors("maxAge: 24h"),
        cors("maxAge: {{ .Values.age }}"),
        cors("origins: []"),
        route("filters: [{type: CORS}]"),
        route("filters: [{type: CORS, cors: {}}, {type: CORS, cors: {}}]"),
        route("filters: [{type: URLRewrite, cors: {}}]"),
        route("filters: [{type: RequestRedirect}, {type: URLRewrite}]"),
        route("backendRefs: [{name: b, port: 0}]"),
    ] {
        reached.extend(codes_of_errors(&Manifests::new().read("m.yaml", &text).build().unwrap_err()));
    }
    let cases = "manifests: [m.yaml]\ncases: [{page: null, fetch: GET http://a.example, expect: {blocked: why}}]";
    reached.extend(codes_of_errors(&Cases::read("cases.yaml", cases).unwrap_err()));
    assert_eq!(reached, VIOLATIONS.map(codes_of).into_iter().flatten().collect());
}

fn codes_of_errors(errors: &ManifestErrors) -> Codes {
    let code = |error: &ManifestError| match error {
        ManifestError::Violation(violation) => Some(violation.code().to_owned()),
        _ => None,
    };
    errors.iter().filter_map(code).collect()
}

#[test]
fn every_lint_is_reached() {
    let attached: toml::Table = toml::from_str(include_str!("../rules/attachment.toml")).expect("rows");
    let manifests_of = |row: &toml::Value| row["manifests"].as_str().expect("a text").to_owned();
    let mut reached = Codes::new();
    let mut accept = |policy: CorsPolicy| {
        let compiler = Compiler::new().dangerously_allow_any_origin_with_credentials();
        let policy = compiler.compile(policy).expect("a valid policy");
        reached.extend(policy.lints().iter().map(|lint| lint.code().to_owned()));
    };
    accept(CorsPolicy::new().allow_origins(["*"]).allow_credentials(true));
    accept(CorsPolicy::new().allow_origins([
        "http://a.example",
        "https://*.com",
        "https://a.example/",
        "wss://a.example",
    ]));
    accept(CorsPolicy::new().allow_origins(["http://a.example"]).allow_credentials(true));
    accept(CorsPolicy::new().allow_methods(["TRACE", "put", "PTACH"]).allow_headers(["Cookie", "x-a", "X-A", "x-*"]));
    accept(CorsPolicy::new().allow_headers(["ETag"]).expose_headers(["Set-Cookie"]).max_age(86_401));
    let canary = "matches: [{headers: [{name: x-canary, value: a}]}]\n    filters: [{type: CORS, cors: {}}]\n  - {}";
    let reference =
        "{type: ExtensionRef, extensionRef: {group: gateway.kgateway.dev, kind: TrafficPolicy, name: none}}";
    for text in [
        cors("allowOrigins: [\"https://a.example:*\"]"),
        route(canary),
        route(&format!("filters: [{reference}]")),
        format!("{}---\n{}", route("{}"), route("{}")),
        route("{}").replace("k8s.io/v1", "k8s.io/v1alpha2"),
        include_str!("../manifests/attachment/ages.yaml").to_owned(),
        include_str!("../manifests/attachment/invalid_whole.yaml").to_owned(),
        include_str!("../manifests/attachment/strays.yaml").to_owned(),
        crate::too_many_policies::manifests(),
        too_many_selectors(),
        too_many_expressions(),
        route(
            "{filters: [{type: RequestMirror, requestMirror: {percents: 1}}]}\n  - filters: [{type: CORS, cors: {}}]",
        ),
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nspec: {http: [{corsPolicy: {}}]}\n".to_owned(),
    ]
    .into_iter()
    .chain(attached.values().flat_map(|rows| rows.as_array().expect("rows")).map(manifests_of))
    {
        let routes = Manifests::new().read("m.yaml", &text).build().expect("valid manifests");
        reached.extend(routes.lints().iter().map(|lint| lint.code().to_owned()));
    }
    assert_eq!(reached, LINTS.map(codes_of).into_iter().flatten().collect());
}

/// A route with 129 labels, and a policy for each of them.
fn too_many_selectors() -> String {
    let labels = (0..129).map(|at| format!("l{at}: x")).collect::<Vec<_>>().join(", ");
    let route = route("{}").replace("metadata: {", &format!("metadata: {{labels: {{{labels}}}, "));
    let policy = |at| {
        let selector = format!("{{group: gateway.networking.k8s.io, kind: HTTPRoute, matchLabels: {{l{at}: x}}}}");
        format!(
            "---\napiVersion: gateway.kgateway.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {{name: p{at}}}\n\
             spec: {{targetSelectors: [{selector}], cors: {{allowOrigins: [https://a.example]}}}}\n"
        )
    };
    route + &(0..129).map(policy).collect::<String>()
}

/// Ten routes with an expression each that is as long as one may be.
fn too_many_expressions() -> String {
    let one = |at| {
        let path = format!("{{path: {{type: RegularExpression, value: '/.*a.{{1000}}x{at}'}}}}");
        route(&format!("matches: [{path}]")).replace("metadata: {name: ", &format!("metadata: {{name: x{at}-"))
    };
    (0..10).map(one).collect::<Vec<_>>().join("---\n")
}

#[test]
fn every_code_of_a_lint_has_a_heading_and_every_other_code_is_named_in_the_docs() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let files = fs::read_dir(docs).expect("docs").map(|page| page.expect("a page").path());
    let pages = files.filter(|path| path.extension().is_some_and(|kind| kind == "md")).map(|path| read(&path));
    let pages = pages.collect::<String>();
    let lints = LINTS.map(codes_of).into_iter().flatten().map(|code| format!("\n### `{code}`\n"));
    let others = VIOLATIONS.into_iter().chain(["src/decision/reason.rs", "src/decision/outcome.rs"]);
    let others = others.flat_map(codes_of).map(|code| format!("`{code}`"));
    let missing = lints.chain(others).filter(|text| !pages.contains(text)).collect::<Vec<_>>();
    assert!(missing.is_empty(), "not in docs/*.md: {missing:?}");
}

/// A route with one rule, written in flow style within `rule`.
fn route(rule: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: r}}\nspec:\n  rules:\n  - {rule}\n"
    )
}

fn cors(fields: &str) -> String {
    route(&format!("filters: [{{type: CORS, cors: {{{fields}}}}}]"))
}

/// The codes that the function `code` of a file answers with.
fn codes_of(path: &str) -> Codes {
    let text = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
    let arms = text.split("fn code(").skip(1).flat_map(|body| {
        let end = body.find("\n    }\n").unwrap_or(body.len());
        body[..end]
            .lines()
            .filter_map(|line| line.split_once("=> \""))
            .map(|(_, code)| code.to_owned())
            .collect::<Vec<_>>()
    });
    let codes = arms.filter_map(|code| Some(code.split_once('"')?.0.to_owned())).collect::<Codes>();
    assert!(codes.len() >= 7, "{path} has the codes {codes:?}");
    codes
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
