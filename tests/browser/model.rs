//! Holds the model of a browser (`tower_cors::browser`) against a browser: it is given what the server answered, and has
//! to come to what the script saw.

use http::header;
use tower_cors::browser::{Blocked, Readable};

use crate::{
    journal::Exchange,
    origins::Origins,
    scenario::{Ending, Scenario, Table},
    script::Script,
    visit::Read,
};

/// The model's verdict of every scenario that it can judge.
pub(crate) fn verdicts<'a>(
    table: &'a Table,
    endings: &'a [Ending],
    origins: &'a Origins,
) -> impl Iterator<Item = (&'a Scenario, &'a Ending, Result<Readable, Blocked>)> {
    let modelled = table.scenarios.iter().zip(endings).filter(|(scenario, _)| scenario.unmodelled.is_none());
    modelled.map(|(scenario, ending)| {
        let origin = scenario.origin(origins);
        (scenario, ending, judge(&scenario.name, &scenario.request, origin, &ending.entry.exchanges))
    })
}

/// The scenarios of which the model and the browser disagree.
pub(crate) fn disagreements(table: &Table, endings: &[Ending], origins: &Origins) -> Vec<String> {
    verdicts(table, endings, origins)
        .filter_map(|(scenario, ending, verdict)| {
            Some(format!("{}: {}", scenario.name, difference(&verdict, ending.seen.read.as_ref())?))
        })
        .collect()
}

/// What the model makes of the request of the row `name` and its answers: the last ones, where there are more.
///
/// # Panics
///
/// If the browser did not ask first what the model says that it asks.
pub(crate) fn judge(name: &str, script: &Script, origin: &str, exchanges: &[Exchange]) -> Result<Readable, Blocked> {
    let request = script.model(origin);
    let preflight = exchanges.iter().rfind(|exchange| exchange.is_preflight());
    assert_eq!(request.needs_preflight(), preflight.is_some(), "{name}: whether it needs a preflight");
    if let Some(preflight) = preflight {
        let announced = preflight.request.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
        assert_eq!(request.announced_headers().as_ref(), announced, "{name}: the announced headers");
        request.check_preflight(preflight.status, &preflight.response)?;
    }
    let actual = exchanges.iter().rfind(|exchange| !exchange.is_preflight());
    let actual = actual.unwrap_or_else(|| panic!("{name}: the model allows a request that was not sent"));
    request.check_response(&actual.response)
}

/// Where a verdict is another than the browser's, which let a script read this or nothing.
pub(crate) fn difference(verdict: &Result<Readable, Blocked>, read: Option<&Read>) -> Option<String> {
    match (verdict, read) {
        (Err(_), None) => None,
        (Err(blocked), Some(_)) => Some(format!("readable, but not in the model: {blocked}")),
        (Ok(_), None) => Some("refused, but readable in the model".to_owned()),
        (Ok(readable), Some(read)) => {
            let mut names: Vec<_> = readable.headers().iter().map(|name| name.as_str()).collect();
            names.sort_unstable();
            (names != read.sees).then(|| format!("the script sees {:?}, in the model {names:?}", read.sees))
        }
    }
}
