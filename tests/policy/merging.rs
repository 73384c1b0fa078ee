//! Section 7 of `docs/semantics.md`, 7.3 to 7.11: stacks of settings and the policy that comes of them.

use tower_cors::{
    CorsPolicy, Profile,
    compile::Compiler,
    merge::{Ceiling, Effective, EffectivePolicy, MergeError, MergeOptions, MergeStrategy, Preference, Setting, merge},
    policy::PolicyField,
};

use crate::stack::{STRATEGIES, effective, merged, setting, strings};

fn labels(policy: &EffectivePolicy, field: PolicyField) -> Vec<String> {
    policy.provenance().of(field).map(|source| source.label().to_owned()).collect()
}

fn narrowing(policy: &EffectivePolicy, field: PolicyField) -> Vec<usize> {
    policy.provenance().narrowed_by(field).map(|source| source.index()).collect()
}

fn route() -> CorsPolicy {
    CorsPolicy {
        allow_origins: Some(strings(&["https://a.example"])),
        allow_credentials: Some(true),
        expose_headers: Some(strings(&["X-Route", "ETag"])),
        ..CorsPolicy::default()
    }
}

fn gateway() -> CorsPolicy {
    CorsPolicy {
        allow_origins: Some(strings(&["https://b.example", "https://A.example:443/"])),
        allow_credentials: Some(false),
        allow_methods: Some(strings(&["PUT"])),
        expose_headers: Some(strings(&["etag", "X-Gateway"])),
        max_age: Some(600),
        ..CorsPolicy::default()
    }
}

fn route_over_gateway() -> [Setting; 2] {
    [setting("route", &route()), setting("gateway", &gateway())]
}

// rule 7.3
#[test]
fn replace_takes_the_preferred_setting_whole() {
    let child = MergeOptions::new(MergeStrategy::Replace);
    assert_eq!(*effective(&route_over_gateway(), &child).policy(), route());
    let parent = child.preference(Preference::Parent);
    assert_eq!(*effective(&route_over_gateway(), &parent).policy(), gateway());
}

// rule 7.4
#[test]
fn inherit_takes_each_field_from_the_first_that_sets_it() {
    let expected = CorsPolicy { allow_methods: Some(strings(&["PUT"])), max_age: Some(600), ..route() };
    assert_eq!(merged(&route_over_gateway(), MergeStrategy::Inherit), expected);
    let parent = MergeOptions::new(MergeStrategy::Inherit).preference(Preference::Parent);
    assert_eq!(*effective(&route_over_gateway(), &parent).policy(), gateway());
}

// rule 7.5
#[test]
fn union_puts_the_preferred_side_first_and_repeats_nothing() {
    let expected = CorsPolicy {
        // The gateway's second origin means the route's.
        allow_origins: Some(strings(&["https://a.example", "https://b.example"])),
        allow_credentials: Some(true),
        allow_methods: Some(strings(&["PUT"])),
        allow_headers: None,
        expose_headers: Some(strings(&["X-Route", "ETag", "X-Gateway"])),
        max_age: Some(600),
    };
    assert_eq!(merged(&route_over_gateway(), MergeStrategy::Union), expected);
    let expected = CorsPolicy {
        allow_origins: Some(strings(&["https://b.example", "https://A.example:443/"])),
        allow_credentials: Some(false),
        expose_headers: Some(strings(&["etag", "X-Gateway", "X-Route"])),
        ..expected
    };
    let parent = MergeOptions::new(MergeStrategy::Union).preference(Preference::Parent);
    assert_eq!(*effective(&route_over_gateway(), &parent).policy(), expected);
}

#[test]
fn union_compares_methods_with_their_case() {
    let one = CorsPolicy::new().allow_methods(["PATCH"]);
    let two = CorsPolicy::new().allow_methods(["patch", "PATCH"]);
    let stack = [setting("one", &one), setting("two", &two)];
    assert_eq!(merged(&stack, MergeStrategy::Union).allow_methods.unwrap(), ["PATCH", "patch"]);
}

