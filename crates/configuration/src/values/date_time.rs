//! Dates in stored objects: RFC 3339 in UTC. For `#[serde(with)]` and `#[schemars(with)]` on a
//! [`Timestamp`](base::Timestamp).

use std::borrow::Cow;
use std::fmt;

use base::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

/// Stands for the JSON form in schemas.
pub(crate) struct DateTime;

impl JsonSchema for DateTime {
    fn schema_name() -> Cow<'static, str> {
        "DateTime".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time"})
    }
}

pub(crate) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_xml())
}

/// Text, or microseconds since 1970 as documents of 0.1 have it.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    struct Text;

    impl Visitor<'_> for Text {
        type Value = Timestamp;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a date and time with its zone, such as 2026-01-31T08:00:00Z")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Timestamp, E> {
            Timestamp::parse_xml(text).map_err(E::custom)
        }

        fn visit_i64<E: Error>(self, micros: i64) -> Result<Timestamp, E> {
            Ok(Timestamp::from_micros(micros))
        }

        fn visit_u64<E: Error>(self, micros: u64) -> Result<Timestamp, E> {
            Ok(Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX)))
        }
    }

    deserializer.deserialize_any(Text)
}
