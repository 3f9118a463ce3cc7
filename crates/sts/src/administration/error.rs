//! Why a change was not made. Nothing was changed, whatever it says.

use configuration::Problem;
use serde_json::Value;
use store::{Document, StoreError, WriteError};

/// An object as it is stored, without its secrets.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Identifier.
    pub id: String,
    /// Version.
    pub version: u64,
    /// The object.
    pub body: Value,
}

impl Stored {
    /// What people may see of a document.
    pub(super) fn of(object: &configuration::ObjectType, document: &Document) -> Self {
        let body = super::difference::without_secrets(object, document.body.clone());
        Self { id: document.id.clone(), version: document.version, body }
    }
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// This node is a secondary.
    #[error(
        "PS0033: The configuration cannot be changed on a secondary server of a farm with a local database. The \
         primary server is {primary}: sign in there and run the command again, or run it there remotely."
    )]
    Secondary {
        /// Name of the primary.
        primary: String,
    },
    /// There is no such object.
    #[error("there is no {title} '{id}'")]
    NotFound {
        /// What kind of object.
        title: &'static str,
        /// What was asked for.
        id: String,
    },
    /// There is no such change.
    #[error("the history has no change {serial}; GET /changes lists those there are")]
    NoSuchChange {
        /// What was asked for.
        serial: u64,
    },
    /// What was sent is not a valid object.
    #[error("{}", first(.problems))]
    Invalid {
        /// Everything that is wrong with it.
        problems: Vec<Problem>,
    },
    /// Objects of this kind, or this one, do not allow that.
    #[error("{reason}")]
    NotAllowed {
        /// What is not allowed, and what to do instead.
        reason: String,
    },
    /// Another object has a name that must be unique.
    #[error("{problem}")]
    Taken {
        /// The name, and who has it.
        problem: Problem,
    },
    /// Somebody else changed the object since it was read.
    #[error("{reason}")]
    Conflict {
        /// What differs, and what to do.
        reason: String,
        /// What is stored; `None` when the object does not exist.
        stored: Option<Box<Stored>>,
        /// What was wanted.
        yours: Option<Value>,
    },
    /// Something that lives with the configuration could not follow, such as a listener whose port is taken.
    #[error("{who}: {cause}; nothing was changed")]
    Effect {
        /// Who could not.
        who: &'static str,
        /// Why.
        cause: String,
    },
    /// The store did not take the change.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The store can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ChangeError {
    /// The code by which AD FS names the failure.
    pub fn code(&self) -> Option<&'static str> {
        matches!(self, Self::Secondary { .. }).then_some("PS0033")
    }

    /// The findings, for callers that show them one by one.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Invalid { problems } => problems,
            Self::Taken { problem } => std::slice::from_ref(problem),
            _ => &[],
        }
    }

    pub(super) fn invalid(problems: Vec<Problem>) -> Self {
        Self::Invalid { problems }
    }

    pub(super) fn not_allowed(reason: impl Into<String>) -> Self {
        Self::NotAllowed { reason: reason.into() }
    }
}

/// The first finding, and how many there are besides it.
fn first(problems: &[Problem]) -> String {
    let first = problems.first().map(ToString::to_string).unwrap_or_default();
    match problems.len() {
        0 | 1 => first,
        count => format!("{first} (and {} more)", count.saturating_sub(1)),
    }
}
