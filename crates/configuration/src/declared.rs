//! The declarations against what is known of AD FS 2019: names, print order, defaults. And what holds for every
//! object, whatever people send.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::*;

fn object(kind: &str) -> &'static ObjectType {
    object_type(kind).unwrap()
}

/// Names of the properties in print order, those of AD FS or our own.
fn names(kind: &str, own: bool) -> Vec<String> {
    let schema = (object(kind).schema)();
    let properties = schema.get("properties").unwrap().as_object().unwrap().clone();
    let is_own = |property: &Value| property.get("x-own").is_some_and(|flag| flag == true);
    properties.iter().filter(|(_, property)| is_own(property) == own).map(|(name, _)| name.clone()).collect()
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// A body of each kind that passes the checks.
fn sound(kind: &str) -> Value {
    let mut body = (object(kind).default_body)();
    let more = match kind {
        "service-properties" => {
            json!({"HostName": "fs.example.com", "Identifier": "http://fs.example.com/adfs/services/trust"})
        }
        "relying-party-trust" => {
            json!({"Name": "App", "Identifier": ["urn:app"], "WSFedEndpoint": "https://app.example.com/"})
        }
        "claims-provider-trust" => json!({"Name": "Partner", "Identifier": "urn:partner"}),
        "claim-description" => json!({"ClaimType": "urn:claim", "Name": "Claim"}),
        "certificate" => {
            json!({"Thumbprint": "0123456789ABCDEF0123456789ABCDEF01234567", "Certificate": "AA==", "SealedKey": "AA=="})
        }
        "ssl-certificate" => {
            json!({"HostName": "fs.example.com", "CertificateHash": "0123456789ABCDEF0123456789ABCDEF01234567"})
        }
        "endpoint" => json!({"AddressPath": "/adfs/ls/", "Exists": true}),
        "farm-node" => json!({"FQDN": "fs01.example.com"}),
        _ => json!({}),
    };
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    (object(kind).check)(body).unwrap().body
}

#[test]
fn service_properties_are_those_of_the_product_in_its_order() {
    // What the reference prints; its position for later properties is not known.
    let printed = words(
        "AcceptableIdentifiers AddProxyAuthorizationRules ArtifactDbConnection AuditLevel AuthenticationContextOrder
         AutoCertificateRollover CertificateCriticalThreshold CertificateDuration CertificateGenerationThreshold
         CertificatePromotionThreshold CertificateRolloverInterval CertificateSharingContainer
         CertificateThresholdMultiplier ClientCertRevocationCheck ContactPerson DisplayName
         IntranetUseLocalClaimsProvider ExtendedProtectionTokenCheck FederationPassiveAddress HostName HttpPort
         HttpsPort TlsClientPort Identifier InstalledLanguage LogLevel MonitoringInterval NetTcpPort
         NtlmOnlySupportedClientAtProxy OrganizationInfo PreventTokenReplays ProxyTrustTokenLifetime
         ReplayCacheExpirationInterval SignedSamlRequestsRequired SamlMessageDeliveryWindow SignSamlAuthnRequests
         SsoLifetime PersistentSsoLifetimeMins PersistentSsoEnabled PersistentSsoCutoffTime KmsiEnabled
         LoopDetectionEnabled LoopDetectionTimeIntervalInSeconds LoopDetectionMaximumTokensIssuedInInterval
         SendClientRequestIdAsQueryStringParameter WIASupportedUserAgents ExtranetLockoutThreshold
         ExtranetLockoutEnabled ExtranetObservationWindow",
    );
    let later = words(
        "IdTokenIssuer PasswordValidationDelayInMinutes CurrentFarmBehavior SsoEnabled KmsiLifetimeMins
         DeviceUsageWindowInDays BrowserSsoEnabled BrowserSsoSupportedUserAgents IgnoreTokenBinding
         EnableIdpInitiatedSignonPage RelayStateForIdpInitiatedSignOnEnabled GlobalRelyingPartyClaimsIssuancePolicy
         LocalAuthenticationTypesEnabled WiaEvaluationMethod EnableOauthLogout EnableOauthDeviceFlow
         PromptLoginFederation PromptLoginFallbackAuthenticationType AdditionalErrorPageInfo
         WindowsHelloKeyVerification DelegateServiceAdministration AllowSystemServiceAdministration
         AllowLocalAdminsServiceAdministration SendLogsEnabled SendLogsCacheSizeInMb
         AllowedActiveDirectoryUserPrincipalNames AllowedActiveDirectoryNetbiosNames ExtranetLockoutRequirePDC
         ExtranetLockoutMode ExtranetLockoutThresholdFamiliarLocation BannedIpList",
    );
    let ours = names("service-properties", false);
    let known: Vec<String> = ours.iter().filter(|name| printed.contains(name)).cloned().collect();
    assert_eq!(known, printed);
    let mut rest: Vec<String> = ours.into_iter().filter(|name| !printed.contains(name)).collect();
    let mut later = later;
    rest.sort();
    later.sort();
    assert_eq!(rest, later);
    assert_eq!(
        names("service-properties", true),
        words("DirectoryDomain DirectoryDnsDomain PasswordAttemptsPerAddressPerMinute EnableClaimsXray")
    );
}

#[test]
fn relying_party_trusts_print_the_51_properties_of_2019_in_order() {
    let expected = words(
        "AllowedAuthenticationClassReferences EncryptionCertificateRevocationCheck PublishedThroughProxy
         SigningCertificateRevocationCheck WSFedEndpoint AdditionalWSFedEndpoint ClaimsProviderName ClaimsAccepted
         EncryptClaims Enabled EncryptionCertificate Identifier NotBeforeSkew EnableJWT AlwaysRequireAuthentication
         Notes OrganizationInfo ObjectIdentifier ProxyEndpointMappings ProxyTrustedEndpoints ProtocolProfile
         RequestSigningCertificate EncryptedNameIdRequired SignedSamlRequestsRequired SamlEndpoints
         SamlResponseSignature SignatureAlgorithm TokenLifetime AllowedClientTypes IssueOAuthRefreshTokensTo
         RefreshTokenProtectionEnabled RequestMFAFromClaimsProviders ScopeGroupId ScopeGroupIdentifier
         DeviceAuthenticationMethod Name AutoUpdateEnabled MonitoringEnabled MetadataUrl ConflictWithPublishedPolicy
         IssuanceAuthorizationRules IssuanceTransformRules DelegationAuthorizationRules
         LastPublishedPolicyCheckSuccessful LastUpdateTime LastMonitoredTime ImpersonationAuthorizationRules
         AdditionalAuthenticationRules AccessControlPolicyName AccessControlPolicyParameters ResultantPolicy",
    );
    assert_eq!(expected.len(), 51);
    assert_eq!(names("relying-party-trust", false), expected);
    assert_eq!(names("relying-party-trust", true), ["WsFedTokenType"]);
}

#[test]
fn the_other_objects_print_their_properties_in_order() {
    let expected = words(
        "AllowCreate AutoUpdateEnabled SupportsMFA WSFedEndpoint ClaimsOffered ConflictWithPublishedPolicy
         CustomMFAUri EncryptionCertificate EncryptionCertificateRevocationCheck SigningCertificateRevocationCheck
         LastMonitoredTime LastPublishedPolicyCheckSuccessful LastUpdateTime MetadataUrl MonitoringEnabled
         OrganizationInfo RequiredNameIdFormat EncryptedNameIdRequired SignedSamlRequestsRequired
         SamlAuthenticationRequestIndex SamlAuthenticationRequestParameters
         SamlAuthenticationRequestProtocolBinding SamlEndpoints SignatureAlgorithm TokenSigningCertificates
         AlternateLoginID LookupForests PromptLoginFederation PromptLoginFallbackAuthenticationType AuthorityGroupId
         AuthorityGroupIdentifier AnchorClaimType IdentifierType Identities AcceptanceTransformRules
         OrganizationalAccountSuffix Enabled IsLocal Identifier Name Notes ProtocolProfile",
    );
    assert_eq!(names("claims-provider-trust", false), expected);
    for (kind, expected) in [
        ("claim-description", "ClaimType IsAccepted IsOffered IsRequired Name ShortName Notes"),
        ("certificate", "Certificate CertificateType IsPrimary StoreLocation StoreName Thumbprint"),
        ("endpoint", "ClientCredentialType Enabled FullUrl Proxy Protocol SecurityMode AddressPath Version"),
        (
            "sync-properties",
            "LastSyncFromPrimaryComputerName LastSyncStatus LastSyncTime PollDuration PrimaryComputerName
             PrimaryComputerPort Role",
        ),
        ("farm-node", "FQDN BehaviorLevel HeartbeatTimestamp NodeType"),
        (
            "global-authentication-policy",
            "AdditionalAuthenticationProvider DeviceAuthenticationEnabled DeviceAuthenticationMethod
             TreatDomainJoinedDevicesAsCompliant PrimaryIntranetAuthenticationProvider
             PrimaryExtranetAuthenticationProvider WindowsIntegratedFallbackEnabled ClientAuthenticationMethods
             AllowDeviceAuthAsPrimaryForDomainJoinedDevices AllowAdditionalAuthenticationAsPrimary
             EnablePaginatedAuthenticationPages",
        ),
    ] {
        assert_eq!(names(kind, false), words(expected), "{kind}");
    }
    assert_eq!(names("ssl-certificate", false)[..3], words("HostName PortNumber CertificateHash"));
}

/// Defaults of AD FS 2019. Where its documentation and a printed farm differ, the choice is noted.
fn product_defaults() -> Map<String, Value> {
    let first = json!({
        "AcceptableIdentifiers": [], "FederationPassiveAddress": "/adfs/ls/", "OrganizationInfo": null,
        "ContactPerson": null, "HttpPort": 80, "HttpsPort": 443, "TlsClientPort": 49443, "NetTcpPort": 1501,
        "InstalledLanguage": "en-US", "PasswordValidationDelayInMinutes": 60, "CurrentFarmBehavior": 4,
        "AutoCertificateRollover": true, "CertificateDuration": 365, "CertificateGenerationThreshold": 20,
        "CertificatePromotionThreshold": 5, "CertificateCriticalThreshold": 2, "CertificateRolloverInterval": 720,
        "CertificateThresholdMultiplier": 1440, "ClientCertRevocationCheck": "None",
        "SsoLifetime": 480, "SsoEnabled": true, "PersistentSsoEnabled": true, "PersistentSsoLifetimeMins": 129_600,
        "PersistentSsoCutoffTime": "0001-01-01T00:00:00.000Z", "KmsiEnabled": false, "KmsiLifetimeMins": 1440,
        // The documentation; a printed farm of 2019 has 7.
        "DeviceUsageWindowInDays": 14,
        "BrowserSsoEnabled": true, "BrowserSsoSupportedUserAgents": ["Windows NT 1", "Windows Phone 1"],
        "LoopDetectionEnabled": true, "LoopDetectionTimeIntervalInSeconds": 20,
        "LoopDetectionMaximumTokensIssuedInInterval": 5, "PreventTokenReplays": false,
        "ReplayCacheExpirationInterval": 60, "ProxyTrustTokenLifetime": 21600, "IgnoreTokenBinding": false,
    });
    let rest = json!({
        "SamlMessageDeliveryWindow": 5, "SignedSamlRequestsRequired": false, "SignSamlAuthnRequests": false,
        "AuthenticationContextOrder": [
            "urn:oasis:names:tc:SAML:2.0:ac:classes:Password",
            "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
            "urn:oasis:names:tc:SAML:2.0:ac:classes:TLSClient", "urn:oasis:names:tc:SAML:2.0:ac:classes:X509",
            "urn:federation:authentication:windows", "urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos"
        ],
        "EnableIdpInitiatedSignonPage": false, "RelayStateForIdpInitiatedSignOnEnabled": false,
        "GlobalRelyingPartyClaimsIssuancePolicy": "", "LocalAuthenticationTypesEnabled": true,
        "IntranetUseLocalClaimsProvider": false, "ExtendedProtectionTokenCheck": "Allow",
        "NtlmOnlySupportedClientAtProxy": false, "EnableOauthLogout": false, "EnableOauthDeviceFlow": true,
        // A printed farm of 2019; the documentation says true.
        "SendClientRequestIdAsQueryStringParameter": false,
        "AdditionalErrorPageInfo": "Private", "WindowsHelloKeyVerification": "AllowAll",
        "LogLevel": ["Errors", "Information", "Verbose", "Warnings"], "AuditLevel": ["Basic"],
        "MonitoringInterval": 1440, "DelegateServiceAdministration": null, "AllowSystemServiceAdministration": false,
        "AllowLocalAdminsServiceAdministration": true, "SendLogsEnabled": false, "SendLogsCacheSizeInMb": 32,
        "AllowedActiveDirectoryUserPrincipalNames": [], "AllowedActiveDirectoryNetbiosNames": [],
        "ExtranetLockoutEnabled": false, "ExtranetLockoutThreshold": 2_147_483_647,
        "ExtranetObservationWindow": "00:30:00", "ExtranetLockoutRequirePDC": true,
        // The documentation; a printed farm of 2019 has ADFSSmartLockoutLogOnly.
        "ExtranetLockoutMode": ["ADPasswordCounter"],
        "ExtranetLockoutThresholdFamiliarLocation": 2_147_483_647, "BannedIpList": [],
        "WIASupportedUserAgents": [
            "MSAuthHost/1.0/In-Domain", "MSIE 6.0", "MSIE 7.0", "MSIE 8.0", "MSIE 9.0", "MSIE 10.0", "Trident/7.0",
            "MSIPC", "Windows Rights Management Client", "MS_WorkFoldersClient", "=~Windows\\s*NT.*Edge"
        ],
        "PromptLoginFederation": "FallbackToProtocolSpecificParameters",
        "PromptLoginFallbackAuthenticationType": null, "WiaEvaluationMethod": "WiaUserAgentDetection",
        "CertificateSharingContainer": null,
    });
    let parts = [first, rest].into_iter().filter_map(|part| part.as_object().cloned());
    parts.flatten().collect()
}

#[test]
fn defaults_are_those_of_the_product_and_the_exceptions_are_known() {
    // (property, what it is here, why)
    let exceptions = [
        ("ExtranetLockoutEnabled", json!(true), "guessing is slowed from the first day"),
        ("ExtranetLockoutThreshold", json!(10), "guessing is slowed from the first day"),
    ];
    // Chosen at the installation, or what only Windows has.
    let without = [
        "HostName",
        "DisplayName",
        "Identifier",
        "IdTokenIssuer",
        "ArtifactDbConnection",
        "AddProxyAuthorizationRules",
    ];
    let defaults = (object("service-properties").default_body)();
    let product = product_defaults();
    for name in names("service-properties", false) {
        if without.contains(&name.as_str()) {
            continue;
        }
        let exception =
            exceptions.iter().find(|(exception, ..)| *exception == name).map(|(_, value, _)| value);
        let expected = product.get(&name).unwrap_or_else(|| panic!("{name} is missing in this table"));
        if let Some(exception) = exception {
            assert_ne!(exception, expected, "{name} is no exception");
        }
        assert_eq!(&defaults[&name], exception.unwrap_or(expected), "{name}");
    }
}

#[test]
fn defaults_of_trusts_and_of_the_policy_are_those_of_the_product() {
    for (kind, expected) in [
        (
            "relying-party-trust",
            json!({
                "EncryptionCertificateRevocationCheck": "CheckChainExcludeRoot",
                "SigningCertificateRevocationCheck": "CheckChainExcludeRoot", "EncryptClaims": true, "Enabled": true,
                "NotBeforeSkew": 0, "EnableJWT": false, "ProtocolProfile": "WsFed-SAML",
                "SamlResponseSignature": "AssertionOnly", "TokenLifetime": 0,
                "SignatureAlgorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
                "AllowedClientTypes": ["Public", "Confidential"], "IssueOAuthRefreshTokensTo": "AllDevices",
                "RefreshTokenProtectionEnabled": true, "DeviceAuthenticationMethod": null,
                "LastUpdateTime": "1900-01-01T00:00:00.000Z", "LastMonitoredTime": "1900-01-01T00:00:00.000Z",
                "LastPublishedPolicyCheckSuccessful": null, "AccessControlPolicyName": "Permit everyone",
                "MetadataUrl": null, "MonitoringEnabled": false, "AutoUpdateEnabled": false
            }),
        ),
        (
            "claims-provider-trust",
            json!({
                "AllowCreate": true, "SupportsMFA": false, "SamlAuthenticationRequestIndex": 0,
                "SamlAuthenticationRequestParameters": "None", "EncryptedNameIdRequired": false,
                "SigningCertificateRevocationCheck": "CheckChainExcludeRoot",
                "IdentifierType": "http://schemas.microsoft.com/ws/2009/12/identityserver/principaltypes/certificate",
                "PromptLoginFederation": "FallbackToProtocolSpecificParameters", "Enabled": true
            }),
        ),
        (
            "global-authentication-policy",
            json!({
                "PrimaryIntranetAuthenticationProvider": ["WindowsAuthentication", "FormsAuthentication"],
                "PrimaryExtranetAuthenticationProvider": ["FormsAuthentication", "MicrosoftPassportAuthentication"],
                "AdditionalAuthenticationProvider": [], "WindowsIntegratedFallbackEnabled": true,
                "DeviceAuthenticationEnabled": false, "DeviceAuthenticationMethod": "SignedToken",
                "TreatDomainJoinedDevicesAsCompliant": false, "AllowAdditionalAuthenticationAsPrimary": false,
                "ClientAuthenticationMethods": [
                    "ClientSecretPostAuthentication", "ClientSecretBasicAuthentication",
                    "PrivateKeyJWTBearerAuthentication", "WindowsIntegratedAuthentication"
                ]
            }),
        ),
        (
            "sync-properties",
            json!({"PollDuration": 300, "PrimaryComputerPort": 80, "Role": "PrimaryComputer"}),
        ),
        ("certificate", json!({"StoreLocation": "CurrentUser", "StoreName": "My", "IsPrimary": false})),
    ] {
        let defaults = (object(kind).default_body)();
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&defaults[name], value, "{kind}.{name}");
        }
    }
}

