//! The example `gateway` as a process, over raw sockets: the documented scenario word for word, and how it behaves as a
//! proxy.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
};

use crate::process::{Gateway, PATIENCE, Response, file, nobody, run};

const HOST: (&str, &str) = ("host", "cors.example:8080");
const DOCUMENTED: (&str, &str) = ("Origin", "https://example.com/");
const BROWSER: (&str, &str) = ("Origin", "https://example.com");
const DENIED: (&str, &str) = ("Origin", "https://notallowed.com/");
const METHOD: (&str, &str) = ("Access-Control-Request-Method", "POST");
const HEADERS: (&str, &str) = ("Access-Control-Request-Headers", "Origin");

fn preflight(gateway: &Gateway, origin: (&str, &str)) -> Response {
    gateway.send("OPTIONS", "/get", &[HOST, origin, METHOD, HEADERS])
}

#[test]
fn the_documented_scenario_of_the_traffic_policy() {
    let manifest = file("examples/manifests/trafficpolicy-cors.yaml");
    // Without a manifest the same one is served.
    for arguments in [vec![], vec![manifest.as_str()]] {
        let gateway = Gateway::start(&arguments);
        for (origin, value) in [(DOCUMENTED, "https://example.com/"), (BROWSER, "https://example.com")] {
            let response = preflight(&gateway, origin);
            assert_eq!(response.line, "HTTP/1.1 200 OK");
            let expected = [
                ("access-control-allow-credentials", "true"),
                ("access-control-allow-headers", "Origin, Authorization, Content-Type"),
                ("access-control-allow-methods", "GET, POST, OPTIONS"),
                ("access-control-allow-origin", value),
                ("access-control-expose-headers", "Origin, X-TrafficPolicy-Header"),
                ("access-control-max-age", "86400"),
            ];
            assert_eq!(response.cors_headers(), expected);
            assert_eq!(response.header("content-length"), Some("0"));
            let actual = gateway.send("GET", "/headers", &[HOST, origin, ("Access-Control-Request-Method", "GET")]);
            let expected = [
                ("access-control-allow-credentials", "true"),
                ("access-control-allow-origin", value),
                ("access-control-expose-headers", "Origin, X-TrafficPolicy-Header"),
            ];
            assert_eq!((actual.status(), actual.cors_headers()), (200, expected.to_vec()));
            assert_eq!(actual.header("vary"), Some("Origin"));
        }
    }
}

#[test]
fn the_documented_scenario_of_the_http_route() {
    let gateway = Gateway::start(&[&file("examples/manifests/httproute-cors.yaml")]);
    for (origin, value) in [(DOCUMENTED, "https://example.com/"), (BROWSER, "https://example.com")] {
        let response = preflight(&gateway, origin);
        assert_eq!(response.line, "HTTP/1.1 200 OK");
        let expected = [
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-headers", "Origin"),
            ("access-control-allow-methods", "GET, POST, OPTIONS"),
            ("access-control-allow-origin", value),
            ("access-control-expose-headers", "Origin, X-HTTPRoute-Header"),
            ("access-control-max-age", "86400"),
        ];
        assert_eq!(response.cors_headers(), expected);
        assert_eq!(response.header("content-length"), Some("0"));
    }
}

#[test]
fn an_origin_that_is_not_allowed_gets_nothing_of_the_policy() {
    for manifest in ["examples/manifests/trafficpolicy-cors.yaml", "examples/manifests/httproute-cors.yaml"] {
        let gateway = Gateway::start(&[&file(manifest)]);
        let response = preflight(&gateway, DENIED);
        assert_eq!((response.status(), response.cors_headers()), (200, vec![]));
        assert_eq!(response.header("content-length"), Some("0"));
        let response = gateway.send("GET", "/headers", &[HOST, DENIED]);
        assert_eq!((response.status(), response.cors_headers()), (200, vec![]), "the echo's own headers are removed");
        assert!(response.text().contains("\"origin\": \"https://notallowed.com/\""), "{}", response.text());
    }
}

