//! A node of a farm as an administrator installs it, alone in a network of its own: with the ports of a real one, and
//! with whatever else may hold them.

use std::fs::File;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::demo::sekisho;

/// Longest wait for something that happens by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// A network namespace with a loopback device, for as long as it lives.
pub struct Network {
    holder: Child,
}

impl Network {
    /// A new one; `None` where this user may not make one, which is said.
    pub fn new() -> Option<Self> {
        Self::holding("true")
    }

    /// A machine with a name of its own, whose names of others are those of the file `hosts`.
    pub fn of_machine(name: &str, hosts: &Path) -> Option<Self> {
        let hosts = hosts.display();
        Self::holding(&format!(
            "hostname {name} && mount --make-rprivate / && mount --bind {hosts} /etc/hosts"
        ))
    }

    fn holding(first: &str) -> Option<Self> {
        let mut command = Command::new("unshare");
        let script = format!("{first} && ip link set lo up && echo up && exec sleep 900");
        command.args(["--net", "--uts", "--mount", "sh", "-c", &script]);
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut holder = spawned.ok()?;
        let mut line = String::new();
        let output = holder.stdout.take()?;
        std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line).ok()?;
        if line.trim() == "up" {
            return Some(Self { holder });
        }
        let _ = holder.wait();
        None
    }

    /// A command within it.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        let holder = self.holder.id().to_string();
        command.args(["--net", "--uts", "--mount", "--target", &holder, "--", program]);
        command
    }

    /// Makes this network a switch with an address of its own.
    pub fn become_switch(&self, address: &str) {
        self.run("ip", &["link", "add", "switch", "type", "bridge"]);
        self.run("ip", &["addr", "add", address, "dev", "switch"]);
        self.run("ip", &["link", "set", "switch", "up"]);
    }

    /// Joins another network to this switch, where it has this address.
    pub fn plug(&self, other: &Self, port: &str, address: &str) {
        let holder = other.holder.id().to_string();
        self.run("ip", &["link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", &holder]);
        self.run("ip", &["link", "set", port, "master", "switch", "up"]);
        other.run("ip", &["addr", "add", address, "dev", "eth0"]);
        other.run("ip", &["link", "set", "eth0", "up"]);
    }

    /// Runs a program within it that must succeed, and gives what it printed.
    pub fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output =
            self.command(program).args(arguments).stdin(Stdio::null()).output().expect("nsenter runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {errors}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// An installed node.
pub struct Node {
    /// Its network.
    pub network: Network,
    /// Name of the federation service.
    pub host: &'static str,
    folder: TempDir,
    notified: UnixDatagram,
    service: Option<Child>,
}

impl Node {
    /// A node of a new farm: certificate imported, farm installed, service not started. `None` where networks of one's
    /// own cannot be made.
    pub fn install(host: &'static str) -> Option<Self> {
        let node = Self::prepare(host)?;
        let output = node.install_farm(&[]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(node)
    }

    /// A machine with the certificate of a node, and no farm yet.
    pub fn prepare(host: &'static str) -> Option<Self> {
        let node = Self::bare(Network::new()?, host);
        make_pfx(node.folder.path(), host);
        node.import(&node.path("tls.pfx"));
        Some(node)
    }

    /// A machine with nothing on it.
    pub fn bare(network: Network, host: &'static str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let notified = UnixDatagram::bind(folder.path().join("notify")).expect("a socket");
        notified.set_read_timeout(Some(Duration::from_millis(20))).expect("a time limit");
        Self { network, host, folder, notified, service: None }
    }

    /// Imports a PFX file with the password `secret`; the thumbprint.
    pub fn import(&self, pfx: &str) -> String {
        let imported = self.json(&["Import-PfxCertificate", "-FilePath", pfx, "-Password", "secret"]);
        imported["Thumbprint"].as_str().expect("a thumbprint").to_owned()
    }

    /// `Install-AdfsFarm` with the node's one certificate, and more arguments.
    pub fn install_farm(&self, more: &[&str]) -> Output {
        let mut arguments = vec!["Install-AdfsFarm", "-FederationServiceName", self.host];
        arguments.extend(more);
        self.output(&arguments)
    }

    /// A file of the node's folder.
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The program with this node as the local one.
    pub fn sekisho(&self, arguments: &[&str]) -> Command {
        let program = sekisho();
        let mut command = self.network.command(program.get_program().to_str().expect("UTF-8"));
        command.args(arguments).env("SEKISHO_DATA", self.data()).env_remove("SEKISHO_ADMIN_SOCKET");
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn output(&self, arguments: &[&str]) -> Output {
        self.sekisho(arguments).output().expect("sekisho runs")
    }

    /// Runs a command that must succeed, and gives the first object that it printed.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.output(arguments);
        let (text, errors) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {errors}");
        let line = text.lines().next().unwrap_or("null");
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    }

    /// Runs commands in PowerShell's syntax from a file that must succeed, and gives the objects that they printed.
    pub fn run_commands(&self, text: &str) -> Vec<Value> {
        let file = self.path("commands.ps1");
        std::fs::write(&file, text).expect("a file");
        let output = self.output(&["run", &file]);
        assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout).expect("UTF-8");
        printed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// Starts the service, without waiting for anything.
    pub fn start(&mut self) {
        let errors = File::options().create(true).append(true).open(self.path("stderr.txt")).expect("a file");
        let mut command = self.sekisho(&["serve"]);
        command.env("NOTIFY_SOCKET", self.path("notify")).stdout(Stdio::null()).stderr(errors);
        self.service = Some(command.spawn().expect("sekisho starts"));
    }

    /// Ends the service as its manager does.
    pub fn stop(&mut self) {
        let mut service = self.service.take().expect("a service");
        let status = Command::new("kill").args(["-TERM", &service.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
        let status = service.wait().expect("an exit status");
        assert!(status.success(), "{status}: {}", self.errors());
    }

    /// Ends the service as a failure of its machine does.
    pub fn kill(&mut self) {
        let mut service = self.service.take().expect("a service");
        service.kill().expect("a signal");
        service.wait().expect("an exit status");
    }

    /// What the service said on standard error.
    pub fn errors(&self) -> String {
        std::fs::read_to_string(self.path("stderr.txt")).unwrap_or_default()
    }

    /// What the service manager was told since the last call: lines such as `READY=1` and `STATUS=…`.
    pub fn told(&self) -> Vec<String> {
        let mut told = Vec::new();
        let mut message = [0; 4096];
        while let Ok(length) = self.notified.recv(&mut message) {
            let text = String::from_utf8_lossy(message.get(..length).unwrap_or_default()).into_owned();
            told.extend(text.lines().map(str::to_owned));
        }
        told
    }

    /// Waits until the service manager was told that line, and gives all it was told on the way.
    pub fn wait_until_told(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let mut all = Vec::new();
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            all.extend(self.told());
            if all.iter().any(|line| wanted(line)) {
                return all;
            }
        }
        panic!("the service manager was told {all:?} only; {}", self.errors());
    }

    /// Events with this id so far, oldest first.
    pub fn events(&self, id: u64) -> Vec<Value> {
        let text = std::fs::read_to_string(self.data().join("journal/events.jsonl")).unwrap_or_default();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|event| event["id"] == id).collect()
    }

    /// Events with this id, once there is one: the lines are derived from the journal a moment later.
    pub fn wait_for_events(&self, id: u64) -> Vec<Value> {
        let begun = Instant::now();
        loop {
            let events = self.events(id);
            if !events.is_empty() {
                return events;
            }
            assert!(begun.elapsed() < PATIENCE, "no event {id}; {}", self.errors());
            std::thread::yield_now();
        }
    }

    /// Status and body of a request, made within the node's network.
    pub fn get(&self, url: &str) -> (u16, String) {
        let any = "::127.0.0.1:".to_owned();
        let ca = self.path("ca.pem");
        let mut command = self.network.command("curl");
        command.args(["--silent", "--max-time", "10", "--cacert", &ca, "--connect-to", &any]);
        command.args(["--write-out", "\n%{http_code}", url]);
        let output = command.output().expect("curl runs");
        let text = String::from_utf8_lossy(&output.stdout);
        let (body, status) = text.rsplit_once('\n').unwrap_or(("", "0"));
        (status.parse().unwrap_or_default(), body.to_owned())
    }

    /// Status of the health probe.
    pub fn probe(&self) -> u16 {
        self.get("http://127.0.0.1/adfs/probe").0
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(service) = &mut self.service {
            let _ = service.kill();
            let _ = service.wait();
        }
    }
}

/// `ca.pem`, and `tls.pfx` (password `secret`) with a certificate for `host`, by openssl.
pub fn make_pfx(folder: &Path, host: &str) {
    let script = r#"
        set -e
        openssl ecparam -name prime256v1 -genkey -noout -out ca.key
        openssl req -x509 -new -key ca.key -subj "/CN=Test authority" -days 30 -out ca.pem
        openssl ecparam -name prime256v1 -genkey -noout -out tls.key
        openssl req -new -key tls.key -subj "/CN=$1" -out tls.csr
        printf 'subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\n' "$1" > tls.ext
        openssl x509 -req -in tls.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 20 -extfile tls.ext -out tls.pem
        openssl pkcs12 -export -inkey tls.key -in tls.pem -certfile ca.pem -passout pass:secret -out tls.pfx
    "#;
    let output =
        Command::new("sh").args(["-c", script, "sh", host]).current_dir(folder).output().expect("sh runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
