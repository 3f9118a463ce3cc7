//! Moving a farm from an embedded store to PostgreSQL: everything, checked, or nothing.

use aws_lc_rs::digest::{Context, SHA256};
use tokio_postgres::types::Type;
use tokio_postgres::{Row, Transaction};

use super::PostgresStore;
use super::configuration::{cell, digest, entry, head_of, number, sql_number};
use super::error::Failure;
use super::pool::{Params, Pool};
use crate::sqlite::{SqliteStore, StoredObject};
use crate::sync::Role;
use crate::{Chain, Configuration, Head, StoreError};

/// How many rows are in memory at a time.
const PAGE: usize = 500;
const OPERATION: &str = "move the configuration to PostgreSQL";

/// What was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transferred {
    /// Position of the configuration, the same in both stores.
    pub head: Head,
    /// Objects.
    pub objects: u64,
    /// Entries of the history.
    pub changes: u64,
    /// Single-use values.
    pub single_use: u64,
    /// Accounts with sign-in activity.
    pub accounts: u64,
}

/// Why nothing was moved.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The database is used already.
    #[error("the PostgreSQL database is not empty: it has {what}; name an empty one")]
    NotEmpty {
        /// What was found.
        what: &'static str,
    },
    /// The node's copy may lag behind.
    #[error("this is a secondary server; move the configuration of the primary server '{primary}'")]
    Secondary {
        /// Whom the node follows.
        primary: String,
    },
    /// Somebody wrote meanwhile.
    #[error(
        "the configuration was changed while it was moved; nothing was moved: stop the service and repeat the command"
    )]
    Changed,
    /// What arrived is not what was sent.
    #[error("{what} in PostgreSQL differ from those that were sent; nothing was moved")]
    Differs {
        /// Which rows.
        what: &'static str,
    },
    /// A store failed. If it was lost at the very end, the database may be complete, and is not empty then.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Failure> for TransferError {
    fn from(failure: Failure) -> Self {
        Self::Store(failure.into_error(OPERATION))
    }
}

/// Moves objects, keys, history, epoch, single-use values and sign-in activity, in one transaction.
///
/// The target must be empty. Before the commit the history is read back and its hash compared, and so are all
/// objects. The source is not changed.
pub async fn transfer(from: &SqliteStore, to: &PostgresStore) -> Result<Transferred, TransferError> {
    let standing = from.standing().await?;
    if standing.role != Role::PrimaryComputer {
        return Err(TransferError::Secondary { primary: standing.follows });
    }
    let head = from.head().await?;
    let mut lease = to.pool.lease().await?;
    let transaction = to.pool.answer(lease.client.transaction()).await?;
    let target = Target { pool: &to.pool, transaction: &transaction };
    target.require_empty().await?;
    let chain = target.changes(from).await?;
    let (objects, sent) = target.objects(from).await?;
    let single_use = target.once(from).await?;
    let accounts = target.activity(from).await?;
    let params: &Params<'_> = &[
        (&sql_number(head.epoch), Type::INT8),
        (&sql_number(head.serial), Type::INT8),
        (&chain.as_bytes(), Type::BYTEA),
    ];
    target.run("UPDATE sekisho.writer SET epoch = $1, serial = $2, chain = $3", params).await?;

    let counted = Counts { changes: head.serial, objects, single_use, accounts };
    if target.counts().await? != counted {
        return Err(TransferError::Differs { what: "the numbers of rows" });
    }
    if chain != target.read_history().await? || chain != from.newest_link().await? {
        return Err(TransferError::Differs { what: "the changes" });
    }
    if sent != target.read_objects().await? {
        return Err(TransferError::Differs { what: "the objects" });
    }
    if from.head().await? != head {
        return Err(TransferError::Changed);
    }
    to.pool.answer(transaction.commit()).await?;
    lease.give_back();
    to.head.advance(head);
    Ok(Transferred { head, objects, changes: head.serial, single_use, accounts })
}

#[derive(Debug, PartialEq, Eq)]
struct Counts {
    changes: u64,
    objects: u64,
    single_use: u64,
    accounts: u64,
}

struct Target<'a> {
    pool: &'a Pool,
    transaction: &'a Transaction<'a>,
}

