//! Arguments without a name.

use serde_json::Value;

use crate::error::CmdletError;
use crate::signatures::Parameter;

use super::convert::{is_object_type, shown};
use super::{Bound, Style};

impl Bound {
    /// Gives the value to the free parameter of the lowest position. Several sets may have one at that position:
    /// the default set's comes first, and objects go to parameters that take objects.
    pub(super) fn bind_positional(&mut self, value: &Value) -> Result<(), CmdletError> {
        let free = |parameter: &&'static Parameter| {
            parameter.position.is_some() && !self.is_bound(parameter) && self.is_possible(parameter)
        };
        let lowest = self.cmdlet.parameters.iter().filter(free).filter_map(|one| one.position).min();
        let mut candidates: Vec<&'static Parameter> = self
            .cmdlet
            .parameters
            .iter()
            .filter(free)
            .filter(|one| lowest.is_some() && one.position == lowest)
            .collect();
        let default = self.sets.first().copied().unwrap_or_default();
        let is_object = value.is_object();
        candidates.sort_by_key(|one| (is_object_type(one.type_name) != is_object, !one.is_in(default)));
        let mut first_error = None;
        for parameter in candidates {
            match self.convert(parameter, value) {
                Ok(converted) => return self.add(parameter, converted),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.unwrap_or_else(|| self.no_place_for(value)))
    }

    fn no_place_for(&self, value: &Value) -> CmdletError {
        let mut message =
            format!("A positional parameter cannot be found that accepts argument '{}'.", shown(value));
        if self.style == Style::Shell && matches!(value.as_str(), Some("true" | "false" | "$true" | "$false"))
        {
            message.push_str(" The value of a switch is joined by a colon: -Name:false.");
        }
        CmdletError::new("PositionalParameterNotFound", message)
    }
}
