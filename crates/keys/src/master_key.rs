//! The farm master key, and what is sealed under it for the store.

use std::fmt;

use aws_lc_rs::error::Unspecified;
use base::{Guid, Random, Secret};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::aead::Aead;

/// Marks the format of sealed texts: XAES-256-GCM under a key that HKDF-SHA256 derives for the purpose.
const FORMAT: &str = "v1.";
/// Marks a master key on its way between nodes.
const TRANSFER: &str = "sekisho-master-key-v1 ";

/// The 256-bit key of a farm. It encrypts nothing itself: each purpose has a key derived from it.
///
/// It exists in memory, and in the store wrapped for each node ([`WrappedMasterKey`](crate::WrappedMasterKey)).
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// What a sealed value is. A value sealed for one purpose cannot be opened for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The private key of a certificate.
    CertificateKey,
    /// Another key of the farm.
    FarmKey,
}

impl Purpose {
    fn label(self) -> &'static str {
        match self {
            Self::CertificateKey => "certificate-key",
            Self::FarmKey => "farm-key",
        }
    }
}

/// A value could not be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The text has another form.
    #[error("{what} is not in the sealed form that this release knows; a newer release may have written it")]
    Format {
        /// What was to be opened.
        what: String,
    },
    /// The seal does not fit.
    #[error(
        "{what} cannot be opened: it was sealed under another key or for another use, or was changed since; restore database and node.key from the same backup"
    )]
    Refused {
        /// What was to be opened.
        what: String,
    },
    /// The wrapping is for another node.
    #[error(
        "the master key is wrapped for node {wrapped_for}, and node.key is that of node {node}; this node has to join the farm"
    )]
    OtherNode {
        /// Node in the wrapping.
        wrapped_for: Guid,
        /// Node of the key file.
        node: Guid,
    },
    /// The cryptographic library failed.
    #[error("the cryptographic library failed; restart the service")]
    Library,
}

impl From<Unspecified> for SealError {
    fn from(_: Unspecified) -> Self {
        Self::Library
    }
}

impl MasterKey {
    /// A new key. `random` must be the operating system's.
    pub fn generate(random: &dyn Random) -> Self {
        Self(Zeroizing::new(random.bytes()))
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; 32]);
        if bytes.len() != key.len() {
            return None;
        }
        key.copy_from_slice(bytes);
        Some(Self(key))
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key itself, for a node that joins the farm: it goes over a connection between nodes
    /// ([`node_client`](crate::node_identity::node_client)) and nowhere else. The node wraps it with its own
    /// [`NodeKey`](crate::NodeKey), and forgets it.
    pub fn to_transfer(&self) -> Secret {
        let encoded = Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0.as_slice()));
        Secret::new(format!("{TRANSFER}{}", *encoded))
    }

    /// Reads what [`to_transfer`](Self::to_transfer) wrote on another node.
    pub fn from_transfer(transfer: &Secret) -> Result<Self, SealError> {
        let encoded = transfer.expose().strip_prefix(TRANSFER);
        let bytes = encoded.and_then(|encoded| URL_SAFE_NO_PAD.decode(encoded).ok()).map(Zeroizing::new);
        bytes
            .and_then(|bytes| Self::from_bytes(&bytes))
            .ok_or_else(|| SealError::Format { what: "the master key that the other node sent".into() })
    }

    /// Seals `plaintext` for the store. It can be opened only for the same purpose under the same `name`: the
    /// thumbprint of the certificate, the identifier of the object.
    pub fn seal(
        &self,
        purpose: Purpose,
        name: &str,
        plaintext: &[u8],
        random: &dyn Random,
    ) -> Result<String, SealError> {
        let sealed = self.derive(&[purpose.label()])?.seal(name.as_bytes(), plaintext, random)?;
        Ok(encode(&sealed))
    }

    /// Opens what [`seal`](Self::seal) sealed.
    pub fn unseal(
        &self,
        purpose: Purpose,
        name: &str,
        sealed: &str,
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let what = || format!("{} '{name}'", purpose.label());
        let bytes = decode(sealed).ok_or_else(|| SealError::Format { what: what() })?;
        let opened = self.derive(&[purpose.label()])?.open(name.as_bytes(), &bytes);
        opened.ok_or_else(|| SealError::Refused { what: what() })
    }

    /// The key for a use, named by one or more labels.
    pub(crate) fn derive(&self, labels: &[&str]) -> Result<Aead, Unspecified> {
        Aead::derived(&self.0, labels)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(****)")
    }
}

