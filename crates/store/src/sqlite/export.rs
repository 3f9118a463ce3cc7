//! All rows in pages, for moving to another backend.

use rusqlite::params;

use super::SqliteStore;
use super::configuration::{entries, link, number, sql_limit};
use crate::{Chain, Entry, StoreError};

/// A stored object with its keys, octet for octet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredObject {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) version: u64,
    pub(crate) body: String,
    /// In order of (index, value).
    pub(crate) keys: Vec<(String, String)>,
}

/// A single-use value.
#[derive(Debug)]
pub(crate) struct OnceRow {
    pub(crate) row: i64,
    pub(crate) purpose: String,
    pub(crate) handle: String,
    pub(crate) value: Vec<u8>,
    pub(crate) expires: i64,
}

/// The activity of an account.
#[derive(Debug)]
pub(crate) struct ActivityRow {
    pub(crate) row: i64,
    pub(crate) account: String,
    pub(crate) version: i64,
    pub(crate) value: String,
    pub(crate) written: i64,
}

const OPERATION: &str = "read what is to be moved";

impl SqliteStore {
    /// History with all that a copy needs, those after the serial number `after`, at most `limit`.
    pub async fn entries(&self, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.configuration
            .read("read the history of the configuration", move |connection| {
                entries(connection, after, limit)
            })
            .await
    }

    /// The link after the newest entry.
    pub(crate) async fn newest_link(&self) -> Result<Chain, StoreError> {
        let sql = "SELECT chain FROM changes ORDER BY serial DESC LIMIT 1";
        let links = self
            .configuration
            .read(OPERATION, move |connection| {
                connection
                    .prepare_cached(sql)?
                    .query_map([], |row| link(row, 0))?
                    .collect::<Result<Vec<_>, _>>()
            })
            .await?;
        Ok(links.first().copied().unwrap_or(Chain::START))
    }

    /// Objects of every kind in order of (kind, identifier).
    pub(crate) async fn objects(
        &self,
        after: Option<(String, String)>,
        limit: usize,
    ) -> Result<Vec<StoredObject>, StoreError> {
        self.configuration
            .read(OPERATION, move |connection| {
                // No kind has an empty name.
                let (kind, id) = after.unwrap_or_default();
                let mut keys = connection.prepare_cached(
                    "SELECT name, value FROM object_keys WHERE kind = ?1 AND id = ?2 ORDER BY name, value",
                )?;
                connection
                    .prepare_cached(
                        "SELECT kind, id, version, body FROM objects WHERE (kind, id) > (?1, ?2)
                         ORDER BY kind, id LIMIT ?3",
                    )?
                    .query_map(params![kind, id, sql_limit(limit)], |row| {
                        let (kind, id): (String, String) = (row.get(0)?, row.get(1)?);
                        let keys = keys
                            .query_map([&kind, &id], |row| Ok((row.get(0)?, row.get(1)?)))?
                            .collect::<Result<_, _>>()?;
                        Ok(StoredObject { version: number(row, 2)?, body: row.get(3)?, kind, id, keys })
                    })?
                    .collect()
            })
            .await
    }

    /// Versions of objects of one node, which outlive the objects; they are few.
    pub(crate) async fn node_versions(&self) -> Result<Vec<(String, String, u64)>, StoreError> {
        self.configuration
            .read(OPERATION, |connection| {
                connection
                    .prepare_cached("SELECT kind, id, version FROM node_versions")?
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?, number(row, 2)?)))?
                    .collect()
            })
            .await
    }

    /// Single-use values, those after row `after`.
    pub(crate) async fn once_rows(&self, after: i64, limit: usize) -> Result<Vec<OnceRow>, StoreError> {
        let sql = "SELECT rowid, purpose, handle, value, expires FROM once WHERE rowid > ?1 ORDER BY rowid LIMIT ?2";
        self.activity
            .read(OPERATION, move |connection| {
                connection
                    .prepare_cached(sql)?
                    .query_map([after, sql_limit(limit)], |row| {
                        let (row_id, purpose, handle) = (row.get(0)?, row.get(1)?, row.get(2)?);
                        Ok(OnceRow { row: row_id, purpose, handle, value: row.get(3)?, expires: row.get(4)? })
                    })?
                    .collect()
            })
            .await
    }

    /// Activity of accounts, those after row `after`.
    pub(crate) async fn activity_rows(
        &self,
        after: i64,
        limit: usize,
    ) -> Result<Vec<ActivityRow>, StoreError> {
        let sql = "SELECT rowid, account, version, value, written FROM activity WHERE rowid > ?1
                   ORDER BY rowid LIMIT ?2";
        self.activity
            .read(OPERATION, move |connection| {
                connection
                    .prepare_cached(sql)?
                    .query_map([after, sql_limit(limit)], |row| {
                        let (row_id, account, version) = (row.get(0)?, row.get(1)?, row.get(2)?);
                        Ok(ActivityRow {
                            row: row_id,
                            account,
                            version,
                            value: row.get(3)?,
                            written: row.get(4)?,
                        })
                    })?
                    .collect()
            })
            .await
    }
}
