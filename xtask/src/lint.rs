//! `cargo xtask lint`.

use std::time::Instant;

use crate::floors::breaches;
use crate::project::{Project, cargo_command, is_installed};
use crate::step::Step;

const PARTS: [&str; 4] = ["floors", "format", "clippy", "deny"];

/// Runs the named parts, or all. False when one failed.
pub(crate) fn run(parts: &[&str]) -> Result<bool, String> {
    if let Some(unknown) = parts.iter().find(|part| !PARTS.contains(part)) {
        return Err(format!("'{unknown}' is no part of lint; expected one of: {}", PARTS.join(" ")));
    }
    let project = Project::load()?;
    let wanted = |part: &&&str| parts.is_empty() || parts.contains(*part);
    let mut passed = true;
    for part in PARTS.iter().filter(wanted) {
        passed &= match *part {
            "floors" => floors(&project),
            "format" => cargo(&project, "lint format", &["fmt", "--all", "--check"]),
            "clippy" => clippy(&project),
            _ => deny(&project),
        };
    }
    Ok(passed)
}

fn floors(project: &Project) -> bool {
    let started = Instant::now();
    let log = project.log("lint floors");
    let breaches = breaches(&project.metadata);
    let written = std::fs::write(&log, breaches.join("\n"));
    Step::ended("lint floors", started, written.map(|()| breaches.is_empty()), &log).passed
}

fn clippy(project: &Project) -> bool {
    let arguments = [
        "clippy",
        "--release",
        "--workspace",
        "--all-targets",
        "--message-format",
        "short",
        "--",
        "-D",
        "warnings",
    ];
    cargo(project, "lint clippy", &arguments)
}

fn deny(project: &Project) -> bool {
    if !is_installed("cargo-deny") {
        println!("{:<40} not installed: cargo install cargo-deny", "lint deny");
        return true;
    }
    cargo(project, "lint deny", &["deny", "check", "bans", "licenses", "sources"]) && advisories(project)
}

/// Advisories come from the network. A database that cannot be reached is said, and is no failure.
fn advisories(project: &Project) -> bool {
    let (name, started) = ("lint advisories", Instant::now());
    let log = project.log(name);
    let output = cargo_command(&project.root, &["deny", "check", "advisories"]).output();
    let passed = output.and_then(|output| {
        std::fs::write(&log, [output.stdout.as_slice(), output.stderr.as_slice()].concat())?;
        Ok(output.status.success())
    });
    let text = std::fs::read_to_string(&log).unwrap_or_default();
    if text.contains("failed to fetch advisory database") {
        println!("{name:<40} not checked: the database of advisories cannot be reached");
        return true;
    }
    Step::ended(name, started, passed, &log).passed
}

fn cargo(project: &Project, name: &str, arguments: &[&str]) -> bool {
    Step::run(project, name, &mut cargo_command(&project.root, arguments)).passed
}
