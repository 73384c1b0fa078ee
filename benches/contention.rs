//! What a request costs a thread alone, and while another thread sends the same through a clone of the same service: in
//! this crate's layer with a fixed policy and with one that can be reloaded, in tower-http's and in neither. What two
//! threads share and write on every request shows as a ratio above that of the bare handler.
//!
//! It is the time that the thread was on a processor, not the time that passed, and both threads live from the first
//! case to the last, as the workers of a server do. A machine with other work to do shows other ratios.

#[cfg(unix)]
fn main() {
    unix::main();
}

#[cfg(not(unix))]
fn main() {
    println!("skipped: the processor time of a thread is read as POSIX has it");
}

#[cfg(unix)]
mod unix {
    use std::{
        convert::Infallible,
        sync::{
            Barrier,
            atomic::{AtomicBool, Ordering},
        },
        thread,
    };

    use http::{Request, Response};
    use rustix::time::{ClockId, clock_gettime};
    use tower_cors::{CorsLayer, resolver::Reloadable};
    use tower_layer::Layer;
    use tower_service::Service;

    use scenarios::{Body, CALLS, Handler, Scenario, named, send};

    const NAMES: [&str; 4] = ["S2", "S4e", "S5", "S6"];
    /// Measurements of each case, of which the median counts.
    const ROUNDS: usize = 41;
    /// How often a measurement sends `CALLS` requests.
    const BATCHES: usize = 50;

    struct Case {
        scenario: &'static str,
        what: &'static str,
        /// A thread's own clone of the service, and its own request, to send `CALLS` times.
        batch: Box<dyn Fn() -> Box<dyn FnMut()> + Send + Sync>,
    }

    pub(super) fn main() {
        let cases: Vec<Case> = NAMES.iter().flat_map(|name| cases(name)).collect();
        let (barrier, is_measuring) = (Barrier::new(2), AtomicBool::new(false));
        println!("| request | in | alone, ns | beside another, ns | ratio |");
        println!("|---|---|---|---|---|");
        thread::scope(|scope| {
            scope.spawn(|| neighbour(&cases, &barrier, &is_measuring));
            scope.spawn(|| {
                for case in &cases {
                    let [alone, beside] = measure(case, &barrier, &is_measuring);
                    println!(
                        "| {} | {} | {alone:.0} | {beside:.0} | {:.2} |",
                        case.scenario,
                        case.what,
                        beside / alone
                    );
                }
            });
        });
    }

    fn cases(name: &'static str) -> [Case; 4] {
        let scenario = named(name);
        let policy = scenario.policy().compile().expect("the policies of the scenarios are valid");
        let reloadable = CorsLayer::with_resolver(Reloadable::new(policy)).layer(Handler);
        [
            case(scenario, "the handler alone", Handler),
            case(scenario, "tower-cors", scenario.ours()),
            case(scenario, "tower-cors, reloadable", reloadable),
            case(scenario, "tower-http", scenario.peer()),
        ]
    }

    fn case<S>(scenario: Scenario, what: &'static str, service: S) -> Case
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    {
        let batch = move || -> Box<dyn FnMut()> {
            let (mut service, request) = (service.clone(), scenario.request());
            Box::new(move || send(&mut service, &request))
        };
        Case { scenario: scenario.name, what, batch: Box::new(batch) }
    }

    /// The nanoseconds of one call, alone and beside the neighbour.
    fn measure(case: &Case, barrier: &Barrier, is_measuring: &AtomicBool) -> [f64; 2] {
        let mut batch = (case.batch)();
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            times[0].push(time(&mut batch));
            is_measuring.store(true, Ordering::Relaxed);
            barrier.wait();
            times[1].push(time(&mut batch));
            is_measuring.store(false, Ordering::Relaxed);
            barrier.wait();
        }
        times.map(|mut times| {
            times.sort_by(f64::total_cmp);
            times[ROUNDS / 2]
        })
    }

    /// Sends the same until a measurement is over, as often as there are any.
    fn neighbour(cases: &[Case], barrier: &Barrier, is_measuring: &AtomicBool) {
        for case in cases {
            let mut batch = (case.batch)();
            for _ in 0..ROUNDS {
                barrier.wait();
                while is_measuring.load(Ordering::Relaxed) {
                    batch();
                }
                barrier.wait();
            }
        }
    }

    fn time(batch: &mut dyn FnMut()) -> f64 {
        let start = on_processor();
        for _ in 0..BATCHES {
            batch();
        }
        (on_processor() - start) / (BATCHES * CALLS) as f64
    }

    /// The nanoseconds that this thread has been on a processor.
    fn on_processor() -> f64 {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
    }
}
