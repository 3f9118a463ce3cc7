//! Tests of the module above.

use configuration::{SamlBinding, SamlProtocol};

use super::super::binding::{Message, QuerySignature, from_redirect, redirect_url};
use super::super::testing::{MELLON, MS_IDENTITY_TOOLS, PYTHON3_SAML, posted, signed, signers};
use super::super::{authn_request, requested_authn_context};
use super::*;

const RSA_SHA256: &str = "http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256";

fn consumer(location: &str, index: u32) -> SamlEndpoint {
    SamlEndpoint {
        protocol: SamlProtocol::AssertionConsumer,
        binding: SamlBinding::Post,
        location: location.to_owned(),
        index,
        is_default: index == 1,
        response_location: None,
    }
}

fn trust() -> RelyingPartyTrust {
    RelyingPartyTrust {
        name: "SP".into(),
        identifier: vec!["https://sp.example.com/metadata".into()],
        saml_endpoints: vec![
            consumer("https://sp.example.com/acs", 0),
            consumer("https://sp.example.com/default", 1),
            SamlEndpoint { binding: SamlBinding::Artifact, ..consumer("https://sp.example.com/artifact", 2) },
            SamlEndpoint { protocol: SamlProtocol::Logout, ..consumer("https://sp.example.com/logout", 3) },
        ],
        ..Default::default()
    }
}

fn context() -> Context {
    Context {
        endpoint: "https://fs.example.com/adfs/ls/".into(),
        now: Timestamp::parse_xml("2026-11-24T08:01:00Z").unwrap(),
        delivery_window: Duration::from_secs(5 * 60),
    }
}

fn check(message: &Message, trust: &RelyingPartyTrust) -> Result<CheckedSignIn, Refused> {
    let sign_in = SignIn::new(authn_request::read(message).unwrap(), trust, context());
    // What is refused is refused by the list, never only by what comes behind it.
    let listed = check::run(CHECKS, &sign_in, trust);
    let checked = sign_in.check(trust);
    assert_eq!(listed.err().as_ref(), checked.as_ref().err());
    checked
}

fn refused(xml: &str, trust: &RelyingPartyTrust) -> (&'static str, Refusal) {
    let refused = check(&posted(xml), trust).unwrap_err();
    (refused.check, refused.refusal)
}

/// A query that carries `xml`, signed by the first signer over what stands before the signature.
fn signed_query(xml: &str) -> String {
    let url = redirect_url("", "SAMLRequest", xml, Some("here")).unwrap();
    sign_query(&format!("{}&SigAlg={RSA_SHA256}", url.trim_start_matches('?')))
}

fn sign_query(query: &str) -> String {
    let signature = STANDARD.encode(signers()[0].sign(query.as_bytes()));
    let signature = signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    format!("{query}&Signature={signature}")
}

fn signed_post(xml: &str) -> Message {
    let id = "_4A0B6C9A7E1D4C3F9B0E6F7A1C2D3E4F";
    // As the canonical writer has it: declarations, then attributes by name, no empty-element tags.
    let canonical = {
        let document = xml::Document::parse(xml, &xml::Limits::MESSAGE).unwrap();
        xml::c14n::canonicalize(document.root(), &xml::c14n::Method::EXCLUSIVE, None).unwrap()
    };
    posted(&signed(&canonical, id, "<samlp:NameIDPolicy", &signers()[0]))
}

fn signing_trust() -> RelyingPartyTrust {
    RelyingPartyTrust {
        request_signing_certificate: vec![
            "MIICnotacertificate".into(),
            signers()[1].certificate.clone(),
            signers()[0].certificate.clone(),
        ],
        signed_saml_requests_required: true,
        ..trust()
    }
}

#[test]
fn what_real_service_providers_send_passes() {
    for (xml, location) in [
        (PYTHON3_SAML, "https://sp.example.com/acs"),
        (MELLON, "https://sp.example.com/acs"),
        (MS_IDENTITY_TOOLS, "https://sp.example.com/default"),
    ] {
        let checked = check(&posted(xml), &trust()).unwrap();
        assert_eq!(checked.assertion_consumer.location, location);
        assert_eq!(checked.relay_state.as_deref(), Some("here"));
        assert_eq!(checked.signed, None);
    }
    let checked = check(&posted(PYTHON3_SAML), &trust()).unwrap();
    let class = requested_authn_context::PASSWORD_PROTECTED_TRANSPORT;
    assert_eq!(checked.authentication, Wanted::Class(class));
    assert_eq!(check(&posted(MELLON), &trust()).unwrap().authentication, Wanted::Any);
}

