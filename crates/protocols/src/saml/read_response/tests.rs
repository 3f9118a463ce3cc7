//! Tests of the module above.

use std::time::Duration;

use base::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use claims::{Claim, types};
use configuration::SamlResponseSignature;
use tokens::saml2;
use xml::VerificationKey;

use super::super::response::{Envelope, Prepared, REQUEST_DENIED, prepare_error, prepare_response};
use super::super::testing::{Signer, signers, xmlsec1_verifies};
use super::*;

const ISSUER: &str = "http://fs.example.com/adfs/services/trust";
const ACS: &str = "https://sp.example.com/acs";
const REQUEST: &str = "_request";
const RESPONSE_ID: &str = "_0e2b6a51-97e9-4a36-a6c4-8b3b6d1d9f11";

fn now() -> Timestamp {
    Timestamp::parse_xml("2026-11-24T10:00:00Z").unwrap()
}

fn envelope() -> Envelope<'static> {
    Envelope {
        id: RESPONSE_ID,
        issue_instant: now(),
        issuer: ISSUER,
        destination: ACS,
        in_response_to: Some(REQUEST),
    }
}

fn assertion(name: &str, signer: Option<&Signer>) -> String {
    let claims = [Claim::new(types::NAME_IDENTIFIER, name, "LOCAL AUTHORITY")];
    let assertion = saml2::Assertion {
        id: &format!("_assertion-{name}"),
        issuer: ISSUER,
        issue_instant: now(),
        not_before: now(),
        not_on_or_after: now().plus(Duration::from_secs(3600)),
        audience: "urn:sp",
        recipient: ACS,
        in_response_to: Some(REQUEST),
        claims: &claims,
        authentication_method: types::METHOD_PASSWORD_PROTECTED_TRANSPORT,
        authentication_instant: now(),
    };
    match signer {
        None => assertion.unsigned().unwrap(),
        Some(signer) => {
            let to_sign = assertion.prepare(&signer.certificate).unwrap();
            let signature = signer.sign(to_sign.message());
            to_sign.attach(&signature)
        }
    }
}

/// A response as the product sends it under each setting.
fn response(signature: SamlResponseSignature) -> String {
    let signer = &signers()[0];
    let own = signature.signs_assertion().then_some(signer);
    around(&assertion("alice", own), signature)
}

fn around(assertion: &str, signature: SamlResponseSignature) -> String {
    let signer = &signers()[0];
    match prepare_response(&envelope(), assertion, signature, &signer.certificate).unwrap() {
        Prepared::Final(text) => text,
        Prepared::ToSign(to_sign) => {
            let signature = signer.sign(to_sign.message());
            to_sign.attach(&signature)
        }
    }
}

fn receive(xml: &str) -> Result<ValidatedToken, ResponseProblem> {
    receive_as(xml, InResponseTo::Request(REQUEST))
}

fn receive_as(xml: &str, in_response_to: InResponseTo<'_>) -> Result<ValidatedToken, ResponseProblem> {
    let der = STANDARD.decode(&signers()[0].certificate).unwrap();
    let keys = [VerificationKey::from_certificate_der(&der).unwrap()];
    let issuers = [TrustedIssuer { identifier: ISSUER, keys: &keys, allow_sha1: false }];
    let expectations = Expectations {
        issuers: &issuers,
        audiences: &["urn:sp"],
        recipient: Some(ACS),
        in_response_to,
        now: now(),
        skew: Duration::from_secs(60),
    };
    let message = Message { xml: xml.to_owned(), relay_state: None, signature: None };
    read(&message, &expectations)
}

const SETTINGS: [SamlResponseSignature; 3] = [
    SamlResponseSignature::AssertionOnly,
    SamlResponseSignature::MessageOnly,
    SamlResponseSignature::MessageAndAssertion,
];

#[test]
fn a_response_under_each_setting_is_believed() {
    for setting in SETTINGS {
        let token = receive(&response(setting)).unwrap();
        assert_eq!(token.name_id(), Some("alice"), "{setting:?}");
    }
}

#[test]
fn xmlsec1_believes_them_too() {
    for setting in SETTINGS {
        let id_of = match setting {
            SamlResponseSignature::AssertionOnly => "urn:oasis:names:tc:SAML:2.0:assertion:Assertion",
            _ => "urn:oasis:names:tc:SAML:2.0:protocol:Response",
        };
        if let Some(verified) = xmlsec1_verifies(&response(setting), id_of, &signers()[0].certificate_pem) {
            assert!(verified, "{setting:?}");
        }
    }
    let to_sign = prepare_error(&envelope(), REQUEST_DENIED, &signers()[0].certificate).unwrap();
    let signature = signers()[0].sign(to_sign.message());
    let id_of = "urn:oasis:names:tc:SAML:2.0:protocol:Response";
    if let Some(verified) =
        xmlsec1_verifies(&to_sign.attach(&signature), id_of, &signers()[0].certificate_pem)
    {
        assert!(verified);
    }
}

