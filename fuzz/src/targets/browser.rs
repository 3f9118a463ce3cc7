//! What browsers and proxies send: forms, cookies, sessions, heads of requests.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, LazyLock};

use base::{SeededRandom, SystemClock};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use keys::{CookieKeys, MasterKey};
use net::{ClientAddresses, Connection, RequestContext, TrustedHops};
use server::pages::Language;
use sts::Session;

use crate::private::cookies;
use crate::private::form::Form;

pub(crate) const COOKIE_PIECES: &[&str] =
    &["; MSISAuth=", "; MSISAuth1=", "MSISAuth2", "=", ";", "; ", "\n", "\t", "\"", "$Version"];

pub(crate) const HEADER_PIECES: &[&str] = &[
    "\nX-Forwarded-For: 192.0.2.7",
    "\nX-MS-Forwarded-Client-IP: 198.51.100.1,10.0.0.9",
    "\nX-MS-Proxy: WAP",
    "\nclient-request-id: 6a1f3a1c-9d3c-4f4e-8d0e-3a5e2d4f0b11",
    "\nAccept-Language: ja;q=0.5, en",
    "10.0.0.9",
    "[2001:db8::1]:443",
    "::ffff:10.0.0.9",
    ",",
    "%",
    ";q=",
];

/// No pair is lost or made up by decoding: a name that was sent once has a value.
pub(crate) fn form(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    let form = Form::parse(&text);
    let fields = ["UserName", "Password", "AuthMethod", "Kmsi", "wa", "SAMLRequest", "RelayState"];
    let sent = fields.into_iter().filter(|name| form.has(name));
    let read: Vec<&str> = sent.filter_map(|name| form.get(name)).collect();
    !read.is_empty()
}

/// Lines of the input are `Cookie` headers. What is read can be set again, or is too long for that.
pub(crate) fn cookies(input: &[u8]) -> bool {
    let mut headers = HeaderMap::new();
    for line in input.split(|byte| *byte == b'\n').take(64) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(http::header::COOKIE, value);
        }
    }
    let Some(value) = cookies::read(&headers, cookies::SESSION) else { return false };
    assert!(cookies::is_present(&headers, cookies::SESSION));
    for line in cookies::set(&headers, cookies::SESSION, "/adfs", &value).unwrap_or_default() {
        assert!(HeaderValue::from_str(&line).is_ok(), "{line:?}");
    }
    assert!(!cookies::delete(&headers, cookies::SESSION, "/adfs").is_empty());
    true
}

static COOKIE_KEYS: LazyLock<CookieKeys> = LazyLock::new(|| {
    let master = MasterKey::generate(&SeededRandom::new(1));
    CookieKeys::new(master.cookie_key(2).expect("a key"), master.cookie_key(1).ok())
});

/// What the cookies of the corpus hold.
const SEALED: &[u8] = b"a session";

/// Opened only as it was sealed.
pub(crate) fn sealed_cookie(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    let opened = COOKIE_KEYS.open_cookie("MSISAuth", &text);
    assert!(COOKIE_KEYS.open_cookie("MSISSamlRequest", &text).is_none(), "opened for another purpose");
    assert!(opened.iter().all(|opened| opened.as_slice() == SEALED), "{text}");
    opened.is_some()
}

/// The packed form of a session; what was read can be packed and read again.
pub(crate) fn session(input: &[u8]) -> bool {
    let Some(session) = Session::unpack(input) else { return false };
    assert_eq!(Session::unpack(&session.pack()).as_ref(), Some(&session));
    true
}

/// The first line is the target, the others are headers. A peer that is no trusted hop is the client, whatever
/// it says.
pub(crate) fn request_head(input: &[u8]) -> bool {
    let mut lines = input.split(|byte| *byte == b'\n');
    let Ok(mut request) = Request::get(lines.next().unwrap_or_default()).body(()) else { return false };
    for line in lines.take(64) {
        let mut halves = line.splitn(2, |byte| *byte == b':');
        let name = HeaderName::from_bytes(halves.next().unwrap_or_default());
        let value = HeaderValue::from_bytes(halves.next().unwrap_or_default().trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            request.headers_mut().append(name, value);
        }
    }
    let (head, ()) = request.into_parts();
    let _ = Language::negotiate(head.headers.get("accept-language").and_then(|value| value.to_str().ok()));
    let hops = TrustedHops {
        load_balancers: vec!["10.0.0.8/29".parse().expect("a block")],
        proxies: vec!["10.0.1.0/24".parse().expect("a block")],
        ..TrustedHops::default()
    };
    let mut forwarded = false;
    for peer in
        [[192, 0, 2, 7], [10, 0, 0, 9], [10, 0, 1, 1]].map(|octets| IpAddr::V4(Ipv4Addr::from(octets)))
    {
        let connection = Arc::new(Connection {
            listener: "https".into(),
            peer: SocketAddr::new(peer, 50_000),
            local: SocketAddr::from((Ipv4Addr::LOCALHOST, 443)),
            tls: None,
            via: None,
        });
        let random = SeededRandom::new(1);
        let context = RequestContext::read(&head, connection, &hops, &SystemClock::new(), &random, 1);
        let addresses = &context.addresses;
        if !hops.contains(peer) {
            assert_eq!((addresses.client, addresses.through_proxy, &context.proxy), (peer, false, &None));
        }
        assert!(addresses.all().len() <= 66, "{addresses:?}");
        assert!(!context.endpoint_path.contains(char::is_control));
        assert_eq!(ClientAddresses::read(peer, &head.headers, &hops), *addresses);
        forwarded |= addresses.client != peer;
    }
    forwarded
}
