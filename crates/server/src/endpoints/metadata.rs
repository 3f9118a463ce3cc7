//! `GET /FederationMetadata/2007-06/FederationMetadata.xml`: the signed metadata, from memory.

use base::Guid;
use bytes::Bytes;
use http::HeaderMap;
use protocols::metadata::federation_metadata::{self, FederationMetadata};
use sts::Sts;

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
    let SignedMetadata { bytes, etag } = &server.metadata;
    file(headers, bytes.clone(), "application/samlmetadata+xml; charset=utf-8", etag)
}

/// Writes and signs the document.
pub(crate) fn signed(sts: &Sts) -> Result<SignedMetadata, MetadataError> {
    let resident = sts.catalog.resident();
    let properties = &resident.properties;
    let descriptions = configuration::ClaimDescription::defaults();
    let certificates = [sts.signing_key.certificate_base64().to_string()];
    let to_sign = FederationMetadata {
        id: &Guid::random(sts.random.as_ref()).to_xml_id(),
        entity_id: &properties.identifier,
        display_name: &properties.display_name,
        passive_endpoint: &format!("{}/adfs/ls/", properties.public_url()),
        signing_certificates: &certificates,
        encryption_certificate: &sts.decrypting_certificate,
        claim_descriptions: &descriptions,
        single_logout: false,
    }
    .prepare()?;
    let signature = sts.signing_key.sign(to_sign.message())?;
    let text = to_sign.attach(&signature);
    let etag = keys::thumbprint(text.as_bytes());
    Ok(SignedMetadata { bytes: Bytes::from(text), etag })
}
