//! Looking into JSON Schemas, that subset which `schemars` writes for our structs.

use schemars::Schema;
use serde_json::{Map, Value};

/// A place in a schema, and the path of members that leads there.
#[derive(Clone)]
pub(super) struct Shape<'a> {
    root: &'a Value,
    /// The member as its parent declares it: extensions, default, description.
    declared: &'a Value,
    /// The same after `$ref` and "or null" are looked through.
    resolved: &'a Value,
    /// Whether null is a value of its own here.
    pub(super) nullable: bool,
    /// `SamlEndpoints[1].Location`
    pub(super) path: String,
}

/// What a value must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// One of a few names.
    Named,
    /// Names that are put together, `A, B`.
    Flags,
    Text,
    Boolean,
    Integer,
    List,
    Members,
    /// Keys that people choose.
    Dictionary,
    Any,
}

impl<'a> Shape<'a> {
    pub(super) fn root(schema: &'a Schema) -> Self {
        let root = schema.as_value();
        Self { root, declared: root, resolved: root, nullable: false, path: String::new() }
    }

    pub(super) fn of_member(schema: &'a Schema, name: &str) -> Option<Self> {
        Self::root(schema).member(name)
    }

    fn down(&self, declared: &'a Value, path: String) -> Self {
        let mut resolved = declared;
        let mut nullable = false;
        // Definitions never refer to themselves; the bound is for a schema that would.
        for _ in 0..8 {
            if let Some(reference) = resolved.get("$ref").and_then(Value::as_str) {
                let pointer = reference.trim_start_matches('#');
                let Some(target) = self.root.pointer(pointer) else { break };
                resolved = target;
            } else if let Some(variants) = resolved.get("anyOf").and_then(Value::as_array) {
                nullable = true;
                let Some(variant) = variants.iter().find(|one| !is_null_type(one)) else { break };
                resolved = variant;
            } else {
                break;
            }
        }
        let types = resolved.get("type").and_then(Value::as_array);
        nullable |= types.is_some_and(|types| types.iter().any(|one| one == "null"));
        Self { root: self.root, declared, resolved, nullable, path }
    }

