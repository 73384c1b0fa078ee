//! tower-http's `CorsLayer` as a second opinion: for the policies that both can express, the two answer alike, but for the
//! differences that `tests/policy/second_opinion/differences.toml` lists, each with its reason. A difference that nothing there
//! explains fails, and so does one that is gone.
//!
//! In: a policy, the lines of a request and of an inner response. Out: what each layer did, with what means the same
//! written in one way: the case of header names, the spaces in lists, and the order of the members of `Vary`.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    future::{Future, ready},
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, Waker},
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use proptest::{collection::vec, option, prelude::*, sample::select, sample::subsequence};
use serde::Deserialize;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_cors::{
    CorsPolicy,
    compile::{Compiler, Profile},
};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, Any, CorsLayer as PeerLayer, ExposeHeaders};

/// What one layer did with a request: a word and what it is, absent headers left out.
type Answer = BTreeMap<String, String>;

/// What both layers are asked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(default)]
    policy: CorsPolicy,
    method: String,
    /// Lines of the request, `name: value`.
    #[serde(default)]
    request: Vec<String>,
    /// Lines of the inner response.
    #[serde(default)]
    inner: Vec<String>,
}

/// A difference of the file: a case that shows it, and the words in which the answers then differ.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    class: String,
    why: String,
    case: Case,
    ours: Answer,
    theirs: Answer,
}

#[derive(Deserialize)]
struct Differences {
    difference: Vec<Difference>,
}

const ACAO: &str = "access-control-allow-origin";
const ACAC: &str = "access-control-allow-credentials";
const ACAM: &str = "access-control-allow-methods";
const ACAH: &str = "access-control-allow-headers";
const ACEH: &str = "access-control-expose-headers";
const ACMA: &str = "access-control-max-age";

#[test]
fn each_listed_difference_is_there_and_no_other() {
    for difference in listed() {
        let Difference { class, why, case, ours, theirs } = difference;
        assert!(why.ends_with('.'), "{class} says in a sentence why");
        let (our_answer, their_answer) = (case.ask_ours(), case.ask_theirs());
        let words = differing_words(&our_answer, &their_answer);
        let only = |answer: &Answer| -> Answer {
            words.iter().filter_map(|word| Some((word.clone(), answer.get(word)?.clone()))).collect()
        };
        assert!(!words.is_empty(), "{class}: the difference is gone");
        assert_eq!((only(&our_answer), only(&their_answer)), (ours, theirs), "{class}");
        let classes = words.iter().map(|word| class_of(word, &case, our_answer.get(word), their_answer.get(word)));
        let classes: BTreeSet<_> = classes.collect();
        assert!(classes.contains(&Some(&*class)) && !classes.contains(&None), "{class} shows {classes:?}");
    }
}

#[test]
fn a_difference_is_listed_once() {
    let classes: Vec<_> = listed().into_iter().map(|difference| difference.class).collect();
    let unique: BTreeSet<_> = classes.iter().map(String::as_str).collect();
    assert_eq!(unique.len(), classes.len(), "{classes:?}");
    assert_eq!(unique, CLASSES.into(), "what the file lists is what a difference can be");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn both_answer_alike_but_for_the_listed_differences(case in case()) {
        let (ours, theirs) = (case.ask_ours(), case.ask_theirs());
        for word in differing_words(&ours, &theirs) {
            let (ours, theirs) = (ours.get(&word), theirs.get(&word));
            let class = class_of(&word, &case, ours, theirs);
            prop_assert!(class.is_some_and(|class| CLASSES.contains(&class)), "{}: {:?} and {:?}", word, ours, theirs);
        }
    }
}

/// Every class of a difference.
const CLASSES: [&str; 14] = [
    "any-header-where-none-is-announced",
    "any-origin-with-credentials",
    "exposed-names-on-preflights",
    "inner-headers-stay",
    "max-age-by-default",
    "methods-echoed-unread",
    "names-echoed-unread",
    "options-that-is-no-preflight",
    "origins-in-another-spelling",
    "permissions-without-an-allowed-origin",
    "several-origin-lines",
    "upper-case-origins",
    "vary-of-actual-responses",
    "vary-of-preflights",
];

