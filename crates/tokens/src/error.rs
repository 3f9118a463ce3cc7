//! Why a token can't be written.

use std::fmt;

/// Why a token can't be written. The fault lies in the claim rules or in the trust, never with the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Event 186: the rules left more than one name identifier.
    #[error(
        "Duplicate Name Identifier: the claim rules issued more than one claim of the type \
         http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier, and a token names its subject \
         once. Change the issuance transform rules so that one is left."
    )]
    DuplicateNameIdentifier,
    /// SAML 1.1 names an attribute by a namespace and a name.
    #[error(
        "ID4216: The ClaimType '{0}' must be of format 'namespace'/'name'. Issue the claim under another type, \
         or use SAML 2.0 tokens for this relying party."
    )]
    ClaimTypeWithoutNamespace(Shown),
    /// A claim holds a character that XML can't carry, such as NUL.
    #[error(
        "The claim '{claim_type}' holds a character that XML can't carry (U+{character:04X}) in its {part}. \
         Remove it with RegExReplace in the claim rule, or correct it in the directory."
    )]
    ClaimNotXmlText {
        /// Type of the claim.
        claim_type: Shown,
        /// Which part of the claim: `Value`, `Type`, `OriginalIssuer` or the key of a property.
        part: &'static str,
        /// The character.
        character: u32,
    },
    /// A field of the token holds a character that XML can't carry.
    #[error("The token's {field} holds a character that XML can't carry (U+{character:04X}).")]
    FieldNotXmlText {
        /// Name of the field.
        field: &'static str,
        /// The character.
        character: u32,
    },
    /// The signer refused the place of the signature; the writers of this crate give it one between two tags.
    #[error("The token could not be prepared for its signature: its place is not between two characters.")]
    NotSignable,
}

/// A text of the rules' making, fit to be shown: escaped, and at most 256 characters of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown(String);

impl Shown {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.chars().take(256).flat_map(char::escape_debug).collect())
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
