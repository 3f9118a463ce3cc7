//! [`Configuration`].

use std::collections::BTreeSet;
use std::sync::Arc;

use base::Timestamp;
use serde_json::{Value, json};

use crate::{Change, Configuration, Head, Kind, Operation, Scope, Write, WriteError};

const KIND: Kind = Kind::RelyingPartyTrust;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000 + seconds)
}

fn put(id: &str, expected: u64, body: Value) -> Operation {
    put_with_keys(id, expected, body, &[])
}

fn put_with_keys(id: &str, expected: u64, body: Value, identifiers: &[&str]) -> Operation {
    let keys = identifiers.iter().map(|value| ("identifier", (*value).to_owned())).collect();
    Operation::Put { kind: KIND, id: id.into(), expected, body, keys }
}

fn delete(id: &str, expected: u64) -> Operation {
    Operation::Delete { kind: KIND, id: id.into(), expected }
}

async fn write(store: &impl Configuration, operations: Vec<Operation>) -> Result<Head, WriteError> {
    store.write(Write { epoch: 1, by: "test".into(), at: at(0), operations }).await
}

async fn history(store: &impl Configuration) -> Vec<Change> {
    store.changes(0, usize::MAX).await.unwrap()
}

async fn found(store: &impl Configuration, identifier: &str) -> Option<String> {
    store.find(KIND, "identifier", identifier).await.unwrap().map(|document| document.id)
}

fn assert_conflict(result: Result<Head, WriteError>, expected_id: &str, versions: (u64, u64)) {
    match result {
        Err(WriteError::Conflict { kind: KIND, id, expected, current }) => {
            assert_eq!((id.as_str(), (expected, current)), (expected_id, versions));
        }
        other => panic!("a conflict was expected, not {other:?}"),
    }
}

pub async fn a_new_store_is_empty_at_serial_0_of_epoch_1(store: Arc<impl Configuration>) {
    assert_eq!(store.head().await.unwrap(), Head { epoch: 1, serial: 0 });
    assert_eq!(history(&*store).await, []);
    for kind in Kind::ALL {
        assert_eq!(store.list(kind, None, 10).await.unwrap(), []);
    }
    assert_eq!(store.get(KIND, "a").await.unwrap(), None);
    assert_eq!(store.find(KIND, "identifier", "a").await.unwrap(), None);
}

pub async fn what_was_put_is_read_back_with_fields_nobody_knows(store: Arc<impl Configuration>) {
    let body = json!({
        "Zeta": 1, "Alpha": [null, true, 1.5, "関所 \u{0}\u{1F511}"],
        "FieldOfTomorrow": { "Nested": { "Deep": [] } }, "Large": u64::MAX, "Small": i64::MIN
    });
    write(&*store, vec![put("関所/á \u{0}", 0, body.clone())]).await.unwrap();
    let document = store.get(KIND, "関所/á \u{0}").await.unwrap().unwrap();
    assert_eq!((document.kind, document.id.as_str(), document.version), (KIND, "関所/á \u{0}", 1));
    assert_eq!(document.body.to_string(), body.to_string(), "value and order of fields");
}

pub async fn each_write_raises_version_and_serial(store: Arc<impl Configuration>) {
    for n in 0..5 {
        let head = write(&*store, vec![put("a", n, json!(n))]).await.unwrap();
        assert_eq!(head, Head { epoch: 1, serial: n + 1 });
        assert_eq!(store.head().await.unwrap(), head);
        assert_eq!(store.get(KIND, "a").await.unwrap().unwrap().version, n + 1);
    }
    let head = write(&*store, vec![put("b", 0, json!(0)), put("c", 0, json!(0))]).await.unwrap();
    assert_eq!(head.serial, 7, "one number for each step");
}

