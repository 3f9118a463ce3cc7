//! Text and numbers as they are written.

use serde_json::Value;

use crate::error::CmdletError;

use super::cursor::{Cursor, ends_word, is_double_quote, is_single_quote};
use super::syntax::{Expression, Part};

/// Collects pieces of a text and makes it a constant when there are no variables in it.
#[derive(Default)]
pub(super) struct Pieces {
    parts: Vec<Part>,
    text: String,
}

impl Pieces {
    pub(super) fn push(&mut self, c: char) {
        self.text.push(c);
    }

    pub(super) fn push_value(&mut self, value: Expression) {
        if !self.text.is_empty() {
            self.parts.push(Part::Text(std::mem::take(&mut self.text)));
        }
        self.parts.push(Part::Value(value));
    }

    pub(super) fn finish(mut self) -> Expression {
        if self.parts.is_empty() {
            return Expression::Constant(Value::String(self.text));
        }
        if !self.text.is_empty() {
            self.parts.push(Part::Text(self.text));
        }
        Expression::Interpolated(self.parts)
    }
}

impl Cursor {
    /// `'…'`: nothing in it is special but a doubled quote.
    pub(super) fn single_quoted(&mut self) -> Result<Expression, CmdletError> {
        let begin = self.unended("the text has no end; the closing ' is missing");
        self.skip(1);
        let mut text = String::new();
        loop {
            match (self.next(), self.peek()) {
                (Some(c), Some(after)) if is_single_quote(c) && is_single_quote(after) => {
                    self.skip(1);
                    text.push(after);
                }
                (Some(c), _) if is_single_quote(c) => return Ok(Expression::Constant(Value::String(text))),
                (Some(c), _) => text.push(c),
                (None, _) => return Err(begin),
            }
        }
    }

    /// `"…"`: variables and backtick escapes.
    pub(super) fn double_quoted(&mut self) -> Result<Expression, CmdletError> {
        let begin = self.unended("the text has no end; the closing \" is missing");
        self.skip(1);
        let mut pieces = Pieces::default();
        loop {
            match (self.peek(), self.look(1)) {
                (Some(c), Some(after)) if is_double_quote(c) && is_double_quote(after) => {
                    self.skip(2);
                    pieces.push(after);
                }
                (Some(c), _) if is_double_quote(c) => {
                    self.skip(1);
                    return Ok(pieces.finish());
                }
                (Some(_), _) => self.text_piece(&mut pieces)?,
                (None, _) => return Err(begin),
            }
        }
    }

    /// `@"…"@` and `@'…'@`: from the line after the opening to the line before the closing one.
    pub(super) fn here_string(&mut self) -> Result<Expression, CmdletError> {
        let begin = self.unended("the here-string has no end; a line that begins with \"@ or '@ is missing");
        self.skip(1);
        let expands = self.next().is_some_and(is_double_quote);
        while self.peek().is_some_and(|c| c != '\n') {
            if self.next().is_some_and(|c| !c.is_whitespace()) {
                return Err(self.error("a here-string begins on the line after its opening mark"));
            }
        }
        self.skip(1);
        let mut pieces = Pieces::default();
        let mut first = true;
        loop {
            if self.closes_here_string(expands) {
                self.skip(2);
                return Ok(pieces.finish());
            }
            if !first {
                pieces.push('\n');
            }
            first = false;
            loop {
                match (self.peek(), self.look(1)) {
                    (None, _) => return Err(begin),
                    (Some('\n'), _) => break self.skip(1),
                    (Some('\r'), Some('\n')) => break self.skip(2),
                    (Some(_), _) if expands => self.text_piece(&mut pieces)?,
                    (Some(c), _) => {
                        self.skip(1);
                        pieces.push(c);
                    }
                }
            }
        }
    }

    fn closes_here_string(&self, expands: bool) -> bool {
        let quote = if expands { is_double_quote } else { is_single_quote };
        self.peek().is_some_and(quote) && self.look(1) == Some('@')
    }

    /// One character of a text that expands: an escape, a variable, or itself.
    pub(super) fn text_piece(&mut self, pieces: &mut Pieces) -> Result<(), CmdletError> {
        match (self.peek(), self.look(1)) {
            (Some('`'), Some(_)) => self.escape(pieces),
            (Some('$'), Some('(')) => {
                self.skip(1);
                let value = self.nested(|cursor| cursor.parenthesised())?;
                pieces.push_value(value);
                Ok(())
            }
            (Some('$'), Some(c)) if c.is_alphanumeric() || matches!(c, '_' | '{') => {
                let value = self.variable()?;
                pieces.push_value(value);
                Ok(())
            }
            (Some(c), _) => {
                self.skip(1);
                pieces.push(c);
                Ok(())
            }
            (None, _) => Ok(()),
        }
    }

