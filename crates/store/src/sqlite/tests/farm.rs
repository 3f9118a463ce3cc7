//! Nodes that copy the history of a primary, on real files.

use base::Timestamp;
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use super::open;
use crate::sqlite::SqliteStore;
use crate::sync::{Accepted, PAGE_ENTRIES, PullAnswer, Role, Term};
use crate::{Configuration, Head, Kind, Operation, Write, WriteError};

const KIND: Kind = Kind::RelyingPartyTrust;

fn now() -> Timestamp {
    Timestamp::from_seconds(1_700_000_000)
}

fn put(id: &str, expected: u64, body: serde_json::Value) -> Operation {
    let keys = vec![("identifier", format!("urn:{id}"))];
    Operation::Put { kind: KIND, id: id.into(), expected, body, keys }
}

async fn write(store: &SqliteStore, operations: Vec<Operation>) -> Result<Head, WriteError> {
    let epoch = store.head().await.unwrap().epoch;
    store.write(Write { epoch, by: "administrator".into(), at: now(), operations }).await
}

/// One poll of `to` at `from`, as JSON as it would travel.
async fn poll(from: &SqliteStore, to: &SqliteStore) -> Accepted {
    let request = to.pull_request().await.unwrap();
    let text = serde_json::to_string(&request).unwrap();
    let answer = from.answer(serde_json::from_str(&text).unwrap()).await.unwrap();
    let answer: PullAnswer = serde_json::from_str(&serde_json::to_string(&answer).unwrap()).unwrap();
    to.accept("primary", request, answer, now()).await.unwrap()
}

async fn sync(from: &SqliteStore, to: &SqliteStore) -> Vec<Accepted> {
    let mut steps = Vec::new();
    while steps.last() != Some(&Accepted::Current) {
        steps.push(poll(from, to).await);
        assert!(steps.len() < 50, "{steps:?}");
    }
    steps
}

/// Position, history and objects.
async fn everything(store: &SqliteStore) -> impl PartialEq + std::fmt::Debug + use<> {
    let entries = store.entries(0, usize::MAX).await.unwrap();
    let link = store.newest_link().await.unwrap();
    let mut objects = store.objects(None, usize::MAX).await.unwrap();
    objects.retain(|object| Kind::from_name(&object.kind).unwrap().scope() == crate::Scope::Farm);
    (store.head().await.unwrap(), link, entries, objects)
}

async fn secondary() -> (SqliteStore, TempDir) {
    let (store, dir) = open();
    store.follow("fs01").await.unwrap();
    (store, dir)
}

#[tokio::test]
async fn a_secondary_copies_everything_with_versions_keys_and_authors() {
    let ((fs01, _a), (fs02, _b)) = (open(), secondary().await);
    let unknown = Kind::from_name("trust-of-tomorrow").unwrap();
    let body = json!({ "Zeta": 1.0e-7, "Alpha": { "New": "\u{0}" } });
    let later = Operation::Put { kind: unknown, id: "x".into(), expected: 0, body, keys: vec![] };
    write(&fs01, vec![put("a", 0, json!(1)), put("b", 0, json!(1)), later]).await.unwrap();
    write(&fs01, vec![Operation::Delete { kind: KIND, id: "a".into(), expected: 1 }]).await.unwrap();
    assert_eq!(sync(&fs01, &fs02).await, [Accepted::Advanced, Accepted::Current]);
    assert_eq!(everything(&fs01).await, everything(&fs02).await);
    assert_eq!(fs02.find(KIND, "identifier", "urn:b").await.unwrap().unwrap().id, "b");
    assert_eq!(fs02.find(KIND, "identifier", "urn:a").await.unwrap(), None);
    // The deleted object's versions go on after a promotion too.
    fs02.promote("fs02").await.unwrap();
    write(&fs02, vec![put("a", 0, json!(2))]).await.unwrap();
    assert_eq!(fs02.get(KIND, "a").await.unwrap().unwrap().version, 3);
    let last = fs02.last_sync().await.unwrap().unwrap();
    assert_eq!((last.from.as_str(), last.at, last.error.as_str()), ("primary", now(), ""));
}

#[tokio::test]
async fn pages_end_with_whole_writes() {
    let ((fs01, _a), (fs02, _b)) = (open(), secondary().await);
    let many = |from: usize, to: usize| (from..to).map(|n| put(&n.to_string(), 0, json!(n))).collect();
    write(&fs01, many(0, PAGE_ENTRIES - 1)).await.unwrap();
    write(&fs01, many(1000, 1000 + 2 * PAGE_ENTRIES)).await.unwrap();
    write(&fs01, many(5000, 5001)).await.unwrap();
    let request = fs02.pull_request().await.unwrap();
    let PullAnswer::Delta { entries, newest, .. } = fs01.answer(request).await.unwrap() else { panic!() };
    assert_eq!(entries.len(), 3 * PAGE_ENTRIES - 1, "the second write belongs to the page whole");
    assert_eq!(newest, 3 * PAGE_ENTRIES as u64);
    assert_eq!(sync(&fs01, &fs02).await.len(), 3);
    assert_eq!(everything(&fs01).await, everything(&fs02).await);
}

