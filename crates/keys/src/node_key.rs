//! `node.key`: the one secret of a node that is not in the database.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base::{Guid, Random, Secret};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::aead::Aead;
use crate::denied::Denied;
use crate::master_key::{MasterKey, SealError, decode, encode};

const FILE: &str = "node.key";
/// First words of the file.
const FORMAT: &str = "sekisho-node-key-v1";

/// The master key as the store keeps it for one node. Without that node's `node.key` it is of no use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct WrappedMasterKey {
    /// The node that can unwrap it.
    pub node: Guid,
    /// The key, sealed under the node's key.
    pub master_key: String,
}

/// A node's own key and identifier.
pub struct NodeKey {
    node: Guid,
    secret: Zeroizing<[u8; 32]>,
    /// Wraps the master key.
    aead: Aead,
}

/// What a node keeps for itself alone. A value sealed for one use cannot be opened for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeUse {
    /// A private key of the node's certificate store.
    CertificateStore,
    /// The key by which other nodes know this one.
    Identity,
    /// A setting of the node that holds a secret.
    Settings,
}

impl NodeUse {
    fn label(self) -> &'static str {
        match self {
            Self::CertificateStore => "certificate-store",
            Self::Identity => "node-identity",
            Self::Settings => "node-settings",
        }
    }
}

/// `node.key` could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum NodeKeyError {
    /// There is none.
    #[error(
        "'{path}' is missing; restore it from the backup that the database is of: the private keys in the database cannot be opened without it"
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// There is one already.
    #[error("'{path}' exists already and is not overwritten: private keys in the database may depend on it")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Other accounts can read it.
    #[error(
        "'{path}' can be read by other accounts (mode {mode:o}), so it may not be a secret any more; if nobody did, run: chmod 600 '{path}'"
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It has another content.
    #[error("'{path}' is not a node key of this release; restore it from a backup")]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// This process may not read or write it.
    #[error("node.key is not accessible: {0}")]
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

impl NodeKey {
    /// Makes a key and identifier for a new node and writes them to `node.key` in the existing directory `dir`.
    /// Never replaces a file: it is there whole, or not at all.
    pub fn create(dir: &Path, random: &dyn Random) -> Result<Self, NodeKeyError> {
        let path = dir.join(FILE);
        let secret = Zeroizing::new(random.bytes::<32>());
        let node = Guid::random(random);
        let encoded = Zeroizing::new(URL_SAFE_NO_PAD.encode(secret.as_slice()));
        let text = Zeroizing::new(format!("{FORMAT} {node} {}\n", *encoded));
        write_new(dir, &path, text.as_bytes()).map_err(|cause| match cause.kind() {
            ErrorKind::AlreadyExists => NodeKeyError::Exists { path: path.clone() },
            ErrorKind::PermissionDenied => NodeKeyError::Denied(Box::new(Denied::explain(&path, dir))),
            _ => NodeKeyError::File { path: path.clone(), cause },
        })?;
        Self::new(node, secret)
    }

    /// Reads `node.key` in `dir`.
    pub fn open(dir: &Path) -> Result<Self, NodeKeyError> {
        let path = dir.join(FILE);
        let failed = |cause: std::io::Error| match cause.kind() {
            ErrorKind::NotFound => NodeKeyError::Missing { path: path.clone() },
            ErrorKind::PermissionDenied => NodeKeyError::Denied(Box::new(Denied::explain(&path, dir))),
            _ => NodeKeyError::File { path: path.clone(), cause },
        };
        let file = File::open(&path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(NodeKeyError::Open { path, mode });
        }
        let mut text = Zeroizing::new(Vec::with_capacity(256));
        file.take(256).read_to_end(&mut text).map_err(failed)?;
        let (node, secret) = parse(&text).ok_or(NodeKeyError::Malformed { path })?;
        Self::new(node, secret)
    }

    fn new(node: Guid, secret: Zeroizing<[u8; 32]>) -> Result<Self, NodeKeyError> {
        let aead = Aead::new(&secret).map_err(SealError::from)?;
        Ok(Self { node, secret, aead })
    }

