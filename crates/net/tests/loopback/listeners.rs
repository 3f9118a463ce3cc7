//! Listeners that cannot be bound at once, move while others serve, come and go.

use std::net::SocketAddr;
use std::time::Duration;

use http::StatusCode;
use net::{ChangeError, ListenerSet, ListenerState, Server, ServerHandle};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::holder::{Hold, Holder};
use crate::support::{HELLO, SOON, get, h1_over, loopback, paths, plain, raw, settings};

/// The text of a listener's failure.
fn failure(set: &ListenerSet, name: &str) -> Option<String> {
    let status = set.listeners.iter().find(|status| &*status.name == name)?;
    match &status.state {
        ListenerState::Retrying { failure, .. } => Some(failure.to_string()),
        ListenerState::Bound { .. } | ListenerState::Absent => None,
    }
}

fn bound(handle: &ServerHandle, name: &str) -> SocketAddr {
    let set = handle.snapshot();
    let status = set.listeners.iter().find(|status| &*status.name == name).unwrap();
    match status.state {
        ListenerState::Bound { at } => at,
        _ => panic!("{status:?}"),
    }
}

async fn serves(address: SocketAddr) {
    let text = raw(address, HELLO).await;
    assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
}

async fn becomes(handle: &ServerHandle, what: &str, wanted: impl FnMut(&ListenerSet) -> bool) {
    let mut watch = handle.watch();
    assert!(timeout(SOON, watch.wait_for(wanted)).await.is_ok(), "{what}: {:?}", handle.snapshot());
}

/// A server of two listeners, the second at a port that is held.
fn with_held_port(holder: &Holder) -> ServerHandle {
    let listeners = vec![plain("https", loopback()), plain("certificates", holder.address)];
    Server::bind_available(settings(listeners)).start(paths())
}

