//! The contract, and what is particular to files.

mod farm;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use base::Timestamp;
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use super::writer::Undo;
use super::{OpenError, SqliteStore};
use crate::{AccountActivity, Activity, Configuration, Kind, Once, Operation, StoreError, Write, WriteError};

mod contract {
    use super::open;

    crate::configuration_contract!(open());
    crate::once_contract!(open());
    crate::activity_contract!(open());
}

fn open() -> (SqliteStore, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (SqliteStore::open(dir.path()).unwrap(), dir)
}

fn write(id: &str, body: serde_json::Value) -> Write {
    let put = Operation::Put { kind: Kind::FarmKey, id: id.into(), expected: 0, body, keys: vec![] };
    Write { epoch: 1, by: "test".into(), at: Timestamp::from_seconds(0), operations: vec![put] }
}

async fn fill(dir: &Path) {
    let store = SqliteStore::open(dir).unwrap();
    for n in 0..50 {
        Configuration::write(&store, write(&format!("{n:03}"), json!("x".repeat(2000)))).await.unwrap();
    }
    store.put("code", "h", b"value", Timestamp::from_seconds(100)).await.unwrap();
    store.swap("alice", 0, &AccountActivity::default(), Timestamp::from_seconds(0)).await.unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn refusal(dir: &Path) -> OpenError {
    SqliteStore::open(dir).map(|_| ()).unwrap_err()
}

#[tokio::test]
async fn everything_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path()).await;
    let store = SqliteStore::open(dir.path()).unwrap();
    store.raise_epoch(1).await.unwrap();
    drop(store);
    let store = SqliteStore::open(dir.path()).unwrap();
    let head = store.head().await.unwrap();
    assert_eq!((head.epoch, head.serial), (2, 50));
    assert_eq!(store.list(Kind::FarmKey, None, 100).await.unwrap().len(), 50);
    assert_eq!(store.take("code", "h", Timestamp::from_seconds(0)).await.unwrap().unwrap(), b"value");
    assert_eq!(store.load("alice").await.unwrap().unwrap().version, 1);
}

#[tokio::test]
async fn directory_and_files_are_the_owners_alone() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("deep/data");
    let store = SqliteStore::open(&dir).unwrap();
    Configuration::write(&store, write("a", json!(1))).await.unwrap();
    store.put("code", "h", b"value", Timestamp::from_seconds(100)).await.unwrap();
    assert_eq!(mode(&dir), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(&dir).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(mode(&entry.path()), 0o600, "{:?}", entry.path());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    let expected = [
        "activity.db",
        "activity.db-shm",
        "activity.db-wal",
        "configuration.db",
        "configuration.db-shm",
        "configuration.db-wal",
        "sekisho.lock",
    ];
    assert_eq!(names, expected);
}

/// Security case 97, wrong permissions after a restore.
#[tokio::test]
async fn restored_files_are_closed_to_others_again() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path()).await;
    chmod(dir.path(), 0o755);
    chmod(&dir.path().join("configuration.db"), 0o644);
    chmod(&dir.path().join("activity.db"), 0o666);
    SqliteStore::open(dir.path()).unwrap();
    assert_eq!(mode(dir.path()), 0o700);
    assert_eq!(mode(&dir.path().join("configuration.db")), 0o600);
    assert_eq!(mode(&dir.path().join("activity.db")), 0o600);
}

#[test]
fn the_mode_of_a_foreign_directory_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    chmod(dir.path(), 0o755);
    fs::write(dir.path().join("somebody's letter"), "").unwrap();
    let error = refusal(dir.path());
    assert!(matches!(error, OpenError::SharedDirectory { mode: 0o755, .. }), "{error}");
    assert_eq!(mode(dir.path()), 0o755);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);

    let error = refusal(&dir.path().join("somebody's letter"));
    assert!(matches!(error, OpenError::Directory { .. }), "{error}");
}

#[test]
fn a_directory_is_opened_by_one_process_at_a_time_and_the_other_is_named() {
    let (store, dir) = open();
    let error = refusal(dir.path()).to_string();
    assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
    drop(store);
    SqliteStore::open(dir.path()).unwrap();
}

#[tokio::test]
async fn a_newer_schema_is_refused_naming_both_versions() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path()).await;
    let path = dir.path().join("configuration.db");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let before = fs::read(&path).unwrap();
    let error = refusal(dir.path()).to_string();
    for part in ["configuration.db", "version 7", "up to 2", "newer release"] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(fs::read(&path).unwrap(), before);
}

