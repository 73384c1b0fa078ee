//! What a script is told to do (`fetches.mjs`), and what it tells.

use serde::{Deserialize, Serialize};

use crate::{chromium, origins::Origins, script::RequestInit};

/// A request of a page, for `fetches.mjs`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Visit {
    page: String,
    sandboxed: bool,
    url: String,
    init: RequestInit,
    pub(crate) times: usize,
    pub(crate) unchecked_first: bool,
    /// What to ask for when the beginning of the response is here.
    pub(crate) release: Option<String>,
}

/// How the last request of a visit ended.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Outcome {
    Read(Read),
    Failed {
        error: String,
        /// Why the request was refused, as the console says it.
        console: Option<String>,
    },
}

/// What the script could read.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// The names of the response headers, sorted.
    pub(crate) sees: Vec<String>,
}

impl Visit {
    /// One request for `url` by a page of `origin`.
    pub(crate) fn new(origins: &Origins, origin: &str, url: String, init: RequestInit) -> Self {
        let (page, sandboxed) = origins.page_of(origin);
        Self { page, sandboxed, url, init, times: 1, unchecked_first: false, release: None }
    }
}

impl Outcome {
    /// What was read; nothing where the browser kept it from the script.
    ///
    /// # Panics
    ///
    /// If the request failed for another reason than the browser's refusal.
    pub(crate) fn read(&self) -> Option<&Read> {
        match self {
            Self::Read(read) => Some(read),
            Self::Failed { error, .. } => {
                assert_eq!(error, "TypeError: Failed to fetch", "{self:?}");
                None
            }
        }
    }

    /// Why the request was refused, as the console says it.
    pub(crate) fn console(&self) -> Option<&str> {
        match self {
            Self::Read(_) => None,
            Self::Failed { console, .. } => console.as_deref(),
        }
    }
}

/// Makes the visits, one after the other, in one Chromium.
pub(crate) async fn make(visits: &[Visit]) -> Vec<Outcome> {
    let outcomes: Vec<Outcome> = chromium::run("fetches.mjs", &visits).await;
    assert_eq!(outcomes.len(), visits.len());
    outcomes
}
