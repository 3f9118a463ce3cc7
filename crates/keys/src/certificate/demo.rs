//! A certification authority that lives for one signature, and the TLS certificate it signs.

use base::{Guid, Random, Timestamp};
use configuration::{Certificate, CertificateType};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256,
};

use super::Unsealed;
use super::generate::{GenerateError, Validity, common_name, serial_number};
use crate::master_key::MasterKey;

/// Longest life that browsers accept for a certificate of a trusted authority is 398 days; one is kept in hand.
const DAYS: u32 = 397;
/// RFC 5280 appendix A, ub-common-name.
const LONGEST_COMMON_NAME: usize = 64;

/// A TLS certificate and the authority to trust.
#[derive(Debug, Clone)]
pub struct DemoTls {
    /// The authority's certificate, PEM. Clients that trust it trust the service, and nothing else ever: its
    /// private key is gone.
    pub authority_pem: String,
    /// The service's certificate, of type Service-Communications, with its sealed key.
    pub certificate: Certificate,
}

/// Makes a TLS certificate for `hosts` (names and IP addresses), valid for 397 days from `not_before`, with a
/// new authority of the same life. Both have ECDSA P-256 keys.
pub fn generate_demo_tls(
    hosts: &[String],
    not_before: Timestamp,
    master: &MasterKey,
    random: &dyn Random,
) -> Result<DemoTls, GenerateError> {
    let first = hosts.first().ok_or(GenerateError::NoHost)?;
    let validity = Validity::days(not_before, DAYS);

    let mut authority = CertificateParams::default();
    // Distinct names, so that no client mistakes one demo's authority for another's.
    authority.distinguished_name = common_name(format!("Sekisho demo authority {}", Guid::random(random)));
    authority.serial_number = Some(serial_number(random));
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    validity.apply(&mut authority)?;
    let authority_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let authority_certificate = authority.self_signed(&authority_key)?;

    let mut server = CertificateParams::default();
    server.subject_alt_names = subject_alternative_names(hosts)?;
    // The subject only repeats what the alternative names say.
    server.distinguished_name = match first.len() <= LONGEST_COMMON_NAME {
        true => common_name(first.clone()),
        false => common_name("Sekisho demo".to_owned()),
    };
    server.serial_number = Some(serial_number(random));
    server.is_ca = IsCa::ExplicitNoCa;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    validity.apply(&mut server)?;
    let server_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let server_certificate =
        server.signed_by(&server_key, &Issuer::from_params(&authority, &authority_key))?;

    let unsealed = Unsealed {
        certificate_type: CertificateType::ServiceCommunications,
        der: server_certificate.der(),
        chain: Vec::new(),
        pkcs8: server_key.serialized_der(),
        not_before: validity.not_before,
        not_after: validity.not_after,
    };
    Ok(DemoTls { authority_pem: authority_certificate.pem(), certificate: unsealed.seal(master, random)? })
}

fn subject_alternative_names(hosts: &[String]) -> Result<Vec<rcgen::SanType>, GenerateError> {
    let mut names = Vec::with_capacity(hosts.len());
    for host in hosts {
        let invalid = || GenerateError::Host { host: host.clone() };
        // The parser takes IP addresses, and any ASCII for a name.
        let plausible = |c: char| c.is_ascii_alphanumeric() || "-._*:".contains(c);
        if host.is_empty() || host.len() > 253 || !host.chars().all(plausible) {
            return Err(invalid());
        }
        let parsed = CertificateParams::new(vec![host.clone()]).map_err(|_| invalid())?;
        names.extend(parsed.subject_alt_names);
    }
    Ok(names)
}
