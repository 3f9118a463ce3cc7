//! `GET /openapi.json`: the API as OpenAPI 3.1, assembled from the schemas of the objects.

use std::sync::LazyLock;

use bytes::Bytes;
use configuration::{OBJECTS, ObjectType};
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use http_body_util::Full;
use serde_json::{Map, Value, json};
use sts::administration::indexes;

use super::answer::Answer;
use super::call::Call;

/// The document is the same as long as the process runs.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(document().to_string()));

/// Answers.
pub(super) fn answer(call: &Call) -> Result<Answer, Answer> {
    call.only(&[])?;
    let mut response = Response::new(Full::new(DOCUMENT.clone()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

fn document() -> Value {
    let mut schemas = shared_schemas();
    let mut paths = Map::new();
    for object in OBJECTS {
        add_schema(object, &mut schemas);
        paths.insert(format!("/configuration/{}", object.kind), collection(object));
        paths.insert(format!("/configuration/{}/{{id}}", object.kind), one(object));
    }
    paths.extend(other_paths());
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Sekisho administration",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "The configuration of an AD FS-compatible federation server.",
            "description": "Served on the administration socket of the node, over HTTP/1.1. Names, values and defaults \
                            of properties are those of AD FS's cmdlets.",
        },
        "servers": [{ "url": "http://sekisho", "description": "The administration socket; the name is not looked up." }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": parameters(),
            "responses": { "Error": {
                "description": "Nothing was changed; the message says why and what to do.",
                "content": { "application/json": { "schema": reference("Error") } },
            } },
        },
    })
}

/// Objects of a kind.
fn collection(object: &ObjectType) -> Value {
    let mut parameters = vec![parameter("after"), parameter("limit")];
    parameters.extend(indexes(object).iter().map(|index| {
        json!({
            "name": index, "in": "query", "schema": { "type": "string" },
            "description": format!("Only the {} that has this {index}, compared octet by octet.", object.title),
        })
    }));
    let page = json!({
        "type": "object",
        "required": ["objects", "next"],
        "properties": {
            "objects": { "type": "array", "items": stored(object) },
            "next": { "type": ["string", "null"], "description": "Value of 'after' for the next page." },
        },
    });
    let mut item = Map::new();
    item.insert(
        "get".to_owned(),
        operation("list", object, json!(parameters), None, ("200", "The objects.", page)),
    );
    if object.creatable {
        let description = "The object as it was made. The service makes the identifier of a trust.";
        let made = ("201", description, changed(object));
        let parameters = json!([parameter("whatif"), parameter("cmdlet")]);
        item.insert("post".to_owned(), operation("create", object, parameters, Some(object), made));
    }
    Value::Object(item)
}

/// One object.
fn one(object: &ObjectType) -> Value {
    let change = json!([parameter("if-match"), parameter("whatif"), parameter("cmdlet")]);
    let put =
        json!([parameter("if-match"), parameter("if-none-match"), parameter("whatif"), parameter("cmdlet")]);
    let after = || ("200", "The object after the change.", changed(object));
    let mut item = Map::new();
    item.insert("parameters".to_owned(), json!([parameter("id")]));
    item.insert(
        "get".to_owned(),
        operation("get", object, json!([]), None, ("200", "The object.", changed(object))),
    );
    item.insert("put".to_owned(), operation("replace", object, put, Some(object), after()));
    let mut patch = operation("change", object, change.clone(), None, after());
    let merge_patch = json!({
        "required": true,
        "description": "A merge patch (RFC 7396): lists are replaced, null sets the default.",
        "content": { "application/merge-patch+json": { "schema": { "type": "object" } } },
    });
    with_body(&mut patch, merge_patch);
    item.insert("patch".to_owned(), patch);
    if object.removable {
        item.insert("delete".to_owned(), operation("remove", object, change, None, after()));
    }
    Value::Object(item)
}

fn operation(
    verb: &str,
    object: &ObjectType,
    parameters: Value,
    body: Option<&ObjectType>,
    (status, description, schema): (&str, &str, Value),
) -> Value {
    let mut operation = json!({
        "operationId": format!("{verb}-{}", object.kind),
        "tags": [object.kind],
        "summary": format!("{verb}: {}", object.title),
        "parameters": parameters,
        "responses": responses(status, description, &schema),
    });
    if let Some(object) = body {
        let body = json!({
            "required": true,
            "description": "The properties; what is left out has its default.",
            "content": { "application/json": { "schema": reference(object.noun) } },
        });
        with_body(&mut operation, body);
    }
    operation
}

