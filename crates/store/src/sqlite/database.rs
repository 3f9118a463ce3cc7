//! One database file: identity, schema, health, permissions.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::OpenError;
use super::readers::Readers;
use super::writer::{Undo, Writer};
use crate::StoreError;

/// What distinguishes one file from the other.
pub(super) struct FileKind {
    /// File name in the data directory.
    pub(super) name: &'static str,
    /// SQLite's `application_id`: tells our files from others, and from each other.
    pub(super) application_id: i32,
    /// The n-th brings schema version n-1 to n. Those of earlier releases are never changed.
    pub(super) migrations: &'static [fn(&Connection) -> rusqlite::Result<()>],
    /// SQLite's `synchronous`.
    pub(super) synchronous: &'static str,
    /// How many writes may share a transaction.
    pub(super) batch: usize,
}

/// First octets of every SQLite file.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// How long a connection waits for a lock that another program holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const READERS: usize = 4;

/// An open file.
#[derive(Debug)]
pub(super) struct Database {
    writer: Writer,
    readers: Readers,
}

impl Database {
    pub(super) fn open(dir: &Path, kind: &FileKind) -> Result<Self, OpenError> {
        let path = dir.join(kind.name);
        prepare_file(dir, &path)?;
        let failed = |error: rusqlite::Error| OpenError::sqlite(path.clone(), &error);
        let mut connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
        // Before anything is written: whose file is it, which version, is it sound?
        let version = schema_version(&connection, &path, kind)?;
        check_pages(&connection, &path)?;
        close_to_others(&path)?;
        configure_writer(&connection, &path, kind)?;
        migrate(&mut connection, version, kind).map_err(failed)?;

        let mut idle = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            idle.push(connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?);
        }
        let writer = Writer::start(connection, kind.name, kind.batch)
            .map_err(|cause| OpenError::File { path: path.clone(), cause })?;
        Ok(Self { writer, readers: Readers::new(idle) })
    }

    /// Runs `work` on the writing thread and commits it. See [`Writer::run`].
    pub(super) async fn write<T, R>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Undo<R>> + Send + 'static,
    ) -> Result<T, R>
    where
        T: Send + 'static,
        R: From<StoreError> + Send + 'static,
    {
        self.writer.run(operation, work).await
    }

    /// See [`Writer::commits`].
    pub(super) fn commits(&self) -> u64 {
        self.writer.commits()
    }

    /// See [`Writer::told`].
    pub(super) fn told(&self) -> tokio::sync::watch::Receiver<u64> {
        self.writer.told()
    }

    /// Runs `work` on a reading connection. See [`Readers::run`].
    pub(super) async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.run(operation, work).await
    }
}

/// Creates a missing file for the owner alone, and looks at an existing one before SQLite does.
fn prepare_file(dir: &Path, path: &Path) -> Result<(), OpenError> {
    let failed = |cause| OpenError::File { path: path.into(), cause };
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    match options.clone().create_new(true).open(path) {
        // The name itself must survive a power failure.
        Ok(_) => return File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(error)),
    }
    // SQLite would fall back to reading only, and fail later.
    let mut file = options.open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    if length == 0 {
        // SQLite deletes the log of an empty database. A log with content means that the database was cut off.
        let log = fs::metadata(sibling(path, "-wal")).map_or(0, |log| log.len());
        return match log {
            0 => Ok(()),
            _ => Err(OpenError::Damaged {
                path: path.into(),
                cause: format!("the file is empty, but its log has {log} bytes"),
            }),
        };
    }
    let mut magic = [0; 16];
    match file.read_exact(&mut magic) {
        Ok(()) if magic == MAGIC => Ok(()),
        _ => Err(OpenError::NotOurs { path: path.into(), found: "it is not an SQLite file".into() }),
    }
}

fn connect(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

/// The schema version of a file that is ours; 0 for one that nobody has written to.
fn schema_version(connection: &Connection, path: &Path, kind: &FileKind) -> Result<usize, OpenError> {
    let failed = |error: rusqlite::Error| OpenError::sqlite(path.into(), &error);
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(failed);
    let application_id = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    if (application_id, version, tables) == (0, 0, 0) {
        return Ok(0);
    }
    if application_id != i64::from(kind.application_id) {
        let found = format!("an SQLite file with application id {application_id:#x} and {tables} tables");
        return Err(OpenError::NotOurs { path: path.into(), found });
    }
    match usize::try_from(version) {
        Ok(version) if version <= kind.migrations.len() => Ok(version),
        _ => Err(OpenError::NewerSchema { path: path.into(), found: version, known: kind.migrations.len() }),
    }
}

fn check_pages(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let found: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| OpenError::sqlite(path.into(), &error))?;
    match found.as_str() {
        "ok" => Ok(()),
        _ => Err(OpenError::Damaged { path: path.into(), cause: found.replace('\n', " ") }),
    }
}

/// A restored file may have wider permissions than the one that was saved.
fn close_to_others(path: &Path) -> Result<(), OpenError> {
    for path in [path.to_path_buf(), sibling(path, "-wal"), sibling(path, "-shm")] {
        let mode = match fs::metadata(&path) {
            Ok(metadata) => metadata.permissions().mode() & 0o777,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(cause) => return Err(OpenError::File { path, cause }),
        };
        if mode & 0o077 != 0 {
            tracing::warn!(path = %path.display(), mode = format!("{mode:o}"), "database was open to other accounts; set to 600");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))
                .map_err(|cause| OpenError::File { path: path.clone(), cause })?;
        }
    }
    Ok(())
}

fn configure_writer(connection: &Connection, path: &Path, kind: &FileKind) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| OpenError::sqlite(path.into(), &error);
    let mode: String =
        connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(failed)?;
    if mode != "wal" {
        return Err(OpenError::Sqlite {
            path: path.into(),
            cause: format!(
                "its file system allows only journal mode '{mode}'; the data directory must be on a local disk"
            ),
        });
    }
    connection.pragma_update(None, "synchronous", kind.synchronous).map_err(failed)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
    // After a burst the log gives its space back.
    connection.pragma_update(None, "journal_size_limit", 16 * 1024 * 1024).map_err(failed)
}

/// All steps, and the numbers that tell of them, in one transaction.
pub(super) fn migrate(connection: &mut Connection, version: usize, kind: &FileKind) -> rusqlite::Result<()> {
    if version == kind.migrations.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in kind.migrations.iter().skip(version) {
        step(&transaction)?;
    }
    transaction.pragma_update(None, "application_id", kind.application_id)?;
    transaction.pragma_update(
        None,
        "user_version",
        i64::try_from(kind.migrations.len()).unwrap_or(i64::MAX),
    )?;
    transaction.commit()
}

fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
