//! The self-signed certificates that AD FS makes for signing and decrypting tokens.

use std::time::Duration;

use base::{Random, Timestamp};
use configuration::{Certificate, CertificateType};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize, SerialNumber,
};
use time::OffsetDateTime;

use super::Unsealed;
use crate::master_key::{MasterKey, SealError};

/// What a token certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenUse {
    /// Signs tokens and metadata.
    Signing,
    /// Decrypts what partners encrypt for this service.
    Decrypting,
}

/// From when to when a certificate is valid; whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// First instant.
    pub not_before: Timestamp,
    /// Last instant.
    pub not_after: Timestamp,
}

impl Validity {
    /// `days` from `not_before` (`CertificateDuration`, 365 by default).
    pub fn days(not_before: Timestamp, days: u32) -> Self {
        let not_before = Timestamp::from_seconds(not_before.as_seconds());
        Self { not_before, not_after: not_before.plus(Duration::from_secs(u64::from(days) * 24 * 60 * 60)) }
    }

    pub(crate) fn apply(&self, params: &mut CertificateParams) -> Result<(), GenerateError> {
        let date = |timestamp: Timestamp| {
            OffsetDateTime::from_unix_timestamp(timestamp.as_seconds())
                .map_err(|_| GenerateError::Date(timestamp))
        };
        params.not_before = date(self.not_before)?;
        params.not_after = date(self.not_after)?;
        Ok(())
    }
}

/// A certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// There is no host name to make it for.
    #[error("a TLS certificate needs at least one host name")]
    NoHost,
    /// The name cannot be in a certificate.
    #[error(
        "'{host}' cannot be written into a certificate; expected an IP address or a host name of ASCII letters, such as fs.contoso.com or xn--..."
    )]
    Host {
        /// The name.
        host: String,
    },
    /// The date cannot be in a certificate.
    #[error("{0} cannot be written into a certificate")]
    Date(Timestamp),
    /// The cryptographic library failed.
    #[error("making a certificate failed: {0}")]
    Library(#[from] rcgen::Error),
    /// The key could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// Makes an RSA-2048 key and its self-signed certificate, `CN=ADFS Signing - <host>` or
/// `CN=ADFS Encryption - <host>`. Like AD FS's own it has no extensions. It is not primary yet.
///
/// Takes 100 ms and more; the two of a new farm can be made in two threads.
pub fn generate_token_certificate(
    token_use: TokenUse,
    host: &str,
    validity: Validity,
    master: &MasterKey,
    random: &dyn Random,
) -> Result<Certificate, GenerateError> {
    let (certificate_type, name) = match token_use {
        TokenUse::Signing => (CertificateType::TokenSigning, "ADFS Signing"),
        TokenUse::Decrypting => (CertificateType::TokenDecrypting, "ADFS Encryption"),
    };
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(format!("{name} - {host}"));
    params.serial_number = Some(serial_number(random));
    validity.apply(&mut params)?;
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
    let certificate = params.self_signed(&key)?;
    let unsealed = Unsealed {
        certificate_type,
        der: certificate.der(),
        chain: Vec::new(),
        pkcs8: key.serialized_der(),
        not_before: validity.not_before,
        not_after: validity.not_after,
    };
    Ok(unsealed.seal(master, random)?)
}

pub(crate) fn common_name(name: String) -> DistinguishedName {
    let mut distinguished_name = DistinguishedName::new();
    distinguished_name.push(DnType::CommonName, name);
    distinguished_name
}

/// 127 random bits, positive and never zero (RFC 5280 4.1.2.2).
pub(crate) fn serial_number(random: &dyn Random) -> SerialNumber {
    let number = u128::from_be_bytes(random.bytes()) >> 1 | 1 << 126;
    SerialNumber::from_slice(&number.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use base::SystemRandom;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use x509_parser::prelude::{FromDer, X509Certificate};

    use super::*;
    use crate::SigningKey;

    #[test]
    fn the_two_certificates_of_a_farm_are_made_in_parallel() {
        let master = MasterKey::generate(&SystemRandom);
        let not_before = Timestamp::parse_xml("2026-11-24T08:00:00.123Z").unwrap();
        let validity = Validity::days(not_before, 365);
        let make = |token_use| {
            generate_token_certificate(token_use, "fs.contoso.com", validity, &master, &SystemRandom)
        };
        let (signing, decrypting) = std::thread::scope(|scope| {
            let signing = scope.spawn(|| make(TokenUse::Signing));
            let decrypting = make(TokenUse::Decrypting).unwrap();
            (signing.join().unwrap().unwrap(), decrypting)
        });
        for (certificate, expected_type, subject) in [
            (&signing, CertificateType::TokenSigning, "CN=ADFS Signing - fs.contoso.com"),
            (&decrypting, CertificateType::TokenDecrypting, "CN=ADFS Encryption - fs.contoso.com"),
        ] {
            assert_eq!(certificate.certificate_type, expected_type);
            let der = STANDARD.decode(&certificate.certificate).unwrap();
            assert_eq!(certificate.thumbprint, crate::thumbprint(&der));
            let (_, parsed) = X509Certificate::from_der(&der).unwrap();
            assert_eq!(parsed.subject().to_string(), subject);
            assert_eq!(parsed.issuer().to_string(), subject);
            parsed.verify_signature(None).unwrap();
            assert!(parsed.extensions().is_empty());
            assert_eq!(parsed.validity().not_before.timestamp(), certificate.not_before.as_seconds());
            assert_eq!(parsed.validity().not_after.timestamp(), certificate.not_after.as_seconds());
            assert_eq!(certificate.not_before.to_xml(), "2026-11-24T08:00:00.000Z");
            assert_eq!(certificate.not_after.to_xml(), "2027-11-24T08:00:00.000Z");
            assert_eq!(parsed.raw_serial().len(), 16);
            SigningKey::open(certificate, &master).unwrap();
        }
        assert_ne!(signing.thumbprint, decrypting.thumbprint);
    }
}
