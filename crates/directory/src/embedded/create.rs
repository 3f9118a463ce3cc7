//! Creates users and groups.

use std::collections::BTreeMap;

use base::{Guid, Secret};
use configuration::{DirectoryGroup, DirectoryUser, Problem};
use store::{Kind, Operation, StoreError, Write, WriteError};

use super::EmbeddedDirectory;
use super::entry::OPERATIONAL;
use super::password::is_affordable;
use crate::DirectoryError;

/// A user to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// `sAMAccountName`.
    pub sam_account_name: String,
    /// `userPrincipalName`.
    pub user_principal_name: String,
    /// `displayName`.
    pub display_name: String,
    /// The password.
    pub password: NewPassword,
    /// The account is disabled.
    pub disabled: bool,
    /// The user must change the password at the next sign-in.
    pub must_change_password: bool,
    /// Groups, by `sAMAccountName` or SID; they must exist.
    pub groups: Vec<String>,
    /// Further LDAP attributes; `mail` must be unique.
    pub attributes: BTreeMap<String, Vec<String>>,
    /// `objectGUID`; made when none is given.
    pub object_guid: Option<Guid>,
    /// `objectSid`; made when none is given.
    pub object_sid: Option<String>,
}

/// The password of a new user.
#[derive(Debug, Clone)]
pub enum NewPassword {
    /// The password itself; it is hashed here. The rules for changed passwords do not apply.
    Plain(Secret),
    /// A hash made before, a PHC string of Argon2id; see [`EmbeddedDirectory::hash_password`].
    Hashed(String),
}

/// A group to be made.
#[derive(Debug, Clone)]
pub struct NewGroup {
    /// `sAMAccountName`.
    pub sam_account_name: String,
    /// Groups that it is a member of, by `sAMAccountName` or SID; they must exist.
    pub groups: Vec<String>,
    /// `objectSid`; made when none is given.
    pub object_sid: Option<String>,
}

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// Values that are not allowed.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Problem>),
    /// A name that another object has, or a store that can't be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The directory could not do it.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

impl From<StoreError> for CreateError {
    fn from(error: StoreError) -> Self {
        Self::Write(WriteError::Store(error))
    }
}

impl EmbeddedDirectory {
    /// Makes a hash for [`NewPassword::Hashed`].
    pub async fn hash_password(&self, password: &Secret) -> Result<String, DirectoryError> {
        self.hasher.hash(password, &*self.random).await
    }

    /// Makes a user; see [`create_users`](Self::create_users).
    pub async fn create_user(&self, user: NewUser, by: &str) -> Result<DirectoryUser, CreateError> {
        let mut made = self.create_users(vec![user], by).await?;
        made.pop().ok_or_else(|| DirectoryError::Unavailable("the user was not made".to_owned()).into())
    }

    /// Makes users: all of them, or none. Passwords are hashed on all threads at once.
    pub async fn create_users(
        &self,
        users: Vec<NewUser>,
        by: &str,
    ) -> Result<Vec<DirectoryUser>, CreateError> {
        let mut problems = Vec::new();
        for user in &users {
            problems.extend(user_problems(user));
            problems.extend(self.sam_problem(Kind::DirectoryGroup, &user.sam_account_name).await?);
        }
        let mut member_of = Vec::with_capacity(users.len());
        for user in &users {
            member_of.push(self.resolve_groups(&user.groups, &mut problems).await?);
        }
        if !problems.is_empty() {
            return Err(CreateError::Invalid(problems));
        }

        let made = self.make(users).await?;
        let made: Vec<_> = made
            .into_iter()
            .zip(member_of)
            .map(|(user, member_of)| DirectoryUser { member_of, ..user })
            .collect();
        let operations = made.iter().map(|user| put_user(user, 0)).collect::<Result<_, _>>()?;
        self.write(operations, by).await?;
        Ok(made)
    }

