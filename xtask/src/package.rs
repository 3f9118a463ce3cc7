//! `cargo xtask package`: the Debian package of the built program.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::project::{Project, cargo, cargo_command, is_installed};
use crate::step::Step;

/// Builds the program and its package; prints where the package is.
pub(crate) fn run() -> Result<bool, String> {
    let project = Project::load()?;
    let mut build = cargo_command(&project.root, &["build", "--release", "--package", "sekisho"]);
    Ok(Step::run(&project, "build", &mut build).passed
        && install(&project).passed
        && package(&project, &project.program("packages")).passed)
}

/// `cargo-deb`, into the target folder when this machine has none.
fn install(project: &Project) -> Step {
    let name = "install cargo-deb";
    if program(project).is_file() || is_installed("cargo-deb") {
        return Step::run(project, name, &mut Command::new("true"));
    }
    let mut command = Command::new(cargo());
    command.args(["install", "cargo-deb", "--locked", "--root"]).arg(tools(project));
    Step::run(project, name, command.arg("--target-dir").arg(tools(project).join("build")))
}

/// The package of the program as it was built last, in `folder`.
fn package(project: &Project, folder: &Path) -> Step {
    let own = program(project);
    let mut command = Command::new(if own.is_file() { own } else { "cargo-deb".into() });
    command.args(["--package", "sekisho", "--no-build", "--output"]).arg(folder);
    let step = Step::run(project, "package", command.current_dir(&project.root));
    if step.passed {
        println!("{}", folder.display());
    }
    step
}

/// Programs that only the project's chores need.
fn tools(project: &Project) -> PathBuf {
    project.program("tools")
}

fn program(project: &Project) -> PathBuf {
    tools(project).join("bin/cargo-deb")
}
