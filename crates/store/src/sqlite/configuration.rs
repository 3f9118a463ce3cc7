//! [`Configuration`] in `configuration.db`.

use std::sync::PoisonError;

use async_trait::async_trait;
use base::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;

use super::database::FileKind;
use super::writer::Undo;
use super::{SqliteStore, replication};
use crate::{
    Chain, Change, Configuration, Document, Entry, Head, Kind, Operation, Scope, StoreError, Write,
    WriteError,
};

pub(super) const FILE: FileKind = FileKind {
    name: "configuration.db",
    application_id: 0x5345_4b43, // "SEKC"
    migrations: &[
        |connection| connection.execute_batch(include_str!("configuration.sql")),
        replication::migrate,
    ],
    synchronous: "FULL",
    batch: 1,
};

#[async_trait]
impl Configuration for SqliteStore {
    async fn head(&self) -> Result<Head, StoreError> {
        // Every sign-in asks, so the answer is kept until the next commit.
        let commits = self.configuration.commits();
        let kept = *self.head.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, head)) = kept.filter(|(at, _)| *at == commits) {
            return Ok(head);
        }
        let head = self.configuration.read("read the position of the configuration", read_head).await?;
        // A commit since then has made the number differ, and this is read again.
        *self.head.lock().unwrap_or_else(PoisonError::into_inner) = Some((commits, head));
        Ok(head)
    }

    async fn get(&self, kind: Kind, id: &str) -> Result<Option<Document>, StoreError> {
        let id = id.to_owned();
        let sql = "SELECT id, version, body FROM objects WHERE kind = ?1 AND id = ?2";
        self.configuration
            .read("read the configuration", move |connection| {
                connection
                    .prepare_cached(sql)?
                    .query_row(params![kind.name(), id], |row| document(kind, row))
                    .optional()
            })
            .await
    }

    async fn find(&self, kind: Kind, index: &str, value: &str) -> Result<Option<Document>, StoreError> {
        let (index, value) = (index.to_owned(), value.to_owned());
        let sql = "SELECT id, version, body FROM objects JOIN object_keys USING (kind, id)
                   WHERE kind = ?1 AND name = ?2 AND value = ?3";
        self.configuration
            .read("search the configuration", move |connection| {
                connection
                    .prepare_cached(sql)?
                    .query_row(params![kind.name(), index, value], |row| document(kind, row))
                    .optional()
            })
            .await
    }

    async fn list(&self, kind: Kind, after: Option<&str>, limit: usize) -> Result<Vec<Document>, StoreError> {
        let after = after.map(str::to_owned);
        self.configuration
            .read("list the configuration", move |connection| {
                // Two texts, so that each runs along the primary key from where it begins.
                let sql = match after {
                    Some(_) => {
                        "SELECT id, version, body FROM objects WHERE kind = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
                    }
                    None => {
                        "SELECT id, version, body FROM objects WHERE kind = ?1 AND ?2 IS NULL ORDER BY id LIMIT ?3"
                    }
                };
                connection
                    .prepare_cached(sql)?
                    .query_map(params![kind.name(), after, sql_limit(limit)], |row| document(kind, row))?
                    .collect()
            })
            .await
    }

    async fn write(&self, write: Write) -> Result<Head, WriteError> {
        write.check()?;
        self.configuration
            .write("change the configuration", move |connection| apply(connection, &write))
            .await
    }

    async fn raise_epoch(&self, expected: u64) -> Result<Head, WriteError> {
        self.configuration
            .write("become the writer of the configuration", move |connection| {
                replication::raise_epoch(connection, expected)
            })
            .await
    }

    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>, StoreError> {
        self.configuration
            .read("read the history of the configuration", move |connection| {
                entries(connection, after, limit)?.into_iter().map(change).collect()
            })
            .await
    }

    async fn change_before(&self, kind: Kind, id: &str, before: u64) -> Result<Option<Change>, StoreError> {
        let id = id.to_owned();
        let sql = "SELECT epoch, serial, kind, id, version, body, at, by, keys, last FROM changes
                   WHERE kind = ?1 AND id = ?2 AND serial < ?3 ORDER BY serial DESC LIMIT 1";
        self.configuration
            .read("read the history of the configuration", move |connection| {
                connection
                    .prepare_cached(sql)?
                    .query_row(params![kind.name(), id, sql_number(before)], |row| change(entry(row)?))
                    .optional()
            })
            .await
    }
}

/// An entry as administrators see it.
fn change(entry: Entry) -> rusqlite::Result<Change> {
    Change::try_from(entry)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(5, Type::Text, error.into()))
}

