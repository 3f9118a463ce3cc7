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

impl AccountActivity {
    /// How many addresses are remembered.
    pub const FAMILIAR_IPS: usize = 20;

    /// What two nodes counted apart, put together: the greater of the counters, the later of the times, all addresses
    /// with those of `self` as the newer ones. Never less than either.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        let own = &self.familiar_ips;
        let mut familiar_ips: Vec<_> =
            other.familiar_ips.iter().filter(|ip| !own.contains(ip)).chain(own).copied().collect();
        familiar_ips.drain(..familiar_ips.len().saturating_sub(Self::FAMILIAR_IPS));
        Self {
            bad_pwd_count_familiar: self.bad_pwd_count_familiar.max(other.bad_pwd_count_familiar),
            bad_pwd_count_unknown: self.bad_pwd_count_unknown.max(other.bad_pwd_count_unknown),
            last_failed_auth_familiar: self.last_failed_auth_familiar.max(other.last_failed_auth_familiar),
            last_failed_auth_unknown: self.last_failed_auth_unknown.max(other.last_failed_auth_unknown),
            familiar_ips,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(range: std::ops::Range<u8>) -> Vec<IpAddr> {
        range.map(|n| IpAddr::from([192, 0, 2, n])).collect()
    }

    #[test]
    fn what_two_nodes_counted_is_put_together() {
        let at = |seconds| Some(Timestamp::from_seconds(seconds));
        let one = AccountActivity {
            bad_pwd_count_familiar: 1,
            bad_pwd_count_unknown: 5,
            last_failed_auth_familiar: at(10),
            last_failed_auth_unknown: None,
            familiar_ips: addresses(10..25),
        };
        let two = AccountActivity {
            bad_pwd_count_familiar: 3,
            bad_pwd_count_unknown: 2,
            last_failed_auth_familiar: at(5),
            last_failed_auth_unknown: at(7),
            familiar_ips: addresses(1..13),
        };
        let merged = one.merged(&two);
        assert_eq!((merged.bad_pwd_count_familiar, merged.bad_pwd_count_unknown), (3, 5));
        assert_eq!((merged.last_failed_auth_familiar, merged.last_failed_auth_unknown), (at(10), at(7)));
        assert_eq!(merged.familiar_ips, addresses(5..25), "the 20 newest");
        assert_eq!(merged.merged(&two).bad_pwd_count_unknown, 5);
        assert_eq!(one.merged(&AccountActivity::default()), one);
    }
}
