//! What the worked examples leave out: batches, caches, traces, defaults.

use claims::claim::{AD_AUTHORITY, LOCAL_AUTHORITY};
use claims::types::{NAME, UPN, WINDOWS_ACCOUNT_NAME};
use claims::{Cause, Claim, Decision, Limits, Outcome, Pending, Rows, RuleSet, Step, defaults};

use crate::directory::{Stores, claims, evaluate, issue, rules, shown};

#[test]
fn an_evaluation_can_wait_on_another_thread() {
    fn can_wait<T: Send + Sync + 'static>() {}
    can_wait::<RuleSet>();
    can_wait::<Pending<'static>>();
    can_wait::<Outcome>();
}

#[test]
fn queries_of_one_rule_come_together_and_each_once() {
    let text = r#"
        c:[Type == "v"] => add(store = "S", types = ("r"), query = "q {0}", param = c.Value);
        c:[Type == "v"] => issue(store = "S", types = ("s"), query = "q {0}", param = c.Value);
        [Type == "v"] => issue(store = "S", types = ("t"), query = "once");"#;
    let rules = rules(text);
    let Ok(Step::Query(pending)) = rules.evaluate(claims(&["v=1", "v=2"]), &Limits::default()) else {
        panic!()
    };
    let params: Vec<_> = pending.queries().iter().map(|query| query.params.clone()).collect();
    assert_eq!(params, [["1"], ["2"]]);
    assert_eq!(pending.queries()[0].types, ["r".into()]);
    let rows = |value: &str| Rows::from_other_store(vec![vec![vec![value.to_owned()]]]);
    let Ok(Step::Query(pending)) = pending.resume(vec![rows("one"), rows("two")]) else { panic!() };
    assert_eq!(pending.queries().len(), 1, "the second rule asks what the first asked");
    assert_eq!(&*pending.queries()[0].query, "once");
    let Ok(Step::Done(outcome)) = pending.resume(vec![rows("three")]) else { panic!() };
    assert_eq!(shown(&outcome.issued), ["s=one", "s=two", "t=three"]);
}

#[test]
fn a_rule_without_matches_asks_nothing() {
    let text = r#"c:[Type == "v"] => issue(store = "S", types = ("r"), query = "q {0}", param = c.Value);"#;
    assert!(issue(text, &["w=1"]).is_empty());
}

#[test]
fn rows_of_many_columns_and_values() {
    let text = r#"=> issue(store = "S", types = ("a", "b"), query = "q");"#;
    let rules = rules(text);
    let step = || match rules.evaluate([], &Limits::default()) {
        Ok(Step::Query(pending)) => pending,
        other => panic!("{other:?}"),
    };
    let text = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    let row = vec![text(&["1", "", "2"]), text(&[]), text(&["unwanted"])];
    let second = vec![text(&["1"]), text(&["3"])];
    let Ok(Step::Done(outcome)) = step().resume(vec![Rows::from_active_directory(vec![row, second])]) else {
        panic!()
    };
    assert_eq!(shown(&outcome.issued), ["a=1", "a=2", "b=3"]);
    assert_eq!(&*outcome.issued[0].issuer, AD_AUTHORITY);
    assert_eq!(outcome.trace.rules[0].ignored_columns, 1);
    assert_eq!(outcome.trace.rules[0].empty, 1);

    let short = step().resume(vec![Rows::from_other_store(vec![vec![text(&["1"])]])]).unwrap_err();
    assert!(
        short.to_string().contains("POLICY0018") && short.to_string().contains("1 columns for 2 claim types"),
        "{short}"
    );
    let none = step().resume(vec![]).unwrap_err();
    assert_eq!(none.cause, Cause::Answers { expected: 1, given: 0 });
}

#[test]
fn a_failing_store_names_rule_query_and_store_but_no_value() {
    let text = "=> issue(Type = \"x\", Value = \"1\");\n@RuleName = \"mail\"\nc:[] => issue(store = \"S\", types = (\"r\"), query = \"q {0}\", param = c.Value);";
    let rules = rules(text);
    let Ok(Step::Query(pending)) = rules.evaluate(claims(&["password=secret"]), &Limits::default()) else {
        panic!()
    };
    let error = pending.failed(0, "timed out");
    assert_eq!(
        error.to_string(),
        "Rule 2 'mail' (line 2): POLICY0018: Query 'q {0}' to attribute store 'S' failed: 'timed out'."
    );
    assert_eq!((error.rule, error.line), (Some(1), 2));
}