pub async fn a_write_from_an_old_version_is_a_conflict(store: Arc<impl Configuration>) {
    write(&*store, vec![put("a", 0, json!("first"))]).await.unwrap();
    write(&*store, vec![put("a", 1, json!("second"))]).await.unwrap();
    assert_conflict(write(&*store, vec![put("a", 1, json!("late"))]).await, "a", (1, 2));
    assert_conflict(write(&*store, vec![put("a", 3, json!("early"))]).await, "a", (3, 2));
    assert_conflict(write(&*store, vec![delete("a", 1)]).await, "a", (1, 2));
    let document = store.get(KIND, "a").await.unwrap().unwrap();
    assert_eq!((document.version, document.body), (2, json!("second")));
}

pub async fn an_object_is_created_once(store: Arc<impl Configuration>) {
    write(&*store, vec![put("a", 0, json!("first"))]).await.unwrap();
    assert_conflict(write(&*store, vec![put("a", 0, json!("again"))]).await, "a", (0, 1));
    assert_eq!(store.get(KIND, "a").await.unwrap().unwrap().body, json!("first"));
}

pub async fn an_object_that_is_not_there_can_be_neither_replaced_nor_deleted(store: Arc<impl Configuration>) {
    assert_conflict(write(&*store, vec![put("a", 1, json!(0))]).await, "a", (1, 0));
    assert_conflict(write(&*store, vec![delete("a", 1)]).await, "a", (1, 0));
    assert_conflict(write(&*store, vec![delete("a", 0)]).await, "a", (0, 0));
    assert_eq!(store.head().await.unwrap().serial, 0);
}

pub async fn a_deletion_leaves_a_tombstone(store: Arc<impl Configuration>) {
    write(&*store, vec![put("a", 0, json!("x")), put("b", 0, json!("y"))]).await.unwrap();
    write(&*store, vec![delete("a", 1)]).await.unwrap();
    assert_eq!(store.get(KIND, "a").await.unwrap(), None);
    assert_eq!(store.list(KIND, None, 10).await.unwrap().len(), 1);
    let last = history(&*store).await.pop().unwrap();
    assert_eq!((last.id.as_str(), last.version, last.body, last.head.serial), ("a", 2, None, 3));
    assert_conflict(write(&*store, vec![delete("a", 2)]).await, "a", (2, 0));
}

/// Who read the object before it was deleted must not overwrite the one that was created after.
pub async fn an_object_created_anew_goes_on_with_its_versions(store: Arc<impl Configuration>) {
    write(&*store, vec![put("a", 0, json!("old"))]).await.unwrap();
    write(&*store, vec![delete("a", 1)]).await.unwrap();
    write(&*store, vec![put("a", 0, json!("new"))]).await.unwrap();
    assert_eq!(store.get(KIND, "a").await.unwrap().unwrap().version, 3);
    assert_conflict(write(&*store, vec![put("a", 1, json!("lost"))]).await, "a", (1, 3));
    // In one write too.
    write(&*store, vec![delete("a", 3), put("a", 0, json!("newest"))]).await.unwrap();
    assert_eq!(store.get(KIND, "a").await.unwrap().unwrap().version, 5);
    let versions: Vec<_> = history(&*store).await.iter().map(|change| change.version).collect();
    assert_eq!(versions, [1, 2, 3, 4, 5]);
}

pub async fn a_refused_write_changes_nothing_at_all(store: Arc<impl Configuration>) {
    let first = put_with_keys("a", 0, json!("a"), &["urn:a"]);
    let before = write(&*store, vec![first, put("b", 0, json!("b"))]).await.unwrap();
    let steps = vec![
        put_with_keys("a", 1, json!("changed"), &["urn:changed"]),
        put_with_keys("c", 0, json!("c"), &["urn:c"]),
        delete("b", 1),
        put("a", 1, json!("conflicts with the first step")),
    ];
    assert_conflict(write(&*store, steps).await, "a", (1, 2));
    assert_eq!(store.head().await.unwrap(), before);
    assert_eq!(history(&*store).await.len(), 2);
    assert_eq!(store.get(KIND, "a").await.unwrap().unwrap().body, json!("a"));
    assert!(store.get(KIND, "b").await.unwrap().is_some());
    assert!(store.get(KIND, "c").await.unwrap().is_none());
    assert_eq!(found(&*store, "urn:a").await.as_deref(), Some("a"));
    assert_eq!(found(&*store, "urn:changed").await, None);
    assert_eq!(found(&*store, "urn:c").await, None);
    // And the number that it would have had goes to the next.
    assert_eq!(write(&*store, vec![put("d", 0, json!("d"))]).await.unwrap().serial, before.serial + 1);
}

