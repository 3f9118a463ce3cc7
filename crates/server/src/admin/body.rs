//! Bodies: bounded in size, time and depth, and no member stands twice.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::answer::{Answer, bad_request, refused};

/// Largest body.
const LARGEST: usize = 1024 * 1024;
/// Octets of a body that is too large which are read all the same.
const THROWN_AWAY: usize = 16 * 1024 * 1024;
/// A body must be there after this time.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Reads a JSON body. Nothing at all is `null`.
pub(super) async fn read(body: Incoming) -> Result<Value, Answer> {
    match tokio::time::timeout(TIMEOUT, collect(body)).await {
        Ok(Ok(Some(bytes))) => parse(&bytes).map_err(bad_request),
        Ok(Ok(None)) => {
            let message = "the body is larger than 1 MiB; expected one object";
            Err(refused(StatusCode::PAYLOAD_TOO_LARGE, message))
        }
        Ok(Err(error)) => Err(bad_request(format!("the body could not be read: {error}"))),
        Err(_) => Err(refused(StatusCode::REQUEST_TIMEOUT, "the body did not arrive within 30 seconds")),
    }
}

/// The body; `None` when it is too large. What is too large is read on for a while and thrown away, so that its
/// sender comes to read the answer.
async fn collect(mut body: Incoming) -> Result<Option<Vec<u8>>, hyper::Error> {
    let (mut bytes, mut length) = (Vec::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        length = length.saturating_add(data.len());
        if length <= LARGEST {
            bytes.extend_from_slice(&data);
        } else if length > THROWN_AWAY {
            break;
        }
    }
    Ok((length <= LARGEST).then_some(bytes))
}

/// The value. The depth is bounded by the parser.
fn parse(bytes: &[u8]) -> Result<Value, String> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let Unique(value) = serde_json::from_slice(bytes)
        .map_err(|error| format!("the body is not JSON that is understood here: {error}"))?;
    Ok(value)
}

/// A value in which no member stands twice: of two, readers of the same text may take the one or the other.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Unique)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unique(value)) = items.next_element()? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, Unique(value))) = members.next_entry::<String, Unique>()? {
            if map.contains_key(&name) {
                return Err(A::Error::custom(format!("the member '{name}' stands twice")));
            }
            map.insert(name, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_of_all_kinds_are_read_in_order() {
        let text = r#"{"b":[null,true,-1,18446744073709551615,1.5],"a":{"関所":"x\u0000"}}"#;
        let value = parse(text.as_bytes()).unwrap();
        assert_eq!(value, json!({"b": [null, true, -1, u64::MAX, 1.5], "a": {"関所": "x\u{0}"}}));
        assert_eq!(value.to_string(), text);
        assert_eq!(parse(b"").unwrap(), Value::Null);
    }

    #[test]
    fn a_member_that_stands_twice_is_refused_at_any_depth() {
        for text in [r#"{"a":1,"a":2}"#, r#"[{"x":{"a":1,"b":2,"a":1}}]"#, r#"{"a":1,"\u0061":2}"#] {
            assert!(parse(text.as_bytes()).unwrap_err().contains("'a' stands twice"), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(100).as_bytes()).is_ok());
        assert!(parse(nested(100_000).as_bytes()).unwrap_err().contains("recursion limit"));
    }

    #[test]
    fn garbage_is_refused_with_its_place() {
        for text in ["{", "nul", "{\"a\":}", "\u{0}", "{} {}", "\"\\ud800\""] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(error.contains("line 1 column"), "{text}: {error}");
        }
        assert!(parse(b"\"\xff\"").is_err());
    }
}
