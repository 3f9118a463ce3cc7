//! The trait that each configuration object implements once, and the table of all of them.

use garde::Validate;
use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Problem;
use super::schema::{Shape, json_path};

/// An object that administrators read and change, as one plain struct.
///
/// The struct's fields stand in the order in which AD FS prints them, and its [`Default`] is what a new object
/// has. Extensions of the schema say more about a field:
///
/// - `x-read-only`: set by the service, never by people
/// - `x-effect`: `none` or `protects`, see [`Effect`](super::Effect)
/// - `x-scope`: `node` when each node has its own value; the farm shares the others
/// - `x-unit`: `minutes`, `seconds`, `days`, `megabytes`
/// - `x-secret`: never leaves by an answer, see [`without_secrets`]
/// - `x-flags`: a list that AD FS prints as one value, `A, B`
/// - `x-own`: not a property of AD FS
pub trait Object: Serialize + DeserializeOwned + JsonSchema + Validate<Context = ()> + Default {
    /// Name of the kind in stored data and addresses, such as `relying-party-trust`.
    const KIND: &'static str;
    /// Noun of the cmdlets, such as `AdfsRelyingPartyTrust`.
    const NOUN: &'static str;

    /// Identifier within the kind.
    fn id(&self) -> String;

    /// Further names, each unique within its index: (index, value).
    fn keys(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Sets what follows from other members, before the checks.
    fn settle(&mut self) {}

    /// What is wrong beyond the types and ranges that the schema tells.
    fn further_problems(&self) -> Vec<Problem> {
        Vec::new()
    }

    /// Everything that is wrong with the object: ranges first, then the further problems.
    fn problems(&self) -> Vec<Problem> {
        let mut problems = range_problems(self);
        problems.extend(self.further_problems());
        problems
    }
}

/// What is known about a kind of object without its type.
#[derive(Debug, Clone, Copy)]
pub struct ObjectType {
    /// Name of the kind in stored data and addresses.
    pub kind: &'static str,
    /// Noun of the cmdlets.
    pub noun: &'static str,
    /// What people call one: `relying party trust`.
    pub title: &'static str,
    /// The identifier of the only object of the kind; `None` where there may be many.
    pub singleton: Option<&'static str>,
    /// Whether people may create one.
    pub creatable: bool,
    /// Whether people may remove one.
    pub removable: bool,
    /// JSON Schema (2020-12) of the object, properties in print order.
    pub schema: fn() -> Schema,
    /// Reads a whole body tolerantly and checks it. Unknown members are kept, read-only ones may be set: it serves
    /// the service itself. What people send goes through [`strict`](super::strict) or
    /// [`apply_patch`](super::apply_patch).
    pub check: fn(Value) -> Result<Checked, Vec<Problem>>,
    /// Body of a new object, before anything is set.
    pub default_body: fn() -> Value,
}

/// A body that passed every check.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// Identifier within the kind.
    pub id: String,
    /// Unique names: (index, value).
    pub keys: Vec<(&'static str, String)>,
    /// The object: every property in print order, then members that this version does not know.
    pub body: Value,
    /// What the administrator should know although nothing is wrong.
    pub warnings: Vec<String>,
}

impl ObjectType {
    pub(super) const fn of<T: Object>(title: &'static str) -> Self {
        Self {
            kind: T::KIND,
            noun: T::NOUN,
            title,
            singleton: None,
            creatable: true,
            removable: true,
            schema: schema::<T>,
            check: check::<T>,
            default_body: default_body::<T>,
        }
    }

    /// There is exactly one, from the installation on.
    const fn single(self, id: &'static str) -> Self {
        Self { singleton: Some(id), creatable: false, removable: false, ..self }
    }

