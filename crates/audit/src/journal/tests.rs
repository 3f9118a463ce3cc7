//! The journal on a real disk: chain, crashes, full disks, queues, retention, derived lines.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::sync::Condvar;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use base::{Guid, ManualClock, Timestamp};

use super::writer::Output;
use super::*;
use crate::{Event, HeadersText, Outcome, Query, RequestLine, Step, Text, WRONG_PASSWORD};

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::parse_xml("2030-01-02T03:04:05Z").unwrap()))
}

fn options() -> JournalOptions {
    JournalOptions { node: "fs01".into(), ..JournalOptions::default() }
}

fn activity(number: u64) -> ActivityId {
    ActivityId(format!("0d0d0d0d-1111-4222-8333-{number:012}").parse().unwrap())
}

fn record(number: u64) -> Record {
    let outcome = Outcome::Token { user: "EX\\kim".into(), relying_party: "urn:app".into() };
    let at = Timestamp::from_seconds(1_893_553_445);
    let mut record = Record::new(activity(number), at, "fs01".into(), outcome);
    record.events.push(Event::TokenIssuanceSuccess { instance: Guid::NIL, relying_party: "urn:app".into() });
    record.steps.push(Step::passed("trust_is_enabled"));
    record
}

fn open(directory: &Path, options: JournalOptions) -> Journal {
    Journal::open(directory, options, clock()).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

fn append(journal: &Journal, numbers: impl IntoIterator<Item = u64>) {
    runtime().block_on(async {
        for number in numbers {
            journal.append(&record(number)).await.unwrap();
        }
    });
}

fn lines(directory: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(lines::current(directory)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Octets where the records of a segment begin, and its end.
fn places(directory: &Path, number: u64) -> Vec<u64> {
    let segment::Opening::Ready(mut reader, _) = segment::Reader::open(directory, number).unwrap() else {
        panic!()
    };
    let mut places = vec![reader.offset];
    while let frame::Found::Frame(_) = reader.next().unwrap() {
        places.push(reader.offset);
    }
    places
}

#[test]
fn records_come_back_whole_and_the_chain_holds_over_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(directory.path(), options());
    append(&journal, 1..=3);
    assert_eq!(journal.find(activity(2)).unwrap(), [record(2)]);
    assert!(journal.find(activity(9)).unwrap().is_empty());
    drop(journal);

    let journal = open(directory.path(), options());
    assert_eq!(journal.status().damage, Vec::<String>::new());
    append(&journal, [2, 4]);
    // A reader beside the running server.
    let reader = JournalReader::open(directory.path()).unwrap();
    assert_eq!(reader.find(activity(2)).unwrap(), [record(2), record(2)]);
    let verification = verify(directory.path()).unwrap();
    assert_eq!((verification.records, verification.problems), (5, vec![]));
    assert_eq!(verification.head, journal.status().head);
}

#[test]
fn one_directory_has_one_writer() {
    let directory = tempfile::tempdir().unwrap();
    let _first = open(directory.path(), options());
    let second = Journal::open(directory.path(), options(), clock());
    assert!(matches!(second, Err(JournalError::InUse(_))));
}

/// Security case 88.
#[test]
fn a_changed_record_is_found_and_its_place_told() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(directory.path(), options());
    append(&journal, 1..=5);
    drop(journal);
    let path = segment::path(directory.path(), 1);
    let places = places(directory.path(), 1);
    let original = fs::read(&path).unwrap();

    // Changed in place, checksum left as it was; then with a checksum that fits.
    let (start, end) = (places[2] as usize, places[3] as usize);
    let mut changed = original.clone();
    let user = changed[start..end].windows(3).position(|window| window == b"kim").unwrap() + start;
    changed[user..user + 3].copy_from_slice(b"eve");
    fs::write(&path, &changed).unwrap();
    let problems = verify(directory.path()).unwrap().problems;
    assert_eq!(problems[0].to_string(), format!("segment 1, octet {start}: the checksum is wrong"));

    let checksum = crc32fast::hash(&changed[start + frame::HEAD..end]);
    changed[start + 4..start + 8].copy_from_slice(&checksum.to_le_bytes());
    fs::write(&path, &changed).unwrap();
    let problems = verify(directory.path()).unwrap().problems;
    assert_eq!(problems.iter().map(|problem| problem.offset).collect::<Vec<_>>(), [start as u64]);

    // The same on the next start: reported, noted, kept, and the journal goes on.
    let journal = open(directory.path(), options());
    assert!(journal.status().damage[0].contains(&format!("octet {start}")), "{:?}", journal.status());
    append(&journal, [6]);
    assert_eq!(journal.find(activity(6)).unwrap().len(), 1);
    assert!(fs::read(&path).unwrap().starts_with(&changed));
    assert_eq!(verify(directory.path()).unwrap().problems.len(), 1);
}

/// Security case 88.
#[test]
fn a_removed_an_exchanged_and_an_inserted_record_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(directory.path(), options());
    append(&journal, 1..=5);
    drop(journal);
    let path = segment::path(directory.path(), 1);
    let places: Vec<usize> = places(directory.path(), 1).iter().map(|place| *place as usize).collect();
    let original = fs::read(&path).unwrap();
    let part = |number: usize| &original[places[number]..places[number + 1]];
    let start = &original[..places[0]];
    for tampered in [
        [start, part(0), part(2), part(3), part(4)].concat(),
        [start, part(0), part(2), part(1), part(3), part(4)].concat(),
        [start, part(0), part(0), part(1), part(2), part(3), part(4)].concat(),
    ] {
        fs::write(&path, tampered).unwrap();
        assert!(!verify(directory.path()).unwrap().problems.is_empty());
    }
    fs::write(&path, &original).unwrap();
    assert!(verify(directory.path()).unwrap().problems.is_empty());
}