fn with_body(operation: &mut Value, body: Value) {
    if let Some(operation) = operation.as_object_mut() {
        operation.insert("requestBody".to_owned(), body);
    }
}

fn responses(status: &str, description: &str, schema: &Value) -> Value {
    json!({
        status: { "description": description, "content": { "application/json": { "schema": schema } } },
        "default": { "$ref": "#/components/responses/Error" },
    })
}

fn stored(object: &ObjectType) -> Value {
    json!({
        "type": "object",
        "required": ["id", "version", "body"],
        "properties": {
            "id": { "type": "string" },
            "version": { "type": "integer", "minimum": 1 },
            "body": reference(object.noun),
        },
    })
}

fn changed(object: &ObjectType) -> Value {
    json!({
        "type": "object",
        "required": ["id", "version", "body", "warnings"],
        "properties": {
            "id": { "type": "string" },
            "version": { "type": "integer", "minimum": 0 },
            "body": { "oneOf": [reference(object.noun), { "type": "null" }] },
            "serial": { "type": ["integer", "null"], "description": "Number of the change; null when nothing was written." },
            "warnings": { "type": "array", "items": { "type": "string" } },
        },
    })
}

fn other_paths() -> Map<String, Value> {
    let get = |id: &str, summary: &str, parameters: Value, schema: Value| {
        json!({ "get": {
            "operationId": id, "tags": ["node"], "summary": summary, "parameters": parameters,
            "responses": responses("200", summary, &schema),
        } })
    };
    let post = |id: &str, tag: &str, summary: &str, parameters: Value, schema: Value| {
        json!({ "post": {
            "operationId": id, "tags": [tag], "summary": summary, "parameters": parameters,
            "responses": responses("200", summary, &schema),
        } })
    };
    let path =
        |name: &str, schema: Value| json!({ "name": name, "in": "path", "required": true, "schema": schema });
    let text = || json!({ "type": "string" });
    let object = || json!({ "type": "object" });
    let undo = json!([
        path("serial", json!({ "type": "integer", "minimum": 1 })),
        { "name": "force", "in": "query", "schema": { "type": "boolean", "default": false },
          "description": "Also when the object was changed again since." },
        parameter("whatif"),
        parameter("cmdlet"),
    ]);
    let mut run = post(
        "run-action",
        "actions",
        "Runs an action.",
        json!([path("name", text()), parameter("whatif"), parameter("cmdlet")]),
        json!({
            "type": "object",
            "required": ["objects", "warnings"],
            "properties": {
                "objects": { "type": "array" },
                "warnings": { "type": "array", "items": { "type": "string" } },
            },
        }),
    );
    if let Some(run) = run.get_mut("post") {
        with_body(run, json!({ "content": { "application/json": { "schema": object() } } }));
    }
    let history = json!([
        { "name": "after", "in": "query", "schema": { "type": "integer", "minimum": 0 },
          "description": "Only changes with a larger serial number." },
        parameter("limit"),
    ]);
    let undone = json!({ "type": "object", "required": ["id", "version", "body", "warnings"] });
    [
        ("/node", get("get-node", "This node.", json!([]), reference("Node"))),
        ("/status", get("get-status", "What runs.", json!([]), object())),
        (
            "/explain/{activity}",
            get(
                "explain",
                "Why a request ended as it did.",
                json!([path("activity", json!({ "type": "string", "format": "uuid" }))]),
                json!({ "type": "object", "properties": { "explanation": { "type": "string" } } }),
            ),
        ),
        ("/changes", get("list-changes", "The history, oldest first.", history, reference("History"))),
        ("/changes/{serial}/undo", post("undo-change", "changes", "Takes a change back.", undo, undone)),
        ("/actions/{name}", run),
        ("/openapi.json", get("get-openapi", "This document.", json!([]), object())),
    ]
    .map(|(path, item)| (path.to_owned(), item))
    .into_iter()
    .collect()
}

