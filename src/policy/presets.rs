//! What the protocols that scripts speak need of a policy. In: a policy and a [`Preset`]. Out: the policy with the
//! protocol's methods, request headers and response headers added to its own. No preset allows an origin.

use super::{CorsPolicy, RustPolicy, list::unite};

/// A protocol that scripts speak, and what a policy has to allow for it.
///
/// [`CorsPolicy::preset`] adds it to a policy. Origins, credentials and max-age stay the policy's own: which sites to
/// trust is not for a protocol to say.
///
/// A preset lists what a browser would otherwise block or hide, and no more. `GET`, `HEAD` and `POST` need no permission,
/// nor does the request header `Accept`, and every script may read `Content-Type` and `Cache-Control` of a response
/// ([Fetch](https://fetch.spec.whatwg.org/#cors-safelisted-method) calls them safelisted). The request header
/// `Content-Type` is listed, since it needs permission for all but the types that HTML forms send.
///
/// What an application adds to the protocol, such as `Authorization` or metadata of its own, goes beside it:
///
/// ```
/// use tower_cors::{CorsPolicy, policy::Preset};
///
/// let policy = CorsPolicy::new()
///     .allow_origins(["https://app.example"])
///     .allow_headers(["Authorization"])
///     .preset(Preset::GrpcWeb)
///     .preset(Preset::Connect);
/// assert_eq!(
///     policy.allow_headers.as_deref().unwrap(),
///     [
///         "Authorization",
///         "Content-Type",
///         "X-Grpc-Web",
///         "X-User-Agent",
///         "Grpc-Timeout",
///         "Connect-Protocol-Version",
///         "Connect-Timeout-Ms",
///     ],
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Preset {
    /// [gRPC-Web](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md), as the clients
    /// [grpc-web](https://github.com/grpc/grpc-web) and [connect-web](https://connectrpc.com/docs/cors) speak it.
    ///
    /// | needs | for |
    /// |---|---|
    /// | request header `Content-Type` | `application/grpc-web`, `application/grpc-web-text` and their kin |
    /// | request header `X-Grpc-Web` | `1`, which marks every call |
    /// | request header `X-User-Agent` | the client's name, since scripts can't everywhere set `User-Agent` |
    /// | request header `Grpc-Timeout` | the deadline of a call that has one |
    /// | response headers `Grpc-Status`, `Grpc-Message` | the outcome of a call that fails before its first message; otherwise both are in the body |
    /// | response header `Grpc-Status-Details-Bin` | the details of such a failure |
    ///
    /// Its one method, `POST`, is safelisted. It compresses with `Content-Encoding`, which the browser undoes, and never
    /// sends `Grpc-Encoding`.
    GrpcWeb,
    /// The [Connect protocol](https://connectrpc.com/docs/protocol) of Connect RPC, after its
    /// [page on CORS](https://connectrpc.com/docs/cors).
    ///
    /// | needs | for |
    /// |---|---|
    /// | request header `Content-Type` | `application/proto`, `application/json`, `application/connect+proto` and their kin |
    /// | request header `Connect-Protocol-Version` | `1`, which marks every call but those with `GET` |
    /// | request header `Connect-Timeout-Ms` | the deadline of a call that has one |
    /// | request header `X-User-Agent` | the client's name, since scripts can't everywhere set `User-Agent` |
    ///
    /// Its methods, `POST` and `GET`, are safelisted, and outcomes are in the status and the body. A trailer that the
    /// application sends with a unary response is a header with `Trailer-` before its name, to be exposed under that.
    Connect,
    /// The [Model Context Protocol](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http)
    /// over streamable HTTP: the revision 2026-07-28, and those with sessions, from 2025-03-26 to
    /// [2025-11-25](https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http).
    ///
    /// | needs | revisions | for |
    /// |---|---|---|
    /// | method `DELETE` | up to 2025-11-25 | the end of a session |
    /// | request header `Content-Type` | all | `application/json` |
    /// | request header `Authorization` | all | the access token ([authorization](https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization)) |
    /// | request header `MCP-Protocol-Version` | from 2025-06-18 | the revision that the client speaks |
    /// | request headers `Mcp-Method`, `Mcp-Name` | from 2026-07-28 | what is called, for those who route without reading bodies |
    /// | request header `Mcp-Session-Id` | up to 2025-11-25 | the session of a request |
    /// | request header `Last-Event-ID` | up to 2025-11-25 | where a broken stream goes on |
    /// | response header `Mcp-Session-Id` | up to 2025-11-25 | the session that the server has opened |
    /// | response header `WWW-Authenticate` | from 2025-06-18 | where to get a token, with a 401, and its scopes |
    ///
    /// `POST`, `GET` and `Accept` are safelisted. A server that mirrors parameters of its tools (`x-mcp-header`) allows
    /// their names, such as `Mcp-Param-Region`, with [`CorsPolicy::extend_allow_headers`].
    ///
    /// The protocol also demands that a server refuse an invalid `Origin` with 403. CORS alone doesn't, and
    /// [`CorsLayer::enforce`](crate::CorsLayer::enforce) does; but after DNS rebinding a page's origin *is* the request's
    /// host, which passes as same-origin, so a local server has to check `Host` as well.
    Mcp,
    /// [Server-sent events](https://html.spec.whatwg.org/multipage/server-sent-events.html).
    ///
    /// | needs | for |
    /// |---|---|
    /// | request header `Last-Event-ID` | where a broken stream goes on |
    /// | request header `Cache-Control` | `no-cache`, which some clients that are built on `fetch` set |
    ///
    /// A browser's own `EventSource` needs neither: it asks for no permission to send `Last-Event-ID`, and keeps the
    /// stream out of the cache without a header. With `withCredentials` the policy has to allow credentials. `GET` and
    /// `Accept` are safelisted, and so is the `Content-Type` of the response.
    ServerSentEvents,
}

