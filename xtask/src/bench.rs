//! `cargo xtask bench`: the programs of `benches/` against the built server.

use crate::project::{Project, cargo_command};
use crate::step::Step;

/// Builds both and runs the measurement, whose output is the figures.
pub(crate) fn run() -> Result<bool, String> {
    let project = Project::load()?;
    let mut build =
        cargo_command(&project.root, &["build", "--release", "--package", "sekisho", "--package", "benches"]);
    if !Step::run(&project, "build", &mut build).passed {
        return Ok(false);
    }
    let mut benches = std::process::Command::new(project.program("benches"));
    let status = benches.arg(project.program("sekisho")).current_dir(&project.root).status();
    status.map(|status| status.success()).map_err(|error| format!("benches: {error}"))
}
