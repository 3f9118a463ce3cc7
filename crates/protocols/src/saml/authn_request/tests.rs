//! Tests of the module above.

use super::super::BINDING_POST;
use super::super::requested_authn_context::PASSWORD_PROTECTED_TRANSPORT;
use super::super::testing::{MELLON, MS_IDENTITY_TOOLS, PYTHON3_SAML, posted};
use super::*;

fn request(xml: &str) -> AuthnRequest {
    read(&posted(xml)).unwrap().request
}

fn refused(xml: &str) -> String {
    read(&posted(xml)).unwrap_err().to_string()
}

#[test]
fn the_request_of_python3_saml() {
    let request = request(PYTHON3_SAML);
    assert_eq!(request.id, "ONELOGIN_5fe9d6e499b2f0913206aab3f7191729049bb807");
    assert_eq!(request.issuer, "https://sp.example.com/metadata");
    assert_eq!(request.issue_instant.to_xml(), "2026-11-24T08:00:00.000Z");
    assert_eq!(request.destination.as_deref(), Some("https://fs.example.com/adfs/ls/"));
    assert_eq!(request.assertion_consumer_service_url.as_deref(), Some("https://sp.example.com/acs"));
    assert_eq!(request.assertion_consumer_service_index, None);
    assert_eq!(request.protocol_binding.as_deref(), Some(BINDING_POST));
    assert!(!request.force_authn && !request.is_passive);
    assert!(request.name_id_policy.allow_create);
    let context = request.requested_authn_context.unwrap();
    assert_eq!(context.comparison, Comparison::Exact);
    assert_eq!(context.class_refs, [PASSWORD_PROTECTED_TRANSPORT]);
}

#[test]
fn the_request_of_mod_auth_mellon() {
    let request = request(MELLON);
    let format = request.name_id_policy.format.as_deref();
    assert_eq!(format, Some("urn:oasis:names:tc:SAML:2.0:nameid-format:transient"));
    assert_eq!(request.requested_authn_context, None);
}

#[test]
fn the_request_of_ms_identity_tools() {
    let request = request(MS_IDENTITY_TOOLS);
    assert_eq!(request.issue_instant.to_xml(), "2026-11-24T08:00:00.123Z");
    assert_eq!(request.destination, None);
    assert_eq!(request.assertion_consumer_service_url, None);
    assert_eq!(request.name_id_policy, NameIdPolicy::default());
}

#[test]
fn unknown_elements_are_passed_over_and_flags_are_read() {
    let xml = MELLON
        .replace("ForceAuthn=\"false\" IsPassive=\"false\"", "ForceAuthn=\"1\" IsPassive=\" true \"")
        .replace(
            "</samlp:AuthnRequest>",
            "<samlp:Scoping><samlp:IDPList/></samlp:Scoping><x xmlns='urn:x'/></samlp:AuthnRequest>",
        )
        .replace("AllowCreate=\"true\"", "AllowCreate=\"0\" SPNameQualifier=\"q\"");
    let request = request(&xml);
    assert!(request.force_authn && request.is_passive);
    assert!(!request.name_id_policy.allow_create);
    assert_eq!(request.name_id_policy.sp_name_qualifier.as_deref(), Some("q"));
}

#[test]
fn an_index_is_read() {
    let xml = MELLON.replace(
        "AssertionConsumerServiceURL=\"https://sp.example.com/acs\"",
        "AssertionConsumerServiceIndex=\"7\"",
    );
    assert_eq!(request(&xml).assertion_consumer_service_index, Some(7));
}

#[test]
fn what_the_schema_demands_is_demanded() {
    for (from, to, what) in [
        ("samlp:AuthnRequest", "samlp:LogoutRequest", "the message is 'LogoutRequest', not AuthnRequest"),
        ("SAML:2.0:protocol", "SAML:1.0:protocol", "the message is 'AuthnRequest', not AuthnRequest"),
        ("Version=\"2.0\"", "Version=\"1.1\"", "Version is '1.1'"),
        ("Version=\"2.0\"", "", "Version is missing"),
        ("ID=\"_", "ID=\"4", "octets: '4"),
        ("ID=\"_", "ID=\"a:b", "octets: 'a:b"),
        ("ID=\"_", "x=\"", "ID is missing"),
        ("IssueInstant=\"2026-11-24T08:00:00Z\"", "", "IssueInstant is missing"),
        ("08:00:00Z", "08:00:00", "IssueInstant '2026-11-24T08:00:00' is not"),
        ("<saml:Issuer>", "<saml:Issuer/><saml:Issuer>", "\"Issuer\" stands more than once"),
        ("saml:Issuer", "saml:Other", "Issuer is missing"),
        ("IsPassive=\"false\"", "IsPassive=\"no\"", "IsPassive is 'no'"),
        ("AssertionConsumerServiceURL=\"https", "AssertionConsumerServiceIndex=\"-1\" a=\"", "Index is '-1'"),
        ("</samlp:AuthnRequest>", "", "not well-formed"),
        ("<samlp:AuthnRequest", "<!DOCTYPE a><samlp:AuthnRequest", "DOCTYPE"),
    ] {
        let xml = MELLON.replace(from, to);
        assert_ne!(xml, MELLON, "{from}");
        let text = refused(&xml);
        assert!(text.starts_with("MSIS7015: ") && text.contains(what), "{what}: {text}");
    }
    let xml = PYTHON3_SAML.replace("\"exact\"", "\"roughly\"");
    assert!(refused(&xml).contains("Comparison is 'roughly'"));
    let xml = MELLON.replace("ID=\"_", &format!("ID=\"_{}", "a".repeat(LONGEST_ID)));
    assert!(refused(&xml).contains("XML name of up to 256 octets"));
}
