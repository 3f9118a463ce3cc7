//! The answer to a sign-in: a form that posts a RequestSecurityTokenResponse to the relying party.
//!
//! AD FS answers browsers in WS-Trust of February 2005, whatever it speaks elsewhere.

use base::Timestamp;
use tokens::Version;
use xml::write;

/// A RequestSecurityTokenResponse around one signed assertion.
#[derive(Debug, Clone, Copy)]
pub struct Response<'a> {
    /// When the token was made.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// Whom the token is for: the audience of the assertion.
    pub realm: &'a str,
    /// Kind of the assertion.
    pub version: Version,
    /// The signed assertion, as it was attached to its signature.
    pub assertion: &'a str,
}

impl Response<'_> {
    /// The XML of the field `wresult`: one line, and no white space beside the assertion, which some relying
    /// parties take as the first node of its parent.
    pub fn wresult(&self) -> String {
        let mut out = String::with_capacity(self.assertion.len().saturating_add(1_536));
        out.push_str(
            "<t:RequestSecurityTokenResponse xmlns:t=\"http://schemas.xmlsoap.org/ws/2005/02/trust\"><t:Lifetime>",
        );
        for (name, time) in [("Created", self.created), ("Expires", self.expires)] {
            out.push_str(&format!("<wsu:{name} xmlns:wsu=\"{UTILITY}\">{time}</wsu:{name}>"));
        }
        out.push_str(
            "</t:Lifetime><wsp:AppliesTo xmlns:wsp=\"http://schemas.xmlsoap.org/ws/2004/09/policy\">\
             <wsa:EndpointReference xmlns:wsa=\"http://www.w3.org/2005/08/addressing\"><wsa:Address>",
        );
        write::text(&mut out, self.realm);
        out.push_str("</wsa:Address></wsa:EndpointReference></wsp:AppliesTo><t:RequestedSecurityToken>");
        out.push_str(self.assertion);
        out.push_str("</t:RequestedSecurityToken><t:TokenType>");
        out.push_str(self.version.namespace());
        out.push_str(
            "</t:TokenType><t:RequestType>http://schemas.xmlsoap.org/ws/2005/02/trust/Issue</t:RequestType>\
             <t:KeyType>http://schemas.xmlsoap.org/ws/2005/05/identity/NoProofKey</t:KeyType>\
             </t:RequestSecurityTokenResponse>",
        );
        out
    }
}

const UTILITY: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";

/// The fields of the form, in order; `wctx` only when the request had one.
pub fn form_fields<'a>(wresult: &'a str, wctx: Option<&'a str>) -> Vec<(&'static str, &'a str)> {
    let mut fields = vec![("wa", "wsignin1.0"), ("wresult", wresult)];
    fields.extend(wctx.map(|context| ("wctx", context)));
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wctx_is_a_field_only_when_it_was_sent() {
        assert_eq!(form_fields("<a/>", None), [("wa", "wsignin1.0"), ("wresult", "<a/>")]);
        assert_eq!(form_fields("<a/>", Some(""))[2], ("wctx", ""));
    }

    #[test]
    fn the_realm_cannot_break_out_of_its_element() {
        let response = Response {
            created: Timestamp::from_seconds(0),
            expires: Timestamp::from_seconds(3_600),
            realm: "urn:a&b</wsa:Address>",
            version: Version::Saml11,
            assertion: "<saml:Assertion></saml:Assertion>",
        };
        assert!(response.wresult().contains("<wsa:Address>urn:a&amp;b&lt;/wsa:Address&gt;</wsa:Address>"));
    }
}