#[test]
fn a_single_field_can_have_a_strategy_of_its_own() {
    let options = MergeOptions::new(MergeStrategy::Replace).field(PolicyField::ExposeHeaders, MergeStrategy::Union);
    let expected = CorsPolicy { expose_headers: Some(strings(&["X-Route", "ETag", "X-Gateway"])), ..route() };
    assert_eq!(*effective(&route_over_gateway(), &options).policy(), expected);
    assert_eq!(options.strategy(PolicyField::ExposeHeaders), MergeStrategy::Union);
    assert_eq!(options.strategy(PolicyField::AllowHeaders), MergeStrategy::Replace);
}

/// What each strategy makes of a preferred and another list: unset, empty, `*` and listed are four different things.
#[test]
fn unset_empty_any_and_listed_are_four_different_things() {
    type Given = Option<&'static [&'static str]>;
    const UNSET: Given = None;
    const EMPTY: Given = Some(&[]);
    const ANY: Given = Some(&["*"]);
    const ONE: Given = Some(&["X-One"]);
    const TWO: Given = Some(&["X-Two"]);
    const BOTH: Given = Some(&["X-One", "X-Two"]);
    // preferred, other, Replace, Inherit, Union
    let table: [(Given, Given, Given, Given, Given); 16] = [
        (UNSET, UNSET, UNSET, UNSET, UNSET),
        (UNSET, EMPTY, UNSET, EMPTY, EMPTY),
        (UNSET, ANY, UNSET, ANY, ANY),
        (UNSET, TWO, UNSET, TWO, TWO),
        (EMPTY, UNSET, EMPTY, EMPTY, EMPTY),
        (EMPTY, EMPTY, EMPTY, EMPTY, EMPTY),
        (EMPTY, ANY, EMPTY, EMPTY, ANY),
        (EMPTY, TWO, EMPTY, EMPTY, TWO),
        (ANY, UNSET, ANY, ANY, ANY),
        (ANY, EMPTY, ANY, ANY, ANY),
        (ANY, ANY, ANY, ANY, ANY),
        (ANY, TWO, ANY, ANY, ANY),
        (ONE, UNSET, ONE, ONE, ONE),
        (ONE, EMPTY, ONE, ONE, ONE),
        (ONE, ANY, ONE, ONE, ANY),
        (ONE, TWO, ONE, ONE, BOTH),
    ];
    for (preferred, other, replace, inherit, union) in table {
        for (strategy, expected) in STRATEGIES.into_iter().zip([replace, inherit, union]) {
            let policy = |list: Given| CorsPolicy { allow_headers: list.map(strings), ..CorsPolicy::default() };
            let stack = [setting("preferred", &policy(preferred)), setting("other", &policy(other))];
            assert_eq!(
                merged(&stack, strategy).allow_headers,
                expected.map(strings),
                "{strategy:?} of {preferred:?} and {other:?}"
            );
        }
    }
}

#[test]
fn an_explicit_no_to_credentials_is_set_and_an_unset_one_is_not() {
    let table = [
        (None, Some(true), Some(true)),
        (Some(false), Some(true), Some(false)),
        (Some(true), Some(false), Some(true)),
        (None, None, None),
    ];
    for (preferred, other, expected) in table {
        for strategy in [MergeStrategy::Inherit, MergeStrategy::Union] {
            let policy = |allow| CorsPolicy { allow_credentials: allow, ..CorsPolicy::default() };
            let stack = [setting("preferred", &policy(preferred)), setting("other", &policy(other))];
            assert_eq!(merged(&stack, strategy).allow_credentials, expected, "{preferred:?} over {other:?}");
        }
    }
}

#[test]
fn an_empty_stack_has_no_policy() {
    for strategy in STRATEGIES {
        let nothing = merge(&[], &MergeOptions::new(strategy));
        assert_eq!((&nothing, nothing.policy()), (&Effective::Nothing, None));
        let one = merge(&[setting("route", &route())], &MergeOptions::new(strategy));
        assert_eq!(one.policy().map(EffectivePolicy::policy), Some(&route()));
        assert_eq!(merge(&[], &MergeOptions::new(strategy)).compile(&Compiler::new()), Ok(None));
    }
}

