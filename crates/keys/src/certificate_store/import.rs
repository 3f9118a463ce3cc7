//! `Import-PfxCertificate`: a file's certificate and key into the store.
//!
//! Refused is what could not be used for anything: a key without its certificate, a weak key, an expired
//! certificate, a chain with a gap. What may be meant, such as a certificate of next month or one for signing
//! tokens, is imported, and what TLS clients would object to is said.

use base::{Random, Secret, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::{
    CERTIFICATE, CertificateFile, CertificateStore, CertificateStoreError, KEY, KeyFile, MOST_CERTIFICATES,
};
use crate::certificate::distinguished_name::windows_name;
use crate::certificate::import::{Bundle, Chain, ImportError, fit_for_tls, is_self_issued, valid};
use crate::certificate::{names, pem, pfx};
use crate::files;
use crate::node_key::NodeUse;

/// Most characters of a friendly name; the rest is cut off.
const LONGEST_FRIENDLY_NAME: usize = 256;

/// How to import.
#[derive(Debug, Clone, Copy)]
pub struct StoreImport<'a> {
    /// Whether the key may leave the node again (`-Exportable`).
    pub exportable: bool,
    /// The name to show; that in the PFX file if none is given.
    pub friendly_name: Option<&'a str>,
    /// Roots that clients are known to have, which a file without its root may end at.
    pub roots: &'a [CertificateDer<'a>],
    /// Import it even if an issuer is missing. Phones will refuse it.
    pub allow_incomplete_chain: bool,
    /// Hosts that it shall serve, such as the federation service's name and `certauth.` before it; each that it
    /// does not cover is warned of.
    pub hosts: &'a [&'a str],
    /// Now.
    pub now: Timestamp,
}

/// What was imported.
#[derive(Debug)]
pub struct Imported {
    /// SHA-1 of the certificate, upper-case hexadecimal.
    pub thumbprint: String,
    /// Its subject in Windows's notation.
    pub subject: String,
    /// Whether all issuers up to a root are known.
    pub chain_complete: bool,
    /// What clients would object to.
    pub warnings: Vec<Warning>,
}

/// Something about a certificate that TLS clients would object to.
#[derive(Debug, thiserror::Error)]
pub enum Warning {
    /// It would have been refused for TLS.
    #[error(transparent)]
    Problem(ImportError),
    /// No authority vouches for it.
    #[error("'{subject}' is self-signed: only clients that were told to trust it will")]
    SelfSigned {
        /// Its subject.
        subject: String,
    },
    /// It is not for this host.
    #[error(
        "'{subject}' does not cover the host '{host}'; its names are: {}",
        if .names.is_empty() { "none".to_owned() } else { .names.join(", ") }
    )]
    HostNotCovered {
        /// Its subject.
        subject: String,
        /// The host.
        host: String,
        /// The names that it has.
        names: Vec<String>,
    },
}

impl CertificateStore {
    /// Imports a PFX file: the certificate that its one private key belongs to, and its issuers. One that is
    /// there already is replaced. Deriving keys from the password takes a while (bounded): call it on a thread
    /// that may block.
    pub fn import_pfx(
        &self,
        pfx: &[u8],
        password: &Secret,
        import: &StoreImport<'_>,
        random: &dyn Random,
    ) -> Result<Imported, CertificateStoreError> {
        self.import(&pfx::read(pfx, password)?, import, random)
    }

    /// Imports certificate, issuers and key from PEM: one file, or several one after another, in any order.
    pub fn import_pem(
        &self,
        pem: &[u8],
        import: &StoreImport<'_>,
        random: &dyn Random,
    ) -> Result<Imported, CertificateStoreError> {
        self.import(&pem::read(pem)?, import, random)
    }

