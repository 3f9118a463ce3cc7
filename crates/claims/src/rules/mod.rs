//! The claim rule language: parse, check, evaluate, explain.

pub(crate) mod diagnostic;
pub(crate) mod error;
pub(crate) mod limits;
pub(crate) mod machine;
pub(crate) mod store;
pub(crate) mod trace;

mod claim_set;
mod engine;
mod matching;
mod parser;
mod print;
mod syntax;
mod token;

use std::fmt;

use crate::claim::Claim;
use diagnostic::{Diagnostic, Places};
use error::EvaluationError;
use limits::Limits;
use machine::{Machine, Step};
use parser::{ERRORS, Placed};
use syntax::{Issuance, Rule};

/// A checked and compiled rule set. It keeps its text; two rule sets are equal when their rules are, whatever
/// the layout of their texts.
///
/// Displayed, it is laid out anew as the console's templates do it.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    text: String,
    rules: Vec<Placed>,
    warnings: Vec<Diagnostic>,
}

impl RuleSet {
    /// Reads a rule set. A text with errors is refused as a whole, with every bad rule reported.
    ///
    /// # Errors
    ///
    /// What is wrong, in the order of the text; at least one entry.
    pub fn parse(text: &str) -> Result<Self, Vec<Diagnostic>> {
        let (rules, warnings) = parser::parse(text)?;
        Ok(Self { text: text.to_owned(), rules, warnings })
    }

    /// The text as it was given, annotations and layout included.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What was accepted and is probably not what was meant.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// The number of rules.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are no rules, so that nothing is ever issued.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Runs the rules over a copy of the incoming claims, until the end or the first rule that needs an
    /// attribute store.
    ///
    /// # Errors
    ///
    /// Any failure of any rule: no partial output is ever given.
    pub fn evaluate(
        &self,
        input: impl IntoIterator<Item = Claim>,
        limits: &Limits,
    ) -> Result<Step<'_>, EvaluationError> {
        Machine::start(&self.rules, input, limits)
    }

    /// The rules that ask an attribute store which is not among `stores`, so that a rule set can be refused
    /// when it is set instead of failing each sign-in. Names are compared without regard to case. A store name
    /// that is computed cannot be known before the rule runs and is not reported. At most 100 are reported.
    pub fn unsupported(&self, stores: &[&str]) -> Vec<Diagnostic> {
        let places = Places::new(&self.text);
        let unknown = self.rules.iter().filter_map(|placed| {
            let Issuance::Store { store, .. } = &placed.rule.issuance else { return None };
            let name = store.literal()?;
            if stores.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                return None;
            }
            let message = format!("There is no attribute store '{name}'.");
            let mut error = places.diagnostic(placed.store.clone()?, "POLICY0018", message);
            error.help = Some(match stores {
                [] => "No attribute store is configured.".to_owned(),
                _ => format!("The attribute stores are: {}.", stores.join(", ")),
            });
            Some(error)
        });
        unknown.take(ERRORS).collect()
    }

    fn trees(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(|placed| &placed.rule)
    }
}

impl PartialEq for RuleSet {
    fn eq(&self, other: &Self) -> bool {
        self.trees().eq(other.trees())
    }
}

impl Eq for RuleSet {}

impl fmt::Display for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, rule) in self.trees().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{rule}")?;
        }
        Ok(())
    }
}
