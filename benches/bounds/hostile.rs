//! Files of any size that are made to take as much memory or time as a file can: each kind by its name. In: a size in bytes.
//! Out: a text of that size, in a buffer of that size.

/// A kind of file.
pub(crate) struct Kind {
    /// What it is.
    pub(crate) name: &'static str,
    /// A file of so many bytes, or a little more.
    pub(crate) text: fn(usize) -> String,
    /// The most memory that loading it may take, as a multiple of the file.
    pub(crate) most: f64,
}

/// What a file that is refused, or holds nothing, may take, its own text included.
pub(crate) const READ: f64 = 12.0;

const API: &str = "apiVersion: gateway.networking.k8s.io/v1\n";
const POLICY: &str = "apiVersion: gateway.kgateway.dev/v1alpha1\nkind: TrafficPolicy\n";
const FILTER: &str = "{type: CORS, cors: {allowOrigins: ['https://a.example']}}";

/// Every kind.
pub(crate) const KINDS: &[Kind] = &[
    kind("newlines, then no YAML", |size| padded(size, "", "\n", "a: [")),
    kind("carriage returns, then no YAML", |size| padded(size, "", "\r", "a: [")),
    kind("comments", |size| padded(size, "", "#\n", "")),
    kind("one list of words", |size| padded(size, "a: [", "a,", "]")),
    kind("one list of words, as many as are accepted", |size| padded(size, "a: [", "aaaa,", "]")),
    kind("one list of lists", |size| padded(size, "a: [", "[],", "]")),
    kind("one list of lists of a word", |size| padded(size, "a: [", "[a],", "]")),
    kind("one list of maps of a word", |size| padded(size, "a: [", "{a: b},", "]")),
    kind("one map of words", |size| padded(size, "a: {", "a,", "}")),
    kind("one map of lines", |size| padded(size, "", "a:\n", "")),
    kind("one list of lines", |size| padded(size, "", "-\n", "")),
    kind("lists in one another", |size| padded(size, "", &format!("--- {}{}\n", "[".repeat(60), "]".repeat(60)), "")),
    kind("empty documents", |size| padded(size, "", "---\n", "")),
    kind("documents of a word", |size| padded(size, "", "--- a\n", "")),
    kind("aliases", |size| padded(size, "", "---\nx: &a [a,a,a,a]\ny: [*a ,*a ,*a ]\n", "")),
    kind("anchors", |size| numbered(size, "a: [", |at| format!("&a{at} a,"), "]")),
    kind("anchors in one another", |size| padded(size, "a: [&b [&c [&d [&e [&f [&g [", "a,", "]]]]]]]")),
    kind("tags", |size| padded(size, "a: [", "!a b,", "]")),
    kind("merge keys 58 deep", |size| {
        numbered(size, &format!("a: {}{{", "{<<: ".repeat(58)), |at| format!("field{at}: 1, "), &"}".repeat(59))
    }),
    kind("merge keys 58 deep, again and again", |size| {
        let fields: String = (0..300).map(|at| format!("f{at}: 1, ")).collect();
        padded(size, "", &format!("---\na: {}{{{fields}}}{}\n", "{<<: ".repeat(58), "}".repeat(58)), "")
    }),
    kind("a list of merged maps", |size| numbered(size, "a: {<<: [", |at| format!("{{k{at}: 1}},"), "]}")),
    kind("escapes", |size| padded(size, "a: \"", "\\x01", "\"")),
    kind("lines of one scalar", |size| padded(size, "a: >\n", "  a\n\n", "")),
    kind("an origin as long as the file", |size| {
        let (before, after) = cors_of("allowOrigins: ['", "']");
        padded(size, &before, "a", &after)
    }),
    kind("allowOrigins: [a, a, ...] in one document", |size| {
        let (before, after) = cors_of("allowOrigins: [", "]");
        padded(size, &before, "a,", &after)
    }),
    kind("allowOrigins: [a, a, ...] in many documents", |size| many_cors(size, "allowOrigins: [", "a,", "]")),
    kind("allowMethods: [1, 1, ...] in many documents", |size| many_cors(size, "allowMethods: [", "1,", "]")),
    kind("one field again and again", |size| many_cors(size, "", "maxAge: 1, ", "")),
    kind("templates that nobody has filled in", |size| many_cors(size, "allowOrigins: [", "{{a}},", "]")),
    kind("fields that no kind has", |size| {
        let fields: String = (0..500).map(|at| format!("x{at}: 1, ")).collect();
        numbered(size, "", |at| route(at, &format!("{{{fields}}}")), "")
    }),
    kind("fields that no kind has, beside spec", |size| {
        let fields: String = (0..500).map(|at| format!("x{at}: 1\n")).collect();
        numbered(size, "", |at| route(at, "{}") + &fields, "")
    }),
    kind("a list of no objects", |size| padded(size, "apiVersion: v1\nkind: List\nitems: [", "{},", "]")),
    kind("objects of one name", |size| padded(size, "", &route(0, "{}"), "")),
    kind("large expressions for paths", |size| matches(size, |at| expression(&format!("(\\w{{1,9}}){{2}}{at}")))),
    kind("long expressions for paths", |size| matches(size, |at| expression(&format!("/.*a.{{1000}}x{at}")))),
    kind("large expressions for headers", |size| {
        matches(size, |at| format!("headers: [{{name: x, type: RegularExpression, value: '(\\w{{1,9}}){{2}}{at}'}}]"))
    }),
    accepted(40.0, "expressions and a header", |size| {
        matches(size, |at| expression(&format!("/a{at}")) + ", headers: [{name: h, value: a}]")
    }),
    accepted(32.0, "matches on a header of their own", |size| {
        matches(size, |at| format!("headers: [{{name: h{at}, value: a}}]"))
    }),
    accepted(32.0, "matches on a query of their own", |size| {
        matches(size, |at| format!("headers: [{{name: h, value: a}}], queryParams: [{{name: q{at}, value: a}}]"))
    }),
    accepted(32.0, "matches on a value of a query", |size| {
        matches(size, |at| format!("headers: [{{name: h, value: a}}], queryParams: [{{name: q, value: a{at}}}]"))
    }),
    accepted(44.0, "paths and a header", |size| {
        matches(size, |at| format!("path: {{value: /a{at}}}, headers: [{{name: h, value: a}}]"))
    }),
    accepted(12.0, "paths of 400 segments", |size| {
        let segments = "/a".repeat(400);
        matches(size, |at| format!("path: {{value: /{at}{segments}}}, headers: [{{name: h, value: a}}]"))
    }),
    accepted(32.0, "32 parents of 64 listeners, 16 rules of 16 backends with a filter each", |size| {
        parents(size, true)
    }),
    accepted(32.0, "32 parents of 64 listeners, 16 rules", |size| parents(size, false)),
    accepted(240.0, "64 listeners with a policy each, united with those of 16 rules", listeners),
    accepted(20.0, "policies for one target", |size| {
        let target = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: r0}";
        numbered(size, &route(0, "{}"), |at| policy(at, &format!("targetRefs: [{target}]")), "")
    }),
    accepted(24.0, "policies that select every route", |size| {
        let selector = |at: usize, of: usize| {
            let name = format!("sectionName: s{at}x{of}, matchLabels: {{a: b}}");
            format!("{{group: gateway.networking.k8s.io, kind: HTTPRoute, {name}}}")
        };
        let selectors = |at| (0..16).map(|of| selector(at, of)).collect::<Vec<_>>().join(", ");
        let labelled = |at| route(at, "{}").replace("{name", "{labels: {a: b}, name");
        numbered(size, "", |at| labelled(at) + &policy(at, &format!("targetSelectors: [{}]", selectors(at))), "")
    }),
    accepted(24.0, "routes that delegate to all of a namespace", |size| {
        let every = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: '*', namespace: n}";
        let rule = |at, of| format!("{{matches: [{{path: {{value: /{at}x{of}}}}}], backendRefs: [{every}]}}");
        let top =
            |at| route(at, &format!("{{rules: [{}]}}", (0..16).map(|of| rule(at, of)).collect::<Vec<_>>().join(", ")));
        let child = |at| route(at, "{}").replace("{name", "{namespace: n, name");
        numbered(size, "", |at| top(at) + &(0..20).map(|of| child(20 * at + of)).collect::<String>(), "")
    }),
    accepted(32.0, "routes without anything", |size| numbered(size, "", |at| route(at, "{}"), "")),
    accepted(100.0, "routes of 16 rules without anything", |size| {
        let spec = format!("{{rules: [{}]}}", "{}, ".repeat(16));
        numbered(size, "", |at| route(at, &spec), "")
    }),
];

