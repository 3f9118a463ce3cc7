//! Printing and parsing undo each other.

use claims::RuleSet;
use proptest::prelude::*;

fn string() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z:/#.]{0,8}",
        1 => Just(r"\x22".to_owned()),
        1 => r"[^\x22\r\n]{0,12}",
        1 => r"(\\x22|\\X22|\\x2|\\|2|é|\{0\}){0,5}",
    ]
    .prop_map(|text| format!("\"{text}\""))
}

fn cased(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    (prop::sample::select(words), any::<bool>())
        .prop_map(|(word, upper)| if upper { word.to_uppercase() } else { word.to_owned() })
}

fn property() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => cased(&["Type", "Value", "valuetype", "Issuer", "OriginalIssuer"]),
        1 => string().prop_map(|key| format!("properties [ {key}]")),
    ]
}

/// An expression that may read the tags of the first `tags` selectors.
fn expression(tags: usize) -> BoxedStrategy<String> {
    let leaf = if tags == 0 {
        string().boxed()
    } else {
        prop_oneof![
            string(),
            (0..tags, property()).prop_map(|(tag, property)| format!("{}.{property}", TAGS[tag]))
        ]
        .boxed()
    };
    let term = leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("{left}+ {right}")),
            (inner.clone(), prop::sample::select(PATTERNS), inner)
                .prop_map(|(input, pattern, with)| format!("RegexReplace({input},{pattern} , {with})")),
        ]
    });
    term.boxed()
}

const TAGS: &[&str] = &["c", "type", "exists", "Claim", "_1"];
const PATTERNS: &[&str] = &[r#""^(?i)a\\""#, r#"".*@""#, r#""x" + "y""#, r#""(?<n>[^,\x22]+)""#];

fn constraint(tags: usize) -> impl Strategy<Value = String> {
    prop_oneof![
        (property(), prop::sample::select(&["==", "!="][..]), expression(tags))
            .prop_map(|(p, o, e)| format!("{p}{o}{e}")),
        (property(), prop::sample::select(&["=~", "!~"][..]), prop::sample::select(PATTERNS))
            .prop_map(|(p, o, e)| format!("{p} {o} {e}")),
    ]
}

fn body(tags: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(constraint(tags), 0..3)
        .prop_map(|constraints| format!("[{}]", constraints.join(" , ")))
}

fn aggregate() -> impl Strategy<Value = String> {
    (
        cased(&["exists(", "NOT\texists (", "COUNT("]),
        any::<bool>(),
        body(0),
        prop::sample::select(&["==", "!=", "<", ">", "<=", ">="][..]),
        any::<u32>(),
    )
        .prop_map(|(word, tagged, body, comparison, number)| {
            let tag = if tagged { "k:" } else { "" };
            let count = if word.to_lowercase().starts_with("count") {
                format!("{comparison}{number}")
            } else {
                String::new()
            };
            format!("{word}{tag}{body}){count}")
        })
}

fn issuance(tags: usize) -> BoxedStrategy<String> {
    let new = (expression(tags), expression(tags), prop::option::of((string(), expression(tags)))).prop_map(
        |(claim_type, value, extra)| {
            let extra =
                extra.map(|(key, value)| format!(", Properties[{key}] = {value}")).unwrap_or_default();
            format!("type={claim_type},VALUE = {value}{extra}")
        },
    );
    let store = (
        expression(tags),
        prop::collection::vec(string(), 1..3),
        expression(tags),
        prop::collection::vec(expression(tags), 0..3),
    )
        .prop_map(|(store, types, query, params)| {
            let params: String = params.iter().map(|param| format!(", PARAM = {param}")).collect();
            format!("store={store}, types=({}), query = {query}{params}", types.join(","))
        });
    match tags {
        0 => prop_oneof![new, store].boxed(),
        _ => {
            prop_oneof![new, store, (0..tags).prop_map(|tag| format!("claim = {}", TAGS[tag].to_uppercase()))]
                .boxed()
        }
    }
}

prop_compose! {
    fn rule()(tags in 0usize..4)(
        annotations in prop::option::of(string()),
        selectors in (0..tags).map(|earlier| body(earlier).boxed()).collect::<Vec<_>>(),
        aggregates in prop::collection::vec(aggregate(), 0..3),
        verb in cased(&["issue", "Add"]),
        issuance in issuance(tags),
        blank in prop::sample::select(&["", " ", "\r\n", "\u{a0}\t"][..]),
    ) -> String {
        let annotations = annotations.map(|name| format!("@RuleName{blank}={name}@x = \"\"\n")).unwrap_or_default();
        let mut conditions: Vec<String> = selectors.iter().enumerate().map(|(tag, body)| format!("{}{blank}:{body}", TAGS[tag])).collect();
        conditions.extend(aggregates);
        format!("{annotations}{}{blank}=>{blank}{verb}({issuance}){blank};", conditions.join(&format!("{blank}&&{blank}")))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn print_after_parse_changes_nothing(rules in prop::collection::vec(rule(), 0..4)) {
        let text = rules.join("\n");
        let parsed = match RuleSet::parse(&text) {
            Ok(parsed) => parsed,
            Err(errors) => return Err(TestCaseError::fail(format!("{text}\n{}", errors[0].render(&text)))),
        };
        prop_assert_eq!(parsed.len(), rules.len());
        let printed = parsed.to_string();
        let again = RuleSet::parse(&printed).map_err(|errors| TestCaseError::fail(errors[0].render(&printed)))?;
        prop_assert_eq!(&again, &parsed);
        prop_assert_eq!(again.to_string(), printed);
    }

    #[test]
    fn no_text_is_fatal(text in "(\\PC|[\\[\\]\"=;()&>:~]|issue|c:|\n|claim|EXISTS|=>){0,40}") {
        if let Err(errors) = RuleSet::parse(&text) {
            prop_assert!(!errors.is_empty());
            for error in &errors {
                prop_assert!(error.line >= 1 && error.line <= text.matches('\n').count() + 1);
                prop_assert!(!error.render(&text).is_empty());
            }
        }
    }

    #[test]
    fn no_pattern_is_fatal(pattern in r"([a-c(){}\[\]|*+?^$.,0-9-]|\\[a-z0-9]|\(\?[<!=:>i]|\[\^|[é\n]){0,16}", input in "[a-c0-9é\n]{0,12}") {
        let text = r#"c:[Type == "v"] && p:[Type == "p"] => issue(Type = "r", Value = RegExReplace(c.Value, p.Value, "$1$2$+$_"));"#;
        let rules = RuleSet::parse(text).unwrap();
        let input = [claims::Claim::new("v", input.as_str(), "t"), claims::Claim::new("p", pattern.as_str(), "t")];
        let _ = rules.evaluate(input, &claims::Limits::default());
    }
}
