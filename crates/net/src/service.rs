//! One request: the checks that hold for all of them, the handler, and what holds for all answers.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base::{ActivityId, Clock, Random};
use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, EXPECT, HOST};
use http::request::Parts;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body;
use http_body_util::{Either, Full};
use hyper::body::Incoming;

use crate::body::{RequestBody, discard};
use crate::context::{Connection, RequestContext, TlsInfo};
use crate::hops::TrustedHops;
use crate::limits::Limits;
use crate::tls::Tls;

/// Answers requests. Its panics become 500 for the one request; `HEAD` reaches it as `GET`.
pub trait Handler: Send + Sync + 'static {
    /// Body of its answers. `Full<Bytes>` is the cheapest: it leaves in one write with its length.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static;

    /// Answers one request.
    fn handle(
        &self,
        context: RequestContext,
        request: Request<RequestBody>,
    ) -> impl Future<Output = Response<Self::Body>> + Send;
}

impl<H: Handler> Handler for Arc<H> {
    type Body = H::Body;

    fn handle(
        &self,
        context: RequestContext,
        request: Request<RequestBody>,
    ) -> impl Future<Output = Response<Self::Body>> + Send {
        self.as_ref().handle(context, request)
    }
}

/// What all connections of a server share.
pub(crate) struct Shared<H> {
    pub(crate) handler: H,
    pub(crate) limits: Limits,
    pub(crate) hops: TrustedHops,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) requests: AtomicU64,
}

/// The handler's body, or a short one made here.
pub(crate) type Answer<B> = Either<B, Full<Bytes>>;

/// Answers one request of a connection.
pub(crate) async fn respond<H: Handler>(
    shared: &Shared<H>,
    connection: Arc<Connection>,
    tls: Option<&Tls>,
    request: Request<Incoming>,
) -> Response<Answer<H::Body>> {
    let number = shared.requests.fetch_add(1, Ordering::Relaxed).saturating_add(1);
    let (mut head, body) = request.into_parts();
    let secured = connection.clone();
    let secured = secured.tls.as_ref().zip(tls);
    let context = RequestContext::read(
        &head,
        connection,
        &shared.hops,
        shared.clock.as_ref(),
        shared.random.as_ref(),
        number,
    );
    let (activity_id, started) = (context.activity_id, context.started);
    let (version, is_head) = (head.version, head.method == Method::HEAD);

    let mut response = match check(&head, &body, &shared.limits, secured) {
        Err(refusal) => {
            tracing::debug!(%activity_id, peer = %context.addresses.client, ?refusal, "request refused");
            // HTTP/2 has another way to say it, and who expects 100 (Continue) has not begun to send.
            if version < Version::HTTP_2 && !head.headers.contains_key(EXPECT) {
                discard(body, shared.limits.body_read_timeout).await;
            }
            refusal.response(activity_id, version)
        }
        Ok(()) => {
            if is_head {
                head.method = Method::GET;
            }
            let limits = &shared.limits;
            let body = RequestBody::from_network(body, limits.body_bytes, limits.body_read_timeout);
            let request = Request::from_parts(head, body);
            let answer = AssertUnwindSafe(async { shared.handler.handle(context, request).await });
            match answer.catch_unwind().await {
                Ok(response) => response.map(Either::Left),
                Err(_) => {
                    tracing::error!(%activity_id, "the handler of a request panicked; others are not affected");
                    Refusal::Panicked.response(activity_id, version)
                }
            }
        }
    };
    if let Ok(date) = HeaderValue::try_from(started.to_http()) {
        response.headers_mut().insert(DATE, date);
    }
    if is_head { without_body(response) } else { response }
}

/// RFC 9110 9.3.2: the headers of the answer to `GET`, its length among them, and no body.
fn without_body<B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>>(
    response: Response<Answer<B>>,
) -> Response<Answer<B>> {
    let (mut head, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        head.headers.entry(CONTENT_LENGTH).or_insert(length.into());
    }
    Response::from_parts(head, Either::Right(Full::default()))
}

