//! Relying party trusts (`Get-AdfsRelyingPartyTrust`).

use std::collections::BTreeMap;

use base::{Guid, Timestamp};
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::values::date_time;
use crate::{
    AllowedClientTypes, DeviceAuthenticationMethod, Flags, Object, Problem, ProtocolProfile,
    RefreshTokenIssuanceDeviceTypes, RevocationSetting, SamlBinding, SamlEndpoint, SamlProtocol,
    SamlResponseSignature, SignatureAlgorithm,
};

/// An application that takes tokens from this service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "PascalCase", default)]
#[garde(allow_unvalidated)]
pub struct RelyingPartyTrust {
    /// Authentication contexts of which the sign-in must have one.
    #[schemars(extend("x-effect" = "protects"))]
    pub allowed_authentication_class_references: Vec<String>,
    /// How far the encryption certificate is checked for revocation.
    #[schemars(extend("x-effect" = "none"))]
    pub encryption_certificate_revocation_check: RevocationSetting,
    /// A web application proxy publishes the application.
    #[schemars(extend("x-effect" = "none", "x-read-only" = true))]
    pub published_through_proxy: bool,
    /// How far certificates that sign requests are checked for revocation.
    #[schemars(extend("x-effect" = "none"))]
    pub signing_certificate_revocation_check: RevocationSetting,
    /// Where WS-Federation responses go.
    #[serde(rename = "WSFedEndpoint")]
    pub ws_fed_endpoint: Option<String>,
    /// Further addresses that `wreply` may name.
    #[serde(rename = "AdditionalWSFedEndpoint")]
    pub additional_ws_fed_endpoint: Vec<String>,
    /// Names of the claims providers whose users get tokens; all when empty.
    #[schemars(extend("x-effect" = "protects"))]
    pub claims_provider_name: Vec<String>,
    /// Claim types that the application says it takes, for the record.
    #[schemars(extend("x-effect" = "none"))]
    pub claims_accepted: Vec<String>,
    /// Tokens are encrypted when there is an encryption certificate.
    #[schemars(extend("x-effect" = "none"))]
    pub encrypt_claims: bool,
    /// A disabled trust gets no tokens: requests are answered as if it did not exist.
    pub enabled: bool,
    /// Certificate (DER, Base64) for which tokens are encrypted.
    #[schemars(extend("x-effect" = "protects"))]
    pub encryption_certificate: Option<String>,
    /// Identifiers (`wtrealm`, SAML entity id), compared octet by octet, each unique in the farm.
    #[garde(length(max = 1_000))]
    pub identifier: Vec<String>,
    /// Time by which NotBefore lies before the issue.
    #[garde(range(max = 15))]
    #[schemars(extend("x-unit" = "minutes"))]
    pub not_before_skew: u32,
    /// Tokens are JSON web tokens.
    #[serde(rename = "EnableJWT")]
    #[schemars(extend("x-effect" = "none"))]
    pub enable_jwt: bool,
    /// Every request asks for credentials, whatever session exists.
    pub always_require_authentication: bool,
    /// Free text of the administrator.
    pub notes: String,
    /// The organisation behind the application, as its metadata tells.
    pub organization_info: String,
    /// Fixed identity of the trust.
    #[schemars(with = "String", extend("x-read-only" = true, "format" = "uuid"))]
    pub object_identifier: Guid,
    /// Addresses of the application outside and inside of the proxy.
    #[schemars(extend("x-effect" = "none", "x-read-only" = true))]
    pub proxy_endpoint_mappings: BTreeMap<String, String>,
    /// Addresses that a proxy may send tokens to.
    #[schemars(extend("x-effect" = "none", "x-read-only" = true))]
    pub proxy_trusted_endpoints: Vec<String>,
    /// Protocols that the application speaks. The endpoints decide here.
    #[schemars(extend("x-effect" = "none"))]
    pub protocol_profile: ProtocolProfile,
    /// Certificates (DER, Base64) that may sign this party's requests.
    pub request_signing_certificate: Vec<String>,
    /// The NameID of logout requests is encrypted.
    #[schemars(extend("x-effect" = "protects"))]
    pub encrypted_name_id_required: bool,
    /// Unsigned SAML requests are refused.
    pub signed_saml_requests_required: bool,
    /// SAML endpoints.
    pub saml_endpoints: Vec<SamlEndpoint>,
    /// Which part of a SAML response is signed.
    pub saml_response_signature: SamlResponseSignature,
    /// Signature algorithm of tokens and messages.
    pub signature_algorithm: SignatureAlgorithm,
    /// Life of tokens; 0 means 60.
    #[garde(range(max = 2_147_483_647))]
    #[schemars(extend("x-unit" = "minutes"))]
    pub token_lifetime: u32,
    /// OAuth clients that may ask for tokens for this application.
    #[schemars(extend("x-effect" = "none"))]
    pub allowed_client_types: Flags<AllowedClientTypes>,
    /// Devices that get OAuth refresh tokens.
    #[serde(rename = "IssueOAuthRefreshTokensTo")]
    #[schemars(extend("x-effect" = "none"))]
    pub issue_oauth_refresh_tokens_to: RefreshTokenIssuanceDeviceTypes,
    /// Refresh tokens are bound to the device.
    #[schemars(extend("x-effect" = "none"))]
    pub refresh_token_protection_enabled: bool,
    /// Claims providers are asked for a second factor.
    #[serde(rename = "RequestMFAFromClaimsProviders")]
    #[schemars(extend("x-effect" = "protects"))]
    pub request_mfa_from_claims_providers: bool,
    /// Application group of which the trust is a part.
    #[schemars(extend("x-effect" = "none", "x-read-only" = true))]
    pub scope_group_id: Option<String>,
    /// Name by which that application group is known.
    #[schemars(extend("x-effect" = "none", "x-read-only" = true))]
    pub scope_group_identifier: Option<String>,
    /// How devices prove themselves; the global policy decides when empty.
    #[schemars(extend("x-effect" = "none"))]
    pub device_authentication_method: Option<DeviceAuthenticationMethod>,
    /// Display name, unique in the farm.
    #[garde(length(max = 255))]
    pub name: String,
    /// Changes of the metadata are taken over by themselves.
    #[schemars(extend("x-effect" = "none"))]
    pub auto_update_enabled: bool,
    /// The metadata is looked at every `MonitoringInterval`.
    #[schemars(extend("x-effect" = "none"))]
    pub monitoring_enabled: bool,
    /// Where the metadata of the application is.
    #[schemars(extend("x-effect" = "none"))]
    pub metadata_url: Option<String>,
    /// The published metadata cannot be taken over.
    #[schemars(extend("x-effect" = "none", "x-read-only" = true))]
    pub conflict_with_published_policy: bool,
    /// Claim rules that permit or deny. Where there are any, there is no access control policy.
    pub issuance_authorization_rules: String,
    /// Claim rules that make the token's claims.
    pub issuance_transform_rules: String,
    /// Claim rules that say who may act for a user.
    #[schemars(extend("x-effect" = "none"))]
    pub delegation_authorization_rules: String,
    /// Whether the metadata could be read the last time.
    #[schemars(extend("x-effect" = "none", "x-read-only" = true))]
    pub last_published_policy_check_successful: Option<bool>,
    /// When metadata was last taken over; 1900 when never.
    #[serde(with = "date_time")]
    #[schemars(with = "date_time::DateTime", extend("x-effect" = "none", "x-read-only" = true))]
    pub last_update_time: Timestamp,
    /// When metadata was last looked at; 1900 when never.
    #[serde(with = "date_time")]
    #[schemars(with = "date_time::DateTime", extend("x-effect" = "none", "x-read-only" = true))]
    pub last_monitored_time: Timestamp,
    /// Claim rules that say who may impersonate a user.
    #[schemars(extend("x-effect" = "none"))]
    pub impersonation_authorization_rules: String,
    /// Claim rules that ask for a second factor.
    #[schemars(extend("x-effect" = "protects"))]
    pub additional_authentication_rules: String,
    /// Policy that permits or denies. Without a policy and without `IssuanceAuthorizationRules` nobody is
    /// permitted.
    #[serde(default)]
    #[schemars(extend("default" = "Permit everyone"))]
    pub access_control_policy_name: Option<String>,
    /// Parameters of the policy.
    #[schemars(extend("x-effect" = "protects"))]
    pub access_control_policy_parameters: Value,
    /// The policy with its parameters filled in, as text.
    #[schemars(extend("x-effect" = "none", "x-read-only" = true))]
    pub resultant_policy: Option<String>,

