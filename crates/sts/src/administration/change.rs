//! Create, replace, patch or remove one object.

use base::Guid;
use configuration::{Checked, ObjectType, Problem};
use serde_json::Value;
use store::{Document, Kind};

use super::carry_out::Plan;
use super::difference::patch_to;
use super::{Administration, ChangeError, Changed, Origin, Stored};
use crate::Sts;

/// The member that holds the identity of trusts, which the service makes.
const OBJECT_IDENTIFIER: &str = "ObjectIdentifier";

/// A change that somebody wants.
#[derive(Debug, Clone)]
pub struct ChangeRequest {
    /// Kind of the object.
    pub object: &'static ObjectType,
    /// Its identifier; `None` lets the service make one, for a new trust.
    pub id: Option<String>,
    /// What to do.
    pub edit: Edit,
    /// Who wants it, for history and audit.
    pub by: String,
    /// Check everything and change nothing.
    pub what_if: bool,
}

/// What to do to an object.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Make a new one; what is not named has its default.
    Create(Value),
    /// Set every property; what is not named has its default.
    Replace(Expected, Value),
    /// Merge patch (RFC 7396): set the named properties; `null` sets the default.
    Patch(Expected, Value),
    /// Take it away.
    Remove(Expected),
}

/// Which version the change is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The one that was read.
    Version(u64),
    /// Whatever is stored (`If-Match: *`).
    Any,
}

impl Administration {
    /// Makes a change, or says why not.
    pub async fn change(&self, sts: &Sts, request: ChangeRequest) -> Result<Changed, ChangeError> {
        self.role.may_write()?;
        let _one = self.one_at_a_time.lock().await;
        let kind = kind_of(request.object)?;
        let before = match &request.id {
            Some(id) => sts.catalog.store().get(kind, id).await?,
            None => None,
        };
        let after = wanted(&request, before.as_ref(), sts)?;
        let id = match (&after, &before) {
            (Some(after), _) => after.id.clone(),
            (None, Some(before)) => before.id.clone(),
            (None, None) => return Err(not_found(&request)),
        };
        let ChangeRequest { object, by, what_if, .. } = request;
        let origin = Origin::ByHand;
        self.carry_out(sts, Plan { object, kind, id, before, after, origin, by, what_if }).await
    }
}

/// The object as it shall be; `None` when it shall go.
fn wanted(
    request: &ChangeRequest,
    before: Option<&Document>,
    sts: &Sts,
) -> Result<Option<Checked>, ChangeError> {
    let object = request.object;
    let checked = match &request.edit {
        Edit::Create(body) => return created(request, before, body, sts).map(Some),
        Edit::Replace(expected, body) => {
            let before = version_is(request, before, *expected, Some(body))?;
            configuration::apply_patch(object, &before.body, &patch_to(object, &before.body, body))
        }
        Edit::Patch(expected, patch) => {
            let before = version_is(request, before, *expected, Some(patch))?;
            configuration::apply_patch(object, &before.body, patch)
        }
        Edit::Remove(expected) => {
            version_is(request, before, *expected, None)?;
            if !object.removable {
                return Err(ChangeError::not_allowed(format!(
                    "{} '{}' can't be removed",
                    object.title,
                    request.id.as_deref().unwrap_or_default()
                )));
            }
            return Ok(None);
        }
    };
    let checked = checked.map_err(ChangeError::invalid)?;
    id_is_kept(object, request.id.as_deref(), &checked)?;
    Ok(Some(checked))
}

fn created(
    request: &ChangeRequest,
    before: Option<&Document>,
    body: &Value,
    sts: &Sts,
) -> Result<Checked, ChangeError> {
    let object = request.object;
    if !object.creatable {
        return Err(ChangeError::not_allowed(format!("a {} can't be created by hand", object.title)));
    }
    if let Some(before) = before {
        let reason =
            format!("the {} '{}' exists already; change it, or remove it first", object.title, before.id);
        return Err(conflict(object, reason, Some(before), Some(body)));
    }
    let mut defaults = (object.default_body)();
    if let Some(identity) = defaults.get_mut(OBJECT_IDENTIFIER) {
        let id = match &request.id {
            Some(id) => guid(id)?,
            None => Guid::random(sts.random.as_ref()),
        };
        *identity = Value::String(id.to_string());
    }
    let checked = configuration::apply_patch(object, &defaults, body).map_err(ChangeError::invalid)?;
    id_is_kept(object, request.id.as_deref(), &checked)?;
    Ok(checked)
}

fn guid(id: &str) -> Result<Guid, ChangeError> {
    let problem =
        || Problem::new(OBJECT_IDENTIFIER, id, "is not an identity; expected a GUID, or none to get one");
    match id.parse::<Guid>() {
        // Upper case would name the same object twice.
        Ok(parsed) if parsed.to_string() == id && parsed != Guid::NIL => Ok(parsed),
        _ => Err(ChangeError::invalid(vec![problem()])),
    }
}

/// The properties that make up the identifier belong to the object for life.
fn id_is_kept(object: &ObjectType, id: Option<&str>, checked: &Checked) -> Result<(), ChangeError> {
    match id {
        Some(id) if id != checked.id => {
            let expected = format!(
                "names another {} than '{id}'; expected the identifier of the address: create a new object and remove this one",
                object.title
            );
            Err(ChangeError::invalid(vec![Problem::new("id", &checked.id, expected)]))
        }
        _ => Ok(()),
    }
}

/// The lost-update check.
fn version_is<'a>(
    request: &ChangeRequest,
    before: Option<&'a Document>,
    expected: Expected,
    yours: Option<&Value>,
) -> Result<&'a Document, ChangeError> {
    let before = before.ok_or_else(|| not_found(request))?;
    match expected {
        Expected::Version(version) if version != before.version => {
            let reason = format!(
                "the {} '{}' was changed since it was read: version {version} was expected, version {} is stored; \
                 compare the two and repeat the change",
                request.object.title, before.id, before.version
            );
            Err(conflict(request.object, reason, Some(before), yours))
        }
        _ => Ok(before),
    }
}

pub(super) fn conflict(
    object: &ObjectType,
    reason: String,
    stored: Option<&Document>,
    yours: Option<&Value>,
) -> ChangeError {
    let stored = stored.map(|document| Box::new(Stored::of(object, document)));
    ChangeError::Conflict { reason, stored, yours: yours.cloned() }
}

fn not_found(request: &ChangeRequest) -> ChangeError {
    let id = request.id.clone().unwrap_or_default();
    ChangeError::NotFound { title: request.object.title, id }
}

/// The store's name of a kind of object.
pub(super) fn kind_of(object: &ObjectType) -> Result<Kind, ChangeError> {
    Kind::from_name(object.kind)
        .ok_or_else(|| ChangeError::not_allowed(format!("this release does not store a {}", object.title)))
}
