//! One user, as an administrator names it: by its UPN.

use configuration::{DirectoryUser, Problem};
use store::{Kind, Operation};

use super::create::{CreateError, NewUser, user_problems};
use super::{EmbeddedDirectory, from_document, unavailable};
use crate::DirectoryError;

impl EmbeddedDirectory {
    /// The user with this UPN, letter case apart.
    pub async fn user(&self, upn: &str) -> Result<Option<DirectoryUser>, DirectoryError> {
        let found = self.store.find(Kind::DirectoryUser, "upn", &upn.to_lowercase()).await;
        found.map_err(unavailable)?.map(from_document).transpose()
    }

    /// What is wrong with a user by itself; whether its names are free is known when it is made.
    pub fn problems(user: &NewUser) -> Vec<Problem> {
        user_problems(user)
    }

    /// Removes the user with this UPN; `false` when there is none. Groups stay.
    pub async fn remove_user(&self, upn: &str, by: &str) -> Result<bool, CreateError> {
        let Some(document) = self.store.find(Kind::DirectoryUser, "upn", &upn.to_lowercase()).await? else {
            return Ok(false);
        };
        let (kind, id, expected) = (document.kind, document.id, document.version);
        self.write(vec![Operation::Delete { kind, id, expected }], by).await?;
        Ok(true)
    }
}
