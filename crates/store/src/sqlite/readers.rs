//! The connections that read from one file. In WAL mode they neither wait for the writer nor hold it up.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::error::{stopped, store_error};
use crate::StoreError;

/// A few connections, each used by one caller at a time.
#[derive(Debug)]
pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(idle: Vec<Connection>) -> Self {
        Self { permits: Arc::new(Semaphore::new(idle.len())), idle: Arc::new(Mutex::new(idle)) }
    }

    /// Runs `work` on a blocking thread as soon as a connection is free.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| stopped(operation))?;
        let idle = self.idle.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let lease = Lease::take(idle).ok_or_else(|| stopped(operation))?;
            let result = lease.connection.as_ref().map(work);
            drop(lease);
            // Only now: whoever gets the permit finds the connection.
            drop(permit);
            result
                .unwrap_or(Err(rusqlite::Error::InvalidQuery))
                .map_err(|error| store_error(operation, &error))
        });
        reading.await.unwrap_or_else(|_| Err(stopped(operation)))
    }
}

/// A connection that goes back when it is dropped, after a panic too.
struct Lease {
    connection: Option<Connection>,
    home: Arc<Mutex<Vec<Connection>>>,
}

impl Lease {
    fn take(home: Arc<Mutex<Vec<Connection>>>) -> Option<Self> {
        let connection = home.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
        Some(Self { connection: Some(connection), home })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.home.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}
