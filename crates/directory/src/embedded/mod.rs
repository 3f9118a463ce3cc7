//! The embedded directory: users and groups in the configuration store, with the names and attributes of
//! Active Directory.
//!
//! A sign-in reads the one user it names and that user's groups; no operation loads all users.

mod create;
mod entry;
mod groups;
mod manage;
mod names;
mod password;
mod query;
mod seed;
mod sign_in;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use base::{Clock, Random, Secret};
use quick_cache::sync::Cache;
use store::{Configuration, Document, Head, StoreError};

pub use create::{CreateError, NewGroup, NewPassword, NewUser};
pub use password::HashCost;

use crate::{AttributeQuery, Directory, DirectoryError, PasswordChange, PasswordCheck};
use groups::Groups;
use names::Domain;
use password::Hasher;

/// The attributes of one object, each with its values.
type Row = Vec<Vec<String>>;

/// Answers kept at once; the largest has the names of a thousand groups.
const ANSWERS: usize = 256;

/// How the embedded directory works.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// NetBIOS name of the domain, such as `CONTOSO`.
    pub netbios_domain: String,
    /// DNS name of the domain, such as `contoso.com`.
    pub dns_domain: String,
    /// Characters of a new password at least.
    pub minimum_password_length: usize,
    /// Cost of a password hash.
    pub cost: HashCost,
    /// Threads that hash passwords.
    pub threads: usize,
    /// Password checks that may wait for a thread.
    pub queue: usize,
}

impl EmbeddedOptions {
    /// The defaults for a domain: passwords of 8 characters, as many threads as cores, 64 waiting checks.
    pub fn new(netbios_domain: impl Into<String>, dns_domain: impl Into<String>) -> Self {
        Self {
            netbios_domain: netbios_domain.into(),
            dns_domain: dns_domain.into(),
            minimum_password_length: 8,
            cost: HashCost::default(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            queue: 64,
        }
    }
}

/// Users and groups of the configuration store.
pub struct EmbeddedDirectory {
    store: Arc<dyn Configuration>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    domain: Domain,
    minimum_password_length: usize,
    hasher: Hasher,
    groups: Groups,
    /// Answers to queries at a position of the store: each token of a person asks the same again.
    answers: Cache<(Head, AttributeQuery), Arc<[Row]>>,
}

impl EmbeddedDirectory {
    /// A directory over `store`. Starts the threads that hash passwords.
    pub fn new(
        store: Arc<dyn Configuration>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        options: EmbeddedOptions,
    ) -> Result<Self, DirectoryError> {
        let hasher = Hasher::new(options.cost, options.threads, options.queue, &*random)?;
        Ok(Self {
            groups: Groups::new(store.clone()),
            answers: Cache::new(ANSWERS),
            store,
            clock,
            random,
            domain: Domain { netbios: options.netbios_domain, dns: options.dns_domain },
            minimum_password_length: options.minimum_password_length,
            hasher,
        })
    }
}

#[async_trait]
impl Directory for EmbeddedDirectory {
    async fn check_password(&self, user: &str, password: &Secret) -> Result<PasswordCheck, DirectoryError> {
        self.check(user, password).await
    }

    async fn change_password(
        &self,
        user: &str,
        old: &Secret,
        new: &Secret,
    ) -> Result<PasswordChange, DirectoryError> {
        self.change(user, old, new).await
    }

    async fn account_key(&self, user: &str) -> Result<String, DirectoryError> {
        self.key(user).await
    }

    async fn query(&self, query: &AttributeQuery) -> Result<Vec<Vec<Vec<String>>>, DirectoryError> {
        let head = self.store.head().await.map_err(unavailable)?;
        let key = (head, query.clone());
        if let Some(rows) = self.answers.get(&key) {
            return Ok(rows.to_vec());
        }
        let rows = self.search(query).await?;
        self.answers.insert(key, rows.as_slice().into());
        Ok(rows)
    }
}

fn unavailable(error: StoreError) -> DirectoryError {
    DirectoryError::Unavailable(error.to_string())
}

fn from_document<T: serde::de::DeserializeOwned>(document: Document) -> Result<T, DirectoryError> {
    let (kind, id) = (document.kind, document.id);
    serde_json::from_value(document.body)
        .map_err(|error| DirectoryError::Unavailable(format!("{kind:?} '{id}' can't be read: {error}")))
}
