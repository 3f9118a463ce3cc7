//! Password hashes (Argon2id, RFC 9106) on threads of their own.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base::{Random, Secret};
use subtle::ConstantTimeEq;
use tokio::sync::oneshot;

use crate::DirectoryError;

/// Cost of a hash. The default is OWASP's: 19 MiB, two passes, one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for HashCost {
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 }
    }
}

/// A stored hash may cost this much memory; more would be an attack on this server.
const MOST_MEMORY_KIB: u32 = 256 * 1024;

/// Hashes and compares, a bounded number at a time.
pub(super) struct Hasher {
    pool: Pool,
    argon2: Argon2<'static>,
    /// What a password is compared with when there is no such user.
    nobody: Arc<str>,
    /// Hashes made, of whatever kind.
    made: Arc<AtomicU64>,
}

impl Hasher {
    pub(super) fn new(
        cost: HashCost,
        threads: usize,
        queue: usize,
        random: &dyn Random,
    ) -> Result<Self, DirectoryError> {
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, None).map_err(|error| {
            DirectoryError::Unavailable(format!("password hashing can't be set up: {error}"))
        })?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        // As the real ones, but of a password that nobody knows; made of random octets instead of hashed.
        let nobody = {
            let params = format!("m={},t={},p={}", cost.memory_kib, cost.passes, cost.lanes);
            let (salt, output) = (base64(&random.bytes::<16>()), base64(&random.bytes::<32>()));
            format!("$argon2id$v=19${params}${salt}${output}")
        };
        let pool = Pool::new(threads, queue)?;
        Ok(Self { pool, argon2, nobody: nobody.into(), made: Arc::default() })
    }

    /// Whether `password` is the one that `hash` was made of; `None` stands for an unknown user and costs the
    /// same.
    pub(super) async fn verify(&self, password: &Secret, hash: Option<&str>) -> Result<bool, DirectoryError> {
        let known = hash.is_some();
        let hash = hash.map_or_else(|| self.nobody.clone(), Arc::from);
        let (password, made) = (password.clone(), self.made.clone());
        let same = self.pool.run(move |memory| {
            made.fetch_add(1, Ordering::Relaxed);
            is_affordable(&hash)?;
            let parsed = PasswordHash::new(&hash).map_err(damaged)?;
            let (Some(salt), Some(expected)) = (&parsed.salt, &parsed.hash) else {
                return Err(damaged("it has no salt or no hash"));
            };
            let params = Params::try_from(&parsed).map_err(damaged)?;
            let blocks = memory.blocks(&params);
            let mut output = vec![0; expected.as_bytes().len()];
            Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                .hash_password_into_with_memory(password.expose().as_bytes(), salt, &mut output, blocks)
                .map_err(damaged)?;
            Ok(bool::from(output.as_slice().ct_eq(expected.as_bytes())))
        })?;
        Ok(finished(same).await?? && known)
    }

    /// Hashes a new password.
    pub(super) async fn hash(
        &self,
        password: &Secret,
        random: &dyn Random,
    ) -> Result<String, DirectoryError> {
        finished(self.begin_hash(password, random)?).await?
    }

    /// Hashes several passwords, as many at a time as there are threads.
    pub(super) async fn hash_all(
        &self,
        passwords: &[&Secret],
        random: &dyn Random,
    ) -> Result<Vec<String>, DirectoryError> {
        let mut hashes = Vec::with_capacity(passwords.len());
        for chunk in passwords.chunks(self.pool.threads) {
            let begun: Result<Vec<_>, _> =
                chunk.iter().map(|password| self.begin_hash(password, random)).collect();
            for hash in begun? {
                hashes.push(finished(hash).await??);
            }
        }
        Ok(hashes)
    }

    fn begin_hash(
        &self,
        password: &Secret,
        random: &dyn Random,
    ) -> Result<oneshot::Receiver<Result<String, DirectoryError>>, DirectoryError> {
        let salt: [u8; 16] = random.bytes();
        let (argon2, password, made) = (self.argon2.clone(), password.clone(), self.made.clone());
        self.pool.run(move |memory| {
            made.fetch_add(1, Ordering::Relaxed);
            let params = argon2.params();
            let mut output = [0; 32];
            argon2
                .hash_password_into_with_memory(
                    password.expose().as_bytes(),
                    &salt,
                    &mut output,
                    memory.blocks(params),
                )
                .map_err(damaged)?;
            let (m, t, p) = (params.m_cost(), params.t_cost(), params.p_cost());
            Ok(format!("$argon2id$v=19$m={m},t={t},p={p}${}${}", base64(&salt), base64(&output)))
        })
    }

    /// Number of hashes made so far.
    #[cfg(test)]
    pub(super) fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }
}

/// Whether `hash` is a PHC string of Argon2id that this server can afford to check.
pub(super) fn is_affordable(hash: &str) -> Result<(), DirectoryError> {
    let parsed = PasswordHash::new(hash).map_err(damaged)?;
    let params = Params::try_from(&parsed).map_err(damaged)?;
    if parsed.algorithm.as_str() != "argon2id" || parsed.salt.is_none() || parsed.hash.is_none() {
        return Err(DirectoryError::Unavailable("a stored password hash is no Argon2id hash".to_owned()));
    }
    if params.m_cost() > MOST_MEMORY_KIB || params.t_cost() > 16 {
        return Err(DirectoryError::Unavailable(
            "a stored password hash costs more than is allowed".to_owned(),
        ));
    }
    Ok(())
}

