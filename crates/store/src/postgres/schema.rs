//! The schema and its versions.

use super::OpenError;
use super::error::Failure;
use super::pool::{PAUSES, Pool};

/// The n-th text brings schema version n-1 to n. Texts of earlier releases are never changed.
const MIGRATIONS: [&str; 1] = [include_str!("schema.sql")];
/// Number of the advisory lock under which one node at a time looks at the schema: "SEKC", as in the embedded files.
const LOCK: i64 = 0x5345_4b43;

/// Creates or upgrades the schema, in one transaction. Waits about three seconds for a server that is starting.
pub(super) async fn migrate(pool: &Pool) -> Result<(), OpenError> {
    let mut pauses = PAUSES.iter();
    loop {
        let failure = match migrate_once(pool).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(refusal)) => return Err(refusal),
            Err(failure) => failure,
        };
        // A repetition finds what the first has done, so it does not matter whether it did.
        match pauses.next().filter(|_| failure.brief) {
            Some(pause) => tokio::time::sleep(*pause).await,
            None => {
                return Err(OpenError::Database(
                    failure.into_error("prepare the schema of the configuration"),
                ));
            }
        }
    }
}

async fn migrate_once(pool: &Pool) -> Result<Result<(), OpenError>, Failure> {
    let mut lease = pool.lease().await?;
    let transaction = pool.answer(lease.client.transaction()).await?;
    let known = i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX);
    let lock = format!("SELECT pg_advisory_xact_lock({LOCK})");
    pool.answer(transaction.batch_execute(&lock)).await?;
    let exists = "SELECT to_regclass('sekisho.schema_version') IS NOT NULL";
    let exists: bool = first(&pool.answer(transaction.query_typed(exists, &[])).await?)?;
    let found = match exists {
        false => 0,
        true => first(
            &pool.answer(transaction.query_typed("SELECT version FROM sekisho.schema_version", &[])).await?,
        )?,
    };
    if found > known {
        return Ok(Err(OpenError::NewerSchema { found, known }));
    }
    if !exists {
        let create = "CREATE SCHEMA IF NOT EXISTS sekisho;
                      CREATE TABLE sekisho.schema_version (version integer NOT NULL);
                      INSERT INTO sekisho.schema_version VALUES (0)";
        pool.answer(transaction.batch_execute(create)).await?;
    }
    for step in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
        pool.answer(transaction.batch_execute(step)).await?;
    }
    if found < known {
        let tell = format!("UPDATE sekisho.schema_version SET version = {known}");
        pool.answer(transaction.batch_execute(&tell)).await?;
    }
    pool.answer(transaction.commit()).await?;
    lease.give_back();
    Ok(Ok(()))
}

fn first<T: for<'a> tokio_postgres::types::FromSql<'a>>(rows: &[tokio_postgres::Row]) -> Result<T, Failure> {
    match rows.first().map(|row| row.try_get(0)) {
        Some(Ok(value)) => Ok(value),
        _ => Err(Failure::nonsense("the table 'sekisho.schema_version' is damaged; restore the database")),
    }
}
