//! The checks that every certificate from elsewhere passes, whatever its file looks like.

use base::{Random, Timestamp};
use configuration::{Certificate, CertificateType};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::X509Version;

use super::Unsealed;
use super::private_key::PrivateKey;
use crate::master_key::{MasterKey, SealError};

/// Largest file that is looked at.
pub(crate) const LARGEST_FILE: usize = 1024 * 1024;
/// Most certificates that are looked at: each is held against each.
const MOST_CERTIFICATES: usize = 100;
const SHORTEST_RSA: usize = 2048;

/// What is demanded of a certificate.
#[derive(Debug, Clone, Copy)]
pub struct ImportRules<'a> {
    /// What it shall be used for.
    pub certificate_type: CertificateType,
    /// Now.
    pub now: Timestamp,
    /// Which issuers must come with it.
    pub chain: Chain<'a>,
}

/// Which issuers must come with a certificate. Phones do not fetch missing ones; desktop browsers hide the gap.
#[derive(Debug, Clone, Copy)]
pub enum Chain<'a> {
    /// All, up to a root in the file or one of these.
    Complete {
        /// The roots that clients are known to have.
        roots: &'a [CertificateDer<'a>],
    },
    /// Those that are in the file.
    AsGiven,
}

/// Why a certificate was not imported. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is much larger than any certificate.
    #[error("the file has {size} octets; a certificate with its chain has at most {LARGEST_FILE}")]
    TooLarge {
        /// Its size.
        size: usize,
    },
    /// The file has another format.
    #[error("the file is not a {expected} file: {cause}")]
    Format {
        /// PEM or PFX.
        expected: &'static str,
        /// What the parser says.
        cause: String,
    },
    /// The password does not open the file.
    #[error("the password does not open the PFX file, or the file is damaged; check the password")]
    WrongPassword,
    /// The private key in the PEM file is encrypted.
    #[error(
        "the private key in the PEM file is encrypted; decrypt it with 'openssl pkey -in FILE -out FILE', or import a PFX file"
    )]
    EncryptedKey,
    /// There are far more certificates than a chain has.
    #[error(
        "the file has {count} certificates; a certificate and its issuers, at most {MOST_CERTIFICATES}, are needed"
    )]
    TooManyCertificates {
        /// How many.
        count: usize,
    },
    /// There is no certificate.
    #[error("the file has no certificate")]
    NoCertificate,
    /// There is no private key.
    #[error("the file has no private key; export the certificate together with its key")]
    NoPrivateKey,
    /// There is more than one private key.
    #[error("the file has {count} private keys; a file with one key and its certificates is needed")]
    SeveralPrivateKeys {
        /// How many.
        count: usize,
    },
    /// A certificate is not well formed.
    #[error("certificate {position} of the file cannot be read: {cause}")]
    Certificate {
        /// Counted from 1.
        position: usize,
        /// What the parser says.
        cause: String,
    },
    /// The key is not of a kind that can be used.
    #[error(
        "the private key cannot be used: {cause}; expected RSA of 2048 to 8192 bits, or ECDSA on P-256 or P-384"
    )]
    Key {
        /// What the library says.
        cause: String,
    },
    /// The key is too short.
    #[error("the RSA key of '{subject}' has {bits} bits; at least {SHORTEST_RSA} are needed")]
    WeakKey {
        /// Subject of the certificate.
        subject: String,
        /// Its bits.
        bits: usize,
    },
    /// Token certificates are RSA.
    #[error("{certificate_type:?} needs an RSA key, and the key of '{subject}' is ECDSA")]
    RsaNeeded {
        /// What the certificate shall be used for.
        certificate_type: CertificateType,
        /// Subject of the certificate.
        subject: String,
    },
    /// No client would accept it for TLS.
    #[error("'{subject}' cannot be used for TLS: {cause}")]
    NotForTls {
        /// Subject of the certificate.
        subject: String,
        /// What clients would object to.
        cause: &'static str,
    },
    /// Key and certificate do not belong together.
    #[error("the private key does not belong to '{subject}' nor to any other certificate of the file")]
    KeyMismatch {
        /// Subject of the first certificate.
        subject: String,
    },
    /// The certificate is over.
    #[error("'{subject}' expired on {not_after}; renew it")]
    Expired {
        /// Subject of the certificate.
        subject: String,
        /// End of validity.
        not_after: Timestamp,
    },
    /// The certificate is not valid yet.
    #[error("'{subject}' is valid from {not_before} only; check the clock")]
    NotYetValid {
        /// Subject of the certificate.
        subject: String,
        /// Start of validity.
        not_before: Timestamp,
    },
    /// An issuer is missing.
    #[error(
        "the chain is incomplete: '{missing}', which issued '{subject}', is not in the file; add it to the file"
    )]
    ChainIncomplete {
        /// The certificate whose issuer is missing.
        subject: String,
        /// The issuer's name.
        missing: String,
    },
    /// The key could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// What a file holds: certificates in any order, and one private key.
