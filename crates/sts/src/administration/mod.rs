//! What administrators do to the configuration: look, change, take back.
//!
//! The way of a change, in order:
//!
//! 1. [`role`]: only the primary writes (PS0033).
//! 2. [`change`] (or [`undo`]) makes a [`Plan`](carry_out::Plan): what is stored, what shall be. The
//!    `configuration` crate has checked it strictly; nobody changed the object since it was read.
//! 3. [`check`]: what a single object cannot know: names that others have, rules that do not compile,
//!    certificates, built-in objects.
//! 4. [`effect`]: listeners and others who live with the configuration make ready, or refuse.
//! 5. The store writes object and history at once; requests that begin now see the change.
//! 6. What was made ready takes effect; audit 307 is in the journal before the answer.
//!
//! Until step 5 nothing has changed. With `what_if` it ends before it.

mod carry_out;
mod certificates;
mod change;
mod check;
mod difference;
mod effect;
mod error;
mod list;
mod role;
mod undo;

use std::sync::Arc;

use configuration::ObjectType;
use serde_json::Value;
use store::Head;

pub use carry_out::audit;
pub use certificates::{NewCertificate, Origin};
pub use change::{ChangeRequest, Edit, Expected};
pub use effect::{Effect, Observer, PendingChange};
pub use error::{ChangeError, Stored};
pub use list::{HistoryEntry, HistoryPage, Page, Selection, indexes};
pub use role::{Role, RoleSource};
pub use undo::UndoRequest;

/// Changes one thing after the other.
pub struct Administration {
    role: Arc<dyn RoleSource>,
    observers: Vec<Arc<dyn Observer>>,
    /// Checks that look at several objects hold until the write, so changes do not run side by side.
    one_at_a_time: tokio::sync::Mutex<()>,
}

impl Administration {
    /// Administration of a node with this role.
    pub fn new(role: Arc<dyn RoleSource>) -> Self {
        Self { role, observers: Vec::new(), one_at_a_time: tokio::sync::Mutex::new(()) }
    }

    /// Adds somebody who lives with the configuration. Observers are asked in the order in which they were added.
    #[must_use]
    pub fn observed_by(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers.push(observer);
        self
    }

    /// This node's role.
    pub fn role(&self) -> Role {
        self.role.role()
    }
}

/// A change that was made, or with `what_if` would be.
#[derive(Debug, Clone)]
pub struct Changed {
    /// Kind of the object.
    pub object: &'static ObjectType,
    /// Its identifier.
    pub id: String,
    /// Its version now; that of before when nothing was to be changed, and with `what_if`.
    pub version: u64,
    /// The object now, without secrets; `None` when it was removed.
    pub body: Option<Value>,
    /// Where in the history; `None` when nothing was written.
    pub head: Option<Head>,
    /// What the administrator should know.
    pub warnings: Vec<String>,
}

#[cfg(test)]
mod tests;