const fn kind(name: &'static str, text: fn(usize) -> String) -> Kind {
    Kind { name, text, most: READ }
}

/// A kind that is accepted, so that its table takes memory as well.
const fn accepted(most: f64, name: &'static str, text: fn(usize) -> String) -> Kind {
    Kind { name, text, most }
}

/// A text that one part fills.
fn padded(size: usize, before: &str, part: &str, after: &str) -> String {
    numbered(size, before, |_| part.to_owned(), after)
}

/// A text that parts fill, each made of its number.
pub(crate) fn numbered(size: usize, before: &str, part: impl Fn(usize) -> String, after: &str) -> String {
    let mut text = String::with_capacity(size.max(before.len() + after.len()) + 64 * 1024);
    text.push_str(before);
    let mut at = 0;
    while text.len() + after.len() < size {
        text.push_str(&part(at));
        at += 1;
    }
    text.push_str(after);
    text
}

/// A route by its number.
pub(crate) fn route(at: usize, spec: &str) -> String {
    format!("---\n{API}kind: HTTPRoute\nmetadata: {{name: r{at}}}\nspec: {spec}\n")
}

/// A traffic policy by its number, and what it targets.
pub(crate) fn policy(at: usize, targets: &str) -> String {
    format!(
        "---\n{POLICY}metadata: {{name: p{at}}}\nspec: {{{targets}, cors: {{allowOrigins: ['https://p{at}.example']}}}}\n"
    )
}

