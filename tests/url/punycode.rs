//! Labels outside ASCII: what is suggested for them is what a browser would send, by the crate `url`.

use proptest::prelude::*;
use tower_cors::CorsPolicy;
use url::Url;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    // rule 2.7
    #[test]
    fn a_label_is_given_as_browsers_would_send_it(label in "[a-zäöüßéñα-ρτ-ωа-я一-丿]{1,24}") {
        prop_assume!(!label.is_ascii());
        let origin = format!("https://{label}.example");
        let meant = Url::parse(&origin).ok().map(|url| url.origin().ascii_serialization());
        let violations = CorsPolicy::new().allow_origins([origin]).compile().unwrap_err();
        let suggestion = violations.iter().find_map(|violation| violation.suggestion());
        prop_assert_eq!(suggestion, meant.as_deref());
    }
}
