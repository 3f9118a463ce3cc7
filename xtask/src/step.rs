//! One step: a command, its log, its time.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::project::Project;

/// Lines of a log that are shown when its step failed.
const TAIL: usize = 60;

/// Shorter steps have no line in the table.
const WORTH_A_LINE: Duration = Duration::from_millis(50);

/// How a step ended.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) took: Duration,
    pub(crate) passed: bool,
}

impl Step {
    /// Runs a command with its output in the log of that name. Says how it ended, and shows the end of the
    /// log when it failed.
    pub(crate) fn run(project: &Project, name: &str, command: &mut Command) -> Self {
        let path = project.log(name);
        let started = Instant::now();
        let status = File::create(&path).and_then(|log| {
            let errors = log.try_clone()?;
            command.stdin(Stdio::null()).stdout(log).stderr(errors).status()
        });
        Self::ended(name, started, status.map(|status| status.success()), &path)
    }

    /// Says how a step ended that ran otherwise.
    pub(crate) fn ended(name: &str, started: Instant, passed: io::Result<bool>, log: &Path) -> Self {
        let took = started.elapsed();
        let result = match &passed {
            Ok(true) => "ok".to_owned(),
            Ok(false) => format!("FAILED, see {}", log.display()),
            Err(error) => format!("FAILED: {error}"),
        };
        println!("{name:<40} {:>7.1} s  {result}", took.as_secs_f64());
        if matches!(passed, Ok(false)) {
            show_tail(log);
        }
        Self { name: name.to_owned(), took, passed: matches!(passed, Ok(true)) }
    }
}

fn show_tail(log: &Path) {
    let bytes = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    for line in lines.iter().skip(lines.len().saturating_sub(TAIL)) {
        println!("    {line}");
    }
}

/// Prints the steps that took time, or failed, as a table.
pub(crate) fn print_times(steps: &[Step], whole: Duration) {
    println!("\n{:<40} {:>9}", "step", "seconds");
    for step in steps.iter().filter(|step| !step.passed || step.took >= WORTH_A_LINE) {
        let mark = if step.passed { "" } else { "  FAILED" };
        println!("{:<40} {:>9.1}{mark}", step.name, step.took.as_secs_f64());
    }
    println!("{:<40} {:>9.1}", "all, some of them at the same time", whole.as_secs_f64());
}
