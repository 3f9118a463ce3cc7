//! SAML 2.0 assertions as AD FS writes them (saml-core-2.0, 2.3 to 2.7): what the SAML protocol sends, and
//! WS-Federation for trusts that want it.

use std::time::Duration;

use base::Timestamp;
use claims::{Claim, types};
use xml::{KeyInfoStyle, ToSign};

use crate::content::{Content, check_fields, property};
use crate::write::{end, leaf, start};
use crate::{IDENTITY_CLAIMS, TokenError, Version};

/// How long after its issue an assertion may be delivered (`SubjectConfirmationData`).
const DELIVERY: Duration = Duration::from_secs(5 * 60);

/// An assertion to be written.
#[derive(Debug, Clone, Copy)]
pub struct Assertion<'a> {
    /// `ID`, an NCName that was never used before. It is the `SessionIndex` as well.
    pub id: &'a str,
    /// The federation service identifier.
    pub issuer: &'a str,
    /// `IssueInstant`: now. The assertion must be delivered within five minutes.
    pub issue_instant: Timestamp,
    /// Not valid before this instant.
    pub not_before: Timestamp,
    /// Not valid from this instant on.
    pub not_on_or_after: Timestamp,
    /// Identifier of the relying party, as its request named it.
    pub audience: &'a str,
    /// Address that the assertion is sent to.
    pub recipient: &'a str,
    /// `ID` of the request that this answers; `None` without one, and for WS-Federation.
    pub in_response_to: Option<&'a str>,
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
        ToSign::enveloped(&element, self.id, signature, certificate, KeyInfoStyle::PrefixedData)
            .ok_or(TokenError::NotSignable)
    }

    /// The assertion without a signature, in exclusive canonical form: for a response that is signed itself.
    pub fn unsigned(&self) -> Result<String, TokenError> {
        Ok(self.write()?.0)
    }

    /// The element, and the offset at which its signature belongs: behind the issuer.
    pub(crate) fn write(&self) -> Result<(String, usize), TokenError> {
        check_fields(&[
            ("ID", self.id),
            ("Issuer", self.issuer),
            ("Audience", self.audience),
            ("Recipient", self.recipient),
            ("InResponseTo", self.in_response_to.unwrap_or_default()),
            ("AuthnContextClassRef", self.authentication_method),
        ])?;
        let content = Content::sort(self.claims, self.issuer, Version::Saml20)?;

        let mut out = String::with_capacity(2_048);
        let attributes = [
            ("xmlns", Version::Saml20.namespace()),
            ("ID", self.id),
            ("IssueInstant", &*self.issue_instant.to_xml()),
            ("Version", "2.0"),
        ];
        start(&mut out, "Assertion", &attributes);
        leaf(&mut out, "Issuer", &[], self.issuer);
        let signature = out.len();
        self.subject(&mut out, content.name_identifier);
        self.conditions(&mut out);
        if !content.attributes.is_empty() {
            attribute_statement(&mut out, &content);
        }
        self.authn_statement(&mut out);
        end(&mut out, "Assertion");
        Ok((out, signature))
    }

    fn subject(&self, out: &mut String, name_identifier: Option<&Claim>) {
        start(out, "Subject", &[]);
        if let Some(claim) = name_identifier {
            let attributes: Vec<(&str, &str)> = [
                ("Format", types::PROPERTY_FORMAT),
                ("NameQualifier", types::PROPERTY_NAME_QUALIFIER),
                ("SPNameQualifier", types::PROPERTY_SP_NAME_QUALIFIER),
                ("SPProvidedID", types::PROPERTY_SP_PROVIDED_ID),
            ]
            .into_iter()
            .filter_map(|(name, key)| Some((name, property(claim, key)?)))
            .collect();
            leaf(out, "NameID", &attributes, &claim.value);
        }
        start(out, "SubjectConfirmation", &[("Method", Version::Saml20.bearer())]);
        let until = self.issue_instant.plus(DELIVERY).to_xml();
        let mut attributes = Vec::with_capacity(3);
        attributes.extend(self.in_response_to.map(|id| ("InResponseTo", id)));
        attributes.extend([("NotOnOrAfter", &*until), ("Recipient", self.recipient)]);
        leaf(out, "SubjectConfirmationData", &attributes, "");
        end(out, "SubjectConfirmation");
        end(out, "Subject");
    }

    fn conditions(&self, out: &mut String) {
        let attributes =
            [("NotBefore", &*self.not_before.to_xml()), ("NotOnOrAfter", &*self.not_on_or_after.to_xml())];
        start(out, "Conditions", &attributes);
        start(out, "AudienceRestriction", &[]);
        leaf(out, "Audience", &[], self.audience);
        end(out, "AudienceRestriction");
        end(out, "Conditions");
    }

    fn authn_statement(&self, out: &mut String) {
        let attributes =
            [("AuthnInstant", &*self.authentication_instant.to_xml()), ("SessionIndex", self.id)];
        start(out, "AuthnStatement", &attributes);
        start(out, "AuthnContext", &[]);
        leaf(out, "AuthnContextClassRef", &[], self.authentication_method);
        end(out, "AuthnContext");
        end(out, "AuthnStatement");
    }
}

fn attribute_statement(out: &mut String, content: &Content<'_>) {
    start(out, "AttributeStatement", &[]);
    for attribute in &content.attributes {
        let key = attribute.key;
        let mut attributes = Vec::with_capacity(4);
        attributes.extend(key.original_issuer.map(|_| ("xmlns:a", IDENTITY_CLAIMS)));
        attributes.push(("Name", key.claim_type));
        attributes.extend(key.name_format.map(|format| ("NameFormat", format)));
        attributes.extend(key.original_issuer.map(|issuer| ("a:OriginalIssuer", issuer)));
        start(out, "Attribute", &attributes);
        for value in &attribute.values {
            leaf(out, "AttributeValue", &[], value);
        }
        end(out, "Attribute");
    }
    end(out, "AttributeStatement");
}
