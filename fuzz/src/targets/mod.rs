//! The targets, by whose words they read.

pub(crate) mod browser;
pub(crate) mod claim_rules;
pub(crate) mod files;
pub(crate) mod messages;
pub(crate) mod signed;
pub(crate) mod xml_text;
