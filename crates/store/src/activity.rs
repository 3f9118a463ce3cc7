//! `Activity`: sign-in counters of accounts.

use std::net::IpAddr;

use async_trait::async_trait;
use base::Timestamp;
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// What is known about the sign-ins of one account; names as in `Get-AdfsAccountActivity`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountActivity {
    /// Wrong passwords from familiar addresses since the last success.
    pub bad_pwd_count_familiar: u32,
    /// Wrong passwords from other addresses since the last success.
    pub bad_pwd_count_unknown: u32,
    /// Last of the former.
    pub last_failed_auth_familiar: Option<Timestamp>,
    /// Last of the latter.
    pub last_failed_auth_unknown: Option<Timestamp>,
    /// Addresses of earlier successful sign-ins, newest last, at most 20.
    pub familiar_ips: Vec<IpAddr>,
}

/// A value and the version to name when replacing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    /// Raised by each write, from 1.
    pub version: u64,
    /// The value.
    pub value: T,
}

/// Counters with a lost-update check.
///
/// Callers that count a guess write first and ask the directory afterwards, so that N parallel guesses can't
/// pass a threshold together: each `swap` that loses re-reads and decides again.
#[async_trait]
pub trait Activity: Send + Sync {
    /// What is known of `account` (the caller's canonical name: lower case).
    async fn load(&self, account: &str) -> Result<Option<Versioned<AccountActivity>>, StoreError>;

    /// Replaces the record if its version is still `expected` (0: absent). `true` when it was replaced.
    async fn swap(
        &self,
        account: &str,
        expected: u64,
        value: &AccountActivity,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Forgets records not written since `before`, at most `limit`; returns how many.
    async fn purge(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError>;
}
