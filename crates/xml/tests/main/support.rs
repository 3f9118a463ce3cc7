//! Files, programs and walks that several tests need.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use xml::{Document, Element, Limits};

pub(crate) fn parse(text: &str) -> Document<'_> {
    Document::parse(text, &Limits::MESSAGE).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The element and all elements in it. Only tests may look for elements wherever they stand.
pub(crate) fn elements<'a, 'i>(element: Element<'a, 'i>) -> Vec<Element<'a, 'i>> {
    let mut found = vec![element];
    let mut at = 0;
    while let Some(element) = found.get(at).copied() {
        found.extend(element.children());
        at += 1;
    }
    found
}

/// Says on the real standard error, which the test harness does not swallow, what was not tested.
pub(crate) fn skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {what}");
}

pub(crate) fn installed(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        skipped(&format!("{program} not installed"));
    }
    found
}

pub(crate) fn run(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().unwrap()
}

/// The real-world documents, where they are at hand.
pub(crate) fn fixtures(directory: &str) -> Option<PathBuf> {
    let named = std::env::var_os("SEKISHO_FIXTURES").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|above| above.join("shared/fixtures"));
    let found = named.into_iter().chain(beside).map(|root| root.join(directory)).find(|path| path.is_dir());
    if found.is_none() {
        skipped(&format!("fixtures {directory} not found; name their directory by SEKISHO_FIXTURES"));
    }
    found
}
