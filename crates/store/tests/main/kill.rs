//! A writing process is killed at random instants; what it leaves behind is sound.
//!
//! The test runs its own binary again with [`DIRECTORY`] set: that process writes without end and prints what was
//! acknowledged to it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use base::{SeededRandom, Timestamp};
use rusqlite::Connection;
use serde_json::json;
use store::sqlite::SqliteStore;
use store::{AccountActivity, Activity, Configuration, Kind, Once, Operation, Write};

const DIRECTORY: &str = "STORE_TEST_WRITE_UNTIL_KILLED_IN";
const ROUNDS: u64 = 20;
const KIND: Kind = Kind::RelyingPartyTrust;
const PAIR: [&str; 2] = ["left", "right"];

fn now() -> Timestamp {
    Timestamp::from_seconds(1_700_000_000)
}

fn expires() -> Timestamp {
    Timestamp::from_seconds(1_800_000_000)
}

/// Security case 89.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_at_any_instant_leaves_the_state_before_or_after_a_write() {
    let random = SeededRandom::new(89);
    let lived = tempfile::tempdir().unwrap();
    for round in 0..ROUNDS {
        // Every fourth process is killed at its first start, within the making of the files.
        let fresh = tempfile::tempdir().unwrap();
        let dir = if round % 4 == 3 { fresh.path() } else { lived.path() };
        let mut child = start(dir);
        let lines = lines(&mut child);
        let mut acknowledged = Vec::new();
        if round % 4 != 3 {
            acknowledged.push(lines.recv().unwrap());
        }
        let instant = Duration::from_micros(random.next_u64() % 60_000);
        assert_eq!(wait(&lines, instant, &mut acknowledged), RecvTimeoutError::Timeout, "it ended by itself");
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(lines.iter());
        check(dir, &acknowledged).await;
    }
    let writes = SqliteStore::open(lived.path()).unwrap().head().await.unwrap().serial;
    eprintln!("{writes} changes in {ROUNDS} rounds");
    assert!(writes > 2 * ROUNDS, "the processes were killed before they wrote anything worth a test");
}

/// Not a test by itself: the process that is killed.
#[tokio::test(flavor = "multi_thread")]
async fn write_until_killed() {
    let Some(dir) = std::env::var_os(DIRECTORY) else { return };
    let store = SqliteStore::open(Path::new(&dir)).unwrap();
    let mut n = store.get(KIND, PAIR[0]).await.unwrap().map_or(0, |document| document.version);
    loop {
        let operations = PAIR
            .iter()
            .map(|id| Operation::Put {
                kind: KIND,
                id: (*id).into(),
                expected: n,
                body: json!({ "n": n + 1, "filling": "x".repeat(usize::try_from(n % 7).unwrap() * 1000) }),
                keys: vec![("identifier", format!("urn:{id}:{}", n + 1))],
            })
            .collect();
        let head = store.write(Write { epoch: 1, by: "test".into(), at: now(), operations }).await.unwrap();
        acknowledge(&format!("configuration {}", head.serial));
        n += 1;
        let handle = n.to_string();
        store.put("code", &handle, handle.as_bytes(), expires()).await.unwrap();
        acknowledge(&format!("put {n}"));
        if n.is_multiple_of(2) {
            store.take("code", &handle, now()).await.unwrap().unwrap();
            acknowledge(&format!("taken {n}"));
        }
        let version = store.load("alice").await.unwrap().map_or(0, |found| found.version);
        assert!(store.swap("alice", version, &AccountActivity::default(), now()).await.unwrap());
        acknowledge(&format!("activity {}", version + 1));
    }
}

/// One system call a line, so that no half of one is taken for a whole.
fn acknowledge(what: &str) {
    std::io::stderr().write_all(format!("ack {what}\n").as_bytes()).unwrap();
}

fn start(dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::write_until_killed", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn lines(child: &mut Child) -> Receiver<String> {
    let errors = BufReader::new(child.stderr.take().unwrap());
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in errors.lines().map_while(Result::ok) {
            match line.strip_prefix("ack ") {
                Some(what) => sender.send(what.to_owned()).unwrap(),
                None => eprintln!("writing process: {line}"),
            }
        }
    });
    receiver
}

/// Collects for a time; says how it ended.
fn wait(lines: &Receiver<String>, time: Duration, collected: &mut Vec<String>) -> RecvTimeoutError {
    let start = std::time::Instant::now();
    loop {
        match lines.recv_timeout(time.saturating_sub(start.elapsed())) {
            Ok(line) => collected.push(line),
            Err(ended) => return ended,
        }
    }
}

async fn check(dir: &Path, acknowledged: &[String]) {
    for name in ["configuration.db", "activity.db"] {
        let path = dir.join(name);
        if path.exists() {
            let connection = Connection::open(&path).unwrap();
            let found: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
            assert_eq!(found, "ok", "{name}");
        }
    }
    let last = |what: &str| {
        let numbers =
            acknowledged.iter().filter_map(|line| line.strip_prefix(what)?.trim().parse::<u64>().ok());
        numbers.max().unwrap_or(0)
    };
    let store = SqliteStore::open(dir).unwrap();
    let serial = store.head().await.unwrap().serial;
    assert!(serial >= last("configuration"), "an acknowledged change is missing");

    // No gaps, no half of a pair, and the present state is what the history says.
    let changes = store.changes(0, usize::MAX).await.unwrap();
    assert!(changes.iter().map(|change| change.head.serial).eq(1..=serial));
    assert_eq!(serial % 2, 0, "half of a write");
    let folded: BTreeMap<_, _> = changes
        .iter()
        .map(|change| (change.id.clone(), (change.version, change.body.clone().unwrap())))
        .collect();
    let listed: BTreeMap<_, _> = store
        .list(KIND, None, usize::MAX)
        .await
        .unwrap()
        .into_iter()
        .map(|document| (document.id, (document.version, document.body)))
        .collect();
    assert_eq!(folded, listed);
    for id in PAIR.iter().filter(|_| serial > 0) {
        let (version, body) = &listed[*id];
        assert_eq!((*version, body["n"].as_u64().unwrap()), (serial / 2, serial / 2));
        let present = store.find(KIND, "identifier", &format!("urn:{id}:{version}")).await.unwrap().unwrap();
        assert_eq!(present.id, *id);
        let former = store.find(KIND, "identifier", &format!("urn:{id}:{}", version - 1)).await.unwrap();
        assert_eq!(former, None, "a key of a replaced object stayed");
    }

    for n in acknowledged.iter().filter_map(|line| line.strip_prefix("taken ")) {
        assert_eq!(store.take("code", n, now()).await.unwrap(), None, "{n} would be redeemed twice");
    }
    for n in acknowledged.iter().filter_map(|line| line.strip_prefix("put ")) {
        let odd = !n.parse::<u64>().unwrap().is_multiple_of(2);
        if odd {
            assert_eq!(store.take("code", n, now()).await.unwrap().unwrap(), n.as_bytes());
        }
    }
    let version = store.load("alice").await.unwrap().map_or(0, |found| found.version);
    assert!(version >= last("activity"), "an acknowledged guess is missing");
}
