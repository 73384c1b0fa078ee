//! A ceiling: what the other settings of a stack can only narrow. In: a policy that says how much is permitted, and a
//! merged policy. Out: the merged policy without what lies outside. Rules 2.19, 7.8.

use std::{collections::HashSet, sync::Arc};

use super::fields::meaning;
use crate::{
    compile::{CompiledPolicy, Compiler},
    finding::Violations,
    origin::{OriginPattern, OriginSet},
    policy::{
        CorsPolicy, DEFAULT_MAX_AGE, OriginFunction, PolicyField, RustPolicy,
        list::{ANY, contains_any, is_any},
    },
};

/// The most that a policy may allow, written as a policy.
///
/// | field | what happens to a merged policy |
/// |---|---|
/// | `allow_origins` | an origin is allowed where both allow it: patterns outside are dropped, wider ones become what both match, `*` becomes the ceiling's list |
/// | `allow_origin_if` | a function is one more origin that is allowed: asked at each request, it and the ceiling must both say yes, and so must a function of the ceiling |
/// | `allow_credentials` | credentials stay only where the ceiling says `true`; unset is no consent |
/// | `allow_methods`, `allow_headers`, `expose_headers` | entries outside are dropped, `*` becomes the ceiling's list |
/// | `max_age` | capped; an unset one counts as 5 seconds |
///
/// A list that the ceiling leaves unset bounds nothing, and an empty one drops everything. A ceiling sets nothing by
/// itself: what no policy of the stack sets stays unset.
///
/// `GET`, `HEAD` and `POST` need no permission in CORS, so no ceiling takes them away. A policy of `*` with credentials
/// that loses them to a ceiling for `*` is an open one, which answers the origin `null` as well.
///
/// # Examples
///
/// ```
/// use tower_cors::{
///     CorsPolicy,
///     merge::{Ceiling, MergeOptions, MergeStrategy, Setting, merge},
/// };
///
/// let ceiling =
///     Ceiling::new(CorsPolicy::new().allow_origins(["https://*.corp.example"]))?;
/// let stack = [
///     Setting::policy(
///         "the team",
///         CorsPolicy::new()
///             .allow_origins(["https://a.corp.example", "https://a.example"]),
///     ),
///     Setting::ceiling("the platform", ceiling),
/// ];
/// let effective = merge(&stack, &MergeOptions::new(MergeStrategy::Replace));
/// assert_eq!(
///     effective.policy().unwrap().policy().allow_origins.as_deref().unwrap(),
///     ["https://a.corp.example"]
/// );
/// # Ok::<_, tower_cors::Violations>(())
/// ```
#[derive(Clone, Debug)]
pub struct Ceiling(Arc<Bounds>);

#[derive(Debug)]
struct Bounds {
    compiled: CompiledPolicy,
    /// None where any origin is permitted.
    origins: Option<Origins>,
    methods: Option<List>,
    allow_headers: Option<List>,
    expose_headers: Option<List>,
}

/// The origins that are permitted.
#[derive(Debug)]
struct Origins {
    patterns: Vec<OriginPattern>,
    /// Whether the ceiling has a function, so that its patterns are not all that it permits.
    has_function: bool,
    /// What is permitted by the patterns and by the function.
    permitted: OriginFunction,
}

/// The entries that are permitted, as written and by what they mean.
#[derive(Debug)]
struct List {
    field: PolicyField,
    written: Vec<String>,
    meanings: HashSet<String>,
}

impl Ceiling {
    /// Makes a ceiling of a policy.
    ///
    /// Any origin together with credentials is no violation here: such a ceiling merely bounds neither.
    ///
    /// # Errors
    ///
    /// Every violation of the policy at once, under [`Profile::Strict`](crate::Profile::Strict) otherwise.
    pub fn new(policy: impl Into<RustPolicy>) -> Result<Self, Violations> {
        let compiled = Compiler::new().dangerously_allow_any_origin_with_credentials().compile(policy)?;
        let policy = compiled.policy();
        let list = |field, list: &Option<Vec<String>>| {
            let written = list.clone().filter(|list| !contains_any(list))?;
            let meanings = written.iter().map(|entry| meaning(field, entry)).collect();
            Some(List { field, written, meanings })
        };
        Ok(Self(Arc::new(Bounds {
            origins: Origins::of(&compiled),
            methods: list(PolicyField::AllowMethods, &policy.allow_methods),
            allow_headers: list(PolicyField::AllowHeaders, &policy.allow_headers),
            expose_headers: list(PolicyField::ExposeHeaders, &policy.expose_headers),
            compiled,
        })))
    }

    /// The policy that the ceiling is written as.
    pub fn policy(&self) -> &CorsPolicy {
        self.0.compiled.policy()
    }

    /// Takes from `policy` what lies outside. Answers with the fields that lost something.
    pub(super) fn narrow(&self, policy: &mut RustPolicy) -> Vec<PolicyField> {
        let Bounds { compiled, methods, allow_headers, expose_headers, .. } = &*self.0;
        let mut narrowed = Vec::new();
        let mut note = |field, is_narrowed| {
            if is_narrowed {
                narrowed.push(field);
            }
        };
        note(PolicyField::AllowOrigins, self.narrow_origins(policy));
        if policy.allow_credentials == Some(true) && compiled.policy().allow_credentials != Some(true) {
            policy.allow_credentials = Some(false);
            note(PolicyField::AllowCredentials, true);
        }
        note(PolicyField::AllowMethods, narrow_list(methods.as_ref(), &mut policy.allow_methods));
        note(PolicyField::AllowHeaders, narrow_list(allow_headers.as_ref(), &mut policy.allow_headers));
        note(PolicyField::ExposeHeaders, narrow_list(expose_headers.as_ref(), &mut policy.expose_headers));
        let cap = compiled.policy().max_age;
        if cap.is_some_and(|cap| policy.max_age.unwrap_or(DEFAULT_MAX_AGE) > cap) {
            policy.max_age = cap;
            note(PolicyField::MaxAge, true);
        }
        narrowed
    }

