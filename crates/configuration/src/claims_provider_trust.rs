//! Claims provider trusts (`Get-AdfsClaimsProviderTrust`). The built-in one is the directory itself.

use base::Guid;
use serde::{Deserialize, Serialize};

/// Somebody whose claims about users this service accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ClaimsProviderTrust {
    /// Fixed identity of the trust.
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
