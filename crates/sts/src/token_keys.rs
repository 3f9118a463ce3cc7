//! The token certificates of the farm, opened: what signs, and what partners encrypt for.

use std::sync::Arc;

use configuration::{Certificate, CertificateType};
use keys::{DecryptingKey, KeyError, MasterKey, SigningKey};
use serde::Deserialize;
use store::{Configuration, Document, Kind};

use crate::catalog::CatalogError;

/// Certificates of all types that are looked at.
const MOST: usize = 1_000;

/// What the token certificates are good for. A request uses one value from beginning to end, so that a promotion
/// never meets it halfway.
#[derive(Debug)]
pub struct TokenKeys {
    /// The primary token-signing key.
    pub signing: Arc<SigningKey>,
    /// Token-signing certificates (DER in Base64) that metadata publishes, the primary one first.
    pub signing_certificates: Vec<String>,
    /// The primary certificate for partners that encrypt for this service (DER in Base64).
    pub decrypting_certificate: String,
}

impl TokenKeys {
    /// Reads the certificates of the store and opens the primary ones. The key of `before` is kept where it is
    /// still the primary one.
    pub(crate) async fn load(
        store: &dyn Configuration,
        master_key: &MasterKey,
        before: Option<&Self>,
    ) -> Result<Self, CatalogError> {
        let mut signing = Vec::new();
        let mut decrypting = None;
        for document in store.list(Kind::Certificate, None, MOST).await? {
            let read = Certificate::deserialize(&document.body);
            let certificate = read.map_err(|error| unusable(&document, error.to_string()))?;
            match (certificate.certificate_type, certificate.is_primary) {
                (CertificateType::TokenSigning, _) => signing.push((certificate, document)),
                (CertificateType::TokenDecrypting, true) => decrypting = Some(certificate.certificate),
                _ => {}
            }
        }
        signing.sort_by_key(|(certificate, _)| !certificate.is_primary);
        let primary = signing.first().filter(|(certificate, _)| certificate.is_primary);
        let (primary, document) =
            primary.ok_or(CatalogError::Missing("primary certificate of type Token-Signing"))?;
        let same = before.filter(|keys| keys.signing.thumbprint() == primary.thumbprint);
        Ok(Self {
            signing: match same {
                Some(keys) => keys.signing.clone(),
                None => Arc::new(
                    SigningKey::open(primary, master_key)
                        .map_err(|error| unusable(document, error.to_string()))?,
                ),
            },
            signing_certificates: signing.iter().map(|(one, _)| one.certificate.clone()).collect(),
            decrypting_certificate: decrypting
                .ok_or(CatalogError::Missing("primary certificate of type Token-Decrypting"))?,
        })
    }

    /// Whether a certificate can be used for what its type says: its key opens, fits and is of the right kind.
    pub(crate) fn check(certificate: &Certificate, master_key: &MasterKey) -> Result<(), KeyError> {
        match certificate.certificate_type {
            CertificateType::TokenSigning => SigningKey::open(certificate, master_key).map(drop),
            CertificateType::TokenDecrypting => DecryptingKey::open(certificate, master_key).map(drop),
            CertificateType::ServiceCommunications => Ok(()),
        }
    }
}

fn unusable(document: &Document, cause: String) -> CatalogError {
    CatalogError::Unusable { kind: document.kind, id: document.id.clone(), cause }
}
