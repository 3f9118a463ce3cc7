//! Claims provider trusts (`Get-AdfsClaimsProviderTrust`). The built-in one is the directory itself.

use base::Guid;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Object, Problem};

/// Somebody whose claims about users this service accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "PascalCase", default)]
#[garde(allow_unvalidated)]
pub struct ClaimsProviderTrust {
    /// Fixed identity of the trust.
    #[schemars(with = "String", extend("format" = "uuid", "x-read-only" = true))]
    pub object_identifier: Guid,
    /// Display name.
    pub name: String,
    /// Identifier; `AD AUTHORITY` for the built-in directory.
    pub identifier: String,
    /// A disabled provider signs nobody in.
    pub enabled: bool,
    /// Claim rules that filter what the provider says.
    pub acceptance_transform_rules: String,
}

impl Default for ClaimsProviderTrust {
    fn default() -> Self {
        Self {
            object_identifier: Guid::NIL,
            name: String::new(),
            identifier: String::new(),
            enabled: true,
            acceptance_transform_rules: String::new(),
        }
    }
}

impl Object for ClaimsProviderTrust {
    const KIND: &'static str = "claims-provider-trust";
    const NOUN: &'static str = "AdfsClaimsProviderTrust";

    fn id(&self) -> String {
        self.object_identifier.to_string()
    }

    fn keys(&self) -> Vec<(&'static str, String)> {
        vec![("name", self.name.clone()), ("identifier", self.identifier.clone())]
    }

    fn further_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (field, value) in [("Name", &self.name), ("Identifier", &self.identifier)] {
            if value.trim().is_empty() {
                problems.push(Problem::new(
                    field,
                    value,
                    "is empty; expected a text that no other trust has",
                ));
            }
        }
        problems
    }
}
