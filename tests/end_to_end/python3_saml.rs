//! python3-saml as the service provider: it reads our metadata, makes the request and validates the response.

use std::io::Write;

use end_to_end::{Demo, output, peer, python, signing_pair};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::shared::{CLAIM_SURNAME, CLAIM_UPN, SAML, SAML_ACS, demo};

/// One sign-in: what the library says about the response. None when it is not installed.
fn sign_in(demo: &Demo, entity_id: &str, acs: &str, sam: &str, settings: &Value) -> Option<Value> {
    let mut command = python().ok()?;
    let mut metadata = NamedTempFile::new().unwrap();
    metadata.write_all(demo.curl().get(demo.fact("metadata_url")).body.as_bytes()).unwrap();
    let user = demo.user(sam);
    command.arg(peer("python3_saml_sp.py")).arg(demo.ca()).arg(metadata.path());
    command.args([entity_id, acs, &user.upn, &user.password, &settings.to_string()]);
    let said = output(&mut command);
    Some(serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}")))
}

fn assert_accepted(said: &Value, upn: &str) {
    assert_eq!(said["errors"], json!([]), "{said}");
    assert_eq!(said["authenticated"], true, "{said}");
    assert_eq!(said["name_id"], upn);
    assert_eq!(said["attributes"][CLAIM_UPN], json!([upn]));
    assert_eq!(said["relay_state"], "https://app.example/back?a=1&b=%20");
}

#[test]
fn an_unsigned_request() {
    if let Some(said) = sign_in(demo(), SAML, SAML_ACS, "hanako", &json!({})) {
        assert_accepted(&said, "hanako@contoso.lab");
        assert_eq!(said["attributes"][CLAIM_SURNAME], json!(["山田"]));
        assert_eq!(said["action"], SAML_ACS);
    }
}

#[test]
fn a_request_that_forces_authentication() {
    if let Some(said) = sign_in(demo(), SAML, SAML_ACS, "alice", &json!({"force_authn": true})) {
        assert_accepted(&said, "alice@contoso.lab");
    }
}

#[test]
fn a_signed_request_of_a_party_that_must_sign() {
    let pair = signing_pair();
    let read = |path| std::fs::read_to_string(path).unwrap();
    let acs = "https://localhost:9443/signing";
    let seed = format!(
        "[[relying_party]]\nname = \"Signing\"\nidentifiers = [\"urn:e2e:signing\"]\nsaml_acs = \"{acs}\"\n\
         signed_saml_requests_required = true\nrequest_signing_certificate_files = [\"{}\"]\n",
        pair.certificate().display()
    );
    let demo = Demo::seeded(&seed);
    let signed = json!({
        "private_key": read(pair.key()), "certificate": read(pair.certificate()),
        "security": {"authnRequestsSigned": true},
    });
    if let Some(said) = sign_in(&demo, "urn:e2e:signing", acs, "alice", &signed) {
        assert_accepted(&said, "alice@contoso.lab");
    }
    // Microsoft's spelling of escapes.
    let lower = json!({
        "private_key": read(pair.key()), "certificate": read(pair.certificate()),
        "security": {"authnRequestsSigned": true}, "lowercase_urlencoding": true,
    });
    if let Some(said) = sign_in(&demo, "urn:e2e:signing", acs, "alice", &lower) {
        assert_accepted(&said, "alice@contoso.lab");
    }
    if let Some(said) = sign_in(&demo, "urn:e2e:signing", acs, "alice", &json!({})) {
        assert!(
            said["sign_in_failed"].as_str().unwrap().contains("The SAML message is not signed"),
            "{said}"
        );
    }
}

#[test]
fn a_response_of_which_the_message_alone_is_signed() {
    let settings = json!({"security": {"wantMessagesSigned": true, "wantAssertionsSigned": false}});
    let acs = "https://localhost:9443/message-only";
    if let Some(said) = sign_in(demo(), "urn:e2e:message-only", acs, "alice", &settings) {
        assert_accepted(&said, "alice@contoso.lab");
    }
}

#[test]
fn a_response_of_which_message_and_assertion_are_signed() {
    let settings = json!({"security": {"wantMessagesSigned": true, "wantAssertionsSigned": true}});
    let acs = "https://localhost:9443/message-and-assertion";
    if let Some(said) = sign_in(demo(), "urn:e2e:message-and-assertion", acs, "alice", &settings) {
        assert_accepted(&said, "alice@contoso.lab");
    }
}

/// The checks of the library are awake: a signature that it wants and does not get is refused by it.
#[test]
fn a_party_that_wants_the_message_signed_does_not_take_the_default() {
    let settings = json!({"security": {"wantMessagesSigned": true}});
    if let Some(said) = sign_in(demo(), SAML, SAML_ACS, "alice", &settings) {
        assert_eq!(said["authenticated"], false, "{said}");
        assert_eq!(said["errors"], json!(["invalid_response"]), "{said}");
    }
}

#[test]
fn a_name_id_format_that_the_rules_do_not_give() {
    let settings = json!({"name_id_format": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"});
    if let Some(said) = sign_in(demo(), SAML, SAML_ACS, "alice", &settings) {
        assert_eq!(said["authenticated"], false, "{said}");
        assert!(said["reason"].as_str().unwrap().contains("InvalidNameIDPolicy"), "{said}");
    }
}
