//! The list layout.

use serde_json::Value;

use super::text::{columns, display};

/// Two blank lines, the properties with their names padded to the longest, a blank line between objects. Values go
/// on at the value column and break at the width even inside of words, as the console does.
pub(super) fn list(objects: &[Value], width: usize) -> String {
    let mut text = String::from("\n\n");
    for object in objects {
        let Some(members) = object.as_object() else {
            text.push_str(&display("", object));
            text.push('\n');
            continue;
        };
        let longest = members.keys().map(|name| columns(name)).max().unwrap_or(0);
        let indent = longest.saturating_add(3);
        let room = width.saturating_sub(indent).saturating_sub(1).max(8);
        for (name, value) in members {
            let padding = " ".repeat(longest.saturating_sub(columns(name)));
            let value = display(name, value);
            let mut lines = value.split('\n').flat_map(|line| pieces(line, room));
            let first = lines.next().unwrap_or_default();
            text.push_str(&format!("{name}{padding} : {first}"));
            for line in lines {
                text.push_str(&format!("\n{}{line}", " ".repeat(indent)));
            }
            text.push('\n');
        }
        text.push('\n');
    }
    text.push('\n');
    text
}

/// A line in pieces of at most `room` columns; an empty line is one empty piece.
fn pieces(line: &str, room: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0_usize;
    for c in line.trim_end_matches('\r').chars() {
        let wide = columns(c.encode_utf8(&mut [0; 4]));
        if used.saturating_add(wide) > room {
            pieces.push(String::new());
            used = 0;
        }
        used = used.saturating_add(wide);
        if let Some(last) = pieces.last_mut() {
            last.push(c);
        }
    }
    pieces
}
