//! `sekisho`: the one binary. This file knows the command line; the roles are in their own modules.

mod demo;
mod explain;
#[cfg(test)]
mod reference;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Federation server compatible with AD FS.
#[derive(Parser)]
#[command(name = "sekisho", version, about, long_about = None)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a complete federation service with users and relying parties, for trying out and for tests.
    Demo(demo::Arguments),
    /// Print why a request ended as it did; the activity id stands on every error page.
    Explain(explain::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sekisho: {error}");
            ExitCode::FAILURE
        }
    }
}
