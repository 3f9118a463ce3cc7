//! Dates in stored objects: RFC 3339 in UTC. For `#[serde(with)]` and `#[schemars(with)]` on a
//! [`Timestamp`](base::Timestamp).

use std::borrow::Cow;
use std::fmt;

use base::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

/// 0001-01-01, AD FS's "never" of sessions and accounts, in seconds since 1970.
const YEAR_1_SECONDS: i64 = -62_135_596_800;
/// 1900-01-01, AD FS's "never" of monitored metadata.
const YEAR_1900_SECONDS: i64 = -2_208_988_800;

/// 0001-01-01T00:00:00Z
pub(crate) fn year_1() -> Timestamp {
    Timestamp::from_seconds(YEAR_1_SECONDS)
}

/// 1900-01-01T00:00:00Z
pub(crate) fn year_1900() -> Timestamp {
    Timestamp::from_seconds(YEAR_1900_SECONDS)
}

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

/// Writes RFC 3339.
pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_xml())
}

/// Text, or microseconds since 1970 as documents of 0.1 have it.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
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
