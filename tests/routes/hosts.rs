//! Hostnames against a slow, obvious matcher, written from the words of 8.1, over hosts of any shape.

use http::Request;
use proptest::{collection::vec, prelude::*, sample::select};
use tower_cors::{
    finding::HostError,
    request::CorsRequest,
    route::{Hostname, Route, RouteTable, Rule},
};

/// Hostnames of few labels, so that many are above or below others.
fn hostname() -> impl Strategy<Value = String> {
    let name = vec(select(vec!["a", "b", "aa", "a-b", "1"]), 1..5).prop_map(|labels| labels.join("."));
    (select(vec!["", "*."]), name).prop_map(|(wildcard, name)| format!("{wildcard}{name}"))
}

/// Hosts as requests have them: also with empty labels, at an end or between others.
fn host() -> impl Strategy<Value = String> {
    vec(select(vec!["a", "b", "aa", "a-b", "1", "", "c"]), 1..7).prop_map(|labels| labels.join("."))
}

/// Whether a hostname fits a host: its own, or what has something before the dot of its wildcard.
fn fits(hostname: &str, host: &str) -> bool {
    match hostname.strip_prefix('*') {
        Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
        None => host == hostname,
    }
}

/// 8.1: exact before wildcard, longer wildcard first, then routes without a hostname.
fn most_specific(hostnames: &[String], host: &str) -> Option<usize> {
    let fitting = hostnames.iter().enumerate().filter(|(_, hostname)| hostname.is_empty() || fits(hostname, host));
    let rank = |hostname: &str| (!hostname.is_empty(), !hostname.starts_with('*'), hostname.len());
    // The first of those that are alike: the routes have one age, and names in the order of their numbers.
    fitting.rev().max_by_key(|(_, hostname)| rank(hostname)).map(|(at, _)| at)
}

fn table(hostnames: &[String]) -> RouteTable {
    RouteTable::new(hostnames.iter().enumerate().map(|(at, hostname)| {
        let route = Route::new("ns", format!("r{at:02}")).rule(Rule::new());
        if hostname.is_empty() { route } else { route.hostname(Hostname::parse(hostname).expect("a hostname")) }
    }))
}

fn found(table: &RouteTable, host: &str) -> Option<usize> {
    let request = Request::get("/").header("host", host).body(()).expect("a request");
    table.find(&CorsRequest::of(&request)).map(|found| found.route())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// rule 8.1
    #[test]
    fn a_host_reaches_the_most_specific_hostname_that_it_fits(
        hostnames in vec(prop_oneof![20 => hostname(), 1 => Just(String::new())], 1..12),
        hosts in vec(host(), 12),
    ) {
        let table = table(&hostnames);
        for host in hosts {
            prop_assert_eq!(found(&table, &host), most_specific(&hostnames, &host), "{} in {:?}", host, hostnames);
        }
        for host in hostnames.iter().map(|hostname| hostname.replace('*', "x")) {
            prop_assert_eq!(found(&table, &host), most_specific(&hostnames, &host), "{} in {:?}", host, hostnames);
        }
    }

    /// rule 8.1
    #[test]
    fn a_hostname_alone_fits_what_the_index_finds(hostname in hostname(), host in host()) {
        let parsed = Hostname::parse(&hostname).expect("a hostname");
        prop_assert_eq!(parsed.matches(&host), fits(&hostname, &host));
        prop_assert_eq!(parsed.to_string(), hostname);
    }
}

/// rule 8.1
#[test]
fn what_is_wrong_with_a_hostname_is_said_as_it_is_of_origins() {
    let rows = [
        ("", HostError::Empty),
        ("*.", HostError::TrailingDot),
        (".example", HostError::LeadingDot),
        ("*", HostError::Wildcard),
        ("a.*.example", HostError::Wildcard),
        ("a_b.example", HostError::HostnameCharacter),
        ("-a.example", HostError::HostnameCharacter),
        ("a.example:80", HostError::HostnameCharacter),
    ];
    for (text, error) in rows {
        assert_eq!(Hostname::parse(text), Err(error), "{text}");
    }
    assert_eq!(Hostname::parse(&"a".repeat(254)), Err(HostError::TooLong));
    let text = Hostname::parse("a_b.example").unwrap_err().to_string();
    assert_eq!(
        text,
        "a hostname has letters, digits and - between its dots, no - beside a dot or at an end, and no port"
    );
}

/// rule 2.12: the CRD's pattern has no limit for a label, and admits a name that ends in a number.
#[test]
fn a_hostname_is_what_the_gateway_api_admits() {
    let long = "a".repeat(100);
    for text in ["192.0.2.1", "app.1", "*.1", "A.Example", "a--b.example", &long] {
        let hostname = Hostname::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(hostname.to_string(), text.to_ascii_lowercase());
    }
}
