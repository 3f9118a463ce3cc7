//! A `sekisho demo` of one test: its own data folder, its own port, gone when the test is.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use tempfile::TempDir;

/// Until it is ready, on the busiest machine. A test does not wait for this long: it goes on at the first line.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// What `sekisho demo --json` prints when it is ready.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Facts {
    /// Name of the federation service.
    pub federation_service: String,
    /// Where it is, without a slash at the end.
    pub base_url: String,
    /// Entity id and issuer.
    pub entity_id: String,
    /// Its federation metadata.
    pub metadata_url: String,
    /// The authority of its TLS certificate, PEM.
    pub ca_file: PathBuf,
    /// Who can sign in.
    pub users: Vec<User>,
    /// Who trusts it.
    pub relying_parties: Vec<RelyingParty>,
}

/// Someone who can sign in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct User {
    /// `name@domain`.
    pub upn: String,
    /// The name of `DOMAIN\name`.
    pub sam: String,
    /// In the clear: this is a demo.
    pub password: String,
}

/// A trust.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RelyingParty {
    /// Display name.
    pub name: String,
    /// Its identifiers.
    pub identifiers: Vec<String>,
}

impl Facts {
    /// The user of that name, the part before `@`.
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.upn.split('@').next() == Some(name))
    }
}

/// A running demo.
#[derive(Debug)]
pub struct Service {
    /// What it printed.
    pub facts: Facts,
    child: Child,
    folder: TempDir,
}

impl Service {
    /// Starts a demo with fresh data on a free port. The error holds what it wrote.
    pub fn start() -> Result<Self, String> {
        Self::start_with(&[])
    }

    /// The same with more arguments, such as `--seed FILE`.
    pub fn start_with(arguments: &[&str]) -> Result<Self, String> {
        Self::start_program(&program()?, arguments)
    }

    fn start_program(program: &Path, arguments: &[&str]) -> Result<Self, String> {
        let failed =
            |what: &str, error: &dyn std::fmt::Display| format!("{}: {what}: {error}", program.display());
        let folder = TempDir::new().map_err(|error| failed("no folder", &error))?;
        let port = free_port().map_err(|error| failed("no port", &error))?;
        let log = folder.path().join("stderr.log");
        let stderr = File::create(&log).map_err(|error| failed("no log", &error))?;
        let mut child = Command::new(program)
            .args(["demo", "--json", "--port", &port.to_string(), "--data"])
            .arg(folder.path().join("data"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .map_err(|error| failed("does not start", &error))?;
        let first_line = child.stdout.take().map(first_json_line);
        let ready = first_line.and_then(|line| line.recv_timeout(READY_WITHIN).ok());
        let facts = match ready {
            Some(line) => serde_json::from_str(&line).map_err(|error| failed(&line, &error)),
            None => {
                let wrote = std::fs::read_to_string(&log).unwrap_or_default();
                Err(failed("did not become ready", &wrote))
            }
        };
        // From here on the process ends with the value.
        match facts {
            Ok(facts) => Ok(Self { facts, child, folder }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What it wrote on standard error so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("stderr.log")).unwrap_or_default()
    }

    /// Asks it to end (SIGTERM), and waits until it did.
    pub fn stop(&mut self) -> Result<ExitStatus, String> {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        asked.map_err(|error| format!("kill: {error}"))?;
        self.child.wait().map_err(|error| error.to_string())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The built program: `SEKISHO_BIN`, else the one beside the test binaries.
fn program() -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os("SEKISHO_BIN") {
        return Ok(named.into());
    }
    let me = std::env::current_exe().map_err(|error| error.to_string())?;
    let beside = me.ancestors().nth(2).map(|folder| folder.join("sekisho")).filter(|path| path.is_file());
    beside.ok_or_else(|| "sekisho is not built: cargo build --release, or set SEKISHO_BIN".to_owned())
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The first line that is a JSON object. What follows is read and dropped, so that the process never waits.
fn first_json_line(stdout: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (found, first) = mpsc::channel();
    thread::spawn(move || {
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        if let Some(line) = lines.find(|line| line.starts_with('{')) {
            let _ = found.send(line);
        }
        lines.for_each(drop);
    });
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const FACTS: &str = r#"{"federation_service":"localhost","base_url":"https://localhost:8443","entity_id":"http://localhost/adfs/services/trust","metadata_url":"https://localhost:8443/FederationMetadata/2007-06/FederationMetadata.xml","ca_file":"/x/ca.pem","admin_socket":"/x/admin.sock","users":[{"upn":"hanako@example.test","sam":"hanako","password":"p","display_name":"花子","mail":null,"groups":[]}],"relying_parties":[{"name":"Claims X-Ray","identifiers":["urn:microsoft:adfs:claimsxray"],"endpoints":[]}]}"#;

    /// A program that behaves as the shell lines say.
    fn program(folder: &TempDir, lines: &str) -> PathBuf {
        let path = folder.path().join("program");
        std::fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn is_running(id: u32) -> bool {
        Path::new(&format!("/proc/{id}")).exists()
    }

    #[test]
    fn the_facts_are_read_when_it_is_ready_and_it_ends_with_the_value() {
        let folder = TempDir::new().unwrap();
        let program =
            program(&folder, &format!("echo \"$@\" >&2\necho starting\necho '{FACTS}'\nexec sleep 600"));
        let service = Service::start_program(&program, &["--host", "localhost"]).unwrap();
        assert_eq!(service.facts.base_url, "https://localhost:8443");
        assert_eq!(service.facts.user("hanako").unwrap().sam, "hanako");
        assert_eq!(service.facts.relying_parties[0].identifiers, ["urn:microsoft:adfs:claimsxray"]);
        let arguments = service.log();
        assert!(
            arguments.starts_with("demo --json --port ") && arguments.ends_with("--host localhost\n"),
            "{arguments}"
        );
        let id = service.child.id();
        assert!(is_running(id));
        drop(service);
        assert!(!is_running(id));
    }

    #[test]
    fn it_can_be_asked_to_end() {
        let folder = TempDir::new().unwrap();
        let program =
            program(&folder, &format!("trap 'kill $!; exit 7' TERM\necho '{FACTS}'\nsleep 600 & wait"));
        assert_eq!(Service::start_program(&program, &[]).unwrap().stop().unwrap().code(), Some(7));
    }

    #[test]
    fn what_a_program_wrote_that_does_not_become_ready_is_in_the_error() {
        let folder = TempDir::new().unwrap();
        let ends = program(&folder, "echo 'port 443 is taken' >&2; exit 1");
        let error = Service::start_program(&ends, &[]).unwrap_err();
        assert!(error.contains("did not become ready: port 443 is taken"), "{error}");
        let garbage = program(&folder, "echo '{\"base_url\": 1}'; exec sleep 600");
        assert!(Service::start_program(&garbage, &[]).unwrap_err().contains("invalid type"));
        assert!(
            Service::start_program(Path::new("/nonexistent"), &[]).unwrap_err().contains("does not start")
        );
    }
}
