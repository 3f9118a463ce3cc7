//! The journal: one append-only, hash-chained file series per node, durable before an answer leaves.
//!
//! [`Journal::append`] returns when the record is on the disk. One thread writes: it takes all records that
//! wait, chains them, writes them with one call and confirms them with one `fdatasync`, so the disk's latency
//! is shared by all requests of that moment. Everything else (`events.jsonl`, [`Journal::find`]) is derived
//! from the segments and can be rebuilt.
//!
//! The chain shows a changed, removed or inserted record, see [`verify`]. It has no key: who can write all
//! files can make a new chain, so an installation that must exclude that keeps [`JournalStatus::head`]
//! elsewhere from time to time.

mod frame;
mod lines;
mod reader;
mod refusals;
mod segment;
mod verify;
mod writer;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use base::{ActivityId, Answer, Clock};
use tokio::sync::oneshot;

use crate::Record;
use frame::Frame;
use writer::{Command, Shared, Writer};

pub use reader::JournalReader;
pub use verify::{Problem, Verification, verify};

/// How the journal is kept.
#[derive(Debug, Clone)]
pub struct JournalOptions {
    /// Host name of the node.
    pub node: Arc<str>,
    /// Octets of a segment after which the next one is begun.
    pub segment_bytes: u64,
    /// Octets of all files after which the oldest segments are removed.
    pub retain_bytes: u64,
    /// Age after which a segment is removed.
    pub retain: Duration,
    /// Records that may wait for the writer.
    pub queue: usize,
    /// What to do when nothing can be written.
    pub when_unwritable: WhenUnwritable,
    /// Whether `events.jsonl` is derived.
    pub lines: bool,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            node: "localhost".into(),
            segment_bytes: 32 * 1024 * 1024,
            retain_bytes: 2 * 1024 * 1024 * 1024,
            retain: Duration::from_secs(180 * 24 * 3_600),
            queue: 2_048,
            when_unwritable: WhenUnwritable::Stop,
            lines: true,
        }
    }
}

/// What to do when a record can't be written, for instance because the disk is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenUnwritable {
    /// [`Journal::append`] fails: the caller must not answer with a token.
    Stop,
    /// The service goes on; lost records are counted, and noted as soon as writing works again.
    Degrade,
}

/// Why the journal could not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// A file could not be opened, read or made.
    #[error("journal: {operation} {path}: {cause}")]
    Files {
        /// What was attempted.
        operation: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// Another process writes to the directory.
    #[error(
        "journal: {0} is in use by another process; stop that one, or give this one another data directory"
    )]
    InUse(PathBuf),
    /// Too many records wait.
    #[error("journal: too many records are waiting to be written; try again in {retry_after_seconds} s")]
    Busy {
        /// For `Retry-After`.
        retry_after_seconds: u32,
    },
    /// The record is not on the disk; no token may leave.
    #[error("journal: a record could not be written: {0}; free space on the disk or repair it")]
    Unwritable(String),
    /// The record is larger than any the journal takes.
    #[error("journal: the record of activity {0} is larger than 4 MiB")]
    TooLarge(ActivityId),
    /// The journal was closed.
    #[error("journal: closed")]
    Closed,
}

impl JournalError {
    fn files(operation: &'static str, path: &Path, cause: &std::io::Error) -> Self {
        Self::Files { operation, path: path.to_owned(), cause: cause.to_string() }
    }
}

/// How the journal is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JournalStatus {
    /// Why nothing can be written now; `None` when all is well.
    pub unwritable: Option<String>,
    /// Records not written since the start, because the disk or the queue did not take them.
    pub missed: u64,
    /// What was found wrong with the files at the start.
    pub damage: Vec<String>,
    /// Number of the current segment.
    pub segment: u64,
    /// Confirmed octets of it.
    pub length: u64,
    /// Hash of the newest record: `segment:length:hash` of two moments and [`verify`] between them prove that
    /// nothing was removed.
    pub head: String,
}

