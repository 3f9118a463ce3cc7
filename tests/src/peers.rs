//! Peers that may be missing. Missing ones skip a test, and the skip is counted.

use std::fs::OpenOptions;
use std::io::Write;

/// The value of a variable that `lab/lab.sh` sets while a peer is up. Without it the test is skipped:
///
/// ```text
/// let Some(mellon) = needs("LAB_MELLON_URL") else { return };
/// ```
pub fn needs(variable: &str) -> Option<String> {
    let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        skip(&format!("{variable} is not set; start the peers with lab/lab.sh up, or run cargo xtask test"));
    }
    value
}

/// Notes that the running test is skipped: on standard error, and for `cargo xtask test`, which counts it and
/// fails where peers are required.
pub fn skip(reason: &str) {
    let thread = std::thread::current();
    let line = format!("{}: {reason}\n", thread.name().unwrap_or("a test"));
    eprint!("skipped: {line}");
    let Some(file) = std::env::var_os("SEKISHO_SKIPS") else { return };
    let noted = OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .and_then(|mut f| f.write_all(line.as_bytes()));
    if let Err(error) = noted {
        eprintln!("the skip could not be noted: {error}");
    }
}
