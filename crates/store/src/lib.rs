//! Three kinds of state behind three small traits: [`Configuration`], [`Once`] and [`Activity`].
//!
//! Each trait's contract is its documentation; `conformance` is that contract as tests, run against every
//! backend. [`sqlite`] is the embedded backend; [`postgres`] is shared by all nodes of a farm.

mod activity;
mod configuration;
mod history;
mod kind_name;
mod once;
pub mod placement;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod postgres;
pub mod sqlite;
pub mod sync;

pub use activity::{AccountActivity, Activity, Versioned};
pub use configuration::{Change, Configuration, Document, Head, Kind, Operation, Scope, Write, WriteError};
pub use history::{Chain, Entry};
pub use kind_name::KindName;
pub use once::Once;

/// The store could not do what it was asked. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {cause}")]
pub struct StoreError {
    /// What was attempted, in the words of an administrator.
    pub operation: &'static str,
    /// What the backend said.
    pub cause: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
}
