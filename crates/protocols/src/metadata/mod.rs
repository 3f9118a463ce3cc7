//! Metadata: what the service publishes about itself, and what it takes over from a relying party's document
//! (SAML metadata; WS-Federation 1.2, section 3).

pub mod federation_metadata;
pub mod service_provider;

/// Namespace of SAML metadata.
const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
/// Namespace of WS-Federation.
const FEDERATION: &str = "http://docs.oasis-open.org/wsfed/federation/200706";
/// Namespace of WS-Addressing.
const ADDRESSING: &str = "http://www.w3.org/2005/08/addressing";
/// Namespace of schema instances: `xsi:type`.
const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// Namespace of XML signatures.
const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
