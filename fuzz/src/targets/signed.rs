//! What is believed only because it is signed.
//!
//! `fuzz/signed/` holds messages that a demo issued, and the certificate of its key, which is gone: nobody can sign
//! anything else. So whatever these readers believe must be what was signed then, byte for byte.

use std::sync::LazyLock;
use std::time::Duration;

use base::Timestamp;
use protocols::saml::binding::Message;
use protocols::saml::read_response;
use protocols::ws_federation::read_response as read_rstr;
use tokens::validate;
use tokens::{Expectations, InResponseTo, TrustedIssuer, ValidatedToken};
use xml::c14n::{Method, canonicalize};
use xml::{Document, Limits, Profile, SignaturePolicy, VerificationKey, decode, verify};

use super::xml_text::elements;

const DS: &str = "http://www.w3.org/2000/09/xmldsig#";

/// Every message that the key has signed.
const SIGNED: [&str; 6] = [
    include_str!("../../signed/saml_response_assertion.xml"),
    include_str!("../../signed/saml_response_message.xml"),
    include_str!("../../signed/saml_response_both.xml"),
    include_str!("../../signed/wresult_saml11.xml"),
    include_str!("../../signed/wresult_saml20.xml"),
    include_str!("../../signed/metadata.xml"),
];
const SAML_RESPONSES: [&str; 3] = [SIGNED[0], SIGNED[1], SIGNED[2]];
const WRESULTS: [&str; 2] = [SIGNED[3], SIGNED[4]];

static KEYS: LazyLock<[VerificationKey; 1]> = LazyLock::new(|| {
    [VerificationKey::from_certificate_der(include_bytes!("../../signed/signer.der")).expect("a certificate")]
});

/// Canonical bytes of everything that the key has signed.
static BELIEVABLE: LazyLock<Vec<String>> = LazyLock::new(|| {
    let believed: Vec<String> = SIGNED.iter().flat_map(|text| believed(text)).collect();
    // Each message, and the assertion of the one in which both are signed.
    assert_eq!(believed.len(), SIGNED.len() + 1);
    believed
});

const PROFILES: [Profile; 3] = [Profile::Saml2, Profile::Saml11, Profile::Metadata];

/// Canonical bytes, without the signature, of the elements that the verifier believes.
fn believed(text: &str) -> Vec<String> {
    let Ok(document) = Document::parse(text, &Limits::METADATA) else { return Vec::new() };
    let mut believed = Vec::new();
    for element in elements(document.root()) {
        let verdicts = PROFILES
            .map(|profile| verify::enveloped(element, KEYS.as_slice(), &SignaturePolicy::strict(profile)));
        if let Some(verified) = verdicts.into_iter().find_map(Result::ok) {
            let signature = element.child(DS, "Signature").expect("one signature");
            believed.push(
                canonicalize(*verified.get(), &Method::EXCLUSIVE, signature).expect("it was made before"),
            );
        }
    }
    believed
}

/// Never believed where the bytes read differ from the bytes signed.
pub(crate) fn verify(input: &[u8]) -> bool {
    let Ok(text) = decode(input, &Limits::METADATA) else { return false };
    let believed = believed(&text);
    for bytes in &believed {
        assert!(BELIEVABLE.contains(bytes), "{bytes}\nread from\n{text}");
    }
    !believed.is_empty()
}

/// What an assertion says, before anybody believes it.
pub(crate) fn token(input: &[u8]) -> bool {
    let Ok(text) = decode(input, &Limits::MESSAGE) else { return false };
    let Ok(document) = Document::parse(&text, &Limits::MESSAGE) else { return false };
    tokens::read::assertion(document.root()).is_ok()
}

fn expecting<T>(decide: impl FnOnce(&Expectations<'_>) -> T) -> T {
    decide(&Expectations {
        issuers: &[TrustedIssuer {
            identifier: "http://localhost/adfs/services/trust",
            keys: KEYS.as_slice(),
            allow_sha1: false,
        }],
        audiences: &[
            "urn:fuzz:saml",
            "urn:fuzz:saml-message",
            "urn:fuzz:saml-both",
            "urn:fuzz:wsfed",
            "urn:fuzz:wsfed20",
        ],
        recipient: Some("https://app.example/acs"),
        in_response_to: InResponseTo::NotAsked,
        now: Timestamp::parse_xml(include_str!("../../signed/issued.txt").trim()).expect("a time"),
        skew: Duration::from_secs(300),
    })
}

fn read_saml_response(text: &str) -> Option<ValidatedToken> {
    let message = Message { xml: text.to_owned(), relay_state: None, signature: None };
    expecting(|expectations| read_response::read(&message, expectations)).ok()
}

fn read_wresult(text: &str) -> Option<ValidatedToken> {
    let document = Document::parse(text, &Limits::MESSAGE).ok()?;
    let assertion = read_rstr::assertion(document.root()).ok()?;
    expecting(|expectations| validate::assertion(assertion, expectations)).ok()
}

static SAML_TOKENS: LazyLock<Vec<ValidatedToken>> =
    LazyLock::new(|| SAML_RESPONSES.map(|text| read_saml_response(text).expect("it is right")).to_vec());
static WS_FEDERATION_TOKENS: LazyLock<Vec<ValidatedToken>> =
    LazyLock::new(|| WRESULTS.map(|text| read_wresult(text).expect("it is right")).to_vec());

/// The claims of a response are those that were signed, or there are none.
pub(crate) fn saml_response(input: &[u8]) -> bool {
    let Ok(text) = decode(input, &Limits::MESSAGE) else { return false };
    let token = read_saml_response(&text);
    assert!(token.iter().all(|token| SAML_TOKENS.contains(token)), "{token:?}\nread from\n{text}");
    token.is_some()
}

/// The same, of a `wresult`.
pub(crate) fn ws_federation_response(input: &[u8]) -> bool {
    let Ok(text) = decode(input, &Limits::MESSAGE) else { return false };
    let token = read_wresult(&text);
    assert!(token.iter().all(|token| WS_FEDERATION_TOKENS.contains(token)), "{token:?}\nread from\n{text}");
    token.is_some()
}
