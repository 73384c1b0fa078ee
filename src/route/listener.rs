//! On which listener a request arrives, and through which ones a route is served. In: the listeners of a route, in the
//! order in which they count; the request. Out: the listener whose settings apply, or none. Rules 8.4, 8.6.

use std::{collections::HashMap, ops::ControlFlow, sync::Arc};

use super::Hostname;
use crate::{host::HostIndex, request::CorsRequest};

/// A listener, for the extensions of a request: whoever accepts connections knows on which one a request arrived.
///
/// With it, a [`RouteTable`](super::RouteTable) looks only at the routes that are attached to this listener, and only its
/// settings apply (8.6). Without it, a request counts as arriving on the first listener of its route that its host fits.
///
/// # Examples
///
/// Two listeners on two ports, with two policies:
///
/// ```
/// use http::Request;
/// use tower_cors::{
///     CorsPolicy,
///     request::CorsRequest,
///     route::{Hostname, Listener, Route, RouteTable, Rule},
/// };
///
/// let public = Listener::of_gateway("infra", "edge", "public");
/// let internal = Listener::of_gateway("infra", "edge", "internal");
/// let open = CorsPolicy::new().allow_origins(["*"]).compile()?;
/// let own = CorsPolicy::new().allow_origins(["https://admin.example"]).compile()?;
/// let table = RouteTable::new([Route::new("shop", "api")
///     .listener(public, Hostname::any())
///     .listener(internal.clone(), Hostname::any())
///     .rule(Rule::new().policy_by_listener([open, own.clone()]))]);
///
/// // The task that accepts the connections of the internal port:
/// let mut request = Request::get("/").body(())?;
/// request.extensions_mut().insert(internal);
/// assert_eq!(table.find(&CorsRequest::of(&request)).unwrap().policy(), Some(&own));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Listener(Arc<Name>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Name {
    is_of_set: bool,
    namespace: String,
    parent: String,
    listener: String,
}

impl Listener {
    /// The listener `name` of a `Gateway`.
    pub fn of_gateway(namespace: impl Into<String>, gateway: impl Into<String>, name: impl Into<String>) -> Self {
        Self::new(false, namespace.into(), gateway.into(), name.into())
    }

    /// The listener `name` of a `ListenerSet`.
    pub fn of_listener_set(namespace: impl Into<String>, set: impl Into<String>, name: impl Into<String>) -> Self {
        Self::new(true, namespace.into(), set.into(), name.into())
    }

    fn new(is_of_set: bool, namespace: String, parent: String, listener: String) -> Self {
        Self(Arc::new(Name { is_of_set, namespace, parent, listener }))
    }

    fn has_parent_of(&self, other: &Self) -> bool {
        let (one, two) = (&self.0, &other.0);
        one.is_of_set == two.is_of_set && one.parent == two.parent && one.namespace == two.namespace
    }

    /// Whether the listener is of a `ListenerSet`, not of a `Gateway`.
    pub fn is_of_listener_set(&self) -> bool {
        self.0.is_of_set
    }

    /// The namespace of the Gateway or the ListenerSet.
    pub fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// The name of the Gateway or the ListenerSet.
    pub fn parent(&self) -> &str {
        &self.0.parent
    }

    /// The name of the listener itself.
    pub fn name(&self) -> &str {
        &self.0.listener
    }
}

/// Listeners that routes share: those that one reference to a parent comes to. In the order in which they count.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListenerGroup {
    /// For each listener its hostname, and which of a rule's policies is for it.
    listeners: Vec<(Hostname, usize)>,
    by_name: HashMap<Listener, usize>,
    /// The first listener of each hostname.
    by_host: HostIndex<Option<usize>>,
    /// Those that any listener of a request may be, since their parent is not known.
    unknown: Option<usize>,
    serves_every_host: bool,
    hostnames: Vec<Hostname>,
    /// The first listener that is known by name; and whether another one has another parent.
    first: Option<Listener>,
    has_several_parents: bool,
}

impl ListenerGroup {
    /// Adds a listener behind the others; `settings` says which of a rule's policies is for it.
    pub(crate) fn add(&mut self, listener: Option<Listener>, hostname: &Hostname, settings: usize) {
        let at = self.listeners.len();
        self.listeners.push((hostname.clone(), settings));
        match listener {
            Some(listener) => {
                let first = self.first.get_or_insert_with(|| listener.clone());
                self.has_several_parents |= !first.has_parent_of(&listener);
                self.by_name.entry(listener).or_insert(at);
            }
            None => _ = self.unknown.get_or_insert(at),
        }
        if let Some(first) = self.by_host.entry(hostname.pattern()) {
            first.get_or_insert(at);
        }
        self.serves_every_host |= hostname.is_any();
        if !self.hostnames.contains(hostname) {
            self.hostnames.push(hostname.clone());
        }
    }

