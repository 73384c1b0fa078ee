//! actix-web, for docs/frameworks.md.

use std::{io, net::TcpListener};

use actix_web::{
    App, Error, HttpResponse, HttpServer,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::{ErrorInternalServerError, InternalError},
    http::{StatusCode, header},
    middleware::{Next, from_fn},
    web::{self, Data},
};
use tower_cors::{
    CompiledPolicy, Decision,
    decision::{Options, decide},
    request::CorsRequest,
};

/// The headers of actix-web, which has them of http 0.2, as those of http 1.
fn read(headers: &header::HeaderMap) -> Option<http::HeaderMap> {
    let mut map = http::HeaderMap::new();
    for (name, value) in headers {
        let name = http::HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
        map.try_append(name, http::HeaderValue::from_bytes(value.as_bytes()).ok()?).ok()?;
    }
    Some(map)
}

fn write(map: &http::HeaderMap, headers: &mut header::HeaderMap) {
    headers.clear();
    for (name, value) in map {
        let name = header::HeaderName::from_bytes(name.as_str().as_bytes());
        let value = header::HeaderValue::from_bytes(value.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
}

pub(crate) async fn with_cors(
    policy: Data<CompiledPolicy>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let method = http::Method::from_bytes(request.method().as_str().as_bytes());
    let (Ok(method), Some(headers)) = (method, read(request.headers())) else {
        return Ok(request.into_response(HttpResponse::BadRequest()));
    };
    let head = CorsRequest::new(&method, &headers);
    let decision = decide(&head, &policy.get_ref().into(), &Options::new());
    drop(head);
    if let Decision::Answer(answer) = decision {
        let status = StatusCode::from_u16(answer.status().as_u16());
        let status = status.map_err(ErrorInternalServerError)?;
        let mut response = request.into_response(HttpResponse::new(status));
        let mut headers = http::HeaderMap::new();
        answer.write_to(&mut headers);
        write(&headers, response.headers_mut());
        return Ok(response);
    }
    match next.call(request).await {
        Ok(response) => {
            let mut response = response.map_into_boxed_body();
            apply(decision, response.response_mut());
            Ok(response)
        }
        // What a middleware within refuses, a page can read as well.
        Err(error) => {
            let mut response = error.error_response();
            apply(decision, &mut response);
            Err(InternalError::from_response(error, response).into())
        }
    }
}

fn apply(decision: Decision, response: &mut HttpResponse) {
    let Decision::Continue(plan) = decision else { return };
    let status = http::StatusCode::from_u16(response.status().as_u16());
    if let (Ok(status), Some(mut headers)) = (status, read(response.headers())) {
        plan.apply(status, &mut headers);
        write(&headers, response.headers_mut());
    }
}

pub(crate) async fn serve(listener: TcpListener, policy: CompiledPolicy) -> io::Result<()> {
    let app = move || {
        App::new()
            .app_data(Data::new(policy.clone()))
            .wrap(from_fn(with_cors))
            .route("/", web::get().to(async || "hello"))
    };
    HttpServer::new(app).workers(1).listen(listener)?.run().await
}
