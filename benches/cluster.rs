//! What a change in a cluster costs: 10,000 routes and 1,000 policies in a store, one of them changed, and a table of all,
//! beside reading all of them from JSON. Counted by callgrind; more than a tenth ends the bench with an error. Then what a
//! route takes of memory at rest. Needs what the `instructions` bench needs, and says so where it is missing.

use std::{
    env, fs,
    hint::black_box,
    process::{Command, ExitCode},
};

mod objects;

use gungraun::{library_benchmark, library_benchmark_group};
use objects::{ROUTES, route, texts};
use serde_json::Value;
use tower_cors::manifest::{LoadedRoutes, ObjectStore};

/// The most that a route may take, in bytes.
const MAX_BYTES: i64 = 3_072;

fn load(texts: &[String]) -> ObjectStore {
    let mut store = ObjectStore::new();
    for text in texts {
        let object: Value = serde_json::from_str(text).expect("JSON");
        store.apply(&object).expect("an object");
    }
    store
}

#[allow(missing_docs, unreachable_pub, reason = "a bench")]
mod counted {
    use super::*;

    #[library_benchmark]
    #[bench::all(setup = texts)]
    fn load_all(texts: Vec<String>) -> (Vec<String>, ObjectStore, LoadedRoutes) {
        let mut store = load(&texts);
        let routes = store.build();
        (texts, store, black_box(routes))
    }

    fn loaded() -> (ObjectStore, String) {
        let mut store = load(&texts());
        drop(store.build());
        (store, route(ROUTES / 2, "https://changed.example.com").to_string())
    }

    #[library_benchmark]
    #[bench::one(setup = loaded)]
    fn change_one((mut store, text): (ObjectStore, String)) -> (ObjectStore, LoadedRoutes) {
        let object: Value = serde_json::from_str(&text).expect("JSON");
        assert!(store.apply(&object).expect("an object"));
        let routes = store.build();
        (store, black_box(routes))
    }

    library_benchmark_group!(name = cases, benchmarks = [load_all, change_one]);
    gungraun::main!(library_benchmark_groups = cases);

    pub(super) fn start() {
        main();
    }
}

fn main() -> ExitCode {
    // Under callgrind this program is started again, by the runner.
    if env::args().any(|argument| argument == "--gungraun-run") {
        counted::start();
        return ExitCode::SUCCESS;
    }
    let [of_store, bytes] = memory();
    println!("{bytes} bytes a route at rest, {of_store} of them in the store, of at most {MAX_BYTES}");
    for program in ["valgrind", "gungraun-runner"] {
        if Command::new(program).arg("--version").output().is_err() {
            println!("skipped: {program} is not there; the `instructions` bench says how to install it");
            return ExitCode::SUCCESS;
        }
    }
    counted::start();
    let (Some(all), Some(one)) = (count("load_all.all"), count("change_one.one")) else {
        println!("not counted");
        return ExitCode::FAILURE;
    };
    let share = one as f64 / all as f64;
    println!("loading all: {all} instructions; one change: {one}, {share:.3} of it, of at most 0.1");
    if share <= 0.1 && bytes <= MAX_BYTES { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a route takes, with its share of the policies: in the store, and in all with the table that serves.
fn memory() -> [i64; 2] {
    let texts = texts();
    let mut kept = None;
    let of_store = allocation_counter::measure(|| kept = Some(load(&texts)));
    let mut table = None;
    let of_table = allocation_counter::measure(|| table = kept.as_mut().map(ObjectStore::build));
    drop(black_box((kept, table)));
    [of_store.bytes_current, of_store.bytes_current + of_table.bytes_current].map(|bytes| bytes / ROUTES as i64)
}

/// The instructions that callgrind counted, which it leaves in the target folder.
fn count(name: &str) -> Option<u64> {
    // This program lies in `<target>/<profile>/deps`.
    let program = env::current_exe().ok()?;
    let folder = program.ancestors().nth(3)?.join("gungraun/benches/cluster/counted/cases");
    let text = fs::read_to_string(folder.join(name).join(format!("callgrind.{name}.out"))).ok()?;
    let totals = text.lines().find_map(|line| line.strip_prefix("totals: "))?;
    totals.split(' ').next()?.parse().ok()
}
