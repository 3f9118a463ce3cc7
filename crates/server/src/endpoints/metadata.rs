//! `GET /FederationMetadata/2007-06/FederationMetadata.xml`: the signed metadata, from memory.

use std::sync::Arc;

use async_trait::async_trait;
use base::Guid;
use bytes::Bytes;
use configuration::{ClaimDescription, ServiceProperties};
use http::HeaderMap;
use protocols::metadata::federation_metadata::{self, FederationMetadata};
use serde::Deserialize;
use sts::administration::{Effect, Observer, PendingChange};
use sts::{Sts, in_order_of_publication};

use crate::FederationServer;
use crate::exchange::{Reply, file};

/// The metadata can't be made.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// A value of the configuration can't stand in it.
    #[error(transparent)]
    Value(#[from] federation_metadata::MetadataError),
    /// The signing key failed.
    #[error("the federation metadata can't be signed: {0}")]
    Sign(#[from] keys::SignError),
}

/// The signed document.
pub(crate) struct SignedMetadata {
    bytes: Bytes,
    etag: String,
}

/// Answers.
pub(crate) fn answer(server: &FederationServer, headers: &HeaderMap) -> Reply {
    let metadata = server.metadata.load();
    file(headers, metadata.bytes.clone(), "application/samlmetadata+xml; charset=utf-8", &metadata.etag)
}

/// Writes and signs the document of the service as it is configured.
pub(crate) fn signed_for(sts: &Sts) -> Result<SignedMetadata, MetadataError> {
    let resident = sts.catalog.resident();
    signed(sts, &resident.properties, &resident.claim_descriptions)
}

/// Writes and signs the document of a service with these properties and claim descriptions.
fn signed(
    sts: &Sts,
    properties: &ServiceProperties,
    claim_descriptions: &[ClaimDescription],
) -> Result<SignedMetadata, MetadataError> {
    let certificates = [sts.signing_key.certificate_base64().to_string()];
    let to_sign = FederationMetadata {
        id: &Guid::random(sts.random.as_ref()).to_xml_id(),
        entity_id: &properties.identifier,
        display_name: &properties.display_name,
        passive_endpoint: &format!("{}/adfs/ls/", properties.public_url()),
        signing_certificates: &certificates,
        encryption_certificate: &sts.decrypting_certificate,
        claim_descriptions,
        single_logout: false,
    }
    .prepare()?;
    let signature = sts.signing_key.sign(to_sign.message())?;
    let text = to_sign.attach(&signature);
    let etag = keys::thumbprint(text.as_bytes());
    Ok(SignedMetadata { bytes: Bytes::from(text), etag })
}

/// The document follows what it shows: it is signed before a change is stored, and served when it is.
pub(crate) struct MetadataFollows(pub(crate) Arc<FederationServer>);

#[async_trait]
impl Observer for MetadataFollows {
    fn name(&self) -> &'static str {
        "federation metadata"
    }

    async fn prepare(&self, change: &PendingChange<'_>) -> Result<Option<Box<dyn Effect>>, String> {
        let sts = &self.0.sts;
        let resident = sts.catalog.resident();
        let signed = match (change.object.kind, change.after) {
            ("service-properties", Some(after)) => {
                let properties = ServiceProperties::deserialize(after).map_err(|error| error.to_string())?;
                signed(sts, &properties, &resident.claim_descriptions)
            }
            ("claim-description", after) => {
                let others = resident.claim_descriptions.iter().filter(|known| known.claim_type != change.id);
                let mut descriptions: Vec<ClaimDescription> = others.cloned().collect();
                if let Some(after) = after {
                    let new = ClaimDescription::deserialize(after).map_err(|error| error.to_string())?;
                    descriptions.push(new);
                }
                signed(sts, &resident.properties, &in_order_of_publication(descriptions))
            }
            _ => return Ok(None),
        };
        let metadata = signed.map_err(|error| error.to_string())?;
        Ok(Some(Box::new(NewMetadata { server: self.0.clone(), metadata })))
    }
}

struct NewMetadata {
    server: Arc<FederationServer>,
    metadata: SignedMetadata,
}

#[async_trait]
impl Effect for NewMetadata {
    async fn commit(self: Box<Self>) -> Vec<String> {
        self.server.metadata.store(Arc::new(self.metadata));
        Vec::new()
    }
}