/// Security case 88.
#[test]
fn a_removed_or_cut_segment_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let small = JournalOptions { segment_bytes: 4_096, ..options() };
    let journal = open(directory.path(), small);
    append(&journal, 1..=40);
    drop(journal);
    let numbers = segment::numbers(directory.path()).unwrap();
    assert!(numbers.len() >= 3, "{numbers:?}");
    assert_eq!(verify(directory.path()).unwrap().problems, []);

    let path = segment::path(directory.path(), 2);
    let original = fs::read(&path).unwrap();
    let places = places(directory.path(), 2);
    fs::write(&path, &original[..places[places.len() - 2] as usize]).unwrap();
    let problems = verify(directory.path()).unwrap().problems;
    assert!(problems[0].what.starts_with("segment 2 was cut"), "{problems:?}");

    fs::remove_file(&path).unwrap();
    let problems = verify(directory.path()).unwrap().problems;
    assert!(problems[0].what.contains("are missing"), "{problems:?}");
}

#[test]
fn a_torn_last_record_is_cut_off_with_a_note_wherever_the_crash_came() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(directory.path(), JournalOptions { lines: false, ..options() });
    append(&journal, 1..=2);
    drop(journal);
    let path = segment::path(directory.path(), 1);
    let places = places(directory.path(), 1);
    let whole = fs::read(&path).unwrap();
    for cut in (places[1] + 1..places[2]).step_by(37) {
        fs::write(&path, &whole[..cut as usize]).unwrap();
        let journal = open(directory.path(), JournalOptions { lines: false, ..options() });
        assert!(journal.status().damage[0].contains("cut off"), "{:?}", journal.status());
        append(&journal, [3]);
        drop(journal);
        let reader = JournalReader::open(directory.path()).unwrap();
        assert_eq!(reader.find(activity(1)).unwrap().len(), 1);
        assert_eq!(reader.find(activity(3)).unwrap().len(), 1);
        let notes = reader.service().unwrap();
        assert!(matches!(&notes[0].outcome, Outcome::Note { text } if text.as_str().contains("cut off")));
        assert_eq!(verify(directory.path()).unwrap().problems, []);
    }
}

#[test]
fn a_crash_while_a_segment_is_begun_leaves_a_journal_that_opens() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path(), options()));
    let beginning = fs::read(segment::path(directory.path(), 1)).unwrap();
    for length in [0, 4, 8, 20, 60] {
        fs::write(segment::path(directory.path(), 2), &beginning[..length]).unwrap();
        let journal = open(directory.path(), options());
        append(&journal, [length as u64]);
        drop(journal);
        assert_eq!(verify(directory.path()).unwrap().problems, [], "{length}");
    }
}

