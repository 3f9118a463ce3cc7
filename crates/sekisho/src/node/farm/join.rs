//! `Add-AdfsFarmNode`: this machine becomes a node of an existing farm.
//!
//! token → certificate → master key, wrapped with the node's own key → first copy of the configuration → `node.json`,
//! last of all: a directory without it holds no node, and can be joined again with a new token.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base::{Clock, Random, Secret};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use configuration::{ServiceProperties, SyncProperties, SyncRole};
use keys::certificate_store::CertificateStore;
use keys::node_identity::{
    JOIN_SERVER_NAME, JoinToken, MEMBER_SERVER_NAME, NodeIdentityKey, RemovedNodes, join_client,
    member_client,
};
use keys::{MasterKey, NodeKey};
use rustls::ClientConfig;
use store::sqlite::SqliteStore;
use store::sync::{Accepted, PullAnswer};
use store::{Configuration, Kind, Operation};

use super::channel::Peer;
use super::identity;
use super::messages::{JOIN, JoinAnswer, JoinRequest, MASTER_KEY, PULL, Transfer};
use super::settings::PRODUCT_PORT;
use crate::Result;
use crate::node::install::{Installed, leave_to_owner, node_key, node_name, put_aside};
use crate::node::listeners::servable;
use crate::node::settings::NodeSettings;

/// One message.
const CALL: Duration = Duration::from_secs(60);
/// Pages of the history at most.
const PAGES: usize = 100_000;

/// What `Add-AdfsFarmNode` is told.
pub(crate) struct NewNode {
    /// `-PrimaryComputerName`
    pub(crate) primary: String,
    /// `-PrimaryComputerPort`; the port of the service in the farm.
    pub(crate) port: u16,
    /// `-JoinToken`, of `New-SekishoJoinToken`.
    pub(crate) token: Secret,
    /// `-CertificateThumbprint`
    pub(crate) thumbprint: String,
    /// `-OverwriteConfiguration`
    pub(crate) overwrite: bool,
}

/// Checks what can be checked here and, unless `only_test`, joins.
pub(crate) async fn join(
    data: &Path,
    new: &NewNode,
    only_test: bool,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<Installed> {
    let now = clock.now();
    if NodeSettings::read(data)?.is_some() && !new.overwrite {
        let data = data.display();
        return Err(format!(
            "a farm is installed in {data} already; give -OverwriteConfiguration, which puts it aside and joins the other one"
        )
        .into());
    }
    let token = JoinToken::parse(&new.token)?;
    let name = node_name()?;
    let node_key = Arc::new(node_key(data, random.as_ref())?);
    let certificates = CertificateStore::open(data, node_key.clone());
    let stored = certificates.get(&new.thumbprint)?;
    certificates.tls_key(&new.thumbprint)?;
    let thumbprint = stored.thumbprint().to_owned();
    if only_test {
        return Ok(Installed { thumbprint, warnings: Vec::new(), put_aside: None });
    }
    let put_aside = put_aside(data, now)?;
    let client = enter(data, new, &token, &node_key, &name, clock, random.as_ref()).await?;
    let peer = |server_name| Peer { tls: &client, server_name, host: &new.primary, port: new.port };
    let member = peer(MEMBER_SERVER_NAME);
    let transfer: Transfer = member.call(MASTER_KEY, &(), CALL).await?;
    let master = MasterKey::from_transfer(&Secret::new(transfer.master_key))?;

    let store = SqliteStore::open(data)?;
    keep(&store, new, &node_key, &master, now, random.as_ref()).await?;
    copy(&store, new, &member, clock).await?;
    let properties = store.get(Kind::ServiceProperties, sts::PROPERTIES_ID).await?;
    let properties = properties.ok_or("the copied configuration has no service properties")?;
    let properties: ServiceProperties = serde_json::from_value(properties.body)?;
    drop(store);
    let servable = servable(&certificates, "CertificateThumbprint", &thumbprint, &properties.host_name, now);
    let servable = servable
        .map_err(|error| format!("{error}. Make a new join token and join again with another one"))?;
    let settings = NodeSettings {
        sql_connection_string: None,
        node_name: name,
        certificate_hash: thumbprint.clone(),
        load_balancers: Vec::new(),
        proxy_protocol: false,
    };
    settings.write(data)?;
    leave_to_owner(data)?;
    Ok(Installed { thumbprint, warnings: servable.warnings, put_aside })
}

/// Shows the token to the farm, and comes back as a member.
async fn enter(
    data: &Path,
    new: &NewNode,
    token: &JoinToken,
    node_key: &NodeKey,
    name: &str,
    clock: &Arc<dyn Clock>,
    random: &dyn Random,
) -> Result<Arc<ClientConfig>> {
    let key = NodeIdentityKey::open_or_create(data, node_key, random)?;
    let mut client = join_client(token.authority(), clock.clone())?;
    client.alpn_protocols = vec![b"http/1.1".to_vec()];
    let client = Arc::new(client);
    let door = Peer { tls: &client, server_name: JOIN_SERVER_NAME, host: &new.primary, port: new.port };
    let request = JoinRequest {
        token: new.token.expose().to_owned(),
        node: node_key.node(),
        name: name.to_owned(),
        signing_request: STANDARD.encode(key.signing_request()?),
    };
    let answer: JoinAnswer = door.call(JOIN, &request, CALL).await?;
    let certificate = STANDARD.decode(&answer.certificate)?.into();
    let authority = STANDARD.decode(&answer.authority)?.into();
    let identity = key.install(&certificate, &authority, token.authority())?;
    let mut client = member_client(&identity, Arc::new(RemovedNodes::default()), clock.clone())?;
    client.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(client))
}

