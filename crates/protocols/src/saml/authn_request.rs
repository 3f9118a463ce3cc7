//! AuthnRequest (SAML core 3.4.1): what the service provider asks for, read from a message that has come by
//! [`binding`].
//!
//! Strict where the schema is, tolerant where senders are known to differ: unknown elements, `Destination`,
//! the assertion consumer and `Format` may be missing, times have any number of decimals.

use base::Timestamp;
use xml::{Document, Element, Limits, XmlError};

use super::binding::{Message, not_readable};
use super::name_id_policy::NameIdPolicy;
use super::requested_authn_context::{Comparison, RequestedAuthnContext};
use super::{ASSERTION, PROTOCOL};
use crate::Refusal;

/// Longest id. It comes back as `InResponseTo` and stays in memory until then.
const LONGEST_ID: usize = 256;

/// A request as the service provider wrote it. Nothing in it has been checked, not even who wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthnRequest {
    /// Its id; the response names it.
    pub id: String,
    /// Who says to have written it: the identifier of a trust.
    pub issuer: String,
    /// When it was written.
    pub issue_instant: Timestamp,
    /// The address for which it was meant.
    pub destination: Option<String>,
    /// Where the response shall go, by address.
    pub assertion_consumer_service_url: Option<String>,
    /// Where the response shall go, by index.
    pub assertion_consumer_service_index: Option<u32>,
    /// Binding of the response, a URI.
    pub protocol_binding: Option<String>,
    /// A session is not enough: the user must sign in again.
    pub force_authn: bool,
    /// The user must not be asked anything.
    pub is_passive: bool,
    /// Wanted name identifier.
    pub name_id_policy: NameIdPolicy,
    /// Wanted way of authentication.
    pub requested_authn_context: Option<RequestedAuthnContext>,
}

/// A message that is an AuthnRequest, with what is needed to verify its signature.
#[derive(Debug)]
pub struct Received<'m> {
    /// The request.
    pub request: AuthnRequest,
    pub(super) message: &'m Message,
    pub(super) document: Document<'m>,
}

/// Reads an AuthnRequest.
///
/// # Errors
///
/// [`Refusal::SamlNotReadable`], the error page of MSIS7015: nobody knows yet whom a response could reach.
pub fn read(message: &Message) -> Result<Received<'_>, Refusal> {
    let document = Document::parse(&message.xml, &Limits::MESSAGE).map_err(xml_problem)?;
    let request = AuthnRequest::from_element(document.root())?;
    Ok(Received { request, message, document })
}

impl AuthnRequest {
    fn from_element(root: Element<'_, '_>) -> Result<Self, Refusal> {
        if !root.is(PROTOCOL, "AuthnRequest") {
            return Err(not_readable(format!("the message is '{}', not AuthnRequest", root.local_name())));
        }
        let required = |name| root.attribute(name).ok_or_else(|| not_readable(format!("{name} is missing")));
        match required("Version")? {
            "2.0" => {}
            other => return Err(not_readable(format!("Version is '{other}', expected '2.0'"))),
        }
        let id = required("ID")?;
        if !is_nc_name(id) || id.len() > LONGEST_ID {
            let expected = format!("expected an XML name of up to {LONGEST_ID} octets");
            return Err(not_readable(format!("ID is wrong, {expected}: '{id}'")));
        }
        let issue_instant = required("IssueInstant")?;
        let issuer = root.child(ASSERTION, "Issuer").map_err(xml_problem)?;
        let issuer = issuer.ok_or_else(|| not_readable("Issuer is missing"))?;
        let text = |name| root.attribute(name).filter(|value| !value.is_empty()).map(str::to_owned);
        let index = root.attribute("AssertionConsumerServiceIndex").map(|value| {
            value.trim().parse().map_err(|_| {
                not_readable(format!("AssertionConsumerServiceIndex is '{value}', expected a number"))
            })
        });
        Ok(Self {
            id: id.to_owned(),
            issuer: issuer.text().trim().to_owned(),
            issue_instant: Timestamp::parse_xml(issue_instant)
                .map_err(|error| not_readable(format!("IssueInstant {error}")))?,
            destination: text("Destination"),
            assertion_consumer_service_url: text("AssertionConsumerServiceURL"),
            assertion_consumer_service_index: index.transpose()?,
            protocol_binding: text("ProtocolBinding"),
            force_authn: boolean(root, "ForceAuthn")?,
            is_passive: boolean(root, "IsPassive")?,
            name_id_policy: name_id_policy(root)?,
            requested_authn_context: requested_authn_context(root)?,
        })
    }
}

fn name_id_policy(root: Element<'_, '_>) -> Result<NameIdPolicy, Refusal> {
    let Some(policy) = root.child(PROTOCOL, "NameIDPolicy").map_err(xml_problem)? else {
        return Ok(NameIdPolicy::default());
    };
    Ok(NameIdPolicy {
        format: policy.attribute("Format").map(str::to_owned),
        sp_name_qualifier: policy.attribute("SPNameQualifier").map(str::to_owned),
        allow_create: boolean(policy, "AllowCreate")?,
    })
}

fn requested_authn_context(root: Element<'_, '_>) -> Result<Option<RequestedAuthnContext>, Refusal> {
    let Some(context) = root.child(PROTOCOL, "RequestedAuthnContext").map_err(xml_problem)? else {
        return Ok(None);
    };
    let comparison = match context.attribute("Comparison") {
        None | Some("exact") => Comparison::Exact,
        Some("minimum") => Comparison::Minimum,
        Some("maximum") => Comparison::Maximum,
        Some("better") => Comparison::Better,
        Some(other) => {
            let expected = "expected exact, minimum, maximum or better";
            return Err(not_readable(format!("Comparison is '{other}', {expected}")));
        }
    };
    let classes = context.children_named(ASSERTION, "AuthnContextClassRef");
    let class_refs = classes.map(|class| class.text().trim().to_owned()).collect();
    Ok(Some(RequestedAuthnContext { comparison, class_refs }))
}

/// An xs:boolean; absent is false.
fn boolean(element: Element<'_, '_>, name: &str) -> Result<bool, Refusal> {
    match element.attribute(name).map(str::trim) {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(other) => Err(not_readable(format!("{name} is '{other}', expected true or false"))),
    }
}

/// An XML name without colon (Namespaces in XML, 3).
fn is_nc_name(name: &str) -> bool {
    // The ranges of XML 1.0, 2.3; `:` is left out.
    let starts = |c: char| {
        matches!(c,
            'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
            | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}'
            | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}'
            | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
    };
    let continues = |c: char| {
        starts(c)
            || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
    };
    name.starts_with(starts) && name.chars().all(continues)
}

fn xml_problem(error: XmlError) -> Refusal {
    not_readable(error.to_string())
}

#[cfg(test)]
mod tests;
