//! The evaluation of a rule set, as a machine that stops where it needs an attribute store.
//!
//! Rules run from top to bottom, each exactly once. A rule sees what earlier rules made and not what it makes
//! itself. What is added goes into the input set, what is issued into the output set too.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use super::claim_set::ClaimSet;
use super::engine::{Bound, Engine};
use super::error::{Cause, EvaluationError};
use super::limits::{Limits, within};
use super::matching::{Combinations, combinations};
use super::parser::Placed;
use super::store::{Rows, StoreQuery};
use super::syntax::*;
use super::trace::{RuleTrace, Trace};
use crate::claim::{Claim, LOCAL_AUTHORITY, STRING};

/// How far an evaluation got.
#[derive(Debug)]
pub enum Step<'r> {
    /// All rules ran.
    Done(Outcome),
    /// The next rule needs rows of attribute stores.
    Query(Pending<'r>),
}

/// The result of an evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The output set, in order of first issue, each claim once.
    pub issued: Vec<Claim>,
    /// What the rules did.
    pub trace: Trace,
}

/// An evaluation that waits for the rows of attribute stores.
pub struct Pending<'r> {
    machine: Box<Machine<'r>>,
    /// The queries of the waiting rule, those answered earlier included.
    wanted: Vec<usize>,
}

impl fmt::Debug for Pending<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("queries", &self.queries()).finish_non_exhaustive()
    }
}

impl<'r> Pending<'r> {
    /// What is asked, each query once; never empty. None of them was asked before in this evaluation.
    pub fn queries(&self) -> &[StoreQuery] {
        self.machine.queries.get(self.machine.answers.len()..).unwrap_or_default()
    }

    /// Goes on with the rows of each query, in the order of [`Pending::queries`].
    ///
    /// # Errors
    ///
    /// Any failure of this rule or a later one.
    pub fn resume(mut self, rows: Vec<Rows>) -> Result<Step<'r>, EvaluationError> {
        let expected = self.queries().len();
        if rows.len() != expected {
            return Err(self.machine.fail(Cause::Answers { expected, given: rows.len() }));
        }
        self.machine.answers.extend(rows);
        match self.machine.collect(&self.wanted) {
            Ok(()) => {
                self.machine.rule_done();
                self.machine.run()
            }
            Err(cause) => Err(self.machine.fail(cause)),
        }
    }

    /// Gives up, because the store could not answer query number `query` of [`Pending::queries`] for `reason`.
    /// The error names the rule, the query and the store.
    pub fn failed(self, query: usize, reason: impl fmt::Display) -> EvaluationError {
        let asked = self.queries().get(query);
        let cause = Cause::Query {
            store: asked.map(|asked| asked.store.clone()).unwrap_or_default(),
            query: asked.map(|asked| asked.query.clone()).unwrap_or_default(),
            reason: reason.to_string(),
        };
        self.machine.fail(cause)
    }
}

/// What makes two queries the same: store, query, parameters.
type Asked = (Arc<str>, Arc<str>, Vec<String>);

pub(crate) struct Machine<'r> {
    rules: &'r [Placed],
    /// The rule that runs.
    next: usize,
    claims: ClaimSet,
    engine: Engine,
    trace: Vec<RuleTrace>,
    queries: Vec<StoreQuery>,
    /// The rows of each query; shorter than `queries` while some are waited for.
    answers: Vec<Rows>,
    /// What a new claim is before its assignments.
    blank: Claim,
    /// Where a store, query and parameters stand in `queries`.
    asked: HashMap<Asked, usize>,
}

