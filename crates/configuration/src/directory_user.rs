//! Users and groups of the embedded directory, with the attribute names of Active Directory.

use std::collections::BTreeMap;

use base::{Guid, Timestamp};
use serde::{Deserialize, Serialize};

/// A user of the embedded directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryUser {
    /// `objectGUID`.
    pub object_guid: Guid,
    /// `objectSid`.
    pub object_sid: String,
    /// `sAMAccountName`, unique without regard to case.
    pub sam_account_name: String,
    /// `userPrincipalName`, unique without regard to case.
    pub user_principal_name: String,
    /// `displayName`.
    pub display_name: String,
    /// Password hash, a PHC string (Argon2id).
    pub password_hash: String,
    /// When the password was last set.
    pub pwd_last_set: Timestamp,
    /// The account is disabled.
    #[serde(default)]
    pub disabled: bool,
    /// The user must change the password at the next sign-in.
    #[serde(default)]
    pub must_change_password: bool,
    /// SIDs of the groups the user is a direct member of.
    #[serde(default)]
    pub member_of: Vec<String>,
    /// Further LDAP attributes (`mail`, `givenName`, `sn`, `title`, `department`, `proxyAddresses` …), all
    /// multi-valued, by the directory's spelling of the name.
    #[serde(default)]
    pub attributes: BTreeMap<String, Vec<String>>,
}

/// A group of the embedded directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryGroup {
    /// `objectSid`.
    pub object_sid: String,
    /// `sAMAccountName`, unique without regard to case.
    pub sam_account_name: String,
    /// SIDs of the groups this group is a direct member of.
    #[serde(default)]
    pub member_of: Vec<String>,
}
