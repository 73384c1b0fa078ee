//! How many instructions a request costs above the bare handler, in this crate's layer and in tower-http's, counted by
//! callgrind, so the same on a busy machine and an idle one. Needs `valgrind` and `gungraun-runner`, and says so
//! where they are missing. The tables of the `table` bench are made of these counts. With the feature `tracing` a
//! subscriber at info is there.

use gungraun::{library_benchmark, library_benchmark_group};
use std::convert::Infallible;

use http::{Request, Response};
use scenarios::{Body, Handler, Scenario, counts::missing_program, discard, named, send, send_cloned};
use tower_service::Service;

#[allow(clippy::unwrap_used, missing_docs, reason = "benchmarks")]
mod counted {
    use super::*;

    fn prepare<S>(make: impl Fn(Scenario) -> S, name: &str) -> (Scenario, S, Request<Body>)
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    {
        subscribe();
        let scenario = named(name);
        let (mut service, request) = (make(scenario), scenario.request());
        // The allocator's free lists are as in a server that has been running for a while.
        send(&mut service, &request);
        (scenario, service, request)
    }

    fn bare(name: &str) -> (Scenario, Handler, Request<Body>) {
        prepare(|_| Handler, name)
    }

    fn ours(name: &str) -> (Scenario, tower_cors::layer::Cors<Handler>, Request<Body>) {
        prepare(|scenario| scenario.ours(), name)
    }

    fn peer(name: &str) -> (Scenario, tower_http::cors::Cors<Handler>, Request<Body>) {
        prepare(|scenario| scenario.peer(), name)
    }

    #[library_benchmark]
    #[benches::scenarios(args = ["S1", "S2", "S3", "S4e", "S4w", "S5", "S6", "S6e", "S7", "S10", "S9o", "S9c", "S9t", "S9e", "S8/10", "S8/1k", "S8/100k", "S8/10-", "S8/100k-"], setup = bare)]
    fn handler((scenario, mut service, request): (Scenario, Handler, Request<Body>)) {
        if scenario.is_preflight() { discard(&request) } else { send(&mut service, &request) }
    }

    #[library_benchmark]
    #[benches::scenarios(args = ["S1", "S2", "S3", "S4e", "S4w", "S5", "S6", "S6e", "S7", "S10", "S9o", "S9c", "S9t", "S9e", "S8/10", "S8/1k", "S8/100k", "S8/10-", "S8/100k-"], setup = ours)]
    fn in_ours(
        (scenario, mut service, request): (Scenario, tower_cors::layer::Cors<Handler>, Request<Body>),
    ) -> tower_cors::layer::Cors<Handler> {
        if scenario.cloned {
            send_cloned(&mut service, &request)
        } else {
            send(&mut service, &request)
        }
        service
    }

    #[library_benchmark]
    #[benches::scenarios(args = ["S1", "S2", "S3", "S4e", "S4w", "S5", "S6", "S6e", "S7", "S10", "S9o", "S9c", "S9t", "S9e", "S8/10", "S8/1k"], setup = peer)]
    fn in_peer(
        (scenario, mut service, request): (Scenario, tower_http::cors::Cors<Handler>, Request<Body>),
    ) -> tower_http::cors::Cors<Handler> {
        if scenario.cloned {
            send_cloned(&mut service, &request)
        } else {
            send(&mut service, &request)
        }
        service
    }

    library_benchmark_group!(name = layer, benchmarks = [handler, in_ours, in_peer]);
    gungraun::main!(library_benchmark_groups = layer);

    pub(super) fn start() {
        main();
    }
}

/// Nothing but denials is logged, and that goes nowhere.
#[cfg(feature = "tracing")]
fn subscribe() {
    use tracing_subscriber::filter::LevelFilter;
    let _ = tracing_subscriber::fmt().with_max_level(LevelFilter::INFO).with_writer(std::io::sink).try_init();
}

#[cfg(not(feature = "tracing"))]
fn subscribe() {}

fn main() {
    // Under callgrind this program is started again, by the runner.
    let is_measured = std::env::args().any(|argument| argument == "--gungraun-run");
    match if is_measured { None } else { missing_program() } {
        Some((program, install)) => {
            println!("skipped: instructions are counted by {program}, which is not there; install it: {install}");
        }
        None => counted::start(),
    }
}
