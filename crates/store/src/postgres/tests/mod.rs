//! The contract, and what is particular to a server across a network. Skipped where PostgreSQL is not installed.

mod kill;
mod restart;
mod server;

use std::sync::Arc;
use std::time::Duration;

use base::{SystemRandom, Timestamp};
use serde_json::json;

use super::{HEAD_MAY_BE_OLD, OpenError, PostgresStore, Settings};
use crate::{
    AccountActivity, Activity, Chain, Configuration, Kind, Once, Operation, StoreError, Write, WriteError,
};
use server::{open, shared};

/// A store in a new database. Ends the test where there is no server.
macro_rules! fresh {
    () => {
        match shared() {
            Some(server) => {
                let settings = server.database().await;
                (open(&settings).await, settings)
            }
            None => return,
        }
    };
}

mod contract {
    use super::{open, shared};

    crate::configuration_contract!(fresh!());
    crate::once_contract!(fresh!());
    crate::activity_contract!(fresh!());
}

const KIND: Kind = Kind::RelyingPartyTrust;

fn put(id: &str, expected: u64, body: serde_json::Value) -> Write {
    let keys = vec![("identifier", format!("urn:{id}"))];
    let put = Operation::Put { kind: KIND, id: id.into(), expected, body, keys };
    Write { epoch: 1, by: "test".into(), at: Timestamp::from_seconds(0), operations: vec![put] }
}

async fn refusal(settings: &str) -> OpenError {
    let settings: Settings = settings.parse().unwrap();
    PostgresStore::open(&settings, Arc::new(SystemRandom)).await.map(|_| ()).unwrap_err()
}

/// The name of the database in settings.
fn database(settings: &str) -> &str {
    settings.split_whitespace().find_map(|pair| pair.strip_prefix("dbname=")).unwrap()
}

