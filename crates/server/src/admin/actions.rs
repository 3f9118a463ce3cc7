//! `POST /actions/{name}`: what is no change of one object. The binary registers them, so that an action may use
//! what only the binary knows.

use std::collections::BTreeMap;
use std::pin::Pin;

use http::StatusCode;
use serde_json::{Value, json};
use sts::administration::ChangeError;

use super::Admin;
use super::answer::{self, Answer, Failure, not_changed, refused};
use super::call::Call;

/// A call of an action.
#[derive(Debug, Clone)]
pub struct ActionCall {
    /// The arguments; `null` when none were sent.
    pub body: Value,
    /// Who calls, for history and audit.
    pub by: String,
    /// Check everything and change nothing.
    pub what_if: bool,
}

/// What an action found or made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ActionAnswer {
    /// Objects to print.
    pub objects: Vec<Value>,
    /// What the administrator should know.
    pub warnings: Vec<String>,
}

/// Why an action did not do it.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// A change was not made.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// Anything else.
    #[error("{message}")]
    Failed {
        /// The code by which AD FS names the failure.
        code: Option<&'static str>,
        /// What failed, and what to do.
        message: String,
    },
}

type Running = Pin<Box<dyn Future<Output = Result<ActionAnswer, ActionError>> + Send>>;
type Handler = Box<dyn Fn(ActionCall) -> Running + Send + Sync>;

/// The actions of a service, by name.
#[derive(Default)]
pub struct Actions(BTreeMap<&'static str, Handler>);

impl Actions {
    /// Adds an action. A second one of the same name takes the place of the first.
    #[must_use]
    pub fn with<F, R>(mut self, name: &'static str, action: F) -> Self
    where
        F: Fn(ActionCall) -> R + Send + Sync + 'static,
        R: Future<Output = Result<ActionAnswer, ActionError>> + Send + 'static,
    {
        self.0.insert(name, Box::new(move |call| Box::pin(action(call))));
        self
    }
}

/// Runs an action.
pub(super) async fn run(admin: &Admin, call: &Call, name: &str) -> Result<Answer, Answer> {
    call.only(&["whatif"])?;
    let action = admin.actions.0.get(name).ok_or_else(|| {
        let known: Vec<&str> = admin.actions.0.keys().copied().collect();
        let message = match known.as_slice() {
            [] => format!("'{name}' is no action; this service has none"),
            known => format!("'{name}' is no action; expected one of {}", known.join(", ")),
        };
        refused(StatusCode::NOT_FOUND, &message)
    })?;
    let arguments =
        ActionCall { body: call.body.clone(), by: call.by.clone(), what_if: call.switch("whatif")? };
    match action(arguments).await {
        Ok(found) => {
            let body = json!({ "objects": found.objects, "warnings": found.warnings });
            Ok(answer::json(StatusCode::OK, &body))
        }
        Err(ActionError::Change(error)) => Err(not_changed(&error)),
        Err(ActionError::Failed { code, message }) => {
            let failure = Failure { code, message: &message, ..Failure::default() };
            Err(answer::error(StatusCode::CONFLICT, &failure))
        }
    }
}
