//! A node's part in a farm with embedded databases: who writes, and how the others follow.
//!
//! ```text
//! new node ── join ──────────▶ a token lets it in: certificate, master key, first copy
//! secondary ─ pull ──────────▶ primary: what follows the place that my history has reached?
//!           ─ watch ─────────▶ primary: tell me when there is more (so a change arrives within a second)
//! any node ── term ──────────▶ every node: this is the newest promotion I know of, and you?
//! ```
//!
//! Nodes speak HTTP/1.1 and JSON over mutual TLS at the port of the service, under names that no browser asks for
//! ([`door`]). What is decided is in [`store::sync`]; here are the messages, the times and the actions.

mod actions;
mod channel;
mod door;
mod identity;
mod join;
mod messages;
mod poll;
mod settings;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use base::{Clock, Guid, Random, Secret, Timestamp};
use futures_util::future::join_all;
use keys::node_identity::{FarmAuthority, MEMBER_SERVER_NAME, NodeIdentity, RemovedNodes, member_client};
use keys::{MasterKey, NodeKey};
use net::{ServerHandle, Tls};
use rustls::ClientConfig;
use server::FederationServer;
use store::Configuration;
use store::sqlite::SqliteStore;
use store::sync::{Role as SyncRole, Standing, Term};
use sts::administration::{Role, RoleSource};
use tokio::sync::{Notify, Semaphore};

use self::channel::Peer;
use self::messages::TERM;
use super::check::{Finding, Severity};

pub(crate) use actions::actions;
pub(crate) use door::NodeRoutes;
pub(crate) use join::{NewNode, join};

/// Errors travel between threads here.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Pages of the history that are made at once: each may take some megabytes.
const PAGES_AT_ONCE: usize = 2;
/// How long nodes are asked for their term, when this one starts or was promoted.
const ASKING: Duration = Duration::from_secs(3);

/// What a node needs to take part in its farm.
pub(crate) struct Farm {
    store: Arc<SqliteStore>,
    /// Name of this node, as others reach it.
    name: String,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    authority: FarmAuthority,
    identity: NodeIdentity,
    /// The master key, as a node that joins receives it.
    transfer: Secret,
    removed: Arc<RemovedNodes>,
    client: Arc<ClientConfig>,
    /// What was read from the store last; the store itself refuses writes of a secondary.
    standing: Mutex<Standing>,
    /// Asks for a poll now.
    nudge: Notify,
    /// Two polls at once would do the same work twice.
    polling: tokio::sync::Mutex<()>,
    pages: Semaphore,
    /// When the last poll succeeded.
    succeeded: Mutex<Option<Timestamp>>,
    /// When each node was heard of last, by name.
    heard: Mutex<HashMap<String, Timestamp>>,
    live: OnceLock<Live>,
}

/// What follows the configuration, once it runs.
struct Live {
    server: Arc<FederationServer>,
    handle: ServerHandle,
}

/// What a farm is opened with.
pub(crate) struct Parts<'a> {
    pub(crate) data: &'a Path,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) node_key: &'a NodeKey,
    pub(crate) master_key: &'a MasterKey,
    pub(crate) name: &'a str,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

impl Farm {
    /// Opens this node's identity (makes it, on the first node of a farm), and asks the nodes that it knows whether
    /// another one was promoted meanwhile: a primary that comes back learns of it before anybody can change anything.
    pub(crate) async fn open(parts: Parts<'_>) -> Result<Arc<Self>> {
        let Parts { data, store, node_key, master_key, name, clock, random } = parts;
        let now = clock.now();
        let authority = identity::authority(&store, master_key, now, random.as_ref()).await?;
        let identity = identity::identity(data, node_key, &authority, name, now, random.as_ref())?;
        identity::register(&store, node_key.node(), name, now).await?;
        let removed = Arc::new(RemovedNodes::new(identity::removed(&store).await?));
        let mut client = member_client(&identity, removed.clone(), clock.clone())?;
        client.alpn_protocols = vec![b"http/1.1".to_vec()];
        let standing = store.standing().await?;
        let succeeded = store.last_sync().await?.filter(|sync| sync.error.is_empty()).map(|sync| sync.at);
        let farm = Arc::new(Self {
            store,
            name: name.to_owned(),
            clock,
            random,
            authority,
            identity,
            transfer: master_key.to_transfer(),
            removed,
            client: Arc::new(client),
            standing: Mutex::new(standing),
            nudge: Notify::new(),
            polling: tokio::sync::Mutex::default(),
            pages: Semaphore::new(PAGES_AT_ONCE),
            succeeded: Mutex::new(succeeded),
            heard: Mutex::default(),
            live: OnceLock::new(),
        });
        farm.tell_all().await?;
        farm.publish().await?;
        Ok(farm)
    }

