//! Values of expressions and truth of constraints, within the budget.

use std::collections::HashMap;
use std::sync::Arc;

use super::claim_set::ClaimSet;
use super::error::Cause;
use super::limits::{Budget, Limits};
use super::syntax::*;
use crate::claim::Claim;
use crate::pattern::Pattern;

/// Computed patterns kept compiled at one time.
const PATTERNS: usize = 64;

/// What a constraint compares with.
pub(crate) enum Expected {
    Text(Arc<str>),
    Pattern(Arc<Pattern>),
}

/// The claims that the tags of a rule stand for: for each selector, a place in the claim set.
#[derive(Clone, Copy)]
pub(crate) struct Bound<'c> {
    pub(crate) claims: &'c ClaimSet,
    pub(crate) combination: &'c [usize],
}

impl Bound<'_> {
    fn field(self, tag: &Tag, property: &Property) -> Arc<str> {
        let place = self.combination.get(tag.selector);
        let claim = place.and_then(|&place| self.claims.get(place));
        claim.map(|claim| property.shared(claim)).unwrap_or_default()
    }
}

/// The budget of an evaluation, and the patterns it has compiled.
pub(crate) struct Engine {
    pub(crate) budget: Budget,
    patterns: HashMap<Arc<str>, Arc<Pattern>>,
}

impl Engine {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { budget: Budget::new(limits), patterns: HashMap::new() }
    }

    /// The value of an expression.
    pub(crate) fn text(&mut self, expression: &Expression, bound: Bound<'_>) -> Result<Arc<str>, Cause> {
        if let [term] = expression.0.as_slice() {
            return self.term(term, bound);
        }
        let mut text = String::new();
        for term in &expression.0 {
            let part = self.term(term, bound)?;
            self.budget.check_value(text.len() + part.len())?;
            self.budget.charge_octets(part.len())?;
            text.push_str(&part);
        }
        Ok(text.into())
    }

    fn term(&mut self, term: &Term, bound: Bound<'_>) -> Result<Arc<str>, Cause> {
        self.budget.charge(1)?;
        match term {
            Term::Text(text) => Ok(text.clone()),
            Term::Field(tag, property) => Ok(bound.field(tag, property)),
            Term::Replace(replace) => {
                let input = self.text(&replace.input, bound)?;
                let pattern = match &replace.compiled {
                    Some(pattern) => pattern.clone(),
                    None => {
                        let source = self.text(&replace.pattern, bound)?;
                        self.pattern(source)?
                    }
                };
                let replacement = self.text(&replace.replacement, bound)?;
                pattern.replace(&input, &replacement, &mut self.budget).map(Arc::from)
            }
        }
    }

    /// What a constraint compares with, for the claims bound so far.
    pub(crate) fn expected(&mut self, constraint: &Constraint, bound: Bound<'_>) -> Result<Expected, Cause> {
        if let Some(pattern) = &constraint.pattern {
            return Ok(Expected::Pattern(pattern.clone()));
        }
        let text = self.text(&constraint.expression, bound)?;
        match constraint.operator.takes_pattern() {
            true => self.pattern(text).map(Expected::Pattern),
            false => Ok(Expected::Text(text)),
        }
    }

    /// Whether a constraint holds on a claim. Text is compared octet by octet.
    pub(crate) fn holds(
        &mut self,
        constraint: &Constraint,
        expected: &Expected,
        claim: &Claim,
    ) -> Result<bool, Cause> {
        let actual = constraint.property.of(claim);
        let same = match expected {
            Expected::Text(text) => {
                self.budget.charge_octets(1 + actual.len() / 64)?;
                actual == &**text
            }
            Expected::Pattern(pattern) => pattern.is_match(actual, &mut self.budget)?,
        };
        Ok(match constraint.operator {
            Operator::Equal | Operator::Match => same,
            Operator::NotEqual | Operator::NotMatch => !same,
        })
    }

    fn pattern(&mut self, source: Arc<str>) -> Result<Arc<Pattern>, Cause> {
        if let Some(pattern) = self.patterns.get(&source) {
            return Ok(pattern.clone());
        }
        if self.patterns.len() >= PATTERNS {
            self.patterns.clear();
        }
        let pattern = Arc::new(Pattern::computed(&source, &mut self.budget)?);
        self.patterns.insert(source, pattern.clone());
        Ok(pattern)
    }
}
