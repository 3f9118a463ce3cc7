//! Users of the embedded directory: `New-`, `Get-` and `Remove-SekishoUser`.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::Secret;
use configuration::DirectoryUser;
use directory::embedded::{CreateError, EmbeddedDirectory, NewPassword, NewUser};
use serde::Deserialize;
use serde_json::{Value, json};
use server::{ActionAnswer, ActionCall, ActionError, Actions, FederationServer};
use sts::administration::{RoleSource, audit};

/// The directory and what a change of it needs.
pub(crate) struct Users {
    pub(crate) server: Arc<FederationServer>,
    pub(crate) directory: Arc<EmbeddedDirectory>,
    pub(crate) role: Arc<dyn RoleSource>,
}

/// Arguments of `put-directory-user`, without the password.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Wanted {
    user_principal_name: String,
    sam_account_name: Option<String>,
    display_name: Option<String>,
    mail: Option<String>,
    given_name: Option<String>,
    surname: Option<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    must_change_password: bool,
    /// Replaces the user who has the name.
    #[serde(default)]
    force: bool,
}

/// The actions on users.
pub(crate) fn actions(actions: Actions, users: &Arc<Users>) -> Actions {
    actions
        .on("put-directory-user", users, |users, call| async move { users.put(call).await })
        .on("get-directory-user", users, |users, call| async move { users.get(&call).await })
        .on("remove-directory-user", users, |users, call| async move { users.remove(&call).await })
}

impl Users {
    /// Makes a user, and the groups it names that do not exist; with `Force` it takes the place of one.
    async fn put(&self, call: ActionCall) -> Result<ActionAnswer, ActionError> {
        self.role.may_write()?;
        let ActionCall { mut body, by, what_if, .. } = call;
        // First of all, so that no message about the other arguments can show it.
        let password = body.as_object_mut().and_then(|members| members.remove("Password"));
        let Some(Value::String(password)) = password else {
            return Err(ActionError::failed("Password: is missing; expected a text"));
        };
        if password.is_empty() {
            return Err(ActionError::failed(
                "Password: is empty; expected one that the user can sign in with",
            ));
        }
        let wanted: Wanted = serde_json::from_value(body).map_err(ActionError::failed)?;
        let upn = wanted.user_principal_name.clone();
        let known = self.directory.user(&upn).await.map_err(ActionError::failed)?;
        if known.is_some() && !wanted.force {
            let message = format!(
                "UserPrincipalName: '{upn}' exists already; remove it first, or replace it with -Force"
            );
            return Err(ActionError::failed(message));
        }
        let user = new_user(wanted, Secret::new(password));
        let problems = EmbeddedDirectory::problems(&user);
        if !problems.is_empty() {
            return Err(ActionError::failed(CreateError::Invalid(problems)));
        }
        if what_if {
            return Ok(ActionAnswer::default());
        }
        self.directory.put_users(vec![user], &by).await.map_err(ActionError::failed)?;
        let verb = if known.is_some() { "Changed" } else { "Created" };
        let warnings = self.audited(&by, &format!("{verb} directory user '{upn}'")).await;
        let made = self.directory.user(&upn).await.map_err(ActionError::failed)?;
        Ok(ActionAnswer { objects: self.shown(made.as_slice()).await?, warnings })
    }

    /// All users, or the one with `UserPrincipalName`.
    async fn get(&self, call: &ActionCall) -> Result<ActionAnswer, ActionError> {
        let mut found = match call.body.get("UserPrincipalName").and_then(Value::as_str) {
            Some(upn) => self.directory.user(upn).await.map_err(ActionError::failed)?.into_iter().collect(),
            None => self.directory.users().await.map_err(ActionError::failed)?,
        };
        found.sort_by_cached_key(|user| user.user_principal_name.to_lowercase());
        Ok(ActionAnswer { objects: self.shown(&found).await?, warnings: Vec::new() })
    }

    async fn remove(&self, call: &ActionCall) -> Result<ActionAnswer, ActionError> {
        self.role.may_write()?;
        let upn = call.body.get("UserPrincipalName").and_then(Value::as_str).unwrap_or_default();
        let exists = match call.what_if {
            true => self.directory.user(upn).await.map_err(ActionError::failed)?.is_some(),
            false => self.directory.remove_user(upn, &call.by).await.map_err(ActionError::failed)?,
        };
        if !exists {
            return Err(ActionError::failed(format!(
                "UserPrincipalName: there is no user '{upn}'; Get-SekishoUser lists all"
            )));
        }
        let warnings = match call.what_if {
            true => Vec::new(),
            false => self.audited(&call.by, &format!("Removed directory user '{upn}'")).await,
        };
        Ok(ActionAnswer { objects: Vec::new(), warnings })
    }

    /// Users for people to read: without password hash, groups by name.
    async fn shown(&self, users: &[DirectoryUser]) -> Result<Vec<Value>, ActionError> {
        let groups = self.directory.groups().await.map_err(ActionError::failed)?;
        let name = |sid: &String| {
            let group = groups.iter().find(|group| group.object_sid == *sid);
            group.map_or_else(|| sid.clone(), |group| group.sam_account_name.clone())
        };
        let attribute = |user: &DirectoryUser, name: &str| {
            user.attributes.get(name).and_then(|values| values.first()).cloned().unwrap_or_default()
        };
        let shown = users.iter().map(|user| {
            json!({
                "UserPrincipalName": user.user_principal_name,
                "SamAccountName": user.sam_account_name,
                "DisplayName": user.display_name,
                "Mail": attribute(user, "mail"),
                "GivenName": attribute(user, "givenName"),
                "Surname": attribute(user, "sn"),
                "Groups": user.member_of.iter().map(name).collect::<Vec<_>>(),
                "Enabled": !user.disabled,
                "MustChangePassword": user.must_change_password,
                "PasswordLastSet": user.pwd_last_set.to_xml(),
                "ObjectGuid": user.object_guid,
                "ObjectSid": user.object_sid,
            })
        });
        Ok(shown.collect())
    }

    /// Audit 307; what went wrong with it is a warning, for the change is made.
    async fn audited(&self, by: &str, change: &str) -> Vec<String> {
        let audited = audit(&self.server.sts, by, change).await;
        audited
            .err()
            .map(|error| format!("the journal did not take the audit of this change: {error}"))
            .into_iter()
            .collect()
    }
}

fn new_user(wanted: Wanted, password: Secret) -> NewUser {
    let upn = wanted.user_principal_name;
    let local = upn.split('@').next().unwrap_or_default();
    let sam = wanted.sam_account_name.unwrap_or_else(|| local.chars().take(20).collect());
    let attributes = [("mail", wanted.mail), ("givenName", wanted.given_name), ("sn", wanted.surname)];
    let attributes: BTreeMap<String, Vec<String>> = attributes
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), vec![value.filter(|value| !value.is_empty())?])))
        .collect();
    NewUser {
        display_name: wanted.display_name.unwrap_or_else(|| sam.clone()),
        sam_account_name: sam,
        user_principal_name: upn,
        password: NewPassword::Plain(password),
        disabled: wanted.disabled,
        must_change_password: wanted.must_change_password,
        groups: wanted.groups,
        attributes,
        object_guid: None,
        object_sid: None,
    }
}
