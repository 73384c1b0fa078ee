//! The example `playground`, from the outside: what its page's server says about a scenario, what the API under test
//! records, and what neither lets in. The page itself is driven by a browser in `tests/browser`.

#[path = "../../examples/playground/main.rs"]
#[allow(dead_code, reason = "a program's main is not called")]
mod example;

/// What the snippets below are held against is compiled, so a snippet that does not compile is noticed.
#[allow(dead_code, reason = "they are there to compile")]
mod snippets {
    mod one {
        include!("playground/one.txt");
    }
    mod merged {
        include!("playground/merged.txt");
    }
}

use axum::{Router, body::Body};
use example::Playground;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use tower_cors::{
    explain::{CaseResult, Cases, Ending},
    manifest::Manifests,
};

const PAGE: &str = "http://localhost:3000";

fn playground() -> Playground {
    Playground::new(3000, 3001)
}

/// A scenario with one policy, under the profile `Strict`.
fn scenario(yaml: &str) -> Value {
    json!({
        "profile": "strict",
        "strategy": "inherit",
        "preference": "child",
        "settings": [{"kind": "policy", "yaml": yaml}, {"kind": "off", "yaml": ""}],
        "backend": {"status": 200, "headers": [["x-id", "7"]], "body": "hello"},
    })
}

fn asked(method: &str) -> Value {
    json!({"origin": PAGE, "method": method, "headers": [], "credentials": false})
}

