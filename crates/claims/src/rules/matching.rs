//! For which combinations of claims the body of a rule runs.

use super::claim_set::ClaimSet;
use super::engine::{Bound, Engine, Expected};
use super::error::Cause;
use super::limits::within;
use super::syntax::*;

/// Combinations of claims, one claim for each selector of the rule. The first selector varies slowest.
#[derive(Debug, Default)]
pub(crate) struct Combinations {
    count: usize,
    width: usize,
    /// Places in the claim set, `width` for each combination.
    places: Vec<usize>,
}

impl Combinations {
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn get(&self, index: usize) -> &[usize] {
        self.places.get(index * self.width..(index + 1) * self.width).unwrap_or_default()
    }
}

/// All combinations that meet the conditions: the Cartesian product of what the selectors match, one empty
/// combination without selectors, none when a selector matches nothing or an aggregate is false.
pub(crate) fn combinations(
    conditions: &[Condition],
    claims: &ClaimSet,
    engine: &mut Engine,
) -> Result<Combinations, Cause> {
    let mut matches = Vec::new();
    for condition in conditions {
        let fulfilled = match condition {
            Condition::Selector(selector) => {
                let candidates = candidates(selector, claims, engine)?;
                let any = !candidates.is_empty();
                matches.push((selector, candidates));
                any
            }
            Condition::Aggregate(aggregate, selector) => {
                aggregate.holds(candidates(selector, claims, engine)?.len())
            }
        };
        if !fulfilled {
            return Ok(Combinations::default());
        }
    }
    let mut join = Join {
        matches: &matches,
        claims,
        engine,
        current: Vec::with_capacity(matches.len()),
        found: Combinations { width: matches.len(), ..Combinations::default() },
    };
    join.from(0)?;
    Ok(join.found)
}

/// The claims that meet those constraints of a selector that read no other claim.
fn candidates(selector: &Selector, claims: &ClaimSet, engine: &mut Engine) -> Result<Vec<usize>, Cause> {
    let nothing = Bound { claims, combination: &[] };
    let mut constraints: Vec<(&Constraint, Expected)> = Vec::new();
    for constraint in selector.constraints.iter().filter(|constraint| !constraint.expression.reads_claims()) {
        constraints.push((constraint, engine.expected(constraint, nothing)?));
    }
    let mut found = Vec::new();
    'claims: for (place, claim) in claims.iter().enumerate() {
        engine.budget.charge(1)?;
        for (constraint, expected) in &constraints {
            if !engine.holds(constraint, expected, claim)? {
                continue 'claims;
            }
        }
        found.push(place);
    }
    Ok(found)
}

struct Join<'j> {
    matches: &'j [(&'j Selector, Vec<usize>)],
    claims: &'j ClaimSet,
    engine: &'j mut Engine,
    current: Vec<usize>,
    found: Combinations,
}

impl Join<'_> {
    /// Extends the current combination by selector `depth` and those behind it. The parser bounds their number.
    fn from(&mut self, depth: usize) -> Result<(), Cause> {
        let matches = self.matches;
        let Some((selector, candidates)) = matches.get(depth) else {
            self.found.count += 1;
            within("combinations", self.found.count, self.engine.budget.limits.combinations)?;
            self.found.places.extend_from_slice(&self.current);
            return Ok(());
        };
        let mut constraints: Vec<(&Constraint, Expected)> = Vec::new();
        for constraint in
            selector.constraints.iter().filter(|constraint| constraint.expression.reads_claims())
        {
            let bound = Bound { claims: self.claims, combination: &self.current };
            constraints.push((constraint, self.engine.expected(constraint, bound)?));
        }
        'claims: for &place in candidates {
            self.engine.budget.charge(1)?;
            let Some(claim) = self.claims.get(place) else { continue };
            for (constraint, expected) in &constraints {
                if !self.engine.holds(constraint, expected, claim)? {
                    continue 'claims;
                }
            }
            self.current.push(place);
            self.from(depth + 1)?;
            self.current.pop();
        }
        Ok(())
    }
}
