//! Programs that the tests run.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Says that a peer is missing. Where peers are required (CI), that is a failure.
#[derive(Debug)]
pub struct Skip;

/// Whether a missing peer fails the test.
pub fn peers_required() -> bool {
    std::env::var_os("SEKISHO_REQUIRE_PEERS").is_some_and(|value| value == "1")
}

pub(crate) fn missing(what: &str) -> Skip {
    assert!(!peers_required(), "{what} is missing, and peers are required");
    eprintln!("skipped: {what} is missing; `cargo xtask test` installs it");
    Skip
}

/// A program on the path.
pub fn program(name: &str) -> Result<PathBuf, Skip> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.exists());
    found.ok_or_else(|| missing(name))
}

/// The Python that has the client libraries (`SEKISHO_PYTHON`).
pub fn python() -> Result<Command, Skip> {
    match std::env::var_os("SEKISHO_PYTHON") {
        Some(path) if Path::new(&path).exists() => Ok(Command::new(path)),
        _ => Err(missing("SEKISHO_PYTHON, the Python with the client libraries")),
    }
}

/// Node.js, where `SEKISHO_NODE_DIR` names a folder that has the module.
pub fn node(module: &str) -> Result<Command, Skip> {
    let folder = std::env::var_os("SEKISHO_NODE_DIR").map(PathBuf::from);
    match folder.filter(|folder| folder.join("node_modules").join(module).exists()) {
        Some(_) => Ok(Command::new(program("node")?)),
        None => Err(missing(&format!("SEKISHO_NODE_DIR, the folder with the Node.js module {module}"))),
    }
}

/// The root of the checkout.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the checkout").to_owned()
}

/// A script of `tests/peers`.
pub fn peer(script: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(script)
}

/// Runs a command; its output, or a panic that shows everything it said.
pub fn output(command: &mut Command) -> String {
    let run = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(
        run.status.success(),
        "{command:?}: {}\n{text}\n{}",
        run.status,
        String::from_utf8_lossy(&run.stderr)
    );
    text
}

/// An RSA key and its certificate, as a relying party that signs its requests has them.
pub struct SigningPair {
    folder: tempfile::TempDir,
}

impl SigningPair {
    /// The key, PEM.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// The certificate, PEM.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }
}

/// Makes a key with a certificate for itself.
pub fn signing_pair() -> SigningPair {
    let pair = SigningPair { folder: tempfile::tempdir().expect("a temporary folder") };
    let mut command = Command::new("openssl");
    command.args([
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "30",
        "-subj",
        "/CN=Requests",
        "-keyout",
    ]);
    output(command.arg(pair.key()).arg("-out").arg(pair.certificate()));
    pair
}
