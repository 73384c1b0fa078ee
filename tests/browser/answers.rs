//! Answers that no layer of ours would give, and some that it would: what the model says of them, what Chromium does,
//! and what its console says. The console's sentences are those that `docs/troubleshooting.md` explains.

use std::{collections::HashMap, sync::Arc};

use axum::{Router, body::Body, extract::Request, middleware::from_fn, response::Response};
use http::{Method, StatusCode, header::CONTENT_LENGTH};
use serde::Deserialize;

use crate::{
    journal::Journal,
    model,
    origins::{Origins, serve},
    script::{Script, lines},
    visit::{self, Outcome, Visit},
};

/// `answers.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    pub(crate) answers: Vec<Answered>,
}

/// A row: a request, its answers, and what becomes of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answered {
    pub(crate) name: String,
    page: Option<String>,
    #[serde(default)]
    request: Script,
    preflight: Option<Answer>,
    #[serde(default)]
    response: Answer,
    /// The code that the model comes to.
    blocked: Option<String>,
    /// What the console says of a refusal.
    console: Option<String>,
    /// Why Chromium does otherwise than the model.
    unlike: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Answer {
    status: Option<u16>,
    headers: Vec<String>,
}

impl Table {
    pub(crate) fn parse(origins: &Origins) -> Self {
        toml::from_str(&origins.fill(include_str!("answers.toml"))).expect("answers.toml is TOML")
    }
}

/// Gives every answer to Chromium and to the model; the rows that end otherwise than they say.
pub(crate) async fn disagreements() -> Vec<String> {
    let origins = Origins::serve().await;
    let rows = Table::parse(&origins).answers;
    let journal = Journal::default();
    let port = serve_answers(&rows, journal.clone()).await;
    let visit = |row: &Answered| {
        let url = format!("http://localhost:{port}/?{}", row.name);
        Visit::new(&origins, row.origin(&origins), url, row.request.init())
    };
    let outcomes = visit::make(&rows.iter().map(visit).collect::<Vec<_>>()).await;
    let check = |(row, outcome): (&Answered, &Outcome)| {
        let difference = row.check(outcome, &origins, &journal).err()?;
        Some(format!("{}: {difference}", row.name))
    };
    rows.iter().zip(&outcomes).filter_map(check).collect()
}

impl Answered {
    fn origin<'a>(&'a self, origins: &'a Origins) -> &'a str {
        self.page.as_deref().unwrap_or_else(|| origins.app())
    }

    fn check(&self, outcome: &Outcome, origins: &Origins, journal: &Journal) -> Result<(), String> {
        let exchanges = journal.entry(&self.name).exchanges;
        let verdict = model::judge(&self.name, &self.request, self.origin(origins), &exchanges);
        let code = verdict.as_ref().err().map(|blocked| blocked.code());
        if code != self.blocked.as_deref() {
            return Err(format!("the model says {code:?}, the row {:?}", self.blocked));
        }
        match (model::difference(&verdict, outcome.read()), &self.unlike) {
            (Some(difference), None) => return Err(difference),
            (None, Some(reason)) => return Err(format!("Chromium does as the model does, and not as here: {reason}")),
            _ => {}
        }
        if outcome.console() != self.console.as_deref() {
            return Err(format!("the console says {:?}", outcome.console()));
        }
        Ok(())
    }
}

impl Answer {
    fn response(&self) -> Response {
        let status = self.status.map_or(StatusCode::OK, |status| StatusCode::from_u16(status).expect("a status"));
        let response = http::Response::builder().status(status);
        let response = lines(&self.headers).into_iter().fold(response, |all, (name, value)| all.header(name, value));
        // Spelled out, since hyper would add it, after the journal has been written.
        let response = response.header(CONTENT_LENGTH, 0);
        response.body(Body::empty()).expect("a row's headers are headers")
    }
}

/// Answers each request as the row does whose name is its query.
async fn serve_answers(rows: &[Answered], journal: Journal) -> u16 {
    let rows: HashMap<_, _> = rows.iter().map(|row| (row.name.clone(), row.clone())).collect();
    let rows = Arc::new(rows);
    let answer = async move |request: Request| {
        let row = &rows[request.uri().query().unwrap_or_default()];
        let preflight = row.preflight.as_ref().filter(|_| request.method() == Method::OPTIONS);
        preflight.unwrap_or(&row.response).response()
    };
    let router = Router::new().fallback(answer);
    serve(router.layer(from_fn(move |request, next| journal.clone().record(request, next)))).await
}
