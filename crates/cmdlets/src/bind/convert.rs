//! Values to the types of parameters, and the limits of those.

use base::Guid;
use serde_json::{Map, Value};

use crate::error::CmdletError;
use crate::language::parse_number;
use crate::signatures::{Enumeration, Parameter, enumeration};

use super::time::{parse_date, parse_span, span_text};
use super::{Bound, Style};

impl Bound {
    /// The value as the parameter wants it, within its limits.
    pub(super) fn convert(&self, parameter: &Parameter, value: &Value) -> Result<Value, CmdletError> {
        let converter = Converter { parameter, style: self.style };
        let value = match parameter.type_name.strip_suffix("[]") {
            Some(item_type) => converter.list(item_type, value)?,
            None => converter.one(parameter.type_name, value)?,
        };
        converter.check(&value)?;
        Ok(in_official_case(parameter, value))
    }
}

/// Accepted words in the letter case of the signature, in which they are stored.
fn in_official_case(parameter: &Parameter, value: Value) -> Value {
    match value {
        Value::String(text) => {
            let word = parameter.values.iter().find(|word| word.eq_ignore_ascii_case(&text));
            Value::String(word.map_or(text, |word| (*word).to_owned()))
        }
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| in_official_case(parameter, item)).collect())
        }
        other => other,
    }
}

struct Converter<'a> {
    parameter: &'a Parameter,
    style: Style,
}

