//! `sync-properties`: what this node was told about synchronisation, and how it is.

use std::time::Duration;

use configuration::{ServiceProperties, SyncProperties, SyncRole};
use store::sync::Role;
use store::{Configuration, Kind, Operation};

use super::{Farm, Result, identity};

/// The one object of the kind.
const ID: &str = "node";
/// The product's port for nodes, which is not used here: it means the port of the service.
pub(super) const PRODUCT_PORT: u16 = 80;

impl Farm {
    /// The properties as they are stored, and their version.
    pub(super) async fn stored_properties(&self) -> Result<(SyncProperties, u64)> {
        Ok(match self.store.get(Kind::SyncProperties, ID).await? {
            Some(stored) => (serde_json::from_value(stored.body)?, stored.version),
            None => (SyncProperties::default(), 0),
        })
    }

    /// How often the primary is asked.
    pub(super) async fn poll_duration(&self) -> Result<Duration> {
        let (properties, _) = self.stored_properties().await?;
        Ok(Duration::from_secs(u64::from(properties.poll_duration.max(1))))
    }

    /// The port at which nodes are called: that of `PrimaryComputerPort`, else that of the service.
    pub(super) async fn port(&self) -> Result<u16> {
        let (properties, _) = self.stored_properties().await?;
        if properties.primary_computer_port != PRODUCT_PORT {
            return Ok(properties.primary_computer_port);
        }
        let stored = self.store.get(Kind::ServiceProperties, sts::PROPERTIES_ID).await?;
        let stored = stored.ok_or("the configuration has no service properties")?;
        Ok(serde_json::from_value::<ServiceProperties>(stored.body)?.https_port)
    }

    /// Stores settings of this node; `None` leaves one as it is.
    pub(super) async fn set_properties(&self, poll: Option<u32>, port: Option<u16>) -> Result<()> {
        let (mut properties, version) = self.stored_properties().await?;
        properties.poll_duration = poll.unwrap_or(properties.poll_duration);
        properties.primary_computer_port = port.unwrap_or(properties.primary_computer_port);
        self.store_properties(&properties, version).await
    }

    /// Makes `Get-AdfsSyncProperties` say how things are now.
    pub(super) async fn publish(&self) -> Result<()> {
        let (stored, version) = self.stored_properties().await?;
        let mut properties = stored.clone();
        let standing = self.standing();
        properties.role = match standing.role {
            Role::PrimaryComputer => SyncRole::PrimaryComputer,
            Role::SecondaryComputer => SyncRole::SecondaryComputer,
        };
        properties.primary_computer_name = standing.follows;
        if let Some(sync) = self.store.last_sync().await? {
            properties.last_sync_from_primary_computer_name = sync.from;
            properties.last_sync_time = sync.at;
            properties.last_sync_status = u32::from(!sync.error.is_empty());
        }
        if properties == stored && version > 0 {
            return Ok(());
        }
        self.store_properties(&properties, version).await
    }

    async fn store_properties(&self, properties: &SyncProperties, expected: u64) -> Result<()> {
        let operation = Operation::Put {
            kind: Kind::SyncProperties,
            id: ID.to_owned(),
            expected,
            body: serde_json::to_value(properties)?,
            keys: Vec::new(),
        };
        identity::write(&self.store, "synchronisation", self.now(), vec![operation]).await
    }
}
