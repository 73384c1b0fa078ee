//! The gateway under load and abuse: clients that abort, an upstream that dies and comes back, floods of headers, slow
//! requests, and a minute of everything at once. Nothing fails that should not, and nothing is left behind.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{
    process::{Gateway, PATIENCE},
    traffic::{Connection, STREAM, Upstream},
};

const ORIGIN: (&str, &str) = ("origin", "https://app.example");
const HOST: (&str, &str) = ("host", "load.example");

/// A policy whose method and max-age belong together, so that a mixture of two would show.
fn manifest(number: usize) -> String {
    let (method, age) = [("PUT", 101), ("DELETE", 102)][number % 2];
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: load}}\nspec:\n  hostnames: [load.example]\n  \
         rules:\n  - filters: [{{type: CORS, cors: {{allowOrigins: [\"https://app.example\"], allowMethods: [{method}], maxAge: {age}}}}}]\n"
    )
}

/// A manifest in a folder of its own, which is removed when this is dropped.
struct Manifest(PathBuf);

impl Manifest {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tower-cors-load-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let manifest = Self(folder);
        manifest.write(0);
        manifest
    }

    fn path(&self) -> String {
        self.0.join("m.yaml").display().to_string()
    }

    fn write(&self, number: usize) {
        let new = self.0.join("new");
        fs::write(&new, self::manifest(number)).unwrap();
        fs::rename(&new, self.path()).unwrap();
    }
}

impl Drop for Manifest {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a process holds: its memory in KiB, and its open files, connections among them. None where `/proc` is missing.
fn held(gateway: &Gateway) -> Option<(u64, usize)> {
    let status = fs::read_to_string(format!("/proc/{}/status", gateway.id())).ok()?;
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let memory = memory.trim().strip_suffix(" kB")?.parse().ok()?;
    Some((memory, fs::read_dir(format!("/proc/{}/fd", gateway.id())).ok()?.count()))
}

/// Waits until the gateway holds no more open files than `before`, and says how much memory it holds then.
fn settled(gateway: &Gateway, before: Option<(u64, usize)>) -> Option<u64> {
    let (_, files) = before?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (memory, open) = held(gateway)?;
        if open <= files {
            return Some(memory);
        }
        assert!(Instant::now() < deadline, "{open} files are open, {files} were before");
        thread::yield_now();
    }
}

fn start(manifest: &Manifest, upstream: &Upstream) -> Gateway {
    Gateway::start(&["--upstream", &format!("http://{}", upstream.address), &manifest.path()])
}

fn get(gateway: &Gateway) -> u16 {
    Connection::open(gateway.address).unwrap().exchange("GET", "/", &[HOST, ORIGIN]).unwrap().status
}

fn any_port() -> std::net::SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

#[test]
fn clients_that_abort_in_the_middle_of_a_response_leave_nothing_behind() {
    let (manifest, upstream) = (Manifest::new("abort"), Upstream::start(any_port()));
    let gateway = start(&manifest, &upstream);
    assert_eq!(get(&gateway), 200);
    let before = held(&gateway);
    for _ in 0..50 {
        let mut connection = Connection::open(gateway.address).unwrap();
        connection.send("GET", "/stream", &[HOST, ORIGIN]).unwrap();
        connection.skip(STREAM / 40).unwrap();
    }
    assert_eq!(get(&gateway), 200);
    settled(&gateway, before);
}

#[test]
fn an_upstream_that_dies_and_comes_back_is_answered_for_and_then_asked_again() {
    let (manifest, upstream) = (Manifest::new("upstream"), Upstream::start(any_port()));
    let gateway = start(&manifest, &upstream);
    let mut client = Connection::open(gateway.address).unwrap();
    let mut status = |allowed: &str| {
        let head = client.exchange("GET", "/", &[HOST, ORIGIN]).unwrap();
        assert_eq!(head.header("access-control-allow-origin"), Some(allowed));
        head.status
    };
    assert_eq!(status("https://app.example"), 200);
    let address = upstream.address;
    drop(upstream);
    // A page may read the failure: it has the headers of the policy.
    assert_eq!(status("https://app.example"), 502);
    assert_eq!(status("https://app.example"), 502);
    let _again = Upstream::start(address);
    assert_eq!(status("https://app.example"), 200);
}

#[test]
fn floods_of_headers_are_refused_and_their_connections_closed() {
    let (manifest, upstream) = (Manifest::new("flood"), Upstream::start(any_port()));
    let gateway = start(&manifest, &upstream);
    assert_eq!(get(&gateway), 200);
    let before = held(&gateway);
    let many = (0..1000).map(|at| format!("x-{at}: 1\r\n")).collect::<String>();
    let long = format!("x: {}\r\n", "y".repeat(1 << 20));
    for _ in 0..20 {
        for flood in [&many, &long] {
            let answer = gateway.send_raw(format!("GET / HTTP/1.1\r\nhost: load.example\r\n{flood}\r\n").as_bytes());
            // Who goes on sending may be cut off before the answer arrives.
            assert!(
                answer.is_empty() || answer.starts_with(b"HTTP/1.1 431 "),
                "{:?}",
                String::from_utf8_lossy(&answer)
            );
        }
    }
    assert_eq!(get(&gateway), 200);
    settled(&gateway, before);
}

/// What the clients of the long test have seen.
#[derive(Debug, Default)]
struct Seen {
    preflights: AtomicUsize,
    requests: AtomicUsize,
    streams: AtomicUsize,
    aborted: AtomicUsize,
    floods: AtomicUsize,
    slow: AtomicUsize,
    reloads: AtomicUsize,
    is_over: AtomicBool,
}

impl Seen {
    fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }
}

fn add(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn ask(gateway: &Gateway, seen: &Seen) {
    let mut connection = Connection::open(gateway.address).unwrap();
    while seen.goes_on() {
        let announced = ("access-control-request-method", "PUT");
        let head = connection.exchange("OPTIONS", "/", &[HOST, ORIGIN, announced]).unwrap();
        let pair = (head.header("access-control-allow-methods"), head.header("access-control-max-age"));
        assert!([(Some("PUT"), Some("101")), (Some("DELETE"), Some("102"))].contains(&pair), "{head:?}");
        assert_eq!(head.status, 200);
        add(&seen.preflights);
        let head = connection.exchange("GET", "/", &[HOST, ORIGIN]).unwrap();
        assert_eq!((head.status, head.header("access-control-allow-origin")), (200, Some("https://app.example")));
        add(&seen.requests);
        let head = connection.exchange("GET", "/", &[HOST, ("origin", "https://other.example")]).unwrap();
        assert_eq!((head.status, head.header("access-control-allow-origin")), (200, None));
        add(&seen.requests);
    }
}

fn stream(gateway: &Gateway, seen: &Seen) {
    let mut connection = Connection::open(gateway.address).unwrap();
    while seen.goes_on() {
        let head = connection.exchange("GET", "/stream", &[HOST, ORIGIN]).unwrap();
        assert_eq!((head.status, head.body), (200, STREAM));
        add(&seen.streams);
    }
}

fn abort(gateway: &Gateway, seen: &Seen) {
    while seen.goes_on() {
        let mut connection = Connection::open(gateway.address).unwrap();
        connection.send("GET", "/stream", &[HOST, ORIGIN]).unwrap();
        connection.skip(STREAM / 40).unwrap();
        add(&seen.aborted);
    }
}

fn flood(gateway: &Gateway, seen: &Seen) {
    let many = (0..1000).map(|at| format!("x-{at}: 1\r\n")).collect::<String>();
    while seen.goes_on() {
        let answer = gateway.send_raw(format!("GET / HTTP/1.1\r\n{many}\r\n").as_bytes());
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431 "));
        add(&seen.floods);
    }
}

/// Begins requests that never end, which hyper cuts off by its own limit of thirty seconds.
fn dawdle(gateway: &Gateway, seen: &Seen) {
    let mut connections: Vec<_> = (0..64).map(|_| Connection::open(gateway.address).unwrap()).collect();
    for connection in &mut connections {
        connection.send_raw(b"GET / HTTP/1.1\r\nhost: lo").unwrap();
    }
    for connection in &mut connections {
        let answer = connection.read_to_end();
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408 "), "{:?}", String::from_utf8_lossy(&answer));
        add(&seen.slow);
    }
}

/// By name: `cargo test --all-features --test gateway load:: -- --ignored --nocapture`.
#[test]
#[ignore = "a minute of load on every core"]
fn a_minute_of_everything_at_once_fails_nowhere_and_leaves_nothing_behind() {
    const DURATION: Duration = Duration::from_secs(60);
    let (manifest, upstream) = (Manifest::new("minute"), Upstream::start(any_port()));
    let (gateway, lines) =
        Gateway::start_heard(&["--upstream", &format!("http://{}", upstream.address), &manifest.path()]);
    assert_eq!(get(&gateway), 200);
    let before = held(&gateway);
    let (seen, mut warm) = (Seen::default(), None);
    thread::scope(|scope| {
        let (gateway, seen) = (&gateway, &seen);
        for _ in 0..32 {
            scope.spawn(move || ask(gateway, seen));
        }
        for _ in 0..4 {
            scope.spawn(move || stream(gateway, seen));
            scope.spawn(move || abort(gateway, seen));
        }
        scope.spawn(move || flood(gateway, seen));
        scope.spawn(move || dawdle(gateway, seen));
        let end = Instant::now() + DURATION;
        for number in 1.. {
            manifest.write(number);
            let told = lines.iter().find(|line| line.starts_with("reload"));
            assert!(told.is_some_and(|line| line.starts_with("reloaded")), "reload {number}");
            add(&seen.reloads);
            // By then every connection is open and the allocator has what it needs.
            if warm.is_none() && Instant::now() > end - DURATION * 3 / 4 {
                warm = held(gateway);
            }
            if Instant::now() > end {
                break;
            }
        }
        let loaded = held(gateway);
        seen.is_over.store(true, Ordering::Relaxed);
        if let (Some((early, _)), Some((late, _))) = (warm, loaded) {
            assert!(late < early + 16 * 1024, "{early} KiB after a quarter, {late} KiB at the end");
        }
    });
    // The connections that the gateway keeps for later end with the upstream.
    drop(upstream);
    let after = settled(&gateway, before);
    println!("{seen:?}; KiB: {before:?} before, {warm:?} after a quarter, {after:?} at the end");
    assert!(seen.slow.load(Ordering::Relaxed) == 64 && seen.reloads.load(Ordering::Relaxed) > 100);
    assert_eq!(get(&gateway), 502);
    assert!(Command::new("kill").args(["-TERM", &gateway.id().to_string()]).status().unwrap().success());
    assert_eq!(gateway.wait(), Some(0));
}