/// The class of a difference in one word of the answers, decided by the case and by what is missing on either side.
fn class_of(word: &str, case: &Case, ours: Option<&String>, theirs: Option<&String>) -> Option<&'static str> {
    let origins = case.lines("origin");
    let is_preflight = case.is_preflight();
    if case.method == "OPTIONS" && !is_preflight {
        return Some("options-that-is-no-preflight");
    }
    let listed = case.policy.allow_origins.as_deref().unwrap_or_default();
    let is_any = |list: &Option<Vec<String>>| list.as_deref().is_some_and(|list| list == ["*"]);
    let echoes = is_any(&case.policy.allow_methods) || is_any(&case.policy.allow_headers);
    let kept = case.inner_lines(word);
    let varies = || kept.iter().any(|line| line == "*" || line.to_lowercase().contains("origin"));
    match word {
        "vary" if is_preflight => Some("vary-of-preflights"),
        "vary" if echoes || varies() => Some("vary-of-actual-responses"),
        "vary" | "called" | "status" => None,
        _ if !is_preflight && !kept.is_empty() && theirs == Some(&normalised(word, &kept)) => {
            Some("inner-headers-stay")
        }
        ACAO if origins.len() > 1 => Some("several-origin-lines"),
        ACAO if is_any(&case.policy.allow_origins) => ours.is_none().then_some("any-origin-with-credentials"),
        ACAO if ours.is_none() => {
            let is_upper = origins.iter().any(|origin| origin.bytes().any(|byte| byte.is_ascii_uppercase()));
            is_upper.then_some("upper-case-origins")
        }
        ACAO => {
            let is_written = origins.iter().any(|origin| listed.contains(origin));
            (theirs.is_none() && !is_written).then_some("origins-in-another-spelling")
        }
        _ if ours.is_none() && !case.is_allowed() => Some("permissions-without-an-allowed-origin"),
        ACEH => (is_preflight && theirs.is_none()).then_some("exposed-names-on-preflights"),
        ACMA => (ours.is_some_and(|age| age == "5") && theirs.is_none()).then_some("max-age-by-default"),
        ACAM => is_any(&case.policy.allow_methods).then_some("methods-echoed-unread"),
        ACAH if !is_any(&case.policy.allow_headers) => None,
        ACAH if case.lines("access-control-request-headers").is_empty() => Some("any-header-where-none-is-announced"),
        ACAH => Some("names-echoed-unread"),
        _ => None,
    }
}

impl Case {
    fn lines(&self, name: &str) -> Vec<String> {
        self.request.iter().filter_map(|line| value_of(line, name)).collect()
    }

    fn inner_lines(&self, name: &str) -> Vec<String> {
        self.inner.iter().filter_map(|line| value_of(line, name)).collect()
    }

    /// Section 1 of the rules.
    fn is_preflight(&self) -> bool {
        let announces = self.lines("access-control-request-method").iter().any(|method| !method.is_empty());
        self.method == "OPTIONS" && !self.lines("origin").is_empty() && announces
    }

    /// Whether our layer permits anything.
    fn is_allowed(&self) -> bool {
        self.ask_ours().contains_key(ACAO)
    }

    fn ask_ours(&self) -> Answer {
        let compiler = Compiler::new().profile(Profile::GatewayApi);
        let policy = compiler.compile(self.policy.clone()).unwrap_or_else(|violations| panic!("{violations}"));
        self.ask(|inner| tower_cors::CorsLayer::from(policy).layer(inner).boxed())
    }

    fn ask_theirs(&self) -> Answer {
        self.ask(|inner| peer(&self.policy).layer(inner).boxed())
    }

