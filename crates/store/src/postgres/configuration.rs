//! [`Configuration`]: reading, and the transactions of writers.

use async_trait::async_trait;
use aws_lc_rs::digest as sha;
use base::Timestamp;
use tokio::time::Instant;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

use super::PostgresStore;
use super::error::Failure;
use super::pool::{PAUSES, Params, Repeat};
use super::write::{self, Attempt, Change as Job};
use crate::{Change, Configuration, Document, Entry, Head, Kind, StoreError, Write, WriteError};

#[async_trait]
impl Configuration for PostgresStore {
    async fn head(&self) -> Result<Head, StoreError> {
        if let Some(head) = self.head.current(Instant::now()) {
            return Ok(head);
        }
        let operation = "read the position of the configuration";
        let sql = "SELECT epoch, serial FROM sekisho.writer";
        let rows = self.pool.query(operation, Repeat::Freely, sql, &[]).await?;
        let head = head_of(&rows).map_err(|failure| failure.into_error(operation))?;
        self.head.advance(head);
        Ok(head)
    }

    async fn get(&self, kind: Kind, id: &str) -> Result<Option<Document>, StoreError> {
        let sql = "SELECT id, version, body FROM sekisho.objects WHERE kind = $1 AND id = $2";
        let params: &Params<'_> = &[(&kind.name(), Type::TEXT), (&id.as_bytes(), Type::BYTEA)];
        Ok(self.documents("read the configuration", kind, sql, params).await?.pop())
    }

    async fn find(&self, kind: Kind, index: &str, value: &str) -> Result<Option<Document>, StoreError> {
        let sql = "SELECT o.id, o.version, o.body FROM sekisho.object_keys k
                   JOIN sekisho.objects o ON o.kind = k.kind AND o.id = k.id
                   WHERE k.kind = $1 AND k.name = $2 AND k.digest = $3";
        // No index has a name that PostgreSQL's text cannot hold.
        if index.contains('\0') {
            return Ok(None);
        }
        let params: &Params<'_> =
            &[(&kind.name(), Type::TEXT), (&index, Type::TEXT), (&digest(value), Type::BYTEA)];
        Ok(self.documents("search the configuration", kind, sql, params).await?.pop())
    }

    async fn list(&self, kind: Kind, after: Option<&str>, limit: usize) -> Result<Vec<Document>, StoreError> {
        let sql = "SELECT id, version, body FROM sekisho.objects
                   WHERE kind = $1 AND ($2::bytea IS NULL OR id > $2) ORDER BY id LIMIT $3";
        let after = after.map(str::as_bytes);
        let params: &Params<'_> =
            &[(&kind.name(), Type::TEXT), (&after, Type::BYTEA), (&sql_limit(limit), Type::INT8)];
        self.documents("list the configuration", kind, sql, params).await
    }

    async fn write(&self, write: Write) -> Result<Head, WriteError> {
        write.check()?;
        self.commit("change the configuration", Job::Write(&write)).await
    }

    async fn raise_epoch(&self, expected: u64) -> Result<Head, WriteError> {
        self.commit("become the writer of the configuration", Job::RaiseEpoch(expected)).await
    }

    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>, StoreError> {
        let entries = self.entries(after, limit).await?;
        let read =
            |entry: Entry| Change::try_from(entry).map_err(|error| Failure::nonsense(error.to_string()));
        let changes: Result<_, _> = entries.into_iter().map(read).collect();
        changes.map_err(|failure| failure.into_error(HISTORY))
    }

    async fn change_before(&self, kind: Kind, id: &str, before: u64) -> Result<Option<Change>, StoreError> {
        let sql = "SELECT epoch, serial, kind, id, version, body, keys, at, by, last FROM sekisho.changes
                   WHERE kind = $1 AND id = $2 AND serial < $3 ORDER BY serial DESC LIMIT 1";
        let params: &Params<'_> =
            &[(&kind.name(), Type::TEXT), (&id.as_bytes(), Type::BYTEA), (&sql_number(before), Type::INT8)];
        let rows = self.pool.query(HISTORY, Repeat::Freely, sql, params).await?;
        let read =
            |row: &Row| Change::try_from(entry(row)?).map_err(|error| Failure::nonsense(error.to_string()));
        let change = rows.first().map(read).transpose();
        change.map_err(|failure| failure.into_error(HISTORY))
    }
}

const HISTORY: &str = "read the history of the configuration";

impl PostgresStore {
    /// History after the serial number `after` with all that a copy needs, oldest first, at most `limit`.
    pub async fn entries(&self, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let sql = "SELECT epoch, serial, kind, id, version, body, keys, at, by, last FROM sekisho.changes
                   WHERE serial > $1 ORDER BY serial LIMIT $2";
        let params: &Params<'_> = &[(&sql_number(after), Type::INT8), (&sql_limit(limit), Type::INT8)];
        let rows = self.pool.query(HISTORY, Repeat::Freely, sql, params).await?;
        let entries: Result<_, Failure> = rows.iter().map(entry).collect();
        entries.map_err(|failure| failure.into_error(HISTORY))
    }

