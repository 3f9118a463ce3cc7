//! GUIDs as AD FS writes them: lower case, with dashes, without braces.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Random;

/// A 128-bit identifier.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Guid(Uuid);

impl Guid {
    /// The all-zero value: "no id" in audits.
    pub const NIL: Self = Self(Uuid::nil());

    /// A random version 4 GUID (RFC 9562).
    pub fn random(random: &dyn Random) -> Self {
        Self(uuid::Builder::from_random_bytes(random.bytes()).into_uuid())
    }

    /// The bytes in network order.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// From 16 bytes in network order.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// An XML identifier (`_` + GUID), which is an NCName even when the GUID begins with a digit.
    pub fn to_xml_id(&self) -> String {
        format!("_{}", self.0)
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text is not a GUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a GUID; expected a value like 7f5e2a60-0c3b-4d83-9a52-1e9c8f8d2b11")]
pub struct GuidError(String);

impl FromStr for Guid {
    type Err = GuidError;

    /// Accepts upper case and braces too.
    fn from_str(text: &str) -> Result<Self, GuidError> {
        Uuid::try_parse(text.trim()).map(Self).map_err(|_| GuidError(text.chars().take(64).collect()))
    }
}

/// The correlation id of one request: `client-request-id` when the client sent one, else made here.
/// It joins the error page, the audits, the journal and the redirects of that request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActivityId(pub Guid);

impl fmt::Display for ActivityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ActivityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededRandom;

    #[test]
    fn braces_and_upper_case_are_read_and_lower_case_is_written() {
        let guid: Guid = "{7F5E2A60-0C3B-4D83-9A52-1E9C8F8D2B11}".parse().unwrap();
        assert_eq!(guid.to_string(), "7f5e2a60-0c3b-4d83-9a52-1e9c8f8d2b11");
        assert_eq!(guid.to_xml_id(), "_7f5e2a60-0c3b-4d83-9a52-1e9c8f8d2b11");
        assert!("7f5e2a60".parse::<Guid>().is_err());
    }

    #[test]
    fn random_guids_are_version_four() {
        let guid = Guid::random(&SeededRandom::new(1)).to_string();
        assert_eq!(guid.as_bytes()[14], b'4');
    }
}
