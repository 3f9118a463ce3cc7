//! Statements, pipelines and commands.

use serde_json::Value;

use crate::error::CmdletError;

use super::MAX_SCRIPT;
use super::cursor::{Cursor, is_dash};
use super::syntax::{Argument, Command, Element, Expression, Pipeline, Script, Statement};

/// Statements of PowerShell that are no commands.
const KEYWORDS: &[&str] = &[
    "if",
    "else",
    "elseif",
    "foreach",
    "for",
    "while",
    "do",
    "switch",
    "function",
    "filter",
    "param",
    "try",
    "catch",
    "finally",
    "trap",
    "throw",
    "return",
    "break",
    "continue",
    "begin",
    "process",
    "end",
    "class",
    "using",
    "foreach-object",
    "%",
];

/// Programs of Windows: everything up to the end of the command belongs to them, braces too.
const PROGRAMS: &[&str] = &["net", "net.exe", "netsh", "netsh.exe", "sc", "sc.exe", "systemctl"];

/// Reads a script. The error has line and column.
pub fn parse(text: &str) -> Result<Script, CmdletError> {
    if text.len() > MAX_SCRIPT {
        let message = format!("the text has {} bytes; at most {MAX_SCRIPT} are read", text.len());
        return Err(CmdletError::new("ParserError", message));
    }
    let mut cursor = Cursor::new(text);
    let mut statements = Vec::new();
    loop {
        cursor.skip_separators()?;
        if cursor.peek().is_none() {
            return Ok(Script { statements });
        }
        statements.push(cursor.statement()?);
        cursor.skip_blanks()?;
        if !matches!(cursor.peek(), None | Some('\n' | ';')) {
            let message = format!("expected the end of the statement; found {}", cursor.shown());
            return Err(cursor.error(message));
        }
    }
}

impl Cursor {
    fn statement(&mut self) -> Result<Statement, CmdletError> {
        let node = self.prompt();
        self.skip_blanks()?;
        let at = self.position();
        let variable = self.assignment()?;
        let pipeline = self.pipeline()?;
        Ok(Statement { at, node, variable, pipeline })
    }

    /// A prompt that was copied with the line: `fs02>` names the node, `PS C:\>` does not.
    fn prompt(&mut self) -> Option<String> {
        let place = self.place();
        if !self.begins_line() {
            return None;
        }
        let mut text = String::new();
        while let Some(c) = self
            .peek()
            .filter(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '\\' | '~' | '/' | ' '))
        {
            text.push(c);
            self.skip(1);
        }
        let is_prompt = self.peek() == Some('>') && self.look(1).is_some_and(|c| c == ' ' || c == '\t');
        // A blank before the sign would make it a redirection.
        let is_prompt = is_prompt && !text.ends_with(' ');
        let name = text.as_str();
        if is_prompt && (name == "PS" || name.starts_with("PS ")) {
            self.skip(1);
            return None;
        }
        if is_prompt && !name.is_empty() && !name.contains([' ', ':', '\\', '/', '~']) {
            self.skip(1);
            return Some(name.to_owned());
        }
        self.return_to(place);
        None
    }

    fn assignment(&mut self) -> Result<Option<String>, CmdletError> {
        let place = self.place();
        if !self.take('$') {
            return Ok(None);
        }
        let name = self.take_name();
        self.skip_blanks()?;
        if name.is_empty() || !self.take('=') {
            self.return_to(place);
            return Ok(None);
        }
        let lower = name.to_ascii_lowercase();
        if matches!(lower.as_str(), "true" | "false" | "null" | "_") {
            return Err(self.error(format!("${name} can't be set")));
        }
        self.skip_lines()?;
        Ok(Some(lower))
    }

    /// Commands joined by `|`.
    pub(super) fn pipeline(&mut self) -> Result<Pipeline, CmdletError> {
        let mut elements = vec![match self.begins_expression() {
            true => Element::Value(self.expression()?),
            false => Element::Command(self.command()?),
        }];
        loop {
            self.skip_blanks()?;
            if !self.take('|') {
                return Ok(Pipeline { elements });
            }
            self.skip_lines()?;
            elements.push(Element::Command(self.command()?));
        }
    }

    fn command(&mut self) -> Result<Command, CmdletError> {
        if self.take('&') {
            self.skip_blanks()?;
        }
        let at = self.position();
        let name = match self.bare_word()? {
            Expression::Constant(Value::String(name)) => name,
            _ => {
                return Err(
                    CmdletError::new("ParserError", "a command name can't hold variables").at(Some(at))
                );
            }
        };
        let lower = name.to_ascii_lowercase();
        if KEYWORDS.contains(&lower.as_str()) {
            let message = format!(
                "'{name}' is not supported: pipelines of commands run here, no loops, branches and functions"
            );
            return Err(CmdletError::new("ParserError", message).at(Some(at)));
        }
        let arguments = match PROGRAMS.contains(&lower.as_str()) {
            true => self.program_arguments()?,
            false => self.arguments()?,
        };
        Ok(Command { at, name, arguments })
    }

    fn arguments(&mut self) -> Result<Vec<Argument>, CmdletError> {
        let mut arguments = Vec::new();
        loop {
            self.skip_blanks()?;
            if self.ends_command() {
                return Ok(arguments);
            }
            let at = self.position();
            let named = self.peek().is_some_and(is_dash)
                && self.look(1).is_some_and(|c| c.is_alphabetic() || matches!(c, '_' | '?'));
            arguments.push(match named {
                true => self.parameter()?,
                false => Argument::Value { at, value: self.argument()? },
            });
        }
    }

    fn parameter(&mut self) -> Result<Argument, CmdletError> {
        let at = self.position();
        self.skip(1);
        let mut name = self.take_name();
        if name.is_empty() && self.take('?') {
            name.push('?');
        }
        let value = match self.take(':') {
            true => {
                self.skip_blanks()?;
                Some(self.argument()?)
            }
            false => None,
        };
        let ends = value.is_some() || self.ends_command() || self.peek().is_some_and(char::is_whitespace);
        let continues = self.peek() == Some('`');
        match ends || continues {
            true => Ok(Argument::Parameter { at, name, value }),
            false => Err(self.error(format!("expected a blank after -{name}; found {}", self.shown()))),
        }
    }

    fn program_arguments(&mut self) -> Result<Vec<Argument>, CmdletError> {
        let mut arguments = Vec::new();
        loop {
            self.skip_blanks()?;
            let at = self.position();
            let mut word = String::new();
            while let Some(c) = self.peek().filter(|c| !c.is_whitespace() && !matches!(c, '|' | ';' | ')')) {
                word.push(c);
                self.skip(1);
            }
            if word.is_empty() {
                return Ok(arguments);
            }
            arguments.push(Argument::Value { at, value: Expression::Constant(Value::String(word)) });
        }
    }

    fn ends_command(&self) -> bool {
        matches!(self.peek(), None | Some('\n' | ';' | '|' | ')' | '}'))
    }
}
