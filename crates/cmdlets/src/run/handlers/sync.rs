//! Primary and secondaries: `Get-` and `Set-AdfsSyncProperties`.

use serde_json::{Map, Value};

use crate::administration::Selection;
use crate::run::{Call, Outcome};

/// `Get-AdfsSyncProperties`: a primary prints its role only.
pub(crate) fn get_sync_properties(call: &mut Call<'_, '_>) -> Outcome {
    let kind = call.kind()?;
    let objects = call.list(Selection::All)?.into_iter().map(|stored| stored.body);
    Ok(objects
        .map(|body| {
            let primary = body.get("Role").and_then(Value::as_str) == Some("PrimaryComputer");
            let shown = kind.properties.iter().filter(|name| !primary || **name == "Role");
            let members: Map<String, Value> = shown
                .map(|name| ((*name).to_owned(), body.get(*name).cloned().unwrap_or_default()))
                .collect();
            Value::Object(members)
        })
        .collect())
}

/// `Set-AdfsSyncProperties`: what a change of role needs is done by the node, step by step.
pub(crate) fn set_sync_properties(call: &mut Call<'_, '_>) -> Outcome {
    let body = call.document(&["Role", "PrimaryComputerName", "PrimaryComputerPort", "PollDuration"]);
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let node = call.session.node()?;
    call.action("set-sync-properties", body, &node.name)?;
    Ok(Vec::new())
}
