//! Origins against a slow, obvious matcher that is written from the words of section 3, with strings and nothing else.

use proptest::{prelude::*, sample::select};
use tower_cors::{
    CorsPolicy,
    compile::{Compiler, Profile},
    finding::HostError,
    origin::{Origin, OriginPattern},
};

/// Whether `pattern` (valid, as written) allows `origin`.
fn reference(pattern: &str, origin: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    let pattern = pattern.strip_suffix('/').unwrap_or(&pattern);
    let (Some((scheme, host, port)), Some((written_scheme, rest))) = (read(origin), pattern.split_once("://")) else {
        return false;
    };
    let (written_host, written_port) = split(rest);
    let host_fits = match written_host.strip_prefix("*.") {
        _ if written_host == "*" => true,
        // One or more labels to the left; the labels of a well-formed host are never empty.
        Some(parent) => host.ends_with(&format!(".{parent}")),
        None => host == written_host,
    };
    let written_port = written_port.map_or_else(|| default_port(written_scheme), str::to_owned);
    scheme == written_scheme && host_fits && (written_port == "*" || written_port == port)
}

/// Scheme, host and effective port of a well-formed lower-case tuple origin.
fn read(origin: &str) -> Option<(String, String, String)> {
    let origin = origin.strip_suffix('/').unwrap_or(origin);
    let (scheme, rest) = origin.split_once("://")?;
    let mut characters = scheme.chars();
    let is_scheme = characters.next()?.is_ascii_lowercase()
        && characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c));
    let (host, port) = split(rest);
    let port = match port {
        None => default_port(scheme),
        Some(port) => {
            let number = port.parse::<u16>().ok().filter(|number| *number > 0)?;
            (number.to_string() == port).then(|| port.to_owned())?
        }
    };
    (is_scheme && host.len() <= 253 && is_host(host)).then(|| (scheme.to_owned(), host.to_owned(), port))
}

fn split(rest: &str) -> (&str, Option<&str>) {
    let end_of_host = if rest.starts_with('[') { rest.find(']').map_or(rest.len(), |at| at + 1) } else { 0 };
    match rest[end_of_host..].split_once(':') {
        Some((before, port)) => (&rest[..end_of_host + before.len()], Some(port)),
        None => (rest, None),
    }
}

fn default_port(scheme: &str) -> String {
    match scheme {
        "http" => "80".into(),
        "https" => "443".into(),
        _ => "none".into(),
    }
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        // The generated addresses have no embedded IPv4, so this spelling is the URL standard's too.
        return address.parse::<std::net::Ipv6Addr>().is_ok_and(|parsed| parsed.to_string() == address);
    }
    let labels = host.split('.').collect::<Vec<_>>();
    let is_label = |label: &&str| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c))
    };
    let last = labels[labels.len() - 1];
    let is_hex = last.strip_prefix("0x").is_some_and(|digits| digits.chars().all(|c| c.is_ascii_hexdigit()));
    let ends_in_number = is_hex || last.chars().all(|c| c.is_ascii_digit());
    let is_address = || host.parse::<std::net::Ipv4Addr>().is_ok_and(|parsed| parsed.to_string() == host);
    labels.iter().all(is_label) && (!ends_in_number || is_address())
}

fn host() -> impl Strategy<Value = String> {
    let label = select(vec!["a", "b", "www", "example", "com", "a-b", "x_y", "1a", "0", "foo", "bar"]);
    prop_oneof![
        8 => proptest::collection::vec(label, 1..4).prop_map(|labels| format!("{}.test", labels.join("."))),
        1 => select(vec!["localhost", "test", "127.0.0.1", "10.0.0.255", "[::1]", "[2001:db8::1]"]).prop_map(String::from),
    ]
}

fn pattern() -> impl Strategy<Value = String> {
    let wildcard = select(vec!["", "", "*."]);
    let exact_or_not = (wildcard, host()).prop_map(|(wildcard, host)| {
        // An address has no subdomains.
        if host.contains('[') || host.ends_with(|c: char| c.is_ascii_digit()) {
            host
        } else {
            format!("{wildcard}{host}")
        }
    });
    let host = prop_oneof![12 => exact_or_not, 1 => Just("*".to_owned())];
    let scheme = select(vec!["http", "https", "https", "HTTPS"]);
    let port = select(vec!["", "", "", ":443", ":80", ":8080", ":1", ":65535", ":*"]);
    (scheme, host, port, select(vec!["", "", "", "/"]), any::<bool>()).prop_map(|(scheme, host, port, slash, upper)| {
        let host = if upper { host.to_ascii_uppercase() } else { host };
        format!("{scheme}://{host}{port}{slash}")
    })
}