#[test]
fn unmatched_preflights_are_forwarded_where_the_flag_says_so() {
    let gateway = Gateway::start(&["--forward-unmatched-preflights"]);
    let response = preflight(&gateway, DENIED);
    let expected = [
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-headers", "Origin"),
        ("access-control-allow-methods", "GET, POST, PUT, DELETE, PATCH, OPTIONS"),
        ("access-control-allow-origin", "https://notallowed.com/"),
        ("access-control-max-age", "3600"),
    ];
    assert_eq!((response.status(), response.cors_headers()), (200, expected.to_vec()));
    assert!(response.text().contains("\"method\": \"OPTIONS\""));
    assert_eq!(preflight(&gateway, BROWSER).header("access-control-max-age"), Some("86400"), "the policy's own answer");
}

/// 3.5
#[test]
fn several_origin_lines_match_nothing() {
    for arguments in [&[][..], &["--forward-unmatched-preflights"]] {
        let gateway = Gateway::start(arguments);
        let response = gateway.send("OPTIONS", "/get", &[HOST, BROWSER, DENIED, METHOD]);
        assert_eq!((response.status(), response.cors_headers(), response.text()), (200, vec![], String::new()));
        let response = gateway.send("GET", "/get", &[HOST, BROWSER, BROWSER]);
        assert_eq!((response.status(), response.cors_headers()), (200, vec![]));
    }
}

/// 8.2, 8.3
#[test]
fn nobody_reaches_a_backend_with_the_consent_of_another_rule() {
    let gateway = Gateway::start(&[&file("tests/manifests/held.yaml")]);
    let announced = [
        ("host", "h"),
        ("origin", "https://app.example"),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "x-canary"),
    ];
    let preflight = gateway.send("OPTIONS", "/", &announced);
    assert_eq!(
        preflight.header("access-control-allow-origin"),
        Some("https://app.example"),
        "the second rule consents"
    );
    let send = |canary: &str, origin: &str| {
        let response = gateway.send("PUT", "/", &[("host", "h"), ("origin", origin), ("x-canary", canary)]);
        (response.status(), response.cors_headers().len(), response.text().contains("\"method\": \"PUT\""))
    };
    assert_eq!(
        send("1", "https://app.example"),
        (403, 0, false),
        "the first rule did not, and its backend is not called"
    );
    assert_eq!(send("2", "https://app.example"), (200, 1, true));
    assert_eq!(send("1", "https://canary.example"), (200, 1, true));
    let without_origin = gateway.send("PUT", "/", &[("host", "h"), ("x-canary", "1")]);
    assert_eq!(without_origin.status(), 200, "CORS is no access control");
}

#[test]
fn a_request_that_no_route_matches_gets_404_from_the_gateway() {
    let gateway = Gateway::start(&["--upstream", &nobody()]);
    for (method, headers) in
        [("GET", vec![("host", "other.example"), BROWSER]), ("OPTIONS", vec![BROWSER, METHOD, ("host", "x")])]
    {
        let response = gateway.send(method, "/get", &headers);
        assert_eq!((response.status(), response.cors_headers()), (404, vec![]), "{method}");
        assert_eq!(response.text(), "no route matches this request\n");
    }
}

#[test]
fn an_upstream_that_is_down_gets_502_with_the_cors_headers_of_its_route() {
    let gateway = Gateway::start(&["--upstream", &nobody()]);
    let response = gateway.send("GET", "/get", &[HOST, BROWSER]);
    let expected = [
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-origin", "https://example.com"),
        ("access-control-expose-headers", "Origin, X-TrafficPolicy-Header"),
    ];
    assert_eq!((response.status(), response.cors_headers()), (502, expected.to_vec()));
    let answered = preflight(&gateway, BROWSER);
    assert_eq!(answered.status(), 200, "a preflight needs no upstream");
    assert_eq!(answered.header("access-control-allow-origin"), Some("https://example.com"));
}