#[test]
fn the_list_of_checks_is_the_review() {
    let names: Vec<_> = CHECKS.iter().map(|check| check.name).collect();
    assert_eq!(
        names,
        [
            "trust_is_enabled",
            "signature_is_present_when_required",
            "signature_is_right",
            "destination_is_this_service",
            "issue_instant_is_recent",
            "assertion_consumer_is_registered",
            "relay_state_is_bounded",
            "requested_authn_context_can_be_met",
        ]
    );
}

mod trust_is_enabled {
    use super::*;

    #[test]
    fn a_disabled_trust_is_unknown() {
        let trust = RelyingPartyTrust { enabled: false, ..trust() };
        let (check, refusal) = refused(MELLON, &trust);
        assert_eq!(check, "trust_is_enabled");
        assert!(refusal.to_string().starts_with("MSIS7007: "), "{refusal}");
        assert_eq!(refusal.saml_status(), None);
    }
}

mod signature_is_present_when_required {
    use super::*;

    /// Security case 32.
    #[test]
    fn an_unsigned_request_is_refused() {
        let (check, refusal) = refused(MELLON, &signing_trust());
        assert_eq!(check, "signature_is_present_when_required");
        assert!(matches!(refusal, Refusal::SignatureMissing { .. }));
    }

    /// Security case 32.
    #[test]
    fn stripping_the_signature_from_a_query_is_refused() {
        let query = signed_query(MELLON);
        let (stripped, _) = query.split_once("&SigAlg=").unwrap();
        let message = from_redirect(stripped, "SAMLRequest").unwrap();
        let refused = check(&message, &signing_trust()).unwrap_err();
        assert_eq!(refused.check, "signature_is_present_when_required");
    }

    /// Security case 3.
    #[test]
    fn a_signature_elsewhere_in_the_message_does_not_count() {
        let signed = signed_post(MELLON).xml;
        let wrapped = signed
            .replace("<ds:Signature ", "<samlp:Extensions><ds:Signature ")
            .replace("</ds:Signature>", "</ds:Signature></samlp:Extensions>");
        let (check, _) = refused(&wrapped, &signing_trust());
        assert_eq!(check, "signature_is_present_when_required");
    }
}

mod signature_is_right {
    use super::*;

    #[test]
    fn every_registered_certificate_is_tried() {
        for message in [signed_post(MELLON), from_redirect(&signed_query(MELLON), "SAMLRequest").unwrap()] {
            let checked = check(&message, &signing_trust()).unwrap();
            assert_eq!(checked.signed.unwrap().certificate(), 2);
        }
    }

    /// Security case 28.
    #[test]
    fn escapes_in_small_letters_are_verified_as_they_came() {
        let url = redirect_url("", "SAMLRequest", MELLON, Some("a/b")).unwrap();
        let lower = url.trim_start_matches('?').replace("%2B", "%2b").replace("%2F", "%2f");
        assert_ne!(lower, url.trim_start_matches('?'));
        let query = sign_query(&format!("{lower}&SigAlg={}", RSA_SHA256.to_ascii_lowercase()));
        assert!(check(&from_redirect(&query, "SAMLRequest").unwrap(), &signing_trust()).is_ok());
        // The same values in another spelling are not what was signed.
        let respelled = query.replacen("%2f", "%2F", 1);
        let refused = check(&from_redirect(&respelled, "SAMLRequest").unwrap(), &signing_trust());
        assert_eq!(refused.unwrap_err().check, "signature_is_right");
    }

    /// Security case 28.
    #[test]
    fn the_order_in_which_parameters_arrive_does_not_matter() {
        let query = signed_query(MELLON);
        let mut parts: Vec<&str> = query.split('&').collect();
        parts.reverse();
        let message = from_redirect(&parts.join("&"), "SAMLRequest").unwrap();
        assert!(check(&message, &signing_trust()).is_ok());
    }

    /// Security case 28.
    #[test]
    fn a_relay_state_that_was_not_signed_is_refused() {
        let query = signed_query(MELLON).replace("RelayState=here", "RelayState=there");
        let refused = check(&from_redirect(&query, "SAMLRequest").unwrap(), &signing_trust()).unwrap_err();
        assert_eq!(refused.check, "signature_is_right");
        assert_eq!(
            refused.refusal.to_string(),
            "MSIS0038: SAML Message has wrong signature. Issuer: 'https://sp.example.com/metadata'."
        );
        assert_eq!(refused.refusal.saml_status(), None);
    }

    /// Security case 32.
    #[test]
    fn a_wrong_signature_is_refused_even_where_none_is_required() {
        let trust = RelyingPartyTrust { signed_saml_requests_required: false, ..signing_trust() };
        let changed = signed_post(MELLON).xml.replace("sp.example.com/acs", "sp.example.com/default");
        assert_eq!(refused(&changed, &trust).0, "signature_is_right");
        assert!(check(&posted(MELLON), &trust).is_ok());
    }

