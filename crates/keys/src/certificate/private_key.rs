//! The kinds of private keys that certificates may have.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _,
};
use rustls::pki_types::PrivateKeyDer;
use x509_parser::certificate::X509Certificate;
use zeroize::Zeroizing;

use super::import::ImportError;
use crate::master_key::SealError;

pub(crate) enum PrivateKey {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
}

impl PrivateKey {
    pub(super) fn load(key: &PrivateKeyDer<'_>) -> Result<Self, ImportError> {
        let der = key.secret_der();
        let ecdsa = || {
            [&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P384_SHA384_ASN1_SIGNING]
                .into_iter()
                .find_map(|curve| EcdsaKeyPair::from_private_key_der(curve, der).ok())
        };
        let refused = |error: KeyRejected| ImportError::Key { cause: error.to_string() };
        match key {
            PrivateKeyDer::Pkcs1(_) => RsaKeyPair::from_der(der).map(Self::Rsa).map_err(refused),
            PrivateKeyDer::Sec1(_) => ecdsa()
                .map(Self::Ecdsa)
                .ok_or_else(|| ImportError::Key { cause: "its curve or form is unknown".into() }),
            _ => match RsaKeyPair::from_pkcs8(der) {
                Ok(key) => Ok(Self::Rsa(key)),
                Err(error) => ecdsa().map(Self::Ecdsa).ok_or_else(|| refused(error)),
            },
        }
    }

    pub(super) fn is_rsa(&self) -> bool {
        matches!(self, Self::Rsa(_))
    }

    pub(super) fn belongs_to(&self, certificate: &X509Certificate<'_>) -> bool {
        // Either is what the BIT STRING of a SubjectPublicKeyInfo holds: RSAPublicKey, or the point.
        let public_key = match self {
            Self::Rsa(key) => key.public_key().as_ref(),
            Self::Ecdsa(key) => key.public_key().as_ref(),
        };
        certificate.public_key().subject_public_key.data.as_ref() == public_key
    }

    pub(crate) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let failed = |_: Unspecified| SealError::Library;
        Ok(Zeroizing::new(match self {
            Self::Rsa(key) => AsDer::<Pkcs8V1Der<'_>>::as_der(key).map_err(failed)?.as_ref().to_vec(),
            Self::Ecdsa(key) => key.to_pkcs8v1().map_err(failed)?.as_ref().to_vec(),
        }))
    }
}
