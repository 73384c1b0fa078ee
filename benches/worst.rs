//! What the worst requests and files cost that anybody could think of: each at two sizes, counted by callgrind. The cost
//! may grow as the input does, by at most a fifth more, or not at all where the input is a policy's; anything steeper
//! ends the bench with an error. Needs what the `instructions` bench needs, and says so where it is missing.

use std::{
    convert::Infallible,
    env, fs,
    future::ready,
    hint::black_box,
    process::{Command, ExitCode},
};

use gungraun::{Callgrind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};
use tower::{Layer, ServiceExt, service_fn};
use tower_cors::{
    CompiledPolicy, CorsLayer, CorsPolicy,
    compile::{Compiler, Profile},
    decision::{Options, Review, decide},
    manifest::Manifests,
    request::CorsRequest,
    route::{PathMatch, Route, RouteMatch, RouteTable, Rule, ValueMatch},
};

/// What is measured, prepared.
type Work = Box<dyn FnMut()>;

/// A worst case at two sizes, the second eight times the first or more.
struct Case {
    name: &'static str,
    sizes: [usize; 2],
    work: fn(usize) -> Work,
    /// Whether the cost may grow as the size does; it may not where the size is that of a policy.
    grows: bool,
    /// How much steeper than that it may grow.
    most: f64,
}

const KIB: usize = 1024;
/// 8 KiB and 64 KiB of a header.
const BYTES: [usize; 2] = [8 * KIB, 64 * KIB];

const ROUTES: [usize; 2] = [1_000, 10_000];

