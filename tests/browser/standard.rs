//! The browser model against the Fetch standard, row by row. Expected values are written from the standard's text.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tower_cors::browser::{
    Blocked, CorsCheckFailure,
    Credentials::{self, Include, Omit},
    PreflightFailure, Readable, ScriptRequest, unsafe_request_header_names,
};

const PAGE: &str = "https://app.example";

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in lines {
        map.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    map
}

fn names(names: &[&str]) -> Vec<HeaderName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn request(method: &str, credentials: Credentials, unsafe_names: &[&str]) -> ScriptRequest {
    ScriptRequest::new(HeaderValue::from_static(PAGE), method.parse().unwrap())
        .credentials(credentials)
        .unsafe_headers(names(unsafe_names))
}

#[test]
fn only_six_methods_are_normalised() {
    let rows = [
        ("get", "GET"),
        ("Head", "HEAD"),
        ("pOsT", "POST"),
        ("put", "PUT"),
        ("delete", "DELETE"),
        ("options", "OPTIONS"),
        ("patch", "patch"),
        ("PATCH", "PATCH"),
        ("propfind", "propfind"),
        ("eGg", "eGg"),
    ];
    for (written, sent) in rows {
        assert_eq!(request(written, Omit, &[]).method().as_str(), sent, "{written}");
    }
}

// rule 9.1: whether a preflight is needed.
#[test]
fn a_preflight_is_needed_for_other_methods_and_unsafe_headers() {
    let rows: [(&str, &[&str], bool); 8] = [
        ("GET", &[], false),
        ("HEAD", &[], false),
        ("POST", &[], false),
        ("post", &[], false),
        ("PUT", &[], true),
        ("OPTIONS", &[], true),
        ("patch", &[], true),
        ("GET", &["x-a"], true),
    ];
    for (method, unsafe_names, needed) in rows {
        assert_eq!(request(method, Omit, unsafe_names).needs_preflight(), needed, "{method} {unsafe_names:?}");
    }
    assert!(!request("GET", Include, &[]).needs_preflight(), "credentials alone need no preflight");
}

// rule 9.1: which list it announces.
#[test]
fn the_announced_list_is_sorted_lower_case_and_has_no_spaces() {
    let announcing = request("PUT", Omit, &["X-Zebra", "authorization", "x-a", "X-A"]);
    assert_eq!(announcing.announced_headers().unwrap(), "authorization,x-a,x-zebra");
    assert_eq!(
        announcing.preflight_headers(),
        headers(&[
            ("accept", "*/*"),
            ("origin", PAGE),
            ("access-control-request-method", "PUT"),
            ("access-control-request-headers", "authorization,x-a,x-zebra"),
        ])
    );
    let plain = request("PUT", Omit, &[]);
    assert_eq!(plain.announced_headers(), None);
    assert!(!plain.preflight_headers().contains_key("access-control-request-headers"));
}

#[test]
fn a_header_is_safelisted_by_name_and_value() {
    let long = "a".repeat(129);
    let rows = [
        ("accept", "text/html, */*;q=0.8", true),
        ("accept", "text/html(1)", false),
        ("accept", &long[..128], true),
        ("accept", &long, false),
        ("accept", " text/html ", true),
        ("accept", "text/html,\ttext/plain", true),
        ("accept-language", "de, en;q=0.5", true),
        ("accept-language", "de_DE", false),
        ("content-language", "de-DE", true),
        ("content-language", "de/at", false),
        ("content-type", "text/plain", true),
        ("content-type", "Text/Plain; charset=utf-8", true),
        ("content-type", "multipart/form-data; boundary=x", true),
        ("content-type", "application/x-www-form-urlencoded", true),
        ("content-type", "application/json", false),
        ("content-type", "text/plain, text/plain", false),
        ("content-type", "text/plain; x=\"y\"", false),
        ("content-type", "", false),
        ("range", "bytes=0-", true),
        ("range", "bytes=10-20", true),
        ("range", "bytes=20-10", false),
        ("range", "bytes=-500", false),
        ("range", "bytes=0-1,5-6", false),
        ("range", "bytes = 0-1", false),
        ("range", "Bytes=0-1", false),
        ("range", "bytes=00000000000000000000000000000000000009-10", true),
        ("range", "bytes=99999999999999999999999999999999999999-1", false),
        ("authorization", "Basic YTpi", false),
        ("dpr", "1", false),
        ("x-requested-with", "", false),
    ];
    for (name, value, safelisted) in rows {
        let found = unsafe_request_header_names(&headers(&[(name, value)]));
        assert_eq!(found.is_empty(), safelisted, "{name}: {value:?}");
    }
}