    /// The users as they will be stored, but without groups. Passwords are hashed on all threads at once.
    pub(super) async fn make(&self, users: Vec<NewUser>) -> Result<Vec<DirectoryUser>, DirectoryError> {
        let plain: Vec<&Secret> = users.iter().filter_map(|user| user.password.plain()).collect();
        let mut hashes = self.hasher.hash_all(&plain, &*self.random).await?.into_iter();
        let mut made = Vec::with_capacity(users.len());
        for user in users {
            let password_hash = match user.password {
                NewPassword::Plain(_) => hashes.next().unwrap_or_default(),
                NewPassword::Hashed(hash) => hash,
            };
            made.push(DirectoryUser {
                object_guid: user.object_guid.unwrap_or_else(|| Guid::random(&*self.random)),
                object_sid: user.object_sid.unwrap_or_else(|| self.random_sid()),
                sam_account_name: user.sam_account_name,
                user_principal_name: user.user_principal_name,
                display_name: user.display_name,
                password_hash,
                pwd_last_set: self.clock.now(),
                disabled: user.disabled,
                must_change_password: user.must_change_password,
                member_of: Vec::new(),
                attributes: user.attributes,
            });
        }
        Ok(made)
    }

    /// Makes a group.
    pub async fn create_group(&self, group: NewGroup, by: &str) -> Result<DirectoryGroup, CreateError> {
        let mut problems = sam_problems("sAMAccountName", &group.sam_account_name, 256);
        problems.extend(self.sam_problem(Kind::DirectoryUser, &group.sam_account_name).await?);
        problems.extend(group.object_sid.as_deref().and_then(sid_problem));
        let member_of = self.resolve_groups(&group.groups, &mut problems).await?;
        if !problems.is_empty() {
            return Err(CreateError::Invalid(problems));
        }
        let made = DirectoryGroup {
            object_sid: group.object_sid.unwrap_or_else(|| self.random_sid()),
            sam_account_name: group.sam_account_name,
            member_of,
        };
        let operation = put_group(&made)?;
        self.write(vec![operation], by).await?;
        Ok(made)
    }

    pub(super) async fn write(&self, operations: Vec<Operation>, by: &str) -> Result<(), WriteError> {
        let write = Write::at_head(self.store.as_ref(), by, self.clock.now(), operations).await?;
        self.store.write(write).await?;
        Ok(())
    }

    /// A name of a user is no name of a group, and the other way round: both live in one container.
    pub(super) async fn sam_problem(&self, other: Kind, sam: &str) -> Result<Option<Problem>, StoreError> {
        let holder = self.store.find(other, "sam", &sam.to_lowercase()).await?;
        Ok(holder.map(|_| Problem::new("sAMAccountName", sam, "is already used; choose another name")))
    }

    async fn resolve_groups(
        &self,
        groups: &[String],
        problems: &mut Vec<Problem>,
    ) -> Result<Vec<String>, StoreError> {
        let mut sids = Vec::with_capacity(groups.len());
        for group in groups {
            let found = match self.store.find(Kind::DirectoryGroup, "sam", &group.to_lowercase()).await? {
                Some(found) => Some(found),
                None => self.store.find(Kind::DirectoryGroup, "sid", group).await?,
            };
            match found {
                Some(found) => sids.push(found.id),
                None => problems.push(Problem::new("memberOf", group, "is no group; create it first")),
            }
        }
        Ok(sids)
    }

    /// A SID of the domain. Two alike are refused by the store's index.
    pub(super) fn random_sid(&self) -> String {
        let relative = u32::from_le_bytes(self.random.bytes()) >> 2;
        format!("{}-{}", self.domain.sid(), relative.saturating_add(1_000))
    }
}

impl NewPassword {
    fn plain(&self) -> Option<&Secret> {
        match self {
            Self::Plain(password) => Some(password),
            Self::Hashed(_) => None,
        }
    }
}

/// The step that writes a new group with its names.
pub(super) fn put_group(group: &DirectoryGroup) -> Result<Operation, DirectoryError> {
    Ok(Operation::Put {
        kind: Kind::DirectoryGroup,
        id: group.object_sid.clone(),
        expected: 0,
        body: to_json(group)?,
        keys: vec![("sid", group.object_sid.clone()), ("sam", group.sam_account_name.to_lowercase())],
    })
}

