//! `NameIDPolicy` (SAML core 3.4.1.1): which name identifier the service provider wants.
//!
//! AD FS never makes a name identifier up: claim rules issue it. So the policy can be checked only against
//! the issued claims, when issuance is done.

use claims::{Claim, types};

use crate::{PeerText, Refusal};

/// What the request says about the name identifier.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameIdPolicy {
    /// Wanted format, a URI.
    pub format: Option<String>,
    /// Group of providers that shares the identifier; the claim's own property decides, this is informative.
    pub sp_name_qualifier: Option<String>,
    /// Whether a new identifier may be made for the user; rules decide here, this is informative.
    pub allow_create: bool,
}

impl NameIdPolicy {
    /// Whether the issued claims hold a name identifier of this very format. Without a format, and with an
    /// unspecified one, everything satisfies, even no name identifier at all.
    pub fn satisfied(&self, issued: &[Claim]) -> Result<(), Refusal> {
        let Some(wanted) = self.format.as_deref().filter(|format| !is_unspecified(format)) else {
            return Ok(());
        };
        let name_id = issued.iter().find(|claim| claim.claim_type.as_ref() == types::NAME_IDENTIFIER);
        let format = name_id.map_or("", |claim| claim.property(types::PROPERTY_FORMAT));
        if format == wanted {
            return Ok(());
        }
        Err(Refusal::NameIdPolicyNotSatisfied {
            wanted: PeerText::new(wanted),
            issued: PeerText::new(format),
        })
    }
}

fn is_unspecified(format: &str) -> bool {
    matches!(
        format,
        "" | "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
            | "urn:oasis:names:tc:SAML:2.0:nameid-format:unspecified"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    const EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";

    fn policy(format: Option<&str>) -> NameIdPolicy {
        NameIdPolicy { format: format.map(str::to_owned), ..Default::default() }
    }

    fn name_id(format: Option<&str>) -> Vec<Claim> {
        let mut claim = Claim::new(types::NAME_IDENTIFIER, "alice@example.com", "AD AUTHORITY");
        if let Some(format) = format {
            claim.properties.insert(types::PROPERTY_FORMAT.into(), format.into());
        }
        vec![Claim::new(types::UPN, "alice@example.com", "AD AUTHORITY"), claim]
    }

    #[test]
    fn the_issued_format_must_be_the_very_one() {
        assert_eq!(policy(Some(EMAIL)).satisfied(&name_id(Some(EMAIL))), Ok(()));
        for issued in [name_id(Some(PERSISTENT)), name_id(None), Vec::new()] {
            let refusal = policy(Some(EMAIL)).satisfied(&issued).unwrap_err();
            let status = refusal.saml_status().unwrap();
            assert_eq!((status.code, status.second), ("Requester", "InvalidNameIDPolicy"));
            assert!(refusal.to_string().starts_with("MSIS7070: "), "{refusal}");
        }
    }

    #[test]
    fn no_format_and_the_unspecified_one_take_everything() {
        for format in [
            None,
            Some(""),
            Some("urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"),
            Some("urn:oasis:names:tc:SAML:2.0:nameid-format:unspecified"),
        ] {
            assert_eq!(policy(format).satisfied(&[]), Ok(()));
            assert_eq!(policy(format).satisfied(&name_id(Some(PERSISTENT))), Ok(()));
        }
    }
}
