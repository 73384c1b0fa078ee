//! The rows of `tests/rules/*.toml`: what each file may hold, and how an answer is held against a row.
//!
//! In: the text of a file. Out: cases that any engine can run (the layer in process, a gateway over a socket): a request
//! to send, an inner response to give, and [`Case::check`], which says what is different. Nothing here calls the library.

use serde::Deserialize;

/// One file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Table {
    /// A policy and what is wrong with it (section 2).
    pub(crate) validation: Vec<Validation>,
    /// Patterns and the origins that they do and don't match (section 3).
    matching: Vec<Matching>,
    /// A request under a policy and its answer (sections 3 to 6).
    case: Vec<Case>,
    /// Manifests, and which policy answers a request under them (sections 7 and 8).
    pub(crate) attachment: Vec<Attachment>,
}

/// Manifests and requests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attachment {
    pub(crate) rule: String,
    pub(crate) name: String,
    pub(crate) global_policy_namespace: Option<String>,
    pub(crate) manifests: String,
    pub(crate) requests: Vec<Ask>,
    /// The codes of the lints that the manifests must have, where any are said.
    pub(crate) lints: Option<Vec<String>>,
}

/// A preflight of `https://app.example`, and which policy answers it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    pub(crate) url: String,
    /// The method that is announced: `PUT`, unless it says so.
    #[serde(default = "put")]
    pub(crate) method: String,
    /// The header names that are announced.
    pub(crate) announced: Option<String>,
    /// Where it arrives, as `NAMESPACE/GATEWAY/LISTENER`.
    pub(crate) listener: Option<String>,
    /// The max-age of the policy, by which it is known. 0 where none applies; absent where no route takes the request.
    pub(crate) max_age: Option<u64>,
}

fn put() -> String {
    "PUT".to_owned()
}

/// A policy in the Gateway API's words.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(crate) struct PolicyRow {
    pub(crate) allow_origins: Option<Vec<String>>,
    pub(crate) allow_credentials: Option<bool>,
    pub(crate) allow_methods: Option<Vec<String>>,
    pub(crate) allow_headers: Option<Vec<String>>,
    pub(crate) expose_headers: Option<Vec<String>>,
    pub(crate) max_age: Option<u64>,
}

/// A policy, and every text that compiling it must give.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Validation {
    pub(crate) rule: String,
    pub(crate) name: String,
    pub(crate) policy: PolicyRow,
    /// `Strict`, unless it says `GatewayApi`.
    #[serde(default)]
    pub(crate) profile: Profile,
    /// Whether the CRD's limits hold.
    #[serde(default)]
    pub(crate) crd: bool,
    /// Whether any origin with credentials is accepted by the loudly named method.
    #[serde(default)]
    pub(crate) accepted_loudly: bool,
    /// Whether the row needs the public suffix list.
    #[serde(default)]
    pub(crate) psl: bool,
    /// The violations, in order, to the letter. None: the policy compiles.
    #[serde(default)]
    pub(crate) violations: Vec<String>,
    /// The lints of a policy that compiles, in order: code and path.
    #[serde(default)]
    pub(crate) lints: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) enum Profile {
    #[default]
    Strict,
    GatewayApi,
}

/// Shorthand for many cases: each origin is sent with a preflight and with an actual request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Matching {
    rule: String,
    name: String,
    allow_origins: Vec<String>,
    #[serde(default)]
    allow_credentials: bool,
    #[serde(default)]
    allowed: Vec<String>,
    #[serde(default)]
    denied: Vec<String>,
}

