//! What can be wrong with the store, told apart so that events and cmdlets can say it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use base::Guid;

use crate::certificate::import::ImportError;
use crate::certificate::thumbprint::ThumbprintError;
use crate::denied::Denied;
use crate::files::FileError;
use crate::master_key::SealError;

/// The store could not do what was asked. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum CertificateStoreError {
    /// The text is no thumbprint.
    #[error(transparent)]
    Thumbprint(#[from] ThumbprintError),
    /// The file was not imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// There is no such certificate (event 134).
    #[error(
        "no certificate with thumbprint '{thumbprint}' is in '{dir}'; import it on this node with Import-PfxCertificate, or see those that are there with: Get-ChildItem Cert:\\LocalMachine\\My"
    )]
    NotFound {
        /// The thumbprint that was asked for.
        thumbprint: String,
        /// The store.
        dir: PathBuf,
    },
    /// There is a certificate, and no key of it (event 133).
    #[error(
        "the certificate '{subject}' ({thumbprint}) is here without its private key; import the PFX file, which holds both, on this node"
    )]
    NoPrivateKey {
        /// Its thumbprint.
        thumbprint: String,
        /// Its subject.
        subject: String,
    },
    /// This process may not read the key (event 133).
    #[error("the private key of certificate '{thumbprint}' is not accessible: {denied}")]
    KeyDenied {
        /// The certificate's thumbprint.
        thumbprint: String,
        /// Which file, why, and how to repair it.
        denied: Box<Denied>,
    },
    /// This process may not read or write the store.
    #[error("the certificate store is not accessible: {denied}")]
    Denied {
        /// Which file, why, and how to repair it.
        denied: Box<Denied>,
    },
    /// The key was copied from another node (event 133).
    #[error(
        "the private key of certificate '{thumbprint}' was sealed by node {sealed_for}, and this is node {node}; a key file cannot be copied between nodes: import the PFX file on this node"
    )]
    OtherNode {
        /// The certificate's thumbprint.
        thumbprint: String,
        /// The node that can open it.
        sealed_for: Guid,
        /// This node.
        node: Guid,
    },
    /// A file of the store has another content.
    #[error("'{path}' is damaged: {cause}; import the certificate again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// There are too many certificates.
    #[error(
        "'{dir}' holds more certificates than the store can list; remove those that are not needed any more"
    )]
    Full {
        /// The store.
        dir: PathBuf,
    },
    /// The system refused for another reason than permissions.
    #[error("'{path}': {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        cause: std::io::Error,
    },
    /// The key could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl CertificateStoreError {
    /// Finds out about permissions, for a file in the data directory `data`.
    pub(super) fn file(error: FileError, data: &Path) -> Self {
        let FileError { path, cause } = error;
        match cause.kind() {
            ErrorKind::PermissionDenied => Self::Denied { denied: Box::new(Denied::explain(&path, data)) },
            _ => Self::File { path, cause },
        }
    }
}
