//! `cargo xtask fuzz`: cargo-fuzz with the folders of this project.

use std::fs;
use std::process::Command;

use crate::project::{Project, is_installed};

/// Runs a target for so many seconds, or until it stops. False when an input stopped it.
pub(crate) fn run(arguments: &[&str]) -> Result<bool, String> {
    let (target, seconds) = match arguments {
        [target] => (*target, None),
        [target, "--seconds", seconds] => (*target, Some(*seconds)),
        _ => return Err("expected: cargo xtask fuzz TARGET [--seconds N]".to_owned()),
    };
    if seconds.is_some_and(|seconds| seconds.parse::<u32>().is_err()) {
        return Err(format!("--seconds is '{}'; expected a number", seconds.unwrap_or_default()));
    }
    let project = Project::load()?;
    let targets = targets(&project)?;
    if !targets.iter().any(|known| known == target) {
        return Err(format!("there is no target '{target}'; expected one of: {}", targets.join(" ")));
    }
    if !is_installed("cargo-fuzz") {
        return Err("cargo-fuzz is not installed: cargo install cargo-fuzz --locked".to_owned());
    }
    // What it finds goes into a folder that is not committed; the committed corpus is where it begins.
    let found = project.root.join("fuzz/libfuzzer/corpus").join(target);
    fs::create_dir_all(&found).map_err(|error| format!("{}: {error}", found.display()))?;
    let mut command = Command::new("cargo");
    command.args(["+nightly", "fuzz", "run", "--fuzz-dir", "fuzz/libfuzzer", target]);
    command.arg(found).arg(project.root.join("fuzz/corpus").join(target));
    command.args(["--", "-timeout=10", "-rss_limit_mb=2048"]);
    command.args(seconds.map(|seconds| format!("-max_total_time={seconds}")));
    // Set by the cargo that runs us, they would lead back to its own toolchain.
    command.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN").current_dir(&project.root);
    let status = command.status().map_err(|error| format!("cargo fuzz: {error}"))?;
    Ok(status.success())
}

fn targets(project: &Project) -> Result<Vec<String>, String> {
    let folder = project.root.join("fuzz/corpus");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut targets: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    targets.sort();
    Ok(targets)
}
