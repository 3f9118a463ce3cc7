//! Certificates: made here, or brought from elsewhere. Both end as a [`configuration::Certificate`].

pub(crate) mod demo;
pub(crate) mod generate;
pub(crate) mod import;
pub(crate) mod pem;
pub(crate) mod pfx;
pub(crate) mod private_key;
#[cfg(test)]
mod tests;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base::{Random, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use configuration::{Certificate, CertificateType};

use crate::master_key::{MasterKey, Purpose, SealError};

/// SHA-1 of a certificate's DER, upper-case hexadecimal: a name, not a protection.
pub fn thumbprint(der: &[u8]) -> String {
    use std::fmt::Write;
    digest(&SHA1_FOR_LEGACY_USE_ONLY, der).as_ref().iter().fold(
        String::with_capacity(40),
        |mut hex, octet| {
            // Writing to a string does not fail.
            let _ = write!(hex, "{octet:02X}");
            hex
        },
    )
}

/// A certificate and its key before the key is sealed.
struct Unsealed<'a> {
    certificate_type: CertificateType,
    der: &'a [u8],
    /// Issuers below the root, nearest first.
    chain: Vec<&'a [u8]>,
    pkcs8: &'a [u8],
    not_before: Timestamp,
    not_after: Timestamp,
}

impl Unsealed<'_> {
    fn seal(self, master: &MasterKey, random: &dyn Random) -> Result<Certificate, SealError> {
        let thumbprint = thumbprint(self.der);
        Ok(Certificate {
            certificate_type: self.certificate_type,
            is_primary: false,
            certificate: STANDARD.encode(self.der),
            chain: self.chain.into_iter().map(|der| STANDARD.encode(der)).collect(),
            sealed_key: master.seal(Purpose::CertificateKey, &thumbprint, self.pkcs8, random)?,
            not_before: self.not_before,
            not_after: self.not_after,
            thumbprint,
            ..Certificate::default()
        })
    }
}
