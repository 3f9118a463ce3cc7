//! The table layout.

use serde_json::{Map, Value};

use super::text::{columns, display};

/// A blank line, headings, dashes, a line for each object, two blank lines. The columns are those of the first
/// object; numbers stand at the right; what does not fit ends with `...`.
pub(super) fn table(objects: &[Value], width: usize) -> String {
    let Some(headings) = objects.iter().find_map(Value::as_object).map(names) else {
        return objects.iter().map(|value| format!("{}\n", display("", value))).collect();
    };
    let rows: Vec<Vec<String>> = objects
        .iter()
        .map(|object| {
            let cell = |name: &String| object.get(name).map(|value| display(name, value)).unwrap_or_default();
            headings.iter().map(|name| cell(name).replace(['\n', '\r'], " ")).collect()
        })
        .collect();
    let at_right: Vec<bool> = headings
        .iter()
        .map(|name| objects.iter().all(|object| object.get(name).is_some_and(Value::is_number)))
        .collect();
    let mut widths: Vec<usize> = headings.iter().map(|name| columns(name)).collect();
    for row in &rows {
        for (wide, cell) in widths.iter_mut().zip(row) {
            *wide = (*wide).max(columns(cell));
        }
    }
    fit(&mut widths, width);
    let line = |cells: &[String]| -> String {
        let cells = cells.iter().zip(&widths).zip(&at_right);
        let cells: Vec<String> = cells.map(|((cell, wide), right)| padded(cell, *wide, *right)).collect();
        format!("{}\n", cells.join(" ").trim_end())
    };
    let dashes: Vec<String> =
        headings.iter().zip(&widths).map(|(name, wide)| "-".repeat(columns(name).min(*wide))).collect();
    let mut text = format!("\n{}{}", line(&headings), line(&dashes));
    rows.iter().for_each(|row| text.push_str(&line(row)));
    text.push_str("\n\n");
    text
}

fn names(members: &Map<String, Value>) -> Vec<String> {
    members.keys().cloned().collect()
}

/// Takes from the widest column until the line fits.
fn fit(widths: &mut [usize], width: usize) {
    loop {
        let gaps = widths.len().saturating_sub(1);
        let total = widths.iter().sum::<usize>().saturating_add(gaps);
        let Some(widest) = widths.iter_mut().max().filter(|widest| **widest > 4) else { return };
        let over = total.saturating_sub(width);
        if over == 0 {
            return;
        }
        *widest = widest.saturating_sub(1);
    }
}

fn padded(cell: &str, wide: usize, right: bool) -> String {
    let length = columns(cell);
    if length > wide {
        let mut short = String::new();
        for c in cell.chars() {
            let next = columns(&short).saturating_add(columns(c.encode_utf8(&mut [0; 4])));
            if next > wide.saturating_sub(3) {
                break;
            }
            short.push(c);
        }
        short.push_str("...");
        return format!("{short}{}", " ".repeat(wide.saturating_sub(columns(&short))));
    }
    let padding = " ".repeat(wide.saturating_sub(length));
    if right { format!("{padding}{cell}") } else { format!("{cell}{padding}") }
}