#[test]
fn a_ceiling_alone_is_no_policy() {
    let ceiling = Ceiling::new(CorsPolicy::new().allow_origins(["*"])).unwrap();
    let stack = [Setting::ceiling("platform", ceiling)];
    assert_eq!(merge(&stack, &MergeOptions::new(MergeStrategy::Union)), Effective::Nothing);
}

// rule 7.9
#[test]
fn a_preferred_disabled_setting_means_no_cors() {
    let stack = [Setting::disabled("route"), setting("gateway", &gateway())];
    for strategy in STRATEGIES {
        match merge(&stack, &MergeOptions::new(strategy)) {
            Effective::Disabled(source) => assert_eq!((source.index(), source.label()), (0, "route")),
            other => panic!("{strategy:?}: {other:?}"),
        }
        let parent = MergeOptions::new(strategy).preference(Preference::Parent);
        assert_eq!(*effective(&stack, &parent).policy(), gateway());
    }
}

#[test]
fn a_disabled_setting_in_the_middle_cuts_off_what_is_less_preferred() {
    let stack = [setting("route", &route()), Setting::disabled("listener"), setting("gateway", &gateway())];
    for strategy in STRATEGIES {
        assert_eq!(merged(&stack, strategy), route(), "{strategy:?}");
    }
}

// rule 7.10
#[test]
fn two_valid_halves_of_an_invalid_whole_are_both_named() {
    let route = CorsPolicy::new().allow_origins(["*"]);
    let gateway = CorsPolicy::new().allow_origins(["https://a.example"]).allow_credentials(true);
    assert!(route.clone().compile().is_ok() && gateway.clone().compile().is_ok());
    let stack = [
        Setting::policy("HTTPRoute web/app rule 0", route).at("spec.rules[0].filters[0].cors".into()),
        Setting::policy("TrafficPolicy web/base", gateway).at("spec.cors".into()),
    ];
    for strategy in [MergeStrategy::Inherit, MergeStrategy::Union] {
        let effective = effective(&stack, &MergeOptions::new(strategy));
        let error = effective.clone().compile(&Compiler::new()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "allowOrigins[0]: \"*\" lets every site act and read with its visitors' credentials; list the origins, or \
             drop credentials; merged from allowOrigins of HTTPRoute web/app rule 0 (spec.rules[0].filters[0].cors) \
             and allowCredentials of TrafficPolicy web/base (spec.cors)"
        );
        assert!(matches!(error, MergeError::InvalidWhole { .. }));
        // The profile that the policies came from decides.
        assert!(effective.compile(&Compiler::new().profile(Profile::GatewayApi)).is_ok());
    }
}

#[test]
fn a_violation_of_one_field_names_only_those_who_set_it() {
    let stack = [setting("route", &CorsPolicy::new().allow_methods(["GET,PUT"])), setting("gateway", &gateway())];
    let effective = effective(&stack, &MergeOptions::new(MergeStrategy::Inherit));
    assert_eq!(
        effective.compile(&Compiler::new()).unwrap_err().to_string(),
        "allowMethods[0]: \"GET,PUT\" is a list in one string; make each element an entry of its own; merged from \
         allowMethods of route"
    );
}

// rule 7.11
#[test]
fn every_field_knows_its_settings() {
    let inherited = effective(&route_over_gateway(), &MergeOptions::new(MergeStrategy::Inherit));
    let table = [
        (PolicyField::AllowOrigins, vec!["route"]),
        (PolicyField::AllowCredentials, vec!["route"]),
        (PolicyField::AllowMethods, vec!["gateway"]),
        (PolicyField::AllowHeaders, vec![]),
        (PolicyField::ExposeHeaders, vec!["route"]),
        (PolicyField::MaxAge, vec!["gateway"]),
    ];
    for (field, expected) in table {
        assert_eq!(labels(&inherited, field), expected, "{field}");
    }
    let united =
        effective(&route_over_gateway(), &MergeOptions::new(MergeStrategy::Union).preference(Preference::Parent));
    assert_eq!(labels(&united, PolicyField::ExposeHeaders), ["gateway", "route"]);
    let indices: Vec<_> = united.provenance().of(PolicyField::ExposeHeaders).map(|source| source.index()).collect();
    assert_eq!(indices, [1, 0]);
}