/// Stores what belongs to this node alone: its wrapping of the master key, and whom it follows.
async fn keep(
    store: &SqliteStore,
    new: &NewNode,
    node_key: &NodeKey,
    master: &MasterKey,
    now: base::Timestamp,
    random: &dyn Random,
) -> Result<()> {
    store.follow(&new.primary).await?;
    let port = if new.port == 443 { PRODUCT_PORT } else { new.port };
    let properties = SyncProperties {
        role: SyncRole::SecondaryComputer,
        primary_computer_name: new.primary.clone(),
        primary_computer_port: port,
        ..SyncProperties::default()
    };
    let own = |kind, id: &str, body| Operation::Put {
        kind,
        id: id.to_owned(),
        expected: 0,
        body,
        keys: Vec::new(),
    };
    let operations = vec![
        own(Kind::Node, sts::NODE_ID, serde_json::to_value(node_key.wrap(master, random)?)?),
        own(Kind::SyncProperties, "node", serde_json::to_value(properties)?),
    ];
    Ok(identity::write(store, "Add-AdfsFarmNode", now, operations)
        .await
        .map_err(|error| error.to_string())?)
}

/// The whole configuration, before the service starts.
async fn copy(store: &SqliteStore, new: &NewNode, member: &Peer<'_>, clock: &Arc<dyn Clock>) -> Result<()> {
    for _ in 0..PAGES {
        let request = store.pull_request().await?;
        let answer: PullAnswer = member.call(PULL, &request, CALL).await?;
        match store.accept(&new.primary, request, answer, clock.now()).await? {
            Accepted::Current | Accepted::Installed { .. } => return Ok(()),
            Accepted::Advanced | Accepted::Copying => {}
            Accepted::Refused(error) => return Err(error.into()),
            Accepted::Follows(term) => {
                return Err(format!("{} is no primary server; join at {}", new.primary, term.primary).into());
            }
            Accepted::Ignored => {
                return Err(format!("{} answered as no primary server does", new.primary).into());
            }
        }
    }
    Err("the history of the primary server has no end".into())
}
