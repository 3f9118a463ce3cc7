//! The algorithms that are believed, by their names in XML Signature 1.1 and RFC 9231. What is not in these
//! two tables does not exist here: no MD5, no HMAC, no DSA, no Ed25519, no PSS.

use aws_lc_rs::digest;
use aws_lc_rs::signature as aws;
use aws_lc_rs::signature::{UnparsedPublicKey, VerificationAlgorithm};

use crate::key::{Curve, VerificationKey};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// A digest method.
    pub(crate) fn from_uri(uri: &str) -> Option<Self> {
        Some(match uri {
            "http://www.w3.org/2000/09/xmldsig#sha1" => Self::Sha1,
            "http://www.w3.org/2001/04/xmlenc#sha256" => Self::Sha256,
            "http://www.w3.org/2001/04/xmldsig-more#sha384" => Self::Sha384,
            "http://www.w3.org/2001/04/xmlenc#sha512" => Self::Sha512,
            _ => return None,
        })
    }

    pub(crate) fn digest(self, bytes: &[u8]) -> digest::Digest {
        let algorithm = match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, bytes)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignatureMethod {
    /// RSASSA-PKCS1-v1_5.
    Rsa(Hash),
    Ecdsa(Hash),
}

impl SignatureMethod {
    pub(crate) fn from_uri(uri: &str) -> Option<Self> {
        Some(match uri {
            "http://www.w3.org/2000/09/xmldsig#rsa-sha1" => Self::Rsa(Hash::Sha1),
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" => Self::Rsa(Hash::Sha256),
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384" => Self::Rsa(Hash::Sha384),
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512" => Self::Rsa(Hash::Sha512),
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256" => Self::Ecdsa(Hash::Sha256),
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384" => Self::Ecdsa(Hash::Sha384),
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512" => Self::Ecdsa(Hash::Sha512),
            _ => return None,
        })
    }

    pub(crate) fn hash(self) -> Hash {
        match self {
            Self::Rsa(hash) | Self::Ecdsa(hash) => hash,
        }
    }

    /// `None` when the key is of another kind than the method.
    pub(crate) fn verify(self, key: &VerificationKey, message: &[u8], signature: &[u8]) -> Option<bool> {
        match (self, key) {
            (Self::Rsa(hash), VerificationKey::Rsa(key)) => {
                let algorithm = match hash {
                    Hash::Sha1 => &aws::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
                    Hash::Sha256 => &aws::RSA_PKCS1_2048_8192_SHA256,
                    Hash::Sha384 => &aws::RSA_PKCS1_2048_8192_SHA384,
                    Hash::Sha512 => &aws::RSA_PKCS1_2048_8192_SHA512,
                };
                Some(UnparsedPublicKey::new(algorithm, &key.der).verify(message, signature).is_ok())
            }
            (Self::Ecdsa(hash), VerificationKey::Ec(key)) => {
                let Some(algorithm) = ecdsa(key.curve, hash) else { return Some(false) };
                let Some(signature) = ecdsa_der(key.curve, signature) else { return Some(false) };
                Some(UnparsedPublicKey::new(algorithm, &key.point).verify(message, &signature).is_ok())
            }
            _ => None,
        }
    }
}

fn ecdsa(curve: Curve, hash: Hash) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (curve, hash) {
        (_, Hash::Sha1) => return None,
        (Curve::P256, Hash::Sha256) => &aws::ECDSA_P256_SHA256_ASN1,
        (Curve::P256, Hash::Sha384) => &aws::ECDSA_P256_SHA384_ASN1,
        (Curve::P256, Hash::Sha512) => &aws::ECDSA_P256_SHA512_ASN1,
        (Curve::P384, Hash::Sha256) => &aws::ECDSA_P384_SHA256_ASN1,
        (Curve::P384, Hash::Sha384) => &aws::ECDSA_P384_SHA384_ASN1,
        (Curve::P384, Hash::Sha512) => &aws::ECDSA_P384_SHA512_ASN1,
        (Curve::P521, Hash::Sha256) => &aws::ECDSA_P521_SHA256_ASN1,
        (Curve::P521, Hash::Sha384) => &aws::ECDSA_P521_SHA384_ASN1,
        (Curve::P521, Hash::Sha512) => &aws::ECDSA_P521_SHA512_ASN1,
    })
}

/// XML Signature 1.1, 6.4.3 writes r and s at their full length one after the other; the library reads every
/// pair of curve and hash only as the DER sequence of RFC 3279, 2.2.3.
fn ecdsa_der(curve: Curve, signature: &[u8]) -> Option<Vec<u8>> {
    let length = match curve {
        Curve::P256 => 32,
        Curve::P384 => 48,
        Curve::P521 => 66,
    };
    let (r, s) = signature.split_at_checked(length)?;
    if s.len() != length {
        return None;
    }
    let mut integers = Vec::with_capacity(2 * length + 6);
    for integer in [r, s] {
        let mut digits: Vec<u8> = integer.iter().copied().skip_while(|digit| *digit == 0).collect();
        if digits.first().is_none_or(|first| *first >= 0x80) {
            digits.insert(0, 0);
        }
        // At most 67 bytes, so the short form of the length serves.
        integers.extend([0x02, u8::try_from(digits.len()).ok()?]);
        integers.extend(digits);
    }
    let total = u8::try_from(integers.len()).ok()?;
    let header: &[u8] = if total < 0x80 { &[0x30, total] } else { &[0x30, 0x81, total] };
    Some([header, &integers].concat())
}
