//! Examples in doc comments, which cargo builds and runs as programs of their own.

use std::fs;

use crate::outcome::Outcome;
use crate::project::{Project, cargo_command};
use crate::step::Step;

/// Runs the examples of all crates, and adds them to the sum. Of all: a part of them would be built with other features
/// of the libraries they share, and so would the libraries, once more.
pub(crate) fn run(project: &Project, outcome: &mut Outcome) -> Step {
    let arguments = ["test", "--release", "--doc", "--workspace"];
    let step = Step::run(project, "test examples", &mut cargo_command(&project.root, &arguments));
    let output = fs::read(project.log(&step.name)).unwrap_or_default();
    outcome.add(&String::from_utf8_lossy(&output), step.passed);
    step
}
