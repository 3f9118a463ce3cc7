use serde_json::{Value, json};

use super::*;
use crate::language::words_of_arguments;
use crate::signatures::find_cmdlet;

fn shell(cmdlet: &str, arguments: &[&str]) -> Result<Bound, CmdletError> {
    let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
    bind(find_cmdlet(cmdlet).unwrap(), &words_of_arguments(&arguments), Style::Shell)
}

fn script(cmdlet: &str, arguments: &[(&str, Value)]) -> Result<Bound, CmdletError> {
    let words: Vec<Word> = arguments
        .iter()
        .map(|(name, value)| Word {
            at: None,
            content: match *name {
                "" => Content::Value(value.clone()),
                name => Content::Parameter { name: name.to_owned(), value: Some(value.clone()) },
            },
        })
        .collect();
    bind(find_cmdlet(cmdlet).unwrap(), &words, Style::Script)
}

fn message(result: Result<Bound, CmdletError>) -> String {
    result.unwrap_err().message
}

#[test]
fn names_are_taken_in_any_case_and_by_unambiguous_beginnings() {
    for name in ["-TlsClientPort", "-tlsclientport", "-TLS"] {
        let bound = shell("Set-AdfsProperties", &[name, "32443"]).unwrap();
        assert_eq!(bound.get("TlsClientPort"), Some(&json!(32_443)), "{name}");
    }
    let ambiguous = shell("Set-AdfsProperties", &["-Http", "80"]).unwrap_err();
    assert_eq!(ambiguous.id, "AmbiguousParameter");
    assert!(ambiguous.message.ends_with("Possible matches include: -HttpPort -HttpsPort."), "{ambiguous}");
    let unknown = shell("Set-AdfsProperties", &["-TlsClientPrt", "1"]).unwrap_err();
    assert_eq!(unknown.id, "NamedParameterNotFound");
    assert!(unknown.message.ends_with("Did you mean -TlsClientPort?"), "{unknown}");
    let aliased = shell("Get-WebApplicationProxyApplication", &["-FriendlyName", "a"]).unwrap();
    assert!(aliased.get("Name").is_some());
}

#[test]
fn a_boolean_that_the_shell_emptied_is_an_error_that_says_so() {
    for arguments in [&["-IgnoreTokenBinding"][..], &["-IgnoreTokenBinding", ""], &["-IgnoreTokenBinding:"]] {
        let text = message(shell("Set-AdfsProperties", arguments));
        assert!(text.contains("Missing an argument for parameter 'IgnoreTokenBinding'"), "{text}");
        assert!(text.contains("replace $true and $false by nothing"), "{text}");
    }
    assert!(message(shell("Set-AdfsProperties", &["-Confirm:"])).contains("bash"));
    for (word, expected) in [("$true", true), ("true", true), ("1", true), ("$False", false), ("0", false)] {
        let bound = shell("Set-AdfsProperties", &["-IgnoreTokenBinding", word]).unwrap();
        assert_eq!(bound.get("IgnoreTokenBinding"), Some(&json!(expected)), "{word}");
    }
    let text = message(script("Set-AdfsProperties", &[("EnableKmsi", json!("true"))]));
    assert!(text.contains("Boolean parameters accept only Boolean values and numbers"), "{text}");
}

#[test]
fn switches_and_common_parameters() {
    let bound =
        shell("Set-AdfsProperties", &["-HttpPort", "80", "-PassThru", "-wi", "-Confirm:$false", "-vb"])
            .unwrap();
    assert!(bound.is_on("PassThru"));
    assert_eq!(
        bound.common,
        Common { what_if: true, confirm: Some(false), verbose: true, ..Common::default() }
    );
    let bound =
        shell("Get-AdfsProperties", &["-ea", "silentlycontinue", "-ov", "x", "-Server", "fs01"]).unwrap();
    assert_eq!(
        (bound.common.go_on, bound.common.out_variable.as_deref(), bound.common.server.as_deref()),
        (Some(false), Some("x"), Some("fs01"))
    );
    // Get-AdfsProperties changes nothing, so it has no -WhatIf.
    assert!(shell("Get-AdfsProperties", &["-WhatIf"]).is_err());
    assert!(shell("Get-AdfsProperties", &["-?"]).unwrap().common.help);
}

#[test]
fn limits_are_told_in_the_words_of_powershell() {
    for (name, value, part) in [
        ("-KmsiLifetimeMins", "0", "The 0 argument is less than the minimum allowed range of 1."),
        ("-KmsiLifetimeMins", "2628001", "greater than the maximum allowed range of 2628000"),
        ("-KmsiLifetimeMins", "soon", "Cannot convert value \"soon\" to type \"System.Int32\""),
        ("-AuditLevel", "Loud", "does not belong to the set \"None,Basic,Verbose\""),
        ("-ExtranetLockoutMode", "Hard", "Unable to match the identifier name Hard"),
        ("-ExtranetObservationWindow", "later", "was not recognized"),
        ("-PersistentSsoCutoffTime", "24.11.2026", "was not recognized"),
        ("-TlsClientPort", "99999999999", "too large"),
    ] {
        let text = message(shell("Set-AdfsProperties", &[name, value]));
        assert!(text.contains(part), "{name} {value}: {text}");
    }
    let text = message(script("Add-AdfsCertificate", &[("Thumbprint", json!(null))]));
    assert_eq!(text, "Cannot bind argument to parameter 'Thumbprint' because it is null.");
    let text = message(script("New-AdfsClaimRuleSet", &[("ClaimRule", json!([]))]));
    assert_eq!(text, "Cannot bind argument to parameter 'ClaimRule' because it is an empty array.");
    let long = "x".repeat(256);
    assert!(message(shell("Install-AdfsFarm", &["-FederationServiceName", &long])).contains("is too long"));
}