#[tokio::test]
async fn a_secondary_refuses_changes_and_names_the_primary() {
    let (fs02, dir) = secondary().await;
    let refused = |result: Result<Head, WriteError>| match result {
        Err(error @ WriteError::Secondary { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let error = refused(write(&fs02, vec![put("a", 0, json!(1))]).await);
    assert!(error.contains("PS0033") && error.contains("'fs01'"), "{error}");
    // What belongs to the node alone is changed here.
    let settings = |expected| Operation::Put {
        kind: Kind::SyncProperties,
        id: "fs02".into(),
        expected,
        body: json!({ "PollDuration": 1 }),
        keys: vec![],
    };
    write(&fs02, vec![settings(0)]).await.unwrap();
    refused(write(&fs02, vec![settings(1), put("a", 0, json!(1))]).await);
    drop(fs02);
    let fs02 = SqliteStore::open(dir.path()).unwrap();
    refused(write(&fs02, vec![put("a", 0, json!(1))]).await);
    assert_eq!(fs02.standing().await.unwrap().follows, "fs01");
    // And it stays when the farm's objects are copied.
    let (fs01, _a) = open();
    write(&fs01, vec![put("a", 0, json!(1))]).await.unwrap();
    sync(&fs01, &fs02).await;
    assert_eq!(fs02.get(Kind::SyncProperties, "fs02").await.unwrap().unwrap().version, 1);
}

/// Security case 90: runbook B6. fs01 dies, fs02 is promoted, fs01 comes back with a change that nobody has seen.
#[tokio::test]
async fn a_returning_primary_is_fenced_and_its_own_changes_are_kept_aside() {
    let ((fs01, _a), (fs02, _b), (fs03, _c)) = (open(), secondary().await, secondary().await);
    write(&fs01, vec![put("a", 0, json!("seen by all"))]).await.unwrap();
    sync(&fs01, &fs02).await;
    sync(&fs01, &fs03).await;
    let settings = Operation::Put {
        kind: Kind::SyncProperties,
        id: "fs01".into(),
        expected: 0,
        body: json!(1),
        keys: vec![],
    };
    write(&fs01, vec![put("a", 1, json!("seen by nobody")), put("b", 0, json!("nor this")), settings])
        .await
        .unwrap();

    assert_eq!(fs02.promote("fs02").await.unwrap(), Term { epoch: 2, primary: "fs02".into() });
    write(&fs02, vec![put("a", 1, json!("of the new primary"))]).await.unwrap();
    fs03.follow("fs02").await.unwrap();
    sync(&fs02, &fs03).await;
    // fs03 was not told yet that fs01 is none any more, and asks it: the news spreads.
    assert!(matches!(poll(&fs01, &fs03).await, Accepted::Refused(_)));
    let standing = fs01.standing().await.unwrap();
    assert_eq!((standing.role, standing.follows.as_str()), (Role::SecondaryComputer, "fs02"));
    match write(&fs01, vec![put("a", 2, json!("late"))]).await {
        Err(WriteError::Secondary { primary }) => assert_eq!(primary, "fs02"),
        other => panic!("{other:?}"),
    }

    let steps = sync(&fs02, &fs01).await;
    assert_eq!(steps, [Accepted::Copying, Accepted::Installed { diverged: 2 }, Accepted::Current]);
    assert_eq!(everything(&fs01).await, everything(&fs02).await);
    assert_eq!(everything(&fs03).await, everything(&fs02).await);
    assert_eq!(fs01.get(KIND, "a").await.unwrap().unwrap().body, json!("of the new primary"));
    assert_eq!(fs01.get(KIND, "b").await.unwrap(), None);
    assert_eq!(fs01.get(Kind::SyncProperties, "fs01").await.unwrap().unwrap().body, json!(1));
    let kept = fs01.diverged(0, 10).await.unwrap();
    let bodies: Vec<_> = kept.iter().map(|change| change.entry.body.as_deref().unwrap()).collect();
    assert_eq!(bodies, [r#""seen by nobody""#, r#""nor this""#]);
    assert_eq!((kept[1].number, kept[1].kept, kept[1].entry.by.as_str()), (2, now(), "administrator"));
    assert_eq!(fs01.diverged(1, 10).await.unwrap(), kept[1..]);

    // And back again.
    assert_eq!(fs01.promote("fs01").await.unwrap().epoch, 3);
    write(&fs01, vec![put("c", 0, json!(1))]).await.unwrap();
    fs02.follow("fs01").await.unwrap();
    assert_eq!(sync(&fs01, &fs02).await, [Accepted::Advanced, Accepted::Current]);
    assert_eq!(everything(&fs01).await, everything(&fs02).await);
}

#[tokio::test]
async fn a_copy_goes_on_after_a_restart_and_changes_over_at_once() {
    let ((fs01, _a), (fs02, dir)) = (open(), open());
    write(&fs02, vec![put("own", 0, json!(1))]).await.unwrap();
    fs02.follow("fs01").await.unwrap();
    for n in 0..20 {
        write(&fs01, vec![put(&n.to_string(), 0, json!(n))]).await.unwrap();
    }
    let page = async |fs02: &SqliteStore| {
        let mut request = fs02.pull_request().await.unwrap();
        request.limit = 5;
        let answer = fs01.answer(request.clone()).await.unwrap();
        fs02.accept("fs01", request, answer, now()).await.unwrap()
    };
    for _ in 0..3 {
        assert_eq!(page(&fs02).await, Accepted::Copying);
        assert!(fs02.get(KIND, "own").await.unwrap().is_some(), "the old state until the copy is whole");
    }
    drop(fs02);
    let fs02 = SqliteStore::open(dir.path()).unwrap();
    assert_eq!(fs02.pull_request().await.unwrap().serial, 10);
    assert_eq!(page(&fs02).await, Accepted::Copying);
    assert_eq!(page(&fs02).await, Accepted::Installed { diverged: 1 });
    assert_eq!(everything(&fs01).await, everything(&fs02).await);
}

#[tokio::test]
async fn a_forged_answer_changes_nothing_and_is_noted() {
    let ((fs01, _a), (fs02, _b)) = (open(), secondary().await);
    write(&fs01, vec![put("a", 0, json!(1)), put("b", 0, json!(2))]).await.unwrap();
    let request = fs02.pull_request().await.unwrap();
    let mut answer = fs01.answer(request.clone()).await.unwrap();
    let PullAnswer::Delta { entries, .. } = &mut answer else { panic!() };
    entries[1].body = Some("3".into());
    let before = everything(&fs02).await;
    let accepted = fs02.accept("fs01", request, answer, now()).await.unwrap();
    assert!(matches!(accepted, Accepted::Refused(_)), "{accepted:?}");
    assert_eq!(everything(&fs02).await, before);
    assert!(fs02.last_sync().await.unwrap().unwrap().error.contains("hashes"));
    fs02.note_failed_sync("fs01", "connection refused", now()).await.unwrap();
    assert_eq!(fs02.last_sync().await.unwrap().unwrap().error, "connection refused");
}

#[tokio::test]
async fn a_database_of_the_first_schema_is_upgraded_and_can_be_copied() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let connection = Connection::open(dir.path().join("configuration.db")).unwrap();
    connection.execute_batch(include_str!("../configuration.sql")).unwrap();
    connection
        .execute_batch(
            r#"UPDATE writer SET epoch = 4;
            INSERT INTO objects VALUES ('relying-party-trust', 'a', 2, '{"n":2}');
            INSERT INTO object_keys VALUES ('relying-party-trust', 'identifier', 'urn:"a', 'a');
            INSERT INTO object_keys VALUES ('relying-party-trust', 'name', 'A', 'a');
            INSERT INTO changes VALUES (1, 1, 'relying-party-trust', 'a', 1, '{"n":1}', 0, 'x');
            INSERT INTO changes VALUES (2, 2, 'relying-party-trust', 'a', 2, '{"n":2}', 0, 'x');
            INSERT INTO changes VALUES (3, 2, 'relying-party-trust', 'b', 1, '{}', 0, 'x');
            INSERT INTO changes VALUES (4, 4, 'relying-party-trust', 'b', 2, NULL, 0, 'x');
            INSERT INTO objects VALUES ('node', 'this', 1, '"wrapped"');
            INSERT INTO changes VALUES (5, 4, 'node', 'this', 1, '"wrapped"', 0, 'x');
            PRAGMA application_id = 0x53454b43; PRAGMA user_version = 1;"#,
        )
        .unwrap();
    drop(connection);
    let old = SqliteStore::open(dir.path()).unwrap();
    assert_eq!(old.head().await.unwrap(), Head { epoch: 4, serial: 5 });
    assert_eq!(old.standing().await.unwrap().term.epoch, 4);
    let (new, _dir) = secondary().await;
    assert_eq!(sync(&old, &new).await.len(), 2);
    assert_eq!(everything(&old).await, everything(&new).await);
    assert_eq!(new.find(KIND, "identifier", "urn:\"a").await.unwrap().unwrap().version, 2);
    assert_eq!(new.find(KIND, "name", "A").await.unwrap().unwrap().version, 2);
    // What belongs to the node is there, and stays there.
    assert_eq!(old.get(Kind::Node, "this").await.unwrap().unwrap().body, json!("wrapped"));
    assert_eq!(new.get(Kind::Node, "this").await.unwrap(), None);
    assert!(new.entries(4, 1).await.unwrap()[0].body.is_none());
    let gone = Operation::Delete { kind: Kind::Node, id: "this".into(), expected: 1 };
    write(&old, vec![put("a", 2, json!(1)), put("b", 0, json!(1)), gone]).await.unwrap();
    sync(&old, &new).await;
    assert_eq!(everything(&old).await, everything(&new).await);
}
