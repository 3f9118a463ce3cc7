//! The one thread that writes.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use base::{ActivityId, Answer, Clock, Guid, Timestamp};
use tokio::sync::oneshot;

use super::frame::{Found, Frame, Hash};
use super::refusals::Refusals;
use super::segment::{self, Header, MAGIC, Opening, Previous};
use super::{JournalError, JournalOptions, JournalStatus, WhenUnwritable, lines, lock};
use crate::{Outcome, Record, Text};

/// What the writer is asked.
pub(super) enum Command {
    /// Write a frame, and say when it is durable.
    Append { frame: Frame, done: Option<Done> },
    /// Look at the counts of refusals.
    Look,
}

/// What the writer shares with the journal's other parts.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) status: Mutex<JournalStatus>,
    pub(super) refusals: Mutex<Refusals>,
    pub(super) progress: Mutex<Progress>,
    pub(super) progressed: Condvar,
}

/// How far the durable journal reaches, for those who derive from it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) segment: u64,
    pub(super) length: u64,
    pub(super) closed: bool,
}

impl Shared {
    /// Counts records that were not written.
    pub(super) fn miss(&self, count: u64) {
        let mut status = lock(&self.status);
        status.missed = status.missed.saturating_add(count);
    }
}

/// Octets gathered for one write at most, beyond the first record.
const BATCH: usize = 1024 * 1024;
/// How often a minute that may be over is looked at, while there are counts.
const LOOK: Duration = Duration::from_secs(1);

pub(super) struct Writer {
    directory: PathBuf,
    options: JournalOptions,
    clock: Arc<dyn Clock>,
    shared: Arc<Shared>,
    /// Held as long as the writer lives: one writer for a directory.
    _lock: File,
    /// The current segment; none after a failure, until a new one could be begun.
    output: Option<Box<dyn Output>>,
    make: Make,
    /// Number of the current or last segment.
    segment: u64,
    /// Durable octets of it.
    length: u64,
    /// Hash of the last durable frame.
    hash: Hash,
    /// Missed records that the journal has noted already.
    noted: u64,
    /// Records that the journal has to say about itself.
    notes: Vec<String>,
}

/// A segment as the writer needs it; tests put failing ones in its place.
pub(super) trait Output: Send {
    fn write(&mut self, octets: &[u8]) -> io::Result<()>;
    fn sync(&mut self) -> io::Result<()>;
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

type Make = Box<dyn Fn(&Path) -> io::Result<Box<dyn Output>> + Send>;

impl Output for File {
    fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.write_all(octets)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

impl Writer {
    pub(super) fn open(
        directory: &Path,
        options: JournalOptions,
        clock: Arc<dyn Clock>,
        shared: Arc<Shared>,
    ) -> Result<Self, JournalError> {
        let make: Make = Box::new(|path| Ok(Box::new(segment::create(path)?)));
        Self::open_with(directory, options, clock, shared, make)
    }

    pub(super) fn open_with(
        directory: &Path,
        options: JournalOptions,
        clock: Arc<dyn Clock>,
        shared: Arc<Shared>,
        make: Make,
    ) -> Result<Self, JournalError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|error| JournalError::files("make", directory, &error))?;
        let guard = lock_directory(directory)?;
        let mut writer = Self {
            directory: directory.to_owned(),
            options,
            clock,
            shared,
            _lock: guard,
            output: None,
            make,
            segment: 0,
            length: 0,
            hash: Hash::START,
            noted: 0,
            notes: Vec::new(),
        };
        writer.recover().map_err(|error| JournalError::files("open", directory, &error))?;
        let notes = std::mem::take(&mut writer.notes);
        for note in &notes {
            tracing::warn!(journal = %directory.display(), "{note}");
        }
        let frames: Vec<Frame> = notes.iter().filter_map(|note| writer.note(note)).collect();
        if writer.output.is_none() || !frames.is_empty() {
            let count = frames.len() as u64;
            if let Err(error) = writer.write(frames)
                && writer.fail(count, &error).is_err()
            {
                return Err(JournalError::files("write to", directory, &error));
            }
        }
        lock(&writer.shared.status).damage = notes;
        writer.publish();
        Ok(writer)
    }