const CASES: &[Case] = &[
    case("Origin: one label", BYTES, |size| origin("https://", "a", size)),
    case("Origin: labels", BYTES, |size| origin("https://", "a.", size)),
    case("Origin: digits", BYTES, |size| origin("https://", "1", size)),
    case("Origin: numbers and dots", BYTES, |size| origin("https://", "1.", size)),
    case("Origin: brackets", BYTES, |size| origin("https://", "[", size)),
    case("Origin: an address without an end", BYTES, |size| origin("https://[", ":0", size)),
    case("Origin: a port", BYTES, |size| origin("https://a:", "1", size)),
    case("Origin: a scheme", BYTES, |size| origin("", "a", size)),
    case("Origin: bytes beyond ASCII", BYTES, |size| origin("https://", "é", size / 2)),
    case("ACRM: one token", BYTES, |size| preflight("access-control-request-method", "M", size, 1)),
    case("ACRH: commas", BYTES, |size| preflight("access-control-request-headers", ",", size, 1)),
    case("ACRH: names", BYTES, |size| preflight("access-control-request-headers", "a,", size / 2, 1)),
    case("ACRH: one name", BYTES, |size| preflight("access-control-request-headers", "a", size, 1)),
    case("ACRH: spaces", BYTES, |size| preflight("access-control-request-headers", ", ", size / 2, 1)),
    case("ACRH: lines", [1_250, 10_000], |size| preflight("access-control-request-headers", "a", 1, size)),
    case("ACRH: empty lines", [1_250, 10_000], |size| preflight("access-control-request-headers", "", 1, size)),
    case("Origin: lines", [1_250, 10_000], |size| preflight("origin", "https://a.example", 1, size)),
    case("Vary of the response: members", BYTES, |size| response("vary", "a,", size / 2, 1)),
    case("Vary of the response: lines", [1_250, 10_000], |size| response("vary", "a", 1, size)),
    case("names of the response", [1_250, 10_000], names_of_the_response),
    Case { grows: false, ..case("origins that share a prefix", [10, 100_000], listed_origins) },
    // Each parent of the host is hashed by itself, which is steeper than the host; a host ends at 253 bytes.
    Case { most: 1.5, ..case("wildcards, one a label", [30, 240], wildcards) },
    // Rules and bytes grow together, so a cost that is their product would grow eight times as steeply.
    case("ACRH × rules by x-tenant: names again", [1_250, 10_000], |rules| announced("x-tenant", rules, repeated)),
    case("ACRH × rules by x-tenant: many names", [1_250, 10_000], |rules| announced("x-tenant", rules, distinct)),
    case("ACRH × rules by accept: names again", [1_250, 10_000], |rules| announced("accept", rules, repeated)),
    case("ACRH × rules by accept: 60 KB", [1_250, 10_000], |rules| {
        announced("accept", rules, |rules| repeated(8 * rules))
    }),
    case("rules by x-tenant × ACRH of 2 names", [10, 100], |rules| announced("x-tenant", rules, two_names)),
    case("rules by x-tenant × ACRH of 2 names", [1_000, 10_000], |rules| announced("x-tenant", rules, two_names)),
    case("rules by x-tenant × ACRH of 8 KB", [10, 100], |rules| announced("x-tenant", rules, |_| repeated(10_000))),
    case("rules by x-tenant × ACRH of 8 KB", [1_000, 10_000], |rules| {
        announced("x-tenant", rules, |_| repeated(10_000))
    }),
    case("rules by x-tenant × ACRH of 60 KB", [10, 100], |rules| announced("x-tenant", rules, |_| repeated(75_000))),
    case("rules by x-tenant × ACRH of 60 KB", [1_000, 10_000], |rules| {
        announced("x-tenant", rules, |_| repeated(75_000))
    }),
    case("rules by accept × ACRH of 2 names", [10, 100], |rules| announced("accept", rules, two_names)),
    case("rules by accept × ACRH of 2 names", [1_000, 10_000], |rules| announced("accept", rules, two_names)),
    case("rules by accept × ACRH of 8 KB", [10, 100], |rules| announced("accept", rules, |_| repeated(10_000))),
    case("rules by accept × ACRH of 8 KB", [1_000, 10_000], |rules| announced("accept", rules, |_| repeated(10_000))),
    case("rules by accept × ACRH of 60 KB", [10, 100], |rules| announced("accept", rules, |_| repeated(75_000))),
    case("rules by accept × ACRH of 60 KB", [1_000, 10_000], |rules| announced("accept", rules, |_| repeated(75_000))),
    case("a path under 100 expressions", [4 * KIB, 32 * KIB], |size| expressions(100, size)),
    case("expressions over a path of 100 bytes", [1_000, 10_000], |count| expressions(count, 100)),
    case("manifest: origins", [1_000, 8_000], |size| manifest(&cors("allowOrigins: [", "a.example, ", size, "]"))),
    case("manifest: numbers for methods", [1_000, 8_000], |size| manifest(&cors("allowMethods: [", "1, ", size, "]"))),
    case("manifest: a field again and again", [1_000, 8_000], |size| manifest(&cors("", "maxAge: 1, ", size, ""))),
    case("manifest: filters", [1_000, 8_000], |size| {
        manifest(&route(&format!("filters: [{}]", "{type: URLRewrite}, ".repeat(size))))
    }),
    case("manifest: routes, and a tenth of policies by selectors", ROUTES, |size| manifest(&selected(size))),
    case("manifest: children of one rule", ROUTES, |size| manifest(&children(size, 1))),
    case("manifest: children below ten rules below ten rules", ROUTES, |size| manifest(&children(size, 10))),
];

const fn case(name: &'static str, sizes: [usize; 2], work: fn(usize) -> Work) -> Case {
    Case { name, sizes, work, grows: true, most: 1.2 }
}

fn compiled(policy: CorsPolicy) -> CompiledPolicy {
    Compiler::new().profile(Profile::GatewayApi).compile(policy).expect("a valid policy")
}

/// Policies of every kind: listed origins and names, a wildcard and echoes, any origin with credentials.
fn policies() -> [CompiledPolicy; 3] {
    let listed = CorsPolicy::new()
        .allow_origins((0..63).map(|at| format!("https://app{at}.example.com")).chain(["https://a.example".into()]))
        .allow_methods(["PUT"])
        .allow_headers(["content-type"]);
    let wide = CorsPolicy::new().allow_origins(["https://*.example", "https://a.example:*"]).allow_methods(["*"]);
    let any = CorsPolicy::new().allow_origins(["*"]).allow_methods(["*"]).allow_credentials(true);
    [listed, wide.allow_headers(["*"]), any.allow_headers(["*"]).expose_headers(["*"])].map(compiled)
}

