//! Files that are made to hurt: deep nesting, aliases that multiply, lists and scalars without end, and arbitrary trees
//! in the words of the resources. Whatever a file holds, it is read or refused without a panic, the stack and the memory
//! hold, and every message is short and printable. `fuzz/fuzz_targets/manifests.rs` looks for more; the `worst` bench
//! counts that the cost of a file grows no faster than the file. Rule 2.2.

use std::fs;

use http::Request;
use proptest::{collection::vec, prelude::*, sample::select};
use tower_cors::{manifest::Manifests, request::CorsRequest};

/// The most that a message may say, in bytes.
const MAX_MESSAGE: usize = 4096;

/// Reads a text twice: the messages, which must be the same; none where it is a table of routes.
fn read(text: &str) -> Vec<String> {
    let read = || match Manifests::new().read("m.yaml", text).build() {
        Ok(routes) => {
            let preflight = Request::options("/a/b?c=d").header("origin", "https://a.example");
            let preflight = preflight.header("access-control-request-method", "PUT").header("host", "a.example");
            let request = preflight.body(()).expect("a request");
            let found = routes.table().find(&CorsRequest::of(&request));
            found.iter().for_each(|rule| drop((routes.stack(rule), routes.backends(rule).len())));
            Vec::new()
        }
        Err(errors) => errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
    };
    let messages = read();
    for message in &messages {
        assert!(message.len() <= MAX_MESSAGE, "{} bytes: {message:.100}", message.len());
        // The excerpt of a file that is no YAML has lines.
        assert!(!message.chars().any(|letter| letter.is_control() && letter != '\n'), "{message:?}");
    }
    messages
}

fn route(rule: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: a}}\nspec:\n  rules:\n  - {rule}\n"
    )
}

fn cors(fields: &str) -> String {
    route(&format!("filters: [{{type: CORS, cors: {{{fields}}}}}]"))
}

fn listed(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(", ")
}

#[test]
fn ten_thousand_levels_are_refused_and_sixty_are_read() {
    let deep: [fn(usize) -> String; 4] = [
        |levels| "[".repeat(levels) + &"]".repeat(levels),
        |levels| "{a: ".repeat(levels) + &"}".repeat(levels),
        |levels| "- ".repeat(levels) + "x",
        // Each line is indented deeper than the last, so the text is as large as the square of its depth.
        |levels| (0..levels.min(3_000)).map(|level| format!("{}a:\n", " ".repeat(level))).collect(),
    ];
    for text in deep {
        assert_eq!(read(&text(10_000)).len(), 1);
        assert_eq!(read(&text(60)), [""; 0], "what is no resource is passed over");
    }
    let nested = cors(&format!("allowOrigins: {}{}", "[".repeat(10_000), "]".repeat(10_000)));
    assert_eq!(read(&nested).len(), 1);
}

#[test]
fn aliases_do_not_multiply() {
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        laughs += &format!("a{level}: &a{level} [{}]\n", listed(10, |_| format!("*a{}", level - 1)));
    }
    let wide = format!("a: &a [{}]\n{}", listed(1_000, |_| "x".into()), "b: *a\n".repeat(1_000));
    let many = format!("- &a x\n{}", "- *a\n".repeat(100_000));
    for text in [laughs, wide, many, "a: &a [*a]\n".into(), "a: &a {b: *a}\n".into()] {
        assert_eq!(read(&text).len(), 1, "{text:.60}");
    }
}

#[test]
fn lists_without_end_are_refused_entry_by_entry_up_to_their_limit() {
    const MANY: usize = 100_000;
    const SOME: usize = 4_000;
    let rows = [
        ("origins", cors(&format!("allowOrigins: [{}]", listed(MANY, |at| format!("https://a{at}.example")))), 1),
        ("numbers", cors(&format!("allowOrigins: [{}]", listed(MANY, |at| at.to_string()))), 64 + 1),
        ("no origins", cors(&format!("allowOrigins: [{}]", listed(SOME, |at| format!("a{at}.example")))), 64 + 1),
        ("methods", cors(&format!("allowMethods: [{}]", listed(SOME, |at| format!("M{at}")))), 64),
        ("unknown fields", cors(&listed(SOME, |at| format!("f{at}: 1"))), 100 + 1),
        ("repeated fields", cors(&listed(SOME, |_| "maxAge: 1".into())), 100 + 1),
        ("filters", route(&format!("filters: [{}]", listed(SOME, |_| "{type: URLRewrite}".into()))), 16),
        ("backends", route(&format!("backendRefs: [{}]", listed(SOME, |at| format!("{{name: b{at}}}")))), 1),
    ];
    for (name, text, messages) in rows {
        assert_eq!(read(&text).len(), messages, "{name}");
    }
    assert_eq!(read(&"- xy\n".repeat(MANY)), [""; 0], "a list is no resource");
    assert_eq!(read(&"---\n".repeat(10_000)), [""; 0], "no document holds anything");
}