fn shared_schemas() -> Map<String, Value> {
    let text = json!({ "type": "string" });
    let text_or_null = json!({ "type": ["string", "null"] });
    let number = json!({ "type": "integer", "minimum": 0 });
    [
        (
            "Error",
            json!({
                "type": "object", "required": ["error"],
                "properties": { "error": {
                    "type": "object",
                    "required": ["code", "message", "problems", "stored", "yours"],
                    "properties": {
                        "code": { "type": ["string", "null"], "description": "AD FS's code, such as PS0033." },
                        "message": text,
                        "problems": { "type": "array", "items": reference("Problem") },
                        "stored": { "type": ["object", "null"], "description": "What is stored, when it is not what was expected." },
                        "yours": { "description": "What was wanted." },
                    },
                } },
            }),
        ),
        (
            "Problem",
            json!({
                "type": "object", "required": ["field", "value", "expected"],
                "properties": { "field": text, "value": text, "expected": text },
            }),
        ),
        (
            "Node",
            json!({
                "type": "object",
                "required": ["name", "role", "primary", "host_name", "ready", "version", "epoch", "serial"],
                "properties": {
                    "name": text, "role": { "enum": ["PrimaryComputer", "SecondaryComputer"] },
                    "primary": text_or_null, "host_name": text, "ready": { "type": "boolean" }, "version": text,
                    "epoch": number, "serial": number,
                },
            }),
        ),
        (
            "History",
            json!({
                "type": "object", "required": ["changes", "next"],
                "properties": {
                    "changes": { "type": "array", "items": {
                        "type": "object",
                        "required": ["serial", "epoch", "kind", "id", "version", "at", "by", "body"],
                        "properties": {
                            "serial": number, "epoch": number, "kind": text, "id": text, "version": number,
                            "at": { "type": "string", "format": "date-time" }, "by": text,
                            "body": { "type": ["object", "null"], "description": "null when the object was removed." },
                        },
                    } },
                    "next": { "type": ["integer", "null"] },
                },
            }),
        ),
    ]
    .map(|(name, schema)| (name.to_owned(), schema))
    .into_iter()
    .collect()
}

fn parameters() -> Value {
    json!({
        "id": { "name": "id", "in": "path", "required": true, "schema": { "type": "string" },
                "description": "Identifier of the object, percent-encoded." },
        "after": { "name": "after", "in": "query", "schema": { "type": "string" },
                   "description": "Only objects whose identifier is larger." },
        "limit": { "name": "limit", "in": "query",
                   "schema": { "type": "integer", "minimum": 1, "maximum": 1000, "default": 100 } },
        "whatif": { "name": "whatif", "in": "query", "schema": { "type": "boolean", "default": false },
                    "description": "Check everything and change nothing." },
        "if-match": { "name": "If-Match", "in": "header", "schema": { "type": "string" },
                      "description": "The version that was read, in quotes, or * for any." },
        "if-none-match": { "name": "If-None-Match", "in": "header", "schema": { "const": "*" },
                           "description": "The object must not exist yet." },
        "cmdlet": { "name": "Sekisho-Cmdlet", "in": "header", "schema": { "type": "string", "maxLength": 64 },
                    "description": "Name of the cmdlet, for history and audit." },
    })
}

fn parameter(name: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{name}") })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

/// The schema of an object. Its definitions become components of their own, under its name.
fn add_schema(object: &ObjectType, schemas: &mut Map<String, Value>) {
    let mut schema = (object.schema)().to_value();
    let Some(members) = schema.as_object_mut() else { return };
    members.remove("$schema");
    let definitions = members.remove("$defs");
    let moved = |name: &str| format!("{}.{name}", object.noun);
    if let Some(Value::Object(definitions)) = definitions {
        for (name, mut definition) in definitions {
            move_references(&mut definition, &moved);
            schemas.insert(moved(&name), definition);
        }
    }
    move_references(&mut schema, &moved);
    schemas.insert(object.noun.to_owned(), schema);
}

fn move_references(schema: &mut Value, moved: &impl Fn(&str) -> String) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(target)) = members.get_mut("$ref")
                && let Some(name) = target.strip_prefix("#/$defs/")
            {
                *target = format!("#/components/schemas/{}", moved(name));
            }
            members.values_mut().for_each(|member| move_references(member, moved));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| move_references(item, moved)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_operation_has_a_name_of_its_own() {
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 20);
        for reference in found {
            let pointer = reference.strip_prefix('#').expect("a reference within the document");
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        let mut names = std::collections::BTreeSet::new();
        for item in document["paths"].as_object().unwrap().values() {
            for operation in item.as_object().unwrap().values().filter(|operation| operation.is_object()) {
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "{name}");
            }
        }
        assert!(names.contains("change-relying-party-trust"));
        assert!(!names.contains("create-service-properties"), "there is exactly one");
    }

    #[test]
    fn the_schema_of_an_object_is_that_of_its_declaration() {
        let document = document();
        let schema =
            &document["components"]["schemas"]["AdfsRelyingPartyTrust"]["properties"]["TokenLifetime"];
        let declared = (configuration::object_type("relying-party-trust").unwrap().schema)().to_value();
        assert_eq!(*schema, declared["properties"]["TokenLifetime"]);
        assert!(schema["description"].as_str().unwrap().len() > 10);
    }
}