#[test]
fn safelisted_values_over_1024_bytes_together_make_every_name_unsafe() {
    let value = "a".repeat(128);
    let mut lines = vec![("accept", value.as_str()); 8];
    assert_eq!(unsafe_request_header_names(&headers(&lines)), names(&[]), "1,024 bytes are not too many");
    lines.push(("accept-language", "d"));
    lines.push(("x-a", "1"));
    assert_eq!(unsafe_request_header_names(&headers(&lines)), names(&["accept", "accept-language", "x-a"]));
}

#[test]
fn a_request_announces_headers_for_their_values() {
    let typed = |value| {
        ScriptRequest::new(HeaderValue::from_static(PAGE), Method::POST)
            .header(http::header::CONTENT_TYPE, HeaderValue::from_static(value))
    };
    assert!(!typed("text/plain").needs_preflight());
    assert_eq!(typed("application/json").announced_headers().unwrap(), "content-type");
    assert_eq!(
        typed("application/json").request_headers(),
        headers(&[("content-type", "application/json"), ("origin", PAGE)])
    );
}

// rule 9.1: the verdict.
#[test]
fn the_cors_check_is_byte_for_byte() {
    use CorsCheckFailure::*;
    const ALLOW: &str = "access-control-allow-origin";
    const CREDENTIALS: &str = "access-control-allow-credentials";
    type Row<'a> = (&'a str, Credentials, &'a [(&'a str, &'a str)], Result<(), CorsCheckFailure>);
    let other = |value: &str| Err(OtherAllowOrigin(value.to_owned()));
    let rows: &[Row<'_>] = &[
        (PAGE, Omit, &[], Err(NoAllowOrigin)),
        (PAGE, Omit, &[(ALLOW, "*")], Ok(())),
        (PAGE, Omit, &[(ALLOW, PAGE)], Ok(())),
        (PAGE, Omit, &[(ALLOW, " https://app.example\t")], Ok(())),
        (PAGE, Omit, &[(ALLOW, "https://APP.example")], other("https://APP.example")),
        (PAGE, Omit, &[(ALLOW, "https://app.example/")], other("https://app.example/")),
        (PAGE, Omit, &[(ALLOW, "https://app.example:443")], other("https://app.example:443")),
        (PAGE, Omit, &[(ALLOW, "http://app.example")], other("http://app.example")),
        (PAGE, Omit, &[(ALLOW, "https://*.example")], other("https://*.example")),
        (PAGE, Omit, &[(ALLOW, "null")], other("null")),
        (PAGE, Omit, &[(ALLOW, "")], other("")),
        (PAGE, Omit, &[(ALLOW, PAGE), (ALLOW, PAGE)], Err(SeveralAllowOrigins)),
        (PAGE, Omit, &[(ALLOW, "*"), (ALLOW, "*")], Err(SeveralAllowOrigins)),
        (PAGE, Omit, &[(ALLOW, "https://app.example, https://b.example")], Err(SeveralAllowOrigins)),
        (PAGE, Omit, &[(ALLOW, PAGE), (CREDENTIALS, "false")], Ok(())),
        ("null", Omit, &[(ALLOW, "null")], Ok(())),
        ("null", Omit, &[(ALLOW, "*")], Ok(())),
        ("null", Omit, &[], Err(NoAllowOrigin)),
        (PAGE, Include, &[(ALLOW, "*"), (CREDENTIALS, "true")], Err(WildcardWithCredentials)),
        (PAGE, Include, &[(ALLOW, PAGE), (CREDENTIALS, "true")], Ok(())),
        (PAGE, Include, &[(ALLOW, PAGE)], Err(NoAllowCredentials)),
        (PAGE, Include, &[(ALLOW, PAGE), (CREDENTIALS, "True")], Err(AllowCredentialsNotTrue)),
        (PAGE, Include, &[(ALLOW, PAGE), (CREDENTIALS, "")], Err(AllowCredentialsNotTrue)),
        (PAGE, Include, &[(ALLOW, PAGE), (CREDENTIALS, "true"), (CREDENTIALS, "true")], Err(AllowCredentialsNotTrue)),
        ("null", Include, &[(ALLOW, "null"), (CREDENTIALS, "true")], Ok(())),
    ];
    for (page, credentials, lines, expected) in rows {
        let script = ScriptRequest::new(page.parse().unwrap(), Method::GET).credentials(*credentials);
        let answer = headers(lines);
        let response = script.check_response(&answer).map(|_| ());
        assert_eq!(response, expected.clone().map_err(Blocked::CorsCheck), "{page} {credentials:?} {lines:?}");
        let preflight = script.check_preflight(StatusCode::OK, &answer);
        let expected = expected.clone().map_err(|failure| Blocked::Preflight(PreflightFailure::CorsCheck(failure)));
        assert_eq!(preflight, expected, "preflight: {page} {credentials:?} {lines:?}");
    }
}

