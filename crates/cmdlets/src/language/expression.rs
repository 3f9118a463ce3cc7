//! Values: variables, lists, hashtables, parentheses.

use serde_json::Value;

use crate::error::CmdletError;

use super::cursor::{Cursor, ends_word, is_dash, is_double_quote, is_single_quote};
use super::literal::Pieces;
use super::syntax::{Expression, Pipeline};

impl Cursor {
    /// Values joined by commas, in the place of an argument: words need no quotes.
    pub(super) fn argument(&mut self) -> Result<Expression, CmdletError> {
        self.listed(Self::argument_item)
    }

    /// Values joined by commas, where words need quotes.
    pub(super) fn expression(&mut self) -> Result<Expression, CmdletError> {
        self.listed(Self::primary)
    }

    fn listed(
        &mut self,
        item: fn(&mut Self) -> Result<Expression, CmdletError>,
    ) -> Result<Expression, CmdletError> {
        let first = item(self)?;
        let mut items = vec![first];
        loop {
            let place = self.place();
            self.skip_blanks()?;
            if !self.take(',') {
                // What follows the blanks may be the next argument.
                self.return_to(place);
                break;
            }
            self.skip_lines()?;
            items.push(item(self)?);
        }
        match (items.len(), items.pop()) {
            (1, Some(only)) => Ok(only),
            (_, last) => Ok(Expression::List(items.into_iter().chain(last).collect())),
        }
    }

    fn argument_item(&mut self) -> Result<Expression, CmdletError> {
        match (self.peek(), self.look(1)) {
            (Some('@'), Some(c)) if matches!(c, '(' | '{') || is_quote(c) => self.primary(),
            (Some('('), _) => self.primary(),
            (Some('{'), _) => self.block(),
            (Some(c), _) if is_quote(c) => self.primary(),
            (Some('$'), Some(c)) if c.is_alphanumeric() || matches!(c, '_' | '{' | '(') => {
                let value = self.primary()?;
                if ends_word(self.peek()) {
                    return Ok(value);
                }
                let mut pieces = Pieces::default();
                pieces.push_value(value);
                while !ends_word(self.peek()) {
                    self.text_piece(&mut pieces)?;
                }
                Ok(pieces.finish())
            }
            _ => self.bare_word(),
        }
    }

    /// Whether a statement that begins here is a value, not a command.
    pub(super) fn begins_expression(&self) -> bool {
        match (self.peek(), self.look(1)) {
            (Some('$' | '(' | '@' | '['), _) => true,
            (Some(c), _) if is_quote(c) || c.is_ascii_digit() => true,
            (Some(c), Some(after)) if is_dash(c) => after.is_ascii_digit(),
            _ => false,
        }
    }

    /// One value with its `.Name` and `[0]`.
    pub(super) fn primary(&mut self) -> Result<Expression, CmdletError> {
        let mut value = match (self.peek(), self.look(1)) {
            (Some(c), _) if is_double_quote(c) => self.nested(Self::double_quoted)?,
            (Some(c), _) if is_single_quote(c) => self.single_quoted()?,
            (Some('$'), Some('(')) => {
                self.skip(1);
                self.nested(Self::parenthesised)?
            }
            (Some('$'), _) => self.variable()?,
            (Some('('), _) => self.nested(Self::parenthesised)?,
            (Some('@'), Some('(')) => self.nested(Self::array)?,
            (Some('@'), Some('{')) => self.nested(Self::hashtable)?,
            (Some('@'), Some(c)) if is_quote(c) => self.nested(Self::here_string)?,
            (Some('['), _) => {
                return Err(self.error("type casts '[…]' are not supported; write the value itself"));
            }
            (Some(c), _) if c.is_ascii_digit() || c == '.' || is_dash(c) => self.number()?,
            _ => return Err(self.error(format!("expected a value; found {}", self.shown()))),
        };
        loop {
            match (self.peek(), self.look(1)) {
                (Some('.'), Some(c)) if c.is_alphabetic() || c == '_' => {
                    self.skip(1);
                    let name = self.take_name();
                    if self.peek() == Some('(') {
                        return Err(self.error(format!("methods such as {name}() are not supported")));
                    }
                    value = Expression::Member(Box::new(value), name);
                }
                (Some('['), _) => {
                    self.skip(1);
                    let index = self.nested(|cursor| {
                        cursor.skip_lines()?;
                        let index = cursor.primary()?;
                        cursor.skip_lines()?;
                        Ok(index)
                    })?;
                    self.expect(']', "after the index")?;
                    value = Expression::Index(Box::new(value), Box::new(index));
                }
                _ => return Ok(value),
            }
        }
    }

