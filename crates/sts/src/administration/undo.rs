//! Takes a change back: writes what the object was before it, as a new change. An undo can be undone.

use store::Change;

use super::carry_out::{Plan, name_of};
use super::change::{conflict, kind_of};
use super::{Administration, ChangeError, Changed, Origin};
use crate::Sts;

/// A change that shall be taken back.
#[derive(Debug, Clone)]
pub struct UndoRequest {
    /// Its serial number.
    pub serial: u64,
    /// Also when the object was changed again since.
    pub force: bool,
    /// Who wants it.
    pub by: String,
    /// Check everything and change nothing.
    pub what_if: bool,
}

impl Administration {
    /// Takes a change back: a creation by a removal, a removal by a creation, any other by the former properties.
    pub async fn undo(&self, sts: &Sts, request: UndoRequest) -> Result<Changed, ChangeError> {
        self.role.may_write()?;
        let _one = self.one_at_a_time.lock().await;
        let UndoRequest { serial, force, by, what_if } = request;
        let undone = change_at(sts, serial).await?;
        let object = configuration::object_type(undone.kind.name()).ok_or_else(|| {
            ChangeError::not_allowed(format!("change {serial} is the service's own; it can't be taken back"))
        })?;
        let kind = kind_of(object)?;
        let before = sts.catalog.store().get(kind, &undone.id).await?;
        let former = sts.catalog.store().change_before(kind, &undone.id, serial).await?;
        let former = former.and_then(|change| change.body);

        let version = before.as_ref().map(|document| document.version);
        let expected = undone.body.as_ref().map(|_| undone.version);
        if version != expected && !force {
            let name = name_of(before.as_ref().map(|document| &document.body), &undone.id);
            let reason = format!(
                "the {} '{name}' was changed again after change {serial}; undo the later changes first, or take this \
                 one back regardless of them with force",
                object.title
            );
            return Err(conflict(object, reason, before.as_ref(), former.as_ref()));
        }
        let after = match former {
            Some(body) => Some((object.check)(body).map_err(ChangeError::invalid)?),
            None if !object.removable => {
                let reason = format!(
                    "change {serial} made the {} '{}', which can't be removed",
                    object.title, undone.id
                );
                return Err(ChangeError::not_allowed(reason));
            }
            None => None,
        };
        if before.is_none() && after.is_none() {
            return Err(ChangeError::NotFound { title: object.title, id: undone.id });
        }
        let by = format!("{by}, undo of {serial}");
        let (id, origin) = (undone.id, Origin::ByHand);
        self.carry_out(sts, Plan { object, kind, id, before, after, origin, by, what_if }).await
    }
}

async fn change_at(sts: &Sts, serial: u64) -> Result<Change, ChangeError> {
    let after = serial.checked_sub(1).ok_or(ChangeError::NoSuchChange { serial })?;
    let found = sts.catalog.store().changes(after, 1).await?.pop();
    found.filter(|change| change.head.serial == serial).ok_or(ChangeError::NoSuchChange { serial })
}
