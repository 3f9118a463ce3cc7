//! The history as it travels between nodes: entries octet for octet, linked by hashes.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use base::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Change, Head, Kind};

/// One entry of the history with all that another node needs to repeat it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where in the history, and the epoch under which it was written.
    pub head: Head,
    /// Kind.
    pub kind: Kind,
    /// Identifier.
    pub id: String,
    /// Version after the change.
    pub version: u64,
    /// The object as JSON, octet for octet as its writer stored it; `None` is a tombstone.
    pub body: Option<String>,
    /// Names by which the object is found: (index, value).
    pub keys: Vec<(String, String)>,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// Whether it is the last step of its write: only there may a copy pause.
    pub last: bool,
}

impl TryFrom<Entry> for Change {
    type Error = serde_json::Error;

    fn try_from(entry: Entry) -> Result<Self, serde_json::Error> {
        Ok(Self {
            head: entry.head,
            kind: entry.kind,
            id: entry.id,
            version: entry.version,
            body: entry.body.as_deref().map(serde_json::from_str).transpose()?,
            at: entry.at,
            by: entry.by,
        })
    }
}

/// A hash (SHA-256) over an entry and everything before it. Two histories with the same link at a serial number
/// are the same up to there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Chain([u8; 32]);

impl Chain {
    /// The link before the first entry.
    pub const START: Self = Self([0; 32]);

    /// The link after `entry`.
    pub fn after(self, entry: &Entry) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(&self.0);
        for number in [entry.head.epoch, entry.head.serial, entry.version] {
            context.update(&number.to_be_bytes());
        }
        context.update(&entry.at.as_micros().to_be_bytes());
        context.update(&[u8::from(entry.last), u8::from(entry.body.is_some())]);
        let mut text = |text: &str| {
            // With its length, so that no octet can move from one field to the next.
            context.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(text.as_bytes());
        };
        text(entry.kind.name());
        text(&entry.id);
        text(&entry.by);
        text(entry.body.as_deref().unwrap_or_default());
        for (index, value) in &entry.keys {
            text(index);
            text(value);
        }
        Self::from_digest(context.finish().as_ref()).unwrap_or(Self::START)
    }

    /// The octets, for storage.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// From stored octets; `None` when their number is not 32.
    pub(crate) fn from_digest(octets: &[u8]) -> Option<Self> {
        octets.try_into().map(Self).ok()
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Chain> for String {
    fn from(chain: Chain) -> Self {
        chain.to_string()
    }
}

impl TryFrom<String> for Chain {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        const EXPECTED: &str = "a link of the history has 64 hexadecimal digits";
        let mut octets = [0_u8; 32];
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(EXPECTED);
        }
        for (octet, pair) in octets.iter_mut().zip(digits.chunks(2)) {
            for digit in pair {
                let value = char::from(*digit).to_digit(16).ok_or(EXPECTED)?;
                *octet = octet.wrapping_shl(4) | u8::try_from(value).unwrap_or_default();
            }
        }
        Ok(Self(octets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            head: Head { epoch: 1, serial: 1 },
            kind: Kind::RelyingPartyTrust,
            id: "a".into(),
            version: 1,
            body: Some("{}".into()),
            keys: vec![("identifier".into(), "urn:a".into())],
            at: Timestamp::from_seconds(0),
            by: "administrator".into(),
            last: true,
        }
    }

    #[test]
    fn every_field_is_part_of_the_link() {
        let changes: [fn(&mut Entry); 14] = [
            |entry| entry.head.epoch = 2,
            |entry| entry.head.serial = 2,
            |entry| entry.kind = Kind::ClaimsProviderTrust,
            |entry| entry.id = "b".into(),
            |entry| entry.version = 2,
            |entry| entry.body = None,
            |entry| entry.body = Some("{} ".into()),
            |entry| entry.keys.clear(),
            |entry| entry.keys[0].1 = "urn:b".into(),
            // Octets that move from one field to the next.
            |entry| entry.keys[0] = ("identifieru".into(), "rn:a".into()),
            |entry| (entry.id, entry.by) = ("aa".into(), "dministrator".into()),
            |entry| entry.at = Timestamp::from_micros(1),
            |entry| entry.by = "Administrator".into(),
            |entry| entry.last = false,
        ];
        let link = Chain::START.after(&entry());
        assert_eq!(link, Chain::START.after(&entry()));
        assert_ne!(link, link.after(&entry()), "what was before");
        for (n, change) in changes.iter().enumerate() {
            let mut other = entry();
            change(&mut other);
            assert_ne!(Chain::START.after(&other), link, "{n}");
        }
    }

    #[test]
    fn entries_and_links_travel_as_json() {
        let link = Chain::START.after(&entry());
        assert_eq!(serde_json::from_str::<Chain>(&serde_json::to_string(&link).unwrap()).unwrap(), link);
        let text = serde_json::to_string(&entry()).unwrap();
        assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry());
        for refused in [String::new(), "0".repeat(63), "0".repeat(65), "g".repeat(64), "é".repeat(32)] {
            assert!(Chain::try_from(refused).is_err());
        }
    }
}
