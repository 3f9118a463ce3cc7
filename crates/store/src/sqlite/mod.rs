//! The embedded backend: SQLite files in the data directory. Nothing to install.
//!
//! | file | holds | a write is |
//! | --- | --- | --- |
//! | `configuration.db` | [`Configuration`](crate::Configuration) | its own transaction, on disk (fsync) when it returns |
//! | `activity.db` | [`Once`](crate::Once), [`Activity`](crate::Activity) | one transaction with the writes that waited together; the operating system's when it returns |
//! | `sekisho.lock` | the process that has the directory open | |
//!
//! Each file has one thread that writes and a few connections that read.

mod activity;
mod configuration;
mod database;
mod error;
mod export;
mod farm;
mod lock;
mod once;
mod readers;
mod replication;
mod writer;

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::sync::Mutex;

pub use error::OpenError;
pub(crate) use export::StoredObject;
pub use lock::DirectoryLock;

use crate::Head;
use database::Database;

/// All three kinds of state of one node.
#[derive(Debug)]
pub struct SqliteStore {
    configuration: Database,
    activity: Database,
    /// The position that was read last, and the number of commits at which it was.
    head: Mutex<Option<(u64, Head)>>,
    // Last, so that the files are closed before another process may open them.
    _lock: DirectoryLock,
}

impl SqliteStore {
    /// Opens the data directory `dir`, creating what does not exist yet.
    ///
    /// Blocks while it reads and checks the files; call it before the service starts.
    /// Directory and files are readable by their owner alone. What cannot be understood is refused with its
    /// reason, and never emptied or replaced.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        prepare_directory(dir)?;
        let lock = DirectoryLock::acquire(dir)?;
        Ok(Self {
            configuration: Database::open(dir, &configuration::FILE)?,
            activity: Database::open(dir, &activity::FILE)?,
            head: Mutex::default(),
            _lock: lock,
        })
    }
}

/// Creates the directory for the owner alone. An existing one is closed to others only if it is empty or ours:
/// nobody wants the mode of `/tmp` changed by a slip of the pen.
fn prepare_directory(dir: &Path) -> Result<(), OpenError> {
    let failed = |cause: std::io::Error| OpenError::Directory { path: dir.into(), cause };
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    let mode = fs::metadata(dir).map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let ours = dir.join(configuration::FILE.name).exists();
    let empty = fs::read_dir(dir).map_err(failed)?.next().is_none();
    if !ours && !empty {
        return Err(OpenError::SharedDirectory { path: dir.into(), mode });
    }
    tracing::warn!(path = %dir.display(), mode = format!("{mode:o}"), "data directory was open to other accounts; set to 700");
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(failed)
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