#[test]
fn a_preflight_needs_an_ok_status() {
    let answer = headers(&[("access-control-allow-origin", "*")]);
    for (status, ok) in [(199, false), (200, true), (204, true), (299, true), (304, false), (401, false), (500, false)]
    {
        let status = StatusCode::from_u16(status).unwrap();
        let expected = if ok { Ok(()) } else { Err(Blocked::Preflight(PreflightFailure::Status(status))) };
        assert_eq!(request("GET", Omit, &[]).check_preflight(status, &answer), expected, "{status}");
    }
    let denied = request("GET", Omit, &[]).check_preflight(StatusCode::FORBIDDEN, &HeaderMap::new()).unwrap_err();
    assert_eq!(denied.code(), "preflight-no-allow-origin", "the CORS check comes before the status");
}

#[test]
fn a_preflight_must_allow_the_method_and_every_announced_name() {
    use PreflightFailure::{MalformedAllowHeaders, MalformedAllowMethods};
    let no_method = |method: &str| Err(PreflightFailure::Method(method.parse().unwrap()));
    let no_header = |name: &str| Err(PreflightFailure::Header(name.parse().unwrap()));
    type Row<'a> = (&'a str, Credentials, &'a [&'a str], &'a [&'a str], &'a [&'a str], Result<(), PreflightFailure>);
    // Method, credentials, announced names; Access-Control-Allow-Methods lines, -Headers lines; what comes of it.
    let rows: &[Row<'_>] = &[
        ("PUT", Omit, &[], &[], &[], no_method("PUT")),
        ("PUT", Omit, &[], &[""], &[], no_method("PUT")),
        ("PUT", Omit, &[], &["GET, PUT"], &[], Ok(())),
        ("PUT", Omit, &[], &["GET", "PUT"], &[], Ok(())),
        ("PUT", Omit, &[], &[",,PUT ,\t"], &[], Ok(())),
        ("PUT", Omit, &[], &["put"], &[], no_method("PUT")),
        ("PUT", Omit, &[], &["*"], &[], Ok(())),
        ("PUT", Include, &[], &["*"], &[], no_method("PUT")),
        ("PUT", Include, &[], &["*, PUT"], &[], Ok(())),
        ("*", Include, &[], &["*"], &[], Ok(())),
        ("patch", Omit, &[], &["PATCH"], &[], no_method("patch")),
        ("patch", Omit, &[], &["patch"], &[], Ok(())),
        ("POST", Omit, &["x-a"], &[], &["X-A"], Ok(())),
        ("HEAD", Omit, &["x-a"], &["PUT"], &["x-b, X-a"], Ok(())),
        ("GET", Omit, &["x-a", "x-b"], &[], &["x-a"], no_header("x-b")),
        ("GET", Omit, &["x-b", "x-a"], &[], &[], no_header("x-a")),
        ("GET", Omit, &["x-a"], &[], &["*"], Ok(())),
        ("GET", Include, &["x-a"], &[], &["*"], no_header("x-a")),
        ("GET", Include, &["*"], &[], &["*"], Ok(())),
        ("GET", Include, &["x-a"], &[], &["*", "x-a"], Ok(())),
        ("GET", Omit, &["authorization"], &[], &["*"], no_header("authorization")),
        ("GET", Omit, &["authorization"], &[], &["*, Authorization"], Ok(())),
        ("GET", Include, &["authorization"], &[], &["authorization"], Ok(())),
        ("GET", Omit, &["a", "authorization"], &[], &[], no_header("authorization")),
        ("PUT", Omit, &["x-a"], &[], &[], no_method("PUT")),
        ("GET", Omit, &[], &["GET PUT"], &[], Err(MalformedAllowMethods)),
        ("GET", Omit, &[], &["*", "\"PUT\""], &[], Err(MalformedAllowMethods)),
        ("GET", Omit, &[], &[], &["x a"], Err(MalformedAllowHeaders)),
        ("GET", Omit, &[], &["("], &["x:a"], Err(MalformedAllowMethods)),
        ("GET", Omit, &["x-a"], &[], &["x-a, b\u{fc}"], Err(MalformedAllowHeaders)),
    ];
    for (method, credentials, announced, methods, allowed, expected) in rows {
        let mut lines = vec![("access-control-allow-origin", PAGE), ("access-control-allow-credentials", "true")];
        lines.extend(methods.iter().map(|value| ("access-control-allow-methods", *value)));
        lines.extend(allowed.iter().map(|value| ("access-control-allow-headers", *value)));
        let answer = headers(&lines);
        let found = request(method, *credentials, announced).check_preflight(StatusCode::NO_CONTENT, &answer);
        let expected = expected.clone().map_err(Blocked::Preflight);
        assert_eq!(found, expected, "{method} {credentials:?} {announced:?} {methods:?} {allowed:?}");
    }
}