    /// The properties of an object.
    pub(super) fn properties(&self) -> Option<&'a Map<String, Value>> {
        self.resolved.get("properties").and_then(Value::as_object)
    }

    /// Members without which an object can't be read.
    pub(super) fn required(&self) -> impl Iterator<Item = &'a str> {
        let names = self.resolved.get("required").and_then(Value::as_array);
        names.into_iter().flatten().filter_map(Value::as_str)
    }

    pub(super) fn member(&self, name: &str) -> Option<Self> {
        let declared = self.properties()?.get(name)?;
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Some(self.down(declared, path))
    }

    /// The values of a dictionary.
    pub(super) fn value_of(&self, name: &str) -> Option<Self> {
        let declared = self.resolved.get("additionalProperties").filter(|declared| declared.is_object())?;
        Some(self.down(declared, format!("{}.{name}", self.path)))
    }

    pub(super) fn item(&self, at: usize) -> Option<Self> {
        let declared = self.resolved.get("items")?;
        Some(self.down(declared, format!("{}[{at}]", self.path)))
    }

    /// Goes down a path of Rust's field names, as `garde` writes it: the same letters as the JSON names, other case
    /// and underscores.
    pub(super) fn at_rust_path(self, path: &str) -> Self {
        let plain = |name: &str| name.replace('_', "").to_lowercase();
        let mut shape = self;
        for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
            let next = match step.strip_suffix(']').and_then(|at| at.parse().ok()) {
                Some(at) => shape.item(at),
                None => {
                    let names = shape.properties().into_iter().flat_map(Map::keys);
                    let wanted = plain(step);
                    names.into_iter().find(|name| plain(name) == wanted).and_then(|name| shape.member(name))
                }
            };
            match next {
                Some(next) => shape = next,
                None => return shape,
            }
        }
        shape
    }

    fn keyword(&self, name: &str) -> Option<&'a Value> {
        self.declared.get(name).or_else(|| self.resolved.get(name))
    }

    /// Whether a flag such as `x-read-only` is set.
    pub(super) fn is(&self, extension: &str) -> bool {
        self.keyword(extension).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The text of an extension such as `x-unit`, or of a keyword such as `format`.
    pub(super) fn text(&self, keyword: &str) -> Option<&'a str> {
        self.keyword(keyword).and_then(Value::as_str)
    }

    pub(super) fn kind(&self) -> Type {
        if self.is("x-flags") {
            return Type::Flags;
        }
        if self.resolved.get("oneOf").is_some() {
            return Type::Named;
        }
        let name = match self.resolved.get("type") {
            Some(Value::String(name)) => name.as_str(),
            Some(Value::Array(names)) => {
                names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or_default()
            }
            _ => "",
        };
        match name {
            "string" => Type::Text,
            "boolean" => Type::Boolean,
            "integer" => Type::Integer,
            "array" => Type::List,
            "object" if self.properties().is_some() => Type::Members,
            "object" => Type::Dictionary,
            _ => Type::Any,
        }
    }

    /// Names of a [`Type::Named`], each with its number if it has one.
    pub(super) fn names(&self) -> impl Iterator<Item = (&'a str, Option<i64>)> {
        let variants = self.resolved.get("oneOf").and_then(Value::as_array);
        variants.into_iter().flatten().filter_map(|variant| {
            let name = variant.get("const").and_then(Value::as_str)?;
            Some((name, variant.get("x-number").and_then(Value::as_i64)))
        })
    }

    /// Smallest and largest number: of the declared range, else of the type.
    pub(super) fn bounds(&self) -> (i64, i64) {
        let number = |name| self.keyword(name).and_then(Value::as_i64);
        let largest = match self.text("format") {
            Some("uint16") => i64::from(u16::MAX),
            Some("uint32") => i64::from(u32::MAX),
            Some("int32") => i64::from(i32::MAX),
            _ => i64::MAX,
        };
        let smallest = match self.text("format") {
            Some("int32") => i64::from(i32::MIN),
            Some("int64") => i64::MIN,
            _ => 0,
        };
        (number("minimum").unwrap_or(smallest), number("maximum").unwrap_or(largest))
    }

    /// What the declared range allows, in words; `None` where no range is declared.
    pub(super) fn range(&self) -> Option<String> {
        let unit = self.text("x-unit").map(|unit| format!(" {unit}")).unwrap_or_default();
        match self.kind() {
            Type::Integer => {
                let (smallest, largest) = self.bounds();
                Some(format!("{smallest} to {largest}{unit}"))
            }
            Type::Text => {
                let (least, most) = (self.keyword("minLength"), self.keyword("maxLength"));
                match (least, most) {
                    (None, None) => None,
                    (Some(least), None) => Some(format!("at least {least} characters")),
                    (least, Some(most)) => {
                        Some(format!("{} to {most} characters", least.unwrap_or(&Value::from(0))))
                    }
                }
            }
            Type::List => {
                let most = self.keyword("maxItems")?;
                let least = self.keyword("minItems").map(Value::to_string).unwrap_or_else(|| "0".to_owned());
                Some(format!("{least} to {most} entries"))
            }
            _ => None,
        }
    }

    /// What a value must be, as the end of a sentence: "expected …".
    pub(super) fn expectation(&self) -> String {
        match self.kind() {
            Type::Named | Type::Flags => {
                let shape = if self.kind() == Type::Flags { self.item(0) } else { None };
                let names: Vec<&str> =
                    shape.as_ref().unwrap_or(self).names().map(|(name, _number)| name).collect();
                let many = if self.kind() == Type::Flags { "one or more of" } else { "one of" };
                format!("{many} {}", names.join(", "))
            }
            Type::Text => match self.text("format") {
                Some("timespan") => "a duration written d.hh:mm:ss, such as 00:30:00".to_owned(),
                Some("date-time") => "a date and time with its zone, such as 2026-01-31T08:00:00Z".to_owned(),
                Some("uri") => "an absolute URI, or nothing".to_owned(),
                Some("uuid") => "a GUID".to_owned(),
                _ => "a text".to_owned(),
            },
            Type::Boolean => "true or false".to_owned(),
            Type::Integer => {
                let (smallest, largest) = self.bounds();
                let unit = self.text("x-unit").map(|unit| format!(" {unit}")).unwrap_or_default();
                format!("a whole number from {smallest} to {largest}{unit}")
            }
            Type::List => match self.item(0) {
                Some(item) => format!("a list; each entry {}", item.expectation()),
                None => "a list".to_owned(),
            },
            Type::Members | Type::Dictionary => "an object with named members".to_owned(),
            Type::Any => "a value".to_owned(),
        }
    }
}

fn is_null_type(schema: &Value) -> bool {
    schema.get("type").is_some_and(|name| name == "null")
}

/// The value at `SamlEndpoints[1].Location`.
pub(super) fn json_path<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split(['.', '[']).filter(|step| !step.is_empty()).try_fold(value, |value, step| {
        match step.strip_suffix(']') {
            Some(at) => value.get(at.parse::<usize>().ok()?),
            None => value.get(step),
        }
    })
}
