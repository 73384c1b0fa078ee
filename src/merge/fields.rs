//! One field at a time: what each strategy makes of the values that the policies of a stack give it. In: the policies,
//! the preferred one first. Out: the effective policy before any ceiling. Rules 2.19, 7.3 to 7.5, 7.11.

use super::{EffectivePolicy, MergeOptions, MergeStrategy, Setting};
use crate::{
    origin::OriginPattern,
    policy::{
        CorsPolicy, OriginFunction, PolicyField, Provenance, RustPolicy,
        list::{contains_any, unite},
    },
};

/// A policy of a stack, and the setting that it is from.
pub(super) struct Layered<'a> {
    pub(super) policy: &'a RustPolicy,
    pub(super) setting: &'a Setting,
    pub(super) index: usize,
}

/// Merges `policies`, the preferred one first.
pub(super) fn merge_fields(policies: &[Layered<'_>], options: &MergeOptions) -> EffectivePolicy {
    let mut merge = Merge { policies, options, provenance: Provenance::new() };
    let (allow_origins, allow_origin_if) = merge.origins();
    let policy = CorsPolicy {
        allow_origins,
        allow_credentials: merge.scalar(PolicyField::AllowCredentials, |policy| &policy.allow_credentials),
        allow_methods: merge.list(PolicyField::AllowMethods, |policy| &policy.allow_methods),
        allow_headers: merge.list(PolicyField::AllowHeaders, |policy| &policy.allow_headers),
        expose_headers: merge.list(PolicyField::ExposeHeaders, |policy| &policy.expose_headers),
        max_age: merge.scalar(PolicyField::MaxAge, |policy| &policy.max_age),
    };
    EffectivePolicy::new(RustPolicy::new(policy, allow_origin_if), merge.provenance)
}

struct Merge<'a> {
    policies: &'a [Layered<'a>],
    options: &'a MergeOptions,
    provenance: Provenance,
}

impl<'a> Merge<'a> {
    fn scalar<T: Clone>(&mut self, field: PolicyField, get: fn(&CorsPolicy) -> &Option<T>) -> Option<T> {
        let (layered, value) = self.setting(field, get).next()?;
        self.record(field, layered);
        Some(value.clone())
    }

    /// 2.19: a function is one more entry of `allowOrigins`, so it comes and goes with the list.
    fn origins(&mut self) -> (Option<Vec<String>>, Option<OriginFunction>) {
        let sets_origins = |policy: &RustPolicy| policy.allow_origins.is_some() || policy.allow_origin_if.is_some();
        let strategy = self.options.strategy(PolicyField::AllowOrigins);
        let policies = self.counted(PolicyField::AllowOrigins);
        let mut setting = policies.iter().filter(|layered| sets_origins(layered.policy));
        if strategy != MergeStrategy::Union {
            let Some(first) = setting.next() else { return (None, None) };
            self.record(PolicyField::AllowOrigins, first);
            return (first.policy.allow_origins.clone(), first.policy.allow_origin_if.clone());
        }
        let is_function = |layered: &&Layered<'_>| layered.policy.allow_origins.is_none();
        let functions = setting.clone().filter_map(|layered| layered.policy.allow_origin_if.clone());
        let allow_origin_if = OriginFunction::any(functions);
        let without_list = setting.filter(is_function).collect::<Vec<_>>();
        let allow_origins = self.list(PolicyField::AllowOrigins, |policy| &policy.allow_origins);
        if allow_origins.as_ref().is_some_and(|list| contains_any(list)) {
            return (allow_origins, None);
        }
        for layered in without_list {
            self.record(PolicyField::AllowOrigins, layered);
        }
        (allow_origins, allow_origin_if)
    }

    fn list(&mut self, field: PolicyField, get: fn(&CorsPolicy) -> &Option<Vec<String>>) -> Option<Vec<String>> {
        if self.options.strategy(field) != MergeStrategy::Union {
            return self.scalar(field, get);
        }
        let mut lists: Vec<_> = self.setting(field, get).collect();
        // A `*` covers what other settings list, and it stands alone, so only the settings with a `*` are the source.
        if lists.iter().any(|(_, list)| contains_any(list)) {
            lists.retain(|(_, list)| contains_any(list));
        }
        for (layered, _) in &lists {
            self.record(field, layered);
        }
        match lists.as_slice() {
            [] => None,
            // One list has nothing to be united with; it stays as it is written, for compiling to judge.
            [(_, list)] => Some(list.to_vec()),
            lists => {
                let (mut united, entries) = (Vec::new(), lists.iter().flat_map(|(_, list)| list.iter()));
                unite(&mut united, entries.map(String::as_str), |entry| meaning(field, entry));
                Some(united)
            }
        }
    }

    /// The policies whose say counts for `field` and that set it, with their values.
    fn setting<T: 'a>(
        &self,
        field: PolicyField,
        get: fn(&CorsPolicy) -> &Option<T>,
    ) -> impl Iterator<Item = (&'a Layered<'a>, &'a T)> + use<'a, T> {
        self.counted(field).iter().filter_map(move |layered| Some((layered, get(layered.policy).as_ref()?)))
    }

    /// The policies whose say counts for `field`.
    fn counted(&self, field: PolicyField) -> &'a [Layered<'a>] {
        // 7.3: whole, so that what the first one leaves unset stays unset.
        let is_replaced = self.options.strategy(field) == MergeStrategy::Replace;
        self.policies.get(..1).filter(|_| is_replaced).unwrap_or(self.policies)
    }

    fn record(&mut self, field: PolicyField, layered: &Layered<'_>) {
        self.provenance.record(field, layered.setting.source(layered.index));
    }
}

/// What an entry of a list means: entries that mean the same are spelled the same here.
pub(super) fn meaning(field: PolicyField, entry: &str) -> String {
    match field {
        // 2.4, 3.1: an origin that can't be read means only itself; compiling refuses it.
        PolicyField::AllowOrigins => {
            OriginPattern::parse(entry).map_or_else(|_| entry.to_owned(), |pattern| pattern.to_string())
        }
        PolicyField::AllowHeaders | PolicyField::ExposeHeaders => entry.to_ascii_lowercase(),
        // 2.8: methods are compared with their case.
        _ => entry.to_owned(),
    }
}
