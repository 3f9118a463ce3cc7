//! Metadata and tokens, taken off the wire, before verifiers that others wrote: xmlsec1, signxml and
//! bergshamra.

use std::io::Write;
use std::process::Command;

use end_to_end::{AuthnRequest, Demo, decode_base64, output, peer, program, python};
use tempfile::NamedTempFile;

use crate::shared::{SAML, WSFED, demo};

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a file");
    file.write_all(text.as_bytes()).expect("its text");
    file
}

/// `element` is the signed one (`NAMESPACE:LOCAL`), `id` its attribute that the signature refers to.
pub(crate) fn verify_with_xmlsec1(xml: &str, element: &str, id: &str, demo: &Demo) {
    verify_with_xmlsec1_and(&demo.signing_certificate(), xml, element, id);
}

/// The same, with a certificate (PEM) that was known before.
#[track_caller]
pub(crate) fn verify_with_xmlsec1_and(certificate: &str, xml: &str, element: &str, id: &str) {
    if program("xmlsec1").is_err() {
        return;
    }
    assert!(xmlsec1(xml, element, id, certificate), "{xml}");
    // The test can fail.
    let changed = xml.replacen("SignatureValue>", "SignatureValue>AAAA", 1);
    assert_ne!(changed, xml);
    assert!(!xmlsec1(&changed, element, id, certificate));
}

fn xmlsec1(xml: &str, element: &str, id: &str, certificate: &str) -> bool {
    let (document, certificate) = (file(xml), file(certificate));
    let mut command = Command::new("xmlsec1");
    command.arg("--verify").args(key_search());
    command.args([&format!("--id-attr:{id}"), element]);
    command.arg("--pubkey-cert-pem").arg(certificate.path()).arg(document.path());
    let run = command.output().expect("xmlsec1 runs");
    run.status.success()
}

/// xmlsec1 1.3 takes a key that `KeyInfo` does not name only when it is told to; older ones do it anyway.
pub(crate) fn key_search() -> &'static [&'static str] {
    let help = Command::new("xmlsec1").arg("--help-verify").output().expect("xmlsec1 runs").stdout;
    if String::from_utf8_lossy(&help).contains("--lax-key-search") { &["--lax-key-search"] } else { &[] }
}

/// What signxml says was signed, with the certificate of the metadata.
fn verify_with_signxml(xml: &str, id: &str, demo: &Demo) -> Option<String> {
    let mut command = python().ok()?;
    let (document, certificate) = (file(xml), file(&demo.signing_certificate()));
    command.arg(peer("signxml_verify.py")).arg(certificate.path()).arg(document.path()).arg(id);
    Some(output(&mut command))
}

/// bergshamra takes it as well, with the certificate of the metadata, and not when the signature is changed.
fn verify_with_bergshamra(xml: &str, demo: &Demo) {
    let Ok(mut command) = python() else { return };
    let changed = xml.replacen("SignatureValue>", "SignatureValue>AAAA", 1);
    assert_ne!(changed, xml);
    let (document, changed, certificate) = (file(xml), file(&changed), file(&demo.signing_certificate()));
    command.arg(peer("bergshamra_verify.py")).arg(certificate.path());
    let verdicts = output(command.arg(document.path()).arg(changed.path()));
    let verdicts: Vec<_> = verdicts.lines().map(|line| line.split(':').next().unwrap_or_default()).collect();
    assert_eq!(verdicts, ["accepted", "refused"], "{xml}");
}

/// The assertion, cut out of the message as text: its namespaces have to be its own.
pub(crate) fn assertion(message: &str) -> String {
    let start =
        message.find("<saml:Assertion ").or_else(|| message.find("<Assertion ")).expect("an assertion");
    let end = if message[start..].starts_with("<saml:") { "</saml:Assertion>" } else { "</Assertion>" };
    let length = message[start..].find(end).expect("its end") + end.len();
    message[start..start + length].to_owned()
}

fn wsfed_assertion(demo: &Demo, realm: &str) -> String {
    let (_, page) = demo.signed_in("hanako", &demo.wsignin(realm, ""));
    assertion(&page.field("wresult").expect("a token"))
}

fn saml_response(demo: &Demo, issuer: &str) -> String {
    let url = format!("{}?{}", demo.passive(), AuthnRequest::new(issuer).query(None));
    let (_, page) = demo.signed_in("hanako", &url);
    decode_base64(&page.field("SAMLResponse").expect("a response"))
}

#[test]
fn metadata() {
    let demo = demo();
    let metadata = demo.curl().get(demo.fact("metadata_url")).body;
    verify_with_xmlsec1(&metadata, "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor", "ID", demo);
    verify_with_bergshamra(&metadata, demo);
    if let Some(signed) = verify_with_signxml(&metadata, "ID", demo) {
        assert!(signed.starts_with("{urn:oasis:names:tc:SAML:2.0:metadata}EntityDescriptor "), "{signed}");
    }
}

#[test]
fn a_saml_11_token() {
    let demo = demo();
    let token = wsfed_assertion(demo, WSFED);
    assert!(token.contains("AssertionID="));
    verify_with_xmlsec1(&token, "urn:oasis:names:tc:SAML:1.0:assertion:Assertion", "AssertionID", demo);
    verify_with_bergshamra(&token, demo);
    if let Some(signed) = verify_with_signxml(&token, "AssertionID", demo) {
        assert!(signed.starts_with("{urn:oasis:names:tc:SAML:1.0:assertion}Assertion "), "{signed}");
    }
}

#[test]
fn a_saml_20_token_by_ws_federation() {
    let demo = demo();
    let token = wsfed_assertion(demo, "urn:e2e:wsfed-saml20");
    verify_with_xmlsec1(&token, "urn:oasis:names:tc:SAML:2.0:assertion:Assertion", "ID", demo);
    verify_with_bergshamra(&token, demo);
    if let Some(signed) = verify_with_signxml(&token, "ID", demo) {
        assert!(signed.starts_with("{urn:oasis:names:tc:SAML:2.0:assertion}Assertion "), "{signed}");
    }
}

#[test]
fn a_saml_20_token_by_saml() {
    let demo = demo();
    let response = saml_response(demo, SAML);
    let token = assertion(&response);
    verify_with_xmlsec1(&token, "urn:oasis:names:tc:SAML:2.0:assertion:Assertion", "ID", demo);
    // Where it stands, too.
    verify_with_xmlsec1(&response, "urn:oasis:names:tc:SAML:2.0:assertion:Assertion", "ID", demo);
    verify_with_bergshamra(&token, demo);
    if let Some(signed) = verify_with_signxml(&token, "ID", demo) {
        assert!(signed.starts_with("{urn:oasis:names:tc:SAML:2.0:assertion}Assertion "), "{signed}");
    }
}

#[test]
fn a_signed_response() {
    let demo = demo();
    let response = saml_response(demo, "urn:e2e:message-only");
    verify_with_xmlsec1(&response, "urn:oasis:names:tc:SAML:2.0:protocol:Response", "ID", demo);
    assert_eq!(response.matches("<ds:Signature ").count(), 1, "the message alone is signed");
    let response = saml_response(demo, "urn:e2e:message-and-assertion");
    assert_eq!(response.matches("<ds:Signature ").count(), 2);
    verify_with_xmlsec1(&response, "urn:oasis:names:tc:SAML:2.0:protocol:Response", "ID", demo);
    verify_with_xmlsec1(&assertion(&response), "urn:oasis:names:tc:SAML:2.0:assertion:Assertion", "ID", demo);
}
