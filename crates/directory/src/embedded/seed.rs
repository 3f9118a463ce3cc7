//! Bringing many users up to date at once: what a seed file or an import asks for.

use std::collections::BTreeMap;

use configuration::{DirectoryGroup, DirectoryUser};
use store::Kind;

use super::create::{CreateError, NewUser, put_group, put_user, sam_problems, user_problems};
use super::{EmbeddedDirectory, from_document, unavailable};
use crate::DirectoryError;

impl EmbeddedDirectory {
    /// Creates users, replaces those whose UPN exists already (they keep GUID and SID), and creates the groups
    /// that they name and that do not exist. All of it happens, or none.
    pub async fn put_users(&self, users: Vec<NewUser>, by: &str) -> Result<(), CreateError> {
        let mut problems: Vec<_> = users.iter().flat_map(user_problems).collect();
        let mut groups = BTreeMap::new();
        let mut operations = Vec::new();
        for name in users.iter().flat_map(|user| &user.groups) {
            let key = name.to_lowercase();
            if groups.contains_key(&key) {
                continue;
            }
            let sid = match self.store.find(Kind::DirectoryGroup, "sam", &key).await? {
                Some(found) => found.id,
                None => {
                    problems.extend(sam_problems("groups", name, 256));
                    problems.extend(self.sam_problem(Kind::DirectoryUser, name).await?);
                    let group = DirectoryGroup {
                        object_sid: self.random_sid(),
                        sam_account_name: name.clone(),
                        member_of: Vec::new(),
                    };
                    operations.push(put_group(&group)?);
                    group.object_sid
                }
            };
            groups.insert(key, sid);
        }
        let mut stored = Vec::with_capacity(users.len());
        for user in &users {
            problems.extend(self.sam_problem(Kind::DirectoryGroup, &user.sam_account_name).await?);
            stored.push(
                self.store.find(Kind::DirectoryUser, "upn", &user.user_principal_name.to_lowercase()).await?,
            );
        }
        if !problems.is_empty() {
            return Err(CreateError::Invalid(problems));
        }
        let member_of = |user: &NewUser| -> Vec<String> {
            user.groups.iter().filter_map(|name| groups.get(&name.to_lowercase()).cloned()).collect()
        };
        let member_of: Vec<_> = users.iter().map(member_of).collect();
        for ((made, member_of), stored) in self.make(users).await?.into_iter().zip(member_of).zip(stored) {
            let mut made = DirectoryUser { member_of, ..made };
            let mut version = 0;
            if let Some(document) = stored {
                version = document.version;
                let known: DirectoryUser = from_document(document)?;
                made.object_guid = known.object_guid;
                made.object_sid = known.object_sid;
            }
            operations.push(put_user(&made, version)?);
        }
        self.write(operations, by).await?;
        Ok(())
    }

    /// All users, in order of GUID. For lists that people read, never for a request.
    pub async fn users(&self) -> Result<Vec<DirectoryUser>, DirectoryError> {
        self.all(Kind::DirectoryUser).await
    }

    /// All groups, in order of SID. For lists that people read, never for a request.
    pub async fn groups(&self) -> Result<Vec<DirectoryGroup>, DirectoryError> {
        self.all(Kind::DirectoryGroup).await
    }

    async fn all<T: serde::de::DeserializeOwned>(&self, kind: Kind) -> Result<Vec<T>, DirectoryError> {
        let mut found = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.store.list(kind, after.as_deref(), 500).await.map_err(unavailable)?;
            let Some(last) = page.last() else { return Ok(found) };
            after = Some(last.id.clone());
            for document in page {
                found.push(from_document(document)?);
            }
        }
    }
}
