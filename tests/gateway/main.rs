//! The examples `gateway` and `playground` from the outside. The gateway runs as a process, and the tests talk to it over
//! raw sockets.
#![cfg(feature = "manifest")]

/// The rows of `tests/rules/attachment.toml`.
#[path = "../rules/row.rs"]
#[allow(dead_code, reason = "the rows of policies have their engine in tests/layer")]
mod row;

/// Starts the gateway and reads what it answers.
mod process;
/// A process that ends with the tests.
#[path = "../kubernetes/supervised.rs"]
#[allow(dead_code, reason = "the folders of these tests are removed by what made them")]
mod supervised;
/// An upstream and clients for the tests of load.
mod traffic;

/// Clients that abort, an upstream that dies, floods, slow requests.
mod load;
/// The documented scenario, arguments, and how the gateway behaves as a proxy.
mod proxy;
/// The manifests are read again when a file changes.
mod reload;

/// What concerns one connection does not go on, and the rest does.
mod hops;
/// Whom a request is for, where the client contradicts itself.
mod targets;
/// Clients and upstreams that say nothing, or stop in the middle.
mod timeouts;
/// WebSockets through the gateway.
mod websockets;

/// What a request costs, beside Envoy.
mod cost;

/// What `--check` prints and answers.
mod check;
/// The rows of `tests/rules/attachment.toml` over a socket.
mod rows;

/// Which policy a route gets, section 7.
mod attachment;
/// The facts of the Gateway API's conformance test `HTTPRouteCORS`.
mod conformance;
/// `explain`, as a value and as the gateway prints it.
mod explain;
/// Which rule a request reaches, section 8.
mod precedence;

/// What the servers of the playground answer.
mod playground;
/// The commands of README.md and what they print.
mod readme;
/// The commands and the files of docs/testing.md.
mod testing;

/// Files of cases: what is expected, what happens, and why.
mod cases;
/// Two states of manifests side by side.
mod diff;
/// A folder of a test's own.
mod folder;
