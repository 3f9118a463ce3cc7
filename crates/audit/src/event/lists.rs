//! 500, 501, 510: lists of any length in entries of 21 items; 413 and 1000: who made a request.

use std::fmt;
use std::sync::Arc;

use base::Guid;
use claims::{Claim, types};
use serde::de::{Error as _, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Text;

/// Items of an entry after the instance.
const ITEMS: usize = 20;
/// Characters of a chunk of a 510.
const CHUNK: usize = 1_000;

/// Claims as 500 and 501 hold them: type and value. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPairs(Arc<[(Text, Text)]>);

/// Claim types whose place in this list is stored in their stead: most of a record would be these URIs else.
/// The order is part of the stored journal: only append.
const SHORT: &[&str] = &[
    types::UPN,
    types::IMPLICIT_UPN,
    types::NAME,
    types::EMAIL,
    types::GIVEN_NAME,
    types::SURNAME,
    types::NAME_IDENTIFIER,
    types::WINDOWS_ACCOUNT_NAME,
    types::ROLE,
    types::GROUP,
    types::COMMON_NAME,
    types::PRIMARY_SID,
    types::GROUP_SID,
    types::PRIMARY_GROUP_SID,
    types::AUTHENTICATION_METHOD,
    types::AUTHENTICATION_INSTANT,
    types::AUTHN_METHODS_REFERENCES,
    types::INSIDE_CORPORATE_NETWORK,
    types::CLIENT_IP,
    types::FORWARDED_CLIENT_IP,
    types::CLIENT_APPLICATION,
    types::CLIENT_USER_AGENT,
    types::PROXY,
    types::ENDPOINT_PATH,
    types::RELYING_PARTY_TRUST_ID,
    types::CLIENT_REQUEST_ID,
    types::USER_IP,
];

impl Serialize for ClaimPairs {
    /// A flat list: type (its place in [`SHORT`], or the URI), value, type, value …
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len().saturating_mul(2)))?;
        for (claim_type, value) in self.0.iter() {
            match SHORT.iter().position(|known| *known == claim_type.as_str()) {
                Some(place) => list.serialize_element(&place)?,
                None => list.serialize_element(claim_type)?,
            }
            list.serialize_element(value)?;
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for ClaimPairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items = Vec::<Item>::deserialize(deserializer)?;
        let mut items = items.into_iter().map(|Item(text)| text);
        let mut pairs = Vec::with_capacity(items.len() / 2);
        while let Some(claim_type) = items.next() {
            let value = items.next().ok_or_else(|| D::Error::custom("a claim has no value"))?;
            pairs.push((claim_type, value));
        }
        Ok(Self(pairs.into()))
    }
}

/// An item of the stored list.
struct Item(Text);

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemVisitor;
        impl Visitor<'_> for ItemVisitor {
            type Value = Item;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or the place of a known claim type")
            }

            fn visit_u64<E: serde::de::Error>(self, place: u64) -> Result<Item, E> {
                let known = usize::try_from(place).ok().and_then(|place| SHORT.get(place));
                known.map(|known| Item(Text::from(*known))).ok_or_else(|| E::custom("unknown claim type"))
            }

            fn visit_str<E>(self, text: &str) -> Result<Item, E> {
                Ok(Item(Text::from(text)))
            }
        }
        deserializer.deserialize_any(ItemVisitor)
    }
}

impl ClaimPairs {
    /// From claims, in their order.
    pub fn of<'a>(claims: impl IntoIterator<Item = &'a Claim>) -> Self {
        Self(
            claims
                .into_iter()
                .map(|claim| (Text::from(&claim.claim_type), Text::from(&claim.value)))
                .collect(),
        )
    }

    /// The pairs of type and value.
    pub fn pairs(&self) -> &[(Text, Text)] {
        &self.0
    }

    pub(super) fn fields(&self, instance: Guid) -> Vec<Vec<String>> {
        let items = self.0.iter().flat_map(|(claim_type, value)| [claim_type.to_string(), value.to_string()]);
        lists(instance, items.collect())
    }
}

/// The chunks of a 510.
pub(super) fn long_text_fields(instance: Guid, text: &str) -> Vec<Vec<String>> {
    if text.len() <= CHUNK {
        return lists(instance, vec![text.to_owned()]);
    }
    let mut chunks = vec![String::with_capacity(CHUNK)];
    for (count, character) in text.chars().enumerate() {
        if count > 0 && count % CHUNK == 0 {
            chunks.push(String::with_capacity(CHUNK));
        }
        if let Some(chunk) = chunks.last_mut() {
            chunk.push(character);
        }
    }
    lists(instance, chunks)
}

/// Items as entries of always 21: the instance, then up to 20 of them, padded with `-`.
fn lists(instance: Guid, items: Vec<String>) -> Vec<Vec<String>> {
    let mut entries = Vec::new();
    let mut items = items.into_iter().peekable();
    loop {
        let mut entry = vec![instance.to_string()];
        entry.extend(items.by_ref().take(ITEMS));
        entry.resize(ITEMS.saturating_add(1), "-".to_owned());
        entries.push(entry);
        if items.peek().is_none() {
            return entries;
        }
    }
}

/// Who made a token request: items of 413 and 1000.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerIdentity {
    /// The caller.
    pub caller: Option<Text>,
    /// The user on whose behalf a service asked.
    pub on_behalf_of: Option<Text>,
    /// The user as whom a service acts.
    pub act_as: Option<Text>,
    /// Identifier of the relying party; the service's own when the credential was not accepted.
    pub relying_party: Option<Text>,
    /// The device.
    pub device: Option<Text>,
}

impl CallerIdentity {
    pub(super) fn fields(&self, missing: fn(&Option<Text>) -> String) -> Vec<String> {
        [&self.caller, &self.on_behalf_of, &self.act_as, &self.relying_party, &self.device]
            .map(missing)
            .to_vec()
    }
}
