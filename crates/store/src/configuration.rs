//! `Configuration`: the objects that administrators change. Linear history, one writer.

use async_trait::async_trait;
use base::Timestamp;
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::kind_name::KindName;

/// Kinds of configuration objects. The name is part of the stored data: never rename one.
///
/// Another node may be of a later release: a kind that this one does not know is kept and passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Kind {
    /// Farm-wide service properties; one object.
    ServiceProperties,
    /// Relying party trusts, by object identifier.
    RelyingPartyTrust,
    /// Claims provider trusts, by object identifier.
    ClaimsProviderTrust,
    /// Claim descriptions, by claim type.
    ClaimDescription,
    /// Certificates with their sealed private keys, by thumbprint and use.
    Certificate,
    /// Farm keys (cookies, journal), sealed.
    FarmKey,
    /// Wrappings of the farm master key, by node.
    Node,
    /// Users of the embedded directory, by object GUID.
    DirectoryUser,
    /// Groups of the embedded directory, by SID.
    DirectoryGroup,
    /// TLS certificates of the listeners, by host name and port.
    SslCertificate,
    /// Endpoints that are switched on or off, by path.
    Endpoint,
    /// Global authentication policy; one object.
    GlobalAuthenticationPolicy,
    /// Synchronisation of this node, such as how often it asks the primary; one object.
    SyncProperties,
    /// Nodes of the farm, by name.
    FarmNode,
    /// A kind of a later release, by the name it has there.
    Unknown(KindName),
}

/// Where the objects of a kind live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// On every node of the farm.
    Farm,
    /// On one node: never copied to another, changed on a secondary too, and not part of the history.
    Node,
}

impl Kind {
    /// Every kind that this release knows.
    pub const ALL: [Self; 14] = [
        Self::ServiceProperties,
        Self::RelyingPartyTrust,
        Self::ClaimsProviderTrust,
        Self::ClaimDescription,
        Self::Certificate,
        Self::FarmKey,
        Self::Node,
        Self::DirectoryUser,
        Self::DirectoryGroup,
        Self::SslCertificate,
        Self::Endpoint,
        Self::GlobalAuthenticationPolicy,
        Self::SyncProperties,
        Self::FarmNode,
    ];

    /// The name in stored data.
    pub fn name(&self) -> &str {
        match self {
            Self::ServiceProperties => "service-properties",
            Self::RelyingPartyTrust => "relying-party-trust",
            Self::ClaimsProviderTrust => "claims-provider-trust",
            Self::ClaimDescription => "claim-description",
            Self::Certificate => "certificate",
            Self::FarmKey => "farm-key",
            Self::Node => "node",
            Self::DirectoryUser => "directory-user",
            Self::DirectoryGroup => "directory-group",
            Self::SslCertificate => "ssl-certificate",
            Self::Endpoint => "endpoint",
            Self::GlobalAuthenticationPolicy => "global-authentication-policy",
            Self::SyncProperties => "sync-properties",
            Self::FarmNode => "farm-node",
            Self::Unknown(name) => name.as_str(),
        }
    }

    /// The kind that `name` names in stored data; `None` when no kind can have this name.
    pub fn from_name(name: &str) -> Option<Self> {
        let known = Self::ALL.into_iter().find(|kind| kind.name() == name);
        known.or_else(|| KindName::new(name).map(Self::Unknown))
    }

    /// Where the objects of this kind live.
    pub const fn scope(&self) -> Scope {
        match self {
            Self::Node | Self::SslCertificate | Self::SyncProperties => Scope::Node,
            _ => Scope::Farm,
        }
    }
}

impl From<Kind> for String {
    fn from(kind: Kind) -> Self {
        kind.name().to_owned()
    }
}

impl TryFrom<String> for Kind {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::from_name(&name).ok_or_else(|| KindName::REQUIRED.to_owned())
    }
}

