//! The page's own server: its files, and the questions that the page asks, as JSON on its own origin. None of it has
//! CORS headers: what another site sends here is refused, and what it reads stays unread.

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::{Next, from_fn_with_state, map_response_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower_cors::{explain::Explanation, request::CorsRequest};

use super::{
    effective::{EffectiveView, Whole},
    exchange::{Exchange, Serves, Store},
    manifest::{self, Manifest, ManifestView},
    reading::Reading,
    report::{Asked, Got, Report},
    scenario::{GivenManifest, Scenario},
    snippet,
};

/// The longest body that is read, in bytes.
const MAX_BODY: usize = 256 << 10;
/// The longest body that the backend answers with, in bytes.
const MAX_ANSWER: usize = 4 << 10;

#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) store: Store,
    pub(crate) page_port: u16,
    pub(crate) api_port: u16,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadRequest {
    scenario: Scenario,
    /// None where the browser refuses to make it.
    asked: Option<Asked>,
}

/// Everything that is known before a request is sent.
#[derive(Debug, Serialize)]
struct ReadAnswer {
    settings: Vec<Reading>,
    effective: EffectiveView,
    prediction: Option<Explanation>,
    #[serde(rename = "backendProblem")]
    backend_problem: Option<String>,
    rust: Option<String>,
    manifest: Option<String>,
    #[serde(rename = "manifestRefusal")]
    manifest_refusal: Option<String>,
    /// What was read of a manifest in the place of the settings.
    given: Option<ManifestView>,
    /// A file for `gateway test` with what is expected.
    case: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReportRequest {
    asked: Asked,
    got: Got,
}

pub(crate) fn router(page: Page) -> Router {
    let file = |kind: &'static str, text: &'static str| get(async move || ([(header::CONTENT_TYPE, kind)], text));
    let script = |text| file("text/javascript; charset=utf-8", text);
    Router::new()
        .route("/", file("text/html; charset=utf-8", include_str!("page/index.html")))
        .route("/style.css", file("text/css; charset=utf-8", include_str!("page/style.css")))
        .route("/main.js", script(include_str!("page/main.js")))
        .route("/state.js", script(include_str!("page/state.js")))
        .route("/editor.js", script(include_str!("page/editor.js")))
        .route("/result.js", script(include_str!("page/result.js")))
        .route("/frames.js", script(include_str!("page/frames.js")))
        .route("/widgets.js", script(include_str!("page/widgets.js")))
        .route("/element.js", script(include_str!("page/element.js")))
        .route("/sender", file("text/html; charset=utf-8", include_str!("page/sender.html")))
        .route("/sender.js", script(include_str!("page/sender.js")))
        .route("/troubleshooting", file("text/plain; charset=utf-8", include_str!("../../docs/troubleshooting.md")))
        .route("/ports", get(ports))
        .route("/read", post(read))
        .route("/exchanges", post(begin))
        .route("/exchanges/{number}/report", post(report))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(page.clone(), guard))
        .layer(map_response_with_state(page.clone(), harden))
        .with_state(page)
}

async fn ports(State(page): State<Page>) -> Json<Value> {
    Json(json!({ "page": page.page_port, "api": page.api_port }))
}

/// Settings in, what they mean out: after every edit.
async fn read(State(page): State<Page>, Json(asked): Json<ReadRequest>) -> Json<ReadAnswer> {
    let ReadRequest { scenario, asked } = asked;
    let (settings, whole) = settle(&scenario);
    if let Some(given) = &scenario.manifest {
        return Json(read_manifest(given, &scenario, settings, asked.as_ref()));
    }
    let uri = Uri::builder().scheme("http").authority(format!("localhost:{}", page.api_port)).path_and_query("/hello");
    // What stands outside of the layer, the layer can't foresee.
    let asked = asked.filter(|_| !scenario.backend.outside);
    let prediction = uri.build().ok().zip(asked).and_then(|(uri, asked)| asked.explain(&whole, uri));
    let is_broken = settings.iter().any(Reading::is_broken);
    let manifest = whole.policy().map(|policy| snippet::manifest(policy.policy()));
    let (manifest, manifest_refusal) =
        manifest.map_or((None, None), |manifest| (Some(manifest.yaml), manifest.refusal));
    Json(ReadAnswer {
        rust: (!is_broken).then(|| snippet::rust(&scenario, &settings)),
        case: prediction.as_ref().zip(manifest.as_ref()).map(|(explained, _)| snippet::case(explained, "hello.yaml")),
        given: None,
        manifest,
        manifest_refusal,
        prediction,
        backend_problem: scenario.backend.checked().err(),
        effective: whole.view(&settings),
        settings,
    })
}

/// A manifest in, what a request under it gets out.
fn read_manifest(
    given: &GivenManifest,
    scenario: &Scenario,
    settings: Vec<Reading>,
    asked: Option<&Asked>,
) -> ReadAnswer {
    let method = asked.map_or("GET", |asked| &asked.method);
    let read = Manifest::new(given, method);
    let whole = match (read.served(), read.policy(method)) {
        (None, _) => Whole::Broken,
        (Some(_), None) => Whole::None(None),
        (Some(_), Some(policy)) => Whole::Policy(policy),
    };
    let prediction = asked.filter(|_| !scenario.backend.outside).and_then(|asked| read.explain(asked));
    ReadAnswer {
        rust: whole.policy().map(|policy| snippet::rust_of(policy.policy())),
        manifest: Some(given.text.clone()),
        manifest_refusal: None,
        case: prediction.as_ref().map(|explained| snippet::case(explained, manifest::FILE)),
        prediction,
        backend_problem: scenario.backend.checked().err(),
        effective: whole.view(&[]),
        given: Some(read.view),
        settings,
    }
}

/// Serves a scenario under an address of its own, so that no browser answers a preflight from memory.
async fn begin(State(page): State<Page>, Json(scenario): Json<Scenario>) -> Result<Json<Value>, Response> {
    let refuse = |message: String| (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "message": message })));
    let serves = match &scenario.manifest {
        Some(given) => {
            Manifest::new(given, "GET").served().map(|(routes, uri, page)| Serves::Routes(routes, uri, page))
        }
        None => settle(&scenario).1.resolver().map(Serves::Policy),
    };
    let serves =
        serves.ok_or_else(|| refuse("The policy is not valid, so it is not served.".into()).into_response())?;
    let answer = scenario.backend.checked().map_err(|message| refuse(message).into_response())?;
    if scenario.backend.body.len() > MAX_ANSWER {
        return Err(refuse(format!("the body is longer than {MAX_ANSWER} bytes")).into_response());
    }
    let exchange = Exchange::new(serves, answer, scenario.backend);
    let number = page.store.insert(exchange).ok_or_else(|| StatusCode::SERVICE_UNAVAILABLE.into_response())?;
    Ok(Json(json!({ "number": number, "path": format!("/{number}/hello") })))
}

