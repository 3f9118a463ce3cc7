//! An AuthnRequest of our own, as a service provider sends it (SAML core 3.4.1): the built-in Claims X-Ray page
//! starts its SAML sign-ins with one. Unsigned, by the Redirect binding.

use base::Timestamp;
use xml::write;

use super::{ASSERTION, BINDING_POST, PROTOCOL, binding};

/// A request to write. The answer is asked for by the POST binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewAuthnRequest<'a> {
    /// Its id, an NCName; the response must name it.
    pub id: &'a str,
    /// Now.
    pub issue_instant: Timestamp,
    /// Entity id of the service provider.
    pub issuer: &'a str,
    /// Where the identity provider takes requests.
    pub destination: &'a str,
    /// Where the response shall go.
    pub assertion_consumer_service_url: &'a str,
    /// Whether a session must not be enough.
    pub force_authn: bool,
    /// Wanted authentication context class, compared exactly.
    pub authn_context_class: Option<&'a str>,
}

impl NewAuthnRequest<'_> {
    /// The request's XML.
    pub fn to_xml(&self) -> String {
        let mut out = format!("<samlp:AuthnRequest xmlns:samlp=\"{PROTOCOL}\"");
        write::attribute(&mut out, "AssertionConsumerServiceURL", self.assertion_consumer_service_url);
        write::attribute(&mut out, "Destination", self.destination);
        if self.force_authn {
            write::attribute(&mut out, "ForceAuthn", "true");
        }
        write::attribute(&mut out, "ID", self.id);
        write::attribute(&mut out, "IssueInstant", &self.issue_instant.to_xml());
        write::attribute(&mut out, "ProtocolBinding", BINDING_POST);
        write::attribute(&mut out, "Version", "2.0");
        out.push_str(&format!("><saml:Issuer xmlns:saml=\"{ASSERTION}\">"));
        write::text(&mut out, self.issuer);
        out.push_str("</saml:Issuer>");
        if let Some(class) = self.authn_context_class {
            out.push_str(&format!(
                "<samlp:RequestedAuthnContext Comparison=\"exact\">\
                 <saml:AuthnContextClassRef xmlns:saml=\"{ASSERTION}\">"
            ));
            write::text(&mut out, class);
            out.push_str("</saml:AuthnContextClassRef></samlp:RequestedAuthnContext>");
        }
        out.push_str("</samlp:AuthnRequest>");
        out
    }

    /// The address that carries the request to its destination; `None` only when memory runs out.
    pub fn to_redirect_url(&self, relay_state: Option<&str>) -> Option<String> {
        binding::redirect_url(self.destination, "SAMLRequest", &self.to_xml(), relay_state)
    }
}
