//! The one place where requests sign: fixed threads, and a queue that is never longer than it should be.
//!
//! A signature occupies a core for up to a millisecond. On the runtime's threads it would hold up everyone else;
//! in an unbounded queue everyone would wait until nobody waits any more. A full queue says so at once.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use base::Answer;
use tokio::sync::oneshot;

use crate::SigningKey;

/// What one thread signs in a second, at least: RSA-2048 on a slow core.
const SIGNATURES_PER_SECOND: usize = 500;

/// Signatures that leave together at most. Under load, each batch costs one change of threads and, behind it, one
/// write of the journal.
const LARGEST_BATCH: usize = 8;

/// A message was not signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The queue is full: HTTP 503 with `Retry-After`.
    #[error("too many requests wait for a signature; try again in {retry_after_seconds} s")]
    Busy {
        /// When it is worth another try.
        retry_after_seconds: u32,
    },
    /// The service is stopping.
    #[error("the service is stopping")]
    Stopped,
    /// The library refused.
    #[error("signing with certificate '{thumbprint}' failed")]
    Failed {
        /// The certificate of the key.
        thumbprint: String,
    },
}

/// Threads and queue. Dropping it signs what waits and ends the threads.
#[derive(Debug)]
pub struct SigningQueue {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl SigningQueue {
    /// Starts `threads` threads, best as many as cores. At most `depth` messages wait.
    pub fn start(threads: NonZeroUsize, depth: NonZeroUsize) -> std::io::Result<Self> {
        // Built first, so that threads already running end if another cannot be started.
        let mut queue =
            Self { shared: Arc::new(Shared::new(threads.get(), depth.get())), threads: Vec::new() };
        for number in 0..threads.get() {
            let shared = queue.shared.clone();
            let builder = std::thread::Builder::new().name(format!("sign {number}"));
            queue.threads.push(builder.spawn(move || shared.work())?);
        }
        Ok(queue)
    }

    /// Signs as [`SigningKey::sign`] does. A caller that stops waiting is passed over.
    pub async fn sign(&self, key: &Arc<SigningKey>, message: Vec<u8>) -> Result<Vec<u8>, SignError> {
        let (reply, answer) = oneshot::channel();
        self.shared.push(Job { key: key.clone(), message, reply })?;
        answer.await.ok().and_then(Answer::take).unwrap_or(Err(SignError::Stopped))
    }

    /// Takes no more messages, signs what waits, and ends the threads. Blocks for as long as that takes.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Drop for SigningQueue {
    fn drop(&mut self) {
        self.shared.state().closed = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to finish; its callers were told that the queue stopped.
            let _ = thread.join();
        }
    }
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    threads: usize,
    depth: usize,
}

#[derive(Debug)]
struct State {
    /// Allocated once, for the whole depth.
    jobs: VecDeque<Job>,
    closed: bool,
}

#[derive(Debug)]
struct Job {
    key: Arc<SigningKey>,
    message: Vec<u8>,
    reply: oneshot::Sender<Answer<Result<Vec<u8>, SignError>>>,
}

