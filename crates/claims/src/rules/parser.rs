//! From text to rules: recursive descent over the tokens, with the static checks made on the way.
//!
//! A rule with a syntax error is skipped up to its semicolon and the next one is read, so that all bad rules
//! are reported at once.

mod cursor;

use std::ops::Range;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, Places, Severity};
use super::syntax::*;
use super::token::{Token, tokens};
use crate::pattern::Pattern;

/// The longest text of a rule set, in octets.
pub(crate) const TEXT_OCTETS: usize = 1024 * 1024;

/// Annotations, conditions and assignments of one rule: the join descends as deep, and each is compared with
/// those before it.
const PARTS: usize = 64;

/// Function calls inside one another.
const DEPTH: usize = 32;

/// No more errors and no more warnings than this are reported.
pub(crate) const ERRORS: usize = 100;

const PROPERTIES: &[&str] = &["Type", "Value", "ValueType", "Issuer", "OriginalIssuer", "Properties"];
const OPERATORS: &[&str] = &["==", "!=", "=~", "!~"];
const COMPARISONS: &[&str] = &["==", "!=", "<", ">", "<=", ">="];

/// A rule with its place in the text.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) rule: Rule,
    /// Where the rule begins, from 1.
    pub(crate) line: usize,
    /// Where the name of its attribute store stands.
    pub(crate) store: Option<Range<usize>>,
}

/// Rules and warnings of a good text, or all errors of a bad one, in the order of the text.
pub(crate) fn parse(text: &str) -> Result<(Vec<Placed>, Vec<Diagnostic>), Vec<Diagnostic>> {
    let places = Places::new(text);
    if text.len() > TEXT_OCTETS {
        let message = format!("The rule set is {} octets long; {TEXT_OCTETS} are allowed.", text.len());
        return Err(vec![places.diagnostic(0..0, "POLICY0002", message)]);
    }
    let mut parser = Parser::new(text, &places);
    let mut rules = Vec::new();
    while parser.peek() != Token::End && parser.errors.len() < ERRORS {
        match parser.rule() {
            Ok(rule) => rules.push(rule),
            Err(SyntaxError) => parser.skip_rule(),
        }
    }
    if parser.errors.is_empty() {
        return Ok((rules, parser.warnings));
    }
    parser.errors.sort_by_key(|error| error.span.start);
    Err(parser.errors)
}

/// A syntax error that is already noted.
struct SyntaxError;

type Parsed<T> = Result<T, SyntaxError>;

struct Parser<'s> {
    text: &'s str,
    places: &'s Places<'s>,
    tokens: Vec<(Token, Range<usize>)>,
    at: usize,
    /// Tags of the selectors of this rule so far; `None` for a selector without a tag.
    tags: Vec<Option<Arc<str>>>,
    /// The tag of the selector that is being read.
    own_tag: Option<&'s str>,
    /// Tags inside aggregates, which bind nothing.
    aggregate_tags: Vec<&'s str>,
    in_aggregate: bool,
    /// Whether this rule's `=>` was read.
    in_action: bool,
    store: Option<Range<usize>>,
    depth: usize,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

