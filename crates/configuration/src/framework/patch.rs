//! Changing an object: JSON merge patch (RFC 7396).

use serde_json::{Map, Value};

use super::object::{Checked, ObjectType};
use super::schema::Shape;
use super::{Problem, effect, strict};

/// The object that `patch` makes of `stored`: lists are replaced, null takes a member back to its default, members
/// that this version does not know survive.
///
/// For a new object, `stored` is [`ObjectType::default_body`] with the identifier that the service gave it. Members
/// that only the service sets may be in the patch with the value they have, so that what was read can be sent back.
pub fn apply_patch(object: &ObjectType, stored: &Value, patch: &Value) -> Result<Checked, Vec<Problem>> {
    let schema = (object.schema)();
    let patch = without_unchanged(patch, stored, &schema);
    let problems = strict(object, &patch);
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut merged = stored.clone();
    merge(&mut merged, &patch);
    let mut checked = (object.check)(merged)?;
    let default = (object.default_body)();
    let mut problems = Vec::new();
    for name in patch.as_object().into_iter().flat_map(Map::keys) {
        let Some(member) = Shape::of_member(&schema, name) else { continue };
        let (new, default) = (checked.body.get(name), default.get(name).unwrap_or(&Value::Null));
        let Some(new) = new.filter(|new| stored.get(name) != Some(new)) else { continue };
        effect::judge(&member, default, new, &mut checked.warnings, &mut problems);
    }
    if problems.is_empty() { Ok(checked) } else { Err(problems) }
}

/// The patch without read-only members that already have the value.
fn without_unchanged(patch: &Value, stored: &Value, schema: &schemars::Schema) -> Value {
    let mut patch = patch.clone();
    if let Value::Object(members) = &mut patch {
        members.retain(|name, value| {
            let read_only = Shape::of_member(schema, name).is_some_and(|member| member.is("x-read-only"));
            !(read_only && stored.get(name) == Some(value))
        });
    }
    patch
}

/// RFC 7396, section 2.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.shift_remove(name);
        } else {
            merge(target.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}
