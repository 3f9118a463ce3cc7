//! [`Once`] in the table `once`. Each operation is one statement, so it is atomic by itself.

use async_trait::async_trait;
use base::Timestamp;
use tokio_postgres::types::Type;

use super::PostgresStore;
use super::configuration::{cell, digest, sql_limit};
use super::pool::{Params, Repeat};
use crate::{Once, StoreError};

#[async_trait]
impl Once for PostgresStore {
    async fn put(
        &self,
        purpose: &str,
        handle: &str,
        value: &[u8],
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        let operation = "keep a single-use value";
        let sql = "INSERT INTO sekisho.once (purpose, digest, value, expires) VALUES ($1, $2, $3, $4)
                   ON CONFLICT DO NOTHING RETURNING 1";
        let params: &Params<'_> = &[
            (&purpose, Type::TEXT),
            (&digest(handle), Type::BYTEA),
            (&value, Type::BYTEA),
            (&expires.as_micros(), Type::INT8),
        ];
        let rows = self.pool.query(operation, Repeat::IfCertain, sql, params).await?;
        if !rows.is_empty() {
            return Ok(());
        }
        let cause = format!("a handle of '{purpose}' was used before; handles must be random");
        Err(StoreError { operation, cause, retryable: false })
    }

    async fn take(&self, purpose: &str, handle: &str, now: Timestamp) -> Result<Option<Vec<u8>>, StoreError> {
        let operation = "redeem a single-use value";
        let sql = "DELETE FROM sekisho.once WHERE purpose = $1 AND digest = $2 RETURNING value, expires > $3";
        let params: &Params<'_> =
            &[(&purpose, Type::TEXT), (&digest(handle), Type::BYTEA), (&now.as_micros(), Type::INT8)];
        let rows = self.pool.query(operation, Repeat::IfCertain, sql, params).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let live = cell::<bool>(row, 1).map_err(|failure| failure.into_error(operation))?;
        let value = cell(row, 0).map_err(|failure| failure.into_error(operation))?;
        Ok(Some(value).filter(|_| live))
    }

    async fn insert_if_absent(
        &self,
        purpose: &str,
        key: &str,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.insert("remember a single-use key", purpose, key, &[], expires, now).await
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
        let Some(expected) = expected else {
            return self.insert(operation, purpose, key, value, expires, now).await;
        };
        let sql = "UPDATE sekisho.once SET value = $4, expires = $5
                   WHERE purpose = $1 AND digest = $2 AND value = $3 AND expires > $6 RETURNING 1";
        let params: &Params<'_> = &[
            (&purpose, Type::TEXT),
            (&digest(key), Type::BYTEA),
            (&expected, Type::BYTEA),
            (&value, Type::BYTEA),
            (&expires.as_micros(), Type::INT8),
            (&now.as_micros(), Type::INT8),
        ];
        Ok(!self.pool.query(operation, Repeat::IfCertain, sql, params).await?.is_empty())
    }

    async fn purge(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let sql = "DELETE FROM sekisho.once WHERE (purpose, digest) IN
                   (SELECT purpose, digest FROM sekisho.once WHERE expires <= $1 ORDER BY expires LIMIT $2)
                   RETURNING 1";
        let params: &Params<'_> = &[(&now.as_micros(), Type::INT8), (&sql_limit(limit), Type::INT8)];
        Ok(self.pool.query("remove expired single-use values", Repeat::IfCertain, sql, params).await?.len())
    }
}

impl PostgresStore {
    /// Inserts unless there is a live entry; an expired one is overwritten.
    async fn insert(
        &self,
        operation: &'static str,
        purpose: &str,
        key: &str,
        value: &[u8],
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "INSERT INTO sekisho.once AS o (purpose, digest, value, expires) VALUES ($1, $2, $3, $4)
                   ON CONFLICT (purpose, digest) DO UPDATE SET value = excluded.value, expires = excluded.expires
                   WHERE o.expires <= $5 RETURNING 1";
        let params: &Params<'_> = &[
            (&purpose, Type::TEXT),
            (&digest(key), Type::BYTEA),
            (&value, Type::BYTEA),
            (&expires.as_micros(), Type::INT8),
            (&now.as_micros(), Type::INT8),
        ];
        Ok(!self.pool.query(operation, Repeat::IfCertain, sql, params).await?.is_empty())
    }
}