    // Not a property of AD FS, which takes the token type from the request.
    /// Token type that WS-Federation responses hold: `urn:oasis:names:tc:SAML:1.0:assertion` or
    /// `urn:oasis:names:tc:SAML:2.0:assertion`.
    #[schemars(extend("x-own" = true))]
    pub ws_fed_token_type: String,
}

/// Token type URI of SAML 1.1 assertions.
pub const SAML_11: &str = "urn:oasis:names:tc:SAML:1.0:assertion";
/// Token type URI of SAML 2.0 assertions.
pub const SAML_20: &str = "urn:oasis:names:tc:SAML:2.0:assertion";

/// Identifier of the built-in Claims X-Ray party; the same as AD FS's Claims X-Ray has.
pub const CLAIMS_XRAY: &str = "urn:microsoft:adfs:claimsxray";
/// Identifier under which Claims X-Ray gets SAML 2.0 tokens by WS-Federation.
pub const CLAIMS_XRAY_SAML20: &str = "urn:microsoft:adfs:claimsxray:saml20";

/// The access control policy of a new trust.
const PERMIT_EVERYONE: &str = "Permit everyone";

impl Default for RelyingPartyTrust {
    fn default() -> Self {
        Self {
            allowed_authentication_class_references: Vec::new(),
            encryption_certificate_revocation_check: RevocationSetting::CheckChainExcludeRoot,
            published_through_proxy: false,
            signing_certificate_revocation_check: RevocationSetting::CheckChainExcludeRoot,
            ws_fed_endpoint: None,
            additional_ws_fed_endpoint: Vec::new(),
            claims_provider_name: Vec::new(),
            claims_accepted: Vec::new(),
            encrypt_claims: true,
            enabled: true,
            encryption_certificate: None,
            identifier: Vec::new(),
            not_before_skew: 0,
            enable_jwt: false,
            always_require_authentication: false,
            notes: String::new(),
            organization_info: String::new(),
            object_identifier: Guid::NIL,
            proxy_endpoint_mappings: BTreeMap::new(),
            proxy_trusted_endpoints: Vec::new(),
            protocol_profile: ProtocolProfile::WsFedSaml,
            request_signing_certificate: Vec::new(),
            encrypted_name_id_required: false,
            signed_saml_requests_required: false,
            saml_endpoints: Vec::new(),
            saml_response_signature: SamlResponseSignature::AssertionOnly,
            signature_algorithm: SignatureAlgorithm::RsaSha256,
            token_lifetime: 0,
            allowed_client_types: Flags::of([AllowedClientTypes::Public, AllowedClientTypes::Confidential]),
            issue_oauth_refresh_tokens_to: RefreshTokenIssuanceDeviceTypes::AllDevices,
            refresh_token_protection_enabled: true,
            request_mfa_from_claims_providers: false,
            scope_group_id: None,
            scope_group_identifier: None,
            device_authentication_method: None,
            name: String::new(),
            auto_update_enabled: false,
            monitoring_enabled: false,
            metadata_url: None,
            conflict_with_published_policy: false,
            issuance_authorization_rules: String::new(),
            issuance_transform_rules: String::new(),
            delegation_authorization_rules: String::new(),
            last_published_policy_check_successful: None,
            last_update_time: date_time::year_1900(),
            last_monitored_time: date_time::year_1900(),
            impersonation_authorization_rules: String::new(),
            additional_authentication_rules: String::new(),
            access_control_policy_name: Some(PERMIT_EVERYONE.to_owned()),
            access_control_policy_parameters: Value::Null,
            resultant_policy: None,
            ws_fed_token_type: SAML_11.to_owned(),
        }
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

    /// The claim rules that permit or deny: the trust's own, or those of its access control policy. Without either
    /// nobody is permitted.
    pub fn authorization_rules(&self) -> &str {
        if !self.issuance_authorization_rules.trim().is_empty() {
            return &self.issuance_authorization_rules;
        }
        match self.access_control_policy_name.as_deref() {
            Some(PERMIT_EVERYONE) => claims::defaults::PERMIT_EVERYONE.as_str(),
            _ => "",
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

    /// Rules of its own take a trust away from its policy, as in AD FS.
    fn settle(&mut self) {
        if !self.issuance_authorization_rules.trim().is_empty() {
            self.access_control_policy_name = None;
        }
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
        if let Some(name) = self.access_control_policy_name.as_deref().filter(|name| *name != PERMIT_EVERYONE)
        {
            let expected = format!(
                "is not an access control policy of this version; expected '{PERMIT_EVERYONE}', or no policy and IssuanceAuthorizationRules"
            );
            problems.push(Problem::new("AccessControlPolicyName", name, expected));
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
