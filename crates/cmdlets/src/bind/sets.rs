//! Which parameter set is meant.

use serde_json::Value;

use crate::error::CmdletError;
use crate::signatures::Parameter;

use super::Bound;

impl Bound {
    /// Leaves the sets that have every parameter given so far.
    pub(super) fn narrow(&mut self) -> Result<(), CmdletError> {
        let values = &self.values;
        self.sets.retain(|set| values.iter().all(|(parameter, _)| parameter.is_in(set)));
        match self.sets.is_empty() {
            false => Ok(()),
            true => Err(CmdletError::new(
                "AmbiguousParameterSet",
                "Parameter set cannot be resolved using the specified named parameters: they belong to different forms of the command.",
            )),
        }
    }

    /// Whether a parameter is part of a set that is still possible.
    pub(super) fn is_possible(&self, parameter: &Parameter) -> bool {
        self.sets.iter().any(|set| parameter.is_in(set))
    }

    /// The arguments with exactly one set, in which nothing required is missing. `optional` names parameters that
    /// need not be given although the signature requires them.
    pub fn complete(mut self, optional: &[&str]) -> Result<Self, CmdletError> {
        let missing = |set: &str| -> Vec<&'static str> {
            let required = self.cmdlet.parameters.iter().filter(|parameter| {
                parameter.required && parameter.is_in(set) && !optional.contains(&parameter.name)
            });
            required.filter(|parameter| !self.is_bound(parameter)).map(|parameter| parameter.name).collect()
        };
        if let Some(set) = self.sets.iter().copied().find(|set| missing(set).is_empty()) {
            self.sets = vec![set];
            return Ok(self);
        }
        let names = self.sets.first().map(|set| missing(set)).unwrap_or_default();
        let mut message = format!(
            "Cannot process command because of one or more missing mandatory parameters: {}.",
            names.join(" ")
        );
        let others: Vec<String> = self.sets.iter().skip(1).map(|set| missing(set).join(" ")).collect();
        if !others.is_empty() {
            message.push_str(&format!(" Instead of it the command takes: {}.", others.join("; or ")));
        }
        Err(CmdletError::new("MissingMandatoryParameter", message).of(self.cmdlet.name))
    }

    /// The parameter set, after [`Bound::complete`].
    pub fn set(&self) -> &'static str {
        self.sets.first().copied().unwrap_or_default()
    }

    pub(super) fn add(&mut self, parameter: &'static Parameter, value: Value) -> Result<(), CmdletError> {
        self.values.push((parameter, value));
        self.narrow()
    }
}