/// Position in the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Head {
    /// Raised when another node becomes the writer, from 1; a writer of another epoch is fenced.
    pub epoch: u64,
    /// Number of the newest change, from 1; 0 when nothing was ever written.
    pub serial: u64,
}

/// A stored object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Kind.
    pub kind: Kind,
    /// Identifier, unique within the kind.
    pub id: String,
    /// Raised by each write, from 1. A deletion raises it too, and an object created anew under the same
    /// identifier goes on from there, so that a version never means two different contents.
    pub version: u64,
    /// The object. Fields this binary does not know are kept.
    pub body: serde_json::Value,
}

/// One step of a write.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// Creates or replaces an object.
    Put {
        /// Kind.
        kind: Kind,
        /// Identifier.
        id: String,
        /// Version that the writer read; 0 when the object must not exist yet.
        expected: u64,
        /// The object.
        body: serde_json::Value,
        /// Names by which [`Configuration::find`] finds the object, compared octet by octet and unique within
        /// (kind, index): for instance `("identifier", "urn:app")`.
        keys: Vec<(&'static str, String)>,
    },
    /// Removes an object and its keys, and leaves a tombstone in the history.
    Delete {
        /// Kind.
        kind: Kind,
        /// Identifier.
        id: String,
        /// Version that the writer read.
        expected: u64,
    },
}

impl Operation {
    /// The kind of the object that it changes.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Put { kind, .. } | Self::Delete { kind, .. } => *kind,
        }
    }
}

/// A change of one or more objects: all of it happens, or none.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// Epoch under which the writer believes to be the writer.
    pub epoch: u64,
    /// Who changes, for the audit.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The steps, in order.
    pub operations: Vec<Operation>,
}

impl Write {
    /// How many steps a write may have, since a node copies a write as one.
    pub const OPERATIONS: usize = 20_000;

    /// A write under the epoch that the store has now: for whoever writes because he is asked to, and not because he
    /// believes to be the writer since some time.
    pub async fn at_head(
        store: &dyn Configuration,
        by: impl Into<String>,
        at: Timestamp,
        operations: Vec<Operation>,
    ) -> Result<Self, StoreError> {
        let by = by.into();
        Ok(Self { epoch: store.head().await?.epoch, by, at, operations })
    }

    /// Whether the steps are few enough to be kept.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        if self.operations.len() <= Self::OPERATIONS {
            return Ok(());
        }
        let (found, most) = (self.operations.len(), Self::OPERATIONS);
        let cause = format!("the change has {found} steps; make several of at most {most}");
        Err(StoreError { operation: "change the configuration", cause, retryable: false })
    }
}

/// One entry of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Where in the history.
    pub head: Head,
    /// Kind.
    pub kind: Kind,
    /// Identifier.
    pub id: String,
    /// Version after the change.
    pub version: u64,
    /// The object after the change; `None` is a tombstone.
    pub body: Option<serde_json::Value>,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
}

