//! The backend that all nodes of a farm share: a PostgreSQL database, in a schema of its own named `sekisho`.
//!
//! Every node reads and writes. Writers take turns at the row of `sekisho.writer`, so serial numbers have no gaps;
//! the lost-update check and the log are part of the same transaction.
//!
//! | what happens | what the caller sees |
//! | --- | --- |
//! | the connection is lost while reading | nothing: the statement is repeated, for about three seconds |
//! | … while writing, before the commit | nothing: the transaction did not happen, and is repeated |
//! | … during the commit | nothing: the outcome is looked up by the write's own id, which is part of it |
//! | … while a single-use value or a counter is written | a `retryable` error that says that the outcome is unknown |
//! | the server stays away | a `retryable` error |
//! | all connections are busy, a statement takes too long | a `retryable` error |
//!
//! [`Configuration::head`](crate::Configuration::head) is asked by every sign-in and answered from memory. A node hears
//! of another node's write as soon as it is committed (`LISTEN`), and asks once a second in case it did not hear; an
//! answer that nobody confirmed within [`HEAD_MAY_BE_OLD`] is not given, the database is asked instead.

mod activity;
mod configuration;
mod error;
mod head;
mod once;
mod pool;
mod schema;
mod settings;
mod tls;
mod transfer;
mod write;

use std::sync::Arc;

use base::Random;
use tokio::task::JoinHandle;

pub use error::OpenError;
pub use head::HEAD_MAY_BE_OLD;
pub use settings::{Protection, Settings, SettingsError};
pub use transfer::{TransferError, Transferred, transfer};

use head::HeadCache;
use pool::Pool;

/// All three kinds of state of a farm.
pub struct PostgresStore {
    pool: Arc<Pool>,
    head: Arc<HeadCache>,
    random: Arc<dyn Random>,
    listener: JoinHandle<()>,
}

impl PostgresStore {
    /// Connects, and brings the schema to this release's version; a database that has none yet gets one.
    ///
    /// One node at a time does so. A schema of a later release is refused and left as it is.
    /// `random` gives the ids by which a write is recognised after a lost connection.
    pub async fn open(settings: &Settings, random: Arc<dyn Random>) -> Result<Self, OpenError> {
        let pool = Arc::new(Pool::new(settings)?);
        schema::migrate(&pool).await?;
        let head = Arc::new(HeadCache::default());
        let listener = tokio::spawn(head::listen(pool.clone(), head.clone()));
        Ok(Self { pool, head, random, listener })
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore").field("pool", &self.pool).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
