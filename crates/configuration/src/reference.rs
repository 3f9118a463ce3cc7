//! The reference page of the book, written from the declarations. The test holds the committed page against them;
//! `UPDATE_REFERENCE=1 cargo test --release -p configuration reference` writes it anew.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;

use crate::{Effect, OBJECTS, ObjectType};

#[test]
fn the_reference_of_the_configuration_is_true() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/reference/configuration.md");
    let text = page();
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "docs/src/reference/configuration.md is stale; write it anew with UPDATE_REFERENCE=1"
    );
}

fn page() -> String {
    let mut out = String::from(
        "# Configuration\n\nEvery object and property, in the order in which they print. Names and defaults are AD FS's \
         where the column *effect* does not say *own*; a default that differs says so. Written from the code.\n\n\
         - **none**: the value is kept and shown, but has no effect in this version; setting it says so.\n\
         - **protects**: nothing in this version acts on it and people would rely on it, so only the default is accepted.\n\
         - **read-only**: set by the service.\n\
         - **secret**: in no answer.\n\
         - **own**: not a property of AD FS.\n\
         - **node**: each node has its own value.\n",
    );
    let mut values = Vec::new();
    for object in OBJECTS {
        section(&mut out, object, &mut values);
    }
    values.sort_by(|(a, _), (b, _)| a.cmp(b));
    values.dedup_by(|(a, _), (b, _)| a == b);
    out.push_str("\n# Values\n");
    for (name, definition) in &values {
        definition_section(&mut out, name, definition);
    }
    out
}

fn section(out: &mut String, object: &ObjectType, values: &mut Vec<(String, Value)>) {
    let schema = (object.schema)();
    let schema = schema.as_value();
    let title: String = object
        .title
        .chars()
        .take(1)
        .flat_map(char::to_uppercase)
        .chain(object.title.chars().skip(1))
        .collect();
    writeln!(out, "\n## {title}\n\n{} Kind `{}`, `Get-{}`.", description(schema), object.kind, object.noun)
        .unwrap();
    table(out, schema);
    for (name, definition) in schema.get("$defs").and_then(Value::as_object).into_iter().flatten() {
        values.push((name.clone(), definition.clone()));
    }
}

fn definition_section(out: &mut String, name: &str, definition: &Value) {
    writeln!(out, "\n## {name}\n\n{}", description(definition)).unwrap();
    let Some(variants) = definition.get("oneOf").and_then(Value::as_array) else {
        return table(out, definition);
    };
    writeln!(out, "\n| value | number | meaning |\n| --- | --- | --- |").unwrap();
    for variant in variants {
        let name = variant["const"].as_str().unwrap();
        let number = variant.get("x-number").map(Value::to_string).unwrap_or_default();
        writeln!(out, "| `{name}` | {number} | {} |", description(variant)).unwrap();
    }
}

fn table(out: &mut String, schema: &Value) {
    writeln!(
        out,
        "\n| name | type | default | range, unit | effect | meaning |\n| --- | --- | --- | --- | --- | --- |"
    )
    .unwrap();
    for (name, property) in schema["properties"].as_object().unwrap() {
        writeln!(
            out,
            "| `{name}` | {} | {} | {} | {} | {} |",
            kind(property),
            default(property),
            range(property),
            effect(property),
            description(property)
        )
        .unwrap();
    }
}

fn description(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn kind(schema: &Value) -> String {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let name = reference.rsplit('/').next().unwrap();
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(variants) = schema.get("anyOf").and_then(Value::as_array) {
        return kind(&variants[0]);
    }
    let name = match schema.get("type") {
        Some(Value::String(name)) => name.as_str(),
        Some(Value::Array(names)) => names[0].as_str().unwrap(),
        _ => return "any".to_owned(),
    };
    match (name, schema.get("items"), schema.get("format").and_then(Value::as_str)) {
        ("array", Some(items), _) => format!("list of {}", kind(items)),
        ("object", ..) => "dictionary".to_owned(),
        ("string", _, Some("timespan")) => "duration".to_owned(),
        ("string", _, Some("date-time")) => "date and time".to_owned(),
        ("string", _, Some("uuid")) => "GUID".to_owned(),
        ("string", _, Some("uri")) => "URI".to_owned(),
        ("string", ..) => "text".to_owned(),
        ("integer", ..) => "number".to_owned(),
        (other, ..) => other.to_owned(),
    }
}

fn default(schema: &Value) -> String {
    match schema.get("default") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) if text.is_empty() => String::new(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(Value::Array(items)) => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            format!("`{{{}}}`", items.join(", "))
        }
        Some(Value::Object(members)) if members.is_empty() => "`{}`".to_owned(),
        Some(other) => format!("`{other}`"),
    }
}

fn range(schema: &Value) -> String {
    let bounds = |least: &str, most: &str| match (schema.get(least), schema.get(most)) {
        (Some(least), Some(most)) => Some(format!("{least} to {most}")),
        (Some(least), None) if *least != 0 => Some(format!("at least {least}")),
        (None, Some(most)) => Some(format!("at most {most}")),
        _ => None,
    };
    let unit = schema.get("x-unit").and_then(Value::as_str).map(str::to_owned);
    let length = bounds("minLength", "maxLength").map(|range| format!("{range} characters"));
    let items = bounds("minItems", "maxItems").map(|range| format!("{range} entries"));
    let parts: Vec<String> =
        [bounds("minimum", "maximum"), length, items, unit].into_iter().flatten().collect();
    parts.join(" ")
}

fn effect(schema: &Value) -> String {
    let flag = |name: &str| schema.get(name).is_some_and(|value| value == true);
    let mut parts = Vec::new();
    match Effect::of(schema) {
        Effect::Full => {}
        // Nobody sets it, so nobody has to be told.
        _ if flag("x-read-only") => {}
        Effect::Nothing => parts.push("none"),
        Effect::NothingYetProtects => parts.push("protects"),
    }
    let named = [("x-read-only", "read-only"), ("x-secret", "secret"), ("x-own", "own")];
    parts.extend(named.into_iter().filter(|(key, _)| flag(key)).map(|(_, name)| name));
    if schema.get("x-scope").is_some_and(|scope| scope == "node") {
        parts.push("node");
    }
    parts.join(", ")
}
