//! What is known about a request before anybody looks at what it asks.

use std::net::SocketAddr;
use std::sync::Arc;

use base::{ActivityId, Clock, Guid, Random, Timestamp};
use http::header::USER_AGENT;
use http::request::Parts;
use http::{HeaderMap, Method, Uri};
use rustls::pki_types::CertificateDer;

use crate::client_certificates::ClientCertificates;
use crate::hops::{ClientAddresses, TrustedHops};

/// Characters of a header value that are kept.
const LONGEST_VALUE: usize = 1_024;

/// One connection, the same for all its requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Name of the listener, as configured.
    pub listener: Arc<str>,
    /// The other end: as the load balancer named it by the PROXY protocol, else that of the socket.
    pub peer: SocketAddr,
    /// This end, likewise.
    pub local: SocketAddr,
    /// The load balancer at the other end of the socket, when it named the client by the PROXY protocol.
    pub via: Option<SocketAddr>,
    /// Present when the connection is encrypted.
    pub tls: Option<TlsInfo>,
}

/// What the TLS handshake settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsInfo {
    /// The name the client asked for, lower case; none when it sent none.
    pub sni: Option<String>,
    /// Whether HTTP/2 was agreed on.
    pub h2: bool,
    /// `tls-server-end-point` of our certificate (RFC 5929 4.1), for channel binding. None when its signature
    /// algorithm has no hash.
    pub server_end_point: Option<Arc<[u8]>>,
    /// What the client was asked for in its handshake.
    pub client_certificates: Arc<ClientCertificates>,
    /// The chain that the client showed, its own certificate first; empty when it showed none. The client has
    /// the key of the first. Unless it was asked under [`Issuers::Trusted`](crate::Issuers::Trusted), nothing
    /// else has been checked.
    pub client_chain: Arc<[CertificateDer<'static>]>,
}

/// Headers of a request as received, for audits. Not one of them may decide anything: the values that may
/// are fields of [`RequestContext`]. Cut at 1,024 characters, control characters replaced by `?`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestHeaders {
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// `client-request-id`.
    pub client_request_id: Option<String>,
    /// `X-Forwarded-For`.
    pub forwarded_for: Option<String>,
    /// `X-MS-Client-Application`.
    pub client_application: Option<String>,
    /// `X-MS-Client-User-Agent`.
    pub client_user_agent: Option<String>,
    /// `X-MS-Endpoint-Absolute-Path`.
    pub endpoint_absolute_path: Option<String>,
    /// `X-MS-Forwarded-Client-IP`.
    pub forwarded_client_ip: Option<String>,
    /// `X-MS-Proxy`.
    pub proxy: Option<String>,
    /// `X-MS-ADFS-Proxy-Client-IP`.
    pub proxy_client_ip: Option<String>,
}

/// One request: where it came from, when, and under which activity id it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestContext {
    /// Joins the error page, the audits and the journal of this request.
    pub activity_id: ActivityId,
    /// Number of the request since the process started.
    pub number: u64,
    /// When its head had been read.
    pub started: Timestamp,
    /// As received: a handler sees `GET` in place of `HEAD`.
    pub method: Method,
    /// The connection it came over.
    pub connection: Arc<Connection>,
    /// The client's address and those on the way.
    pub addresses: ClientAddresses,
    /// False as soon as `X-MS-Proxy` is present, whoever sent it: claiming to be outside can only take
    /// privileges away.
    pub inside_corporate_network: bool,
    /// Name of the proxy, believed only from a trusted one.
    pub proxy: Option<String>,
    /// The path the client asked for: as a trusted proxy names it, else the request's own.
    pub endpoint_path: String,
    /// Headers for audits.
    pub headers: RequestHeaders,
}

impl RequestContext {
    /// Reads one request's head.
    pub fn read(
        head: &Parts,
        connection: Arc<Connection>,
        hops: &TrustedHops,
        clock: &dyn Clock,
        random: &dyn Random,
        number: u64,
    ) -> Self {
        let addresses = ClientAddresses::read(connection.peer.ip(), &head.headers, hops);
        let headers = RequestHeaders::read(&head.headers);
        let from_proxy = |value: &Option<String>| value.clone().filter(|_| addresses.through_proxy);
        Self {
            activity_id: sent_activity_id(&head.uri, headers.client_request_id.as_deref())
                .unwrap_or_else(|| made_activity_id(random, number)),
            number,
            started: clock.now(),
            method: head.method.clone(),
            inside_corporate_network: headers.proxy.is_none(),
            proxy: from_proxy(&headers.proxy),
            endpoint_path: from_proxy(&headers.endpoint_absolute_path)
                .unwrap_or_else(|| clean(head.uri.path().as_bytes())),
            connection,
            addresses,
            headers,
        }
    }
}

impl RequestHeaders {
    fn read(headers: &HeaderMap) -> Self {
        let value = |name: &str| {
            let mut joined = Vec::new();
            for line in headers.get_all(name) {
                if !joined.is_empty() {
                    joined.push(b',');
                }
                joined.extend_from_slice(line.as_bytes());
                if joined.len() >= LONGEST_VALUE {
                    break;
                }
            }
            headers.contains_key(name).then(|| clean(&joined))
        };
        Self {
            user_agent: value(USER_AGENT.as_str()),
            client_request_id: value("client-request-id"),
            forwarded_for: value("x-forwarded-for"),
            client_application: value("x-ms-client-application"),
            client_user_agent: value("x-ms-client-user-agent"),
            endpoint_absolute_path: value("x-ms-endpoint-absolute-path"),
            forwarded_client_ip: value("x-ms-forwarded-client-ip"),
            proxy: value("x-ms-proxy"),
            proxy_client_ip: value("x-ms-adfs-proxy-client-ip"),
        }
    }
}

