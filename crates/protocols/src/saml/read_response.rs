//! Reading a Response as a service provider does (SAML profiles 4.1.4.3; core 3.2.2): the built-in Claims X-Ray
//! page takes its tokens in this way.
//!
//! message → what the response says about itself → what is signed → [`tokens::validate`] → [`ValidatedToken`]

use tokens::validate::{self, Expectations, InResponseTo, TrustedIssuer, ValidatedToken, ValidationProblem};
use xml::{Document, Element, Limits, Profile, SignatureError, SignaturePolicy, XmlError, verify};

use super::binding::Message;
use super::{ASSERTION, PROTOCOL, STATUS};
use crate::PeerText;

/// Why a response is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResponseProblem {
    /// It is no XML that is read here, or repeats what must stand once.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// The message is something else.
    #[error("the message is '{found}'; expected a SAML 2.0 Response")]
    NotAResponse {
        /// Local name of its element.
        found: PeerText,
    },
    /// It was sent to another address, or names none.
    #[error("the response names the destination '{found}'; expected the address that received it")]
    Destination {
        /// `Destination`; empty when there is none.
        found: PeerText,
    },
    /// It answers another request, or none where one was sent, or one where none was sent.
    #[error("the response answers the request '{found}', which is not the one of this browser")]
    InResponseTo {
        /// `InResponseTo`; empty when there is none.
        found: PeerText,
    },
    /// Its issuer is not trusted.
    #[error("the response comes from '{found}', which is not trusted here")]
    Issuer {
        /// `Issuer`; empty when there is none.
        found: PeerText,
    },
    /// The identity provider says that it issued nothing.
    #[error("the identity provider answered with the status {code} {second}")]
    Status {
        /// The first status code, without its common begin.
        code: PeerText,
        /// The nested status code, without its common begin; empty when there is none.
        second: PeerText,
    },
    /// Its own signature is not believed.
    #[error("the signature of the response is not believed: {0}")]
    Signature(SignatureError),
    /// Neither the response nor its assertion is signed.
    #[error("neither the response nor the assertion in it is signed")]
    Unsigned,
    /// Not exactly one assertion.
    #[error("the response holds {found} assertions; expected one")]
    AssertionCount {
        /// How many there are.
        found: usize,
    },
    /// An assertion stands somewhere else than directly in the response: the mark of a wrapping attack.
    #[error("an assertion stands inside '{parent}'; expected it directly in the response")]
    AssertionMisplaced {
        /// Local name of the element that holds it.
        parent: PeerText,
    },
    /// The assertion is encrypted.
    #[error("the assertion is encrypted, and this party has no key to decrypt it")]
    Encrypted,
    /// The assertion is not believed.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Token(Vec<ValidationProblem>),
}

/// Reads a response and believes the one assertion in it, or says why not.
///
/// `expectations` must name the recipient: a response names its destination, and both are compared with it.
/// That no token is taken twice is for the caller to see to (`InResponseTo` and the token's id).
pub fn read(message: &Message, expectations: &Expectations<'_>) -> Result<ValidatedToken, ResponseProblem> {
    let document = Document::parse(&message.xml, &Limits::MESSAGE)?;
    let response = document.root();
    if !response.is(PROTOCOL, "Response") || response.attribute("Version") != Some("2.0") {
        return Err(ResponseProblem::NotAResponse { found: PeerText::new(response.local_name()) });
    }
    is_sent_here(response, expectations)?;
    answers_our_request(response, expectations)?;
    let signer = issuer(response, expectations)?;
    is_success(response)?;
    let assertion = the_assertion(response)?;

    let response_signed = response.child(DS, "Signature")?.is_some();
    let assertion_signed = assertion.child(DS, "Signature")?.is_some();
    let token = match (response_signed, signer) {
        (true, Some(signer)) => {
            let policy =
                SignaturePolicy { allow_sha1: signer.allow_sha1, ..SignaturePolicy::strict(Profile::Saml2) };
            let signed =
                verify::enveloped(response, signer.keys, &policy).map_err(ResponseProblem::Signature)?;
            validate::inside(signed, signer, expectations)
        }
        // Profiles 4.1.4.2: a response that is signed says by whom.
        (true, None) => return Err(ResponseProblem::Issuer { found: PeerText::new("") }),
        (false, _) if assertion_signed => validate::assertion(assertion, expectations),
        (false, _) => return Err(ResponseProblem::Unsigned),
    };
    token.map_err(ResponseProblem::Token)
}

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const DS: &str = "http://www.w3.org/2000/09/xmldsig#";

