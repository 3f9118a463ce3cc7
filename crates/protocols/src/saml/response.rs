//! Response of the Web Browser SSO profile (SAML core 3.2.2, 3.3.3; profiles 4.1.4.2), sent by the POST binding.
//!
//! A response is written in exclusive canonical form around an assertion that is in that form too, so that a
//! signature can be taken over the written octets.

use base::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use configuration::SamlResponseSignature;
use xml::{KeyInfoStyle, ToSign, write};

use super::{ASSERTION, PROTOCOL, STATUS};
use crate::refusal::SamlStatus;

/// Issuance authorization denied the user a token.
pub const REQUEST_DENIED: SamlStatus = SamlStatus { code: "Responder", second: "RequestDenied" };
/// The user could not be authenticated.
pub const AUTHN_FAILED: SamlStatus = SamlStatus { code: "Responder", second: "AuthnFailed" };

/// What every response says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// Its own id, an NCName.
    pub id: &'a str,
    /// Now.
    pub issue_instant: Timestamp,
    /// Federation Service Identifier.
    pub issuer: &'a str,
    /// The registered assertion consumer address to which it is posted.
    pub destination: &'a str,
    /// Id of the request it answers; `None` when there was none.
    pub in_response_to: Option<&'a str>,
}

/// A response, final or awaiting its signature.
#[derive(Debug, Clone)]
pub enum Prepared {
    /// Nothing more to do.
    Final(String),
    /// Sign [`ToSign::message`] with the key of the certificate, then attach.
    ToSign(Box<ToSign>),
}

