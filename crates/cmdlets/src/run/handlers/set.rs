//! `Set-`, `Enable-`, `Disable-`: change properties of one object. What is equal already is not sent.

use serde_json::{Map, Value};

use crate::administration::{Change, Stored};
use crate::run::call::name_of;
use crate::run::{Call, Outcome};

/// `Set-…`
pub(crate) fn set(call: &mut Call<'_, '_>) -> Outcome {
    let stored = call.target()?;
    let patch = call.properties(Some(&stored.body))?;
    patched(call, stored, patch)
}

/// `Enable-…`
pub(crate) fn enable(call: &mut Call<'_, '_>) -> Outcome {
    switch(call, true)
}

/// `Disable-…`
pub(crate) fn disable(call: &mut Call<'_, '_>) -> Outcome {
    switch(call, false)
}

fn switch(call: &mut Call<'_, '_>, on: bool) -> Outcome {
    let stored = call.target()?;
    let mut patch = Map::new();
    if stored.body.get("Enabled") != Some(&Value::Bool(on)) {
        patch.insert("Enabled".to_owned(), Value::Bool(on));
    }
    patched(call, stored, patch)
}

/// Sends a patch of the version that was read, so that a change made meanwhile is not lost.
pub(super) fn patched(call: &mut Call<'_, '_>, stored: Stored, patch: Map<String, Value>) -> Outcome {
    let name = name_of(&stored.body, &stored.id);
    if patch.is_empty() && !call.bound.common.what_if {
        return Ok(if call.bound.is_on("PassThru") { vec![stored.body] } else { Vec::new() });
    }
    call.change(&stored.id, &Change::Patch(stored.version, patch), &name)
}
