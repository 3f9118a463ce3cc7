//! Reading what an assertion says (saml-core-1.1 and saml-core-2.0, chapter 2), without believing it.
//!
//! Strict where two readers could understand different things: what must stand once stands once, and what this
//! reader doesn't understand it doesn't pass over.

use base::Timestamp;
use claims::{Claim, types};
use xml::{Element, XmlError};

use crate::error::Shown;
use crate::{IDENTITY_CLAIMS, Version};

/// What an assertion says. Whether it is true is for [`crate::validate`] to find out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Version of the assertion.
    pub version: Version,
    /// `ID` or `AssertionID`; a token is taken once for each.
    pub id: String,
    /// Who made it.
    pub issuer: String,
    /// When it was made.
    pub issue_instant: Timestamp,
    /// Not valid before this instant, when it says so.
    pub not_before: Option<Timestamp>,
    /// Not valid from this instant on, when it says so.
    pub not_on_or_after: Option<Timestamp>,
    /// Whom it is for: every one of these lists has to name the reader.
    pub audience_restrictions: Vec<Vec<String>>,
    /// By what means whoever presents it is its subject.
    pub confirmations: Vec<Confirmation>,
    /// The subject's name, if it has one; it is among the claims as well.
    pub name_id: Option<String>,
    /// The claims: name identifier first, then the attributes in order. `Issuer` is the token's, and
    /// `OriginalIssuer` what the token says, else the token's issuer. Every value is a string.
    pub claims: Vec<Claim>,
    /// How and when the subject signed in.
    pub authentication: Option<Authentication>,
}

/// A subject confirmation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// Its method, a URI.
    pub method: String,
    /// Address it may be delivered to (SAML 2.0).
    pub recipient: Option<String>,
    /// Request that it answers (SAML 2.0).
    pub in_response_to: Option<String>,
    /// It must not be delivered before this instant (SAML 2.0).
    pub not_before: Option<Timestamp>,
    /// It must be delivered before this instant (SAML 2.0).
    pub not_on_or_after: Option<Timestamp>,
}

/// The authentication statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authentication {
    /// How the subject signed in, a URI.
    pub method: String,
    /// When.
    pub instant: Timestamp,
    /// By what name the issuer knows the session (SAML 2.0).
    pub session_index: Option<String>,
}

