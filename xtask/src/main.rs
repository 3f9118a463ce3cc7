//! The one entry for build, lint, test, bench and docs.
fn main() {}
