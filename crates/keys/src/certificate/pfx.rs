//! PFX (PKCS#12), as Windows and OpenSSL export it, with today's and with yesterday's ciphers.

use base::{Random, Secret};
use configuration::Certificate;
use p12_keystore::Pkcs12Archive;
use p12_keystore::error::Error;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::import::{Bundle, ImportError, ImportRules, LARGEST_FILE};
use crate::master_key::MasterKey;

/// Imports the certificate that the file's private key belongs to, with its issuers. It is not primary yet.
///
/// Deriving keys from the password takes a while (bounded); call it on a thread that may block.
pub fn import_pfx(
    pfx: &[u8],
    password: &Secret,
    rules: &ImportRules<'_>,
    master: &MasterKey,
    random: &dyn Random,
) -> Result<Certificate, ImportError> {
    read(pfx, password)?.import(rules, master, random)
}

/// Takes certificates and the one key out of the file.
pub(crate) fn read(pfx: &[u8], password: &Secret) -> Result<Bundle, ImportError> {
    if pfx.len() > LARGEST_FILE {
        return Err(ImportError::TooLarge { size: pfx.len() });
    }
    let mut archive = Pkcs12Archive::from_pkcs12(pfx, password.expose()).map_err(refused)?;
    let count = archive.keys.len();
    let certificates = archive.certs.iter().map(|bag| bag.cert.as_der().to_vec()).collect();
    match (archive.keys.pop(), count) {
        (Some(bag), 1) => {
            let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(bag.key.as_der().to_vec()));
            Ok(Bundle { certificates, key, friendly_name: bag.friendly_name })
        }
        (None, _) => Err(ImportError::NoPrivateKey),
        (Some(_), _) => Err(ImportError::SeveralPrivateKeys { count }),
    }
}

fn refused(error: Error) -> ImportError {
    match error {
        // With a MAC a wrong password shows there; without one, in the padding of what was decrypted.
        Error::MacError(_) | Error::UnpadError | Error::Pkcs5Error(_) => ImportError::WrongPassword,
        other => ImportError::Format { expected: "PFX", cause: other.to_string() },
    }
}
