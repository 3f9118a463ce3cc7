//! A demo of a test's own: own data, own ports, ended with the test.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::Value;
use tempfile::TempDir;

use crate::html::between;
use crate::{Curl, percent};

/// How to start a demo.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// Seed file text.
    pub seed: Option<String>,
    /// Name of the service; `localhost` when empty.
    pub host: String,
    /// Fixed port; a free one when 0.
    pub port: u16,
    /// Data directory; one of the demo's own when none.
    pub data: Option<PathBuf>,
    /// Further arguments.
    pub arguments: Vec<String>,
}

/// A user of the demo.
#[derive(Debug, Clone)]
pub struct User {
    /// User principal name.
    pub upn: String,
    /// Password.
    pub password: String,
}

/// A command that ran to its end.
#[derive(Debug)]
pub struct Ran {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub text: String,
    /// Standard error.
    pub errors: String,
}

impl Ran {
    /// The objects that a command printed, which must have succeeded.
    #[track_caller]
    pub fn objects(&self) -> Vec<Value> {
        assert_eq!(self.code, 0, "{self:?}");
        self.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

/// A running demo.
pub struct Demo {
    child: Child,
    /// Its facts, as `--json` printed them.
    pub facts: Value,
    /// Its data directory.
    pub data: PathBuf,
    folder: TempDir,
}

/// A demo that did not come up.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// What it said on standard error.
    pub error: String,
    /// Its data directory.
    pub data: PathBuf,
    /// Holds the data directory.
    pub folder: TempDir,
}

/// Starts a demo and waits for the line that says it is ready, or for its end.
pub fn start(options: &Options) -> Result<Demo, Ended> {
    Demo::start_in(tempfile::tempdir().expect("a temporary folder"), options)
}

impl Demo {
    /// Starts a demo that is expected to come up.
    pub fn start(options: &Options) -> Self {
        start(options).unwrap_or_else(|ended| panic!("the demo ended with {}: {}", ended.status, ended.error))
    }

    /// The demo as it is without options.
    pub fn plain() -> Self {
        Self::start(&Options::default())
    }

    /// With a seed file.
    pub fn seeded(seed: &str) -> Self {
        Self::start(&Options { seed: Some(seed.to_owned()), ..Options::default() })
    }

    #[allow(clippy::result_large_err, reason = "once a test")]
    fn start_in(folder: TempDir, options: &Options) -> Result<Self, Ended> {
        let data = options.data.clone().unwrap_or_else(|| folder.path().join("data"));
        let port = if options.port == 0 { free_port() } else { options.port };
        let mut command = sekisho();
        command.args(["demo", "--json", "--port", &port.to_string(), "--data"]).arg(&data);
        if !options.host.is_empty() {
            command.args(["--host", &options.host]);
        }
        if let Some(seed) = &options.seed {
            let path = folder.path().join("seed.toml");
            std::fs::write(&path, seed).expect("the seed file");
            command.arg("--seed").arg(path);
        }
        command.args(&options.arguments);
        let errors = File::options().create(true).append(true).open(folder.path().join("stderr.txt"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors.expect("a file"));
        let mut child = command.spawn().expect("sekisho starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        if line.is_empty() {
            let status = child.wait().expect("an exit status");
            let error = std::fs::read_to_string(folder.path().join("stderr.txt")).expect("a file");
            return Err(Ended { status, error, data, folder });
        }
        let facts =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: the demo said {line:?}"));
        Ok(Self { child, facts, data, folder })
    }

    /// Ends the demo as an administrator would, and starts it again on the same data.
    pub fn restart(mut self) -> Self {
        self.stop();
        self.start_again()
    }

    /// Kills the demo as a power failure would, and starts it again on the same data.
    pub fn crash_and_restart(mut self) -> Self {
        self.kill();
        self.start_again()
    }

    fn start_again(mut self) -> Self {
        let (port, host) = (self.port(), self.fact("federation_service").to_owned());
        // The folder moves on to the next demo.
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a temporary folder"));
        let data = Some(self.data.clone());
        Self::start_in(folder, &Options { host, port, data, ..Options::default() })
            .unwrap_or_else(|ended| panic!("the demo did not start again: {}: {}", ended.status, ended.error))
    }

    /// SIGTERM, and the exit.
    pub fn stop(&mut self) {
        let status = self.terminate();
        assert!(status.success(), "the demo ended with {status}: {}", self.stderr());
    }

    /// SIGTERM, and how the demo ended.
    pub fn terminate(&mut self) -> ExitStatus {
        self.ask_to_end();
        self.child.wait().expect("an exit status")
    }

    /// SIGTERM, without waiting.
    pub fn ask_to_end(&self) {
        let status = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
    }

    /// How the demo ended, when it has.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("an exit status")
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().expect("a process to kill");
        self.child.wait().expect("an exit status");
    }

