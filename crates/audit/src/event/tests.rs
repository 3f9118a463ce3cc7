//! Orders of items against captured samples, and shapes against captures of running farms.

use std::path::PathBuf;

use super::*;
use crate::Query;

const FARM: &str = "http://fs.example.com/adfs/services/trust";

fn instance() -> Guid {
    "1a1a1a1a-1111-4222-8333-444444444444".parse().unwrap()
}

fn activity() -> ActivityId {
    ActivityId("0d0d0d0d-1111-4222-8333-444444444444".parse().unwrap())
}

fn time() -> Timestamp {
    Timestamp::parse_xml("2030-01-02T03:04:05Z").unwrap()
}

fn some(text: &str) -> Option<Text> {
    Some(Text::from(text))
}

/// One entry's items.
fn fields(event: &Event) -> Vec<String> {
    let mut entries = event.fields(activity());
    assert_eq!(entries.len(), 1);
    entries.remove(0)
}

fn facts() -> RequestFacts {
    RequestFacts {
        at: time(),
        client_ip: "198.51.100.7".parse().unwrap(),
        method: "GET".into(),
        path: "/adfs/ls/".into(),
        query: Query::new("wa=wsignin1.0&wtrealm=urn%3aapp"),
        local_port: 443,
        local_ip: "192.0.2.10".parse().unwrap(),
        user_agent: some("Mozilla/5.0"),
        content_length: 0,
        caller: None,
        certificate: None,
        relying_party: None,
        through_proxy: false,
        proxy_name: None,
    }
}

fn request(location: NetworkLocation) -> RequestAudit {
    let client = "198.51.100.7".parse().ok();
    let outside = location == NetworkLocation::Extranet;
    RequestAudit {
        server: some(FARM),
        auth_protocol: Some(AuthProtocol::WsFederation),
        network_location: Some(location),
        ip_address: client,
        forwarded_ip_address: client.filter(|_| outside),
        proxy_server: some("WAP01").filter(|_| outside),
        user_agent: some("Mozilla/5.0"),
        endpoint: some("/adfs/ls/"),
    }
}