impl Converter<'_> {
    fn list(&self, item_type: &str, value: &Value) -> Result<Value, CmdletError> {
        let items = match value {
            Value::Null => return Ok(Value::Null),
            Value::Array(items) => items.clone(),
            Value::String(text) if self.style == Style::Shell => self.split(item_type, text)?,
            other => vec![other.clone()],
        };
        let items: Result<Vec<Value>, CmdletError> =
            items.iter().map(|item| self.one(item_type, item)).collect();
        items.map(Value::Array)
    }

    /// A list in a Unix shell: a JSON list, or texts with commas between them.
    fn split(&self, item_type: &str, text: &str) -> Result<Vec<Value>, CmdletError> {
        let trimmed = text.trim_start();
        if trimmed.starts_with('[') {
            return match self.json(text)? {
                Value::Array(items) => Ok(items),
                other => Ok(vec![other]),
            };
        }
        if is_object_type(item_type) && trimmed.starts_with('{') {
            return Ok(vec![self.json(text)?]);
        }
        Ok(text.split(',').map(|item| Value::String(item.trim().to_owned())).collect())
    }

    fn json(&self, text: &str) -> Result<Value, CmdletError> {
        serde_json::from_str(text).map_err(|error| {
            self.error("ParameterArgumentTransformationError", format!("is not JSON: {error}"))
        })
    }

    fn one(&self, type_name: &str, value: &Value) -> Result<Value, CmdletError> {
        if let Some(known) = enumeration(self.parameter) {
            return self.enumerated(known, value);
        }
        match type_name {
            "String" | "CultureInfo" => self.text(value),
            "SwitchParameter" | "Boolean" => self.boolean(value),
            "Int32" => self.number(value, i64::from(i32::MIN), i64::from(i32::MAX)),
            "UInt32" => self.number(value, 0, i64::from(u32::MAX)),
            "UInt16" => self.number(value, 0, i64::from(u16::MAX)),
            "Int64" => self.number(value, i64::MIN, i64::MAX),
            "Uri" => match value {
                Value::Null => Ok(Value::Null),
                Value::String(text) if text.is_empty() => Ok(Value::Null),
                other => self.text(other),
            },
            "Guid" => self.with_text(value, |text| text.parse::<Guid>().ok().map(|guid| guid.to_string())),
            "DateTime" => self.with_text(value, |text| parse_date(text).map(base::Timestamp::to_xml)),
            "TimeSpan" => self.with_text(value, |text| parse_span(text).map(span_text)),
            "Object" | "PSCredential" | "SecureString" | "X509Certificate2" | "Byte" => Ok(value.clone()),
            _ => self.object(value),
        }
    }

    fn text(&self, value: &Value) -> Result<Value, CmdletError> {
        match value {
            Value::String(_) | Value::Null => Ok(value.clone()),
            Value::Number(number) => Ok(Value::String(number.to_string())),
            Value::Bool(true) => Ok(Value::String("True".to_owned())),
            Value::Bool(false) => Ok(Value::String("False".to_owned())),
            // A rule set has its text in a member (New-AdfsClaimRuleSet).
            Value::Object(members) => match members.get("ClaimRulesString") {
                Some(rules @ Value::String(_)) => Ok(rules.clone()),
                _ => Err(self.cannot_convert(value, "an object has no text")),
            },
            Value::Array(_) => Err(self.cannot_convert(value, "a list is not one text")),
        }
    }

    fn boolean(&self, value: &Value) -> Result<Value, CmdletError> {
        let word = |text: &str| match text.trim_start_matches('$').to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        };
        let found = match value {
            Value::Bool(on) => Some(*on),
            Value::Number(number) => number.as_f64().map(|number| number != 0.0),
            Value::String(text) if self.style == Style::Shell => word(text),
            Value::Null if self.parameter.nullable => return Ok(Value::Null),
            _ => None,
        };
        found.map(Value::Bool).ok_or_else(|| {
            self.cannot_convert(
                value,
                "Boolean parameters accept only Boolean values and numbers, such as $True, $False, 1 or 0.",
            )
        })
    }

    fn number(&self, value: &Value, low: i64, high: i64) -> Result<Value, CmdletError> {
        let number = match value {
            Value::Null if self.parameter.nullable || self.parameter.allow_null => return Ok(Value::Null),
            Value::Number(_) => value.clone(),
            Value::String(text) => parse_number(text)
                .ok_or_else(|| self.cannot_convert(value, "Input string was not in a correct format."))?,
            _ => return Err(self.cannot_convert(value, "it is not a number.")),
        };
        match number.as_i64() {
            Some(whole) if (low..=high).contains(&whole) => Ok(Value::from(whole)),
            Some(_) => Err(self.cannot_convert(value, "Value was either too large or too small.")),
            None => Err(self.cannot_convert(value, "it is not a whole number.")),
        }
    }

    fn with_text(&self, value: &Value, read: impl Fn(&str) -> Option<String>) -> Result<Value, CmdletError> {
        match value {
            Value::Null if self.parameter.nullable => Ok(Value::Null),
            Value::String(text) => read(text)
                .map(Value::String)
                .ok_or_else(|| self.cannot_convert(value, "String was not recognized as a valid value.")),
            _ => Err(self.cannot_convert(value, "a text is expected.")),
        }
    }

    fn object(&self, value: &Value) -> Result<Value, CmdletError> {
        match value {
            Value::Object(_) => Ok(value.clone()),
            Value::Null => Ok(Value::Null),
            Value::String(text) if self.style == Style::Shell && text.trim_start().starts_with('{') => {
                self.json(text)
            }
            Value::Array(items) => match items.as_slice() {
                [one] => self.object(one),
                _ => Err(self.cannot_convert(value, "one object is expected, this is a list")),
            },
            _ => {
                Err(self
                    .cannot_convert(value, "an object is expected, from a Get- or New- cmdlet or as @{…}"))
            }
        }
    }

    /// Names in any letter case, numbers, and for flags several of them.
    fn enumerated(&self, known: &Enumeration, value: &Value) -> Result<Value, CmdletError> {
        let name_of =
            |number: i64| known.values.iter().find(|(_, own)| *own == number).map(|(name, _)| *name);
        let words: Vec<String> = match value {
            Value::Null if self.parameter.nullable || !self.parameter.not_null => return Ok(Value::Null),
            Value::Number(number) => vec![number.to_string()],
            Value::String(text) if known.flags => {
                text.split(',').map(|word| word.trim().to_owned()).collect()
            }
            Value::String(text) => vec![text.clone()],
            Value::Array(items) if known.flags => items
                .iter()
                .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
                .collect(),
            _ => return Err(self.not_a_member(known, value)),
        };
        let mut names: Vec<&str> = Vec::new();
        for word in &words {
            let by_name = known.values.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
            if let Some((name, _)) = by_name {
                names.push(name);
                continue;
            }
            let number: i64 = word.trim().parse().map_err(|_| self.not_a_member(known, value))?;
            match name_of(number) {
                Some(name) => names.push(name),
                None if known.flags => {
                    let bits = known.values.iter().filter(|(_, bit)| *bit != 0 && number & bit == *bit);
                    let found: Vec<_> = bits.collect();
                    if found.iter().fold(0, |all, (_, bit)| all | bit) != number {
                        return Err(self.not_a_member(known, value));
                    }
                    names.extend(found.iter().map(|(name, _)| *name));
                }
                None => return Err(self.not_a_member(known, value)),
            }
        }
        Ok(Value::String(names.join(", ")))
    }

    fn not_a_member(&self, known: &Enumeration, value: &Value) -> CmdletError {
        let names: Vec<&str> = known.values.iter().map(|(name, _)| *name).collect();
        let reason = format!(
            "Unable to match the identifier name {} to a valid enumerator name. Specify one of the following enumerator names and try again: {}",
            shown(value),
            names.join(", ")
        );
        CmdletError::new(
            "CannotConvertArgumentNoMessage",
            format!(
                "Cannot bind parameter '{}'. Cannot convert value \"{}\" to type \"{}\". Error: \"{reason}\"",
                self.parameter.name,
                shown(value),
                known.name
            ),
        )
    }

    /// Null, empty, range, length, count and accepted words.
    fn check(&self, value: &Value) -> Result<(), CmdletError> {
        let parameter = self.parameter;
        let refuse_null = parameter.not_null || parameter.not_empty || parameter.required;
        let cannot_bind = |what: &str, kind: &str| {
            let message =
                format!("Cannot bind argument to parameter '{}' because it is {what}.", parameter.name);
            Err(CmdletError::new(format!("ParameterArgumentValidationError{kind}NotAllowed"), message))
        };
        if value.is_null() {
            return match refuse_null && !parameter.allow_null {
                true => cannot_bind("null", "Null"),
                false => Ok(()),
            };
        }
        if parameter.not_empty {
            match value {
                Value::String(text) if text.is_empty() => {
                    return cannot_bind("an empty string", "EmptyString");
                }
                Value::Array(items) if items.is_empty() => {
                    return cannot_bind("an empty array", "EmptyArray");
                }
                _ => {}
            }
        }
        let items = match value {
            Value::Array(items) => items.as_slice(),
            other => std::slice::from_ref(other),
        };
        if let (Some([least, most]), Value::Array(_) | Value::Object(_)) = (parameter.count, value) {
            let count = value.as_object().map_or(items.len(), Map::len);
            if least.is_some_and(|least| count < least) || most.is_some_and(|most| count > most) {
                let most = most.map_or_else(|| "any number".to_owned(), |most| most.to_string());
                let reason = format!(
                    "The number of provided arguments, ({count}), is not between {} and {most}.",
                    least.unwrap_or(0)
                );
                return Err(self.invalid(&reason));
            }
        }
        items.iter().try_for_each(|item| self.check_item(item))
    }

    fn check_item(&self, item: &Value) -> Result<(), CmdletError> {
        let parameter = self.parameter;
        if item.is_null() && (parameter.not_null || parameter.not_empty) {
            return Err(self.invalid("The argument is a list that holds null."));
        }
        if let (Some((low, high)), Some(number)) = (parameter.range(), item.as_i64()) {
            if number > high {
                return Err(self.invalid(&format!(
                    "The {number} argument is greater than the maximum allowed range of {high}. Supply an argument that is less than or equal to {high} and then try the command again."
                )));
            }
            if number < low {
                return Err(self.invalid(&format!(
                    "The {number} argument is less than the minimum allowed range of {low}. Supply an argument that is greater than or equal to {low} and then try the command again."
                )));
            }
        }
        let Some(text) = item.as_str() else { return Ok(()) };
        if let Some([least, most]) = parameter.length {
            let length = text.chars().count();
            if length > most {
                return Err(self.invalid(&format!(
                    "The character length ({length}) of the argument is too long. Shorten the character length of the argument so it is fewer than or equal to \"{most}\" characters, and then try the command again."
                )));
            }
            if length < least {
                return Err(self.invalid(&format!(
                    "The character length ({length}) of the argument is too short. Specify an argument with a length that is greater than or equal to \"{least}\" characters, and then try the command again."
                )));
            }
        }
        // The module accepts the empty text for the two that describe the request to a claims provider.
        let clears = text.is_empty() && parameter.name.starts_with("SamlAuthenticationRequest");
        let known = parameter.values.is_empty()
            || enumeration(parameter).is_some()
            || parameter.values.iter().any(|value| value.eq_ignore_ascii_case(text));
        match known || clears {
            true => Ok(()),
            false => Err(self.invalid(&format!(
                "The argument \"{}\" does not belong to the set \"{}\" specified by the ValidateSet attribute. Supply an argument that is in the set and then try the command again.",
                shown(item),
                parameter.values.join(",")
            ))),
        }
    }

    fn invalid(&self, reason: &str) -> CmdletError {
        let message = format!("Cannot validate argument on parameter '{}'. {reason}", self.parameter.name);
        CmdletError::new("ParameterArgumentValidationError", message)
    }

    fn cannot_convert(&self, value: &Value, reason: &str) -> CmdletError {
        let full = full_type_name(self.parameter.type_name);
        self.error(
            "ParameterArgumentTransformationError",
            format!("Cannot convert value \"{}\" to type \"{full}\". Error: \"{reason}\"", shown(value)),
        )
    }

    fn error(&self, id: &str, reason: String) -> CmdletError {
        let name = self.parameter.name;
        CmdletError::new(
            id,
            format!("Cannot process argument transformation on parameter '{name}'. {reason}"),
        )
    }
}