impl Shared {
    fn new(threads: usize, depth: usize) -> Self {
        let state = State { jobs: VecDeque::with_capacity(depth), closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), threads, depth }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change of the state is one step, so a panic elsewhere leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, job: Job) -> Result<(), SignError> {
        {
            let mut state = self.state();
            if state.closed {
                return Err(SignError::Stopped);
            }
            if state.jobs.len() >= self.depth {
                let seconds = self.depth.div_ceil(self.threads.max(1) * SIGNATURES_PER_SECOND);
                return Err(SignError::Busy {
                    retry_after_seconds: u32::try_from(seconds).unwrap_or(u32::MAX),
                });
            }
            state.jobs.push_back(job);
        }
        self.changed.notify_one();
        Ok(())
    }

    /// The life of a thread.
    fn work(&self) {
        while let Some(batch) = self.next() {
            let signed = batch.into_iter().filter(|job| !job.reply.is_closed()).map(|job| {
                let signature = job.key.sign(&job.message);
                (job.reply, signature)
            });
            Answer::send_all(signed);
        }
    }

    /// Waits for a job, and takes others with it when many wait: a quarter of this thread's share, so that no answer
    /// is held back for much of the time it has waited already. `None` when the queue is closed and empty.
    fn next(&self) -> Option<Vec<Job>> {
        let mut state = self.state();
        loop {
            if !state.jobs.is_empty() {
                let share = state.jobs.len() / self.threads.max(1);
                return Some(state.jobs.drain(..(share / 4).clamp(1, LARGEST_BATCH)).collect());
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use base::{SystemRandom, Timestamp};

    use super::*;
    use crate::{MasterKey, TokenUse, Validity, generate_token_certificate};

    fn key() -> Arc<SigningKey> {
        let master = MasterKey::generate(&SystemRandom);
        let validity = Validity::days(Timestamp::from_seconds(1_800_000_000), 365);
        let certificate =
            generate_token_certificate(TokenUse::Signing, "fs.contoso.com", validity, &master, &SystemRandom);
        Arc::new(SigningKey::open(&certificate.unwrap(), &master).unwrap())
    }

    /// A queue whose threads have not started yet.
    fn idle(threads: usize, depth: usize) -> SigningQueue {
        SigningQueue { shared: Arc::new(Shared::new(threads, depth)), threads: Vec::new() }
    }

    fn start(queue: &mut SigningQueue) {
        let shared = queue.shared.clone();
        queue.threads.push(std::thread::spawn(move || shared.work()));
    }

    fn number(n: usize) -> NonZeroUsize {
        NonZeroUsize::new(n).unwrap()
    }

    fn poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_requests_in_parallel_get_each_its_own_signature() {
        let (key, queue) = (key(), Arc::new(SigningQueue::start(number(2), number(1000)).unwrap()));
        let requests: Vec<_> = (0..50_u8)
            .map(|n| {
                let (key, queue) = (key.clone(), queue.clone());
                tokio::spawn(async move { queue.sign(&key, vec![n; 1000]).await.unwrap() })
            })
            .collect();
        for (n, request) in (0..50_u8).zip(requests) {
            assert_eq!(request.await.unwrap(), key.sign(&[n; 1000]).unwrap());
        }
        assert_eq!(key.signatures(), 100);
    }

    #[tokio::test]
    async fn a_full_queue_says_when_to_come_back() {
        let (key, mut queue) = (key(), idle(2, 3000));
        let mut waiting: Vec<_> = (0..3000_u16)
            .map(|n| {
                let mut request = Box::pin(queue.shared.clone().request(&key, n));
                assert!(poll(request.as_mut()).is_pending());
                request
            })
            .collect();
        assert_eq!(queue.sign(&key, vec![]).await, Err(SignError::Busy { retry_after_seconds: 3 }));
        waiting.truncate(2);
        start(&mut queue);
        for request in waiting {
            request.await.unwrap();
        }
        // There is room again.
        queue.sign(&key, vec![]).await.unwrap();
    }

    #[test]
    fn a_batch_is_a_quarter_of_a_threads_share_and_never_large() {
        let key = key();
        for (waiting, taken) in [(1, 1), (15, 1), (16, 2), (40, 5), (64, 8), (1_000, 8)] {
            let queue = idle(2, 1_000);
            for _ in 0..waiting {
                let (reply, _) = oneshot::channel();
                queue.shared.push(Job { key: key.clone(), message: Vec::new(), reply }).unwrap();
            }
            assert_eq!(queue.shared.next().map(|batch| batch.len()), Some(taken), "{waiting}");
        }
    }

    #[tokio::test]
    async fn a_caller_that_left_is_passed_over() {
        let (key, mut queue) = (key(), idle(1, 10));
        for n in 0..9 {
            let mut request = pin!(queue.shared.clone().request(&key, n));
            assert!(poll(request.as_mut()).is_pending());
        }
        start(&mut queue);
        queue.sign(&key, vec![1]).await.unwrap();
        assert_eq!(key.signatures(), 1);
    }

    #[tokio::test]
    async fn shutting_down_signs_what_waits_and_refuses_what_comes() {
        let (key, mut queue) = (key(), idle(1, 10));
        let shared = queue.shared.clone();
        let mut waiting = Box::pin(shared.clone().request(&key, 1));
        assert!(poll(waiting.as_mut()).is_pending());
        start(&mut queue);
        queue.shutdown();
        assert_eq!(Arc::strong_count(&shared), 2, "the thread has ended");
        waiting.await.unwrap();
        assert_eq!(shared.request(&key, 2).await, Err(SignError::Stopped));
    }

    impl Shared {
        /// As [`SigningQueue::sign`], for callers that outlive the queue.
        async fn request(self: Arc<Self>, key: &Arc<SigningKey>, n: u16) -> Result<Vec<u8>, SignError> {
            let (reply, answer) = oneshot::channel();
            self.push(Job { key: key.clone(), message: n.to_be_bytes().to_vec(), reply })?;
            answer.await.ok().and_then(Answer::take).unwrap_or(Err(SignError::Stopped))
        }
    }
}