/// Security case 97: what is not ours is neither used nor emptied.
#[tokio::test]
async fn a_file_of_somebody_else_is_refused_and_left_as_it_is() {
    let foreign_database = |path: &Path| {
        let connection = Connection::open(path).unwrap();
        connection.execute_batch("CREATE TABLE letters (text); INSERT INTO letters VALUES ('dear')").unwrap();
    };
    let makers: [&dyn Fn(&Path); 4] = [
        &|path| fs::write(path, "Dear diary").unwrap(),
        &|path| fs::write(path, "SQL").unwrap(),
        &|path| fs::write(path, vec![0; 8192]).unwrap(),
        &foreign_database,
    ];
    for make in makers {
        for name in ["configuration.db", "activity.db"] {
            let dir = tempfile::tempdir().unwrap();
            chmod(dir.path(), 0o700);
            let path = dir.path().join(name);
            make(&path);
            let before = fs::read(&path).unwrap();
            let error = refusal(dir.path());
            assert!(matches!(error, OpenError::NotOurs { .. }), "{error}");
            assert_eq!(fs::read(&path).unwrap(), before);
        }
    }
}

#[tokio::test]
async fn one_file_is_not_taken_for_the_other() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path()).await;
    fs::copy(dir.path().join("activity.db"), dir.path().join("configuration.db")).unwrap();
    let error = refusal(dir.path());
    assert!(matches!(error, OpenError::NotOurs { .. }), "{error}");
}

/// Security case 97, corrupt page.
#[tokio::test]
async fn a_damaged_file_is_refused_and_left_as_it_is() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 4] = [
        ("a page overwritten", |content| content[8192..12288].fill(0xa5)),
        ("the schema overwritten", |content| content[100..300].fill(0xff)),
        ("the end cut off", |content| content.truncate(content.len() / 2)),
        ("a page emptied", |content| content[4096..8192].fill(0)),
    ];
    for (what, damage) in damages {
        let dir = tempfile::tempdir().unwrap();
        fill(dir.path()).await;
        let path = dir.path().join("configuration.db");
        let mut content = fs::read(&path).unwrap();
        damage(&mut content);
        fs::write(&path, &content).unwrap();
        let error = refusal(dir.path());
        assert!(matches!(error, OpenError::Damaged { .. }), "{what}: {error}");
        assert!(error.to_string().contains("backup"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), content, "{what}");
    }
}

/// Security case 97: a database cut to nothing beside a log that has content.
#[tokio::test]
async fn an_emptied_file_with_a_full_log_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    Configuration::write(&store, write("a", json!(1))).await.unwrap();
    let log = fs::read(dir.path().join("configuration.db-wal")).unwrap();
    drop(store);
    fs::write(dir.path().join("configuration.db"), "").unwrap();
    fs::write(dir.path().join("configuration.db-wal"), &log).unwrap();
    let error = refusal(dir.path());
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    assert_eq!(fs::read(dir.path().join("configuration.db-wal")).unwrap(), log);
}

async fn limit_pages(store: &SqliteStore, pages: Option<i64>) {
    let limit = move |connection: &Connection| -> Result<(), Undo<StoreError>> {
        let used: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        let allowed = pages.map_or(1 << 30, |more| used + more);
        connection.pragma_update_and_check(None, "max_page_count", allowed, |_| Ok(()))?;
        Ok(())
    };
    store.configuration.write("limit", limit).await.unwrap();
    store.activity.write("limit", limit).await.unwrap();
}

