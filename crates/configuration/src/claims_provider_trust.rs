//! Claims provider trusts (`Get-AdfsClaimsProviderTrust`). The built-in one is the directory itself.

use base::{Guid, Timestamp};
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::values::date_time;
use crate::{
    Object, Problem, PromptLoginFederation, ProtocolProfile, RevocationSetting,
    SamlAuthenticationRequestParameters, SamlEndpoint, SignatureAlgorithm,
};

/// Somebody whose claims about users this service accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "PascalCase", default)]
#[garde(allow_unvalidated)]
pub struct ClaimsProviderTrust {
    /// Requests let the provider make a new identity for the user.
    #[schemars(extend("x-effect" = "none"))]
    pub allow_create: bool,
    /// Changes of the metadata are taken over by themselves.
    #[schemars(extend("x-effect" = "none"))]
    pub auto_update_enabled: bool,
    /// The provider can ask for a second factor.
    #[serde(rename = "SupportsMFA")]
    #[schemars(extend("x-effect" = "none"))]
    pub supports_mfa: bool,
    /// Where WS-Federation requests go.
    #[serde(rename = "WSFedEndpoint")]
    #[schemars(extend("x-effect" = "none"))]
    pub ws_fed_endpoint: Option<String>,
    /// Claim types that the provider says it sends, for the record.
    #[schemars(extend("x-effect" = "none"))]
    pub claims_offered: Vec<String>,
    /// The published metadata cannot be taken over.
    #[schemars(extend("x-effect" = "none", "x-read-only" = true))]
    pub conflict_with_published_policy: bool,
    /// Authentication context by which the provider is asked for a second factor.
    #[serde(rename = "CustomMFAUri")]
    #[schemars(extend("x-effect" = "none"))]
    pub custom_mfa_uri: Option<String>,
    /// Certificate (DER, Base64) for which messages to the provider are encrypted.
    #[schemars(extend("x-effect" = "protects"))]
    pub encryption_certificate: Option<String>,
    /// How far the encryption certificate is checked for revocation.
    #[schemars(extend("x-effect" = "none"))]
    pub encryption_certificate_revocation_check: RevocationSetting,
    /// How far certificates that sign tokens are checked for revocation.
    #[schemars(extend("x-effect" = "none"))]
    pub signing_certificate_revocation_check: RevocationSetting,
    /// When metadata was last looked at; 1900 when never.
    #[serde(with = "date_time")]
    #[schemars(with = "date_time::DateTime", extend("x-effect" = "none", "x-read-only" = true))]
    pub last_monitored_time: Timestamp,
    /// Whether the metadata could be read the last time.
    #[schemars(extend("x-effect" = "none", "x-read-only" = true))]
    pub last_published_policy_check_successful: Option<bool>,
    /// When metadata was last taken over; 1900 when never.
    #[serde(with = "date_time")]
    #[schemars(with = "date_time::DateTime", extend("x-effect" = "none", "x-read-only" = true))]
    pub last_update_time: Timestamp,
    /// Where the metadata of the provider is.
    #[schemars(extend("x-effect" = "none"))]
    pub metadata_url: Option<String>,
    /// The metadata is looked at every `MonitoringInterval`.
    #[schemars(extend("x-effect" = "none"))]
    pub monitoring_enabled: bool,
    /// The organisation behind the provider, as its metadata tells.
    pub organization_info: String,
    /// Format of the NameID that requests ask for.
    #[schemars(extend("x-effect" = "none"))]
    pub required_name_id_format: Option<String>,
    /// The NameID of logout requests is encrypted.
    #[schemars(extend("x-effect" = "protects"))]
    pub encrypted_name_id_required: bool,
    /// Unsigned SAML requests of the provider are refused.
    #[schemars(extend("x-effect" = "protects"))]
    pub signed_saml_requests_required: bool,
    /// Index that requests name when `SamlAuthenticationRequestParameters` says so.
    #[schemars(extend("x-effect" = "none"))]
    pub saml_authentication_request_index: u16,
    /// How requests name the place of the answer.
    #[schemars(extend("x-effect" = "none"))]
    pub saml_authentication_request_parameters: SamlAuthenticationRequestParameters,
    /// Binding that requests ask for: `Artifact`, `POST`, `Redirect` or nothing.
    #[schemars(extend("x-effect" = "none"))]
    pub saml_authentication_request_protocol_binding: String,
    /// SAML endpoints.
    #[schemars(extend("x-effect" = "none"))]
    pub saml_endpoints: Vec<SamlEndpoint>,
    /// Signature algorithm of messages to the provider.
    #[schemars(extend("x-effect" = "none"))]
    pub signature_algorithm: SignatureAlgorithm,
    /// Certificates (DER, Base64) that may sign the provider's tokens.
    #[schemars(extend("x-effect" = "none"))]
    pub token_signing_certificates: Vec<String>,
    /// Attribute of the directory by which users may sign in as well.
    #[serde(rename = "AlternateLoginID")]
    #[schemars(extend("x-effect" = "none"))]
    pub alternate_login_id: Option<String>,
    /// Forests in which that attribute is looked up.
    #[schemars(extend("x-effect" = "none"))]
    pub lookup_forests: Vec<String>,
    /// How `prompt=login` is passed on to the provider.
    #[schemars(extend("x-effect" = "none"))]
    pub prompt_login_federation: PromptLoginFederation,
    /// Authentication that the fallback of `PromptLoginFederation` asks for.
    #[schemars(extend("x-effect" = "none"))]
    pub prompt_login_fallback_authentication_type: Option<String>,
    /// Group of claims providers of which the trust is a part.
    #[schemars(extend("x-effect" = "none", "x-read-only" = true))]
    pub authority_group_id: Option<String>,
    /// Name by which that group is known.
    #[schemars(extend("x-effect" = "none", "x-read-only" = true))]
    pub authority_group_identifier: Option<String>,
    /// Claim type that tells the provider's users apart.
    #[schemars(extend("x-effect" = "none"))]
    pub anchor_claim_type: Option<String>,
    /// What identifies the provider.
    #[schemars(extend("x-effect" = "none", "x-read-only" = true))]
    pub identifier_type: String,
    /// Identities of the provider, of the type above.
    #[schemars(extend("x-effect" = "none", "x-read-only" = true))]
    pub identities: Vec<String>,
    /// Claim rules that filter what the provider says.
    pub acceptance_transform_rules: String,
    /// Ends of user names whose users belong to this provider.
    #[schemars(extend("x-effect" = "none"))]
    pub organizational_account_suffix: Vec<String>,
    /// A disabled provider signs nobody in.
    #[schemars(extend("x-effect" = "protects"))]
    pub enabled: bool,
    /// The trust is an LDAP directory or the domain itself.
    #[schemars(extend("x-read-only" = true))]
    pub is_local: bool,
    /// Identifier; `AD AUTHORITY` for the built-in directory.
    #[garde(length(max = 2_048))]
    pub identifier: String,
    /// Display name, unique in the farm.
    #[garde(length(max = 255))]
    pub name: String,
    /// Free text of the administrator.
    pub notes: String,
    /// Protocols that the provider speaks.
    #[schemars(extend("x-effect" = "none"))]
    pub protocol_profile: ProtocolProfile,

