//! Real servers for tests: one that all share, and ones that a test may kill.

use std::io::{BufRead, BufReader, Write as _};
use std::net::TcpListener;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use base::SystemRandom;
use tempfile::TempDir;

use crate::postgres::{PostgresStore, Settings};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../lab/postgres.sh");

/// A server that ends with this process, however that ends: the script that started it reads from a pipe.
pub(super) struct Server {
    pub(super) port: u16,
    commands: Mutex<Option<(ChildStdin, BufReader<ChildStdout>)>>,
    child: Mutex<Child>,
    databases: AtomicU32,
    folder: TempDir,
}

impl Server {
    /// `None`, with a message, where PostgreSQL is not installed.
    pub(super) fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut child = Command::new(SCRIPT)
            .arg("private")
            .arg(folder.path())
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let commands = child.stdin.take().unwrap();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        if line.trim() == "PostgreSQL is not installed" {
            eprintln!("skipped: {}", line.trim());
            child.wait().unwrap();
            return None;
        }
        assert_eq!(line.trim(), "ready");
        let (commands, child) = (Mutex::new(Some((commands, answers))), Mutex::new(child));
        Some(Self { port, commands, child, databases: AtomicU32::new(0), folder })
    }

    /// `kill` or `start`.
    pub(super) fn command(&self, command: &str) {
        let mut pipes = self.commands.lock().unwrap();
        let pipes = pipes.as_mut().unwrap();
        writeln!(pipes.0, "{command}").unwrap();
        let mut line = String::new();
        pipes.1.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "done");
    }

    pub(super) fn settings(&self, database: &str) -> String {
        format!(
            "host=127.0.0.1 port={} user=fs password=fs-lab dbname={database} connect_timeout=2",
            self.port
        )
    }

    /// Settings for a new, empty database.
    pub(super) async fn database(&self) -> String {
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.execute("postgres", &format!("CREATE DATABASE {name}")).await;
        self.settings(&name)
    }

    /// Runs SQL beside the store.
    pub(super) async fn execute(&self, database: &str, sql: &str) {
        let settings = self.settings(database);
        let (client, connection) = tokio_postgres::connect(&settings, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
    }

    pub(super) fn certificate(&self) -> std::path::PathBuf {
        self.folder.path().join("data/server.crt")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The end of its input ends the server.
        drop(self.commands.get_mut().unwrap().take());
        self.child.get_mut().unwrap().wait().unwrap();
    }
}

/// The server of all tests that do not kill it.
pub(super) fn shared() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(Server::start).as_ref()
}

pub(super) async fn open(settings: &str) -> PostgresStore {
    let settings: Settings = settings.parse().unwrap();
    PostgresStore::open(&settings, Arc::new(SystemRandom)).await.unwrap()
}
