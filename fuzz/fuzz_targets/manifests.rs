//! Manifests: whatever a file holds, it is read or refused without a panic, the stack and the memory hold (the fuzzer
//! limits both, and the time), and the messages are short, printable and the same each time. In: the text of a file.
#![no_main]

use http::Request;
use libfuzzer_sys::{Corpus, fuzz_target};
use tower_cors::{
    manifest::{Lint, LoadedRoutes, Manifests},
    request::CorsRequest,
};

/// The most that a message may say, in bytes.
const MAX_MESSAGE: usize = 4096;

fuzz_target!(|input: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(input) else { return Corpus::Reject };
    let (said, again) = (read(text), read(text));
    assert_eq!(said, again, "the same file, the same messages");
    for message in said {
        assert!(message.len() <= MAX_MESSAGE, "{} bytes", message.len());
        // The excerpt of a file that is no YAML has lines.
        assert!(!message.chars().any(|letter| letter.is_control() && letter != '\n'), "{message:?}");
    }
    Corpus::Keep
});

/// What is said about a file: its lints, or its errors.
fn read(text: &str) -> Vec<String> {
    match Manifests::new().read("m.yaml", text).build() {
        Ok(routes) => {
            ask(&routes);
            routes.lints().iter().map(Lint::to_string).collect()
        }
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

/// A table that was built can be asked anything.
fn ask(routes: &LoadedRoutes) {
    for (method, target, announced) in
        [("GET", "/", None), ("OPTIONS", "/a/b?c=d", Some("PUT")), ("OPTIONS", "*", None)]
    {
        let request = Request::builder().method(method).uri(target).header("host", "a.example");
        let request = request.header("origin", "https://a.example");
        let request = match announced {
            Some(method) => request.header("access-control-request-method", method),
            None => request,
        };
        let request = request.body(()).unwrap();
        if let Some(rule) = routes.table().find(&CorsRequest::of(&request)) {
            let backends = routes.backends(&rule).len();
            assert!((0..backends).all(|backend| rule.choose(backend) == rule.choose(backend)));
            assert!(routes.stack(&rule).len() < 64);
        }
    }
}
