//! What the console of Chromium says where a page is refused, and the way out. In: the step of Fetch that failed, and the
//! answer it was found in. Out: sentences. `tests/browser` holds the first against Chromium's own.

use http::{
    HeaderMap,
    header::{ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN},
};
use tower_cors::browser::{Blocked, CorsCheckFailure, PreflightFailure};

/// Chromium's sentence, which follows `... has been blocked by CORS policy: `.
pub(crate) fn sentence(blocked: &Blocked, answer: &HeaderMap) -> String {
    let of_preflight =
        |text: String| format!("Response to preflight request doesn't pass access control check: {text}");
    match blocked {
        Blocked::CorsCheck(failure) => of_cors_check(failure, answer),
        Blocked::Preflight(PreflightFailure::CorsCheck(failure)) => of_preflight(of_cors_check(failure, answer)),
        Blocked::Preflight(PreflightFailure::Status(_)) => of_preflight("It does not have HTTP ok status.".to_owned()),
        Blocked::Preflight(PreflightFailure::Method(method)) => {
            format!("Method {method} is not allowed by Access-Control-Allow-Methods in preflight response.")
        }
        Blocked::Preflight(PreflightFailure::Header(name)) => {
            format!("Request header field {name} is not allowed by Access-Control-Allow-Headers in preflight response.")
        }
        Blocked::Preflight(PreflightFailure::MalformedAllowMethods) => cannot_parse("Access-Control-Allow-Methods"),
        Blocked::Preflight(PreflightFailure::MalformedAllowHeaders) => cannot_parse("Access-Control-Allow-Headers"),
        other => other.to_string(),
    }
}

fn cannot_parse(name: &str) -> String {
    format!("Cannot parse {name} response header field in preflight response.")
}

fn of_cors_check(failure: &CorsCheckFailure, answer: &HeaderMap) -> String {
    let values = |name| {
        let lines = answer.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        lines.collect::<Vec<_>>().join(", ")
    };
    let valid = "Have the server send the header with a valid value.";
    match failure {
        CorsCheckFailure::NoAllowOrigin => {
            "No 'Access-Control-Allow-Origin' header is present on the requested resource.".to_owned()
        }
        CorsCheckFailure::SeveralAllowOrigins => format!(
            "The 'Access-Control-Allow-Origin' header contains multiple values '{}', but only one is allowed. {valid}",
            values(ACCESS_CONTROL_ALLOW_ORIGIN)
        ),
        CorsCheckFailure::OtherAllowOrigin(origin) => format!(
            "The 'Access-Control-Allow-Origin' header has a value '{origin}' that is not equal to the supplied origin. {valid}"
        ),
        CorsCheckFailure::WildcardWithCredentials => {
            "The value of the 'Access-Control-Allow-Origin' header in the response must not be the wildcard '*' when the \
             request's credentials mode is 'include'."
                .to_owned()
        }
        CorsCheckFailure::NoAllowCredentials | CorsCheckFailure::AllowCredentialsNotTrue => format!(
            "The value of the 'Access-Control-Allow-Credentials' header in the response is '{}' which must be 'true' when \
             the request's credentials mode is 'include'.",
            values(ACCESS_CONTROL_ALLOW_CREDENTIALS)
        ),
        other => other.to_string(),
    }
}

/// What to change, where the reason of the layer does not say it.
pub(crate) fn way_out(blocked: &Blocked, is_outside: bool) -> Option<&'static str> {
    if is_outside {
        return Some("put the layer outside of what answers, so that this answer passes it too");
    }
    let (Blocked::CorsCheck(failure) | Blocked::Preflight(PreflightFailure::CorsCheck(failure))) = blocked else {
        return None;
    };
    match failure {
        CorsCheckFailure::WildcardWithCredentials => {
            Some("list the origins in allowOrigins and set allowCredentials to true, or send without credentials")
        }
        CorsCheckFailure::NoAllowCredentials | CorsCheckFailure::AllowCredentialsNotTrue => {
            Some("set allowCredentials to true, or send without credentials")
        }
        _ => None,
    }
}
