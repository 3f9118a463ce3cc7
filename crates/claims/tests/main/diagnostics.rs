//! What an administrator reads when a rule is wrong, or probably wrong.

use claims::{RuleSet, Severity};

fn errors(text: &str) -> Vec<claims::Diagnostic> {
    RuleSet::parse(text).expect_err(text)
}

#[test]
fn the_published_messages() {
    for (text, message) in [
        (
            "c1;[]=>Issue(claim=c1);",
            "POLICY0002: Could not parse policy data. Line number: 1, Column number: 2, Error token: ;. \
             Line: 'c1;[]=>Issue(claim=c1);'. Parser error: \
             'POLICY0030: Syntax error, unexpected ';', expecting one of the following: ':' .'",
        ),
        (
            "c1:[]=>Issue(claim=c2);",
            "POLICY0002: Could not parse policy data. Line number: 1, Column number: 19, Error token: c2. \
             Line: 'c1:[]=>Issue(claim=c2);'. Parser error: \
             'POLICY0011: No conditions in the claim rule match the condition tag specified in the \
             CopyIssuanceStatement: 'c2'.'",
        ),
        (
            r#"c1:[type=="x1", value==1, valuetype=="bool"]=>Issue(claim=c1);"#,
            "POLICY0002: Could not parse policy data. Line number: 1, Column number: 23, Error token: 1. \
             Line: 'c1:[type==\"x1\", value==1, valuetype==\"bool\"]=>Issue(claim=c1);'. Parser error: \
             'POLICY0029: Unexpected input.' Values are strings, in double quotes.",
        ),
    ] {
        let errors = errors(text);
        assert_eq!(errors.len(), 1, "{errors:#?}");
        assert_eq!(errors[0].to_string(), message);
    }
}

#[test]
fn every_bad_rule_is_reported() {
    let text = "c:[Type = \"a\"] => issue(claim = c);\n\
                c:[Type == \"good\"] => issue(claim = c);\n\
                c:[Typ == \"a\"] => issue(claim = d);\n\
                c:[Type == “a”] => issue(claim = c);\n\
                => issue(Value = toupper(\"x\"));\n\
                c:[] => issue(claim = c)";
    let places: Vec<_> = errors(text).iter().map(|error| (error.line, error.column, error.code)).collect();
    assert_eq!(
        places,
        [
            (1, 8, "POLICY0030"),
            (3, 3, "POLICY0030"),
            (4, 11, "POLICY0029"),
            (5, 9, "POLICY0002"),
            (5, 17, "POLICY0002"),
            (6, 23, "POLICY0030"),
        ]
    );
}