    /// Seals `plaintext` under a key derived for the use. It can be opened only under the same `name`.
    pub(crate) fn seal(
        &self,
        node_use: NodeUse,
        name: &str,
        plaintext: &[u8],
        random: &dyn Random,
    ) -> Result<String, SealError> {
        let aead = Aead::derived(&self.secret, &[node_use.label()])?;
        Ok(encode(&aead.seal(name.as_bytes(), plaintext, random)?))
    }

    /// Opens what [`seal`](Self::seal) sealed; `None` for anything else.
    pub(crate) fn unseal(&self, node_use: NodeUse, name: &str, sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
        let aead = Aead::derived(&self.secret, &[node_use.label()]).ok()?;
        aead.open(name.as_bytes(), &decode(sealed)?)
    }

    /// Seals a setting of this node that holds a secret. It can be opened by this node only, under the same `name`.
    pub fn seal_setting(
        &self,
        name: &str,
        setting: &Secret,
        random: &dyn Random,
    ) -> Result<String, SealError> {
        self.seal(NodeUse::Settings, name, setting.expose().as_bytes(), random)
    }

    /// Opens what [`seal_setting`](Self::seal_setting) sealed; `None` for anything else.
    pub fn open_setting(&self, name: &str, sealed: &str) -> Option<Secret> {
        let opened = self.unseal(NodeUse::Settings, name, sealed)?;
        Some(Secret::new(std::str::from_utf8(&opened).ok()?.to_owned()))
    }

    /// The node's identifier.
    pub fn node(&self) -> Guid {
        self.node
    }

    /// Wraps the master key for this node.
    pub fn wrap(&self, master: &MasterKey, random: &dyn Random) -> Result<WrappedMasterKey, SealError> {
        let sealed = self.aead.seal(&self.context(), master.bytes(), random)?;
        Ok(WrappedMasterKey { node: self.node, master_key: encode(&sealed) })
    }

    /// Opens what [`wrap`](Self::wrap) made for this node.
    pub fn unwrap(&self, wrapped: &WrappedMasterKey) -> Result<MasterKey, SealError> {
        if wrapped.node != self.node {
            return Err(SealError::OtherNode { wrapped_for: wrapped.node, node: self.node });
        }
        let what = || format!("the master key of node {}", self.node);
        let sealed = decode(&wrapped.master_key).ok_or_else(|| SealError::Format { what: what() })?;
        let opened = self.aead.open(&self.context(), &sealed);
        let opened = opened.ok_or_else(|| SealError::Refused { what: what() })?;
        MasterKey::from_bytes(&opened).ok_or_else(|| SealError::Format { what: what() })
    }

    fn context(&self) -> Vec<u8> {
        format!("master-key {}", self.node).into_bytes()
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeKey").field("node", &self.node).finish_non_exhaustive()
    }
}

/// Writes beside, forces to disk, and links to the name, which fails if the name is taken.
fn write_new(dir: &Path, path: &Path, content: &[u8]) -> std::io::Result<()> {
    let beside = dir.join("node.key.new");
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    let linked = fs::hard_link(&beside, path);
    fs::remove_file(&beside)?;
    linked?;
    File::open(dir)?.sync_all()
}