#[test]
fn a_star_that_swallows_the_rest_is_the_only_source() {
    let one = CorsPolicy::new().allow_headers(["X-One"]);
    let any = CorsPolicy::new().allow_headers(["*"]);
    let stack = [setting("one", &one), setting("any", &any)];
    assert_eq!(
        labels(&effective(&stack, &MergeOptions::new(MergeStrategy::Union)), PolicyField::AllowHeaders),
        ["any"]
    );
}

#[test]
fn a_compiled_merged_policy_carries_its_provenance() {
    let effective = effective(&route_over_gateway(), &MergeOptions::new(MergeStrategy::Inherit));
    let expected = effective.provenance().clone();
    let compiled = effective.compile(&Compiler::new()).unwrap();
    assert_eq!(compiled.provenance(), Some(&expected));
    assert_eq!(
        expected.to_string(),
        "allowOrigins: route\nallowCredentials: route\nallowMethods: gateway\nexposeHeaders: route\nmaxAge: gateway"
    );
    assert_eq!(route().compile().unwrap().provenance(), None);
}

/// What a ceiling leaves of a list of origins.
// rule 7.8
#[test]
fn a_ceiling_drops_origins_outside_it() {
    // name, the policy's origins, the ceiling's, what is left
    type Origins = &'static [&'static str];
    let table: &[(&str, Origins, Origins, Origins)] = &[
        ("an_exact_origin_inside_stays", &["https://a.example"], &["https://a.example"], &["https://a.example"]),
        (
            "an_exact_origin_outside_goes",
            &["https://a.example", "https://b.example"],
            &["https://b.example"],
            &["https://b.example"],
        ),
        (
            "an_exact_origin_below_a_wildcard_stays",
            &["https://a.b.example"],
            &["https://*.example"],
            &["https://a.b.example"],
        ),
        ("the_apex_is_not_below_a_wildcard", &["https://b.example"], &["https://*.b.example"], &[]),
        ("a_lookalike_is_not_below_a_wildcard", &["https://evilb.example"], &["https://*.b.example"], &[]),
        ("another_scheme_is_outside", &["http://a.example"], &["https://*.example", "https://*"], &[]),
        ("another_port_is_outside", &["https://a.example:8443"], &["https://a.example", "https://*"], &[]),
        ("any_port_covers_a_port", &["https://a.example:8443"], &["https://a.example:*"], &["https://a.example:8443"]),
        (
            "any_port_is_narrowed_to_the_ports",
            &["https://a.example:*"],
            &["https://a.example", "https://a.example:1"],
            &["https://a.example", "https://a.example:1"],
        ),
        (
            "a_wildcard_inside_a_wildcard_stays",
            &["https://*.a.example"],
            &["https://*.example"],
            &["https://*.a.example"],
        ),
        (
            "a_wider_wildcard_is_narrowed",
            &["https://*.example"],
            &["https://*.a.example", "https://b.example"],
            &["https://*.a.example", "https://b.example"],
        ),
        ("a_wildcard_beside_goes", &["https://*.a.example"], &["https://*.b.example"], &[]),
        ("a_lookalike_wildcard_goes", &["https://*.evilb.example"], &["https://*.b.example"], &[]),
        ("a_lookalike_on_any_port_goes", &["https://evilb.example:*"], &["https://*.b.example:*"], &[]),
        ("the_apex_on_any_port_goes", &["https://b.example:*"], &["https://*.b.example:*"], &[]),
        (
            "what_is_spelled_twice_is_listed_once",
            &["https://*.example", "https://A.example"],
            &["https://a.example"],
            &["https://a.example"],
        ),
        (
            "any_host_is_narrowed",
            &["https://*"],
            &["https://*.a.example", "http://b.example"],
            &["https://*.a.example"],
        ),
        (
            "hosts_and_ports_are_narrowed_each",
            &["https://*:8443"],
            &["https://a.example:*"],
            &["https://a.example:8443"],
        ),
        (
            "any_origin_becomes_the_list",
            &["*"],
            &["https://a.example", "https://*.b.example"],
            &["https://a.example", "https://*.b.example"],
        ),
        (
            "any_origin_is_a_ceiling_for_nothing",
            &["https://a.example", "tauri://localhost"],
            &["*"],
            &["https://a.example", "tauri://localhost"],
        ),
        ("any_host_does_not_cover_other_schemes", &["tauri://localhost"], &["https://*:*", "http://*:*"], &[]),
        (
            "spelling_does_not_matter_and_stays",
            &["HTTPS://A.example:443/"],
            &["https://a.example"],
            &["HTTPS://A.example:443/"],
        ),
        (
            "what_two_entries_share_is_listed_once",
            &["https://*.example", "https://a.example"],
            &["https://a.example"],
            &["https://a.example"],
        ),
        ("an_empty_ceiling_drops_everything", &["https://a.example", "https://*"], &[], &[]),
        (
            "addresses_are_exact",
            &["http://127.0.0.1:3000", "http://[::1]"],
            &["http://*:*"],
            &["http://127.0.0.1:3000", "http://[::1]"],
        ),
    ];
    for (name, policy, ceiling, expected) in table {
        let ceiling = Ceiling::new(CorsPolicy::new().allow_origins(*ceiling)).unwrap();
        let stack = [setting("team", &CorsPolicy::new().allow_origins(*policy)), Setting::ceiling("platform", ceiling)];
        for strategy in STRATEGIES {
            let effective = effective(&stack, &MergeOptions::new(strategy));
            assert_eq!(effective.policy().allow_origins.as_deref().unwrap(), *expected, "{name}");
            let expected_narrowing: &[usize] = if policy == expected { &[] } else { &[1] };
            assert_eq!(narrowing(&effective, PolicyField::AllowOrigins), expected_narrowing, "{name}");
        }
    }
}

