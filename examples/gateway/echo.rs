//! An upstream that behaves like httpbin: it answers every request with what it got, and with CORS headers of its own
//! that allow everybody everything, so that one can see who answered.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use serde_json::{Map, Value, json};

pub(crate) async fn respond(request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, mut body) = request.into_parts();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => length += frame.data_ref().map_or(0, Bytes::len),
            Err(_) => {
                let mut response = Response::new(Full::default());
                *response.status_mut() = StatusCode::BAD_REQUEST;
                return response;
            }
        }
    }
    let mut headers = Map::new();
    for name in head.headers.keys() {
        let lines = head.headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes()));
        headers.insert(name.to_string(), lines.collect::<Vec<_>>().join(",").into());
    }
    let host = headers.get("host").and_then(Value::as_str).unwrap_or_default();
    let url = match head.uri.authority() {
        Some(_) => head.uri.to_string(),
        None => format!("http://{host}{}", head.uri),
    };
    let seen = json!({ "method": head.method.as_str(), "url": url, "headers": headers, "length": length });

    let mut response = Response::new(Full::from(format!("{seen:#}\n")));
    let answered = response.headers_mut();
    answered.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let origin = head.headers.get(header::ORIGIN).cloned().unwrap_or_else(|| HeaderValue::from_static("*"));
    answered.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    answered.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    if head.method == Method::OPTIONS {
        let methods = HeaderValue::from_static("GET, POST, PUT, DELETE, PATCH, OPTIONS");
        answered.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        answered.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
        if let Some(names) = head.headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            answered.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
    }
    response
}
