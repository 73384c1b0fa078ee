//! Which traffic policy targets an object, or a section of it: by name, or by the labels that the object has. In: the
//! resources. Out: for a target the policy that counts. Rules 7.2, 7.12.

use std::collections::{BTreeMap, HashMap};

use super::names::{ObjectName, Target};
use crate::manifest::objects::{Kind, Labels, Meta, Resources, TrafficPolicy, has_all};

/// A policy with its place in the order of 7.2: the smaller comes first.
pub(crate) type Ranked<'a> = (usize, &'a TrafficPolicy);

/// The traffic policies with a CORS setting, by what they target.
#[derive(Debug, Default)]
pub(crate) struct Targets<'a> {
    /// By `targetRefs`, in the order of 7.2.
    named: HashMap<Target<'a>, Vec<Ranked<'a>>>,
    /// By `targetSelectors`: for each object and section the policy that counts.
    selected: HashMap<Target<'a>, Ranked<'a>>,
    /// Policies that select objects of which an older one comes first everywhere, with that older one.
    overridden: Vec<(&'a TrafficPolicy, &'a TrafficPolicy, Target<'a>)>,
}

/// Selectors with the same labels select the same objects, so only the oldest of them counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Selector<'a> {
    kind: Kind,
    /// None for every namespace.
    namespace: Option<&'a str>,
    section: Option<&'a str>,
    labels: &'a Labels,
}

impl<'a> Targets<'a> {
    /// Finds what each policy targets. Policies in `global_namespace` select in every namespace.
    pub(crate) fn new(resources: &'a Resources, global_namespace: Option<&str>) -> Self {
        let mut by_age: Vec<_> = resources.policies.iter().filter(|policy| policy.cors.is_some()).collect();
        by_age.sort_by_cached_key(|policy| age(&policy.meta));
        let mut targets = Self::default();
        let mut selectors: BTreeMap<_, Ranked<'a>> = BTreeMap::new();
        for (rank, policy) in by_age.into_iter().enumerate() {
            targets.add_named((rank, policy));
            let namespace = policy.meta.namespace.as_str();
            let namespace = (global_namespace != Some(namespace)).then_some(namespace);
            for selector in &policy.selectors {
                let Some(kind) = selector.kind else { continue };
                let section = selector.section.as_deref();
                let selector = Selector { kind, namespace, section, labels: &selector.labels };
                // The policies come in their order, so the first with a selector counts.
                let oldest = *selectors.entry(selector).or_insert((rank, policy));
                if oldest.0 != rank {
                    let name = ObjectName { kind, namespace: namespace.unwrap_or("*"), name: "*" };
                    targets.overridden.push((policy, oldest.1, Target { name, section }));
                }
            }
        }
        targets.add_selected(resources, &selectors);
        targets
    }

    fn add_named(&mut self, (rank, policy): Ranked<'a>) {
        for target in policy.targets.iter().filter_map(|reference| Target::of(policy, reference)) {
            let policies = self.named.entry(target).or_default();
            // 7.12: an object named twice counts once.
            if policies.last().is_none_or(|(known, _)| *known != rank) {
                policies.push((rank, policy));
            }
        }
    }

    fn add_selected(&mut self, resources: &'a Resources, selectors: &BTreeMap<Selector<'a>, Ranked<'a>>) {
        let objects: Vec<_> = objects(resources).collect();
        // Each selector is looked up by the rarest of its labels, so that few objects are compared with it.
        let mut by_label: HashMap<(Kind, &str, &str), Vec<usize>> = HashMap::new();
        let mut by_kind: HashMap<Kind, Vec<usize>> = HashMap::new();
        for (at, (kind, meta)) in objects.iter().enumerate() {
            by_kind.entry(*kind).or_default().push(at);
            for (name, value) in meta.labels.iter() {
                by_label.entry((*kind, name, value)).or_default().push(at);
            }
        }
        for (selector, ranked) in selectors {
            let candidates = match selector.labels.is_empty() {
                true => by_kind.get(&selector.kind),
                false => {
                    let lists = selector.labels.iter().map(|(name, value)| by_label.get(&(selector.kind, name, value)));
                    lists.min_by_key(|list| list.map_or(0, Vec::len)).flatten()
                }
            };
            for (kind, meta) in candidates.into_iter().flatten().filter_map(|&at| objects.get(at)) {
                let is_here = selector.namespace.is_none_or(|namespace| namespace == meta.namespace);
                if is_here && has_all(&meta.labels, selector.labels) {
                    let target = Target { name: ObjectName::of(*kind, meta), section: selector.section };
                    let counting = self.selected.entry(target).or_insert(*ranked);
                    if ranked.0 < counting.0 {
                        *counting = *ranked;
                    }
                }
            }
        }
    }

    /// The policy that counts for a target.
    pub(crate) fn of(&self, target: &Target<'a>) -> Option<&'a TrafficPolicy> {
        let named = self.named.get(target).and_then(|policies| policies.first());
        let found = [named, self.selected.get(target)].into_iter().flatten().min_by_key(|(rank, _)| *rank);
        found.map(|(_, policy)| *policy)
    }

    /// The policies that count for some object which they select; one may come several times.
    pub(crate) fn selecting(&self) -> impl Iterator<Item = &'a TrafficPolicy> {
        self.selected.values().map(|(_, policy)| *policy)
    }

    /// What policies select, each with the one whose selectors count.
    pub(crate) fn selected(&self) -> impl Iterator<Item = (&Target<'a>, &'a TrafficPolicy)> {
        self.selected.iter().map(|(target, (_, policy))| (target, *policy))
    }

    /// Policies whose selectors an older one has as well, with the older one.
    pub(crate) fn overridden(&self) -> &[(&'a TrafficPolicy, &'a TrafficPolicy, Target<'a>)] {
        &self.overridden
    }
}

/// 7.2: the oldest first, then by namespace and name; one without a time is younger than those that have one.
pub(crate) fn age(meta: &Meta) -> impl Ord + use<> {
    (meta.created.is_none(), meta.created, format!("{}/{}", meta.namespace, meta.name))
}

/// The objects that policies can select.
fn objects(resources: &Resources) -> impl Iterator<Item = (Kind, &Meta)> {
    let gateways = resources.gateways.iter().map(|gateway| (Kind::Gateway, &gateway.meta));
    let sets = resources.listener_sets.iter().map(|set| (Kind::ListenerSet, &set.meta));
    gateways.chain(sets).chain(resources.routes.iter().map(|route| (route.kind, &route.meta)))
}

impl PartialOrd for Selector<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Selector<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |selector: &Self| (selector.kind.name(), selector.namespace, selector.section, selector.labels);
        key(self).cmp(&key(other))
    }
}
