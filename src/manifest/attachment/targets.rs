//! Which traffic policy targets an object, or a section of it: by name, or by the labels that the object has. In: the
//! resources. Out: for a target the policy that counts. Rules 7.2, 7.12.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::names::{ObjectName, Target};
use crate::manifest::objects::{Gateway, Kind, Labels, ListenerSet, Meta, Resources, Route, TrafficPolicy, has_all};

/// A policy with its place in the order of 7.2: the smaller comes first.
pub(crate) type Ranked<'a> = (usize, &'a TrafficPolicy);

/// The traffic policies with a CORS setting, by what they target.
#[derive(Debug, Default)]
pub(crate) struct Targets<'a> {
    /// By `targetRefs`, in the order of 7.2.
    named: HashMap<Target<'a>, Vec<Ranked<'a>>>,
    /// By `targetSelectors`: for each object and section the policy that counts.
    selected: HashMap<Target<'a>, Ranked<'a>>,
    /// The policies whose selectors are met.
    selecting: Vec<&'a TrafficPolicy>,
    /// The objects that more selectors may select than are compared.
    unselectable: HashSet<ObjectName<'a>>,
    /// Policies that select objects of which an older one comes first everywhere, with that older one.
    overridden: Vec<(&'a TrafficPolicy, &'a TrafficPolicy, Target<'a>)>,
}

/// Selectors with the same labels select the same objects, so only the oldest of them counts, for each section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Selector<'a> {
    kind: Kind,
    /// None for every namespace.
    namespace: Option<&'a str>,
    labels: &'a Labels,
}

/// The policies of one selector, by the section that they are for.
type Sections<'a> = BTreeMap<Option<&'a str>, Ranked<'a>>;

/// What a selector is found by: its kind, its namespace, and the rarest of its labels, where it has any.
type AskedBy<'a> = (Kind, Option<&'a str>, Option<(&'a str, &'a str)>);

/// With how many selectors an object is compared: those with the rarest of their labels among its own. Without a limit,
/// objects and selectors of one namespace would multiply.
pub(crate) const MAX_SELECTORS: usize = 128;

