//! `/node`, `/status`, `/explain/ACTIVITY-ID`: what runs here, and why a request ended as it did.

use base::ActivityId;
use http::StatusCode;
use serde_json::json;
use sts::administration::Role;

use super::Admin;
use super::answer::{self, Answer, bad_request, refused};
use super::call::Call;

/// This node: its name, its role, and where its configuration is.
pub(super) async fn node(admin: &Admin, call: &Call) -> Result<Answer, Answer> {
    call.only(&[])?;
    let server = &admin.server;
    let role = admin.administration.role();
    let primary = match &role {
        Role::Primary => None,
        Role::Secondary { primary } => Some(primary),
    };
    let head = server.sts.catalog.store().head().await;
    let head = head.map_err(|error| refused(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()))?;
    let body = json!({
        "name": &*server.sts.node,
        "role": role.name(),
        "primary": primary,
        "host_name": server.sts.catalog.resident().properties.host_name,
        "ready": server.is_ready(),
        "version": env!("CARGO_PKG_VERSION"),
        "epoch": head.epoch,
        "serial": head.serial,
    });
    Ok(answer::json(StatusCode::OK, &body))
}

/// What runs, for scripts that wait for it.
pub(super) fn status(admin: &Admin, call: &Call) -> Result<Answer, Answer> {
    call.only(&[])?;
    let server = &admin.server;
    let resident = server.sts.catalog.resident();
    let body = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "host_name": resident.properties.host_name,
        "identifier": resident.properties.identifier,
        "ready": server.is_ready(),
        "time": server.sts.clock.now().to_xml(),
    });
    Ok(answer::json(StatusCode::OK, &body))
}

/// The records of a request, in words.
pub(super) fn explain(admin: &Admin, call: &Call, id: &str) -> Result<Answer, Answer> {
    call.only(&[])?;
    let Ok(activity) = id.parse().map(ActivityId) else {
        return Err(bad_request(format!(
            "'{id}' is not an activity id; expected the GUID that the error page shows"
        )));
    };
    // The journal is read from disk, off the workers that answer requests.
    match tokio::task::block_in_place(|| admin.server.sts.explain(activity)) {
        Ok(Some(text)) => Ok(answer::json(StatusCode::OK, &json!({ "explanation": text }))),
        Ok(None) => {
            let message = format!("no request with the activity id {activity} is in this node's journal");
            Err(refused(StatusCode::NOT_FOUND, &message))
        }
        Err(error) => Err(refused(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())),
    }
}