#[test]
fn every_object_survives_json_by_default_and_when_it_is_full() {
    for object in OBJECTS {
        let body = sound(object.kind);
        assert_eq!((object.check)(body.clone()).unwrap().body, body, "{}", object.kind);
    }
    let patch = json!({
        "AdditionalWSFedEndpoint": ["https://app.example.com/b"], "ClaimsAccepted": ["urn:claim"],
        "EncryptClaims": false, "Enabled": false, "Identifier": ["urn:a", "urn:b"], "NotBeforeSkew": 5,
        "EnableJWT": true, "AlwaysRequireAuthentication": true, "Notes": "n", "OrganizationInfo": "o",
        "ProtocolProfile": "saml", "RequestSigningCertificate": ["AA=="], "SignedSamlRequestsRequired": true,
        "SamlEndpoints": [{
            "Binding": "post", "Index": 1, "IsDefault": true, "Location": "https://app.example.com/acs",
            "Protocol": "SAMLAssertionConsumer", "ResponseLocation": "https://app.example.com/out"
        }],
        "SamlResponseSignature": "MessageOnly", "TokenLifetime": 480, "AllowedClientTypes": 2,
        "IssueOAuthRefreshTokensTo": 0, "RefreshTokenProtectionEnabled": false, "DeviceAuthenticationMethod": 1,
        "MonitoringEnabled": true, "MetadataUrl": "https://app.example.com/metadata",
        "IssuanceAuthorizationRules": "=> issue(Type = \"t\", Value = \"v\");", "IssuanceTransformRules": "x",
        "WsFedTokenType": SAML_20
    });
    let trust = object("relying-party-trust");
    let body = apply_patch(trust, &sound(trust.kind), &patch).unwrap().body;
    let typed: RelyingPartyTrust = serde_json::from_value(body.clone()).unwrap();
    assert_eq!(serde_json::to_value(&typed).unwrap(), body);
    assert_eq!(body["SamlEndpoints"][0]["Binding"], "POST");
    assert_eq!(body["ProtocolProfile"], "SAML");
    assert_eq!(body["AllowedClientTypes"], json!(["Public"]));
    assert_eq!(body["AccessControlPolicyName"], Value::Null);
}

