//! Claim rules as this service runs them: which stores exist, and the loop that feeds an evaluation.

use claims::{
    Claim, Diagnostic, EvaluationError, Limits, Outcome, Rows, RuleSet, Step, StoreQuery, ad_store,
};
use directory::{AttributeQuery, Directory};

/// Attribute stores that rules may name.
pub const STORES: &[&str] = &["Active Directory"];

/// Parses rules and refuses what this service can't evaluate: a rule is never ignored.
pub fn compile(text: &str) -> Result<RuleSet, Vec<Diagnostic>> {
    let rules = RuleSet::parse(text)?;
    match rules.unsupported(STORES) {
        problems if problems.is_empty() => Ok(rules),
        problems => Err(problems),
    }
}

/// Evaluates a rule set, asking the directory whenever the evaluation wants rows. Any failure fails the whole
/// set, naming the rule.
pub(crate) async fn evaluate(
    rules: &RuleSet,
    input: impl IntoIterator<Item = Claim>,
    directory: &dyn Directory,
) -> Result<Outcome, EvaluationError> {
    let mut step = rules.evaluate(input, &Limits::default())?;
    loop {
        let pending = match step {
            Step::Done(outcome) => return Ok(outcome),
            Step::Query(pending) => pending,
        };
        let mut answers = Vec::with_capacity(pending.queries().len());
        for (number, query) in pending.queries().iter().enumerate() {
            match ask(query, directory).await {
                Ok(rows) => answers.push(rows),
                Err(reason) => return Err(pending.failed(number, reason)),
            }
        }
        step = pending.resume(answers)?;
    }
}

async fn ask(query: &StoreQuery, directory: &dyn Directory) -> Result<Rows, String> {
    let parsed = ad_store::parse(&query.query, &query.params).map_err(|error| error.to_string())?;
    let question =
        AttributeQuery { filter: parsed.filter, attributes: parsed.attributes, domain: parsed.domain };
    let rows = directory.query(&question).await.map_err(|error| error.to_string())?;
    Ok(Rows::from_active_directory(rows))
}
