//! Values of expressions and truth of conditions.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use crate::error::CmdletError;
use crate::language::{Comparison, Condition, Expression, Part, parse_number};
use crate::output::{display, like};

use super::Interpreter;

/// Longest text that may be put together.
const MAX_TEXT: usize = 1 << 20;

impl Interpreter<'_> {
    pub(super) fn evaluate(&mut self, expression: &Expression) -> Result<Value, CmdletError> {
        Ok(match expression {
            Expression::Constant(value) => value.clone(),
            Expression::Interpolated(parts) => {
                let mut text = String::new();
                for part in parts {
                    match part {
                        Part::Text(piece) => text.push_str(piece),
                        Part::Value(value) => text.push_str(&plain_text(&self.evaluate(value)?)),
                    }
                    if text.len() > MAX_TEXT {
                        return Err(CmdletError::new("TextTooLong", "The text becomes longer than 1 MiB."));
                    }
                }
                Value::String(text)
            }
            Expression::Variable(at, name) => match self.variable(name) {
                Some(value) => value,
                None => {
                    let message = format!("The variable '${name}' has no value.");
                    return Err(CmdletError::new("VariableIsUndefined", message).at(Some(*at)));
                }
            },
            Expression::Member(of, name) => member(&self.evaluate(of)?, name),
            Expression::Index(of, index) => {
                let (of, index) = (self.evaluate(of)?, self.evaluate(index)?);
                index_of(&of, &index)
            }
            Expression::List(items) => {
                Value::Array(items.iter().map(|item| self.evaluate(item)).collect::<Result<_, _>>()?)
            }
            Expression::Array(pipelines) => {
                let mut items = Vec::new();
                for pipeline in pipelines {
                    items.extend(self.pipeline(pipeline, None)?.0.into_iter().flat_map(flattened));
                }
                Value::Array(items)
            }
            Expression::Hashtable(entries) => {
                let mut table = Map::new();
                for (key, value) in entries {
                    table.insert(key.clone(), self.evaluate(value)?);
                }
                Value::Object(table)
            }
            Expression::Pipeline(pipeline) => {
                let mut values = self.pipeline(pipeline, None)?.0;
                match (values.len(), values.pop()) {
                    (1, Some(one)) => one,
                    (_, None) => Value::Null,
                    (_, Some(last)) => Value::Array(values.into_iter().chain([last]).collect()),
                }
            }
            Expression::Block(_) => {
                return Err(CmdletError::new(
                    "BlockNotSupported",
                    "A block { … } is understood by Where-Object only.",
                ));
            }
        })
    }

    pub(super) fn holds(&mut self, condition: &Condition) -> Result<bool, CmdletError> {
        Ok(match condition {
            Condition::Value(value) => is_true(&self.evaluate(value)?),
            Condition::Compare(left, comparison, right) => {
                let (left, right) = (self.evaluate(left)?, self.evaluate(right)?);
                compare(&left, *comparison, &right)
            }
            Condition::Not(inner) => !self.holds(inner)?,
            Condition::And(left, right) => self.holds(left)? && self.holds(right)?,
            Condition::Or(left, right) => self.holds(left)? || self.holds(right)?,
        })
    }
}

fn flattened(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        other => vec![other],
    }
}

/// A property in any letter case; of a list, the property of each item.
pub(super) fn member(of: &Value, name: &str) -> Value {
    match of {
        Value::Object(members) => {
            let found = members.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        }
        Value::Array(items) if name.eq_ignore_ascii_case("count") || name.eq_ignore_ascii_case("length") => {
            Value::from(items.len())
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| member(item, name)).collect()),
        Value::String(text) if name.eq_ignore_ascii_case("length") => Value::from(text.chars().count()),
        Value::Null if name.eq_ignore_ascii_case("count") => Value::from(0),
        other if !other.is_null() && name.eq_ignore_ascii_case("count") => Value::from(1),
        _ => Value::Null,
    }
}

fn index_of(of: &Value, index: &Value) -> Value {
    match (of, index) {
        (Value::Object(_), Value::String(name)) => member(of, name),
        (Value::Array(items), index) => {
            let number = index.as_i64().unwrap_or(i64::MAX);
            // Negative numbers count from the end.
            let at = match usize::try_from(number) {
                Ok(at) => Some(at),
                Err(_) => {
                    number.checked_neg().and_then(|back| items.len().checked_sub(usize::try_from(back).ok()?))
                }
            };
            at.and_then(|at| items.get(at)).cloned().unwrap_or_default()
        }
        (one, index) if index.as_i64() == Some(0) => one.clone(),
        _ => Value::Null,
    }
}

fn plain_text(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(plain_text).collect::<Vec<_>>().join(" "),
        other => display("", other),
    }
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(on) => *on,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => match items.as_slice() {
            [] => false,
            [one] => is_true(one),
            _ => true,
        },
        Value::Object(_) => true,
    }
}

fn compare(left: &Value, comparison: Comparison, right: &Value) -> bool {
    let has = |list: &Value, item: &Value| match list {
        Value::Array(items) => items.iter().any(|own| equal(own, item)),
        one => equal(one, item),
    };
    match comparison {
        Comparison::Contains => return has(left, right),
        Comparison::NotContains => return !has(left, right),
        Comparison::In => return has(right, left),
        Comparison::NotIn => return !has(right, left),
        _ => {}
    }
    // A list on the left gives the items that fit, and counts as true when there are some.
    if let Value::Array(items) = left {
        return items.iter().any(|item| compare(item, comparison, right));
    }
    match comparison {
        Comparison::Equal => equal(left, right),
        Comparison::NotEqual => !equal(left, right),
        Comparison::Like => like(&plain_text(left), &plain_text(right)),
        Comparison::NotLike => !like(&plain_text(left), &plain_text(right)),
        Comparison::Greater => order(left, right) == Ordering::Greater,
        Comparison::GreaterOrEqual => order(left, right) != Ordering::Less,
        Comparison::Less => order(left, right) == Ordering::Less,
        Comparison::LessOrEqual => order(left, right) != Ordering::Greater,
        Comparison::Contains | Comparison::NotContains | Comparison::In | Comparison::NotIn => false,
    }
}

fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Null, other) | (other, Value::Null) => other.is_null(),
        (Value::Bool(on), other) => *on == is_true(other),
        _ => order(left, right) == Ordering::Equal,
    }
}

/// Numbers by value when the left one is a number, everything else as text without regard to case.
fn order(left: &Value, right: &Value) -> Ordering {
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => parse_number(text).and_then(|number| number.as_f64()),
        _ => None,
    };
    if let (Value::Number(_), Some(left), Some(right)) = (left, number(left), number(right)) {
        return left.total_cmp(&right);
    }
    plain_text(left).to_lowercase().cmp(&plain_text(right).to_lowercase())
}
