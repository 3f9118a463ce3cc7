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
mod relying_party_trust;
mod service_properties;

pub use framework::{
    Checked, Effect, OBJECTS, Object, ObjectType, Problem, apply_patch, nearest, object_type, strict,
    without_secrets,
};
pub use values::{Flags, Named, TimeSpan, TimeSpanError};

pub use certificate::{Certificate, CertificateType};
pub use claim_description::ClaimDescription;
pub use claims_provider_trust::ClaimsProviderTrust;
pub use directory_user::{DirectoryGroup, DirectoryUser};
pub use relying_party_trust::{
    CLAIMS_XRAY, CLAIMS_XRAY_SAML20, RelyingPartyTrust, SAML_11, SAML_20, SamlBinding, SamlEndpoint,
    SamlProtocol, SamlResponseSignature, SignatureAlgorithm,
};
pub use service_properties::ServiceProperties;