    fn escape(&mut self, pieces: &mut Pieces) -> Result<(), CmdletError> {
        self.skip(1);
        let Some(c) = self.next() else { return Ok(()) };
        match c {
            'n' => pieces.push('\n'),
            't' => pieces.push('\t'),
            'r' => pieces.push('\r'),
            '0' => pieces.push('\0'),
            'a' => pieces.push('\u{7}'),
            'b' => pieces.push('\u{8}'),
            'f' => pieces.push('\u{c}'),
            'v' => pieces.push('\u{b}'),
            'e' => pieces.push('\u{1b}'),
            'u' if self.peek() == Some('{') => {
                self.skip(1);
                let digits = self.take_name();
                let character = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                let character = character.ok_or_else(|| self.error("`u{…} is not a character"))?;
                self.expect('}', "after the digits of `u{")?;
                pieces.push(character);
            }
            '\r' => {
                self.take('\n');
            }
            '\n' => {}
            other => pieces.push(other),
        }
        Ok(())
    }

    /// A word without quotes, as arguments are mostly written.
    pub(super) fn bare_word(&mut self) -> Result<Expression, CmdletError> {
        let begin = self.place();
        let mut pieces = Pieces::default();
        while !ends_word(self.peek()) {
            match self.peek() {
                Some('`') if matches!(self.look(1), Some('\n' | '\r')) => break,
                Some(c @ ('>' | '<' | '&')) => {
                    return Err(self.error(format!(
                        "'{c}' is not supported: redirect the output of sekisho in the shell that starts it, or quote the text"
                    )));
                }
                Some(c) if is_double_quote(c) => match self.double_quoted()? {
                    Expression::Constant(Value::String(text)) => text.chars().for_each(|c| pieces.push(c)),
                    other => pieces.push_value(other),
                },
                Some(c) if is_single_quote(c) => {
                    if let Expression::Constant(Value::String(text)) = self.single_quoted()? {
                        text.chars().for_each(|c| pieces.push(c));
                    }
                }
                _ => self.text_piece(&mut pieces)?,
            }
        }
        match self.place() == begin {
            true => Err(self.error(format!("expected a value; found {}", self.shown()))),
            false => Ok(pieces.finish()),
        }
    }

    /// A number of an expression: decimal, hexadecimal, with kb, mb, gb or tb.
    pub(super) fn number(&mut self) -> Result<Expression, CmdletError> {
        let error = self.error("is not a number");
        let mut text = String::new();
        while let Some(c) = self.peek().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+'))
        {
            let after_exponent = text.ends_with(['e', 'E']) && !text.starts_with("0x");
            if matches!(c, '-' | '+') && !text.is_empty() && !after_exponent {
                break;
            }
            text.push(c);
            self.skip(1);
        }
        parse_number(&text).map(Expression::Constant).ok_or_else(|| CmdletError {
            message: format!("'{text}' is not a number; quote it if it is a text"),
            ..error
        })
    }
}

/// The number that a text is in PowerShell: `8`, `-3`, `0x1F`, `1.5`, `64kb`.
pub(crate) fn parse_number(text: &str) -> Option<Value> {
    let lower = text.trim().to_ascii_lowercase();
    let (digits, factor) = ["kb", "mb", "gb", "tb"]
        .iter()
        .zip([1_i64 << 10, 1 << 20, 1 << 30, 1 << 40])
        .find_map(|(suffix, factor)| Some((lower.strip_suffix(suffix)?, factor)))
        .unwrap_or((lower.as_str(), 1));
    if let Some(hex) = digits.strip_prefix("0x") {
        let number =
            i64::from_str_radix(hex, 16).ok().filter(|_| hex.starts_with(|c: char| c.is_ascii_hexdigit()));
        return number?.checked_mul(factor).map(Value::from);
    }
    if let Ok(number) = digits.parse::<i64>() {
        return number.checked_mul(factor).map(Value::from);
    }
    let plain = digits.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    let number = digits.parse::<f64>().ok().filter(|number| plain && number.is_finite())?;
    #[allow(clippy::cast_precision_loss)] // 2^40 is exact.
    serde_json::Number::from_f64(number * factor as f64).map(Value::Number)
}
