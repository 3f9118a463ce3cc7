//! Tests of the module above.

use super::*;
use crate::saml::testing::{fixtures, signed, signers};

fn reading() -> Reading<'static> {
    Reading { entity_id: None, now: Timestamp::parse_xml("2026-11-24T08:00:00Z").unwrap(), keys: None }
}

fn import(document: &str) -> Result<Imported, ServiceProviderProblem> {
    read(document.as_bytes(), &reading())
}

fn entity(inside: &str) -> String {
    format!(
        "<EntityDescriptor xmlns=\"{METADATA}\" ID=\"_1\" entityID=\"urn:sp\">{inside}</EntityDescriptor>"
    )
}

fn service_provider(attributes: &str, inside: &str) -> String {
    entity(&format!(
        "<SPSSODescriptor {attributes} protocolSupportEnumeration=\"urn:x {PROTOCOL}\">{inside}</SPSSODescriptor>"
    ))
}

fn consumer(location: &str, more: &str) -> String {
    format!("<AssertionConsumerService Binding=\"{BINDING_POST}\" Location=\"{location}\" {more}/>")
}

fn key(purpose: &str, certificate: &str) -> String {
    format!(
        "<KeyDescriptor {purpose}><KeyInfo xmlns=\"{SIGNATURE}\"><X509Data><X509Certificate>\n{certificate}\n\
         </X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
    )
}

fn role(kind: &str, inside: &str) -> String {
    format!(
        "<RoleDescriptor xmlns:xsi=\"{SCHEMA_INSTANCE}\" xmlns:f=\"{FEDERATION}\" xmlns:a=\"{ADDRESSING}\" \
         xsi:type=\"f:{kind}\" ServiceDisplayName=\"App\">{inside}</RoleDescriptor>"
    )
}

fn reference(address: &str) -> String {
    format!("<a:EndpointReference><a:Address> {address}\n</a:Address></a:EndpointReference>")
}

#[test]
fn a_saml_service_provider() {
    let certificate = &signers()[0].certificate;
    let logout = format!(
        "<SingleLogoutService Binding=\"{BINDING_REDIRECT}\" Location=\"https://sp.example.com/slo\" \
         ResponseLocation=\"https://sp.example.com/slo/done\"/>"
    );
    let paos = "<AssertionConsumerService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:PAOS\" \
                Location=\"https://sp.example.com/ecp\" index=\"3\"/>";
    let document = service_provider(
        "AuthnRequestsSigned=\"true\" WantAssertionsSigned=\"true\"",
        &[
            key("use=\"signing\"", certificate),
            key("", certificate),
            key("use=\"encryption\"", certificate),
            key("use=\"signing\"", "AAAA"),
            logout,
            consumer("https://sp.example.com/acs", "index=\"1\""),
            consumer("https://sp.example.com/acs2", "index=\"2\" isDefault=\"true\""),
            consumer("http://sp.example.com/acs", "index=\"4\""),
            paos.to_owned(),
        ]
        .concat(),
    );
    let Imported { trust, left_out } = import(&document).unwrap();
    assert_eq!(trust.name, "urn:sp");
    assert_eq!(trust.identifier, ["urn:sp"]);
    assert!(trust.signed_saml_requests_required);
    assert_eq!(trust.request_signing_certificate, std::slice::from_ref(certificate));
    assert_eq!(trust.ws_fed_endpoint, None);
    let consumers: Vec<_> =
        trust.assertion_consumers().map(|endpoint| (endpoint.location.as_str(), endpoint.index)).collect();
    assert_eq!(consumers, [("https://sp.example.com/acs2", 2), ("https://sp.example.com/acs", 1)]);
    let logout = trust.saml_endpoints.iter().find(|endpoint| endpoint.protocol == SamlProtocol::Logout);
    assert_eq!(logout.unwrap().response_location.as_deref(), Some("https://sp.example.com/slo/done"));
    let left_out: Vec<String> = left_out.iter().map(ToString::to_string).collect();
    assert_eq!(left_out.len(), 4, "{left_out:?}");
    assert!(
        left_out[0].contains("'http://sp.example.com/acs' would carry tokens unencrypted"),
        "{left_out:?}"
    );
    assert!(left_out[1].contains("bindings:PAOS' is not offered"), "{left_out:?}");
    assert_eq!(left_out[2], "an encryption certificate: tokens are not encrypted yet");
    assert_eq!(left_out[3], "a signing certificate: this is not an X.509 certificate in DER");
}

