//! Relying party trusts (`Get-AdfsRelyingPartyTrust`).

use base::Guid;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::values::named::named;
use crate::{Object, Problem};

/// An application that takes tokens from this service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "PascalCase", default)]
#[garde(allow_unvalidated)]
pub struct RelyingPartyTrust {
    /// Fixed identity of the trust.
    #[schemars(with = "String", extend("format" = "uuid", "x-read-only" = true))]
    pub object_identifier: Guid,
    /// Display name, unique in the farm.
    pub name: String,
    /// Identifiers (`wtrealm`, SAML entity id), compared octet by octet, each unique in the farm.
    pub identifier: Vec<String>,
    /// A disabled trust gets no tokens: requests are answered as if it did not exist.
    pub enabled: bool,
    /// Where WS-Federation responses go.
    #[serde(rename = "WSFedEndpoint")]
    pub ws_fed_endpoint: Option<String>,
    /// Further addresses that `wreply` may name.
    #[serde(rename = "AdditionalWSFedEndpoint")]
    pub additional_ws_fed_endpoint: Vec<String>,
    /// SAML endpoints.
    pub saml_endpoints: Vec<SamlEndpoint>,
    /// Which part of a SAML response is signed.
    pub saml_response_signature: SamlResponseSignature,
    /// Certificates (DER, Base64) that may sign this party's requests.
    pub request_signing_certificate: Vec<String>,
    /// Unsigned SAML requests are refused.
    pub signed_saml_requests_required: bool,
    /// Signature algorithm of tokens and messages.
    pub signature_algorithm: SignatureAlgorithm,
    /// Life of tokens in minutes; 0 means 60.
    pub token_lifetime: u32,
    /// Minutes by which NotBefore lies before the issue, 0 to 15.
    #[garde(range(max = 15))]
    #[schemars(extend("x-unit" = "minutes"))]
    pub not_before_skew: u32,
    /// Every request asks for credentials, whatever session exists.
    pub always_require_authentication: bool,
    /// Token type that WS-Federation responses hold: `urn:oasis:names:tc:SAML:1.0:assertion` or
    /// `urn:oasis:names:tc:SAML:2.0:assertion`.
    pub ws_fed_token_type: String,
    /// Claim rules that make the token's claims.
    pub issuance_transform_rules: String,
    /// Claim rules that permit or deny; used while no access control policy is set.
    pub issuance_authorization_rules: String,
    /// Free text of the administrator.
    pub notes: String,
}

/// Token type URI of SAML 1.1 assertions.
pub const SAML_11: &str = "urn:oasis:names:tc:SAML:1.0:assertion";
/// Token type URI of SAML 2.0 assertions.
pub const SAML_20: &str = "urn:oasis:names:tc:SAML:2.0:assertion";

/// Identifier of the built-in Claims X-Ray party; the same as AD FS's Claims X-Ray has.
pub const CLAIMS_XRAY: &str = "urn:microsoft:adfs:claimsxray";
/// Identifier under which Claims X-Ray gets SAML 2.0 tokens by WS-Federation.
pub const CLAIMS_XRAY_SAML20: &str = "urn:microsoft:adfs:claimsxray:saml20";

impl Default for RelyingPartyTrust {
    fn default() -> Self {
        Self {
            object_identifier: Guid::NIL,
            name: String::new(),
            identifier: Vec::new(),
            enabled: true,
            ws_fed_endpoint: None,
            additional_ws_fed_endpoint: Vec::new(),
            saml_endpoints: Vec::new(),
            saml_response_signature: SamlResponseSignature::AssertionOnly,
            request_signing_certificate: Vec::new(),
            signed_saml_requests_required: false,
            signature_algorithm: SignatureAlgorithm::RsaSha256,
            token_lifetime: 0,
            not_before_skew: 0,
            always_require_authentication: false,
            ws_fed_token_type: SAML_11.into(),
            issuance_transform_rules: String::new(),
            issuance_authorization_rules: String::new(),
            notes: String::new(),
        }
    }
}

/// A SAML endpoint of a party (`New-AdfsSamlEndpoint`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct SamlEndpoint {
    /// What it is for.
    pub protocol: SamlProtocol,
    /// How messages reach it.
    pub binding: SamlBinding,
    /// Its address.
    pub location: String,
    /// Its index, by which requests may name it.
    #[serde(default)]
    pub index: u32,
    /// Whether it is the one to use when a request names none.
    #[serde(default)]
    pub is_default: bool,
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

impl RelyingPartyTrust {
    /// Life of a token in seconds.
    pub fn token_lifetime_seconds(&self) -> u64 {
        match self.token_lifetime {
            0 => 60 * 60,
            minutes => u64::from(minutes) * 60,
        }
    }

    /// Whether the trust lists exactly this WS-Federation address: no prefix, no case folding.
    pub fn has_ws_fed_endpoint(&self, address: &str) -> bool {
        self.ws_fed_endpoint.as_deref() == Some(address)
            || self.additional_ws_fed_endpoint.iter().any(|known| known == address)
    }

