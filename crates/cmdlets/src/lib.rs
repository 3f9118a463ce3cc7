//! The `Verb-Noun` commands of AD FS against the administration interface of a node.
//!
//! ```text
//! words of a Unix shell ─┐
//! PowerShell's syntax ───┴→ language → bind (by signatures) → run (by the table of bindings) → output
//!                                                              └ administration: HTTP over the node's socket
//! ```
//!
//! Names, parameters, sets and aliases are data (`signatures`); what a parameter does is one table (`bindings`).

pub mod administration;
pub mod bind;
mod bindings;
mod completion;
mod entry;
mod error;
mod help;
mod install;
pub mod language;
pub mod output;
mod run;
pub mod signatures;

pub use completion::{Shell, completion};
pub use entry::{is_command_name, run_argv, run_command_text, run_file, shell};
pub use error::{CmdletError, Position};
pub use run::{Console, Environment, Local};
