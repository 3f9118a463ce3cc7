use serde_json::{Value, json};

use super::*;
use crate::error::Position;

fn only(text: &str) -> Pipeline {
    let mut script = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(script.statements.len(), 1, "{text}");
    script.statements.remove(0).pipeline
}

fn command(text: &str) -> Command {
    match only(text).elements.remove(0) {
        Element::Command(command) => command,
        Element::Value(value) => panic!("{text}: {value:?}"),
    }
}

fn constant(value: Value) -> Expression {
    Expression::Constant(value)
}

/// Arguments without their places.
fn arguments(text: &str) -> Vec<(Option<String>, Option<Expression>)> {
    command(text)
        .arguments
        .into_iter()
        .map(|argument| match argument {
            Argument::Parameter { name, value, .. } => (Some(name), value),
            Argument::Value { value, .. } => (None, Some(value)),
        })
        .collect()
}

fn value(text: &str) -> Expression {
    match arguments(&format!("X {text}")).as_slice() {
        [(None, Some(value))] => value.clone(),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn every_line_that_runbooks_print_is_read() {
    let text = include_str!("../../golden/runbooks.txt");
    let script = parse(text).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#')).count();
    // Two lines hold two commands each.
    assert_eq!(script.statements.len(), lines + 2);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        assert!(!parse(line).unwrap().statements.is_empty(), "{line}");
    }
}

#[test]
fn a_line_of_a_runbook_is_read_word_by_word() {
    let script = parse("fs01>  Set-AdfsSslCertificate -Thumbprint T          # effective at once").unwrap();
    assert_eq!(script.statements[0].node.as_deref(), Some("fs01"));
    let pipeline = only("Get-ChildItem cert:\\LocalMachine\\My\\ | FL    # find");
    let names: Vec<_> = pipeline
        .elements
        .iter()
        .map(|element| match element {
            Element::Command(command) => (command.name.as_str(), command.arguments.len()),
            Element::Value(_) => panic!(),
        })
        .collect();
    assert_eq!(names, [("Get-ChildItem", 1), ("FL", 0)]);
    let netsh = command("netsh http add sslcert certhash=T appid={5d89a20c-beab-4389-9447-324788eb944a}");
    assert_eq!(netsh.arguments.len(), 5);
}

#[test]
fn parameters_take_values_after_blanks_and_colons() {
    let expected = vec![
        (Some("TlsClientPort".to_owned()), None),
        (None, Some(constant(json!("32443")))),
        (Some("WhatIf".to_owned()), None),
        (Some("Confirm".to_owned()), Some(constant(json!(false)))),
        (Some("Name".to_owned()), Some(constant(json!("a b")))),
    ];
    assert_eq!(arguments("Set-X -TlsClientPort 32443 -WhatIf -Confirm:$false -Name:'a b'"), expected);
    assert_eq!(arguments("Set-X –TlsClientPort 32443 —WhatIf -Confirm: $false -Name:“a b”"), expected);
    assert_eq!(arguments("Set-X -?"), [(Some("?".to_owned()), None)]);
    assert_eq!(arguments("Set-X -5"), [(None, Some(constant(json!("-5"))))]);
}

#[test]
fn lists_are_joined_by_commas_with_or_without_blanks() {
    let expected = Expression::List(vec![constant(json!("a")), constant(json!("b c")), constant(json!("d"))]);
    for text in ["a,'b c',d", "a, 'b c', d", "a , \"b c\" ,d", "a,\n  'b c',\n  d"] {
        assert_eq!(value(text), expected, "{text}");
    }
    let Expression::Array(items) = value("@('a'; 'b'\n 'c','d')") else { panic!() };
    assert_eq!(items.len(), 3);
    assert_eq!(value("@()"), Expression::Array(Vec::new()));
}

#[test]
fn texts_keep_what_their_quotes_say() {
    for (text, expected) in [
        ("'it''s `n $x'", "it's `n $x"),
        ("\"say \"\"hi\"\"`t`$x `u{e9}\"", "say \"hi\"\t$x \u{e9}"),
        ("‘typographic’", "typographic"),
        ("C:\\Temp\\a.xml", "C:\\Temp\\a.xml"),
        ("https://fs.example.com/adfs/ls/?wa=x", "https://fs.example.com/adfs/ls/?wa=x"),
        ("a\"b c\"d", "ab cd"),
        ("a`,b", "a,b"),
        ("a#b", "a#b"),
    ] {
        assert_eq!(value(text), constant(json!(expected)), "{text}");
    }
}

#[test]
fn here_strings_keep_lines_quotes_and_rules() {
    let rules = "@\"\n@RuleName = \"A\"\nc:[Type == \"t\"]\n => issue(claim = c);\n\"@";
    assert_eq!(value(rules), constant(json!("@RuleName = \"A\"\nc:[Type == \"t\"]\n => issue(claim = c);")));
    assert_eq!(value("@'\r\n$x 'a'\r\n'@"), constant(json!("$x 'a'")));
    let Expression::Interpolated(parts) = value("@\"\n=> $x;\n\"@") else { panic!() };
    assert_eq!(parts.len(), 3);
    assert!(parse("X @\" text\n\"@").unwrap_err().message.contains("begins on the line after"));
}

#[test]
fn variables_members_and_expressions_in_texts() {
    let script = parse("$trust = Get-X -Name 'a'\n$trust.Name").unwrap();
    assert_eq!(script.statements[0].variable.as_deref(), Some("trust"));
    let Element::Value(Expression::Member(_, name)) = &script.statements[1].pipeline.elements[0] else {
        panic!()
    };
    assert_eq!(name, "Name");
    assert!(matches!(value("(Get-X).Identifier[0]"), Expression::Index(..)));
    let Expression::Interpolated(parts) = value("\"a $x b $(Get-Y z) ${w}c\"") else { panic!() };
    assert_eq!(parts.len(), 7);
    assert!(matches!(value("$x\\sub"), Expression::Interpolated(_)));
}

#[test]
fn hashtables_have_keys_and_any_values() {
    let Expression::Hashtable(entries) = value("@{name='Default'; path = \"c:\\x\"\n 'a b' = 1kb; n = 0x10}")
    else {
        panic!()
    };
    let entries: Vec<_> = entries.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    assert_eq!(
        entries,
        [
            ("name", constant(json!("Default"))),
            ("path", constant(json!("c:\\x"))),
            ("a b", constant(json!(1024))),
            ("n", constant(json!(16)))
        ]
    );
    assert!(parse("X @{a=1;A=2}").unwrap_err().message.contains("given twice"));
}

#[test]
fn conditions_have_the_operators_of_where_object() {
    let Expression::Block(condition) = value("{ $_.Enabled -eq $true -and -not ($_.Name -like 'a*') }")
    else {
        panic!()
    };
    let Condition::And(left, right) = *condition else { panic!() };
    assert!(matches!(*left, Condition::Compare(_, Comparison::Equal, _)));
    assert!(matches!(*right, Condition::Not(_)));
    assert!(parse("X | ? { $_.A -match 'x' }").unwrap_err().message.contains("-match is not supported"));
}

#[test]
fn continued_lines_and_comments_are_one_command() {
    let text = "Set-X `\n  -A 1 <# not\nthis #> `\r\n  -B 2 | # then\n  Out-Y";
    let pipeline = only(text);
    assert_eq!(pipeline.elements.len(), 2);
    assert_eq!(arguments("Set-X -A 1 `\n -B 2").len(), 4);
}

#[test]
fn errors_have_line_and_column() {
    for (text, line, column) in [
        ("Get-X\nSet-Y -Name 'open", 2, 13),
        ("Get-X | ", 1, 9),
        ("if ($x) { }", 1, 1),
        ("Get-X -A @(1, 2", 1, 16),
        ("Get-X > file", 1, 7),
        ("$x = [datetime]'1'", 1, 6),
        ("Get-X )", 1, 7),
        ("<# never closed", 1, 1),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(error.at, Some(Position { line, column }), "{text}: {error}");
    }
}

#[test]
fn numbers_are_those_of_powershell() {
    for (text, expected) in [
        ("8", json!(8)),
        ("-3", json!(-3)),
        ("0x1F", json!(31)),
        ("1.5", json!(1.5)),
        ("64kb", json!(65_536)),
        ("2MB", json!(2_097_152)),
        ("1e3", json!(1000.0)),
    ] {
        assert_eq!(parse_number(text), Some(expected), "{text}");
    }
    for text in ["", "x", "0x", "1.2.3", "nan", "inf", "9999999999gb", "infinity", "0x-1"] {
        assert_eq!(parse_number(text), None, "{text}");
    }
}

/// Size and depth are bounded before anything is done with the text.
#[test]
fn size_and_depth_are_bounded() {
    assert!(parse(&"a".repeat(MAX_SCRIPT + 1)).unwrap_err().message.contains("at most"));
    for open in ["(", "@(", "@{a=", "\"$(\"", "X {!", "X {(", "$x[", "X {-not ", "\"$("] {
        let error = parse(&format!("X {}", open.repeat(20_000))).unwrap_err();
        assert!(!error.message.is_empty(), "{open}");
    }
    assert!(parse(&"(".repeat(500)).unwrap_err().message.contains("levels deep"));
}
