//! One statement about a subject.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The value type of a claim that names none: an XML Schema string.
pub const STRING: &str = "http://www.w3.org/2001/XMLSchema#string";

/// Issuer of claims made by Active Directory sign-in and by Active Directory attribute stores.
pub const AD_AUTHORITY: &str = "AD AUTHORITY";

/// Issuer of claims made by a rule that sets none.
pub const LOCAL_AUTHORITY: &str = "LOCAL AUTHORITY";

/// Issuer of claims that the service makes about itself.
pub const SELF_AUTHORITY: &str = "SELF AUTHORITY";

/// A claim: six fields, all text (reference: "The Role of Claims", AD FS documentation).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// What is stated, usually a URI of [`crate::types`].
    pub claim_type: Arc<str>,
    /// The stated value. Never empty in a claim set: an empty value is dropped.
    pub value: Arc<str>,
    /// XML Schema type of the value, a URI.
    pub value_type: Arc<str>,
    /// Who asserted it to this server.
    pub issuer: Arc<str>,
    /// Who asserted it first.
    pub original_issuer: Arc<str>,
    /// Extra facts, such as the NameID format; the keys are URIs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<Arc<str>, Arc<str>>,
}

/// Type and value tell nearly all claims apart; every evaluation hashes each of its claims, so the rest is left to
/// the comparison.
impl Hash for Claim {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.claim_type.hash(state);
        self.value.hash(state);
    }
}

impl Claim {
    /// A string claim asserted and first asserted by `issuer`.
    pub fn new(
        claim_type: impl Into<Arc<str>>,
        value: impl Into<Arc<str>>,
        issuer: impl Into<Arc<str>>,
    ) -> Self {
        let issuer = issuer.into();
        Self {
            claim_type: claim_type.into(),
            value: value.into(),
            value_type: STRING.into(),
            original_issuer: issuer.clone(),
            issuer,
            properties: BTreeMap::new(),
        }
    }

    /// The value of a property, or `""` when the claim has none of that name.
    pub fn property(&self, name: &str) -> &str {
        self.properties.get(name).map_or("", |value| value)
    }
}
