//! `Add-`: a new object with the properties that are given; the service adds the defaults.

use base::Guid;
use serde_json::{Map, Value};

use crate::administration::Change;
use crate::bindings::Identity;
use crate::error::CmdletError;
use crate::run::{Call, Outcome};

/// `Add-…`
pub(crate) fn add(call: &mut Call<'_, '_>) -> Outcome {
    let body = call.properties(None)?;
    added(call, body)
}

pub(super) fn added(call: &mut Call<'_, '_>, body: Map<String, Value>) -> Outcome {
    let kind = call.kind()?;
    let id = match kind.identity {
        Identity::Guid => Guid::random(call.session.environment.random).to_string(),
        Identity::Property(property) => {
            let text = body.get(property).and_then(Value::as_str).filter(|text| !text.is_empty());
            let missing = || {
                CmdletError::new(
                    "InvalidValue",
                    format!("{property}: '' is empty; a {} needs one", kind.title),
                )
            };
            text.ok_or_else(missing)?.to_owned()
        }
    };
    let body = Value::Object(body);
    let name = crate::run::call::name_of(&body, &id);
    call.change(&id, &Change::Create(body), &name)
}
