//! Running scripts: statements in order, the first error ends it.

pub(crate) mod call;
mod environment;
pub(crate) mod evaluate;
mod execute;
pub(crate) mod files;
pub(crate) mod handlers;
mod session;

#[cfg(test)]
mod tests;

pub(crate) use call::{Call, Outcome};
pub use environment::{Console, Environment, Local};
pub(crate) use execute::{Interpreter, known};
