//! Section 10 against API servers: a real kube-apiserver with etcd on loopback, and a stand-in for what that can't be made
//! to do on demand. The gateway runs as a process, and is asked over sockets.
//!
//! The real one is found by `KUBEBUILDER_ASSETS` (a folder with `kube-apiserver` and `etcd`), or in `shared/cluster` beside
//! the checkout; kubectl is needed as well. Where something is missing the tests say so and are skipped, unless
//! `KUBERNETES_TESTS=required`.

/// What starts the example, and a response as it stood on the wire.
#[path = "../gateway/process.rs"]
#[allow(dead_code, reason = "the gateway that reads files has its tests in tests/gateway")]
mod process;

/// The rows of manifests.
#[path = "../rules/row.rs"]
#[allow(dead_code, reason = "the rows of policies have their engine in tests/layer")]
mod row;

/// Connections of clients that send many requests.
#[path = "../gateway/traffic.rs"]
#[allow(dead_code, reason = "the upstream and its streams are for the tests of load in tests/gateway")]
mod load;

/// What a server is made of, and whether it is here.
mod assets;
/// The gateway that follows a server.
mod gateway;
/// kubectl, and the API without TLS.
mod kubectl;
/// The way to a server, which can be cut.
mod link;
/// Manifests as objects of a server.
mod objects;
/// A real server.
mod server;
/// A process that ends with the tests.
mod supervised;
/// Requests that go on meanwhile.
mod traffic;
/// Waiting for a condition.
mod wait;

/// Answers from a server are those from files.
mod rows;

/// Many objects, and large ones.
mod bulk;
/// What a server adds to objects.
mod defaults;
/// An emulator that others wrote.
mod emulated;
/// What happens to a server.
mod faults;
/// The commands of `docs/kubernetes.md`.
mod guide;
/// Objects that are wrong.
mod invalid;
/// What the protocol of an API server allows.
mod protocol;
/// Changes that don't end.
mod rates;
/// Several gateways.
mod replicas;
/// What the gateway may do, and what it misses.
mod rights;
/// A server of our own.
mod stand_in;
/// Status, as kubectl shows it.
mod status;
/// What goes wrong on the way.
mod troubles;
/// The documented walk with kubectl, and how long a change takes.
mod walk;
