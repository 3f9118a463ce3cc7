//! Reference pages of the book, written from the code they describe. The tests hold the committed pages against
//! it; `UPDATE_REFERENCE=1 cargo test --release -p sekisho reference` writes them anew.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;

fn seed() -> String {
    let schema = schemars::schema_for!(crate::demo::seed::Seed);
    let schema = schema.as_value();
    let mut out = String::from("# Seed file\n\nWritten from the code.\n");
    section(&mut out, "Top level", schema);
    let definitions = schema.get("$defs").and_then(Value::as_object).unwrap();
    for (name, definition) in definitions {
        if definition.get("properties").is_some() {
            section(&mut out, name, definition);
        } else {
            let values: Vec<String> = definition
                .get("oneOf")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .chain(definition.get("enum").map(|_| definition))
                .flat_map(|one| match (one.get("const"), one.get("enum").and_then(Value::as_array)) {
                    (Some(value), _) => vec![value.to_string()],
                    (None, Some(values)) => values.iter().map(Value::to_string).collect(),
                    (None, None) => Vec::new(),
                })
                .collect();
            let text = description(definition);
            writeln!(out, "\n## {name}\n\n{text}\n\nValues: `{}`.", values.join("`, `")).unwrap();
        }
    }
    out
}

fn section(out: &mut String, name: &str, schema: &Value) {
    let text = description(schema);
    writeln!(out, "\n## {name}\n\n{text}\n\n| key | type | needed | meaning |\n| --- | --- | --- | --- |")
        .unwrap();
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (key, property) in schema.get("properties").and_then(Value::as_object).unwrap() {
        let needed = if required.contains(&key.as_str()) { "yes" } else { "" };
        writeln!(out, "| `{key}` | {} | {needed} | {} |", kind(property), description(property)).unwrap();
    }
}

fn description(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    text.split('\n').map(str::trim).collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn kind(schema: &Value) -> String {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        return reference.rsplit('/').next().unwrap().to_owned();
    }
    if let Some(variants) = schema.get("anyOf").and_then(Value::as_array) {
        return kind(&variants[0]);
    }
    let name = match schema.get("type") {
        Some(Value::String(name)) => name.clone(),
        Some(Value::Array(names)) => names[0].as_str().unwrap().to_owned(),
        _ => "any".to_owned(),
    };
    match (name.as_str(), schema.get("items")) {
        ("array", Some(items)) => format!("list of {}", kind(items)),
        _ => name,
    }
}

fn checks() -> String {
    let mut out = String::from(
        "# Checks of a request\n\nEvery check of a protocol step, in the order in which they run. Written from the code.\n",
    );
    list(
        &mut out,
        "WS-Federation sign-in",
        protocols::ws_federation::sign_in::CHECKS.iter().map(|c| (c.name, c.doc)),
    );
    list(&mut out, "SAML 2.0 sign-in", protocols::saml::sign_in::CHECKS.iter().map(|c| (c.name, c.doc)));
    list(
        &mut out,
        "A token that this service accepts",
        tokens::validate::CHECKS.iter().map(|c| (c.name, c.doc)),
    );
    out
}

fn list<'a>(out: &mut String, title: &str, checks: impl Iterator<Item = (&'a str, &'a str)>) {
    writeln!(out, "\n## {title}\n").unwrap();
    for (at, (name, doc)) in checks.enumerate() {
        writeln!(out, "{}. `{name}`: {doc}", at + 1).unwrap();
    }
}

fn events() -> String {
    let mut out = String::from(
        "# Events\n\nEvents that this service writes; ids, levels and the order of items are AD FS's. Written from the code.\n\n\
         | id | name | log | level | items in order |\n| --- | --- | --- | --- | --- |\n",
    );
    for event in audit::catalogue::CATALOGUE {
        let fields = if event.fields.len() > 20 {
            "Instance ID, 20 items".to_owned()
        } else {
            event.fields.join(", ")
        };
        writeln!(
            out,
            "| {} | {} | {} | {} | {fields} |",
            event.id,
            event.name,
            event.channel.name(),
            event.level.name()
        )
        .unwrap();
    }
    out
}

fn hold(page: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/reference").join(page);
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "docs/src/reference/{page} is stale; write it anew with UPDATE_REFERENCE=1");
}

#[test]
fn the_reference_of_the_seed_file_is_true() {
    hold("seed.md", &seed());
}

#[test]
fn the_list_of_checks_is_true() {
    hold("checks.md", &checks());
}

#[test]
fn the_list_of_events_is_true() {
    hold("events.md", &events());
}
