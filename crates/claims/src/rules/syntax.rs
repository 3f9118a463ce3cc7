//! The tree of a rule, after the checks: every tag is known, every written pattern compiled.
//!
//! Places in the text are not part of it, so that two texts of the same meaning have equal trees.

use std::sync::Arc;

use crate::claim::Claim;
use crate::pattern::Pattern;

/// `@annotations conditions => action;`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) annotations: Vec<Annotation>,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) verb: Verb,
    pub(crate) issuance: Issuance,
}

impl Rule {
    /// The value of `@RuleName`.
    pub(crate) fn name(&self) -> Option<&Arc<str>> {
        let named = |annotation: &&Annotation| annotation.name.eq_ignore_ascii_case("RuleName");
        self.annotations.iter().find(named).map(|annotation| &annotation.value)
    }
}

/// `@name = "value"`, without effect on the evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Annotation {
    pub(crate) name: Arc<str>,
    pub(crate) value: Arc<str>,
}

/// One of the things joined by `&&`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    /// The body runs for each claim that matches.
    Selector(Selector),
    /// A gate: true or false, whatever the combination.
    Aggregate(Aggregate, Selector),
}

/// The question an aggregate asks about the number of matching claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aggregate {
    Exists,
    NotExists,
    Count(Comparison, u64),
}

impl Aggregate {
    pub(crate) fn holds(self, count: usize) -> bool {
        let count = count as u64;
        match self {
            Self::Exists => count > 0,
            Self::NotExists => count == 0,
            Self::Count(comparison, number) => match comparison {
                Comparison::Equal => count == number,
                Comparison::NotEqual => count != number,
                Comparison::Less => count < number,
                Comparison::Greater => count > number,
                Comparison::LessOrEqual => count <= number,
                Comparison::GreaterOrEqual => count >= number,
            },
        }
    }
}

/// The operators allowed after `COUNT(...)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
}

/// `tag:[constraints]`. All constraints must hold on one claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selector {
    pub(crate) tag: Option<Arc<str>>,
    pub(crate) constraints: Vec<Constraint>,
}

/// `property operator expression`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Constraint {
    pub(crate) property: Property,
    pub(crate) operator: Operator,
    pub(crate) expression: Expression,
    /// The expression's pattern, when the operator takes one and the expression is a literal.
    pub(crate) pattern: Option<Arc<Pattern>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Match,
    NotMatch,
}

impl Operator {
    pub(crate) fn takes_pattern(self) -> bool {
        matches!(self, Self::Match | Self::NotMatch)
    }
}

/// A field of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Property {
    Type,
    Value,
    ValueType,
    Issuer,
    OriginalIssuer,
    Properties(Arc<str>),
}

impl Property {
    /// The field of `claim`; an entry of `Properties` that it does not have reads as empty.
    pub(crate) fn of<'c>(&self, claim: &'c Claim) -> &'c str {
        match self {
            Self::Type => &claim.claim_type,
            Self::Value => &claim.value,
            Self::ValueType => &claim.value_type,
            Self::Issuer => &claim.issuer,
            Self::OriginalIssuer => &claim.original_issuer,
            Self::Properties(key) => claim.property(key),
        }
    }

    /// The same without copying the text.
    pub(crate) fn shared(&self, claim: &Claim) -> Arc<str> {
        match self {
            Self::Type => claim.claim_type.clone(),
            Self::Value => claim.value.clone(),
            Self::ValueType => claim.value_type.clone(),
            Self::Issuer => claim.issuer.clone(),
            Self::OriginalIssuer => claim.original_issuer.clone(),
            Self::Properties(key) => claim.properties.get(key).cloned().unwrap_or_default(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Into the output and the input set.
    Issue,
    /// Into the input set only.
    Add,
}

/// What the body makes for each combination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Issuance {
    /// `claim = tag`: all six fields.
    Copy(Tag),
    /// `Type = ..., Value = ...`: only these.
    New(Vec<(Property, Expression)>),
    /// `store = ..., types = (...), query = ..., param = ...`
    Store { store: Expression, types: Vec<Arc<str>>, query: Expression, params: Vec<Expression> },
}

/// A use of a condition tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag {
    /// As written here; the selector may spell it in another case.
    pub(crate) name: Arc<str>,
    /// Which selector of the rule it names, aggregates not counted.
    pub(crate) selector: usize,
}

/// Terms joined by `+`; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expression(pub(crate) Vec<Term>);

impl Expression {
    /// The text, when the expression is one literal.
    pub(crate) fn literal(&self) -> Option<&Arc<str>> {
        match self.0.as_slice() {
            [Term::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether the value depends on the combination of claims.
    pub(crate) fn reads_claims(&self) -> bool {
        self.0.iter().any(|term| match term {
            Term::Text(_) => false,
            Term::Field(..) => true,
            Term::Replace(replace) => [&replace.input, &replace.pattern, &replace.replacement]
                .iter()
                .any(|part| part.reads_claims()),
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Term {
    Text(Arc<str>),
    Field(Tag, Property),
    Replace(Box<Replace>),
}

/// `RegExReplace(input, pattern, replacement)`, the one function of the language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replace {
    pub(crate) input: Expression,
    pub(crate) pattern: Expression,
    /// The pattern, when it is a literal.
    pub(crate) compiled: Option<Arc<Pattern>>,
    pub(crate) replacement: Expression,
}
