//! Certificates of the service (`Get-AdfsCertificate`).

use base::Timestamp;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::values::{date_time, named::named};
use crate::{Named, Object, Problem};

named! {
    /// What a certificate is used for.
    pub enum CertificateType {
        /// Signs tokens and metadata.
        TokenSigning = "Token-Signing",
        /// Decrypts what partners encrypt for this service.
        TokenDecrypting = "Token-Decrypting",
        /// Secures the connections (TLS).
        ServiceCommunications = "Service-Communications",
    }
}

/// A certificate and its private key, the key sealed under the farm master key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "PascalCase", default)]
#[garde(allow_unvalidated)]
pub struct Certificate {
    /// The certificate, DER in Base64.
    #[schemars(extend("x-read-only" = true))]
    pub certificate: String,
    /// Use.
    #[schemars(extend("x-read-only" = true))]
    pub certificate_type: CertificateType,
    /// Whether this is the one in use among those of its type.
    pub is_primary: bool,
    /// Where AD FS looks for the certificate: in the store of the service's account.
    #[schemars(extend("x-read-only" = true))]
    pub store_location: String,
    /// Name of that store.
    #[schemars(extend("x-read-only" = true))]
    pub store_name: String,
    /// SHA-1 of the DER, upper-case hexadecimal: the name administrators use.
    #[schemars(extend("x-read-only" = true))]
    pub thumbprint: String,
    /// Issuers below the root, DER in Base64, nearest first.
    #[schemars(extend("x-read-only" = true, "x-own" = true))]
    pub chain: Vec<String>,
    /// PKCS#8 document, sealed under the farm master key and bound to `thumbprint`.
    #[schemars(extend("x-read-only" = true, "x-own" = true, "x-secret" = true))]
    pub sealed_key: String,
    /// Start of validity.
    #[serde(with = "date_time")]
    #[schemars(with = "date_time::DateTime", extend("x-read-only" = true, "x-own" = true))]
    pub not_before: Timestamp,
    /// End of validity.
    #[serde(with = "date_time")]
    #[schemars(with = "date_time::DateTime", extend("x-read-only" = true, "x-own" = true))]
    pub not_after: Timestamp,
}

impl Default for Certificate {
    fn default() -> Self {
        Self {
            certificate: String::new(),
            certificate_type: CertificateType::TokenSigning,
            is_primary: false,
            store_location: "CurrentUser".to_owned(),
            store_name: "My".to_owned(),
            thumbprint: String::new(),
            chain: Vec::new(),
            sealed_key: String::new(),
            not_before: Timestamp::from_micros(0),
            not_after: Timestamp::from_micros(0),
        }
    }
}

impl Object for Certificate {
    const KIND: &'static str = "certificate";
    const NOUN: &'static str = "AdfsCertificate";

    fn id(&self) -> String {
        format!("{}:{}", self.certificate_type.name(), self.thumbprint)
    }

    fn further_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        problems.extend(thumbprint_problem("Thumbprint", &self.thumbprint));
        for (field, value) in [("Certificate", &self.certificate), ("SealedKey", &self.sealed_key)] {
            if value.is_empty() {
                problems.push(Problem::new(
                    field,
                    "",
                    "is empty; expected what the import of a certificate makes",
                ));
            }
        }
        if self.not_after < self.not_before {
            let expected = format!("lies before NotBefore, {}; expected a later date", self.not_before);
            problems.push(Problem::new("NotAfter", self.not_after, expected));
        }
        problems
    }
}

/// Thumbprints are stored in one spelling; people may write them with blanks and in lower case elsewhere.
pub(crate) fn thumbprint_problem(field: &str, thumbprint: &str) -> Option<Problem> {
    let upper = |byte: u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte);
    let right = thumbprint.len() == 40 && thumbprint.bytes().all(upper);
    (!right).then(|| {
        let expected = "is not a thumbprint; expected 40 hexadecimal digits in upper case";
        Problem::new(field, thumbprint, expected)
    })
}
