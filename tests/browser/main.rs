//! What pages get from a server under a policy, in a real browser: headless Chromium, driven by playwright-core. The
//! same requests are made of tower-http's layer, and `browser`, the model of section 9, is held against all of it.
//!
//! ```text
//! apt-get install chromium nodejs npm          # what is missing of them
//! npm ci --prefix tests/browser
//! cargo test --test browser                    # `-- --nocapture` prints the comparison with tower-http
//! ```
//!
//! Where something is missing the tests say so and are skipped, unless `BROWSER_TESTS=required`.

/// Rule 9.2 over arbitrary policies, pages and requests, without a browser.
mod property;
/// The model against the Fetch standard, row by row, without a browser.
mod standard;

/// Answers that Chromium and the model judge alike.
mod answers;
/// Where tower-http's layer differs.
mod comparison;
/// What the model says about a scenario.
mod model;
/// The example `playground`, as a person uses it.
mod playground;
/// Scenarios as data, what each ends with, and how they are played.
mod scenario;

/// Chromium, driven by a script of node.
mod chromium;
/// The layer under test: ours, or tower-http's.
mod engine;
/// What reached the inner service.
mod journal;
/// The origins that the pages come from.
mod origins;
/// What a page's script asks for.
mod script;
/// The server that the pages ask.
mod server;
/// The service inside the layer.
mod service;
/// A visit to a page, for the scripts of node.
mod visit;

use std::collections::HashSet;

use engine::Engine;
use origins::Origins;
use scenario::Table;
use server::Server;

// rule 9.1, 9.2, 9.3
#[tokio::test]
async fn a_page_gets_what_the_policy_means_it_to_get() {
    if !chromium::is_ready() {
        return;
    }
    let origins = Origins::serve().await;
    let table = Table::parse(&origins);
    let server = Server::start(Engine::TowerCors, &table).await;
    let endings = table.play(&origins, &server).await;

    let mut failures = model::disagreements(&table, &endings, &origins);
    for (scenario, ending) in table.scenarios.iter().zip(&endings) {
        let expected = scenario.ends.seen();
        if ending.seen != expected {
            failures.push(format!("{}:\n  expected {expected:?}\n  got      {:?}", scenario.name, ending.seen));
        }
    }
    for (scenario, _, verdict) in model::verdicts(&table, &endings, &origins) {
        let code = verdict.as_ref().err().map(|blocked| blocked.code());
        if code != scenario.ends.blocked.as_deref() {
            failures.push(format!("{}: the model says {code:?}", scenario.name));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test]
async fn tower_http_differs_where_it_is_known_to_and_nowhere_else() {
    if !chromium::is_ready() {
        return;
    }
    let origins = Origins::serve().await;
    let table = Table::parse(&origins);
    let server = Server::start(Engine::TowerHttp, &table).await;
    let endings = table.play(&origins, &server).await;

    let failures = model::disagreements(&table, &endings, &origins);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    comparison::check(&table, &endings);
}

#[tokio::test]
async fn chromium_judges_an_answer_as_the_model_does() {
    if chromium::is_ready() {
        let failures = answers::disagreements().await;
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    }
}

#[test]
fn the_name_of_a_row_is_its_own_and_reads_as_a_rule() {
    let origins = Origins::unserved();
    let scenarios = Table::parse(&origins).scenarios.into_iter().map(|scenario| scenario.name);
    let answers = answers::Table::parse(&origins).answers.into_iter().map(|answer| answer.name);
    let mut seen = HashSet::new();
    for name in scenarios.chain(answers) {
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'), "{name}");
        assert!(name.matches('_').count() >= 2, "{name} does not read as a rule");
        assert!(seen.insert(name.clone()), "two rows are called {name}");
    }
}