/// An origin that the pattern allows, or one change away from it.
fn origin_near(pattern: &str, seed: (u8, u8, u8)) -> String {
    let (prefix, port, change) = seed;
    let mut origin = pattern.strip_suffix('/').unwrap_or(pattern).to_ascii_lowercase();
    let labels = ["a.", "x.y.", "", "-.", "a..", "www.foo."][usize::from(prefix) % 6];
    origin = origin.replace("://*.", &format!("://{labels}")).replace("://*", "://any.test");
    origin = origin.replace(":*", ["", ":1", ":8080", ":65536", ":0"][usize::from(port) % 5]);
    let at = usize::from(port) % origin.len();
    match change % 14 {
        0 => origin.push('/'),
        1 => origin.push_str(":443"),
        2 => origin.push_str(":80"),
        3 => origin = origin.replace("https", "http"),
        4 => origin.push_str(".evil.test"),
        5 => origin = origin.replacen("://", "://evil", 1),
        6 => origin = origin.replacen("://", "://evil.", 1),
        7 => drop(origin.remove(at)),
        8 => origin.insert(at, ['.', ':', '/', '@', '*', 'A', '0', ' '][usize::from(prefix) % 8]),
        9 => origin = origin.to_ascii_uppercase(),
        10 => origin = origin.trim_end_matches(|c: char| c.is_ascii_digit() || c == ':').to_owned(),
        _ => {}
    }
    origin
}

fn compile(patterns: Vec<String>) -> (Vec<String>, tower_cors::CompiledPolicy) {
    let mut patterns = patterns;
    patterns.sort();
    patterns.dedup();
    let compiled = CorsPolicy::new().allow_origins(&patterns).compile();
    let compiled = compiled.unwrap_or_else(|violations| panic!("{violations}"));
    (patterns, compiled)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    // rule 3.1, 3.2, 3.3, 3.4
    #[test]
    fn a_policy_allows_what_the_words_of_its_patterns_allow(
        patterns in proptest::collection::vec(pattern(), 1..8),
        which in any::<proptest::sample::Index>(),
        seeds in proptest::collection::vec(any::<(u8, u8, u8)>(), 12),
    ) {
        let (patterns, compiled) = compile(patterns);
        let near = which.get(&patterns);
        for seed in seeds {
            let origin = origin_near(near, seed);
            let expected = patterns.iter().any(|pattern| reference(pattern, &origin));
            prop_assert_eq!(compiled.allows_origin(&origin), expected, "{} under {:?}", origin, patterns);
            let parsed = Origin::parse(origin.as_bytes());
            prop_assert_eq!(parsed.is_some(), read(&origin).is_some(), "{}", origin);
            let one_by_one = parsed.is_some_and(|parsed| {
                patterns.iter().any(|pattern| OriginPattern::parse(pattern).is_ok_and(|pattern| pattern.matches(&parsed)))
            });
            prop_assert_eq!(one_by_one, expected, "{} one by one under {:?}", origin, patterns);
        }
    }

    #[test]
    fn a_pattern_written_canonically_is_the_same_pattern(pattern in pattern()) {
        let parsed = OriginPattern::parse(&pattern).expect("valid by construction");
        let canonical = parsed.to_string();
        let again = OriginPattern::parse(&canonical).expect("what is printed is read");
        prop_assert_eq!(again.to_string(), &canonical[..]);
        prop_assert_eq!((again.scheme(), again.host(), again.is_exact()), (parsed.scheme(), parsed.host(), parsed.is_exact()));
        prop_assert_eq!((again.is_any_host(), again.is_any_port()), (parsed.is_any_host(), parsed.is_any_port()));
        prop_assert!(!again.has_trailing_slash());
    }

    #[test]
    fn no_header_and_no_pattern_panics(origin in proptest::collection::vec(any::<u8>(), 0..80), text in ".{0,60}") {
        let (_, compiled) = compile(vec!["https://*.a.test".into(), "http://B.test:*".into(), "https://C.test/".into()]);
        let star = CorsPolicy::new().allow_origins(["*"]).allow_credentials(true);
        let star = Compiler::new().profile(Profile::GatewayApi).compile(star).expect("the profile accepts it");
        for bytes in [&origin[..], text.as_bytes()] {
            prop_assert_eq!(star.allows_origin(bytes), Origin::parse(bytes).is_some());
            if compiled.allows_origin(bytes) {
                prop_assert!(Origin::parse(bytes).is_some());
            }
        }
        let _ = OriginPattern::parse(&text);
        let _ = OriginPattern::parse(&format!("https://{text}"));
        let _ = OriginPattern::parse(&format!("https://[{text}]:1"));
    }

    #[test]
    fn the_accessors_of_an_origin_spell_it(host in host(), port in proptest::option::of(1_u16..), secure in any::<bool>()) {
        let scheme = if secure { "https" } else { "http" };
        let text = format!("{scheme}://{host}{}", port.map(|port| format!(":{port}")).unwrap_or_default());
        let origin = Origin::parse(text.as_bytes()).expect("well-formed by construction");
        prop_assert_eq!((origin.scheme(), origin.host()), (scheme, &host[..]));
        prop_assert_eq!(origin.port(), Some(port.unwrap_or(if secure { 443 } else { 80 })));
        prop_assert_eq!(Origin::parse(origin.as_str().as_bytes()), Some(origin));
    }
}

