//! Which listeners there are, and which of them take a route. In: Gateways, ListenerSets, namespaces, the targets of
//! policies. Out: for a reference to a parent the listeners that take the route, or why none does.
//! Rules 8.4, 8.6, 8.7.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    names::{ObjectName, full_name},
    scope::Scope,
    settings::{NamedGateway, ParentSettings, ParentSettingsSet},
    targets::{MAX_SELECTORS, Targets, age},
};
use crate::{
    manifest::objects::{FromNamespaces, Gateway, Kind, Labels, Listener, ListenerSet, ParentRef, Resources, Route},
    route::{self, Hostname, ListenerGroup},
};

/// The parents of routes, and their listeners.
pub(crate) struct Parents<'a> {
    gateways: HashMap<ObjectName<'a>, &'a Gateway>,
    /// The Gateways of other controllers.
    of_others: HashSet<ObjectName<'a>>,
    sets: HashMap<ObjectName<'a>, Set<'a>>,
    /// The labels of namespaces.
    namespaces: HashMap<&'a str, &'a Labels>,
    /// 10.5: whether only what is there can take a route.
    must_be_known: bool,
    /// What routes of one namespace and kind find at one parent.
    known: HashMap<Reference<'a>, Arc<Taken>>,
    pub(crate) settings: ParentSettingsSet<'a>,
}

struct Set<'a> {
    set: &'a ListenerSet,
    /// Its place among the sets: the oldest first, then by name.
    age: usize,
    gateway: Admission<'a>,
}

