//! The peers that tests need: real service providers, client libraries and a browser (`lab/`).

use std::process::Command;
use std::thread;

use crate::project::Project;
use crate::step::Step;

/// Parts of the lab, in the order in which they start.
const PARTS: [&str; 5] = ["pki", "apache-sp", "clients", "browser", "postgres"];

/// Installs what is missing, all parts at once, and starts them. What cannot be installed is left out: its
/// log says what to install, and the tests that need it are skipped.
pub(crate) fn up(project: &Project) -> Vec<Step> {
    let mut steps: Vec<Step> = thread::scope(|scope| {
        let fetching: Vec<_> = PARTS
            .iter()
            .map(|part| {
                scope.spawn(move || {
                    Step::run(project, &format!("install {part}"), &mut lab(project, "fetch", part))
                })
            })
            .collect();
        fetching.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    for (part, at) in PARTS.iter().zip(0..) {
        if steps.get(at).is_some_and(|step| step.passed) {
            steps.push(Step::run(project, &format!("start {part}"), &mut lab(project, "up", part)));
        }
    }
    steps
}

/// Stops what [`up`] started.
pub(crate) fn down(project: &Project) {
    let mut command = Command::new(project.root.join("lab/lab.sh"));
    Step::run(project, "stop the peers", command.arg("down"));
}

/// The variables that tell tests where the peers are, from those that the lab sets.
pub(crate) fn variables(project: &Project) -> Vec<(&'static str, String)> {
    let mut command = Command::new(project.root.join("lab/lab.sh"));
    let output = command.arg("env").output().map(|output| output.stdout).unwrap_or_default();
    let output = String::from_utf8_lossy(&output);
    let value = |name: &str| {
        let mut pairs = output.split('\0').filter_map(|line| line.split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
    };
    let mut variables = vec![("SEKISHO_LAB", project.root.join("lab").display().to_string())];
    for (ours, labs) in [
        ("SEKISHO_PYTHON", "LAB_PYTHON"),
        ("SEKISHO_NODE_DIR", "LAB_NODE_DIR"),
        ("SEKISHO_CHROMIUM", "LAB_CHROMIUM"),
    ] {
        variables.extend(value(labs).map(|value| (ours, value)));
    }
    // The Node.js that the lab found or installed comes first.
    let path = std::env::var("PATH").unwrap_or_default();
    variables.extend(value("LAB_NODE_BIN").map(|folder| ("PATH", format!("{folder}:{path}"))));
    variables
}

fn lab(project: &Project, verb: &str, part: &str) -> Command {
    let mut command = Command::new(project.root.join("lab/lab.sh"));
    command.args([verb, part]);
    command
}