#[test]
fn a_trust_permits_by_its_rules_or_its_policy_and_otherwise_nobody() {
    let read = |body: Value| serde_json::from_value::<RelyingPartyTrust>(body).unwrap();
    assert_eq!(
        RelyingPartyTrust::default().authorization_rules(),
        claims::defaults::PERMIT_EVERYONE.as_str()
    );
    // A document of the first version has no policy: its rules decide, and none permit nobody.
    assert_eq!(read(json!({"IssuanceAuthorizationRules": "rule"})).authorization_rules(), "rule");
    assert_eq!(read(json!({"IssuanceAuthorizationRules": ""})).authorization_rules(), "");
    let trust = object("relying-party-trust");
    let refused =
        apply_patch(trust, &sound(trust.kind), &json!({"AccessControlPolicyName": "Permit specific group"}));
    assert!(refused.unwrap_err()[0].to_string().contains("is not an access control policy of this version"));
}

#[test]
fn what_would_protect_is_refused_until_it_does() {
    for (kind, patch) in [
        ("service-properties", json!({"BannedIpList": ["192.0.2.1"]})),
        ("service-properties", json!({"SignedSamlRequestsRequired": true})),
        ("service-properties", json!({"ExtranetLockoutMode": "ADFSSmartLockoutEnforce"})),
        ("relying-party-trust", json!({"EncryptionCertificate": "AA=="})),
        (
            "relying-party-trust",
            json!({"AdditionalAuthenticationRules": "=> issue(Type = \"t\", Value = \"v\");"}),
        ),
        (
            "global-authentication-policy",
            json!({"AdditionalAuthenticationProvider": ["AzureMfaAuthentication"]}),
        ),
    ] {
        let problems = apply_patch(object(kind), &sound(kind), &patch).unwrap_err();
        assert!(problems[0].to_string().contains("would protect, but has no effect"), "{}", problems[0]);
    }
}

