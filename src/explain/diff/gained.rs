//! What a policy allows that another one does not, as far as it can't be ruled out. In: what applied before, and what
//! applies now. Out: the fields that allow more, with the entries that do. What is allowed by the policy before is made a
//! ceiling, and what that takes away is what was gained. Rules 5.7, 7.8.

use crate::{
    compile::CompiledPolicy,
    decision::Resolution,
    explain::display::entries,
    headers,
    merge::{Ceiling, Effective, MergeOptions, MergeStrategy, Setting, merge},
    policy::{
        CorsPolicy, DEFAULT_MAX_AGE, PolicyField,
        list::{contains_any, is_any},
    },
};

/// What is allowed that was not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Gained {
    /// Entries of a field.
    Field(PolicyField, Vec<String>),
    /// No policy applies any more, so that the backend's own CORS headers pass.
    NoPolicy,
}

/// What `after` allows and `before` does not; of a request that was not served before, nothing was allowed.
pub(super) fn gained(before: Option<&Resolution<'_>>, after: &Resolution<'_>) -> Vec<Gained> {
    let was = before.and_then(Resolution::policy);
    match after.policy() {
        _ if after.is_closed() => Vec::new(),
        Some(after) => gained_by_policy(was, after),
        None => {
            let was_held = was.is_some() || before.is_some_and(Resolution::is_closed);
            if was_held { vec![Gained::NoPolicy] } else { Vec::new() }
        }
    }
}

fn gained_by_policy(before: Option<&CompiledPolicy>, after: &CompiledPolicy) -> Vec<Gained> {
    let mut after = after.policy().clone();
    if after.allow_origins.as_ref().is_none_or(Vec::is_empty) {
        return Vec::new();
    }
    // What needs no permission is not gained by being listed.
    let keep = |list: &mut Option<Vec<String>>, is_free: fn(&str) -> bool| {
        list.iter_mut().for_each(|list| list.retain(|entry| !is_free(entry)));
    };
    keep(&mut after.allow_methods, headers::is_safelisted_method);
    keep(&mut after.expose_headers, headers::is_safelisted_response_header);
    // 2.10: what is unset is so many seconds, and may be more than before.
    after.max_age.get_or_insert(DEFAULT_MAX_AGE);

    let before = before.map(|before| before.policy().clone()).unwrap_or_default();
    let all = || PolicyField::ALL.map(|field| Gained::Field(field, entries(&after, field))).to_vec();
    let Ok(ceiling) = Ceiling::new(bound(&before)) else { return all() };
    let stack = [Setting::policy("after", after.clone()), Setting::ceiling("before", ceiling)];
    let Effective::Policy(narrowed) = merge(&stack, &MergeOptions::new(MergeStrategy::Replace)) else { return all() };
    let lost = |field: PolicyField| {
        let left = entries(narrowed.policy(), field);
        let lost: Vec<_> = entries(&after, field).into_iter().filter(|entry| !left.contains(entry)).collect();
        let is_narrowed = narrowed.provenance().narrowed_by(field).next().is_some();
        (is_narrowed && !lost.is_empty()).then_some(Gained::Field(field, lost))
    };
    let mut gained: Vec<_> = PolicyField::ALL.into_iter().filter_map(lost).collect();
    // 3.7: `*` allows the origin `null` without credentials alone.
    let is_of_any = |policy: &CorsPolicy| policy.allow_origins.as_deref().is_some_and(is_any);
    let is_credentialed = |policy: &CorsPolicy| policy.allow_credentials == Some(true);
    if is_of_any(&before) && is_of_any(&after) && is_credentialed(&before) && !is_credentialed(&after) {
        gained.push(Gained::Field(PolicyField::AllowOrigins, vec!["null".to_owned()]));
    }
    gained
}

/// A policy as a ceiling: what it leaves unset bounds what it sets to nothing.
fn bound(policy: &CorsPolicy) -> CorsPolicy {
    let mut bound = policy.clone();
    let lists =
        [&mut bound.allow_origins, &mut bound.allow_methods, &mut bound.allow_headers, &mut bound.expose_headers];
    for list in lists {
        list.get_or_insert_default();
    }
    if contains_any(bound.allow_origins.as_deref().unwrap_or_default()) {
        bound.allow_origins = Some(vec!["*".to_owned()]);
    }
    bound.max_age.get_or_insert(DEFAULT_MAX_AGE);
    bound
}
