//! Who a user is: the one trait behind which the embedded directory, Active Directory and LDAP stand.

pub mod embedded;
mod filter;

use std::sync::Arc;

use async_trait::async_trait;
use base::{Secret, Timestamp};
use claims::Claim;

/// Checks credentials and answers attribute store queries.
#[async_trait]
pub trait Directory: Send + Sync {
    /// Checks a user name (`user@suffix` or `DOMAIN\user`) and a password.
    ///
    /// An unknown name, a wrong password and a locked account cost the same time.
    async fn check_password(&self, user: &str, password: &Secret) -> Result<PasswordCheck, DirectoryError>;

    /// Changes a password; the old one is checked first.
    async fn change_password(
        &self,
        user: &str,
        old: &Secret,
        new: &Secret,
    ) -> Result<PasswordChange, DirectoryError>;

    /// The account's name under which wrong passwords are counted, whatever spelling was typed; for an
    /// unknown user it is made from the typed name, so that both cost and answer are the same.
    async fn account_key(&self, user: &str) -> Result<String, DirectoryError>;

    /// Answers a query of the Active Directory attribute store.
    async fn query(&self, query: &AttributeQuery) -> Result<Vec<Vec<Vec<String>>>, DirectoryError>;
}

/// A query of the Active Directory attribute store, parsed and with its parameters bound as values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttributeQuery {
    /// LDAP filter, RFC 4515, with parameter values already escaped.
    pub filter: String,
    /// LDAP attribute names, in order of the claim types.
    pub attributes: Vec<String>,
    /// `DOMAIN` of the third part of the query.
    pub domain: String,
}

/// A user as the directory knows them at sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// `DOMAIN\user`, in the directory's spelling.
    pub account_name: String,
    /// User principal name.
    pub upn: String,
    /// Display name.
    pub display_name: String,
    /// Claims of the sign-in, issued by `AD AUTHORITY`: name, windowsaccountname, upn, implicitupn, primarysid,
    /// primarygroupsid, groupsid (one for each group, nested ones included).
    pub claims: Arc<[Claim]>,
    /// When the password was last set.
    pub password_last_set: Timestamp,
}

/// Outcome of a password check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordCheck {
    /// The password is right and the account may sign in.
    Right(Subject),
    /// No such user, or another password. Never tell which.
    Wrong,
    /// The password is right, but the account is disabled.
    Disabled,
    /// The password is right, but must be changed first.
    MustChange(Subject),
}

/// Outcome of a password change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordChange {
    /// Done.
    Changed,
    /// The old password is wrong, or there is no such user, or the account is disabled.
    Refused,
    /// The new password does not meet the directory's rules.
    TooWeak(&'static str),
}

/// The directory could not answer.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A part of the directory failed; the same call may succeed later.
    #[error("the directory is not available: {0}")]
    Unavailable(String),
    /// Too many password checks are waiting.
    #[error("the directory is busy; try again in {retry_after_seconds} s")]
    Busy {
        /// For `Retry-After`.
        retry_after_seconds: u32,
    },
    /// A query that the store can't answer (`POLICY3824`, `POLICY3826` …).
    #[error("{0}")]
    Query(String),
}
