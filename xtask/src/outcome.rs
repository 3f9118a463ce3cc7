//! Counting tests.

use std::fmt;
use std::ops::AddAssign;

/// Tests that passed, failed, were skipped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Outcome {
    /// Adds up the result lines in the output of one test binary. A binary that did not succeed and names no
    /// failed test (it crashed, hung, or printed no result) counts as one failure.
    pub(crate) fn read(output: &str, succeeded: bool) -> Self {
        let mut sum = Self::default();
        let mut ended = false;
        for line in output.lines().filter_map(|line| line.strip_prefix("test result: ")) {
            ended = true;
            let counts = line.split(['.', ';']).filter_map(|part| part.trim().split_once(' '));
            for (count, what) in counts.filter_map(|(count, what)| Some((count.parse::<usize>().ok()?, what)))
            {
                match what {
                    "passed" => sum.passed += count,
                    "failed" => sum.failed += count,
                    "ignored" => sum.skipped += count,
                    _ => {}
                }
            }
        }
        if (!succeeded || !ended) && sum.failed == 0 {
            sum.failed = 1;
        }
        sum
    }

    /// Tests that returned early because a peer is missing passed for the test library; here they are skipped.
    pub(crate) fn skip(&mut self, tests: usize) {
        self.passed = self.passed.saturating_sub(tests);
        self.skipped += tests;
    }
}

impl AddAssign for Outcome {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREEN: &str = "running 3 tests\n\ntest result: ok. 25 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s\n";
    const RED: &str = "test result: FAILED. 23 passed; 7 failed; 0 ignored; 0 measured; 0 filtered out; finished in 21.41s\n";

    #[test]
    fn result_lines_are_added_up() {
        assert_eq!(Outcome::read(GREEN, true).to_string(), "25 passed, 0 failed, 1 skipped");
        let mut sum = Outcome::read(&format!("{GREEN}{RED}"), false);
        assert_eq!(sum.to_string(), "48 passed, 7 failed, 1 skipped");
        sum += Outcome { passed: 1, failed: 1, skipped: 1 };
        sum.skip(2);
        assert_eq!(sum.to_string(), "47 passed, 8 failed, 4 skipped");
    }

    #[test]
    fn a_binary_that_died_is_a_failure() {
        assert_eq!(Outcome::read("running 3 tests\n", false).failed, 1);
        assert_eq!(Outcome::read("running 3 tests\n", true).failed, 1);
        assert_eq!(Outcome::read(GREEN, false).failed, 1);
    }
}
