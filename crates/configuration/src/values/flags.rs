//! Values that are put together: `Public, Confidential`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Named;

/// A set of names, each at most once, in the order of the enumeration. The stored form is a list; input may also
/// be `A, B` or the sum of the numbers. The empty set is what AD FS calls `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flags<T>(Vec<T>);

impl<T: Named> Flags<T> {
    /// The set of these values.
    pub fn of(values: impl IntoIterator<Item = T>) -> Self {
        let wanted: Vec<T> = values.into_iter().collect();
        let all =
            T::VALUES.iter().filter(|(value, _, number, _)| *number != Some(0) && wanted.contains(value));
        Self(all.map(|(value, ..)| *value).collect())
    }

    /// The set whose numbers sum up to `number`; none when a bit has no name.
    pub fn from_number(number: i64) -> Option<Self> {
        let bits = |value: &T| value.number().filter(|bits| *bits != 0 && number & bits == *bits);
        let all = T::VALUES.iter().map(|(value, ..)| *value).filter(|value| bits(value).is_some());
        let set = Self(all.collect());
        let sum = set.0.iter().filter_map(|value| value.number()).fold(0, |sum, bits| sum | bits);
        (sum == number).then_some(set)
    }

    /// Whether the set holds `value`.
    pub fn contains(&self, value: T) -> bool {
        self.0.contains(&value)
    }

    /// The values.
    pub fn iter(&self) -> impl Iterator<Item = T> {
        self.0.iter().copied()
    }
}

impl<T: Named> Serialize for Flags<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|value| value.name()))
    }
}

impl<'de, T: Named + Deserialize<'de>> Deserialize<'de> for Flags<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Set<T>(std::marker::PhantomData<T>);

        impl<'de, T: Named + Deserialize<'de>> Visitor<'de> for Set<T> {
            type Value = Flags<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let names: Vec<&str> = T::VALUES.iter().map(|(_, name, ..)| *name).collect();
                write!(f, "one or more of {}", names.join(", "))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Flags<T>, E> {
                if let Some(set) = text.trim().parse().ok().and_then(Flags::from_number) {
                    return Ok(set);
                }
                let values: Option<Vec<T>> = text.split(',').map(T::from_name).collect();
                values.map(Flags::of).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Flags<T>, E> {
                Flags::from_number(number)
                    .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Signed(number), &self))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Flags<T>, E> {
                let set = i64::try_from(number).ok().and_then(Flags::from_number);
                set.ok_or_else(|| E::invalid_value(serde::de::Unexpected::Unsigned(number), &self))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Flags<T>, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = entries.next_element()? {
                    values.push(value);
                }
                Ok(Flags::of(values))
            }
        }

        deserializer.deserialize_any(Set(std::marker::PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Flags<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Flags", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "array", "items": generator.subschema_for::<T>(), "x-flags": true})
    }
}
