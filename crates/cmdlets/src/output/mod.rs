//! What commands print: lists and tables on a terminal as PowerShell lays them out, JSON lines into a pipe.

mod certificate;
mod list;
mod table;
mod text;

#[cfg(test)]
mod tests;

use serde_json::Value;

pub(crate) use text::display;

/// The only member of an object that must not be printed.
pub(crate) const SECURE_STRING: &str = "SecureString";

/// Objects with more properties than this are printed as lists.
const TABLE_COLUMNS: usize = 4;

/// What happens to the objects at the end of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// As the objects want it.
    Default,
    /// `Format-List`, of these properties; none means all.
    List(Vec<String>),
    /// `Format-Table`, of these properties; none means all.
    Table(Vec<String>),
    /// Texts as they are, into a pipe too: help, and what was laid out already.
    Text,
}

/// Where output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A terminal of this width, in columns.
    Terminal(usize),
    /// A pipe or a file: JSON lines.
    Pipe,
}

/// The objects as text. A view that was asked for is laid out as such even into a pipe.
pub fn render(values: &[Value], view: &View, target: Target) -> String {
    let hidden: Vec<Value>;
    let values = match values.iter().any(is_secure) {
        false => values,
        true => {
            let hide = |value: &Value| match is_secure(value) {
                true => Value::from("System.Security.SecureString"),
                false => value.clone(),
            };
            hidden = values.iter().map(hide).collect();
            &hidden
        }
    };
    let width = match target {
        Target::Terminal(width) => width.max(20),
        // PowerShell gives files the width of the console; a pipe has none.
        Target::Pipe => 120,
    };
    let text = match (view, target) {
        (View::Default, Target::Pipe) => values.iter().map(|value| format!("{value}\n")).collect(),
        (View::Default, Target::Terminal(_)) => default_view(values, width),
        (View::Text, _) => values.iter().map(lines).collect(),
        (View::List(properties), _) => list::list(&select(values, properties), width),
        (View::Table(properties), _) => table::table(&select(values, properties), width),
    };
    match target {
        Target::Terminal(_) => printable(&text),
        Target::Pipe => text,
    }
}

/// The text without what would steer a terminal: names and addresses in it come from partners and visitors.
pub(crate) fn printable(text: &str) -> String {
    let steers = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

/// The text of a `SecureString`, or of a plain one.
pub(crate) fn secret_text(value: &Value) -> Option<String> {
    value.get(SECURE_STRING).unwrap_or(value).as_str().map(str::to_owned)
}

fn is_secure(value: &Value) -> bool {
    value.as_object().is_some_and(|members| members.contains_key(SECURE_STRING))
}

/// Runs of objects of one kind together; texts and numbers a line each.
fn default_view(values: &[Value], width: usize) -> String {
    let mut text = String::new();
    let mut rest = values;
    while let Some(first) = rest.first() {
        let same = |value: &&Value| value.is_object() == first.is_object();
        let run = rest.iter().take_while(same).count();
        let (objects, after) = rest.split_at(run);
        match first.as_object() {
            Some(members) if members.len() > TABLE_COLUMNS => text.push_str(&list::list(objects, width)),
            Some(_) => text.push_str(&table::table(objects, width)),
            None => objects.iter().for_each(|value| text.push_str(&lines(value))),
        }
        rest = after;
    }
    text
}

fn lines(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Array(items) => items.iter().map(lines).collect(),
        other => format!("{}\n", display("", other).trim_end_matches('\n')),
    }
}

/// The objects with the wanted properties only, in the wanted order. Names may hold `*` and `?`.
pub(crate) fn select(values: &[Value], properties: &[String]) -> Vec<Value> {
    if properties.is_empty() {
        return values.to_vec();
    }
    values
        .iter()
        .map(|value| {
            let Some(members) = value.as_object() else { return value.clone() };
            let mut selected = serde_json::Map::new();
            for property in properties {
                let before = selected.len();
                for (name, value) in members.iter().filter(|(name, _)| like(name, property)) {
                    selected.insert(name.clone(), value.clone());
                }
                let repeated = members.keys().any(|name| like(name, property));
                if before == selected.len() && !repeated && !property.contains(['*', '?']) {
                    selected.insert(property.clone(), Value::Null);
                }
            }
            Value::Object(selected)
        })
        .collect()
}

/// Whether `text` fits `pattern`, in which `*` is any text and `?` any character, without regard to case.
pub(crate) fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    // The classic walk with one point of return: it never takes more than text × pattern steps.
    let (mut t, mut p) = (0_usize, 0_usize);
    let mut star: Option<(usize, usize)> = None;
    while let Some(c) = text.get(t) {
        match (pattern.get(p), star) {
            (Some('*'), _) => {
                star = Some((p, t));
                p = p.saturating_add(1);
            }
            (Some(wanted), _) if *wanted == '?' || wanted == c => {
                t = t.saturating_add(1);
                p = p.saturating_add(1);
            }
            (_, Some((star_at, matched))) => {
                star = Some((star_at, matched.saturating_add(1)));
                t = matched.saturating_add(1);
                p = star_at.saturating_add(1);
            }
            (_, None) => return false,
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|c| *c == '*')
}
