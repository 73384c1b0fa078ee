//! The `url` crate as a second opinion on origins: what it prints for the origin of a URL is what a browser sends, so the
//! origin parser reads it as it stands and the exact pattern of it matches it, and nothing else that it prints. Where the
//! two differ is listed in `tests/url/origins.toml`, and a difference that is gone fails. Rules 3.1, 3.4.

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde::Deserialize;
use tower_cors::{CorsPolicy, origin::Origin};
use url::Url;

/// A text that the two read differently; none where one of them reads no tuple origin.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    text: String,
    why: String,
    ours: Option<String>,
    theirs: Option<String>,
}

#[derive(Deserialize)]
struct Differences {
    difference: Vec<Difference>,
}

#[test]
fn each_listed_difference_is_there() {
    let listed: Differences = toml::from_str(include_str!("origins.toml")).unwrap_or_else(|error| panic!("{error}"));
    assert!(!listed.difference.is_empty());
    for Difference { text, why, ours, theirs } in listed.difference {
        assert!(why.ends_with('.'), "{text} says in a sentence why");
        assert_ne!(ours, theirs, "{text}: a difference");
        assert_eq!((read(&text), serialized(&text)), (ours, theirs), "{text}");
    }
}

#[test]
fn a_host_is_read_up_to_253_bytes_and_printed_beyond() {
    let host = |length: usize| format!("https://{}", ["a".repeat(63).as_str(); 4].join(".")[..length].to_owned());
    let (longest, longer) = (host(253), host(254));
    assert_eq!(read(&longest), serialized(&longest));
    assert_eq!((read(&longer), serialized(&longer)), (None, Some(longer.clone())));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    // rule 3.1, 3.4
    #[test]
    fn the_origin_of_a_url_is_read_as_it_is_printed(text in url_text()) {
        let url = Url::parse(&text).expect("a URL by construction");
        let printed = serialized(&text).expect("http and https have tuple origins");
        let origin = Origin::parse(printed.as_bytes());
        prop_assert!(origin.is_some(), "{} of {}", printed, text);
        let origin = origin.expect("just seen");
        prop_assert_eq!(origin.as_str(), &printed);
        prop_assert_eq!((origin.scheme(), Some(origin.host())), (url.scheme(), url.host_str()));
        prop_assert_eq!(origin.port(), url.port_or_known_default());
    }

    // rule 3.1
    #[test]
    fn the_exact_pattern_of_an_origin_matches_that_origin_only(urls in vec(url_text(), 1..6)) {
        let printed: Vec<_> = urls.iter().filter_map(|text| serialized(text)).collect();
        for (text, written) in urls.iter().zip(&printed) {
            let policy = CorsPolicy::new().allow_origins([written]).compile().expect("a valid policy");
            prop_assert!(policy.lints().is_empty(), "{}: {:?}", written, policy.lints());
            for other in &printed {
                prop_assert_eq!(policy.allows_origin(other), other == written, "{} under {}", other, written);
            }
            // Whoever spells the port out, or copies the URL's upper case, means the same origin.
            let url = Url::parse(text).expect("a URL by construction");
            let (host, port) = (url.host_str().expect("a host"), url.port_or_known_default().expect("a port"));
            let spelled = format!("{}://{host}:{port}", url.scheme()).to_ascii_uppercase();
            let policy = CorsPolicy::new().allow_origins([&spelled]).compile().expect("a valid policy");
            prop_assert!(policy.allows_origin(written), "{} under {}", written, spelled);
        }
    }

    // rule 3.4
    #[test]
    fn what_is_read_as_an_origin_is_a_url_with_that_origin(text in near_origin()) {
        let is_web = text.starts_with("http://") || text.starts_with("https://");
        // Other schemes, and Punycode that a change has made undecodable, are listed differences.
        let is_listed = !is_web || (text.contains("xn--") && Url::parse(&text).is_err());
        if let Some(read) = read(&text).filter(|_| !is_listed) {
            prop_assert_eq!(serialized(&text), Some(read), "{}", text);
        }
    }
}

/// The origin in `text`, as our parser prints it.
fn read(text: &str) -> Option<String> {
    Origin::parse(text.as_bytes()).map(|origin| origin.as_str().to_owned())
}

/// The origin of the URL `text`, as the `url` crate prints it.
fn serialized(text: &str) -> Option<String> {
    let origin = Url::parse(text).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

fn url_text() -> impl Strategy<Value = String> {
    let scheme = select(vec!["http", "https", "https", "HTTPS"]);
    let rest = select(vec!["", "/", "/login?next=%2F#top", "?q=1"]);
    let user = select(vec!["", "", "", "someone:secret@"]);
    (scheme, user, host(), port(), rest)
        .prop_map(|(scheme, user, host, port, rest)| format!("{scheme}://{user}{host}{port}{rest}"))
}

fn port() -> impl Strategy<Value = String> {
    let known = select(vec!["", "", ":80", ":443", ":0443", ":8080", ":"]).prop_map(String::from);
    prop_oneof![2 => known, 1 => (1_u16..).prop_map(|port| format!(":{port}"))]
}

fn host() -> impl Strategy<Value = String> {
    let label = prop_oneof![
        6 => "[a-z]([a-z0-9_-]{0,6}[a-z0-9])?".prop_filter("no Punycode by chance", |label| !label.contains("--")),
        2 => select(vec!["A", "Example", "bücher", "ПРИМЕР", "例え", "faß", "xn--bcher-kva", "ａ"]).prop_map(String::from),
    ];
    let name = (vec(label, 1..5), select(vec!["example", "test", "рф", "localhost"]))
        .prop_map(|(labels, last)| format!("{}.{last}", labels.join(".")));
    // The URL standard reads any of these spellings of an IPv4 address, and prints one.
    let ipv4 = (any::<u32>(), 0..4_u8).prop_map(|(address, spelling)| match spelling {
        0 => format!("0x{address:x}"),
        1 => address.to_string(),
        2 => format!("0{:o}.{}", address >> 24, address & 0xff_ffff),
        _ => std::net::Ipv4Addr::from(address).to_string(),
    });
    let group = || prop_oneof![2 => Just(0), 1 => any::<u16>(), 1 => 1..16_u16];
    let ipv6 = (vec(group(), 8), option::of(any::<u32>())).prop_map(|(groups, embedded)| {
        let mut groups: Vec<_> = groups.iter().map(|group| format!("{group:04X}")).collect();
        if let Some(address) = embedded {
            groups.splice(6.., [std::net::Ipv4Addr::from(address).to_string()]);
        }
        format!("[{}]", groups.join(":"))
    });
    prop_oneof![4 => name, 1 => ipv4, 2 => ipv6]
}

/// An origin, or one change away from it.
fn near_origin() -> impl Strategy<Value = String> {
    let piece = select(vec![".", ":", "/", "@", "[", "]", "0", "0x", "-", "_", "1", "a", "::", ":443", ":80", "://"]);
    let printed = prop_oneof![url_text().prop_filter_map("printed", |text| serialized(&text)), url_text()];
    (printed, any::<proptest::sample::Index>(), option::of(piece), any::<bool>()).prop_map(|(text, at, piece, cut)| {
        let mut characters: Vec<char> = text.chars().collect();
        let at = at.index(characters.len());
        if cut {
            characters.remove(at);
        }
        characters.splice(at..at, piece.unwrap_or_default().chars());
        characters.into_iter().collect()
    })
}