impl<'s> Parser<'s> {
    fn new(text: &'s str, places: &'s Places<'s>) -> Self {
        Self {
            text,
            places,
            tokens: tokens(text),
            at: 0,
            tags: Vec::new(),
            own_tag: None,
            aggregate_tags: Vec::new(),
            in_aggregate: false,
            in_action: false,
            store: None,
            depth: 0,
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn rule(&mut self) -> Parsed<Placed> {
        self.tags.clear();
        self.aggregate_tags.clear();
        self.own_tag = None;
        self.in_aggregate = false;
        self.in_action = false;
        self.store = None;
        self.depth = 0;
        let line = self.places.line(self.span().start);
        let annotations = self.annotations()?;
        let conditions = self.conditions()?;
        self.in_action = true;
        let verb = match self.word().to_ascii_lowercase().as_str() {
            "issue" => Verb::Issue,
            "add" => Verb::Add,
            _ => return self.unexpected(&["issue", "add"]),
        };
        self.at += 1;
        self.expect(Token::OpenParenthesis, &["("])?;
        let issuance = self.issuance()?;
        self.expect(
            Token::CloseParenthesis,
            if matches!(issuance, Issuance::Copy(_)) { &[")"] } else { &[")", ","] },
        )?;
        self.expect(Token::Semicolon, &[";"])?;
        let rule = Rule { annotations, conditions, verb, issuance };
        Ok(Placed { rule, line, store: self.store.take() })
    }

    /// Goes on behind the semicolon of a bad rule. A semicolon before the arrow was meant as something else.
    fn skip_rule(&mut self) {
        loop {
            match self.peek() {
                Token::End => return,
                Token::Semicolon if self.in_action => {
                    self.at += 1;
                    return;
                }
                Token::Imply => self.in_action = true,
                _ => {}
            }
            self.at += 1;
        }
    }

    fn annotations(&mut self) -> Parsed<Vec<Annotation>> {
        let mut annotations: Vec<Annotation> = Vec::new();
        while self.take(Token::At) {
            self.one_more(annotations.len(), "annotations")?;
            let span = self.span();
            let name: Arc<str> = self.identifier(&["IDENTIFIER"])?.into();
            self.expect(Token::Assign, &["="])?;
            let value = self.string()?;
            if annotations.iter().any(|other| other.name.eq_ignore_ascii_case(&name)) {
                self.error(span, format!("The annotation '{name}' is given twice in one rule."));
            }
            annotations.push(Annotation { name, value });
        }
        Ok(annotations)
    }

    /// Refuses one more of something that a rule already has `count` of, when those are all it may have.
    fn one_more(&mut self, count: usize, parts: &str) -> Parsed<()> {
        if count < PARTS {
            return Ok(());
        }
        self.error(self.span(), format!("A rule may have {PARTS} {parts}."));
        Err(SyntaxError)
    }

    /// The conditions with the arrow behind them.
    fn conditions(&mut self) -> Parsed<Vec<Condition>> {
        let mut conditions = Vec::new();
        if self.take(Token::Imply) {
            return Ok(conditions);
        }
        loop {
            self.one_more(conditions.len(), "conditions")?;
            conditions.push(self.condition(conditions.is_empty())?);
            if self.take(Token::Imply) {
                return Ok(conditions);
            }
            self.expect(Token::And, &["&&", "=>"])?;
        }
    }

    fn condition(&mut self, first: bool) -> Parsed<Condition> {
        let starts: &[&str] = match first {
            true => &["IDENTIFIER", "[", "EXISTS", "NOT", "COUNT", "=>", "@"],
            false => &["IDENTIFIER", "[", "EXISTS", "NOT", "COUNT"],
        };
        if self.peek() != Token::OpenBracket && self.peek() != Token::Identifier {
            return self.unexpected(starts);
        }
        let next = self.peek_at(1);
        if next == Token::Colon || self.peek() == Token::OpenBracket {
            return Ok(Condition::Selector(self.selector()?));
        }
        match self.word().to_ascii_lowercase().as_str() {
            "exists" => {
                self.at += 1;
                Ok(Condition::Aggregate(Aggregate::Exists, self.aggregated()?))
            }
            "not" => {
                self.at += 1;
                if !self.word().eq_ignore_ascii_case("exists") {
                    return self.unexpected(&["EXISTS"]);
                }
                self.at += 1;
                Ok(Condition::Aggregate(Aggregate::NotExists, self.aggregated()?))
            }
            "count" => {
                self.at += 1;
                let selector = self.aggregated()?;
                let (comparison, number) = self.comparison()?;
                Ok(Condition::Aggregate(Aggregate::Count(comparison, number), selector))
            }
            _ => {
                self.at += 1;
                self.unexpected(&[":"])
            }
        }
    }

    /// `([...])` behind an aggregate's word.
    fn aggregated(&mut self) -> Parsed<Selector> {
        self.expect(Token::OpenParenthesis, &["("])?;
        self.in_aggregate = true;
        let selector = self.selector()?;
        self.in_aggregate = false;
        self.expect(Token::CloseParenthesis, &[")"])?;
        Ok(selector)
    }

    fn comparison(&mut self) -> Parsed<(Comparison, u64)> {
        let comparison = match self.peek() {
            Token::Equal => Comparison::Equal,
            Token::NotEqual => Comparison::NotEqual,
            Token::Less => Comparison::Less,
            Token::Greater => Comparison::Greater,
            Token::LessOrEqual => Comparison::LessOrEqual,
            Token::GreaterOrEqual => Comparison::GreaterOrEqual,
            _ => return self.unexpected(COMPARISONS),
        };
        self.at += 1;
        if self.peek() != Token::Number {
            return self.unexpected(&["NUMBER"]);
        }
        let number = self.word().parse().unwrap_or_else(|_| {
            self.error(self.span(), "The number is too large.");
            0
        });
        self.at += 1;
        Ok((comparison, number))
    }

    fn selector(&mut self) -> Parsed<Selector> {
        let mut tag = None;
        if self.peek() == Token::Identifier {
            let span = self.span();
            let name = self.identifier(&["IDENTIFIER", "["])?;
            self.expect(Token::Colon, &[":"])?;
            self.own_tag = Some(name);
            if self.in_aggregate {
                self.aggregate_tags.push(name);
            } else if self.find_tag(name).is_some() {
                self.error(
                    span,
                    format!("The condition tag '{name}' is used by two conditions of one rule."),
                );
            }
            tag = Some(Arc::from(name));
        }
        self.expect(Token::OpenBracket, &["["])?;
        let mut constraints = Vec::new();
        if self.peek() != Token::CloseBracket {
            constraints.push(self.constraint()?);
            while self.take(Token::Comma) {
                constraints.push(self.constraint()?);
            }
        }
        self.expect(Token::CloseBracket, if constraints.is_empty() { &["]"] } else { &["]", ","] })?;
        self.own_tag = None;
        if !self.in_aggregate {
            self.tags.push(tag.clone());
        }
        Ok(Selector { tag, constraints })
    }

    fn constraint(&mut self) -> Parsed<Constraint> {
        let property = self.property()?;
        let operator = match self.peek() {
            Token::Equal => Operator::Equal,
            Token::NotEqual => Operator::NotEqual,
            Token::Match => Operator::Match,
            Token::NotMatch => Operator::NotMatch,
            _ => return self.unexpected(OPERATORS),
        };
        self.at += 1;
        let span = self.span();
        let expression = self.expression()?;
        if property == Property::Type && !operator.takes_pattern() {
            self.check_claim_type(&span, &expression);
        }
        let pattern = if operator.takes_pattern() { self.pattern(span, &expression) } else { None };
        Ok(Constraint { property, operator, expression, pattern })
    }

    fn property(&mut self) -> Parsed<Property> {
        if self.peek() != Token::Identifier {
            return self.unexpected(PROPERTIES);
        }
        let property = match self.word().to_ascii_lowercase().as_str() {
            "type" => Property::Type,
            "value" => Property::Value,
            "valuetype" => Property::ValueType,
            "issuer" => Property::Issuer,
            "originalissuer" => Property::OriginalIssuer,
            "properties" => {
                self.at += 1;
                self.expect(Token::OpenBracket, &["["])?;
                let key = self.string()?;
                self.expect(Token::CloseBracket, &["]"])?;
                return Ok(Property::Properties(key));
            }
            _ => return self.unexpected(PROPERTIES),
        };
        self.at += 1;
        Ok(property)
    }

    fn issuance(&mut self) -> Parsed<Issuance> {
        match self.word().to_ascii_lowercase().as_str() {
            "claim" => {
                self.at += 1;
                self.expect(Token::Assign, &["="])?;
                let span = self.span();
                let name = self.identifier(&["IDENTIFIER"])?;
                let selector = self.find_tag(name).unwrap_or_else(|| {
                    let message = format!(
                        "No conditions in the claim rule match the condition tag specified in the \
                         CopyIssuanceStatement: '{name}'."
                    );
                    self.push(self.places.diagnostic(span, "POLICY0011", message));
                    0
                });
                Ok(Issuance::Copy(Tag { name: name.into(), selector }))
            }
            "store" => self.store_issuance(),
            _ => self.new_claim(),
        }
    }

    fn new_claim(&mut self) -> Parsed<Issuance> {
        let first = self.span();
        let mut assignments: Vec<(Property, Expression)> = Vec::new();
        loop {
            self.one_more(assignments.len(), "assignments")?;
            let span = self.span();
            if assignments.is_empty() && self.peek() != Token::Identifier {
                return self.unexpected(&[
                    "claim",
                    "store",
                    "Type",
                    "Value",
                    "ValueType",
                    "Issuer",
                    "OriginalIssuer",
                    "Properties",
                ]);
            }
            let property = self.property()?;
            self.expect(Token::Assign, &["="])?;
            if assignments.iter().any(|(other, _)| *other == property) {
                self.error(span, format!("The property {property} is assigned twice."));
            }
            let span = self.span();
            let expression = self.expression()?;
            if property == Property::Type {
                self.check_claim_type(&span, &expression);
            }
            assignments.push((property, expression));
            if !self.take(Token::Comma) {
                break;
            }
        }
        if !assignments.iter().any(|(property, _)| *property == Property::Type) {
            self.error(first, "A new claim needs a type: assign Type.");
        }
        Ok(Issuance::New(assignments))
    }

    fn store_issuance(&mut self) -> Parsed<Issuance> {
        self.keyword("store")?;
        let start = self.span().start;
        let store = self.expression()?;
        self.store = Some(start..self.previous().end);
        self.expect(Token::Comma, &[","])?;
        self.keyword("types")?;
        self.expect(Token::OpenParenthesis, &["("])?;
        let mut types = vec![self.claim_type()?];
        while self.take(Token::Comma) {
            types.push(self.claim_type()?);
        }
        self.expect(Token::CloseParenthesis, &[")", ","])?;
        self.expect(Token::Comma, &[","])?;
        self.keyword("query")?;
        let query = self.expression()?;
        let mut params = Vec::new();
        while self.take(Token::Comma) {
            self.keyword("param")?;
            params.push(self.expression()?);
        }
        Ok(Issuance::Store { store, types, query, params })
    }

    /// `word =`
    fn keyword(&mut self, word: &'static str) -> Parsed<()> {
        if self.peek() != Token::Identifier || !self.word().eq_ignore_ascii_case(word) {
            return self.unexpected(&[word]);
        }
        self.at += 1;
        self.expect(Token::Assign, &["="])
    }

    fn claim_type(&mut self) -> Parsed<Arc<str>> {
        let span = self.span();
        let claim_type = self.string()?;
        self.check_claim_type(&span, &Expression(vec![Term::Text(claim_type.clone())]));
        Ok(claim_type)
    }

    fn expression(&mut self) -> Parsed<Expression> {
        let mut terms = vec![self.term()?];
        while self.take(Token::Plus) {
            terms.push(self.term()?);
        }
        Ok(Expression(terms))
    }

    fn term(&mut self) -> Parsed<Term> {
        if self.peek() == Token::String {
            return Ok(Term::Text(self.string()?));
        }
        let span = self.span();
        let name = self.identifier(&["STRING", "IDENTIFIER"])?;
        match self.peek() {
            Token::Dot => {
                self.at += 1;
                let property = self.property()?;
                let selector = self.use_tag(name, span);
                Ok(Term::Field(Tag { name: name.into(), selector }, property))
            }
            Token::OpenParenthesis => self.call(name, span),
            _ => self.unexpected(&[".", "("]),
        }
    }

    fn call(&mut self, name: &str, span: Range<usize>) -> Parsed<Term> {
        self.depth += 1;
        if self.depth > DEPTH {
            self.error(span, format!("Function calls nest deeper than {DEPTH}."));
            return Err(SyntaxError);
        }
        self.expect(Token::OpenParenthesis, &["("])?;
        let mut arguments = Vec::new();
        loop {
            let start = self.span();
            arguments.push((self.expression()?, start));
            if !self.take(Token::Comma) {
                break;
            }
        }
        self.expect(Token::CloseParenthesis, &[")", ",", "+"])?;
        self.depth -= 1;
        if !name.eq_ignore_ascii_case("RegExReplace") {
            self.error(span, format!("There is no function '{name}'; RegExReplace is the only one."));
            return Ok(Term::Text(Arc::default()));
        }
        let count = arguments.len();
        let mut arguments = arguments.into_iter();
        let (Some((input, _)), Some((pattern, place)), Some((replacement, _)), None) =
            (arguments.next(), arguments.next(), arguments.next(), arguments.next())
        else {
            let message =
                format!("RegExReplace takes three arguments (input, pattern, replacement), not {count}.");
            self.error(span, message);
            return Ok(Term::Text(Arc::default()));
        };
        let compiled = self.pattern(place, &pattern);
        Ok(Term::Replace(Box::new(Replace { input, pattern, compiled, replacement })))
    }

    /// Compiles the pattern of an expression that is one literal.
    fn pattern(&mut self, span: Range<usize>, expression: &Expression) -> Option<Arc<Pattern>> {
        let source = expression.literal()?;
        match Pattern::written(source) {
            Ok(pattern) => Some(Arc::new(pattern)),
            Err(refusal) => {
                let place = refusal.at.map(|at| format!(" (at character {at} of it)")).unwrap_or_default();
                let message = format!("The regular expression cannot be used: {}{place}.", refusal.reason);
                self.error(span, message);
                None
            }
        }
    }

    /// The selector that `name` stands for, or an error for a tag that may not be read here.
    fn use_tag(&mut self, name: &str, span: Range<usize>) -> usize {
        let same = |tag: &str| tag.eq_ignore_ascii_case(name);
        let message = if self.in_aggregate {
            "Condition tags cannot be read inside EXISTS, NOT EXISTS and COUNT.".to_owned()
        } else if self.own_tag.is_some_and(same) {
            format!("The condition tag '{name}' cannot be read inside its own condition.")
        } else if let Some(selector) = self.find_tag(name) {
            return selector;
        } else if self.aggregate_tags.iter().any(|tag| same(tag)) {
            format!(
                "The condition tag '{name}' stands inside EXISTS, NOT EXISTS or COUNT, where it names no claim."
            )
        } else {
            format!("No conditions in the claim rule before this place have the condition tag '{name}'.")
        };
        self.error(span, message);
        0
    }

    fn find_tag(&self, name: &str) -> Option<usize> {
        self.tags.iter().position(|tag| tag.as_ref().is_some_and(|tag| tag.eq_ignore_ascii_case(name)))
    }

    /// Rules copied from certain documentation pages have `https` where the claim types have `http`.
    fn check_claim_type(&mut self, span: &Range<usize>, expression: &Expression) {
        let Some(claim_type) = expression.literal().filter(|_| self.warnings.len() < ERRORS) else { return };
        let Some(rest) = claim_type.strip_prefix("https://") else { return };
        if rest.starts_with("schemas.microsoft.com/") || rest.starts_with("schemas.xmlsoap.org/") {
            let message =
                format!("The claim type '{claim_type}' begins with https; AD FS writes it with http.");
            let mut warning = self.places.diagnostic(span.clone(), "POLICY0002", message);
            warning.severity = Severity::Warning;
            warning.help =
                Some("No claim of the service has this type. Probably meant: the same with http.".to_owned());
            self.warnings.push(warning);
        }
    }
}
