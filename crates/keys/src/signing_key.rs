//! A key that signs tokens.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use configuration::Certificate;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::SignError;
use crate::master_key::{MasterKey, Purpose, SealError};

/// A stored certificate's key could not be made usable.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key cannot be unsealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The stored certificate is not what its thumbprint says, or cannot be read.
    #[error("the stored certificate '{thumbprint}' is damaged: {cause}; restore the database from a backup")]
    Certificate {
        /// Its thumbprint.
        thumbprint: String,
        /// What is wrong.
        cause: String,
    },
    /// The key is of another kind than its use needs.
    #[error("the private key of certificate '{thumbprint}' cannot be used: {cause}")]
    Key {
        /// The certificate's thumbprint.
        thumbprint: String,
        /// What the library says.
        cause: String,
    },
}

/// An RSA private key with its certificate, ready to sign. Share it in an `Arc`.
pub struct SigningKey {
    key: KeyPair,
    certificate_base64: String,
    thumbprint: String,
    signatures: AtomicU64,
}

impl SigningKey {
    /// Unseals the key of a token-signing certificate.
    pub fn open(certificate: &Certificate, master: &MasterKey) -> Result<Self, KeyError> {
        let thumbprint = &certificate.thumbprint;
        let der = certificate_der(certificate)?;
        let pkcs8 = master.unseal(Purpose::CertificateKey, thumbprint, &certificate.sealed_key)?;
        let unusable = |cause: String| KeyError::Key { thumbprint: thumbprint.clone(), cause };
        let key = KeyPair::from_pkcs8(&pkcs8).map_err(|error| unusable(error.to_string()))?;
        let (_, parsed) = X509Certificate::from_der(&der).map_err(|error| unusable(error.to_string()))?;
        if parsed.public_key().subject_public_key.data.as_ref() != key.public_key().as_ref() {
            return Err(unusable("it does not belong to the certificate".into()));
        }
        Ok(Self {
            key,
            certificate_base64: certificate.certificate.clone(),
            thumbprint: thumbprint.clone(),
            signatures: AtomicU64::new(0),
        })
    }

    /// Signs on this thread: RSASSA-PKCS1-v1_5 with SHA-256, 0.5 to 1 ms for 2048 bits. Requests go through
    /// [`SigningQueue`](crate::SigningQueue) instead.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let mut signature = vec![0; self.key.public_modulus_len()];
        // The padding has no randomness; the argument is a formality of the interface.
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| SignError::Failed { thumbprint: self.thumbprint.clone() })?;
        self.signatures.fetch_add(1, Ordering::Relaxed);
        Ok(signature)
    }

    /// The certificate, DER in Base64, as tokens and metadata carry it.
    pub fn certificate_base64(&self) -> &str {
        &self.certificate_base64
    }

    /// SHA-1 of the certificate, upper-case hexadecimal.
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// Signatures made since the key was opened, to be held against the number of tokens in the journal.
    pub fn signatures(&self) -> u64 {
        self.signatures.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("thumbprint", &self.thumbprint).finish_non_exhaustive()
    }
}

/// The DER of a stored certificate, which must be the one that its thumbprint names.
pub(crate) fn certificate_der(certificate: &Certificate) -> Result<Vec<u8>, KeyError> {
    let thumbprint = &certificate.thumbprint;
    let damaged = |cause: String| KeyError::Certificate { thumbprint: thumbprint.clone(), cause };
    let der = STANDARD.decode(&certificate.certificate).map_err(|error| damaged(error.to_string()))?;
    let actual = crate::thumbprint(&der);
    match actual == *thumbprint {
        true => Ok(der),
        false => Err(damaged(format!("its thumbprint is {actual}"))),
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use base::{SystemRandom, Timestamp};

    use super::*;
    use crate::{TokenUse, Validity, generate_demo_tls, generate_token_certificate};

    fn certificate(master: &MasterKey) -> Certificate {
        let validity = Validity::days(Timestamp::from_seconds(1_800_000_000), 365);
        generate_token_certificate(TokenUse::Signing, "fs.contoso.com", validity, master, &SystemRandom)
            .unwrap()
    }

    #[test]
    fn a_signature_is_verified_with_the_certificate_and_is_counted() {
        let master = MasterKey::generate(&SystemRandom);
        let key = SigningKey::open(&certificate(&master), &master).unwrap();
        let signature = key.sign(b"message").unwrap();
        let der = STANDARD.decode(key.certificate_base64()).unwrap();
        assert_eq!(key.thumbprint(), crate::thumbprint(&der));
        let (_, parsed) = X509Certificate::from_der(&der).unwrap();
        let public_key =
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &parsed.public_key().subject_public_key.data);
        public_key.verify(b"message", &signature).unwrap();
        assert!(public_key.verify(b"other message", &signature).is_err());
        assert_eq!(key.signatures(), 1);
    }

    /// Security case 87.
    #[test]
    fn a_stored_certificate_gives_no_key_under_another_master_key() {
        let master = MasterKey::generate(&SystemRandom);
        let certificate = certificate(&master);
        let other = MasterKey::generate(&SystemRandom);
        let error = SigningKey::open(&certificate, &other).unwrap_err();
        assert!(matches!(error, KeyError::Seal(SealError::Refused { .. })), "{error}");
        let stored = serde_json::to_string(&certificate).unwrap();
        assert!(!stored.contains("PRIVATE"));
        let pkcs8 =
            master.unseal(Purpose::CertificateKey, &certificate.thumbprint, &certificate.sealed_key).unwrap();
        assert!(!stored.contains(STANDARD.encode(&pkcs8).get(..64).unwrap()));
    }

    #[test]
    fn the_sealed_key_of_one_certificate_is_not_taken_for_that_of_another() {
        let master = MasterKey::generate(&SystemRandom);
        let (a, b) = (certificate(&master), certificate(&master));
        let mixed = Certificate { sealed_key: b.sealed_key.clone(), ..a.clone() };
        assert!(matches!(SigningKey::open(&mixed, &master), Err(KeyError::Seal(SealError::Refused { .. }))));
        let mixed = Certificate { certificate: b.certificate.clone(), ..a.clone() };
        assert!(matches!(SigningKey::open(&mixed, &master), Err(KeyError::Certificate { .. })));
        // A key that was sealed under the right name, and still is not the certificate's.
        let pkcs8 = master.unseal(Purpose::CertificateKey, &b.thumbprint, &b.sealed_key).unwrap();
        let sealed_key = master.seal(Purpose::CertificateKey, &a.thumbprint, &pkcs8, &SystemRandom).unwrap();
        let mixed = Certificate { sealed_key, ..a };
        let error = SigningKey::open(&mixed, &master).unwrap_err();
        assert!(error.to_string().contains("does not belong"), "{error}");
    }

    #[test]
    fn an_ecdsa_key_is_no_token_signing_key() {
        let master = MasterKey::generate(&SystemRandom);
        let now = Timestamp::from_seconds(1_800_000_000);
        let tls = generate_demo_tls(&["localhost".into()], now, &master, &SystemRandom).unwrap();
        assert!(matches!(SigningKey::open(&tls.certificate, &master), Err(KeyError::Key { .. })));
    }
}