// rule 3.8
/// rule 3.4
#[test]
fn a_last_label_that_begins_with_a_digit_is_a_number_only_where_it_is_one() {
    let rows = [
        ("https://example.1a", true),
        ("https://example.0xg", true),
        ("https://example.1_", true),
        ("https://example.a1", true),
        ("https://example.1", false),
        ("https://example.0xa", false),
        ("https://example.0x", false),
    ];
    for (text, is_origin) in rows {
        assert_eq!(Origin::parse(text.as_bytes()).is_some(), is_origin, "{text}");
        assert_eq!(OriginPattern::parse(text).is_ok(), is_origin, "{text}");
    }
}

/// rule 2.4, rule 3.1
#[test]
fn an_origin_is_matched_up_to_its_greatest_length() {
    let labels = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)];
    let longest = labels.join(".");
    assert_eq!(longest.len(), 253);
    let allows = |pattern: &str, origin: &str| compile(vec![pattern.into()]).1.allows_origin(origin);
    assert!(allows("https://*:*", &format!("https://{longest}:65535/")));
    assert!(allows(&format!("https://{longest}:*"), &format!("https://{longest}:65535/")));
    let scheme = "s".repeat(400);
    assert!(allows(&format!("{scheme}://a.example"), &format!("{scheme}://a.example")));
    for (text, error) in [
        (format!("https://{longest}d"), Some(HostError::TooLong.into())),
        (format!("https://{longest}"), None),
        (format!("https://{}.example", "a".repeat(64)), Some(HostError::TooLong.into())),
        (format!("https://{}.example", "a".repeat(63)), None),
    ] {
        assert_eq!(OriginPattern::parse(&text).err(), error, "{text}");
    }
    assert_eq!(OriginPattern::parse("a.example").unwrap_err().to_string(), "has no scheme");
}

#[test]
fn each_of_100_000_origins_is_found_and_none_of_its_neighbours() {
    let origin = |number: u32| match number % 4 {
        0 => format!("https://app{number}.example"),
        1 => format!("http://app{number}.example:8080"),
        2 => format!("https://*.app{number}.example"),
        _ => format!("https://app{number}.example:*"),
    };
    let policy = CorsPolicy::new().allow_origins((0..100_000).map(origin)).compile().expect("a valid policy");
    for number in 0..100_000 {
        let (hit, misses) = match number % 4 {
            0 => (
                format!("https://app{number}.example"),
                [format!("http://app{number}.example"), format!("https://app{number}.example:8443")],
            ),
            1 => (
                format!("http://app{number}.example:8080"),
                [format!("http://app{number}.example"), format!("https://app{number}.example:8080")],
            ),
            2 => (
                format!("https://a.app{number}.example"),
                [format!("https://app{number}.example"), format!("https://aapp{number}.example")],
            ),
            _ => (
                format!("https://app{number}.example:{}", 1 + number % 60_000),
                [format!("http://app{number}.example"), format!("https://a.app{number}.example")],
            ),
        };
        assert!(policy.allows_origin(&hit), "{hit}");
        for miss in misses {
            assert!(!policy.allows_origin(&miss), "{miss}");
        }
    }
    for miss in ["https://app100000.example", "https://app.example", "https://app1.example", "https://example"] {
        assert!(!policy.allows_origin(miss), "{miss}");
    }
}
