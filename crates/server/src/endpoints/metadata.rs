//! `GET /FederationMetadata/2007-06/FederationMetadata.xml`: the signed metadata, from memory.

use std::sync::Arc;

use async_trait::async_trait;
use base::Guid;
use bytes::Bytes;
use configuration::{Certificate, ClaimDescription, ServiceProperties};
use http::HeaderMap;
use protocols::metadata::federation_metadata::{self, FederationMetadata};
use serde::Deserialize;
use sts::administration::{Effect, Observer, PendingChange};
use sts::{Sts, TokenKeys, in_order_of_publication};

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
    signed(sts, &resident.token_keys, &resident.properties, &resident.claim_descriptions)
}

/// Writes and signs the document of a service with these keys, properties and claim descriptions.
fn signed(
    sts: &Sts,
    keys: &TokenKeys,
    properties: &ServiceProperties,
    claim_descriptions: &[ClaimDescription],
) -> Result<SignedMetadata, MetadataError> {
    let to_sign = FederationMetadata {
        id: &Guid::random(sts.random.as_ref()).to_xml_id(),
        entity_id: &properties.identifier,
        display_name: &properties.display_name,
        passive_endpoint: &format!("{}/adfs/ls/", properties.public_url()),
        signing_certificates: &keys.signing_certificates,
        encryption_certificate: &keys.decrypting_certificate,
        claim_descriptions,
        single_logout: false,
    }
    .prepare()?;
    let signature = keys.signing.sign(to_sign.message())?;
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
                signed(sts, &resident.token_keys, &properties, &resident.claim_descriptions)
            }
            ("claim-description", after) => {
                let others = resident.claim_descriptions.iter().filter(|known| known.claim_type != change.id);
                let mut descriptions: Vec<ClaimDescription> = others.cloned().collect();
                if let Some(after) = after {
                    let new = ClaimDescription::deserialize(after).map_err(|error| error.to_string())?;
                    descriptions.push(new);
                }
                let descriptions = in_order_of_publication(descriptions);
                signed(sts, &resident.token_keys, &resident.properties, &descriptions)
            }
            ("certificate", after) => {
                if let Some(after) = after {
                    let certificate = Certificate::deserialize(after).map_err(|error| error.to_string())?;
                    sts.catalog.check_certificate(&certificate).map_err(|error| error.to_string())?;
                }
                return Ok(Some(Box::new(NewCertificates(self.0.clone()))));
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

/// One change may move several certificates, so the document is made of what is stored then.
struct NewCertificates(Arc<FederationServer>);

#[async_trait]
impl Effect for NewCertificates {
    async fn commit(self: Box<Self>) -> Vec<String> {
        let renewed = self.0.renew_metadata();
        let failed = |error| format!("the federation metadata could not be signed anew: {error}");
        renewed.err().map(failed).into_iter().collect()
    }
}
