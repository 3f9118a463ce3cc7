//! The server is killed and started again while nodes write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use base::{SeededRandom, Timestamp};
use serde_json::json;

use super::server::{Server, open};
use crate::postgres::PostgresStore;
use crate::{Configuration, Kind, Once, Operation, Write, WriteError};

const KIND: Kind = Kind::RelyingPartyTrust;
const WRITERS: u64 = 4;

/// Two objects that always have the same version.
fn pair(writer: u64, expected: u64) -> Write {
    let operations = ["left", "right"]
        .map(|side| Operation::Put {
            kind: KIND,
            id: format!("{side}-{writer}"),
            expected,
            body: json!({ "n": expected + 1 }),
            keys: vec![("identifier", format!("urn:{side}:{writer}:{}", expected + 1))],
        })
        .to_vec();
    Write { epoch: 1, by: "test".into(), at: Timestamp::from_seconds(0), operations }
}

struct Load {
    store: PostgresStore,
    stop: AtomicBool,
    errors: AtomicU64,
}

impl Load {
    /// Writes until told to stop; the last version that was acknowledged, and single-use values that were.
    async fn write(&self, writer: u64) -> (u64, Vec<String>) {
        let (mut version, mut handles) = (0, Vec::new());
        while !self.stop.load(Ordering::Relaxed) {
            match self.store.write(pair(writer, version)).await {
                Ok(_) => version += 1,
                Err(WriteError::Store(error)) => {
                    assert!(error.retryable, "{error}");
                    self.errors.fetch_add(1, Ordering::Relaxed);
                }
                // An earlier write of unknown outcome was kept.
                Err(WriteError::Conflict { current, .. }) if current == version + 1 => version = current,
                Err(other) => panic!("{other}"),
            }
            let handle = format!("{writer}-{version}-{}", handles.len());
            if self.store.put("code", &handle, b"v", Timestamp::from_seconds(100)).await.is_ok() {
                handles.push(handle);
            }
        }
        (version, handles)
    }
}

async fn command(server: &Arc<Server>, command: &'static str) {
    let server = server.clone();
    tokio::task::spawn_blocking(move || server.command(command)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_is_killed_under_load_loses_no_acknowledged_write_and_callers_heal() {
    let Some(server) = Server::start() else { return };
    let server = Arc::new(server);
    let store = open(&server.database().await).await;
    let load = Arc::new(Load { store, stop: AtomicBool::new(false), errors: AtomicU64::new(0) });
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let load = load.clone();
            tokio::spawn(async move { load.write(writer).await })
        })
        .collect();
    let random = SeededRandom::new(4);
    for round in 0..5 {
        tokio::time::sleep(Duration::from_millis(200 + random.next_u64() % 400)).await;
        command(&server, "kill").await;
        if round == 4 {
            // Longer than the store repeats by itself.
            tokio::time::sleep(Duration::from_secs(4)).await;
        }
        command(&server, "start").await;
    }
    // The store heals by itself: the same one goes on.
    tokio::time::sleep(Duration::from_millis(500)).await;
    load.stop.store(true, Ordering::Relaxed);
    let mut written = 0;
    for (writer, task) in (0..WRITERS).zip(writers) {
        let (version, handles) = task.await.unwrap();
        written += version;
        for side in ["left", "right"] {
            let document = load.store.get(KIND, &format!("{side}-{writer}")).await.unwrap().unwrap();
            assert!(document.version >= version, "an acknowledged write is missing");
            assert!(document.version <= version + 1, "a write was done twice");
            assert_eq!(document.body["n"], document.version);
        }
        let left = load.store.get(KIND, &format!("left-{writer}")).await.unwrap().unwrap().version;
        let right = load.store.get(KIND, &format!("right-{writer}")).await.unwrap().unwrap().version;
        assert_eq!(left, right, "half of a write");
        for handle in handles {
            let value = load.store.take("code", &handle, Timestamp::from_seconds(0)).await.unwrap();
            assert!(value.is_some(), "{handle} was acknowledged and is lost");
        }
    }
    let head = load.store.head().await.unwrap();
    let changes = load.store.changes(0, usize::MAX).await.unwrap();
    assert!(changes.iter().map(|change| change.head.serial).eq(1..=head.serial));
    let errors = load.errors.load(Ordering::Relaxed);
    eprintln!("{written} writes, {errors} of unknown outcome or refused while the server was away");
    assert!(written > 20, "too few writes to show anything");
}
