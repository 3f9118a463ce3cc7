//! [`Activity`] in the table `activity`. Each operation is one statement, so it is atomic by itself.

use async_trait::async_trait;
use base::Timestamp;
use tokio_postgres::types::Type;

use super::PostgresStore;
use super::configuration::{cell, digest, number, sql_limit, sql_number};
use super::error::Failure;
use super::pool::{Params, Repeat};
use crate::{AccountActivity, Activity, StoreError, Versioned};

#[async_trait]
impl Activity for PostgresStore {
    async fn load(&self, account: &str) -> Result<Option<Versioned<AccountActivity>>, StoreError> {
        let operation = "read the activity of an account";
        let sql = "SELECT version, value FROM sekisho.activity WHERE digest = $1";
        let rows =
            self.pool.query(operation, Repeat::Freely, sql, &[(&digest(account), Type::BYTEA)]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let read = || {
            let value =
                serde_json::from_str(cell(row, 1)?).map_err(|error| Failure::nonsense(error.to_string()))?;
            Ok(Versioned { version: number(row, 0)?, value })
        };
        read().map(Some).map_err(|failure: Failure| failure.into_error(operation))
    }

    async fn swap(
        &self,
        account: &str,
        expected: u64,
        value: &AccountActivity,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let operation = "record the activity of an account";
        let value = serde_json::to_string(value).map_err(|error| StoreError {
            operation,
            cause: error.to_string(),
            retryable: false,
        })?;
        let (digest, account, expected) = (digest(account), account.as_bytes(), sql_number(expected));
        let rows = match expected {
            0 => {
                let sql = "INSERT INTO sekisho.activity (digest, account, version, value, written)
                           VALUES ($1, $2, 1, $3, $4) ON CONFLICT DO NOTHING RETURNING 1";
                let params: &Params<'_> = &[
                    (&digest, Type::BYTEA),
                    (&account, Type::BYTEA),
                    (&value, Type::TEXT),
                    (&now.as_micros(), Type::INT8),
                ];
                self.pool.query(operation, Repeat::IfCertain, sql, params).await?
            }
            _ => {
                let sql = "UPDATE sekisho.activity SET version = version + 1, value = $2, written = $3
                           WHERE digest = $1 AND version = $4 RETURNING 1";
                let params: &Params<'_> = &[
                    (&digest, Type::BYTEA),
                    (&value, Type::TEXT),
                    (&now.as_micros(), Type::INT8),
                    (&expected, Type::INT8),
                ];
                self.pool.query(operation, Repeat::IfCertain, sql, params).await?
            }
        };
        Ok(!rows.is_empty())
    }

    async fn purge(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let sql = "DELETE FROM sekisho.activity WHERE digest IN
                   (SELECT digest FROM sekisho.activity WHERE written < $1 ORDER BY written LIMIT $2) RETURNING 1";
        let params: &Params<'_> = &[(&before.as_micros(), Type::INT8), (&sql_limit(limit), Type::INT8)];
        let rows = self.pool.query("forget old activity of accounts", Repeat::IfCertain, sql, params).await?;
        Ok(rows.len())
    }
}
