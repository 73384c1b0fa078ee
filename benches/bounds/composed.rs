//! Manifests composed from the limits of the CRDs: every list at its maximum, by itself and with each other list, the others
//! with one entry or none. What an entry says is chosen by the seed: the same for all objects or one of its own, exact or an
//! expression. In: a pair of lists, a seed, a size. Out: objects of that size together.

use crate::hostile::{numbered, policy, route};

/// The lists of the CRDs that are read, each with how many entries it may have.
pub(crate) const LISTS: [(&str, usize); 12] = [
    ("parentRefs", 32),
    ("hostnames", 16),
    ("rules", 16),
    ("matches", 64),
    ("headers", 16),
    ("queryParams", 16),
    ("filters", 16),
    ("backendRefs", 16),
    ("filters of backends", 16),
    ("listeners", 64),
    ("targetRefs", 16),
    ("targetSelectors", 16),
];

/// Numbers that look like chance and are the same for a seed.
struct Chance(u64);

impl Chance {
    /// One of the first so many numbers.
    fn below(&mut self, count: u64) -> u64 {
        // Steele and others, "Fast splittable pseudorandom number generators".
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % count
    }
}

/// What is the same for all objects of a text.
struct Shape {
    pair: [usize; 2],
    /// For each list, whether what its entries say is the same in every object.
    is_shared: [bool; LISTS.len()],
    has_expressions: bool,
    is_deep: bool,
}

impl Shape {
    /// How many entries a list has.
    fn count(&self, list: usize) -> usize {
        let least = usize::from(matches!(list, 2 | 3 | 6 | 7));
        if self.pair.contains(&list) { LISTS[list].1 } else { least }
    }

    /// The entries of a list in the object of a number: each by a number that is its own, or that of its place.
    fn entries(&self, list: usize, object: usize, entry: impl Fn(usize) -> String) -> String {
        let first = if self.is_shared[list] { 0 } else { object * LISTS[list].1 };
        let entries: Vec<_> = (first..first + self.count(list)).map(entry).collect();
        entries.join(", ")
    }

    fn value(&self, at: usize) -> String {
        if self.has_expressions {
            format!("type: RegularExpression, value: 'v{at}.*'")
        } else {
            format!("value: v{at}")
        }
    }

    /// A Gateway, a route attached to it, and a policy, all of one number.
    fn objects(&self, at: usize) -> String {
        self.gateway(at) + &self.route(at) + &self.policy(at)
    }

    fn gateway(&self, at: usize) -> String {
        let of = |entry| format!("{{name: l{entry}, port: 80, protocol: HTTP, hostname: '*.h{entry}.example'}}");
        let listeners = match self.count(9) {
            0 => "{name: l0, port: 80, protocol: HTTP}".to_owned(),
            _ => self.entries(9, at, of),
        };
        let priority = match self.is_deep {
            true => ", annotations: {kgateway.dev/inherited-policy-priority: DeepMergePreferChild}",
            false => "",
        };
        format!(
            "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: g{at}{priority}}}\n\
             spec: {{listeners: [{listeners}]}}\n"
        )
    }

    fn route(&self, at: usize) -> String {
        let cors = |entry| format!("{{type: CORS, cors: {{allowOrigins: ['https://o{entry}.example']}}}}");
        let named = |entry| {
            let reference = format!("{{group: gateway.kgateway.dev, kind: TrafficPolicy, name: p{entry}}}");
            format!("{{type: ExtensionRef, extensionRef: {reference}}}")
        };
        let filter = |entry| if entry % 16 == 0 { cors(entry) } else { named(entry) };
        let of_backends = self.entries(8, at, filter);
        let backend = |entry| format!("{{name: b{entry}, port: 80, filters: [{of_backends}]}}");
        let header = |entry| format!("{{name: h{entry}, {}}}", self.value(entry));
        let headers = self.entries(4, at, header);
        let query = self.entries(5, at, |entry| format!("{{name: q{entry}, {}}}", self.value(entry)));
        // A route has at most 128 matches.
        let most = if self.pair.contains(&2) { 8 } else { 64 };
        let found = |entry| format!("{{path: {{value: /p{entry}}}, headers: [{headers}], queryParams: [{query}]}}");
        let first = if self.is_shared[3] { 0 } else { 64 * at };
        let matches: Vec<_> = (first..first + self.count(3).min(most)).map(found).collect();
        let (filters, backends) = (self.entries(6, at, filter), self.entries(7, at, backend));
        let rule = |entry| {
            let lists = format!("filters: [{filters}], backendRefs: [{backends}]");
            format!("{{name: n{entry}, matches: [{}], {lists}}}", matches.join(", "))
        };
        let parents = match self.count(0) {
            0 => format!("{{name: g{at}}}"),
            _ => self.entries(0, at, |entry| format!("{{name: g{entry}}}")),
        };
        let hostnames = self.entries(1, at, |entry| format!("a{entry}.h{entry}.example"));
        let rules = self.entries(2, at, rule);
        let spec = format!("{{parentRefs: [{parents}], hostnames: [{hostnames}], rules: [{rules}]}}");
        route(at, &spec).replace("{name: r", "{labels: {app: a}, name: r")
    }

    fn policy(&self, at: usize) -> String {
        let target = |kind: &str, rest: String| format!("{{group: gateway.networking.k8s.io, kind: {kind}, {rest}}}");
        let named = |entry| target(if entry % 2 == 0 { "Gateway" } else { "HTTPRoute" }, format!("name: g{entry}"));
        let selected =
            |entry| target("HTTPRoute", format!("sectionName: n{entry}, matchLabels: {{app: a, x{entry}: b}}"));
        let targets = match self.count(10) {
            0 => target("Gateway", format!("name: g{at}")),
            _ => self.entries(10, at, named),
        };
        policy(at, &format!("targetRefs: [{targets}], targetSelectors: [{}]", self.entries(11, at, selected)))
    }
}

/// A text of so many bytes with the two lists at their maximum.
pub(crate) fn text(pair: [usize; 2], seed: u64, size: usize) -> String {
    let mut chance = Chance(seed ^ ((pair[0] as u64) << 32) ^ ((pair[1] as u64) << 40));
    let is_shared = std::array::from_fn(|_| chance.below(2) == 0);
    let (has_expressions, is_deep) = (chance.below(4) == 0, chance.below(2) == 0);
    let shape = Shape { pair, is_shared, has_expressions, is_deep };
    numbered(size, "", |at| shape.objects(at), "")
}