/// A disk that counts, waits and fails as it is told.
#[derive(Default)]
struct Disk {
    writes: AtomicU64,
    syncs: AtomicU64,
    full: AtomicBool,
    no_sync: AtomicBool,
    held: Mutex<bool>,
    released: Condvar,
}

impl Disk {
    fn hold(&self, held: bool) {
        *lock(&self.held) = held;
        self.released.notify_all();
    }
}

struct DiskFile(std::fs::File, Arc<Disk>);

impl Output for DiskFile {
    fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        drop(self.1.released.wait_while(lock(&self.1.held), |held| *held).unwrap());
        self.1.writes.fetch_add(1, Ordering::SeqCst);
        if self.1.full.load(Ordering::SeqCst) {
            // A full disk takes a part.
            self.0.write(&octets[..octets.len() / 2])?;
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.0.write(octets)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.1.syncs.fetch_add(1, Ordering::SeqCst);
        if self.1.no_sync.load(Ordering::SeqCst) { Err(io::Error::other("I/O error")) } else { Ok(()) }
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.0.cut(length)
    }
}

/// A journal without derived lines on `disk`.
fn open_on(directory: &Path, options: JournalOptions, disk: &Arc<Disk>) -> Journal {
    let shared = Arc::new(Shared::default());
    let (clock, made) = (clock(), disk.clone());
    let make = Box::new(move |path: &Path| -> io::Result<Box<dyn Output>> {
        Ok(Box::new(DiskFile(segment::create(path)?, made.clone())))
    });
    let writer = Writer::open_with(directory, options.clone(), clock.clone(), shared.clone(), make).unwrap();
    let (queue, commands) = sync_channel(options.queue);
    let threads = vec![spawn("journal", move || writer.run(&commands)).unwrap()];
    Journal {
        directory: directory.to_owned(),
        options,
        clock,
        queue: Mutex::new(Some(queue)),
        shared,
        lines: None,
        threads: Mutex::new(threads),
    }
}

#[test]
fn records_that_wait_together_share_one_sync() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::default());
    let journal = Arc::new(open_on(directory.path(), options(), &disk));
    let before = disk.syncs.load(Ordering::SeqCst);
    runtime().block_on(async {
        disk.hold(true);
        let mut tasks = tokio::task::JoinSet::new();
        let asked = Arc::new(AtomicU64::new(0));
        for number in 0..500 {
            let (journal, asked) = (journal.clone(), asked.clone());
            tasks.spawn(async move {
                asked.fetch_add(1, Ordering::SeqCst);
                journal.append(&record(number)).await
            });
        }
        // The first batch is at the disk, the others wait behind it.
        while asked.load(Ordering::SeqCst) < 500 {
            tokio::task::yield_now().await;
        }
        disk.hold(false);
        while let Some(result) = tasks.join_next().await {
            result.unwrap().unwrap();
        }
    });
    let syncs = disk.syncs.load(Ordering::SeqCst) - before;
    assert!(syncs < 10, "{syncs} syncs for 500 records");
    assert_eq!(verify(directory.path()).unwrap().records, 500);
}

#[test]
fn a_full_queue_refuses_at_once_and_the_journal_tells_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::default());
    let journal = open_on(directory.path(), JournalOptions { queue: 4, ..options() }, &disk);
    runtime().block_on(async {
        disk.hold(true);
        let mut waiting = Vec::new();
        let mut busy = 0;
        for number in 0..50 {
            let journal = &journal;
            let mut append = Box::pin(async move { journal.append(&record(number)).await });
            match first_poll(&mut append).await {
                Some(Err(JournalError::Busy { .. })) => busy += 1,
                Some(other) => panic!("{other:?}"),
                None => waiting.push(append),
            }
        }
        assert!(busy >= 40, "{busy}");
        disk.hold(false);
        for append in waiting {
            append.await.unwrap();
        }
        assert_eq!(journal.status().missed, busy);
        journal.append(&record(99)).await.unwrap();
        let notes = journal.find(ActivityId(Guid::NIL)).unwrap();
        let told: u64 = notes
            .iter()
            .filter_map(|note| match &note.outcome {
                Outcome::Note { text } => text.as_str().split(' ').next()?.parse::<u64>().ok(),
                _ => None,
            })
            .sum();
        assert_eq!(told, busy);
    });
}

