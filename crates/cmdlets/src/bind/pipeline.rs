//! Objects that come by the pipeline.

use serde_json::Value;

use crate::error::CmdletError;
use crate::signatures::Parameter;

use super::Bound;
use super::convert::{is_object_type, looks_like};

impl Bound {
    /// Whether the command takes anything from the pipeline.
    pub fn takes_input(&self) -> bool {
        self.cmdlet
            .parameters
            .iter()
            .any(|one| one.takes_value_from_pipeline() || one.takes_property_from_pipeline())
    }

    /// The arguments with those that an object of the pipeline gives: whole to the one parameter that takes it, then
    /// its properties to the parameters of their names.
    pub fn with_input(&self, item: &Value) -> Result<Self, CmdletError> {
        let mut bound = self.clone();
        let whole = bound.whole_value_parameter(item);
        if let Some(parameter) = whole {
            let value = bound.convert(parameter, item).map_err(|error| error.of(self.cmdlet.name))?;
            bound.add(parameter, value).map_err(|error| error.of(self.cmdlet.name))?;
        }
        let mut taken = whole.is_some();
        if let Some(properties) = item.as_object() {
            for (name, value) in properties {
                let Some(parameter) = bound.property_parameter(name) else { continue };
                if value.is_null() {
                    continue;
                }
                // Of an object that is taken whole the properties add nothing, so one that does not fit is left.
                match bound.convert(parameter, value) {
                    Ok(value) => {
                        bound.add(parameter, value).map_err(|error| error.of(self.cmdlet.name))?;
                        taken = true;
                    }
                    Err(_) if whole.is_some() => {}
                    Err(error) => return Err(error.of(self.cmdlet.name)),
                }
            }
        }
        match taken {
            true => Ok(bound),
            false => Err(CmdletError::new(
                "InputObjectNotBound",
                "The input object cannot be bound to any parameters for the command either because the command does not take pipeline input or the input and its properties do not match any of the parameters that take pipeline input.",
            )
            .of(self.cmdlet.name)),
        }
    }

    fn whole_value_parameter(&self, item: &Value) -> Option<&'static Parameter> {
        let default = self.sets.first().copied().unwrap_or_default();
        let mut candidates: Vec<&'static Parameter> = self
            .cmdlet
            .parameters
            .iter()
            .filter(|one| one.takes_value_from_pipeline() && !self.is_bound(one) && self.is_possible(one))
            .filter(|one| is_object_type(one.type_name) == item.is_object() || one.type_name == "Object")
            .filter(|one| item.as_object().is_none_or(|object| looks_like(one.type_name, object)))
            .filter(|one| self.convert(one, item).is_ok())
            .collect();
        candidates.sort_by_key(|one| (!one.is_in(default), !one.required));
        candidates.first().copied()
    }

    fn property_parameter(&self, name: &str) -> Option<&'static Parameter> {
        let parameters = self.cmdlet.parameters.iter();
        parameters
            .filter(|one| one.takes_property_from_pipeline() && one.is_called(name))
            .find(|one| !self.is_bound(one) && self.is_possible(one))
    }
}
