//! Enumerations by AD FS's names. Input may also be the number, and the case of letters does not matter, as in
//! PowerShell.

use std::fmt;

use schemars::{Schema, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

/// An enumeration of AD FS.
pub trait Named: Copy + PartialEq + Sized + 'static {
    /// Every value: (value, name, number if it has one, meaning).
    const VALUES: &'static [(Self, &'static str, Option<i64>, &'static str)];

    /// The name, as AD FS prints it.
    fn name(self) -> &'static str {
        Self::VALUES.iter().find(|(value, ..)| *value == self).map(|(_, name, ..)| *name).unwrap_or_default()
    }

    /// The number, where AD FS has one.
    fn number(self) -> Option<i64> {
        Self::VALUES.iter().find(|(value, ..)| *value == self).and_then(|(_, _, number, _)| *number)
    }

    /// The value that has this name, in any case of letters, or this number in digits.
    fn from_name(text: &str) -> Option<Self> {
        let text = text.trim();
        let found = Self::VALUES.iter().find(|(_, name, ..)| name.eq_ignore_ascii_case(text));
        found.map(|(value, ..)| *value).or_else(|| Self::from_number(text.parse().ok()?))
    }

    /// The value that has this number.
    fn from_number(number: i64) -> Option<Self> {
        Self::VALUES.iter().find(|(_, _, its, _)| *its == Some(number)).map(|(value, ..)| *value)
    }
}

/// Declares an enumeration: each value with its meaning, its name and perhaps its number.
macro_rules! named {
    ($(#[doc = $about:literal])+ $visibility:vis enum $enum:ident {
        $($(#[doc = $doc:literal])+ $value:ident = $name:literal $(($number:literal))?,)+
    }) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        $visibility enum $enum {
            $($(#[doc = $doc])+ $value,)+
        }

        impl $crate::values::named::Named for $enum {
            const VALUES: &'static [(Self, &'static str, Option<i64>, &'static str)] = &[
                $((Self::$value, $name, $crate::values::named::number!($($number)?), concat!($($doc),+)),)+
            ];
        }

        impl serde::Serialize for $enum {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::values::named::serialize(*self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $enum {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::values::named::deserialize(deserializer)
            }
        }

        impl schemars::JsonSchema for $enum {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($enum).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $crate::values::named::schema::<Self>(concat!($($about),+))
            }
        }
    };
}

macro_rules! number {
    () => {
        None
    };
    ($number:literal) => {
        Some($number)
    };
}

pub(crate) use {named, number};

pub(crate) fn serialize<T: Named, S: Serializer>(value: T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value.name())
}

pub(crate) fn deserialize<'de, T: Named, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Value<T>(std::marker::PhantomData<T>);

    impl<T: Named> Visitor<'_> for Value<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let names: Vec<&str> = T::VALUES.iter().map(|(_, name, ..)| *name).collect();
            write!(f, "one of {}", names.join(", "))
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            T::from_name(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
            T::from_number(number)
                .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Signed(number), &self))
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
            let found = i64::try_from(number).ok().and_then(T::from_number);
            found.ok_or_else(|| E::invalid_value(serde::de::Unexpected::Unsigned(number), &self))
        }
    }

    deserializer.deserialize_any(Value(std::marker::PhantomData))
}

pub(crate) fn schema<T: Named>(about: &str) -> Schema {
    let values: Vec<serde_json::Value> = T::VALUES
        .iter()
        .map(|(_, name, number, meaning)| {
            let mut value =
                serde_json::json!({"description": meaning.trim(), "type": "string", "const": name});
            if let (Some(number), Some(members)) = (number, value.as_object_mut()) {
                members.insert("x-number".to_owned(), (*number).into());
            }
            value
        })
        .collect();
    json_schema!({"description": about.trim(), "oneOf": values})
}