async fn report(
    State(page): State<Page>,
    Path(number): Path<u64>,
    Json(ReportRequest { asked, got }): Json<ReportRequest>,
) -> Result<Json<Report>, Response> {
    let exchange = page.store.find(number).ok_or_else(|| StatusCode::GONE.into_response())?;
    let asked =
        asked.script_request().map_err(|message| (StatusCode::UNPROCESSABLE_ENTITY, message).into_response())?;
    Ok(Json(Report::new(&asked, &got, &exchange.seen(), exchange.outside)))
}

fn settle(scenario: &Scenario) -> (Vec<Reading>, Whole) {
    let profile = scenario.profile.profile();
    let settings: Vec<_> = scenario.settings.iter().take(2).map(|written| Reading::new(written, profile)).collect();
    let whole = Whole::new(scenario, &settings);
    (settings, whole)
}

/// Only pages of this server are answered, under a name that means this machine: another site could point a name of its
/// own here (DNS rebinding).
async fn guard(State(page): State<Page>, request: Request, next: Next) -> Response {
    let head = CorsRequest::of(&request);
    let is_ours = head.authority().is_some_and(|authority| is_local(authority, page.page_port));
    // The files are for everybody: a sandboxed frame asks for its script as a page of no origin.
    let is_question = *head.method() != Method::GET;
    if is_ours && !(is_question && head.is_cross_origin()) {
        next.run(request).await
    } else {
        StatusCode::FORBIDDEN.into_response()
    }
}

fn is_local(authority: &str, port: u16) -> bool {
    let host = authority.strip_suffix(&format!(":{port}")).unwrap_or(authority);
    host == "localhost" || host == "127.0.0.1" || host.ends_with(".localhost")
}

async fn harden(State(page): State<Page>, mut response: Response) -> Response {
    let Page { page_port, api_port, .. } = page;
    let names = |port: u16| format!("http://localhost:{port} http://127.0.0.1:{port} http://*.localhost:{port}");
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
         connect-src 'self' {}; frame-src 'self' {1}; frame-ancestors 'self' {1}",
        names(api_port),
        names(page_port)
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer"));
    response
}
