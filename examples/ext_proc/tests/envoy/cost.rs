//! What a request costs: Envoy without CORS, with its own filter, and with the example, in one run, by turns. It prints the
//! table of `docs/envoy.md`.
//!
//! ```text
//! cargo test --release --package ext-proc-example cost:: -- --ignored --nocapture
//! ```
#![cfg(target_os = "linux")]

use std::{
    fs,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    envoy::{self, CONFIGURATION, Envoy},
    own_filter::{with_filter, with_own_filter},
    program::{Manifest, Program},
    server::Server,
};

/// By turns, so that what else the machine does meets all alike.
const ROUNDS: usize = 5;
const REQUESTS: u32 = 4000;

const POLICY: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: all}
spec:
  rules:
  - filters:
    - type: CORS
      cors:
        allowOrigins: ['https://app.example']
        allowMethods: [PUT, DELETE]
        allowHeaders: [Content-Type, Authorization]
        exposeHeaders: [ETag]
        allowCredentials: true
        maxAge: 600
";

/// The same for Envoy's own filter.
const OWN_POLICY: &str = "{allow_origin_string_match: [{exact: 'https://app.example'}], allow_methods: 'PUT, DELETE', \
    allow_headers: 'Content-Type, Authorization', expose_headers: ETag, allow_credentials: true, max_age: '600'";

const KINDS: [(&str, &str); 2] = [
    (
        "preflight",
        "OPTIONS / HTTP/1.1\r\nhost: a.example\r\norigin: https://app.example\r\n\
         access-control-request-method: PUT\r\naccess-control-request-headers: content-type\r\n\r\n",
    ),
    ("`GET`", "GET / HTTP/1.1\r\nhost: a.example\r\norigin: https://app.example\r\n\r\n"),
];

/// What was measured of one kind of request in one configuration.
#[derive(Default)]
struct Cost {
    envoy: Duration,
    processor: Duration,
    latencies: Vec<Duration>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "half a minute of load, for a table"]
async fn what_a_request_costs() {
    let Some(program) = envoy::program() else { return };
    let server = Server::start().await;
    let manifest = Manifest::of("cost", POLICY);
    let processor = Program::start(&manifest.path());
    let mut envoys = Vec::new();
    for configuration in [with_filter(""), with_own_filter(OWN_POLICY), CONFIGURATION.to_owned()] {
        envoys.push(Envoy::start_with(&program, &configuration, processor.address, server.address()).await);
    }
    let mut costs: Vec<[Cost; 3]> = KINDS.iter().map(|_| Default::default()).collect();
    for round in 0..=ROUNDS {
        for (kind, (_, request)) in KINDS.iter().enumerate() {
            for (at, envoy) in envoys.iter().enumerate() {
                let processes = [envoy.id(), processor.id()];
                let before = processes.map(cpu_time);
                let latencies = send(envoy, request, at > 0).await;
                let after = processes.map(cpu_time);
                // The first round warms up.
                if round > 0 {
                    let cost = &mut costs[kind][at];
                    cost.envoy += after[0] - before[0];
                    cost.processor += after[1] - before[1];
                    cost.latencies.extend(latencies);
                }
            }
        }
    }
    print(&mut costs);
}

/// Sends requests over one connection, one after the other.
async fn send(envoy: &Envoy, request: &str, has_cors: bool) -> Vec<Duration> {
    let mut stream = TcpStream::connect(envoy.address).await.expect("a connection");
    stream.set_nodelay(true).expect("an option");
    let mut latencies = Vec::new();
    let mut answer = Vec::new();
    for _ in 0..REQUESTS {
        answer.clear();
        let start = Instant::now();
        stream.write_all(request.as_bytes()).await.expect("the request is sent");
        // No answer has a body.
        while !answer.ends_with(b"\r\n\r\n") {
            assert!(stream.read_buf(&mut answer).await.expect("an answer") > 0, "closed");
        }
        latencies.push(start.elapsed());
        let text = String::from_utf8_lossy(&answer);
        assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
        assert_eq!(text.contains("access-control-allow-origin: https://app.example\r\n"), has_cors, "{text}");
    }
    latencies
}

fn print(costs: &mut [[Cost; 3]]) {
    let requests = REQUESTS * u32::try_from(ROUNDS).expect("few rounds");
    let micros = |duration: Duration| duration.as_secs_f64() * 1e6;
    println!(
        "| request | configuration | CPU time of Envoy, µs | of the processor, µs | both, against Envoy's own filter | latency, median, µs | against Envoy's own filter | 99th of 100, µs |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for ((kind, _), costs) in KINDS.iter().zip(costs) {
        for cost in costs.iter_mut() {
            cost.latencies.sort();
        }
        let whole = |cost: &Cost| micros((cost.envoy + cost.processor) / requests);
        let quantile = |cost: &Cost, of: usize| micros(cost.latencies[cost.latencies.len() * of / 100]);
        let (own_whole, own_median) = (whole(&costs[1]), quantile(&costs[1], 50));
        for (name, cost) in ["no CORS", "its own filter", "`ext_proc`"].iter().zip(costs.iter()) {
            println!(
                "| {kind} | {name} | {:.0} | {:.0} | {:.1} | {:.0} | {:.1} | {:.0} |",
                micros(cost.envoy / requests),
                micros(cost.processor / requests),
                whole(cost) / own_whole,
                quantile(cost, 50),
                quantile(cost, 50) / own_median,
                quantile(cost, 99),
            );
        }
    }
}

/// How long the threads of a process have run.
fn cpu_time(process: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{process}/task")).expect("a process");
    let ran = threads.flatten().filter_map(|thread| {
        let schedule = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        schedule.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(ran.sum())
}
