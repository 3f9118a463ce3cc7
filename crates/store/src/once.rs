//! `Once`: things that may be used one time (codes, artifacts, replay keys).

use async_trait::async_trait;
use base::Timestamp;

use crate::StoreError;

/// Handles that are redeemed once, and keys that are seen once.
///
/// - `purpose` separates name spaces; a handle of one purpose is unknown under another.
/// - Expiry is judged against the `now` that the caller passes: an entry with `expires <= now` does not exist.
/// - A handle is random and fresh: `put` under one that is there (expired or not) is an error and changes nothing.
/// - An entry survives the end of the process. The last ones before a power failure may be lost.
/// - Exactly one of any number of concurrent `take` or `insert_if_absent` calls for one key succeeds.
#[async_trait]
pub trait Once: Send + Sync {
    /// Stores `value` under a fresh handle.
    async fn put(
        &self,
        purpose: &str,
        handle: &str,
        value: &[u8],
        expires: Timestamp,
    ) -> Result<(), StoreError>;

    /// Reads and removes. `None`: unknown, expired, or taken before.
    async fn take(&self, purpose: &str, handle: &str, now: Timestamp) -> Result<Option<Vec<u8>>, StoreError>;

    /// `true` when `key` was not there before (it is now, until `expires`); `false` for a replay.
    async fn insert_if_absent(
        &self,
        purpose: &str,
        key: &str,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Replaces the value if it is still `expected` (`None`: absent). `true` when it was replaced.
    async fn compare_and_swap(
        &self,
        purpose: &str,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Removes what expired, at most `limit` entries; returns how many.
    async fn purge(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError>;
}