/// One of each variant, for tests that hold for all.
pub(crate) fn one_of_each() -> Vec<Event> {
    let t = Text::from;
    let basic =
        || Box::new(BasicAudit { request: request(NetworkLocation::Intranet), ..BasicAudit::default() });
    let claims = ClaimPairs::of(&[
        claims::Claim::new("type", "value", "AD AUTHORITY"),
        claims::Claim::new(claims::types::USER_IP, "198.51.100.7", "AD AUTHORITY"),
    ]);
    vec![
        Event::FsServiceStart { hosts: vec![t("https://fs.example.com:443/adfs/ls/")] },
        Event::StartupException { exception: t("port 443 is in use") },
        Event::FsServiceStop,
        Event::PolicyDuplicateNameIdentifier { relying_party: t("App") },
        Event::AssertionConsumerServiceNotFound {
            relying_party: t("urn:app"),
            index: some("3"),
            url: None,
            binding: None,
        },
        Event::TokenIssuanceSuccess { instance: instance(), relying_party: t("urn:app") },
        Event::SamlRequestProcessingError { exception: t("MSIS0038") },
        Event::ConfigurationChangeSuccess { user: t("root"), change: t("SsoLifetime: 480 -> 60") },
        Event::ConfigurationChangeFailure { user: t("root"), change: t("port 443 is in use") },
        Event::SamlProtocolSignatureVerificationError { issuer: t("urn:app"), exception: t("MSIS0037") },
        Event::InvalidNameIdPolicyError {
            requestor: t("urn:app"),
            format: some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"),
            sp_name_qualifier: None,
            exception: t("MSIS7070"),
        },
        Event::CallerAuthorizationTokenIssuanceFailure {
            instance: instance(),
            caller: t("EX\\kim"),
            relying_party: t("urn:app"),
        },
        Event::CallerAuthorizationError { caller: t("EX\\kim"), relying_party: t("urn:app") },
        Event::SecurityTokenValidationError {
            token_type: t(token_types::USER_NAME),
            error_message: t("kim"),
            exception: t("x"),
        },
        Event::WsFederationPassiveRequestFailedError {
            protocol: t("wsfed"),
            relying_party: t("urn:app"),
            exception: t("MSIS7007"),
        },
        Event::RequestReceived { instance: instance(), request: Box::new(facts()) },
        Event::ResponseSent { instance: instance(), at: time(), status: 200 },
        Event::PasswordChangeSuccess { user: t("kim@example.com"), server: t("FS01") },
        Event::PasswordChangeFailure { user: t("kim@example.com"), server: t("FS01"), error: t("too short") },
        Event::RequestContextHeaders(Box::default()),
        Event::SecurityTokenValidationFailure {
            token_type: t(token_types::USER_NAME),
            error_message: t("kim"),
            exception: t("x"),
            client_ip: t("198.51.100.7,192.0.2.20"),
        },
        Event::AuthenticationSuccess {
            instance: instance(),
            token_type: t(token_types::SECURE_CONVERSATION),
            relying_party: None,
        },
        Event::CallerIdFailure { identity: Box::default(), client_ip: t("198.51.100.7") },
        Event::IssuedIdentityClaims { instance: instance(), claims: claims.clone() },
        Event::CallerIdentityClaims { instance: instance(), claims },
        Event::LongText { instance: instance(), text: HeadersText::new([("Host", &b"fs"[..])], None) },
        Event::ExtranetLockoutAccountRestricted {
            user: t("kim@example.com"),
            client_ip: t("198.51.100.7"),
            bad_password_count: 5,
            last_bad_attempt: time(),
        },
        Event::CallerId(Box::new(CallerIdentity { relying_party: some(FARM), ..CallerIdentity::default() })),
        Event::AppTokenSuccess(basic()),
        Event::AppTokenFailure(basic()),
        Event::FreshCredentialSuccess(basic()),
        Event::FreshCredentialFailure(basic()),
        Event::PasswordChangeBasicSuccess(basic()),
        Event::PasswordChangeBasicFailure(basic()),
        Event::ExtranetLockout(Box::new(ExtranetLockoutAudit {
            resource: ResourceAudit::default(),
            request: request(NetworkLocation::Extranet),
            current_bad_password_count: 5,
            config_bad_password_count: 5,
            last_bad_attempt: time(),
            lockout_window_seconds: 1_800,
        })),
    ]
}

#[test]
fn every_event_has_its_definition_its_number_of_items_and_its_stored_form() {
    let events = one_of_each();
    let ids: Vec<u16> = events.iter().map(Event::id).collect();
    let catalogued: Vec<u16> = catalogue::CATALOGUE.iter().map(|definition| definition.id).collect();
    assert_eq!(ids, catalogued);
    for event in events {
        for items in event.fields(activity()) {
            assert_eq!(items.len(), event.definition().fields.len(), "{}", event.id());
            assert!(!event.message(&items).is_empty());
            if let Some(instance) = event.instance() {
                assert_eq!(items[0], instance.to_string());
            }
        }
        let stored = serde_json::to_string(&event).unwrap();
        assert!(stored.contains(&event.id().to_string()), "{stored}");
        assert_eq!(serde_json::from_str::<Event>(&stored).unwrap(), event);
    }
}

