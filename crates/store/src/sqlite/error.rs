//! SQLite's errors in the words of an administrator.

use std::path::PathBuf;

use rusqlite::ErrorCode;

use crate::StoreError;

/// Why the data directory could not be opened. Nothing in it was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory cannot be created or read.
    #[error(
        "data directory '{path}' cannot be used: {cause}; it must be a directory that belongs to the account the service runs as"
    )]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The system's reason.
        cause: std::io::Error,
    },
    /// Other accounts can enter a directory that holds something else already.
    #[error(
        "data directory '{path}' is open to other accounts (mode {mode:o}) and holds other files; name a directory of its own, it is created when missing"
    )]
    SharedDirectory {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Another process has the directory open.
    #[error("data directory '{path}' is in use by {holder}; stop that process or name another directory")]
    Held {
        /// The directory.
        path: PathBuf,
        /// `process 4711`, or `another process` when its number is unknown.
        holder: String,
    },
    /// A file cannot be created, read or written.
    #[error(
        "'{path}' cannot be read and written: {cause}; it must belong to the account the service runs as, on a file system that is not full or read-only"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        cause: std::io::Error,
    },
    /// The file was written by another program or for another purpose.
    #[error(
        "'{path}' is not a database of this service ({found}); it was left as it is: move it away or restore the right file"
    )]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What it looks like.
        found: String,
    },
    /// The file was written by a later release.
    #[error(
        "'{path}' has schema version {found}, and this release knows versions up to {known}; start the newer release again, or restore the backup made before the upgrade"
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Version in the file.
        found: i64,
        /// Newest version that this binary knows.
        known: usize,
    },
    /// The content of the file is damaged.
    #[error("'{path}' is damaged: {cause}; it was left as it is: restore it from a backup")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// SQLite refused for another reason.
    #[error("'{path}' cannot be opened: {cause}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// SQLite's reason.
        cause: String,
    },
}

impl OpenError {
    pub(super) fn sqlite(path: PathBuf, error: &rusqlite::Error) -> Self {
        let cause = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { path, cause },
            _ => Self::Sqlite { path, cause },
        }
    }
}

/// A failure while the service runs.
pub(super) fn store_error(operation: &'static str, error: &rusqlite::Error) -> StoreError {
    let (advice, retryable) = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => ("free space on the disk of the data directory", true),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            ("another program holds the database; is a backup tool running?", true)
        }
        Some(ErrorCode::SystemIoFailure) => {
            ("the disk of the data directory fails; see the system's log", true)
        }
        Some(ErrorCode::OperationAborted) => ("repeat the operation", true),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            ("give the data directory to the account the service runs as", true)
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            ("the database is damaged; restore it from a backup", false)
        }
        _ => return StoreError { operation, cause: error.to_string(), retryable: false },
    };
    StoreError { operation, cause: format!("{error}; {advice}"), retryable }
}

/// More writes wait than the store can take in a moment.
pub(super) fn overloaded(operation: &'static str) -> StoreError {
    StoreError { operation, cause: "too many writes are waiting for the disk".into(), retryable: true }
}

/// The store was closed, or one of its threads died.
pub(super) fn stopped(operation: &'static str) -> StoreError {
    StoreError { operation, cause: "the store is closed; restart the service".into(), retryable: false }
}