    /// Assertion consumer endpoints that this service can post to, the default first.
    pub fn assertion_consumers(&self) -> impl Iterator<Item = &SamlEndpoint> {
        let consumers = |endpoint: &&SamlEndpoint| {
            endpoint.protocol == SamlProtocol::AssertionConsumer && endpoint.binding == SamlBinding::Post
        };
        let first = self.saml_endpoints.iter().filter(consumers).filter(|endpoint| endpoint.is_default);
        let rest = self.saml_endpoints.iter().filter(consumers).filter(|endpoint| !endpoint.is_default);
        first.chain(rest)
    }
}

impl Object for RelyingPartyTrust {
    const KIND: &'static str = "relying-party-trust";
    const NOUN: &'static str = "AdfsRelyingPartyTrust";

    fn id(&self) -> String {
        self.object_identifier.to_string()
    }

    fn keys(&self) -> Vec<(&'static str, String)> {
        let identifiers = self.identifier.iter().map(|identifier| ("identifier", identifier.clone()));
        [("name", self.name.clone())].into_iter().chain(identifiers).collect()
    }

    /// Claim rules are checked by their own crate.
    fn further_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.name.trim().is_empty() {
            problems.push(Problem::new("Name", &self.name, "is empty; expected a display name"));
        }
        if self.identifier.is_empty() {
            problems.push(Problem::new(
                "Identifier",
                "",
                "is empty; expected at least one identifier (a URI)",
            ));
        }
        for (at, identifier) in self.identifier.iter().enumerate() {
            if identifier.is_empty() || identifier.len() > 2_048 {
                let expected = "is not an identifier; expected 1 to 2048 characters";
                problems.push(Problem::new(format!("Identifier[{at}]"), identifier, expected));
            }
        }
        if self.ws_fed_token_type != SAML_11 && self.ws_fed_token_type != SAML_20 {
            let expected = format!("is not a token type; expected {SAML_11} or {SAML_20}");
            problems.push(Problem::new("WsFedTokenType", &self.ws_fed_token_type, expected));
        }
        let ws_fed = self.ws_fed_endpoint.iter().map(|address| ("WSFedEndpoint".to_owned(), address));
        let more = self.additional_ws_fed_endpoint.iter().enumerate();
        let more = more.map(|(at, address)| (format!("AdditionalWSFedEndpoint[{at}]"), address));
        let saml = self.saml_endpoints.iter().enumerate();
        let saml = saml.map(|(at, endpoint)| (format!("SamlEndpoints[{at}].Location"), &endpoint.location));
        for (field, address) in ws_fed.chain(more).chain(saml) {
            if let Some(expected) = address_problem(address) {
                problems.push(Problem::new(field, address, expected));
            }
        }
        if self.ws_fed_endpoint.is_none() && self.saml_endpoints.is_empty() {
            let expected =
                "and SamlEndpoints are both empty; expected at least one address to send tokens to";
            problems.push(Problem::new("WSFedEndpoint", "", expected));
        }
        problems
    }
}

/// Token addresses are absolute https URLs (http only on loopback), without user information or fragment.
fn address_problem(address: &str) -> Option<&'static str> {
    let Ok(url) = Url::parse(address) else {
        return Some("is not a URL; expected an absolute https address");
    };
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        _ => {
            return Some(
                "would carry tokens unencrypted; expected an https address (http only on localhost)",
            );
        }
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Some("holds user information; expected an address without it");
    }
    if url.fragment().is_some() {
        return Some("holds a fragment; expected an address without it");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust() -> RelyingPartyTrust {
        RelyingPartyTrust {
            name: "App".into(),
            identifier: vec!["urn:app".into()],
            ws_fed_endpoint: Some("https://app.example.com/".into()),
            ..Default::default()
        }
    }

    #[test]
    fn a_sound_trust_has_no_problems_and_survives_json() {
        assert_eq!(trust().problems(), []);
        let json = serde_json::to_value(trust()).unwrap();
        assert_eq!(json["WSFedEndpoint"], "https://app.example.com/");
        assert_eq!(serde_json::from_value::<RelyingPartyTrust>(json).unwrap(), trust());
    }

    #[test]
    fn every_problem_is_named_with_field_value_and_remedy() {
        let bad = RelyingPartyTrust {
            not_before_skew: 16,
            ws_fed_endpoint: Some("http://app.example.com/".into()),
            additional_ws_fed_endpoint: vec!["https://u@app.example.com/#x".into()],
            ..trust()
        };
        let text: Vec<String> = bad.problems().iter().map(ToString::to_string).collect();
        assert_eq!(text[0], "NotBeforeSkew: '16' is out of range; expected 0 to 15 minutes");
        assert!(
            text[1].starts_with("WSFedEndpoint: 'http://app.example.com/' would carry tokens unencrypted")
        );
        assert!(text[2].starts_with("AdditionalWSFedEndpoint[0]"));
    }

    #[test]
    fn reply_addresses_are_compared_octet_by_octet() {
        let trust = trust();
        assert!(trust.has_ws_fed_endpoint("https://app.example.com/"));
        for other in ["https://app.example.com", "https://APP.example.com/", "https://app.example.com/x"] {
            assert!(!trust.has_ws_fed_endpoint(other), "{other}");
        }
    }
}
