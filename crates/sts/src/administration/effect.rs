//! Those who live with the configuration: a change they cannot follow is not made.
//!
//! A listener binds the new port before the change is stored; if that fails, the old one stays and the change is
//! refused with the name of the port's holder.

use std::time::Duration;

use async_trait::async_trait;
use configuration::ObjectType;
use serde_json::Value;

use super::ChangeError;

/// Making ready, taking effect and undoing take at most this long each.
const LIMIT: Duration = Duration::from_secs(10);

/// A change that is valid and not made yet.
#[derive(Debug, Clone, Copy)]
pub struct PendingChange<'a> {
    /// Kind of the object.
    pub object: &'static ObjectType,
    /// Its identifier.
    pub id: &'a str,
    /// The object as it is; `None` when it is new.
    pub before: Option<&'a Value>,
    /// The object as it will be; `None` when it is removed.
    pub after: Option<&'a Value>,
}

impl PendingChange<'_> {
    /// Whether a property will have another value than before.
    pub fn changes(&self, property: &str) -> bool {
        let value = |body: Option<&Value>| body.and_then(|body| body.get(property)).cloned();
        value(self.before) != value(self.after)
    }
}

/// Somebody who lives with the configuration.
#[async_trait]
pub trait Observer: Send + Sync {
    /// Name in messages, such as `listeners`.
    fn name(&self) -> &'static str;

    /// Makes ready for a change, or says why it can't be followed. `None` when it does not matter here.
    ///
    /// The future may be dropped at any time, which must undo what it did.
    async fn prepare(&self, change: &PendingChange<'_>) -> Result<Option<Box<dyn Effect>>, String>;
}

/// Something that is ready. One of the two is called, unless the process ends.
#[async_trait]
pub trait Effect: Send {
    /// The change is stored: takes effect. What the administrator should know is returned.
    async fn commit(self: Box<Self>) -> Vec<String>;

    /// The change was not made: everything stays as it was.
    async fn abort(self: Box<Self>) {}
}

/// What the observers made ready.
#[derive(Default)]
pub(super) struct Prepared(Vec<(&'static str, Box<dyn Effect>)>);

impl super::Administration {
    /// Asks all observers; when one refuses, those before it go back.
    pub(super) async fn prepare(&self, change: &PendingChange<'_>) -> Result<Prepared, ChangeError> {
        let mut prepared = Prepared::default();
        for observer in &self.observers {
            let answer = match tokio::time::timeout(LIMIT, observer.prepare(change)).await {
                Ok(answer) => answer,
                Err(_) => Err(format!("was not ready within {} seconds", LIMIT.as_secs())),
            };
            match answer {
                Ok(Some(effect)) => prepared.0.push((observer.name(), effect)),
                Ok(None) => {}
                Err(cause) => {
                    prepared.abort().await;
                    return Err(ChangeError::Effect { who: observer.name(), cause });
                }
            }
        }
        Ok(prepared)
    }
}

impl Prepared {
    /// The change is stored. Returns warnings.
    pub(super) async fn commit(self) -> Vec<String> {
        let mut warnings = Vec::new();
        for (who, effect) in self.0 {
            match tokio::time::timeout(LIMIT, effect.commit()).await {
                Ok(more) => warnings.extend(more),
                Err(_) => warnings.push(format!(
                    "the change is stored, but {who} did not follow within {} seconds; restart the service",
                    LIMIT.as_secs()
                )),
            }
        }
        warnings
    }

    /// The change was not made. The last to make ready goes back first.
    pub(super) async fn abort(self) {
        for (who, effect) in self.0.into_iter().rev() {
            if tokio::time::timeout(LIMIT, effect.abort()).await.is_err() {
                tracing::error!(who, "a change that was not made could not be taken back in time");
            }
        }
    }
}
