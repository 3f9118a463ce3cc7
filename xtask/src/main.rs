//! The one entry for the project's chores: `cargo xtask lint`, `cargo xtask test`,
//! `cargo xtask bench`, `cargo xtask fuzz`.
//!
//! Continuous integration runs the same commands (`.ci/run`).

mod bench;
mod doc_tests;
mod floors;
mod fuzz;
mod lint;
mod outcome;
mod package;
mod peers;
mod project;
mod step;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask lint [PART...]
           the floors of the crates, formatting, clippy, and cargo deny where it is installed;
           PART is one or more of: floors format clippy deny
       cargo xtask test [--require-peers] [--without-peers]
           installs what the tests need while the workspace is built, then runs all tests, the
           end-to-end tests last; --require-peers makes a test that was skipped a failure,
           --without-peers installs and starts nothing
       cargo xtask bench
           what of a core's signing work becomes tokens, time to ready, resident memory
       cargo xtask package
           the Debian package of the program, with its systemd unit
       cargo xtask fuzz TARGET [--seconds N]
           looks for inputs that stop a decoder, with cargo-fuzz on nightly Rust; without N until
           one is found; TARGET is a folder of fuzz/corpus";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.split_first() {
        Some((&"lint", parts)) => lint::run(parts),
        Some((&"test", options)) => test::run(options),
        Some((&"bench", [])) => bench::run(),
        Some((&"package", [])) => package::run(),
        Some((&"fuzz", arguments)) => fuzz::run(arguments),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}
