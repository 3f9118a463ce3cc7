//! The parser's place among the tokens, and the errors it notes there.

use std::ops::Range;
use std::sync::Arc;

use super::{ERRORS, Parsed, Parser, SyntaxError};
use crate::rules::diagnostic::Diagnostic;
use crate::rules::token::Token;

impl<'s> Parser<'s> {
    /// A string literal; `\x22` in it stands for one double quote, every other backslash for itself.
    pub(super) fn string(&mut self) -> Parsed<Arc<str>> {
        if self.peek() != Token::String {
            return self.unexpected(&["STRING"]);
        }
        let written = self.word();
        self.at += 1;
        let inside = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default();
        Ok(inside.replace(r"\x22", "\"").replace(r"\X22", "\"").into())
    }

    pub(super) fn identifier(&mut self, expected: &[&'static str]) -> Parsed<&'s str> {
        if self.peek() != Token::Identifier {
            return self.unexpected(expected);
        }
        let word = self.word();
        self.at += 1;
        Ok(word)
    }

    pub(super) fn expect(&mut self, token: Token, expected: &[&'static str]) -> Parsed<()> {
        if self.take(token) { Ok(()) } else { self.unexpected(expected) }
    }

    pub(super) fn take(&mut self, token: Token) -> bool {
        let found = self.peek() == token;
        self.at += usize::from(found);
        found
    }

    pub(super) fn peek(&self) -> Token {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Token {
        self.tokens.get(self.at + ahead).map_or(Token::End, |(token, _)| *token)
    }

    /// The text of the next token.
    pub(super) fn word(&self) -> &'s str {
        self.tokens.get(self.at).and_then(|(_, span)| self.text.get(span.clone())).unwrap_or_default()
    }

    /// The place of the next token. The end of the text is shown at its last character that is no blank.
    pub(super) fn span(&self) -> Range<usize> {
        self.tokens.get(self.at).map_or_else(
            || {
                let end = self.text.trim_end().char_indices().next_back().map_or(0, |(at, _)| at);
                end..end
            },
            |(_, span)| span.clone(),
        )
    }

    pub(super) fn previous(&self) -> Range<usize> {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(0..0, |(_, span)| span.clone())
    }

    /// Notes that the next token cannot stand where it does.
    pub(super) fn unexpected<T>(&mut self, expected: &[&'static str]) -> Parsed<T> {
        let token = self.peek();
        let mut error = match token {
            Token::Unexpected | Token::Number => {
                self.places.diagnostic(self.span(), "POLICY0029", "Unexpected input.")
            }
            Token::End => {
                self.places.diagnostic(self.span(), "POLICY0030", "Syntax error, unexpected end of the text")
            }
            _ => {
                let message = format!("Syntax error, unexpected '{}'", self.word());
                self.places.diagnostic(self.span(), "POLICY0030", message)
            }
        };
        error.help = help(token, self.word(), expected).map(str::to_owned);
        if error.code == "POLICY0030" {
            error.expected = expected.to_vec();
        }
        self.push(error);
        Err(SyntaxError)
    }

    pub(super) fn error(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.push(self.places.diagnostic(span, "POLICY0002", message));
    }

    pub(super) fn push(&mut self, error: Diagnostic) {
        if self.errors.len() < ERRORS {
            self.errors.push(error);
        }
    }
}

/// What people usually meant.
fn help(token: Token, word: &str, expected: &[&str]) -> Option<&'static str> {
    Some(match (token, word) {
        (Token::Unexpected, "\"") => {
            "The string is not closed on its line; a double quote inside it is written \\x22."
        }
        (Token::Unexpected, "'" | "“" | "”" | "„" | "‘" | "’" | "«" | "»") => {
            "Strings are delimited by the straight double quote (U+0022) only."
        }
        (Token::Unexpected, "|") => "There is no OR: write one rule for each alternative.",
        (Token::Unexpected, "&") => "Conditions are joined by &&.",
        (Token::Unexpected, "!") => "There is no general NOT: compare with != or !~, or use NOT EXISTS.",
        (Token::Unexpected, "/" | "#") => "The language has no comments; name a rule with @RuleName.",
        (Token::Number, _) => "Values are strings, in double quotes.",
        (Token::Equal, _) if expected.contains(&"=") => "An assignment has one equals sign.",
        (Token::Assign, _) if expected.contains(&"==") => "A comparison for equality is written ==.",
        (Token::End, _) if expected.contains(&";") => "A rule ends with a semicolon.",
        _ if expected == [";"] => "A rule has one action and ends with a semicolon.",
        _ => return None,
    })
}
