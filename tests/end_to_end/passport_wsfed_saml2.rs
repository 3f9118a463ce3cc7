//! passport-wsfed-saml2 as the relying party: it makes the request and validates the token.

use std::io::Write;

use end_to_end::{node, output, peer};
use serde_json::Value;
use tempfile::NamedTempFile;

use crate::shared::{CLAIM_GIVEN_NAME, CLAIM_SURNAME, CLAIM_UPN, SAML, SAML_ACS, WSFED, demo};

/// One sign-in of hanako: what the library says. None when it is not installed.
fn sign_in(realm: &str, callback: &str, protocol: &str) -> Option<Value> {
    let mut command = node("passport-wsfed-saml2").ok()?;
    let demo = demo();
    let user = demo.user("hanako");
    let mut certificate = NamedTempFile::new().unwrap();
    certificate.write_all(demo.signing_certificate().as_bytes()).unwrap();
    command.env("NODE_EXTRA_CA_CERTS", demo.ca()).arg(peer("passport_wsfed_rp.mjs"));
    command.args([realm, &demo.passive()]).arg(certificate.path());
    command.args([callback, &user.upn, &user.password, protocol]);
    let said = output(&mut command);
    Some(serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}")))
}

fn assert_accepted(said: &Value) {
    let profile = &said["profile"];
    assert_eq!(profile[CLAIM_UPN], "hanako@contoso.lab", "{said}");
    assert_eq!(profile[CLAIM_SURNAME], "山田", "{said}");
    assert_eq!(profile[CLAIM_GIVEN_NAME], "花子", "{said}");
}

#[test]
fn a_saml_11_token_by_ws_federation() {
    if let Some(said) = sign_in(WSFED, "https://localhost:9443/wsfed", "wsfed") {
        assert_accepted(&said);
    }
}

#[test]
fn a_saml_20_token_by_ws_federation() {
    if let Some(said) = sign_in("urn:e2e:wsfed-saml20", "https://localhost:9443/wsfed20", "wsfed") {
        assert_accepted(&said);
    }
}

#[test]
fn a_saml_20_token_by_saml() {
    if let Some(said) = sign_in(SAML, SAML_ACS, "samlp") {
        assert_accepted(&said);
    }
}

/// The library's checks are awake: a token for somebody else is refused by it.
#[test]
fn a_changed_token_is_not_taken() {
    if let Some(said) = sign_in(WSFED, "https://localhost:9443/wsfed", "wsfed-changed") {
        assert!(said["profile"].is_null() && said["error"].is_string(), "{said}");
    }
}