    /// Finds the end of the chain in the newest segment, and cuts off what a crash left half written.
    fn recover(&mut self) -> io::Result<()> {
        let Some(newest) = segment::numbers(&self.directory)?.pop() else { return Ok(()) };
        self.segment = newest;
        let path = segment::path(&self.directory, newest);
        let file = fs::OpenOptions::new().append(true).read(true).open(&path)?;
        let size = file.metadata()?.len();
        let mut reader = match segment::Reader::open(&self.directory, newest)? {
            Opening::Ready(reader, _) => reader,
            Opening::Torn => {
                // A crash while the segment was begun: it holds no record yet.
                fs::remove_file(&path)?;
                self.segment = newest.saturating_sub(1);
                self.notes.push(format!("segment {newest} ended within its beginning and was removed"));
                return self.recover();
            }
            Opening::Damage(what) => {
                self.length = size;
                self.hash = Hash::START;
                self.notes.push(format!("segment {newest} is damaged at its beginning: {what}; it is kept"));
                return Ok(());
            }
        };
        (self.length, self.hash) = (reader.offset, reader.hash);
        let mut damaged: Option<(u64, &str)> = None;
        loop {
            let offset = reader.offset;
            match reader.next()? {
                Found::Frame(frame) => {
                    if !frame.chained && damaged.is_none() {
                        damaged = Some((offset, "a record does not follow from the one before"));
                    }
                    (self.length, self.hash) = (reader.offset, frame.hash);
                }
                Found::End => break,
                Found::Damage(what) if reader.resume()? => damaged = damaged.or(Some((offset, what))),
                Found::Damage(what) => {
                    let torn = size.saturating_sub(offset);
                    file.set_len(offset)?;
                    file.sync_data()?;
                    self.notes.push(format!(
                        "segment {newest} ended with {torn} octets that were no whole record ({what}); they were cut off"
                    ));
                    break;
                }
            }
        }
        if let Some((offset, what)) = damaged {
            self.notes
                .push(format!("segment {newest} is damaged at octet {offset}: {what}; it is kept as it is"));
        }
        self.output = Some(Box::new(file));
        Ok(())
    }

    /// Begins the segment after the current one.
    fn begin_segment(&mut self) -> io::Result<()> {
        let number = self.segment.saturating_add(1);
        let path = segment::path(&self.directory, number);
        let header = Header {
            segment: number,
            node: self.options.node.to_string(),
            created: self.clock.now(),
            previous: (self.segment > 0).then(|| Previous { length: self.length, hash: self.hash.to_hex() }),
        };
        let (octets, hash) = segment::beginning(&header, self.hash);
        let begin = || {
            let mut output = (self.make)(&path)?;
            output.write(&octets)?;
            output.sync()?;
            // The name itself must survive a crash.
            File::open(&self.directory)?.sync_all()?;
            Ok(output)
        };
        match begin() {
            Ok(output) => {
                self.output = Some(output);
                (self.segment, self.length, self.hash) = (number, octets.len() as u64, hash);
                self.retain();
                Ok(())
            }
            Err(error) => {
                // What could not be begun must not stand in the way of the next attempt.
                let _ = fs::remove_file(&path);
                Err(error)
            }
        }
    }

    pub(super) fn run(mut self, commands: &Receiver<Command>) {
        while let Some(batch) = self.next_batch(commands) {
            self.commit(batch);
        }
        let last = lock(&self.shared.refusals).take();
        let last = last.and_then(|outcome| self.record(outcome)).map(|frame| (frame, None));
        self.commit(last.into_iter().collect());
        lock(&self.shared.progress).closed = true;
        self.shared.progressed.notify_all();
    }

    /// Waits for a record and takes all that wait with it. `None` when the journal is closed.
    fn next_batch(&self, commands: &Receiver<Command>) -> Option<Batch> {
        let pending = lock(&self.shared.refusals).is_pending();
        let first = if pending {
            match commands.recv_timeout(LOOK) {
                Err(RecvTimeoutError::Disconnected) => return None,
                received => received.ok(),
            }
        } else {
            Some(commands.recv().ok()?)
        };
        // Whoever is about to send a record on this core may do it first, and shares the write. On an idle core this
        // returns at once.
        std::thread::yield_now();
        let mut batch = Batch::new();
        let mut octets = 0usize;
        for command in first.into_iter().chain(commands.try_iter()) {
            if let Command::Append { frame, done } = command {
                octets = octets.saturating_add(usize::try_from(frame.len()).unwrap_or(BATCH));
                batch.push((frame, done));
            }
            if octets >= BATCH {
                break;
            }
        }
        let finished = lock(&self.shared.refusals).take_finished(self.clock.now());
        batch.extend(finished.and_then(|outcome| self.record(outcome)).map(|frame| (frame, None)));
        Some(batch)
    }

    /// Writes a batch and tells everyone who waits for it.
    fn commit(&mut self, batch: Batch) {
        if batch.is_empty() {
            return;
        }
        let (mut frames, waiting): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let missed = lock(&self.shared.status).missed;
        let unnoted = missed.saturating_sub(self.noted);
        if unnoted > 0 {
            let note = format!("{unnoted} records could not be written before this note and are missing");
            frames.extend(self.note(&note));
        }
        let result = match self.write(frames) {
            Ok(()) => {
                self.noted = missed;
                if lock(&self.shared.status).unwritable.take().is_some() {
                    tracing::warn!(missing = unnoted, "the journal can be written again");
                }
                Ok(())
            }
            Err(error) => self.fail(waiting.len() as u64, &error),
        };
        self.publish();
        // A request may have gone away; its record stays.
        Answer::send_all(waiting.into_iter().flatten().map(|done| (done, result.clone())));
    }

