//! Binding, certificates that change, and the end.

use std::time::Duration;

use http::StatusCode;
use net::{Limits, Protocol, Server, TrustedHops};
use rustls::HandshakeKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{
    NAME, SOON, certificate, get, get2, handshake, listener, loopback, plain, settings, start, start_with,
    tls, trusting,
};

/// Security case 98.
#[tokio::test]
async fn a_taken_port_is_named_with_its_holder_and_nothing_stays_bound() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let held = holder.local_addr().unwrap();
    let listeners = || vec![plain("free", free), plain("certificate sign-in", held)];
    let error = Server::bind(settings(listeners())).err().unwrap();
    assert_eq!(error.0.len(), 1);
    let text = error.to_string();
    let start = format!(
        "the listener 'certificate sign-in' cannot listen at {held}: process {} (",
        std::process::id()
    );
    assert!(text.starts_with(&start) && text.ends_with(&format!(") holds {held} (LISTEN)")), "{text}");

    drop(holder);
    assert_eq!(Server::bind(settings(listeners())).unwrap().addresses().len(), 2);
}

/// Security case 98.
#[tokio::test]
async fn an_address_that_the_machine_does_not_have_is_named() {
    let error = Server::bind(settings(vec![plain("https", "192.0.2.1:0".parse().unwrap())])).err().unwrap();
    assert!(error.to_string().ends_with("this machine does not have the address 192.0.2.1"), "{error}");
}

#[tokio::test]
async fn a_drain_finishes_requests_in_progress_and_closes_the_rest() {
    let mut server = start();
    let (mut busy1, mut busy2, mut idle) = (server.h1().await, server.h2().await, server.h1().await);
    idle.send(get("/hello")).await;
    let one = tokio::spawn(async move { busy1.send(get("/wait")).await });
    server.paths.waiting.notified().await;
    let two = tokio::spawn(async move { busy2.send(get2("/wait")).await });
    server.paths.waiting.notified().await;

    server.stop();
    // The idle connection is closed, and no new one is taken, while two requests still run.
    tokio::time::timeout(SOON, idle.connection).await.unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(server.https).await.is_err());
    server.paths.go_on.notify_waiters();
    let one = one.await.unwrap();
    assert_eq!((one.status, one.text.as_str()), (StatusCode::OK, "waited"));
    assert_eq!(one.headers["connection"], "close");
    assert_eq!(two.await.unwrap().text, "waited");
    assert_eq!(tokio::time::timeout(SOON, server.ended).await.unwrap().unwrap().cut, 0);
}

#[tokio::test]
async fn what_does_not_finish_by_the_deadline_is_cut() {
    let mut server = start_with(Limits::default(), TrustedHops::default(), Duration::from_millis(200));
    let mut busy = server.h1().await;
    let request = tokio::spawn(async move { busy.sender.send_request(get("/wait")).await.is_err() });
    server.paths.waiting.notified().await;
    server.stop();
    assert_eq!(tokio::time::timeout(SOON, server.ended).await.unwrap().unwrap().cut, 1);
    assert!(request.await.unwrap());
}

#[tokio::test]
async fn a_new_certificate_is_served_to_the_next_connection_and_old_ones_live() {
    let server = start();
    let mut old = server.h1().await;
    assert_eq!(old.send(get("/hello")).await.status, StatusCode::OK);
    let replacement = certificate(NAME);
    let other = certificate("other.example.com");
    server.tls.replace_certificates(&[replacement.named(NAME), other.named("other.example.com")]).unwrap();

    let trust_new = trusting(&[&replacement.der], &[]);
    let new = handshake(server.https, NAME, trust_new.clone()).await.unwrap();
    assert_eq!(new.get_ref().1.peer_certificates().unwrap()[0], replacement.der);
    assert_eq!(old.send(get("/hello")).await.status, StatusCode::OK);
    let new_name = handshake(server.https, "OTHER.example.com", trusting(&[&other.der], &[])).await;
    assert_eq!(new_name.unwrap().get_ref().1.peer_certificates().unwrap()[0], other.der);

    // A set that cannot be served changes nothing.
    assert!(server.tls.replace_certificates(&[]).is_err());
    assert!(server.tls.replace_certificates(&[other.named(NAME), replacement.named(NAME)]).is_err());
    assert!(handshake(server.https, NAME, trust_new).await.is_ok());
}

#[tokio::test]
async fn clients_without_a_name_or_with_an_unknown_one_get_the_first_certificate() {
    let server = start();
    // An address as the name means that the client sends no name; the certificate does not fit, and is seen.
    for name in ["127.0.0.1", "unknown.example.com"] {
        let error =
            handshake(server.https, name, trusting(&[&server.certificate.der], &[])).await.unwrap_err();
        assert!(error.to_string().contains(NAME), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_session_resumes_at_another_node_with_the_same_ticket_keys() {
    let first = start();
    let second = start();
    second.tls.replace_certificates(&[first.certificate.named(NAME)]).unwrap();
    let config = trusting(&[&first.certificate.der], &["http/1.1"]);
    let mut stream = handshake(first.https, NAME, config.clone()).await.unwrap();
    // The ticket comes with the first data.
    stream.write_all(b"GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let resumed = handshake(second.https, NAME, config.clone()).await.unwrap();
    assert_eq!(resumed.get_ref().1.handshake_kind(), Some(HandshakeKind::Resumed));

    let stranger = tls(&[first.certificate.named(NAME)], 9);
    let server =
        Server::bind(settings(vec![listener("https", loopback(), Protocol::Tls(stranger))])).unwrap();
    let address = server.addresses()[0].1;
    let _serving = tokio::spawn(server.serve(first.paths.clone(), std::future::pending(), SOON));
    let full = handshake(address, NAME, config).await.unwrap();
    assert_eq!(full.get_ref().1.handshake_kind(), Some(HandshakeKind::Full));
}