/// Why a write was refused. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Somebody else changed the object since it was read.
    #[error(
        "{kind:?} '{id}' was changed by somebody else: version {expected} was read, version {current} is stored; read it again and repeat the change"
    )]
    Conflict {
        /// Kind.
        kind: Kind,
        /// Identifier.
        id: String,
        /// Version that the writer named.
        expected: u64,
        /// Version that is stored; 0 when the object does not exist.
        current: u64,
    },
    /// Another object of the kind has this name.
    #[error(
        "{index} '{value}' is already used by {kind:?} '{holder}'; choose another value or change that object"
    )]
    KeyTaken {
        /// Kind.
        kind: Kind,
        /// Index name.
        index: String,
        /// The value that two objects would share.
        value: String,
        /// Identifier of the object that has it.
        holder: String,
    },
    /// The writer's epoch is not the store's: another node writes now.
    #[error(
        "this node wrote under epoch {given}, but the configuration is at epoch {current}; another node is the primary now"
    )]
    Fenced {
        /// Epoch of the writer.
        given: u64,
        /// Epoch of the store.
        current: u64,
    },
    /// This node holds a copy, and another node is the one that writes.
    #[error(
        "PS0033: this is a secondary server of a farm with a local database, and the configuration is changed on the primary server only; run the command on '{primary}'"
    )]
    Secondary {
        /// Name of the primary server; `the primary server` when this node was not told.
        primary: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Configuration objects.
///
/// - A [`write`](Self::write) is atomic and durable when it returns (fsync), and appends one [`Change`] for
///   each operation in the same transaction. Objects of [`Scope::Node`] have versions too, but no place in the
///   history: changing them takes no serial number.
/// - Serial numbers have no gaps and never repeat within the life of the store.
/// - A process killed at any instant leaves the state before or after a write, never between.
/// - Reads see every write that returned before they began. Where several nodes share a database, another
///   node's write may be missing from [`head`](Self::head) for the time that the backend documents.
#[async_trait]
pub trait Configuration: Send + Sync {
    /// Newest position.
    async fn head(&self) -> Result<Head, StoreError>;

    /// One object.
    async fn get(&self, kind: Kind, id: &str) -> Result<Option<Document>, StoreError>;

    /// The object that has `value` under the unique index `index`.
    async fn find(&self, kind: Kind, index: &str, value: &str) -> Result<Option<Document>, StoreError>;

    /// Objects of a kind in order of identifier, those after `after`, at most `limit`.
    async fn list(&self, kind: Kind, after: Option<&str>, limit: usize) -> Result<Vec<Document>, StoreError>;

    /// Changes objects.
    async fn write(&self, write: Write) -> Result<Head, WriteError>;

    /// Makes the caller the writer: raises the epoch by one if it is still `expected`, and fences everyone who
    /// writes under an older one. Durable when it returns.
    async fn raise_epoch(&self, expected: u64) -> Result<Head, WriteError>;

    /// History after the serial number `after`, oldest first, at most `limit`.
    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>, StoreError>;

    /// The newest change of an object before the serial number `before`: what an undo goes back to.
    ///
    /// A backend with an index by object answers from it; without one the history is read from its beginning.
    async fn change_before(&self, kind: Kind, id: &str, before: u64) -> Result<Option<Change>, StoreError> {
        let (mut found, mut after) = (None, 0);
        loop {
            let page = self.changes(after, 1_000).await?;
            let Some(last) = page.last() else { return Ok(found) };
            after = last.head.serial;
            for change in page {
                if change.head.serial >= before {
                    return Ok(found);
                }
                if change.kind == kind && change.id == id {
                    found = Some(change);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_kinds_are_those_of_their_serialised_form() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
        }
    }

    #[test]
    fn a_kind_of_a_later_release_keeps_its_name() {
        let kind: Kind = serde_json::from_str(r#""trust-of-tomorrow""#).unwrap();
        assert!(matches!(kind, Kind::Unknown(_)), "{kind:?}");
        assert_eq!((kind.name(), kind.scope()), ("trust-of-tomorrow", Scope::Farm));
        assert_eq!(serde_json::to_value(kind).unwrap(), "trust-of-tomorrow");
        for refused in ["", "Trust", "a b", "x'--", "trust\u{e9}", &"x".repeat(33)] {
            assert_eq!(Kind::from_name(refused), None, "{refused}");
        }
    }

    #[test]
    fn a_write_of_too_many_steps_is_refused() {
        let step = Operation::Delete { kind: Kind::FarmKey, id: "a".into(), expected: 1 };
        let operations = vec![step; Write::OPERATIONS];
        let mut write = Write { epoch: 1, by: "test".into(), at: Timestamp::from_seconds(0), operations };
        assert!(write.check().is_ok());
        write.operations.extend_from_within(..1);
        assert!(write.check().unwrap_err().to_string().contains("20000"));
    }
}