#[test]
fn a_ceiling_drops_methods_and_names_and_caps_the_rest() {
    let policy = CorsPolicy {
        allow_origins: Some(strings(&["https://a.example"])),
        allow_credentials: Some(true),
        allow_methods: Some(strings(&["PUT", "put", "DELETE"])),
        allow_headers: Some(strings(&["X-One", "x-two"])),
        expose_headers: Some(strings(&["*"])),
        max_age: Some(3600),
    };
    let ceiling = CorsPolicy {
        allow_methods: Some(strings(&["PUT"])),
        allow_headers: Some(strings(&["X-Two", "X-Three"])),
        expose_headers: Some(strings(&["ETag"])),
        max_age: Some(60),
        ..CorsPolicy::default()
    };
    let stack = [setting("team", &policy), Setting::ceiling("platform", Ceiling::new(ceiling).unwrap())];
    let effective = effective(&stack, &MergeOptions::new(MergeStrategy::Replace));
    let expected = CorsPolicy {
        // Unset in the ceiling, so not bounded.
        allow_origins: Some(strings(&["https://a.example"])),
        // Unset in the ceiling, so without consent.
        allow_credentials: Some(false),
        allow_methods: Some(strings(&["PUT"])),
        allow_headers: Some(strings(&["x-two"])),
        expose_headers: Some(strings(&["ETag"])),
        max_age: Some(60),
    };
    assert_eq!(*effective.policy(), expected);
    for field in PolicyField::ALL {
        let expected: &[usize] = if field == PolicyField::AllowOrigins { &[] } else { &[1] };
        assert_eq!(narrowing(&effective, field), expected, "{field}");
    }
    assert_eq!(effective.provenance().to_string().lines().last().unwrap(), "maxAge: team, narrowed by platform");
}