    /// Security case 14.
    #[test]
    fn the_key_in_the_message_counts_for_nothing() {
        let trust = RelyingPartyTrust {
            request_signing_certificate: vec![signers()[1].certificate.clone()],
            ..signing_trust()
        };
        assert_eq!(refused(&signed_post(MELLON).xml, &trust).0, "signature_is_right");
    }

    #[test]
    fn without_certificates_a_signature_passes_unread_but_not_where_one_is_demanded() {
        let message = signed_post(MELLON);
        assert_eq!(check(&message, &trust()).unwrap().signed, None);
        let demanding = RelyingPartyTrust { signed_saml_requests_required: true, ..trust() };
        assert_eq!(check(&message, &demanding).unwrap_err().check, "signature_is_right");
    }

    /// Security case 13.
    #[test]
    fn weak_algorithms_are_named() {
        for (algorithm, named) in [
            ("http://www.w3.org/2000/09/xmldsig#rsa-sha1", "SHA-1"),
            ("http://www.w3.org/2000/09/xmldsig#hmac-sha1", "http://www.w3.org/2000/09/xmldsig#hmac-sha1"),
        ] {
            let mut message = from_redirect(&signed_query(MELLON), "SAMLRequest").unwrap();
            let signature = message.signature.take().unwrap();
            message.signature = Some(QuerySignature { algorithm: algorithm.into(), ..signature });
            let refused = check(&message, &signing_trust()).unwrap_err();
            let Refusal::SignatureAlgorithmNotSupported { algorithm, .. } = refused.refusal else { panic!() };
            assert_eq!(algorithm.as_str(), named);
        }
    }
}

mod destination_is_this_service {
    use super::*;

    /// Security case 20.
    #[test]
    fn only_this_service_is_a_destination() {
        let with = |destination: &str| MELLON.replace("https://fs.example.com/adfs/ls/", destination);
        for same in [
            "https://fs.example.com:443/adfs/ls/",
            "https://FS.example.com/ADFS/ls",
            "",
            "https://fs.example.com/adfs/ls",
        ] {
            assert!(check(&posted(&with(same)), &trust()).is_ok(), "{same}");
        }
        for other in [
            "https://fs.example.org/adfs/ls/",
            "http://fs.example.com/adfs/ls/",
            "https://fs.example.com:8443/adfs/ls/",
            "https://fs.example.com/adfs/ls/x",
            "https://fs.example.com/adfs/ls/?x",
            "https://x@fs.example.com/adfs/ls/",
            "https://fs.example.com.evil/adfs/ls/",
            "adfs/ls",
        ] {
            let (check, refusal) = refused(&with(other), &trust());
            assert_eq!(check, "destination_is_this_service", "{other}");
            assert!(matches!(refusal, Refusal::WrongDestination { .. }));
        }
    }
}

mod issue_instant_is_recent {
    use super::*;

    #[test]
    fn the_window_is_exact_on_both_sides() {
        for (time, inside) in
            [("07:56:00", true), ("07:55:59.999", false), ("08:06:00", true), ("08:06:00.001", false)]
        {
            let xml = MELLON.replace("T08:00:00Z", &format!("T{time}Z"));
            let result = check(&posted(&xml), &trust());
            assert_eq!(result.is_ok(), inside, "{time}");
            if let Err(refused) = result {
                assert_eq!(refused.check, "issue_instant_is_recent");
            }
        }
    }
}

mod assertion_consumer_is_registered {
    use super::*;

    const URL: &str = "AssertionConsumerServiceURL=\"https://sp.example.com/acs\"";
    const BINDING: &str = "ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\"";

    fn location(from: &str, to: &str) -> String {
        check(&posted(&MELLON.replace(from, to)), &trust()).unwrap().assertion_consumer.location
    }

    #[test]
    fn by_address_by_index_or_by_default() {
        assert_eq!(location("", ""), "https://sp.example.com/acs");
        assert_eq!(location(URL, "AssertionConsumerServiceIndex=\"0\""), "https://sp.example.com/acs");
        assert_eq!(location(URL, "AssertionConsumerServiceIndex=\"1\""), "https://sp.example.com/default");
        assert_eq!(location(URL, ""), "https://sp.example.com/default");
        assert_eq!(location(BINDING, ""), "https://sp.example.com/acs");
    }

