//! Messages on whose end two servers could disagree.

use crate::support::{Running, read_to_end, start};
use tokio::io::AsyncWriteExt;

/// One answer, and that is the refusal: nothing of what follows is taken for a request.
async fn is_refused(server: &Running, message: &str) {
    let text = server.raw(format!("{message}GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")).await;
    assert!(text.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{message:?}: {text}");
    assert_eq!(text.matches("HTTP/1.1").count(), 1, "{message:?}: {text}");
}

/// Security case 73.
#[tokio::test]
async fn two_framings_in_one_message_are_refused() {
    let server = start();
    for headers in [
        "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
        "Transfer-Encoding: x, chunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: +5\r\n",
        "X: y\r\n Content-Length: 5\r\n",
    ] {
        is_refused(&server, &format!("POST /body HTTP/1.1\r\nHost: a\r\n{headers}\r\n0\r\n\r\nG")).await;
    }
}

/// Security case 73.
#[tokio::test]
async fn a_bare_line_feed_or_carriage_return_is_refused() {
    let server = start();
    for message in [
        "GET /hello HTTP/1.1\nHost: a\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a\r\nX: y\nContent-Length: 5\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a\r\nX: y\rContent-Length: 5\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a\r\n\n",
    ] {
        is_refused(&server, message).await;
    }
}

/// Security case 73: the head is fine and with the handler, which is told that the body is broken.
#[tokio::test]
async fn a_malformed_chunk_is_refused() {
    let server = start();
    for body in
        ["5 \r\nabcde\r\n0\r\n\r\n", "5\nabcde\r\n0\r\n\r\n", "5\r\nabcdef\r\n0\r\n\r\n", "0\r\nT: v\n\r\n"]
    {
        is_refused(
            &server,
            &format!("POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}"),
        )
        .await;
    }
}

/// Security case 73.
#[tokio::test]
async fn a_host_that_is_missing_repeated_or_contradicted_is_refused() {
    let server = start();
    for head in [
        "GET /hello HTTP/1.1\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET http://evil.example/hello HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        is_refused(&server, head).await;
    }
}

#[tokio::test]
async fn a_message_that_arrives_byte_by_byte_is_read_and_refused_alike() {
    let server = start();
    for (message, expected) in [
        (
            "POST /body HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
            "HTTP/1.1 200 OK",
        ),
        ("GET /hello HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", "HTTP/1.1 400 Bad Request"),
    ] {
        let mut stream = tokio::net::TcpStream::connect(server.http).await.unwrap();
        stream.set_nodelay(true).unwrap();
        for byte in message.as_bytes() {
            let _ = stream.write_all(&[*byte]).await;
            tokio::task::yield_now().await;
        }
        let text = read_to_end(&mut stream).await;
        assert!(text.starts_with(expected), "{text}");
    }
}
