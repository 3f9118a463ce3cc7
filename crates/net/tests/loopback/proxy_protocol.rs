//! Load balancers that name their clients before the first byte.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use net::{Limits, Protocol, Server, ServerHandle, Settings, TrustedHops};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::support::{
    HELLO, NAME, certificate, listener, loopback, paths, plain, raw, read_to_end, settings, tls, trusting,
};

const CONTEXT: &str =
    "GET /context HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\nConnection: close\r\n\r\n";
const V1: &[u8] = b"PROXY TCP4 198.51.100.4 192.0.2.1 49152 443\r\n";

fn v2() -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x29".to_vec();
    header.extend_from_slice(&"2001:db8::4".parse::<std::net::Ipv6Addr>().unwrap().octets());
    header.extend_from_slice(&"2001:db8::1".parse::<std::net::Ipv6Addr>().unwrap().octets());
    // Ports 49152 and 443, then a TLV (NOOP) of two bytes.
    header.extend_from_slice(&[0xc0, 0, 0x01, 0xbb, 4, 0, 2, 0, 0]);
    header
}

struct Setting {
    handle: ServerHandle,
    http: SocketAddr,
    https: SocketAddr,
    root: crate::support::Certificate,
}

/// A server that takes PROXY headers from the given load balancers.
fn server(trusted: &str, limits: Limits) -> Setting {
    let root = certificate(NAME);
    let mut listeners = vec![
        plain("http", loopback()),
        listener("https", loopback(), Protocol::Tls(tls(&[root.named(NAME)], 1))),
    ];
    for listener in &mut listeners {
        listener.proxy_protocol = true;
    }
    let trusted_hops =
        TrustedHops { load_balancers: vec![trusted.parse().unwrap()], ..TrustedHops::default() };
    let server = Server::bind(Settings { trusted_hops, limits, ..settings(listeners) }).unwrap();
    let addresses = server.addresses();
    Setting { handle: server.start(paths()), http: addresses[0].1, https: addresses[1].1, root }
}

fn has(text: &str, expected: &[&str]) {
    for line in expected {
        assert!(text.contains(line), "{line} in {text}");
    }
}

#[tokio::test]
async fn the_client_is_whom_a_trusted_load_balancer_names_in_either_version() {
    let server = server("127.0.0.1", Limits::default());
    let text = raw(server.http, [V1, CONTEXT.as_bytes()].concat()).await;
    // What the client itself writes about addresses is not believed.
    has(&text, &["peer: 198.51.100.4:49152", "local: 192.0.2.1:443", "client: 198.51.100.4,", "127.0.0.1:"]);

    let stream = async |header: &[u8]| {
        let mut stream = TcpStream::connect(server.https).await.unwrap();
        stream.write_all(header).await.unwrap();
        let connector = TlsConnector::from(trusting(&[&server.root.der], &["http/1.1"]));
        connector.connect(NAME.try_into().unwrap(), stream).await
    };
    for (header, client) in [(V1.to_vec(), "198.51.100.4"), (v2(), "2001:db8::4")] {
        let mut tls = stream(&header).await.unwrap();
        let request = CONTEXT.replace("Host: a", &format!("Host: {NAME}"));
        tls.write_all(request.as_bytes()).await.unwrap();
        has(&read_to_end(&mut tls).await, &[&format!("client: {client},"), "via: Some("]);
    }
    // A header in two pieces, and a header and a handshake in one.
    let mut pieces = TcpStream::connect(server.http).await.unwrap();
    pieces.set_nodelay(true).unwrap();
    for byte in [V1, HELLO.as_bytes()].concat() {
        pieces.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    has(&read_to_end(&mut pieces).await, &["hello by GET"]);
}

#[tokio::test]
async fn a_balancers_own_connections_keep_their_address() {
    let server = server("127.0.0.1", Limits::default());
    let local = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\0\0";
    for header in [&b"PROXY UNKNOWN\r\n"[..], local] {
        let request = CONTEXT.replace("X-Forwarded-For: 203.0.113.9\r\n", "");
        let text = raw(server.http, [header, request.as_bytes()].concat()).await;
        has(&text, &["via: None", "client: 127.0.0.1,"]);
    }
}

/// Security case 71: only a load balancer names clients.
#[tokio::test]
async fn a_header_from_anybody_else_is_refused_and_a_request_without_one_is_served() {
    let server = server("192.0.2.77", Limits::default());
    for header in [V1.to_vec(), v2()] {
        let text = raw(server.http, [&header[..], HELLO.as_bytes()].concat()).await;
        assert!(text.starts_with("HTTP/1.1 400 "), "{text}");
        assert!(!text.contains("hello"), "{text}");
        let text = raw(server.https, [&header[..], HELLO.as_bytes()].concat()).await;
        assert!(!text.contains("hello"), "{text}");
    }
    has(&raw(server.http, CONTEXT).await, &["client: 127.0.0.1,", "via: None"]);
}

/// Security case 71: where a listener does not take headers, they are garbage from trusted hops too.
#[tokio::test]
async fn a_listener_takes_no_headers_unless_it_is_set_to() {
    let hops = TrustedHops { load_balancers: vec!["127.0.0.1".parse().unwrap()], ..TrustedHops::default() };
    let listeners = vec![plain("http", loopback())];
    let server = Server::bind(Settings { trusted_hops: hops, ..settings(listeners) }).unwrap();
    let address = server.addresses()[0].1;
    let _handle = server.start(paths());
    let text = raw(address, [V1, HELLO.as_bytes()].concat()).await;
    assert!(text.starts_with("HTTP/1.1 400 "), "{text}");
}

#[tokio::test]
async fn a_trusted_load_balancer_without_a_header_or_with_a_slow_one_is_cut() {
    let short = Duration::from_millis(300);
    let server = server("127.0.0.0/8", Limits { handshake_timeout: short, ..Limits::default() });
    for garbage in [HELLO, "PROXY TCP4 a b 1 2\r\nGET / HTTP/1.1\r\n\r\n", "\u{16}\u{3}\u{1}aaaaaaaaaaaa"] {
        assert_eq!(raw(server.http, garbage).await, "", "{garbage:?}");
        assert_eq!(raw(server.https, garbage).await, "", "{garbage:?}");
    }
    let started = Instant::now();
    assert_eq!(raw(server.http, &V1[..20]).await, "");
    assert!(started.elapsed() >= short);
    assert_eq!(server.handle.drain(Duration::from_secs(20)).await.cut, 0);
}

/// Security case 75: behind a load balancer the limits hold for each client.
#[tokio::test]
async fn one_client_behind_a_load_balancer_has_only_so_many_connections() {
    let server = server("127.0.0.1", Limits { connections_per_address: 2, ..Limits::default() });
    let connect = async |client: &str| {
        let mut stream = TcpStream::connect(server.http).await.unwrap();
        let request = HELLO.replace("Connection: close\r\n", "");
        let header = format!("PROXY TCP4 {client} 192.0.2.1 49152 443\r\n{request}");
        stream.write_all(header.as_bytes()).await.unwrap();
        let mut first = [0; 5];
        let read = tokio::io::AsyncReadExt::read(&mut stream, &mut first).await;
        (stream, read.unwrap_or(0) > 0)
    };
    let (one, two) = (connect("198.51.100.4").await, connect("198.51.100.4").await);
    assert!(one.1 && two.1);
    assert!(!connect("198.51.100.4").await.1);
    assert!(connect("198.51.100.5").await.1);
}