    fn ask(&self, wrap: impl FnOnce(Inner) -> Wrapped) -> Answer {
        let called = std::sync::Arc::new(AtomicBool::new(false));
        let (seen, lines) = (std::sync::Arc::clone(&called), self.inner.clone());
        let inner = service_fn(move |_: Request<()>| {
            seen.store(true, Ordering::Relaxed);
            let mut response =
                Response::builder().status(StatusCode::ACCEPTED).body(String::new()).expect("a response");
            append(response.headers_mut(), &lines);
            ready(Ok(response))
        });
        let mut request = Request::builder().method(self.method.as_str()).body(()).expect("a request");
        append(request.headers_mut(), &self.request);
        let Ok(response) = now(wrap(inner.boxed()).call(request));
        let called = called.load(Ordering::Relaxed);
        let mut answer = Answer::from([("called".into(), called.to_string())]);
        answer.insert("status".into(), response.status().as_u16().to_string());
        for name in [ACAO, ACAC, ACAM, ACAH, ACEH, ACMA, "vary"] {
            let lines: Vec<_> = response.headers().get_all(name).iter().map(text).collect();
            if !lines.is_empty() {
                answer.insert(name.to_owned(), normalised(name, &lines));
            }
        }
        answer
    }
}

type Inner = Wrapped;
type Wrapped = tower::util::BoxService<Request<()>, Response<String>, Infallible>;

/// Their layer, configured as closely as it can be. Our `*` for methods and names is an echo, so theirs is one; what is
/// not expressed is `exposeHeaders: ["*"]` with credentials, which they refuse by a panic.
fn peer(policy: &CorsPolicy) -> PeerLayer {
    let credentials = policy.allow_credentials == Some(true);
    let mut layer = PeerLayer::new().allow_credentials(credentials);
    let names = |list: &[String]| list.iter().map(|name| name.parse().expect("a name")).collect::<Vec<HeaderName>>();
    layer = match policy.allow_origins.as_deref().unwrap_or_default() {
        [any] if any == "*" && credentials => layer.allow_origin(AllowOrigin::mirror_request()),
        [any] if any == "*" => layer.allow_origin(Any),
        list => layer.allow_origin(AllowOrigin::list(list.iter().map(|origin| origin.parse().expect("an origin")))),
    };
    layer = match policy.allow_methods.as_deref().unwrap_or_default() {
        [any] if any == "*" => layer.allow_methods(AllowMethods::mirror_request()),
        list => {
            let methods = list.iter().map(|method| method.parse::<Method>().expect("a method"));
            layer.allow_methods(AllowMethods::list(methods))
        }
    };
    layer = match policy.allow_headers.as_deref().unwrap_or_default() {
        [any] if any == "*" => layer.allow_headers(AllowHeaders::mirror_request()),
        list => layer.allow_headers(AllowHeaders::list(names(list))),
    };
    layer = match policy.expose_headers.as_deref().unwrap_or_default() {
        [any] if any == "*" => layer.expose_headers(Any),
        list => layer.expose_headers(ExposeHeaders::list(names(list))),
    };
    match policy.max_age {
        Some(seconds) => layer.max_age(Duration::from_secs(seconds)),
        None => layer,
    }
}

fn case() -> impl Strategy<Value = Case> {
    let request = (
        vec(select(ORIGINS.to_vec()), 0..3).prop_map(|values| lines("origin", &values)),
        vec(select(vec!["PUT", "PUT", "get", "", "*", "b ad"]), 0..3)
            .prop_map(|values| lines("access-control-request-method", &values)),
        vec(select(NAMES.to_vec()), 0..3).prop_map(|values| lines("access-control-request-headers", &values)),
    )
        .prop_map(|(origins, methods, names)| [origins, methods, names].concat());
    let inner = subsequence(INNER.to_vec(), 0..4).prop_map(|lines| lines.into_iter().map(String::from).collect());
    let method = select(vec!["GET", "PUT", "OPTIONS", "OPTIONS", "OPTIONS"]).prop_map(String::from);
    (policy(), method, request, inner).prop_map(|(policy, method, request, inner)| Case {
        policy,
        method,
        request,
        inner,
    })
}

