//! The farm as a whole: its nodes, and its installation and its store on this machine.

use serde_json::{Map, Value, json};

use crate::error::CmdletError;
use crate::run::call::Decision;
use crate::run::{Call, Outcome};

/// `Get-AdfsFarmInformation`
pub(crate) fn get_farm_information(call: &mut Call<'_, '_>) -> Outcome {
    if call.bound.common.what_if {
        call.decide("the farm")?;
        return Ok(Vec::new());
    }
    asked(call, "farm-information", &Value::Null)
}

/// `Get-SekishoDivergedChange`: what only this node had when another one became the primary.
pub(crate) fn get_diverged_change(call: &mut Call<'_, '_>) -> Outcome {
    asked(call, "diverged-changes", &Value::Null)
}

/// `New-SekishoJoinToken`: the line by which `Add-AdfsFarmNode` lets a new machine in, once.
pub(crate) fn new_join_token(call: &mut Call<'_, '_>) -> Outcome {
    if call.decide("the farm")? != Decision::Proceed {
        return Ok(Vec::new());
    }
    let body = Value::Object(call.document(&["LifetimeMinutes"]));
    asked(call, "new-join-token", &body)
}

/// What an action gives.
fn asked(call: &mut Call<'_, '_>, action: &str, body: &Value) -> Outcome {
    let answer = call.session.administration()?.action(action, body, false);
    let (objects, warnings) = answer.map_err(|error| call.refused(error))?;
    warnings.iter().for_each(|warning| call.session.warn(warning));
    Ok(objects)
}

/// `Set-AdfsFarmInformation -RemoveNode`
pub(crate) fn set_farm_information(call: &mut Call<'_, '_>) -> Outcome {
    let nodes = call.bound.texts("RemoveNode").join(", ");
    if nodes.is_empty() {
        return Ok(Vec::new());
    }
    let body = call.document(&["RemoveNode"]);
    call.action("set-farm-information", body, &nodes)?;
    Ok(Vec::new())
}

/// Accounts of Windows that a service has there.
const ACCOUNTS: &[&str] =
    &["ServiceAccountCredential", "GroupServiceAccountIdentifier", "Credential", "AdminConfiguration"];

/// `Install-AdfsFarm`: on this machine, before the service runs. Service accounts are accepted and not used.
pub(crate) fn install_farm(call: &mut Call<'_, '_>) -> Outcome {
    let parameters = deployment_parameters(call)?;
    let name = call.bound.text("FederationServiceName").unwrap_or_default().to_owned();
    let what_if = match call.decide(&name)? {
        Decision::Skip => return Ok(Vec::new()),
        decision => decision == Decision::WhatIf,
    };
    let done = call.session.environment.local.install_farm(&parameters, what_if);
    deployed(call, done, what_if)
}

/// `Add-AdfsFarmNode`: this machine joins the farm of the primary, before the service runs here. A join token stands
/// for the service account, by which farms of Windows know their nodes.
pub(crate) fn add_farm_node(call: &mut Call<'_, '_>) -> Outcome {
    let parameters = deployment_parameters(call)?;
    let name = call.bound.text("PrimaryComputerName").unwrap_or_default().to_owned();
    let what_if = match call.decide(&name)? {
        Decision::Skip => return Ok(Vec::new()),
        decision => decision == Decision::WhatIf,
    };
    let done = call.session.environment.local.join_farm(&parameters, what_if);
    deployed(call, done, what_if)
}

/// The given parameters without accounts, thumbprints in their usual form.
fn deployment_parameters(call: &mut Call<'_, '_>) -> Result<Map<String, Value>, CmdletError> {
    let mut parameters = Map::new();
    for (parameter, value) in call.bound.given() {
        if !ACCOUNTS.contains(&parameter.name) {
            parameters.insert(parameter.name.to_owned(), value.clone());
            continue;
        }
        call.session.warn(&format!(
            "-{} is accepted and has no effect: the service runs as the user of its systemd unit.",
            parameter.name
        ));
    }
    for name in ["CertificateThumbprint", "SigningCertificateThumbprint", "DecryptionCertificateThumbprint"] {
        if let Some(Value::String(text)) = parameters.get_mut(name) {
            *text = crate::run::files::thumbprint(text)?;
        }
    }
    Ok(parameters)
}

/// The messages of a deployment, with the columns of the product's cmdlets.
fn deployed(call: &mut Call<'_, '_>, done: Result<Vec<String>, String>, what_if: bool) -> Outcome {
    let messages = done.map_err(|reason| CmdletError::new("DeploymentTask", reason))?;
    if what_if {
        messages.iter().for_each(|message| call.session.say(message));
        return Ok(Vec::new());
    }
    let rows = messages.into_iter();
    Ok(rows
        .map(|message| json!({ "Message": message, "Context": "DeploymentTask", "Status": "Success" }))
        .collect())
}

/// `Move-SekishoStore`: on this machine, while the service is stopped.
pub(crate) fn move_store(call: &mut Call<'_, '_>) -> Outcome {
    let connection = call.bound.text("SQLConnectionString").unwrap_or_default().to_owned();
    let what_if = match call.decide("the store of this node")? {
        Decision::Skip => return Ok(Vec::new()),
        decision => decision == Decision::WhatIf,
    };
    let done = call.session.environment.local.move_store(&connection, what_if);
    let message = done.map_err(|reason| CmdletError::new("MoveStore", reason))?;
    call.session.say(&message);
    Ok(Vec::new())
}