#[test]
fn a_response_is_written_in_canonical_form() {
    for setting in SETTINGS {
        let text = response(setting);
        let document = Document::parse(&text, &Limits::MESSAGE).unwrap();
        let canonical = xml::c14n::canonicalize(document.root(), &xml::c14n::Method::EXCLUSIVE, None);
        assert_eq!(canonical.unwrap(), text);
    }
}

#[test]
fn a_status_is_told() {
    let to_sign = prepare_error(&envelope(), REQUEST_DENIED, &signers()[0].certificate).unwrap();
    let problem = receive(&to_sign.attach(b"")).unwrap_err();
    assert_eq!(problem.to_string(), "the identity provider answered with the status Responder RequestDenied");
    let text = response(SETTINGS[0]);
    let (before, after) = text.split_once("<samlp:Status>").unwrap();
    let (_, after) = after.split_once("</samlp:Status>").unwrap();
    let problem = receive(&[before, after].concat()).unwrap_err();
    assert!(matches!(problem, ResponseProblem::Status { .. }), "{problem}");
}

/// Security case 15.
#[test]
fn nothing_signed_is_nothing_believed() {
    let text = around(&assertion("alice", None), SamlResponseSignature::AssertionOnly);
    assert_eq!(receive(&text).unwrap_err(), ResponseProblem::Unsigned);
}

/// Security case 2.
#[test]
fn two_assertions_are_refused_whichever_is_signed() {
    let (signed, unsigned) = (assertion("alice", Some(&signers()[0])), assertion("mallory", None));
    for both in [[signed.as_str(), &unsigned].concat(), [unsigned.as_str(), &signed].concat()] {
        for setting in SETTINGS {
            let problem = receive(&around(&both, setting)).unwrap_err();
            assert_eq!(problem, ResponseProblem::AssertionCount { found: 2 });
        }
    }
    let none = receive(&around("", SETTINGS[0])).unwrap_err();
    assert_eq!(none, ResponseProblem::AssertionCount { found: 0 });
}

/// Security case 1: the eight classic wrappings, of a signed assertion and of a signed response.
#[test]
fn wrapped_originals_are_refused() {
    let evil = assertion("mallory", None);
    let original = assertion("alice", Some(&signers()[0]));
    let original_unsigned = assertion("alice", None);
    let (_, rest) = original.split_once("<ds:Signature ").unwrap();
    let (signature, _) = rest.split_once("</ds:Signature>").unwrap();
    let signature = format!("<ds:Signature {signature}</ds:Signature>");
    let object = |inside: &str| {
        signature.replace("</ds:Signature>", &format!("<ds:Object>{inside}</ds:Object></ds:Signature>"))
    };
    // `evil` with something in front of its subject, where a signature would stand.
    let holding = |inside: &str| evil.replacen("</Issuer>", &format!("</Issuer>{inside}"), 1);
    let extensions = |inside: &str| format!("<samlp:Extensions>{inside}</samlp:Extensions>");
    let assertions = [
        ("original beside", [evil.as_str(), &original].concat()),
        ("original before", [original.as_str(), &evil].concat()),
        ("original inside evil", holding(&original)),
        ("signature in evil, original inside", holding(&[signature.as_str(), &original_unsigned].concat())),
        ("signature in evil, original in object", holding(&object(&original_unsigned))),
        ("original in extensions", [extensions(&original).as_str(), &evil].concat()),
        (
            "signature in evil, original in extensions",
            [extensions(&original_unsigned), holding(&signature)].concat(),
        ),
        ("signature moved to evil", holding(&signature)),
        ("signature in evil, original beside", [holding(&signature).as_str(), &original_unsigned].concat()),
    ];
    for (name, inside) in assertions {
        let text = around(&inside, SamlResponseSignature::AssertionOnly);
        assert!(receive(&text).is_err(), "{name}");
    }

    let original = response(SamlResponseSignature::MessageOnly);
    let (before, rest) = original.split_once("<ds:Signature ").unwrap();
    let (signature, after) = rest.split_once("</ds:Signature>").unwrap();
    let signature = format!("<ds:Signature {signature}</ds:Signature>");
    let unsigned = [before, after].concat();
    let evil = unsigned.replace("alice", "mallory");
    let evil_new_id = evil.replace(RESPONSE_ID, "_evil");
    let put = |into: &str, inside: &str| into.replacen("</Issuer>", &format!("</Issuer>{inside}"), 1);
    let object = |inside: &str| {
        signature.replace("</ds:Signature>", &format!("<ds:Object>{inside}</ds:Object></ds:Signature>"))
    };
    let responses = [
        ("changed", put(&evil, &signature)),
        ("changed, new id", put(&evil_new_id, &signature)),
        ("original in extensions", put(&evil_new_id, &extensions(&original))),
        (
            "signature outside, original in extensions",
            put(&evil_new_id, &[signature.clone(), extensions(&unsigned)].concat()),
        ),
        ("original in object", put(&evil_new_id, &object(&unsigned))),
        ("original in the signature's object, same id", put(&evil, &object(&unsigned))),
        (
            "original at the end",
            evil_new_id.replace("</samlp:Response>", &format!("{original}</samlp:Response>")),
        ),
        (
            "original in evil's assertion",
            evil_new_id.replace("</Assertion>", &format!("{original}</Assertion>")),
        ),
        ("signature stripped", unsigned.clone()),
    ];
    for (name, text) in responses {
        assert!(receive(&text).is_err(), "{name}");
    }
    assert!(receive(&put(&unsigned, &signature)).is_ok());
}