#[test]
fn an_invalid_whole_names_up_to_four_of_its_parts_and_counts_the_others() {
    let told = |parts: usize| {
        let label = |at: usize| format!("part {at}");
        let origin = |at: usize| CorsPolicy::new().allow_origins([format!("https://{at}.example")]);
        let parts = (0..parts).map(|at| setting(&label(at), &origin(at)));
        let credentials = CorsPolicy { allow_credentials: Some(true), ..CorsPolicy::default() };
        let open = CorsPolicy { allow_origins: Some(strings(&["https://*"])), ..CorsPolicy::default() };
        let stack: Vec<_> = [setting("open", &open), setting("login", &credentials)].into_iter().chain(parts).collect();
        let whole = effective(&stack, &MergeOptions::new(MergeStrategy::Union));
        whole.compile(&Compiler::new()).unwrap_err().to_string()
    };
    let merged_from = |parts: usize| told(parts).split_once("; merged from ").map(|(_, from)| from.to_owned());
    assert_eq!(
        merged_from(2).as_deref(),
        Some(
            "allowOrigins of open and allowOrigins of part 0 and allowOrigins of part 1 and allowCredentials of login"
        )
    );
    let four = "allowOrigins of open and allowOrigins of part 0 and allowOrigins of part 1 and allowOrigins of part 2";
    assert_eq!(merged_from(3), Some(format!("{four} and 1 more")));
}

#[test]
fn a_cap_below_five_seconds_binds_an_unset_max_age() {
    for (cap, given, expected) in [(4, None, Some(4)), (5, None, None), (600, None, None), (4, Some(2), Some(2))] {
        let ceiling = Ceiling::new(CorsPolicy { max_age: Some(cap), ..CorsPolicy::default() }).unwrap();
        let policy = CorsPolicy { max_age: given, ..CorsPolicy::default() };
        let stack = [setting("team", &policy), Setting::ceiling("platform", ceiling)];
        assert_eq!(merged(&stack, MergeStrategy::Replace).max_age, expected, "{cap} over {given:?}");
    }
}

#[test]
fn a_ceiling_binds_wherever_it_stands_and_behind_a_disabled_setting_too() {
    let ceiling =
        || Setting::ceiling("c", Ceiling::new(CorsPolicy::new().allow_origins(["https://b.example"])).unwrap());
    let stacks = [
        vec![ceiling(), setting("p", &gateway())],
        vec![setting("p", &gateway()), ceiling()],
        vec![setting("p", &gateway()), Setting::disabled("d"), ceiling()],
    ];
    for stack in stacks {
        assert_eq!(merged(&stack, MergeStrategy::Union).allow_origins.unwrap(), ["https://b.example"]);
    }
}

#[test]
fn a_ceiling_hides_no_violation() {
    let ceiling = Ceiling::new(
        CorsPolicy::new().allow_origins(["https://a.example"]).allow_methods(["PUT"]).allow_headers(["X-One"]),
    )
    .unwrap();
    let policy =
        CorsPolicy::new().allow_origins(["a.example", "*"]).allow_methods(["*", "PUT"]).allow_headers(["*", "X-One"]);
    let stack = [setting("team", &policy), Setting::ceiling("platform", ceiling)];
    let error = merge(&stack, &MergeOptions::new(MergeStrategy::Replace)).compile(&Compiler::new()).unwrap_err();
    let codes: Vec<_> = error.violations().iter().map(|violation| violation.code()).collect();
    assert_eq!(codes, ["origin-scheme", "wildcard-not-alone", "wildcard-not-alone", "wildcard-not-alone"]);
}

#[test]
fn an_invalid_ceiling_is_refused() {
    let violations = Ceiling::new(CorsPolicy::new().allow_origins(["a.example"])).unwrap_err();
    assert_eq!(violations.to_string(), "allowOrigins[0]: \"a.example\" has no scheme; write \"https://a.example\"");
    assert!(Ceiling::new(CorsPolicy::new().allow_origins(["*"]).allow_credentials(true)).is_ok());
}
