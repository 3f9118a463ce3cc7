//! Certificates: made here, or brought from elsewhere. Both end as a [`configuration::Certificate`].

pub(crate) mod demo;
pub(crate) mod distinguished_name;
pub(crate) mod generate;
pub(crate) mod import;
pub(crate) mod names;
pub(crate) mod pem;
pub(crate) mod pfx;
pub(crate) mod private_key;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod thumbprint;

use base::{Random, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use configuration::{Certificate, CertificateType};

use crate::master_key::{MasterKey, Purpose, SealError};

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
        let thumbprint = crate::thumbprint(self.der);
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