/// An open journal. Dropping it writes what waits and ends its threads.
pub struct Journal {
    directory: PathBuf,
    options: JournalOptions,
    clock: Arc<dyn Clock>,
    queue: Mutex<Option<SyncSender<Command>>>,
    shared: Arc<Shared>,
    lines: Option<Arc<lines::Follower>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Journal {
    /// Opens the journal in `directory`, which is made when it is missing.
    ///
    /// A torn last frame, left by a crash, is cut off with a note: nobody was told that it is durable. Damage
    /// anywhere else is kept as it is, reported by [`status`](Self::status), noted and logged; the journal
    /// goes on in a new segment.
    pub fn open(
        directory: &Path,
        options: JournalOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, JournalError> {
        let shared = Arc::new(Shared::default());
        let writer = Writer::open(directory, options.clone(), clock.clone(), shared.clone())?;
        let (queue, commands) = sync_channel(options.queue.max(1));
        let mut threads = vec![spawn("journal", move || writer.run(&commands))?];
        let mut follower = None;
        if options.lines {
            let lines = Arc::new(lines::Follower::open(directory, shared.clone())?);
            follower = Some(lines.clone());
            threads.push(spawn("journal-lines", move || lines.run())?);
        }
        Ok(Self {
            directory: directory.to_owned(),
            options,
            clock,
            queue: Mutex::new(Some(queue)),
            shared,
            lines: follower,
            threads: Mutex::new(threads),
        })
    }

    /// Host name of the node, for [`Record::node`].
    pub fn node(&self) -> Arc<str> {
        self.options.node.clone()
    }

    /// Writes a record; returns when it is durable.
    ///
    /// # Errors
    /// With [`WhenUnwritable::Stop`], any error means that no token may leave. A full queue is an error under
    /// both policies ([`JournalError::Busy`]): waiting there would only lengthen the queue in front of it.
    pub async fn append(&self, record: &Record) -> Result<(), JournalError> {
        let Some(frame) = Frame::new(record.activity, record) else {
            self.shared.miss(1);
            return Err(JournalError::TooLarge(record.activity));
        };
        let (done, confirmed) = oneshot::channel();
        self.send(Command::Append { frame, done: Some(done) })?;
        confirmed.await.ok().and_then(Answer::take).unwrap_or(Err(JournalError::Closed))
    }

    /// Counts a request that was refused before any trust or account was known. The counts of a minute are
    /// one record, written when the minute is over; nothing waits for it.
    pub fn count_refusal(&self, source: IpAddr, reason: &'static str) {
        let now = self.clock.now();
        let (was_pending, finished) = {
            let mut refusals = lock(&self.shared.refusals);
            (refusals.is_pending(), refusals.count(source, reason, now))
        };
        let command = match finished {
            Some(outcome) => {
                let node = self.options.node.clone();
                let record = Record::new(ActivityId(base::Guid::NIL), now, node, outcome);
                Frame::new(record.activity, &record).map(|frame| Command::Append { frame, done: None })
            }
            // Wakes the writer, which then looks at the minute by itself.
            None => (!was_pending).then_some(Command::Look),
        };
        if let Some(command) = command
            && let Err(error) = self.send(command)
        {
            tracing::warn!(%error, "the journal did not take the count of refused requests");
        }
    }

    /// All records of an activity, oldest first; see [`JournalReader::find`]. Blocks on the disk.
    pub fn find(&self, activity: ActivityId) -> Result<Vec<Record>, JournalError> {
        JournalReader::open(&self.directory)?.find(activity)
    }

    /// How the journal is.
    pub fn status(&self) -> JournalStatus {
        lock(&self.shared.status).clone()
    }

    /// Brings `events.jsonl` up to the newest record now, rather than within a moment. Blocks on the disk.
    pub fn derive_lines(&self) -> Result<(), JournalError> {
        self.lines.as_ref().map_or(Ok(()), |lines| lines.derive())
    }

    /// Makes `events.jsonl` and its older parts anew from the segments. Blocks on the disk.
    pub fn rebuild_lines(&self) -> Result<(), JournalError> {
        self.lines.as_ref().map_or(Ok(()), |lines| lines.rebuild())
    }

    /// Writes what waits and ends the threads. Later calls to [`append`](Self::append) fail. Blocks.
    pub fn close(&self) {
        drop(lock(&self.queue).take());
        for thread in lock(&self.threads).drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the journal ended by a panic");
            }
        }
    }

    fn send(&self, command: Command) -> Result<(), JournalError> {
        let Some(queue) = lock(&self.queue).as_ref().cloned() else { return Err(JournalError::Closed) };
        queue.try_send(command).map_err(|refused| match refused {
            TrySendError::Full(_) => {
                self.shared.miss(1);
                JournalError::Busy { retry_after_seconds: 1 }
            }
            TrySendError::Disconnected(_) => JournalError::Closed,
        })
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, JournalError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(|error| JournalError::files("start a thread for", Path::new(name), &error))
}

/// A lock whose holder panicked guards plain values here, which are whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