    /// The origins that the ceiling permits; none where it permits any.
    pub(super) fn permitted_origins(&self) -> Option<&OriginFunction> {
        self.0.origins.as_ref().map(|origins| &origins.permitted)
    }

    fn narrow_origins(&self, policy: &mut RustPolicy) -> bool {
        let Some(bounds) = &self.0.origins else { return false };
        let function = self.narrow_function(bounds, policy);
        let is_changed = self.narrow_list_of_origins(bounds, &mut policy.allow_origins);
        let has_function = function.is_some();
        policy.allow_origin_if = function;
        is_changed || has_function
    }

    /// What a function of the policy, or one of the ceiling, leaves to be asked at each request: the policy, by its list
    /// or its function, and the ceiling must both say yes.
    fn narrow_function(&self, bounds: &Origins, policy: &RustPolicy) -> Option<OriginFunction> {
        let list = policy.allow_origins.as_deref();
        if list.is_some_and(is_any) {
            return self.0.compiled.origin_function().cloned();
        }
        let permitted = bounds.permitted.clone();
        match &policy.allow_origin_if {
            // The list is asked first: it costs less than a function.
            Some(function) if !bounds.has_function => Some(OriginFunction::all(permitted, function.clone())),
            None if !bounds.has_function => None,
            function => {
                let own = list.map(listed).into_iter().chain(function.clone());
                Some(OriginFunction::all(OriginFunction::any(own)?, permitted))
            }
        }
    }

    fn narrow_list_of_origins(&self, bounds: &Origins, origins: &mut Option<Vec<String>>) -> bool {
        let Some(origins) = origins else { return false };
        if is_any(origins) {
            *origins = self.policy().allow_origins.clone().unwrap_or_default();
            return true;
        }
        let mut narrowed = Narrowed::default();
        for text in origins.iter() {
            match OriginPattern::parse(text) {
                // Compiling has to see what it will refuse, a `*` beside other entries for one.
                Err(_) => narrowed.keep(text),
                // One look-up instead of a comparison with each bound, for lists of many thousands.
                Ok(pattern) if pattern.is_exact() => match self.0.compiled.lists_origin(pattern.to_string().as_bytes())
                {
                    true => narrowed.keep(text),
                    false => narrowed.changed = true,
                },
                Ok(pattern) => narrowed.intersect(text, &pattern, &bounds.patterns),
            }
        }
        let is_changed = narrowed.changed;
        if is_changed {
            *origins = narrowed.into_list();
        }
        is_changed
    }
}

impl Origins {
    fn of(ceiling: &CompiledPolicy) -> Option<Self> {
        let (allow_origins, allow_origin_if) = (&ceiling.policy().allow_origins, ceiling.origin_function());
        let is_bounding = allow_origins.as_ref().map_or(allow_origin_if.is_some(), |list| !contains_any(list));
        let patterns = allow_origins.iter().flatten().filter_map(|text| OriginPattern::parse(text).ok()).collect();
        let compiled = ceiling.clone();
        let list = OriginFunction::list(move |origin| compiled.lists_origin(origin));
        let permitted = OriginFunction::any([list].into_iter().chain(allow_origin_if.cloned()))?;
        is_bounding.then_some(Self { patterns, has_function: allow_origin_if.is_some(), permitted })
    }
}

/// What a list allows. Entries that compiling will refuse allow nothing.
fn listed(texts: &[String]) -> OriginFunction {
    let read = texts.iter().filter_map(|text| Some((text.clone(), OriginPattern::parse(text).ok()?)));
    let (texts, patterns): (Vec<_>, Vec<_>) = read.unzip();
    let (set, _) = OriginSet::new(&texts, &patterns);
    OriginFunction::list(move |origin| set.find(&texts, origin).is_some())
}

/// The origins that are left of a list.
#[derive(Default)]
struct Narrowed {
    entries: Vec<String>,
    changed: bool,
}

impl Narrowed {
    fn keep(&mut self, text: &str) {
        self.entries.push(text.to_owned());
    }

    /// Puts what a pattern and the bounds both match in the place of the pattern.
    ///
    /// Two patterns have nothing in common, or share what one pattern says, so nothing is lost and nothing gained: the
    /// result allows an origin exactly where the pattern and one of the bounds do.
    fn intersect(&mut self, text: &str, pattern: &OriginPattern, bounds: &[OriginPattern]) {
        let canonical = pattern.to_string();
        let shared: Vec<_> = bounds.iter().filter_map(|bound| Some(pattern.intersection(bound)?.to_string())).collect();
        if shared.contains(&canonical) {
            self.keep(text);
        } else {
            self.entries.extend(shared);
            self.changed = true;
        }
    }

    /// What is left, each origin once: an intersection may spell what another entry says.
    fn into_list(mut self) -> Vec<String> {
        let mut seen = HashSet::new();
        self.entries.retain(|entry| seen.insert(meaning(PolicyField::AllowOrigins, entry)));
        self.entries
    }
}

fn narrow_list(bounds: Option<&List>, entries: &mut Option<Vec<String>>) -> bool {
    let (Some(bounds), Some(entries)) = (bounds, entries) else { return false };
    if is_any(entries) {
        entries.clone_from(&bounds.written);
        return true;
    }
    let before = entries.len();
    // A `*` beside other entries is for compiling to refuse.
    entries.retain(|entry| entry == ANY || bounds.meanings.contains(&meaning(bounds.field, entry)));
    entries.len() != before
}