/// Waits until `condition` holds, which must be soon.
async fn soon(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_there_for_another_node_and_after_reopening() {
    let (first, settings) = fresh!();
    let second = open(&settings).await;
    first.write(put("a", 0, json!({ "n": 1 }))).await.unwrap();
    assert_eq!(second.get(KIND, "a").await.unwrap().unwrap().body, json!({ "n": 1 }));
    let both =
        futures_util::future::join(first.write(put("a", 1, json!(2))), second.write(put("a", 1, json!(3))))
            .await;
    let conflicts = [&both.0, &both.1]
        .into_iter()
        .filter(|result| matches!(result, Err(WriteError::Conflict { expected: 1, current: 2, .. })));
    assert_eq!(conflicts.count(), 1, "{both:?}");
    first.put("code", "h", b"value", Timestamp::from_seconds(100)).await.unwrap();
    assert_eq!(second.take("code", "h", Timestamp::from_seconds(0)).await.unwrap().unwrap(), b"value");
    assert!(first.swap("alice", 0, &AccountActivity::default(), Timestamp::from_seconds(0)).await.unwrap());
    assert_eq!(second.raise_epoch(1).await.unwrap().epoch, 2);
    soon("the first hears of the epoch", async || first.head().await.unwrap().epoch == 2).await;
    drop((first, second));
    let store = open(&settings).await;
    let head = store.head().await.unwrap();
    assert_eq!((head.epoch, head.serial), (2, 2));
    assert_eq!(store.load("alice").await.unwrap().unwrap().version, 1);
    let entries = store.entries(0, 10).await.unwrap();
    let chain = entries.iter().fold(Chain::START, |chain, entry| chain.after(entry));
    let rows = store.pool.query("test", super::pool::Repeat::Freely, "SELECT chain FROM sekisho.writer", &[]);
    assert_eq!(rows.await.unwrap()[0].get::<_, &[u8]>(0), chain.as_bytes());
    assert_eq!(entries[0].keys, [("identifier".to_owned(), "urn:a".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_at_once_make_one_schema() {
    let Some(server) = shared() else { return };
    let settings = server.database().await;
    let nodes: Vec<_> = (0..6)
        .map(|_| {
            let settings = settings.clone();
            tokio::spawn(async move { open(&settings).await.head().await.unwrap() })
        })
        .collect();
    for node in nodes {
        assert_eq!(node.await.unwrap().epoch, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_refused_naming_both_versions() {
    let (store, settings) = fresh!();
    store.write(put("a", 0, json!(1))).await.unwrap();
    drop(store);
    let server = shared().unwrap();
    server.execute(database(&settings), "UPDATE sekisho.schema_version SET version = 7").await;
    let error = refusal(&settings).await.to_string();
    assert!(error.contains("version 7") && error.contains("up to 1"), "{error}");
    server.execute(database(&settings), "UPDATE sekisho.schema_version SET version = 1").await;
    assert_eq!(open(&settings).await.head().await.unwrap().serial, 1);
}

/// Without the connection that listens, and without a new one, the position is asked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_hears_nothing_does_not_give_an_old_position() {
    let (deaf, settings) = fresh!();
    let writer = open(&settings).await;
    deaf.get(KIND, "a").await.unwrap();
    soon("the position is confirmed", async || deaf.head.current(tokio::time::Instant::now()).is_some())
        .await;
    let cut = format!(
        "ALTER DATABASE {0} ALLOW_CONNECTIONS false;
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{0}' AND query LIKE '%sekisho.writer'",
        database(&settings)
    );
    shared().unwrap().execute("postgres", &cut).await;
    let head = writer.write(put("a", 0, json!(1))).await.unwrap();
    let written = tokio::time::Instant::now();
    tokio::time::sleep_until(written + HEAD_MAY_BE_OLD).await;
    assert_eq!(deaf.head().await.unwrap(), head);
    assert_eq!(deaf.head.current(tokio::time::Instant::now()), None, "it asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_waits_too_long_is_given_up_and_leaves_nothing() {
    let (store, settings) = fresh!();
    let hasty = open(&format!("{settings} statement_timeout=1")).await;
    let (mut holder, connection) =
        tokio_postgres::connect(&shared().unwrap().settings(database(&settings)), tokio_postgres::NoTls)
            .await
            .unwrap();
    tokio::spawn(connection);
    let transaction = holder.transaction().await.unwrap();
    transaction.batch_execute("SELECT 1 FROM sekisho.writer FOR UPDATE").await.unwrap();
    match hasty.write(put("a", 0, json!(1))).await {
        Err(WriteError::Store(error)) => {
            assert!(error.retryable && error.cause.contains("Statement Timeout"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    // Readers do not wait for the writer.
    assert_eq!(hasty.get(KIND, "a").await.unwrap(), None);
    transaction.rollback().await.unwrap();
    assert_eq!(hasty.write(put("a", 0, json!(1))).await.unwrap().serial, 1);
    assert_eq!(store.changes(0, 10).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_leaves_no_half_of_its_write() {
    let (store, _) = fresh!();
    let write_of_three = |n: u32| {
        let mut write = put("a", 0, json!(n));
        write.operations = vec![write.operations.remove(0); 3];
        for (step, operation) in write.operations.iter_mut().enumerate() {
            let Operation::Put { id, keys, .. } = operation else { panic!() };
            *id = format!("{n}-{step}");
            keys.clear();
        }
        write
    };
    // One with all the time it wants, so that the others can go away at any part of theirs, or after it.
    let begun = tokio::time::Instant::now();
    store.write(write_of_three(100)).await.unwrap();
    let unhurried = begun.elapsed();
    for n in 0..100 {
        let patience = unhurried * n / 25;
        let _ = tokio::time::timeout(patience, store.write(write_of_three(n))).await;
    }
    let head = store.write(put("last", 0, json!(1))).await.unwrap();
    let changes = store.changes(0, 1000).await.unwrap();
    assert!(changes.iter().map(|change| change.head.serial).eq(1..=head.serial));
    assert_eq!(head.serial % 3, 1, "whole writes and the last one");
    assert!(head.serial > 6, "some were finished");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_callers_than_connections_take_turns() {
    let Some(server) = shared() else { return };
    let store = Arc::new(open(&format!("{} max_pool_size=2", server.database().await)).await);
    let calls: Vec<_> = (0..50)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.write(put(&n.to_string(), 0, json!(n))).await.map(|_| ()) })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(store.head().await.unwrap().serial, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_password_is_shown() {
    let (store, settings) = fresh!();
    assert!(!format!("{store:?}").contains("fs-lab"), "{store:?}");
    let error = refusal(&settings.replace("fs-lab", "hunter2")).await;
    let text = format!("{error} {error:?}");
    assert!(text.contains("password authentication failed") && !text.contains("hunter2"), "{text}");
    assert!(matches!(error, OpenError::Database(StoreError { retryable: false, .. })), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_named_and_may_come_back() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = refusal(&format!("host=127.0.0.1 port={port} user=fs dbname=fs")).await;
    assert!(matches!(error, OpenError::Database(StoreError { retryable: true, .. })), "{error:?}");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_checks_what_its_mode_promises() {
    let Some(server) = shared() else { return };
    let settings = server.database().await;
    let certificate = server.certificate();
    let with = |host: &str, mode: &str| {
        format!(
            "{} sslmode={mode} sslrootcert={}",
            settings.replace("127.0.0.1", host),
            certificate.display()
        )
    };
    for settings in [
        with("localhost", "verify-full"),
        with("127.0.0.1", "verify-ca"),
        format!("{settings} sslmode=require"),
    ] {
        let store = open(&settings).await;
        let sql = "SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_backend_pid()";
        let rows = store.pool.query("test", super::pool::Repeat::Freely, sql, &[]).await.unwrap();
        assert!(rows[0].get::<_, bool>(0), "{settings}");
        store.write(put(&settings, 0, json!(1))).await.unwrap();
    }
    let error = refusal(&with("127.0.0.1", "verify-full")).await.to_string();
    assert!(error.contains("certificate"), "{error}");
    let error = refusal(&format!("{} sslmode=verify-ca", settings.replace("127.0.0.1", "localhost"))).await;
    assert!(
        error.to_string().contains("certificate") || error.to_string().contains("SSL Root Cert"),
        "{error}"
    );
    let error = refusal(&format!("{settings} sslmode=verify-ca sslrootcert=/nowhere.pem")).await;
    assert!(error.to_string().contains("/nowhere.pem"), "{error}");
}

mod moving {
    use super::*;
    use crate::postgres::{TransferError, transfer};
    use crate::sqlite::SqliteStore;

    async fn embedded() -> (SqliteStore, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path()).unwrap();
        let at = Timestamp::from_seconds(7);
        for n in 0..620_u64 {
            let body = json!({ "Name": format!("関所 {n}"), "Rate": 0.1, "Unknown": [null, "\u{0}"] });
            let keys =
                vec![("identifier", format!("urn:{n}:{}", "x".repeat(3000))), ("name", format!("n{n}"))];
            let put = Operation::Put { kind: KIND, id: format!("{n}"), expected: 0, body, keys };
            let mut operations = vec![put];
            if n > 0 && n.is_multiple_of(10) {
                operations.push(Operation::Delete { kind: KIND, id: format!("{}", n - 1), expected: 1 });
            }
            store.write(Write { epoch: 1, by: "administrator".into(), at, operations }).await.unwrap();
        }
        let kind = Kind::SyncProperties;
        let body = json!(1);
        let local = Operation::Put { kind, id: "fs01".into(), expected: 0, body, keys: vec![] };
        let gone = Operation::Delete { kind, id: "fs01".into(), expected: 1 };
        store
            .write(Write { epoch: 1, by: "x".into(), at, operations: vec![local.clone(), gone, local] })
            .await
            .unwrap();
        store.promote("fs01").await.unwrap();
        for n in 0..510 {
            store.put("code", &format!("h{n}"), &[7, 0, 255], Timestamp::from_seconds(100)).await.unwrap();
            assert!(store.swap(&format!("user\u{0}{n}"), 0, &AccountActivity::default(), at).await.unwrap());
        }
        assert!(store.swap("user\u{0}1", 1, &AccountActivity::default(), at).await.unwrap());
        (store, dir)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn everything_arrives_and_goes_on() {
        let (target, _) = fresh!();
        let (source, _dir) = embedded().await;
        let moved = transfer(&source, &target).await.unwrap();
        assert_eq!(moved.head, source.head().await.unwrap());
        assert_eq!((moved.head.epoch, moved.changes, moved.objects), (2, 681, 560));
        assert_eq!((moved.single_use, moved.accounts), (510, 510));
        assert_eq!(target.head().await.unwrap(), moved.head);
        assert_eq!(target.entries(0, 1000).await.unwrap(), source.entries(0, 1000).await.unwrap());
        for kind in [KIND, Kind::SyncProperties] {
            assert_eq!(
                target.list(kind, None, 1000).await.unwrap(),
                source.list(kind, None, 1000).await.unwrap()
            );
        }
        let long = format!("urn:7:{}", "x".repeat(3000));
        assert_eq!(target.find(KIND, "identifier", &long).await.unwrap().unwrap().id, "7");
        assert_eq!(
            target.take("code", "h5", Timestamp::from_seconds(0)).await.unwrap().unwrap(),
            [7, 0, 255]
        );
        assert_eq!(target.load("user\u{0}1").await.unwrap().unwrap().version, 2);
        // Versions and numbers go on.
        let operation = |kind, id: &str, expected| Operation::Put {
            kind,
            id: id.into(),
            expected,
            body: json!(1),
            keys: vec![],
        };
        let operations = vec![operation(KIND, "9", 0), operation(Kind::SyncProperties, "fs01", 3)];
        let write = Write { epoch: 2, by: "x".into(), at: Timestamp::from_seconds(8), operations };
        assert_eq!(target.write(write).await.unwrap().serial, moved.head.serial + 1);
        assert_eq!(target.get(KIND, "9").await.unwrap().unwrap().version, 3);
        let again = transfer(&source, &target).await.unwrap_err();
        assert!(matches!(again, TransferError::NotEmpty { .. }), "{again}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_not_empty_or_not_the_primary_is_refused() {
        let (target, _) = fresh!();
        let (source, _dir) = embedded().await;
        target.put("code", "h", b"", Timestamp::from_seconds(100)).await.unwrap();
        let error = transfer(&source, &target).await.unwrap_err();
        assert!(matches!(error, TransferError::NotEmpty { what: "single-use values" }), "{error}");
        assert_eq!(target.head().await.unwrap().serial, 0);
        target.take("code", "h", Timestamp::from_seconds(0)).await.unwrap();
        source.follow("fs02").await.unwrap();
        let error = transfer(&source, &target).await.unwrap_err();
        assert!(error.to_string().contains("'fs02'"), "{error}");
        source.promote("fs01").await.unwrap();
        assert_eq!(transfer(&source, &target).await.unwrap().head.epoch, 3);
    }
}
