//! Commands of runbooks against a running service.

use std::process::Command;

use end_to_end::{Demo, Ran, percent};
use serde_json::{Value, json};

use crate::shared::{PASSWORD, demo};

const SP_METADATA: &str = r#"<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://sp.example.com/metadata">
  <SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <AssertionConsumerService index="0" isDefault="true"
      Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://sp.example.com/acs"/>
  </SPSSODescriptor>
</EntityDescriptor>"#;

fn refused(ran: &Ran, wanted: &str) {
    assert!(ran.code != 0, "{ran:?}");
    assert!(ran.errors.contains(wanted) && !ran.errors.contains("panicked"), "'{wanted}' is not in {ran:?}");
}

fn names(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn serial(demo: &Demo) -> u64 {
    demo.api_get("/node")["serial"].as_u64().unwrap()
}

/// Commands print the properties in the order in which the service has them.
#[test]
fn objects_are_printed_with_the_properties_of_the_configuration_in_its_order() {
    let demo = demo();
    for (command, kind) in [
        ("Get-AdfsProperties", "service-properties"),
        ("Get-AdfsRelyingPartyTrust", "relying-party-trust"),
        ("Get-AdfsClaimsProviderTrust", "claims-provider-trust"),
        ("Get-AdfsClaimDescription", "claim-description"),
        ("Get-AdfsEndpoint", "endpoint"),
        ("Get-AdfsGlobalAuthenticationPolicy", "global-authentication-policy"),
    ] {
        let printed = demo.command(&[command]).objects();
        let stored = demo.api_get(&format!("/configuration/{kind}?limit=1000"));
        let stored = stored["objects"].as_array().unwrap();
        assert_eq!(printed.len(), stored.len(), "{command}");
        for (printed, stored) in printed.iter().zip(stored) {
            assert_eq!(names(printed), names(&stored["body"]), "{command}");
        }
    }
}

#[test]
fn a_relying_party_trust_from_its_creation_to_its_removal() {
    let demo = Demo::plain();
    let get = || demo.command(&["Get-AdfsRelyingPartyTrust", "-Name", "orders"]).objects();
    assert!(get().is_empty(), "no match is no error");
    let rules =
        "=> issue(Type = \"http://schemas.microsoft.com/authorization/claims/permit\", Value = \"true\");";
    let add = [
        "Add-AdfsRelyingPartyTrust",
        "-Name",
        "orders",
        "-Identifier",
        "urn:e2e:orders",
        "-WSFedEndpoint",
        "https://localhost:9443/orders",
        "-IssuanceAuthorizationRules",
        rules,
        "-PassThru",
    ];
    let mut what_if = add.to_vec();
    what_if.push("-WhatIf");
    let before = serial(&demo);
    let would = demo.command(&what_if);
    assert_eq!((would.code, serial(&demo)), (0, before), "{would:?}");
    let made = demo.command(&add).objects();
    assert_eq!((made.len(), &made[0]["Name"]), (1, &json!("orders")));
    refused(&demo.command(&add), "orders");

    let (_, page) = demo.signed_in("alice", &demo.wsignin("urn:e2e:orders", ""));
    assert_eq!(page.response_action().unwrap(), "https://localhost:9443/orders");
    // By object through the pipeline, by name, by property.
    let text =
        "Get-AdfsRelyingPartyTrust -Name orders | Set-AdfsRelyingPartyTrust -TokenLifetime 600 -PassThru";
    assert_eq!(demo.command(&["-Command", text]).objects()[0]["TokenLifetime"], 600);
    demo.command(&["Set-AdfsRelyingPartyTrust", "-TargetName", "orders", "-Notes", "by name"]).objects();
    assert_eq!((&get()[0]["Notes"], &get()[0]["TokenLifetime"]), (&json!("by name"), &json!(600)));
    let before = serial(&demo);
    demo.command(&["Set-AdfsRelyingPartyTrust", "-TargetName", "orders", "-Notes", "by name"]).objects();
    assert_eq!(serial(&demo), before, "what is so already is no change");

    demo.command(&["Disable-AdfsRelyingPartyTrust", "-TargetName", "orders"]).objects();
    assert_eq!(get()[0]["Enabled"], false);
    let page = demo.curl().get(&demo.wsignin("urn:e2e:orders", ""));
    assert!(page.login_action().is_none() && !page.issues_something(), "a disabled trust gets nothing");
    demo.command(&["Enable-AdfsRelyingPartyTrust", "-TargetIdentifier", "urn:e2e:orders"]).objects();
    assert_eq!(get()[0]["Enabled"], true);
    let text = "Remove-AdfsRelyingPartyTrust -TargetName orders -Confirm:$false";
    demo.command(&["-Command", text]).objects();
    assert!(get().is_empty());
    refused(&demo.command(&["Remove-AdfsRelyingPartyTrust", "-TargetName", "orders"]), "orders");
}

#[test]
fn a_trust_is_made_of_the_metadata_of_a_service_provider() {
    let demo = Demo::plain();
    let file = demo.folder().join("sp.xml");
    std::fs::write(&file, SP_METADATA).unwrap();
    let file = file.display().to_string();
    let add = ["Add-AdfsRelyingPartyTrust", "-Name", "sp", "-MetadataFile", &file];
    demo.command(&add).objects();
    let made = demo.command(&["Get-AdfsRelyingPartyTrust", "-Name", "sp"]).objects();
    assert_eq!(made[0]["Identifier"], json!(["https://sp.example.com/metadata"]));
    assert!(made[0]["SamlEndpoints"].to_string().contains("https://sp.example.com/acs"), "{}", made[0]);
    let before = serial(&demo);
    std::fs::write(demo.folder().join("sp.xml"), "<EntityDescriptor").unwrap();
    refused(&demo.command(&["Add-AdfsRelyingPartyTrust", "-Name", "sp2", "-MetadataFile", &file]), "sp.xml");
    assert_eq!(serial(&demo), before);
}

#[test]
fn properties_and_claim_descriptions_show_in_metadata_and_can_be_taken_back() {
    let demo = Demo::plain();
    let metadata = || demo.curl().get(demo.fact("metadata_url")).body;
    demo.command(&["Set-AdfsProperties", "-DisplayName", "Contoso 関所"]).objects();
    assert_eq!(demo.command(&["Get-AdfsProperties"]).objects()[0]["DisplayName"], "Contoso 関所");
    assert!(metadata().contains("Contoso 関所"));
    let shift = "http://example.com/claims/shift";
    let add = ["Add-AdfsClaimDescription", "-Name", "Shift", "-ClaimType", shift, "-IsOffered", "$true"];
    demo.command(&add).objects();
    assert!(metadata().contains(shift));
    let set =
        ["Set-AdfsClaimDescription", "-TargetName", "Shift", "-IsOffered", "$false", "-IsAccepted", "$false"];
    demo.command(&set).objects();
    assert!(!metadata().contains(shift));
    let newest = demo.command(&["Get-SekishoChange", "1"]).objects()[0]["Serial"].to_string();
    demo.command(&["Undo-SekishoChange", "-Serial", &newest]).objects();
    assert!(metadata().contains(shift));
    demo.command(&["Remove-AdfsClaimDescription", "-TargetClaimType", shift]).objects();
    assert!(!metadata().contains(shift));
}

/// Nothing is half-applied, nothing panics, and what is wrong is named.
#[test]
fn mistakes_are_named_and_change_nothing() {
    let demo = Demo::plain();
    let before = serial(&demo);
    for (arguments, wanted) in [
        (&["Get-AdfsPropertys"][..], "Get-AdfsProperties"),
        (&["Set-AdfsProperties", "-SsoLifetimes", "7"], "SsoLifetimes"),
        (&["Set-AdfsProperties", "-SsoLifetime", "soon"], "SsoLifetime"),
        (&["Set-AdfsProperties", "-SsoLifetime", "-1"], "SsoLifetime"),
        (&["Set-AdfsProperties", "-SsoLifetime"], "SsoLifetime"),
        (&["Set-AdfsProperties", "-TlsClientPort", "70000"], "TlsClientPort"),
        (&["Set-AdfsProperties", "-SsoLifetime", "60", "-LogLevel", "Loud"], "LogLevel"),
        (&["Set-AdfsRelyingPartyTrust", "-TargetName", "nobody", "-Notes", "x"], "nobody"),
        (&["Add-AdfsRelyingPartyTrust", "-Name", "x"], "Identifier"),
        (&["Add-AdfsRelyingPartyTrust", "-Name", "x", "-MetadataFile", "/nowhere"], "/nowhere"),
        (&["Set-AdfsCertificate", "-CertificateType", "Token-Signing", "-Thumbprint", "xyz"], "xyz"),
        (&["Undo-SekishoChange", "-Serial", "999999"], "999999"),
        (&["-Command", "Get-AdfsProperties | Set-AdfsProperties -SsoLifetime {"], "At line:1 char:55"),
        (&["-Command", "Set-AdfsProperties -SsoLifetime 60; | |"], "At line:1 char:37"),
    ] {
        refused(&demo.command(arguments), wanted);
    }
    assert_eq!(serial(&demo), before);
    for garbage in
        ["\u{0}\u{1}", "$(", "'", "@{", "\u{200e}\u{202e}", &"(".repeat(5_000), &"a|".repeat(5_000)]
    {
        let Ok(ran) = std::panic::catch_unwind(|| demo.command(&["-Command", garbage])) else { continue };
        assert!(ran.code != 101 && !ran.errors.contains("panicked"), "{ran:?}");
    }
    assert_eq!(serial(&demo), before);
    let help = demo.command(&["Get-Help", "Set-AdfsProperties"]);
    assert!(help.code == 0 && help.text.contains("TlsClientPort"), "{help:?}");
}

/// What was read is old when it is written back: both versions are shown.
#[test]
fn a_lost_update_is_refused_by_the_version_that_was_read() {
    let demo = Demo::plain();
    let add = [
        "Add-AdfsRelyingPartyTrust",
        "-Name",
        "orders",
        "-Identifier",
        "urn:e2e:orders",
        "-WSFedEndpoint",
        "https://localhost:9443/orders",
    ];
    demo.command(&add).objects();
    let found = demo.api_get(&format!("/configuration/relying-party-trust?name={}", percent("orders")));
    let address =
        format!("/configuration/relying-party-trust/{}", found["objects"][0]["id"].as_str().unwrap());
    demo.command(&["Set-AdfsRelyingPartyTrust", "-TargetName", "orders", "-Notes", "second"]).objects();
    let late = demo.api("PATCH", &address, &["If-Match: \"1\""], Some(&json!({ "Notes": "late" })));
    assert_eq!(late.status, 412, "{}", late.body);
    assert_eq!(late.error()["stored"]["body"]["Notes"], "second");
}

#[test]
fn a_new_user_signs_in_and_its_password_is_nowhere() {
    let demo = Demo::plain();
    let password = "Ankor-Nord-77";
    let new = [
        "New-SekishoUser",
        "-UserPrincipalName",
        "kim@contoso.lab",
        "-Password",
        password,
        "-DisplayName",
        "Kim Nord",
        "-Groups",
        "Night Shift",
    ];
    let made = demo.command(&new);
    assert!(!made.text.contains(password) && !made.text.contains("argon2"), "{made:?}");
    let made = made.objects();
    assert_eq!((&made[0]["DisplayName"], &made[0]["Groups"]), (&json!("Kim Nord"), &json!(["Night Shift"])));
    refused(&demo.command(&new), "kim@contoso.lab");
    let url = demo.wsignin(crate::shared::WSFED, "");
    assert!(demo.curl().sign_in(&url, "kim@contoso.lab", password).field("wresult").is_some());
    assert!(demo.curl().sign_in(&url, "kim@contoso.lab", PASSWORD).field("wresult").is_none());
    demo.command(&["Remove-SekishoUser", "kim@contoso.lab"]).objects();
    assert!(demo.curl().sign_in(&url, "kim@contoso.lab", password).field("wresult").is_none());
    assert!(demo.command(&["Get-SekishoUser", "kim@contoso.lab"]).objects().is_empty());
    refused(&demo.command(&["Remove-SekishoUser", "kim@contoso.lab"]), "kim@contoso.lab");
    let audits = demo.events(307, 2);
    assert!(audits[0]["data"][1].as_str().unwrap().contains("Created directory user 'kim@contoso.lab'"));
    let found = Command::new("grep").args(["-rl", password]).arg(&demo.data).output().unwrap();
    assert!(found.stdout.is_empty(), "{}", String::from_utf8_lossy(&found.stdout));
}
