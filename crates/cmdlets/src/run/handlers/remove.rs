//! `Remove-`: take one object away.

use crate::administration::Change;
use crate::run::call::name_of;
use crate::run::{Call, Outcome};

/// `Remove-…`; with `-PassThru` the object that was removed.
pub(crate) fn remove(call: &mut Call<'_, '_>) -> Outcome {
    let stored = call.target()?;
    let name = name_of(&stored.body, &stored.id);
    call.change(&stored.id, &Change::Remove(stored.version), &name)?;
    let shows = call.bound.is_on("PassThru") && !call.bound.common.what_if;
    Ok(if shows { vec![stored.body] } else { Vec::new() })
}