    fn write(&mut self, frames: Vec<Frame>) -> io::Result<()> {
        let size = frames.iter().fold(0u64, |sum, frame| sum.saturating_add(frame.len()));
        let full = self.length > MAGIC.len() as u64
            && self.length.saturating_add(size) > self.options.segment_bytes.max(4_096);
        if full || self.output.is_none() {
            self.output = None;
            self.begin_segment()?;
        }
        let Some(output) = self.output.as_mut() else { return Err(io::Error::other("no segment")) };
        let mut octets = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        let hash = frames.iter().fold(self.hash, |hash, frame| frame.chain(hash, &mut octets));
        if let Err(error) = output.write(&octets).and_then(|()| output.sync()) {
            // Whether these octets are on the disk is unknown now, and asking again would not tell: the
            // segment ends at its last confirmed record, and the next attempt begins another one.
            if let Err(error) = output.cut(self.length) {
                tracing::error!(%error, segment = self.segment, "the unconfirmed end could not be cut off");
            }
            self.output = None;
            return Err(error);
        }
        self.hash = hash;
        self.length = self.length.saturating_add(octets.len() as u64);
        Ok(())
    }

    fn fail(&self, count: u64, error: &io::Error) -> Result<(), JournalError> {
        let cause = error.to_string();
        let degrade = self.options.when_unwritable == WhenUnwritable::Degrade;
        self.shared.miss(count);
        if lock(&self.shared.status).unwritable.replace(cause.clone()).is_none() {
            tracing::error!(%cause, degrade, "the journal can't be written");
        }
        if degrade { Ok(()) } else { Err(JournalError::Unwritable(cause)) }
    }

    /// Says how far the journal reaches.
    fn publish(&self) {
        let mut status = lock(&self.shared.status);
        (status.segment, status.length) = (self.segment, self.length);
        status.head = format!("{}:{}:{}", self.segment, self.length, self.hash.to_hex());
        drop(status);
        let mut progress = lock(&self.shared.progress);
        (progress.segment, progress.length) = (self.segment, self.length);
        drop(progress);
        self.shared.progressed.notify_all();
    }

    fn note(&self, text: &str) -> Option<Frame> {
        self.record(Outcome::Note { text: Text::from(text) })
    }

    fn record(&self, outcome: Outcome) -> Option<Frame> {
        let none = ActivityId(Guid::NIL);
        Frame::new(none, &Record::new(none, self.clock.now(), self.options.node.clone(), outcome))
    }

    /// Removes the oldest segments that are too old or beyond the room, with what was derived from them.
    fn retain(&self) {
        if let Err(error) = self.try_retain() {
            tracing::warn!(%error, "old segments of the journal could not be removed");
        }
    }

    fn try_retain(&self) -> io::Result<()> {
        let oldest = self.clock.now().minus(self.options.retain);
        let size = |path: PathBuf| fs::metadata(path).map_or(0, |metadata| metadata.len());
        let mut segments: Vec<(u64, u64)> = Vec::new();
        for number in segment::numbers(&self.directory)? {
            segments.push((number, size(segment::path(&self.directory, number))));
        }
        let mut derived: Vec<(u64, u64)> = Vec::new();
        for number in lines::archives(&self.directory)? {
            derived.push((number, size(lines::archived(&self.directory, number))));
        }
        let mut total = size(lines::current(&self.directory));
        total = segments.iter().chain(&derived).fold(total, |sum, (_, size)| sum.saturating_add(*size));
        let created = created(&self.directory, &segments);
        for ((number, size), next) in segments.iter().zip(segments.iter().skip(1)) {
            // A segment's newest record is older than the next segment.
            let too_old = created.get(&next.0).is_some_and(|created| *created < oldest);
            if !too_old && total <= self.options.retain_bytes {
                break;
            }
            fs::remove_file(segment::path(&self.directory, *number))?;
            total = total.saturating_sub(*size);
            // Lines without their segment can't be made again and would stay for ever.
            for (derived, size) in derived.extract_if(.., |(derived, _)| *derived <= *number) {
                fs::remove_file(lines::archived(&self.directory, derived))?;
                total = total.saturating_sub(size);
            }
        }
        Ok(())
    }
}

type Batch = Vec<(Frame, Option<Done>)>;

/// Where a request waits for its record.
type Done = oneshot::Sender<Answer<Result<(), JournalError>>>;

/// When the segments were begun, as far as their headers can be read.
fn created(directory: &Path, segments: &[(u64, u64)]) -> HashMap<u64, Timestamp> {
    let created = |number: u64| match segment::Reader::open(directory, number) {
        Ok(Opening::Ready(_, header)) => Some((number, header.created)),
        _ => None,
    };
    segments.iter().filter_map(|(number, _)| created(*number)).collect()
}

fn lock_directory(directory: &Path) -> Result<File, JournalError> {
    let path = directory.join("journal.lock");
    let file = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| JournalError::files("open", &path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(JournalError::InUse(directory.to_owned())),
        Err(fs::TryLockError::Error(error)) => Err(JournalError::files("lock", &path, &error)),
    }
}