pub(crate) struct Bundle {
    pub(crate) certificates: Vec<Vec<u8>>,
    pub(crate) key: PrivateKeyDer<'static>,
    /// The name that the file gives the key.
    pub(crate) friendly_name: Option<String>,
}

/// The certificate of the key among those of a file.
pub(crate) struct Selected<'a> {
    pub(crate) leaf: X509Certificate<'a>,
    pub(crate) key: PrivateKey,
    certificates: Vec<X509Certificate<'a>>,
}

impl Bundle {
    /// Finds the certificate of the key, checks it and its issuers, and seals the key.
    pub(crate) fn import(
        &self,
        rules: &ImportRules<'_>,
        master: &MasterKey,
        random: &dyn Random,
    ) -> Result<Certificate, ImportError> {
        let selected = self.select()?;
        let Selected { leaf, key, .. } = &selected;
        let certificate_type = rules.certificate_type;
        match certificate_type {
            CertificateType::ServiceCommunications => fit_for_tls(leaf)?,
            CertificateType::TokenSigning | CertificateType::TokenDecrypting if key.is_rsa() => {}
            CertificateType::TokenSigning | CertificateType::TokenDecrypting => {
                return Err(ImportError::RsaNeeded { certificate_type, subject: leaf.subject().to_string() });
            }
        }
        let (not_before, not_after) = valid(leaf, rules.now)?;
        let chain = selected.issuers(rules.now, rules.chain)?;
        let unsealed = Unsealed {
            certificate_type,
            der: leaf.as_raw(),
            chain,
            pkcs8: &key.to_pkcs8()?,
            not_before,
            not_after,
        };
        Ok(unsealed.seal(master, random)?)
    }

    /// Finds the certificate of the key, which must be strong enough.
    pub(crate) fn select(&self) -> Result<Selected<'_>, ImportError> {
        let certificates = parse_all(&self.certificates)?;
        let first = certificates.first().ok_or(ImportError::NoCertificate)?;
        let key = PrivateKey::load(&self.key).map_err(|error| {
            // The library refuses a short key without telling its length; its certificate tells.
            certificates.iter().find_map(|certificate| strong_enough(certificate).err()).unwrap_or(error)
        })?;
        let leaf = certificates
            .iter()
            .find(|certificate| key.belongs_to(certificate))
            .ok_or_else(|| ImportError::KeyMismatch { subject: first.subject().to_string() })?
            .clone();
        strong_enough(&leaf)?;
        Ok(Selected { leaf, key, certificates })
    }
}

fn parse_all(certificates: &[Vec<u8>]) -> Result<Vec<X509Certificate<'_>>, ImportError> {
    if certificates.len() > MOST_CERTIFICATES {
        return Err(ImportError::TooManyCertificates { count: certificates.len() });
    }
    let mut parsed = Vec::with_capacity(certificates.len());
    for (position, der) in (1..).zip(certificates) {
        match X509Certificate::from_der(der) {
            Ok(([], certificate)) => parsed.push(certificate),
            Ok(_) => {
                return Err(ImportError::Certificate { position, cause: "octets follow its end".into() });
            }
            Err(error) => return Err(ImportError::Certificate { position, cause: error.to_string() }),
        }
    }
    Ok(parsed)
}