/// The result of a future that is ready at its first poll.
async fn first_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

/// Security case 88.
#[test]
fn a_full_disk_stops_tokens_and_nothing_half_written_stays() {
    for failing in ["write", "sync"] {
        let directory = tempfile::tempdir().unwrap();
        let disk = Arc::new(Disk::default());
        let journal = open_on(directory.path(), options(), &disk);
        append(&journal, [1]);
        let set = |value| match failing {
            "write" => disk.full.store(value, Ordering::SeqCst),
            _ => disk.no_sync.store(value, Ordering::SeqCst),
        };
        set(true);
        runtime().block_on(async {
            for number in 2..5 {
                let result = journal.append(&record(number)).await;
                assert!(matches!(result, Err(JournalError::Unwritable(_))), "{failing}: {result:?}");
            }
        });
        assert!(journal.status().unwritable.is_some());
        assert_eq!(journal.status().missed, 3);
        set(false);
        append(&journal, [5]);
        assert_eq!(journal.status().unwritable, None);
        drop(journal);
        let reader = JournalReader::open(directory.path()).unwrap();
        for (number, count) in [(1, 1), (2, 0), (3, 0), (4, 0), (5, 1)] {
            assert_eq!(reader.find(activity(number)).unwrap().len(), count, "{failing} {number}");
        }
        let notes = reader.service().unwrap();
        assert!(
            matches!(&notes[0].outcome, Outcome::Note { text } if text.as_str().starts_with("3 records")),
            "{notes:?}"
        );
        assert_eq!(verify(directory.path()).unwrap().problems, [], "{failing}");
    }
}

/// Security case 88.
#[test]
fn a_full_disk_with_the_degrading_policy_is_counted_and_reported() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::default());
    let options = JournalOptions { when_unwritable: WhenUnwritable::Degrade, ..options() };
    let journal = open_on(directory.path(), options, &disk);
    disk.full.store(true, Ordering::SeqCst);
    append(&journal, 1..=3);
    let status = journal.status();
    assert_eq!(status.missed, 3);
    assert!(status.unwritable.is_some());
    disk.full.store(false, Ordering::SeqCst);
    append(&journal, [4]);
    let notes = journal.find(ActivityId(Guid::NIL)).unwrap();
    assert!(matches!(&notes[0].outcome, Outcome::Note { text } if text.as_str().starts_with("3 records")));
}

#[test]
fn a_disk_that_is_full_at_the_start_stops_or_degrades_by_the_policy_too() {
    for (when_unwritable, opens) in [(WhenUnwritable::Stop, false), (WhenUnwritable::Degrade, true)] {
        let directory = tempfile::tempdir().unwrap();
        let make = Box::new(|_: &Path| Err(io::Error::from(io::ErrorKind::StorageFull)));
        let shared = Arc::new(Shared::default());
        let options = JournalOptions { when_unwritable, ..options() };
        let writer = Writer::open_with(directory.path(), options, clock(), shared.clone(), make);
        assert_eq!(writer.is_ok(), opens);
        assert!(lock(&shared.status).unwritable.is_some());
    }
}

#[test]
fn old_segments_go_by_size_with_what_was_derived_from_them() {
    let directory = tempfile::tempdir().unwrap();
    let small = JournalOptions { segment_bytes: 4_096, retain_bytes: 40_000, ..options() };
    let journal = open(directory.path(), small.clone());
    for batch in 0..10 {
        append(&journal, batch * 20..batch * 20 + 20);
        journal.derive_lines().unwrap();
    }
    drop(journal);
    let total = |directory: &Path| -> u64 {
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
    };
    // The newest segment and its lines come on top.
    assert!(total(directory.path()) <= 40_000 + 20_000, "{}", total(directory.path()));
    let oldest = segment::numbers(directory.path()).unwrap()[0];
    assert!(
        oldest > 1 && lines::archives(directory.path()).unwrap().into_iter().all(|number| number >= oldest)
    );
    let verification = verify(directory.path()).unwrap();
    assert_eq!(verification.problems, []);
    assert!(verification.notes[0].contains("are gone"), "{:?}", verification.notes);
}

