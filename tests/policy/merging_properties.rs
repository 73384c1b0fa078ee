//! Properties of merging over arbitrary stacks: section 7 of `docs/semantics.md`, 7.3 to 7.5, 7.8, 7.9 and 7.11.

use proptest::{collection::vec, option, prelude::*, sample::select};
use tower_cors::{
    CorsPolicy, Profile,
    compile::Compiler,
    merge::{Ceiling, Effective, MergeOptions, MergeStrategy, Preference, Setting, merge},
    policy::PolicyField,
};

use crate::stack::{STRATEGIES, effective, merged, setting, strings};

const ORIGINS: [&str; 16] = [
    "https://*.xa.example",
    "https://xa.example:*",
    "https://a.example",
    "https://a.example:443",
    "https://b.a.example",
    "https://*.a.example",
    "https://*.example",
    "https://*.example:*",
    "https://a.example:*",
    "https://a.example:8443",
    "https://*:8443",
    "https://*",
    "http://*:*",
    "http://a.example",
    "http://127.0.0.1",
    "tauri://localhost",
];
const REQUESTED: [&str; 17] = [
    "https://c.xa.example",
    "https://a.example",
    "https://b.a.example",
    "https://c.b.a.example",
    "https://example",
    "https://b.example",
    "https://xa.example",
    "https://a.example:8443",
    "https://b.a.example:8443",
    "https://other:8443",
    "https://other",
    "http://a.example",
    "http://a.example:81",
    "http://127.0.0.1",
    "tauri://localhost",
    "tauri://other",
    "not an origin",
];
const METHODS: [&str; 5] = ["PUT", "DELETE", "PATCH", "put", "PROPFIND"];
const NAMES: [&str; 5] = ["X-One", "x-one", "X-Two", "ETag", "Authorization"];

fn list(from: &'static [&'static str]) -> impl Strategy<Value = Option<Vec<String>>> {
    let listed = proptest::sample::subsequence(from.to_vec(), 0..=from.len()).prop_shuffle();
    option::of(prop_oneof![
        4 => listed.prop_map(|list| strings(&list)),
        1 => Just(strings(&["*"])),
    ])
}

fn policies() -> impl Strategy<Value = CorsPolicy> {
    (list(&ORIGINS), option::of(any::<bool>()), list(&METHODS), list(&NAMES), list(&NAMES), option::of(0_u64..20))
        .prop_map(|(allow_origins, allow_credentials, allow_methods, allow_headers, expose_headers, max_age)| {
            CorsPolicy { allow_origins, allow_credentials, allow_methods, allow_headers, expose_headers, max_age }
        })
}

fn options() -> impl Strategy<Value = MergeOptions> {
    let strategy = || select(STRATEGIES.to_vec());
    (strategy(), vec(option::of(strategy()), 6), any::<bool>()).prop_map(|(strategy, fields, parent)| {
        let mut options = MergeOptions::new(strategy);
        if parent {
            options = options.preference(Preference::Parent);
        }
        let fields = PolicyField::ALL.into_iter().zip(fields);
        fields.fold(options, |options, (field, own)| own.map_or(options, |own| options.field(field, own)))
    })
}

fn settings() -> impl Strategy<Value = Setting> {
    prop_oneof![
        5 => policies().prop_map(|policy| setting("policy", &policy)),
        1 => Just(Setting::disabled("disabled")),
        1 => policies().prop_map(|policy| Setting::ceiling("ceiling", Ceiling::new(policy).unwrap())),
    ]
}

/// A compiler that refuses nothing that these policies hold.
fn lenient() -> Compiler {
    Compiler::new().profile(Profile::GatewayApi)
}

fn seconds(policy: &CorsPolicy) -> u64 {
    policy.max_age.unwrap_or(5)
}

/// Whether a response header is exposed, by the plainest reading.
fn exposes(policy: &CorsPolicy, name: &str) -> bool {
    let list = policy.expose_headers.iter().flatten();
    list.into_iter().any(|entry| entry == "*" || entry.eq_ignore_ascii_case(name))
}

