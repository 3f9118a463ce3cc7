//! A node that writes is killed at random instants; what it leaves in the database is sound.
//!
//! The test runs its own binary again with [`SETTINGS`] set: that process writes without end and prints what was
//! acknowledged to it.

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use base::{SeededRandom, Timestamp};
use serde_json::json;

use super::server::{open, shared};
use crate::{Configuration, Kind, Operation, Write};

const SETTINGS: &str = "STORE_TEST_WRITE_UNTIL_KILLED_TO";
const ROUNDS: u64 = 20;
const KIND: Kind = Kind::RelyingPartyTrust;
const PAIR: [&str; 2] = ["left", "right"];

fn pair(expected: u64) -> Write {
    let operations = PAIR
        .map(|id| Operation::Put {
            kind: KIND,
            id: id.into(),
            expected,
            body: json!({ "n": expected + 1 }),
            keys: vec![("identifier", format!("urn:{id}:{}", expected + 1))],
        })
        .to_vec();
    Write { epoch: 1, by: "test".into(), at: Timestamp::from_seconds(0), operations }
}

/// Security case 89.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_at_any_instant_leaves_the_state_before_or_after_a_write() {
    let Some(server) = shared() else { return };
    let settings = server.database().await;
    let store = open(&settings).await;
    let random = SeededRandom::new(89);
    for _ in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "postgres::tests::kill::write_until_killed", "--nocapture", "--test-threads=1"])
            .env(SETTINGS, &settings)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let errors = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                match line.strip_prefix("ack ") {
                    Some(version) => sender.send(version.parse::<u64>().unwrap()).unwrap(),
                    None => eprintln!("writing process: {line}"),
                }
            }
        });
        let mut acknowledged = lines.recv().unwrap();
        let instant = Duration::from_micros(random.next_u64() % 60_000);
        let start = Instant::now();
        loop {
            match lines.recv_timeout(instant.saturating_sub(start.elapsed())) {
                Ok(version) => acknowledged = version,
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => panic!("it ended by itself"),
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged = lines.iter().last().unwrap_or(acknowledged);

        // The dead node's transaction does not hold up the living one.
        let present = store.get(KIND, PAIR[0]).await.unwrap().unwrap().version;
        let mut next = present;
        while store.write(pair(next)).await.is_err() {
            // Its last write may have been on its way to the commit.
            next += 1;
            assert!(next <= present + 1, "no write is possible");
        }
        assert!(present >= acknowledged, "an acknowledged write is missing");
        let versions = [0, 1].map(async |side| store.get(KIND, PAIR[side]).await.unwrap().unwrap().version);
        let [left, right] = versions;
        assert_eq!(left.await, right.await, "half of a write");
        let head = store.head().await.unwrap();
        assert_eq!(head.serial, 2 * (next + 1));
        let former = store.find(KIND, "identifier", &format!("urn:left:{next}")).await.unwrap();
        assert_eq!(former, None, "a key of a replaced object stayed");
    }
    let changes = store.changes(0, usize::MAX).await.unwrap();
    assert!(changes.iter().map(|change| change.head.serial).eq(1..=store.head().await.unwrap().serial));
    assert!(
        changes.len() as u64 > 4 * ROUNDS,
        "the processes were killed before they wrote anything worth a test"
    );
}

/// Not a test by itself: the process that is killed.
#[tokio::test(flavor = "multi_thread")]
async fn write_until_killed() {
    let Ok(settings) = std::env::var(SETTINGS) else { return };
    let store = open(&settings).await;
    let mut version = store.get(KIND, PAIR[0]).await.unwrap().map_or(0, |document| document.version);
    loop {
        store.write(pair(version)).await.unwrap();
        version += 1;
        // One system call a line, so that no half of one is taken for a whole.
        std::io::stderr().write_all(format!("ack {version}\n").as_bytes()).unwrap();
    }
}