#[test]
fn what_the_upstream_gets_and_gives_is_unchanged_but_for_one_connections_headers() {
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", upstream.local_addr().unwrap());
    let (sender, requests) = mpsc::channel();
    thread::spawn(move || {
        for stream in upstream.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).is_ok_and(|read| read != 0) {}
            let mut body = [0; 5];
            stream.read_exact(&mut body).unwrap();
            sender.send((head, body)).unwrap();
            let answer = "HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\nconnection: close, X-Hop\r\nx-hop: 1\r\nkeep-alive: 5\r\n\
                          X-Kept: a\r\nx-kept: b\r\naccess-control-allow-origin: *\r\nvary: Accept\r\ncontent-length: 4\r\n\r\nbody";
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    let gateway = Gateway::start(&["--upstream", &address]);
    let request = "POST /a%20b?q=%2F&q=2 HTTP/1.1\r\nhost: cors.example:8080\r\norigin: https://example.com\r\nconnection: close, x-mine\r\n\
                   x-mine: 1\r\nkeep-alive: 5\r\nte: trailers\r\nproxy-connection: x\r\nx-unknown: \u{e4}\r\ncontent-length: 5\r\n\r\nhello";
    let response = Response::parse(&gateway.send_raw(request.as_bytes()));

    let (head, body) = requests.recv_timeout(PATIENCE).unwrap();
    assert_eq!(&body, b"hello");
    let mut lines: Vec<_> = head.trim_end().split("\r\n").collect();
    assert_eq!(lines.remove(0), "POST /a%20b?q=%2F&q=2 HTTP/1.1");
    lines.sort_unstable();
    let expected = ["content-length: 5", "host: cors.example:8080", "origin: https://example.com", "x-unknown: \u{e4}"];
    assert_eq!(lines, expected);

    assert_eq!((response.line.as_str(), response.text().as_str()), ("HTTP/1.1 302 Found", "body"));
    for absent in ["x-hop", "keep-alive"] {
        assert_eq!(response.header(absent), None, "{absent}");
    }
    assert_eq!(response.header("location"), Some("/elsewhere"), "redirects are not followed");
    assert_eq!(response.header("access-control-allow-origin"), Some("https://example.com"));
    let kept: Vec<_> =
        response.headers.iter().filter(|(name, _)| name == "x-kept").map(|(_, value)| &**value).collect();
    assert_eq!(kept, ["a", "b"]);
    let vary: Vec<_> = response.headers.iter().filter(|(name, _)| name == "vary").map(|(_, value)| &**value).collect();
    assert_eq!(vary.join(", "), "Accept, Origin");
    assert!(requests.try_recv().is_err(), "requests go upstream once");
}

#[test]
fn malformed_http_is_refused_and_the_process_goes_on() {
    let gateway = Gateway::start(&[]);
    let long = format!("GET / HTTP/1.1\r\nhost: cors.example\r\nx: {}\r\n\r\n", "x".repeat(1 << 20));
    let many = format!("GET / HTTP/1.1\r\nhost: cors.example\r\n{}\r\n", "x: y\r\n".repeat(5000));
    let rows: [(&str, &[u8]); 9] = [
        ("no_http_at_all", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
        ("no_version", b"GET /\r\n\r\n"),
        ("unknown_version", b"GET / HTTP/9.9\r\n\r\n"),
        ("space_in_a_name", b"GET / HTTP/1.1\r\nbad name: x\r\n\r\n"),
        ("control_byte_in_a_value", b"GET / HTTP/1.1\r\nhost: a\x01b\r\n\r\n"),
        ("two_lengths", b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx"),
        ("length_that_is_no_number", b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n"),
        ("a_very_long_header", long.as_bytes()),
        ("very_many_headers", many.as_bytes()),
    ];
    for (name, bytes) in rows {
        let answer = gateway.send_raw(bytes);
        let status = (!answer.is_empty()).then(|| Response::parse(&answer).status());
        assert!(matches!(status, None | Some(400 | 431)), "{name}: {status:?}");
        assert_eq!(preflight(&gateway, BROWSER).status(), 200, "after {name}");
    }
    for (method, target, host) in
        [("OPTIONS", "*", "cors.example"), ("GET", "http://cors.example/x?y", "other"), ("TRACE", "/", "cors.example")]
    {
        let response = gateway.send(method, target, &[("host", host), BROWSER]);
        assert_eq!((response.status(), response.cors_headers().len()), (200, 3), "{method} {target}");
    }
}

#[test]
fn it_says_which_hosts_it_serves_and_a_line_that_can_be_tried() {
    let path = std::env::temp_dir().join(format!("tower-cors-hosts-{}.yaml", std::process::id()));
    let route = |hostnames: &str, rule: &str| {
        format!(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: r}}\nspec:\n  hostnames: {hostnames}\n  rules: [{rule}]\n"
        )
    };
    let cors = |origin: &str| format!("filters: [{{type: CORS, cors: {{allowOrigins: [\"{origin}\"]}}}}]");
    let below = format!("{{matches: [{{path: {{value: /v1}}}}], {}}}", cors("https://*.app.example"));
    let any = format!("{{{}}}", cors("*"));
    let rows = [
        (route("[b.example, a.example]", &below), "serving a.example, b.example", "200"),
        (route("['*.example']", &any), "serving *.example", "200"),
        (route("[]", &any), "serving every host", "200"),
    ];
    for (text, serving, status) in rows {
        std::fs::write(&path, text).unwrap();
        let gateway = Gateway::start(&[&path.display().to_string()]);
        assert_eq!(gateway.line(), serving);
        let line = gateway.line();
        let command = line.strip_prefix("try: ").unwrap_or_else(|| panic!("{line}"));
        let output = Command::new("sh").args(["-c", &format!("{command} -s")]).output().unwrap();
        let answer = String::from_utf8(output.stdout).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{line}: {answer}");
        assert!(answer.contains("access-control-allow-origin: "), "{line}: {answer}");
    }
    let _ = std::fs::remove_file(&path);
}

#[cfg(unix)]
#[test]
fn the_sample_is_no_file_of_its_users_so_its_lints_are_not_told() {
    let (gateway, lines) = Gateway::start_heard(&[]);
    assert_eq!(gateway.line(), "serving cors.example");
    let expected = "no manifest is named: serving the sample examples/manifests/trafficpolicy-cors.yaml";
    assert_eq!(lines.recv_timeout(PATIENCE).unwrap(), expected);
    let hangup = Command::new("kill").args(["-HUP", &gateway.id().to_string()]).status().unwrap();
    assert!(hangup.success());
    assert_eq!(lines.recv_timeout(PATIENCE).unwrap(), "reloaded, 0 changes");
}

#[test]
fn check_prints_what_is_wrong_and_tells_by_its_exit_code() {
    let output = run(&[
        "--check",
        &file("examples/manifests/httproute-cors.yaml"),
        &file("examples/manifests/trafficpolicy-cors.yaml"),
    ]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(
        text.contains("spec.rules[0].filters[0].cors.allowOrigins[0]: \"https://example.com/\" has a trailing slash"),
        "{text}"
    );
    assert!(text.contains("[replaces-earlier]"), "{text}");

    assert!(text.ends_with("\nvalid: 1 route, 1 rule (1 with a policy), 5 lints\n"), "{text}");

    // The sample has lints of info and of warning.
    let sample = file("examples/manifests/trafficpolicy-cors.yaml");
    for (deny, last) in [
        ("critical", "valid: 1 route, 1 rule (1 with a policy), 2 lints"),
        ("warning", "not valid, 1 lint of severity warning or above: 1 route, 1 rule (1 with a policy), 2 lints"),
        ("info", "not valid, 2 lints of severity info or above: 1 route, 1 rule (1 with a policy), 2 lints"),
    ] {
        let output = run(&["--check", "--deny", deny, &sample]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.lines().last(), Some(last));
        assert_eq!(output.status.code(), Some(i32::from(last.starts_with("not"))), "{deny}");
    }

    let output = run(&["--check", &file("tests/manifests/broken.yaml")]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let name = file("tests/manifests/broken.yaml");
    let expected = format!(
        "error: {name}:11:25: spec.rules[0].filters[0].cors.allowOrigins[0]: \"app.example\" has no scheme; write \"https://app.example\"\n\
         11 |         allowOrigins: [ app.example ]\n   |                         ^\n\
         error: {name}:12:17: spec.rules[0].filters[0].cors.maxAge: \"24h\" is not a whole number of seconds; did you mean 86400?\n\
         12 |         maxAge: 24h\n   |                 ^\n\
         not valid, 2 errors\n"
    );
    assert_eq!(text, expected);
}

#[test]
fn what_can_not_be_served_ends_with_an_exit_code_and_a_reason() {
    let stderr = |output: std::process::Output| (output.status.code(), String::from_utf8(output.stderr).unwrap());
    for arguments in [&["/nowhere/m.yaml"][..], &["--check", "/nowhere/m.yaml"]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(1));
        let text = [output.stdout, output.stderr].concat();
        assert!(String::from_utf8(text).unwrap().contains("/nowhere/m.yaml: "), "{arguments:?}");
    }
    let (code, text) = stderr(run(&[&file("tests/manifests/broken.yaml")]));
    assert!(code == Some(1) && text.contains("allowOrigins[0]"), "{text}");
    let (code, text) = stderr(run(&["--listen", "256.0.0.1:1"]));
    assert!(code == Some(1) && text.contains("256.0.0.1:1"), "{text}");
    for wrong in [
        &["--upstream", "https://secure.example"][..],
        &["--upstream", "http://a/path"],
        &["--nonsense"],
        &["--check"],
        &["--deny", "critical"],
        &["--check", "--deny", "serious", "m.yaml"],
        &["--listen"],
    ] {
        let (code, text) = stderr(run(wrong));
        assert!(code == Some(2) && text.contains("usage: gateway"), "{wrong:?}: {text}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_stops_it_cleanly() {
    let gateway = Gateway::start(&[]);
    assert_eq!(preflight(&gateway, BROWSER).status(), 200);
    let kill = Command::new("kill").args(["-INT", &gateway.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(gateway.wait(), Some(0));
}

const LARGE: u64 = 100 << 20;

/// `python3 -m http.server` over a folder, which ends when this is dropped.
struct PythonServer {
    child: Child,
    folder: PathBuf,
    address: String,
}

impl PythonServer {
    /// None where there is no python3.
    fn start() -> Option<Self> {
        let folder = std::env::temp_dir().join(format!("tower-cors-gateway-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        File::create(folder.join("large.bin")).unwrap().set_len(LARGE).unwrap();
        let mut command = Command::new("python3");
        command.args(["-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]).current_dir(&folder);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take()?).read_line(&mut line).ok()?;
        let Some(address) = line.split(['(', ')']).nth(1) else {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        };
        Some(Self { child, folder, address: address.trim_end_matches('/').to_owned() })
    }
}

impl Drop for PythonServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn a_large_response_streams_through_with_flat_memory() {
    let Some(upstream) = PythonServer::start() else {
        // Not by `eprintln!`, which the harness keeps to itself when a test passes.
        let _ = writeln!(std::io::stderr(), "SKIPPED, not passed: there is no python3 to serve a large file");
        return;
    };
    let gateway = Gateway::start(&["--upstream", &upstream.address]);
    let before = gateway.peak_memory();
    let mut stream = BufReader::new(gateway.connect());
    let request =
        "GET /large.bin HTTP/1.1\r\nhost: cors.example\r\norigin: https://example.com\r\nconnection: close\r\n\r\n";
    stream.get_mut().write_all(request.as_bytes()).unwrap();
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).unwrap() != 0 {}
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("access-control-allow-origin: https://example.com\r\n"), "{head}");
    assert!(head.to_ascii_lowercase().contains(&format!("content-length: {LARGE}\r\n")), "{head}");
    assert_eq!(std::io::copy(&mut stream, &mut std::io::sink()).unwrap(), LARGE);
    assert_flat(before, gateway.peak_memory());
}

#[test]
fn a_large_request_streams_through_with_flat_memory() {
    let gateway = Gateway::start(&[]);
    let before = gateway.peak_memory();
    let mut stream = gateway.connect();
    let head =
        format!("POST /upload HTTP/1.1\r\nhost: cors.example\r\nconnection: close\r\ncontent-length: {LARGE}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..LARGE >> 20 {
        stream.write_all(&chunk).unwrap();
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let response = Response::parse(&answer);
    assert_eq!(response.status(), 200);
    assert!(response.text().contains(&format!("\"length\": {LARGE}")), "{}", response.text());
    assert_flat(before, gateway.peak_memory());
}

fn assert_flat(before: Option<u64>, after: Option<u64>) {
    match (before, after) {
        (Some(before), Some(after)) => {
            assert!(after - before < 16 << 10, "from {before} KiB to {after} KiB for {} KiB", LARGE >> 10);
        }
        _ => eprintln!("not measured: there is no /proc"),
    }
}
