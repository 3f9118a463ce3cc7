//! The `Verb-Noun` commands of AD FS against the administration interface of a node.
//!
//! ```text
//! words of a Unix shell ─┐
//! PowerShell's syntax ───┴→ language → bind (by signatures) → run (by the table of bindings) → output
//!                                                              └ administration: HTTP over the node's socket
//! ```
//!
//! Names, parameters, sets and aliases are data (`signatures`); what a parameter does is one table (`bindings`).

pub mod bind;
mod error;
pub mod language;
pub mod output;
pub mod signatures;

pub use error::{CmdletError, Position};
