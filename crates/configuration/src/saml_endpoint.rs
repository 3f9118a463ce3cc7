//! SAML endpoints of partners, and how messages to them are signed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::values::named::named;

/// A SAML endpoint of a party (`New-AdfsSamlEndpoint`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct SamlEndpoint {
    /// How messages reach it.
    pub binding: SamlBinding,
    /// Its index, by which requests may name it.
    #[serde(default)]
    pub index: u32,
    /// Whether it is the one to use when a request names none.
    #[serde(default)]
    pub is_default: bool,
    /// Its address.
    pub location: String,
    /// What it is for.
    pub protocol: SamlProtocol,
    /// Where responses go, when elsewhere (logout).
    #[serde(default)]
    pub response_location: Option<String>,
}

named! {
    /// SAML endpoint protocols.
    pub enum SamlProtocol {
        /// Receives responses.
        AssertionConsumer = "SAMLAssertionConsumer",
        /// Takes part in single logout.
        Logout = "SAMLLogout",
        /// Resolves artifacts.
        ArtifactResolution = "SAMLArtifactResolution",
        /// Receives requests.
        SingleSignOn = "SAMLSingleSignOn",
    }
}

named! {
    /// SAML bindings.
    pub enum SamlBinding {
        /// `urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST`
        Post = "POST",
        /// `urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect`
        Redirect = "Redirect",
        /// `urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact`
        Artifact = "Artifact",
        /// `urn:oasis:names:tc:SAML:2.0:bindings:SOAP`
        Soap = "SOAP",
    }
}

named! {
    /// Which part of a SAML response is signed.
    pub enum SamlResponseSignature {
        /// The assertion (default).
        AssertionOnly = "AssertionOnly",
        /// The response around it.
        MessageOnly = "MessageOnly",
        /// Both.
        MessageAndAssertion = "MessageAndAssertion",
    }
}

impl SamlResponseSignature {
    /// Whether the assertion carries a signature of its own.
    pub fn signs_assertion(self) -> bool {
        matches!(self, Self::AssertionOnly | Self::MessageAndAssertion)
    }

    /// Whether the response around the assertion is signed.
    pub fn signs_message(self) -> bool {
        matches!(self, Self::MessageOnly | Self::MessageAndAssertion)
    }
}

named! {
    /// Signature algorithms of AD FS; SHA-1 is not offered here.
    pub enum SignatureAlgorithm {
        /// RSA with SHA-256.
        RsaSha256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    }
}