pub async fn steps_of_a_write_see_the_ones_before(store: Arc<impl Configuration>) {
    let steps = vec![
        put_with_keys("a", 0, json!(1), &["urn:x"]),
        put_with_keys("a", 1, json!(2), &[]),
        put_with_keys("b", 0, json!(3), &["urn:x"]),
    ];
    write(&*store, steps).await.unwrap();
    assert_eq!(store.get(KIND, "a").await.unwrap().unwrap().version, 2);
    assert_eq!(found(&*store, "urn:x").await.as_deref(), Some("b"));
    let bodies: Vec<_> = history(&*store).await.into_iter().filter_map(|change| change.body).collect();
    assert_eq!(bodies, [json!(1), json!(2), json!(3)]);
}

pub async fn a_write_without_steps_changes_nothing(store: Arc<impl Configuration>) {
    let before = write(&*store, vec![put("a", 0, json!(1))]).await.unwrap();
    assert_eq!(write(&*store, vec![]).await.unwrap(), before);
    assert_eq!(history(&*store).await.len(), 1);
}

pub async fn objects_are_found_by_their_keys_octet_by_octet(store: Arc<impl Configuration>) {
    // é composed and decomposed are different octets.
    let names = ["urn:App", "urn:app", "urn:app ", "urn:app/", "urn:\u{e9}", "urn:e\u{301}", ""];
    for (n, name) in names.iter().enumerate() {
        write(&*store, vec![put_with_keys(&n.to_string(), 0, json!(n), &[name])]).await.unwrap();
    }
    for (n, name) in names.iter().enumerate() {
        assert_eq!(found(&*store, name).await, Some(n.to_string()), "{name:?}");
    }
    assert_eq!(found(&*store, "urn:APP").await, None);
    assert_eq!(found(&*store, "urn:app%").await, None);
    assert_eq!(store.find(KIND, "name", "urn:app").await.unwrap(), None, "another index");
}

pub async fn a_key_has_one_holder(store: Arc<impl Configuration>) {
    write(&*store, vec![put_with_keys("a", 0, json!(1), &["urn:1", "urn:2", "urn:2"])]).await.unwrap();
    match write(&*store, vec![put_with_keys("b", 0, json!(2), &["urn:3", "urn:2"])]).await {
        Err(WriteError::KeyTaken { kind: KIND, index, value, holder }) => {
            assert_eq!((index.as_str(), value.as_str(), holder.as_str()), ("identifier", "urn:2", "a"));
        }
        other => panic!("the key is taken, but the answer was {other:?}"),
    }
    assert_eq!(found(&*store, "urn:3").await, None, "nothing of a refused write stays");
    assert!(store.get(KIND, "b").await.unwrap().is_none());
    // The same value under another index, or for another kind, is another name.
    let keys = vec![("name", "urn:2".to_owned())];
    let other_index = Operation::Put { kind: KIND, id: "b".into(), expected: 0, body: json!(2), keys };
    let keys = vec![("identifier", "urn:2".to_owned())];
    let kind = Kind::ClaimsProviderTrust;
    let other_kind = Operation::Put { kind, id: "c".into(), expected: 0, body: json!(3), keys };
    write(&*store, vec![other_index, other_kind]).await.unwrap();
    assert_eq!(found(&*store, "urn:2").await.as_deref(), Some("a"));
    assert_eq!(store.find(KIND, "name", "urn:2").await.unwrap().unwrap().id, "b");
    assert_eq!(store.find(kind, "identifier", "urn:2").await.unwrap().unwrap().id, "c");
}

