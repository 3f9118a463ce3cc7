//! The transaction of a writer, and the question of what became of it.

use tokio_postgres::Transaction;
use tokio_postgres::types::Type;

use super::configuration::{cell, digest, head_of, number, sql_number};
use super::error::Failure;
use super::head::{CHANNEL, notice};
use super::pool::{Params, Pool};
use crate::{Chain, Entry, Head, Kind, Operation, Scope, Write, WriteError};

/// What a writer wants.
pub(super) enum Change<'a> {
    Write(&'a Write),
    /// Only while the epoch is this one.
    RaiseEpoch(u64),
}

/// Why there is no new position.
pub(super) enum Attempt {
    /// By decision: everything was undone.
    Refused(WriteError),
    Failed(Failure),
}

impl From<Failure> for Attempt {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// One transaction from beginning to commit, recognisable by `id`.
pub(super) async fn attempt(pool: &Pool, id: &[u8], change: &Change<'_>) -> Result<Head, Attempt> {
    let mut lease = pool.lease().await?;
    let head = {
        // Whatever is lost before the commit undoes itself.
        let undone = |failure| Failure { certain: true, ..failure };
        let transaction = pool.answer(lease.client.transaction()).await.map_err(undone)?;
        let step = Step { pool, transaction: &transaction };
        let head = match step.run(id, change).await {
            Ok(head) => head,
            Err(Attempt::Failed(failure)) => return Err(undone(failure).into()),
            Err(refused) => {
                if pool.answer(transaction.rollback()).await.is_ok() {
                    lease.give_back();
                }
                return Err(refused);
            }
        };
        pool.answer(transaction.commit()).await?;
        head
    };
    lease.give_back();
    Ok(head)
}

/// Whether the transaction `id` was committed, and where it led to. Waits for it to end, since it holds the
/// writer's row until then.
pub(super) async fn outcome(pool: &Pool, id: &[u8]) -> Result<Option<Head>, Failure> {
    let mut lease = pool.lease().await?;
    let transaction = pool.answer(lease.client.transaction()).await?;
    pool.answer(transaction.query_typed("SELECT 1 FROM sekisho.writer FOR UPDATE", &[])).await?;
    let sql = "SELECT epoch, serial FROM sekisho.writes WHERE id = $1";
    let rows = pool.answer(transaction.query_typed(sql, &[(&id, Type::BYTEA)])).await?;
    pool.answer(transaction.rollback()).await?;
    lease.give_back();
    match rows.is_empty() {
        true => Ok(None),
        false => head_of(&rows).map(Some),
    }
}

struct Step<'a> {
    pool: &'a Pool,
    transaction: &'a Transaction<'a>,
}

