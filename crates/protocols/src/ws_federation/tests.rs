//! A sign-in from end to end: request, checks, token, answer, and the relying party that believes it.

use std::path::PathBuf;
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base::Timestamp;
use claims::{Claim, claim, types};
use configuration::RelyingPartyTrust;
use tokens::{
    Expectations, InResponseTo, TrustedIssuer, ValidationProblem, Version, saml2, saml11, validate,
};
use xml::{Document, Limits, ToSign, VerificationKey};

use super::response::{Response, form_fields};
use super::{read_response, sign_in};

const FSI: &str = "http://fs.example.com/adfs/services/trust";

fn at(time: &str) -> Timestamp {
    Timestamp::parse_xml(&format!("2026-11-24T{time}Z")).unwrap()
}

fn claims() -> Vec<Claim> {
    vec![Claim::new(types::UPN, "alice@example.com", claim::AD_AUTHORITY)]
}

fn prepare(version: Version, realm: &str, reply: &str) -> ToSign {
    let claims = claims();
    let id = "_0b4f0a5c-7b7e-4f6c-9c0f-2f1f5f0a9d11";
    let method = types::METHOD_PASSWORD_PROTECTED_TRANSPORT;
    match version {
        Version::Saml11 => saml11::Assertion {
            id,
            issuer: FSI,
            issue_instant: at("10:00:00"),
            not_before: at("10:00:00"),
            not_on_or_after: at("11:00:00"),
            audience: realm,
            claims: &claims,
            authentication_method: method,
            authentication_instant: at("09:59:00"),
        }
        .prepare("MIIC"),
        Version::Saml20 => saml2::Assertion {
            id,
            issuer: FSI,
            issue_instant: at("10:00:00"),
            not_before: at("10:00:00"),
            not_on_or_after: at("11:00:00"),
            audience: realm,
            recipient: reply,
            in_response_to: None,
            claims: &claims,
            authentication_method: method,
            authentication_instant: at("09:59:00"),
        }
        .prepare("MIIC"),
    }
    .unwrap()
}

fn response<'a>(version: Version, realm: &'a str, assertion: &'a str) -> Response<'a> {
    Response { created: at("10:00:00"), expires: at("11:00:00"), realm, version, assertion }
}

#[test]
fn a_sign_in_from_request_to_claims() {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let public = AsDer::<PublicKeyX509Der<'_>>::as_der(key.public_key()).unwrap();
    let keys = [VerificationKey::from_spki_der(public.as_ref()).unwrap()];
    let trust = RelyingPartyTrust {
        identifier: vec!["urn:app".into()],
        ws_fed_endpoint: Some("https://app.example.com/".into()),
        ..Default::default()
    };
    for version in [Version::Saml11, Version::Saml20] {
        let request = sign_in::decode(b"wa=wsignin1.0&wtrealm=urn%3aapp&wctx=a%26b%253d").unwrap();
        let accepted = sign_in::accept(&request, &trust).unwrap();

        let to_sign = prepare(version, &request.wtrealm, &accepted.reply);
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), to_sign.message(), &mut signature).unwrap();
        let assertion = to_sign.attach(&signature);
        let wresult = response(version, &request.wtrealm, &assertion).wresult();
        let fields = form_fields(&wresult, request.wctx.as_deref());
        assert_eq!(fields.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["wa", "wresult", "wctx"]);
        assert_eq!(fields[2].1, "a&b%3d");

        let document = Document::parse(fields[1].1, &Limits::MESSAGE).unwrap();
        let received = read_response::assertion(document.root()).unwrap();
        let expectations = Expectations {
            issuers: &[TrustedIssuer { identifier: FSI, keys: &keys, allow_sha1: false }],
            audiences: &["urn:app"],
            recipient: Some("https://app.example.com/"),
            in_response_to: InResponseTo::NotAsked,
            now: at("10:00:01"),
            skew: Duration::ZERO,
        };
        let token = validate::assertion(received, &expectations).unwrap();
        assert_eq!(token.version(), version);
        assert_eq!(&*token.claims()[0].value, "alice@example.com");
    }
}

/// Relying parties have parsed this text for twenty years. After a change that is meant, `SEKISHO_GOLDEN=write`
/// writes the files anew, and their difference is reviewed.
#[test]
fn answers_equal_their_golden_files() {
    for (version, file) in [(Version::Saml11, "wresult-saml11.xml"), (Version::Saml20, "wresult-saml2.xml")] {
        let assertion = prepare(version, "urn:app", "https://app.example.com/").attach(b"signature");
        let wresult = response(version, "urn:app", &assertion).wresult();
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(file);
        if std::env::var_os("SEKISHO_GOLDEN").is_some_and(|value| value == "write") {
            std::fs::write(&file, format!("{wresult}\n")).unwrap();
        }
        assert_eq!(wresult, std::fs::read_to_string(file).unwrap().trim_end_matches('\n'));
    }
}

/// A response of a farm of 2013, in WS-Trust 1.3, is read; its token is old and its issuer unknown.
#[test]
fn a_captured_response_is_read() {
    let fixtures = std::env::var_os("SEKISHO_FIXTURES").map(PathBuf::from).or_else(|| {
        let start = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        start.ancestors().map(|up| up.join("shared/fixtures")).find(|path| path.is_dir())
    });
    let file = fixtures.map(|path| path.join("captures/http/wstrust13-response-2013.xml"));
    let Some(file) = file.filter(|path| path.is_file()) else {
        eprintln!("shared/fixtures is missing: the captured response is not read");
        return;
    };
    let text = std::fs::read_to_string(file).unwrap();
    let document = Document::parse(&text, &Limits::MESSAGE).unwrap();
    let soap = "http://www.w3.org/2003/05/soap-envelope";
    let body = document.root().child(soap, "Body").unwrap().unwrap();
    let assertion = read_response::assertion(body.children().next().unwrap()).unwrap();
    assert_eq!(assertion.attribute("AssertionID"), Some("_9bd2b280-f153-471a-9b73-c1df0d555075"));
    let expectations = Expectations {
        issuers: &[],
        audiences: &["https://login.microsoftonline.com/extSTS.srf"],
        recipient: None,
        in_response_to: InResponseTo::NotAsked,
        now: at("10:00:00"),
        skew: Duration::from_secs(300),
    };
    let problems = validate::assertion(assertion, &expectations).unwrap_err();
    assert!(
        matches!(
            problems[..],
            [
                ValidationProblem::Signature(_),
                ValidationProblem::IssuerNotTrusted { .. },
                ValidationProblem::Expired { .. }
            ]
        ),
        "{problems:?}"
    );
}
