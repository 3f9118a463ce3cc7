//! A certificate of the node becomes one of the farm: its key is sealed anew, under the farm master key.

use base::Random;
use configuration::Certificate;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::{CertificateStore, CertificateStoreError};
use crate::certificate::import::{Bundle, ImportError, ImportRules};
use crate::master_key::MasterKey;

/// Why a certificate of the node can't be one of the farm.
#[derive(Debug, thiserror::Error)]
pub enum FarmCertificateError {
    /// It is not here, or its key can't be read (event 133).
    #[error(transparent)]
    Store(#[from] CertificateStoreError),
    /// It is not fit for what it shall do.
    #[error(transparent)]
    Unfit(#[from] ImportError),
}

impl CertificateStore {
    /// The certificate with this thumbprint and its key, for the configuration of the farm. It is not primary yet.
    pub fn farm_certificate(
        &self,
        thumbprint: &str,
        rules: &ImportRules<'_>,
        master: &MasterKey,
        random: &dyn Random,
    ) -> Result<Certificate, FarmCertificateError> {
        let stored = self.get(thumbprint)?;
        let pkcs8 = self.private_key(&stored)?;
        let certificates = std::iter::once(&stored.certificate).chain(&stored.chain);
        let bundle = Bundle {
            certificates: certificates.map(|der| der.to_vec()).collect(),
            key: PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pkcs8.as_slice())).clone_key(),
            friendly_name: None,
        };
        Ok(bundle.import(rules, master, random)?)
    }
}
