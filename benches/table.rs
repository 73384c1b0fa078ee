//! The table that the README quotes: instructions and allocations a request above the bare handler, for this crate and
//! for tower-http in one run. Allocations are counted here; instructions are what the `instructions` bench, which
//! `cargo bench --package benches` runs before this one, left in the target folder.

use std::{convert::Infallible, env, fs, path::PathBuf};

use allocation_counter::measure;
use http::{Request, Response};
use scenarios::{Body, CALLS, Handler, SCENARIOS, Scenario, send_one};
use tower_service::Service;

fn main() {
    let counts = Counts::of_last_run();
    if !counts.0.join("handler.scenarios_0").exists() {
        println!("no instructions: the `instructions` bench was skipped or has not run");
    }
    println!("| request | bound | tower-cors | tower-http | ratio |");
    println!("|---|---|---|---|---|");
    let mut over = Vec::new();
    for (at, scenario) in SCENARIOS.iter().enumerate() {
        let bare = counts.read("handler", at);
        let above = |function| Some(counts.read(function, at)?.saturating_sub(bare?) / CALLS as u64);
        let (ours, peers) = (above("in_ours"), above("in_peer"));
        let ratio = ours.zip(peers).map_or("–".into(), |(ours, peers)| format!("{:.1}", peers as f64 / ours as f64));
        println!(
            "| {} {} | {} · {} | {} · {} | {} · {} | {ratio} |",
            scenario.name,
            scenario.about,
            scenario.bound.instructions,
            scenario.bound.allocations,
            shown(ours),
            allocations(scenario, scenario.ours()),
            shown(peers),
            allocations(scenario, scenario.peer()),
        );
        if ours.is_some_and(|ours| ours > scenario.bound.instructions) {
            over.push(scenario.name);
        }
    }
    if !over.is_empty() {
        println!("over their bound: {}", over.join(", "));
    }
}

fn shown(count: Option<u64>) -> String {
    count.map_or("–".into(), |count| count.to_string())
}

/// Allocations of one request above the bare handler.
fn allocations<S>(scenario: &Scenario, mut service: S) -> u64
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone,
{
    send_one(&mut service, scenario.request());
    let (alone, within) = (scenario.request(), scenario.request());
    let bare = if scenario.is_preflight() {
        measure(|| drop(alone)).count_total
    } else {
        measure(|| send_one(&mut Handler, alone)).count_total
    };
    let counted = if scenario.cloned {
        measure(|| send_one(&mut service.clone(), within)).count_total
    } else {
        measure(|| send_one(&mut service, within)).count_total
    };
    counted - bare
}

/// The folder with callgrind's files of the `instructions` bench.
struct Counts(PathBuf);

impl Counts {
    fn of_last_run() -> Self {
        // This program lies in `<target>/release/deps`.
        let target = env::current_exe().ok().and_then(|path| Some(path.ancestors().nth(3)?.to_owned()));
        Self(target.unwrap_or_default().join("gungraun/benches/instructions/counted/layer"))
    }

    /// The instructions of a function over all its calls.
    fn read(&self, function: &str, scenario: usize) -> Option<u64> {
        let name = format!("{function}.scenarios_{scenario}");
        let text = fs::read_to_string(self.0.join(&name).join(format!("callgrind.{name}.out"))).ok()?;
        let totals = text.lines().find_map(|line| line.strip_prefix("totals: "))?;
        totals.split(' ').next()?.parse().ok()
    }
}
