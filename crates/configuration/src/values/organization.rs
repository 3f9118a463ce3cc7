//! Who stands behind a service or a partner.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::enumerations::ContactType;

/// An organisation (`New-AdfsOrganization`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct Organization {
    /// Name for people.
    pub display_name: String,
    /// Name.
    pub name: String,
    /// Its web site.
    pub organization_url: String,
}

/// A person or desk (`New-AdfsContactPerson`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ContactPerson {
    /// Company.
    pub company: String,
    /// What the contact is for.
    pub contact_type: ContactType,
    /// Addresses for mail.
    pub email_addresses: Vec<String>,
    /// First name.
    pub given_name: String,
    /// Telephone numbers.
    pub phone_numbers: Vec<String>,
    /// Last name.
    pub surname: String,
}

impl Default for ContactPerson {
    fn default() -> Self {
        Self {
            company: String::new(),
            contact_type: ContactType::Support,
            email_addresses: Vec::new(),
            given_name: String::new(),
            phone_numbers: Vec::new(),
            surname: String::new(),
        }
    }
}