    pub(super) fn len(&self) -> usize {
        self.listeners.len()
    }

    /// Which settings apply to a request for `host` that nobody knows the listener of: those of the first that it fits.
    fn first_for(&self, host: &str) -> Option<usize> {
        let mut first: Option<usize> = None;
        let _ = self.by_host.visit(host, |&found| {
            first = [first, found].into_iter().flatten().min();
            ControlFlow::<()>::Continue(())
        });
        self.settings_of(first?, host)
    }

    fn settings_of(&self, at: usize, host: &str) -> Option<usize> {
        let (hostname, settings) = self.listeners.get(at)?;
        hostname.matches(host).then_some(*settings)
    }

    /// Whether a listener that is known by name is in both.
    fn has_one_of(&self, other: &Self) -> bool {
        let (Some(one), Some(two)) = (&self.first, &other.first) else { return false };
        // Those of a manifest are of one parent, which is compared faster than sixty-four names.
        let may_share = self.has_several_parents || other.has_several_parents || one.has_parent_of(two);
        may_share && self.by_name.keys().any(|name| other.by_name.contains_key(name))
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.hostnames.iter().any(|one| other.hostnames.iter().any(|two| one.overlaps(two)))
    }

    /// Which of a rule's policies are for some listener, each once.
    #[cfg(feature = "manifest")]
    pub(crate) fn settings(&self) -> impl Iterator<Item = usize> {
        self.listeners.iter().map(|(_, settings)| *settings)
    }

    /// The listeners in their order, with what they are known by where their parent is known, their hostname, and which of a
    /// rule's policies is for them.
    #[cfg(feature = "manifest")]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Option<&Listener>, &Hostname, usize)> {
        let names: HashMap<_, _> = self.by_name.iter().map(|(name, at)| (*at, name)).collect();
        let listeners = self.listeners.iter().enumerate();
        listeners.map(move |(at, (hostname, settings))| (names.get(&at).copied(), hostname, *settings))
    }

    /// The hostnames of the listeners, each once.
    #[cfg(feature = "manifest")]
    pub(crate) fn hostnames(&self) -> &[Hostname] {
        &self.hostnames
    }
}

/// The listeners of a route. A route without any is served through all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listeners(pub(crate) Vec<Arc<ListenerGroup>>);

impl Listeners {
    /// Which settings apply to a request for `host`; none where it arrives on no listener of the route.
    #[inline]
    pub(super) fn find(&self, host: &str, request: &CorsRequest<'_>) -> Option<usize> {
        if self.0.is_empty() {
            return Some(0);
        }
        let arrived_on = request.extensions().and_then(|extensions| extensions.get::<Listener>());
        let Some(listener) = arrived_on else { return self.0.iter().find_map(|group| group.first_for(host)) };
        // A listener that is known has its own settings, whatever else it may be.
        match self.0.iter().find_map(|group| Some((group, *group.by_name.get(listener)?))) {
            Some((group, at)) => group.settings_of(at, host),
            None => self.0.iter().find_map(|group| group.settings_of(group.unknown?, host)),
        }
    }

    /// Whether the route serves every host that its hostnames admit, whatever listener a request arrives on.
    pub(super) fn serve_everything(&self) -> bool {
        self.0.is_empty() || self.0.iter().any(|group| group.serves_every_host && group.by_name.is_empty())
    }

    /// Whether the route serves every host that its hostnames admit, through one listener at least.
    pub(super) fn serve_every_host(&self) -> bool {
        self.0.is_empty() || self.0.iter().any(|group| group.serves_every_host)
    }

    /// Whether a request may arrive on a listener of this route and of the other.
    pub(super) fn share_one(&self, other: &Self) -> bool {
        let share = |one: &ListenerGroup, two: &ListenerGroup| {
            (one.unknown.is_some() || two.unknown.is_some() || one.has_one_of(two)) && one.overlaps(two)
        };
        self.0.is_empty()
            || other.0.is_empty()
            || self.0.iter().any(|one| other.0.iter().any(|two| Arc::ptr_eq(one, two) || share(one, two)))
    }

    /// What tells the listeners from those of other routes.
    pub(super) fn id(&self) -> Vec<usize> {
        self.0.iter().map(|group| Arc::as_ptr(group).addr()).collect()
    }
}
