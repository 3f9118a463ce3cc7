//! How much one evaluation may use.

use super::error::Cause;

/// The most that one evaluation of a rule set may use. Exceeding any of them fails the whole evaluation, naming
/// the rule: a rule that silently did less than it says could be the one that denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rules in the set.
    pub rules: usize,
    /// Combinations of claims for which the body of one rule runs.
    pub combinations: usize,
    /// Claims in the input set, those of the caller included.
    pub claims: usize,
    /// Length of one value that a rule makes, or of any field of a claim, in octets of UTF-8.
    pub value_octets: usize,
    /// Length of a text that a regular expression is applied to, in octets of UTF-8.
    pub pattern_input_octets: usize,
    /// Different queries to attribute stores.
    pub queries: usize,
    /// Work of the whole evaluation. A step is about one comparison of a claim with a constraint, one octet of
    /// text made or searched, or one time a regular expression backtracks: tens of nanoseconds at most.
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rules: 2_000,
            combinations: 10_000,
            claims: 10_000,
            value_octets: 64 * 1024,
            pattern_input_octets: 64 * 1024,
            queries: 256,
            steps: 20_000_000,
        }
    }
}

/// The steps that are left, beside the limits they came from.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) limits: Limits,
    steps: u64,
}

impl Budget {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, steps: limits.steps }
    }

    /// Takes `steps` of the budget.
    pub(crate) fn charge(&mut self, steps: u64) -> Result<(), Cause> {
        match self.steps.checked_sub(steps) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => Err(Cause::LimitExceeded { limit: "steps", allowed: self.limits.steps }),
        }
    }

    /// Takes one step for each octet.
    pub(crate) fn charge_octets(&mut self, octets: usize) -> Result<(), Cause> {
        self.charge(octets as u64)
    }

    /// Refuses a text longer than a claim's field may be.
    pub(crate) fn check_value(&self, octets: usize) -> Result<(), Cause> {
        within("value_octets", octets, self.limits.value_octets)
    }
}

/// Refuses a number above its limit.
pub(crate) fn within(limit: &'static str, used: usize, allowed: usize) -> Result<(), Cause> {
    if used > allowed {
        return Err(Cause::LimitExceeded { limit, allowed: allowed as u64 });
    }
    Ok(())
}
