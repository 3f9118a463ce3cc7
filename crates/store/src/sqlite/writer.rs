//! The thread that writes to one file. Writes that wait together share one transaction (group commit).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use rusqlite::{Connection, TransactionBehavior, ffi};
use tokio::sync::{mpsc, oneshot, watch};

use super::error::{overloaded, stopped, store_error};
use crate::StoreError;

/// How many writes may wait. More are refused at once rather than kept waiting for a disk that does not keep up.
const QUEUE: usize = 1024;

/// Why a unit of work is undone.
pub(super) enum Undo<R> {
    /// By its own decision.
    Refused(R),
    /// Because of SQLite.
    Failed(rusqlite::Error),
}

impl<R> From<rusqlite::Error> for Undo<R> {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error)
    }
}

/// Queue and thread. Dropping it finishes what waits and closes the file.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
    commits: Arc<AtomicU64>,
    told: watch::Receiver<u64>,
}

impl Writer {
    pub(super) fn start(connection: Connection, name: &str, batch: usize) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let commits = Arc::new(AtomicU64::new(0));
        let counter = commits.clone();
        let (tell, told) = watch::channel(0);
        let thread = std::thread::Builder::new()
            .name(format!("write {name}"))
            .spawn(move || work_through(connection, receiver, batch, &counter, &tell))?;
        Ok(Self { queue: Some(sender), thread: Some(thread), commits, told })
    }

    /// Number of commits so far. What was read from the file is still true while it stays the same, since no
    /// other process writes. It has grown before any caller learns of its write.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
    }

    /// Tells of each commit.
    pub(super) fn told(&self) -> watch::Receiver<u64> {
        self.told.clone()
    }

    /// Runs `work` in a transaction and returns after the commit. `Err` means that nothing of it was kept.
    /// A caller that stops waiting does not stop the work.
    pub(super) async fn run<T, R>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Undo<R>> + Send + 'static,
    ) -> Result<T, R>
    where
        T: Send + 'static,
        R: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let task = Box::new(Task { operation, work: Some(work), outcome: None, reply });
        let Some(queue) = &self.queue else { return Err(stopped(operation).into()) };
        queue.try_send(task).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => overloaded(operation),
            mpsc::error::TrySendError::Closed(_) => stopped(operation),
        })?;
        answer.await.unwrap_or_else(|_| Err(stopped(operation).into()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a writing thread of the store ended by a panic");
        }
    }
}

/// A unit of work, seen from the thread.
trait Job: Send {
    /// Does the work. Whether what it did shall stay.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Answers the caller, after the commit or (with an error) after the loss of the transaction.
    fn finish(self: Box<Self>, lost: Option<&rusqlite::Error>);
}

struct Task<F, T, R> {
    operation: &'static str,
    work: Option<F>,
    outcome: Option<Result<T, Undo<R>>>,
    reply: oneshot::Sender<Result<T, R>>,
}

impl<F, T, R> Job for Task<F, T, R>
where
    F: FnOnce(&Connection) -> Result<T, Undo<R>> + Send,
    T: Send,
    R: From<StoreError> + Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        self.outcome = self.work.take().map(|work| work(connection));
        matches!(self.outcome, Some(Ok(_)))
    }

    fn finish(self: Box<Self>, lost: Option<&rusqlite::Error>) {
        let answer = match (self.outcome, lost) {
            (Some(Err(Undo::Failed(error))), _) => Err(store_error(self.operation, &error).into()),
            (_, Some(error)) => Err(store_error(self.operation, error).into()),
            (Some(Ok(value)), None) => Ok(value),
            (Some(Err(Undo::Refused(refusal))), None) => Err(refusal),
            (None, None) => Err(stopped(self.operation).into()),
        };
        // A caller that is gone needs no answer.
        let _ = self.reply.send(answer);
    }
}

fn work_through(
    mut connection: Connection,
    mut queue: mpsc::Receiver<Box<dyn Job>>,
    batch: usize,
    commits: &AtomicU64,
    tell: &watch::Sender<u64>,
) {
    let mut jobs = Vec::with_capacity(batch);
    while queue.blocking_recv_many(&mut jobs, batch) > 0 {
        let lost = commit(&mut connection, &mut jobs).err();
        let before = commits.fetch_add(1, Ordering::Release);
        tell.send_replace(before.wrapping_add(1));
        for job in jobs.drain(..) {
            job.finish(lost.as_ref());
        }
    }
}

/// Each job has its savepoint: what one of them undoes does not touch the others.
fn commit(connection: &mut Connection, jobs: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for job in jobs {
        let savepoint = transaction.savepoint()?;
        if job.run(&savepoint) {
            savepoint.commit()?;
            continue;
        }
        drop(savepoint);
        // On a full disk SQLite undoes the whole transaction by itself. Another savepoint would then begin,
        // and commit, a transaction of its own.
        if transaction.is_autocommit() {
            let message = "the transaction was lost because another write in it failed".to_owned();
            return Err(rusqlite::Error::SqliteFailure(
                ffi::Error::new(ffi::SQLITE_ABORT_ROLLBACK),
                Some(message),
            ));
        }
    }
    transaction.commit()
}
