//! How long a request takes in this crate's layer, in tower-http's and in neither, by the clock. Times are noisy; the
//! `table` bench has the figures to quote, and `contention` what two threads cost each other.

use divan::Bencher;
use scenarios::{Handler, named, send_one};

const NAMES: [&str; 9] = ["S1", "S2", "S3", "S4e", "S4w", "S5", "S6", "S6e", "S7"];

fn main() {
    divan::main();
}

#[divan::bench(args = ["S1", "S2"])]
fn bare_handler(bencher: Bencher<'_, '_>, name: &str) {
    let scenario = named(name);
    bencher.with_inputs(|| scenario.request()).bench_values(|request| send_one(&mut Handler, request));
}

#[divan::bench(args = NAMES)]
fn this_crate(bencher: Bencher<'_, '_>, name: &str) {
    let scenario = named(name);
    let service = scenario.ours();
    bencher.with_inputs(|| (service.clone(), scenario.request())).bench_values(|(mut service, request)| {
        send_one(&mut service, request);
    });
}

#[divan::bench(args = NAMES)]
fn tower_http(bencher: Bencher<'_, '_>, name: &str) {
    let scenario = named(name);
    let service = scenario.peer();
    bencher.with_inputs(|| (service.clone(), scenario.request())).bench_values(|(mut service, request)| {
        send_one(&mut service, request);
    });
}