#[test]
fn old_segments_go_by_age() {
    let directory = tempfile::tempdir().unwrap();
    let a_day = JournalOptions { segment_bytes: 4_096, retain: Duration::from_secs(24 * 3_600), ..options() };
    let clock = clock();
    let reopen = || Journal::open(directory.path(), a_day.clone(), clock.clone()).unwrap();
    append(&reopen(), 1..=50);
    clock.advance(Duration::from_secs(23 * 3_600));
    append(&reopen(), 51..=100);
    let count = |number| JournalReader::open(directory.path()).unwrap().find(activity(number)).unwrap().len();
    assert_eq!((count(1), count(60), count(100)), (1, 1, 1));
    clock.advance(Duration::from_secs(2 * 3_600));
    append(&reopen(), 101..=120);
    assert_eq!((count(1), count(60), count(120)), (0, 1, 1));
}

#[test]
fn many_tasks_and_small_segments_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let small = JournalOptions { segment_bytes: 16_384, ..options() };
    let journal = Arc::new(open(directory.path(), small));
    runtime().block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..20 {
            let journal = journal.clone();
            tasks.spawn(async move {
                for number in 0..50 {
                    journal.append(&record(task * 100 + number)).await.unwrap();
                }
            });
        }
        while let Some(result) = tasks.join_next().await {
            result.unwrap();
        }
    });
    journal.derive_lines().unwrap();
    let mut positions = HashSet::new();
    let mut count = 0;
    for entry in fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            for line in fs::read_to_string(path).unwrap().lines() {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                assert!(positions.insert(line["position"].as_str().unwrap().to_owned()));
                count += 1;
            }
        }
    }
    assert_eq!(count, 1_000);
    let verification = verify(directory.path()).unwrap();
    assert_eq!((verification.records, verification.problems), (1_000, vec![]));
    for number in [0, 1_949] {
        assert_eq!(journal.find(activity(number)).unwrap().len(), 1);
    }
}

#[test]
fn lines_are_one_object_for_each_event() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(directory.path(), options());
    let mut record = record(7);
    record.events.push(Event::FsServiceStop);
    runtime().block_on(journal.append(&record)).unwrap();
    journal.derive_lines().unwrap();
    let lines = lines(directory.path());
    assert_eq!(lines.len(), 2);
    let line = &lines[0];
    for (key, value) in [
        ("time", "2030-01-02T03:04:05.000Z"),
        ("level", "Audit Success"),
        ("channel", "Security"),
        ("provider", "AD FS Auditing"),
        ("node", "fs01"),
        ("activity", "0d0d0d0d-1111-4222-8333-000000000007"),
        ("instance", "00000000-0000-0000-0000-000000000000"),
    ] {
        assert_eq!(line[key], value, "{key}");
    }
    assert_eq!(line["id"], 299);
    let data = [&Guid::NIL.to_string(), "0d0d0d0d-1111-4222-8333-000000000007", "urn:app"];
    assert_eq!(line["data"], serde_json::json!(data));
    assert!(line["message"].as_str().unwrap().contains("Instance ID: 00000000"));
    assert_eq!(lines[1]["id"], 103);
    assert_eq!(lines[1].get("instance"), None);
}

#[test]
fn lines_go_on_after_a_restart_without_loss_or_repetition_and_can_be_rebuilt() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(directory.path(), options());
    append(&journal, 1..=5);
    drop(journal);
    let all = fs::read(lines::current(directory.path())).unwrap();
    // Killed at any place of the file.
    for cut in (0..all.len()).step_by(97) {
        fs::write(lines::current(directory.path()), &all[..cut]).unwrap();
        let journal = open(directory.path(), options());
        journal.derive_lines().unwrap();
        drop(journal);
        assert!(fs::read(lines::current(directory.path())).unwrap() == all, "cut at {cut}");
    }
    // Something else stands there.
    fs::write(lines::current(directory.path()), "no JSON\n").unwrap();
    let journal = open(directory.path(), options());
    journal.derive_lines().unwrap();
    assert!(fs::read(lines::current(directory.path())).unwrap() == all);
    journal.rebuild_lines().unwrap();
    assert!(fs::read(lines::current(directory.path())).unwrap() == all);
}

