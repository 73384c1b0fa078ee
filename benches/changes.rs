//! What changes of a cluster cost requests: two threads decide without a pause on 10,000 routes, in turns of four seconds
//! without a change and with 1,000 changes a second, and a table of all of them each second, as `kubernetes::Cluster` builds it
//! under changes without end. The ratio of the two rates, and the median of the turns. It takes a minute, and two processors
//! that nothing else uses: a machine with other work to do shows other ratios.

mod objects;

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use http::Request;
use objects::{ROUTES, route, texts};
use serde_json::Value;
use tower_cors::{
    PolicyResolver,
    decision::{Decision, Options, decide},
    manifest::{LoadedRoutes, ObjectStore},
    request::CorsRequest,
    resolver::Reloadable,
};

const TURN: Duration = Duration::from_secs(4);
const TURNS: usize = 7;
const CHANGES_A_SECOND: usize = 1_000;
/// The longest that `kubernetes::Cluster` lets a change wait for the next.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

fn main() {
    let mut store = ObjectStore::new();
    for text in texts() {
        let object: Value = serde_json::from_str(&text).expect("JSON");
        store.apply(&object).expect("an object");
    }
    let resolver = Reloadable::new(store.build());
    let (decided, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for first in [0, ROUTES / 2] {
            let (resolver, decided, is_over) = (&resolver, &decided, &is_over);
            scope.spawn(move || decide_on(resolver, first, decided, is_over));
        }
        println!("| decisions a second, quiet | under changes | ratio | tables |");
        println!("|---|---|---|---|");
        let mut next = 0;
        let mut ratios: Vec<_> = (0..TURNS).map(|_| turn(&mut store, &resolver, &decided, &mut next)).collect();
        is_over.store(true, Ordering::Relaxed);
        ratios.sort_by(f64::total_cmp);
        println!("median ratio: {:.3}", ratios[TURNS / 2]);
    });
}

/// Decides requests for one route after the other, and counts them.
fn decide_on(resolver: &Reloadable<LoadedRoutes>, first: usize, decided: &AtomicU64, is_over: &AtomicBool) {
    let options = Options::new();
    let requests: Vec<_> = (first..first + ROUTES / 2)
        .map(|number| {
            let origin = format!("https://app-{number}.example.com");
            let uri = format!("http://tenant-{number}.example.com/");
            Request::get(uri).header("origin", origin).body(()).expect("a request")
        })
        .collect();
    while !is_over.load(Ordering::Relaxed) {
        for request in requests.iter().step_by(100) {
            let head = CorsRequest::of(request);
            let decision = resolver.resolve_then(&head, |resolution| decide(&head, &resolution, &options));
            assert!(matches!(decision, Decision::Continue(plan) if plan.is_allowed()));
        }
        decided.fetch_add((requests.len() / 100) as u64, Ordering::Relaxed);
    }
}

/// The rate under changes as a part of that without.
fn turn(store: &mut ObjectStore, resolver: &Reloadable<LoadedRoutes>, decided: &AtomicU64, next: &mut usize) -> f64 {
    let rate = |work: &mut dyn FnMut()| {
        let (begin, before) = (Instant::now(), decided.load(Ordering::Relaxed));
        work();
        (decided.load(Ordering::Relaxed) - before) as f64 / begin.elapsed().as_secs_f64()
    };
    let quiet = rate(&mut || thread::sleep(TURN));
    let mut tables = 0;
    let busy = rate(&mut || tables = change(store, resolver, next));
    println!("| {quiet:.0} | {busy:.0} | {:.3} | {tables} |", busy / quiet);
    busy / quiet
}

/// Changes one route after the other for a turn, and builds a table of them each second.
fn change(store: &mut ObjectStore, resolver: &Reloadable<LoadedRoutes>, next: &mut usize) -> usize {
    let begin = Instant::now();
    let (mut tables, mut changed, mut first) = (0, 0, begin);
    while begin.elapsed() < TURN {
        let due = (begin.elapsed().as_secs_f64() * CHANGES_A_SECOND as f64) as usize;
        while changed < due {
            let number = *next % ROUTES;
            let mut object = route(number, &format!("https://app-{number}.example.com"));
            // What the requests get stays as it was.
            object["spec"]["rules"][0]["filters"][0]["cors"]["maxAge"] = (601 + *next % 80_000).into();
            assert!(store.apply(&object).expect("an object"));
            (changed, *next) = (changed + 1, *next + 1);
        }
        if first.elapsed() >= LONGEST_WAIT {
            resolver.handle().reload(store.build());
            (tables, first) = (tables + 1, Instant::now());
        }
        thread::sleep(Duration::from_millis(10));
    }
    tables
}