/// What stands before and after the fields of a policy.
fn cors_of(before: &str, after: &str) -> (String, String) {
    let text = route(0, &format!("{{rules: [{{filters: [{{type: CORS, cors: {{{before}|{after}}}}}]}}]}}"));
    let (before, after) = text.split_once('|').unwrap_or_default();
    (before.to_owned(), after.to_owned())
}

fn many_cors(size: usize, before: &str, item: &str, after: &str) -> String {
    let cors = format!("{before}{}{after}", item.repeat(2_000));
    numbered(size, "", |at| route(at, &format!("{{rules: [{{filters: [{{type: CORS, cors: {{{cors}}}}}]}}]}}")), "")
}

fn expression(text: &str) -> String {
    format!("path: {{type: RegularExpression, value: '{text}'}}")
}

/// Routes with two rules of 64 matches each.
fn matches(size: usize, matched: impl Fn(usize) -> String) -> String {
    let rule = |first: usize| {
        let matches: Vec<_> = (first..first + 64).map(|at| format!("{{{}}}", matched(at))).collect();
        format!("{{matches: [{}], filters: [{FILTER}]}}", matches.join(", "))
    };
    numbered(size, "", |at| route(at, &format!("{{rules: [{}, {}]}}", rule(128 * at), rule(128 * at + 64))), "")
}

fn gateway(at: usize, annotations: &str) -> String {
    let listener =
        |of: usize| format!("{{name: l{of}, port: {}, protocol: HTTP, hostname: h{of}.example}}", 1_000 + of);
    let listeners = (0..64).map(listener).collect::<Vec<_>>().join(", ");
    format!("---\n{API}kind: Gateway\nmetadata: {{name: g{at}{annotations}}}\nspec: {{listeners: [{listeners}]}}\n")
}

fn rules(at: usize, backends: &str) -> String {
    let rule = |of| format!("{{matches: [{{path: {{value: /r{at}x{of}}}}}], filters: [{FILTER}]{backends}}}");
    format!("rules: [{}]", (0..16).map(rule).collect::<Vec<_>>().join(", "))
}

fn parents(size: usize, with_backends: bool) -> String {
    let backend = |of| format!("{{name: s{of}, port: 80, filters: [{FILTER}]}}");
    let backends = (0..16).map(backend).collect::<Vec<_>>().join(", ");
    let backends = if with_backends { format!(", backendRefs: [{backends}]") } else { String::new() };
    let references = (0..32).map(|of| format!("{{name: g{of}}}")).collect::<Vec<_>>().join(", ");
    let gateways: String = (0..32).map(|of| gateway(of, "")).collect();
    let spec = |at| format!("{{parentRefs: [{references}], {}}}", rules(at, &backends));
    numbered(size, &gateways, |at| route(at, &spec(at)), "")
}

fn listeners(size: usize) -> String {
    let priority = ", annotations: {kgateway.dev/inherited-policy-priority: DeepMergePreferChild}";
    let target = |of| format!("{{group: gateway.networking.k8s.io, kind: Gateway, name: g0, sectionName: l{of}}}");
    let policies: String = (0..64).map(|of| policy(of, &format!("targetRefs: [{}]", target(of)))).collect();
    let spec = |at| format!("{{parentRefs: [{{name: g0}}], {}}}", rules(at, ""));
    numbered(size, &(gateway(0, priority) + &policies), |at| route(at, &spec(at)), "")
}
