//! The syntax tree.

use serde_json::Value;

use crate::error::Position;

/// A whole input.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// In order.
    pub statements: Vec<Statement>,
}

/// One pipeline, its result kept or printed.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// Where it begins.
    pub at: Position,
    /// The node that a pasted prompt names: `fs02` of `fs02> Get-AdfsProperties`.
    pub node: Option<String>,
    /// `x` of `$x = …`.
    pub variable: Option<String>,
    /// What is done.
    pub pipeline: Pipeline,
}

/// Commands joined by `|`. The first element may be a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// At least one.
    pub elements: Vec<Element>,
}

/// A part of a pipeline.
#[derive(Debug, Clone, PartialEq)]
pub enum Element {
    /// A command.
    Command(Command),
    /// A value; only at the beginning.
    Value(Expression),
}

/// A command with its arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// Where its name stands.
    pub at: Position,
    /// Name as written.
    pub name: String,
    /// In order.
    pub arguments: Vec<Argument>,
}

/// One argument.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// `-Name` or `-Name:value`.
    Parameter {
        /// Where it stands.
        at: Position,
        /// Name without the dash.
        name: String,
        /// Value after a colon.
        value: Option<Expression>,
    },
    /// A value: of the parameter before it, or positional.
    Value {
        /// Where it stands.
        at: Position,
        /// The value.
        value: Expression,
    },
}

/// Something that has a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// Text, number, `$true`, `$false`, `$null`.
    Constant(Value),
    /// Text with variables in it.
    Interpolated(Vec<Part>),
    /// `$x`.
    Variable(Position, String),
    /// `….Name`.
    Member(Box<Expression>, String),
    /// `…[0]`.
    Index(Box<Expression>, Box<Expression>),
    /// `a, b`.
    List(Vec<Expression>),
    /// `@( … )`: always a list.
    Array(Vec<Pipeline>),
    /// `@{ a = 1 }`.
    Hashtable(Vec<(String, Expression)>),
    /// `( … )`.
    Pipeline(Box<Pipeline>),
    /// `{ … }`.
    Block(Box<Condition>),
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// As it is.
    Text(String),
    /// The value, as text.
    Value(Expression),
}

/// A condition of `Where-Object`.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// A value that counts as true or false.
    Value(Expression),
    /// `a -eq b`.
    Compare(Expression, Comparison, Expression),
    /// `-not c`.
    Not(Box<Condition>),
    /// `a -and b`.
    And(Box<Condition>, Box<Condition>),
    /// `a -or b`.
    Or(Box<Condition>, Box<Condition>),
}

/// Comparison operators; text is compared without regard to case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `-eq`
    Equal,
    /// `-ne`
    NotEqual,
    /// `-gt`
    Greater,
    /// `-ge`
    GreaterOrEqual,
    /// `-lt`
    Less,
    /// `-le`
    LessOrEqual,
    /// `-like`, with `*` and `?`
    Like,
    /// `-notlike`
    NotLike,
    /// `-contains`: the left list has the right value
    Contains,
    /// `-notcontains`
    NotContains,
    /// `-in`: the right list has the left value
    In,
    /// `-notin`
    NotIn,
}

impl Comparison {
    /// By name without the dash, without regard to case.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "eq" | "ieq" => Self::Equal,
            "ne" | "ine" => Self::NotEqual,
            "gt" => Self::Greater,
            "ge" => Self::GreaterOrEqual,
            "lt" => Self::Less,
            "le" => Self::LessOrEqual,
            "like" | "ilike" => Self::Like,
            "notlike" | "inotlike" => Self::NotLike,
            "contains" => Self::Contains,
            "notcontains" => Self::NotContains,
            "in" => Self::In,
            "notin" => Self::NotIn,
            _ => return None,
        })
    }
}
