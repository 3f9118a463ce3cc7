//! Security tokens: SAML 1.1 and SAML 2.0 assertions, written for relying parties and accepted from issuers.
//!
//! Pure: identifiers, times and certificates are parameters. Signing is in two phases: [`saml11::Assertion`]
//! and [`saml2::Assertion`] prepare the bytes to sign ([`xml::ToSign`]), the private key stays in its own
//! crate, and the signature is attached to what was prepared.

mod content;
mod error;
pub mod read;
pub mod saml11;
pub mod saml2;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod validate;
mod write;

pub use error::{Shown, TokenError};
pub use validate::{Expectations, InResponseTo, TrustedIssuer, ValidatedToken, ValidationProblem};

/// Versions of SAML assertions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// SAML 1.1, namespace `urn:oasis:names:tc:SAML:1.0:assertion`.
    Saml11,
    /// SAML 2.0, namespace `urn:oasis:names:tc:SAML:2.0:assertion`.
    Saml20,
}

impl Version {
    /// The namespace of the assertion, which is the token type URI as well.
    pub fn namespace(self) -> &'static str {
        match self {
            Self::Saml11 => "urn:oasis:names:tc:SAML:1.0:assertion",
            Self::Saml20 => "urn:oasis:names:tc:SAML:2.0:assertion",
        }
    }

    /// The version that a token type URI names, such as `WsFedTokenType` of a trust.
    pub fn from_token_type(uri: &str) -> Option<Self> {
        [Self::Saml11, Self::Saml20].into_iter().find(|version| version.namespace() == uri)
    }

    /// The confirmation method by which whoever bears the token is its subject.
    pub(crate) fn bearer(self) -> &'static str {
        match self {
            Self::Saml11 => "urn:oasis:names:tc:SAML:1.0:cm:bearer",
            Self::Saml20 => "urn:oasis:names:tc:SAML:2.0:cm:bearer",
        }
    }
}

/// Namespace of the attribute that names the first issuer of a claim.
pub(crate) const IDENTITY_CLAIMS: &str = "http://schemas.xmlsoap.org/ws/2009/09/identity/claims";
