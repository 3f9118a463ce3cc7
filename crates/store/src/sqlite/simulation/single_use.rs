//! Single-use values and counters of a farm, as `placement` puts them on nodes. Kept by each node across its deaths.

use std::collections::{BTreeMap, BTreeSet};

use crate::AccountActivity;

/// What one node keeps beside the configuration.
#[derive(Default)]
pub(super) struct Keep {
    pub(super) values: BTreeMap<String, u64>,
    pub(super) seen: BTreeSet<String>,
    pub(super) activity: BTreeMap<String, AccountActivity>,
}

impl Keep {
    pub(super) fn take(&mut self, handle: &str) -> Option<u64> {
        self.values.remove(handle)
    }

    pub(super) fn insert(&mut self, key: &str) -> bool {
        self.seen.insert(key.to_owned())
    }

    /// One more wrong password.
    pub(super) fn count(&mut self, account: &str) {
        let activity = self.activity.entry(account.to_owned()).or_default();
        activity.bad_pwd_count_unknown += 1;
    }

    /// What another node counted.
    pub(super) fn merge(&mut self, account: &str, other: &AccountActivity) {
        let own = self.activity.entry(account.to_owned()).or_default();
        *own = own.merged(other);
    }
}
