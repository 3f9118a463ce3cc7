//! Walking through the characters of a script.

use crate::error::{CmdletError, Position};

use super::{INCOMPLETE, MAX_DEPTH};

/// A place in the text and the depth of nesting there.
pub(super) struct Cursor {
    text: Vec<char>,
    lines: Vec<usize>,
    at: usize,
    depth: usize,
}

impl Cursor {
    pub(super) fn new(text: &str) -> Self {
        let text: Vec<char> = text.strip_prefix('\u{feff}').unwrap_or(text).chars().collect();
        let breaks = text.iter().enumerate().filter(|(_, c)| **c == '\n');
        let lines = std::iter::once(0).chain(breaks.map(|(at, _)| at.saturating_add(1))).collect();
        Self { text, lines, at: 0, depth: 0 }
    }

    /// Line and column of the place.
    pub(super) fn position(&self) -> Position {
        let line = self.lines.partition_point(|start| *start <= self.at);
        let start = line.checked_sub(1).and_then(|line| self.lines.get(line)).copied().unwrap_or(0);
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Position { line: narrow(line), column: narrow(self.at.saturating_sub(start).saturating_add(1)) }
    }

    /// An error at the place. At the end of the text more of it may be the cure.
    pub(super) fn error(&self, message: impl Into<String>) -> CmdletError {
        let id = if self.peek().is_none() { INCOMPLETE } else { "ParserError" };
        CmdletError::new(id, message).at(Some(self.position()))
    }

    /// The error of something that begins here and is not ended by the end of the text.
    pub(super) fn unended(&self, message: &str) -> CmdletError {
        CmdletError::new(INCOMPLETE, message).at(Some(self.position()))
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.look(0)
    }

    /// The character `ahead` of the place.
    pub(super) fn look(&self, ahead: usize) -> Option<char> {
        self.at.checked_add(ahead).and_then(|at| self.text.get(at)).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek();
        self.skip(usize::from(c.is_some()));
        c
    }

    pub(super) fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count).min(self.text.len());
    }

    /// Takes the character if it is the next one.
    pub(super) fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.skip(usize::from(found));
        found
    }

    /// Takes the character or says what was expected.
    pub(super) fn expect(&mut self, wanted: char, of: &str) -> Result<(), CmdletError> {
        match self.take(wanted) {
            true => Ok(()),
            false => Err(self.error(format!("'{wanted}' is missing {of}; found {}", self.shown()))),
        }
    }

    /// What stands at the place, for messages.
    pub(super) fn shown(&self) -> String {
        match self.peek() {
            None => "the end of the text".to_owned(),
            Some('\n') => "the end of the line".to_owned(),
            Some(c) => format!("'{c}'"),
        }
    }

    /// Whether nothing but blanks lies between the beginning of the line and the place.
    pub(super) fn begins_line(&self) -> bool {
        let before = self.text.get(..self.at).unwrap_or_default();
        before.iter().rev().take_while(|c| **c != '\n').all(|c| c.is_whitespace())
    }

    pub(super) fn place(&self) -> usize {
        self.at
    }

    pub(super) fn return_to(&mut self, place: usize) {
        self.at = place;
    }

    /// Runs `read` one level deeper.
    pub(super) fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, CmdletError>,
    ) -> Result<T, CmdletError> {
        if self.depth >= MAX_DEPTH {
            return Err(self.error(format!("nested more than {MAX_DEPTH} levels deep; write it in steps")));
        }
        self.depth = self.depth.saturating_add(1);
        let result = read(self);
        self.depth = self.depth.saturating_sub(1);
        result
    }

    /// Skips blanks, comments and continued line ends.
    pub(super) fn skip_blanks(&mut self) -> Result<(), CmdletError> {
        loop {
            match (self.peek(), self.look(1), self.look(2)) {
                (Some('\n'), ..) => return Ok(()),
                (Some(c), ..) if c.is_whitespace() => self.skip(1),
                (Some('`'), Some('\n'), _) => self.skip(2),
                (Some('`'), Some('\r'), Some('\n')) => self.skip(3),
                (Some('#'), ..) => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.skip(1);
                    }
                }
                (Some('<'), Some('#'), _) => self.skip_comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn skip_comment(&mut self) -> Result<(), CmdletError> {
        let begin = self.unended("the comment '<#' has no end; '#>' is missing");
        self.skip(2);
        loop {
            match (self.peek(), self.look(1)) {
                (Some('#'), Some('>')) => {
                    self.skip(2);
                    return Ok(());
                }
                (None, _) => return Err(begin),
                _ => self.skip(1),
            }
        }
    }

    /// Skips blanks and line ends.
    pub(super) fn skip_lines(&mut self) -> Result<(), CmdletError> {
        loop {
            self.skip_blanks()?;
            if !self.take('\n') {
                return Ok(());
            }
        }
    }

    /// Skips blanks, line ends and semicolons.
    pub(super) fn skip_separators(&mut self) -> Result<(), CmdletError> {
        loop {
            self.skip_lines()?;
            if !self.take(';') {
                return Ok(());
            }
        }
    }

    /// Letters, digits and underscores from the place on.
    pub(super) fn take_name(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self.peek().filter(|c| c.is_alphanumeric() || *c == '_') {
            name.push(c);
            self.skip(1);
        }
        name
    }
}

/// `"` and its typographic forms.
pub(super) fn is_double_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„')
}

/// `'` and its typographic forms.
pub(super) fn is_single_quote(c: char) -> bool {
    matches!(c, '\'' | '‘' | '’' | '‚' | '‛')
}

/// `-` and its typographic forms.
pub(super) fn is_dash(c: char) -> bool {
    matches!(c, '-' | '–' | '—' | '―')
}

/// What ends a word without quotes.
pub(super) fn ends_word(c: Option<char>) -> bool {
    c.is_none_or(|c| c.is_whitespace() || matches!(c, '|' | ';' | ',' | '(' | ')' | '{' | '}'))
}
