//! Conditions of `Where-Object { … }`.

use crate::error::CmdletError;

use super::cursor::{Cursor, is_dash};
use super::syntax::{Comparison, Condition};

impl Cursor {
    /// Terms joined by `-and` and `-or`, which have the same precedence and go from left to right, as in
    /// PowerShell.
    pub(super) fn condition(&mut self) -> Result<Condition, CmdletError> {
        let mut left = self.nested(Self::term)?;
        loop {
            self.skip_lines()?;
            let place = self.place();
            match self.operator().as_deref() {
                Some("and") => left = Condition::And(Box::new(left), Box::new(self.nested(Self::term)?)),
                Some("or") => left = Condition::Or(Box::new(left), Box::new(self.nested(Self::term)?)),
                _ => {
                    self.return_to(place);
                    return Ok(left);
                }
            }
        }
    }

    fn term(&mut self) -> Result<Condition, CmdletError> {
        self.skip_lines()?;
        let place = self.place();
        if self.take('!') || self.operator().as_deref() == Some("not") {
            return Ok(Condition::Not(Box::new(self.nested(Self::term)?)));
        }
        self.return_to(place);
        if self.take('(') {
            let inner = self.nested(Self::condition)?;
            self.skip_lines()?;
            self.expect(')', "after the condition that began with '('")?;
            return Ok(inner);
        }
        let left = self.expression()?;
        self.skip_blanks()?;
        let place = self.place();
        let Some(name) = self.operator() else { return Ok(Condition::Value(left)) };
        if matches!(name.as_str(), "and" | "or") {
            self.return_to(place);
            return Ok(Condition::Value(left));
        }
        let Some(comparison) = Comparison::from_name(&name) else {
            self.return_to(place);
            return Err(self.error(format!(
                "the operator -{name} is not supported; known are -eq -ne -gt -ge -lt -le -like -notlike -contains -notcontains -in -notin -and -or -not"
            )));
        };
        self.skip_lines()?;
        Ok(Condition::Compare(left, comparison, self.expression()?))
    }

    /// The lower-case name after a dash.
    fn operator(&mut self) -> Option<String> {
        let dash = self.peek().is_some_and(is_dash) && self.look(1).is_some_and(char::is_alphabetic);
        if !dash {
            return None;
        }
        self.skip(1);
        Some(self.take_name().to_ascii_lowercase())
    }
}
