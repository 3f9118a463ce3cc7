//! `Get-`: all objects of a kind, or those that a parameter names. No match is no error.

use serde_json::Value;

use crate::administration::{Selection, Stored};
use crate::error::CmdletError;
use crate::run::{Call, Outcome};

/// `Get-…`
pub(crate) fn get(call: &mut Call<'_, '_>) -> Outcome {
    Ok(chosen(call)?.into_iter().map(|stored| stored.body).collect())
}

/// The objects that the arguments choose, each once.
pub(super) fn chosen(call: &mut Call<'_, '_>) -> Result<Vec<Stored>, CmdletError> {
    let kind = call.kind()?;
    let bound = call.bound;
    let given = kind.filters.iter().find_map(|(name, by)| Some((*name, *by, bound.get(name)?)));
    let Some((name, by, value)) = given.filter(|(.., value)| !value.is_null()) else {
        return call.list(Selection::All);
    };
    let is_thumbprint = name == "Thumbprint";
    let values = match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        one => Vec::from_iter(one.as_str()),
    };
    let mut objects: Vec<Stored> = Vec::new();
    for value in values {
        let value = if is_thumbprint { crate::run::files::thumbprint(value)? } else { value.to_owned() };
        for stored in call.matching(by, &value)? {
            if !objects.iter().any(|known| known.id == stored.id) {
                objects.push(stored);
            }
        }
    }
    Ok(objects)
}