fn strong_enough(certificate: &X509Certificate<'_>) -> Result<(), ImportError> {
    let Ok(PublicKey::RSA(key)) = certificate.public_key().parsed() else { return Ok(()) };
    let bits = key.modulus.iter().skip_while(|octet| **octet == 0).count() * 8;
    match bits >= SHORTEST_RSA {
        true => Ok(()),
        false => Err(ImportError::WeakKey { subject: certificate.subject().to_string(), bits }),
    }
}

/// Whether clients take the certificate for TLS at all.
pub(crate) fn fit_for_tls(certificate: &X509Certificate<'_>) -> Result<(), ImportError> {
    let refuse = |cause| Err(ImportError::NotForTls { subject: certificate.subject().to_string(), cause });
    if certificate.version() != X509Version::V3 {
        return refuse("it is not of X.509 version 3");
    }
    if !matches!(certificate.subject_alternative_name(), Ok(Some(_))) {
        return refuse("it has no subject alternative names, and clients ignore the subject");
    }
    match certificate.key_usage() {
        Ok(None) => {}
        Ok(Some(usage)) if usage.value.digital_signature() => {}
        Ok(Some(_)) => return refuse("its key usage lacks digital signature, which TLS 1.3 needs"),
        Err(_) => return refuse("its key usage cannot be read"),
    }
    match certificate.extended_key_usage() {
        Ok(None) => Ok(()),
        Ok(Some(usage)) if usage.value.server_auth || usage.value.any => Ok(()),
        Ok(Some(_)) => refuse("its extended key usage lacks server authentication"),
        Err(_) => refuse("its extended key usage cannot be read"),
    }
}

/// Whether `now` is within the validity, whose ends it returns.
pub(crate) fn valid(
    certificate: &X509Certificate<'_>,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), ImportError> {
    let not_before = Timestamp::from_seconds(certificate.validity().not_before.timestamp());
    let not_after = Timestamp::from_seconds(certificate.validity().not_after.timestamp());
    let subject = || certificate.subject().to_string();
    if now > not_after {
        return Err(ImportError::Expired { subject: subject(), not_after });
    }
    if now < not_before {
        return Err(ImportError::NotYetValid { subject: subject(), not_before });
    }
    Ok((not_before, not_after))
}

impl<'a> Selected<'a> {
    /// The issuers below the root, nearest first, whatever their order in the file; certificates that are no
    /// issuers of it are left out. Each link is a name and a signature.
    pub(crate) fn issuers(&self, now: Timestamp, demanded: Chain<'_>) -> Result<Vec<&'a [u8]>, ImportError> {
        let mut chain = Vec::new();
        let mut current = &self.leaf;
        // What names itself in a circle has no end; there are at most as many steps as certificates.
        for _ in &self.certificates {
            if is_self_issued(current) {
                // The root: clients have it, so it is not sent. A self-signed leaf is its own root.
                chain.pop();
                return Ok(chain);
            }
            let issuer = self.certificates.iter().find(|candidate| issued(candidate, current));
            let Some(issuer) = issuer else { break };
            if chain.contains(&issuer.as_raw()) || issuer.as_raw() == self.leaf.as_raw() {
                break;
            }
            valid(issuer, now)?;
            chain.push(issuer.as_raw());
            current = issuer;
        }
        match demanded {
            Chain::AsGiven => Ok(chain),
            Chain::Complete { roots } if roots.iter().any(|root| is_root_of(root, current)) => Ok(chain),
            Chain::Complete { .. } => Err(ImportError::ChainIncomplete {
                subject: current.subject().to_string(),
                missing: current.issuer().to_string(),
            }),
        }
    }
}

pub(crate) fn is_self_issued(certificate: &X509Certificate<'_>) -> bool {
    certificate.subject().as_raw() == certificate.issuer().as_raw()
}

fn issued(issuer: &X509Certificate<'_>, certificate: &X509Certificate<'_>) -> bool {
    issuer.subject().as_raw() == certificate.issuer().as_raw()
        && certificate.verify_signature(Some(issuer.public_key())).is_ok()
}

fn is_root_of(root: &CertificateDer<'_>, certificate: &X509Certificate<'_>) -> bool {
    matches!(X509Certificate::from_der(root), Ok((_, root)) if issued(&root, certificate))
}
