//! Values as text.

use base::Timestamp;
use serde_json::{Map, Value};

use super::certificate;

/// Lists show this many items.
const ITEMS: usize = 4;

/// A value as PowerShell prints it in lists and tables: `True`, `{a, b}`, dates in the invariant (American) form,
/// nothing for null. `property` names what it is the value of; certificates are known by it.
pub(crate) fn display(property: &str, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text_value(property, text),
        Value::Array(items) => {
            let shown: Vec<String> = items.iter().take(ITEMS).map(|item| item_text(property, item)).collect();
            let more = if items.len() > ITEMS { "..." } else { "" };
            let gap = if more.is_empty() { "" } else { ", " };
            format!("{{{}{gap}{more}}}", shown.join(", "))
        }
        Value::Object(members) => object_text(property, members),
    }
}

/// Certificates are shown with their names and dates, and XML dates as dates; everything else as it is.
fn text_value(property: &str, text: &str) -> String {
    if property.ends_with("Certificate") || property.ends_with("Certificates") {
        return certificate::summary(text).unwrap_or_else(|| text.to_owned());
    }
    let is_date = text.len() >= 20 && text.ends_with('Z') && text.get(10..11) == Some("T");
    match Timestamp::parse_xml(text) {
        Ok(time) if is_date => time.to_us(),
        _ => text.to_owned(),
    }
}

fn item_text(property: &str, item: &Value) -> String {
    match item {
        Value::Object(members) => object_text(property, members),
        other => display(property, other),
    }
}

/// Objects inside of objects: by the text form that their type has, or none.
fn object_text(property: &str, members: &Map<String, Value>) -> String {
    match property {
        "SamlEndpoints" => "Microsoft.IdentityServer.Management.Resources.SamlEndpoint".to_owned(),
        // Claim descriptions have no text form in the product: `{, , , ...}`.
        "ClaimsAccepted" | "ClaimsOffered" => String::new(),
        "FarmNodes" => members
            .get("FQDN")
            .or_else(|| members.get("Name"))
            .map(|name| display("", name))
            .unwrap_or_default(),
        _ => {
            let pairs =
                members.iter().take(ITEMS).map(|(name, value)| format!("[{name}, {}]", display(name, value)));
            let shown: Vec<String> = pairs.collect();
            let more = if members.len() > ITEMS { "..." } else { "" };
            format!("{{{}{more}}}", shown.join(", "))
        }
    }
}

/// Columns that a text takes on a terminal: two for East Asian wide characters, none for marks that combine.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(column_width).sum()
}

fn column_width(c: char) -> usize {
    match u32::from(c) {
        0x0300..=0x036f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f900..=0x1f9ff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}