#[test]
fn the_port_of_user_certificates_is_changed_as_the_runbook_does() {
    let properties = object("service-properties");
    let changed = apply_patch(properties, &sound(properties.kind), &json!({"TlsClientPort": 32443})).unwrap();
    assert_eq!(changed.body["TlsClientPort"], 32443);
    assert_eq!(changed.warnings, [""; 0]);
    let refused = apply_patch(properties, &sound(properties.kind), &json!({"TlsClientPort": 0})).unwrap_err();
    assert_eq!(refused[0].to_string(), "TlsClientPort: '0' is out of range; expected 1 to 65535");
    let refused =
        apply_patch(properties, &sound(properties.kind), &json!({"TlsClientPort": 70_000})).unwrap_err();
    assert_eq!(
        refused[0].to_string(),
        "TlsClientPort: '70000' is not right here; expected a whole number from 1 to 65535"
    );
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop_oneof![0..20_i64, any::<i64>()].prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        prop::sample::select(vec![
            "",
            "None",
            "urn:app",
            "https://app.example.com/",
            "00:10:00",
            "2026-01-31T08:00:00Z",
            "POST",
            "Basic, 1",
            "SAMLLogout",
            "Public, Confidential",
            "0",
            "3",
        ])
        .prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let names =
            prop::sample::select(vec!["Location", "Protocol", "Binding", "Index", "Name", "Surname", "X"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names, inner), 0..4).prop_map(|members| {
                Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

/// A patch of a few members, mostly ones that exist.
fn any_patch() -> impl Strategy<Value = (&'static ObjectType, Value)> {
    prop::sample::select(OBJECTS.iter().collect::<Vec<_>>()).prop_flat_map(|object| {
        let mut known: Vec<String> =
            (object.schema)().get("properties").unwrap().as_object().unwrap().keys().cloned().collect();
        known.push("Unknown".to_owned());
        let members = prop::collection::vec((prop::sample::select(known), any_value()), 0..4);
        members.prop_map(move |members| (object, Value::Object(members.into_iter().collect::<Map<_, _>>())))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_patch_panics_and_what_it_makes_passes_the_checks_again((object, patch) in any_patch()) {
        match apply_patch(object, &sound(object.kind), &patch) {
            Ok(made) => {
                let again = (object.check)(made.body.clone());
                prop_assert_eq!(again.map(|again| (again.id, again.body)), Ok((made.id, made.body)));
            }
            Err(problems) => prop_assert!(!problems.is_empty()),
        }
    }

    #[test]
    fn what_strict_reading_takes_the_typed_reading_takes_too((object, patch) in any_patch()) {
        if strict(object, &patch).is_empty() && let Err(problems) = apply_patch(object, &sound(object.kind), &patch) {
            for problem in problems {
                prop_assert!(!problem.expected.contains("can't be read"), "{}", problem);
            }
        }
    }

    #[test]
    fn no_body_whatever_panics(body in any_value(), (object, patch) in any_patch()) {
        let _ = (object.check)(body.clone());
        let _ = strict(object, &body);
        let _ = apply_patch(object, &body, &patch);
    }
}
