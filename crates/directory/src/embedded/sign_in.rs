//! Sign-in by password, and the change of a password.

use std::sync::Arc;

use base::Secret;
use claims::claim::AD_AUTHORITY;
use claims::{Claim, types};
use configuration::DirectoryUser;
use store::Kind;

use super::create::put_user;
use super::entry::{Object, PRIMARY_GROUP};
use super::groups::Membership;
use super::names::{TypedName, domain_of};
use super::{EmbeddedDirectory, from_document, unavailable};
use crate::{DirectoryError, PasswordChange, PasswordCheck, Subject};

/// Octets of a password at most; a longer one is nobody's.
const LONGEST_PASSWORD: usize = 1_024;
/// Characters of an unknown name in its account key.
const LONGEST_KEY: usize = 256;

impl EmbeddedDirectory {
    pub(super) async fn check(&self, user: &str, password: &Secret) -> Result<PasswordCheck, DirectoryError> {
        match self.find_with_password(user, password).await? {
            None => Ok(PasswordCheck::Wrong),
            Some((_, user)) if user.disabled => Ok(PasswordCheck::Disabled),
            Some((_, user)) => {
                let must_change = user.must_change_password;
                let subject = self.subject(user).await?;
                Ok(if must_change {
                    PasswordCheck::MustChange(subject)
                } else {
                    PasswordCheck::Right(subject)
                })
            }
        }
    }

    pub(super) async fn change(
        &self,
        user: &str,
        old: &Secret,
        new: &Secret,
    ) -> Result<PasswordChange, DirectoryError> {
        let Some((version, mut user)) = self.find_with_password(user, old).await? else {
            return Ok(PasswordChange::Refused);
        };
        if user.disabled {
            return Ok(PasswordChange::Refused);
        }
        if let Some(weakness) = self.weakness(&user, old, new) {
            return Ok(PasswordChange::TooWeak(weakness));
        }
        user.password_hash = self.hasher.hash(new, &*self.random).await?;
        user.pwd_last_set = self.clock.now();
        user.must_change_password = false;
        let by = self.domain.qualified(&user.sam_account_name);
        match self.write(vec![put_user(&user, version)?], &by).await {
            Ok(()) => Ok(PasswordChange::Changed),
            // A conflict is an error too: somebody changed the account meanwhile, perhaps this very password,
            // so the old one must be checked again.
            Err(error) => Err(DirectoryError::Unavailable(error.to_string())),
        }
    }

    pub(super) async fn key(&self, user: &str) -> Result<String, DirectoryError> {
        Ok(match self.find(user).await? {
            Some((_, user)) => self.domain.qualified(&user.sam_account_name).to_lowercase(),
            // No real account's key begins so: nobody can lock a real one by a name that is not its own.
            None => format!("?{}", user.trim().to_lowercase().chars().take(LONGEST_KEY).collect::<String>()),
        })
    }

    /// All groups of an object, nested ones included; a user's primary group is one of them.
    pub(super) async fn memberships(&self, object: &Object) -> Result<Vec<Membership>, DirectoryError> {
        let primary = match object {
            Object::User(user) => Some(primary_group(user)),
            Object::Group(_) => None,
        };
        self.groups.all(object.member_of(), primary).await
    }

    /// The user, if the password is right. An unknown user costs the same hash.
    async fn find_with_password(
        &self,
        user: &str,
        password: &Secret,
    ) -> Result<Option<(u64, DirectoryUser)>, DirectoryError> {
        let found = self.find(user).await?;
        let found = found.filter(|_| password.expose().len() <= LONGEST_PASSWORD);
        let hash = found.as_ref().map(|(_, user)| user.password_hash.as_str());
        let right = match password.expose().len() {
            0..=LONGEST_PASSWORD => self.hasher.verify(password, hash).await?,
            _ => self.hasher.verify(&Secret::default(), None).await?,
        };
        Ok(found.filter(|_| right))
    }

    async fn find(&self, typed: &str) -> Result<Option<(u64, DirectoryUser)>, DirectoryError> {
        let find = |index: &'static str, value: String| async move {
            self.store.find(Kind::DirectoryUser, index, &value).await.map_err(unavailable)
        };
        let document = match self.domain.parse(typed) {
            TypedName::Nobody => None,
            TypedName::Sam(sam) => find("sam", sam).await?,
            TypedName::Upn(upn) => match find("upn", upn.clone()).await? {
                None => match self.domain.implicit_user(&upn) {
                    Some(sam) => find("sam", sam.to_owned()).await?,
                    None => None,
                },
                found => found,
            },
        };
        document.map(|document| Ok((document.version, from_document(document)?))).transpose()
    }

    fn weakness(&self, user: &DirectoryUser, old: &Secret, new: &Secret) -> Option<&'static str> {
        let password = new.expose();
        let name = user.sam_account_name.to_lowercase();
        if password.chars().count() < self.minimum_password_length {
            Some("the new password is too short")
        } else if password.len() > LONGEST_PASSWORD {
            Some("the new password is too long")
        } else if password == old.expose() {
            Some("the new password is the old one")
        } else if name.chars().count() > 2 && password.to_lowercase().contains(&name) {
            // As in Windows, names of one or two letters are not looked for.
            Some("the new password contains the account name")
        } else {
            None
        }
    }

    async fn subject(&self, user: DirectoryUser) -> Result<Subject, DirectoryError> {
        let primary_group = primary_group(&user);
        let account_name = self.domain.qualified(&user.sam_account_name);
        let implicit_upn = format!("{}@{}", user.sam_account_name, self.domain.dns);
        let object = Object::User(user);
        let memberships = self.memberships(&object).await?;
        let Object::User(user) = object else {
            return Err(DirectoryError::Unavailable("no user".to_owned()));
        };

        let issuer: Arc<str> = AD_AUTHORITY.into();
        let claim = |claim_type: &str, value: &str| Claim::new(claim_type, value, issuer.clone());
        let mut claims = vec![
            claim(types::NAME, &account_name),
            claim(types::WINDOWS_ACCOUNT_NAME, &account_name),
            claim(types::UPN, &user.user_principal_name),
            claim(types::IMPLICIT_UPN, &implicit_upn),
            claim(types::PRIMARY_SID, &user.object_sid),
            claim(types::PRIMARY_GROUP_SID, &primary_group),
            claim(types::GROUP_SID, &primary_group),
        ];
        let others = memberships.iter().filter(|membership| membership.sid != primary_group);
        claims.extend(others.map(|membership| claim(types::GROUP_SID, &membership.sid)));
        Ok(Subject {
            account_name,
            upn: user.user_principal_name,
            display_name: user.display_name,
            claims: claims.into(),
            password_last_set: user.pwd_last_set,
        })
    }
}

fn primary_group(user: &DirectoryUser) -> String {
    format!("{}-{PRIMARY_GROUP}", domain_of(&user.object_sid))
}
