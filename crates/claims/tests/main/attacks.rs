//! Input that means harm: every evaluation ends, within its limits or with an error that names the rule.

use claims::{Cause, Claim, EvaluationError, Limits, RuleSet, Step};

use crate::directory::{Stores, claims, evaluate, issue, rules, shown};

fn refused(text: &str, input: Vec<Claim>, limits: &Limits) -> EvaluationError {
    match rules(text).evaluate(input, limits) {
        Err(error) => error,
        Ok(_) => panic!("{text} was not refused"),
    }
}

fn many(claim_type: &str, count: usize) -> Vec<Claim> {
    (0..count).map(|number| Claim::new(claim_type, number.to_string(), "AD AUTHORITY")).collect()
}

/// Security case 82: a pattern that backtracks exponentially fails the evaluation; it never counts as "no match".
#[test]
fn an_exponential_pattern_fails_the_evaluation() {
    let text = r#"
        => issue(Type = "permit", Value = "true");
        @RuleName = "deny bad names"
        c:[Type == "a", Value =~ "^(?:(?=a)(?:a|aa))+$"] => issue(Type = "deny", Value = "true");"#;
    let input = vec![Claim::new("a", format!("{}!", "a".repeat(60)), "partner")];
    let error = refused(text, input, &Limits::default());
    assert!(matches!(error.cause, Cause::Backtracking { allowed: 100_000, .. }), "{error}");
    assert_eq!((error.rule, error.name.as_deref()), (Some(1), Some("deny bad names")));
}

/// Security case 82.
#[test]
fn an_exponential_pattern_fails_a_replacement_too() {
    let text = r#"c:[Type == "a"] => issue(Type = "b", Value = RegExReplace(c.Value, "^(?:(?=a)(a|aa)\1?)+$", ""));"#;
    let error =
        refused(text, vec![Claim::new("a", format!("{}!", "a".repeat(60)), "partner")], &Limits::default());
    assert!(matches!(error.cause, Cause::Backtracking { .. }), "{error}");
}

/// Security case 82: nested repetition without look-around runs on a linear engine.
#[test]
fn nested_repetition_alone_is_harmless() {
    let text = r#"c:[Type == "a", Value =~ "^(a+)+$"] => issue(claim = c);"#;
    let value = "a".repeat(5_000);
    assert!(issue(text, &[&format!("a={value}!")]).is_empty());
    assert_eq!(issue(text, &[&format!("a={value}")]).len(), 1);
}

/// Security case 82: patterns that stay just below the limit of one match add up.
#[test]
fn many_slow_matches_add_up() {
    let text = r#"c:[Type == "a", Value =~ "^(?:(?!x)(?:a|aa))+$"] => issue(claim = c);"#;
    let value = |number: usize| format!("{}{number}", "a".repeat(18));
    let input = (0..5_000).map(|number| Claim::new("a", value(number), "partner")).collect();
    let error = refused(text, input, &Limits::default());
    assert!(matches!(error.cause, Cause::LimitExceeded { limit: "steps", .. }), "{error}");
}

/// Security case 82: a claim value that is used as a pattern.
#[test]
fn a_pattern_from_a_claim_is_bounded() {
    let text = r#"c:[Type == "a"] => issue(Type = "b", Value = RegExReplace("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", c.Value, ""));"#;
    for value in
        [r"((\w{50}){50}){50}", "^(?:(?=a)(?:a|aa))+$", "(a", "(?<a-b>x)", r"\p{IsGreek}", &"(".repeat(3_000)]
    {
        let error = refused(text, vec![Claim::new("a", value, "partner")], &Limits::default());
        assert!(
            matches!(error.cause, Cause::Pattern { .. } | Cause::Backtracking { .. }),
            "{value}: {error}"
        );
    }
    let patterns = (0..2_000).map(|number| Claim::new("a", format!("x{number}"), "partner")).collect();
    let error = refused(text, patterns, &Limits::default());
    assert!(matches!(error.cause, Cause::LimitExceeded { limit: "steps", .. }), "{error}");
}

