//! A rule as text, laid out as the console's templates write it. Parsing the text gives an equal tree.

use std::fmt::{self, Display, Formatter};

use super::syntax::*;

impl Display for Rule {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for annotation in &self.annotations {
            writeln!(f, "@{} = {}", annotation.name, Quoted(&annotation.value))?;
        }
        for (index, condition) in self.conditions.iter().enumerate() {
            writeln!(f, "{}{condition}", if index == 0 { "" } else { " && " })?;
        }
        let verb = match self.verb {
            Verb::Issue => "issue",
            Verb::Add => "add",
        };
        writeln!(f, " => {verb}({});", self.issuance)
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Selector(selector) => write!(f, "{selector}"),
            Self::Aggregate(Aggregate::Exists, selector) => write!(f, "EXISTS({selector})"),
            Self::Aggregate(Aggregate::NotExists, selector) => write!(f, "NOT EXISTS({selector})"),
            Self::Aggregate(Aggregate::Count(comparison, number), selector) => {
                let comparison = match comparison {
                    Comparison::Equal => "==",
                    Comparison::NotEqual => "!=",
                    Comparison::Less => "<",
                    Comparison::Greater => ">",
                    Comparison::LessOrEqual => "<=",
                    Comparison::GreaterOrEqual => ">=",
                };
                write!(f, "COUNT({selector}) {comparison} {number}")
            }
        }
    }
}

impl Display for Selector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(tag) = &self.tag {
            write!(f, "{tag}:")?;
        }
        write!(f, "[{}]", Joined(&self.constraints, ", "))
    }
}

impl Display for Constraint {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let operator = match self.operator {
            Operator::Equal => "==",
            Operator::NotEqual => "!=",
            Operator::Match => "=~",
            Operator::NotMatch => "!~",
        };
        write!(f, "{} {operator} {}", self.property, self.expression)
    }
}

impl Display for Property {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type => f.write_str("Type"),
            Self::Value => f.write_str("Value"),
            Self::ValueType => f.write_str("ValueType"),
            Self::Issuer => f.write_str("Issuer"),
            Self::OriginalIssuer => f.write_str("OriginalIssuer"),
            Self::Properties(key) => write!(f, "Properties[{}]", Quoted(key)),
        }
    }
}

impl Display for Issuance {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Copy(tag) => write!(f, "claim = {}", tag.name),
            Self::New(assignments) => {
                for (index, (property, expression)) in assignments.iter().enumerate() {
                    write!(f, "{}{property} = {expression}", if index == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            Self::Store { store, types, query, params } => {
                let types: Vec<_> = types.iter().map(|claim_type| Quoted(claim_type)).collect();
                write!(f, "store = {store}, types = ({}), query = {query}", Joined(&types, ", "))?;
                params.iter().try_for_each(|param| write!(f, ", param = {param}"))
            }
        }
    }
}

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Joined(&self.0, " + "))
    }
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{}", Quoted(text)),
            Self::Field(tag, property) => write!(f, "{}.{property}", tag.name),
            Self::Replace(replace) => {
                write!(f, "RegExReplace({}, {}, {})", replace.input, replace.pattern, replace.replacement)
            }
        }
    }
}

/// A string literal. A double quote can only be written as `\x22`.
struct Quoted<'t>(&'t str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('"', r"\x22"))
    }
}

struct Joined<'t, T>(&'t [T], &'static str);

impl<T: Display> Display for Joined<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(self.1)?;
            }
            write!(f, "{item}")?;
        }
        Ok(())
    }
}
