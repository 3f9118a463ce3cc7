//! The configuration objects, each declared once: fields in AD FS's names and print order, defaults, validation,
//! documentation.
//!
//! The stored form is JSON with AD FS's own names (`TokenLifetime`), read tolerantly: unknown fields of a
//! newer node are kept. Input from people is strict, see [`strict`] and [`apply_patch`].

mod framework;
mod values;

mod certificate;
mod claim_description;
mod claims_provider_trust;
mod directory_user;
mod endpoint;
mod farm_node;
mod global_authentication_policy;
mod relying_party_trust;
mod saml_endpoint;
mod service_properties;
mod ssl_certificate;
mod sync_properties;

#[cfg(test)]
mod declared;
#[cfg(test)]
mod reference;

pub use framework::{
    Checked, Effect, OBJECTS, Object, ObjectType, Problem, apply_patch, nearest, object_type, strict,
    without_secrets,
};
pub use values::{
    AdditionalErrorPageInfo, AllowedClientTypes, AuditLevel, ClientAuthenticationMethod, ContactPerson,
    ContactType, DeviceAuthenticationMethod, ExtendedProtectionTokenCheck, ExtranetLockoutMode, Flags,
    LogLevel, Named, Organization, PromptLoginFederation, ProtocolProfile, RefreshTokenIssuanceDeviceTypes,
    RevocationSetting, SamlAuthenticationRequestParameters, SyncRole, TimeSpan, TimeSpanError,
    WiaEvaluationMethod, WindowsHelloKeyVerification, date_time,
};

pub use certificate::{Certificate, CertificateType};
pub use claim_description::ClaimDescription;
pub use claims_provider_trust::ClaimsProviderTrust;
pub use directory_user::{DirectoryGroup, DirectoryUser};
pub use endpoint::Endpoint;
pub use farm_node::FarmNode;
pub use global_authentication_policy::GlobalAuthenticationPolicy;
pub use relying_party_trust::{CLAIMS_XRAY, CLAIMS_XRAY_SAML20, RelyingPartyTrust, SAML_11, SAML_20};
pub use saml_endpoint::{SamlBinding, SamlEndpoint, SamlProtocol, SamlResponseSignature, SignatureAlgorithm};
pub use service_properties::ServiceProperties;
pub use ssl_certificate::SslCertificate;
pub use sync_properties::SyncProperties;