fn read(credentials: Credentials, lines: &[(&str, &str)]) -> Readable {
    let mut answer = headers(&[("access-control-allow-credentials", "true"), ("access-control-allow-origin", PAGE)]);
    answer.extend(headers(lines));
    request("GET", credentials, &[]).check_response(&answer).unwrap()
}

#[test]
fn the_script_sees_safelisted_and_exposed_headers() {
    const EXPOSE: &str = "access-control-expose-headers";
    let own: [(&str, &str); 5] =
        [("etag", "1"), ("x-a", "1"), ("content-type", "text/plain"), ("set-cookie", "a=b"), ("set-cookie2", "a=b")];
    type Row<'a> = (Credentials, &'a [&'a str], &'a [&'a str]);
    // Credentials, Access-Control-Expose-Headers lines; what the script sees of `own`.
    let rows: &[Row<'_>] = &[
        (Omit, &[], &["content-type"]),
        (Omit, &[""], &["content-type"]),
        (Omit, &["X-A"], &["content-type", "x-a"]),
        (Omit, &["x-a", "ETag"], &["content-type", "etag", "x-a"]),
        (Omit, &["*"], &["content-type", "etag", "x-a"]),
        (Omit, &["x-b, *"], &["content-type", "etag", "x-a"]),
        (Include, &["*"], &["content-type"]),
        (Include, &["*, x-a"], &["content-type", "x-a"]),
        (Include, &["etag, Set-Cookie, set-cookie2"], &["content-type", "etag"]),
        (Omit, &["x a, etag"], &["content-type"]),
        (Omit, &["etag", "("], &["content-type"]),
        (Omit, &["x-missing"], &["content-type"]),
    ];
    for (credentials, expose, expected) in rows {
        let mut lines = own.to_vec();
        lines.extend(expose.iter().map(|value| (EXPOSE, *value)));
        let readable = read(*credentials, &lines);
        let own_names = own.map(|(name, _)| name);
        let mut seen: Vec<_> = readable.headers().iter().map(HeaderName::as_str).collect();
        seen.retain(|name| own_names.contains(name));
        seen.sort_unstable();
        assert_eq!(seen, *expected, "{credentials:?} {expose:?}");
        let all = readable.headers().len() + readable.hidden_headers().len();
        let distinct = 7 + usize::from(!expose.is_empty());
        assert_eq!(all, distinct, "each header is either shown or hidden: {credentials:?} {expose:?}");
        assert!(!readable.shows(&http::header::SET_COOKIE), "{credentials:?} {expose:?}");
    }
}

#[test]
fn the_safelisted_response_headers_are_seven() {
    let safelisted =
        ["cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma"];
    for name in safelisted {
        assert!(read(Include, &[(name, "1")]).shows(&name.parse().unwrap()), "{name}");
    }
    for name in ["content-encoding", "date", "etag", "location", "vary", "server"] {
        assert!(!read(Include, &[(name, "1")]).shows(&name.parse().unwrap()), "{name}");
    }
}

#[test]
fn an_expose_list_that_is_no_list_exposes_nothing_and_blocks_nothing() {
    let readable = read(Omit, &[("access-control-expose-headers", "etag, x a"), ("etag", "1")]);
    assert!(readable.expose_list_is_invalid());
    assert_eq!(readable.headers(), names(&[]));
    assert!(!read(Omit, &[("access-control-expose-headers", "etag")]).expose_list_is_invalid());
}

#[test]
fn every_failure_has_a_code_and_a_text() {
    use CorsCheckFailure::*;
    let check = Blocked::CorsCheck;
    let preflight = Blocked::Preflight;
    let rows = [
        (check(NoAllowOrigin), "no-allow-origin", "CORS check: there is no Access-Control-Allow-Origin"),
        (
            check(SeveralAllowOrigins),
            "several-allow-origins",
            "CORS check: Access-Control-Allow-Origin has several values",
        ),
        (
            check(OtherAllowOrigin("https://b.example\u{1b}\"".into())),
            "other-allow-origin",
            "CORS check: Access-Control-Allow-Origin is \"https://b.example\\u{1b}\\\"\", not the page's origin",
        ),
        (
            check(WildcardWithCredentials),
            "wildcard-with-credentials",
            "CORS check: Access-Control-Allow-Origin is *, which does not count for a request with credentials",
        ),
        (
            check(NoAllowCredentials),
            "no-allow-credentials",
            "CORS check: the request has credentials, and there is no Access-Control-Allow-Credentials",
        ),
        (
            preflight(PreflightFailure::CorsCheck(AllowCredentialsNotTrue)),
            "preflight-allow-credentials-not-true",
            "CORS-preflight fetch: the request has credentials, and Access-Control-Allow-Credentials is not \"true\"",
        ),
        (
            preflight(PreflightFailure::Status(StatusCode::UNAUTHORIZED)),
            "preflight-status",
            "CORS-preflight fetch: the status is 401, not one from 200 to 299",
        ),
        (
            preflight(PreflightFailure::MalformedAllowMethods),
            "preflight-malformed-allow-methods",
            "CORS-preflight fetch: Access-Control-Allow-Methods is not a list of methods",
        ),
        (
            preflight(PreflightFailure::MalformedAllowHeaders),
            "preflight-malformed-allow-headers",
            "CORS-preflight fetch: Access-Control-Allow-Headers is not a list of header names",
        ),
        (
            preflight(PreflightFailure::Method(Method::PUT)),
            "preflight-method",
            "CORS-preflight fetch: the method PUT is not allowed",
        ),
        (
            preflight(PreflightFailure::Header(http::header::AUTHORIZATION)),
            "preflight-header",
            "CORS-preflight fetch: the header authorization is not allowed",
        ),
    ];
    for (blocked, code, text) in rows {
        assert_eq!((blocked.code(), blocked.to_string().as_str()), (code, text));
    }
}