/// Sends a request under every kind of policy, and has each decision reviewed and told.
fn ask(request: Request<()>, inner: HeaderMap) -> Work {
    let policies = policies();
    let service = service_fn(move |_: Request<()>| {
        let mut response = Response::new(String::new());
        response.headers_mut().clone_from(&inner);
        ready(Ok::<_, Infallible>(response))
    });
    let services = policies.clone().map(|policy| CorsLayer::from(policy).layer(service.clone()));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    Box::new(move || {
        for (policy, service) in policies.iter().zip(&services) {
            let _ = black_box(runtime.block_on(service.clone().oneshot(request.clone())));
            let head = CorsRequest::of(&request);
            let resolution = policy.into();
            let decision = decide(&head, &resolution, &Options::new());
            black_box(Review::new(&head, &resolution, &decision).to_string());
        }
    })
}

fn origin(before: &str, part: &str, count: usize) -> Work {
    let mut request = Request::new(());
    let value = HeaderValue::from_bytes(format!("{before}{}", part.repeat(count)).as_bytes()).expect("a value");
    request.headers_mut().insert(header::ORIGIN, value);
    ask(request, HeaderMap::new())
}

/// A preflight with `lines` of one header, each `part` repeated.
fn preflight(name: &'static str, part: &str, count: usize, lines: usize) -> Work {
    let mut request = Request::new(());
    *request.method_mut() = Method::OPTIONS;
    let headers = request.headers_mut();
    headers.insert(header::ORIGIN, HeaderValue::from_static("https://a.example"));
    headers.insert(header::ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("PUT"));
    headers.remove(name);
    append(headers, name, part, count, lines);
    ask(request, HeaderMap::new())
}

/// A response with `lines` of one header, each `part` repeated.
fn response(name: &'static str, part: &str, count: usize, lines: usize) -> Work {
    let mut inner = HeaderMap::new();
    append(&mut inner, name, part, count, lines);
    ask(get("/"), inner)
}

fn names_of_the_response(count: usize) -> Work {
    let names = (0..count).map(|at| HeaderName::try_from(format!("x-{at}")).expect("a name"));
    ask(get("/"), names.map(|name| (name, HeaderValue::from_static("1"))).collect())
}

fn append(headers: &mut HeaderMap, name: &'static str, part: &str, count: usize, lines: usize) {
    let value = HeaderValue::try_from(part.repeat(count)).expect("a value");
    for _ in 0..lines {
        headers.append(name, value.clone());
    }
}

fn get(path: &str) -> Request<()> {
    Request::get(path).header("origin", "https://a.example").body(()).expect("a request")
}

fn listed_origins(count: usize) -> Work {
    let prefix = format!("https://{}", ["a".repeat(60).as_str(); 3].join("."));
    let policy = compiled(CorsPolicy::new().allow_origins((0..count).map(|at| format!("{prefix}.{at:06}.example"))));
    let origins = [format!("{prefix}.000007.example"), format!("{prefix}.x00007.example")];
    Box::new(move || {
        for origin in &origins {
            black_box(policy.allows_origin(black_box(origin)));
        }
    })
}

/// A host of one-letter labels that no wildcard matches, though there is one for each of its parents.
fn wildcards(bytes: usize) -> Work {
    let parents = (1..=120).map(|labels| format!("https://*.{}:8443", vec!["a"; labels].join(".")));
    let policy = compiled(CorsPolicy::new().allow_origins(parents));
    let origin = format!("https://{}", vec!["a"; bytes / 2].join("."));
    Box::new(move || _ = black_box(policy.allows_origin(black_box(&origin))))
}

/// A preflight that may be for any of many rules, which a header tells apart, each with 64 allowed names.
fn announced(chosen_by: &'static str, rules: usize, names: fn(usize) -> String) -> Work {
    let route = (0..rules).fold(Route::new("bench", "tenants"), |route, at| {
        let tenant = ValueMatch::exact(at.to_string());
        let matched = RouteMatch::new().header(HeaderName::from_static(chosen_by), tenant);
        let allowed = (0..63).map(|name| format!("x-h{name}")).chain([format!("x-own{at}"), chosen_by.into()]);
        let policy = CorsPolicy::new().allow_origins(["https://a.example"]).allow_methods(["PUT"]);
        route.rule(Rule::new().matching(matched).policy(compiled(policy.allow_headers(allowed))))
    });
    let table = RouteTable::new([route]);
    let names = HeaderValue::try_from(names(rules) + chosen_by + ",x-late").expect("a value");
    let request = Request::options("/")
        .header(header::ORIGIN, "https://a.example")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "PUT")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, names)
        .body(())
        .expect("a request");
    Box::new(move || {
        black_box(table.find(&CorsRequest::of(&request)));
    })
}

