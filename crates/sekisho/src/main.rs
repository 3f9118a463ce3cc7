//! `sekisho`: the one binary. This file knows the command line; the roles are in their own modules.

mod commands;
mod demo;
mod explain;
mod node;
#[cfg(test)]
mod reference;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Federation server compatible with AD FS.
#[derive(Parser)]
#[command(name = "sekisho", version, about, long_about = None, after_help = COMMANDS)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const COMMANDS: &str = "\
Administration:
  sekisho Verb-Noun ...     A command of AD FS, as Get-AdfsProperties; Get-Command lists them, Get-Help NAME explains one
  sekisho run FILE          A file of commands in PowerShell's syntax
  sekisho -Command TEXT     The same from an argument
  sekisho shell             A prompt for them
  sekisho completion SHELL  Completion for bash or zsh";

#[derive(Subcommand)]
enum Command {
    /// Start a complete federation service with users and relying parties, for trying out and for tests.
    Demo(demo::Arguments),
    /// Serve the node that Install-AdfsFarm made, or look whether it can be ready (--check).
    Serve(serve::Arguments),
    /// Print why a request ended as it did; the activity id stands on every error page.
    Explain(explain::Arguments),
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    if let Some(code) = commands::run(&words) {
        return code;
    }
    let result = match Arguments::parse().command {
        Command::Demo(arguments) => demo::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments).map(|()| ExitCode::SUCCESS),
    };
    result.unwrap_or_else(|error| {
        eprintln!("sekisho: {error}");
        ExitCode::FAILURE
    })
}

/// Warnings and errors go to standard error; `RUST_LOG` widens or narrows them.
fn init_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    log.compact().init();
}
