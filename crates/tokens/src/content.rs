//! What a token says of its subject: the issued claims, sorted into name identifier and attributes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use claims::{Claim, claim, types};
use xml::write::is_xml_text;

use crate::error::Shown;
use crate::{TokenError, Version};

/// Claims in the order and grouping of a token.
#[derive(Debug)]
pub(crate) struct Content<'a> {
    /// The one claim that names the subject.
    pub(crate) name_identifier: Option<&'a Claim>,
    /// The others, values of one type together, in order of first appearance.
    pub(crate) attributes: Vec<Attribute<'a>>,
}

/// One attribute with its values.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Attribute<'a> {
    pub(crate) key: Key<'a>,
    pub(crate) values: Vec<&'a str>,
}

/// What claims must share to be values of one attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key<'a> {
    pub(crate) claim_type: &'a str,
    /// Who asserted the claim first; only when that was another claims provider.
    pub(crate) original_issuer: Option<&'a str>,
    /// `NameFormat` (SAML 2.0).
    pub(crate) name_format: Option<&'a str>,
}

impl<'a> Content<'a> {
    /// Sorts `claims` for a token of `issuer`.
    ///
    /// Claims that say how and when the user signed in are no attributes: the authentication statement
    /// says it.
    pub(crate) fn sort(claims: &'a [Claim], issuer: &str, version: Version) -> Result<Self, TokenError> {
        let mut content = Self { name_identifier: None, attributes: Vec::new() };
        let mut places: HashMap<Key<'_>, usize> = HashMap::new();
        for claim in claims {
            check_text(claim)?;
            match &*claim.claim_type {
                types::NAME_IDENTIFIER => {
                    if content.name_identifier.replace(claim).is_some() {
                        return Err(TokenError::DuplicateNameIdentifier);
                    }
                }
                types::AUTHENTICATION_METHOD | types::AUTHENTICATION_INSTANT => {}
                claim_type => {
                    let key = Key {
                        claim_type,
                        original_issuer: original_issuer(claim, issuer),
                        name_format: match version {
                            Version::Saml11 => None,
                            Version::Saml20 => property(claim, types::PROPERTY_ATTRIBUTE_NAME),
                        },
                    };
                    let place = match places.entry(key) {
                        Entry::Occupied(place) => *place.get(),
                        Entry::Vacant(place) => {
                            content.attributes.push(Attribute { key, values: Vec::new() });
                            *place.insert(content.attributes.len().saturating_sub(1))
                        }
                    };
                    if let Some(attribute) = content.attributes.get_mut(place) {
                        attribute.values.push(&claim.value);
                    }
                }
            }
        }
        Ok(content)
    }
}

/// The first issuer of a claim, when the token has to name it: another claims provider, neither this service
/// nor one of the names by which a service calls itself and its own directory.
fn original_issuer<'a>(claim: &'a Claim, issuer: &str) -> Option<&'a str> {
    const OURS: [&str; 3] = [claim::AD_AUTHORITY, claim::LOCAL_AUTHORITY, claim::SELF_AUTHORITY];
    let original = &*claim.original_issuer;
    (!original.is_empty() && original != issuer && !OURS.contains(&original)).then_some(original)
}

/// A claim property that is present and not empty.
pub(crate) fn property<'a>(claim: &'a Claim, name: &str) -> Option<&'a str> {
    Some(claim.property(name)).filter(|value| !value.is_empty())
}

/// The properties that reach a token, each with the part of the claim that an error names.
const PROPERTIES: [(&str, &str); 5] = [
    (types::PROPERTY_FORMAT, "property format"),
    (types::PROPERTY_NAME_QUALIFIER, "property namequalifier"),
    (types::PROPERTY_SP_NAME_QUALIFIER, "property spnamequalifier"),
    (types::PROPERTY_SP_PROVIDED_ID, "property spprovidedid"),
    (types::PROPERTY_ATTRIBUTE_NAME, "property attributename"),
];

/// A claim that XML can't carry ends the issuance: without it the token would say something else than the
/// rules.
fn check_text(claim: &Claim) -> Result<(), TokenError> {
    let own =
        [("Value", &*claim.value), ("Type", &*claim.claim_type), ("OriginalIssuer", &*claim.original_issuer)];
    let properties = PROPERTIES.iter().map(|(name, part)| (*part, claim.property(name)));
    match own.into_iter().chain(properties).find_map(|(part, text)| Some((part, foreign_character(text)?))) {
        Some((part, character)) => {
            let claim_type = Shown::new(&claim.claim_type);
            Err(TokenError::ClaimNotXmlText { claim_type, part, character })
        }
        None => Ok(()),
    }
}