/// A request under a policy, and its answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Case {
    pub(crate) rule: String,
    pub(crate) name: String,
    /// Absent: no policy applies.
    pub(crate) policy: Option<PolicyRow>,
    #[serde(default)]
    pub(crate) options: OptionsRow,
    #[serde(default = "get")]
    pub(crate) method: String,
    /// The lines of the request, `Name: value`; a name may stand on several.
    #[serde(default)]
    pub(crate) request: Vec<String>,
    /// A header too long to be written down, added to the request.
    pub(crate) long: Option<Long>,
    /// The header of the answer that repeats the long one, normalised.
    echo: Option<String>,
    #[serde(default)]
    pub(crate) inner: Inner,
    /// Who gives the answer.
    pub(crate) by: By,
    #[serde(default = "ok")]
    pub(crate) status: u16,
    /// Every line of the CORS response headers and of `Vary`, and no other. The order of names does not count, that of
    /// the lines of one name does.
    #[serde(default)]
    pub(crate) headers: Vec<String>,
    /// Other lines that the answer has.
    #[serde(default)]
    pub(crate) also: Vec<String>,
}

/// What the Gateway API does not have.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(crate) struct OptionsRow {
    pub(crate) no_content: bool,
    pub(crate) unmatched_preflight: Unmatched,
    pub(crate) keep_inner_headers: bool,
    pub(crate) enforce: bool,
    pub(crate) guard_websocket_upgrades: bool,
    pub(crate) allow_private_network: bool,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Unmatched {
    #[default]
    Answer,
    Forbid,
    Forward,
}

/// `count` times `element`, joined with the separator.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Long {
    name: String,
    element: String,
    count: usize,
    #[serde(default = "comma")]
    separator: String,
}

/// What the wrapped service answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Inner {
    pub(crate) status: u16,
    pub(crate) headers: Vec<String>,
}

impl Default for Inner {
    fn default() -> Self {
        Self { status: 200, headers: Vec::new() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum By {
    Layer,
    Inner,
}

/// What an engine got.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) by: By,
    pub(crate) status: u16,
    /// Every line, in order.
    pub(crate) headers: Vec<(String, String)>,
}

impl Table {
    /// Reads a file.
    pub(crate) fn parse(text: &str) -> Self {
        toml::from_str(text).unwrap_or_else(|error| panic!("a table of rules is malformed: {error}"))
    }

    /// Every case of the file, those of the shorthand included.
    pub(crate) fn cases(self) -> Vec<Case> {
        let matching = self.matching.iter().flat_map(Matching::cases);
        matching.chain(self.case).collect()
    }

    /// The rules that the rows carry.
    pub(crate) fn rules(&self) -> impl Iterator<Item = &str> {
        let validation = self.validation.iter().map(|row| &row.rule);
        let matching = self.matching.iter().map(|row| &row.rule);
        let attachment = self.attachment.iter().map(|row| &row.rule);
        validation.chain(matching).chain(self.case.iter().map(|row| &row.rule)).chain(attachment).map(String::as_str)
    }

    /// The names of the rows.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let validation = self.validation.iter().map(|row| &row.name);
        let matching = self.matching.iter().map(|row| &row.name);
        let attachment = self.attachment.iter().map(|row| &row.name);
        validation.chain(matching).chain(self.case.iter().map(|row| &row.name)).chain(attachment).map(String::as_str)
    }
}

impl Matching {
    fn cases(&self) -> Vec<Case> {
        let allowed = self.allowed.iter().map(|origin| (origin, true));
        let denied = self.denied.iter().map(|origin| (origin, false));
        allowed.chain(denied).flat_map(|(origin, is_allowed)| self.pair(origin, is_allowed)).collect()
    }

