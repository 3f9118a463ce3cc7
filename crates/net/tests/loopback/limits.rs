//! What a peer may use up.

use std::time::{Duration, Instant};

use http::{Request, StatusCode};
use http_body_util::Full;
use net::{Limits, TrustedHops};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{NAME, Running, SOON, get, get2, read_to_end, start, start_with};

const SHORT: Duration = Duration::from_millis(200);

fn limited(limits: Limits) -> Running {
    start_with(limits, TrustedHops::default(), SOON)
}

/// Security case 75.
#[tokio::test]
async fn a_head_that_is_too_large_is_answered_431() {
    let server = start();
    let large = format!("GET /hello HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "a".repeat(70 * 1_024));
    let many = format!("GET /hello HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: a\r\n".repeat(100));
    let endless = "GET /hello HTTP/1.1\r\nX: ".to_owned() + &"a".repeat(300 * 1_024);
    for bomb in [large, many, endless] {
        let text = server.raw(&bomb).await;
        assert!(text.starts_with("HTTP/1.1 431 "), "{}: {text}", bomb.len());
    }
    let ticket = Request::get("/hello").header("host", NAME).header("authorization", "a".repeat(60 * 1_024));
    assert_eq!(server.h1().await.send(ticket.body(Full::default()).unwrap()).await.status, StatusCode::OK);

    let mut h2 = server.h2().await;
    let mut request = get2("/hello");
    for n in 0..101 {
        request
            .headers_mut()
            .insert(http::HeaderName::try_from(format!("x-{n}")).unwrap(), "a".parse().unwrap());
    }
    assert_eq!(h2.send(request).await.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert_eq!(h2.send(get2("/hello")).await.status, StatusCode::OK);
}

/// Security case 75: a peer that never finishes its head.
#[tokio::test]
async fn slow_heads_are_cut() {
    let server = limited(Limits { header_read_timeout: SHORT, ..Limits::default() });
    for sent in ["", "GET /hello HTTP/1.1\r\nHost: a\r\n", "GET /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /"] {
        let mut stream = TcpStream::connect(server.http).await.unwrap();
        let started = Instant::now();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let text = read_to_end(&mut stream).await;
        assert!(started.elapsed() >= SHORT, "{sent:?}");
        assert_eq!(text.contains("hello"), sent.contains("\r\n\r\n"), "{sent:?}: {text}");
    }
}

/// Security case 75.
#[tokio::test]
async fn a_slow_body_is_answered_408() {
    let server = limited(Limits { body_read_timeout: SHORT, ..Limits::default() });
    let text = server.raw("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab").await;
    assert!(text.starts_with("HTTP/1.1 408 "), "{text}");
}

/// Security case 75.
#[tokio::test]
async fn a_handshake_that_does_not_end_is_cut() {
    let server = limited(Limits { handshake_timeout: SHORT, ..Limits::default() });
    for sent in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
        let mut stream = TcpStream::connect(server.https).await.unwrap();
        let started = Instant::now();
        stream.write_all(sent).await.unwrap();
        assert_eq!(read_to_end(&mut stream).await, "");
        assert!(started.elapsed() >= SHORT);
    }
    assert_eq!(server.h1().await.send(get("/hello")).await.status, StatusCode::OK);
}

/// Security case 75: NET-25.
#[tokio::test]
async fn many_handshakes_that_do_not_end_keep_nobody_waiting() {
    let server = start();
    let mut slow = Vec::new();
    for n in 0..200 {
        let mut stream = TcpStream::connect(server.https).await.unwrap();
        let sent = &b"\x16\x03\x01\x02\x00\x01"[..n % 7];
        stream.write_all(sent).await.unwrap();
        slow.push(stream);
    }
    for _ in 0..5 {
        let answer = tokio::time::timeout(SOON, async { server.h1().await.send(get("/hello")).await });
        assert_eq!(answer.await.unwrap().status, StatusCode::OK);
    }
    drop(slow);
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
    let server = limited(Limits { idle_timeout: SHORT, ..Limits::default() });
    let (mut h1, mut h2) = (server.h1().await, server.h2().await);
    let started = Instant::now();
    let waiting = tokio::spawn(async move {
        let answer = h1.send(get("/wait")).await;
        (h1, answer.text)
    });
    server.paths.waiting.notified().await;
    h2.send(get2("/hello")).await;
    // The idle one ends by itself …
    tokio::time::timeout(SOON, h2.connection).await.unwrap().unwrap();
    assert!(started.elapsed() >= SHORT);
    // … and the busy one, older and quiet for longer, still answers.
    server.paths.go_on.notify_one();
    let (h1, text) = waiting.await.unwrap();
    assert_eq!(text, "waited");
    tokio::time::timeout(SOON, h1.connection).await.unwrap().unwrap();
}

/// Security case 75.
#[tokio::test]
async fn one_address_has_only_so_many_connections() {
    let server = limited(Limits { connections_per_address: 2, ..Limits::default() });
    let mut first = server.h1().await;
    let second = server.h1().await;
    let mut third = TcpStream::connect(server.https).await.unwrap();
    assert_eq!(read_to_end(&mut third).await, "");
    assert_eq!(first.send(get("/hello")).await.status, StatusCode::OK);
    drop(second);
    // The place is free again as soon as the server has seen the end.
    loop {
        let text = server.raw("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        if !text.is_empty() {
            assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
            break;
        }
    }
}

#[tokio::test]
async fn when_all_places_are_taken_the_next_connection_waits() {
    let server = limited(Limits { connections: 1, ..Limits::default() });
    let mut first = server.h1().await;
    assert_eq!(first.send(get("/hello")).await.status, StatusCode::OK);
    let mut second = TcpStream::connect(server.http).await.unwrap();
    second.write_all(b"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut byte = [0];
    assert!(tokio::time::timeout(SHORT, second.read(&mut byte)).await.is_err());
    drop(first);
    assert!(read_to_end(&mut second).await.starts_with("HTTP/1.1 200 OK"));
}

/// Security case 75: CVE-2023-44487.
#[tokio::test]
async fn rapid_resets_end_the_connection() {
    let server = start();
    let mut stream = server.connect(NAME, &["h2"]).await;
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00".to_vec();
    for n in 0..2_000_u32 {
        let stream_id = (n * 2 + 1).to_be_bytes();
        // HEADERS: GET, https, /, and an authority; END_STREAM and END_HEADERS.
        let mut block = vec![0x82, 0x87, 0x84, 0x41, NAME.len() as u8];
        block.extend_from_slice(NAME.as_bytes());
        bytes.extend_from_slice(&[0, 0, block.len() as u8, 1, 5]);
        bytes.extend_from_slice(&stream_id);
        bytes.extend_from_slice(&block);
        // RST_STREAM: CANCEL.
        bytes.extend_from_slice(&[0, 0, 4, 3, 0]);
        bytes.extend_from_slice(&stream_id);
        bytes.extend_from_slice(&8_u32.to_be_bytes());
    }
    let _ = stream.write_all(&bytes).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await.expect("the server closes");
    // GOAWAY (7) with ENHANCE_YOUR_CALM (11).
    let goes_away = answer.windows(9).any(|frame| frame[3..5] == [7, 0]);
    assert!(goes_away && answer.windows(4).any(|code| code == [0, 0, 0, 11]), "{answer:?}");
    assert_eq!(server.h2().await.send(get2("/hello")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn plain_http_at_the_tls_port_gets_a_hint() {
    let server = start();
    let mut stream = TcpStream::connect(server.https).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let text = read_to_end(&mut stream).await;
    assert!(text.contains("This port speaks HTTPS"), "{text}");
}