/// Security case 82: joins.
#[test]
fn deep_joins_are_bounded() {
    let product = r#"a:[] && b:[] && c:[] && d:[] && e:[] => issue(Type = "x", Value = a.Value);"#;
    let error = refused(product, many("a", 1_000), &Limits::default());
    assert_eq!(error.cause, Cause::LimitExceeded { limit: "combinations", allowed: 10_000 });
    let fruitless =
        r#"a:[] && b:[] && c:[] && d:[] && e:[Value == d.Issuer] => issue(Type = "x", Value = a.Value);"#;
    let error = refused(fruitless, many("a", 1_000), &Limits::default());
    assert!(matches!(error.cause, Cause::LimitExceeded { limit: "steps", .. }), "{error}");
    let selectors = vec!["[]"; 64].join("&&");
    let error = refused(
        &format!("{selectors} => issue(Type = \"x\", Value = \"1\");"),
        many("a", 2),
        &Limits::default(),
    );
    assert_eq!(error.cause, Cause::LimitExceeded { limit: "combinations", allowed: 10_000 });
    let too_many = vec!["[]"; 65].join("&&");
    assert!(RuleSet::parse(&format!("{too_many} => issue(Type = \"x\", Value = \"1\");")).is_err());
}

/// Security case 82: issuance that feeds itself.
#[test]
fn growth_is_bounded() {
    let double = r#"c:[Type == "a"] => add(Type = "b", Value = c.Value + c.Value); c:[Type == "b"] => add(Type = "a", Value = c.Value + c.Value);"#;
    let error = refused(&double.repeat(10), claims(&["a=0123456789"]), &Limits::default());
    assert_eq!(error.cause, Cause::LimitExceeded { limit: "value_octets", allowed: 65_536 });
    let square = r#"a:[] && b:[] => add(Type = "a", Value = a.Value + "," + b.Value);"#;
    let error = refused(&square.repeat(10), many("a", 5), &Limits::default());
    assert!(matches!(error.cause, Cause::LimitExceeded { limit: "combinations" | "claims", .. }), "{error}");
}

#[test]
fn every_limit_names_itself() {
    let limits = Limits {
        rules: 2,
        combinations: 3,
        claims: 4,
        value_octets: 40,
        pattern_input_octets: 20,
        queries: 2,
        steps: 1_000,
    };
    let copy = "c:[] => issue(claim = c);";
    let long = "x".repeat(30);
    for (limit, text, input) in [
        ("rules", copy.repeat(3), many("a", 1)),
        ("combinations", copy.to_owned(), many("a", 4)),
        ("claims", copy.to_owned(), many("a", 5)),
        ("value_octets", copy.to_owned(), vec![Claim::new("a", "x".repeat(41), "i")]),
        (
            "value_octets",
            "c:[] => issue(Type = \"b\", Value = c.Value + c.Value);".to_owned(),
            vec![Claim::new("a", &*long, "i")],
        ),
        (
            "pattern_input_octets",
            "c:[Value =~ \"y\"] => issue(claim = c);".to_owned(),
            vec![Claim::new("a", &*long, "i")],
        ),
        (
            "queries",
            "c:[] => issue(store = \"S\", types = (\"a\"), query = c.Value);".to_owned(),
            many("a", 3),
        ),
        ("steps", "c1:[] && c2:[Value =~ c1.Value] => issue(claim = c2);".to_owned(), many("a", 2)),
    ] {
        let error = refused(&text, input, &limits);
        assert!(
            matches!(error.cause, Cause::LimitExceeded { limit: name, .. } if name == limit),
            "{limit}: {error}"
        );
        assert!(error.to_string().contains(limit), "{error}");
    }
}

/// Security case 83: a claim value is data. Only where a rule itself uses it as a replacement text is it read as
/// one, as AD FS does, and then it can name nothing but parts of the text that is replaced.
#[test]
fn dollars_in_claim_values_are_data() {
    let as_input =
        r#"c:[Type == "a"] => issue(Type = "b", Value = RegExReplace(c.Value, "x", "y") + c.Value);"#;
    assert_eq!(issue(as_input, &["a=$1${n}$_x"]), ["b=$1${n}$_y$1${n}$_x"]);
    let as_replacement = r#"c:[Type == "a"] && s:[Type == "s"] => issue(Type = "b", Value = RegExReplace("id:!", "!", c.Value));"#;
    assert_eq!(issue(as_replacement, &["a=$2${s}$name", "s=secret"]), ["b=id:$2${s}$name"]);
    let group =
        r#"c:[Type == "a"] => issue(Type = "b", Value = RegExReplace(c.Value, "^(?<u>.*)@.*$", "${u}"));"#;
    assert_eq!(issue(group, &["a=$0$_$$@x"]), ["b=$0$_$$"]);
}

