//! What is different between two loads of manifests, for programs that reload them. In: what was served, what is served now.
//! Out: routes added and removed, and rules whose effective policy changed.

use std::{collections::BTreeMap, fmt};

use super::{graph::Served, loaded::LoadedRoutes, names::ObjectName};
use crate::{compile::CompiledPolicy, decision::Resolution};

/// One difference. Its `Display` is a line such as `route added: HTTPRoute web/api`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A route is new.
    RouteAdded {
        /// The route, such as `HTTPRoute web/api`.
        route: String,
    },
    /// A route is gone.
    RouteRemoved {
        /// The route, such as `HTTPRoute web/api`.
        route: String,
    },
    /// The policy of a rule is another one, on one of the listeners at least, or for one of its backends.
    PolicyChanged {
        /// The route, such as `HTTPRoute web/api`.
        route: String,
        /// The index of the rule (from 0).
        rule: usize,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RouteAdded { route } => write!(f, "route added: {route}"),
            Self::RouteRemoved { route } => write!(f, "route removed: {route}"),
            Self::PolicyChanged { route, rule } => write!(f, "effective policy changed: {route} rule {rule}"),
        }
    }
}

impl LoadedRoutes {
    /// What is different from `earlier`, in the order of the routes' names.
    ///
    /// A rule is known by its index, so rules behind one that was inserted count as changed.
    pub fn changes_since(&self, earlier: &Self) -> Vec<Change> {
        let (before, now) = (earlier.policies_by_route(), self.policies_by_route());
        let mut changes = Vec::new();
        for (route, rules) in &now {
            let Some(known) = before.get(route) else {
                changes.push(Change::RouteAdded { route: route.clone() });
                continue;
            };
            for rule in 0..rules.len().max(known.len()) {
                if rules.get(rule) != known.get(rule) {
                    changes.push(Change::PolicyChanged { route: route.clone(), rule });
                }
            }
        }
        let gone = before.keys().filter(|route| !now.contains_key(*route));
        changes.extend(gone.map(|route| Change::RouteRemoved { route: route.clone() }));
        changes
    }

    /// For each route, by its name, the policies of its rules.
    fn policies_by_route(&self) -> BTreeMap<String, Vec<Vec<Applied<'_>>>> {
        let mut policies: BTreeMap<String, Vec<Vec<Applied<'_>>>> = BTreeMap::new();
        for (at, Served { route, matches, .. }) in self.served.iter().enumerate() {
            let Some(route) = self.resources.routes.get(*route) else { continue };
            let rules = policies.entry(ObjectName::of(route.kind, &route.meta).describe()).or_default();
            rules.resize_with(matches.len(), Vec::new);
            for (rule, known) in rules.iter_mut().enumerate() {
                known.extend(self.table.policies_of(at, rule).map(what_applies));
            }
        }
        policies
    }
}

/// The policy of a resolution, and whether it is closed.
type Applied<'a> = (Option<&'a CompiledPolicy>, bool);

fn what_applies<'a>(resolution: &'a Resolution<'static>) -> Applied<'a> {
    (resolution.policy(), resolution.is_closed())
}
