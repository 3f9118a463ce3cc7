//! Why an evaluation failed.

use std::sync::Arc;

use thiserror::Error;

/// An evaluation that failed. Nothing it had issued may be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}{cause}", place(*.rule, *.line, .name.as_deref()))]
pub struct EvaluationError {
    /// The rule that failed, counted from 0; `None` when the input was refused before the first rule.
    pub rule: Option<usize>,
    /// The line at which the rule begins, from 1; 0 without a rule.
    pub line: usize,
    /// The rule's `@RuleName`.
    pub name: Option<Arc<str>>,
    /// What went wrong.
    pub cause: Cause,
}

fn place(rule: Option<usize>, line: usize, name: Option<&str>) -> String {
    match (rule, name) {
        (None, _) => String::new(),
        (Some(rule), None) => format!("Rule {} (line {line}): ", rule + 1),
        (Some(rule), Some(name)) => format!("Rule {} '{name}' (line {line}): ", rule + 1),
    }
}

/// What made an evaluation fail.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Cause {
    /// A limit of [`crate::Limits`] was reached.
    #[error(
        "the evaluation needs more than the allowed {allowed} {limit}; simplify the rule or raise the limit"
    )]
    LimitExceeded {
        /// The field of [`crate::Limits`].
        limit: &'static str,
        /// Its value.
        allowed: u64,
    },
    /// A regular expression backtracked too often on one text.
    #[error(
        "the regular expression '{pattern}' backtracked more than {allowed} times on one value; \
         rewrite it without nested repetition"
    )]
    Backtracking {
        /// The pattern as written.
        pattern: Arc<str>,
        /// How often it may.
        allowed: usize,
    },
    /// A computed regular expression is none, or one that is not supported.
    #[error("the regular expression '{pattern}' cannot be used: {reason}")]
    Pattern {
        /// The pattern as computed.
        pattern: Arc<str>,
        /// Why not.
        reason: String,
    },
    /// An attribute store did not answer.
    #[error("POLICY0018: Query '{query}' to attribute store '{store}' failed: '{reason}'.")]
    Query {
        /// The store's name.
        store: Arc<str>,
        /// The query as the rule has it, placeholders not filled.
        query: Arc<str>,
        /// What the store says.
        reason: String,
    },
    /// The caller resumed with another number of row sets than there were queries.
    #[error("{expected} queries were asked and {given} row sets given; give one for each query, in order")]
    Answers {
        /// Queries asked.
        expected: usize,
        /// Row sets given.
        given: usize,
    },
}