    async fn documents(
        &self,
        operation: &'static str,
        kind: Kind,
        sql: &str,
        params: &Params<'_>,
    ) -> Result<Vec<Document>, StoreError> {
        let rows = self.pool.query(operation, Repeat::Freely, sql, params).await?;
        let read = |row| -> Result<Document, Failure> {
            let body: &str = cell(row, 2)?;
            let body = serde_json::from_str(body).map_err(|error| Failure::nonsense(error.to_string()))?;
            Ok(Document { kind, id: text(row, 0)?, version: number(row, 1)?, body })
        };
        let documents: Result<_, _> = rows.iter().map(read).collect();
        documents.map_err(|failure: Failure| failure.into_error(operation))
    }

    /// Runs a transaction until its outcome is known: committed once, refused, or out of reach.
    async fn commit(&self, operation: &'static str, job: Job<'_>) -> Result<Head, WriteError> {
        let mut id = [0; 16];
        self.random.fill(&mut id);
        let mut pauses = PAUSES.iter();
        loop {
            let failure = match write::attempt(&self.pool, &id, &job).await {
                Ok(head) => return Ok(self.reached(head)),
                Err(Attempt::Refused(refusal)) => return Err(refusal),
                Err(Attempt::Failed(failure)) => failure,
            };
            let failure = match failure.certain {
                true => failure,
                false => match self.outcome(&id).await {
                    Ok(Some(head)) => return Ok(self.reached(head)),
                    Ok(None) => Failure { certain: true, ..failure },
                    Err(unknown) => {
                        return Err(Failure { certain: false, ..unknown }.into_error(operation).into());
                    }
                },
            };
            match pauses.next().filter(|_| failure.brief) {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => return Err(failure.into_error(operation).into()),
            }
        }
    }

    /// Whether the transaction with this id was committed.
    async fn outcome(&self, id: &[u8]) -> Result<Option<Head>, Failure> {
        let mut pauses = PAUSES.iter();
        loop {
            match write::outcome(&self.pool, id).await {
                Err(failure) if failure.brief => match pauses.next() {
                    Some(pause) => tokio::time::sleep(*pause).await,
                    None => return Err(failure),
                },
                known => return known,
            }
        }
    }

    /// This node sees its own writes at once.
    fn reached(&self, head: Head) -> Head {
        self.head.advance(head);
        head
    }
}

pub(super) fn head_of(rows: &[Row]) -> Result<Head, Failure> {
    let row = rows
        .first()
        .ok_or_else(|| Failure::nonsense("the table 'sekisho.writer' is empty; restore the database"))?;
    Ok(Head { epoch: number(row, 0)?, serial: number(row, 1)? })
}

pub(super) fn entry(row: &Row) -> Result<Entry, Failure> {
    let name: &str = cell(row, 2)?;
    let kind = Kind::from_name(name)
        .ok_or_else(|| Failure::nonsense(format!("'{name}' cannot be a kind of object")))?;
    let keys = serde_json::from_str(cell(row, 6)?).map_err(|error| Failure::nonsense(error.to_string()))?;
    Ok(Entry {
        head: Head { epoch: number(row, 0)?, serial: number(row, 1)? },
        kind,
        id: text(row, 3)?,
        version: number(row, 4)?,
        body: cell(row, 5)?,
        keys,
        at: Timestamp::from_micros(cell(row, 7)?),
        by: cell(row, 8)?,
        last: cell(row, 9)?,
    })
}

pub(super) fn cell<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T, Failure> {
    row.try_get(column).map_err(|error| Failure::nonsense(error.to_string()))
}

/// Text that is stored as octets.
fn text(row: &Row, column: usize) -> Result<String, Failure> {
    String::from_utf8(cell(row, column)?).map_err(|error| Failure::nonsense(error.to_string()))
}

/// PostgreSQL's integers have a sign; ours count up from 0 and never come near the end.
pub(super) fn number(row: &Row, column: usize) -> Result<u64, Failure> {
    let stored: i64 = cell(row, column)?;
    u64::try_from(stored)
        .map_err(|_| Failure::nonsense(format!("{stored} is not a number of the configuration")))
}

pub(super) fn sql_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn sql_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// SHA-256 of what an index would find too long, or a reader of the table should not see.
pub(super) fn digest(text: &str) -> Vec<u8> {
    sha::digest(&sha::SHA256, text.as_bytes()).as_ref().to_vec()
}