const ORIGINS: [&str; 12] = [
    "https://a.example",
    "https://a.example",
    "https://a.example",
    "http://b.example:8080",
    "https://c.example",
    "https://C.example",
    "https://d.example",
    "https://d.example:443",
    "https://a.example/",
    "https://evil.example",
    "null",
    "",
];
const NAMES: [&str; 7] =
    ["x-a", "X-A,authorization", "content-type", "", " , ,", "x-a, b ad, *", "x-many,x-many,x-many,x-many,x-many"];
const INNER: [&str; 8] = [
    "access-control-allow-origin: https://inner.example",
    "access-control-allow-credentials: true",
    "access-control-allow-methods: DELETE",
    "access-control-expose-headers: x-inner",
    "access-control-max-age: 7",
    "vary: accept-encoding",
    "vary: Origin, accept",
    "vary: *",
];

fn policy() -> impl Strategy<Value = CorsPolicy> {
    let exact = vec!["https://a.example", "http://b.example:8080", "https://C.example", "https://d.example:443"];
    let origins = prop_oneof![1 => Just(vec!["*"]), 3 => subsequence(exact, 0..4)];
    let methods = prop_oneof![1 => Just(vec!["*"]), 2 => subsequence(vec!["GET", "PUT", "PROPFIND", "get"], 0..4)];
    let names = || prop_oneof![1 => Just(vec!["*"]), 2 => subsequence(vec!["X-A", "content-type", "ETag"], 0..3)];
    (option::of(origins), any::<Option<bool>>(), option::of(methods), option::of(names()), option::of(names()))
        .prop_map(|(origins, credentials, methods, headers, expose)| {
            let own = |list: Option<Vec<&str>>| list.map(|list| list.into_iter().map(String::from).collect());
            CorsPolicy {
                allow_origins: own(origins),
                allow_credentials: credentials,
                allow_methods: own(methods),
                allow_headers: own(headers),
                // They can't express this list with credentials.
                expose_headers: own(expose.filter(|list| credentials != Some(true) || *list != ["*"])),
                max_age: None,
            }
        })
        .prop_flat_map(|policy| {
            option::of(select(vec![0, 5, 600, 86_401]))
                .prop_map(move |max_age| CorsPolicy { max_age, ..policy.clone() })
        })
}

fn listed() -> Vec<Difference> {
    let text = include_str!("second_opinion/differences.toml");
    toml::from_str::<Differences>(text).unwrap_or_else(|error| panic!("{error}")).difference
}

fn differing_words(ours: &Answer, theirs: &Answer) -> BTreeSet<String> {
    let words = ours.keys().chain(theirs.keys());
    words.filter(|word| ours.get(*word) != theirs.get(*word)).cloned().collect()
}

/// What means the same, written in one way. Browsers compare header names ignoring case, and methods as they are.
fn normalised(name: &str, lines: &[String]) -> String {
    let elements = |line: &String| line.split(',').map(|element| element.trim().to_owned()).collect::<Vec<_>>();
    let mut elements: Vec<String> = lines.iter().flat_map(elements).collect();
    if [ACAH, ACEH, "vary"].contains(&name) {
        elements.iter_mut().for_each(|element| element.make_ascii_lowercase());
    }
    if name == "vary" {
        elements.sort();
    }
    elements.join(", ")
}

fn lines(name: &str, values: &[&str]) -> Vec<String> {
    values.iter().map(|value| format!("{name}: {value}")).collect()
}

fn value_of(line: &str, name: &str) -> Option<String> {
    let (written, value) = line.split_once(':').expect("a line has a colon");
    written.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
}

fn append(headers: &mut HeaderMap, lines: &[String]) {
    for line in lines {
        let (name, value) = line.split_once(':').expect("a line has a colon");
        let name = name.parse::<HeaderName>().expect("a name");
        headers.append(name, HeaderValue::from_str(value.trim()).expect("a value"));
    }
}

fn text(value: &HeaderValue) -> String {
    value.to_str().expect("nothing here is beyond ASCII").to_owned()
}

/// The result of a future that waits for nothing.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing here waits"),
    }
}
