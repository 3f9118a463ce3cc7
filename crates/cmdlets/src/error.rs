//! The error record of a command: text, identifier and place, as PowerShell prints them.

use std::fmt;

/// A place in a script, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line.
    pub line: u32,
    /// Column, in characters.
    pub column: u32,
}

/// Why a command line was not run, or what a command answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct CmdletError {
    /// First part of PowerShell's FullyQualifiedErrorId: `NamedParameterNotFound`, `PS0033`.
    pub id: String,
    /// What is wrong and what to do; several lines are possible.
    pub message: String,
    /// The command that failed, when one was reached.
    pub cmdlet: Option<String>,
    /// Where it stands in the script; absent for a command given as words.
    pub at: Option<Position>,
}

impl CmdletError {
    /// An error that belongs to no command yet.
    pub fn new(id: impl Into<String>, message: impl Into<String>) -> Self {
        Self { id: id.into(), message: message.into(), cmdlet: None, at: None }
    }

    /// The same with its place, unless a nearer one is known.
    pub fn at(mut self, position: Option<Position>) -> Self {
        self.at = self.at.or(position);
        self
    }

    /// The same with the command that failed, unless one is known.
    pub fn of(mut self, cmdlet: &str) -> Self {
        self.cmdlet.get_or_insert_with(|| cmdlet.to_owned());
        self
    }
}

impl fmt::Display for CmdletError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cmdlet {
            Some(cmdlet) => write!(f, "{cmdlet} : {}", self.message)?,
            None => f.write_str(&self.message)?,
        }
        if let Some(Position { line, column }) = self.at {
            write!(f, "\nAt line:{line} char:{column}")?;
        }
        write!(f, "\n    + FullyQualifiedErrorId : {}", self.id)
    }
}