fn damaged(error: impl std::fmt::Display) -> DirectoryError {
    DirectoryError::Unavailable(format!("a stored password hash can't be used: {error}"))
}

fn base64(octets: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD_NO_PAD.encode(octets)
}

async fn finished<T>(result: oneshot::Receiver<T>) -> Result<T, DirectoryError> {
    result.await.map_err(|_| DirectoryError::Unavailable("password hashing has ended".to_owned()))
}

/// Threads that take jobs from one bounded queue. Each hash needs its memory, so their number bounds that
/// too.
struct Pool {
    queue: SyncSender<Job>,
    capacity: usize,
    threads: usize,
}

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// The memory of one thread's hashes, used again and again: tens of megabytes that came and went with each hash
/// would leave the process full of holes.
#[derive(Default)]
struct Memory(Vec<Block>);

impl Memory {
    /// As much as a hash of these parameters needs.
    fn blocks(&mut self, params: &Params) -> &mut [Block] {
        let count = params.block_count();
        if self.0.len() < count {
            self.0.resize(count, Block::default());
        }
        self.0.get_mut(..count).unwrap_or_default()
    }
}

/// A thread without work gives its memory back after this time.
const IDLE: Duration = Duration::from_secs(10);

impl Pool {
    fn new(threads: usize, queue: usize) -> Result<Self, DirectoryError> {
        let (threads, capacity) = (threads.max(1), queue.max(1));
        let (queue, jobs) = sync_channel(capacity);
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..threads {
            let jobs = jobs.clone();
            std::thread::Builder::new().name("password".to_owned()).spawn(move || work(&jobs)).map_err(
                |error| DirectoryError::Unavailable(format!("no thread for password hashing: {error}")),
            )?;
        }
        Ok(Self { queue, capacity, threads })
    }

    /// Queues a job. Its result is lost, and the job left out, when nobody waits for it any more.
    fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, DirectoryError> {
        let (done, result) = oneshot::channel();
        let job: Job = Box::new(move |memory: &mut Memory| {
            if !done.is_closed() {
                let _ = done.send(job(memory));
            }
        });
        match self.queue.try_send(job) {
            Ok(()) => Ok(result),
            Err(TrySendError::Full(_)) => {
                // A hash takes some 30 ms.
                let waiting = self.capacity.div_ceil(self.threads.saturating_mul(30));
                Err(DirectoryError::Busy { retry_after_seconds: u32::try_from(waiting.max(1)).unwrap_or(60) })
            }
            Err(TrySendError::Disconnected(_)) => {
                Err(DirectoryError::Unavailable("password hashing has ended".to_owned()))
            }
        }
    }
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    let mut memory = Memory::default();
    loop {
        // The lock is held while waiting: the next thread waits for the lock instead.
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(IDLE);
        match job {
            Ok(job) => job(&mut memory),
            Err(RecvTimeoutError::Timeout) => memory = Memory::default(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use base::SeededRandom;

    use super::*;

    pub(crate) const CHEAP: HashCost = HashCost { memory_kib: 64, passes: 1, lanes: 1 };

    #[tokio::test(flavor = "multi_thread")]
    async fn only_the_right_password_fits_and_an_unknown_user_costs_one_hash_too() {
        let random = SeededRandom::new(1);
        let hasher = Hasher::new(CHEAP, 2, 8, &random).unwrap();
        let hash = hasher.hash(&Secret::new("right"), &random).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        assert!(hasher.verify(&Secret::new("right"), Some(&hash)).await.unwrap());
        assert!(!hasher.verify(&Secret::new("Right"), Some(&hash)).await.unwrap());
        assert!(!hasher.verify(&Secret::new(""), None).await.unwrap());
        assert_eq!(hasher.made(), 4);
        let again = hasher.hash_all(&[&Secret::new("right"), &Secret::new("b")], &random).await.unwrap();
        assert!(again[0] != hash && again[0] != again[1]);
        // The stand-in is a hash of the same cost.
        assert!(is_affordable(&hasher.nobody).is_ok());
        assert!(hasher.nobody.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_full_queue_says_so_at_once_and_an_abandoned_job_is_left_out() {
        let pool = Pool::new(1, 2).unwrap();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (started, begun) = std::sync::mpsc::channel::<()>();
        let first = pool
            .run(move |_| {
                started.send(()).unwrap();
                held.recv().unwrap();
            })
            .unwrap();
        begun.recv().unwrap();
        let ran = Arc::new(AtomicU64::new(0));
        let count = || {
            let ran = ran.clone();
            pool.run(move |_| ran.fetch_add(1, Ordering::SeqCst))
        };
        let abandoned = count().unwrap();
        let kept = count().unwrap();
        assert!(matches!(count(), Err(DirectoryError::Busy { retry_after_seconds: 1.. })));
        drop(abandoned);
        release.send(()).unwrap();
        first.await.unwrap();
        kept.await.unwrap();
        assert_eq!(ran.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn foreign_and_unaffordable_hashes_are_refused() {
        for hash in [
            "",
            "plain",
            "$2b$12$abcdefghijklmnopqrstuv",
            "$argon2id$v=19$m=4000000,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b4dWRWJTmaaJObGc3rdTZyPNc4",
            "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b4dWRWJTmaaJObGc3rdTZyPNc4",
        ] {
            assert!(is_affordable(hash).is_err(), "{hash}");
        }
    }
}
