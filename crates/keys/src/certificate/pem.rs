//! PEM: certificates and key in any order, in one text or several put together.

use base::Random;
use configuration::Certificate;
use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};

use super::import::{Bundle, ImportError, ImportRules, LARGEST_FILE};
use crate::master_key::MasterKey;

/// Imports a certificate with its private key (PKCS#8, PKCS#1 or SEC 1) and its issuers.
///
/// `pem` is the content of the file, or of several files one after another. The certificate is the one that the
/// key belongs to; it is not primary yet.
pub fn import_pem(
    pem: &[u8],
    rules: &ImportRules<'_>,
    master: &MasterKey,
    random: &dyn Random,
) -> Result<Certificate, ImportError> {
    read(pem)?.import(rules, master, random)
}

/// Takes certificates and the one key out of the text.
pub(crate) fn read(pem: &[u8]) -> Result<Bundle, ImportError> {
    if pem.len() > LARGEST_FILE {
        return Err(ImportError::TooLarge { size: pem.len() });
    }
    // Both ways of encrypting a key: as PKCS#8, and OpenSSL's own of old.
    if String::from_utf8_lossy(pem).lines().any(|line| {
        line.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY") || line.starts_with("Proc-Type: 4,ENCRYPTED")
    }) {
        return Err(ImportError::EncryptedKey);
    }
    let mut certificates = Vec::new();
    let mut keys = Vec::new();
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem) {
        // The parser's message may repeat a line of the key.
        let (kind, der) = section.map_err(|_| ImportError::Format {
            expected: "PEM",
            cause: "a section has no end, or is not Base64".into(),
        })?;
        match kind {
            SectionKind::Certificate => certificates.push(der),
            SectionKind::PrivateKey => keys.push(PrivateKeyDer::from(PrivatePkcs8KeyDer::from(der))),
            SectionKind::RsaPrivateKey => keys.push(PrivatePkcs1KeyDer::from(der).into()),
            SectionKind::EcPrivateKey => keys.push(PrivateSec1KeyDer::from(der).into()),
            _ => {}
        }
    }
    if certificates.is_empty() && keys.is_empty() {
        let cause = "it has neither a certificate nor a private key".into();
        return Err(ImportError::Format { expected: "PEM", cause });
    }
    let count = keys.len();
    match (keys.pop(), count) {
        (Some(key), 1) => Ok(Bundle { certificates, key, friendly_name: None }),
        (None, _) => Err(ImportError::NoPrivateKey),
        (Some(_), _) => Err(ImportError::SeveralPrivateKeys { count }),
    }
}