/// A value that XML can't hold, whatever the escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} holds a character that XML does not allow; expected text without control characters")]
pub struct NotXml(pub &'static str);

/// Prepares the response that carries `assertion`.
///
/// `assertion` is one `Assertion` or `EncryptedAssertion` in exclusive canonical form, signed already when
/// [`SamlResponseSignature::signs_assertion`] says so; `certificate` is the signer's, DER in Base64.
pub fn prepare_response(
    envelope: &Envelope<'_>,
    assertion: &str,
    signature: SamlResponseSignature,
    certificate: &str,
) -> Result<Prepared, NotXml> {
    let status = format!("<samlp:StatusCode Value=\"{STATUS}Success\"></samlp:StatusCode>");
    let (text, at) = write(envelope, &status, assertion)?;
    match signature.signs_message() {
        false => Ok(Prepared::Final(text)),
        true => Ok(Prepared::ToSign(Box::new(to_sign(envelope, &text, at, certificate)?))),
    }
}

/// Prepares the response that says why there is no assertion. It is signed whatever the trust says: there is
/// no other part that could be.
pub fn prepare_error(
    envelope: &Envelope<'_>,
    status: SamlStatus,
    certificate: &str,
) -> Result<ToSign, NotXml> {
    let SamlStatus { code, second } = status;
    let status = format!(
        "<samlp:StatusCode Value=\"{STATUS}{code}\"><samlp:StatusCode Value=\"{STATUS}{second}\">\
         </samlp:StatusCode></samlp:StatusCode>"
    );
    let (text, at) = write(envelope, &status, "")?;
    to_sign(envelope, &text, at, certificate)
}

/// The fields of the form that the browser posts, in their order (SAML bindings 3.5.4).
pub fn post_form(response: &str, relay_state: Option<&str>) -> Vec<(&'static str, String)> {
    let mut fields = vec![("SAMLResponse", STANDARD.encode(response))];
    fields.extend(relay_state.map(|relay_state| ("RelayState", relay_state.to_owned())));
    fields
}

/// The response without signature, and the place where one would stand: behind `Issuer`.
fn write(envelope: &Envelope<'_>, status: &str, assertion: &str) -> Result<(String, usize), NotXml> {
    let attributes = [
        ("Consent", Some("urn:oasis:names:tc:SAML:2.0:consent:unspecified")),
        ("Destination", Some(envelope.destination)),
        ("ID", Some(envelope.id)),
        ("InResponseTo", envelope.in_response_to),
        ("IssueInstant", Some(&envelope.issue_instant.to_xml())),
        ("Version", Some("2.0")),
    ];
    let mut out = format!("<samlp:Response xmlns:samlp=\"{PROTOCOL}\"");
    for (name, value) in attributes {
        let Some(value) = value else { continue };
        if !write::is_xml_text(value) {
            return Err(NotXml(name));
        }
        write::attribute(&mut out, name, value);
    }
    out.push_str(&format!("><Issuer xmlns=\"{ASSERTION}\">"));
    if !write::is_xml_text(envelope.issuer) {
        return Err(NotXml("Issuer"));
    }
    write::text(&mut out, envelope.issuer);
    out.push_str("</Issuer>");
    let at = out.len();
    out.push_str(&format!("<samlp:Status>{status}</samlp:Status>{assertion}</samlp:Response>"));
    Ok((out, at))
}

fn to_sign(envelope: &Envelope<'_>, text: &str, at: usize, certificate: &str) -> Result<ToSign, NotXml> {
    ToSign::enveloped(text, envelope.id, at, certificate, KeyInfoStyle::DefaultNamespace)
        .ok_or(NotXml("Issuer"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::fixtures;
    use super::*;

    fn envelope() -> Envelope<'static> {
        Envelope {
            id: "_0e2b6a51-97e9-4a36-a6c4-8b3b6d1d9f11",
            issue_instant: Timestamp::from_seconds(0),
            issuer: "http://fs.example.com/adfs/services/trust",
            destination: "https://sp.example.com/acs?a=1&b=2",
            in_response_to: Some("_request"),
        }
    }

    const ASSERTION_TEXT: &str =
        "<Assertion xmlns=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_a\"></Assertion>";
    const BEFORE_SIGNATURE: &str = "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
        Consent=\"urn:oasis:names:tc:SAML:2.0:consent:unspecified\" \
        Destination=\"https://sp.example.com/acs?a=1&amp;b=2\" \
        ID=\"_0e2b6a51-97e9-4a36-a6c4-8b3b6d1d9f11\" InResponseTo=\"_request\" \
        IssueInstant=\"1970-01-01T00:00:00.000Z\" Version=\"2.0\">\
        <Issuer xmlns=\"urn:oasis:names:tc:SAML:2.0:assertion\">http://fs.example.com/adfs/services/trust</Issuer>";
    const AFTER_SIGNATURE: &str = "<samlp:Status>\
        <samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode></samlp:Status>\
        <Assertion xmlns=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_a\"></Assertion></samlp:Response>";

    fn prepare(signature: SamlResponseSignature) -> Prepared {
        prepare_response(&envelope(), ASSERTION_TEXT, signature, "MIIC").unwrap()
    }

    #[test]
    fn assertion_only_leaves_the_response_unsigned() {
        let Prepared::Final(text) = prepare(SamlResponseSignature::AssertionOnly) else { panic!() };
        assert_eq!(text, [BEFORE_SIGNATURE, AFTER_SIGNATURE].concat());
    }

    #[test]
    fn the_signature_of_a_message_stands_between_issuer_and_status() {
        for signature in [SamlResponseSignature::MessageOnly, SamlResponseSignature::MessageAndAssertion] {
            let Prepared::ToSign(to_sign) = prepare(signature) else { panic!() };
            let text = to_sign.attach(b"signature");
            let rest = text.strip_prefix(BEFORE_SIGNATURE).unwrap().strip_suffix(AFTER_SIGNATURE).unwrap();
            assert!(rest.starts_with("<ds:Signature ") && rest.ends_with("</ds:Signature>"), "{rest}");
            assert!(rest.contains("URI=\"#_0e2b6a51-97e9-4a36-a6c4-8b3b6d1d9f11\""), "{rest}");
            assert!(rest.contains("<X509Certificate>MIIC</X509Certificate>"), "{rest}");
        }
    }

    #[test]
    fn an_error_is_signed_has_two_status_codes_and_no_assertion() {
        let envelope = Envelope { in_response_to: None, ..envelope() };
        let text = prepare_error(&envelope, REQUEST_DENIED, "MIIC").unwrap().attach(b"signature");
        assert!(!text.contains("InResponseTo"));
        let (_, status) = text.split_once("</ds:Signature>").unwrap();
        assert_eq!(
            status,
            "<samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Responder\">\
             <samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:RequestDenied\"></samlp:StatusCode>\
             </samlp:StatusCode></samlp:Status></samlp:Response>"
        );
    }

    #[test]
    fn what_xml_can_t_hold_is_refused() {
        let envelope = Envelope { destination: "https://sp.example.com/\u{1}", ..envelope() };
        let error = prepare_error(&envelope, AUTHN_FAILED, "MIIC").unwrap_err();
        assert_eq!(error, NotXml("Destination"));
    }

    /// Security case 30.
    #[test]
    fn the_form_holds_the_response_and_then_the_relay_state_as_it_came() {
        let form = post_form("<a/>", Some("\"><script>\r\n"));
        assert_eq!(
            form,
            [("SAMLResponse", "PGEvPg==".to_owned()), ("RelayState", "\"><script>\r\n".to_owned())]
        );
        assert_eq!(post_form("<a/>", None).len(), 1);
    }

    #[test]
    fn parts_and_attributes_are_those_of_a_captured_response() {
        let Some(folder) = fixtures("captures/http") else { return };
        let captured = std::fs::read_to_string(folder.join("saml-response-2010-sha256.xml")).unwrap();
        let Prepared::Final(written) = prepare(SamlResponseSignature::AssertionOnly) else { panic!() };
        let parts_of = |text: &str| {
            let document = xml::Document::parse(text, &xml::Limits::MESSAGE).unwrap();
            let root = document.root();
            let mut attributes: Vec<String> = root.attributes().map(|(_, name, _)| name.to_owned()).collect();
            attributes.sort();
            let children: Vec<String> = root.children().map(|child| child.local_name().to_owned()).collect();
            (attributes, children, root.attribute("Consent").map(str::to_owned))
        };
        assert_eq!(parts_of(&written), parts_of(&captured));
    }
}
