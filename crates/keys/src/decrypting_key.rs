//! A key that decrypts what partners encrypt for this service.

use std::fmt;

use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256};
use aws_lc_rs::rsa::{OaepPrivateDecryptingKey, PrivateDecryptingKey};
use configuration::Certificate;
use x509_parser::prelude::{FromDer, X509Certificate};
use zeroize::Zeroizing;

use crate::master_key::{MasterKey, Purpose};
use crate::signing_key::{KeyError, certificate_der};

/// The hash of RSA-OAEP, for the message and for MGF1 (XML Encryption 1.1, 5.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OaepHash {
    /// `rsa-oaep-mgf1p`: what AD FS's partners use. Its strength does not rest on collisions of SHA-1.
    Sha1,
    /// `rsa-oaep` with SHA-256 for both.
    Sha256,
}

/// Decryption failed. Why is told to nobody: the difference would decrypt for the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the encrypted key cannot be decrypted with this certificate")]
pub struct DecryptError;

/// The RSA private key of a token-decrypting certificate. Share it in an `Arc`.
pub struct DecryptingKey {
    key: OaepPrivateDecryptingKey,
    thumbprint: String,
}

impl DecryptingKey {
    /// Unseals the key of a token-decrypting certificate.
    pub fn open(certificate: &Certificate, master: &MasterKey) -> Result<Self, KeyError> {
        let thumbprint = &certificate.thumbprint;
        let der = certificate_der(certificate)?;
        let pkcs8 = master.unseal(Purpose::CertificateKey, thumbprint, &certificate.sealed_key)?;
        let unusable = |cause: String| KeyError::Key { thumbprint: thumbprint.clone(), cause };
        let signing =
            aws_lc_rs::rsa::KeyPair::from_pkcs8(&pkcs8).map_err(|error| unusable(error.to_string()))?;
        let (_, parsed) = X509Certificate::from_der(&der).map_err(|error| unusable(error.to_string()))?;
        let public_key = aws_lc_rs::signature::KeyPair::public_key(&signing);
        if parsed.public_key().subject_public_key.data.as_ref() != public_key.as_ref() {
            return Err(unusable("it does not belong to the certificate".into()));
        }
        let key = PrivateDecryptingKey::from_pkcs8(&pkcs8).map_err(|error| unusable(error.to_string()))?;
        let key = OaepPrivateDecryptingKey::new(key)
            .map_err(|_| unusable("the cryptographic library refuses it".into()))?;
        Ok(Self { key, thumbprint: thumbprint.clone() })
    }

    /// RSAES-OAEP (RFC 8017 7.1.2) with an empty label. Takes as long as a signature.
    pub fn decrypt_oaep(
        &self,
        hash: OaepHash,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        let algorithm = match hash {
            OaepHash::Sha1 => &OAEP_SHA1_MGF1SHA1,
            OaepHash::Sha256 => &OAEP_SHA256_MGF1SHA256,
        };
        if ciphertext.len() != self.key.key_size_bytes() {
            return Err(DecryptError);
        }
        let mut plaintext = Zeroizing::new(vec![0; self.key.min_output_size()]);
        let length = match self.key.decrypt(algorithm, ciphertext, &mut plaintext, None) {
            Ok(decrypted) => decrypted.len(),
            Err(_) => return Err(DecryptError),
        };
        plaintext.truncate(length);
        Ok(plaintext)
    }

    /// SHA-1 of the certificate, upper-case hexadecimal.
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }
}

impl fmt::Debug for DecryptingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecryptingKey").field("thumbprint", &self.thumbprint).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rsa::OaepPublicEncryptingKey;
    use base::{SystemRandom, Timestamp};

    use super::*;
    use crate::{TokenUse, Validity, generate_demo_tls, generate_token_certificate};

    fn keys(master: &MasterKey) -> (DecryptingKey, OaepPublicEncryptingKey) {
        let validity = Validity::days(Timestamp::from_seconds(1_800_000_000), 365);
        let certificate = generate_token_certificate(
            TokenUse::Decrypting,
            "fs.contoso.com",
            validity,
            master,
            &SystemRandom,
        )
        .unwrap();
        let pkcs8 =
            master.unseal(Purpose::CertificateKey, &certificate.thumbprint, &certificate.sealed_key).unwrap();
        let public_key = PrivateDecryptingKey::from_pkcs8(&pkcs8).unwrap().public_key();
        let key = DecryptingKey::open(&certificate, master).unwrap();
        assert_eq!(key.thumbprint(), certificate.thumbprint);
        (key, OaepPublicEncryptingKey::new(public_key).unwrap())
    }

    #[test]
    fn what_a_partner_encrypts_is_decrypted_and_every_failure_looks_the_same() {
        let master = MasterKey::generate(&SystemRandom);
        let (key, public_key) = keys(&master);
        for (hash, algorithm) in
            [(OaepHash::Sha1, &OAEP_SHA1_MGF1SHA1), (OaepHash::Sha256, &OAEP_SHA256_MGF1SHA256)]
        {
            let mut buffer = vec![0; public_key.ciphertext_size()];
            let ciphertext = public_key.encrypt(algorithm, &[7; 32], &mut buffer, None).unwrap().to_vec();
            assert_eq!(key.decrypt_oaep(hash, &ciphertext).unwrap().as_slice(), [7; 32]);
            let other = if hash == OaepHash::Sha1 { OaepHash::Sha256 } else { OaepHash::Sha1 };
            assert_eq!(key.decrypt_oaep(other, &ciphertext), Err(DecryptError));
            for octet in (0..ciphertext.len()).step_by(31) {
                let mut changed = ciphertext.clone();
                changed[octet] ^= 1;
                assert_eq!(key.decrypt_oaep(hash, &changed), Err(DecryptError));
            }
            let long = [&ciphertext[..], &[0]].concat();
            for wrong in [&[][..], &ciphertext[1..], &long, &[0xff; 256], &[0; 256], &[0; 1_000_000]] {
                assert_eq!(key.decrypt_oaep(hash, wrong), Err(DecryptError));
            }
        }
    }

    #[test]
    fn an_ecdsa_key_decrypts_nothing() {
        let master = MasterKey::generate(&SystemRandom);
        let now = Timestamp::from_seconds(1_800_000_000);
        let tls = generate_demo_tls(&["localhost".into()], now, &master, &SystemRandom).unwrap();
        assert!(matches!(DecryptingKey::open(&tls.certificate, &master), Err(KeyError::Key { .. })));
    }
}
