//! 500, 501, 510: lists of any length in entries of 21 items; 413 and 1000: who made a request.

use std::sync::Arc;

use base::Guid;
use claims::Claim;
use serde::{Deserialize, Serialize};

use crate::Text;

/// Items of an entry after the instance.
const ITEMS: usize = 20;
/// Characters of a chunk of a 510.
const CHUNK: usize = 1_000;

/// Claims as 500 and 501 hold them: type and value. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClaimPairs(Arc<[(Text, Text)]>);

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