    /// `$x`, `${x}`, `$true`, `$false`, `$null`.
    pub(super) fn variable(&mut self) -> Result<Expression, CmdletError> {
        let at = self.position();
        self.skip(1);
        let braces = self.take('{');
        let name = self.take_name();
        if braces {
            self.expect('}', "after the name of the variable")?;
        }
        if name.is_empty() {
            return Err(
                self.error(format!("expected the name of a variable after '$'; found {}", self.shown()))
            );
        }
        if self.peek() == Some(':') && self.look(1).is_some_and(|c| c.is_alphanumeric()) {
            return Err(self.error(format!("${name}: variables of other scopes are not supported")));
        }
        Ok(match name.to_ascii_lowercase().as_str() {
            "true" => Expression::Constant(Value::Bool(true)),
            "false" => Expression::Constant(Value::Bool(false)),
            "null" => Expression::Constant(Value::Null),
            lower => Expression::Variable(at, lower.to_owned()),
        })
    }

    /// `( … )`: a pipeline whose result is the value.
    pub(super) fn parenthesised(&mut self) -> Result<Expression, CmdletError> {
        self.skip(1);
        self.skip_lines()?;
        let pipeline = self.pipeline()?;
        self.skip_lines()?;
        self.expect(')', "after what began with '('")?;
        Ok(Expression::Pipeline(Box::new(pipeline)))
    }

    fn array(&mut self) -> Result<Expression, CmdletError> {
        self.skip(2);
        let mut pipelines: Vec<Pipeline> = Vec::new();
        loop {
            self.skip_separators()?;
            if self.take(')') {
                return Ok(Expression::Array(pipelines));
            }
            pipelines.push(self.pipeline()?);
            self.skip_blanks()?;
            if !matches!(self.peek(), Some(')' | ';' | '\n')) {
                return Err(
                    self.error(format!("')' is missing after what began with '@('; found {}", self.shown()))
                );
            }
        }
    }

    fn hashtable(&mut self) -> Result<Expression, CmdletError> {
        self.skip(2);
        let mut entries: Vec<(String, Expression)> = Vec::new();
        loop {
            self.skip_separators()?;
            if self.take('}') {
                return Ok(Expression::Hashtable(entries));
            }
            let key = self.hashtable_key()?;
            if entries.iter().any(|(known, _)| known.eq_ignore_ascii_case(&key)) {
                return Err(self.error(format!("the key '{key}' is given twice")));
            }
            self.skip_blanks()?;
            self.expect('=', &format!("after the key '{key}'"))?;
            self.skip_lines()?;
            let value = match self.begins_expression() {
                true => self.expression()?,
                false => Expression::Pipeline(Box::new(self.pipeline()?)),
            };
            entries.push((key, value));
            self.skip_blanks()?;
            if !matches!(self.peek(), Some('}' | ';' | '\n')) {
                return Err(self
                    .error(format!("'}}' is missing after what began with '@{{'; found {}", self.shown())));
            }
        }
    }

    fn hashtable_key(&mut self) -> Result<String, CmdletError> {
        let key = match self.peek() {
            Some(c) if is_single_quote(c) => self.single_quoted()?,
            Some(c) if is_double_quote(c) => self.nested(Self::double_quoted)?,
            _ => Expression::Constant(Value::String(self.take_name())),
        };
        match key {
            Expression::Constant(Value::String(key)) if !key.is_empty() => Ok(key),
            _ => Err(self.error(format!("expected a key of the hashtable; found {}", self.shown()))),
        }
    }

    /// `{ … }`: a condition.
    fn block(&mut self) -> Result<Expression, CmdletError> {
        self.nested(|cursor| {
            cursor.skip(1);
            let condition = cursor.condition()?;
            cursor.skip_lines()?;
            cursor.expect('}', "after the condition")?;
            Ok(Expression::Block(Box::new(condition)))
        })
    }
}

fn is_quote(c: char) -> bool {
    is_single_quote(c) || is_double_quote(c)
}