impl<'r> Machine<'r> {
    pub(crate) fn start(
        rules: &'r [Placed],
        input: impl IntoIterator<Item = Claim>,
        limits: &Limits,
    ) -> Result<Step<'r>, EvaluationError> {
        let mut machine = Box::new(Self {
            rules,
            next: 0,
            claims: ClaimSet::default(),
            engine: Engine::new(*limits),
            trace: Vec::with_capacity(rules.len()),
            queries: Vec::new(),
            answers: Vec::new(),
            asked: HashMap::new(),
            blank: Claim {
                claim_type: Arc::default(),
                value: Arc::default(),
                value_type: STRING.into(),
                issuer: LOCAL_AUTHORITY.into(),
                original_issuer: LOCAL_AUTHORITY.into(),
                properties: BTreeMap::new(),
            },
        });
        match machine.take_input(input) {
            Ok(()) => machine.run(),
            Err(cause) => Err(EvaluationError { rule: None, line: 0, name: None, cause }),
        }
    }

    fn take_input(&mut self, input: impl IntoIterator<Item = Claim>) -> Result<(), Cause> {
        within("rules", self.rules.len(), self.engine.budget.limits.rules)?;
        for claim in input.into_iter().filter(|claim| !claim.value.is_empty()) {
            self.claims.add(claim, &self.engine.budget)?;
        }
        Ok(())
    }

    fn run(mut self: Box<Self>) -> Result<Step<'r>, EvaluationError> {
        let rules = self.rules;
        while let Some(placed) = rules.get(self.next) {
            match self.rule(placed) {
                Ok(None) => self.rule_done(),
                Ok(Some(wanted)) => return Ok(Step::Query(Pending { machine: self, wanted })),
                Err(cause) => return Err(self.fail(cause)),
            }
        }
        let (issued, claims) = self.claims.finish();
        let rows = self.answers.iter().map(|answer| answer.rows.len()).collect();
        Ok(Step::Done(Outcome {
            issued,
            trace: Trace { rules: self.trace, claims, queries: self.queries, rows },
        }))
    }

    /// Runs one rule. Returns its queries when it must wait for one of them.
    fn rule(&mut self, placed: &'r Placed) -> Result<Option<Vec<usize>>, Cause> {
        let rule = &placed.rule;
        let combinations = combinations(&rule.conditions, &self.claims, &mut self.engine)?;
        self.trace.push(RuleTrace {
            line: placed.line,
            name: rule.name().cloned(),
            issues: rule.verb == Verb::Issue,
            combinations: combinations.count(),
            ..RuleTrace::default()
        });
        match &rule.issuance {
            Issuance::Copy(tag) => {
                for index in 0..combinations.count() {
                    if let Some(&place) = combinations.get(index).get(tag.selector) {
                        self.made(place, rule.verb);
                    }
                }
            }
            Issuance::New(assignments) => {
                for index in 0..combinations.count() {
                    let claim = self.new_claim(assignments, combinations.get(index))?;
                    self.make(claim, rule.verb)?;
                }
            }
            Issuance::Store { store, types, query, params } => {
                let wanted = self.ask(store, types, query, params, &combinations)?;
                if self.queries.len() > self.answers.len() {
                    return Ok(Some(wanted));
                }
                self.collect(&wanted)?;
            }
        }
        Ok(None)
    }

    /// A claim of which only the assigned fields are set; the others get their defaults.
    fn new_claim(
        &mut self,
        assignments: &[(Property, Expression)],
        combination: &[usize],
    ) -> Result<Claim, Cause> {
        let mut claim = self.blank.clone();
        for (property, expression) in assignments {
            let text = self.engine.text(expression, Bound { claims: &self.claims, combination })?;
            match property {
                Property::Type => claim.claim_type = text,
                Property::Value => claim.value = text,
                // An empty text is no value type and names no issuer: as if it were not assigned.
                _ if text.is_empty() => {}
                Property::ValueType => claim.value_type = text,
                Property::Issuer => claim.issuer = text,
                Property::OriginalIssuer => claim.original_issuer = text,
                Property::Properties(key) => {
                    claim.properties.insert(key.clone(), text);
                }
            }
        }
        Ok(claim)
    }

    /// Notes the query of each combination, those not asked before as new. Returns them, each once.
    fn ask(
        &mut self,
        store: &Expression,
        types: &[Arc<str>],
        query: &Expression,
        params: &[Expression],
        combinations: &Combinations,
    ) -> Result<Vec<usize>, Cause> {
        let mut wanted = Vec::new();
        for index in 0..combinations.count() {
            let bound = Bound { claims: &self.claims, combination: combinations.get(index) };
            let store = self.engine.text(store, bound)?;
            let query = self.engine.text(query, bound)?;
            let mut values = Vec::with_capacity(params.len());
            for param in params {
                values.push(self.engine.text(param, bound)?.to_string());
            }
            self.engine.budget.charge_octets(values.iter().map(String::len).sum())?;
            let place =
                *self.asked.entry((store.clone(), query.clone(), values.clone())).or_insert_with(|| {
                    self.queries.push(StoreQuery { store, query, params: values, types: types.to_vec() });
                    self.queries.len() - 1
                });
            within("queries", self.queries.len(), self.engine.budget.limits.queries)?;
            if !wanted.contains(&place) {
                wanted.push(place);
            }
        }
        if let Some(trace) = self.trace.last_mut() {
            trace.queries.clone_from(&wanted);
        }
        Ok(wanted)
    }

    /// Makes the claims of the running rule from the rows of its queries: column i is a claim of type i.
    fn collect(&mut self, wanted: &[usize]) -> Result<(), Cause> {
        let Some(Placed { rule: Rule { verb, issuance: Issuance::Store { types, .. }, .. }, .. }) =
            self.rules.get(self.next)
        else {
            return Ok(());
        };
        let mut made = Vec::new();
        for &query in wanted {
            let (Some(asked), Some(answer)) = (self.queries.get(query), self.answers.get(query)) else {
                continue;
            };
            for row in &answer.rows {
                if row.len() < types.len() {
                    return Err(Cause::Query {
                        store: asked.store.clone(),
                        query: asked.query.clone(),
                        reason: format!("it returns {} columns for {} claim types", row.len(), types.len()),
                    });
                }
                if let Some(trace) = self.trace.last_mut() {
                    trace.ignored_columns = trace.ignored_columns.max(row.len() - types.len());
                }
                for (claim_type, values) in types.iter().zip(row) {
                    for value in values {
                        self.engine.budget.charge_octets(1 + value.len())?;
                        made.push(Claim::new(claim_type.clone(), value.as_str(), answer.issuer.clone()));
                    }
                }
            }
        }
        made.into_iter().try_for_each(|claim| self.make(claim, *verb))
    }

    /// Puts a claim into the set or sets; one without value or type is dropped.
    fn make(&mut self, claim: Claim, verb: Verb) -> Result<(), Cause> {
        if claim.value.is_empty() || claim.claim_type.is_empty() {
            if let Some(trace) = self.trace.last_mut() {
                trace.empty += 1;
            }
            return Ok(());
        }
        let place = self.claims.add(claim, &self.engine.budget)?;
        self.made(place, verb);
        Ok(())
    }

    fn made(&mut self, place: usize, verb: Verb) {
        if verb == Verb::Issue {
            self.claims.issue(place);
        }
        if let Some(trace) = self.trace.last_mut() {
            trace.claims.push(place);
        }
    }

    fn rule_done(&mut self) {
        if let Some(trace) = self.trace.last_mut() {
            let mut seen = HashSet::new();
            trace.claims.retain(|&place| seen.insert(place));
        }
        self.next += 1;
    }

    fn fail(&self, cause: Cause) -> EvaluationError {
        let placed = self.rules.get(self.next);
        EvaluationError {
            rule: Some(self.next),
            line: placed.map_or(0, |placed| placed.line),
            name: placed.and_then(|placed| placed.rule.name().cloned()),
            cause,
        }
    }
}
