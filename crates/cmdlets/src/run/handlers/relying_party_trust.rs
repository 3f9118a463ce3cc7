//! Relying party trusts from metadata: `-MetadataFile`, `-MetadataUrl`, `Update-AdfsRelyingPartyTrust`.

use protocols::metadata::service_provider::{Reading, read};
use serde_json::{Map, Value};

use crate::error::CmdletError;
use crate::run::files;
use crate::run::{Call, Outcome};

use super::add::added;
use super::set::patched;

/// What metadata says about a party. Everything else of a trust is the administrator's.
const FROM_METADATA: &[&str] = &[
    "Identifier",
    "WSFedEndpoint",
    "AdditionalWSFedEndpoint",
    "SamlEndpoints",
    "RequestSigningCertificate",
    "EncryptionCertificate",
    "SignedSamlRequestsRequired",
];

/// `Add-AdfsRelyingPartyTrust`. Arguments win over the metadata.
pub(crate) fn add_relying_party_trust(call: &mut Call<'_, '_>) -> Outcome {
    let mut body = match (call.bound.text("MetadataFile"), call.bound.text("MetadataUrl")) {
        (Some(file), _) => described(call, &files::bytes_of(file)?, file)?,
        (None, Some(url)) => {
            let document = fetched(call, url)?;
            let mut body = described(call, &document, url)?;
            body.insert("MetadataUrl".to_owned(), Value::String(url.to_owned()));
            body
        }
        (None, None) => Map::new(),
    };
    body.extend(call.properties(None)?);
    added(call, body)
}

/// `Update-AdfsRelyingPartyTrust`: again from the file, or from where the trust was made of.
pub(crate) fn update_relying_party_trust(call: &mut Call<'_, '_>) -> Outcome {
    let stored = call.target()?;
    let (document, source) = match call.bound.text("MetadataFile") {
        Some(file) => (files::bytes_of(file)?, file.to_owned()),
        None => {
            let url = stored.body.get("MetadataUrl").and_then(Value::as_str).filter(|url| !url.is_empty());
            let missing = || {
                let message = "The trust has no MetadataUrl; name a document with -MetadataFile.";
                CmdletError::new("NoMetadata", message)
            };
            let url = url.ok_or_else(missing)?;
            (fetched(call, url)?, url.to_owned())
        }
    };
    let mut patch = described(call, &document, &source)?;
    patch.retain(|name, value| stored.body.get(name) != Some(value));
    patched(call, stored, patch)
}

fn fetched(call: &mut Call<'_, '_>, url: &str) -> Result<Vec<u8>, CmdletError> {
    let document = call.session.environment.local.fetch(url);
    document.map_err(|reason| CmdletError::new("MetadataNotRead", format!("Metadata at '{url}': {reason}")))
}

/// The properties that a document gives. What it offers and the trust leaves out is told.
fn described(
    call: &mut Call<'_, '_>,
    document: &[u8],
    source: &str,
) -> Result<Map<String, Value>, CmdletError> {
    let now = call.session.environment.clock.now();
    let error =
        |reason: String| CmdletError::new("MetadataNotRead", format!("Metadata of '{source}': {reason}"));
    let imported = read(document, &Reading { entity_id: None, now, keys: None });
    let imported = imported.map_err(|problem| error(problem.to_string()))?;
    for left_out in &imported.left_out {
        call.session.warn(&format!("left out: {left_out}"));
    }
    let trust = serde_json::to_value(&imported.trust).map_err(|cause| error(cause.to_string()))?;
    let members = trust.as_object().into_iter().flatten();
    Ok(members
        .filter(|(name, value)| FROM_METADATA.contains(&name.as_str()) && !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect())
}
