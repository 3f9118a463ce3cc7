//! Reading a RequestSecurityTokenResponse where it arrives: at a relying party.
//!
//! Only the assertion in it counts, and only once [`tokens::validate`] believes it: nothing else of the message
//! is signed.

use xml::{Element, XmlError};

use crate::PeerText;

/// WS-Trust of February 2005, and WS-Trust 1.3 and later.
const TRUST: [&str; 2] =
    ["http://schemas.xmlsoap.org/ws/2005/02/trust", "http://docs.oasis-open.org/ws-sx/ws-trust/200512"];

/// Why a response holds no token to look at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// The issuer answered by a fault.
    #[error("the issuer answered by the fault '{reason}'")]
    Fault {
        /// Its reason.
        reason: PeerText,
    },
    /// It is something else.
    #[error("'{found}' is no RequestSecurityTokenResponse of WS-Trust 2005/02 or 200512")]
    NotAResponse {
        /// Local name of the element.
        found: PeerText,
    },
    /// It does not hold exactly one token.
    #[error("the response holds {found} tokens; expected one")]
    TokenCount {
        /// How many.
        found: usize,
    },
    /// The token is of a kind that is not read here.
    #[error(
        "the response holds a token of the kind '{found}'; expected a SAML assertion that is not encrypted"
    )]
    TokenKind {
        /// Local name of its element.
        found: PeerText,
    },
    /// What must stand once stands several times.
    #[error(transparent)]
    Xml(#[from] XmlError),
}

/// The one assertion of a response. `wresult` is the document element of the field of that name.
pub fn assertion<'a, 'input>(wresult: Element<'a, 'input>) -> Result<Element<'a, 'input>, ResponseError> {
    if wresult.local_name() == "Fault" {
        return Err(ResponseError::Fault { reason: reason(wresult) });
    }
    // WS-Trust 1.3 puts its responses into a collection.
    let responses: Vec<_> = match is_trust(&wresult, "RequestSecurityTokenResponseCollection") {
        true => wresult.children().filter(|child| is_trust(child, "RequestSecurityTokenResponse")).collect(),
        false => vec![wresult],
    };
    let [response] = responses.as_slice() else {
        return Err(ResponseError::TokenCount { found: responses.len() });
    };
    if !is_trust(response, "RequestSecurityTokenResponse") {
        return Err(ResponseError::NotAResponse { found: PeerText::new(response.local_name()) });
    }
    let holders = response.children().filter(|child| is_trust(child, "RequestedSecurityToken"));
    let held: Vec<_> = holders.flat_map(|holder| holder.children()).collect();
    let [token] = held.as_slice() else {
        return Err(ResponseError::TokenCount { found: held.len() });
    };
    match token.local_name() {
        // Of which version it is, its reader finds out.
        "Assertion" => Ok(*token),
        kind => Err(ResponseError::TokenKind { found: PeerText::new(kind) }),
    }
}

fn is_trust(element: &Element<'_, '_>, name: &str) -> bool {
    TRUST.iter().any(|namespace| element.is(namespace, name))
}

/// The text of a SOAP 1.1 (`faultstring`) or SOAP 1.2 (`Reason/Text`) fault.
fn reason(fault: Element<'_, '_>) -> PeerText {
    let texts = fault.children().flat_map(|child| match child.local_name() {
        "faultstring" => vec![child],
        "Reason" => child.children().collect(),
        _ => Vec::new(),
    });
    PeerText::new(&texts.map(|element| element.text().into_owned()).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use xml::{Document, Limits};

    use super::*;

    fn read(text: &str) -> Result<String, ResponseError> {
        let document = Document::parse(text, &Limits::MESSAGE).unwrap();
        assertion(document.root()).map(|element| element.attribute("ID").unwrap_or_default().to_owned())
    }

    fn response(namespace: &str, inner: &str) -> String {
        format!(
            "<t:RequestSecurityTokenResponse xmlns:t='{namespace}'>{inner}</t:RequestSecurityTokenResponse>"
        )
    }

    const HELD: &str = "<t:RequestedSecurityToken><Assertion ID='a'/></t:RequestedSecurityToken>";

    #[test]
    fn both_versions_are_read_and_white_space_is_passed_over() {
        for namespace in TRUST {
            assert_eq!(read(&response(namespace, HELD)).unwrap(), "a");
            let spaced = HELD.replace("><", ">\n  <!-- x --> <");
            assert_eq!(read(&response(namespace, &spaced)).unwrap(), "a");
        }
        let collection = |inner: &str| {
            format!(
                "<c:RequestSecurityTokenResponseCollection xmlns:c='{}'>{inner}</c:RequestSecurityTokenResponseCollection>",
                TRUST[1]
            )
        };
        assert_eq!(read(&collection(&response(TRUST[1], HELD))).unwrap(), "a");
        let twice = collection(&[response(TRUST[1], HELD), response(TRUST[1], "")].concat());
        assert_eq!(read(&twice), Err(ResponseError::TokenCount { found: 2 }));
        assert_eq!(read(&collection("")), Err(ResponseError::TokenCount { found: 0 }));
    }

    /// Security case 2.
    #[test]
    fn a_second_token_anywhere_is_refused() {
        for inner in [
            "<t:RequestedSecurityToken><Assertion ID='a'/><Assertion ID='b'/></t:RequestedSecurityToken>"
                .to_owned(),
            [HELD, &HELD.replace("'a'", "'b'")].concat(),
            [
                HELD,
                &HELD.replace("'a'", "'b'").replace(
                    "<t:RequestedSecurityToken>",
                    "<t:RequestedSecurityToken xmlns:t='http://docs.oasis-open.org/ws-sx/ws-trust/200512'>",
                ),
            ]
            .concat(),
        ] {
            assert_eq!(read(&response(TRUST[0], &inner)), Err(ResponseError::TokenCount { found: 2 }));
        }
        let empty = "<t:RequestedSecurityToken>text</t:RequestedSecurityToken>";
        assert_eq!(read(&response(TRUST[0], empty)), Err(ResponseError::TokenCount { found: 0 }));
    }

    #[test]
    fn what_is_no_response_is_named() {
        let error = |text: &str| read(text).unwrap_err().to_string();
        assert!(error("<a/>").starts_with("'a' is no RequestSecurityTokenResponse"));
        assert!(error(&response("urn:other", HELD)).contains("'RequestSecurityTokenResponse' is no"));
        let encrypted = HELD.replace("Assertion", "EncryptedData");
        assert!(error(&response(TRUST[0], &encrypted)).contains("'EncryptedData'"));
        assert_eq!(
            error(
                "<s:Fault xmlns:s='urn:s'><faultcode>x</faultcode><faultstring>no &#10;way</faultstring></s:Fault>"
            ),
            "the issuer answered by the fault 'no way'"
        );
        assert_eq!(
            error("<s:Fault xmlns:s='urn:s'><s:Reason><s:Text>MSIS3127</s:Text></s:Reason></s:Fault>"),
            "the issuer answered by the fault 'MSIS3127'"
        );
    }
}