#[test]
fn items_are_in_the_order_of_the_captured_samples() {
    let (i, a) = (instance().to_string(), activity().to_string());
    let [audit, admin] =
        Event::password_refused("kim@example.com", WRONG_PASSWORD, "198.51.100.7,192.0.2.20");
    let headers = RequestContextHeaders {
        endpoint_absolute_path: some("/adfs/ls/"),
        forwarded_client_ip: some("198.51.100.7"),
        proxy: some("WAP01"),
        adfs_proxy_client_ip: some("203.0.113.9"),
        ..RequestContextHeaders::default()
    };
    let bad_password = "kim@example.com-The user name or password is incorrect";
    let user_name = token_types::USER_NAME;
    let cases: Vec<(Event, Vec<&str>)> = vec![
        (
            Event::RequestReceived { instance: instance(), request: Box::new(facts()) },
            vec![
                &i,
                &a,
                "2030-01-02 03:04:05",
                "198.51.100.7",
                "GET",
                "/adfs/ls/",
                "?wa=wsignin1.0&wtrealm=urn%3aapp",
                "443",
                "192.0.2.10",
                "Mozilla/5.0",
                "0",
                "-",
                "-",
                "-",
                "False",
                "-",
            ],
        ),
        (
            Event::ResponseSent { instance: instance(), at: time(), status: 200 },
            vec![&i, &a, "2030-01-02 03:04:05", "200", "OK"],
        ),
        (
            Event::RequestContextHeaders(Box::new(headers)),
            vec![&a, "-", "-", "-", "/adfs/ls/", "198.51.100.7", "WAP01", "203.0.113.9"],
        ),
        (
            audit,
            vec![
                &a,
                user_name,
                bad_password,
                "SecurityTokenValidationException: kim@example.com",
                "198.51.100.7,192.0.2.20",
            ],
        ),
        (admin, vec![user_name, bad_password, "SecurityTokenValidationException: kim@example.com"]),
        (
            Event::AuthenticationSuccess {
                instance: instance(),
                token_type: token_types::SECURE_CONVERSATION.into(),
                relying_party: None,
            },
            vec![&i, &a, token_types::SECURE_CONVERSATION, "-"],
        ),
        (
            Event::TokenIssuanceSuccess { instance: instance(), relying_party: "urn:app".into() },
            vec![&i, &a, "urn:app"],
        ),
        (
            Event::ExtranetLockoutAccountRestricted {
                user: "kim@example.com".into(),
                client_ip: "198.51.100.7".into(),
                bad_password_count: 5,
                last_bad_attempt: time(),
            },
            vec![&a, "kim@example.com", "198.51.100.7", "5", "01/02/2030 03:04:05"],
        ),
        (
            Event::CallerId(Box::new(CallerIdentity {
                relying_party: some(FARM),
                ..CallerIdentity::default()
            })),
            vec!["", "", "", FARM, ""],
        ),
        (
            Event::CallerIdFailure { identity: Box::default(), client_ip: "198.51.100.7".into() },
            vec![&a, "-", "-", "-", "-", "-", "198.51.100.7"],
        ),
    ];
    for (event, expected) in cases {
        assert_eq!(fields(&event), expected, "{}", event.id());
    }
}

#[test]
fn fifteen_claims_are_two_entries_of_twenty_one_items() {
    let all: Vec<claims::Claim> =
        (0..15).map(|n| claims::Claim::new("groupsid", format!("S-1-5-{n}"), "AD AUTHORITY")).collect();
    let event = Event::CallerIdentityClaims { instance: instance(), claims: ClaimPairs::of(&all) };
    let entries = event.fields(activity());
    assert_eq!(entries.iter().map(Vec::len).collect::<Vec<_>>(), [21, 21]);
    assert_eq!(entries[0][20], "S-1-5-9");
    assert_eq!(entries[1][..3], [instance().to_string(), "groupsid".into(), "S-1-5-10".into()]);
    assert!(entries[1][11..].iter().all(|item| item == "-"));

    let none = Event::IssuedIdentityClaims { instance: instance(), claims: ClaimPairs::of([]) };
    assert!(fields(&none)[1..].iter().all(|item| item == "-"));
}

#[test]
fn the_chunks_of_headers_join_to_one_json_object() {
    let long = "x".repeat(1_900);
    let names: Vec<String> = (0..40).map(|n| format!("X-Header-{n}")).collect();
    let headers = names.iter().map(|name| (name.as_str(), long.as_bytes()));
    let event = Event::LongText { instance: instance(), text: HeadersText::new(headers, Some("/adfs/ls/")) };
    let entries = event.fields(activity());
    assert!(entries.len() > 1 && entries.iter().all(|entry| entry.len() == 21));
    let chunks = entries.iter().flat_map(|entry| entry[1..].iter()).filter(|chunk| *chunk != "-");
    let joined: String = chunks.map(String::as_str).collect();
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&joined).unwrap();
    assert_eq!(object.len(), 41);
    assert_eq!(object.keys().next_back().unwrap(), "X-MS-Endpoint-Absolute-Path");
}

