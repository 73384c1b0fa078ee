//! Runs the rows of `tests/rules/attachment.toml` through the table of the manifests, in process; and what no row can say.

/// What the table is compared with, and by what.
mod documents;
mod property;
mod reference;
mod stack;
mod widened;
mod world;

use std::collections::HashSet;

use http::{HeaderMap, Request};
use tower_cors::{
    Decision, PolicyResolver,
    decision::{Options, decide},
    manifest::{LoadedRoutes, Manifests},
    request::CorsRequest,
    route::Listener,
};

use crate::{
    row::{Ask, Attachment, Table},
    too_many_policies,
};

pub(crate) fn rows() -> Vec<Attachment> {
    Table::parse(include_str!("../rules/attachment.toml")).attachment
}

fn load(row: &Attachment) -> LoadedRoutes {
    let mut manifests = Manifests::new();
    if let Some(namespace) = &row.global_policy_namespace {
        manifests = manifests.global_policy_namespace(namespace);
    }
    manifests.read("m.yaml", &row.manifests).build().unwrap_or_else(|error| panic!("{}: {error}", row.name))
}

/// The max-age of the policy that answers a preflight; 0 where none applies, none where no route takes it.
pub(crate) fn answered(routes: &LoadedRoutes, ask: &Ask) -> Option<u64> {
    let mut request = Request::options(&ask.url)
        .header("origin", "https://app.example")
        .header("access-control-request-method", &ask.method);
    if let Some(names) = &ask.announced {
        request = request.header("access-control-request-headers", names);
    }
    let mut request = request.body(()).unwrap();
    if let Some(listener) = &ask.listener {
        let [namespace, gateway, name] = listener.split('/').collect::<Vec<_>>().try_into().expect("three parts");
        request.extensions_mut().insert(Listener::of_gateway(namespace, gateway, name));
    }
    let head = CorsRequest::of(&request);
    routes.table().find(&head)?;
    let Decision::Answer(answer) = decide(&head, &routes.resolve(&head), &Options::new()) else { return Some(0) };
    let mut headers = HeaderMap::new();
    answer.write_to(&mut headers);
    let max_age = headers.get("access-control-max-age").expect("the origin is allowed");
    Some(max_age.to_str().unwrap().parse().unwrap())
}

#[test]
fn the_table_answers_every_row_as_the_row_says() {
    let mut names = HashSet::new();
    let mut wrong = Vec::new();
    for row in rows() {
        assert!(names.insert(row.name.clone()), "two rows are called {}", row.name);
        let routes = load(&row);
        for ask in &row.requests {
            let answered = answered(&routes, ask);
            if answered != ask.max_age {
                wrong.push(format!("rule {}, {}: {ask:?}: {answered:?}", row.rule, row.name));
            }
        }
        let codes: Vec<_> =
            routes.lints().iter().map(|lint| lint.code()).filter(|code| *code != "ambiguous-preflight").collect();
        if row.lints.as_ref().is_some_and(|lints| *lints != codes) {
            wrong.push(format!("rule {}, {}: lints {codes:?}", row.rule, row.name));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

// rule 7.1: the product of what the CRDs allow is not merged in full.
#[test]
fn a_rule_with_more_policies_than_are_kept_is_served_without_cors() {
    let routes = Manifests::new().read("m.yaml", &too_many_policies::manifests()).build().unwrap();
    assert!(routes.lints().iter().any(|lint| lint.code() == "too-many-policies"));
    let request = Request::get("http://a1.g1.example/").body(()).unwrap();
    assert!(routes.resolve(&CorsRequest::of(&request)).is_closed());
}
