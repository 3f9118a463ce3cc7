//! What is wrong with the text of a rule set, and where.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

/// Source lines and tokens are quoted up to this many characters.
const QUOTED: usize = 160;

/// Messages go up to this many characters; they quote names from the text.
const MESSAGE: usize = 400;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The rule set is refused.
    Error,
    /// The rule set is accepted, and probably not what was meant.
    Warning,
}

/// One thing that is wrong with the text of a rule set.
///
/// Displayed, an error has the form of AD FS: `POLICY0002: Could not parse policy data. Line number: …`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Whether the rule set is refused.
    pub severity: Severity,
    /// The code of AD FS: `POLICY0029` unexpected input, `POLICY0030` syntax error, `POLICY0011` copy of an
    /// unknown tag, `POLICY0018` a store that cannot be asked, `POLICY0002` for checks that have no code of
    /// their own.
    pub code: &'static str,
    /// From 1.
    pub line: usize,
    /// From 0, in characters, as AD FS prints it.
    pub column: usize,
    /// The place in the text, in octets; empty at the end of the text.
    pub span: Range<usize>,
    /// The token at that place, shortened when it is long.
    pub token: String,
    /// What is wrong, in the words of AD FS where it has some.
    pub message: String,
    /// What could stand there instead, each as written or by the name of its kind.
    pub expected: Vec<&'static str>,
    /// What to do, when that is known.
    pub help: Option<String>,
    /// The line of the text, shortened when it is long.
    pub source_line: String,
}

impl Diagnostic {
    /// The column from 1, for editors.
    pub fn column_from_one(&self) -> usize {
        self.column + 1
    }

    /// The message with the place in `source`, the text that was parsed, drawn for people.
    pub fn render(&self, source: &str) -> String {
        let line = source.lines().nth(self.line.saturating_sub(1)).unwrap_or_default();
        let first = self.column.saturating_sub(QUOTED / 2);
        let shown: String = line.chars().skip(first).take(QUOTED).map(visible).collect();
        let indent = " ".repeat(self.column - first);
        let room = shown.chars().count().saturating_sub(self.column - first).max(1);
        let marker = "^".repeat(self.token.chars().count().clamp(1, room));
        let gutter = " ".repeat(self.line.to_string().len());
        let kind = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut out = format!(
            "{kind} {} at line {}, column {}: {}\n{gutter} |\n{} | {shown}\n{gutter} | {indent}{marker}\n",
            self.code,
            self.line,
            self.column,
            self.reason(),
            self.line,
        );
        if let Some(help) = &self.help {
            out.push_str(&format!("{gutter} = help: {help}\n"));
        }
        out
    }

    /// The message with what was expected, as AD FS writes it inside POLICY0002.
    fn reason(&self) -> String {
        if self.expected.is_empty() {
            return self.message.clone();
        }
        let expected: Vec<String> = self.expected.iter().map(|expected| format!("'{expected}'")).collect();
        format!("{}, expecting one of the following: {} .", self.message, expected.join(" "))
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.severity {
            Severity::Warning => {
                write!(f, "Line number: {}, Column number: {}. {}", self.line, self.column, self.message)?;
            }
            Severity::Error => {
                write!(
                    f,
                    "POLICY0002: Could not parse policy data. Line number: {}, Column number: {}, Error token: {}. \
                     Line: '{}'. Parser error: '",
                    self.line, self.column, self.token, self.source_line
                )?;
                if self.code != "POLICY0002" {
                    write!(f, "{}: ", self.code)?;
                }
                write!(f, "{}'", self.reason())?;
            }
        }
        match &self.help {
            Some(help) => write!(f, " {help}"),
            None => Ok(()),
        }
    }
}

/// Finds lines and columns in a text.
#[derive(Debug)]
pub(crate) struct Places<'s> {
    text: &'s str,
    /// Where each line begins, in octets.
    starts: Vec<usize>,
}

impl<'s> Places<'s> {
    pub(crate) fn new(text: &'s str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// The line of an octet, from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|&start| start <= at)
    }

    /// An error at `span` with `code` and `message`.
    pub(crate) fn diagnostic(
        &self,
        span: Range<usize>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Diagnostic {
        let line = self.line(span.start);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let source = self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        Diagnostic {
            severity: Severity::Error,
            code,
            line,
            column: self.text.get(start..span.start).unwrap_or_default().chars().count(),
            token: shortened(self.text.get(span.clone()).unwrap_or_default(), QUOTED),
            span,
            message: shortened(&message.into(), MESSAGE),
            expected: Vec::new(),
            help: None,
            source_line: shortened(source, QUOTED),
        }
    }
}

fn shortened(text: &str, length: usize) -> String {
    let mut short: String = text.chars().take(length).map(visible).collect();
    if text.chars().nth(length).is_some() {
        short.push('…');
    }
    short
}

/// A character that cannot move the cursor of a terminal.
fn visible(character: char) -> char {
    match character {
        '\t' => ' ',
        _ if character.is_control() => char::REPLACEMENT_CHARACTER,
        _ => character,
    }
}
