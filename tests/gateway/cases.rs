//! Files of cases: how each case ends, what a case that fails says, what is wrong with a file, and the reports for
//! programs. `docs/testing.md` describes them.

use std::fs;

use proptest::prelude::*;
use quick_xml::{Reader, events::Event};
use serde_json::{Value, json};
use tower_cors::{
    explain::{CaseResult, Cases},
    manifest::{LoadedRoutes, Manifests},
};

use crate::{
    folder::Folder,
    process::{file, run},
};

const MANIFESTS: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: web}
spec:
  gatewayClassName: any
  listeners:
  - {name: public, port: 80, protocol: HTTP}
  - {name: internal, port: 81, protocol: HTTP}
---
apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: internal, namespace: web}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge, sectionName: internal}]
  cors: {allowOrigins: [https://admin.example]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: api, namespace: web}
spec:
  parentRefs: [{name: edge}]
  hostnames: [api.example]
  rules:
  - matches: [{path: {value: /open}}]
    filters: [{type: CORS, cors: {allowOrigins: ['*'], allowHeaders: ['*'], exposeHeaders: ['*']}}]
  - matches: [{path: {value: /own}}]
    filters:
    - type: CORS
      cors:
        allowOrigins: [https://app.example]
        allowCredentials: true
        allowHeaders: [X-Canary, Content-Type]
        exposeHeaders: ['*']
  - matches: [{path: {value: /own}, headers: [{name: X-Canary, value: '1'}]}]
    filters: [{type: CORS, cors: {allowOrigins: [https://canary.example], allowHeaders: [X-Canary]}}]
  - matches: [{path: {value: /plain}}]
  - matches: [{path: {value: /nowhere}}]
    backendRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: gone}]
";

fn routes() -> LoadedRoutes {
    Manifests::new().read("m.yaml", MANIFESTS).build().unwrap()
}

/// What becomes of one case; the fields are those of a map in YAML.
fn result(case: &str) -> CaseResult {
    let text = format!("manifests: [m.yaml]\ncases:\n- {{{case}}}\n");
    let cases = Cases::read("cases.yaml", &text).unwrap_or_else(|errors| panic!("{errors:#}"));
    cases.run(&routes()).remove(0)
}

#[test]
fn a_case_ends_as_the_browser_and_the_gateway_make_it_end() {
    // The case, how it ends, and another expectation that holds as well.
    let rows = [
        ("page: https://a.example, fetch: GET https://api.example/open", "readable", "readable"),
        ("page: null, fetch: GET https://api.example/open", "readable", "readable"),
        ("page: 'null', fetch: GET https://api.example/own", "blocked: no-allow-origin", "{blocked: null-origin}"),
        ("page: https://app.example, fetch: GET https://api.example/own, credentials: true", "readable", "readable"),
        (
            "page: https://a.example, fetch: GET https://api.example/open, credentials: true",
            "blocked: wildcard-with-credentials",
            "blocked",
        ),
        (
            "page: https://a.example, fetch: GET https://api.example/own",
            "blocked: no-allow-origin",
            "'blocked: origin-not-allowed'",
        ),
        (
            "page: https://app.example, fetch: PUT https://api.example/own",
            "blocked: preflight-method",
            "{blocked: method-not-allowed}",
        ),
        (
            "page: https://app.example, fetch: GET https://api.example/own, headers: {X-Other: 5}",
            "blocked: preflight-header",
            "{blocked: header-not-allowed}",
        ),
        // A form's content type needs no permission, and JSON's does.
        (
            "page: https://app.example, fetch: POST https://api.example/own, headers: {Content-Type: text/plain}",
            "readable",
            "readable",
        ),
        // rule 8.3: the preflight is answered by the other rule.
        (
            "page: https://app.example, fetch: GET https://api.example/own, headers: {X-Canary: 1}",
            "refused (403)",
            "refused (403)",
        ),
        (
            "page: https://a.example, fetch: GET https://api.example/plain",
            "blocked: no-allow-origin",
            "{blocked: no-policy}",
        ),
        ("page: https://a.example, fetch: GET https://api.example/none", "not-served", "not-served"),
        ("page: https://a.example, fetch: PUT https://api.example/none", "not-served", "not-served"),
        ("page: https://a.example, fetch: GET https://other.example/open", "not-served", "not-served"),
        // rule 8.8
        ("page: https://a.example, fetch: GET https://api.example/nowhere", "not-served", "not-served"),
        // The listener decides which policy applies, rule 8.6.
        ("page: https://admin.example, fetch: GET https://api.example/plain", "blocked: no-allow-origin", "blocked"),
        (
            "page: https://admin.example, fetch: GET https://api.example/plain, listener: web/edge/internal",
            "readable",
            "readable",
        ),
    ];
    let expectations = ["readable", "blocked", "refused (403)", "not-served"];
    for (case, ending, also) in rows {
        let met = result(&format!("{case}, expect: {also}"));
        assert!(met.passed(), "{met}");
        assert_eq!(met.ending().to_string(), ending, "{case}");
        // Of the four words, one holds.
        let word = ending.split(':').next().unwrap();
        for expectation in expectations {
            let passed = result(&format!("{case}, expect: {expectation}")).passed();
            assert_eq!(passed, expectation == word, "{case}: {expectation}");
        }
    }
    let other = "page: https://app.example, fetch: PUT https://api.example/own, expect: {blocked: preflight-header}";
    assert!(!result(other).passed(), "another reason");
}

#[test]
fn a_script_sees_what_is_exposed_to_it_and_no_more() {
    let rows = [
        ("page: https://a.example, fetch: GET https://api.example/open", &[][..]),
        // With credentials a `*` is answered with the names themselves.
        ("page: https://app.example, fetch: GET https://api.example/own, credentials: true", &[]),
        (
            "page: https://admin.example, fetch: GET https://api.example/plain, listener: web/edge/internal",
            &["x-request-id", "etag"],
        ),
    ];
    for (case, hidden) in rows {
        let found = result(&format!("{case}, expect: readable, exposes: [X-Request-Id, Content-Type, ETag]"));
        assert_eq!(found.hidden_headers(), hidden, "{case}");
        assert_eq!(found.passed(), hidden.is_empty(), "{case}");
    }
}

#[test]
fn a_case_is_explained_as_the_command_explains_it() {
    let folder = Folder::new("cases-explain");
    let manifest = folder.write("m.yaml", MANIFESTS);
    let origin = "https://app.example";
    let arguments = ["explain", "--json", "--method", "PUT", "--url", "https://api.example/own", "--origin", origin];
    let more = ["--header", "X-Canary: 1", "--credentials", "--manifest", &manifest];
    let explained: Value = serde_json::from_slice(&run(&[&arguments[..], &more].concat()).stdout).unwrap();
    let case =
        "page: https://app.example, fetch: PUT https://api.example/own, headers: {X-Canary: 1}, credentials: true";
    let result = result(&format!("{case}, expect: readable"));
    assert_eq!(serde_json::to_value(result.explanation()).unwrap(), explained);
}

#[test]
fn a_case_that_fails_says_what_happens_and_where_that_stands() {
    let rows = [
        (
            "page: https://app.example, fetch: PUT https://api.example/own, expect: readable",
            "FAILED: cases.yaml:3:3: PUT https://api.example/own from https://app.example\n\
             \x20 expected: readable\n\
             \x20 happens: blocked: preflight-method\n\
             \x20 browser: CORS-preflight fetch: the method PUT is not allowed\n\
             \x20 decision: answered by the layer; the policy allows the origin, but not the method: \"PUT\"; add \"PUT\" to allowMethods [method-not-allowed]\n\
             \x20 route: HTTPRoute web/api rule 1 (path prefix /own), requires consent, m.yaml:27:5\n\
             \x20 allowMethods: not set\n\
             \x20 setting: HTTPRoute web/api rule 1 (spec.rules[1].filters[0].cors), m.yaml:31:9",
        ),
        (
            "name: open, page: https://a.example, fetch: GET https://api.example/open, expect: blocked",
            "FAILED: cases.yaml:3:3: open\n\
             \x20 expected: blocked\n\
             \x20 happens: readable\n\
             \x20 decision: answered by the backend; the policy allows the origin [origin-allowed]\n\
             \x20 route: HTTPRoute web/api rule 0 (path prefix /open), m.yaml:25:5\n\
             \x20 allowOrigins: *\n\
             \x20 allowOrigins: from HTTPRoute web/api rule 0 (spec.rules[0].filters[0].cors), m.yaml:26:35",
        ),
        (
            "page: https://admin.example, fetch: GET https://api.example/plain, listener: web/edge/internal, \
             expect: readable, exposes: [ETag]",
            "FAILED: cases.yaml:3:3: GET https://api.example/plain from https://admin.example\n\
             \x20 expected: readable, and the script sees etag\n\
             \x20 happens: etag is hidden from it\n\
             \x20 decision: answered by the backend; the policy allows the origin [origin-allowed]\n\
             \x20 route: HTTPRoute web/api rule 3 (path prefix /plain), m.yaml:37:5\n\
             \x20 exposeHeaders: not set\n\
             \x20 setting: TrafficPolicy web/internal (spec.cors), m.yaml:16:9",
        ),
        (
            "page: https://a.example, fetch: GET https://api.example/none, expect: readable",
            "FAILED: cases.yaml:3:3: GET https://api.example/none from https://a.example\n\
             \x20 expected: readable\n\
             \x20 happens: not-served\n\
             \x20 browser: CORS check: there is no Access-Control-Allow-Origin\n\
             \x20 decision: no route takes this host and path, so the gateway answers; no policy applies to the request [no-policy]",
        ),
    ];
    for (case, expected) in rows {
        assert_eq!(result(case).to_string(), expected);
    }
}

#[test]
fn everything_that_is_wrong_with_a_file_is_said_at_once() {
    let text = "\
manifests: []
case: []
cases:
- pge: https://app.example
  fetch: https://api.example/v1
  expect: readble
- page: https://App.example/
  fetch: TRACE https://api.example/v1
  headers: {Cookie: a=1, 'a b': c, X-A: [1]}
  credentials: 1
  listener: edge
  expect: {blocked: preflight-metod}
  exposes: [Set-Cookie]
- page: https://api.example
  fetch: GET https://api.example:443/
  expect: refused
- {page: null, fetch: GET ftp://a, expect: {blokced: preflight-method}}
- {page: null, fetch: GET http://a@b, expect: blocked, exposes: [ETag]}
- 5
";
    let errors = Cases::read("c.yaml", text).unwrap_err();
    let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
    let url = "a method and a URL, such as PUT https://api.example/v1";
    let expect = "readable, blocked, blocked: REASON, refused (403) or not-served";
    assert_eq!(
        lines,
        [
            "c.yaml:1:12: manifests is empty",
            "c.yaml:2:1: case is not a field of a file of cases; did you mean \"cases\"?",
            "c.yaml:4:3: cases[0].pge is not a field of a case; did you mean \"page\"?",
            "c.yaml:4:3: cases[0].page is missing",
            &format!(
                "c.yaml:5:10: cases[0].fetch: \"https://api.example/v1\" is not {url}; did you mean \"GET https://api.example/v1\"?"
            ),
            &format!("c.yaml:6:11: cases[0].expect: \"readble\" is not {expect}; did you mean \"readable\"?"),
            "c.yaml:7:9: cases[1].page: \"https://App.example/\" is not an origin as a browser sends it, such as \
             https://app.example, or null; did you mean \"https://app.example\"?",
            "c.yaml:8:10: cases[1].fetch: \"TRACE https://api.example/v1\" is a method that browsers never let a script use",
            "c.yaml:9:13: cases[1].headers.Cookie is a header that browsers never let a script set",
            "c.yaml:9:26: cases[1].headers.a b is not a header name",
            "c.yaml:9:41: cases[1].headers.X-A is not the value of a header",
            "c.yaml:10:16: cases[1].credentials: \"1\" is not true or false",
            "c.yaml:11:13: cases[1].listener: \"edge\" is not NAMESPACE/GATEWAY/LISTENER or NAMESPACE/ListenerSet/SET/LISTENER",
            "c.yaml:12:21: cases[1].expect.blocked: \"preflight-metod\" is not a reason to block; did you mean \
             preflight-method or preflight-header or preflight-status?",
            "c.yaml:13:13: cases[1].exposes[0]: \"Set-Cookie\" is a header that browsers never show to a script",
            "c.yaml:14:9: cases[2].page: \"https://api.example\" is not another origin than the URL's",
            &format!("c.yaml:16:11: cases[2].expect: \"refused\" is not {expect}; did you mean \"refused (403)\"?"),
            &format!("c.yaml:17:23: cases[3].fetch: \"GET ftp://a\" is not {url}"),
            "c.yaml:17:44: cases[3].expect.blocked is missing",
            "c.yaml:17:45: cases[3].expect.blokced is not a field of an expectation; did you mean \"blocked\"?",
            &format!("c.yaml:18:23: cases[4].fetch: \"GET http://a@b\" is not {url}"),
            "c.yaml:18:65: cases[4].exposes can't be used together with an expectation other than readable",
            "c.yaml:19:3: cases[5]: \"5\" is not a map",
        ]
    );
}

#[test]
fn what_is_called_otherwise_elsewhere_is_guessed() {
    let text = "\
manifests: routes
cases:
- origin: https://app.example
  method: PUT
  url: https://api.example/v1
  credentials: include
  expected: 403
- {page: null, fetch: GET http://a.example, credentials: omit, expect: 403}
";
    let errors = Cases::read("c.yaml", text).unwrap_err();
    let lines: Vec<_> = errors.iter().map(ToString::to_string).filter(|line| !line.ends_with("is missing")).collect();
    let expect = "readable, blocked, blocked: REASON, refused (403) or not-served";
    assert_eq!(
        lines,
        [
            "c.yaml:1:12: manifests: \"routes\" is not a list; did you mean [routes]?",
            "c.yaml:3:3: cases[0].origin is not a field of a case; did you mean \"page\"?",
            "c.yaml:4:3: cases[0].method is not a field of a case; did you mean \"fetch\"?",
            "c.yaml:5:3: cases[0].url is not a field of a case; did you mean \"fetch\"?",
            "c.yaml:6:16: cases[0].credentials: \"include\" is not true or false; did you mean true?",
            "c.yaml:7:3: cases[0].expected is not a field of a case; did you mean \"expect\"?",
            "c.yaml:8:58: cases[1].credentials: \"omit\" is not true or false; did you mean false?",
            &format!("c.yaml:8:72: cases[1].expect: \"403\" is not {expect}; did you mean \"refused (403)\"?"),
        ]
    );
}

#[test]
fn a_file_that_holds_no_cases_is_refused() {
    let rows = [
        ("", "c.yaml:1:1: manifests is missing\nc.yaml:1:1: cases is missing"),
        ("manifests: [m.yaml]\ncases: []\n", "c.yaml:2:8: cases is empty"),
        ("- a\n", "c.yaml:1:1: is not a map"),
        ("manifests: [m.yaml\n", "c.yaml:1:12: not YAML: this [ has no ]"),
        // A colon within a text needs quotes.
        (
            "manifests: [m.yaml]\ncases:\n- expect: blocked: preflight-method\n",
            "c.yaml:3:18: not YAML: no field can begin here; correct the indentation, or put the value in quotes",
        ),
    ];
    for (text, expected) in rows {
        assert_eq!(Cases::read("c.yaml", text).unwrap_err().to_string(), expected, "{text}");
    }
    let two = "manifests: [m.yaml]\ncases: [{page: null, fetch: GET http://a, expect: blocked}]\n---\ncases: []\n";
    let errors = Cases::read("c.yaml", two).unwrap_err().to_string();
    assert_eq!(errors, "c.yaml:4:1: can't be used together with the document before it");
}

#[test]
fn a_reason_that_nothing_has_is_no_reason() {
    // Neither what allows a request nor what ends in a 403 keeps a response from a script.
    for reason in ["origin-allowed", "no-consent", "allowed-by-function", "no-origin", "blocked", ""] {
        let text =
            format!("manifests: [m]\ncases: [{{page: null, fetch: GET http://a, expect: {{blocked: '{reason}'}}}}]");
        let errors = Cases::read("c.yaml", &text).unwrap_err().to_string();
        assert!(errors.contains("is not a reason to block"), "{errors}");
    }
}

/// A folder with one case that passes and one that fails, a manifest that is wrong, and a file that is none.
fn folder(name: &str) -> (Folder, [String; 4]) {
    let folder = Folder::new(name);
    folder.write("manifests/m.yaml", MANIFESTS);
    folder.write("wrong/m.yaml", &fs::read_to_string(file("tests/manifests/broken.yaml")).unwrap());
    let case = |expect: &str| {
        format!("- {{page: https://a.example, fetch: GET https://api.example/open, expect: {expect}}}\n")
    };
    let passes = folder.write("passes.yaml", &format!("manifests: [manifests]\ncases:\n{}", case("readable")));
    let fails =
        format!("manifests: [manifests/m.yaml]\ncases:\n- name: \"<&\\\"'>\\x01\\uFFFE\"\n  {}", &case("blocked")[3..]);
    let fails =
        fails.replace("page: https://a.example, ", "page: https://a.example\n  ").replace(", expect", "\n  expect");
    let fails = folder.write("fails.yaml", &fails.replace('}', ""));
    let wrong = folder.write("wrong.yaml", &format!("manifests: [wrong]\ncases:\n{}", case("readable")));
    let missing = folder.path().join("missing.yaml").display().to_string();
    (folder, [passes, fails, wrong, missing])
}

#[test]
fn the_exit_code_says_whether_cases_fail_and_whether_files_can_be_read() {
    let (_folder, [passes, fails, wrong, missing]) = folder("cases-exit");
    let rows = [
        (&[&passes][..], 0, "1 case, 0 failed"),
        (&[&passes, &fails], 1, "2 cases, 1 failed"),
        (&[&wrong], 2, "0 cases, 0 failed, 1 file can't be read"),
        // What can be read is run all the same.
        (&[&missing, &fails, &wrong, &passes], 2, "2 cases, 1 failed, 2 files can't be read"),
    ];
    for (files, code, last) in rows {
        let arguments: Vec<_> = ["test"].into_iter().chain(files.iter().map(|file| file.as_str())).collect();
        let output = run(&arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!((output.status.code(), text.lines().last()), (Some(code), Some(last)), "{text}");
    }
    let output = run(&["test", &wrong]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("/wrong/m.yaml:12:17: ") && text.contains("12 |         maxAge: 24h\n"), "{text}");
    for arguments in [&["test"][..], &["test", "--deny", "info", &passes], &["test", &passes, "--junit"]] {
        assert_eq!(run(arguments).status.code(), Some(2), "{arguments:?}");
    }
    let unwritable = run(&["test", &passes, "--junit", "/missing/report.xml"]);
    assert_eq!(unwritable.status.code(), Some(2));
}

#[test]
fn a_program_gets_json() {
    let (_folder, [passes, fails, wrong, _]) = folder("cases-json");
    let output = run(&["test", "--json", &passes, &fails, &wrong]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!([&report["passed"], &report["failed"], &report["unreadable"]], [1, 1, 1]);
    let files = report["files"].as_array().unwrap();
    let case = &files[0]["cases"][0];
    assert_eq!(
        (&case["name"], &case["why"]),
        (&"GET https://api.example/open from https://a.example".into(), &json!([]))
    );
    assert_eq!([&case["file"], &case["line"], &case["column"]], [&json!(passes), &json!(3), &json!(3)]);
    let case = &files[1]["cases"][0];
    assert_eq!([&case["passed"], &case["hidden"]], [&json!(false), &json!([])]);
    assert_eq!([&case["expected"], &case["ending"]], ["blocked", "readable"]);
    assert!(case["why"][0].as_str().unwrap().starts_with("decision: answered by the backend"), "{case}");
    assert_eq!(case["explanation"]["browser"]["readable"], true);
    let error = &files[2]["errors"][1];
    assert_eq!([&error["code"], &error["suggestion"]], ["wrong-type", "86400"]);
    assert_eq!([&error["line"], &error["column"]], [12, 17]);
}

#[test]
fn a_report_in_junits_xml_holds_every_case_whatever_it_is_called() {
    let (folder, [passes, fails, wrong, _]) = folder("cases-junit");
    let path = folder.path().join("report.xml").display().to_string();
    assert_eq!(run(&["test", &passes, &fails, &wrong, "--junit", &path]).status.code(), Some(2));
    let xml = fs::read_to_string(&path).unwrap();
    let mut reader = Reader::from_str(&xml);
    let (mut elements, mut texts) = (Vec::new(), Vec::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) | Event::Empty(element) => {
                let attributes = element.attributes().map(|attribute| {
                    let attribute = attribute.unwrap();
                    let value =
                        attribute.decoded_and_normalized_value(quick_xml::XmlVersion::Implicit1_0, reader.decoder());
                    format!("{}={}", String::from_utf8_lossy(attribute.key.as_ref()), value.unwrap())
                });
                let attributes: Vec<_> = attributes.filter(|text| !text.starts_with("file=")).collect();
                elements.push(format!("{} {}", String::from_utf8_lossy(element.name().as_ref()), attributes.join(" ")));
            }
            Event::Text(text) => texts.push(text.decode().unwrap().into_owned()),
            Event::Eof => break,
            _ => {}
        }
    }
    let broken = folder.path().join("wrong/m.yaml").display().to_string();
    let message =
        "spec.rules[0].filters[0].cors.allowOrigins[0]: \"app.example\" has no scheme; write \"https://app.example\"";
    assert_eq!(
        elements,
        [
            "testsuites name=gateway test tests=3 failures=1 errors=1".to_owned(),
            format!("testsuite name={passes} tests=1 failures=0 errors=0 skipped=0"),
            format!("testcase name=GET https://api.example/open from https://a.example classname={passes} line=3"),
            format!("testsuite name={fails} tests=1 failures=1 errors=0 skipped=0"),
            format!("testcase name=<&\"'>\u{fffd}\u{fffd} classname={fails} line=3"),
            "failure message=ends readable".to_owned(),
            format!("testsuite name={wrong} tests=1 failures=0 errors=1 skipped=0"),
            format!("testcase name={wrong} classname={wrong}"),
            format!("error message={broken}:11:25: {message}"),
        ]
    );
    let texts = texts.concat();
    assert!(texts.contains("  expected: blocked\n  happens: readable\n") && texts.contains("maxAge: 24h"), "{texts}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// What is read is run, and nothing of it ends the program; what is not is said with its place.
    #[test]
    fn whatever_a_file_holds_it_is_run_or_refused_with_its_place(
        at in 0..600usize,
        length in 0..20usize,
        put in "[a-z0-9:{}\\[\\]'\"*&#, \n\t/.-]{0,12}|null|https://|\u{0}|\u{e9}",
    ) {
        let mut text = fs::read_to_string(file("examples/testing/cases.yaml")).unwrap();
        let (at, end) = (at.min(text.len()), (at + length).min(text.len()));
        text.replace_range(at..end, &put);
        match Cases::read("c.yaml", &text) {
            Ok(cases) => prop_assert!(cases.run(&routes()).iter().all(|result| !result.to_string().is_empty())),
            Err(errors) => prop_assert!(errors.iter().all(|error| error.to_string().starts_with("c.yaml:")), "{errors}"),
        }
    }
}