/// Text that is safe in a log line: bounded, no control characters.
fn clean(value: &[u8]) -> String {
    let kept = value.get(..value.len().min(LONGEST_VALUE)).unwrap_or(value);
    let text = String::from_utf8_lossy(kept);
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// `client-request-id`: the query parameter wins over the header. The all-zero GUID means "no id".
fn sent_activity_id(uri: &Uri, header: Option<&str>) -> Option<ActivityId> {
    let parameter = uri.query().and_then(|query| {
        query.split('&').take(256).find_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            name.eq_ignore_ascii_case("client-request-id").then_some(value)
        })
    });
    let parameter = parameter.and_then(|v| percent_encoding::percent_decode_str(v).decode_utf8().ok());
    [parameter.as_deref(), header]
        .into_iter()
        .flatten()
        .filter_map(|text| text.parse::<Guid>().ok())
        .find(|guid| *guid != Guid::NIL)
        .map(ActivityId)
}

/// `xxxxxxxx-xxxx-4xxx-NNNN-0080NN0000NN`: eight random bytes, then the number of the request, in the order
/// in which Windows' HTTP service lays it out.
fn made_activity_id(random: &dyn Random, number: u64) -> ActivityId {
    let [r0, r1, r2, r3, r4, r5, r6, r7] = random.bytes::<8>();
    let [n0, n1, n2, n3, ..] = number.to_le_bytes();
    let version = (r6 & 0x0f) | 0x40;
    let bytes = [r0, r1, r2, r3, r4, r5, version, r7, n0, n1, 0x00, 0x80, n2, 0x00, 0x00, n3];
    ActivityId(Guid::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{ManualClock, SeededRandom};
    use http::Request;

    fn context(request: http::request::Builder, peer: &str) -> RequestContext {
        let (head, ()) = request.body(()).unwrap().into_parts();
        let connection = Connection {
            listener: "https".into(),
            peer: peer.parse().unwrap(),
            local: "192.0.2.1:443".parse().unwrap(),
            via: None,
            tls: None,
        };
        let hops = TrustedHops { proxies: vec!["10.0.1.7".parse().unwrap()], ..TrustedHops::default() };
        let clock = ManualClock::new(Timestamp::from_seconds(1_500_000_000));
        RequestContext::read(&head, connection.into(), &hops, &clock, &SeededRandom::new(7), 0xa103de)
    }

    #[test]
    fn the_parameter_wins_over_the_header_and_the_header_over_our_own() {
        let (one, two) = ("11111111-2222-4333-8444-555555555555", "7F5E2A60-0C3B-4D83-9A52-1E9C8F8D2B11");
        let peer = "198.51.100.4:5000";
        let both = Request::get(format!("/adfs/ls/?a=b&Client-Request-ID={one}"));
        let both = both.header("client-request-id", two);
        assert_eq!(context(both, peer).activity_id.to_string(), one);
        let header = Request::get("/adfs/ls/").header("client-request-id", two);
        assert_eq!(context(header, peer).activity_id.to_string(), two.to_lowercase());
        let braces = Request::get(format!("/?client-request-id=%7B{two}%7d"));
        assert_eq!(context(braces, peer).activity_id.to_string(), two.to_lowercase());
    }

    #[test]
    fn an_id_is_made_when_none_was_sent_or_it_is_no_guid_or_all_zero() {
        for uri in [
            "/adfs/ls/",
            "/?client-request-id=00000000-0000-0000-0000-000000000000",
            "/?client-request-id=%ff",
            "/?client-request-id=1",
            "/?client-request-id",
        ] {
            let id = context(Request::get(uri), "198.51.100.4:5000").activity_id.to_string();
            assert_eq!(id.as_bytes()[14], b'4', "{id}");
            assert!(id.ends_with("-de03-0080a1000000"), "{id}");
        }
    }

    /// Security case 71.
    #[test]
    fn headers_of_a_proxy_count_only_from_a_trusted_one_but_always_mean_outside() {
        let request = || {
            Request::get("/adfs/ls/")
                .header("x-ms-proxy", "wap1")
                .header("x-ms-endpoint-absolute-path", "/adfs/other")
                .header("x-ms-forwarded-client-ip", "203.0.113.9")
        };
        let spoofed = context(request(), "198.51.100.4:5000");
        assert_eq!(spoofed.proxy, None);
        assert_eq!(spoofed.endpoint_path, "/adfs/ls/");
        assert_eq!(spoofed.addresses.client.to_string(), "198.51.100.4");
        assert!(!spoofed.inside_corporate_network);
        assert_eq!(spoofed.headers.forwarded_client_ip.as_deref(), Some("203.0.113.9"));

        let real = context(request(), "10.0.1.7:5000");
        assert_eq!(real.proxy.as_deref(), Some("wap1"));
        assert_eq!(real.endpoint_path, "/adfs/other");
        assert_eq!(real.addresses.client.to_string(), "203.0.113.9");
        assert!(!real.inside_corporate_network);

        assert!(context(Request::get("/"), "198.51.100.4:5000").inside_corporate_network);
    }

    #[test]
    fn values_are_bounded_and_cannot_forge_a_line() {
        let long = "a".repeat(5_000);
        let request = Request::get("/").header("user-agent", &long);
        let request = request.header("x-ms-client-application", &b"Outlook\t\xff\x1b".as_slice()[..9]);
        let headers = context(request, "198.51.100.4:5000").headers;
        assert_eq!(headers.user_agent.unwrap().len(), 1_024);
        assert_eq!(headers.client_application.unwrap(), "Outlook?\u{fffd}");
    }
}