/// The step that writes a user with its names.
pub(super) fn put_user(user: &DirectoryUser, expected: u64) -> Result<Operation, DirectoryError> {
    let mut keys = vec![
        ("upn", user.user_principal_name.to_lowercase()),
        ("sam", user.sam_account_name.to_lowercase()),
        ("guid", user.object_guid.to_string()),
        ("sid", user.object_sid.clone()),
    ];
    let mails = user.attributes.iter().filter(|(name, _)| name.eq_ignore_ascii_case("mail"));
    keys.extend(mails.flat_map(|(_, values)| values).map(|mail| ("mail", mail.to_lowercase())));
    keys.sort();
    keys.dedup();
    Ok(Operation::Put {
        kind: Kind::DirectoryUser,
        id: user.object_guid.to_string(),
        expected,
        body: to_json(user)?,
        keys,
    })
}

fn to_json(object: &impl serde::Serialize) -> Result<serde_json::Value, DirectoryError> {
    serde_json::to_value(object).map_err(|error| DirectoryError::Unavailable(format!("not JSON: {error}")))
}

pub(super) fn user_problems(user: &NewUser) -> Vec<Problem> {
    // 20 characters: what Windows allows for users ([MS-ADA3] 2.222).
    let mut problems = sam_problems("sAMAccountName", &user.sam_account_name, 20);
    let upn = &user.user_principal_name;
    let is_upn = match upn.split_once('@') {
        Some((name, suffix)) => !name.is_empty() && !suffix.is_empty() && !suffix.contains('@'),
        None => false,
    };
    if !is_upn
        || upn.chars().count() > 256
        || upn.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\')
    {
        let expected = "is not a user principal name; expected one like kim@example.com";
        problems.push(Problem::new("userPrincipalName", upn, expected));
    }
    if user.display_name.trim().is_empty() || user.display_name.chars().count() > 256 {
        let expected = "is empty or longer than 256 characters";
        problems.push(Problem::new("displayName", &user.display_name, expected));
    }
    if let NewPassword::Hashed(hash) = &user.password
        && is_affordable(hash).is_err()
    {
        let expected = "is not a usable hash; expected a PHC string like $argon2id$v=19$m=19456,t=2,p=1$…";
        problems.push(Problem::new("passwordHash", "(hidden)", expected));
    }
    problems.extend(user.object_sid.as_deref().and_then(sid_problem));
    for (name, values) in &user.attributes {
        if OPERATIONAL.contains(&name.to_lowercase().as_str()) {
            let expected = "is an attribute that the directory makes by itself; leave it out";
            problems.push(Problem::new("attributes", name, expected));
        }
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
        if !is_name {
            let expected = "is not the name of an LDAP attribute; expected letters, digits and '-'";
            problems.push(Problem::new("attributes", name, expected));
        }
        if values.iter().any(String::is_empty) {
            problems.push(Problem::new(format!("attributes.{name}"), "", "is empty; leave the value out"));
        }
    }
    problems
}

pub(super) fn sam_problems(field: &str, name: &str, longest: usize) -> Vec<Problem> {
    let forbidden = |c: char| c.is_control() || "\"/\\[]:;|=,+*?<>@".contains(c);
    let length = name.chars().count();
    if length == 0 || length > longest || name.contains(forbidden) || name.trim() != name {
        let expected = format!(
            "is not an account name; expected 1 to {longest} characters without any of \" / \\ [ ] : ; | = , + * ? < > @"
        );
        return vec![Problem::new(field, name, expected)];
    }
    vec![]
}

fn sid_problem(sid: &str) -> Option<Problem> {
    let parts: Vec<&str> = sid.split('-').collect();
    let is_sid = matches!(parts.as_slice(), ["S", "1", rest @ ..] if rest.len() >= 2
        && rest.iter().all(|part| part.parse::<u64>().is_ok()));
    (!is_sid).then(|| Problem::new("objectSid", sid, "is not a SID; expected one like S-1-5-21-1-2-3-1104"))
}