#[test]
fn a_token_inside_has_the_captured_document_of_1200() {
    let audit = BasicAudit {
        resource: ResourceAudit {
            relying_party: some("urn:app?a=1&b=<2>"),
            claims_provider: some(claims::claim::AD_AUTHORITY),
            user_id: some("EX\\kim"),
        },
        authn: AuthnAudit {
            primary_auth: some(claims::types::METHOD_PASSWORD_PROTECTED_TRANSPORT),
            sso_binding: SsoBinding::TokenUnbound,
            ..AuthnAudit::default()
        },
        request: request(NetworkLocation::Intranet),
        ..BasicAudit::default()
    };
    let items = fields(&Event::AppTokenSuccess(Box::new(audit)));
    let expected = r#"<?xml version="1.0" encoding="utf-16"?>
<AuditBase xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="AppTokenAudit">
  <AuditType>AppToken</AuditType>
  <AuditResult>Success</AuditResult>
  <FailureType>None</FailureType>
  <ErrorCode>N/A</ErrorCode>
  <ContextComponents>
    <Component xsi:type="ResourceAuditComponent">
      <RelyingParty>urn:app?a=1&amp;b=&lt;2&gt;</RelyingParty>
      <ClaimsProvider>AD AUTHORITY</ClaimsProvider>
      <UserId>EX\kim</UserId>
    </Component>
    <Component xsi:type="AuthNAuditComponent">
      <PrimaryAuth>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</PrimaryAuth>
      <DeviceAuth>false</DeviceAuth>
      <DeviceId>N/A</DeviceId>
      <MfaPerformed>false</MfaPerformed>
      <MfaMethod>N/A</MfaMethod>
      <TokenBindingProvidedId>false</TokenBindingProvidedId>
      <TokenBindingReferredId>false</TokenBindingReferredId>
      <SsoBindingValidationLevel>TokenUnbound</SsoBindingValidationLevel>
    </Component>
    <Component xsi:type="ProtocolAuditComponent">
      <OAuthClientId>N/A</OAuthClientId>
      <OAuthGrant>N/A</OAuthGrant>
    </Component>
    <Component xsi:type="RequestAuditComponent">
      <Server>http://fs.example.com/adfs/services/trust</Server>
      <AuthProtocol>WSFederation</AuthProtocol>
      <NetworkLocation>Intranet</NetworkLocation>
      <IpAddress>198.51.100.7</IpAddress>
      <ForwardedIpAddress />
      <ProxyIpAddress>N/A</ProxyIpAddress>
      <NetworkIpAddress>N/A</NetworkIpAddress>
      <ProxyServer>N/A</ProxyServer>
      <UserAgentString>Mozilla/5.0</UserAgentString>
      <Endpoint>/adfs/ls/</Endpoint>
    </Component>
  </ContextComponents>
</AuditBase>"#;
    assert_eq!(items, [activity().to_string(), expected.replace('\n', "\r\n")]);
}

#[test]
fn a_wrong_password_from_outside_has_the_captured_values_of_1203() {
    let audit = BasicAudit {
        failure_type: FailureType::CredentialValidationError,
        resource: ResourceAudit {
            relying_party: some(FARM),
            user_id: some("kim@example.com"),
            ..ResourceAudit::default()
        },
        request: request(NetworkLocation::Extranet),
        ..BasicAudit::default()
    };
    let items = fields(&Event::FreshCredentialFailure(Box::new(audit)));
    for line in [
        "xsi:type=\"FreshCredentialAudit\">",
        "  <AuditType>FreshCredentials</AuditType>",
        "  <AuditResult>Failure</AuditResult>",
        "  <FailureType>CredentialValidationError</FailureType>",
        "      <ClaimsProvider>N/A</ClaimsProvider>",
        "      <PrimaryAuth>N/A</PrimaryAuth>",
        "      <SsoBindingValidationLevel>NotSet</SsoBindingValidationLevel>",
        "      <ForwardedIpAddress>198.51.100.7</ForwardedIpAddress>",
        "      <ProxyServer>WAP01</ProxyServer>",
    ] {
        assert!(items[1].contains(&format!("{line}\r\n")), "{line}");
    }
}

