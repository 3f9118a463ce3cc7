//! [`Once`] in `activity.db`. Each operation is one statement, so it is atomic by itself.

use async_trait::async_trait;
use base::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::SqliteStore;
use super::configuration::sql_limit;
use super::writer::Undo;
use crate::{Once, StoreError};

#[async_trait]
impl Once for SqliteStore {
    async fn put(
        &self,
        purpose: &str,
        handle: &str,
        value: &[u8],
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        let operation = "keep a single-use value";
        let (purpose, handle, value) = (purpose.to_owned(), handle.to_owned(), value.to_vec());
        self.activity
            .write(operation, move |connection| {
                let inserted = connection
                    .prepare_cached(
                        "INSERT INTO once (purpose, handle, value, expires) VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT DO NOTHING",
                    )?
                    .execute(params![purpose, handle, value, expires.as_micros()])?;
                if inserted == 1 {
                    return Ok(());
                }
                let cause = format!("a handle of '{purpose}' was used before; handles must be random");
                Err(Undo::Refused(StoreError { operation, cause, retryable: false }))
            })
            .await
    }

    async fn take(&self, purpose: &str, handle: &str, now: Timestamp) -> Result<Option<Vec<u8>>, StoreError> {
        let (purpose, handle) = (purpose.to_owned(), handle.to_owned());
        self.activity
            .write("redeem a single-use value", move |connection| {
                let taken = connection
                    .prepare_cached(
                        "DELETE FROM once WHERE purpose = ?1 AND handle = ?2 RETURNING value, expires",
                    )?
                    .query_row(params![purpose, handle], |row| {
                        Ok((row.get(0)?, Timestamp::from_micros(row.get(1)?)))
                    })
                    .optional()?;
                Ok(taken.filter(|(_, expires)| *expires > now).map(|(value, _)| value))
            })
            .await
    }

    async fn insert_if_absent(
        &self,
        purpose: &str,
        key: &str,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.insert("remember a single-use key", purpose, key, Vec::new(), expires, now).await
    }

    async fn compare_and_swap(
        &self,
        purpose: &str,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let operation = "replace a value";
        let Some(expected) = expected.map(<[u8]>::to_vec) else {
            return self.insert(operation, purpose, key, value.to_vec(), expires, now).await;
        };
        let (purpose, key, value) = (purpose.to_owned(), key.to_owned(), value.to_vec());
        self.activity
            .write(operation, move |connection| {
                let replaced = connection
                    .prepare_cached(
                        "UPDATE once SET value = ?4, expires = ?5
                         WHERE purpose = ?1 AND handle = ?2 AND value = ?3 AND expires > ?6",
                    )?
                    .execute(params![purpose, key, expected, value, expires.as_micros(), now.as_micros()])?;
                Ok(replaced == 1)
            })
            .await
    }

    async fn purge(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.activity
            .write("remove expired single-use values", move |connection| {
                let removed = connection
                    .prepare_cached(
                        "DELETE FROM once WHERE rowid IN
                         (SELECT rowid FROM once WHERE expires <= ?1 ORDER BY expires LIMIT ?2)",
                    )?
                    .execute([now.as_micros(), sql_limit(limit)])?;
                Ok(removed)
            })
            .await
    }
}

impl SqliteStore {
    /// Inserts unless there is a live entry; an expired one is overwritten.
    async fn insert(
        &self,
        operation: &'static str,
        purpose: &str,
        key: &str,
        value: Vec<u8>,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (purpose, key) = (purpose.to_owned(), key.to_owned());
        self.activity
            .write(operation, move |connection| {
                let inserted = connection
                    .prepare_cached(
                        "INSERT INTO once (purpose, handle, value, expires) VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT DO UPDATE SET value = excluded.value, expires = excluded.expires
                         WHERE once.expires <= ?5",
                    )?
                    .execute(params![purpose, key, value, expires.as_micros(), now.as_micros()])?;
                Ok(inserted == 1)
            })
            .await
    }
}
