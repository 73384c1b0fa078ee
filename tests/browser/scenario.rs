//! The table of scenarios: the policies, the requests under them, and how each ends.

use std::collections::BTreeMap;

use serde::Deserialize;
use tower_cors::CorsPolicy;

use crate::{
    journal::Entry,
    origins::Origins,
    script::Script,
    server::Server,
    visit::{self, Outcome, Read, Visit},
};

/// `scenarios.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    pub(crate) policies: BTreeMap<String, CorsPolicy>,
    pub(crate) outer: BTreeMap<String, CorsPolicy>,
    pub(crate) scenarios: Vec<Scenario>,
}

/// A row. The head of the table says what each field is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Scenario {
    pub(crate) name: String,
    policy: String,
    page: Option<String>,
    path: Option<String>,
    #[serde(default)]
    pub(crate) request: Script,
    times: Option<usize>,
    #[serde(default)]
    unchecked_first: bool,
    /// Why the model is not asked.
    pub(crate) unmodelled: Option<String>,
    pub(crate) ends: Ends,
}

/// How a row says that a scenario ends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ends {
    /// The code of `browser::Blocked`.
    pub(crate) blocked: Option<String>,
    status: Option<u16>,
    body: Option<String>,
    sees: Option<Vec<String>>,
    calls: usize,
    #[serde(default)]
    preflights: usize,
}

/// How a scenario ended, on both sides of the wire.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) seen: Seen,
    pub(crate) entry: Entry,
}

/// The part of an ending that the table says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// What the script read; nothing where it was refused.
    pub(crate) read: Option<Read>,
    pub(crate) calls: usize,
    pub(crate) preflights: usize,
}

impl Table {
    pub(crate) fn parse(origins: &Origins) -> Self {
        toml::from_str(&origins.fill(include_str!("scenarios.toml"))).expect("scenarios.toml is TOML")
    }

    /// Makes the request of every scenario, of pages of `origins`, and says how each ended.
    pub(crate) async fn play(&self, origins: &Origins, server: &Server) -> Vec<Ending> {
        let visits: Vec<_> = self.scenarios.iter().map(|scenario| scenario.visit(origins, server)).collect();
        let outcomes = visit::make(&visits).await;
        self.scenarios.iter().zip(outcomes).map(|(scenario, outcome)| scenario.ending(&outcome, server)).collect()
    }
}

impl Scenario {
    /// The origin of the page.
    pub(crate) fn origin<'a>(&'a self, origins: &'a Origins) -> &'a str {
        self.page.as_deref().unwrap_or_else(|| origins.app())
    }

    fn visit(&self, origins: &Origins, server: &Server) -> Visit {
        let path = self.path.as_deref().unwrap_or("/hello");
        let url = server.url(&self.policy, path, &self.name);
        let mut visit = Visit::new(origins, self.origin(origins), url, self.request.init());
        visit.times = self.times.unwrap_or(1);
        visit.unchecked_first = self.unchecked_first;
        // The release is a scenario of its own, so that its exchange is not counted.
        visit.release =
            (path == "/stream").then(|| server.url(&self.policy, "/release", &format!("release-{}", self.name)));
        visit
    }

    fn ending(&self, outcome: &Outcome, server: &Server) -> Ending {
        let entry = server.journal().entry(&self.name);
        let seen = Seen { read: outcome.read().cloned(), calls: entry.calls, preflights: entry.preflights() };
        Ending { seen, entry }
    }
}

impl Ends {
    pub(crate) fn seen(&self) -> Seen {
        let read = self.status.map(|status| Read {
            status,
            body: self.body.clone().unwrap_or_default(),
            sees: self.sees.clone().unwrap_or_else(|| vec!["content-length".to_owned(), "content-type".to_owned()]),
        });
        assert_ne!(read.is_some(), self.blocked.is_some(), "it is either read or blocked");
        Seen { read, calls: self.calls, preflights: self.preflights }
    }
}