#[test]
fn a_ws_federation_application() {
    let inside = format!(
        "<f:TargetScopes>{}{}</f:TargetScopes><f:PassiveRequestorEndpoint>{}</f:PassiveRequestorEndpoint>\
         <f:PassiveRequestorEndpoint>{}{}</f:PassiveRequestorEndpoint>",
        reference("urn:sp"),
        reference("https://app.example.com/"),
        reference("https://app.example.com/"),
        reference("https://app.example.com/other"),
        reference("http://app.example.com/plain"),
    );
    for kind in ["ApplicationServiceType", "SecurityTokenServiceType"] {
        let Imported { trust, left_out } = import(&entity(&role(kind, &inside))).unwrap();
        assert_eq!(trust.name, "App");
        assert_eq!(trust.identifier, ["urn:sp", "https://app.example.com/"]);
        assert_eq!(trust.ws_fed_endpoint.as_deref(), Some("https://app.example.com/"));
        assert_eq!(trust.additional_ws_fed_endpoint, ["https://app.example.com/other"]);
        assert_eq!(left_out.len(), 1);
    }
}

#[test]
fn an_identity_provider_is_no_relying_party() {
    let passive = format!(
        "<f:PassiveRequestorEndpoint>{}</f:PassiveRequestorEndpoint>",
        reference("https://idp.example.com/")
    );
    let service = role("SecurityTokenServiceType", &passive);
    let identity_provider = format!("<IDPSSODescriptor protocolSupportEnumeration=\"{PROTOCOL}\"/>");
    for document in [entity(&identity_provider), entity(&(service + &identity_provider)), entity("")] {
        let problem = import(&document).unwrap_err();
        assert_eq!(problem, ServiceProviderProblem::NoRelyingPartyRole { entities: 1 });
        assert!(problem.to_string().starts_with("no relying party role"));
    }
}

#[test]
fn of_several_parties_one_is_to_be_named() {
    let one = service_provider("", &consumer("https://one.example.com/", ""));
    let two = one.replace("urn:sp", "urn:two").replace("_1", "_2").replace("one.", "two.");
    let group = format!(
        "<EntitiesDescriptor xmlns=\"{METADATA}\"><EntitiesDescriptor>{one}</EntitiesDescriptor>{two}</EntitiesDescriptor>"
    );
    let problem = import(&group).unwrap_err();
    assert!(
        matches!(&problem, ServiceProviderProblem::SeveralRelyingParties { count: 2, first } if first.as_str() == "urn:sp"),
        "{problem}"
    );
    let named = Reading { entity_id: Some("urn:two"), ..reading() };
    assert_eq!(read(group.as_bytes(), &named).unwrap().trust.identifier, ["urn:two"]);
    let unknown = Reading { entity_id: Some("urn:three"), ..reading() };
    assert!(matches!(read(group.as_bytes(), &unknown), Err(ServiceProviderProblem::NoSuchEntity { .. })));
}

/// Security case 26.
#[test]
fn what_has_expired_anywhere_above_is_refused() {
    let valid = |until: &str| {
        let one =
            service_provider(&format!("validUntil=\"{until}\""), &consumer("https://one.example.com/", ""));
        let group = service_provider("", &consumer("https://one.example.com/", ""));
        let group = format!(
            "<EntitiesDescriptor xmlns=\"{METADATA}\" validUntil=\"{until}\">{group}</EntitiesDescriptor>"
        );
        [import(&one), import(&group)]
    };
    for result in valid("2026-11-24T08:00:00Z") {
        assert!(matches!(result, Err(ServiceProviderProblem::Expired { .. })), "{result:?}");
    }
    for result in valid("2026-11-24T08:00:00.001Z") {
        assert!(result.is_ok(), "{result:?}");
    }
    for result in valid("soon") {
        assert!(matches!(result, Err(ServiceProviderProblem::Value { field: "validUntil", .. })));
    }
}

/// Security case 26.
#[test]
fn size_and_doctype_are_refused_before_anything_is_read() {
    let huge = vec![b' '; 30 * 1024 * 1024];
    let problem = read(&huge, &reading()).unwrap_err();
    assert!(matches!(problem, ServiceProviderProblem::Xml(XmlError::TooLarge { .. })));
    let problem = import(&format!("<!DOCTYPE a>{}", entity(""))).unwrap_err();
    assert_eq!(problem, ServiceProviderProblem::Xml(XmlError::Dtd));
    assert!(matches!(import("<a/>").unwrap_err(), ServiceProviderProblem::NotMetadata { .. }));
}