pub async fn a_key_is_free_after_replacement_or_deletion(store: Arc<impl Configuration>) {
    write(&*store, vec![put_with_keys("a", 0, json!(1), &["urn:1", "urn:2"])]).await.unwrap();
    write(&*store, vec![put_with_keys("a", 1, json!(1), &["urn:2"])]).await.unwrap();
    assert_eq!(found(&*store, "urn:1").await, None);
    assert_eq!(found(&*store, "urn:2").await.as_deref(), Some("a"));
    write(&*store, vec![put_with_keys("b", 0, json!(2), &["urn:1"])]).await.unwrap();
    write(&*store, vec![delete("a", 2)]).await.unwrap();
    assert_eq!(found(&*store, "urn:2").await, None);
    write(&*store, vec![put_with_keys("b", 1, json!(2), &["urn:1", "urn:2"])]).await.unwrap();
    assert_eq!(found(&*store, "urn:2").await.as_deref(), Some("b"));
}

pub async fn kinds_are_separate(store: Arc<impl Configuration>) {
    for kind in Kind::ALL {
        let body = json!(kind.name());
        let operation = Operation::Put { kind, id: "same".into(), expected: 0, body, keys: vec![] };
        write(&*store, vec![operation]).await.unwrap();
    }
    write(&*store, vec![delete("same", 1)]).await.unwrap();
    for kind in Kind::ALL {
        let document = store.get(kind, "same").await.unwrap();
        assert_eq!(document.is_none(), kind == KIND);
        assert!(document.is_none_or(|document| document.kind == kind && document.body == json!(kind.name())));
    }
    let kinds: Vec<_> = history(&*store).await.iter().map(|change| change.kind).collect();
    let of_the_farm = Kind::ALL.into_iter().filter(|kind| kind.scope() == Scope::Farm);
    assert!(of_the_farm.chain([KIND]).eq(kinds));
}

pub async fn a_kind_of_a_later_release_is_kept(store: Arc<impl Configuration>) {
    let kind = Kind::from_name("trust-of-tomorrow").unwrap();
    let keys = vec![("identifier", "urn:a".to_owned())];
    let operation = Operation::Put { kind, id: "a".into(), expected: 0, body: json!({ "New": 1 }), keys };
    write(&*store, vec![operation]).await.unwrap();
    let document = store.find(kind, "identifier", "urn:a").await.unwrap().unwrap();
    assert_eq!((document.kind, document.body), (kind, json!({ "New": 1 })));
    assert_eq!(history(&*store).await.pop().unwrap().kind, kind);
}

/// They change on nodes that may not change the farm's objects, so they take no number of its history.
pub async fn objects_of_one_node_have_versions_but_no_place_in_the_history(store: Arc<impl Configuration>) {
    let put = |expected, body| {
        let kind = Kind::SyncProperties;
        Operation::Put { kind, id: "fs01".into(), expected, body, keys: vec![("name", "fs01".into())] }
    };
    let before = write(&*store, vec![put_with_keys("a", 0, json!(1), &[])]).await.unwrap();
    assert_eq!(write(&*store, vec![put(0, json!(1))]).await.unwrap(), before);
    assert!(matches!(
        write(&*store, vec![put(0, json!(2))]).await,
        Err(WriteError::Conflict { kind: Kind::SyncProperties, expected: 0, current: 1, .. })
    ));
    let gone = Operation::Delete { kind: Kind::SyncProperties, id: "fs01".into(), expected: 1 };
    assert_eq!(write(&*store, vec![gone, put(0, json!(3))]).await.unwrap(), before);
    assert_eq!(store.find(Kind::SyncProperties, "name", "fs01").await.unwrap().unwrap().version, 3);
    // Together with an object of the farm, all or nothing.
    assert_conflict(write(&*store, vec![put(3, json!(4)), delete("a", 9)]).await, "a", (9, 1));
    assert_eq!(store.get(Kind::SyncProperties, "fs01").await.unwrap().unwrap().body, json!(3));
    let head = write(&*store, vec![put(3, json!(4)), delete("a", 1), put(4, json!(5))]).await.unwrap();
    assert_eq!(head.serial, before.serial + 1);
    assert_eq!(history(&*store).await.len(), 2);
}

