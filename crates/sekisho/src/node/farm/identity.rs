//! What the farm knows of its nodes: the authority, certificates, who is in and who was removed.

use std::path::Path;

use base::{Guid, Random, Timestamp};
use configuration::{FarmNode, SyncRole};
use keys::node_identity::{
    AuthorityFingerprint, FarmAuthority, NodeIdentity, NodeIdentityKey, SealedFarmAuthority,
};
use keys::{MasterKey, NodeKey};
use serde::{Deserialize, Serialize};
use store::sqlite::SqliteStore;
use store::sync::Role;
use store::{Configuration, Document, Kind, Operation, Write};

use super::Result;

/// Validity of a node's certificate. A node that starts in the last third renews its own.
pub(super) const DAYS: u32 = 5 * 365;
/// Nodes that a farm has at most; AD FS supports 30.
const NODES: usize = 200;
/// The object of [`Kind::FarmKey`] with the sealed authority.
const AUTHORITY: &str = "farm-authority";
/// The object of [`Kind::FarmKey`] with the identifiers of removed nodes.
const REMOVED: &str = "removed-nodes";

/// A node as it is stored: the object that people see, and who it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredNode {
    /// What people see.
    #[serde(flatten)]
    pub(super) node: FarmNode,
    /// Its identifier.
    #[serde(rename = "NodeIdentifier")]
    pub(super) identifier: Guid,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RemovedList {
    nodes: Vec<Guid>,
}

/// The farm's authority; made by the primary where there is none yet.
pub(super) async fn authority(
    store: &SqliteStore,
    master: &MasterKey,
    now: Timestamp,
    random: &dyn Random,
) -> Result<FarmAuthority> {
    if let Some(stored) = store.get(Kind::FarmKey, AUTHORITY).await? {
        let sealed: SealedFarmAuthority = serde_json::from_value(stored.body)?;
        return Ok(FarmAuthority::open(&sealed, master)?);
    }
    let (authority, sealed) = FarmAuthority::generate(now, master, random)?;
    let body = serde_json::to_value(&sealed)?;
    write(store, "installation", now, vec![put(AUTHORITY, 0, body)]).await?;
    Ok(authority)
}

/// This node's identity. Every node has the authority, so each issues its own certificate when it needs one.
pub(super) fn identity(
    data: &Path,
    node_key: &NodeKey,
    authority: &FarmAuthority,
    name: &str,
    now: Timestamp,
    random: &dyn Random,
) -> Result<NodeIdentity> {
    if let Ok(identity) = NodeIdentity::open(data, node_key) {
        let ours = AuthorityFingerprint::of(identity.authority()) == authority.fingerprint();
        if ours && identity.member().name == name && !identity.renewal_is_due(now) {
            return Ok(identity);
        }
    }
    let key = NodeIdentityKey::open_or_create(data, node_key, random)?;
    let certificate = authority.issue(&key.signing_request()?, node_key.node(), name, now, DAYS, random)?;
    Ok(key.install(&certificate, authority.certificate(), authority.fingerprint())?)
}

/// Enters the first node into the list of nodes; others are entered when they join.
pub(super) async fn register(store: &SqliteStore, node: Guid, name: &str, now: Timestamp) -> Result<()> {
    let is_primary = store.standing().await?.role == Role::PrimaryComputer;
    let known = nodes(store).await?;
    if !is_primary || known.iter().any(|known| known.identifier == node && known.node.fqdn == name) {
        return Ok(());
    }
    let operation = entry(store, node, name, SyncRole::PrimaryComputer).await?;
    write(store, "installation", now, vec![operation]).await
}

/// The step that enters a node under its name, in place of one that had it before.
pub(super) async fn entry(
    store: &SqliteStore,
    identifier: Guid,
    name: &str,
    node_type: SyncRole,
) -> Result<Operation> {
    let node = FarmNode { fqdn: name.to_owned(), node_type, ..FarmNode::default() };
    let stored = store.get(Kind::FarmNode, name).await?;
    Ok(Operation::Put {
        kind: Kind::FarmNode,
        id: name.to_owned(),
        expected: stored.map(|stored| stored.version).unwrap_or_default(),
        body: serde_json::to_value(StoredNode { node, identifier })?,
        keys: Vec::new(),
    })
}

/// The nodes of the farm, in order of name.
pub(super) async fn nodes(store: &SqliteStore) -> Result<Vec<StoredNode>> {
    let documents = store.list(Kind::FarmNode, None, NODES).await?;
    let read = |document: Document| serde_json::from_value(document.body);
    // An entry that was made by hand has no identifier, and is no node.
    Ok(documents.into_iter().filter_map(|document| read(document).ok()).collect())
}

/// Identifiers of the nodes that were removed.
pub(super) async fn removed(store: &SqliteStore) -> Result<Vec<Guid>> {
    Ok(removed_list(store).await?.0.nodes)
}

async fn removed_list(store: &SqliteStore) -> Result<(RemovedList, u64)> {
    Ok(match store.get(Kind::FarmKey, REMOVED).await? {
        Some(stored) => (serde_json::from_value(stored.body)?, stored.version),
        None => (RemovedList::default(), 0),
    })
}

/// The step that shuts nodes out, or lets one in again; `None` when the list is right already.
pub(super) async fn shut_out(
    store: &SqliteStore,
    out: &[Guid],
    back: Option<Guid>,
) -> Result<Option<Operation>> {
    let (mut list, version) = removed_list(store).await?;
    let before = list.nodes.clone();
    list.nodes.retain(|node| Some(*node) != back);
    for node in out {
        if !list.nodes.contains(node) {
            list.nodes.push(*node);
        }
    }
    match list.nodes == before {
        true => Ok(None),
        false => Ok(Some(put(REMOVED, version, serde_json::to_value(&list)?))),
    }
}

/// The step that stores an object of [`Kind::FarmKey`].
pub(super) fn put(id: &str, expected: u64, body: serde_json::Value) -> Operation {
    Operation::Put { kind: Kind::FarmKey, id: id.to_owned(), expected, body, keys: Vec::new() }
}

/// Writes under the present epoch.
pub(super) async fn write(
    store: &SqliteStore,
    by: &str,
    at: Timestamp,
    operations: Vec<Operation>,
) -> Result<()> {
    store.write(Write::at_head(store, by, at, operations).await?).await?;
    Ok(())
}