impl Preset {
    /// The methods that need permission.
    pub fn allow_methods(self) -> &'static [&'static str] {
        match self {
            Self::Mcp => &["DELETE"],
            Self::GrpcWeb | Self::Connect | Self::ServerSentEvents => &[],
        }
    }

    /// The request headers that need permission.
    pub fn allow_headers(self) -> &'static [&'static str] {
        match self {
            Self::GrpcWeb => &["Content-Type", "X-Grpc-Web", "X-User-Agent", "Grpc-Timeout"],
            Self::Connect => &["Content-Type", "Connect-Protocol-Version", "Connect-Timeout-Ms", "X-User-Agent"],
            Self::Mcp => &[
                "Content-Type",
                "Authorization",
                "MCP-Protocol-Version",
                "Mcp-Method",
                "Mcp-Name",
                "Mcp-Session-Id",
                "Last-Event-ID",
            ],
            Self::ServerSentEvents => &["Last-Event-ID", "Cache-Control"],
        }
    }

    /// The response headers that scripts don't see unless they are exposed.
    pub fn expose_headers(self) -> &'static [&'static str] {
        match self {
            Self::GrpcWeb => &["Grpc-Status", "Grpc-Message", "Grpc-Status-Details-Bin"],
            Self::Mcp => &["Mcp-Session-Id", "WWW-Authenticate"],
            Self::Connect | Self::ServerSentEvents => &[],
        }
    }
}

impl CorsPolicy {
    /// Adds what a protocol needs to the methods, request headers and exposed headers of the policy.
    ///
    /// What is listed already stays where it is, and names that differ in case only are one. A list that is `*` covers
    /// the protocol's names. A field that the protocol needs nothing of stays as it is.
    ///
    /// The order does not matter: `allow_methods`, `allow_headers` and `expose_headers` replace what the policy lists by
    /// itself, before a preset and after it, and keep the names of the preset. To have less than a preset, set the fields.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_cors::{CorsLayer, CorsPolicy, policy::Preset};
    ///
    /// let policy = CorsPolicy::new()
    ///     .allow_origins(["https://app.example"])
    ///     .preset(Preset::Mcp)
    ///     .expose_headers(["X-Request-Id"]);
    /// assert_eq!(
    ///     policy.expose_headers.as_deref().unwrap(),
    ///     ["X-Request-Id", "Mcp-Session-Id", "WWW-Authenticate"]
    /// );
    /// let layer = CorsLayer::new(policy)?;
    /// # Ok::<_, tower_cors::Violations>(())
    /// ```
    #[must_use]
    pub fn preset(self, preset: Preset) -> RustPolicy {
        RustPolicy::from(self).preset(preset)
    }

    /// The policy with the names of one preset.
    pub(super) fn with_preset(mut self, preset: Preset) -> Self {
        // Fetch compares methods with their case, and names of headers without.
        let add = |list: &mut Option<Vec<String>>, needed: &[&'static str], meaning: fn(&str) -> String| {
            if !needed.is_empty() {
                unite(list.get_or_insert_default(), needed.iter().copied(), meaning);
            }
        };
        add(&mut self.allow_methods, preset.allow_methods(), str::to_owned);
        add(&mut self.allow_headers, preset.allow_headers(), str::to_ascii_lowercase);
        add(&mut self.expose_headers, preset.expose_headers(), str::to_ascii_lowercase);
        self
    }
}
