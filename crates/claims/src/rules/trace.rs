//! What the rules did, kept for every evaluation: numbers and shared texts, no copies of claims.

use std::sync::Arc;

use crate::claim::Claim;

use super::machine::Outcome;
use super::store::StoreQuery;

/// Values are shown up to this many characters.
const SHOWN: usize = 200;

/// The record of one evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// One entry for each rule, in order.
    pub rules: Vec<RuleTrace>,
    /// The input set at the end: first what the caller gave, then what rules made, in order.
    pub claims: Vec<Arc<Claim>>,
    /// Every different query that was asked, in order.
    pub queries: Vec<StoreQuery>,
    /// How many rows each of them returned.
    pub rows: Vec<usize>,
}

/// What one rule did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleTrace {
    /// The line at which the rule begins, from 1.
    pub line: usize,
    /// Its `@RuleName`.
    pub name: Option<Arc<str>>,
    /// Whether it issues; otherwise it adds.
    pub issues: bool,
    /// For how many combinations of claims its body ran.
    pub combinations: usize,
    /// What it made, as indices into [`Trace::claims`], each once. Some may have been there before.
    pub claims: Vec<usize>,
    /// How many claims were dropped because their value was empty.
    pub empty: usize,
    /// What it asked, as indices into [`Trace::queries`], each once.
    pub queries: Vec<usize>,
    /// How many columns of store rows had no claim type and were ignored, at most in one row.
    pub ignored_columns: usize,
}

impl Outcome {
    /// The evaluation in words, one thought a line.
    pub fn explain(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (index, rule) in self.trace.rules.iter().enumerate() {
            let name = rule.name.as_deref().map(|name| format!(" '{}'", shown(name))).unwrap_or_default();
            let combinations = match rule.combinations {
                0 => "no claims match its conditions".to_owned(),
                1 => "runs once".to_owned(),
                many => format!("runs for {many} combinations of claims"),
            };
            lines.push(format!("rule {}{name} (line {}): {combinations}", index + 1, rule.line));
            for &query in &rule.queries {
                if let (Some(asked), Some(rows)) = (self.trace.queries.get(query), self.trace.rows.get(query))
                {
                    let params: Vec<String> =
                        asked.params.iter().map(|param| format!("\"{}\"", shown(param))).collect();
                    lines.push(format!(
                        "  asks {}: \"{}\" with ({}): {rows} rows",
                        shown(&asked.store),
                        shown(&asked.query),
                        params.join(", ")
                    ));
                }
            }
            if rule.ignored_columns > 0 {
                lines.push(format!("  ignores {} columns that have no claim type", rule.ignored_columns));
            }
            if rule.empty > 0 {
                lines.push(format!("  drops {} claims with an empty value", rule.empty));
            }
            let verb = if rule.issues { "issues" } else { "adds" };
            for claim in rule.claims.iter().filter_map(|&claim| self.trace.claims.get(claim)) {
                lines.push(format!(
                    "  {verb} {} = \"{}\" (issuer {})",
                    shown(&claim.claim_type),
                    shown(&claim.value),
                    shown(&claim.issuer)
                ));
            }
        }
        lines.push(format!("{} claims issued", self.issued.len()));
        lines
    }
}

/// A text from outside, safe to print on one line.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}
