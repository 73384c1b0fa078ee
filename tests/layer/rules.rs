//! Runs the rows of `tests/rules/*.toml` through the whole layer, in process.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use http::{HeaderName, HeaderValue, Request, Response};
use tower::{Layer, ServiceExt, service_fn};
use tower_cors::{
    CorsLayer,
    compile::{Compiler, Profile},
    decision::{InnerHeaders, PreflightStatus, UnmatchedPreflight},
};

use crate::{
    row::{self, By, Case, Got, Table, Unmatched, Validation},
    tables::{TABLES, compile, cors_policy},
};

#[tokio::test]
async fn the_layer_answers_every_row_as_the_row_says() {
    let mut failures = Vec::new();
    let mut count = 0;
    for (file, text) in TABLES {
        for case in Table::parse(text).cases() {
            count += 1;
            let got = run(&case).await;
            failures.extend(case.check(&got).err().map(|difference| format!("{file}: {difference}")));
        }
    }
    assert!(count > 300, "only {count} cases were found");
    assert!(failures.is_empty(), "{} of {count} cases differ:\n\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn a_policy_has_exactly_the_violations_and_lints_of_its_row() {
    let mut failures = Vec::new();
    for row in TABLES.iter().flat_map(|(_, text)| Table::parse(text).validation) {
        if row.psl && !cfg!(feature = "psl") {
            continue;
        }
        let (violations, lints) = validate(&row);
        if violations != row.violations || lints != row.lints {
            failures.push(format!("rule {}, {}:\n  {violations:#?}\n  {lints:?}\n  row: {row:#?}", row.rule, row.name));
        }
    }
    assert!(failures.is_empty(), "{} rows differ:\n\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn the_name_of_a_row_is_its_own_and_reads_as_a_rule() {
    let tables = TABLES.map(|(_, text)| Table::parse(text));
    let mut seen = HashSet::new();
    for name in tables.iter().flat_map(Table::names) {
        assert!(seen.insert(name), "two rows are called {name}");
        assert!(
            name.chars().all(|character| character.is_ascii_lowercase() || "_0123456789".contains(character)),
            "{name}"
        );
        assert!(name.matches('_').count() >= 2, "{name} does not read as a rule");
    }
}

#[test]
fn every_table_of_the_folder_is_run() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rules");
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let name = entry.expect("it can be read").file_name().into_string().expect("names are UTF-8");
        // `tests/manifests` and `tests/gateway` run the rows of attachment, which are manifests and requests.
        let is_run = name == "attachment.toml" || TABLES.iter().any(|(table, _)| *table == name);
        assert!(!name.ends_with(".toml") || is_run, "nobody runs {name}");
    }
}

/// The layer in process.
async fn run(case: &Case) -> Got {
    let called = Arc::new(AtomicBool::new(false));
    let (seen, inner) = (Arc::clone(&called), case.clone());
    let handler = service_fn(move |_: Request<String>| {
        seen.store(true, Ordering::SeqCst);
        let mut response = Response::new(String::from("the inner service's body"));
        *response.status_mut() = inner.inner.status.try_into().expect("a status");
        for (name, value) in inner.inner_lines() {
            response.headers_mut().append(header_name(&name), header_value(&value));
        }
        std::future::ready(Ok::<_, std::convert::Infallible>(response))
    });
    let mut request = Request::new(String::new());
    *request.method_mut() = case.method.parse().expect("a method");
    for (name, value) in case.request_lines() {
        request.headers_mut().append(header_name(&name), header_value(&value));
    }
    let response = layer(case).layer(handler).oneshot(request).await.expect("nothing fails");
    let by = if called.load(Ordering::SeqCst) { By::Inner } else { By::Layer };
    let body = if by == By::Inner { "the inner service's body" } else { "" };
    assert_eq!(response.body(), body, "{}: the body is the answerer's", case.name);
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Got {
        by,
        status: response.status().as_u16(),
        headers: response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
    }
}

pub(crate) fn layer(case: &Case) -> CorsLayer {
    let resolver = case.policy.as_ref().map(|policy| compile(case, policy));
    let options = &case.options;
    CorsLayer::with_resolver(resolver)
        .preflight_status(if options.no_content { PreflightStatus::NoContent } else { PreflightStatus::Ok })
        .unmatched_preflight(match options.unmatched_preflight {
            Unmatched::Answer => UnmatchedPreflight::Answer,
            Unmatched::Forbid => UnmatchedPreflight::Forbid,
            Unmatched::Forward => UnmatchedPreflight::Forward,
        })
        .inner_headers(if options.keep_inner_headers { InnerHeaders::Keep } else { InnerHeaders::Remove })
        .enforce(options.enforce)
        .guard_websocket_upgrades(options.guard_websocket_upgrades)
        .allow_private_network(options.allow_private_network)
}

fn validate(row: &Validation) -> (Vec<String>, Vec<String>) {
    let mut compiler = Compiler::new().profile(match row.profile {
        row::Profile::Strict => Profile::Strict,
        row::Profile::GatewayApi => Profile::GatewayApi,
    });
    if row.crd {
        compiler = compiler.crd_limits();
    }
    if row.accepted_loudly {
        compiler = compiler.dangerously_allow_any_origin_with_credentials();
    }
    #[cfg(feature = "psl")]
    if row.psl {
        compiler = compiler.public_suffixes();
    }
    match compiler.compile(cors_policy(&row.policy)) {
        Ok(compiled) => {
            // 2.15, wherever a policy compiles.
            assert_eq!(compiled.policy(), &cors_policy(&row.policy), "{}", row.name);
            (vec![], compiled.lints().iter().map(|lint| format!("{} {}", lint.code(), lint.path())).collect())
        }
        Err(violations) => (violations.iter().map(ToString::to_string).collect(), vec![]),
    }
}

pub(crate) fn header_name(name: &str) -> HeaderName {
    name.parse().unwrap_or_else(|_| panic!("{name:?} is not a header name"))
}

pub(crate) fn header_value(value: &str) -> HeaderValue {
    HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|_| panic!("{value:?} is not a header value"))
}
