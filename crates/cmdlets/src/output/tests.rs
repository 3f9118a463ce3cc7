use serde_json::json;

use super::*;

#[test]
fn objects_with_more_than_four_properties_are_lists() {
    let object = json!({
        "HostName": "fs.example.com", "TlsClientPort": 49443, "KmsiEnabled": false, "AcceptableIdentifiers": [],
        "LogLevel": ["Errors", "Information"], "ContactPerson": null
    });
    let expected = "\n\nHostName              : fs.example.com\nTlsClientPort         : 49443\nKmsiEnabled           : False\nAcceptableIdentifiers : {}\nLogLevel              : {Errors, Information}\nContactPerson         : \n\n\n";
    assert_eq!(render(&[object], &View::Default, Target::Terminal(80)), expected);
}

#[test]
fn few_properties_are_a_table_with_numbers_at_the_right() {
    let rows = [
        json!({ "HostName": "fs.example.com", "PortNumber": 443, "CertificateHash": "AB" }),
        json!({ "HostName": "localhost", "PortNumber": 49443, "CertificateHash": "CD" }),
    ];
    let expected = "\nHostName       PortNumber CertificateHash\n--------       ---------- ---------------\nfs.example.com        443 AB\nlocalhost           49443 CD\n\n\n";
    let text = render(&rows, &View::Default, Target::Terminal(80));
    assert_eq!(text, expected);
    let role = render(&[json!({ "Role": "PrimaryComputer" })], &View::Default, Target::Terminal(80));
    assert_eq!(role, "\nRole\n----\nPrimaryComputer\n\n\n");
    let narrow = render(&rows, &View::Default, Target::Terminal(30));
    assert!(narrow.lines().all(|line| line.len() <= 30), "{narrow}");
    assert!(narrow.contains("..."), "{narrow}");
}

#[test]
fn long_values_go_on_at_the_value_column() {
    let object = json!({ "A": "x", "Rules": "first\n => issue(claim = c);\n\nthird", "Long": "abcdefghijklmnopqrstuvwxyz" });
    let text = render(&[object], &View::List(Vec::new()), Target::Terminal(24));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[2], "A     : x");
    assert_eq!(lines[3], "Rules : first");
    assert_eq!(lines[4], "         => issue(claim");
    assert!(lines.contains(&"Long  : abcdefghijklmno"), "{text}");
    assert!(lines.contains(&"        pqrstuvwxyz"), "{text}");
}

#[test]
fn values_have_their_text_forms() {
    for (property, value, text) in [
        (
            "SamlEndpoints",
            json!([{}, {}]),
            "{Microsoft.IdentityServer.Management.Resources.SamlEndpoint, Microsoft.IdentityServer.Management.Resources.SamlEndpoint}",
        ),
        ("ClaimsAccepted", json!([{}, {}, {}, {}, {}]), "{, , , , ...}"),
        ("LastUpdateTime", json!("2018-03-08T14:05:09Z"), "3/8/2018 2:05:09 PM"),
        ("LastUpdateTime", json!("1900-01-01T00:00:00.000Z"), "1/1/1900 12:00:00 AM"),
        ("Name", json!("2018"), "2018"),
        ("Configuration", json!({ "a": 1 }), "{[a, 1]}"),
        ("AllowedClientTypes", json!(["Public", "Confidential"]), "Public, Confidential"),
        ("ExtranetLockoutMode", json!([]), "None"),
        ("Enabled", json!(true), "True"),
        ("Certificate", json!("not a certificate"), "not a certificate"),
    ] {
        assert_eq!(display(property, &value), text, "{property}");
    }
}

#[test]
fn a_pipe_gets_json_lines_in_the_order_of_the_properties() {
    let values = [json!({ "b": 1, "a": [null] }), json!("text")];
    assert_eq!(render(&values, &View::Default, Target::Pipe), "{\"b\":1,\"a\":[null]}\n\"text\"\n");
    let list = render(&values, &View::List(vec!["A".into()]), Target::Pipe);
    assert!(list.contains("a : {}"), "{list}");
}

#[test]
fn properties_are_selected_by_pattern_and_wide_characters_are_counted() {
    let selected =
        select(&[json!({ "SsoLifetime": 1, "SsoEnabled": true, "X": 2 })], &["sso*".into(), "Y".into()]);
    assert_eq!(selected, [json!({ "SsoLifetime": 1, "SsoEnabled": true, "Y": null })]);
    assert!(like("Office 365", "o*3?5") && !like("Office", "o*3") && like("", "*") && !like("a", ""));
    let table = render(&[json!({ "名前": "関所", "B": "x" })], &View::Default, Target::Terminal(80));
    assert!(table.contains("名前 B\n"), "{table}");
}

/// A partner's metadata may hold what steers a terminal; it is shown, not obeyed.
#[test]
fn what_would_steer_a_terminal_is_not_printed() {
    let object = json!({ "Name": "App\u{1b}]0;x\u{7}\u{202e}", "A": 1 });
    let text = render(std::slice::from_ref(&object), &View::Default, Target::Terminal(80));
    assert!(text.contains("App\u{fffd}]0;x\u{fffd}\u{fffd}") && !text.contains('\u{1b}'), "{text}");
    // Into a pipe it is JSON, where control characters are escaped.
    assert!(!render(&[object], &View::Default, Target::Pipe).contains('\u{1b}'));
}
