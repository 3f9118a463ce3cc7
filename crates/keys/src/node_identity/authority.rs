//! The authority of a farm, which issues the certificates of its nodes and nothing else.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base::{Guid, Random, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256,
};
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::member::{DOMAIN, dns_name, is_node_name};
use crate::certificate::generate::{GenerateError, Validity, common_name, serial_number};
use crate::master_key::{MasterKey, Purpose, SealError};

/// Longer than a farm lives; its end is the end of the farm's connections.
const AUTHORITY_DAYS: u32 = 25 * 365;
/// Clocks of nodes may differ by this much.
const SKEW: Duration = Duration::from_secs(60 * 60);
/// A request for a P-256 key has some 300 octets.
const LARGEST_REQUEST: usize = 4096;
/// Under which name the key is sealed.
const SEAL: &str = "farm-authority";

/// The authority as the store keeps it: one object of the farm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SealedFarmAuthority {
    /// Its certificate, DER in Base64.
    pub certificate: String,
    /// Its key, sealed under the farm master key.
    pub sealed_key: String,
}

/// SHA-256 of the authority's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AuthorityFingerprint(pub [u8; 32]);

/// The authority, able to issue.
pub struct FarmAuthority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    not_after: Timestamp,
}

/// The authority could not be opened, or refused to issue.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The stored certificate cannot be read.
    #[error("the stored farm authority is damaged: {cause}; restore the database from a backup")]
    Damaged {
        /// What is wrong.
        cause: String,
    },
    /// The key cannot be unsealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The request is not a signing request for a P-256 key, signed with this key.
    #[error("the node's certificate signing request is refused: {cause}")]
    Request {
        /// What is wrong.
        cause: &'static str,
    },
    /// The node's name cannot be in a certificate.
    #[error(
        "'{name}' cannot be the name of a node; expected a host name of at most 64 letters, digits, '-', '_' and '.'"
    )]
    Name {
        /// The name, cut short.
        name: String,
    },
    /// The authority's time is over.
    #[error(
        "the farm authority expired on {not_after}; the farm needs a new one, and every node has to join again"
    )]
    Expired {
        /// When.
        not_after: Timestamp,
    },
    /// A certificate could not be made.
    #[error(transparent)]
    Generate(#[from] GenerateError),
}

impl AuthorityFingerprint {
    /// Of a certificate.
    pub fn of(certificate: &CertificateDer<'_>) -> Self {
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest(&SHA256, certificate).as_ref());
        Self(fingerprint)
    }
}

impl fmt::Display for AuthorityFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02X}"))
    }
}

impl FarmAuthority {
    /// Makes the authority of a new farm, and the object to store.
    pub fn generate(
        now: Timestamp,
        master: &MasterKey,
        random: &dyn Random,
    ) -> Result<(Self, SealedFarmAuthority), AuthorityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(format!("Sekisho farm authority {}", Guid::random(random)));
        params.serial_number = Some(serial_number(random));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        // If someone trusts it for more than the farm, it still vouches for nodes alone.
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName(DOMAIN.to_owned())],
            excluded_subtrees: Vec::new(),
        });
        Validity::days(now.minus(SKEW), AUTHORITY_DAYS).apply(&mut params)?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(GenerateError::from)?;
        let certificate = params.self_signed(&key).map_err(GenerateError::from)?;
        let sealed = SealedFarmAuthority {
            certificate: STANDARD.encode(certificate.der()),
            sealed_key: master.seal(Purpose::FarmKey, SEAL, key.serialized_der(), random)?,
        };
        Ok((Self::new(certificate.der().clone(), key)?, sealed))
    }

    /// Opens the stored authority.
    pub fn open(sealed: &SealedFarmAuthority, master: &MasterKey) -> Result<Self, AuthorityError> {
        let damaged = |cause: String| AuthorityError::Damaged { cause };
        let der = STANDARD.decode(&sealed.certificate).map_err(|error| damaged(error.to_string()))?;
        let pkcs8 = master.unseal(Purpose::FarmKey, SEAL, &sealed.sealed_key)?;
        let pkcs8 = PrivatePkcs8KeyDer::from(pkcs8.as_slice());
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &PKCS_ECDSA_P256_SHA256)
            .map_err(|error| damaged(error.to_string()))?;
        Self::new(der.into(), key)
    }

    fn new(certificate: CertificateDer<'static>, key: KeyPair) -> Result<Self, AuthorityError> {
        let damaged = |cause: String| AuthorityError::Damaged { cause };
        let (_, parsed) =
            X509Certificate::from_der(&certificate).map_err(|error| damaged(error.to_string()))?;
        if parsed.public_key().subject_public_key.data.as_ref() != rcgen::PublicKeyData::der_bytes(&key) {
            return Err(damaged("its key does not belong to its certificate".into()));
        }
        let not_after = Timestamp::from_seconds(parsed.validity().not_after.timestamp());
        let issuer =
            Issuer::from_ca_cert_der(&certificate, key).map_err(|error| damaged(error.to_string()))?;
        Ok(Self { certificate, issuer, not_after })
    }

    /// The authority's certificate, for the nodes to know it by.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// SHA-256 of its certificate.
    pub fn fingerprint(&self) -> AuthorityFingerprint {
        AuthorityFingerprint::of(&self.certificate)
    }

    /// Issues the certificate of a node for the key of its signing request
    /// ([`NodeIdentityKey::signing_request`](super::NodeIdentityKey::signing_request)), valid for `days` from an
    /// hour before `now`. What else the request asks for is ignored.
    ///
    /// Who asks, and whether the node's identifier is his, is the caller's to know.
    pub fn issue(
        &self,
        request: &[u8],
        node: Guid,
        name: &str,
        now: Timestamp,
        days: u32,
        random: &dyn Random,
    ) -> Result<CertificateDer<'static>, AuthorityError> {
        if now > self.not_after {
            return Err(AuthorityError::Expired { not_after: self.not_after });
        }
        if !is_node_name(name) {
            return Err(AuthorityError::Name { name: name.chars().take(100).collect() });
        }
        let refused = |cause| AuthorityError::Request { cause };
        if request.len() > LARGEST_REQUEST {
            return Err(refused("it is longer than 4096 octets"));
        }
        // Reading it verifies its signature: the sender has the key.
        let request = CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(request))
            .map_err(|_| refused("it cannot be read, or its signature is wrong"))?;
        if request.public_key.algorithm() != &PKCS_ECDSA_P256_SHA256 {
            return Err(refused("its key is not ECDSA on P-256"));
        }
        let mut params = CertificateParams::new(vec![dns_name(node)]).map_err(GenerateError::from)?;
        params.distinguished_name = common_name(name.to_owned());
        params.serial_number = Some(serial_number(random));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let mut validity = Validity::days(now.minus(SKEW), days);
        validity.not_after = validity.not_after.min(self.not_after);
        validity.apply(&mut params)?;
        let issued = params.signed_by(&request.public_key, &self.issuer).map_err(GenerateError::from)?;
        Ok(issued.der().clone())
    }
}

impl fmt::Debug for FarmAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FarmAuthority")
            .field("fingerprint", &self.fingerprint().to_string())
            .finish_non_exhaustive()
    }
}
