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

#[cfg(test)]
mod tests {
    use super::super::authn_request;
    use super::super::requested_authn_context::PASSWORD_PROTECTED_TRANSPORT;
    use super::*;

    fn request() -> NewAuthnRequest<'static> {
        NewAuthnRequest {
            id: "_1",
            issue_instant: Timestamp::from_seconds(0),
            issuer: "urn:microsoft:adfs:claimsxray",
            destination: "https://fs.example.com/adfs/ls/",
            assertion_consumer_service_url: "https://fs.example.com/claimsxray/saml?a=1&b=2",
            force_authn: false,
            authn_context_class: None,
        }
    }

    #[test]
    fn the_request_is_the_golden_one() {
        assert_eq!(
            request().to_xml(),
            "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             AssertionConsumerServiceURL=\"https://fs.example.com/claimsxray/saml?a=1&amp;b=2\" \
             Destination=\"https://fs.example.com/adfs/ls/\" ID=\"_1\" \
             IssueInstant=\"1970-01-01T00:00:00.000Z\" \
             ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Version=\"2.0\">\
             <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">urn:microsoft:adfs:claimsxray\
             </saml:Issuer></samlp:AuthnRequest>"
        );
    }

    #[test]
    fn the_service_reads_what_the_page_writes() {
        let class = Some(PASSWORD_PROTECTED_TRANSPORT);
        let written = NewAuthnRequest { force_authn: true, authn_context_class: class, ..request() };
        let url = written.to_redirect_url(Some("state")).unwrap();
        let query = url.strip_prefix("https://fs.example.com/adfs/ls/?").unwrap();
        let message = binding::from_redirect(query, "SAMLRequest").unwrap();
        assert_eq!(message.relay_state.as_deref(), Some("state"));
        let read = authn_request::read(&message).unwrap().request;
        assert_eq!(read.id, "_1");
        assert_eq!(read.issuer, written.issuer);
        assert_eq!(read.issue_instant, written.issue_instant);
        assert_eq!(read.destination.as_deref(), Some(written.destination));
        let consumer = read.assertion_consumer_service_url.as_deref();
        assert_eq!(consumer, Some(written.assertion_consumer_service_url));
        assert!(read.force_authn && !read.is_passive);
        assert_eq!(read.requested_authn_context.unwrap().class_refs, [PASSWORD_PROTECTED_TRANSPORT]);
    }
}
