//! Whom a request is for. In: the target and the `Host` of a request, in which a client may contradict itself. Out: the
//! request with one `Host`, that of the authority that chooses the route; or 400 (RFC 9112, section 3.2; RFC 9113,
//! section 8.3.1).

use http::{HeaderValue, Method, Request, Version, header, uri::Authority};

/// Sets `Host` to the authority that the request is for. None where it says none, several or an invalid one.
pub(crate) fn settle<B>(request: &mut Request<B>) -> Option<()> {
    let mut lines = request.headers().get_all(header::HOST).iter();
    let line = lines.next().map(|line| line.to_str().ok().and_then(parse));
    // An invalid Host or a second one is refused even where the target names the authority.
    let host = match (line, lines.next()) {
        (_, Some(_)) | (Some(None), _) => return None,
        (Some(Some(host)), None) => Some(host),
        (None, None) => None,
    };
    let of_target = match request.uri().authority() {
        Some(authority) => Some(parse(authority.as_str())?),
        None => None,
    };
    // HTTP/1.1 requires Host whatever the target says; HTTP/2 has `:authority` for it.
    if host.is_none() && (of_target.is_none() || request.version() < Version::HTTP_2) {
        return None;
    }
    // What stands there already needs no writing.
    let Some(authority) = of_target else { return host.map(|_| ()) };
    if request.method() != Method::CONNECT {
        let value = HeaderValue::from_str(authority.as_str()).ok()?;
        request.headers_mut().insert(header::HOST, value);
    }
    Some(())
}

/// A host with or without a port, and without user information.
fn parse(text: &str) -> Option<Authority> {
    let authority: Authority = text.parse().ok()?;
    let has_user = text.contains('@');
    let port = text.strip_prefix(authority.host())?;
    let is_port = port.is_empty() || authority.port_u16().is_some();
    (!has_user && !authority.host().is_empty() && is_port).then_some(authority)
}