    /// Serves nodes at this TLS side from now on.
    pub(crate) fn reserve(&self, tls: &Tls) -> Result<()> {
        tls.reserve(door::names(&self.identity, &self.removed, &self.clock)?);
        Ok(())
    }

    /// Follows the farm until the task is ended.
    pub(crate) async fn follow(self: Arc<Self>, server: Arc<FederationServer>, handle: ServerHandle) {
        let _ = self.live.set(Live { server, handle });
        poll::follow(&self).await;
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn standing(&self) -> Standing {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the standing anew, after something that may have changed it; whether it did.
    async fn refresh(&self) -> Result<bool> {
        let now = self.store.standing().await?;
        let mut known = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = *known != now;
        *known = now;
        drop(known);
        if changed {
            self.nudge.notify_one();
        }
        Ok(changed)
    }

    /// Learns of a term.
    async fn hear(&self, term: &Term) -> Result<()> {
        if self.store.hear(term).await?.is_some() {
            self.refresh().await?;
            self.publish().await?;
        }
        Ok(())
    }

    /// Tells every other node the newest term that this one knows, and hears theirs. Who cannot be reached is left out.
    async fn tell_all(&self) -> Result<()> {
        let term = self.standing().term;
        let port = self.port().await?;
        let others = identity::nodes(&self.store).await?;
        let others = others.iter().filter(|node| !node.node.fqdn.eq_ignore_ascii_case(&self.name));
        let calls = others.map(|node| {
            let term = &term;
            async move {
                let peer = self.peer(&node.node.fqdn, port);
                (node, peer.call::<_, Term>(TERM, term, ASKING).await)
            }
        });
        for (node, answer) in join_all(calls).await {
            match answer {
                Ok(term) => {
                    self.note_heard(&node.node.fqdn);
                    self.hear(&term).await?;
                }
                Err(error) => {
                    tracing::info!(node = node.node.fqdn, %error, "a node of the farm does not answer")
                }
            }
        }
        Ok(())
    }

    fn peer<'a>(&'a self, host: &'a str, port: u16) -> Peer<'a> {
        Peer { tls: &self.client, server_name: MEMBER_SERVER_NAME, host, port }
    }

    fn note_heard(&self, name: &str) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        // Names come from certificates of the farm, so there are as many as nodes.
        heard.insert(name.to_owned(), self.clock.now());
    }

    fn heard(&self, name: &str) -> Option<Timestamp> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }

    fn succeeded(&self) -> Option<Timestamp> {
        *self.succeeded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_success(&self) {
        *self.succeeded.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.clock.now());
    }

    /// For `serve --check`: the role, and how the copy is.
    pub(crate) async fn findings(&self) -> Vec<Finding> {
        const CHECK: &str = "Farm";
        let standing = self.standing();
        let mut findings = Vec::new();
        let epoch = standing.term.epoch;
        if standing.role == SyncRole::PrimaryComputer {
            findings.push(Finding::new(CHECK, Severity::Ok, format!("primary server, epoch {epoch}")));
        } else {
            let sync = self.store.last_sync().await.ok().flatten();
            let detail = format!("secondary server of {}, epoch {epoch}", standing.follows);
            let (result, detail) = match sync {
                Some(sync) if !sync.error.is_empty() => {
                    (Severity::Warning, format!("{detail}; the last synchronisation failed: {}", sync.error))
                }
                Some(sync) => (Severity::Ok, format!("{detail}, synchronised {}", sync.at.to_xml())),
                None => (Severity::Warning, format!("{detail}; not synchronised yet")),
            };
            findings.push(Finding::new(CHECK, result, detail));
        }
        let aside = self.store.diverged(0, 1_000).await.map(|list| list.len()).unwrap_or_default();
        if aside > 0 {
            let detail = format!(
                "{aside} changes that only this server had were kept aside when another one became the primary; \
                 Get-SekishoDivergedChange lists them"
            );
            findings.push(Finding::new(CHECK, Severity::Warning, detail));
        }
        findings
    }

    /// Number of the newest change here.
    async fn serial(&self) -> Result<u64> {
        Ok(self.store.head().await?.serial)
    }

    /// This node's identifier.
    fn node(&self) -> Guid {
        self.identity.member().node
    }
}

impl RoleSource for Farm {
    fn role(&self) -> Role {
        let standing = self.standing();
        match standing.role {
            SyncRole::PrimaryComputer => Role::Primary,
            SyncRole::SecondaryComputer => Role::Secondary { primary: standing.follows },
        }
    }
}
