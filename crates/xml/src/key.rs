//! Public keys that may verify signatures. An RSA key and an elliptic-curve key are different types, and neither
//! can be used as the secret of a MAC: "HMAC with the public key" cannot be written.

use thiserror::Error;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// A public key strong enough to be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerificationKey {
    /// RSA with 2048 to 8192 bits.
    Rsa(RsaKey),
    /// A point on P-256, P-384 or P-521.
    Ec(EcKey),
}

/// An RSA public key of 2048 to 8192 bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RsaKey {
    /// `RSAPublicKey` of RFC 8017, DER.
    pub(crate) der: Vec<u8>,
}

/// An elliptic-curve public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcKey {
    pub(crate) curve: Curve,
    /// The point as SEC 1 encodes it.
    pub(crate) point: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

/// Why a certificate or key is not used to verify signatures.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not one X.509 certificate in DER.
    #[error("this is not an X.509 certificate in DER")]
    NotACertificate,
    /// Not one `SubjectPublicKeyInfo` in DER.
    #[error("this is not a SubjectPublicKeyInfo in DER")]
    NotAPublicKey,
    /// An RSA key that is too short to be believed, or too long to be computed with.
    #[error("the RSA key has {bits} bits; use 2048 to 8192, as AD FS does")]
    RsaSize {
        /// Bits of the modulus.
        bits: usize,
    },
    /// An elliptic curve that is not used here.
    #[error("the elliptic curve {oid} is not used; use P-256, P-384 or P-521")]
    Curve {
        /// Object identifier of the curve.
        oid: String,
    },
    /// A key of another kind.
    #[error("a key of kind {oid} does not verify signatures here; use RSA or an elliptic curve")]
    Kind {
        /// Object identifier of the kind of key.
        oid: String,
    },
}

impl VerificationKey {
    /// The key of a certificate. Whether the certificate is trusted, valid or revoked is not asked here.
    ///
    /// # Errors
    ///
    /// Anything that is not exactly one certificate with a usable key.
    pub fn from_certificate_der(der: &[u8]) -> Result<Self, KeyError> {
        match X509Certificate::from_der(der) {
            Ok(([], certificate)) => Self::from_spki(certificate.public_key()),
            _ => Err(KeyError::NotACertificate),
        }
    }

    /// The key of a `SubjectPublicKeyInfo` (RFC 5280, 4.1.2.7).
    ///
    /// # Errors
    ///
    /// Anything that is not exactly one usable key.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        match SubjectPublicKeyInfo::from_der(der) {
            Ok(([], spki)) => Self::from_spki(&spki),
            _ => Err(KeyError::NotAPublicKey),
        }
    }

    fn from_spki(spki: &SubjectPublicKeyInfo<'_>) -> Result<Self, KeyError> {
        match spki.parsed().map_err(|_| KeyError::NotAPublicKey)? {
            PublicKey::RSA(key) => {
                let mut digits = key.modulus.iter().skip_while(|digit| **digit == 0);
                let bits = digits.next().map_or(0, |first| first.ilog2() as usize + 1) + 8 * digits.count();
                if !(2048..=8192).contains(&bits) {
                    return Err(KeyError::RsaSize { bits });
                }
                Ok(Self::Rsa(RsaKey { der: spki.subject_public_key.data.to_vec() }))
            }
            PublicKey::EC(point) => {
                let named =
                    spki.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
                let oid = named.map(|oid| oid.to_id_string()).unwrap_or_default();
                let curve = match oid.as_str() {
                    "1.2.840.10045.3.1.7" => Curve::P256,
                    "1.3.132.0.34" => Curve::P384,
                    "1.3.132.0.35" => Curve::P521,
                    _ => return Err(KeyError::Curve { oid }),
                };
                Ok(Self::Ec(EcKey { curve, point: point.data().to_vec() }))
            }
            _ => Err(KeyError::Kind { oid: spki.algorithm.algorithm.to_id_string() }),
        }
    }
}
