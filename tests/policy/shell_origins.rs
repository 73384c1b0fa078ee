//! Origins of applications that show pages in a browser's engine under a scheme of their own: Electron's `app://.`, and
//! `capacitor://`, whose host is empty. Rules 2.6, 3.4, 3.6.

use tower_cors::{
    CorsPolicy,
    compile::{Compiler, Profile},
    origin::{Origin, OriginPattern},
};

const ORIGINS: [&str; 5] = ["app://.", "app://", "capacitor://", "capacitor://localhost", "tauri://localhost"];

/// What is no origin: a host that is a dot or empty belongs to a scheme of its own, has no port, and is all there is.
const NO_ORIGINS: [&str; 15] = [
    "http://",
    "https://.",
    "https:///",
    "app:",
    "app:/",
    "App://.",
    "app://..",
    "app://.:80",
    "app://:80",
    "app://.//",
    "app://./index.html",
    "app://*",
    "app://.,app://.",
    "://",
    "null",
];

/// What pages of these schemes may send to old servers; a browser's own word for them is `null` (2.7).
const OPAQUE: [&str; 6] = ["file://", "file:///", "file://.", "data://", "about://.", "javascript://"];

/// rule 2.6
#[test]
fn the_host_of_an_origin_is_a_dot_or_empty_where_the_shell_sends_it() {
    for (text, scheme, host) in
        [("app://.", "app", "."), ("capacitor://", "capacitor", ""), ("a+b.c-1://", "a+b.c-1", "")]
    {
        let origin = Origin::parse(text.as_bytes()).expect(text);
        assert_eq!((origin.scheme(), origin.host(), origin.port(), origin.as_str()), (scheme, host, None, text));
        let slash = format!("{text}/");
        assert_eq!(Origin::parse(slash.as_bytes()).expect("one trailing slash is tolerated").as_str(), text);
        assert_eq!(OriginPattern::parse(&slash).expect("one trailing slash is tolerated").to_string(), text);
    }
    for text in NO_ORIGINS.iter().chain(&OPAQUE) {
        assert!(Origin::parse(text.as_bytes()).is_none(), "{text}");
    }
}

/// rule 2.6: an origin with such a host matches its own exact pattern, and neither another nor a wildcard.
#[test]
fn an_origin_without_a_host_matches_its_own_pattern_only() {
    let wide = ["https://*:*", "http://*:*", "https://app.example"];
    for allowed in ORIGINS {
        let policy = CorsPolicy::new().allow_origins(wide.into_iter().chain([allowed])).compile().unwrap();
        let pattern = OriginPattern::parse(allowed).unwrap();
        assert!(pattern.is_exact() && !pattern.has_web_scheme(), "{allowed}");
        for origin in ORIGINS {
            let parsed = Origin::parse(origin.as_bytes()).expect(origin);
            assert_eq!(policy.allows_origin(origin), origin == allowed, "{origin} under {allowed}");
            assert_eq!(pattern.matches(&parsed), origin == allowed, "{origin} under {allowed} alone");
            let both = OriginPattern::parse(origin).unwrap().intersection(&pattern);
            assert_eq!(both.map(|both| both.to_string()), (origin == allowed).then(|| origin.to_owned()));
        }
        for text in NO_ORIGINS.iter().chain(&OPAQUE) {
            assert!(!policy.allows_origin(text), "{text} under {allowed}");
        }
    }
}

/// rule 3.6, rule 2.7
#[test]
fn any_origin_with_credentials_reflects_no_opaque_scheme() {
    let any = CorsPolicy::new().allow_origins(["*"]).allow_credentials(true);
    let policy = Compiler::new().profile(Profile::GatewayApi).compile(any).unwrap();
    for origin in ORIGINS {
        assert!(policy.allows_origin(origin), "{origin}");
    }
    for text in NO_ORIGINS.iter().chain(&OPAQUE) {
        assert!(!policy.allows_origin(text), "{text}");
    }
}
