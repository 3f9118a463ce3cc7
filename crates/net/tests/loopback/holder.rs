//! Another process that holds a port: this test program, run again.

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

const MODE: &str = "HOLDER_MODE";

/// What the process does.
pub enum Hold {
    /// It listens on a free port.
    Listening,
    /// It is connected to this address, from whatever port the kernel chose.
    Connected(SocketAddr),
}

/// A process, until it is dropped.
pub struct Holder {
    pub address: SocketAddr,
    child: Child,
}

impl Holder {
    pub fn start(hold: &Hold) -> Self {
        let mode = match hold {
            Hold::Listening => "listen".to_owned(),
            Hold::Connected(to) => to.to_string(),
        };
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "holder::the_holder_itself", "--ignored", "--nocapture"])
            .env(MODE, mode)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = |line: String| line.split_once("HELD=")?.1.parse().ok();
        let address = lines.map_while(Result::ok).find_map(address).expect("the holder says what it holds");
        Self { address, child }
    }

    /// How errors name the process.
    pub fn name(&self) -> String {
        let name = std::fs::read_to_string(format!("/proc/{}/comm", self.child.id())).unwrap();
        format!("process {} ({})", self.child.id(), name.trim())
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // Its standard input ends, and so does it.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Holds a port until its standard input ends. Does nothing unless [`Holder::start`] runs it.
#[test]
#[ignore = "run by other tests as a process of its own"]
fn the_holder_itself() {
    let Ok(mode) = env::var(MODE) else { return };
    let wait = |address: SocketAddr| {
        println!("HELD={address}");
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
    };
    match mode.parse::<SocketAddr>() {
        Ok(to) => {
            let stream = TcpStream::connect(to).unwrap();
            wait(stream.local_addr().unwrap());
        }
        Err(_) => {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            wait(listener.local_addr().unwrap());
        }
    }
}
