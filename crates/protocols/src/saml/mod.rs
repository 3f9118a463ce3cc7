//! SAML 2.0, Web Browser SSO profile (SAML profiles 4.1): requests by Redirect and POST, responses by POST.
//!
//! Of the identity provider: query or form → [`authn_request`] → [`sign_in::CHECKS`] against the trust →
//! … → [`response`]. Of a service provider, for the built-in page: [`authn_request_writer`] → … →
//! [`read_response`].

pub mod authn_request;
pub mod authn_request_writer;
pub mod binding;
pub mod name_id_policy;
pub mod read_response;
pub mod requested_authn_context;
pub mod response;
pub mod sign_in;
#[cfg(test)]
pub(crate) mod testing;

/// Namespace of assertions.
pub const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
/// Namespace of protocol messages.
pub const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
/// HTTP POST binding.
pub const BINDING_POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
/// HTTP Redirect binding.
pub const BINDING_REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
/// Begin of every status code.
const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";