/// Security case 16.
#[test]
fn an_encrypted_assertion_beside_a_signed_one_is_refused() {
    let encrypted = format!("<EncryptedAssertion xmlns=\"{ASSERTION}\"></EncryptedAssertion>");
    let both = [assertion("alice", Some(&signers()[0])), encrypted.clone()].concat();
    let problem = receive(&around(&both, SamlResponseSignature::AssertionOnly)).unwrap_err();
    assert_eq!(problem, ResponseProblem::AssertionCount { found: 2 });
    let problem = receive(&around(&encrypted, SamlResponseSignature::MessageOnly)).unwrap_err();
    assert_eq!(problem, ResponseProblem::Encrypted);
}

/// Security case 20.
#[test]
fn a_destination_or_recipient_that_is_wrong_or_missing_is_refused() {
    let text = response(SamlResponseSignature::AssertionOnly);
    for (to, what) in [("Destination=\"https://sp.example.com/acs/\"", "acs/"), ("", "''")] {
        let changed = text.replace(&format!("Destination=\"{ACS}\""), to);
        let problem = receive(&changed).unwrap_err();
        assert!(matches!(problem, ResponseProblem::Destination { .. }), "{problem}");
        assert!(problem.to_string().contains(what), "{problem}");
    }
    for to in [" Recipient=\"https://evil.example/\"", ""] {
        let changed = assertion("alice", None).replace(&format!(" Recipient=\"{ACS}\""), to);
        let problem = receive(&around(&changed, SamlResponseSignature::MessageOnly)).unwrap_err();
        let ResponseProblem::Token(problems) = &problem else { panic!("{problem}") };
        assert!(matches!(problems[..], [ValidationProblem::RecipientWrong { .. }]), "{problem}");
    }
}

/// Security case 21.
#[test]
fn only_the_answer_to_the_request_of_this_browser_is_believed() {
    let text = response(SamlResponseSignature::MessageAndAssertion);
    for expected in [InResponseTo::Request("_other"), InResponseTo::Unsolicited] {
        let problem = receive_as(&text, expected).unwrap_err();
        assert!(matches!(problem, ResponseProblem::InResponseTo { .. }), "{problem}");
    }
    // The part of an unsigned response that anyone can change doesn't help: the assertion says it too.
    let text = response(SamlResponseSignature::AssertionOnly);
    let changed = text.replacen("InResponseTo=\"_request\"", "InResponseTo=\"_other\"", 1);
    let problem = receive_as(&changed, InResponseTo::Request("_other")).unwrap_err();
    assert!(matches!(problem, ResponseProblem::Token(_)), "{problem}");
}

#[test]
fn a_foreign_issuer_key_or_message_is_refused() {
    let foreign = assertion("alice", Some(&signers()[1]));
    let problem = receive(&around(&foreign, SamlResponseSignature::AssertionOnly)).unwrap_err();
    assert!(matches!(problem, ResponseProblem::Token(_)), "{problem}");
    // Both signatures have to be right where both are there.
    let problem = receive(&around(&foreign, SamlResponseSignature::MessageAndAssertion)).unwrap_err();
    assert!(matches!(problem, ResponseProblem::Token(_)), "{problem}");
    let text = response(SamlResponseSignature::MessageOnly);
    let problem = receive(&text.replace(">http://fs.", ">http://other.")).unwrap_err();
    assert!(matches!(problem, ResponseProblem::Issuer { .. }), "{problem}");
    let nameless = text.replacen(&format!("<Issuer xmlns=\"{ASSERTION}\">{ISSUER}</Issuer>"), "", 1);
    let problem = receive(&nameless).unwrap_err();
    assert!(matches!(problem, ResponseProblem::Issuer { .. }), "{problem}");
    for other in
        [text.replace("samlp:Response", "samlp:LogoutResponse"), text.replacen("\"2.0\"", "\"1.1\"", 1)]
    {
        assert!(matches!(receive(&other), Err(ResponseProblem::NotAResponse { .. })));
    }
}
