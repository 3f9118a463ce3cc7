//! What the demo reads at its start only: a change of it says so.

use async_trait::async_trait;
use sts::administration::{Effect, Observer, PendingChange};

/// Says which properties take effect when the demo is started again.
pub(super) struct TakesEffectAtStart;

#[async_trait]
impl Observer for TakesEffectAtStart {
    fn name(&self) -> &'static str {
        "demo"
    }

    async fn prepare(&self, change: &PendingChange<'_>) -> Result<Option<Box<dyn Effect>>, String> {
        let properties: &[&str] = match change.object.kind {
            "service-properties" => &["HostName", "HttpsPort", "HttpPort"],
            _ => &[],
        };
        let changed = properties.iter().copied().filter(|property| change.changes(property));
        let warnings: Vec<String> =
            changed.map(|name| format!("{name} takes effect when the demo is started again.")).collect();
        match warnings.is_empty() {
            true => Ok(None),
            false => Ok(Some(Box::new(Said(warnings)))),
        }
    }
}

struct Said(Vec<String>);

#[async_trait]
impl Effect for Said {
    async fn commit(self: Box<Self>) -> Vec<String> {
        self.0
    }
}