    fn import(
        &self,
        bundle: &Bundle,
        import: &StoreImport<'_>,
        random: &dyn Random,
    ) -> Result<Imported, CertificateStoreError> {
        let selected = bundle.select()?;
        let leaf = &selected.leaf;
        if let Err(error @ ImportError::Expired { .. }) = valid(leaf, import.now) {
            return Err(error.into());
        }
        let certificate = CertificateDer::from(leaf.as_raw().to_vec());
        let mut warnings = check_for_tls(&certificate, import.hosts, import.now);
        let complete = selected.issuers(import.now, Chain::Complete { roots: import.roots });
        let chain_complete = complete.is_ok();
        let chain = match complete {
            Err(gap @ ImportError::ChainIncomplete { .. }) if import.allow_incomplete_chain => {
                warnings.push(Warning::Problem(gap));
                selected.issuers(import.now, Chain::AsGiven)?
            }
            other => other?,
        };
        let thumbprint = crate::thumbprint(&certificate);
        let pkcs8 = selected.key.to_pkcs8()?;
        let sealed_key = self.node_key.seal(NodeUse::CertificateStore, &thumbprint, &pkcs8, random)?;
        let friendly_name = import.friendly_name.or(bundle.friendly_name.as_deref()).unwrap_or_default();
        self.write(
            &thumbprint,
            &CertificateFile {
                friendly_name: friendly_name
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(LONGEST_FRIENDLY_NAME)
                    .collect(),
                exportable: import.exportable,
                imported: import.now,
                certificate: STANDARD.encode(&certificate),
                chain: chain.iter().map(|issuer| STANDARD.encode(issuer)).collect(),
            },
            &KeyFile { node: self.node_key.node(), sealed_key },
        )?;
        Ok(Imported { thumbprint, subject: windows_name(leaf.subject()), chain_complete, warnings })
    }

    /// The key first: a certificate in the list has its key.
    fn write(
        &self,
        thumbprint: &str,
        certificate: &CertificateFile,
        key: &KeyFile,
    ) -> Result<(), CertificateStoreError> {
        let failed = |error| self.failed(error);
        let owner = files::owner(&self.data).map_err(failed)?;
        let certificates = files::directory(&self.data, "certificates", owner).map_err(failed)?;
        files::directory(&certificates, "my", owner).map_err(failed)?;
        let _lock = files::lock(&self.dir).map_err(failed)?;
        let stored = self.thumbprints()?;
        if stored.len() >= MOST_CERTIFICATES && !stored.iter().any(|known| known == thumbprint) {
            return Err(CertificateStoreError::Full { dir: self.dir.clone() });
        }
        let json = |value: serde_json::Result<Vec<u8>>| {
            value.map_err(|error| CertificateStoreError::File { path: self.dir.clone(), cause: error.into() })
        };
        let key = json(serde_json::to_vec_pretty(key))?;
        let certificate = json(serde_json::to_vec_pretty(certificate))?;
        files::replace(&self.dir, &format!("{thumbprint}.{KEY}"), &key, owner).map_err(failed)?;
        files::replace(&self.dir, &format!("{thumbprint}.{CERTIFICATE}"), &certificate, owner).map_err(failed)
    }
}

/// What clients would object to if the certificate served `hosts` now.
pub fn check_for_tls(certificate: &CertificateDer<'_>, hosts: &[&str], now: Timestamp) -> Vec<Warning> {
    let parsed = match X509Certificate::from_der(certificate) {
        Ok((_, parsed)) => parsed,
        Err(error) => {
            let cause = error.to_string();
            return vec![Warning::Problem(ImportError::Certificate { position: 1, cause })];
        }
    };
    let subject = || windows_name(parsed.subject());
    let problems = [valid(&parsed, now).err(), fit_for_tls(&parsed).err()];
    let mut warnings: Vec<_> = problems.into_iter().flatten().map(Warning::Problem).collect();
    if is_self_issued(&parsed) {
        warnings.push(Warning::SelfSigned { subject: subject() });
    }
    warnings.extend(hosts.iter().filter(|host| !names::covers(certificate, host)).map(|host| {
        let names = names::alternative_names(&parsed);
        Warning::HostNotCovered { subject: subject(), host: (*host).to_owned(), names }
    }));
    warnings
}
