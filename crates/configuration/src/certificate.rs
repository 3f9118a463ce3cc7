//! Certificates of the service (`Get-AdfsCertificate`).

use base::Timestamp;
use serde::{Deserialize, Serialize};

/// What a certificate is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum CertificateType {
    /// Signs tokens and metadata.
    #[serde(rename = "Token-Signing")]
    TokenSigning,
    /// Decrypts what partners encrypt for this service.
    #[serde(rename = "Token-Decrypting")]
    TokenDecrypting,
    /// Secures the connections (TLS).
    #[serde(rename = "Service-Communications")]
    ServiceCommunications,
}

/// A certificate and its private key, the key sealed under the farm master key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Certificate {
    /// Use.
    pub certificate_type: CertificateType,
    /// SHA-1 of the DER, upper-case hexadecimal: the name administrators use.
    pub thumbprint: String,
    /// Whether this is the one in use among those of its type.
    pub is_primary: bool,
    /// The certificate, DER in Base64.
    pub certificate: String,
    /// Issuers below the root, DER in Base64, nearest first.
    #[serde(default)]
    pub chain: Vec<String>,
    /// PKCS#8 document, sealed under the farm master key and bound to `thumbprint`.
    pub sealed_key: String,
    /// Start of validity.
    pub not_before: Timestamp,
    /// End of validity.
    pub not_after: Timestamp,
}
