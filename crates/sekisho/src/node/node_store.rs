//! Where a node keeps what it knows, as its settings say: files of the data directory, or a database that all nodes of
//! the farm share.

use std::collections::HashSet;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use base::{Random, Secret};
use keys::NodeKey;
use store::postgres::{OpenError, PostgresStore, Settings, SettingsError};
use store::sqlite::{DirectoryLock, SqliteStore};
use store::{Activity, Configuration, Once};

use super::settings::NodeSettings;
use crate::Result;

/// How often a database that is out of reach at the start is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(2);
/// Name under which the connection string is sealed.
const SEALED_AS: &str = "SQLConnectionString";

/// `-SQLConnectionString`: its text, and what the text means. Neither is ever printed.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionString {
    text: Secret,
    settings: Settings,
}

impl FromStr for ConnectionString {
    type Err = SettingsError;

    fn from_str(text: &str) -> std::result::Result<Self, SettingsError> {
        Ok(Self { text: Secret::new(text), settings: text.parse()? })
    }
}

impl ConnectionString {
    /// The database, for people: its name and the server's, no account.
    pub(crate) fn place(&self) -> String {
        let hosts: Vec<String> =
            self.settings.hosts.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        format!("PostgreSQL database '{}' on {}", self.settings.database, hosts.join(", "))
    }

    /// The text for `node.json`: only this node can read it.
    pub(crate) fn seal(&self, node_key: &NodeKey, random: &dyn Random) -> Result<String> {
        Ok(node_key.seal_setting(SEALED_AS, &self.text, random)?)
    }

    fn unseal(sealed: &str, node_key: &NodeKey) -> Result<Self> {
        let text = node_key.open_setting(SEALED_AS, sealed).ok_or(
            "node.json: SQLConnectionString: it was sealed with another node.key than the one beside it; restore \
             both from the same backup",
        )?;
        Ok(text.expose().parse()?)
    }

    /// Connects; a database without the schema gets it.
    pub(crate) async fn open(
        &self,
        random: Arc<dyn Random>,
    ) -> std::result::Result<PostgresStore, OpenError> {
        PostgresStore::open(&self.settings, random).await
    }
}

/// The store of a node.
#[derive(Debug, Clone)]
pub(crate) enum NodeStore {
    /// Files of the data directory.
    Embedded(Arc<SqliteStore>),
    /// A database that all nodes of the farm share; the data directory with keys and journal is one process's still.
    Shared {
        /// The database.
        store: Arc<PostgresStore>,
        /// Held as long as the node runs.
        _lock: Arc<DirectoryLock>,
    },
}

impl From<Arc<SqliteStore>> for NodeStore {
    fn from(store: Arc<SqliteStore>) -> Self {
        Self::Embedded(store)
    }
}

impl NodeStore {
    /// Opens the store in `data`, or the database that `connection` names.
    pub(crate) async fn open(
        data: &Path,
        connection: Option<&ConnectionString>,
        random: Arc<dyn Random>,
    ) -> Result<Self> {
        let Some(connection) = connection else {
            return Ok(Self::Embedded(Arc::new(SqliteStore::open(data)?)));
        };
        let lock = Arc::new(DirectoryLock::acquire(data)?);
        let opened = connection.open(random).await;
        let store = opened.map_err(|error| format!("{}: {error}", connection.place()))?;
        Ok(Self::Shared { store: Arc::new(store), _lock: lock })
    }

    /// The store of an installed node.
    pub(crate) async fn of(
        data: &Path,
        settings: &NodeSettings,
        node_key: &NodeKey,
        random: Arc<dyn Random>,
    ) -> Result<Self> {
        Self::open(data, connection_string(settings, node_key)?.as_ref(), random).await
    }

    /// The store of a node that starts: a database that is out of reach is waited for, and the service manager and the
    /// log are told so.
    pub(crate) async fn when_reachable(
        data: &Path,
        settings: &NodeSettings,
        node_key: &NodeKey,
        random: Arc<dyn Random>,
    ) -> Result<Self> {
        let Some(connection) = connection_string(settings, node_key)? else {
            return Self::open(data, None, random).await;
        };
        let lock = Arc::new(DirectoryLock::acquire(data)?);
        let mut told = HashSet::new();
        loop {
            let error = match connection.open(random.clone()).await {
                Ok(store) => return Ok(Self::Shared { store: Arc::new(store), _lock: lock }),
                Err(error) => error,
            };
            let text = format!("{}: {error}", connection.place());
            if !matches!(&error, OpenError::Database(cause) if cause.retryable) {
                return Err(text.into());
            }
            net::service_manager::status(&format!("not ready: {text}"));
            if told.insert(text.clone()) {
                tracing::warn!(error = text, "waiting for the database");
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }

    /// Configuration objects.
    pub(crate) fn configuration(&self) -> Arc<dyn Configuration> {
        match self {
            Self::Embedded(store) => store.clone(),
            Self::Shared { store, .. } => store.clone(),
        }
    }

    /// Single-use values.
    pub(crate) fn once(&self) -> Arc<dyn Once> {
        match self {
            Self::Embedded(store) => store.clone(),
            Self::Shared { store, .. } => store.clone(),
        }
    }

    /// Counters of accounts.
    pub(crate) fn activity(&self) -> Arc<dyn Activity> {
        match self {
            Self::Embedded(store) => store.clone(),
            Self::Shared { store, .. } => store.clone(),
        }
    }
}

fn connection_string(settings: &NodeSettings, node_key: &NodeKey) -> Result<Option<ConnectionString>> {
    let sealed = settings.sql_connection_string.as_ref();
    sealed.map(|sealed| ConnectionString::unseal(sealed, node_key)).transpose()
}

#[cfg(test)]
mod tests {
    use base::SystemRandom;

    use super::*;

    #[test]
    fn a_connection_string_shows_its_password_to_this_node_only() {
        let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let key = NodeKey::create(data.path(), &SystemRandom).unwrap();
        let text = "Host=db1,db2;Database=fs;Username=fs;Password=hunter-2";
        let connection: ConnectionString = text.parse().unwrap();
        assert_eq!(connection.place(), "PostgreSQL database 'fs' on db1:5432, db2:5432");
        let sealed = connection.seal(&key, &SystemRandom).unwrap();
        assert!(!format!("{connection:?}{sealed}").contains("hunter-2"));
        assert_eq!(ConnectionString::unseal(&sealed, &key).unwrap().text.expose(), text);
        let other = NodeKey::create(other.path(), &SystemRandom).unwrap();
        let error = ConnectionString::unseal(&sealed, &other).unwrap_err().to_string();
        assert!(error.contains("node.key"), "{error}");
    }

    #[tokio::test]
    async fn a_database_out_of_reach_is_named_without_its_password() {
        let data = tempfile::tempdir().unwrap();
        // Port 1 of this machine: nobody listens there.
        let connection: ConnectionString =
            "host=127.0.0.1 port=1 dbname=fs user=fs password=hunter-2".parse().unwrap();
        let opened = NodeStore::open(data.path(), Some(&connection), Arc::new(SystemRandom)).await;
        let error = opened.unwrap_err().to_string();
        assert!(error.starts_with("PostgreSQL database 'fs' on 127.0.0.1:1: "), "{error}");
        assert!(!error.contains("hunter-2"), "{error}");
    }
}