#[test]
fn static_checks() {
    for (text, message) in [
        (r#"@a = "1" @A = "2" => issue(Type = "t", Value = "v");"#, "The annotation 'A' is given twice"),
        (r#"C:[] && c:[] => issue(claim = c);"#, "used by two conditions"),
        (
            r#"c1:[Value == c2.Value] && c2:[] => issue(claim = c1);"#,
            "before this place have the condition tag 'c2'",
        ),
        (r#"c:[Value == C.Value] => issue(claim = c);"#, "inside its own condition"),
        (r#"c:[] && EXISTS([Value == c.Value]) => issue(claim = c);"#, "cannot be read inside EXISTS"),
        (r#"EXISTS(c:[]) => issue(Type = "t", Value = c.Value);"#, "where it names no claim"),
        (r#"=> issue(Type = "t", Value = "v", type = "u");"#, "The property Type is assigned twice"),
        (r#"=> issue(Type = "t", Properties["k"] = "v", Properties["k"] = "w");"#, "assigned twice"),
        (r#"=> issue(Value = "v");"#, "assign Type"),
        (
            r#"=> issue(Type = "t", Value = RegExReplace("a", "b"));"#,
            "three arguments (input, pattern, replacement), not 2",
        ),
        (r#"COUNT([]) > 99999999999999999999 => issue(Type = "t", Value = "v");"#, "too large"),
        (r#"c:[Value =~ "(a"] => issue(claim = c);"#, "not enough )'s"),
        (r#"=> issue(Type = "t", Value = RegExReplace("a", "[", "c"));"#, "unterminated [] set"),
    ] {
        let errors = errors(text);
        assert_eq!(errors.len(), 1, "{text}: {errors:#?}");
        assert_eq!(errors[0].code, "POLICY0002", "{text}");
        assert!(errors[0].message.contains(message), "{text}: {}", errors[0].message);
    }
}

#[test]
fn what_is_allowed_though_it_looks_odd() {
    for text in [
        r#"c:[] => issue(Type = "t", Properties["k"] = "v", Properties["l"] = "w", Value = "1");"#,
        r#"c:[Value != "a", Value != "b"] => add(claim = c);"#,
        r#"Type:[Type == "a"] && count:[] && exists:[] && not:[] => issue(Type = type.Type, Value = Count.Value + not.value);"#,
        r#"C1:[] && c2:[Value == c1.Value, Issuer =~ C1.Issuer] => issue(claim = C2);"#,
        r#"EXISTS(c:[]) && c:[] => issue(claim = c);"#,
        "\u{feff}\u{a0}=>issue(type=\"t\",value=\"\");\r\n",
        "",
        " \n",
    ] {
        assert!(RuleSet::parse(text).is_ok(), "{text}: {:#?}", RuleSet::parse(text));
    }
}

#[test]
fn a_snippet_points_at_the_place() {
    let text = "c:[Type == \"a\"]\n => issue(claim = c),";
    let rendered = errors(text)[0].render(text);
    assert_eq!(
        rendered,
        "error POLICY0030 at line 2, column 20: Syntax error, unexpected ',', expecting one of the following: ';' .\n  \
           |\n\
         2 |  => issue(claim = c),\n  \
           |                     ^\n  \
           = help: A rule has one action and ends with a semicolon.\n"
    );
}

#[test]
fn claim_types_with_https_are_warned_about() {
    let text = r#"
        c:[Type == "https://schemas.microsoft.com/ws/2008/06/identity/claims/groupsid", Value == "https://schemas.microsoft.com/x"]
        => issue(Type = "https://schemas.microsoft.com/authorization/claims/permit", Value = "true");
        => issue(store = "S", types = ("https://schemas.xmlsoap.org/claims/Group", "https://contoso.com/x"), query = "q");"#;
    let rules = RuleSet::parse(text).unwrap();
    let places: Vec<_> = rules.warnings().iter().map(|warning| (warning.line, warning.column)).collect();
    assert_eq!(places, [(2, 19), (3, 24), (4, 39)]);
    assert!(rules.warnings().iter().all(|warning| warning.severity == Severity::Warning));
    assert!(rules.warnings()[0].to_string().contains("Probably meant: the same with http."));
}

#[test]
fn stores_that_cannot_be_asked_are_found_when_the_rules_are_set() {
    let text = "=> issue(store = \"active directory\", types = (\"a\"), query = \"q\");\n\
                => add(store = \"_PasswordExpiryStore\", types = (\"a\"), query = \"q\");\n\
                c:[] => add(store = c.Value, types = (\"a\"), query = \"q\");";
    let rules = RuleSet::parse(text).unwrap();
    let unsupported = rules.unsupported(&["Active Directory"]);
    assert_eq!(unsupported.len(), 1);
    assert_eq!((unsupported[0].line, unsupported[0].column), (2, 15));
    assert_eq!(unsupported[0].token, "\"_PasswordExpiryStore\"");
    assert!(unsupported[0].to_string().contains("The attribute stores are: Active Directory."));
    assert!(rules.unsupported(&["_PasswordExpiryStore", "Active Directory"]).is_empty());
}

#[test]
fn diagnostics_go_to_the_console_as_json() {
    let error = &errors("c:[Typ == \"a\"] => issue(claim = c);")[0];
    let json = serde_json::to_value(error).unwrap();
    assert_eq!(json["severity"], "error");
    assert_eq!(json["code"], "POLICY0030");
    assert_eq!(json["line"], 1);
    assert_eq!(json["column"], 3);
    assert_eq!(json["expected"][0], "Type");
}
