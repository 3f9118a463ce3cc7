//! OpenSSL as the client: another implementation than the one under test.

use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

/// `openssl s_client` with these arguments, and what it printed. None where it is not installed.
pub async fn s_client(address: SocketAddr, arguments: &[&str], input: &str) -> Option<String> {
    let (arguments, input) =
        (arguments.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>(), input.to_owned());
    let run = move || {
        let child = Command::new("openssl")
            .args(["s_client", "-ign_eof", "-connect", &address.to_string()])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut child) = child else {
            println!("skipped: openssl is not installed");
            return None;
        };
        // A handshake that fails ends the client before it reads.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Some((String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr)).into_owned())
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

/// A request for what the handler knows of it.
pub fn context(host: &str) -> String {
    format!("GET /context HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
}