pub(crate) fn encode(sealed: &[u8]) -> String {
    format!("{FORMAT}{}", URL_SAFE_NO_PAD.encode(sealed))
}

pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.strip_prefix(FORMAT)?).ok()
}

#[cfg(test)]
mod tests {
    use base::SystemRandom;

    use super::*;

    fn key() -> MasterKey {
        MasterKey::generate(&SystemRandom)
    }

    #[test]
    fn what_was_sealed_is_opened() {
        let key = key();
        for plaintext in [&b""[..], b"x", &[0; 5000]] {
            let sealed = key.seal(Purpose::FarmKey, "name", plaintext, &SystemRandom).unwrap();
            assert!(sealed.starts_with("v1."));
            assert_eq!(key.unseal(Purpose::FarmKey, "name", &sealed).unwrap().as_slice(), plaintext);
            let again = key.seal(Purpose::FarmKey, "name", plaintext, &SystemRandom).unwrap();
            assert_ne!(sealed, again);
        }
    }

    #[test]
    fn another_purpose_name_or_master_key_is_refused() {
        let master = key();
        let sealed = master.seal(Purpose::CertificateKey, "A1", b"secret", &SystemRandom).unwrap();
        let refused = |master: &MasterKey, purpose, name: &str| {
            matches!(master.unseal(purpose, name, &sealed), Err(SealError::Refused { .. }))
        };
        assert!(refused(&master, Purpose::FarmKey, "A1"));
        assert!(refused(&master, Purpose::CertificateKey, "A2"));
        assert!(refused(&key(), Purpose::CertificateKey, "A1"));
        assert!(master.unseal(Purpose::CertificateKey, "A1", &sealed).is_ok());
    }

    #[test]
    fn a_changed_text_is_refused_and_another_form_is_named() {
        let key = key();
        let sealed = key.seal(Purpose::CertificateKey, "A1", b"secret", &SystemRandom).unwrap();
        for position in FORMAT.len()..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(key.unseal(Purpose::CertificateKey, "A1", &changed).is_err(), "{position}");
        }
        for text in ["", "v1.", "v2.AAAA", "AAAA", "v1.*", "v1.é"] {
            let error = key.unseal(Purpose::CertificateKey, "A1", text).unwrap_err();
            assert!(error.to_string().contains("'A1'"), "{error}");
        }
    }

    #[test]
    fn another_node_receives_the_key_itself_and_no_other_text_for_one() {
        let master = key();
        let transfer = master.to_transfer();
        let received = MasterKey::from_transfer(&transfer).unwrap();
        let sealed = master.seal(Purpose::FarmKey, "name", b"x", &SystemRandom).unwrap();
        assert_eq!(received.unseal(Purpose::FarmKey, "name", &sealed).unwrap().as_slice(), b"x");
        assert_eq!(format!("{transfer:?}"), "****");
        let text = transfer.expose();
        for wrong in
            ["", "sekisho-master-key-v1 ", &text[1..], &text[..text.len() - 2], &format!("{text}AAAA")]
        {
            let error = MasterKey::from_transfer(&Secret::new(wrong)).unwrap_err();
            assert!(matches!(error, SealError::Format { .. }), "{error}");
        }
    }

    #[test]
    fn nothing_shows_the_key() {
        assert_eq!(format!("{:?}", key()), "MasterKey(****)");
    }
}
