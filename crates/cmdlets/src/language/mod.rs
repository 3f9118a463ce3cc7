//! PowerShell's argument syntax, so that runbooks run as they are printed. Reading is pure: nothing is executed and
//! nothing is looked up here.
//!
//! Read are pipelines of commands, arguments of every form, variables, arrays, hashtables, here-strings, numbers,
//! comments and the conditions of `Where-Object`. Loops, functions and operators outside of conditions are not;
//! the error says so at their place. Typographic quotes and dashes count as plain ones, as in PowerShell, because
//! that is what comes out of a word processor.

mod argv;
mod condition;
mod cursor;
mod expression;
mod literal;
mod parser;
mod syntax;

#[cfg(test)]
mod tests;

pub use argv::words_of_arguments;
pub(crate) use literal::parse_number;
pub use parser::parse;
pub use syntax::{
    Argument, Command, Comparison, Condition, Element, Expression, Part, Pipeline, Script, Statement,
};

/// Identifier of the error that more text may cure.
pub(crate) const INCOMPLETE: &str = "IncompleteParseException";

/// Largest script, in bytes.
pub const MAX_SCRIPT: usize = 1 << 20;
/// Deepest nesting of parentheses, braces and strings with expressions.
pub const MAX_DEPTH: usize = 32;