async fn send(router: &Router, request: http::request::Builder, body: impl Into<Body>) -> (StatusCode, String) {
    let response = router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// A question of the page.
async fn post(playground: &Playground, path: &str, body: &Value) -> (StatusCode, Value) {
    let request = Request::post(path)
        .header("host", "localhost:3000")
        .header("origin", PAGE)
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/json");
    let (status, text) = send(&playground.page, request, body.to_string()).await;
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

async fn read(scenario: Value) -> Value {
    let (status, answer) = post(&playground(), "/read", &json!({"scenario": scenario, "asked": asked("PUT")})).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

/// Path, code and message of each problem of the first setting.
fn problems(answer: &Value) -> Vec<[&str; 3]> {
    let problems = answer["settings"][0]["problems"].as_array().unwrap();
    problems.iter().map(|problem| ["path", "code", "message"].map(|name| problem[name].as_str().unwrap())).collect()
}

/// Entries that mean something else in YAML when they are not quoted.
const ODD: [&str; 9] = ["https://a.example", "*", "a: b", "- a", "true", "5", "a #b", " a ", "a\n\"b\"\\"];

#[tokio::test]
async fn what_the_form_holds_is_printed_and_what_is_written_is_read() {
    let mut given = scenario("");
    given["settings"][0]["policy"] =
        json!({"maxAge": 600, "allowMethods": [], "allowOrigins": ODD, "allowCredentials": false});
    let answer = read(given).await;
    let yaml = answer["settings"][0]["yaml"].as_str().unwrap();
    let fields: Vec<_> = yaml.lines().filter(|line| !line.starts_with('-')).collect();
    assert_eq!(fields, ["allowOrigins:", "allowCredentials: false", "allowMethods: []", "maxAge: 600"]);
    assert!(yaml.contains("\n- https://a.example\n"), "what needs no quotes has none: {yaml}");

    let again = read(scenario(yaml)).await;
    let policy = json!({"allowOrigins": ODD, "allowCredentials": false, "allowMethods": [], "maxAge": 600});
    assert_eq!((&again["settings"][0]["policy"], &again["settings"][0]["yaml"]), (&policy, &yaml.into()));
    assert_eq!(read(scenario("# nothing yet\n")).await["settings"][0]["policy"], json!({}));
}

#[tokio::test]
async fn a_violation_stands_at_its_field_with_the_text_that_mends_it() {
    let answer = read(scenario("allowOrigins:\n- https://a.example\n- app.example\nmaxAge: 5\n")).await;
    let expected = ["allowOrigins[1]", "origin-scheme", "\"app.example\" has no scheme; write \"https://app.example\""];
    assert_eq!(problems(&answer), [expected]);
    let fixed = answer["settings"][0]["problems"][0]["fixed"].as_str().unwrap();
    let mended = read(scenario(fixed)).await;
    assert_eq!(problems(&mended), [[""; 3]; 0]);
    let policy = json!({"allowOrigins": ["https://a.example", "https://app.example"], "maxAge": 5});
    assert_eq!(mended["settings"][0]["policy"], policy);
}

#[tokio::test]
async fn what_is_of_the_wrong_type_is_reported_and_mended_in_the_text() {
    // The comment shows that the text is mended, and not printed anew.
    let text = "# mine\nallowOrigin:\n- https://a.example\nmaxAge: \"24h\"\n";
    let answer = read(scenario(text)).await;
    assert_eq!(answer["settings"][0]["policy"], Value::Null);
    let field = ["allowOrigin", "unknown-field", "is not a field of this resource; did you mean \"allowOrigins\"?"];
    let age = ["maxAge", "wrong-type", "\"24h\" is not a whole number of seconds; did you mean 86400?"];
    assert_eq!(problems(&answer), [field, age]);
    let fixed = |at: usize| answer["settings"][0]["problems"][at]["fixed"].as_str().unwrap();
    assert_eq!(fixed(0), "# mine\nallowOrigins:\n- https://a.example\nmaxAge: \"24h\"\n");
    assert_eq!(fixed(1), "# mine\nallowOrigin:\n- https://a.example\nmaxAge: 86400\n");
}

#[tokio::test]
async fn what_is_no_yaml_names_its_line() {
    let answer = read(scenario("maxAge: 5\nallowOrigins: [https://a.example\n")).await;
    let [[path, code, message]] = problems(&answer)[..] else { panic!("{answer}") };
    assert_eq!((path, code), ("", "syntax"));
    assert!(message.contains("line 2") || message.contains("line 3"), "{message}");
    assert_eq!((&answer["rust"], &answer["effective"]["is"]), (&Value::Null, &"broken".into()));
}

#[tokio::test]
async fn what_stands_around_a_policy_is_left_out() {
    let policy = "# mine\nallowOrigins:\n- https://a.example\nmaxAge: 5\n";
    let below = |head: &str, indent: &str| {
        format!("{head}{}", policy.lines().map(|line| format!("{indent}{line}\n")).collect::<String>())
    };
    let route = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\nspec:\n  rules:\n  - filters:\n";
    let wrapped = [
        below("cors:\n", "  "),
        below("- type: CORS\n  cors:\n", "    "),
        below(&format!("{route}    - type: CORS\n      cors:\n"), "        ")
            + "    backendRefs: [{name: b}]\n---\nkind: Secret\n",
    ];
    for text in wrapped {
        let answer = read(scenario(&text)).await;
        let setting = &answer["settings"][0];
        assert_eq!((&setting["unwrapped"], &setting["yaml"]), (&policy.into(), &text.as_str().into()));
        assert_eq!(setting["policy"], json!({"allowOrigins": ["https://a.example"], "maxAge": 5}), "{text}");
    }
    let answer = read(scenario("cors: {allowOrigins: [app.example]}\n")).await;
    assert_eq!(problems(&answer)[0][..2], ["allowOrigins[0]", "origin-scheme"]);
    assert_eq!(read(scenario(policy)).await["settings"][0]["unwrapped"], Value::Null);
}

#[tokio::test]
async fn a_text_is_no_number_and_no_truth_as_in_a_manifest() {
    let answer =
        read(scenario("allowCredentials: \"true\"\nallowMethods: [5]\nallowOrigins: []\nallowOrigins: []\n")).await;
    let expected = [
        ["allowCredentials", "wrong-type", "\"true\" is not true or false; did you mean true?"],
        ["allowMethods[0]", "wrong-type", "\"5\" is not a string"],
        ["allowOrigins", "duplicate", "is written twice"],
    ];
    assert_eq!(problems(&answer), expected);
}

#[tokio::test]
async fn a_repair_that_is_certain_is_offered() {
    let rows = [
        ("allowMethods: ['GET, PUT']\n", "allowMethods:\n- GET\n- PUT\n"),
        ("allowOrigins: [https://a.example, https://a.example]\n", "allowOrigins:\n- https://a.example\n"),
        ("allowOrigins: [self]\n", "allowOrigins: []\n"),
        ("allowHeaders: ['', x-a]\n", "allowHeaders:\n- x-a\n"),
    ];
    for (text, mended) in rows {
        let answer = read(scenario(text)).await;
        assert_eq!(answer["settings"][0]["problems"][0]["fixed"], mended, "{text}");
    }
    let answer = read(scenario("allowOrigins: ['*']\nallowCredentials: true\n")).await;
    assert_eq!(answer["settings"][0]["problems"][0]["fixed"], Value::Null, "two ways out are none that is certain");
}

#[tokio::test]
async fn an_answer_from_outside_of_the_layer_passes_it_by() {
    let playground = playground();
    let mut given = scenario("allowOrigins: [http://localhost:3000]\n");
    given["backend"] = json!({"status": 401, "headers": [], "body": "who are you?", "outside": true});
    assert_eq!(read(given.clone()).await["prediction"], Value::Null);
    let (_, begun) = post(&playground, "/exchanges", &given).await;
    let path = begun["path"].as_str().unwrap();
    let get = Request::get(path).header("origin", PAGE);
    assert_eq!(send(&playground.api, get, "").await, (StatusCode::UNAUTHORIZED, "who are you?".to_owned()));
    let body = json!({"asked": asked("GET"), "got": {"readable": false, "headers": []}});
    let (_, report) = post(&playground, &format!("/exchanges/{}/report", begun["number"]), &body).await;
    assert_eq!((&report["outside"], &report["request"]["said"]), (&true.into(), &Value::Null));
    let verdict = &report["verdict"];
    assert_eq!(verdict["wayOut"], "put the layer outside of what answers, so that this answer passes it too");
    assert_eq!(verdict["console"], "No 'Access-Control-Allow-Origin' header is present on the requested resource.");
}

#[tokio::test]
async fn a_lint_comes_with_its_page() {
    let answer = read(scenario("allowOrigins: [http://a.example]\nallowCredentials: true\n")).await;
    let lint = &answer["settings"][0]["lints"][0];
    assert_eq!((&lint["code"], &lint["severity"]), (&"credentials-over-http".into(), &"warning".into()));
    assert!(lint["about"].as_str().unwrap().starts_with("Warning. An `http://` origin"), "{lint}");
}

#[tokio::test]
async fn the_effective_policy_says_where_each_field_came_from() {
    let mut given = scenario("allowMethods: [PUT]\nallowOrigins: ['*']\n");
    given["settings"][1] = json!({"kind": "ceiling", "yaml": "allowOrigins: [https://a.example]\nmaxAge: 600\n"});
    let answer = read(given.clone()).await;
    let fields = answer["effective"]["fields"].as_array().unwrap();
    let of = |name: &str| fields.iter().find(|field| field["field"] == name).unwrap().clone();
    let origins = json!({"field": "allowOrigins", "value": ["https://a.example"], "from": ["the route"],
        "narrowedBy": ["the gateway"]});
    assert_eq!(of("allowOrigins"), origins);
    let methods = json!({"field": "allowMethods", "value": ["PUT"], "from": ["the route"], "narrowedBy": []});
    assert_eq!(of("allowMethods"), methods);
    assert_eq!(of("maxAge")["value"], Value::Null);

    given["settings"][1]["kind"] = "policy".into();
    let inherited = read(given).await;
    let age = &inherited["effective"]["fields"][5];
    assert_eq!((&age["value"], &age["from"]), (&600.into(), &json!(["the gateway"])));
}

#[tokio::test]
async fn two_valid_halves_of_an_invalid_whole_are_both_named() {
    let mut given = scenario("allowOrigins: ['*']\n");
    given["settings"][1] = json!({"kind": "policy", "yaml": "allowCredentials: true\n"});
    let answer = read(given.clone()).await;
    assert_eq!(answer["effective"]["is"], "invalid");
    let message = answer["effective"]["problems"][0]["message"].as_str().unwrap();
    assert!(
        message.ends_with("; merged from allowOrigins of the route and allowCredentials of the gateway"),
        "{message}"
    );
    let (status, _) = post(&playground(), "/exchanges", &given).await;
    assert_eq!(status, 422);
}

#[tokio::test]
async fn what_is_expected_is_said_before_anything_is_sent() {
    let answer = read(scenario("allowOrigins: [http://localhost:3000]\n")).await;
    let verdict = &answer["prediction"]["browser"];
    assert_eq!((&verdict["readable"], &verdict["code"]), (&false.into(), &"preflight-method".into()));
    assert_eq!(read(scenario("allowOrigins: [app]")).await["prediction"], Value::Null);
}

/// Serves a scenario with this policy. Returns the path that it has, and the path of its report.
async fn begin(playground: &Playground, policy: &str) -> (String, String) {
    let (status, begun) = post(playground, "/exchanges", &scenario(policy)).await;
    let number = begun["number"].as_u64().unwrap();
    assert_eq!((status, &begun["path"]), (StatusCode::OK, &format!("/{number}/hello").into()));
    (format!("/{number}/hello"), format!("/exchanges/{number}/report"))
}

#[tokio::test]
async fn an_exchange_records_what_came_and_compares_it_with_what_the_browser_did() {
    let playground = playground();
    let policy = "allowOrigins: [http://localhost:3000]\nallowMethods: [PUT]\nexposeHeaders: [X-Id]\n";
    let (path, report_of) = begin(&playground, policy).await;
    let preflight = Request::options(&path).header("origin", PAGE).header("access-control-request-method", "PUT");
    assert_eq!(send(&playground.api, preflight, "").await, (StatusCode::OK, String::new()));
    let put = Request::put(&path).header("origin", PAGE);
    assert_eq!(send(&playground.api, put, "").await, (StatusCode::OK, "hello".to_owned()));

    let got = |readable: bool, headers: &[&str]| {
        let got = json!({"readable": readable, "headers": headers});
        json!({"asked": asked("PUT"), "got": got})
    };
    let (_, report) = post(&playground, &report_of, &got(true, &["x-id", "date"])).await;
    assert_eq!(report["agrees"], true, "{report}");
    let said = json!({"outcome": "preflight-allowed", "reason": "origin-allowed",
        "sentence": "the policy allows the origin"});
    assert_eq!((&report["preflight"]["said"], &report["preflight"]["reachedBackend"]), (&said, &false.into()));
    assert_eq!((&report["request"]["method"], &report["request"]["reachedBackend"]), (&"PUT".into(), &true.into()));
    let shown = json!(["x-id"]);
    assert_eq!(report["verdict"]["shown"], shown);

    let (_, report) = post(&playground, &report_of, &got(true, &[])).await;
    let headers = json!({"about": "the headers that it sees", "model": "x-id", "browser": "none"});
    assert_eq!((&report["agrees"], &report["comparison"][3]), (&false.into(), &headers));
    let (_, report) = post(&playground, &report_of, &got(false, &[])).await;
    assert_eq!(report["agrees"], false, "a browser that blocks this differs from the model");
}

#[tokio::test]
async fn a_denied_preflight_says_what_would_allow_it() {
    let playground = playground();
    let (path, report_of) = begin(&playground, "allowOrigins: [http://localhost:3000]\n").await;
    let preflight = Request::options(&path).header("origin", PAGE).header("access-control-request-method", "DELETE");
    send(&playground.api, preflight, "").await;
    let body = json!({"asked": asked("DELETE"), "got": {"readable": false, "headers": []}});
    let (_, report) = post(&playground, &report_of, &body).await;
    let sentence = "the policy allows the origin, but not the method: \"DELETE\"; add \"DELETE\" to allowMethods";
    assert_eq!(report["preflight"]["said"]["sentence"], sentence);
    assert_eq!((&report["request"], &report["agrees"]), (&Value::Null, &true.into()));
    assert_eq!(report["verdict"]["message"], "CORS-preflight fetch: the method DELETE is not allowed");
}

#[tokio::test]
async fn the_oldest_exchange_makes_room() {
    let playground = playground();
    let mut paths = Vec::new();
    for _ in 0..=64 {
        paths.push(begin(&playground, "allowOrigins: ['*']\n").await.0);
    }
    assert_eq!(send(&playground.api, Request::get(&paths[0]), "").await.0, StatusCode::GONE);
    assert_eq!(send(&playground.api, Request::get(&paths[1]), "").await.0, StatusCode::OK);
}

#[tokio::test]
async fn an_exchange_keeps_no_more_than_it_shows() {
    let playground = playground();
    let (path, report_of) = begin(&playground, "allowOrigins: ['*']\n").await;
    let body = json!({"asked": asked("GET"), "got": {"readable": true, "headers": []}});
    let long = Request::get(&path).header("origin", PAGE).header("x-long", "x".repeat(16 << 10));
    assert_eq!(send(&playground.api, long, "").await.0, StatusCode::OK, "it is served all the same");
    assert_eq!(post(&playground, &report_of, &body).await.1["request"], Value::Null);
    send(&playground.api, Request::get(&path).header("origin", PAGE), "").await;
    assert_eq!(post(&playground, &report_of, &body).await.1["request"]["status"], 200);
}

#[tokio::test]
async fn a_snippet_is_code_that_compiles_and_a_manifest_that_loads() {
    let policy = "allowOrigins: [https://a.example]\nallowHeaders: []\nmaxAge: 600\n";
    let answer = read(scenario(policy)).await;
    assert_eq!(answer["rust"], include_str!("playground/one.txt"));
    assert_eq!(answer["manifestRefusal"], Value::Null);
    let manifest = answer["manifest"].as_str().unwrap();
    let loaded = tower_cors::manifest::Manifests::new().read("snippet.yaml", manifest).build().unwrap();
    assert_eq!(loaded.table().ambiguous_rules().count(), 0);

    let mut given = scenario(policy);
    given["profile"] = "gateway-api".into();
    given["preference"] = "parent".into();
    given["settings"][1] = json!({"kind": "ceiling", "yaml": "allowOrigins: [https://*.example]\n"});
    assert_eq!(read(given).await["rust"], include_str!("playground/merged.txt"));
}

#[tokio::test]
async fn a_manifest_that_the_library_would_refuse_says_why() {
    let answer = read(scenario("allowOrigins: ['tauri://localhost']\n")).await;
    let refusal = answer["manifestRefusal"].as_str().unwrap();
    assert!(refusal.contains("has a scheme other than http and https"), "{refusal}");
}

#[tokio::test]
async fn other_sites_are_refused_whatever_name_they_use() {
    let page = playground().page;
    let question = || Request::post("/read").header("content-type", "application/json");
    let foreign = question().header("host", "localhost:3000").header("origin", "http://localhost:3001");
    assert_eq!(send(&page, foreign, "{}").await.0, StatusCode::FORBIDDEN);
    let rebound = question().header("host", "evil.example:3000").header("origin", "http://evil.example:3000");
    assert_eq!(send(&page, rebound, "{}").await.0, StatusCode::FORBIDDEN);
    let own = question().header("host", "a.localhost:3000").header("origin", "http://a.localhost:3000");
    assert_eq!(send(&page, own, "{}").await.0, StatusCode::UNPROCESSABLE_ENTITY, "only the body is wrong");

    let index = Request::get("/").header("host", "localhost:3000").body(Body::empty()).unwrap();
    let response = page.oneshot(index).await.unwrap();
    assert!(!response.headers().keys().any(|name| name.as_str().starts_with("access-control-")));
    let policy = response.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; "), "{policy}");
}

#[tokio::test]
async fn what_is_too_long_or_no_answer_is_refused() {
    let playground = playground();
    let (status, _) = post(&playground, "/exchanges", &scenario(&"#".repeat(256 << 10))).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let rows = [
        (json!({"status": 100, "headers": [], "body": ""}), "100 is not a status from 200 to 599"),
        (
            json!({"status": 200, "headers": [["content-length", "9"]], "body": ""}),
            "content-length is for the server to set",
        ),
        (json!({"status": 200, "headers": [["a b", "c"]], "body": ""}), "\"a b\" is not a header name"),
        (json!({"status": 200, "headers": [["a", "b\nc"]], "body": ""}), "\"b\nc\" is not the value of a header"),
        (json!({"status": 200, "headers": [], "body": "x".repeat(4097)}), "the body is longer than 4096 bytes"),
    ];
    for (backend, message) in rows {
        let mut given = scenario("");
        given["backend"] = backend;
        let (status, answer) = post(&playground, "/exchanges", &given).await;
        assert_eq!((status, &answer["message"]), (StatusCode::UNPROCESSABLE_ENTITY, &message.into()));
    }
}

#[tokio::test]
async fn what_a_permalink_answers_is_confined_whatever_it_says() {
    let playground = playground();
    let mut scenario = scenario("allowOrigins: [https://app.example]");
    scenario["backend"]["headers"] = json!([
        ["content-type", "text/html"],
        ["set-cookie", "a=1"],
        ["content-security-policy", "default-src *"],
        ["x-content-type-options", "none"],
        ["clear-site-data", "\"*\""],
    ]);
    scenario["backend"]["body"] = json!("<script>alert(1)</script>");
    let (status, begun) = post(&playground, "/exchanges", &scenario).await;
    assert_eq!(status, 200, "{begun}");
    let (_, again) = post(&playground, "/exchanges", &scenario).await;
    let numbers = [&begun, &again].map(|begun| begun["number"].as_u64().unwrap());
    assert!(numbers[0].abs_diff(numbers[1]) > 1 << 20, "a number can be guessed: {numbers:?}");
    let request = Request::get(begun["path"].as_str().unwrap()).body(Body::empty()).unwrap();
    let response = playground.api.clone().oneshot(request).await.unwrap();
    let header =
        |name: &str| response.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(header("content-security-policy"), ["sandbox"]);
    assert_eq!(header("x-content-type-options"), ["nosniff"]);
    assert!(header("set-cookie").is_empty() && header("clear-site-data").is_empty());
}

/// A manifest with two rules, and a request for the first of them.
fn manifest(url: &str, page: &str) -> Value {
    let text = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: api}\nspec:\n  hostnames: [api.example]\n  \
                rules:\n  - matches: [{path: {value: /v1}}]\n    filters:\n    - type: CORS\n      cors: {allowOrigins: \
                [https://app.example], allowMethods: [PUT], exposeHeaders: [X-Id]}\n  - matches: [{path: {value: /v2}, method: PUT}]\n";
    let mut given = scenario("");
    given["manifest"] = json!({"text": text, "url": url, "page": page});
    given
}

#[tokio::test]
async fn a_whole_manifest_has_rules_to_choose_from_and_the_policy_of_what_the_url_reaches() {
    let answer = read(manifest("https://api.example/v1/a", "https://app.example")).await;
    let given = &answer["given"];
    assert_eq!((&given["problems"], &given["reached"]), (&json!([]), &json!(0)));
    let rule = |name: &str, matched: &str, url: &str, has_policy: bool, method: Value| json!({"name": name, "matched": matched, "url": url, "hasPolicy": has_policy, "method": method, "page": "https://app.example"});
    let rules = [
        rule("default/api rule 0", "path prefix /v1", "https://api.example/v1", true, Value::Null),
        rule("default/api rule 1", "path prefix /v2, method PUT", "https://api.example/v2", false, "PUT".into()),
    ];
    assert_eq!(given["rules"], json!(rules));
    let origins = &answer["effective"]["fields"][0];
    let label = "HTTPRoute default/api rule 0";
    assert_eq!((&origins["value"], &origins["from"]), (&json!(["https://app.example"]), &json!([label])));
    assert_eq!(answer["prediction"]["browser"]["readable"], true);
    assert_eq!(answer["prediction"]["origin"], "https://app.example");

    let other = read(manifest("https://api.example/v3", "https://app.example")).await;
    assert_eq!((&other["given"]["reached"], &other["effective"]["is"]), (&Value::Null, &json!("none")));
    let wrong = read(manifest("api.example", "https://app.example")).await;
    assert_eq!(wrong["given"]["urlProblem"], "not of the form https://HOST/PATH");
    let mut broken = manifest("https://api.example/v1", "https://app.example");
    broken["manifest"]["text"] = broken["manifest"]["text"].as_str().unwrap().replace("https://app", "app").into();
    let broken = read(broken).await;
    let problem = broken["given"]["problems"][0].as_str().unwrap();
    assert!(problem.starts_with("manifest.yaml:10:29: spec.rules[0].filters[0].cors.allowOrigins[0]"), "{problem}");
    assert_eq!((&broken["effective"]["is"], &broken["case"]), (&json!("broken"), &Value::Null));
}

/// What is copied passes in `gateway test`, be the end what it may.
#[tokio::test]
async fn a_case_that_is_taken_along_holds_under_the_manifest() {
    let with = |url: &str, page: &str, asked: Value| json!({"scenario": manifest(url, page), "asked": asked});
    let asked = |method: &str, headers: Value, credentials: bool| json!({"origin": PAGE, "method": method, "headers": headers, "credentials": credentials});
    let rows = [
        (with("https://api.example/v1", "https://app.example", asked("PUT", json!([]), false)), "readable"),
        (
            with("https://api.example/v1", "https://app.example", asked("POST", json!([["x-trace", "a: #b"]]), false)),
            "{blocked: preflight-header}",
        ),
        (
            with("https://api.example/v1", "https://evil.example", asked("GET", json!([]), false)),
            "{blocked: no-allow-origin}",
        ),
        (with("https://api.example/v3", "https://app.example", asked("GET", json!([]), false)), "not-served"),
    ];
    for (body, expected) in rows {
        let (_, answer) = post(&playground(), "/read", &body).await;
        let case = answer["case"].as_str().unwrap();
        assert!(case.ends_with(&format!("  expect: {expected}\n")), "{case}");
        let cases = Cases::read("cases.yaml", case).unwrap_or_else(|errors| panic!("{errors:#}\n{case}"));
        let text = body["scenario"]["manifest"]["text"].as_str().unwrap();
        let results = cases.run(&Manifests::new().read("manifest.yaml", text).build().unwrap());
        assert!(results.iter().all(CaseResult::passed), "{case}\n{}", results[0]);
    }
    // Two levels make a manifest, under which their case holds.
    let answer = read(scenario("allowOrigins: [http://localhost:3000]\nallowMethods: [PUT]\n")).await;
    let cases = Cases::read("cases.yaml", answer["case"].as_str().unwrap()).unwrap();
    let manifest = answer["manifest"].as_str().unwrap();
    let results = cases.run(&Manifests::new().read("hello.yaml", manifest).build().unwrap());
    assert!(results[0].passed() && results[0].ending() == Ending::Readable, "{}", results[0]);
}

#[tokio::test]
async fn a_page_stands_for_another_origin_under_a_manifest() {
    let playground = playground();
    for (page, allowed) in [("https://app.example", Some(PAGE)), ("https://evil.example", None)] {
        let (status, begun) = post(&playground, "/exchanges", &manifest("https://api.example/v1", page)).await;
        assert_eq!(status, 200, "{begun}");
        let put = Request::put(begun["path"].as_str().unwrap()).header("origin", PAGE).body(Body::empty()).unwrap();
        let response = playground.api.clone().oneshot(put).await.unwrap();
        let found =
            response.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(found.as_deref(), allowed, "{page}");
    }
    let (_, begun) = post(&playground, "/exchanges", &manifest("https://api.example/v3", "https://app.example")).await;
    let get = Request::get(begun["path"].as_str().unwrap()).header("origin", PAGE);
    assert_eq!(send(&playground.api, get, "").await.0, StatusCode::NOT_FOUND, "no route takes it");
    let (status, _) = post(&playground, "/exchanges", &manifest("nowhere", "https://app.example")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
}