/// Security case 97, disk full while running: what was acknowledged stays, what was not leaves no trace.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_writes_and_loses_none() {
    let (store, _dir) = open();
    let store = Arc::new(store);
    limit_pages(&store, Some(10)).await;
    let mut kept = 0;
    let error = loop {
        match Configuration::write(&*store, write(&format!("{kept:03}"), json!("x".repeat(3000)))).await {
            Ok(_) => kept += 1,
            Err(WriteError::Store(error)) => break error,
            Err(other) => panic!("{other}"),
        }
    };
    assert!(error.retryable && error.to_string().contains("free space"), "{error}");
    assert!((1..10).contains(&kept), "{kept}");
    assert_eq!(store.head().await.unwrap().serial, kept);
    assert_eq!(store.list(Kind::FarmKey, None, 100).await.unwrap().len(), usize::try_from(kept).unwrap());

    // Writes that share a transaction with the one that does not fit.
    let expires = Timestamp::from_seconds(100);
    let puts: Vec<_> = (0..200)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let size = if n % 10 == 9 { 100_000 } else { 10 };
                store.put("code", &n.to_string(), &vec![7; size], expires).await
            })
        })
        .collect();
    let mut acknowledged = Vec::new();
    for put in puts {
        acknowledged.push(put.await.unwrap());
    }
    assert!(acknowledged.iter().any(Result::is_err));
    for (n, put) in acknowledged.iter().enumerate() {
        let there = store.take("code", &n.to_string(), Timestamp::from_seconds(0)).await.unwrap().is_some();
        assert_eq!(there, put.is_ok(), "{n}: {put:?}");
        assert!(put.as_ref().err().is_none_or(|error| error.retryable), "{put:?}");
    }

    limit_pages(&store, None).await;
    let head = Configuration::write(&*store, write("after", json!(1))).await.unwrap();
    assert_eq!(head.serial, kept + 1, "no gap");
    store.put("code", "after", &vec![7; 100_000], expires).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_does_not_undo_the_others_of_its_transaction() {
    let (store, _dir) = open();
    let store = Arc::new(store);
    // The first keeps the thread busy until the others wait, so that they are taken together.
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let gate = tokio::spawn({
        let store = store.clone();
        async move {
            let work = move |_: &Connection| -> Result<(), Undo<StoreError>> {
                wait.recv().unwrap();
                Ok(())
            };
            store.activity.write("wait", work).await
        }
    });
    let jobs: Vec<_> = (0..100)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let work = move |connection: &Connection| -> Result<(), Undo<StoreError>> {
                    connection.execute("INSERT INTO once VALUES ('p', ?1, x'00', 1)", [n.to_string()])?;
                    match n % 3 {
                        0 => Ok(()),
                        1 => Err(Undo::Failed(rusqlite::Error::InvalidQuery)),
                        _ => Err(Undo::Refused(StoreError {
                            operation: "test",
                            cause: "refused".into(),
                            retryable: false,
                        })),
                    }
                };
                store.activity.write("test", work).await
            })
        })
        .collect();
    tokio::task::yield_now().await;
    release.send(()).unwrap();
    gate.await.unwrap().unwrap();
    for (n, job) in jobs.into_iter().enumerate() {
        assert_eq!(job.await.unwrap().is_ok(), n % 3 == 0);
        let there = store.take("p", &n.to_string(), Timestamp::from_seconds(0)).await.unwrap();
        assert_eq!(there.is_some(), n % 3 == 0, "{n}");
    }
}

/// Security case 97, slow fsync: callers are refused at once instead of waiting without bound.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_does_not_keep_up_sheds_writes() {
    let (store, _dir) = open();
    let store = Arc::new(store);
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let expires = Timestamp::from_seconds(100);
    let mut waiting = tokio::task::JoinSet::new();
    waiting.spawn({
        let store = store.clone();
        async move {
            let work = move |_: &Connection| -> Result<(), Undo<StoreError>> {
                wait.recv().unwrap();
                Ok(())
            };
            store.activity.write("wait", work).await
        }
    });
    for n in 0..2000 {
        let store = store.clone();
        waiting.spawn(async move { store.put("code", &n.to_string(), b"", expires).await });
    }
    // The refused ones come back while the others still wait.
    let refused = waiting.join_next().await.unwrap().unwrap().unwrap_err();
    assert!(refused.retryable, "{refused}");
    release.send(()).unwrap();
    let mut kept = 0;
    while let Some(answer) = waiting.join_next().await {
        kept += usize::from(answer.unwrap().is_ok());
    }
    assert!((1024..2000).contains(&kept), "{kept}");
}

#[tokio::test]
async fn closing_finishes_what_waits() {
    let (store, dir) = open();
    // Futures that are dropped after their first poll: nobody waits for the answers.
    for n in 0..100 {
        let handle = n.to_string();
        let put = store.put("code", &handle, b"v", Timestamp::from_seconds(100));
        tokio::select! { biased; _ = put => {}, () = std::future::ready(()) => {} }
    }
    drop(store);
    let store = SqliteStore::open(dir.path()).unwrap();
    for n in 0..100 {
        assert!(store.take("code", &n.to_string(), Timestamp::from_seconds(0)).await.unwrap().is_some());
    }
}
