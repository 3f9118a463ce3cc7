//! The administration interface of a node, as the commands use it.

mod socket;
#[cfg(test)]
pub(crate) mod testing;

use serde::Deserialize;
use serde_json::{Map, Value};

pub use socket::{SERVICE as SERVICE_SOCKET, SocketAdministration, socket_path};

/// An object as it is stored.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Stored {
    /// Identifier within its kind.
    pub id: String,
    /// Version, for the check against lost updates.
    pub version: u64,
    /// Properties in print order.
    pub body: Value,
}

/// The answer to a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// The object now; `None` when it was removed.
    pub body: Option<Value>,
    /// What the administrator should know.
    pub warnings: Vec<String>,
}

/// The node that answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Node {
    /// Name of the node.
    pub name: String,
    /// `PrimaryComputer` or `SecondaryComputer`.
    pub role: String,
    /// The primary, when this is not it.
    #[serde(default)]
    pub primary: Option<String>,
    /// Name of the federation service.
    #[serde(default)]
    pub host_name: String,
}

/// Which objects of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection<'a> {
    /// All.
    All,
    /// The one with this value in a unique index.
    By(&'a str, &'a str),
}

/// A change of one object.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Create; refused when it exists.
    Create(Value),
    /// JSON merge patch (RFC 7396) of the version that was read.
    Patch(u64, Map<String, Value>),
    /// Remove the version that was read.
    Remove(u64),
}

/// Why the interface did not do it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AdministrationError {
    /// No service answers.
    #[error(
        "the service can't be reached at {address}: {reason}. Start it (systemctl start sekisho), run the command as its user or root, or name its socket in SEKISHO_ADMIN_SOCKET"
    )]
    Unreachable {
        /// Path of the socket.
        address: String,
        /// What happened.
        reason: String,
    },
    /// What answers is not understood.
    #[error("the answer of the service can't be read: {0}")]
    Answer(String),
    /// It said no.
    #[error("{}", .0.text())]
    Refused(Box<Refused>),
}

/// A refusal.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Refused {
    /// HTTP status.
    #[serde(skip)]
    pub status: u16,
    /// Identifier of AD FS, such as `PS0033`.
    #[serde(default)]
    pub code: Option<String>,
    /// Text for people.
    #[serde(default)]
    pub message: String,
    /// What is wrong with which property.
    #[serde(default)]
    pub problems: Vec<PropertyProblem>,
    /// The object as it is stored now, when somebody else changed it.
    #[serde(default)]
    pub stored: Option<Value>,
    /// The object as this change wanted it.
    #[serde(default)]
    pub yours: Option<Value>,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PropertyProblem {
    /// Property.
    pub field: String,
    /// Value that was given.
    #[serde(default)]
    pub value: String,
    /// What is allowed, as the end of the sentence.
    #[serde(default)]
    pub expected: String,
}

impl Refused {
    /// Everything that was said. Of two versions those properties are shown that differ.
    fn text(&self) -> String {
        let mut lines = Vec::from_iter((!self.message.is_empty()).then(|| self.message.clone()));
        for problem in &self.problems {
            let line = format!("{}: '{}' {}", problem.field, problem.value, problem.expected);
            if !self.message.contains(&line) {
                lines.push(line);
            }
        }
        if let (Some(stored), Some(yours)) = (&self.stored, &self.yours) {
            let body =
                |value: &Value| value.get("body").unwrap_or(value).as_object().cloned().unwrap_or_default();
            let stored = body(stored);
            for (name, value) in &body(yours) {
                let now = stored.get(name).unwrap_or(&Value::Null);
                if now != value {
                    lines.push(format!("    {name}: stored {now}, yours {value}"));
                }
            }
        }
        if lines.is_empty() {
            lines.push(format!("the service refused it (HTTP {})", self.status));
        }
        lines.join("\n")
    }
}

/// Reads and changes the configuration of the farm through one node. Calls block.
pub trait Administration {
    /// Names the command on whose behalf the next calls are, for history and audit.
    fn acting_as(&self, cmdlet: &str);

    /// Who answers.
    fn node(&self) -> Result<Node, AdministrationError>;

    /// Objects of a kind, in order of identifier.
    fn list(&self, kind: &str, selection: Selection<'_>) -> Result<Vec<Stored>, AdministrationError>;

    /// One object; `None` when there is none.
    fn get(&self, kind: &str, id: &str) -> Result<Option<Stored>, AdministrationError>;

    /// Changes one object, whole or not at all. With `what_if` everything is checked and nothing is changed.
    fn change(
        &self,
        kind: &str,
        id: &str,
        change: &Change,
        what_if: bool,
    ) -> Result<Changed, AdministrationError>;

    /// What is more than the change of one object: objects and warnings. With `what_if` everything is checked and
    /// nothing is changed.
    fn action(
        &self,
        name: &str,
        body: &Value,
        what_if: bool,
    ) -> Result<(Vec<Value>, Vec<String>), AdministrationError>;

    /// The history after a serial number, oldest first.
    fn changes(&self, after: u64, limit: usize) -> Result<Vec<Value>, AdministrationError>;

    /// Takes one change back.
    fn undo(&self, serial: u64) -> Result<Changed, AdministrationError>;
}
