//! `events.jsonl`: one JSON object for each event, for people and log shippers. Derived from the segments by
//! a thread of its own; nothing waits for it.
//!
//! When a segment is full its lines become `events-00000001.jsonl`, and `events.jsonl` begins anew. Each line
//! has its `position` (segment, octet, number within the record): after a restart the thread goes on behind
//! the last whole line, so no line is lost or written twice.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::frame::Found;
use super::segment::{self, Opening};
use super::writer::{Progress, Shared};
use super::{JournalError, lock};
use crate::headers::push_json;
use crate::{Outcome, Record};

/// The lines of the current segment.
pub(super) fn current(directory: &Path) -> PathBuf {
    directory.join("events.jsonl")
}

/// The lines of a full segment.
pub(super) fn archived(directory: &Path, segment: u64) -> PathBuf {
    directory.join(format!("events-{segment:08}.jsonl"))
}

/// Lines are gathered for this long, so that a busy journal costs few writes.
const LAG: Duration = Duration::from_millis(100);
/// As by `nice -n 19`.
const LOWEST_PRIORITY: i32 = 19;
/// Octets gathered for one write.
const BATCH: usize = 1024 * 1024;
/// A line is never longer.
const LONGEST: u64 = 2 * 1024 * 1024;

/// Derives the lines as the journal grows.
pub(super) struct Follower {
    directory: PathBuf,
    shared: Arc<Shared>,
    state: Mutex<State>,
}

impl Follower {
    pub(super) fn open(directory: &Path, shared: Arc<Shared>) -> Result<Self, JournalError> {
        let state = State::open(directory)
            .map_err(|error| JournalError::files("open", &current(directory), &error))?;
        Ok(Self { directory: directory.to_owned(), shared, state: Mutex::new(state) })
    }

    /// Follows the journal until it is closed.
    pub(super) fn run(&self) {
        // The lines can be made at any time: requests come first. (On Linux this is the thread's own value.)
        if let Err(error) = rustix::process::nice(LOWEST_PRIORITY) {
            tracing::debug!(%error, "the thread that derives events.jsonl keeps its priority");
        }
        let mut seen = Progress::default();
        loop {
            let mut progress = lock(&self.shared.progress);
            while *progress == seen {
                progress = self.shared.progressed.wait(progress).unwrap_or_else(PoisonError::into_inner);
            }
            if !progress.closed {
                let waited = self.shared.progressed.wait_timeout_while(progress, LAG, |now| !now.closed);
                progress = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            seen = *progress;
            drop(progress);
            if let Err(error) = self.derive() {
                tracing::warn!(%error, "events.jsonl is behind the journal; it will catch up when it can be written");
            }
            if seen.closed {
                return;
            }
        }
    }

    /// Writes the lines of everything that is durable.
    pub(super) fn derive(&self) -> Result<(), JournalError> {
        let mut state = lock(&self.state);
        let until = *lock(&self.shared.progress);
        state
            .derive(&self.directory, until)
            .map_err(|error| JournalError::files("write", &current(&self.directory), &error))
    }

    pub(super) fn rebuild(&self) -> Result<(), JournalError> {
        let mut state = lock(&self.state);
        let begin_again = || {
            for number in archives(&self.directory)? {
                fs::remove_file(archived(&self.directory, number))?;
            }
            fs::remove_file(current(&self.directory))?;
            State::open(&self.directory)
        };
        *state = begin_again()
            .map_err(|error| JournalError::files("rebuild", &current(&self.directory), &error))?;
        drop(state);
        self.derive()
    }
}

/// Where the follower is.
struct State {
    output: File,
    /// Octets of whole lines in the output.
    length: u64,
    segment: u64,
    /// Place of the next record in the segment; 0 is its beginning.
    offset: u64,
    /// Lines of that record that are written already.
    done: usize,
}

impl State {
    /// Goes on behind the last whole line.
    fn open(directory: &Path) -> io::Result<Self> {
        let mut output =
            OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(current(directory))?;
        let (length, last) = last_position(&mut output)?;
        output.set_len(length)?;
        if let Some((segment, offset, number)) = last {
            return Ok(Self { output, length, segment, offset, done: number.saturating_add(1) });
        }
        output.set_len(0)?;
        let newest_archive = archives(directory)?.into_iter().max();
        let first = segment::numbers(directory)?.into_iter().find(|number| Some(*number) > newest_archive);
        Ok(Self { output, length: 0, segment: first.unwrap_or(1), offset: 0, done: 0 })
    }

    fn derive(&mut self, directory: &Path, until: Progress) -> io::Result<()> {
        while self.segment < until.segment {
            self.follow(directory, u64::MAX)?;
            // Segments that retention removed are gone; their lines would be removed with them.
            let numbers = segment::numbers(directory)?;
            let next = numbers.into_iter().find(|number| *number > self.segment).unwrap_or(until.segment);
            fs::rename(current(directory), archived(directory, self.segment))?;
            self.output = segment::create(&current(directory))?;
            (self.length, self.segment, self.offset, self.done) = (0, next, 0, 0);
        }
        if self.segment == until.segment { self.follow(directory, until.length) } else { Ok(()) }
    }