/// Security case 98: document 000, steps A1 and A2.
#[tokio::test]
async fn while_a_process_holds_one_port_the_rest_is_served_and_the_port_is_bound_when_it_ends() {
    let holder = Holder::start(&Hold::Listening);
    let handle = with_held_port(&holder);
    let expected = format!(
        "the listener 'certificates' cannot listen at {at}: {process} holds {at} (LISTEN)",
        at = holder.address,
        process = holder.name()
    );
    assert_eq!(failure(&handle.snapshot(), "certificates"), Some(expected));
    assert!(!handle.snapshot().all_bound_once);
    serves(bound(&handle, "https")).await;
    // Tries go on, and are no news.
    let mut watch = handle.watch();
    let tries = |set: &ListenerSet| match set.listeners[1].state {
        ListenerState::Retrying { tries, .. } => tries,
        _ => 0,
    };
    timeout(SOON, async {
        while tries(&handle.snapshot()) < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    assert!(!watch.has_changed().unwrap());

    let address = holder.address;
    drop(holder);
    timeout(SOON, handle.all_bound_once()).await.unwrap();
    assert!(watch.borrow_and_update().all_bound());
    serves(address).await;
}

/// Security case 98: document 000. The port is the near end of another process's outgoing connection.
#[tokio::test]
async fn a_connection_that_took_the_port_is_named_with_both_ends_and_each_cause_is_told() {
    let far = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let holder = Holder::start(&Hold::Connected(far.local_addr().unwrap()));
    let (connection, _) = far.accept().await.unwrap();
    let handle = with_held_port(&holder);
    let held = |state: &str| {
        let far = far.local_addr().unwrap();
        format!("{} holds {} → {far} ({state})", holder.name(), holder.address)
    };
    let text = failure(&handle.snapshot(), "certificates").unwrap();
    assert!(text.ends_with(&held("ESTABLISHED")), "{text}");
    serves(bound(&handle, "https")).await;

    // The far end closes: another state, which is news.
    drop(connection);
    let state = held("CLOSE_WAIT");
    becomes(&handle, "the cause changes", |set| {
        failure(set, "certificates").is_some_and(|text| text.ends_with(&state))
    })
    .await;
    let address = holder.address;
    drop(holder);
    timeout(SOON, handle.all_bound_once()).await.unwrap();
    serves(address).await;
}

/// Security case 98: document 000, step A3, while the port is held.
#[tokio::test]
async fn a_listener_that_cannot_be_bound_moves_to_a_free_port_without_a_restart() {
    let holder = Holder::start(&Hold::Listening);
    let handle = with_held_port(&holder);
    let moved = handle.change("certificates", &[loopback()]).await.unwrap();
    timeout(SOON, handle.all_bound_once()).await.unwrap();
    serves(moved[0]).await;
    assert_eq!(moved, [bound(&handle, "certificates")]);
    // The old port is not tried any more.
    let address = holder.address;
    drop(holder);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_moved_listener_is_open_at_the_new_port_first_and_old_connections_finish() {
    let paths = paths();
    let handle = Server::bind(settings(vec![plain("https", loopback())])).unwrap().start(paths.clone());
    let old = bound(&handle, "https");
    let mut idle = h1_over(TcpStream::connect(old).await.unwrap()).await;
    assert_eq!(idle.send(get("/hello")).await.status, StatusCode::OK);
    let mut busy = h1_over(TcpStream::connect(old).await.unwrap()).await;
    let waiting = tokio::spawn(async move { busy.send(get("/wait")).await });
    paths.waiting.notified().await;

    let moved = handle.change("https", &["127.0.0.2:0".parse().unwrap()]).await.unwrap();
    assert!(TcpStream::connect(old).await.is_err());
    serves(moved[0]).await;
    timeout(SOON, idle.connection).await.unwrap().unwrap();
    paths.go_on.notify_one();
    let answer = waiting.await.unwrap();
    assert_eq!((answer.text.as_str(), &answer.headers["connection"]), ("waited", &"close".parse().unwrap()));
    // The old port is free for others at once, and the way back is open.
    assert_eq!(handle.change("https", &[old]).await.unwrap(), [old]);
    serves(old).await;
    assert!(!handle.snapshot().is_degraded());
}

/// Security case 98.
#[tokio::test]
async fn a_port_that_cannot_be_bound_leaves_the_old_one_and_the_error_names_the_holder() {
    let handle = Server::bind(settings(vec![plain("certificates", loopback())])).unwrap().start(paths());
    let old = bound(&handle, "certificates");
    let holder = Holder::start(&Hold::Listening);
    // One of the two new addresses is free: it is not kept either.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = handle.change("certificates", &[free, holder.address]).await.unwrap_err();
    assert!(error.to_string().contains(&holder.name()), "{error}");
    assert!(TcpStream::connect(free).await.is_err());
    serves(old).await;
    let set = handle.snapshot();
    assert!(set.is_degraded() && set.all_bound());
    assert_eq!(set.failed_changes[0].reason, error.to_string());
    assert_eq!(set.failed_changes[0].addresses, [free, holder.address]);

    // Taking the change back ends the degraded state; so does repeating it when the port is free.
    handle.change("certificates", &[loopback()]).await.unwrap();
    assert!(!handle.snapshot().is_degraded());
    assert_eq!(bound(&handle, "certificates"), old);
    let address = holder.address;
    drop(holder);
    assert_eq!(handle.change("certificates", &[address]).await.unwrap(), [address]);
    serves(address).await;
}

#[tokio::test]
async fn a_port_of_another_listener_is_refused_by_its_name() {
    let listeners = vec![plain("https", loopback()), plain("certificates", loopback())];
    let handle = Server::bind(settings(listeners)).unwrap().start(paths());
    let (https, certificates) = (bound(&handle, "https"), bound(&handle, "certificates"));
    let wildcard = SocketAddr::from(([0, 0, 0, 0], https.port()));
    for address in [https, wildcard] {
        let error = handle.change("certificates", &[address]).await.unwrap_err();
        assert!(
            matches!(&error, ChangeError::PortOfListener { other, .. } if &**other == "https"),
            "{error}"
        );
        let expected = format!(
            "the listener 'certificates' cannot listen at {address}: the listener 'https' of this server has \
             port {}; choose another port",
            https.port()
        );
        assert_eq!(error.to_string(), expected);
    }
    serves(certificates).await;
    let missing = handle.change("certificate", &[loopback()]).await.unwrap_err();
    assert_eq!(missing.to_string(), "there is no listener 'certificate'");
    assert!(matches!(handle.change("https", &[]).await, Err(ChangeError::NoAddress(_))));
}

#[tokio::test]
async fn listeners_come_and_go_while_others_serve() {
    let handle = Server::bind(settings(vec![plain("https", loopback())])).unwrap().start(paths());
    let added = handle.add(plain("farm", loopback())).await.unwrap();
    serves(added[0]).await;
    assert!(matches!(handle.add(plain("farm", loopback())).await, Err(ChangeError::NameTaken(_))));
    handle.remove("farm").await.unwrap();
    assert!(TcpStream::connect(added[0]).await.is_err());
    assert!(matches!(handle.remove("farm").await, Err(ChangeError::NoSuchListener(_))));
    serves(bound(&handle, "https")).await;
    assert_eq!(handle.snapshot().listeners.len(), 1);
}

#[tokio::test]
async fn a_drain_waits_for_connections_of_ports_that_were_given_up_and_ends_all_changes() {
    let paths = paths();
    let handle = Server::bind(settings(vec![plain("https", loopback())])).unwrap().start(paths.clone());
    let mut busy = h1_over(TcpStream::connect(bound(&handle, "https")).await.unwrap()).await;
    let waiting = tokio::spawn(async move { busy.sender.send_request(get("/wait")).await.is_err() });
    paths.waiting.notified().await;
    let moved = handle.change("https", &["127.0.0.2:0".parse().unwrap()]).await.unwrap();
    let drained = handle.drain(Duration::from_millis(200)).await;
    assert_eq!(drained.cut, 1);
    assert!(waiting.await.unwrap());
    assert!(TcpStream::connect(moved[0]).await.is_err());
    for refused in [
        handle.change("https", &[loopback()]).await.unwrap_err(),
        handle.add(plain("farm", loopback())).await.unwrap_err(),
        handle.remove("https").await.unwrap_err(),
    ] {
        assert!(matches!(refused, ChangeError::ShuttingDown | ChangeError::NoSuchListener(_)), "{refused}");
    }
}

#[tokio::test]
async fn a_server_ends_with_its_last_handle() {
    let handle = Server::bind(settings(vec![plain("https", loopback())])).unwrap().start(paths());
    let (address, other) = (bound(&handle, "https"), handle.clone());
    drop(handle);
    serves(address).await;
    drop(other);
    timeout(SOON, async { while TcpStream::connect(address).await.is_ok() {} }).await.unwrap();
}
