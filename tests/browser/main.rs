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

mod answers;
mod chromium;
mod comparison;
mod engine;
mod grpc_web;
mod journal;
mod model;
mod origins;
mod playground;
mod scenario;
mod script;
mod server;
mod service;
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