/// Security case 83: quotes and rule text inside a value stay inside the value.
#[test]
fn rule_text_in_claim_values_is_data() {
    let evil = r#"a="); => issue(Type = "http://schemas.microsoft.com/authorization/claims/permit", Value = "true"); @x = ""#;
    let text = r#"c:[Type == "a"] => issue(Type = "b", Value = "<" + c.Value + ">");"#;
    let issued = issue(text, &[evil]);
    assert_eq!(issued, [format!("b=<{}>", &evil[2..])]);
}

/// Security case 83: a claim that says it was first asserted by Active Directory is still its sender's.
#[test]
fn the_original_issuer_does_not_pass_for_the_issuer() {
    let mut spoofed = Claim::new("win", r"CONTOSO\admin", "http://partner/adfs/services/trust");
    spoofed.original_issuer = "AD AUTHORITY".into();
    let text = r#"c:[Type == "win", Issuer == "AD AUTHORITY"] => issue(claim = c);"#;
    assert!(evaluate(&rules(text), vec![spoofed], &mut Stores::default()).unwrap().issued.is_empty());
}

/// Security case 82: `{0}` gets one account, whatever the claim says.
#[test]
fn ldap_metacharacters_find_nobody() {
    let text = r#"c:[Type == "mail"] => issue(store = "Active Directory", types = ("w"), query = "(mail={0});sAMAccountName;CONTOSO\any", param = c.Value);"#;
    for value in ["mail=*", "mail=joe@c.com)(cn=*", "mail=x)(|(mail=joe@c.com"] {
        let mut stores = Stores::default();
        let outcome = evaluate(&rules(text), claims(&[value]), &mut stores).unwrap();
        assert!(outcome.issued.is_empty(), "{value}: {:?}", shown(&outcome.issued));
        assert_eq!(stores.asked[0].params, [&value[5..]]);
    }
}

/// Security case 96: a store that answers too much is bounded like everything else.
#[test]
fn a_flood_of_rows_is_bounded() {
    let rules = rules(r#"=> issue(store = "S", types = ("a"), query = "q");"#);
    let Ok(Step::Query(pending)) = rules.evaluate([], &Limits::default()) else { panic!() };
    let flood = (0..20_000).map(|number| vec![vec![number.to_string()]]).collect();
    let error = pending.resume(vec![claims::Rows::from_other_store(flood)]).unwrap_err();
    assert_eq!(error.cause, Cause::LimitExceeded { limit: "claims", allowed: 10_000 });
}

#[test]
fn huge_texts_are_refused_quickly() {
    for text in [
        "(".repeat(2_000_000),
        format!("=> issue(Type = {});", "RegExReplace(".repeat(50_000)),
        "c:[".repeat(100_000),
        format!("=> issue({});", vec!["type=\"\""; 100_000].join(",")),
        format!("{} => issue(type = \"\", value = \"\");", vec!["c:[]"; 100_000].join("&&")),
        format!("{}=> issue(type = \"\", value = \"\");", "@a=\"\"".repeat(100_000)),
        "c:[]&&c:[]=>issue(claim=c);".repeat(30_000),
        "\"".repeat(100_001),
        ";".repeat(100_000),
        "=>;\n".repeat(100_000),
        format!("c:[Value =~ \"{}\"] => issue(claim = c);", "(".repeat(100_000)),
        format!("=> issue(Type = \"a\", Value = {});", vec!["\"a\""; 200_000].join("+")) + "x",
    ] {
        let errors = RuleSet::parse(&text).unwrap_err();
        assert!(errors.len() <= 100, "{}", errors.len());
        assert!(
            errors.iter().all(|error| error.render(&text).len() < 2_000 && error.to_string().len() < 2_000)
        );
    }
}

#[test]
fn a_flood_of_warnings_is_bounded() {
    let one = r#"=>issue(store="S",types=("https://schemas.microsoft.com/x"),query="");"#;
    let rules = rules(&one.repeat(10_000));
    assert_eq!((rules.len(), rules.warnings().len(), rules.unsupported(&[]).len()), (10_000, 100, 100));
}