#[test]
fn lines_follow_by_themselves() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(directory.path(), options());
    append(&journal, 1..=5);
    journal.close();
    assert_eq!(lines(directory.path()).len(), 5);
    let closed = runtime().block_on(journal.append(&record(6)));
    assert!(matches!(closed, Err(JournalError::Closed)));
}

#[test]
fn early_refusals_are_one_record_a_minute() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let journal = Journal::open(directory.path(), options(), clock.clone()).unwrap();
    for _ in 0..1_000 {
        journal.count_refusal("198.51.100.7".parse().unwrap(), "unknown path");
    }
    clock.advance(Duration::from_secs(60));
    journal.count_refusal("198.51.100.8".parse().unwrap(), "unknown path");
    // The first minute was queued by the call above, the second is written on closing.
    journal.close();
    let records = JournalReader::open(directory.path()).unwrap().service().unwrap();
    let counts: Vec<u64> = records
        .iter()
        .flat_map(|record| match &record.outcome {
            Outcome::Refusals { counts, .. } => counts.iter().map(|count| count.count).collect(),
            _ => vec![],
        })
        .collect();
    assert_eq!(counts, [1_000, 1]);
    let lines = lines(directory.path());
    assert_eq!(
        lines[0]["message"],
        "1000 requests from 198.51.100.7 were refused in the minute of 2030-01-02 03:04:00: unknown path"
    );
}

#[test]
fn a_record_beyond_the_limit_is_refused_and_counted() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(directory.path(), options());
    let mut huge = record(1);
    huge.steps = vec![Step::note("x".repeat(2_000)); 3_000];
    let result = runtime().block_on(journal.append(&huge));
    assert!(matches!(result, Err(JournalError::TooLarge(_))));
    assert_eq!(journal.status().missed, 1);
}

/// Security cases 86 and 88.
#[test]
fn no_canary_reaches_a_file_and_no_line_is_forged() {
    const CANARY: &str = "C4n4ry-S3cret";
    let directory = tempfile::tempdir().unwrap();
    let journal = open(directory.path(), options());
    let cookie = format!("MSISAuth={CANARY}; a=b");
    let location = format!("https://app.example.com/?code={CANARY}&state=1");
    let headers: Vec<(&str, &[u8])> = vec![
        ("Authorization", CANARY.as_bytes()),
        ("Cookie", cookie.as_bytes()),
        ("cookie", cookie.as_bytes()),
        ("Set-Cookie", cookie.as_bytes()),
        ("Proxy-Authorization", CANARY.as_bytes()),
        ("Location", location.as_bytes()),
        ("User-Agent", b"one\r\n{\"id\":299,\"forged\":true}"),
    ];
    let mut record = record(1);
    record.request = Some(RequestLine {
        method: "GET".into(),
        path: "/adfs/ls/\r\n{\"id\":299}".into(),
        query: Query::new(&format!("UserName=kim&Password={CANARY}&pAssword={CANARY}&wresult={CANARY}")),
        client: "198.51.100.7".parse().unwrap(),
    });
    record.events.push(Event::LongText { instance: Guid::NIL, text: HeadersText::new(headers, None) });
    record.events.extend(Event::password_refused(
        "kim\r\n2. forged\u{2028}x",
        WRONG_PASSWORD,
        Text::from("198.51.100.7"),
    ));
    runtime().block_on(journal.append(&record)).unwrap();
    journal.derive_lines().unwrap();
    drop(journal);

    for entry in fs::read_dir(directory.path()).unwrap() {
        let octets = fs::read(entry.unwrap().path()).unwrap();
        assert!(!octets.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
    }
    let lines = lines(directory.path());
    assert_eq!(
        lines.iter().map(|line| line["id"].as_u64().unwrap()).collect::<Vec<_>>(),
        [299, 510, 411, 342]
    );
    let found = JournalReader::open(directory.path()).unwrap().find(activity(1)).unwrap();
    let text = crate::render(&found);
    assert!(!text.contains(CANARY));
    assert!(text.lines().all(|line| !line.starts_with("2.") && !line.starts_with('{')), "{text}");
}
