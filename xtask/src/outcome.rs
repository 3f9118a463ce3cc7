//! Counting tests.

use std::fmt;

/// Tests that passed, failed, were skipped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    passed: usize,
    failed: usize,
    skipped: usize,
    /// Name and reason of each test that returned early because something is missing.
    pub(crate) skips: Vec<String>,
}

impl Outcome {
    /// Adds the output of one test binary, run with `--show-output`. One that did not succeed and names no
    /// failed test (it crashed, hung, or printed no result) counts as one failure.
    pub(crate) fn add(&mut self, output: &str, succeeded: bool) {
        let mut one = Self { skips: skips(output), ..Self::default() };
        let mut ended = false;
        for line in output.lines().filter_map(|line| line.strip_prefix("test result: ")) {
            ended = true;
            let counts = line.split(['.', ';']).filter_map(|part| part.trim().split_once(' '));
            for (count, what) in counts.filter_map(|(count, what)| Some((count.parse::<usize>().ok()?, what)))
            {
                match what {
                    "passed" => one.passed += count,
                    "failed" => one.failed += count,
                    "ignored" => one.skipped += count,
                    _ => {}
                }
            }
        }
        if (!succeeded || !ended) && one.failed == 0 {
            one.failed = 1;
        }
        // The test library takes an early return for a success.
        self.passed += one.passed.saturating_sub(one.skips.len());
        self.failed += one.failed;
        self.skipped += one.skipped + one.skips.len();
        self.skips.append(&mut one.skips);
    }

    /// Whether nothing failed.
    pub(crate) fn is_good(&self) -> bool {
        self.failed == 0
    }

    /// Whether a peer was missing. Documents of the real world (`SEKISHO_FIXTURES`) are no peers: they cannot
    /// be installed.
    pub(crate) fn missed_a_peer(&self) -> bool {
        self.skips.iter().any(|skip| !skip.contains("fixtures") && !skip.contains("SEKISHO_FIXTURES"))
    }
}

/// Tests that printed a line beginning with `skipped`, and what they printed.
fn skips(output: &str) -> Vec<String> {
    let mut skips = Vec::new();
    let mut test = None;
    for line in output.lines() {
        let heading = line.strip_prefix("---- ").and_then(|line| line.strip_suffix(" stdout ----"));
        if heading.is_some() {
            test = heading;
        } else if let Some(reason) = line.strip_prefix("skipped")
            && let Some(name) = test.take()
        {
            skips.push(format!("{name}: {}", reason.trim_start_matches([':', ' '])));
        }
    }
    skips
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREEN: &str = "running 26 tests\n\n\
        test result: ok. 25 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s\n";
    const RED: &str = "test result: FAILED. 23 passed; 7 failed; 0 ignored; 0 measured; 0 filtered out\n";
    const SKIPPED: &str = "successes:\n\n---- interop::one stdout ----\nskipped: xmlsec1 is not installed\n\
        skipped: and once more\n\n---- interop::two stdout ----\nseen\n\nsuccesses:\n    interop::one\n\n\
        test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.02s\n";

    fn sum(outputs: &[(&str, bool)]) -> Outcome {
        let mut sum = Outcome::default();
        outputs.iter().for_each(|(output, succeeded)| sum.add(output, *succeeded));
        sum
    }

    #[test]
    fn result_lines_are_added_up() {
        let sum = sum(&[(GREEN, true), (RED, false)]);
        assert_eq!(sum.to_string(), "48 passed, 7 failed, 1 skipped");
        assert!(!sum.is_good() && !sum.missed_a_peer());
    }

    #[test]
    fn a_test_that_returned_early_is_skipped_once() {
        let sum = sum(&[(SKIPPED, true)]);
        assert_eq!(sum.to_string(), "1 passed, 0 failed, 1 skipped");
        assert_eq!(sum.skips, ["interop::one: xmlsec1 is not installed"]);
        assert!(sum.is_good() && sum.missed_a_peer());
    }

    #[test]
    fn a_binary_that_died_is_a_failure() {
        for (output, succeeded) in [("running 3 tests\n", false), ("running 3 tests\n", true), (GREEN, false)]
        {
            assert!(!sum(&[(output, succeeded)]).is_good());
        }
    }
}