fn parse(text: &[u8]) -> Option<(Guid, Zeroizing<[u8; 32]>)> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('\n')?;
    let mut words = text.split(' ');
    if words.next()? != FORMAT {
        return None;
    }
    let node = words.next()?.parse().ok()?;
    let decoded = Zeroizing::new(URL_SAFE_NO_PAD.decode(words.next()?).ok()?);
    let secret = Zeroizing::new(<[u8; 32]>::try_from(decoded.as_slice()).ok()?);
    words.next().is_none().then_some((node, secret))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use base::SystemRandom;

    use super::*;
    use crate::Purpose;

    #[test]
    fn a_master_key_wrapped_by_a_node_is_unwrapped_by_it_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let key = NodeKey::create(dir.path(), &SystemRandom).unwrap();
        let master = MasterKey::generate(&SystemRandom);
        let wrapped = serde_json::to_value(key.wrap(&master, &SystemRandom).unwrap()).unwrap();
        assert_eq!(wrapped["Node"], key.node().to_string());

        let key = NodeKey::open(dir.path()).unwrap();
        let again = key.unwrap(&serde_json::from_value(wrapped).unwrap()).unwrap();
        let sealed = master.seal(Purpose::FarmKey, "x", b"y", &SystemRandom).unwrap();
        assert_eq!(again.unseal(Purpose::FarmKey, "x", &sealed).unwrap().as_slice(), b"y");
    }

    #[test]
    fn a_sealed_setting_opens_on_its_node_under_its_name_alone() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let a = NodeKey::create(a.path(), &SystemRandom).unwrap();
        let b = NodeKey::create(b.path(), &SystemRandom).unwrap();
        let sealed = a.seal_setting("x", &Secret::new("pässword".to_owned()), &SystemRandom).unwrap();
        assert!(!sealed.contains("password"));
        assert_eq!(a.open_setting("x", &sealed).unwrap().expose(), "pässword");
        assert!(a.open_setting("y", &sealed).is_none());
        assert!(b.open_setting("x", &sealed).is_none());
        assert!(a.unseal(NodeUse::CertificateStore, "x", &sealed).is_none());
    }

    #[test]
    fn another_node_cannot_unwrap_it() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (a, b) = (
            NodeKey::create(a.path(), &SystemRandom).unwrap(),
            NodeKey::create(b.path(), &SystemRandom).unwrap(),
        );
        let mut wrapped = a.wrap(&MasterKey::generate(&SystemRandom), &SystemRandom).unwrap();
        assert!(matches!(b.unwrap(&wrapped), Err(SealError::OtherNode { .. })));
        wrapped.node = b.node();
        assert!(matches!(b.unwrap(&wrapped), Err(SealError::Refused { .. })));
    }

    /// Security case 87: what the database holds does not open without the file beside it, nor with a new one.
    #[test]
    fn a_copy_of_the_database_alone_gives_no_key() {
        let dir = tempfile::tempdir().unwrap();
        let node = NodeKey::create(dir.path(), &SystemRandom).unwrap();
        let master = MasterKey::generate(&SystemRandom);
        let wrapped = node.wrap(&master, &SystemRandom).unwrap();

        let thief = tempfile::tempdir().unwrap();
        let error = NodeKey::open(thief.path()).unwrap_err();
        assert!(matches!(error, NodeKeyError::Missing { .. }), "{error}");
        let other = NodeKey::create(thief.path(), &SystemRandom).unwrap();
        let forged = WrappedMasterKey { node: other.node(), ..wrapped };
        assert!(matches!(other.unwrap(&forged), Err(SealError::Refused { .. })));
    }

    #[test]
    fn the_file_is_the_owners_alone_and_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let key = NodeKey::create(dir.path(), &SystemRandom).unwrap();
        let path = dir.path().join("node.key");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(matches!(NodeKey::create(dir.path(), &SystemRandom), Err(NodeKeyError::Exists { .. })));
        assert_eq!(NodeKey::open(dir.path()).unwrap().node(), key.node());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_cut_short_while_it_was_made_is_no_hindrance() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("node.key.new"), "sekisho-node").unwrap();
        NodeKey::create(dir.path(), &SystemRandom).unwrap();
    }

    /// Security case 97, wrong permissions after a restore.
    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        NodeKey::create(dir.path(), &SystemRandom).unwrap();
        for mode in [0o644, 0o640, 0o602] {
            fs::set_permissions(dir.path().join("node.key"), fs::Permissions::from_mode(mode)).unwrap();
            let error = NodeKey::open(dir.path()).unwrap_err();
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
    }

    #[test]
    fn another_content_is_refused_without_showing_it() {
        let dir = tempfile::tempdir().unwrap();
        NodeKey::create(dir.path(), &SystemRandom).unwrap();
        let path = dir.path().join("node.key");
        let good = fs::read_to_string(&path).unwrap();
        let long = good.replace('\n', &" ".repeat(10_000));
        let other_version = good.replace("v1", "v2");
        for text in [
            "",
            "\n",
            good.get(..good.len() - 2).unwrap(),
            good.get(1..).unwrap(),
            &format!("{good}{good}"),
            &long,
            &other_version,
        ] {
            fs::write(&path, text).unwrap();
            let error = NodeKey::open(dir.path()).unwrap_err();
            assert!(matches!(error, NodeKeyError::Malformed { .. }), "{error}");
            assert!(!error.to_string().contains("sekisho-node-key"), "{error}");
        }
        fs::write(&path, good).unwrap();
        NodeKey::open(dir.path()).unwrap();
    }
}
