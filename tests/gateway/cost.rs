//! What a request costs the gateway, beside a real Envoy with the same policy, upstream and load, in one run, by turns: CPU
//! time of the process, and resident memory. `ENVOY_BIN` names Envoy's program, as CONTRIBUTING.md says.
//!
//! ```text
//! cargo test --release --test gateway cost:: -- --ignored --nocapture
//! ```
#![cfg(target_os = "linux")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use crate::{
    folder::Folder,
    process::{Gateway, PATIENCE},
    supervised::Supervised,
};

/// By turns, so that what else the machine does meets both alike. The first round warms up.
const ROUNDS: u32 = 5;
/// Clients side by side, each with one connection.
const CLIENTS: u32 = 4;
const BODY: usize = 1 << 20;

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

const CONFIGURATION: &str = r#"
admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}
static_resources:
  listeners:
  - name: http
    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: http
          http_filters:
          - name: envoy.filters.http.cors
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors}
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
              suppress_envoy_headers: true
          route_config:
            virtual_hosts:
            - name: every host
              domains: ["*"]
              typed_per_filter_config:
                envoy.filters.http.cors:
                  "@type": type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy
                  allow_origin_string_match: [{exact: 'https://app.example'}]
                  allow_methods: 'PUT, DELETE'
                  allow_headers: 'Content-Type, Authorization'
                  expose_headers: ETag
                  allow_credentials: true
                  max_age: '600'
              routes:
              - match: {prefix: /}
                route: {cluster: server}
  clusters:
  - name: server
    connect_timeout: 1s
    load_assignment:
      cluster_name: server
      endpoints:
      - lb_endpoints:
        - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: UPSTREAM}}}
"#;

/// What every request has, as a browser sends it.
const FIELDS: &str = "host: a.example\r\naccept: */*\r\naccept-language: en\r\nuser-agent: Mozilla/5.0 (X11; Linux x86_64)\r\n\
    origin: https://app.example\r\nreferer: https://app.example/\r\n";

/// A kind of request: its name, its first line, fields of its own, the length of its body, and how many are sent a round.
type Kind = (&'static str, &'static str, &'static str, usize, u32);

const KINDS: [Kind; 4] = [
    ("actual request", "GET /", "", 0, 4000),
    (
        "preflight",
        "OPTIONS /",
        "access-control-request-method: PUT\r\naccess-control-request-headers: content-type\r\n",
        0,
        4000,
    ),
    ("response with a body of 1 MiB", "GET /large", "", 0, 200),
    ("request with a body of 1 MiB", "PUT /", "content-length: 1048576\r\n", BODY, 200),
];

/// Envoy, which ends when this is dropped.
struct Envoy {
    _process: Supervised,
    id: u32,
    address: SocketAddr,
    _folder: Folder,
}

impl Envoy {
    fn start(program: &Path, upstream: SocketAddr) -> Self {
        let folder = Folder::new("cost-envoy");
        let file = folder.write("envoy.yaml", &CONFIGURATION.replace("UPSTREAM", &upstream.port().to_string()));
        let (admin, log) = (folder.path().join("admin"), folder.path().join("log"));
        let mut command = Command::new(program);
        command.args(["--log-level", "warning", "--disable-hot-restart", "--concurrency"]);
        // As many threads as the gateway has.
        command.arg(thread::available_parallelism().unwrap().to_string());
        command.arg("--config-path").arg(&file).arg("--admin-address-path").arg(&admin);
        let process = Supervised::start(&command, &log);
        let deadline = Instant::now() + PATIENCE;
        let address = loop {
            assert!(Instant::now() < deadline, "{}", fs::read_to_string(&log).unwrap_or_default());
            let admin = fs::read_to_string(&admin).ok().and_then(|text| text.trim().parse().ok());
            if let Some(address) = admin.and_then(listener_of) {
                break address;
            }
            thread::sleep(Duration::from_millis(20));
        };
        Self { _process: process, id: id_of(&file), address, _folder: folder }
    }
}

/// Where Envoy listens, as its admin port says in a line such as `http::127.0.0.1:40001`.
fn listener_of(admin: SocketAddr) -> Option<SocketAddr> {
    let mut stream = TcpStream::connect(admin).ok()?;
    stream.write_all(b"GET /listeners HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.lines().find_map(|line| line.strip_prefix("http::")?.trim().parse().ok())
}

/// The number of the process that is not the shell around it, by the file in its arguments.
fn id_of(file: &str) -> u32 {
    let is_it = |process: &fs::DirEntry| {
        let command = fs::read_to_string(process.path().join("cmdline")).unwrap_or_default();
        command.contains(file) && !command.starts_with("sh\0")
    };
    let process = fs::read_dir("/proc").unwrap().flatten().find(is_it).unwrap();
    process.file_name().to_str().unwrap().parse().unwrap()
}

/// Starts what answers `/large` with a mebibyte and everything else with two bytes, once it has read the body. It lives as
/// long as the tests.
fn start_upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || serve(&stream));
        }
    });
    address
}

