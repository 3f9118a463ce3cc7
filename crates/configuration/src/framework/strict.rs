//! Strict reading of what people send: unknown members, wrong types, members that are not theirs to set.

use std::str::FromStr;

use base::{Guid, Timestamp};
use serde_json::Value;

use super::object::{ObjectType, shown};
use super::schema::{Shape, Type};
use super::{Problem, nearest};
use crate::TimeSpan;

/// Everything in `input` (a patch, or a whole body) that `object` does not know or that has another type.
///
/// Null takes a member back to its default and is right everywhere outside of lists. Ranges are not looked at:
/// they are a matter of the whole object, see [`ObjectType::check`].
pub fn strict(object: &ObjectType, input: &Value) -> Vec<Problem> {
    let schema = (object.schema)();
    let mut problems = Vec::new();
    if input.is_object() {
        walk(input, &Shape::root(&schema), object.title, Place::Member, &mut problems);
    } else {
        let expected = format!("is not a {}; expected an object with its properties", object.title);
        problems.push(Problem::new(object.kind, shown(input), expected));
    }
    problems
}

/// Whether a value is merged into a stored one, or replaces it as a whole: RFC 7396 replaces lists.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Member,
    InList,
}

fn walk(value: &Value, shape: &Shape<'_>, owner: &str, place: Place, problems: &mut Vec<Problem>) {
    match (shape.kind(), value) {
        (Type::Members, Value::Object(members)) => {
            if place == Place::InList {
                let missing = shape.required().filter(|name| !members.contains_key(*name));
                problems.extend(missing.filter_map(|name| shape.member(name)).map(|member| {
                    let expected = format!("is missing; expected {}", member.expectation());
                    Problem::new(member.path, "", expected)
                }));
            }
            for (name, value) in members {
                match shape.member(name) {
                    Some(member) if member.is("x-read-only") => {
                        let expected = "is set by the service; expected the property to be left out";
                        problems.push(Problem::new(member.path.clone(), hidden(&member, value), expected));
                    }
                    Some(member) if value.is_null() && (place == Place::Member || member.nullable) => {}
                    Some(member) => walk(value, &member, &member.path, place, problems),
                    None => problems.push(unknown(shape, name, owner)),
                }
            }
        }
        (Type::Dictionary, Value::Object(members)) => {
            for (name, value) in members {
                let Some(member) = shape.value_of(name) else { continue };
                if !(value.is_null() && place == Place::Member) {
                    walk(value, &member, owner, place, problems);
                }
            }
        }
        (Type::List, Value::Array(items)) => {
            for (at, value) in items.iter().enumerate() {
                let Some(item) = shape.item(at) else { continue };
                if !(item.nullable && value.is_null()) {
                    walk(value, &item, owner, Place::InList, problems);
                }
            }
        }
        (Type::Flags, Value::Array(items)) => {
            for (at, value) in items.iter().enumerate() {
                if let Some(item) = shape.item(at) {
                    walk(value, &item, owner, Place::InList, problems);
                }
            }
        }
        _ if is_right(value, shape) => {}
        _ => {
            let expected = format!("is not right here; expected {}", shape.expectation());
            problems.push(Problem::new(shape.path.clone(), hidden(shape, value), expected));
        }
    }
}

/// Whether a value without members or entries is one that the typed reading takes.
fn is_right(value: &Value, shape: &Shape<'_>) -> bool {
    match (shape.kind(), value) {
        (Type::Any, _) | (Type::Boolean, Value::Bool(_)) => true,
        (Type::Integer, Value::Number(number)) => match shape.text("format") {
            Some("uint16") => number.as_u64().is_some_and(|number| u16::try_from(number).is_ok()),
            Some("uint32") => number.as_u64().is_some_and(|number| u32::try_from(number).is_ok()),
            Some("int32") => number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
            Some("uint64") => number.as_u64().is_some(),
            _ => number.as_i64().is_some(),
        },
        (Type::Named, Value::String(text)) => {
            let number = text.trim().parse::<i64>().ok();
            shape.names().any(|(name, its)| {
                name.eq_ignore_ascii_case(text.trim()) || (number.is_some() && its == number)
            })
        }
        (Type::Named, Value::Number(number)) => {
            number.as_i64().is_some_and(|number| shape.names().any(|(_, its)| its == Some(number)))
        }
        (Type::Flags, Value::Number(number)) => {
            number.as_i64().is_some_and(|number| is_sum_of_flags(number, shape))
        }
        (Type::Flags, Value::String(text)) => match text.trim().parse() {
            Ok(number) => is_sum_of_flags(number, shape),
            Err(_) => shape
                .item(0)
                .is_some_and(|item| text.split(',').all(|one| is_right(&Value::from(one.trim()), &item))),
        },
        (Type::Text, Value::String(text)) => match shape.text("format") {
            Some("timespan") => TimeSpan::from_str(text).is_ok(),
            Some("date-time") => Timestamp::parse_xml(text).is_ok(),
            Some("uri") => text.is_empty() || url::Url::parse(text).is_ok(),
            Some("uuid") => Guid::from_str(text).is_ok(),
            _ => true,
        },
        _ => false,
    }
}

fn is_sum_of_flags(number: i64, shape: &Shape<'_>) -> bool {
    let item = shape.item(0);
    let bits = item.iter().flat_map(Shape::names).filter_map(|(_, number)| number);
    number & !bits.fold(0, |all, bit| all | bit) == 0
}

fn unknown(shape: &Shape<'_>, name: &str, owner: &str) -> Problem {
    let known = shape.properties().into_iter().flat_map(serde_json::Map::keys).map(String::as_str);
    let path = if shape.path.is_empty() { name.to_owned() } else { format!("{}.{name}", shape.path) };
    let expected = match nearest(name, known) {
        Some(near) => format!("is not a property of {owner}; did you mean '{near}'?"),
        None => format!("is not a property of {owner}; see its reference page for those that exist"),
    };
    Problem::new(path, name, expected)
}

/// The value as a message may show it.
fn hidden(shape: &Shape<'_>, value: &Value) -> String {
    if shape.is("x-secret") { "(secret)".to_owned() } else { shown(value) }
}
