//! `Set-AdfsProperties`: the properties of the farm, and its list of banned addresses by additions and removals.

use serde_json::Value;

use crate::run::{Call, Outcome};

use super::set::patched;

/// `Set-AdfsProperties`
pub(crate) fn set_properties(call: &mut Call<'_, '_>) -> Outcome {
    let stored = call.target()?;
    let mut patch = call.properties(Some(&stored.body))?;
    let (add, remove) = (call.bound.texts("AddBannedIps"), call.bound.texts("RemoveBannedIps"));
    if !add.is_empty() || !remove.is_empty() {
        let stored_list =
            stored.body.get("BannedIpList").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut list = stored_list.clone();
        list.retain(|banned| !remove.iter().any(|address| banned.as_str() == Some(*address)));
        for address in add {
            if !list.iter().any(|banned| banned.as_str() == Some(address)) {
                list.push(Value::String(address.to_owned()));
            }
        }
        if list != stored_list {
            patch.insert("BannedIpList".to_owned(), Value::Array(list));
        }
    }
    patched(call, stored, patch)
}
