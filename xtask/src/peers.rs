//! The peers that tests need: real service providers, client libraries and a browser (`lab/`).

use std::process::Command;
use std::thread;

use crate::project::Project;
use crate::step::Step;

/// Parts of the lab, in the order in which they start.
const PARTS: [&str; 4] = ["pki", "apache-sp", "clients", "browser"];

/// Installs what is missing, all parts at once, and starts them. What cannot be installed is left out: its
/// log says what to install, and the tests that need it are skipped.
pub(crate) fn up(project: &Project) -> Vec<Step> {
    let mut steps: Vec<Step> = thread::scope(|scope| {
        let fetching: Vec<_> = PARTS
            .iter()
            .map(|part| {
                scope.spawn(move || {
                    Step::run(project, &format!("install {part}"), lab(project, "fetch", part))
                })
            })
            .collect();
        fetching.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    for (part, at) in PARTS.iter().zip(0..) {
        if steps.get(at).is_some_and(|step| step.passed) {
            steps.push(Step::run(project, &format!("start {part}"), lab(project, "up", part)));
        }
    }
    steps
}

/// Stops what [`up`] started.
pub(crate) fn down(project: &Project) {
    let mut command = Command::new(project.root.join("lab/lab.sh"));
    command.arg("down");
    Step::run(project, "stop the peers", command);
}

/// The variables that tell tests where the peers are.
pub(crate) fn variables(project: &Project) -> Vec<(String, String)> {
    let mut command = Command::new(project.root.join("lab/lab.sh"));
    let output = command.arg("env").output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output)
        .split('\0')
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn lab(project: &Project, verb: &str, part: &str) -> Command {
    let mut command = Command::new(project.root.join("lab/lab.sh"));
    command.args([verb, part]);
    command
}