    /// People change it, but the service makes it.
    const fn made_by_the_service(self, removable: bool) -> Self {
        Self { creatable: false, removable, ..self }
    }
}

/// Every kind of object.
pub static OBJECTS: &[ObjectType] = &[
    ObjectType::of::<crate::ServiceProperties>("service properties").single("farm"),
    ObjectType::of::<crate::RelyingPartyTrust>("relying party trust"),
    ObjectType::of::<crate::ClaimsProviderTrust>("claims provider trust"),
    ObjectType::of::<crate::ClaimDescription>("claim description"),
    ObjectType::of::<crate::Certificate>("certificate").made_by_the_service(true),
    ObjectType::of::<crate::SslCertificate>("TLS binding").made_by_the_service(true),
    ObjectType::of::<crate::Endpoint>("endpoint").made_by_the_service(false),
    ObjectType::of::<crate::GlobalAuthenticationPolicy>("global authentication policy").single("farm"),
    ObjectType::of::<crate::SyncProperties>("synchronisation of this node").single("node"),
    ObjectType::of::<crate::FarmNode>("node of the farm").made_by_the_service(true),
];

/// The kind that is called `kind` in stored data and addresses.
pub fn object_type(kind: &str) -> Option<&'static ObjectType> {
    OBJECTS.iter().find(|object| object.kind == kind)
}

/// `body` without the members that never leave the service.
pub fn without_secrets(object: &ObjectType, body: &Value) -> Value {
    let mut body = body.clone();
    let schema = (object.schema)();
    if let Value::Object(members) = &mut body {
        members.retain(|name, _| !Shape::of_member(&schema, name).is_some_and(|shape| shape.is("x-secret")));
    }
    body
}

fn schema<T: Object>() -> Schema {
    schema_for!(T)
}

fn default_body<T: Object>() -> Value {
    // Plain structs with text keys always have a JSON form.
    serde_json::to_value(T::default()).unwrap_or_default()
}

fn check<T: Object>(body: Value) -> Result<Checked, Vec<Problem>> {
    let mut object: T = serde_path_to_error::deserialize(&body).map_err(|error| {
        let field = error.path().to_string();
        let value = json_path(&body, &field).map(shown).unwrap_or_default();
        vec![Problem::new(field, value, format!("can't be read: {}", error.inner()))]
    })?;
    object.settle();
    let problems = object.problems();
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut canonical = serde_json::to_value(&object)
        .map_err(|error| vec![Problem::new(T::KIND, "", format!("has no JSON form: {error}"))])?;
    keep_unknown(&mut canonical, body);
    Ok(Checked { id: object.id(), keys: object.keys(), body: canonical, warnings: Vec::new() })
}

/// What `garde` finds, in the names of the JSON form and with what the schema allows.
fn range_problems<T: Object>(object: &T) -> Vec<Problem> {
    let Err(report) = object.validate() else { return Vec::new() };
    let schema = schema_for!(T);
    let body = serde_json::to_value(object).unwrap_or_default();
    report
        .iter()
        .map(|(path, error)| {
            let shape = Shape::root(&schema).at_rust_path(&path.to_string());
            let value = json_path(&body, &shape.path);
            let value = value.filter(|_| !shape.is("x-secret")).map(shown).unwrap_or_default();
            let expected = match shape.range() {
                Some(range) => format!("is out of range; expected {range}"),
                None => format!("is not allowed: {}", error.message()),
            };
            Problem::new(shape.path, value, expected)
        })
        .collect()
}

/// Members that only `body` has go on at the end of `canonical`, at every level that still has the same shape.
fn keep_unknown(canonical: &mut Value, body: Value) {
    match (canonical, body) {
        (Value::Object(known), Value::Object(all)) => {
            for (name, value) in all {
                match known.get_mut(&name) {
                    Some(member) => keep_unknown(member, value),
                    None => {
                        known.insert(name, value);
                    }
                }
            }
        }
        (Value::Array(known), Value::Array(all)) if known.len() == all.len() => {
            for (member, value) in known.iter_mut().zip(all) {
                keep_unknown(member, value);
            }
        }
        _ => {}
    }
}

/// A value as messages show it: text without quotes, the rest as JSON.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
