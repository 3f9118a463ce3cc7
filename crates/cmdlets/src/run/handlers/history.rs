//! The history of the configuration: `Get-SekishoChange`, `Undo-SekishoChange`.

use serde_json::{Value, json};

use crate::run::call::Decision;
use crate::run::{Call, Outcome};

/// Changes shown when no number is given, and pages that are searched for the newest.
const SHOWN: usize = 20;
const PAGE: usize = 1_000;
const MAX_PAGES: usize = 1_000;

/// `Get-SekishoChange`: the newest changes, or those after a serial number.
pub(crate) fn get_change(call: &mut Call<'_, '_>) -> Outcome {
    let wanted =
        call.bound.get("First").and_then(Value::as_u64).and_then(|first| usize::try_from(first).ok());
    let wanted = wanted.unwrap_or(SHOWN);
    let start = call.bound.get("After").and_then(Value::as_u64);
    let mut after = start.unwrap_or(0);
    let mut changes: Vec<Value> = Vec::new();
    for _ in 0..MAX_PAGES {
        let page = call.session.administration()?.changes(after, PAGE);
        let page = page.map_err(|error| call.refused(error))?;
        let Some(last) = page.last().and_then(|change| change.get("serial")).and_then(Value::as_u64) else {
            break;
        };
        changes.extend(page);
        if start.is_some() && changes.len() >= wanted {
            break;
        }
        if start.is_none() && changes.len() > wanted {
            changes.drain(..changes.len().saturating_sub(wanted));
        }
        after = last;
    }
    changes.truncate(wanted);
    let of = |change: &Value, name: &str| change.get(name).cloned().unwrap_or_default();
    let shown = changes.iter().map(|change| {
        json!({
            "Serial": of(change, "serial"),
            "Time": of(change, "at"),
            "By": of(change, "by"),
            "Kind": of(change, "kind"),
            "Id": of(change, "id"),
            "Version": of(change, "version"),
            "Removed": change.get("body").is_none_or(Value::is_null),
        })
    });
    Ok(shown.collect())
}

/// `Undo-SekishoChange -Serial n`
pub(crate) fn undo_change(call: &mut Call<'_, '_>) -> Outcome {
    let serial = call.bound.get("Serial").and_then(Value::as_u64).unwrap_or_default();
    if call.decide(&format!("change {serial}"))? != Decision::Proceed {
        return Ok(Vec::new());
    }
    let undone = call.session.administration()?.undo(serial);
    let undone = undone.map_err(|error| call.refused(error))?;
    undone.warnings.iter().for_each(|warning| call.session.warn(warning));
    Ok(undone.body.into_iter().collect())
}
