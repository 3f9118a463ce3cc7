//! SAML 1.1 assertions as AD FS writes them (saml-core-1.1, 2.3 and 2.4): what WS-Federation sends by default.

use base::Timestamp;
use claims::{Claim, types};
use xml::{KeyInfoStyle, ToSign};

use crate::content::{Content, check_fields, property};
use crate::error::Shown;
use crate::write::{end, leaf, start};
use crate::{IDENTITY_CLAIMS, TokenError, Version};

/// An assertion to be written.
#[derive(Debug, Clone, Copy)]
pub struct Assertion<'a> {
    /// `AssertionID`, an NCName that was never used before.
    pub id: &'a str,
    /// The federation service identifier.
    pub issuer: &'a str,
    /// `IssueInstant`: now.
    pub issue_instant: Timestamp,
    /// Not valid before this instant.
    pub not_before: Timestamp,
    /// Not valid from this instant on.
    pub not_on_or_after: Timestamp,
    /// Identifier of the relying party, as its request named it.
    pub audience: &'a str,
    /// The issued claims, in order.
    pub claims: &'a [Claim],
    /// How the user signed in, a URI.
    pub authentication_method: &'a str,
    /// When the user signed in.
    pub authentication_instant: Timestamp,
}

impl Assertion<'_> {
    /// Writes the assertion and prepares its signature; `certificate` is the signer's, DER in Base64.
    pub fn prepare(&self, certificate: &str) -> Result<ToSign, TokenError> {
        let (element, signature) = self.write()?;
        ToSign::enveloped(&element, self.id, signature, certificate, KeyInfoStyle::DefaultNamespace)
            .ok_or(TokenError::NotSignable)
    }

    /// The element, and the offset at which its signature belongs: last, as the schema of SAML 1.1 wants it.
    pub(crate) fn write(&self) -> Result<(String, usize), TokenError> {
        check_fields(&[
            ("AssertionID", self.id),
            ("Issuer", self.issuer),
            ("Audience", self.audience),
            ("AuthenticationMethod", self.authentication_method),
        ])?;
        let content = Content::sort(self.claims, self.issuer, Version::Saml11)?;
        let subject = subject(content.name_identifier);

        let mut out = String::with_capacity(2_048);
        let attributes = [
            ("xmlns:saml", Version::Saml11.namespace()),
            ("AssertionID", self.id),
            ("IssueInstant", &*self.issue_instant.to_xml()),
            ("Issuer", self.issuer),
            ("MajorVersion", "1"),
            ("MinorVersion", "1"),
        ];
        start(&mut out, "saml:Assertion", &attributes);
        self.conditions(&mut out);
        if !content.attributes.is_empty() {
            attribute_statement(&mut out, &subject, &content)?;
        }
        self.authentication_statement(&mut out, &subject);
        let signature = out.len();
        end(&mut out, "saml:Assertion");
        Ok((out, signature))
    }

    fn conditions(&self, out: &mut String) {
        let attributes =
            [("NotBefore", &*self.not_before.to_xml()), ("NotOnOrAfter", &*self.not_on_or_after.to_xml())];
        start(out, "saml:Conditions", &attributes);
        start(out, "saml:AudienceRestrictionCondition", &[]);
        leaf(out, "saml:Audience", &[], self.audience);
        end(out, "saml:AudienceRestrictionCondition");
        end(out, "saml:Conditions");
    }

    fn authentication_statement(&self, out: &mut String, subject: &str) {
        let attributes = [
            ("AuthenticationInstant", &*self.authentication_instant.to_xml()),
            ("AuthenticationMethod", self.authentication_method),
        ];
        start(out, "saml:AuthenticationStatement", &attributes);
        out.push_str(subject);
        end(out, "saml:AuthenticationStatement");
    }
}

/// The subject, the same in both statements. Without a name identifier claim it holds the confirmation only.
fn subject(name_identifier: Option<&Claim>) -> String {
    let mut out = String::new();
    start(&mut out, "saml:Subject", &[]);
    if let Some(claim) = name_identifier {
        let attributes: Vec<(&str, &str)> =
            [("Format", types::PROPERTY_FORMAT), ("NameQualifier", types::PROPERTY_NAME_QUALIFIER)]
                .into_iter()
                .filter_map(|(name, key)| Some((name, property(claim, key)?)))
                .collect();
        leaf(&mut out, "saml:NameIdentifier", &attributes, &claim.value);
    }
    start(&mut out, "saml:SubjectConfirmation", &[]);
    leaf(&mut out, "saml:ConfirmationMethod", &[], Version::Saml11.bearer());
    end(&mut out, "saml:SubjectConfirmation");
    end(&mut out, "saml:Subject");
    out
}

fn attribute_statement(out: &mut String, subject: &str, content: &Content<'_>) -> Result<(), TokenError> {
    start(out, "saml:AttributeStatement", &[]);
    out.push_str(subject);
    for attribute in &content.attributes {
        let (namespace, name) = split(attribute.key.claim_type)?;
        match attribute.key.original_issuer {
            None => {
                start(out, "saml:Attribute", &[("AttributeName", name), ("AttributeNamespace", namespace)])
            }
            Some(issuer) => start(
                out,
                "saml:Attribute",
                &[
                    ("xmlns:a", IDENTITY_CLAIMS),
                    ("AttributeName", name),
                    ("AttributeNamespace", namespace),
                    ("a:OriginalIssuer", issuer),
                ],
            ),
        }
        for value in &attribute.values {
            leaf(out, "saml:AttributeValue", &[], value);
        }
        end(out, "saml:Attribute");
    }
    end(out, "saml:AttributeStatement");
    Ok(())
}

/// Splits a claim type at its last slash, which stands on neither side; clients join the two by a slash again.
fn split(claim_type: &str) -> Result<(&str, &str), TokenError> {
    match claim_type.rsplit_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => Ok((namespace, name)),
        _ => Err(TokenError::ClaimTypeWithoutNamespace(Shown::new(claim_type))),
    }
}
