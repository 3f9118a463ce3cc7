//! The certificate store of a node: what `Cert:\LocalMachine\My` is on Windows.
//!
//! ```text
//! DATA/certificates/my/
//!   <THUMBPRINT>.json   certificate, issuers below the root, friendly name
//!   <THUMBPRINT>.key    private key, sealed under a key derived from node.key
//! ```
//!
//! It belongs to one node and is never replicated: each node of a farm gets its certificates by an import of its
//! own, and a certificate may be here while its key is not readable (event 133).

mod error;
mod farm;
mod import;
mod item;
#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{Guid, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};
use x509_parser::prelude::{FromDer, X509Certificate};
use zeroize::Zeroizing;

pub use error::CertificateStoreError;
pub use farm::FarmCertificateError;
pub use import::{Imported, StoreImport, Warning, check_for_tls};
pub use item::CertificateItem;

use crate::certificate::names;
use crate::certificate::thumbprint::parse_thumbprint;
use crate::files::{self, FileError};
use crate::node_key::{NodeKey, NodeUse};

/// Most certificates that a store holds.
const MOST_CERTIFICATES: usize = 1000;
/// Twice what an import reads, for Base64.
const LARGEST_CERTIFICATE_FILE: u64 = 2 * 1024 * 1024;
const LARGEST_KEY_FILE: u64 = 64 * 1024;
const CERTIFICATE: &str = "json";
const KEY: &str = "key";

/// The certificates of this node, with their private keys. It keeps nothing in memory and is cheap to open.
#[derive(Debug, Clone)]
pub struct CertificateStore {
    data: PathBuf,
    dir: PathBuf,
    node_key: Arc<NodeKey>,
}

/// A certificate as the store keeps it, without its key.
#[derive(Debug, Clone)]
pub struct StoredCertificate {
    thumbprint: String,
    certificate: CertificateDer<'static>,
    chain: Vec<CertificateDer<'static>>,
    friendly_name: String,
    exportable: bool,
    imported: Timestamp,
    has_private_key: bool,
}

/// All certificates of a store.
#[derive(Debug, Default)]
pub struct Listing {
    /// Those that can be read, by thumbprint.
    pub certificates: Vec<StoredCertificate>,
    /// What stands in the way of the others.
    pub problems: Vec<CertificateStoreError>,
}

/// `<THUMBPRINT>.json`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CertificateFile {
    friendly_name: String,
    exportable: bool,
    imported: Timestamp,
    /// DER in Base64.
    certificate: String,
    /// Issuers below the root, DER in Base64, nearest first.
    chain: Vec<String>,
}

/// `<THUMBPRINT>.key`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyFile {
    /// The node whose key sealed it: tells a key of another node from a damaged one.
    node: Guid,
    /// PKCS#8.
    sealed_key: String,
}

impl CertificateStore {
    /// The store in `certificates/my` of the data directory `data`. Reads nothing; the directory is made by the
    /// first import.
    pub fn open(data: &Path, node_key: Arc<NodeKey>) -> Self {
        Self { data: data.to_owned(), dir: data.join("certificates").join("my"), node_key }
    }

    /// Every certificate. One that cannot be read hides no other.
    pub fn list(&self) -> Result<Listing, CertificateStoreError> {
        let mut listing = Listing::default();
        for thumbprint in self.thumbprints()? {
            match self.read(&thumbprint) {
                Ok(certificate) => listing.certificates.push(certificate),
                // Removed since the directory was read.
                Err(CertificateStoreError::NotFound { .. }) => {}
                Err(problem) => listing.problems.push(problem),
            }
        }
        Ok(listing)
    }

    /// The certificate with this thumbprint, in any spelling that [`parse_thumbprint`] takes.
    pub fn get(&self, thumbprint: &str) -> Result<StoredCertificate, CertificateStoreError> {
        self.read(&parse_thumbprint(thumbprint)?)
    }

    /// Removes certificate and key.
    pub fn remove(&self, thumbprint: &str) -> Result<(), CertificateStoreError> {
        let thumbprint = parse_thumbprint(thumbprint)?;
        if !self.dir.is_dir() {
            // Says why it cannot be looked into, or that there is none.
            return self.read(&thumbprint).map(|_| ());
        }
        let _lock = files::lock(&self.dir).map_err(|error| self.failed(error))?;
        // The certificate goes first: a key without certificate is invisible, and replaced by the next import.
        let mut removed = false;
        for extension in [CERTIFICATE, KEY] {
            removed |=
                files::remove(&self.file(&thumbprint, extension)).map_err(|error| self.failed(error))?;
        }
        files::sync(&self.dir).map_err(|error| self.failed(error))?;
        match removed {
            true => Ok(()),
            false => Err(self.not_found(&thumbprint)),
        }
    }

