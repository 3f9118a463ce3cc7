//! `node-identity.json`: the key by which other nodes know this one, and its certificate.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{Guid, Random, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::authority::AuthorityFingerprint;
use super::member::FarmMember;
use crate::denied::Denied;
use crate::files::{self, FileError};
use crate::master_key::SealError;
use crate::node_key::{NodeKey, NodeUse};

const FILE: &str = "node-identity.json";
const LARGEST_FILE: u64 = 64 * 1024;

/// The node's key, which may have no certificate yet. It never leaves the node.
pub struct NodeIdentityKey {
    data: PathBuf,
    node: Guid,
    key: KeyPair,
    sealed_key: String,
}

/// The node's key with the certificate that the farm's authority issued for it.
pub struct NodeIdentity {
    member: FarmMember,
    not_before: Timestamp,
    not_after: Timestamp,
    authority: CertificateDer<'static>,
    key: Arc<CertifiedKey>,
}

/// The identity could not be made, read or taken.
#[derive(Debug, thiserror::Error)]
pub enum NodeIdentityError {
    /// The node has no identity, or no certificate for it.
    #[error("this node has not joined a farm ('{path}' holds no certificate); join it with Add-AdfsFarmNode")]
    NotJoined {
        /// The file.
        path: PathBuf,
    },
    /// The key was sealed by another node.
    #[error(
        "'{path}' was made by node {sealed_for}, and this is node {node}; remove the file and join the farm again"
    )]
    OtherNode {
        /// The file.
        path: PathBuf,
        /// The node that can open it.
        sealed_for: Guid,
        /// This node.
        node: Guid,
    },
    /// The file has another content.
    #[error("'{path}' is damaged: {cause}; remove it and join the farm again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// The certificate is not the one that was asked for.
    #[error("the certificate that the farm issued for this node is refused: {cause}")]
    Refused {
        /// What is wrong.
        cause: String,
    },
    /// This process may not read or write the file.
    #[error("the node's identity is not accessible: {0}")]
    Denied(Box<Denied>),
    /// The system refused for another reason than permissions.
    #[error("'{path}': {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        cause: std::io::Error,
    },
    /// The cryptographic library failed.
    #[error(transparent)]
    Library(#[from] SealError),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct File {
    node: Guid,
    /// PKCS#8, sealed under a key derived from `node.key`.
    sealed_key: String,
    /// None until the node has joined.
    issued: Option<Issued>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Issued {
    /// DER in Base64.
    certificate: String,
    /// The authority that issued it, DER in Base64.
    authority: String,
}

impl NodeIdentityKey {
    /// The node's key in the data directory `data`: the one that is there, or a new P-256 key.
    pub fn open_or_create(
        data: &Path,
        node_key: &NodeKey,
        random: &dyn Random,
    ) -> Result<Self, NodeIdentityError> {
        if let Some((key, _)) = read(data, node_key)? {
            return Ok(key);
        }
        let failed = |_| NodeIdentityError::from(SealError::Library);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let node = node_key.node();
        let sealed_key = node_key.seal(NodeUse::Identity, &node.to_string(), key.serialized_der(), random)?;
        let created = Self { data: data.to_owned(), node, key, sealed_key };
        created.write(None)?;
        Ok(created)
    }

    /// A PKCS#10 request for this key, DER, signed with it. It asks for nothing else.
    pub fn signing_request(&self) -> Result<Vec<u8>, NodeIdentityError> {
        let failed = |_| NodeIdentityError::from(SealError::Library);
        let request = CertificateParams::default().serialize_request(&self.key).map_err(failed)?;
        Ok(request.der().to_vec())
    }

    /// Takes the certificate that the farm issued, with the authority that issued it, which must be `expected`:
    /// that of the join token, or of the certificate before this one.
    pub fn install(
        self,
        certificate: &CertificateDer<'_>,
        authority: &CertificateDer<'_>,
        expected: AuthorityFingerprint,
    ) -> Result<NodeIdentity, NodeIdentityError> {
        let actual = AuthorityFingerprint::of(authority);
        if actual != expected {
            let cause = format!("its authority is {actual}, and not {expected}");
            return Err(NodeIdentityError::Refused { cause });
        }
        let identity = self.identity(certificate.clone().into_owned(), authority.clone().into_owned())?;
        self.write(Some(Issued {
            certificate: STANDARD.encode(certificate),
            authority: STANDARD.encode(authority),
        }))?;
        Ok(identity)
    }

    /// Checks that the certificate is for this node and this key, by this authority.
    fn identity(
        &self,
        certificate: CertificateDer<'static>,
        authority: CertificateDer<'static>,
    ) -> Result<NodeIdentity, NodeIdentityError> {
        let refused = |cause: String| NodeIdentityError::Refused { cause };
        let member =
            FarmMember::of(&certificate).ok_or_else(|| refused("it is not a node's certificate".into()))?;
        if member.node != self.node {
            return Err(refused(format!("it is for node {}, and this is node {}", member.node, self.node)));
        }
        let unreadable =
            |error: x509_parser::nom::Err<x509_parser::error::X509Error>| refused(error.to_string());
        let (_, parsed) = X509Certificate::from_der(&certificate).map_err(unreadable)?;
        if parsed.public_key().subject_public_key.data.as_ref() != self.key.der_bytes() {
            return Err(refused("it is for another key".into()));
        }
        let (_, issuer) = X509Certificate::from_der(&authority).map_err(unreadable)?;
        if parsed.verify_signature(Some(issuer.public_key())).is_err() {
            return Err(refused("the authority did not sign it".into()));
        }
        let validity = parsed.validity();
        let (not_before, not_after) = (validity.not_before.timestamp(), validity.not_after.timestamp());
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialized_der()));
        let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key)
            .map_err(|error| refused(error.to_string()))?;
        Ok(NodeIdentity {
            member,
            not_before: Timestamp::from_seconds(not_before),
            not_after: Timestamp::from_seconds(not_after),
            // The authority goes along for nodes that join: they know only its fingerprint.
            key: Arc::new(CertifiedKey::new(vec![certificate, authority.clone()], key)),
            authority,
        })
    }

    fn write(&self, issued: Option<Issued>) -> Result<(), NodeIdentityError> {
        let file = File { node: self.node, sealed_key: self.sealed_key.clone(), issued };
        let path = self.data.join(FILE);
        let json = serde_json::to_vec_pretty(&file)
            .map_err(|error| NodeIdentityError::File { path, cause: error.into() })?;
        let failed = |error| failed(error, &self.data);
        let owner = files::owner(&self.data).map_err(failed)?;
        let _lock = files::lock(&self.data).map_err(failed)?;
        files::replace(&self.data, FILE, &json, owner).map_err(failed)
    }
}