    /// Writes the lines of the records of the current segment that end before `until`.
    fn follow(&mut self, directory: &Path, until: u64) -> io::Result<()> {
        let mut reader = match segment::Reader::open(directory, self.segment) {
            Ok(Opening::Ready(reader, _)) => reader,
            Ok(Opening::Torn | Opening::Damage(_)) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if self.offset > 0 {
            reader.seek(self.offset)?;
        }
        let mut lines = String::new();
        let mut done = self.done;
        while reader.offset < until {
            let offset = reader.offset;
            match reader.next_unlinked()? {
                Found::Frame(frame) => {
                    let position = |number: usize| (self.segment, offset, number);
                    match serde_json::from_slice::<Record>(&frame.body) {
                        Ok(record) => write_record(&mut lines, &record, done, position),
                        Err(error) => {
                            tracing::warn!(%error, activity = %frame.activity, "a record can't be read by this version");
                        }
                    }
                    done = 0;
                }
                Found::End => break,
                Found::Damage(_) if reader.resume()? => continue,
                Found::Damage(_) => break,
            }
            if lines.len() >= BATCH {
                self.write(&lines, reader.offset)?;
                lines.clear();
            }
        }
        self.write(&lines, reader.offset)
    }

    fn write(&mut self, lines: &str, offset: u64) -> io::Result<()> {
        if let Err(error) = self.output.write_all(lines.as_bytes()) {
            // Half a line must not stay; if it can't be cut off now, the next start does.
            let _ = self.output.set_len(self.length);
            return Err(error);
        }
        self.length = self.length.saturating_add(lines.len() as u64);
        (self.offset, self.done) = (offset, 0);
        Ok(())
    }
}

/// Segment, octet, and number of the line within the record.
type Position = (u64, u64, usize);

/// Appends the lines of a record, without the first `done`.
fn write_record(lines: &mut String, record: &Record, done: usize, position: impl Fn(usize) -> Position) {
    let mut same = format!(r#"{{"time":"{}","activity":"{}","node":"#, record.at, record.activity);
    push_json(&mut same, &record.node);
    let mut number = 0usize;
    // Writes the beginning of a line, unless it is written already.
    let mut begin = |lines: &mut String, id: u16, level: &str, channel: &str, provider: &str| {
        let wanted = number >= done;
        if wanted {
            let (segment, offset, number) = position(number);
            lines.push_str(&same);
            let _ = write!(lines, r#","id":{id},"level":"{level}","channel":"{channel}","#);
            let _ = write!(lines, r#""provider":"{provider}","position":"{segment}:{offset}:{number}","#);
        }
        number = number.saturating_add(1);
        wanted
    };
    for event in &record.events {
        let definition = event.definition();
        let (level, channel) = (definition.level.name(), definition.channel);
        for items in event.fields(record.activity) {
            if !begin(lines, definition.id, level, channel.name(), channel.provider()) {
                continue;
            }
            if let Some(instance) = event.instance() {
                let _ = write!(lines, r#""instance":"{instance}","#);
            }
            lines.push_str("\"data\":[");
            for (index, item) in items.iter().enumerate() {
                lines.push_str(if index == 0 { "" } else { "," });
                push_json(lines, item);
            }
            lines.push_str("],\"message\":");
            push_json(lines, &definition.message(&items));
            lines.push_str("}\n");
        }
    }
    for text in own_texts(&record.outcome) {
        // What the journal says by itself is no event of AD FS: id 0.
        if begin(lines, 0, "Warning", "Journal", "Sekisho") {
            lines.push_str("\"data\":[],\"message\":");
            push_json(lines, &text);
            lines.push_str("}\n");
        }
    }
}

/// What the journal says by itself.
fn own_texts(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::Note { text } => vec![text.to_string()],
        Outcome::Refusals { minute, counts, others } => {
            let minute = minute.to_audit();
            let text = |count: u64, source: &str, reason: &str| {
                format!("{count} requests from {source} were refused in the minute of {minute}: {reason}")
            };
            let mut texts: Vec<String> = counts
                .iter()
                .map(|count| text(count.count, &count.source.to_string(), &count.reason))
                .collect();
            if *others > 0 {
                texts.push(text(*others, "other sources", "any reason"));
            }
            texts
        }
        _ => vec![],
    }
}

/// Length of the whole lines in a file, and the position that the last one names.
fn last_position(file: &mut File) -> io::Result<(u64, Option<Position>)> {
    let size = file.metadata()?.len();
    let start = size.saturating_sub(LONGEST);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let Some(end) = tail.iter().rposition(|byte| *byte == b'\n') else { return Ok((0, None)) };
    let lines = tail.get(..end).unwrap_or_default();
    let last = lines.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let position = serde_json::from_slice::<serde_json::Value>(last).ok().and_then(|line| {
        let mut parts = line.get("position")?.as_str()?.split(':');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    });
    Ok((start.saturating_add(end as u64).saturating_add(1), position))
}

/// Numbers of the segments whose lines were set aside.
pub(super) fn archives(directory: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("events-")?.strip_suffix(".jsonl"));
        numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    Ok(numbers)
}