impl Step<'_> {
    async fn run(&self, id: &[u8], change: &Change<'_>) -> Result<Head, Attempt> {
        let rows = self.query("SELECT epoch, serial, chain FROM sekisho.writer FOR UPDATE", &[]).await?;
        let mut head = head_of(&rows)?;
        let chain: &[u8] = rows.first().map(|row| cell(row, 2)).transpose()?.unwrap_or_default();
        let mut chain = Chain::from_digest(chain).ok_or_else(|| {
            Failure::nonsense("the table 'sekisho.writer' is damaged; restore the database")
        })?;
        let given = match change {
            Change::Write(write) => write.epoch,
            Change::RaiseEpoch(expected) => *expected,
        };
        if given != head.epoch {
            return Err(Attempt::Refused(WriteError::Fenced { given, current: head.epoch }));
        }
        match change {
            Change::Write(write) => {
                let last = write.operations.iter().rposition(|step| step.kind().scope() == Scope::Farm);
                for (at, operation) in write.operations.iter().enumerate() {
                    self.operation(write, operation, last == Some(at), &mut head, &mut chain).await?;
                }
            }
            Change::RaiseEpoch(expected) => head.epoch = expected.saturating_add(1),
        }
        let params: &Params<'_> = &[
            (&sql_number(head.epoch), Type::INT8),
            (&sql_number(head.serial), Type::INT8),
            (&chain.as_bytes(), Type::BYTEA),
        ];
        self.query("UPDATE sekisho.writer SET epoch = $1, serial = $2, chain = $3", params).await?;
        let sql = "INSERT INTO sekisho.writes (id, epoch, serial) VALUES ($1, $2, $3)";
        let params: &Params<'_> = &[
            (&id, Type::BYTEA),
            (&sql_number(head.epoch), Type::INT8),
            (&sql_number(head.serial), Type::INT8),
        ];
        self.query(sql, params).await?;
        self.query("DELETE FROM sekisho.writes WHERE at < now() - interval '1 hour'", &[]).await?;
        let params: &Params<'_> = &[(&CHANNEL, Type::TEXT), (&notice(head), Type::TEXT)];
        self.query("SELECT pg_notify($1, $2)", params).await?;
        Ok(head)
    }

    async fn operation(
        &self,
        write: &Write,
        operation: &Operation,
        last: bool,
        head: &mut Head,
        chain: &mut Chain,
    ) -> Result<(), Attempt> {
        let (kind, id, version, body, keys) = match operation {
            Operation::Put { kind, id, expected, body, keys } => {
                let version = self.next_version(*kind, id, *expected).await?;
                let body = body.to_string();
                let sql = "INSERT INTO sekisho.objects (kind, id, version, body) VALUES ($1, $2, $3, $4)
                           ON CONFLICT (kind, id) DO UPDATE SET version = excluded.version, body = excluded.body";
                let params: &Params<'_> = &[
                    (&kind.name(), Type::TEXT),
                    (&id.as_bytes(), Type::BYTEA),
                    (&sql_number(version), Type::INT8),
                    (&body, Type::TEXT),
                ];
                self.query(sql, params).await?;
                self.replace_keys(*kind, id, keys).await?;
                let keys = keys.iter().map(|(index, value)| ((*index).to_owned(), value.clone())).collect();
                (*kind, id, version, Some(body), keys)
            }
            Operation::Delete { kind, id, expected } => {
                if *expected == 0 {
                    let current = self.current_version(*kind, id).await?;
                    return Err(conflict(*kind, id, *expected, current));
                }
                let version = self.next_version(*kind, id, *expected).await?;
                let params: &Params<'_> = &[(&kind.name(), Type::TEXT), (&id.as_bytes(), Type::BYTEA)];
                self.query("DELETE FROM sekisho.objects WHERE kind = $1 AND id = $2", params).await?;
                (*kind, id, version, None, Vec::new())
            }
        };
        if kind.scope() == Scope::Node {
            let sql = "INSERT INTO sekisho.node_versions (kind, id, version) VALUES ($1, $2, $3)
                       ON CONFLICT (kind, id) DO UPDATE SET version = excluded.version";
            let params: &Params<'_> = &[
                (&kind.name(), Type::TEXT),
                (&id.as_bytes(), Type::BYTEA),
                (&sql_number(version), Type::INT8),
            ];
            self.query(sql, params).await?;
            return Ok(());
        }
        head.serial = head.serial.saturating_add(1);
        let (id, by) = (id.clone(), write.by.clone());
        let entry = Entry { head: *head, kind, id, version, body, keys, at: write.at, by, last };
        *chain = chain.after(&entry);
        self.append(&entry, *chain).await
    }

    async fn append(&self, entry: &Entry, chain: Chain) -> Result<(), Attempt> {
        let keys =
            serde_json::to_string(&entry.keys).map_err(|error| Failure::nonsense(error.to_string()))?;
        let sql =
            "INSERT INTO sekisho.changes (serial, epoch, kind, id, version, body, keys, at, by, last, chain)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
        let params: &Params<'_> = &[
            (&sql_number(entry.head.serial), Type::INT8),
            (&sql_number(entry.head.epoch), Type::INT8),
            (&entry.kind.name(), Type::TEXT),
            (&entry.id.as_bytes(), Type::BYTEA),
            (&sql_number(entry.version), Type::INT8),
            (&entry.body, Type::TEXT),
            (&keys, Type::TEXT),
            (&entry.at.as_micros(), Type::INT8),
            (&entry.by, Type::TEXT),
            (&entry.last, Type::BOOL),
            (&chain.as_bytes(), Type::BYTEA),
        ];
        self.query(sql, params).await?;
        Ok(())
    }

    /// The lost-update check, and the version after the change.
    async fn next_version(&self, kind: Kind, id: &str, expected: u64) -> Result<u64, Attempt> {
        let current = self.current_version(kind, id).await?;
        if current != expected {
            return Err(conflict(kind, id, expected, current));
        }
        if current != 0 {
            return Ok(current.saturating_add(1));
        }
        // An object of this name may have lived before; its versions are used up.
        let sql = match kind.scope() {
            Scope::Farm => {
                "SELECT version FROM sekisho.changes WHERE kind = $1 AND id = $2 ORDER BY serial DESC LIMIT 1"
            }
            Scope::Node => "SELECT version FROM sekisho.node_versions WHERE kind = $1 AND id = $2",
        };
        Ok(self.version(sql, kind, id).await?.saturating_add(1))
    }

    /// 0 when the object does not exist.
    async fn current_version(&self, kind: Kind, id: &str) -> Result<u64, Failure> {
        self.version("SELECT version FROM sekisho.objects WHERE kind = $1 AND id = $2", kind, id).await
    }

    async fn version(&self, sql: &str, kind: Kind, id: &str) -> Result<u64, Failure> {
        let params: &Params<'_> = &[(&kind.name(), Type::TEXT), (&id.as_bytes(), Type::BYTEA)];
        let rows = self.query(sql, params).await?;
        rows.first().map_or(Ok(0), |row| number(row, 0))
    }

    async fn replace_keys(
        &self,
        kind: Kind,
        id: &str,
        keys: &[(&'static str, String)],
    ) -> Result<(), Attempt> {
        let params: &Params<'_> = &[(&kind.name(), Type::TEXT), (&id.as_bytes(), Type::BYTEA)];
        self.query("DELETE FROM sekisho.object_keys WHERE kind = $1 AND id = $2", params).await?;
        if keys.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = keys.iter().map(|(index, _)| *index).collect();
        let values: Vec<&[u8]> = keys.iter().map(|(_, value)| value.as_bytes()).collect();
        let digests: Vec<Vec<u8>> = keys.iter().map(|(_, value)| digest(value)).collect();
        let params: &Params<'_> = &[
            (&kind.name(), Type::TEXT),
            (&id.as_bytes(), Type::BYTEA),
            (&names, Type::TEXT_ARRAY),
            (&digests, Type::BYTEA_ARRAY),
            (&values, Type::BYTEA_ARRAY),
        ];
        // The same key named twice by one object takes nothing from anyone.
        let sql = "INSERT INTO sekisho.object_keys (kind, name, digest, value, id)
                   SELECT $1, k.name, k.digest, k.value, $2
                   FROM unnest($3::text[], $4::bytea[], $5::bytea[]) AS k (name, digest, value)
                   ON CONFLICT DO NOTHING";
        self.query(sql, params).await?;
        let sql = "SELECT o.name, o.value, o.id FROM sekisho.object_keys o
                   JOIN unnest($3::text[], $4::bytea[], $5::bytea[]) AS k (name, digest, value)
                   ON o.name = k.name AND o.digest = k.digest WHERE o.kind = $1 AND o.id <> $2 LIMIT 1";
        let rows = self.query(sql, params).await?;
        let Some(row) = rows.first() else { return Ok(()) };
        let octets = |column| -> Result<String, Failure> {
            Ok(String::from_utf8_lossy(cell::<&[u8]>(row, column)?).into_owned())
        };
        let (index, value, holder) = (cell(row, 0)?, octets(1)?, octets(2)?);
        Err(Attempt::Refused(WriteError::KeyTaken { kind, index, value, holder }))
    }

    async fn query(&self, sql: &str, params: &Params<'_>) -> Result<Vec<tokio_postgres::Row>, Failure> {
        self.pool.answer(self.transaction.query_typed(sql, params)).await
    }
}

fn conflict(kind: Kind, id: &str, expected: u64, current: u64) -> Attempt {
    Attempt::Refused(WriteError::Conflict { kind, id: id.to_owned(), expected, current })
}
