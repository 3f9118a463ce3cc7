//! [`Activity`] in `activity.db`.

use async_trait::async_trait;
use base::Timestamp;
use rusqlite::types::Type;
use rusqlite::{OptionalExtension, params};

use super::SqliteStore;
use super::configuration::{number, sql_limit, sql_number};
use super::database::FileKind;
use crate::{AccountActivity, Activity, StoreError, Versioned};

pub(super) const FILE: FileKind = FileKind {
    name: "activity.db",
    application_id: 0x5345_4b41, // "SEKA"
    migrations: &[|connection| connection.execute_batch(include_str!("activity.sql"))],
    synchronous: "NORMAL",
    batch: 256,
};

#[async_trait]
impl Activity for SqliteStore {
    async fn load(&self, account: &str) -> Result<Option<Versioned<AccountActivity>>, StoreError> {
        let account = account.to_owned();
        self.activity
            .read("read the activity of an account", move |connection| {
                connection
                    .prepare_cached("SELECT version, value FROM activity WHERE account = ?1")?
                    .query_row([account], |row| {
                        let text: String = row.get(1)?;
                        let value = serde_json::from_str(&text).map_err(|error| {
                            rusqlite::Error::FromSqlConversionFailure(1, Type::Text, error.into())
                        })?;
                        Ok(Versioned { version: number(row, 0)?, value })
                    })
                    .optional()
            })
            .await
    }

    async fn swap(
        &self,
        account: &str,
        expected: u64,
        value: &AccountActivity,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let operation = "record the activity of an account";
        let account = account.to_owned();
        let value = serde_json::to_string(value).map_err(|error| StoreError {
            operation,
            cause: error.to_string(),
            retryable: false,
        })?;
        self.activity
            .write(operation, move |connection| {
                let replaced = match expected {
                    0 => connection
                        .prepare_cached(
                            "INSERT INTO activity (account, version, value, written) VALUES (?1, 1, ?2, ?3)
                             ON CONFLICT DO NOTHING",
                        )?
                        .execute(params![account, value, now.as_micros()])?,
                    _ => connection
                        .prepare_cached(
                            "UPDATE activity SET version = version + 1, value = ?2, written = ?3
                             WHERE account = ?1 AND version = ?4",
                        )?
                        .execute(params![account, value, now.as_micros(), sql_number(expected)])?,
                };
                Ok(replaced == 1)
            })
            .await
    }

    async fn purge(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.activity
            .write("forget old activity of accounts", move |connection| {
                let removed = connection
                    .prepare_cached(
                        "DELETE FROM activity WHERE rowid IN
                         (SELECT rowid FROM activity WHERE written < ?1 ORDER BY written LIMIT ?2)",
                    )?
                    .execute([before.as_micros(), sql_limit(limit)])?;
                Ok(removed)
            })
            .await
    }
}