proptest! {
    #[test]
    fn replace_picks_one(stack in vec(policies(), 1..5), parent in any::<bool>()) {
        let settings: Vec<_> = stack.iter().map(|policy| setting("p", policy)).collect();
        let (picked, preference) =
            if parent { (stack.last(), Preference::Parent) } else { (stack.first(), Preference::Child) };
        let options = MergeOptions::new(MergeStrategy::Replace).preference(preference);
        prop_assert_eq!(Some(&effective(&settings, &options).into_policy()), picked);
    }

    #[test]
    fn every_strategy_is_associative(a in policies(), b in policies(), c in policies(), options in options()) {
        let pair = |one: &CorsPolicy, two: &CorsPolicy| {
            effective(&[setting("one", one), setting("two", two)], &options).into_policy()
        };
        let whole = effective(&[setting("a", &a), setting("b", &b), setting("c", &c)], &options).into_policy();
        prop_assert_eq!(&pair(&pair(&a, &b), &c), &whole);
        prop_assert_eq!(&pair(&a, &pair(&b, &c)), &whole);
    }

    #[test]
    fn a_policy_alone_and_one_over_nothing_stay_as_they_are(policy in policies(), options in options()) {
        prop_assert_eq!(&effective(&[setting("p", &policy)], &options).into_policy(), &policy);
        // A policy that sets nothing adds nothing, but where it is preferred and replaces.
        let nothing = setting("nothing", &CorsPolicy::new());
        for strategy in [MergeStrategy::Inherit, MergeStrategy::Union] {
            let preferred = [nothing.clone(), setting("p", &policy)];
            let other = [setting("p", &policy), nothing.clone()];
            prop_assert_eq!(&merged(&preferred, strategy), &policy);
            prop_assert_eq!(&merged(&other, strategy), &policy);
        }
    }

    #[test]
    fn union_keeps_the_order_and_repeats_nothing(a in policies(), b in policies()) {
        let stack = [setting("a", &a), setting("b", &b)];
        let united = merged(&stack, MergeStrategy::Union).allow_headers;
        // The slow, obvious way: each entry in turn, unless one like it is there.
        let mut expected: Vec<String> = Vec::new();
        for entry in a.allow_headers.iter().chain(&b.allow_headers).flatten() {
            if !expected.iter().any(|other| other.eq_ignore_ascii_case(entry)) {
                expected.push(entry.clone());
            }
        }
        let expected = match (&a.allow_headers, &b.allow_headers) {
            (None, None) => None,
            (Some(only), None) | (None, Some(only)) => Some(only.clone()),
            _ if expected.iter().any(|entry| entry == "*") => Some(strings(&["*"])),
            _ => Some(expected),
        };
        prop_assert_eq!(united, expected);
    }

    /// Every origin, method and name that a side allows, the union allows, and nothing else.
    #[test]
    fn union_allows_what_either_allows(a in policies(), b in policies()) {
        let credentials = |policy: CorsPolicy| CorsPolicy { allow_credentials: None, ..policy };
        let (a, b) = (credentials(a), credentials(b));
        let united = merged(&[setting("a", &a), setting("b", &b)], MergeStrategy::Union).compile().unwrap();
        let (a, b) = (a.compile().unwrap(), b.compile().unwrap());
        for origin in REQUESTED {
            prop_assert_eq!(united.allows_origin(origin), a.allows_origin(origin) || b.allows_origin(origin), "{}", origin);
        }
        for method in METHODS {
            prop_assert_eq!(united.allows_method(method), a.allows_method(method) || b.allows_method(method));
        }
        for name in NAMES {
            prop_assert_eq!(united.allows_header(name), a.allows_header(name) || b.allows_header(name));
        }
    }

    /// What is left is exactly what both allow.
    #[test]
    fn a_ceiling_leaves_exactly_what_both_allow(
        stack in vec(policies(), 1..4),
        bound in policies(),
        at in 0_usize..4,
        options in options(),
    ) {
        let mut settings: Vec<_> = stack.iter().map(|policy| setting("p", policy)).collect();
        let free = effective(&settings, &options).into_policy();
        settings.insert(at.min(settings.len()), Setting::ceiling("c", Ceiling::new(bound.clone()).unwrap()));
        let narrowed = effective(&settings, &options).into_policy();

        prop_assert_eq!(seconds(&narrowed), bound.max_age.map_or(seconds(&free), |cap| cap.min(seconds(&free))));
        let credentials = |policy: &CorsPolicy| policy.allow_credentials == Some(true);
        prop_assert_eq!(credentials(&narrowed), credentials(&free) && credentials(&bound));
        for name in NAMES {
            let permitted = bound.expose_headers.is_none() || exposes(&bound, name);
            prop_assert_eq!(exposes(&narrowed, name), exposes(&free, name) && permitted, "{}", name);
        }
        // Without credentials, so that a `*` means the same on every side (3.6).
        let compile = |policy: &CorsPolicy| lenient().compile(CorsPolicy { allow_credentials: None, ..policy.clone() });
        let (free, narrowed, compiled_bound) =
            (compile(&free).unwrap(), compile(&narrowed).unwrap(), compile(&bound).unwrap());
        for origin in REQUESTED {
            let permitted = bound.allow_origins.is_none() || compiled_bound.allows_origin(origin);
            prop_assert_eq!(narrowed.allows_origin(origin), free.allows_origin(origin) && permitted, "{}", origin);
        }
        for method in METHODS {
            let permitted = bound.allow_methods.is_none() || compiled_bound.allows_method(method);
            prop_assert_eq!(narrowed.allows_method(method), free.allows_method(method) && permitted, "{}", method);
        }
        for name in NAMES {
            let permitted = bound.allow_headers.is_none() || compiled_bound.allows_header(name);
            prop_assert_eq!(narrowed.allows_header(name), free.allows_header(name) && permitted, "{}", name);
        }
    }

    /// Total, and every field that is set has a source that stands in the stack.
    #[test]
    fn any_stack_merges_and_every_field_has_a_source(stack in vec(settings(), 0..6), options in options()) {
        let Effective::Policy(effective) = merge(&stack, &options) else { return Ok(()) };
        let policy = effective.policy();
        let set = [
            policy.allow_origins.is_some(),
            policy.allow_credentials.is_some(),
            policy.allow_methods.is_some(),
            policy.allow_headers.is_some(),
            policy.expose_headers.is_some(),
            policy.max_age.is_some(),
        ];
        for (field, set) in PolicyField::ALL.into_iter().zip(set) {
            let sources: Vec<_> = effective.provenance().of(field).collect();
            // An unset max-age that a cap lowers is set by the ceiling alone.
            let is_capped = field == PolicyField::MaxAge && effective.provenance().narrowed_by(field).next().is_some();
            prop_assert!(set != sources.is_empty() || is_capped, "{}: {:?}", field, sources);
            for source in sources {
                prop_assert_eq!(stack[source.index()].label(), "policy");
            }
        }
        // Valid halves: whatever the merge makes of them, the lists stay valid.
        prop_assert!(effective.compile(&lenient()).is_ok());
    }
}
