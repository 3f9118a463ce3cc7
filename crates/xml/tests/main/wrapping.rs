//! Signature wrapping: the eight arrangements of Somorovsky and others ("On Breaking SAML", 2012), made from a
//! message that was really signed.

use xml::c14n::{Method, canonicalize};
use xml::{Document, Element, Limits, verify};

use crate::signer::{DS, PARTNER, STRICT, assertion, response};
use crate::support::{elements, parse};

const GOOD: &str = "alice@partner.example";
const EVIL: &str = "administrator@partner.example";

/// What an attacker has: an element that was signed, and its parts.
struct Loot {
    /// Local name of the signed element.
    name: &'static str,
    signed: String,
    bare: String,
    signature: String,
}

impl Loot {
    fn new(name: &'static str, bare: String) -> Self {
        let signed = PARTNER.envelop(&bare, "_original");
        let from = signed.find("<ds:Signature ").unwrap();
        let to = signed.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
        let signature = signed[from..to].to_owned();
        Self { name, signed, bare, signature }
    }

    fn assertion() -> Self {
        Self::new("Assertion", assertion("_original", GOOD))
    }

    fn response() -> Self {
        Self::new("Response", response("_original", &assertion("_a", GOOD)))
    }

    /// An element of the same kind for another user, with `inner` where its signature would stand.
    fn evil(&self, id: &str, inner: &str) -> String {
        let element = match self.name {
            "Assertion" => assertion(id, EVIL),
            _ => response(id, &assertion("_e", EVIL)),
        };
        element.replacen("</saml:Issuer>", &format!("</saml:Issuer>{inner}"), 1)
    }

    /// The signature with something in it, before its end.
    fn signature_around(&self, inner: &str) -> String {
        self.signature.replacen("</ds:Signature>", &format!("{inner}</ds:Signature>"), 1)
    }
}

/// The message that carries the elements of an arrangement.
fn carry(inner: &str) -> String {
    format!("<Message xmlns=\"urn:example:carrier\">{inner}</Message>")
}

fn object(inner: &str) -> String {
    format!("<ds:Object>{inner}</ds:Object>")
}

/// The eight arrangements, with the reason for which the evil element must be refused.
fn arrangements(loot: &Loot, evil_id: &str) -> [(&'static str, String, &'static str); 8] {
    let Loot { signed, bare, signature, .. } = loot;
    [
        (
            "XSW1: the evil element envelops its signature, which holds the original in an Object",
            carry(&loot.evil(evil_id, &loot.signature_around(&object(bare)))),
            "signature-malformed",
        ),
        (
            "XSW2: the evil element holds the original and its detached signature",
            carry(&loot.evil(evil_id, &format!("{bare}{signature}"))),
            "signature-reference",
        ),
        (
            "XSW3: the evil element stands before the original",
            carry(&format!("{}{signed}", loot.evil(evil_id, ""))),
            "signature-missing",
        ),
        (
            "XSW4: the evil element holds the signed original",
            carry(&loot.evil(evil_id, signed)),
            "signature-missing",
        ),
        (
            "XSW5: the evil element took the signature, the original stands behind without",
            carry(&format!("{}{bare}", loot.evil(evil_id, signature))),
            "signature-reference",
        ),
        (
            "XSW6: the evil element took the signature, which holds the original",
            carry(&loot.evil(evil_id, &loot.signature_around(bare))),
            "signature-malformed",
        ),
        (
            "XSW7: the evil element hides in an extension before the original",
            carry(&format!("<Extensions>{}</Extensions>{signed}", loot.evil(evil_id, ""))),
            "signature-missing",
        ),
        (
            "XSW8: the signed original stands in an Object of the evil element's signature",
            carry(&loot.evil(evil_id, &loot.signature_around(&object(signed)))),
            "signature-malformed",
        ),
    ]
}

/// All arrangements, with an identifier of the evil element's own and with the original's, for other verifiers.
pub(crate) fn wrapped_messages() -> Vec<(String, String)> {
    let mut messages = Vec::new();
    for loot in [Loot::assertion(), Loot::response()] {
        for id in ["_evil", "_original"] {
            for (what, text, _) in arrangements(&loot, id) {
                let name = what.split(':').next().unwrap_or_default();
                messages.push((format!("{name} {} {id}", loot.name), text));
            }
        }
    }
    messages
}

fn is_evil(element: Element<'_, '_>) -> bool {
    let subject = element.children().find(|child| child.local_name() == "Subject");
    let assertion = element.children().find(|child| child.local_name() == "Assertion");
    match (subject, assertion) {
        (Some(subject), _) => subject.children().any(|name| name.text() == EVIL),
        (None, Some(assertion)) => is_evil(assertion),
        (None, None) => false,
    }
}