/// Why an assertion can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The element is something else.
    #[error("'{found}' is no SAML 1.1 or SAML 2.0 assertion")]
    NotAnAssertion {
        /// Its local name.
        found: Shown,
    },
    /// Something is missing.
    #[error("the assertion has no {0}")]
    Missing(&'static str),
    /// A value can't be read.
    #[error("{field} of the assertion is '{value}'; expected {expected}")]
    Value {
        /// Its name.
        field: &'static str,
        /// Value as sent.
        value: Shown,
        /// What it should be.
        expected: &'static str,
    },
    /// Something that changes the meaning of the assertion and is not understood here.
    #[error("the assertion holds '{0}', which is not supported")]
    NotUnderstood(Shown),
    /// SAML 1.1: the statements are about different subjects.
    #[error("the statements of the assertion are about different subjects")]
    SubjectsDiffer,
    /// What must stand once stands several times.
    #[error(transparent)]
    Xml(#[from] XmlError),
}

/// Reads an assertion of either version.
pub fn assertion(element: Element<'_, '_>) -> Result<Token, ReadError> {
    if element.is(Version::Saml20.namespace(), "Assertion") {
        saml2(element)
    } else if element.is(Version::Saml11.namespace(), "Assertion") {
        saml11(element)
    } else {
        Err(ReadError::NotAnAssertion { found: Shown::new(element.local_name()) })
    }
}

fn saml2(element: Element<'_, '_>) -> Result<Token, ReadError> {
    const NS: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
    constant(element, "Version", "2.0")?;
    let issuer = element.child(NS, "Issuer")?.ok_or(ReadError::Missing("Issuer"))?.text().into_owned();
    let subject = element.child(NS, "Subject")?.ok_or(ReadError::Missing("Subject"))?;
    let name_identifier =
        subject.child(NS, "NameID")?.and_then(|element| name_identifier_claim(element, &issuer));
    let mut confirmations = Vec::new();
    for child in subject.children() {
        match (child.namespace(), child.local_name()) {
            (NS, "NameID") => {}
            (NS, "SubjectConfirmation") => confirmations.push(confirmation(child)?),
            (_, name) => return Err(ReadError::NotUnderstood(Shown::new(name))),
        }
    }
    let mut claims: Vec<Claim> = name_identifier.clone().into_iter().collect();
    for statement in element.children_named(NS, "AttributeStatement") {
        for attribute in statement.children() {
            if !attribute.is(NS, "Attribute") {
                return Err(ReadError::NotUnderstood(Shown::new(attribute.local_name())));
            }
            let name = required(attribute, "Name")?;
            let format = attribute.attribute("NameFormat");
            read_values(attribute, name, &issuer, &mut claims, |claim| {
                claim.properties.extend(format.map(|f| (types::PROPERTY_ATTRIBUTE_NAME.into(), f.into())));
            })?;
        }
    }
    let authentication = match element.child(NS, "AuthnStatement")? {
        None => None,
        Some(statement) => {
            let context = statement.child(NS, "AuthnContext")?.ok_or(ReadError::Missing("AuthnContext"))?;
            let class = context.child(NS, "AuthnContextClassRef")?;
            Some(Authentication {
                method: class.ok_or(ReadError::Missing("AuthnContextClassRef"))?.text().into_owned(),
                instant: required_time(statement, "AuthnInstant")?,
                session_index: statement.attribute("SessionIndex").map(str::to_owned),
            })
        }
    };
    let conditions = Conditions::read(
        element.child(NS, "Conditions")?.ok_or(ReadError::Missing("Conditions"))?,
        "AudienceRestriction",
        "OneTimeUse",
    )?;
    Ok(Token {
        version: Version::Saml20,
        id: required(element, "ID")?.to_owned(),
        issuer,
        issue_instant: required_time(element, "IssueInstant")?,
        not_before: conditions.not_before,
        not_on_or_after: conditions.not_on_or_after,
        audience_restrictions: conditions.audience_restrictions,
        confirmations,
        name_id: name_identifier.map(|claim| claim.value.as_ref().to_owned()),
        claims,
        authentication,
    })
}

fn saml11(element: Element<'_, '_>) -> Result<Token, ReadError> {
    const NS: &str = "urn:oasis:names:tc:SAML:1.0:assertion";
    constant(element, "MajorVersion", "1")?;
    constant(element, "MinorVersion", "1")?;
    let issuer = required(element, "Issuer")?.to_owned();
    let mut subject: Option<(Option<Claim>, Vec<Confirmation>)> = None;
    let mut attributes = Vec::new();
    for statement in element.children_named(NS, "AttributeStatement") {
        same_subject(&mut subject, statement, &issuer)?;
        for attribute in statement.children().filter(|child| !child.is(NS, "Subject")) {
            if !attribute.is(NS, "Attribute") {
                return Err(ReadError::NotUnderstood(Shown::new(attribute.local_name())));
            }
            let namespace = required(attribute, "AttributeNamespace")?;
            let name = [namespace, "/", required(attribute, "AttributeName")?].concat();
            read_values(attribute, &name, &issuer, &mut attributes, |_| {})?;
        }
    }
    let authentication = match element.child(NS, "AuthenticationStatement")? {
        None => None,
        Some(statement) => {
            same_subject(&mut subject, statement, &issuer)?;
            Some(Authentication {
                method: required(statement, "AuthenticationMethod")?.to_owned(),
                instant: required_time(statement, "AuthenticationInstant")?,
                session_index: None,
            })
        }
    };
    let conditions = Conditions::read(
        element.child(NS, "Conditions")?.ok_or(ReadError::Missing("Conditions"))?,
        "AudienceRestrictionCondition",
        "DoNotCacheCondition",
    )?;
    let (name_identifier, confirmations) = subject.ok_or(ReadError::Missing("Subject"))?;
    Ok(Token {
        version: Version::Saml11,
        id: required(element, "AssertionID")?.to_owned(),
        issuer,
        issue_instant: required_time(element, "IssueInstant")?,
        not_before: conditions.not_before,
        not_on_or_after: conditions.not_on_or_after,
        audience_restrictions: conditions.audience_restrictions,
        confirmations,
        name_id: name_identifier.as_ref().map(|claim| claim.value.as_ref().to_owned()),
        claims: name_identifier.into_iter().chain(attributes).collect(),
        authentication,
    })
}

/// Reads the subject of a SAML 1.1 statement, which must be that of the statements before it.
fn same_subject(
    known: &mut Option<(Option<Claim>, Vec<Confirmation>)>,
    statement: Element<'_, '_>,
    issuer: &str,
) -> Result<(), ReadError> {
    const NS: &str = "urn:oasis:names:tc:SAML:1.0:assertion";
    let subject = statement.child(NS, "Subject")?.ok_or(ReadError::Missing("Subject"))?;
    let name_identifier = subject.child(NS, "NameIdentifier")?;
    let name_identifier = name_identifier.and_then(|element| name_identifier_claim(element, issuer));
    let confirmation = subject.child(NS, "SubjectConfirmation")?;
    let methods =
        confirmation.into_iter().flat_map(|element| element.children_named(NS, "ConfirmationMethod"));
    let confirmations = methods.map(|method| Confirmation {
        method: method.text().into_owned(),
        recipient: None,
        in_response_to: None,
        not_before: None,
        not_on_or_after: None,
    });
    let subject = (name_identifier, confirmations.collect());
    match known {
        Some(known) if *known != subject => Err(ReadError::SubjectsDiffer),
        _ => {
            *known = Some(subject);
            Ok(())
        }
    }
}

/// The claim that a `NameID` or `NameIdentifier` makes; an empty one makes none.
fn name_identifier_claim(element: Element<'_, '_>, issuer: &str) -> Option<Claim> {
    const PROPERTIES: [(&str, &str); 4] = [
        ("Format", types::PROPERTY_FORMAT),
        ("NameQualifier", types::PROPERTY_NAME_QUALIFIER),
        ("SPNameQualifier", types::PROPERTY_SP_NAME_QUALIFIER),
        ("SPProvidedID", types::PROPERTY_SP_PROVIDED_ID),
    ];
    let mut claim = Claim::new(types::NAME_IDENTIFIER, &*element.text(), issuer);
    for (attribute, property) in PROPERTIES {
        let value = element.attribute(attribute);
        claim.properties.extend(value.map(|value| (property.into(), value.into())));
    }
    (!claim.value.is_empty()).then_some(claim)
}

/// Adds one claim for each value of an attribute; empty values make none.
fn read_values(
    attribute: Element<'_, '_>,
    claim_type: &str,
    issuer: &str,
    claims: &mut Vec<Claim>,
    finish: impl Fn(&mut Claim),
) -> Result<(), ReadError> {
    for value in attribute.children_named(attribute.namespace(), "AttributeValue") {
        if let Some(child) = value.children().next() {
            return Err(ReadError::NotUnderstood(Shown::new(child.local_name())));
        }
        let text = value.text();
        if text.is_empty() {
            continue;
        }
        let mut claim = Claim::new(claim_type, &*text, issuer);
        if let Some(original) = attribute.attribute_in(IDENTITY_CLAIMS, "OriginalIssuer") {
            claim.original_issuer = original.into();
        }
        finish(&mut claim);
        claims.push(claim);
    }
    Ok(())
}

fn confirmation(element: Element<'_, '_>) -> Result<Confirmation, ReadError> {
    let data = element.child(element.namespace(), "SubjectConfirmationData")?;
    let text = |name| data.and_then(|data| data.attribute(name)).map(str::to_owned);
    let time = |name| data.map_or(Ok(None), |data| optional_time(data, name));
    Ok(Confirmation {
        method: required(element, "Method")?.to_owned(),
        recipient: text("Recipient"),
        in_response_to: text("InResponseTo"),
        not_before: time("NotBefore")?,
        not_on_or_after: time("NotOnOrAfter")?,
    })
}

struct Conditions {
    not_before: Option<Timestamp>,
    not_on_or_after: Option<Timestamp>,
    audience_restrictions: Vec<Vec<String>>,
}

impl Conditions {
    /// A condition that is not understood makes the assertion worthless (saml-core-2.0, 2.5.1.1). That a token
    /// is for one use (`once`) is understood: none is taken twice.
    fn read(element: Element<'_, '_>, restriction: &str, once: &str) -> Result<Self, ReadError> {
        let namespace = element.namespace();
        let mut audience_restrictions = Vec::new();
        for condition in element.children() {
            if condition.is(namespace, restriction) {
                let audiences = condition.children_named(namespace, "Audience");
                audience_restrictions.push(audiences.map(|audience| audience.text().into_owned()).collect());
            } else if !condition.is(namespace, once) {
                return Err(ReadError::NotUnderstood(Shown::new(condition.local_name())));
            }
        }
        Ok(Self {
            not_before: optional_time(element, "NotBefore")?,
            not_on_or_after: optional_time(element, "NotOnOrAfter")?,
            audience_restrictions,
        })
    }
}

fn required<'a>(element: Element<'a, '_>, name: &'static str) -> Result<&'a str, ReadError> {
    element.attribute(name).filter(|value| !value.is_empty()).ok_or(ReadError::Missing(name))
}

fn constant(element: Element<'_, '_>, name: &'static str, expected: &'static str) -> Result<(), ReadError> {
    match required(element, name)? {
        value if value == expected => Ok(()),
        value => Err(ReadError::Value { field: name, value: Shown::new(value), expected }),
    }
}

fn required_time(element: Element<'_, '_>, name: &'static str) -> Result<Timestamp, ReadError> {
    optional_time(element, name)?.ok_or(ReadError::Missing(name))
}

fn optional_time(element: Element<'_, '_>, name: &'static str) -> Result<Option<Timestamp>, ReadError> {
    let Some(value) = element.attribute(name) else { return Ok(None) };
    let expected = "a UTC date and time like 2017-10-11T00:20:06.447Z";
    let error = |_| ReadError::Value { field: name, value: Shown::new(value), expected };
    Timestamp::parse_xml(value).map(Some).map_err(error)
}