impl<'a> Targets<'a> {
    /// Finds what each policy targets. Policies in `global_namespace` select in every namespace.
    pub(crate) fn new(resources: &'a Resources, global_namespace: Option<&str>) -> Self {
        let mut by_age: Vec<_> = resources.policies.iter().filter(|policy| policy.cors.is_some()).collect();
        by_age.sort_by_cached_key(|policy| age(&policy.meta));
        let mut targets = Self::default();
        let mut selectors: BTreeMap<_, Sections<'a>> = BTreeMap::new();
        for (rank, policy) in by_age.into_iter().enumerate() {
            targets.add_named((rank, policy));
            let namespace = policy.meta.namespace.as_str();
            let namespace = (global_namespace != Some(namespace)).then_some(namespace);
            for selector in &policy.selectors {
                let Some(kind) = selector.kind else { continue };
                let section = selector.section.as_deref();
                let selector = Selector { kind, namespace, labels: &selector.labels };
                // The policies come in their order, so the first with a selector counts.
                let oldest = *selectors.entry(selector).or_default().entry(section).or_insert((rank, policy));
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

    /// Each selector is asked about the objects with the rarest of its labels alone, and each object has a policy for what
    /// there is of it: the whole, its rules or its listeners.
    fn add_selected(&mut self, resources: &'a Resources, selectors: &BTreeMap<Selector<'a>, Sections<'a>>) {
        if selectors.is_empty() {
            return;
        }
        let mut objects_with: HashMap<(Kind, &str, &str), usize> = HashMap::new();
        for object in objects(resources) {
            for (name, value) in object.meta().labels.iter() {
                *objects_with.entry((object.name().kind, name, value)).or_default() += 1;
            }
        }
        let mut by_label: HashMap<AskedBy<'_>, Vec<_>> = HashMap::new();
        for (selector, sections) in selectors {
            let number = |(name, value): &&'a (String, String)| {
                objects_with.get(&(selector.kind, name.as_str(), value.as_str())).copied().unwrap_or_default()
            };
            let rarest = selector.labels.iter().min_by_key(number).map(|(name, value)| (&**name, &**value));
            by_label.entry((selector.kind, selector.namespace, rarest)).or_default().push((selector, sections));
        }
        let mut used = HashSet::new();
        for object in objects(resources) {
            let (name, own) = (object.name(), object.meta());
            let labels = own.labels.iter().map(|(name, value)| Some((&**name, &**value)));
            let keys = [None].into_iter().chain(labels);
            let keys = keys.flat_map(|label| [None, Some(name.namespace)].map(|space| (name.kind, space, label)));
            let asked = keys.filter_map(|key| by_label.get(&key)).flatten();
            for (at, &(selector, sections)) in asked.enumerate() {
                // 7.10: which policy counts is not known then, and none is passed over for a wider one.
                if at == MAX_SELECTORS {
                    self.unselectable.insert(name);
                    break;
                }
                if has_all(&own.labels, selector.labels) {
                    used.insert(*selector);
                    self.select(&object, sections);
                }
            }
        }
        let used = used.iter().filter_map(|selector| selectors.get(selector));
        self.selecting = used.flat_map(|sections| sections.values().map(|(_, policy)| *policy)).collect();
    }

    /// Adds the policies for an object and the sections that it has.
    fn select(&mut self, object: &Object<'a>, sections: &Sections<'a>) {
        for section in [None].into_iter().chain(object.sections().map(Some)) {
            let Some(ranked) = sections.get(&section) else { continue };
            let counting = self.selected.entry(Target { name: object.name(), section }).or_insert(*ranked);
            if ranked.0 < counting.0 {
                *counting = *ranked;
            }
        }
    }

    /// The policy that counts for a target.
    pub(crate) fn of(&self, target: &Target<'a>) -> Option<&'a TrafficPolicy> {
        let named = self.named.get(target).and_then(|policies| policies.first());
        let found = [named, self.selected.get(target)].into_iter().flatten().min_by_key(|(rank, _)| *rank);
        found.map(|(_, policy)| *policy)
    }

    /// The policies that select some object; one may come several times.
    pub(crate) fn selecting(&self) -> impl Iterator<Item = &'a TrafficPolicy> {
        self.selecting.iter().copied()
    }

    /// Whether more selectors may select an object than it is compared with, so that nobody knows its policy.
    pub(crate) fn is_unselectable(&self, name: &ObjectName<'_>) -> bool {
        self.unselectable.contains(name)
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
    (meta.created.is_none(), meta.created, [&*meta.namespace, "/", &*meta.name].concat())
}

/// An object that policies can select.
enum Object<'a> {
    Gateway(&'a Gateway),
    ListenerSet(&'a ListenerSet),
    Route(&'a Route),
}

/// The objects that policies can select.
fn objects(resources: &Resources) -> impl Iterator<Item = Object<'_>> {
    let gateways = resources.gateways.iter().map(|gateway| Object::Gateway(gateway));
    let sets = resources.listener_sets.iter().map(|set| Object::ListenerSet(set));
    gateways.chain(sets).chain(resources.routes.iter().map(|route| Object::Route(route)))
}

impl<'a> Object<'a> {
    fn meta(&self) -> &'a Meta {
        match self {
            Self::Gateway(gateway) => &gateway.meta,
            Self::ListenerSet(set) => &set.meta,
            Self::Route(route) => &route.meta,
        }
    }

    fn name(&self) -> ObjectName<'a> {
        let kind = match self {
            Self::Gateway(_) => Kind::Gateway,
            Self::ListenerSet(_) => Kind::ListenerSet,
            Self::Route(route) => route.kind,
        };
        ObjectName::of(kind, self.meta())
    }

    /// The names of its listeners or rules.
    fn sections(&self) -> impl Iterator<Item = &'a str> {
        let (listeners, rules) = match self {
            Self::Gateway(gateway) => (gateway.listeners.as_slice(), &[][..]),
            Self::ListenerSet(set) => (set.listeners.as_slice(), &[][..]),
            Self::Route(route) => (&[][..], &*route.rules),
        };
        let listeners = listeners.iter().map(|listener| listener.name.as_str());
        listeners.chain(rules.iter().filter_map(|rule| rule.name.as_deref()))
    }
}

impl PartialOrd for Selector<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Selector<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |selector: &Self| (selector.kind.name(), selector.namespace, selector.labels);
        key(self).cmp(&key(other))
    }
}
