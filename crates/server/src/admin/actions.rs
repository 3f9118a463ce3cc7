//! `POST /actions/{name}`: what is no change of one object. The binary registers them, so that an action may use
//! what only the binary knows.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};
use sts::administration::{Administration, ChangeError};

use super::Admin;
use super::answer::{self, Answer, Failure, not_changed, refused};
use super::call::Call;

/// A call of an action.
#[derive(Clone)]
pub struct ActionCall {
    /// The arguments; `null` when none were sent.
    pub body: Value,
    /// Who calls, for history and audit.
    pub by: String,
    /// Check everything and change nothing.
    pub what_if: bool,
    /// For what an action changes in the configuration.
    pub administration: Arc<Administration>,
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

    /// Adds an action on something that lives as long as the service.
    #[must_use]
    pub fn on<S, F, R>(self, name: &'static str, state: &Arc<S>, action: F) -> Self
    where
        S: Send + Sync + 'static,
        F: Fn(Arc<S>, ActionCall) -> R + Send + Sync + 'static,
        R: Future<Output = Result<ActionAnswer, ActionError>> + Send + 'static,
    {
        let state = state.clone();
        self.with(name, move |call| action(state.clone(), call))
    }

    fn names(&self) -> String {
        self.0.keys().copied().collect::<Vec<_>>().join(", ")
    }
}

impl ActionError {
    /// A failure that AD FS has no code for.
    pub fn failed(error: impl ToString) -> Self {
        Self::Failed { code: None, message: error.to_string() }
    }
}

/// Runs an action.
pub(super) async fn run(admin: &Admin, call: &Call, name: &str) -> Result<Answer, Answer> {
    call.only(&["whatif"])?;
    let arguments = ActionCall {
        body: call.body.clone(),
        by: call.by.clone(),
        what_if: call.switch("whatif")?,
        administration: admin.administration.clone(),
    };
    answered(&admin.actions, name, arguments).await
}

async fn answered(actions: &Actions, name: &str, arguments: ActionCall) -> Result<Answer, Answer> {
    let Some(action) = actions.0.get(name) else {
        let message = match actions.0.is_empty() {
            true => format!("'{name}' is no action; this service has none"),
            false => format!("'{name}' is no action; expected one of {}", actions.names()),
        };
        return Err(refused(StatusCode::NOT_FOUND, &message));
    };
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

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn body(answer: Answer) -> (StatusCode, Value) {
        let status = answer.status();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    fn call(body: Value) -> ActionCall {
        let administration = Arc::new(Administration::new(Arc::new(sts::administration::Role::Primary)));
        ActionCall { body, by: "root (Install-AdfsFarm)".to_owned(), what_if: true, administration }
    }

    #[tokio::test]
    async fn an_action_gets_its_arguments_and_says_what_it_made_or_why_not() {
        let actions = Actions::default()
            .with("echo", |call: ActionCall| async move {
                let said = json!({ "body": call.body, "by": call.by, "what_if": call.what_if });
                Ok(ActionAnswer { objects: vec![said], warnings: vec!["careful".to_owned()] })
            })
            .with("fail", |_| async move {
                let message = "the farm level is 1".to_owned();
                Err(ActionError::Failed { code: Some("PS0159"), message })
            })
            .with("secondary", |_| async move {
                Err(ChangeError::Secondary { primary: "fs01.example.com".to_owned() }.into())
            });
        let made = answered(&actions, "echo", call(json!({ "a": 1 }))).await.unwrap();
        let said = json!({ "body": { "a": 1 }, "by": "root (Install-AdfsFarm)", "what_if": true });
        assert_eq!(body(made).await, (StatusCode::OK, json!({ "objects": [said], "warnings": ["careful"] })));
        let (status, failed) = body(answered(&actions, "fail", call(Value::Null)).await.unwrap_err()).await;
        assert_eq!((status, &failed["error"]["code"]), (StatusCode::CONFLICT, &json!("PS0159")));
        let (status, failed) =
            body(answered(&actions, "secondary", call(Value::Null)).await.unwrap_err()).await;
        assert_eq!((status, &failed["error"]["code"]), (StatusCode::FORBIDDEN, &json!("PS0033")));
        let (status, unknown) = body(answered(&actions, "ecko", call(Value::Null)).await.unwrap_err()).await;
        let message = "'ecko' is no action; expected one of echo, fail, secondary";
        assert_eq!((status, &unknown["error"]["message"]), (StatusCode::NOT_FOUND, &json!(message)));
    }
}
