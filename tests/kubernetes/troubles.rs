//! What goes wrong between a gateway and an API server, against the stand-in: refusals, streams that break or fall silent, a
//! server that goes away under load.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::{
    gateway::Gateway,
    protocol::{route, url},
    stand_in::{Asked, Fault, StandIn},
    traffic::Traffic,
    wait::{wait_at_most, wait_until},
};

fn lines_about(gateway: &Gateway, plural: &str) -> Vec<String> {
    let start = format!("API server: {plural}");
    gateway.lines().into_iter().filter(|line| line.starts_with(&start)).collect()
}

/// The pauses between requests.
fn pauses(asked: &[Asked]) -> Vec<Duration> {
    asked.windows(2).map(|two| two[1].at - two[0].at).collect()
}

// rule 10.4, 10.6
#[test]
fn a_refusal_is_told_once_while_the_last_table_serves_on() {
    let server = StandIn::start();
    server.put(&route("a", 1));
    let gateway = Gateway::start_synced(&server.kubeconfig(), &[]);
    server.fault("watch", "httproutes", usize::MAX, Fault::Status(403, "Forbidden"));
    server.cut();
    let asked = server.asked("watch", "httproutes").len();
    wait_until("it is asked for again and again", || {
        (server.asked("watch", "httproutes").len() > asked + 8).then_some(())
    });
    assert_eq!(
        lines_about(&gateway, "httproutes"),
        ["API server: httproutes.gateway.networking.k8s.io: the stand-in says Forbidden"]
    );
    assert_eq!(gateway.max_age(&url("a")), Some(1));
    assert!(gateway.is_ready());
    server.no_faults();
    server.put(&route("a", 2));
    gateway.wait_max_age(&url("a"), Some(2));
    let again = "API server: httproutes.gateway.networking.k8s.io: read again";
    wait_until("it is told", || (lines_about(&gateway, "httproutes").last()? == again).then_some(()));
    assert_eq!(lines_about(&gateway, "httproutes").len(), 2);
}

// rule 10.4
#[test]
fn a_server_that_has_too_much_to_do_is_left_alone_as_long_as_it_says() {
    let server = StandIn::start();
    server.put(&route("a", 1));
    server.fault("list", "httproutes", 2, Fault::Busy { seconds: 2 });
    let start = Instant::now();
    let gateway = Gateway::start_synced(&server.kubeconfig(), &[]);
    assert!(start.elapsed() > Duration::from_secs(4));
    assert_eq!(gateway.max_age(&url("a")), Some(1));
    let asked = server.asked("list", "httproutes");
    let pauses = &pauses(&asked)[..2];
    assert!(pauses.iter().all(|pause| *pause >= Duration::from_secs(2)), "{pauses:?}");
    let told = "API server: httproutes.gateway.networking.k8s.io: 429 Too Many Requests; asked to wait for 2 s";
    assert_eq!(lines_about(&gateway, "httproutes")[0], told);
}

// rule 10.4
#[test]
fn pauses_grow_while_a_server_fails_and_are_told_from_the_start() {
    let server = StandIn::start();
    server.put(&route("a", 1));
    // As the proxy before a server says it that is away.
    server.fault("list", "httproutes", 6, Fault::Status(503, "ServiceUnavailable"));
    let gateway = Gateway::start(&server.kubeconfig(), &[]);
    let told = "API server: httproutes.gateway.networking.k8s.io: the stand-in says ServiceUnavailable";
    gateway.wait_line("the first failure", |line| line == told);
    assert!(server.asked("list", "httproutes").len() <= 2);
    gateway.wait_synced();
    let pauses = pauses(&server.asked("list", "httproutes"));
    let (first, last) = (pauses[0], pauses[5]);
    assert!(last > first * 4, "{pauses:?}");
    assert_eq!(
        lines_about(&gateway, "httproutes"),
        [told, "API server: httproutes.gateway.networking.k8s.io: read again"]
    );
}

// rule 10.4
#[test]
fn a_stream_that_breaks_or_makes_no_sense_is_begun_again() {
    let server = StandIn::start();
    server.put(&route("a", 1));
    let gateway = Gateway::start_synced(&server.kubeconfig(), &[]);
    let mut age = 1;
    for fault in [Fault::Break, Fault::Garbage, Fault::TooOld, Fault::Status(500, "InternalError")] {
        let asked = server.asked("watch", "httproutes").len();
        server.fault("watch", "httproutes", 3, fault);
        server.cut();
        wait_until("the fault is met", || (server.asked("watch", "httproutes").len() > asked).then_some(()));
        age += 1;
        server.put(&route("a", age));
        gateway.wait_max_age(&url("a"), Some(age));
        server.no_faults();
    }
}

// rule 10.4
#[test]
fn a_stream_that_falls_silent_is_noticed_within_the_time_of_a_watch() {
    let server = StandIn::start();
    server.put(&route("a", 1));
    server.fault("watch", "httproutes", 1, Fault::Silence);
    let gateway = Gateway::start_synced(&server.kubeconfig(), &[]);
    wait_until("the watch begins", || (!server.asked("watch", "httproutes").is_empty()).then_some(()));
    server.put(&route("a", 2));
    let start = Instant::now();
    wait_at_most(Duration::from_secs(90), "the silence is noticed", || {
        (gateway.max_age(&url("a"))? == 2).then_some(())
    });
    eprintln!("a silent watch was noticed after {:?}", start.elapsed());
}

/// How many requests go on while the server is away.
const REQUESTS: usize = 10_000;

// rule 10.4
#[test]
fn a_server_that_goes_away_under_load_costs_no_request_and_the_table_is_right_within_two_seconds() {
    let server = StandIn::start();
    server.put(&(route("kept", 1) + &route("gone", 2) + &route("changed", 3)));
    let gateway = Gateway::start_synced(&server.kubeconfig(), &[]);
    let traffic = ["kept", "gone", "changed"].map(|name| Traffic::start(&gateway, 1, &format!("{name}.example")));
    let answered = || traffic.iter().map(Traffic::answered).sum::<usize>();
    wait_until("requests go on", || (answered() > REQUESTS / 4).then_some(()));
    server.go_down();
    gateway.wait_line("the server is away", |line| line.starts_with("API server: httproutes"));
    let away = answered();
    server.delete("httproutes", "default", "gone");
    server.put(&(route("changed", 4) + &route("new", 5)));
    server.compact();
    wait_until("requests go on without it", || (answered() > away + REQUESTS / 2).then_some(()));
    assert_eq!(gateway.max_age(&url("gone")), Some(2));
    assert_eq!(gateway.max_age(&url("changed")), Some(3));
    server.come_back();
    let start = Instant::now();
    for (name, expected) in [("gone", None), ("changed", Some(4)), ("new", Some(5)), ("kept", Some(1))] {
        gateway.wait_max_age(&url(name), expected);
    }
    let right_after = start.elapsed();
    eprintln!("the table was right {right_after:?} after the server came back");
    assert!(right_after < Duration::from_secs(2), "{right_after:?}");
    let back = answered();
    wait_until("requests go on with the new table", || (answered() > back + REQUESTS / 4).then_some(()));

    let [kept, gone, changed] = traffic.map(Traffic::finish);
    let total: usize = [&kept, &gone, &changed].iter().flat_map(|answers| answers.values()).sum();
    assert!(total >= REQUESTS, "{total}");
    let names = |answers: &BTreeMap<String, usize>| answers.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&kept), ["1"]);
    assert_eq!(names(&gone), ["2", "404"]);
    assert_eq!(names(&changed), ["3", "4"]);
}
