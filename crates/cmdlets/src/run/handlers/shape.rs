//! Commands that choose and lay out what others gave.

use serde_json::{Map, Value};

use crate::error::CmdletError;
use crate::output::{Target, View, render, select};
use crate::run::evaluate::member;
use crate::run::{Call, Outcome};

fn gathered(call: &Call<'_, '_>) -> Vec<Value> {
    match call.bound.get("InputObject") {
        Some(Value::Array(items)) => items.clone(),
        Some(one) => vec![one.clone()],
        None => call.input.to_vec(),
    }
}

fn names(call: &Call<'_, '_>) -> Vec<String> {
    call.bound.texts("Property").into_iter().filter(|name| *name != "*").map(str::to_owned).collect()
}

/// `Format-List`
pub(crate) fn format_list(call: &mut Call<'_, '_>) -> Outcome {
    *call.view = View::List(names(call));
    Ok(gathered(call))
}

/// `Format-Table`
pub(crate) fn format_table(call: &mut Call<'_, '_>) -> Outcome {
    *call.view = View::Table(names(call));
    Ok(gathered(call))
}

/// `Select-Object`: properties, one expanded property, the first or last.
pub(crate) fn select_object(call: &mut Call<'_, '_>) -> Outcome {
    let mut values = gathered(call);
    let count =
        |name: &str| call.bound.get(name).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    match (count("First"), count("Last")) {
        (Some(first), Some(last)) if first.saturating_add(last) < values.len() => {
            let tail = values.split_off(values.len().saturating_sub(last));
            values.truncate(first);
            values.extend(tail);
        }
        (Some(first), None) => values.truncate(first),
        (None, Some(last)) => values = values.split_off(values.len().saturating_sub(last)),
        _ => {}
    }
    if let Some(property) = call.bound.text("ExpandProperty") {
        let mut expanded = Vec::new();
        for value in &values {
            let known = value.as_object().is_some_and(|members| has(members, property));
            if !known {
                let message = format!("Property \"{property}\" cannot be found.");
                return Err(CmdletError::new("ExpandPropertyNotFound", message));
            }
            match member(value, property) {
                Value::Array(items) => expanded.extend(items),
                one => expanded.push(one),
            }
        }
        values = expanded;
    } else {
        values = select(&values, &names(call));
    }
    if call.bound.is_on("Unique") {
        let mut unique: Vec<Value> = Vec::new();
        values.into_iter().for_each(|value| {
            if !unique.contains(&value) {
                unique.push(value);
            }
        });
        values = unique;
    }
    Ok(values)
}

fn has(members: &Map<String, Value>, name: &str) -> bool {
    members.keys().any(|known| known.eq_ignore_ascii_case(name))
}

/// `Where-Object` from a Unix shell has no braces to write its condition in.
pub(crate) fn where_object(_: &mut Call<'_, '_>) -> Outcome {
    let message = "Write the whole pipeline as one text: sekisho -Command 'Get-… | Where-Object { … }'.";
    Err(CmdletError::new("NoCondition", message))
}

/// `ConvertTo-Json`: one object as it is, several as a list.
pub(crate) fn convert_to_json(call: &mut Call<'_, '_>) -> Outcome {
    let mut values = gathered(call);
    let value = match (values.len(), values.pop()) {
        (1, Some(one)) => one,
        (_, last) => Value::Array(values.into_iter().chain(last).collect()),
    };
    let text = match call.bound.is_on("Compress") {
        true => value.to_string(),
        false => format!("{value:#}"),
    };
    Ok(vec![Value::String(text)])
}

/// `ConvertFrom-Json`
pub(crate) fn convert_from_json(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.bound.text("InputObject").unwrap_or_default();
    let value = serde_json::from_str(text);
    match value.map_err(|error| CmdletError::new("InvalidJson", format!("The text is not JSON: {error}")))? {
        Value::Array(items) => Ok(items),
        one => Ok(vec![one]),
    }
}

/// `Out-String`: what would be printed, as a text.
pub(crate) fn out_string(call: &mut Call<'_, '_>) -> Outcome {
    let own = match call.session.environment.target {
        Target::Terminal(width) => width,
        Target::Pipe => 120,
    };
    let width = call.bound.get("Width").and_then(Value::as_u64).and_then(|width| usize::try_from(width).ok());
    let width = width.unwrap_or(own).clamp(20, 10_000);
    let text = render(&gathered(call), &View::Default, Target::Terminal(width));
    Ok(vec![Value::String(text)])
}
