//! What administrators write, and what flows through it from partners: rules, patterns, store queries.

use claims::{Claim, Limits, RuleSet, Step, ad_store};

use crate::private::filter::Filter;

pub(crate) const RULE_PIECES: &[&str] = &[
    "c:[Type == \"a\"]",
    "c1:[Type =~ \"a\", Value != \"b\"]",
    " && ",
    " => ",
    "issue(claim = c);",
    "add(Type = \"b\", Value = c.Value);",
    "NOT EXISTS([Type == \"a\"])",
    "COUNT([]) >= 2",
    "RegExReplace(c.Value, \"a\", \"b\")",
    "@RuleName = \"x\"\n",
    "issue(store = \"Active Directory\", types = (\"x\"), query = \";mail;{0}\", param = c.Value);",
    "\"",
    "(?i)",
    "[",
    "]",
    ";",
];

pub(crate) const PATTERN_PIECES: &[&str] = &[
    "(",
    ")",
    "(?:",
    "(?=",
    "(?<!",
    "(?<n>",
    "\\k<n>",
    "\\1",
    "[a-z-[b]]",
    "\\p{L}",
    "{1,3}",
    "{9999}",
    "*?",
    "++",
    "$1",
    "${n}",
    "$&",
    "(?i)",
    "\\u0041",
    "|",
    "^",
    "$",
    "\n",
];

pub(crate) const QUERY_PIECES: &[&str] = &[
    ";",
    "{0}",
    "{1}",
    "{{",
    "(&",
    "(|",
    "(!",
    "(a=b)",
    "(a=*b*)",
    "\\2a",
    "*",
    ")",
    "CONTOSO\\x",
    "\n",
    "1.2.840.113556.1.4.803:",
];

/// A fraction of what a real sign-in may use, so that one input takes milliseconds.
const LIMITS: Limits = Limits {
    rules: 100,
    combinations: 500,
    claims: 500,
    value_octets: 8 * 1024,
    pattern_input_octets: 8 * 1024,
    queries: 16,
    steps: 300_000,
};

/// A set that was accepted prints as a set that says the same, and its evaluation ends.
pub(crate) fn rules(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    let Ok(set) = RuleSet::parse(&text) else { return false };
    let printed = set.to_string();
    assert_eq!(RuleSet::parse(&printed).as_ref(), Ok(&set), "{printed}\nprinted from\n{text}");
    evaluate(&set, incoming());
    true
}

fn incoming() -> Vec<Claim> {
    [("a", "b"), ("a", "aaab"), ("b", "CONTOSO\\alice"), ("c", "上杉 謙信"), ("c", "")]
        .map(|(claim_type, value)| Claim::new(claim_type, value, "AD AUTHORITY"))
        .to_vec()
}

/// Runs to the first store query, and on with empty answers.
fn evaluate(set: &RuleSet, input: Vec<Claim>) {
    let mut step = set.evaluate(input, &LIMITS);
    while let Ok(Step::Query(pending)) = step {
        let empty =
            pending.queries().iter().map(|_| claims::Rows::from_active_directory(Vec::new())).collect();
        step = pending.resume(empty);
    }
}

/// Lines of the input: a pattern and a replacement that claims bring along, and the text.
pub(crate) fn pattern(input: &[u8]) -> bool {
    let input = String::from_utf8_lossy(input);
    let mut lines = input.splitn(3, '\n');
    let claims = ["pattern", "replacement", "text"]
        .map(|name| Claim::new(name, lines.next().unwrap_or_default().to_owned(), "partner"));
    let text = r#"t:[Type == "text"] && p:[Type == "pattern"] && r:[Type == "replacement"]
        => issue(Type = "result", Value = RegExReplace(t.Value, p.Value, r.Value));"#;
    let set = RuleSet::parse(text).expect("a rule");
    matches!(set.evaluate(claims, &LIMITS), Ok(Step::Done(_)))
}

/// Lines of the input: the query, then its parameters. What is left of the filter is one that the directory reads.
pub(crate) fn store_query(input: &[u8]) -> bool {
    let input = String::from_utf8_lossy(input);
    let mut lines = input.split('\n');
    let query = lines.next().unwrap_or_default();
    // The directory has to read whatever comes.
    let _ = Filter::parse(query);
    let parameters: Vec<String> = lines.map(str::to_owned).take(20).collect();
    let Ok(query) = ad_store::parse(query, &parameters) else { return false };
    Filter::parse(&query.filter).is_ok_and(|filter| !filter.assertions().is_empty())
}