/// Why a request did not reach the handler, or came to nothing there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    MethodIsConnect,
    HostIsMissing,
    HostIsRepeated,
    HostIsMalformed,
    HostDiffersFromTarget,
    HostIsNotServed,
    HostAsksOtherwiseForCertificates,
    TooManyHeaders,
    BodyIsTooLarge,
    Panicked,
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Self::MethodIsConnect => StatusCode::METHOD_NOT_ALLOWED,
            Self::HostIsMissing
            | Self::HostIsRepeated
            | Self::HostIsMalformed
            | Self::HostDiffersFromTarget => StatusCode::BAD_REQUEST,
            Self::HostIsNotServed | Self::HostAsksOtherwiseForCertificates => StatusCode::MISDIRECTED_REQUEST,
            Self::TooManyHeaders => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::BodyIsTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::MethodIsConnect => "CONNECT is not allowed here.",
            Self::HostIsMissing => "The request names no host.",
            Self::HostIsRepeated => "The request names its host more than once.",
            Self::HostIsMalformed => "The request's host is malformed.",
            Self::HostDiffersFromTarget => "The request names two different hosts.",
            Self::HostIsNotServed => "This server does not serve the host that the request names.",
            Self::HostAsksOtherwiseForCertificates => {
                "The request names a host that asks for client certificates otherwise than this connection did."
            }
            Self::TooManyHeaders => "The request has too many headers.",
            Self::BodyIsTooLarge => "The request's body is too large.",
            Self::Panicked => "An error occurred.",
        }
    }

    fn response<B>(self, activity_id: ActivityId, version: Version) -> Response<Answer<B>> {
        let text = format!("{}\r\nActivity ID: {activity_id}\r\n", self.text());
        let mut response = Response::new(Either::Right(Full::from(text)));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        // What follows on the connection cannot be relied on, or will not be read.
        if version < Version::HTTP_2 && self != Self::Panicked {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// The checks of every request. `secured`: what the connection's handshake settled, and what is served now.
fn check(
    head: &Parts,
    body: &impl Body,
    limits: &Limits,
    secured: Option<(&TlsInfo, &Tls)>,
) -> Result<(), Refusal> {
    if head.method == Method::CONNECT {
        return Err(Refusal::MethodIsConnect);
    }
    if head.headers.len() > limits.header_count {
        return Err(Refusal::TooManyHeaders);
    }
    if body.size_hint().lower() > limits.body_bytes as u64 {
        return Err(Refusal::BodyIsTooLarge);
    }
    let (Some(host), Some((connection, tls))) = (host(head)?, secured) else { return Ok(()) };
    // A probe by address names no server in its handshake, and any host in its request.
    if connection.sni.is_some() && !is_loopback(&host) && !tls.serves(&host) {
        return Err(Refusal::HostIsNotServed);
    }
    // RFC 9110 15.5.20, RFC 8740: a connection cannot be asked for a certificate it was not made with, and one
    // that was made with a certificate does not speak for its client elsewhere.
    if !tls.asks_the_same(&host, &connection.client_certificates) {
        return Err(Refusal::HostAsksOtherwiseForCertificates);
    }
    Ok(())
}

/// The host the request is for, lower case: RFC 9112 3.2, RFC 9113 8.3.1.
fn host(head: &Parts) -> Result<Option<String>, Refusal> {
    let mut lines = head.headers.get_all(HOST).iter();
    let line = lines.next();
    if lines.next().is_some() {
        return Err(Refusal::HostIsRepeated);
    }
    let line = line.map(|line| Authority::try_from(line.as_bytes()).map_err(|_| Refusal::HostIsMalformed));
    let line = line.transpose()?;
    let target = head.uri.authority();
    if [line.as_ref(), target].into_iter().flatten().any(|authority| authority.as_str().contains('@')) {
        return Err(Refusal::HostIsMalformed);
    }
    let port = if head.uri.scheme() == Some(&Scheme::HTTP) { 80 } else { 443 };
    let parts = |authority: &Authority| {
        let host = authority.host().to_ascii_lowercase();
        let host = host.strip_suffix('.').map(str::to_owned).unwrap_or(host);
        (host, authority.port_u16().unwrap_or(port))
    };
    match (target.map(parts), line.as_ref().map(parts)) {
        (Some(target), Some(line)) if target != line => Err(Refusal::HostDiffersFromTarget),
        (Some((host, _)), _) | (None, Some((host, _))) => Ok(Some(host)),
        (None, None) if head.version == Version::HTTP_11 => Err(Refusal::HostIsMissing),
        (None, None) => Ok(None),
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host_of(version: Version, target: &str, hosts: &[&str]) -> Result<Option<String>, Refusal> {
        let mut request = Request::get(target).version(version);
        for value in hosts {
            request = request.header("host", *value);
        }
        host(&request.body(()).unwrap().into_parts().0)
    }

    /// Security case 73.
    #[test]
    fn a_request_names_exactly_one_host() {
        let h1 = Version::HTTP_11;
        for (target, hosts, expected) in [
            ("/", &["FS.Example.com:8443"][..], Ok("fs.example.com")),
            ("/", &["fs.example.com."], Ok("fs.example.com")),
            ("/", &["[::1]:8443"], Ok("[::1]")),
            ("https://fs.example.com/", &["fs.example.com:443"], Ok("fs.example.com")),
            ("https://fs.example.com/", &[], Ok("fs.example.com")),
            ("http://fs.example.com/", &["fs.example.com:80"], Ok("fs.example.com")),
            ("/", &[], Err(Refusal::HostIsMissing)),
            ("/", &["a", "a"], Err(Refusal::HostIsRepeated)),
            ("/", &["a", "b"], Err(Refusal::HostIsRepeated)),
            ("/", &[""], Err(Refusal::HostIsMalformed)),
            ("/", &["a/b"], Err(Refusal::HostIsMalformed)),
            ("/", &["a b"], Err(Refusal::HostIsMalformed)),
            ("/", &["user@a"], Err(Refusal::HostIsMalformed)),
            ("https://evil.example/", &["fs.example.com"], Err(Refusal::HostDiffersFromTarget)),
            ("https://fs.example.com:444/", &["fs.example.com"], Err(Refusal::HostDiffersFromTarget)),
        ] {
            let expected = expected.map(|host| Some(host.to_owned()));
            assert_eq!(host_of(h1, target, hosts), expected, "{target} {hosts:?}");
        }
        assert_eq!(host_of(Version::HTTP_10, "/", &[]), Ok(None));
    }

    #[test]
    fn loopback_names_are_known() {
        for host in ["localhost", "x.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example.com", "128.0.0.1", "[::2]", "notlocalhost"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
