//! Attribute stores for tests, and evaluations that use them.

use claims::{Claim, Limits, Outcome, Pending, Rows, RuleSet, Step, StoreQuery, ad_store};

/// Stores as section 13.4 of the reference describes them.
#[derive(Default)]
pub(crate) struct Stores {
    /// For whom `_OpaqueIdStore` makes identifiers.
    pub(crate) relying_party: &'static str,
    /// Every query that was asked.
    pub(crate) asked: Vec<StoreQuery>,
}

impl Stores {
    fn answer(&mut self, query: &StoreQuery) -> Result<Rows, String> {
        self.asked.push(query.clone());
        let params: Vec<&str> = query.params.iter().map(String::as_str).collect();
        match &*query.store {
            "Active Directory" => active_directory(query),
            "Sql" => {
                let found = query.query.contains("name = {0}") && params == ["Terry"];
                let rows = if found { vec![vec![vec!["t@x.com".to_owned()], vec![]]] } else { vec![] };
                Ok(Rows::from_other_store(rows))
            }
            "_OpaqueIdStore" => match params.as_slice() {
                ["ppid", user, issuer] => Ok(single(format!("{user}|{issuer}|{}", self.relying_party))),
                ["useEntropy", user, issuer, "", instant] => Ok(single(format!("{user}|{issuer}|{instant}"))),
                _ => Err(format!("unexpected parameters {params:?}")),
            },
            "S" => Ok(single(format!("answer to {}", params.join(",")))),
            store => Err(format!("There is no attribute store '{store}'.")),
        }
    }
}

fn single(value: String) -> Rows {
    Rows::from_other_store(vec![vec![vec![value]]])
}

/// `CONTOSO\joe`, the only user.
fn active_directory(query: &StoreQuery) -> Result<Rows, String> {
    let asked = ad_store::parse(&query.query, &query.params).map_err(|error| error.to_string())?;
    let found = matches!(asked.filter.as_str(), "(samAccountName=joe)" | "(mail=joe@c.com)")
        && asked.domain == "CONTOSO";
    let values = |attribute: &String| -> Vec<String> {
        let values: &[&str] = match attribute.as_str() {
            "mail" => &["joe@c.com"],
            "sAMAccountName" => &["joe"],
            "proxyAddresses" => &["p1", "p2"],
            "tokenGroups" => &["Ops", "AWS-Dev"],
            "tokenGroups(domainQualifiedName)" => &[r"CONTOSO\Ops", r"CONTOSO\AWS-Dev"],
            "objectGUID" => &["AAECAwQFBgcICQoLDA0ODw=="],
            _ => &[],
        };
        values.iter().map(|value| (*value).to_owned()).collect()
    };
    let rows = if found { vec![asked.attributes.iter().map(values).collect()] } else { vec![] };
    Ok(Rows::from_active_directory(rows))
}

/// Evaluates to the end, asking the stores; an error as its text.
pub(crate) fn evaluate(rules: &RuleSet, input: Vec<Claim>, stores: &mut Stores) -> Result<Outcome, String> {
    let mut step = rules.evaluate(input, &Limits::default()).map_err(|error| error.to_string())?;
    loop {
        match step {
            Step::Done(outcome) => return Ok(outcome),
            Step::Query(pending) => step = answer(pending, stores)?,
        }
    }
}

fn answer<'r>(pending: Pending<'r>, stores: &mut Stores) -> Result<Step<'r>, String> {
    let mut rows = Vec::new();
    for (index, query) in pending.queries().iter().enumerate() {
        match stores.answer(query) {
            Ok(answer) => rows.push(answer),
            Err(reason) => return Err(pending.failed(index, reason).to_string()),
        }
    }
    pending.resume(rows).map_err(|error| error.to_string())
}

/// Parses rules that are good.
pub(crate) fn rules(text: &str) -> RuleSet {
    RuleSet::parse(text).unwrap_or_else(|errors| panic!("{text}\n{}", errors[0].render(text)))
}

/// Claims of Active Directory from `type=value`.
pub(crate) fn claims(claims: &[&str]) -> Vec<Claim> {
    claims
        .iter()
        .map(|claim| {
            let (claim_type, value) = claim.split_once('=').unwrap();
            Claim::new(claim_type, value, claims::claim::AD_AUTHORITY)
        })
        .collect()
}

/// Claims as `type=value`.
pub(crate) fn shown(claims: &[Claim]) -> Vec<String> {
    claims.iter().map(|claim| format!("{}={}", claim.claim_type, claim.value)).collect()
}

/// What the rules issue for these claims, without stores.
pub(crate) fn issue(text: &str, input: &[&str]) -> Vec<String> {
    shown(&evaluate(&rules(text), claims(input), &mut Stores::default()).unwrap().issued)
}
