//! The range of outgoing ports, in a network namespace of its own where it can be made as small as it hurts.

use std::env;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;

use net::{ListenerState, Server, ephemeral_conflicts, port_use};
use tokio::time::timeout;

use crate::holder::{Hold, Holder};
use crate::support::{HELLO, SOON, loopback, paths, plain, raw, settings};

const PORT: u16 = 49_443;
const INSIDE: &str = "INSIDE_A_NAMESPACE";

/// Security case 98: NET-01, document 000 as it happens.
#[test]
fn a_port_inside_the_ephemeral_range_is_lost_to_a_connection_unless_it_is_reserved() {
    let allowed = Command::new("unshare").args(["-rn", "ip", "link", "set", "lo", "up"]).output();
    if !allowed.is_ok_and(|made| made.status.success()) {
        println!("skipped: network namespaces are not allowed here");
        return;
    }
    let inside = Command::new("unshare")
        .arg("-rn")
        .arg(env::current_exe().unwrap())
        .args(["--exact", "ephemeral::in_the_namespace", "--ignored", "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&inside.stdout) + String::from_utf8_lossy(&inside.stderr);
    assert!(inside.status.success() && text.contains("REACHED THE END"), "{text}");
}

fn set(name: &str, value: &str) {
    fs::write(format!("/proc/sys/net/ipv4/{name}"), value).unwrap();
}

#[tokio::test]
#[ignore = "run by another test in a network namespace"]
async fn in_the_namespace() {
    if env::var(INSIDE).is_err() {
        return;
    }
    assert!(Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap().success());
    set("ip_local_port_range", "49443 49443");
    let conflict = &ephemeral_conflicts(&[443, PORT])[0];
    assert_eq!(conflict.sysctl_line(), format!("net.ipv4.ip_local_reserved_ports = {PORT}"));

    // Another process dials, and the kernel gives it the port.
    let far = TcpListener::bind("127.0.0.1:9000").unwrap();
    let holder = Holder::start(&Hold::Connected(far.local_addr().unwrap()));
    let (connection, _) = far.accept().unwrap();
    assert_eq!(holder.address.port(), PORT);
    let full = port_use(5).unwrap();
    assert_eq!((full.used, full.available), (1, 1));
    assert!((full.share() - 1.0).abs() < 1e-9);
    assert_eq!(full.top[0].remote, Some(far.local_addr().unwrap()));
    let (id, name) = full.top[0].process.clone().unwrap();
    assert_eq!(format!("process {id} ({name})"), holder.name());

    let at = SocketAddr::from(([0, 0, 0, 0], PORT));
    let listeners = vec![plain("https", SocketAddr::from(([127, 0, 0, 1], 443))), plain("certificates", at)];
    let handle = Server::bind_available(settings(listeners)).start(paths());
    let status = handle.snapshot().listeners[1].clone();
    let ListenerState::Retrying { failure, .. } = status.state else { panic!("{status:?}") };
    let expected = format!(
        "the listener 'certificates' cannot listen at {at}: {} holds {} → 127.0.0.1:9000 (ESTABLISHED)",
        holder.name(),
        holder.address
    );
    assert_eq!(failure.to_string(), expected);

    // The cure: reserved, the port is not given to the next connection, and the server binds it.
    set("ip_local_port_range", "49443 49444");
    set("ip_local_reserved_ports", &PORT.to_string());
    assert_eq!(ephemeral_conflicts(&[443, PORT]), []);
    drop(connection);
    drop(holder);
    timeout(SOON, handle.all_bound_once()).await.unwrap();
    let dialled = TcpStream::connect(far.local_addr().unwrap()).unwrap();
    assert_eq!(dialled.local_addr().unwrap().port(), PORT + 1);
    drop(dialled);
    let free = set_and_ask(SocketAddr::from(([127, 0, 0, 1], PORT))).await;
    assert!(free.starts_with("HTTP/1.1 200 OK"), "{free}");
    // A port outside the range cannot be lost so.
    assert!(handle.change("certificates", &[SocketAddr::from(([0, 0, 0, 0], 32_443))]).await.is_ok());
    assert!(handle.add(plain("probe", loopback())).await.is_ok());
    println!("REACHED THE END");
}

/// One request, from ports that are free again.
async fn set_and_ask(address: SocketAddr) -> String {
    set("ip_local_port_range", "50000 51000");
    raw(address, HELLO).await
}