pub async fn lists_and_histories_come_in_pages(store: Arc<impl Configuration>) {
    let ids = ["", "A", "B", "a", "a0", "b", "ä"];
    let mut steps: Vec<_> = ids.iter().map(|id| put(id, 0, json!(id))).collect();
    steps.reverse();
    write(&*store, steps).await.unwrap();

    let mut listed: Vec<String> = Vec::new();
    loop {
        let page = store.list(KIND, listed.last().map(String::as_str), 3).await.unwrap();
        assert!(page.len() <= 3);
        if page.is_empty() {
            break;
        }
        listed.extend(page.into_iter().map(|document| document.id));
    }
    assert_eq!(listed, ids, "in order of octets, each once");
    let after: Vec<_> = store.list(KIND, Some("a/"), 10).await.unwrap().into_iter().map(|d| d.id).collect();
    assert_eq!(after, ["a0", "b", "ä"], "an identifier that does not exist marks a place too");
    assert_eq!(store.list(KIND, None, 0).await.unwrap(), []);

    let mut serials = Vec::new();
    loop {
        let page = store.changes(serials.last().copied().unwrap_or(0), 2).await.unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        serials.extend(page.iter().map(|change| change.head.serial));
    }
    assert_eq!(serials, (1..=7).collect::<Vec<_>>());
    assert_eq!(store.changes(7, 10).await.unwrap(), []);
    assert_eq!(store.changes(u64::MAX, 10).await.unwrap(), []);
}

pub async fn the_history_tells_who_and_when(store: Arc<impl Configuration>) {
    let operations = vec![put("a", 0, json!({ "Enabled": true }))];
    let by = r"CONTOSO\administrator";
    store.write(Write { epoch: 1, by: by.into(), at: at(17), operations }).await.unwrap();
    let expected = Change {
        head: Head { epoch: 1, serial: 1 },
        kind: KIND,
        id: "a".into(),
        version: 1,
        body: Some(json!({ "Enabled": true })),
        at: at(17),
        by: by.into(),
    };
    assert_eq!(history(&*store).await, [expected]);
}

pub async fn the_change_before_a_position_is_of_the_same_object(store: Arc<impl Configuration>) {
    write(&*store, vec![put("a", 0, json!("first")), put("b", 0, json!("other"))]).await.unwrap();
    write(&*store, vec![put("a", 1, json!("second")), delete("a", 2)]).await.unwrap();
    let before = async |kind, id, serial| {
        let change = store.change_before(kind, id, serial).await.unwrap();
        change.map(|change| (change.head.serial, change.body))
    };
    assert_eq!(before(KIND, "a", u64::MAX).await, Some((4, None)));
    assert_eq!(before(KIND, "a", 4).await, Some((3, Some(json!("second")))));
    assert_eq!(before(KIND, "a", 3).await, Some((1, Some(json!("first")))));
    assert_eq!(before(KIND, "a", 1).await, None);
    assert_eq!(before(KIND, "b", 4).await, Some((2, Some(json!("other")))));
    assert_eq!(before(Kind::ClaimDescription, "a", 9).await, None);
}

/// Security case 85, the race of two administrators.
pub async fn writers_that_race_for_one_object_lose_no_update(store: Arc<impl Configuration + 'static>) {
    write(&*store, vec![put("counter", 0, json!(0))]).await.unwrap();
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut conflicts = 0;
                let mut done = 0;
                while done < 10 {
                    let document = store.get(KIND, "counter").await.unwrap().unwrap();
                    let next = json!(document.body.as_u64().unwrap() + 1);
                    match write(&*store, vec![put("counter", document.version, next)]).await {
                        Ok(_) => done += 1,
                        Err(WriteError::Conflict { expected, current, .. }) if current > expected => {
                            conflicts += 1;
                        }
                        other => panic!("{other:?}"),
                    }
                }
                conflicts
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let document = store.get(KIND, "counter").await.unwrap().unwrap();
    assert_eq!((document.body, document.version), (json!(80), 81));
}