/// Security case 88.
#[test]
fn a_peer_cannot_forge_a_line_or_an_element_of_an_audit() {
    let forged = "kim\r\nActivity ID: 00000000-0000-0000-0000-000000000000</UserId><UserId>admin";
    let audit = BasicAudit {
        resource: ResourceAudit { user_id: some(forged), ..ResourceAudit::default() },
        ..BasicAudit::default()
    };
    let xml = fields(&Event::FreshCredentialFailure(Box::new(audit))).remove(1);
    assert!(xml.contains("<UserId>kim\\u000d\\u000aActivity ID: 00000000-0000-0000-0000-000000000000&lt;/UserId&gt;&lt;UserId&gt;admin</UserId>"));

    let [audit, _] = Event::password_refused(forged, WRONG_PASSWORD, "198.51.100.7");
    let items = fields(&audit);
    assert!(items.iter().all(|item| !item.contains(['\r', '\n'])));
    let clean = Event::password_refused("kim", WRONG_PASSWORD, "198.51.100.7")[0].clone();
    let lines = |event: &Event| event.message(&fields(event)).lines().count();
    assert_eq!(lines(&audit), lines(&clean));
}

/// The directory of real captures, when it lies beside the repository.
fn captures() -> Option<PathBuf> {
    let given = std::env::var_os("SEKISHO_FIXTURES").map(PathBuf::from);
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let beside = || here.ancestors().map(|up| up.join("shared/fixtures")).find(|path| path.is_dir());
    let captures =
        given.or_else(beside).map(|root| root.join("captures/events")).filter(|path| path.is_dir());
    if captures.is_none() {
        eprintln!("skipped: no captures; set SEKISHO_FIXTURES to compare with real events");
    }
    captures
}

#[test]
fn the_lockout_audit_equals_the_one_that_a_farm_wrote() {
    let Some(directory) = captures() else { return };
    let capture = std::fs::read_to_string(directory.join("1210-lockout-event-2016.xml")).unwrap();
    let data: Vec<String> = capture
        .split("<Data>")
        .skip(1)
        .map(|data| data.split("</Data>").next().unwrap())
        .map(|data| {
            data.replace("&#13;", "\r").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        })
        .collect();
    let client = "64.187.173.10".parse().ok();
    let audit = ExtranetLockoutAudit {
        resource: ResourceAudit {
            relying_party: some("http://fs.contoso.com/adfs/services/trust"),
            claims_provider: None,
            user_id: some("CONTOSO\\user"),
        },
        request: RequestAudit {
            server: None,
            auth_protocol: Some(AuthProtocol::WsFederation),
            network_location: Some(NetworkLocation::Extranet),
            ip_address: client,
            forwarded_ip_address: client,
            proxy_server: some("ADFS2016PROXY2"),
            user_agent: some(
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/66.0.3359.181 Safari/537.36",
            ),
            endpoint: some("/adfs/ls/"),
        },
        current_bad_password_count: 5,
        config_bad_password_count: 5,
        last_bad_attempt: Timestamp::parse_xml("2018-05-21T00:55:05Z").unwrap(),
        lockout_window_seconds: 1_800,
    };
    let activity = ActivityId(data[0].parse().unwrap());
    assert_eq!(Event::ExtranetLockout(Box::new(audit)).fields(activity), [data]);
}

#[test]
fn the_events_of_a_node_synchronisation_have_the_shape_that_a_farm_wrote() {
    let Some(directory) = captures() else { return };
    let capture = std::fs::read_to_string(directory.join("otrf-goldensaml-windows-events.jsonl")).unwrap();
    let mut seen = Vec::new();
    for line in capture.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        if event["EventSourceName"] != "AD FS Auditing" {
            continue;
        }
        let data: Vec<String> = serde_json::from_str(event["EventData_dynamic"].as_str().unwrap()).unwrap();
        let ours = match event["EventID"].as_u64().unwrap() {
            412 => Event::AuthenticationSuccess {
                instance: Guid::NIL,
                token_type: token_types::SECURE_CONVERSATION.into(),
                relying_party: None,
            },
            501 => {
                let claims: Vec<claims::Claim> = data[1..]
                    .chunks(2)
                    .map(|pair| claims::Claim::new(pair[0].as_str(), pair[1].as_str(), "AD AUTHORITY"))
                    .collect();
                Event::CallerIdentityClaims { instance: Guid::NIL, claims: ClaimPairs::of(&claims) }
            }
            id => panic!("unexpected event {id}"),
        };
        seen.push(ours.id());
        assert_eq!(ours.fields(ActivityId(Guid::NIL)), [data]);
    }
    assert_eq!(seen, [412, 501]);
}