/// With the one that chooses the rule, two names that are allowed.
fn two_names(_: usize) -> String {
    "x-h62,".to_owned()
}

/// One allowed name again and again, four fifths of a byte for each rule.
fn repeated(rules: usize) -> String {
    "x-h62,".repeat(rules * 8 / 60)
}

/// The 63 allowed names, as far as that many bytes go.
fn distinct(rules: usize) -> String {
    (0..63).cycle().map(|name| format!("x-h{name},")).take(rules * 8 / 60).collect()
}

fn expressions(count: usize, bytes: usize) -> Work {
    let routes = (0..count).map(|at| {
        let path = PathMatch::regular_expression(&format!("/(a|b)*/x{at}/[0-9]+.*c")).expect("an expression");
        let header = ValueMatch::regular_expression("(a|b)*c").expect("an expression");
        let matched = RouteMatch::new().path(path).header(HeaderName::from_static("x-a"), header);
        Route::new("bench", format!("route-{at}")).rule(Rule::new().matching(matched))
    });
    let table = RouteTable::new(routes);
    let request = get(&format!("/{}/x7/1", "ab".repeat(bytes / 2)));
    Box::new(move || {
        black_box(table.find(&CorsRequest::of(&request)));
    })
}

/// A file is read in a thread of its own, where the first reading, which prepares, is counted as well; of reading the YAML,
/// which is another crate's work, nothing is.
fn manifest(text: &str) -> Work {
    let text = text.to_owned();
    Box::new(move || drop(black_box(Manifests::new().read("m.yaml", &text).build())))
}

fn cors(before: &str, item: &str, count: usize, after: &str) -> String {
    route(&format!("filters: [{{type: CORS, cors: {{{before}{}{after}}}}}]", item.repeat(count)))
}

fn route(rule: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: a}}\nspec: {{rules: [{{{rule}}}]}}"
    )
}

/// Routes that share one label and have another with nine others, which policies select by both; and a Gateway.
fn selected(routes: usize) -> String {
    let mut text = format!(
        "{API}kind: Gateway\nmetadata: {{name: g}}\nspec: {{listeners: [{{name: http, port: 80, protocol: HTTP}}]}}\n"
    );
    for at in 0..routes {
        text += &format!(
            "---\n{API}kind: HTTPRoute\nmetadata: {{name: r{at}, labels: {{app: shop, group: g{}}}}}\n\
             spec: {{parentRefs: [{{name: g}}], hostnames: [h{at}.example], rules: [{{matches: [{{path: {{value: /a}}}}]}}]}}\n",
            at / 10
        );
    }
    for at in 0..routes / 10 {
        text += &format!(
            "---\napiVersion: gateway.kgateway.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {{name: p{at}}}\nspec:\n  \
             targetSelectors: [{{group: gateway.networking.k8s.io, kind: HTTPRoute, matchLabels: {{app: shop, group: g{at}}}}}]\n  \
             cors: {{allowOrigins: ['https://a{at}.example']}}\n"
        );
    }
    text
}

/// A tree of routes that delegate by label: so many rules in the topmost route, as many in each of the routes below it,
/// and the children below these. With one rule there is no level between.
fn children(children: usize, rules: usize) -> String {
    let delegating = |name: &str, labels: &str, labelled: &dyn Fn(usize) -> String| {
        let rule = |at: usize| {
            format!(
                "  - {{matches: [{{path: {{value: /{at}}}}}], filters: [{{type: CORS, cors: {{allowOrigins: ['https://a.example']}}}}], \
                 backendRefs: [{{group: delegation.kgateway.dev, kind: label, name: {}}}]}}\n",
                labelled(at)
            )
        };
        let rules: String = (0..rules).map(rule).collect();
        format!("{API}kind: HTTPRoute\nmetadata: {{name: {name}, {INHERITS}{labels}}}\nspec:\n  rules:\n{rules}---\n")
    };
    let leaf = |at: usize| {
        let label = if rules == 1 { "m0".to_owned() } else { format!("m{}x{}", at % rules, at / rules % rules) };
        format!(
            "{API}kind: HTTPRoute\nmetadata: {{name: r{at}, {INHERITS}, labels: {{delegation.kgateway.dev/label: {label}}}}}\n\
             spec: {{rules: [{{matches: [{{path: {{value: /r{at}}}}}]}}]}}\n---\n"
        )
    };
    let middle = |at: usize| {
        let labels = format!(", labels: {{delegation.kgateway.dev/label: m{at}}}");
        delegating(&format!("m{at}"), &labels, &move |below| format!("m{at}x{below}"))
    };
    let top = delegating("top", "", &|at| format!("m{at}"));
    let middles = (0..rules).filter(|_| rules > 1).map(middle);
    [top].into_iter().chain(middles).chain((0..children).map(leaf)).collect()
}

