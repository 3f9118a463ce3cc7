//! Two states of an object, compared: for the patch that leads from one to the other, and for the audit.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use configuration::{OBJECTS, ObjectType};
use serde_json::{Map, Value};

/// Values in audits are shortened to this many characters.
const SHOWN: usize = 200;

/// Stands where a secret is.
const HIDDEN: &str = "(hidden)";

/// One property that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) property: String,
    pub(super) before: String,
    pub(super) after: String,
}

/// The properties that differ, in the order of the object. A secret shows only that it changed.
pub(super) fn differences(
    object: &ObjectType,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Vec<Difference> {
    let secrets = secrets(object);
    let empty = Map::new();
    let before = before.and_then(Value::as_object).unwrap_or(&empty);
    let after = after.and_then(Value::as_object).unwrap_or(&empty);
    let removed = before.keys().filter(|name| !after.contains_key(*name));
    let shown = |name: &str, value: Option<&Value>| match value {
        Some(_) if secrets.iter().any(|secret| secret == name) => HIDDEN.to_owned(),
        value => shown(value),
    };
    after
        .keys()
        .chain(removed)
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| Difference {
            property: name.clone(),
            before: shown(name, before.get(name)),
            after: shown(name, after.get(name)),
        })
        .collect()
}

fn shown(value: Option<&Value>) -> String {
    let text = match value {
        None => return String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    match text.chars().nth(SHOWN) {
        Some(_) => text.chars().take(SHOWN.saturating_sub(1)).chain(['…']).collect(),
        None => text,
    }
}

/// The merge patch (RFC 7396) that makes `wanted` of `stored`. Members that stand in `stored` alone are removed,
/// which sets them to their defaults; read-only ones, and those that this release does not know, stay as they are.
pub(super) fn patch_to(object: &ObjectType, stored: &Value, wanted: &Value) -> Value {
    let Some(members) = wanted.as_object() else { return wanted.clone() };
    let read_only = marked(object, "x-read-only");
    let known = (object.default_body)();
    let mut patch = Map::new();
    for (name, value) in members {
        if stored.get(name) != Some(value) {
            patch.insert(name.clone(), patch_between(stored.get(name), value));
        }
    }
    for name in stored.as_object().into_iter().flat_map(Map::keys) {
        let stays = read_only.contains(name) || known.get(name).is_none();
        if !members.contains_key(name) && !stays {
            patch.insert(name.clone(), Value::Null);
        }
    }
    Value::Object(patch)
}

fn patch_between(stored: Option<&Value>, wanted: &Value) -> Value {
    let (Some(Value::Object(stored)), Value::Object(members)) = (stored, wanted) else {
        return wanted.clone();
    };
    let mut patch = Map::new();
    for (name, value) in members {
        if stored.get(name) != Some(value) {
            patch.insert(name.clone(), patch_between(stored.get(name), value));
        }
    }
    for name in stored.keys().filter(|name| !members.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    Value::Object(patch)
}

/// The object as people may see it.
pub(super) fn without_secrets(object: &ObjectType, mut body: Value) -> Value {
    if let Some(members) = body.as_object_mut() {
        for secret in secrets(object) {
            members.shift_remove(secret);
        }
    }
    body
}

/// Members that never leave. Made from the schema once: lists of thousands of objects ask for it.
fn secrets(object: &ObjectType) -> &'static [String] {
    static SECRETS: LazyLock<BTreeMap<&'static str, Vec<String>>> =
        LazyLock::new(|| OBJECTS.iter().map(|object| (object.kind, marked(object, "x-secret"))).collect());
    SECRETS.get(object.kind).map(Vec::as_slice).unwrap_or_default()
}

/// Names of the members that the schema marks.
fn marked(object: &ObjectType, mark: &str) -> Vec<String> {
    let schema = (object.schema)();
    let properties = schema.get("properties").and_then(Value::as_object);
    let is_marked = |schema: &Value| schema.get(mark) == Some(&Value::Bool(true));
    let marked = properties.into_iter().flatten().filter(|(_, schema)| is_marked(schema));
    marked.map(|(name, _)| name.clone()).collect()
}
