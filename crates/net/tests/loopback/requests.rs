//! What handlers and clients see.

use http::{Method, Request, StatusCode};
use http_body_util::Full;
use net::{Limits, TrustedHops};

use crate::support::{NAME, Running, SOON, get, get2, start, start_with};

#[tokio::test]
async fn http_1_and_2_are_served_on_one_port() {
    let server = start();
    let (mut h1, mut h2) = (server.h1().await, server.h2().await);
    for _ in 0..2 {
        assert_eq!(h1.send(get("/hello")).await.text, "hello by GET");
        assert_eq!(h2.send(get2("/hello")).await.text, "hello by GET");
    }
    let missing = h1.send(get("/missing")).await;
    assert_eq!((missing.status, missing.text.as_str()), (StatusCode::NOT_FOUND, "nothing here"));
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let server = start();
    let mut request = get("/hello");
    *request.method_mut() = Method::HEAD;
    let head = server.h1().await.send(request).await;
    assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
    assert_eq!(head.headers["content-length"], "12");

    let mut request = get2("/hello");
    *request.method_mut() = Method::HEAD;
    let head = server.h2().await.send(request).await;
    assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
    assert_eq!(head.headers["content-length"], "12");

    // On one connection: the answer that follows is not taken for the missing body.
    let both =
        "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let text = server.raw(both).await;
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 2, "{text}");
    assert_eq!(text.matches("hello by GET").count(), 1, "{text}");
}

#[tokio::test]
async fn the_date_is_that_of_the_injected_clock() {
    let answer = start().h1().await.send(get("/hello")).await;
    assert_eq!(answer.headers["date"], "Tue, 24 Nov 2026 08:00:00 GMT");
}

#[tokio::test]
async fn a_body_over_the_limit_is_answered_413_whether_announced_or_not() {
    let limits = Limits { body_bytes: 600, ..Limits::default() };
    let server = start_with(limits, TrustedHops::default(), SOON);
    let post = |bytes: usize| {
        let body = Full::from(vec![b'a'; bytes]);
        Request::post("/body").header("host", NAME).body(body).unwrap()
    };
    assert_eq!(server.h1().await.send(post(600)).await.text, "600 bytes");
    let announced = server.h1().await.send(post(601)).await;
    assert_eq!(announced.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(announced.headers["connection"], "close");
    assert!(announced.text.contains("Activity ID: "), "{}", announced.text);

    let mut post2 = post(601);
    *post2.uri_mut() = format!("https://{NAME}/body").parse().unwrap();
    post2.headers_mut().remove("host");
    assert_eq!(server.h2().await.send(post2).await.status, StatusCode::PAYLOAD_TOO_LARGE);

    let chunk = format!("190\r\n{}\r\n", "a".repeat(400));
    let chunked = "POST /body HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    let fits = server.raw(format!("{chunked}{chunk}0\r\n\r\n")).await;
    assert!(fits.ends_with("400 bytes"), "{fits}");
    let exceeds = server.raw(format!("{chunked}{chunk}{chunk}0\r\n\r\n")).await;
    assert!(exceeds.starts_with("HTTP/1.1 413 "), "{exceeds}");
}

#[tokio::test]
async fn a_large_body_that_is_refused_still_gets_its_answer() {
    let server = start();
    let body = "a".repeat(8 * 1_024 * 1_024);
    let request = format!("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let text = server.raw(request).await;
    assert!(text.starts_with("HTTP/1.1 413 "), "{text}");
}

#[tokio::test]
async fn a_panic_ends_one_request_only() {
    let server = start();
    let mut h2 = server.h2().await;
    let mut other = h2.sender.clone();
    let waiting = tokio::spawn(async move { other.send_request(get2("/wait")).await.unwrap().status() });
    server.paths.waiting.notified().await;
    let failed = h2.send(get2("/panic")).await;
    assert_eq!(failed.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!failed.text.contains("a handler fails"), "{}", failed.text);
    server.paths.go_on.notify_one();
    assert_eq!(waiting.await.unwrap(), StatusCode::OK);
    let mut h1 = server.h1().await;
    assert_eq!(h1.send(get("/panic")).await.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(h1.send(get("/hello")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_context_tells_what_the_connection_is() {
    let server = start();
    let text = server.h2().await.send(get2("/context")).await.text;
    for expected in [
        "listener: \"https\"",
        &format!("local: {}", server.https),
        "\"fs.example.com\",",
        "h2: true",
        "inside_corporate_network: true",
        "endpoint_path: \"/context\"",
        "method: GET",
        "started: 2026-11-24T08:00:00.000Z",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    let text = server.raw("GET /context HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(text.contains("tls: None") && text.contains("listener: \"http\""), "{text}");
}

async fn client_of(server: &Running, headers: &str) -> String {
    let request = format!("GET /context HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n");
    let text = server.raw(request).await;
    let line = text.lines().find_map(|line| line.trim().strip_prefix("client: ")).unwrap();
    line.trim_end_matches(',').to_owned()
}

/// Security case 71.
#[tokio::test]
async fn a_spoofed_address_is_believed_from_trusted_hops_only() {
    let spoofed = "X-Forwarded-For: 203.0.113.9\r\nX-MS-Forwarded-Client-IP: 203.0.113.9\r\n";
    assert_eq!(client_of(&start(), spoofed).await, "127.0.0.1");

    let hops = TrustedHops { load_balancers: vec!["127.0.0.1".parse().unwrap()], ..TrustedHops::default() };
    let behind_balancer = start_with(Limits::default(), hops, SOON);
    let appended = "X-Forwarded-For: 203.0.113.9, 198.51.100.4\r\nX-MS-Forwarded-Client-IP: 203.0.113.9\r\n";
    assert_eq!(client_of(&behind_balancer, appended).await, "198.51.100.4");

    let hops = TrustedHops { proxies: vec!["127.0.0.0/8".parse().unwrap()], ..TrustedHops::default() };
    let behind_proxy = start_with(Limits::default(), hops, SOON);
    let headers = "X-Forwarded-For: 203.0.113.9\r\nX-MS-Forwarded-Client-IP: ::ffff:198.51.100.4\r\n";
    assert_eq!(client_of(&behind_proxy, headers).await, "198.51.100.4");
}

#[tokio::test]
async fn a_host_that_is_not_served_is_misdirected_when_the_client_named_a_server() {
    let server = start();
    let mut h1 = server.h1().await;
    let ask = |host: &str| Request::get("/hello").header("host", host).body(Full::default()).unwrap();
    for host in [NAME, "FS.example.com:443", "localhost:8443", "127.0.0.1"] {
        assert_eq!(h1.send(ask(host)).await.status, StatusCode::OK, "{host}");
    }
    assert_eq!(h1.send(ask("other.example.com")).await.status, StatusCode::MISDIRECTED_REQUEST);
    let mut h2 = server.h2().await;
    let other = Request::get("https://other.example.com/hello").body(Full::default()).unwrap();
    assert_eq!(h2.send(other).await.status, StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(h2.send(get2("/hello")).await.status, StatusCode::OK);
    // A probe by address names no server, and any host.
    assert!(server.raw("GET /hello HTTP/1.0\r\nHost: x\r\n\r\n").await.starts_with("HTTP/1.0 200 OK"));
}