    // Not a property of AD FS.
    /// Fixed identity of the trust.
    #[schemars(with = "String", extend("x-read-only" = true, "x-own" = true, "format" = "uuid"))]
    pub object_identifier: Guid,
}

impl Default for ClaimsProviderTrust {
    fn default() -> Self {
        Self {
            allow_create: true,
            auto_update_enabled: false,
            supports_mfa: false,
            ws_fed_endpoint: None,
            claims_offered: Vec::new(),
            conflict_with_published_policy: false,
            custom_mfa_uri: None,
            encryption_certificate: None,
            encryption_certificate_revocation_check: RevocationSetting::CheckChainExcludeRoot,
            signing_certificate_revocation_check: RevocationSetting::CheckChainExcludeRoot,
            last_monitored_time: date_time::year_1900(),
            last_published_policy_check_successful: None,
            last_update_time: date_time::year_1900(),
            metadata_url: None,
            monitoring_enabled: false,
            organization_info: String::new(),
            required_name_id_format: None,
            encrypted_name_id_required: false,
            signed_saml_requests_required: false,
            saml_authentication_request_index: 0,
            saml_authentication_request_parameters: SamlAuthenticationRequestParameters::None,
            saml_authentication_request_protocol_binding: String::new(),
            saml_endpoints: Vec::new(),
            signature_algorithm: SignatureAlgorithm::RsaSha256,
            token_signing_certificates: Vec::new(),
            alternate_login_id: None,
            lookup_forests: Vec::new(),
            prompt_login_federation: PromptLoginFederation::FallbackToProtocolSpecificParameters,
            prompt_login_fallback_authentication_type: None,
            authority_group_id: None,
            authority_group_identifier: None,
            anchor_claim_type: None,
            identifier_type:
                "http://schemas.microsoft.com/ws/2009/12/identityserver/principaltypes/certificate".to_owned(),
            identities: Vec::new(),
            acceptance_transform_rules: String::new(),
            organizational_account_suffix: Vec::new(),
            enabled: true,
            is_local: false,
            identifier: String::new(),
            name: String::new(),
            notes: String::new(),
            protocol_profile: ProtocolProfile::WsFedSaml,
            object_identifier: Guid::NIL,
        }
    }
}

impl Object for ClaimsProviderTrust {
    const KIND: &'static str = "claims-provider-trust";
    const NOUN: &'static str = "AdfsClaimsProviderTrust";

    fn id(&self) -> String {
        self.object_identifier.to_string()
    }

    fn keys(&self) -> Vec<(&'static str, String)> {
        vec![("name", self.name.clone()), ("identifier", self.identifier.clone())]
    }

    fn further_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let binding = &self.saml_authentication_request_protocol_binding;
        if !["", "Artifact", "POST", "Redirect"].contains(&binding.as_str()) {
            let expected = "is not a binding; expected Artifact, POST, Redirect or nothing";
            problems.push(Problem::new("SamlAuthenticationRequestProtocolBinding", binding, expected));
        }
        for (field, value) in [("Name", &self.name), ("Identifier", &self.identifier)] {
            if value.trim().is_empty() {
                problems.push(Problem::new(
                    field,
                    value,
                    "is empty; expected a text that no other trust has",
                ));
            }
        }
        problems
    }
}
