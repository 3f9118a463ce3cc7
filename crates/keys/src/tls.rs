//! A certificate as TLS listeners take it.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use configuration::Certificate;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use crate::master_key::{MasterKey, Purpose};
use crate::signing_key::{KeyError, certificate_der};

/// Unseals a certificate for TLS: its chain without the root, and its key in the library that rustls uses.
pub fn tls_certificate(certificate: &Certificate, master: &MasterKey) -> Result<Arc<CertifiedKey>, KeyError> {
    let thumbprint = &certificate.thumbprint;
    let mut chain = vec![CertificateDer::from(certificate_der(certificate)?)];
    for issuer in &certificate.chain {
        let der = STANDARD.decode(issuer).map_err(|error| KeyError::Certificate {
            thumbprint: thumbprint.clone(),
            cause: format!("an issuer in its chain is not Base64: {error}"),
        })?;
        chain.push(der.into());
    }
    let unusable =
        |error: rustls::Error| KeyError::Key { thumbprint: thumbprint.clone(), cause: error.to_string() };
    let pkcs8 = master.unseal(Purpose::CertificateKey, thumbprint, &certificate.sealed_key)?;
    let der = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pkcs8.as_slice()));
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&der).map_err(unusable)?;
    let certified = CertifiedKey::new(chain, key);
    certified.keys_match().map_err(unusable)?;
    Ok(Arc::new(certified))
}