/// History after the serial number `after`, oldest first, at most `limit`.
pub(super) fn entries(connection: &Connection, after: u64, limit: usize) -> rusqlite::Result<Vec<Entry>> {
    let sql =
        "SELECT epoch, serial, kind, id, version, body, at, by, keys, last FROM changes WHERE serial > ?1
               ORDER BY serial LIMIT ?2";
    connection.prepare_cached(sql)?.query_map([sql_number(after), sql_limit(limit)], entry)?.collect()
}

/// Runs on the writing thread, within a transaction that an error undoes.
pub(super) fn apply(connection: &Connection, write: &Write) -> Result<Head, Undo<WriteError>> {
    let mut head = read_head(connection)?;
    let last = write.operations.iter().rposition(|step| step.kind().scope() == Scope::Farm);
    if last.is_some() {
        replication::require_primary(connection)?;
    }
    fence(write.epoch, head)?;
    let mut chain = read_chain(connection, head.serial)?.unwrap_or(Chain::START);
    for (at, operation) in write.operations.iter().enumerate() {
        let (kind, id, version, body, keys) = match operation {
            Operation::Put { kind, id, expected, body, keys } => {
                let version = next_version(connection, *kind, id, *expected)?;
                let body = body.to_string();
                store_object(connection, *kind, id, version, &body)?;
                let keys = keys.iter().map(|(index, value)| ((*index).to_owned(), value.clone()));
                (*kind, id, version, Some(body), keys.collect::<Vec<_>>())
            }
            Operation::Delete { kind, id, expected } => {
                if *expected == 0 {
                    let current = current_version(connection, *kind, id)?;
                    return Err(conflict(*kind, id, *expected, current));
                }
                let version = next_version(connection, *kind, id, *expected)?;
                delete_object(connection, *kind, id)?;
                (*kind, id, version, None, Vec::new())
            }
        };
        if body.is_some() {
            replace_keys(connection, kind, id, &keys)?;
        }
        if kind.scope() == Scope::Node {
            remember_version(connection, kind, id, version)?;
            continue;
        }
        head.serial = head.serial.saturating_add(1);
        let (id, by, last) = (id.clone(), write.by.clone(), last == Some(at));
        let entry = Entry { head, kind, id, version, body, keys, at: write.at, by, last };
        chain = chain.after(&entry);
        append(connection, "changes", &entry, chain)?;
    }
    Ok(head)
}

pub(super) fn store_object(
    connection: &Connection,
    kind: Kind,
    id: &str,
    version: u64,
    body: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO objects (kind, id, version, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET version = excluded.version, body = excluded.body",
        )?
        .execute(params![kind.name(), id, sql_number(version), body])?;
    Ok(())
}

pub(super) fn delete_object(connection: &Connection, kind: Kind, id: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM objects WHERE kind = ?1 AND id = ?2")?
        .execute(params![kind.name(), id])?;
    Ok(())
}

pub(super) fn fence(given: u64, head: Head) -> Result<(), Undo<WriteError>> {
    match given == head.epoch {
        true => Ok(()),
        false => Err(Undo::Refused(WriteError::Fenced { given, current: head.epoch })),
    }
}

/// The lost-update check, and the version after the change.
fn next_version(
    connection: &Connection,
    kind: Kind,
    id: &str,
    expected: u64,
) -> Result<u64, Undo<WriteError>> {
    let current = current_version(connection, kind, id)?;
    if current != expected {
        return Err(conflict(kind, id, expected, current));
    }
    if current != 0 {
        return Ok(current.saturating_add(1));
    }
    // An object of this name may have lived before; its versions are used up.
    let sql = match kind.scope() {
        Scope::Farm => "SELECT version FROM changes WHERE kind = ?1 AND id = ?2 ORDER BY serial DESC LIMIT 1",
        Scope::Node => "SELECT version FROM node_versions WHERE kind = ?1 AND id = ?2",
    };
    let last = connection
        .prepare_cached(sql)?
        .query_row(params![kind.name(), id], |row| number(row, 0))
        .optional()?;
    Ok(last.unwrap_or(0).saturating_add(1))
}

/// For objects that have no place in the history.
fn remember_version(connection: &Connection, kind: Kind, id: &str, version: u64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO node_versions (kind, id, version) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET version = excluded.version",
        )?
        .execute(params![kind.name(), id, sql_number(version)])?;
    Ok(())
}

/// 0 when the object does not exist.
fn current_version(connection: &Connection, kind: Kind, id: &str) -> rusqlite::Result<u64> {
    let version = connection
        .prepare_cached("SELECT version FROM objects WHERE kind = ?1 AND id = ?2")?
        .query_row(params![kind.name(), id], |row| number(row, 0))
        .optional()?;
    Ok(version.unwrap_or(0))
}