    /// The certificate with its key, as TLS listeners take it: with its issuers, without the root. Reads two
    /// files of a few KB.
    pub fn tls_key(&self, thumbprint: &str) -> Result<Arc<CertifiedKey>, CertificateStoreError> {
        let stored = self.get(thumbprint)?;
        let pkcs8 = self.private_key(&stored)?;
        let damaged = |error: rustls::Error| CertificateStoreError::Damaged {
            path: self.file(&stored.thumbprint, KEY),
            cause: error.to_string(),
        };
        let der = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pkcs8.as_slice()));
        let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&der).map_err(damaged)?;
        let chain = std::iter::once(&stored.certificate).chain(&stored.chain).cloned().collect();
        let certified = CertifiedKey::new(chain, key);
        certified.keys_match().map_err(damaged)?;
        Ok(Arc::new(certified))
    }

    /// The private key of a certificate, PKCS#8.
    fn private_key(&self, stored: &StoredCertificate) -> Result<Zeroizing<Vec<u8>>, CertificateStoreError> {
        let thumbprint = &stored.thumbprint;
        let path = self.file(thumbprint, KEY);
        let content = files::read(&path, LARGEST_KEY_FILE).map_err(|error| match self.failed(error) {
            CertificateStoreError::Denied { denied, .. } => {
                CertificateStoreError::KeyDenied { thumbprint: thumbprint.clone(), denied }
            }
            other => other,
        })?;
        let Some(content) = content else {
            let subject = stored.item().subject;
            return Err(CertificateStoreError::NoPrivateKey { thumbprint: thumbprint.clone(), subject });
        };
        let damaged =
            |cause: &str| CertificateStoreError::Damaged { path: path.clone(), cause: cause.to_owned() };
        let file: KeyFile =
            serde_json::from_slice(&content).map_err(|_| damaged("it is not a key file of this release"))?;
        let node = self.node_key.node();
        if file.node != node {
            let thumbprint = thumbprint.clone();
            return Err(CertificateStoreError::OtherNode { thumbprint, sealed_for: file.node, node });
        }
        self.node_key
            .unseal(NodeUse::CertificateStore, thumbprint, &file.sealed_key)
            .ok_or_else(|| damaged("the seal does not fit: it was changed since, or node.key was replaced"))
    }

    /// The certificate with this thumbprint in its stored spelling.
    fn read(&self, thumbprint: &str) -> Result<StoredCertificate, CertificateStoreError> {
        let path = self.file(thumbprint, CERTIFICATE);
        let content = files::read(&path, LARGEST_CERTIFICATE_FILE).map_err(|error| self.failed(error))?;
        let content = content.ok_or_else(|| self.not_found(thumbprint))?;
        let damaged = |cause: String| CertificateStoreError::Damaged { path: path.clone(), cause };
        let file: CertificateFile =
            serde_json::from_slice(&content).map_err(|error| damaged(error.to_string()))?;
        let decode = |text: &String| {
            STANDARD.decode(text).map(CertificateDer::from).map_err(|error| damaged(error.to_string()))
        };
        let certificate = decode(&file.certificate)?;
        let actual = crate::thumbprint(&certificate);
        if actual != thumbprint {
            return Err(damaged(format!("it holds the certificate {actual}")));
        }
        X509Certificate::from_der(&certificate).map_err(|error| damaged(error.to_string()))?;
        Ok(StoredCertificate {
            thumbprint: actual,
            certificate,
            chain: file.chain.iter().map(decode).collect::<Result<_, _>>()?,
            friendly_name: file.friendly_name,
            exportable: file.exportable,
            imported: file.imported,
            has_private_key: self.file(thumbprint, KEY).exists(),
        })
    }

    /// In order. A store that was never written to is empty.
    fn thumbprints(&self) -> Result<Vec<String>, CertificateStoreError> {
        let failed = |cause| self.failed(FileError { path: self.dir.clone(), cause });
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(failed)?,
        };
        let mut thumbprints = Vec::new();
        for entry in entries {
            let path = PathBuf::from(entry.map_err(failed)?.file_name());
            let (Some(stem), Some(extension)) = (path.file_stem().and_then(OsStr::to_str), path.extension())
            else {
                continue;
            };
            if extension == CERTIFICATE && parse_thumbprint(stem).as_deref() == Ok(stem) {
                thumbprints.push(stem.to_owned());
            }
            if thumbprints.len() > MOST_CERTIFICATES {
                return Err(CertificateStoreError::Full { dir: self.dir.clone() });
            }
        }
        thumbprints.sort_unstable();
        Ok(thumbprints)
    }

    fn file(&self, thumbprint: &str, extension: &str) -> PathBuf {
        self.dir.join(format!("{thumbprint}.{extension}"))
    }

    fn not_found(&self, thumbprint: &str) -> CertificateStoreError {
        CertificateStoreError::NotFound { thumbprint: thumbprint.to_owned(), dir: self.dir.clone() }
    }

    fn failed(&self, error: FileError) -> CertificateStoreError {
        CertificateStoreError::file(error, &self.data)
    }
}

impl StoredCertificate {
    /// SHA-1 of the certificate, upper-case hexadecimal.
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// The certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Its issuers below the root, nearest first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// Whether its key may leave the node again (`Import-PfxCertificate -Exportable`).
    pub fn exportable(&self) -> bool {
        self.exportable
    }

    /// When it was imported.
    pub fn imported(&self) -> Timestamp {
        self.imported
    }

    /// Whether clients take it for `host`, a name or an address (RFC 9525): exactly, or by a wildcard for one
    /// label. `*.contoso.com` covers `fs.contoso.com` and not `certauth.fs.contoso.com`.
    pub fn covers(&self, host: &str) -> bool {
        names::covers(&self.certificate, host)
    }

    /// What clients would object to if it served `hosts` now; nothing, if it is fit for TLS.
    pub fn check_for_tls(&self, hosts: &[&str], now: Timestamp) -> Vec<Warning> {
        check_for_tls(&self.certificate, hosts, now)
    }

    /// As `Get-ChildItem Cert:\LocalMachine\My` shows it.
    pub fn item(&self) -> CertificateItem {
        CertificateItem::of(self)
    }
}
