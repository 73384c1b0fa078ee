//! Changes that don't end: how many tables are swapped meanwhile.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    gateway::Gateway,
    protocol::{route, url},
    stand_in::StandIn,
};

/// How long changes come, and how many a second.
const SECONDS: u64 = 2;
const CHANGES_A_SECOND: u64 = 1_000;

// rule 10.2: changes are gathered for a moment, never longer than a second.
#[test]
fn a_thousand_changes_a_second_are_at_most_twenty_tables() {
    let server = StandIn::start();
    (0..100).for_each(|at| server.put(&route(&format!("r-{at}"), 1)));
    let gateway = Gateway::start_synced(&server.kubeconfig(), &[]);
    let (before, start) = (gateway.metric("tower_cors_swaps_total"), Instant::now());
    for at in 1..=SECONDS * CHANGES_A_SECOND {
        server.put(&route(&format!("r-{}", at % 100), at + 1));
        let due = Duration::from_secs(at) / u32::try_from(CHANGES_A_SECOND).expect("a number");
        thread::sleep(due.saturating_sub(start.elapsed()));
    }
    let seconds = start.elapsed().as_secs();
    let during = gateway.metric("tower_cors_swaps_total") - before;
    // A quiet time of 100 ms never comes, so a table is due each second.
    assert!(during <= 20 * seconds, "{during} tables in {seconds} s");
    assert!(during >= 1, "no table in {seconds} s");
    gateway.wait_max_age(&url("r-0"), Some(SECONDS * CHANGES_A_SECOND + 1));
}