const API: &str = "apiVersion: gateway.networking.k8s.io/v1\n";
const INHERITS: &str = "annotations: {delegation.kgateway.dev/inherit-parent-matcher: 'true'}";

#[allow(missing_docs, unreachable_pub, reason = "a bench")]
mod counted {
    use super::*;

    /// What is counted beside the bench's own function, on whatever thread it runs.
    const IN_THREADS: &str = "--toggle-collect=tower_cors::manifest::objects::read_at*";

    fn prepare(at: usize) -> Work {
        let Case { sizes, work, .. } = CASES[at / 2];
        let mut work = work(sizes[at % 2]);
        // What is made once, on the first request, is not a request's cost.
        work();
        work
    }

    #[library_benchmark(config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args([IN_THREADS])))]
    #[benches::sizes(iter = 0..2 * CASES.len(), setup = prepare)]
    fn worst(mut work: Work) -> Work {
        work();
        work
    }

    library_benchmark_group!(name = cases, benchmarks = [worst]);
    gungraun::main!(library_benchmark_groups = cases);

    pub(super) fn start() {
        main();
    }
}

fn main() -> ExitCode {
    // Under callgrind this program is started again, by the runner.
    let is_measured = env::args().any(|argument| argument == "--gungraun-run");
    for program in ["valgrind", "gungraun-runner"] {
        if !is_measured && Command::new(program).arg("--version").output().is_err() {
            println!("skipped: {program} is not there; the `instructions` bench says how to install it");
            return ExitCode::SUCCESS;
        }
    }
    counted::start();
    if is_measured || report() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints the table. Answers whether every cost grows as it may.
fn report() -> bool {
    println!("| worst case | size | instructions | a unit | size | instructions | a unit | growth a unit |");
    println!("|---|---|---|---|---|---|---|---|");
    let mut holds = true;
    for (at, case) in CASES.iter().enumerate() {
        let [Some(small), Some(large)] = [count(2 * at), count(2 * at + 1)] else {
            println!("{}: not counted", case.name);
            return false;
        };
        let sizes = if case.grows { case.sizes[1] as f64 / case.sizes[0] as f64 } else { 1.0 };
        let growth = large as f64 / small as f64 / sizes;
        let [first, second] = case.sizes;
        let verdict = if growth <= case.most { "" } else { " too steep" };
        let [each, each_of_large] = [small / first as u64, large / second as u64];
        println!(
            "| {} | {first} | {small} | {each} | {second} | {large} | {each_of_large} | {growth:.2}{verdict} |",
            case.name
        );
        holds &= growth <= case.most;
    }
    holds
}

/// The instructions that callgrind counted, which it leaves in the target folder.
fn count(at: usize) -> Option<u64> {
    // This program lies in `<target>/<profile>/deps`.
    let program = env::current_exe().ok()?;
    let folder = program.ancestors().nth(3)?.join("gungraun/benches/worst/counted/cases");
    let name = format!("worst.sizes_{at}");
    // Of a program with several threads there is a file for each, of another one.
    let of_threads = (1..).map(|thread| format!("callgrind.{name}.t{thread}.p1.out"));
    let read = |file: String| fs::read_to_string(folder.join(&name).join(file)).ok();
    let mut texts: Vec<String> = of_threads.map_while(read).collect();
    texts.extend(read(format!("callgrind.{name}.out")).filter(|_| texts.is_empty()));
    let totals = texts.iter().filter_map(|text| text.lines().find_map(|line| line.strip_prefix("totals: ")));
    totals.map(|totals| totals.split(' ').next()?.parse::<u64>().ok()).reduce(|sum, total| Some(sum? + total?))?
}