impl NodeIdentity {
    /// The identity in the data directory `data`.
    pub fn open(data: &Path, node_key: &NodeKey) -> Result<Self, NodeIdentityError> {
        let path = data.join(FILE);
        let Some((key, Some(issued))) = read(data, node_key)? else {
            return Err(NodeIdentityError::NotJoined { path });
        };
        let damaged = |cause: String| NodeIdentityError::Damaged { path: path.clone(), cause };
        let decode = |text: &str| {
            STANDARD.decode(text).map(CertificateDer::from).map_err(|error| damaged(error.to_string()))
        };
        match key.identity(decode(&issued.certificate)?, decode(&issued.authority)?) {
            Err(NodeIdentityError::Refused { cause }) => Err(damaged(cause)),
            other => other,
        }
    }

    /// Who this node is.
    pub fn member(&self) -> &FarmMember {
        &self.member
    }

    /// The farm's authority.
    pub fn authority(&self) -> &CertificateDer<'static> {
        &self.authority
    }

    /// End of the certificate's validity.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Whether a third of the validity or less is left, so that the node should ask for a new certificate.
    pub fn renewal_is_due(&self, now: Timestamp) -> bool {
        self.not_after.since(now) <= self.not_after.since(self.not_before) / 3
    }

    /// Certificate, authority and key.
    pub(super) fn certified_key(&self) -> &Arc<CertifiedKey> {
        &self.key
    }
}

impl fmt::Debug for NodeIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeIdentity").field("member", &self.member).finish_non_exhaustive()
    }
}

impl fmt::Debug for NodeIdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeIdentityKey").field("node", &self.node).finish_non_exhaustive()
    }
}

fn read(
    data: &Path,
    node_key: &NodeKey,
) -> Result<Option<(NodeIdentityKey, Option<Issued>)>, NodeIdentityError> {
    let path = data.join(FILE);
    let Some(content) = files::read(&path, LARGEST_FILE).map_err(|error| failed(error, data))? else {
        return Ok(None);
    };
    let damaged = |cause: &str| NodeIdentityError::Damaged { path: path.clone(), cause: cause.to_owned() };
    let File { node: sealed_for, sealed_key, issued } =
        serde_json::from_slice(&content).map_err(|error| damaged(&error.to_string()))?;
    let node = node_key.node();
    if sealed_for != node {
        return Err(NodeIdentityError::OtherNode { path, sealed_for, node });
    }
    let pkcs8 = node_key
        .unseal(NodeUse::Identity, &node.to_string(), &sealed_key)
        .ok_or_else(|| damaged("the seal does not fit: it was changed since, or node.key was replaced"))?;
    let pkcs8 = PrivatePkcs8KeyDer::from(pkcs8.as_slice());
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &PKCS_ECDSA_P256_SHA256)
        .map_err(|error| damaged(&error.to_string()))?;
    Ok(Some((NodeIdentityKey { data: data.to_owned(), node, key, sealed_key }, issued)))
}

fn failed(error: FileError, data: &Path) -> NodeIdentityError {
    let FileError { path, cause } = error;
    match cause.kind() {
        ErrorKind::PermissionDenied => NodeIdentityError::Denied(Box::new(Denied::explain(&path, data))),
        _ => NodeIdentityError::File { path, cause },
    }
}
