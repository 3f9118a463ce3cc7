//! `/changes`: the history, and taking a change back.

use http::StatusCode;
use serde_json::{Value, json};
use sts::administration::{ChangeError, UndoRequest};

use super::Admin;
use super::answer::{self, Answer, bad_request, changed, not_changed, not_changed_as};
use super::call::Call;

/// Changes of one page when the request does not say how many.
const PAGE: u64 = 100;

/// The history after a serial number, oldest first.
pub(super) async fn list(admin: &Admin, call: &Call) -> Result<Answer, Answer> {
    call.only(&["after", "limit"])?;
    let after = call.number("after")?.unwrap_or_default();
    let limit = usize::try_from(call.number("limit")?.unwrap_or(PAGE)).unwrap_or(usize::MAX);
    let page = admin.administration.changes(&admin.server.sts, after, limit).await;
    let page = page.map_err(|error| not_changed(&error))?;
    let changes: Vec<Value> = page
        .changes
        .into_iter()
        .map(|change| {
            json!({
                "serial": change.serial,
                "epoch": change.epoch,
                "kind": change.object.kind,
                "id": change.id,
                "version": change.version,
                "at": change.at.to_xml(),
                "by": change.by,
                "body": change.body,
            })
        })
        .collect();
    Ok(answer::json(StatusCode::OK, &json!({ "changes": changes, "next": page.next })))
}

/// Takes a change back.
pub(super) async fn undo(admin: &Admin, call: &Call, serial: &str) -> Result<Answer, Answer> {
    call.only(&["force", "whatif"])?;
    let number = serial.parse().map_err(|_| {
        bad_request(format!("'{serial}' is not the serial number of a change; GET /changes lists them"))
    })?;
    let request = UndoRequest {
        serial: number,
        force: call.switch("force")?,
        by: call.by.clone(),
        what_if: call.switch("whatif")?,
    };
    match admin.administration.undo(&admin.server.sts, request).await {
        Ok(made) => Ok(changed(made, StatusCode::OK)),
        // Nobody named a version, so no precondition failed.
        Err(error @ ChangeError::Conflict { .. }) => Err(not_changed_as(StatusCode::CONFLICT, &error)),
        Err(error) => Err(not_changed(&error)),
    }
}