impl Target<'_> {
    async fn run(&self, sql: &str, params: &Params<'_>) -> Result<Vec<Row>, Failure> {
        self.pool.answer(self.transaction.query_typed(sql, params)).await
    }

    /// Keeps other nodes from writing until the end.
    async fn require_empty(&self) -> Result<(), TransferError> {
        let head = head_of(&self.run("SELECT epoch, serial FROM sekisho.writer FOR UPDATE", &[]).await?)?;
        let counts = self.counts().await?;
        let found = [
            (head.epoch > 1 || head.serial > 0 || counts.changes > 0, "a history"),
            (counts.objects > 0, "objects"),
            (counts.single_use > 0, "single-use values"),
            (counts.accounts > 0, "activity of accounts"),
        ];
        match found.into_iter().find(|(there, _)| *there) {
            Some((_, what)) => Err(TransferError::NotEmpty { what }),
            None => Ok(()),
        }
    }

    async fn counts(&self) -> Result<Counts, Failure> {
        let sql = "SELECT (SELECT count(*) FROM sekisho.changes), (SELECT count(*) FROM sekisho.objects),
                   (SELECT count(*) FROM sekisho.once), (SELECT count(*) FROM sekisho.activity)";
        let rows = self.run(sql, &[]).await?;
        let row = rows.first().ok_or_else(|| Failure::nonsense("the server counted nothing"))?;
        Ok(Counts {
            changes: number(row, 0)?,
            objects: number(row, 1)?,
            single_use: number(row, 2)?,
            accounts: number(row, 3)?,
        })
    }

    /// The link after the last entry.
    async fn changes(&self, from: &SqliteStore) -> Result<Chain, TransferError> {
        let sql = "INSERT INTO sekisho.changes
                   (serial, epoch, kind, id, version, body, keys, at, by, last, chain)
                   SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bytea[], $5::bigint[],
                   $6::text[], $7::text[], $8::bigint[], $9::text[], $10::boolean[], $11::bytea[])";
        let (mut chain, mut after) = (Chain::START, 0);
        loop {
            let entries = from.entries(after, PAGE).await?;
            let Some(last) = entries.last() else { return Ok(chain) };
            after = last.head.serial;
            let column =
                |of: fn(&crate::Entry) -> u64| entries.iter().map(|entry| sql_number(of(entry))).collect();
            let (serials, epochs, versions): (Vec<i64>, Vec<i64>, Vec<i64>) = (
                column(|entry| entry.head.serial),
                column(|entry| entry.head.epoch),
                column(|entry| entry.version),
            );
            let kinds: Vec<&str> = entries.iter().map(|entry| entry.kind.name()).collect();
            let ids: Vec<&[u8]> = entries.iter().map(|entry| entry.id.as_bytes()).collect();
            let bodies: Vec<Option<&str>> = entries.iter().map(|entry| entry.body.as_deref()).collect();
            let keys: Vec<String> =
                entries.iter().map(|entry| serde_json::json!(entry.keys).to_string()).collect();
            let times: Vec<i64> = entries.iter().map(|entry| entry.at.as_micros()).collect();
            let authors: Vec<&str> = entries.iter().map(|entry| entry.by.as_str()).collect();
            let lasts: Vec<bool> = entries.iter().map(|entry| entry.last).collect();
            let mut links = Vec::with_capacity(entries.len());
            for entry in &entries {
                chain = chain.after(entry);
                links.push(chain.as_bytes().to_vec());
            }
            let params: &Params<'_> = &[
                (&serials, Type::INT8_ARRAY),
                (&epochs, Type::INT8_ARRAY),
                (&kinds, Type::TEXT_ARRAY),
                (&ids, Type::BYTEA_ARRAY),
                (&versions, Type::INT8_ARRAY),
                (&bodies, Type::TEXT_ARRAY),
                (&keys, Type::TEXT_ARRAY),
                (&times, Type::INT8_ARRAY),
                (&authors, Type::TEXT_ARRAY),
                (&lasts, Type::BOOL_ARRAY),
                (&links, Type::BYTEA_ARRAY),
            ];
            self.run(sql, params).await?;
        }
    }

    /// How many there were, and the digest of all.
    async fn objects(&self, from: &SqliteStore) -> Result<(u64, Vec<u8>), TransferError> {
        let (mut count, mut sum, mut after) = (0_u64, Context::new(&SHA256), None);
        loop {
            let objects = from.objects(after, PAGE).await?;
            let Some(last) = objects.last() else { break };
            after = Some((last.kind.clone(), last.id.clone()));
            for object in &objects {
                add(&mut sum, object);
                count = count.saturating_add(1);
            }
            self.insert_objects(&objects).await?;
        }
        for (kind, id, version) in from.node_versions().await? {
            let sql = "INSERT INTO sekisho.node_versions (kind, id, version) VALUES ($1, $2, $3)";
            let params: &Params<'_> =
                &[(&kind, Type::TEXT), (&id.as_bytes(), Type::BYTEA), (&sql_number(version), Type::INT8)];
            self.run(sql, params).await?;
        }
        Ok((count, sum.finish().as_ref().to_vec()))
    }

    async fn insert_objects(&self, objects: &[StoredObject]) -> Result<(), Failure> {
        let kinds: Vec<&str> = objects.iter().map(|object| object.kind.as_str()).collect();
        let ids: Vec<&[u8]> = objects.iter().map(|object| object.id.as_bytes()).collect();
        let versions: Vec<i64> = objects.iter().map(|object| sql_number(object.version)).collect();
        let bodies: Vec<&str> = objects.iter().map(|object| object.body.as_str()).collect();
        let params: &Params<'_> = &[
            (&kinds, Type::TEXT_ARRAY),
            (&ids, Type::BYTEA_ARRAY),
            (&versions, Type::INT8_ARRAY),
            (&bodies, Type::TEXT_ARRAY),
        ];
        let sql = "INSERT INTO sekisho.objects (kind, id, version, body)
                   SELECT * FROM unnest($1::text[], $2::bytea[], $3::bigint[], $4::text[])";
        self.run(sql, params).await?;
        let keys = || objects.iter().flat_map(|object| object.keys.iter().map(move |key| (object, key)));
        let kinds: Vec<&str> = keys().map(|(object, _)| object.kind.as_str()).collect();
        let ids: Vec<&[u8]> = keys().map(|(object, _)| object.id.as_bytes()).collect();
        let names: Vec<&str> = keys().map(|(_, (name, _))| name.as_str()).collect();
        let values: Vec<&[u8]> = keys().map(|(_, (_, value))| value.as_bytes()).collect();
        let digests: Vec<Vec<u8>> = keys().map(|(_, (_, value))| digest(value)).collect();
        let params: &Params<'_> = &[
            (&kinds, Type::TEXT_ARRAY),
            (&names, Type::TEXT_ARRAY),
            (&digests, Type::BYTEA_ARRAY),
            (&values, Type::BYTEA_ARRAY),
            (&ids, Type::BYTEA_ARRAY),
        ];
        let sql = "INSERT INTO sekisho.object_keys (kind, name, digest, value, id)
                   SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[], $5::bytea[])";
        self.run(sql, params).await?;
        Ok(())
    }

    async fn once(&self, from: &SqliteStore) -> Result<u64, TransferError> {
        let sql = "INSERT INTO sekisho.once (purpose, digest, value, expires)
                   SELECT * FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::bigint[])";
        let (mut count, mut after) = (0_u64, i64::MIN);
        loop {
            let rows = from.once_rows(after, PAGE).await?;
            let Some(last) = rows.last() else { return Ok(count) };
            after = last.row;
            count = count.saturating_add(u64::try_from(rows.len()).unwrap_or(u64::MAX));
            let purposes: Vec<&str> = rows.iter().map(|row| row.purpose.as_str()).collect();
            let digests: Vec<Vec<u8>> = rows.iter().map(|row| digest(&row.handle)).collect();
            let values: Vec<&[u8]> = rows.iter().map(|row| row.value.as_slice()).collect();
            let expires: Vec<i64> = rows.iter().map(|row| row.expires).collect();
            let params: &Params<'_> = &[
                (&purposes, Type::TEXT_ARRAY),
                (&digests, Type::BYTEA_ARRAY),
                (&values, Type::BYTEA_ARRAY),
                (&expires, Type::INT8_ARRAY),
            ];
            self.run(sql, params).await?;
        }
    }

    async fn activity(&self, from: &SqliteStore) -> Result<u64, TransferError> {
        let sql = "INSERT INTO sekisho.activity (digest, account, version, value, written)
                   SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::text[], $5::bigint[])";
        let (mut count, mut after) = (0_u64, i64::MIN);
        loop {
            let rows = from.activity_rows(after, PAGE).await?;
            let Some(last) = rows.last() else { return Ok(count) };
            after = last.row;
            count = count.saturating_add(u64::try_from(rows.len()).unwrap_or(u64::MAX));
            let digests: Vec<Vec<u8>> = rows.iter().map(|row| digest(&row.account)).collect();
            let accounts: Vec<&[u8]> = rows.iter().map(|row| row.account.as_bytes()).collect();
            let versions: Vec<i64> = rows.iter().map(|row| row.version).collect();
            let values: Vec<&str> = rows.iter().map(|row| row.value.as_str()).collect();
            let written: Vec<i64> = rows.iter().map(|row| row.written).collect();
            let params: &Params<'_> = &[
                (&digests, Type::BYTEA_ARRAY),
                (&accounts, Type::BYTEA_ARRAY),
                (&versions, Type::INT8_ARRAY),
                (&values, Type::TEXT_ARRAY),
                (&written, Type::INT8_ARRAY),
            ];
            self.run(sql, params).await?;
        }
    }

    /// The link after the history as it arrived.
    async fn read_history(&self) -> Result<Chain, Failure> {
        let sql = "SELECT epoch, serial, kind, id, version, body, keys, at, by, last FROM sekisho.changes
                   WHERE serial > $1 ORDER BY serial LIMIT 500";
        let (mut chain, mut after) = (Chain::START, 0);
        loop {
            let rows = self.run(sql, &[(&after, Type::INT8)]).await?;
            if rows.is_empty() {
                return Ok(chain);
            }
            for row in &rows {
                let entry = entry(row)?;
                chain = chain.after(&entry);
                after = sql_number(entry.head.serial);
            }
        }
    }

    /// The digest of all objects as they arrived.
    async fn read_objects(&self) -> Result<Vec<u8>, Failure> {
        let sql = "SELECT o.kind, o.id, o.version, o.body, array_agg(k.name ORDER BY k.name, k.value),
                   array_agg(k.value ORDER BY k.name, k.value)
                   FROM (SELECT * FROM sekisho.objects WHERE (kind, id) > ($1, $2) ORDER BY kind, id LIMIT 500) o
                   LEFT JOIN sekisho.object_keys k ON k.kind = o.kind AND k.id = o.id
                   GROUP BY o.kind, o.id, o.version, o.body ORDER BY o.kind, o.id";
        let mut sum = Context::new(&SHA256);
        let (mut kind, mut id) = (String::new(), Vec::new());
        loop {
            let rows = self.run(sql, &[(&kind, Type::TEXT), (&id, Type::BYTEA)]).await?;
            if rows.is_empty() {
                return Ok(sum.finish().as_ref().to_vec());
            }
            for row in &rows {
                (kind, id) = (cell(row, 0)?, cell(row, 1)?);
                let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
                let names: Vec<Option<String>> = cell(row, 4)?;
                let values: Vec<Option<&[u8]>> = cell(row, 5)?;
                let keys =
                    names.into_iter().zip(values).filter_map(|(name, value)| Some((name?, text(value?))));
                let object = StoredObject {
                    kind: kind.clone(),
                    id: text(&id),
                    version: number(row, 2)?,
                    body: cell(row, 3)?,
                    keys: keys.collect(),
                };
                add(&mut sum, &object);
            }
        }
    }
}

fn add(sum: &mut Context, object: &StoredObject) {
    let mut text = |text: &str| {
        sum.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        sum.update(text.as_bytes());
    };
    text(&object.kind);
    text(&object.id);
    text(&object.version.to_string());
    text(&object.body);
    text(&object.keys.len().to_string());
    for (index, value) in &object.keys {
        text(index);
        text(value);
    }
}