    fn pair(&self, origin: &str, is_allowed: bool) -> [Case; 2] {
        let mut permission = Vec::new();
        if is_allowed {
            permission.push(format!("Access-Control-Allow-Origin: {origin}"));
            if self.allow_credentials {
                permission.push("Access-Control-Allow-Credentials: true".into());
            }
        }
        let actual = Case {
            rule: self.rule.clone(),
            name: format!("{} ({origin:?}, actual request)", self.name),
            policy: Some(PolicyRow {
                allow_origins: Some(self.allow_origins.clone()),
                allow_credentials: Some(self.allow_credentials),
                ..PolicyRow::default()
            }),
            options: OptionsRow::default(),
            method: get(),
            request: vec![format!("Origin: {origin}")],
            long: None,
            echo: None,
            inner: Inner::default(),
            by: By::Inner,
            status: 200,
            headers: permission.iter().cloned().chain(["Vary: Origin".into()]).collect(),
            also: Vec::new(),
        };
        let vary = "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
        let age = is_allowed.then(|| "Access-Control-Max-Age: 5".to_owned());
        let preflight = Case {
            name: format!("{} ({origin:?}, preflight)", self.name),
            method: "OPTIONS".into(),
            request: vec![format!("Origin: {origin}"), "Access-Control-Request-Method: PUT".into()],
            by: By::Layer,
            headers: permission.into_iter().chain(age).chain([vary.into()]).collect(),
            ..actual.clone()
        };
        [actual, preflight]
    }
}

impl Long {
    fn value(&self, separator: &str) -> String {
        vec![self.element.as_str(); self.count].join(separator)
    }
}

impl Case {
    /// The lines of the request, as name and value.
    pub(crate) fn request_lines(&self) -> Vec<(String, String)> {
        let mut lines = lines(&self.request);
        if let Some(long) = &self.long {
            lines.push((long.name.clone(), long.value(&long.separator)));
        }
        lines
    }

    /// The lines of the inner response, as name and value.
    pub(crate) fn inner_lines(&self) -> Vec<(String, String)> {
        lines(&self.inner.headers)
    }

    /// What is different about `got`, if anything is.
    pub(crate) fn check(&self, got: &Got) -> Result<(), String> {
        let (mut expected, mut found) = (lines(&self.headers), got.headers.clone());
        if let (Some(name), Some(long)) = (&self.echo, &self.long) {
            let separator = if long.separator.is_empty() { "" } else { ", " };
            expected.push((name.clone(), long.value(separator)));
        }
        let others = found.iter().filter(|line| !is_ours(&line.0)).cloned().collect::<Vec<_>>();
        found.retain(|line| is_ours(&line.0));
        // The order of the lines of one name is part of what they say, and a stable sort keeps it.
        for lines in [&mut expected, &mut found] {
            lines.sort_by_key(|line| line.0.to_ascii_lowercase());
        }
        let same = expected.len() == found.len()
            && expected.iter().zip(&found).all(|(one, other)| one.0.eq_ignore_ascii_case(&other.0) && one.1 == other.1);
        let missing = lines(&self.also)
            .into_iter()
            .filter(|line| !others.iter().any(|other| other.0.eq_ignore_ascii_case(&line.0) && other.1 == line.1))
            .collect::<Vec<_>>();
        let mut differences = Vec::new();
        if got.by != self.by {
            differences.push(format!("answered by {:?}, not {:?}", got.by, self.by));
        }
        if got.status != self.status {
            differences.push(format!("status {}, not {}", got.status, self.status));
        }
        if !same {
            differences.push(format!("headers\n    {found:?}\n  not\n    {expected:?}"));
        }
        if !missing.is_empty() {
            differences.push(format!("without {missing:?}"));
        }
        if differences.is_empty() {
            Ok(())
        } else {
            Err(format!("rule {}, {}: {}\n  row: {self:?}", self.rule, self.name, differences.join("; ")))
        }
    }
}

/// Whether a row that lists headers must list this one.
fn is_ours(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "vary" || name.starts_with("access-control-")
}

fn lines(lines: &[String]) -> Vec<(String, String)> {
    lines
        .iter()
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("{line:?} is not a header line"));
            (name.to_owned(), value.strip_prefix(' ').unwrap_or(value).to_owned())
        })
        .collect()
}

fn get() -> String {
    "GET".into()
}

fn comma() -> String {
    ",".into()
}

fn ok() -> u16 {
    200
}
