//! The configuration objects, each declared once: fields in AD FS's names, defaults, validation, documentation.
//!
//! The stored form is JSON with AD FS's own names (`TokenLifetime`), read tolerantly: unknown fields of a
//! newer node are kept by the store. Input from people is strict, see [`problem`].

mod certificate;
mod claim_description;
mod claims_provider_trust;
mod directory_user;
mod problem;
mod relying_party_trust;
mod service_properties;

pub use certificate::{Certificate, CertificateType};
pub use claim_description::ClaimDescription;
pub use claims_provider_trust::ClaimsProviderTrust;
pub use directory_user::{DirectoryGroup, DirectoryUser};
pub use problem::Problem;
pub use relying_party_trust::{
    CLAIMS_XRAY, CLAIMS_XRAY_SAML20, RelyingPartyTrust, SAML_11, SAML_20, SamlBinding, SamlEndpoint,
    SamlProtocol, SamlResponseSignature, SignatureAlgorithm,
};
pub use service_properties::ServiceProperties;
