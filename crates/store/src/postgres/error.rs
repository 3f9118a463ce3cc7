//! PostgreSQL's errors in the words of an administrator, and what is certain after each.

use std::error::Error as _;

use tokio_postgres::error::{DbError, SqlState};

use crate::StoreError;

/// Why the database could not be opened. Nothing in it was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The settings name something that cannot be used, such as a certificate file.
    #[error("the connection to PostgreSQL cannot be set up: {0}")]
    Settings(String),
    /// The database cannot be reached, or refuses.
    #[error("PostgreSQL cannot be used: {0}")]
    Database(StoreError),
    /// The schema was written by a later release.
    #[error(
        "the database has schema version {found}, and this release knows versions up to {known}; start the newer release again, or restore the backup made before the upgrade"
    )]
    NewerSchema {
        /// Version in the database.
        found: i32,
        /// Newest version that this binary knows.
        known: i32,
    },
}

/// Why a statement or transaction has no result.
#[derive(Debug)]
pub(super) struct Failure {
    /// What the driver or the server said.
    pub(super) cause: String,
    /// Whether the same may succeed later.
    pub(super) transient: bool,
    /// Whether it may succeed in a moment, so that the caller need not hear of it.
    pub(super) brief: bool,
    /// Whether nothing was changed. Otherwise nobody can tell.
    pub(super) certain: bool,
}

impl Failure {
    /// Before anything was sent, and after a long wait.
    pub(super) fn before(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), transient: true, brief: false, certain: true }
    }

    /// Sent, and no answer came within the time that the server has to give one.
    pub(super) fn silence() -> Self {
        Self { certain: false, ..Self::before("the server does not answer") }
    }

    /// What the stored data or the server's answer cannot mean.
    pub(super) fn nonsense(cause: impl Into<String>) -> Self {
        Self { transient: false, ..Self::before(cause) }
    }

    /// From an error of a connection that is being made.
    pub(super) fn connecting(error: &tokio_postgres::Error) -> Self {
        Self { certain: true, ..Self::of(error) }
    }

    /// From an error that came in place of an answer.
    pub(super) fn of(error: &tokio_postgres::Error) -> Self {
        let Some(refusal) = error.as_db_error() else {
            let cause =
                error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
            return Self { cause, transient: true, brief: true, certain: false };
        };
        let state = refusal.code();
        // The server says goodbye, perhaps just after it did what it was asked.
        let goodbye = matches!(
            refusal.parsed_severity(),
            Some(tokio_postgres::error::Severity::Fatal | tokio_postgres::error::Severity::Panic)
        );
        let transient = is_transient(state);
        // A statement that was too slow would be so again.
        let brief = transient && *state != SqlState::QUERY_CANCELED;
        Self { cause: describe(refusal), transient, brief, certain: !goodbye }
    }

    /// What the caller learns.
    pub(super) fn into_error(self, operation: &'static str) -> StoreError {
        let cause = match self.certain {
            true => self.cause,
            false => format!("{}; whether it was done is unknown", self.cause),
        };
        StoreError { operation, cause, retryable: self.transient }
    }
}

/// The message without its detail, which may quote what was stored.
fn describe(refusal: &DbError) -> String {
    let advice = match *refusal.code() {
        SqlState::QUERY_CANCELED => {
            "; the statement took too long, see Statement Timeout of the connection string"
        }
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "; see Username and Password of the connection string, and pg_hba.conf"
        }
        SqlState::INSUFFICIENT_PRIVILEGE => {
            "; the role must own the database, or be allowed to create schemas in it"
        }
        SqlState::DISK_FULL => "; free space on the database server",
        _ => "",
    };
    format!("{} (SQLSTATE {}){advice}", refusal.message(), refusal.code().code())
}

fn is_transient(state: &SqlState) -> bool {
    // Connection, resources, operator intervention, rollback for another transaction's sake.
    let class = state.code().get(..2).unwrap_or_default();
    matches!(class, "08" | "53" | "57" | "40")
        || [
            SqlState::LOCK_NOT_AVAILABLE,
            // A server that was the primary until now.
            SqlState::READ_ONLY_SQL_TRANSACTION,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        ]
        .contains(state)
}
