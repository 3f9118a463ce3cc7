//! The runbook "Port 49443 is taken when the service starts", executed from its own text.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use end_to_end::node::{Network, Node};
use end_to_end::runbook::blocks;

const HOST: &str = "fs.contoso.com";

/// A program that holds a port until it is killed.
struct Holder(Child);

impl Holder {
    fn start(network: &Network, script: &str) -> Self {
        let mut command = network.command("python3");
        command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "held");
        Self(child)
    }

    /// An outgoing connection to a server elsewhere, which the kernel gave 49443 as its own port. It ends by a reset,
    /// so that no TIME_WAIT makes the test wait.
    fn outgoing(network: &Network) -> Self {
        network.run("sysctl", &["-qw", "net.ipv4.ip_local_port_range=49443 49444"]);
        let holder = Self::start(
            network,
            "import signal, socket, struct, sys\n\
             server = socket.create_server(('127.0.0.1', 8080))\n\
             linger = struct.pack('ii', 1, 0)\n\
             kept = []\n\
             while not kept or kept[-1].getsockname()[1] != 49443:\n\
             \x20   kept.append(socket.create_connection(('127.0.0.1', 8080)))\n\
             \x20   kept[-1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)\n\
             print('held', flush=True)\n\
             signal.pause()",
        );
        network.run("sysctl", &["-qw", "net.ipv4.ip_local_port_range=32768 60999"]);
        holder
    }

    fn listening(network: &Network, port: u16) -> Self {
        let script = format!(
            "import signal, socket\ns = socket.create_server(('', {port}))\nprint('held', flush=True)\nsignal.pause()"
        );
        Self::start(network, &script)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn metadata() -> String {
    format!("https://{HOST}/FederationMetadata/2007-06/FederationMetadata.xml")
}

fn answers_at(node: &Node, port: u16) -> bool {
    node.get(&format!("https://{HOST}:{port}/adfs/probe")).0 == 200
}

/// Security case 98. Steps A1 to A5 of the document.
#[test]
fn port_49443_is_taken_when_the_service_starts() {
    let Some(mut node) = Node::install(HOST) else {
        eprintln!("SKIPPED: networks of one's own cannot be made here (unshare --net)");
        return;
    };
    // A1: an outgoing connection has the port before the service starts.
    let holder = Holder::outgoing(&node.network);
    let check = node.output(&["serve", "--check"]);
    let found = String::from_utf8_lossy(&check.stdout).into_owned();
    assert_eq!(check.status.code(), Some(1), "{found}");
    assert!(found.contains("49443") && found.contains("python3"), "{found}");
    assert!(found.contains("net.ipv4.ip_local_reserved_ports"), "{found}");

    node.start();
    let told = node.wait_until_told(|line| line.starts_with("STATUS=not ready"));
    let status = told.iter().find(|line| line.starts_with("STATUS=not ready")).unwrap();
    assert!(status.contains(":49443") && status.contains("(python3)"), "{status}");
    assert!(status.contains("127.0.0.1:8080"), "the other end of the connection is named: {status}");
    assert!(!told.iter().any(|line| line == "READY=1"), "{told:?}");
    assert_eq!(node.probe(), 503);
    assert_eq!(node.get(&metadata()).0, 200, "what is bound is served");
    let failures = node.wait_for_events(102);
    assert_eq!(failures.len(), 1, "one event for one cause: {failures:?}");
    assert!(failures[0].to_string().contains("python3"), "{failures:?}");
    assert_eq!(node.events(100).len(), 0);
    assert_eq!(node.output(&["serve", "--check"]).status.code(), Some(1));

    // A2: the holder goes, and nobody restarts anything.
    drop(holder);
    node.wait_until_told(|line| line == "READY=1");
    assert_eq!(node.probe(), 200);
    assert_eq!(node.wait_for_events(100).len(), 1);
    assert!(answers_at(&node, 49443));
    assert_eq!(node.output(&["serve", "--check"]).status.code(), Some(0));

    // A3: as printed.
    let blocks = blocks("port-49443.md");
    let [block] = blocks.as_slice() else { panic!("{blocks:?}") };
    let printed = node.run_commands(&block.text);
    let ports: Vec<_> = printed.iter().filter_map(|object| object["TlsClientPort"].as_u64()).collect();
    assert_eq!(ports, [49443, 32443]);
    assert!(answers_at(&node, 32443) && !answers_at(&node, 49443), "moved without a restart");

    // A port that cannot be bound leaves the old one, and the holder is named.
    let holder = Holder::listening(&node.network, 32444);
    let refused = node.output(&["Set-AdfsProperties", "-TlsClientPort", "32444"]);
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && error.contains("TlsClientPort") && error.contains("(python3)"),
        "{error}"
    );
    assert!(answers_at(&node, 32443));
    assert_eq!(node.json(&["Get-AdfsProperties"])["TlsClientPort"], 32443);
    drop(holder);

    // A5: a restart works too.
    node.stop();
    node.start();
    node.wait_until_told(|line| line == "READY=1");
    assert!(answers_at(&node, 32443) && !answers_at(&node, 49443));
}