/// Holds that each field of a token can be written.
pub(crate) fn check_fields(fields: &[(&'static str, &str)]) -> Result<(), TokenError> {
    match fields.iter().find_map(|(field, text)| Some((*field, foreign_character(text)?))) {
        Some((field, character)) => Err(TokenError::FieldNotXmlText { field, character }),
        None => Ok(()),
    }
}

/// The first character of `text` that XML can't carry.
fn foreign_character(text: &str) -> Option<u32> {
    if is_xml_text(text) {
        return None;
    }
    text.chars().find(|c| !is_xml_text(c.encode_utf8(&mut [0; 4]))).map(u32::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "http://fs.example.com/adfs/services/trust";

    fn sort(claims: &[Claim]) -> Content<'_> {
        Content::sort(claims, ISSUER, Version::Saml20).unwrap()
    }

    #[test]
    fn values_of_one_type_share_an_attribute_at_the_place_of_the_first() {
        let claims = [
            Claim::new("urn:a", "1", claim::LOCAL_AUTHORITY),
            Claim::new("urn:b", "2", claim::LOCAL_AUTHORITY),
            Claim::new("urn:a", "3", claim::AD_AUTHORITY),
        ];
        let content = sort(&claims);
        let values: Vec<_> = content.attributes.iter().map(|a| (a.key.claim_type, &*a.values)).collect();
        assert_eq!(values, [("urn:a", &["1", "3"][..]), ("urn:b", &["2"])]);
    }

    #[test]
    fn only_a_foreign_first_issuer_is_named_and_keeps_values_apart() {
        let mut passed_on = Claim::new("urn:a", "4", ISSUER);
        passed_on.original_issuer = "urn:partner".into();
        let claims = [
            Claim::new("urn:a", "1", claim::LOCAL_AUTHORITY),
            Claim::new("urn:a", "2", claim::SELF_AUTHORITY),
            Claim::new("urn:a", "3", ISSUER),
            passed_on,
        ];
        let content = sort(&claims);
        let issuers: Vec<_> =
            content.attributes.iter().map(|a| (a.key.original_issuer, a.values.len())).collect();
        assert_eq!(issuers, [(None, 3), (Some("urn:partner"), 1)]);
    }

    #[test]
    fn two_name_identifiers_end_the_issuance() {
        let one = Claim::new(types::NAME_IDENTIFIER, "alice", claim::LOCAL_AUTHORITY);
        assert!(sort(std::slice::from_ref(&one)).name_identifier.is_some());
        let error = Content::sort(&[one.clone(), one], ISSUER, Version::Saml11).unwrap_err();
        assert_eq!(error, TokenError::DuplicateNameIdentifier);
        assert!(error.to_string().starts_with("Duplicate Name Identifier"));
    }

    #[test]
    fn how_and_when_the_user_signed_in_is_no_attribute() {
        let claims = [
            Claim::new(types::AUTHENTICATION_METHOD, "urn:m", claim::LOCAL_AUTHORITY),
            Claim::new(types::AUTHENTICATION_INSTANT, "2026-01-01T00:00:00Z", claim::LOCAL_AUTHORITY),
            Claim::new(types::AUTHN_METHODS_REFERENCES, "urn:m", claim::LOCAL_AUTHORITY),
        ];
        let content = sort(&claims);
        assert_eq!(content.attributes.len(), 1);
        assert_eq!(content.attributes[0].key.claim_type, types::AUTHN_METHODS_REFERENCES);
    }

    #[test]
    fn what_xml_cannot_carry_ends_the_issuance_and_names_the_claim() {
        let sort = |claim| Content::sort(&[claim], ISSUER, Version::Saml20).unwrap_err().to_string();
        let text = sort(Claim::new("urn:title", "a\u{1}b", claim::LOCAL_AUTHORITY));
        assert!(text.starts_with(
            "The claim 'urn:title' holds a character that XML can't carry (U+0001) in its Value."
        ));
        let text = sort(Claim::new("urn:\u{FFFF}", "a", claim::LOCAL_AUTHORITY));
        assert!(text.contains("(U+FFFF) in its Type"), "{text}");
        for (property, part) in PROPERTIES {
            let mut claim = Claim::new(types::NAME_IDENTIFIER, "a", claim::LOCAL_AUTHORITY);
            claim.properties.insert(property.into(), "\0".into());
            assert!(sort(claim).contains(&format!("(U+0000) in its {part}")));
        }
    }

    #[test]
    fn ten_thousand_groups_are_sorted_in_one_pass() {
        let claims: Vec<Claim> =
            (0..10_000).map(|n| Claim::new(format!("urn:{n}"), "v", claim::LOCAL_AUTHORITY)).collect();
        assert_eq!(sort(&claims).attributes.len(), 10_000);
    }
}