#[test]
fn duplicates_are_exact() {
    let text = r#"c:[Type == "upn"] => issue(Type = "id", Value = c.Value);
                  COUNT([Type == "upn"]) == 2 => issue(Type = "two", Value = "yes");"#;
    assert_eq!(
        issue(text, &["upn=joe@c.com", "upn=Joe@c.com", "upn=joe@c.com"]),
        ["id=joe@c.com", "id=Joe@c.com", "two=yes"]
    );
    let input = vec![Claim::new("a", "1", "P"), Claim::new("a", "1", "Q")];
    let outcome =
        evaluate(&rules("c:[] => issue(claim = c);"), input.clone(), &mut Stores::default()).unwrap();
    assert_eq!(outcome.issued, input);
}

#[test]
fn claims_without_value_do_not_exist() {
    let text = r#"c:[] => issue(claim = c); => issue(Type = "x", Value = ""); => issue(Type = "y");"#;
    assert_eq!(issue(text, &["a=", "b=1"]), ["b=1"]);
}

#[test]
fn an_empty_issuer_is_as_none() {
    let text = r#"c:[] => issue(Type = "b", Value = c.Value, Issuer = c.Properties["none"], ValueType = "", OriginalIssuer = "O");"#;
    let outcome = evaluate(&rules(text), claims(&["a=1"]), &mut Stores::default()).unwrap();
    let mut expected = Claim::new("b", "1", LOCAL_AUTHORITY);
    expected.original_issuer = "O".into();
    assert_eq!(outcome.issued, [expected]);
}

#[test]
fn comparisons_of_count() {
    for (operator, expected) in
        [("==", false), ("!=", true), ("<", false), (">", true), ("<=", false), (">=", true)]
    {
        let text = format!(r#"COUNT([]) {operator} 1 => issue(Type = "x", Value = "1");"#);
        assert_eq!(!issue(&text, &["a=1", "a=2"]).is_empty(), expected, "{operator}");
    }
}

#[test]
fn patterns_can_be_computed_and_joined() {
    let text = r#"c1:[Type == "p"] && c2:[Type == "v", Value =~ "^" + c1.Value + "$", Value !~ c1.Properties["none"] + "z"] => issue(claim = c2);"#;
    assert_eq!(issue(text, &["p=a.c", "v=abc", "v=xabc", "v=azc"]), ["v=abc"]);
}

#[test]
fn the_explanation_tells_what_each_rule_did() {
    let text = "@RuleName = \"copy\"\nc:[Type == \"a\"] => issue(claim = c);\n\n[Type == \"none\"] => issue(Type = \"x\", Value = \"1\");\n\
                c:[Type == \"a\"] => add(store = \"S\", types = (\"r\"), query = \"q {0}\", param = c.Value);\n\
                => issue(Type = \"e\", Value = \"\");";
    let outcome = evaluate(&rules(text), claims(&["a=1\n2", "b=3"]), &mut Stores::default()).unwrap();
    assert_eq!(
        outcome.explain(),
        [
            "rule 1 'copy' (line 1): runs once",
            "  issues a = \"1\\n2\" (issuer AD AUTHORITY)",
            "rule 2 (line 4): no claims match its conditions",
            "rule 3 (line 5): runs once",
            "  asks S: \"q {0}\" with (\"1\\n2\"): 1 rows",
            "  adds r = \"answer to 1\\n2\" (issuer LOCAL AUTHORITY)",
            "rule 4 (line 6): runs once",
            "  drops 1 claims with an empty value",
            "1 claims issued",
        ]
    );
}

#[test]
fn default_acceptance_passes_sign_in_claims_of_this_service_only() {
    let acceptance = rules(&defaults::ACTIVE_DIRECTORY_ACCEPTANCE);
    assert_eq!(acceptance.len(), 10);
    assert!(acceptance.warnings().is_empty());
    assert_eq!(acceptance.to_string(), *defaults::ACTIVE_DIRECTORY_ACCEPTANCE);
    let input = vec![
        Claim::new(WINDOWS_ACCOUNT_NAME, r"CONTOSO\joe", AD_AUTHORITY),
        Claim::new(NAME, r"CONTOSO\joe", LOCAL_AUTHORITY),
        Claim::new(NAME, r"EVIL\joe", "http://partner/adfs/services/trust"),
        Claim::new(NAME, r"EVIL\joe", "AD AUTHORITY2"),
        Claim::new(UPN, "joe@contoso.com", AD_AUTHORITY),
    ];
    let outcome = evaluate(&acceptance, input.clone(), &mut Stores::default()).unwrap();
    assert_eq!(outcome.issued, input[..2]);
}

#[test]
fn everyone_is_permitted() {
    let permit = rules(&defaults::PERMIT_EVERYONE);
    assert_eq!(permit.to_string(), *defaults::PERMIT_EVERYONE);
    let outcome = evaluate(&permit, vec![], &mut Stores::default()).unwrap();
    assert!(Decision::of(&outcome.issued).is_permitted());
}