/// Whether a ListenerSet adds its listeners to its Gateway.
#[derive(Clone, Copy)]
enum Admission<'a> {
    Admitted(&'a Gateway),
    /// The Gateway is not in the manifests, so it can't say no.
    Unknown(Option<ObjectName<'a>>),
    Refused(&'a Gateway),
}

/// References to one parent, as far as they matter to what takes them.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Reference<'a> {
    parent: Option<ObjectName<'a>>,
    /// For each reference its section and its port.
    chosen: Vec<(Option<&'a str>, Option<u16>)>,
    namespace: &'a str,
    kind: Kind,
}

/// The listeners that take a route, and why the others don't.
#[derive(Default)]
pub(crate) struct Taken {
    /// None where nothing takes it.
    pub(crate) group: Option<Arc<ListenerGroup>>,
    /// For each listener that refuses, why.
    pub(crate) refusals: Vec<String>,
    /// The reason that says most about the refusals.
    pub(crate) reason: Option<RefusalReason>,
    /// 8.6: a Gateway's own listeners come before those of its ListenerSets.
    pub(crate) order: usize,
}

/// Why nothing takes a route, as its status has it (10.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RefusalReason {
    /// The parent belongs to another controller, which writes its own status.
    NotOurs,
    NoMatchingParent,
    NoMatchingListenerHostname,
    NotAllowedByListeners,
}

/// More refusals are counted.
const MAX_REFUSALS: usize = 4;

impl<'a> Parents<'a> {
    pub(crate) fn new(resources: &'a Resources, scope: &Scope) -> Self {
        let classes: HashMap<_, _> =
            resources.gateway_classes.iter().map(|class| (&*class.meta.name, &*class.controller)).collect();
        let is_ours = |gateway: &Gateway| {
            let class = gateway.class.as_deref().and_then(|class| classes.get(class).copied());
            scope.controller.as_deref().is_none_or(|controller| class == Some(controller))
        };
        let named = resources.gateways.iter().map(|gateway| (ObjectName::of(Kind::Gateway, &gateway.meta), &**gateway));
        let (gateways, of_others): (HashMap<_, _>, HashMap<_, _>) = named.partition(|(_, gateway)| is_ours(gateway));
        let namespaces = resources.namespaces.iter();
        let namespaces = namespaces.map(|namespace| (namespace.meta.name.as_str(), &namespace.meta.labels)).collect();
        let mut parents = Self {
            gateways,
            of_others: of_others.into_keys().collect(),
            sets: HashMap::new(),
            namespaces,
            must_be_known: scope.controller.is_some(),
            known: HashMap::new(),
            settings: ParentSettingsSet::default(),
        };
        let mut sets: Vec<_> = resources.listener_sets.iter().map(|set| &**set).collect();
        // 8.6: the oldest first, then by name.
        sets.sort_by_cached_key(|set| age(&set.meta));
        for (age, set) in sets.into_iter().enumerate() {
            let parent = set.parent.as_ref().and_then(ObjectName::of_parent);
            let gateway = parent.and_then(|name| parents.gateways.get(&name).copied());
            let admission = match gateway {
                None => Admission::Unknown(parent.filter(|name| name.kind == Kind::Gateway)),
                Some(gateway)
                    if parents.admits(&gateway.allowed_sets, &gateway.meta.namespace, &set.meta.namespace) =>
                {
                    Admission::Admitted(gateway)
                }
                Some(gateway) => Admission::Refused(gateway),
            };
            parents.sets.insert(ObjectName::of(Kind::ListenerSet, &set.meta), Set { set, age, gateway: admission });
        }
        parents
    }

    /// Whether a parent is there and belongs to another controller.
    pub(crate) fn is_of_others(&self, name: &ObjectName<'_>) -> bool {
        self.of_others.contains(name)
            || self.sets.get(name).is_some_and(|set| match &set.gateway {
                Admission::Unknown(gateway) => gateway.is_some_and(|gateway| self.of_others.contains(&gateway)),
                Admission::Admitted(_) | Admission::Refused(_) => false,
            })
    }

    /// Whether a parent is in the manifests.
    pub(crate) fn has(&self, name: &ObjectName<'_>) -> bool {
        self.gateways.contains_key(name) || self.sets.contains_key(name)
    }

    /// The names of a parent's listeners, where it is in the manifests.
    pub(crate) fn listener_names(&self, name: &ObjectName<'_>) -> Option<impl Iterator<Item = &'a str>> {
        let listeners = match name.kind {
            Kind::ListenerSet => self.sets.get(name).map(|set| set.set.listeners.as_slice()),
            _ => self.gateways.get(name).map(|gateway| gateway.listeners.as_slice()),
        };
        listeners.map(|listeners| listeners.iter().map(|listener| listener.name.as_str()))
    }

    /// The Gateway behind a parent: itself, or that of a ListenerSet.
    pub(crate) fn gateway_of(&self, name: &ObjectName<'a>) -> Option<ObjectName<'a>> {
        match self.sets.get(name).map(|set| set.gateway) {
            Some(Admission::Admitted(gateway) | Admission::Refused(gateway)) => {
                Some(ObjectName::of(Kind::Gateway, &gateway.meta))
            }
            Some(Admission::Unknown(name)) => name,
            None => (name.kind == Kind::Gateway).then_some(*name),
        }
    }

    /// The ListenerSets that their Gateway does not admit.
    pub(crate) fn refused_sets(&self) -> impl Iterator<Item = (&'a ListenerSet, &'a Gateway)> {
        self.sets.values().filter_map(|set| match set.gateway {
            Admission::Refused(gateway) => Some((set.set, gateway)),
            _ => None,
        })
    }

    /// 8.4: the listeners of the parent that `reference` names which take `route`.
    pub(crate) fn take(&mut self, route: &'a Route, reference: &'a ParentRef, targets: &Targets<'a>) -> Arc<Taken> {
        self.take_by(route, &[reference], targets)
    }

    /// 8.6: what takes a route, with the listeners of each parent in its order, however many references name the parent.
    pub(crate) fn in_one_order(
        &mut self,
        route: &'a Route,
        taken: Vec<(&'a ParentRef, Arc<Taken>)>,
        targets: &Targets<'a>,
    ) -> Vec<Arc<Taken>> {
        let mut by_parent: Vec<(Vec<&'a ParentRef>, Arc<Taken>)> = Vec::with_capacity(taken.len());
        let mut places = HashMap::new();
        for (reference, taken) in taken {
            // Of a parent that is not there, no order is known.
            let parent = ObjectName::of_parent(reference).filter(|name| self.has(name));
            let next = by_parent.len();
            match parent.map_or(next, |name| *places.entry(name).or_insert(next)) {
                at if at == next => by_parent.push((vec![reference], taken)),
                at => by_parent.get_mut(at).into_iter().for_each(|(references, _)| references.push(reference)),
            }
        }
        let of_parent = |(references, taken): (Vec<&'a ParentRef>, _)| match references.as_slice() {
            [_] => taken,
            references => self.take_by(route, references, targets),
        };
        by_parent.into_iter().map(of_parent).collect()
    }

    /// What takes a route by any of several references to one parent.
    fn take_by(&mut self, route: &'a Route, references: &[&'a ParentRef], targets: &Targets<'a>) -> Arc<Taken> {
        let parent = references.first().and_then(|reference| ObjectName::of_parent(reference));
        let key = Reference {
            parent: parent.filter(|name| matches!(name.kind, Kind::Gateway | Kind::ListenerSet)),
            chosen: references.iter().map(|reference| (reference.section.as_deref(), reference.port)).collect(),
            namespace: &route.meta.namespace,
            kind: route.kind,
        };
        if let Some(known) = self.known.get(&key) {
            return Arc::clone(known);
        }
        let taken = Arc::new(self.find(&key, targets));
        self.known.insert(key, Arc::clone(&taken));
        taken
    }

    fn find(&mut self, reference: &Reference<'a>, targets: &Targets<'a>) -> Taken {
        let set = reference.parent.and_then(|name| self.sets.get(&name)).map(|set| (set.set, set.gateway));
        let gateway = reference.parent.and_then(|name| self.gateways.get(&name).copied());
        match (reference.parent, set, gateway) {
            (_, Some((set, Admission::Refused(gateway))), _) => {
                let gateway = full_name(&gateway.meta.namespace, &gateway.meta.name);
                let refusal =
                    format!("Gateway {gateway} does not admit ListenerSets of namespace {}", set.meta.namespace);
                let reason = Some(RefusalReason::NotAllowedByListeners);
                Taken { refusals: vec![refusal], reason, ..Taken::default() }
            }
            (Some(name), Some((_, Admission::Unknown(_))), _) | (Some(name), None, None) if self.must_be_known => {
                let refusal = format!("{} is not of a Gateway of this controller", name.describe());
                Taken { refusals: vec![refusal], reason: Some(RefusalReason::NotOurs), ..Taken::default() }
            }
            (Some(name), Some((set, admission)), _) => {
                let gateway = match admission {
                    Admission::Admitted(gateway) | Admission::Refused(gateway) => gateway_with_priority(gateway),
                    Admission::Unknown(name) => (name, None),
                };
                let order = self.sets.get(&name).map_or(0, |set| set.age + 1);
                Taken { order, ..self.take_listeners(reference, name, &set.listeners, gateway, Some(set), targets) }
            }
            (Some(name), None, Some(gateway)) => {
                let named = gateway_with_priority(gateway);
                self.take_listeners(reference, name, &gateway.listeners, named, None, targets)
            }
            // What is not in the manifests can't say no.
            (name, ..) => {
                let section = reference.chosen.first().and_then(|(section, _)| *section);
                let settings = ParentSettings::of_unknown(name, section, targets);
                let mut group = ListenerGroup::default();
                group.add(None, &Hostname::any(), self.settings.add(settings));
                Taken { group: Some(Arc::new(group)), ..Taken::default() }
            }
        }
    }

    fn take_listeners(
        &mut self,
        reference: &Reference<'a>,
        name: ObjectName<'a>,
        listeners: &'a [Listener],
        gateway: NamedGateway<'a>,
        set: Option<&'a ListenerSet>,
        targets: &Targets<'a>,
    ) -> Taken {
        let mut taken = Taken::default();
        let mut group = ListenerGroup::default();
        for listener in listeners {
            if !reference.chosen.iter().any(|(section, _)| section.is_none_or(|section| section == listener.name)) {
                continue;
            }
            match self.refusal(reference, name, listener) {
                _ if targets.is_unselectable(&name) => {
                    taken.reason = taken.reason.max(Some(RefusalReason::NotAllowedByListeners));
                    let limit = MAX_SELECTORS;
                    taken.refusals.push(format!("{} may be selected by more than {limit} selectors", name.describe()));
                }
                Some((reason, refusal)) => {
                    taken.reason = taken.reason.max(Some(reason));
                    taken.refusals.push(refusal);
                }
                None => {
                    let settings = ParentSettings::of_listener(name, listener, gateway, set, targets);
                    let known = match name.kind {
                        Kind::ListenerSet => {
                            route::Listener::of_listener_set(name.namespace, name.name, &listener.name)
                        }
                        _ => route::Listener::of_gateway(name.namespace, name.name, &listener.name),
                    };
                    group.add(Some(known), &listener.hostname, self.settings.add(settings));
                }
            }
        }
        let more = taken.refusals.len().saturating_sub(MAX_REFUSALS);
        taken.refusals.truncate(MAX_REFUSALS);
        if more > 0 {
            taken.refusals.push(format!("{more} more listeners refuse it"));
        }
        if taken.refusals.is_empty() && group.hostnames().is_empty() {
            taken.reason = Some(RefusalReason::NoMatchingParent);
            taken.refusals.push(match reference.chosen.first().and_then(|(section, _)| *section) {
                Some(section) => format!("{} has no listener {section}", name.describe()),
                None => format!("{} has no listener", name.describe()),
            });
        }
        taken.group = (!group.hostnames().is_empty()).then(|| Arc::new(group));
        taken
    }

    /// Why a listener does not take a route, as far as its hostname aside.
    fn refusal(
        &self,
        reference: &Reference<'_>,
        parent: ObjectName<'_>,
        listener: &Listener,
    ) -> Option<(RefusalReason, String)> {
        use RefusalReason::{NoMatchingParent, NotAllowedByListeners};
        let name = &listener.name;
        if listener.is_invalid {
            return Some((NoMatchingParent, format!("listener {name} is invalid")));
        }
        let names = |(section, port): &(Option<&str>, Option<u16>)| {
            section.is_none_or(|section| section == listener.name) && (port.is_none() || *port == listener.port)
        };
        if !reference.chosen.iter().any(names) {
            return Some((NoMatchingParent, format!("listener {name} has another port")));
        }
        if !matches!(listener.protocol.as_str(), "HTTP" | "HTTPS") {
            let refusal = format!("listener {name} has the protocol {}", listener.protocol);
            return Some((NotAllowedByListeners, refusal));
        }
        if let Some(kinds) = &listener.allowed_kinds {
            let is_kind = |(group, kind): &(String, String)| {
                (group.as_str(), kind.as_str()) == (reference.kind.group(), reference.kind.name())
            };
            if !kinds.iter().any(is_kind) {
                let refusal = format!("listener {name} does not take the kind {}", reference.kind.name());
                return Some((NotAllowedByListeners, refusal));
            }
        }
        if !self.admits(&listener.allowed, parent.namespace, reference.namespace) {
            let from = match &listener.allowed {
                FromNamespaces::Same => format!("only those of its own namespace {}", parent.namespace),
                FromNamespaces::Selector(_) => "only namespaces with certain labels".to_owned(),
                FromNamespaces::None | FromNamespaces::All => "none".to_owned(),
            };
            let refusal = format!("listener {name} takes no routes of namespace {}: {from}", reference.namespace);
            return Some((NotAllowedByListeners, refusal));
        }
        None
    }

    /// Whether what is in `own` admits what is in `other`.
    fn admits(&self, from: &FromNamespaces, own: &str, other: &str) -> bool {
        match from {
            FromNamespaces::None => false,
            FromNamespaces::Same => own == other,
            FromNamespaces::All => true,
            FromNamespaces::Selector(selector) => match self.namespaces.get(other) {
                Some(labels) => selector.matches(labels),
                None => {
                    // The API server sets this label on every namespace.
                    let name = ("kubernetes.io/metadata.name".to_owned(), other.to_owned());
                    selector.matches(&Labels::from_iter([name]))
                }
            },
        }
    }
}

fn gateway_with_priority(gateway: &Gateway) -> NamedGateway<'_> {
    (Some(ObjectName::of(Kind::Gateway, &gateway.meta)), gateway.meta.inherited_priority)
}
