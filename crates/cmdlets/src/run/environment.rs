//! What a command can reach: the node's administration, this machine, the person.

use std::path::Path;

use base::{Clock, Random};
use serde_json::{Map, Value};

use crate::administration::Administration;
use crate::output::Target;

/// Everything that commands reach.
pub struct Environment<'a> {
    /// The administration of the node.
    pub administration: &'a dyn Administration,
    /// What needs no running service.
    pub local: &'a dyn Local,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Randomness, for new identifiers.
    pub random: &'a dyn Random,
    /// The person.
    pub console: &'a mut dyn Console,
    /// Where objects go.
    pub target: Target,
    /// Whether messages go to a terminal: each command line then says which node answered.
    pub messages_on_terminal: bool,
}

/// Printing and asking.
pub trait Console {
    /// Prints what a command gives.
    fn out(&mut self, text: &str);

    /// Prints a message beside it; a line end is added.
    fn message(&mut self, text: &str);

    /// Asks and reads a line; `None` when nobody is there.
    fn ask(&mut self, question: &str) -> Option<String>;

    /// Asks for a password. A terminal should not show what is typed.
    fn ask_secret(&mut self, question: &str) -> Option<String> {
        self.ask(question)
    }
}

/// What is done on this machine, beside the administration interface. Errors are texts for people.
pub trait Local {
    /// Creates a federation service on this machine. `parameters` are those of `Install-AdfsFarm` that were given.
    /// Gives messages for the administrator; with `what_if` those that tell what would be done.
    fn install_farm(&self, parameters: &Map<String, Value>, what_if: bool) -> Result<Vec<String>, String>;

    /// Joins this machine to the farm of a primary. `parameters` are those of `Add-AdfsFarmNode` that were given.
    fn join_farm(&self, parameters: &Map<String, Value>, what_if: bool) -> Result<Vec<String>, String>;

    /// Moves the configuration of this machine's node from the embedded store to the database that the connection
    /// string names. Gives a message for the administrator; with `what_if` the one that tells what would be done.
    fn move_store(&self, connection: &str, what_if: bool) -> Result<String, String>;

    /// Takes a PFX file into the node's certificate store and gives the certificate: `Thumbprint`, `Subject`, ….
    fn import_pfx(&self, file: &Path, password: Option<&str>) -> Result<Value, String>;

    /// The certificates of the node's store, each with `Thumbprint`, `Subject` and more.
    fn certificates(&self) -> Result<Vec<Value>, String>;

    /// Fetches a metadata document by https, within bounds of size and time.
    fn fetch(&self, url: &str) -> Result<Vec<u8>, String>;

    /// Directory for the command names when none is given, and the program that they start.
    fn command_directory(&self) -> Result<(std::path::PathBuf, std::path::PathBuf), String>;
}
