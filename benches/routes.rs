//! What finding a route costs, in instructions, at 10 to 10,000 routes that differ by host, by path, or by a header of
//! one path. Needs what the `instructions` bench needs, and says so where it is missing.

use std::{hint::black_box, process::Command};

use gungraun::{library_benchmark, library_benchmark_group};
use http::{HeaderName, Request};
use tower_cors::{
    CorsPolicy,
    request::CorsRequest,
    route::{Hostname, PathMatch, Route, RouteMatch, RouteTable, Rule, ValueMatch},
};

/// Look-ups a measurement; its count is divided by this.
const CALLS: usize = 100;

fn table(count: usize, route: impl Fn(usize) -> Route) -> RouteTable {
    RouteTable::new((0..count).map(route))
}

fn rule() -> Rule {
    let policy = CorsPolicy::new().allow_origins(["https://app.example"]);
    Rule::new().policy(policy.compile().expect("a valid policy"))
}

fn by_host(count: usize) -> (RouteTable, Request<()>) {
    let host = |number: usize| format!("tenant-{number}.example.com");
    let table = table(count, |number| {
        Route::new("bench", format!("route-{number}"))
            .hostname(Hostname::parse(&host(number)).expect("a hostname"))
            .rule(rule())
    });
    (table, request(&host(count / 2), "/users/17"))
}

fn by_path(count: usize) -> (RouteTable, Request<()>) {
    let path = |number: usize| format!("/service-{number}/v1");
    let table = table(count, |number| {
        let path = PathMatch::prefix(&path(number)).expect("a path");
        Route::new("bench", format!("route-{number}")).rule(rule().matching(RouteMatch::new().path(path)))
    });
    (table, request("api.example.com", &format!("{}/users/17", path(count / 2))))
}

fn by_header(count: usize) -> (RouteTable, Request<()>) {
    let table = table(count, |number| {
        let tenant = ValueMatch::exact(format!("tenant-{number}"));
        let only = RouteMatch::new().header(HeaderName::from_static("x-tenant"), tenant);
        Route::new("bench", format!("route-{number}")).rule(rule().matching(only))
    });
    let mut request = request("api.example.com", "/users/17");
    let tenant = format!("tenant-{}", count / 2).parse().expect("a header value");
    request.headers_mut().insert("x-tenant", tenant);
    (table, request)
}

fn request(host: &str, path: &str) -> Request<()> {
    Request::get(path).header("host", host).header("origin", "https://app.example").body(()).expect("a request")
}

fn find(table: &RouteTable, request: &Request<()>) {
    for _ in 0..CALLS {
        let found = table.find(&CorsRequest::of(black_box(request)));
        assert!(black_box(found).is_some());
    }
}

#[allow(missing_docs, reason = "a bench")]
mod counted {
    use super::*;

    #[library_benchmark]
    #[benches::routes(args = [10, 100, 1_000, 10_000], setup = by_host)]
    fn host((table, request): (RouteTable, Request<()>)) -> RouteTable {
        find(&table, &request);
        table
    }

    #[library_benchmark]
    #[benches::routes(args = [10, 100, 1_000, 10_000], setup = by_path)]
    fn path((table, request): (RouteTable, Request<()>)) -> RouteTable {
        find(&table, &request);
        table
    }

    #[library_benchmark]
    #[benches::routes(args = [10, 100, 1_000, 10_000], setup = by_header)]
    fn header((table, request): (RouteTable, Request<()>)) -> RouteTable {
        find(&table, &request);
        table
    }

    library_benchmark_group!(name = lookup, benchmarks = [host, path, header]);
    gungraun::main!(library_benchmark_groups = lookup);

    pub(super) fn start() {
        main();
    }
}

fn main() {
    // Under callgrind this program is started again, by the runner.
    let is_measured = std::env::args().any(|argument| argument == "--gungraun-run");
    for program in ["valgrind", "gungraun-runner"] {
        if !is_measured && Command::new(program).arg("--version").output().is_err() {
            println!("skipped: {program} is not there; the `instructions` bench says how to install it");
            return;
        }
    }
    counted::start();
}