pub async fn writers_in_parallel_leave_no_gap_in_the_serial_numbers(
    store: Arc<impl Configuration + 'static>,
) {
    let writers: Vec<_> = (0..16)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut heads = Vec::new();
                for round in 0..5 {
                    let id = format!("{n}-{round}");
                    heads.push(write(&*store, vec![put(&id, 0, json!(n))]).await.unwrap().serial);
                    // Refused ones in between take no number.
                    assert!(write(&*store, vec![put(&id, 0, json!(n))]).await.is_err());
                }
                heads
            })
        })
        .collect();
    let mut acknowledged = BTreeSet::new();
    for writer in writers {
        for serial in writer.await.unwrap() {
            assert!(acknowledged.insert(serial), "{serial} was given twice");
        }
    }
    assert!(acknowledged.iter().copied().eq(1..=80));
    let serials: Vec<_> = history(&*store).await.iter().map(|change| change.head.serial).collect();
    assert_eq!(serials, (1..=80).collect::<Vec<_>>());
}

pub async fn reads_see_every_write_that_returned(store: Arc<impl Configuration + 'static>) {
    for n in 0..50_u64 {
        let head =
            write(&*store, vec![put_with_keys("a", n, json!(n), &[&format!("urn:{n}")])]).await.unwrap();
        let readers: Vec<_> = (0..6)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move {
                    assert_eq!(store.get(KIND, "a").await.unwrap().unwrap().body, json!(n));
                    assert_eq!(found(&*store, &format!("urn:{n}")).await.as_deref(), Some("a"));
                    assert_eq!(store.head().await.unwrap(), head);
                    assert_eq!(store.changes(n, 1).await.unwrap().len(), 1);
                })
            })
            .collect();
        for reader in readers {
            reader.await.unwrap();
        }
    }
}

/// Security case 90.
pub async fn a_higher_epoch_fences_the_older_writer(store: Arc<impl Configuration>) {
    write(&*store, vec![put("a", 0, json!("old primary"))]).await.unwrap();
    assert_eq!(store.raise_epoch(1).await.unwrap(), Head { epoch: 2, serial: 1 });
    match write(&*store, vec![put("a", 1, json!("late"))]).await {
        Err(WriteError::Fenced { given: 1, current: 2 }) => {}
        other => panic!("{other:?}"),
    }
    let write_under = |epoch, expected| Write {
        epoch,
        by: "test".into(),
        at: at(0),
        operations: vec![put("a", expected, json!("new primary"))],
    };
    assert!(
        matches!(store.write(write_under(3, 1)).await, Err(WriteError::Fenced { given: 3, current: 2 }),)
    );
    let head = store.write(write_under(2, 1)).await.unwrap();
    assert_eq!(head, Head { epoch: 2, serial: 2 }, "numbers go on across epochs");
    let epochs: Vec<_> = history(&*store).await.iter().map(|change| change.head.epoch).collect();
    assert_eq!(epochs, [1, 2]);
    assert_eq!(store.get(KIND, "a").await.unwrap().unwrap().body, json!("new primary"));
}

pub async fn one_of_many_raises_the_epoch(store: Arc<impl Configuration + 'static>) {
    let candidates: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.raise_epoch(1).await })
        })
        .collect();
    let mut winners = 0;
    for candidate in candidates {
        match candidate.await.unwrap() {
            Ok(head) => {
                assert_eq!(head.epoch, 2);
                winners += 1;
            }
            Err(WriteError::Fenced { given: 1, current: 2 }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(winners, 1);
    assert_eq!(store.head().await.unwrap().epoch, 2);
}