fn serve(mut stream: &TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let of_length = |length| {
        format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\netag: \"1\"\r\ncontent-length: {length}\r\n\r\n")
    };
    let small = of_length(2) + "ok";
    let large = of_length(BODY) + &"x".repeat(BODY);
    let mut reader = BufReader::with_capacity(64 << 10, stream);
    loop {
        let (line, length) = read_head(&mut reader)?;
        skip(&mut reader, length)?;
        let answer = if line.starts_with("GET /large ") { &large } else { &small };
        stream.write_all(answer.as_bytes()).ok()?;
    }
}

/// The first line of a head, and the length of the body after it.
fn read_head(reader: &mut impl BufRead) -> Option<(String, usize)> {
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).ok().filter(|&read| read > 0)?;
    let mut line = String::new();
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().ok()?,
            Some(_) => {}
            None => return Some((first, length)),
        }
    }
}

fn skip(reader: &mut impl BufRead, length: usize) -> Option<()> {
    let skipped = std::io::copy(&mut reader.take(length as u64), &mut std::io::sink()).ok()?;
    (skipped == length as u64).then_some(())
}

/// Sends requests over some connections, on each one after the other.
fn send(address: SocketAddr, (_, line, fields, body, requests): Kind) {
    let request = [format!("{line} HTTP/1.1\r\n{FIELDS}{fields}\r\n").into_bytes(), vec![b'x'; body]].concat();
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut stream = TcpStream::connect(address).unwrap();
                stream.set_nodelay(true).unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                let mut reader = BufReader::with_capacity(64 << 10, stream.try_clone().unwrap());
                for _ in 0..requests / CLIENTS {
                    stream.write_all(&request).unwrap();
                    let (line, length) = read_head(&mut reader).unwrap();
                    assert!(line.starts_with("HTTP/1.1 20"), "{line}");
                    skip(&mut reader, length).unwrap();
                }
            });
        }
    });
}

/// Whether a script reads the answer.
fn allows(address: SocketAddr) -> bool {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET / HTTP/1.1\r\n{FIELDS}connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.contains("access-control-allow-origin: https://app.example\r\n") && answer.ends_with("\r\n\r\nok")
}

/// How long the threads of a process have run.
fn cpu_time(process: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let ran = threads.flatten().filter_map(|thread| {
        let schedule = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        schedule.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(ran.sum())
}

/// The memory that a process has, in MiB.
fn resident(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<f64>().unwrap() / 1024.0
}

#[test]
#[ignore = "half a minute of load beside a real Envoy, for a table"]
fn what_a_request_costs_beside_envoy() {
    let program = std::env::var_os("ENVOY_BIN").map(PathBuf::from).expect("ENVOY_BIN names Envoy's program");
    let upstream = start_upstream();
    // The gateway watches the folder, so it is one where nobody else writes.
    let folder = Folder::new("cost");
    let manifest = folder.write("policy.yaml", POLICY);
    let gateway = Gateway::start(&["--upstream", &format!("http://{upstream}"), &manifest]);
    let envoy = Envoy::start(&program, upstream);
    let contestants = [(envoy.id, envoy.address), (gateway.id(), gateway.address)];
    assert!(contestants.iter().all(|(_, address)| allows(*address)));
    println!("| | Envoy | gateway | ratio |\n|---|---|---|---|");
    let at_start = contestants.map(|(process, _)| resident(process));
    println!(
        "| memory at the start, MiB | {:.1} | {:.1} | {:.2} |",
        at_start[0],
        at_start[1],
        at_start[1] / at_start[0]
    );
    for kind in KINDS {
        let mut costs = [Duration::ZERO; 2];
        for round in 0..=ROUNDS {
            for ((process, address), cost) in contestants.into_iter().zip(&mut costs) {
                let before = cpu_time(process);
                send(address, kind);
                if round > 0 {
                    *cost += cpu_time(process) - before;
                }
            }
        }
        let micros = costs.map(|cost| cost.as_secs_f64() * 1e6 / f64::from(kind.4 * ROUNDS));
        println!("| {}, µs of CPU | {:.1} | {:.1} | {:.2} |", kind.0, micros[0], micros[1], micros[1] / micros[0]);
    }
    let at_end = contestants.map(|(process, _)| resident(process));
    println!("| memory at the end, MiB | {:.1} | {:.1} | {:.2} |", at_end[0], at_end[1], at_end[1] / at_end[0]);
}
