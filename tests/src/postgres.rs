//! A PostgreSQL server in the network of a node, for as long as a test lives.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use tempfile::TempDir;

use crate::node::Network;
use crate::tools::repository;

/// A server at 127.0.0.1:5432 of its network. It ends with this process, however that ends: its script reads from a pipe.
pub struct Postgres {
    child: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    _folder: TempDir,
}

impl Postgres {
    /// Password of its one role.
    pub const PASSWORD: &str = "fs-lab";
    /// What `-SQLConnectionString` takes.
    pub const CONNECTION: &str = "Host=127.0.0.1;Database=postgres;Username=fs;Password=fs-lab";

    /// `None`, with a message, where PostgreSQL is not installed.
    pub fn start(network: &Network) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let script = repository().join("lab/postgres.sh");
        let mut command = network.command(script.to_str().expect("UTF-8"));
        command.arg("private").arg(folder.path()).arg("5432").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the script starts");
        let commands = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("its output"));
        let mut server = Self { child, commands, answers, _folder: folder };
        match server.answer().as_str() {
            "ready" => Some(server),
            "PostgreSQL is not installed" => {
                eprintln!("SKIPPED: PostgreSQL is not installed");
                None
            }
            other => panic!("PostgreSQL does not start: {other}"),
        }
    }

    /// Ends the server as a crash would.
    pub fn kill(&mut self) {
        self.command("kill");
    }

    /// Starts it again.
    pub fn start_again(&mut self) {
        self.command("start");
    }

    fn command(&mut self, command: &str) {
        writeln!(self.commands.as_mut().expect("its input"), "{command}").expect("the script reads");
        assert_eq!(self.answer(), "done");
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the script answers");
        line.trim().to_owned()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The end of its input ends the server.
        drop(self.commands.take());
        let _ = self.child.wait();
    }
}
