//! `Move-SekishoStore`: from the embedded store to a database, while the service is stopped.
//!
//! everything copied and compared, in one transaction → `node.json` names the database → the files are put aside. The
//! service uses what `node.json` says, so that it has all of the old store or all of the new one at any instant.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{Clock, Random};
use keys::NodeKey;
use store::Configuration;
use store::postgres::{Transferred, transfer};
use store::sqlite::SqliteStore;

use super::install::{OF_THE_STORE, move_files};
use super::node_store::ConnectionString;
use super::run::not_installed;
use super::settings::NodeSettings;
use crate::Result;

/// What was moved.
#[derive(Debug)]
pub(crate) struct Moved {
    pub(crate) transferred: Transferred,
    /// Where the files of the embedded store are now.
    pub(crate) put_aside: PathBuf,
}

/// Moves the store of the node in `data`. `None` when `only_test`: nothing was changed.
pub(crate) async fn move_store(
    data: &Path,
    connection: &ConnectionString,
    only_test: bool,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<Option<Moved>> {
    let settings = NodeSettings::read(data)?.ok_or_else(|| not_installed(data))?;
    if settings.sql_connection_string.is_some() {
        return Err("the configuration of this node is in a database already".into());
    }
    let node_key = NodeKey::open(data)?;
    // Refused while the service runs: it holds the directory.
    let embedded = SqliteStore::open(data)?;
    sts::open_master_key(&embedded, &node_key).await?;
    if only_test {
        return Ok(None);
    }
    let shared = connection.open(random.clone()).await;
    let shared = shared.map_err(|error| format!("{}: {error}", connection.place()))?;
    let moved = transfer(&embedded, &shared).await;
    let transferred = moved.map_err(|error| format!("{}: {error}", connection.place()))?;
    if shared.head().await? != transferred.head {
        return Err(format!("{} was written by somebody else meanwhile", connection.place()).into());
    }
    sts::open_master_key(&shared, &node_key).await?;

    let sealed = connection.seal(&node_key, random.as_ref())?;
    NodeSettings { sql_connection_string: Some(sealed), ..settings }.write(data)?;
    // Closed before they are moved: SQLite puts its log into the file then.
    drop(embedded);
    let put_aside = move_files(data, "embedded", OF_THE_STORE, clock.now())?;
    let put_aside = put_aside.ok_or("the files of the embedded store are gone")?;
    Ok(Some(Moved { transferred, put_aside }))
}