#[test]
fn long_scalars_are_cut_in_messages() {
    const LONG: usize = 1 << 18;
    for long in ["a".repeat(LONG), "é".repeat(LONG), "a.".repeat(LONG), "a,".repeat(LONG), "\\u0007".repeat(LONG / 6)]
    {
        for text in [
            cors(&format!("allowOrigins: [\"https://{long}\"]")),
            cors(&format!("allowMethods: [\"{long}\"]")),
            cors(&format!("\"{long}\": 1")),
            cors(&format!("maxAge: \"{long}\"")),
            route(&format!("name: \"{long}\"")),
            route(&format!("matches: [{{path: {{type: RegularExpression, value: \"/({long}\"}}}}]")),
            format!("{long}: ["),
        ] {
            assert!(!read(&text).is_empty(), "{text:.80}");
        }
    }
}

#[test]
fn reading_hostile_files_takes_little_memory() {
    let Some(peak) = peak_memory() else { return };
    read(&"[".repeat(4 << 20));
    read(&cors(&format!("allowOrigins: [{}]", listed(100_000, |at| at.to_string()))));
    read(&format!("- &a x\n{}", "- *a\n".repeat(500_000)));
    // The other tests of this file run beside it, so the bound is on all of them.
    let grown = peak_memory().unwrap_or_default().saturating_sub(peak);
    assert!(grown < 512 << 10, "{grown} KiB more");
}

/// The most memory that this process has had, in KiB, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn trees_in_the_words_of_the_resources_are_read_or_refused(documents in vec(resource(), 1..4)) {
        let text = documents.join("\n---\n");
        let messages = read(&text);
        prop_assert_eq!(&messages, &read(&text), "the same file, the same messages");
    }

    #[test]
    fn a_file_with_a_piece_lost_or_doubled_is_read_or_refused(
        file in select(FILES.to_vec()),
        at in any::<prop::sample::Index>(),
        length in 0..40_usize,
        doubled in any::<bool>(),
    ) {
        let letters: Vec<char> = file.chars().collect();
        let start = at.index(letters.len());
        let end = (start + length).min(letters.len());
        let back = if doubled { start } else { end };
        read(&letters[..if doubled { end } else { start }].iter().chain(&letters[back..]).collect::<String>());
    }
}

const FILES: [&str; 6] = [
    include_str!("conformance.yaml"),
    include_str!("precedence.yaml"),
    include_str!("held.yaml"),
    include_str!("attachment/levels.yaml"),
    include_str!("attachment/backends.yaml"),
    include_str!("../../examples/manifests/trafficpolicy-cors.yaml"),
];

/// A resource whose fields are right or wrong at random.
fn resource() -> impl Strategy<Value = String> {
    let kind = select(vec![
        ("gateway.networking.k8s.io/v1", "HTTPRoute"),
        ("gateway.networking.k8s.io/v1", "HTTPRoute"),
        ("gateway.networking.k8s.io/v1", "Gateway"),
        ("gateway.kgateway.dev/v1alpha1", "TrafficPolicy"),
        ("gloo.solo.io/v1alpha1", "GlooTrafficPolicy"),
        ("v1", "List"),
    ]);
    let name = select(vec!["{name: a}", "{name: b, namespace: other}", "{}", "{name: [a]}", "{name: A}"]);
    (kind, name, tree(), tree()).prop_map(|((version, kind), name, spec, items)| {
        format!("apiVersion: {version}\nkind: {kind}\nmetadata: {name}\nspec: {spec}\nitems: [{items}]")
    })
}

fn tree() -> impl Strategy<Value = String> {
    let scalar = select(vec![
        "a",
        "1",
        "-1",
        "true",
        "null",
        "'*'",
        "https://a.example",
        "'https://*.a.example'",
        "GET",
        "CORS",
        "ExtensionRef",
        "RegularExpression",
        "/a",
        "'/(a|b'",
        "HTTPRoute",
        "Gateway",
        "TrafficPolicy",
        "gateway.networking.k8s.io",
        "1e400",
        "&a x",
        "\"\\u0007\"",
    ])
    .prop_map(String::from);
    scalar.prop_recursive(6, 60, 6, |inner| {
        let key = select(vec![
            "spec",
            "rules",
            "matches",
            "path",
            "type",
            "value",
            "filters",
            "cors",
            "allowOrigins",
            "allowMethods",
            "allowHeaders",
            "maxAge",
            "allowCredentials",
            "backendRefs",
            "name",
            "namespace",
            "parentRefs",
            "targetRefs",
            "kind",
            "group",
            "sectionName",
            "listeners",
            "hostname",
            "hostnames",
            "headers",
            "queryParams",
            "disable",
            "extensionRef",
            "'*'",
            "? [a]",
        ]);
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(", "))),
            vec((key, inner), 0..6).prop_map(|fields| {
                let fields: Vec<_> = fields.iter().map(|(key, value)| format!("{key}: {value}")).collect();
                format!("{{{}}}", fields.join(", "))
            }),
        ]
    })
}