fn is_sent_here(response: Element<'_, '_>, expectations: &Expectations<'_>) -> Result<(), ResponseProblem> {
    let destination = response.attribute("Destination");
    if destination.is_some() && destination == expectations.recipient {
        return Ok(());
    }
    Err(ResponseProblem::Destination { found: PeerText::new(destination.unwrap_or_default()) })
}

fn answers_our_request(
    response: Element<'_, '_>,
    expectations: &Expectations<'_>,
) -> Result<(), ResponseProblem> {
    let found = response.attribute("InResponseTo");
    let right = match expectations.in_response_to {
        InResponseTo::NotAsked => true,
        InResponseTo::Unsolicited => found.is_none(),
        InResponseTo::Request(id) => found == Some(id),
    };
    match right {
        true => Ok(()),
        false => Err(ResponseProblem::InResponseTo { found: PeerText::new(found.unwrap_or_default()) }),
    }
}

/// The trusted issuer that the response names, if it names one.
fn issuer<'e, 'i>(
    response: Element<'_, '_>,
    expectations: &'e Expectations<'i>,
) -> Result<Option<&'e TrustedIssuer<'i>>, ResponseProblem> {
    let Some(issuer) = response.child(ASSERTION, "Issuer")? else { return Ok(None) };
    let named = issuer.text();
    let known = expectations.issuers.iter().find(|known| known.identifier == named);
    match known {
        Some(known) => Ok(Some(known)),
        None => Err(ResponseProblem::Issuer { found: PeerText::new(&named) }),
    }
}

fn is_success(response: Element<'_, '_>) -> Result<(), ResponseProblem> {
    let first = status_code(response.child(PROTOCOL, "Status")?)?;
    let second = status_code(first)?;
    let value = |code: Option<Element<'_, '_>>| {
        let value = code.and_then(|code| code.attribute("Value")).unwrap_or_default();
        PeerText::new(value.strip_prefix(STATUS).unwrap_or(value))
    };
    match first.and_then(|code| code.attribute("Value")) {
        Some(SUCCESS) => Ok(()),
        _ => Err(ResponseProblem::Status { code: value(first), second: value(second) }),
    }
}

fn status_code<'a, 'i>(outer: Option<Element<'a, 'i>>) -> Result<Option<Element<'a, 'i>>, XmlError> {
    outer.map_or(Ok(None), |outer| outer.child(PROTOCOL, "StatusCode"))
}

/// The one assertion, a child of the response; none may stand anywhere else. Security cases 1, 2, 16.
fn the_assertion<'a, 'i>(response: Element<'a, 'i>) -> Result<Element<'a, 'i>, ResponseProblem> {
    let is_one = |element: &Element<'_, '_>| {
        element.is(ASSERTION, "Assertion") || element.is(ASSERTION, "EncryptedAssertion")
    };
    let mut inside: Vec<Element<'_, '_>> = response.children().collect();
    while let Some(parent) = inside.pop() {
        for child in parent.children() {
            if is_one(&child) {
                let parent = PeerText::new(parent.local_name());
                return Err(ResponseProblem::AssertionMisplaced { parent });
            }
            inside.push(child);
        }
    }
    let held: Vec<_> = response.children().filter(is_one).collect();
    match held.as_slice() {
        [one] if one.local_name() == "EncryptedAssertion" => Err(ResponseProblem::Encrypted),
        [one] => Ok(*one),
        _ => Err(ResponseProblem::AssertionCount { found: held.len() }),
    }
}

#[cfg(test)]
mod tests;