/// Whether a parameter of this type takes objects whole.
pub(super) fn is_object_type(type_name: &str) -> bool {
    !matches!(
        type_name.trim_end_matches("[]"),
        "String"
            | "CultureInfo"
            | "SwitchParameter"
            | "Boolean"
            | "Int32"
            | "UInt32"
            | "UInt16"
            | "Int64"
            | "Uri"
            | "Guid"
            | "DateTime"
            | "TimeSpan"
    )
}

/// Whether an object has the members of its type; types that are not told apart take any object.
pub(super) fn looks_like(type_name: &str, object: &Map<String, Value>) -> bool {
    let has = |names: &[&str]| names.iter().all(|name| object.contains_key(*name));
    match type_name.trim_end_matches("[]") {
        "SamlEndpoint" => has(&["Protocol", "Binding"]),
        "ClaimDescription" => has(&["ClaimType"]),
        "X509Certificate2" | "ServiceCertificate" => has(&["Thumbprint"]),
        "Endpoint" => has(&["AddressPath"]),
        "RelyingPartyTrust" | "ClaimsProviderTrust" => has(&["Name", "Identifier"]),
        _ => true,
    }
}

/// The .NET name of a type, for messages.
pub(super) fn full_type_name(type_name: &str) -> String {
    match is_object_type(type_name) {
        true => type_name.to_owned(),
        false => match type_name {
            "SwitchParameter" => "System.Management.Automation.SwitchParameter".to_owned(),
            "CultureInfo" => "System.Globalization.CultureInfo".to_owned(),
            plain => format!("System.{plain}"),
        },
    }
}

/// A value in a message, shortened.
pub(super) fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Number(number) => number.to_string(),
    };
    match text.chars().count() > 120 {
        true => text.chars().take(119).chain(['…']).collect(),
        false => text,
    }
}
