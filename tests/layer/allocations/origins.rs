//! Matching an origin allocates nothing, however it is written. Rules 3.1 to 3.4.

use allocation_counter::measure;
use tower_cors::CorsPolicy;

#[test]
fn a_function_is_asked_without_allocating() {
    use tower_cors::{
        decision::{Options, Resolution, decide},
        origin::Origin,
        request::CorsRequest,
    };

    let policy = CorsPolicy::new()
        .allow_origins(["https://a.example"])
        .allow_origin_if(|origin: &Origin<'_>| origin.host().ends_with(".b.example"))
        .compile()
        .expect("a valid policy");
    let rows = [("https://a.example", true), ("https://x.b.example", true), ("https://c.example", false)];
    for (origin, is_allowed) in rows {
        // A clone of static bytes shares them from the first one on.
        let value = http::HeaderValue::from_static(origin);
        let request = http::Request::get("/").header("origin", value).body(()).expect("a request");
        let mut decision = None;
        let counted = measure(|| {
            let (head, resolution) = (CorsRequest::of(&request), Resolution::from(&policy));
            decision = Some(decide(&head, &resolution, &Options::new()));
        });
        let is_answer =
            matches!(&decision, Some(tower_cors::Decision::Continue(plan)) if plan.is_allowed() == is_allowed);
        assert_eq!((is_answer, counted.count_total), (true, 0), "{origin}");
    }
}

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
