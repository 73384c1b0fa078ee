//! Matching an origin allocates nothing, however it is written. Rules 3.1 to 3.4.

use allocation_counter::measure;
use tower_cors::CorsPolicy;

#[test]
fn an_origin_is_matched_without_allocating() {
    let policy = CorsPolicy::new()
        .allow_origins([
            "https://a.example",
            "https://*.b.example",
            "http://c.example:*",
            "http://[2001:db8::1]",
            "app://.",
        ])
        .compile()
        .expect("a valid policy");
    let rows = [
        ("https://a.example", true),
        ("https://a.example:443/", true),
        ("https://x.y.b.example", true),
        ("http://c.example:8080", true),
        ("http://[2001:db8::1]:80", true),
        ("http://[::ffff:c000:201]", false),
        ("http://[2001:db8:0:0:0:0:0:1]", false),
        ("app://./", true),
        ("https://b.example", false),
        ("null", false),
    ];
    for (origin, is_allowed) in rows {
        let mut answer = None;
        let counted = measure(|| answer = Some(policy.allows_origin(origin)));
        assert_eq!((answer, counted.count_total), (Some(is_allowed), 0), "{origin}");
    }
}