fn conflict(kind: Kind, id: &str, expected: u64, current: u64) -> Undo<WriteError> {
    Undo::Refused(WriteError::Conflict { kind, id: id.to_owned(), expected, current })
}

pub(super) fn replace_keys(
    connection: &Connection,
    kind: Kind,
    id: &str,
    keys: &[(String, String)],
) -> Result<(), Undo<WriteError>> {
    connection
        .prepare_cached("DELETE FROM object_keys WHERE kind = ?1 AND id = ?2")?
        .execute(params![kind.name(), id])?;
    for (index, value) in keys {
        let inserted = connection
            .prepare_cached(
                "INSERT INTO object_keys (kind, name, value, id) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            )?
            .execute(params![kind.name(), index, value, id])?;
        if inserted == 1 {
            continue;
        }
        let holder: String = connection
            .prepare_cached("SELECT id FROM object_keys WHERE kind = ?1 AND name = ?2 AND value = ?3")?
            .query_row(params![kind.name(), index, value], |row| row.get(0))?;
        // The same key named twice by one object takes nothing from anyone.
        if holder != id {
            let (index, value) = (index.clone(), value.clone());
            return Err(Undo::Refused(WriteError::KeyTaken { kind, index, value, holder }));
        }
    }
    Ok(())
}

/// Adds an entry to `table`, one of those that are laid out like the history.
pub(super) fn append(
    connection: &Connection,
    table: &'static str,
    entry: &Entry,
    chain: Chain,
) -> rusqlite::Result<()> {
    let keys = serde_json::to_string(&entry.keys)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    connection
        .prepare_cached(&format!(
            "INSERT INTO {table} (serial, epoch, kind, id, version, body, at, by, keys, last, chain)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
        ))?
        .execute(params![
            sql_number(entry.head.serial),
            sql_number(entry.head.epoch),
            entry.kind.name(),
            entry.id,
            sql_number(entry.version),
            entry.body,
            entry.at.as_micros(),
            entry.by,
            keys,
            entry.last,
            chain.as_bytes(),
        ])?;
    Ok(())
}

/// The link after the entry `serial`; `None` when there is no such entry.
pub(super) fn read_chain(connection: &Connection, serial: u64) -> rusqlite::Result<Option<Chain>> {
    if serial == 0 {
        return Ok(Some(Chain::START));
    }
    connection
        .prepare_cached("SELECT chain FROM changes WHERE serial = ?1")?
        .query_row([sql_number(serial)], |row| link(row, 0))
        .optional()
}

pub(super) fn link(row: &Row<'_>, column: usize) -> rusqlite::Result<Chain> {
    let octets: Vec<u8> = row.get(column)?;
    Chain::from_digest(&octets).ok_or_else(|| {
        let cause = format!("a link of the history has {} octets in place of 32", octets.len());
        rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, cause.into())
    })
}

pub(super) fn read_head(connection: &Connection) -> rusqlite::Result<Head> {
    connection
        .prepare_cached("SELECT epoch, (SELECT ifnull(max(serial), 0) FROM changes) FROM writer")?
        .query_row([], |row| Ok(Head { epoch: number(row, 0)?, serial: number(row, 1)? }))
}

fn document(kind: Kind, row: &Row<'_>) -> rusqlite::Result<Document> {
    Ok(Document { kind, id: row.get(0)?, version: number(row, 1)?, body: json(2, row.get(2)?)? })
}

/// An entry from columns in the order of [`entries`].
pub(super) fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let name: String = row.get(2)?;
    let kind = Kind::from_name(&name).ok_or_else(|| {
        let cause = format!("'{name}' cannot be a kind of object");
        rusqlite::Error::FromSqlConversionFailure(2, Type::Text, cause.into())
    })?;
    let keys: String = row.get(8)?;
    let keys = serde_json::from_str(&keys)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(8, Type::Text, error.into()))?;
    Ok(Entry {
        head: Head { epoch: number(row, 0)?, serial: number(row, 1)? },
        kind,
        id: row.get(3)?,
        version: number(row, 4)?,
        body: row.get(5)?,
        at: Timestamp::from_micros(row.get(6)?),
        by: row.get(7)?,
        keys,
        last: row.get(9)?,
    })
}

fn json(column: usize, text: String) -> rusqlite::Result<Value> {
    serde_json::from_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into()))
}

/// SQLite's integers have a sign; ours count up from 0 and never come near the end.
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let stored: i64 = row.get(column)?;
    u64::try_from(stored).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, stored))
}

pub(super) fn sql_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn sql_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
