//! The workspace as cargo sees it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Where things are, and what is in the workspace.
pub(crate) struct Project {
    pub(crate) root: PathBuf,
    target: PathBuf,
    /// `cargo metadata`, without the packages from outside.
    pub(crate) metadata: Value,
}

impl Project {
    pub(crate) fn load() -> Result<Self, String> {
        let mut command = Command::new(cargo());
        command.args(["metadata", "--no-deps", "--format-version", "1"]);
        let output = command.output().map_err(|error| format!("cargo metadata: {error}"))?;
        if !output.status.success() {
            return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)));
        }
        let metadata: Value =
            serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))?;
        let folder = |key: &str| metadata.get(key).and_then(Value::as_str).map(PathBuf::from);
        let (Some(root), Some(target)) = (folder("workspace_root"), folder("target_directory")) else {
            return Err("cargo metadata names no workspace_root and target_directory".to_owned());
        };
        let logs = target.join("xtask");
        std::fs::create_dir_all(&logs).map_err(|error| format!("{}: {error}", logs.display()))?;
        Ok(Self { root, target, metadata })
    }

    /// A program of the release build.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.target.join("release").join(name)
    }

    /// The log of a step: below `xtask` in cargo's target folder.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' };
        self.target.join("xtask").join(name.chars().map(plain).collect::<String>()).with_extension("log")
    }
}

/// The cargo that runs us.
pub(crate) fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// A command of cargo, compiling through sccache where that is installed.
pub(crate) fn cargo_command(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(cargo());
    command.args(arguments).current_dir(root);
    if std::env::var_os("RUSTC_WRAPPER").is_none() && is_installed("sccache") {
        command.env("RUSTC_WRAPPER", "sccache");
    }
    command
}

/// Whether a program is on the path.
pub(crate) fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