#[test]
fn enumerations_take_names_numbers_and_flags() {
    for (value, expected) in [
        (json!("adfssmartlockoutenforce"), "ADFSSmartLockoutEnforce"),
        (json!(3), "ADPasswordCounter, ADFSSmartLockoutLogOnly"),
        (json!("4"), "ADFSSmartLockoutEnforce"),
    ] {
        let bound = script("Set-AdfsProperties", &[("ExtranetLockoutMode", value.clone())]).unwrap();
        assert_eq!(bound.text("ExtranetLockoutMode"), Some(expected), "{value}");
    }
    let words = script("Get-AdfsCertificate", &[("", json!(["token-signing", "TOKEN-DECRYPTING"]))]).unwrap();
    assert_eq!(words.texts("CertificateType"), ["Token-Signing", "Token-Decrypting"]);
    let check =
        shell("Set-AdfsRelyingPartyTrust", &["-TargetName", "a", "-SigningCertificateRevocationCheck", "5"]);
    assert_eq!(check.unwrap().text("SigningCertificateRevocationCheck"), Some("CheckChainExcludeRoot"));
}

#[test]
fn a_shell_makes_lists_by_commas_only_where_a_list_is_wanted() {
    let arguments = [
        "-TargetName",
        "a,b",
        "-Identifier",
        "urn:a, urn:b",
        "-IssuanceTransformRules",
        "=> issue(Type = \"a\", Value = \"b\");",
    ];
    let bound = shell("Set-AdfsRelyingPartyTrust", &arguments).unwrap();
    assert_eq!(bound.text("TargetName"), Some("a,b"));
    assert_eq!(bound.texts("Identifier"), ["urn:a", "urn:b"]);
    assert_eq!(bound.text("IssuanceTransformRules"), Some("=> issue(Type = \"a\", Value = \"b\");"));
    let json = r#"{"Protocol":"SAMLLogout","Binding":"POST"}"#;
    let bound = shell("Set-AdfsRelyingPartyTrust", &["-TargetName", "a", "-SamlEndpoint", json]).unwrap();
    assert_eq!(bound.get("SamlEndpoint").unwrap()[0]["Binding"], "POST");
}

#[test]
fn positions_go_to_the_default_set_and_objects_to_those_that_take_them() {
    let bound = shell("Get-AdfsRelyingPartyTrust", &["App"]).unwrap().complete(&[]).unwrap();
    assert_eq!((bound.texts("Name"), bound.set()), (vec!["App"], "RelyingPartyName"));
    let object = json!({ "Name": "x", "ClaimType": "urn:x" });
    let bound = script("Remove-AdfsClaimDescription", &[("", object)]).unwrap();
    assert!(bound.get("TargetClaimDescription").is_some());
    let text = message(shell("Get-AdfsProperties", &["surplus"]));
    assert_eq!(text, "A positional parameter cannot be found that accepts argument 'surplus'.");
}

#[test]
fn one_set_is_found_or_the_missing_parameters_are_named() {
    let both = shell("Get-AdfsRelyingPartyTrust", &["-Name", "a", "-Identifier", "b"]).unwrap_err();
    assert_eq!(both.id, "AmbiguousParameterSet");
    let missing = shell("Add-AdfsRelyingPartyTrust", &["-Name", "a"]).unwrap().complete(&[]).unwrap_err();
    assert_eq!(missing.id, "MissingMandatoryParameter");
    assert!(missing.message.contains("missing mandatory parameters: Identifier. Instead of it"), "{missing}");
    assert!(missing.message.contains("MetadataFile"), "{missing}");
    let twice = shell("Set-AdfsProperties", &["-HttpPort", "1", "-HttpPort", "2"]).unwrap_err();
    assert_eq!(twice.id, "ParameterAlreadyBound");
    let farm = shell("Install-AdfsFarm", &["-FederationServiceName", "fs.example.com"]).unwrap();
    assert!(farm.clone().complete(&[]).is_err());
    assert!(farm.complete(&["ServiceAccountCredential", "GroupServiceAccountIdentifier"]).is_ok());
}

#[test]
fn the_pipeline_gives_objects_whole_and_properties_by_name() {
    let set = shell("Set-AdfsRelyingPartyTrust", &["-TokenLifetime", "600"]).unwrap();
    let trust = json!({ "Name": "App", "Identifier": ["urn:app"], "TokenLifetime": 5, "IssuanceTransformRules": "=> r;" });
    let bound = set.with_input(&trust).unwrap().complete(&[]).unwrap();
    assert_eq!(bound.get("TokenLifetime"), Some(&json!(600)));
    assert_eq!(bound.get("TargetRelyingParty").unwrap()["Name"], "App");
    let endpoint =
        json!({ "Protocol": "SAMLAssertionConsumer", "Binding": "POST", "Location": "https://x/" });
    let add = shell("Add-AdfsRelyingPartyTrust", &["-Name", "a", "-Identifier", "b"]).unwrap();
    assert!(add.with_input(&endpoint).unwrap().get("SamlEndpoint").is_some());
    let by_name = shell("Get-AdfsRelyingPartyTrust", &[]).unwrap().with_input(&json!("App")).unwrap();
    assert_eq!(by_name.texts("Name"), ["App"]);
    assert!(shell("Get-AdfsProperties", &[]).unwrap().with_input(&json!("App")).is_err());
}
