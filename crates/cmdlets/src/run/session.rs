//! The conversation with one node.

use crate::administration::{Administration, AdministrationError, Node};
use crate::error::CmdletError;

use super::Environment;

/// State of a run.
pub(crate) struct Session<'e> {
    pub(crate) environment: Environment<'e>,
    node: Option<Node>,
    announced: bool,
    /// Answer to every further confirmation of the statement.
    pub(crate) answer_to_all: Option<bool>,
}

impl<'e> Session<'e> {
    pub(super) fn new(environment: Environment<'e>) -> Self {
        Self { environment, node: None, announced: false, answer_to_all: None }
    }

    /// A new command line begins.
    pub(super) fn begin_statement(&mut self) {
        self.announced = false;
        self.answer_to_all = None;
        // The role may change between two lines.
        self.node = None;
    }

    /// The administration of the node. On a terminal the first use of a command line says who answers.
    pub(crate) fn administration(&mut self) -> Result<&'e dyn Administration, CmdletError> {
        if self.environment.messages_on_terminal && !self.announced {
            let node = self.node()?;
            let primary = node.primary.as_deref().map(|name| format!(", primary {name}")).unwrap_or_default();
            let line = format!("\u{1b}[2m{} ({}{primary})\u{1b}[0m", node.name, node.role);
            self.announced = true;
            self.environment.console.message(&line);
        }
        Ok(self.environment.administration)
    }

    /// The node that answers.
    pub(crate) fn node(&mut self) -> Result<Node, CmdletError> {
        if let Some(node) = &self.node {
            return Ok(node.clone());
        }
        let node = self.environment.administration.node().map_err(|error| error_record(error, ""))?;
        self.node = Some(node.clone());
        Ok(node)
    }

    /// Refuses when `name` is another machine than this node: there is no way to it yet, and doing it here instead
    /// would change the wrong server.
    pub(crate) fn must_be_this_node(&mut self, name: &str, said: &str) -> Result<(), CmdletError> {
        if matches!(name.to_ascii_lowercase().as_str(), "localhost" | "." | "127.0.0.1" | "::1") {
            return Ok(());
        }
        let node = self.node()?;
        let short = |name: &str| name.split('.').next().unwrap_or_default().to_ascii_lowercase();
        let same = match name.contains('.') && node.name.contains('.') {
            true => name.eq_ignore_ascii_case(&node.name),
            false => short(name) == short(&node.name),
        };
        match same {
            true => Ok(()),
            false => Err(CmdletError::new(
                "OtherNode",
                format!(
                    "{said} names '{name}', but commands reach this node only, which is '{}' ({}). Run the line on {name}.",
                    node.name, node.role
                ),
            )),
        }
    }

    pub(crate) fn warn(&mut self, text: &str) {
        self.environment.console.message(&format!("WARNING: {text}"));
    }
}

/// A failure of the interface as the error record of a command with this noun.
pub(crate) fn error_record(error: AdministrationError, noun: &str) -> CmdletError {
    let id = match &error {
        AdministrationError::Unreachable { .. } => "ServiceUnreachable".to_owned(),
        AdministrationError::Answer(_) => "UnreadableAnswer".to_owned(),
        AdministrationError::Refused(refused) => match (&refused.code, refused.status) {
            (Some(code), _) => {
                let noun = noun.strip_prefix("Adfs").unwrap_or(noun);
                format!("{code},Microsoft.IdentityServer.Management.Commands.{noun}Command")
            }
            (None, 403) => "AccessDenied".to_owned(),
            (None, 404) => "ObjectNotFound".to_owned(),
            (None, 409) => "Conflict".to_owned(),
            (None, 412) => "LostUpdate".to_owned(),
            (None, 400 | 422) => "InvalidValue".to_owned(),
            (None, _) => "ServiceError".to_owned(),
        },
    };
    CmdletError::new(id, error.to_string())
}