    /// Security case 31.
    #[test]
    fn an_address_that_is_not_registered_is_refused() {
        for url in [
            "https://sp.example.com/acs/",
            "https://sp.example.com/acs/x",
            "https://sp.example.com/acs?x",
            "https://sp.example.com/ACS",
            "https://SP.example.com/acs",
            "https://sp.example.com:443/acs",
            "https://sp.example.com:444/acs",
            "https://sp.example.com.evil/acs",
            "https://sp.example.com/acs@evil.example",
            "https://sp.example.com/*",
            "https://sp.example.com/a",
            "https://sp.example.com/artifact",
            "https://sp.example.com/logout",
            "javascript:alert(1)",
        ] {
            let xml = MELLON.replace("https://sp.example.com/acs", url);
            let (check, refusal) = refused(&xml, &trust());
            assert_eq!(check, "assertion_consumer_is_registered", "{url}");
            assert!(refusal.to_string().starts_with("MSIS3200: "), "{refusal}");
            assert_eq!(refusal.saml_status(), None);
        }
    }

    /// Security case 31.
    #[test]
    fn an_address_is_refused_even_when_the_request_is_signed() {
        let message =
            signed_post(&MELLON.replace("https://sp.example.com/acs", "https://sp.example.com:8443/acs"));
        let refused = check(&message, &signing_trust()).unwrap_err();
        assert_eq!(refused.check, "assertion_consumer_is_registered");
    }

    /// Security case 31.
    #[test]
    fn an_index_out_of_range_or_of_another_binding_is_refused() {
        for index in ["2", "3", "4", "4294967295"] {
            let xml = MELLON.replace(URL, &format!("AssertionConsumerServiceIndex=\"{index}\""));
            let (_, refusal) = refused(&xml, &trust());
            assert!(matches!(refusal, Refusal::AssertionConsumerIndexUnknown { .. }), "{refusal}");
        }
        let both = MELLON.replace(URL, &format!("{URL} AssertionConsumerServiceIndex=\"1\""));
        assert_eq!(refused(&both, &trust()).0, "assertion_consumer_is_registered");
    }

    #[test]
    fn another_binding_and_a_trust_without_consumers_are_refused() {
        let xml = MELLON.replace("bindings:HTTP-POST", "bindings:HTTP-Artifact");
        assert!(matches!(refused(&xml, &trust()).1, Refusal::ResponseBindingNotSupported { .. }));
        let mut without = trust();
        without.saml_endpoints.drain(..2);
        let (_, refusal) = refused(MELLON, &without);
        assert!(refusal.to_string().starts_with("MSIS3077: "), "{refusal}");
    }
}

mod relay_state_is_bounded {
    use super::*;

    /// Security case 30.
    #[test]
    fn eighty_octets_are_not_the_limit_but_there_is_one() {
        let with = |relay_state: String| Message { relay_state: Some(relay_state), ..posted(MELLON) };
        let long = "\"><script>\r\n".repeat(600);
        let checked = check(&with(long.clone()), &trust()).unwrap();
        assert_eq!(checked.relay_state, Some(long));
        assert!(check(&with("x".repeat(LONGEST_RELAY_STATE)), &trust()).is_ok());
        let refused = check(&with("x".repeat(LONGEST_RELAY_STATE + 1)), &trust()).unwrap_err();
        assert_eq!(refused.check, "relay_state_is_bounded");
    }

    /// Security case 30.
    #[test]
    fn a_relay_state_never_steers_where_the_response_goes() {
        let message = Message { relay_state: Some("https://evil.example/".into()), ..posted(MELLON) };
        let checked = check(&message, &trust()).unwrap();
        assert_eq!(checked.assertion_consumer.location, "https://sp.example.com/acs");
    }
}

mod requested_authn_context_can_be_met {
    use super::*;

    /// Security case 33.
    #[test]
    fn a_class_that_no_method_satisfies_gets_a_saml_answer() {
        let xml = PYTHON3_SAML.replace("PasswordProtectedTransport", "X509");
        let (check, refusal) = refused(&xml, &trust());
        assert_eq!(check, "requested_authn_context_can_be_met");
        let status = refusal.saml_status().unwrap();
        assert_eq!((status.code, status.second), ("Responder", "NoAuthnContext"));
        assert!(refusal.to_string().starts_with("MSIS7102: "), "{refusal}");
        // The answer has a place to go to, because the earlier checks passed.
        let message = posted(&xml);
        let request = authn_request::read(&message).unwrap().request;
        assert!(assertion_consumer(&request, &trust()).is_ok());
    }

    /// Security case 33.
    #[test]
    fn force_authn_and_is_passive_are_handed_on() {
        let xml = MELLON.replace("=\"false\"", "=\"true\"");
        let request = check(&posted(&xml), &trust()).unwrap().request;
        assert!(request.force_authn && request.is_passive);
        assert!(Refusal::InteractionNeeded.saml_status().is_some());
    }
}
