//! Group memberships, nested ones included.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use configuration::DirectoryGroup;
use store::{Configuration, Head, Kind};

use super::{from_document, unavailable};
use crate::DirectoryError;

/// Groups of one account at most: what Windows puts into a token.
const MOST: usize = 1_015;
/// Groups that stay in memory at most.
const RESIDENT: usize = 20_000;

/// A membership.
#[derive(Debug, Clone)]
pub(super) struct Membership {
    /// SID of the group.
    pub(super) sid: String,
    /// The group; none when it was deleted.
    pub(super) group: Option<Arc<DirectoryGroup>>,
    /// Whether the account is a member itself, not by another group.
    pub(super) direct: bool,
}

/// Reads groups, and keeps them until anything in the configuration changes.
pub(super) struct Groups {
    store: Arc<dyn Configuration>,
    resident: Mutex<Resident>,
}

#[derive(Default)]
struct Resident {
    head: Option<Head>,
    groups: HashMap<String, Option<Arc<DirectoryGroup>>>,
}

impl Groups {
    pub(super) fn new(store: Arc<dyn Configuration>) -> Self {
        Self { store, resident: Mutex::default() }
    }

    /// All groups that the direct groups and the primary group lead to: direct ones first, each once. The
    /// primary group does not count as direct, as in `memberOf`.
    pub(super) async fn all(
        &self,
        direct: &[String],
        primary: Option<String>,
    ) -> Result<Vec<Membership>, DirectoryError> {
        self.forget_if_changed().await?;
        let mut found = Vec::with_capacity(direct.len());
        let mut seen: HashSet<String> = HashSet::with_capacity(direct.len());
        let mut open: VecDeque<(String, bool)> = direct.iter().map(|sid| (sid.clone(), true)).collect();
        open.extend(primary.map(|sid| (sid, false)));
        while let Some((sid, direct)) = open.pop_front() {
            if !seen.insert(sid.clone()) {
                continue;
            }
            if seen.len() > MOST {
                // Leaving some out could lift a denial, so there is no sign-in, as in Windows.
                return Err(DirectoryError::Unavailable(format!(
                    "an account is a member of more than {MOST} groups; remove some memberships"
                )));
            }
            let group = self.group(&sid).await?;
            if let Some(group) = &group {
                open.extend(group.member_of.iter().map(|sid| (sid.clone(), false)));
            }
            found.push(Membership { sid, group, direct });
        }
        Ok(found)
    }

    async fn forget_if_changed(&self) -> Result<(), DirectoryError> {
        let head = self.store.head().await.map_err(unavailable)?;
        let mut resident = self.resident.lock().unwrap_or_else(PoisonError::into_inner);
        if resident.head != Some(head) {
            *resident = Resident { head: Some(head), groups: HashMap::new() };
        }
        Ok(())
    }

    async fn group(&self, sid: &str) -> Result<Option<Arc<DirectoryGroup>>, DirectoryError> {
        let head = {
            let resident = self.resident.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(group) = resident.groups.get(sid) {
                return Ok(group.clone());
            }
            resident.head
        };
        let document = self.store.get(Kind::DirectoryGroup, sid).await.map_err(unavailable)?;
        let group = document.map(from_document::<DirectoryGroup>).transpose()?.map(Arc::new);
        let mut resident = self.resident.lock().unwrap_or_else(PoisonError::into_inner);
        if resident.head == head && resident.groups.len() < RESIDENT {
            resident.groups.insert(sid.to_owned(), group.clone());
        }
        Ok(group)
    }
}