fn eight_arrangements_are_refused(loot: &Loot) {
    let keys = [PARTNER.verification_key()];
    for (what, text, expected) in arrangements(loot, "_evil") {
        let document = parse(&text);
        let mut refused = 0;
        for element in elements(document.root()).into_iter().filter(|e| e.local_name() == loot.name) {
            let verdict = verify::enveloped(element, &keys, &STRICT);
            if is_evil(element) {
                assert_eq!(verdict.unwrap_err().code(), expected, "{what}");
                refused += 1;
            } else if let Ok(verified) = verdict {
                let signature = element.child(DS, "Signature").unwrap();
                let bytes = canonicalize(*verified.get(), &Method::EXCLUSIVE, signature).unwrap();
                assert_eq!(bytes, loot.bare, "{what}");
            }
        }
        assert_eq!(refused, 1, "{what}");
    }
    for (what, text, _) in arrangements(loot, "_original") {
        let error = Document::parse(&text, &Limits::MESSAGE).unwrap_err();
        assert_eq!(error.code(), "xml-duplicate-id", "{what}");
    }
}

#[test]
fn the_message_that_is_wrapped_below_verifies_unwrapped() {
    for loot in [Loot::assertion(), Loot::response()] {
        let document = parse(&loot.signed);
        let verified = verify::enveloped(document.root(), &[PARTNER.verification_key()], &STRICT).unwrap();
        assert!(!is_evil(*verified.get()));
        assert_eq!(verified.key_index(), 0);
    }
}

/// Security case 1.
#[test]
fn signature_wrapping_of_an_assertion_is_refused() {
    eight_arrangements_are_refused(&Loot::assertion());
}

/// Security case 1.
#[test]
fn signature_wrapping_of_a_response_is_refused() {
    eight_arrangements_are_refused(&Loot::response());
}

/// Security case 2.
#[test]
fn of_two_assertions_only_the_signed_one_is_believed() {
    let signed = PARTNER.envelop(&assertion("_second", GOOD), "_second");
    let text = response("_r", &format!("{}{signed}", assertion("_first", EVIL)));
    let document = parse(&text);
    let assertions: Vec<_> = document.root().children().filter(|e| e.local_name() == "Assertion").collect();
    let keys = [PARTNER.verification_key()];
    assert_eq!(verify::enveloped(assertions[0], &keys, &STRICT).unwrap_err().code(), "signature-missing");
    assert!(verify::enveloped(assertions[1], &keys, &STRICT).is_ok());
    assert_eq!(verify::enveloped(document.root(), &keys, &STRICT).unwrap_err().code(), "signature-missing");
}

/// Security case 2.
#[test]
fn an_assertion_added_to_a_signed_response_breaks_it() {
    let signed = PARTNER.envelop(&response("_r", &assertion("_first", GOOD)), "_r");
    let text =
        signed.replacen("<saml:Assertion ", &format!("{}<saml:Assertion ", assertion("_second", EVIL)), 1);
    let document = parse(&text);
    let error = verify::enveloped(document.root(), &[PARTNER.verification_key()], &STRICT).unwrap_err();
    assert_eq!(error.code(), "signature-digest");
}

/// Security case 3.
#[test]
fn a_signature_that_is_not_a_direct_child_does_not_count() {
    let loot = Loot::assertion();
    for hiding in ["Extensions", "Advice", "Object", "KeyInfo"] {
        for namespace in [DS, "urn:oasis:names:tc:SAML:2.0:assertion", "urn:oasis:names:tc:SAML:2.0:protocol"]
        {
            let inner = format!("<{hiding} xmlns=\"{namespace}\">{}</{hiding}>", loot.signature);
            let text = loot.bare.replacen("</saml:Issuer>", &format!("</saml:Issuer>{inner}"), 1);
            let document = parse(&text);
            let error =
                verify::enveloped(document.root(), &[PARTNER.verification_key()], &STRICT).unwrap_err();
            assert_eq!(error.code(), "signature-missing", "{text}");
        }
    }
}

#[test]
fn two_signatures_on_one_element_are_refused() {
    let loot = Loot::assertion();
    let text = loot.signed.replacen("</saml:Issuer>", &format!("</saml:Issuer>{}", loot.signature), 1);
    let document = parse(&text);
    let error = verify::enveloped(document.root(), &[PARTNER.verification_key()], &STRICT).unwrap_err();
    assert_eq!(error.code(), "signature-several");
}
