//! The rows of `tests/rules/attachment.toml` over a socket: a gateway for each row, which answers the row's preflights.

use crate::{
    process::Gateway,
    row::{Attachment, Table},
};

#[test]
fn the_gateway_answers_every_row_as_the_row_says() {
    let rows = Table::parse(include_str!("../rules/attachment.toml")).attachment;
    let mut wrong = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        wrong.extend(run(at, row));
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn run(at: usize, row: &Attachment) -> Vec<String> {
    let path = std::env::temp_dir().join(format!("tower-cors-rows-{}-{at}.yaml", std::process::id()));
    std::fs::write(&path, &row.manifests).expect("a temporary file");
    let file = path.to_str().expect("a path of text").to_owned();
    let mut arguments = vec![file.as_str()];
    if let Some(namespace) = &row.global_policy_namespace {
        arguments.splice(0..0, ["--global-policy-namespace", namespace]);
    }
    // A request that says where it arrives needs a gateway that listens there.
    let mut plain = None;
    let mut wrong = Vec::new();
    for ask in &row.requests {
        let own;
        let gateway = match &ask.listener {
            None => &*plain.get_or_insert_with(|| Gateway::start(&arguments)),
            Some(listener) => {
                let listen = format!("{listener}=127.0.0.1:0");
                own = Gateway::start_listening(&listen, &arguments);
                &own
            }
        };
        let url: http::Uri = ask.url.parse().expect("a URL");
        let host = url.authority().expect("a host").to_string();
        let target = url.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let mut headers = vec![
            ("host", host.as_str()),
            ("origin", "https://app.example"),
            ("access-control-request-method", &ask.method),
        ];
        if let Some(names) = &ask.announced {
            headers.push(("access-control-request-headers", names));
        }
        let response = gateway.send("OPTIONS", &target, &headers);
        let max_age = response.header("access-control-max-age").map(|age| age.parse().expect("a number"));
        // Where no policy applies, the echo behind the gateway answers, with a max-age of its own.
        let max_age = max_age.map(|age: u64| if age == 3600 { 0 } else { age });
        let answered = if response.status() == 404 { None } else { Some(max_age.unwrap_or(0)) };
        if answered != ask.max_age {
            wrong.push(format!("rule {}, {}: {ask:?}: {answered:?}", row.rule, row.name));
        }
    }
    drop(plain);
    std::fs::remove_file(&path).expect("the temporary file");
    wrong
}