    /// Ends the demo when this process is gone: for a demo that several tests share, which nothing drops.
    pub fn end_with_this_process(&self) {
        let script = "read -r _; kill -TERM \"$1\"; while kill -0 \"$1\" 2>/dev/null; do sleep 0.05; done; rm -rf \"$2\"";
        let mut watcher = Command::new("sh");
        watcher.args(["-c", script, "sh", &self.child.id().to_string()]).arg(self.folder.path());
        watcher.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // It outlives this process; the end of this process closes the pipe it reads.
        std::mem::forget(watcher.spawn().expect("sh runs"));
    }

    /// Runs a command of an administrator against this demo.
    pub fn command(&self, arguments: &[&str]) -> Ran {
        let mut command = sekisho();
        command.args(arguments).stdin(Stdio::null());
        command.env("SEKISHO_ADMIN_SOCKET", self.fact("admin_socket")).env("SEKISHO_DATA", &self.data);
        let output = command.output().expect("sekisho runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        let code = output.status.code().expect("an exit code");
        Ran { code, text: text(output.stdout), errors: text(output.stderr) }
    }

    /// A folder of the test's own.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the demo said on standard error so far.
    pub fn stderr(&self) -> String {
        let mut text = String::new();
        let file = File::open(self.folder.path().join("stderr.txt"));
        file.and_then(|mut file| file.read_to_string(&mut text)).expect("a file");
        text
    }

    /// A text of the facts.
    pub fn fact(&self, name: &str) -> &str {
        self.facts[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.facts))
    }

    /// Address of the service.
    pub fn base(&self) -> &str {
        self.fact("base_url")
    }

    /// File of the certificate authority.
    pub fn ca(&self) -> &str {
        self.fact("ca_file")
    }

    /// TLS port.
    pub fn port(&self) -> u16 {
        let port = self.base().rsplit(':').next().and_then(|port| port.parse().ok());
        port.expect("the base address has a port")
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory of the process, KiB.
    pub fn resident_kilobytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("a running demo");
        let size = between(&status, "VmRSS:", "kB").and_then(|size| size.trim().parse().ok());
        size.expect("the resident size")
    }

    /// A user whose account name is `sam`.
    pub fn user(&self, sam: &str) -> User {
        let users = self.facts["users"].as_array().expect("users");
        let user = users.iter().find(|user| user["sam"] == sam).unwrap_or_else(|| panic!("no user {sam}"));
        let text = |name: &str| user[name].as_str().unwrap_or_default().to_owned();
        User { upn: text("upn"), password: text("password") }
    }

    /// A new client that trusts this demo.
    pub fn curl(&self) -> Curl {
        Curl::new(self.ca())
    }

    /// Address of the sign-in.
    pub fn passive(&self) -> String {
        format!("{}/adfs/ls/", self.base())
    }

    /// Address of a WS-Federation sign-in for `wtrealm`, with further parameters (`&wctx=…`).
    pub fn wsignin(&self, wtrealm: &str, further: &str) -> String {
        format!("{}?wa=wsignin1.0&wtrealm={}{further}", self.passive(), percent(wtrealm))
    }

    /// Signs `sam` in at `url` with the password of the facts, in a new client.
    pub fn signed_in(&self, sam: &str, url: &str) -> (Curl, crate::Response) {
        let (curl, user) = (self.curl(), self.user(sam));
        let page = curl.sign_in(url, &user.upn, &user.password);
        assert_eq!(page.status, 200, "{}\n{}", page.head, page.body);
        (curl, page)
    }

    /// The service's token-signing certificate, as PEM, out of its metadata.
    pub fn signing_certificate(&self) -> String {
        let metadata = self.curl().get(self.fact("metadata_url")).body;
        let key =
            between(&metadata, "<KeyDescriptor use=\"signing\">", "</KeyDescriptor>").expect("a signing key");
        let base64 = between(key, "<X509Certificate>", "<").expect("a certificate");
        let lines: Vec<&str> =
            base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The built binary: `SEKISHO_BIN`, else beside this test.
pub fn sekisho() -> Command {
    if let Some(path) = std::env::var_os("SEKISHO_BIN") {
        return Command::new(path);
    }
    let test = std::env::current_exe().expect("this program");
    let release = test.parent().and_then(Path::parent).expect("the target folder");
    let path = release.join("sekisho");
    assert!(path.exists(), "{} is not built; run `cargo build --release`", path.display());
    Command::new(path)
}

static PORTS: AtomicU16 = AtomicU16::new(0);

/// A port that nobody has. Below the range from which outgoing connections take theirs, and never given twice by
/// this process, so that it is still free when the demo binds it.
pub fn free_port() -> u16 {
    let begin = u16::try_from(std::process::id() % 10_000).expect("below 10,000");
    for _ in 0..1_000 {
        let port = 20_000 + (begin + PORTS.fetch_add(1, Ordering::Relaxed)) % 12_000;
        let free = |address: &str| TcpListener::bind((address, port)).is_ok();
        if free("0.0.0.0") && (free("::1") || !Path::new("/proc/net/if_inet6").exists()) {
            return port;
        }
    }
    panic!("no free port");
}