/// Security case 26.
#[test]
fn a_signature_is_verified_when_keys_are_given() {
    let document = service_provider("", &consumer("https://sp.example.com/", ""));
    let canonical = {
        let document = Document::parse(&document, &Limits::METADATA).unwrap();
        xml::c14n::canonicalize(document.root(), &xml::c14n::Method::EXCLUSIVE, None).unwrap()
    };
    let [right, wrong] = signers().each_ref().map(|signer| {
        let der = STANDARD.decode(&signer.certificate).unwrap();
        [VerificationKey::from_certificate_der(&der).unwrap()]
    });
    let with = |keys| Reading { keys, ..reading() };
    let signed = signed(&canonical, "_1", "<SPSSODescriptor", &signers()[0]);
    assert!(read(signed.as_bytes(), &with(Some(&right))).is_ok());
    assert!(read(document.as_bytes(), &with(None)).is_ok());
    for (document, keys) in [
        (signed.clone(), &wrong[..]),
        (signed.replace("https://sp.", "https://evil."), &right[..]),
        (canonical, &right[..]),
        (signed, &[][..]),
    ] {
        let problem = read(document.as_bytes(), &with(Some(keys))).unwrap_err();
        assert!(matches!(problem, ServiceProviderProblem::Signature(_)), "{problem}");
    }
}

#[test]
fn a_party_that_could_not_be_served_is_refused() {
    let unsigned = service_provider("AuthnRequestsSigned=\"1\"", &consumer("https://sp.example.com/", ""));
    assert!(matches!(import(&unsigned), Err(ServiceProviderProblem::NoSigningCertificate { .. })));
    let plain = service_provider("", &consumer("http://sp.example.com/", ""));
    let problem = import(&plain).unwrap_err().to_string();
    assert!(
        problem.starts_with(
            "no endpoint of 'urn:sp' can be used: AssertionConsumerService: Location: 'http://sp"
        ),
        "{problem}"
    );
    let nameless = plain.replace("urn:sp", "");
    assert!(matches!(import(&nameless), Err(ServiceProviderProblem::Value { field: "entityID", .. })));
    let odd = service_provider("", &consumer("https://sp.example.com/", "index=\"65536\""));
    assert!(matches!(import(&odd), Err(ServiceProviderProblem::Value { field: "index", .. })));
}

/// Every document of the collection gives a trust or the reason why not.
#[test]
fn documents_of_the_real_world() {
    let Some(folder) = fixtures("metadata") else { return };
    // Those that give a trust; every other document gives the begin of its reason.
    let expected = |name: &str| match name {
        "adfs-mex-2019.xml" => "the document is 'definitions'",
        "adfs-truncated-head.xml" | "ssp-corrupted.xml" => "the document is not well-formed",
        "aggregate-small.xml" | "aggregate-swamid-1.0.xml" => {
            "# entities of the document are relying parties"
        }
        "crewjam-sp.xml" | "onelogin-sp-expired.xml" | "onelogin-sp-signed.xml" => {
            "the metadata was valid until"
        }
        "pysaml2-sp-2.xml" | "spring-sp-signed-ca.xml" => "no endpoint of",
        "spring-sp.xml" | "spring-sp-signed.xml" => "AuthnRequestsSigned is set",
        "crewjam-idp.xml"
        | "okta-idp.xml"
        | "wif-localsts.xml"
        | "surfconext-gateway-idp.xml"
        | "moodle-dual.xml"
        | "spring-nested-aggregate.xml" => "no relying party role",
        name if name.starts_with("idp-") || name.starts_with("ssp-") || name.contains("-idp-") => {
            "no relying party role"
        }
        _ => "trust: ",
    };
    let mut outcomes = String::new();
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|ext| ext == "xml")) {
        let name = path.file_name().unwrap().to_string_lossy();
        let outcome = match read(&std::fs::read(path).unwrap(), &reading()) {
            Ok(Imported { trust, left_out }) => {
                assert_eq!(trust.problems(), [], "{name}");
                format!(
                    "trust: {} identifiers, {} SAML, {} WS-Federation endpoints, {} certificates, {} left out",
                    trust.identifier.len(),
                    trust.saml_endpoints.len(),
                    usize::from(trust.ws_fed_endpoint.is_some()) + trust.additional_ws_fed_endpoint.len(),
                    trust.request_signing_certificate.len(),
                    left_out.len()
                )
            }
            Err(problem) => problem.to_string().chars().take(150).collect(),
        };
        outcomes += &format!("{name}: {outcome}\n");
        let expected = expected(&name);
        let found = match expected.strip_prefix('#') {
            Some(_) => outcome.trim_start_matches(|c: char| c.is_ascii_digit()),
            None => &outcome,
        };
        assert!(found.starts_with(expected.trim_start_matches('#')), "{name}: {outcome}");
    }
    eprintln!("{outcomes}");
}
