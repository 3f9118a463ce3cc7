//! Ready, or not, and why: what the listeners say, told to the probe, the service manager and the event log.
//!
//! READY, event 100 and a probe that answers 200 come when every listener has been bound. A listener that is lost
//! later takes the probe back, and the service manager's status line says what is missing.

use std::collections::HashSet;
use std::sync::Arc;

use audit::{Event, JournalError, Record, Text};
use net::{ListenerSet, ListenerState, ServerHandle};
use server::FederationServer;

/// Follows the listeners until the server ends.
pub(crate) async fn follow(server: Arc<FederationServer>, handle: ServerHandle, hosts: Vec<String>) {
    let mut told = HashSet::new();
    let mut started = false;
    let mut changes = handle.watch();
    loop {
        let set = changes.borrow_and_update().clone();
        record_failures(&server, &set, &mut told).await;
        let whole = set.all_bound_once && set.all_bound();
        if whole && !started {
            started = true;
            let hosts = hosts.iter().map(Text::from).collect();
            try_to_record(&server, Event::FsServiceStart { hosts }).await;
            server.set_ready(true);
            net::service_manager::ready(&status(&server, &set));
        } else {
            server.set_ready(whole);
            net::service_manager::status(&status(&server, &set));
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// Event 102 for each listener and cause, once.
async fn record_failures(server: &FederationServer, set: &ListenerSet, told: &mut HashSet<String>) {
    let mut failing = HashSet::new();
    for listener in &set.listeners {
        if let ListenerState::Retrying { failure, .. } = &listener.state {
            let text = failure.to_string();
            if told.insert(text.clone()) {
                try_to_record(server, Event::StartupException { exception: Text::from(&text) }).await;
            }
            failing.insert(text);
        }
    }
    // What was mended is told again when it comes back.
    told.retain(|text| failing.contains(text));
}

/// One line for `systemctl status`.
fn status(server: &FederationServer, set: &ListenerSet) -> String {
    let waiting = set.listeners.iter().find_map(|listener| match &listener.state {
        ListenerState::Retrying { failure, .. } => Some(failure.to_string()),
        ListenerState::Bound { .. } | ListenerState::Absent => None,
    });
    let changes = set.failed_changes.first().map(|change| format!("degraded: {}", change.reason));
    let serving = || format!("serving {}", server.sts.catalog.resident().properties.public_url());
    waiting.map(|waiting| format!("not ready: {waiting}")).or(changes).unwrap_or_else(serving)
}

/// Records an event of the service itself.
pub(crate) async fn record(server: &FederationServer, event: Event) -> Result<(), JournalError> {
    let sts = &server.sts;
    sts.journal.append(&Record::service(sts.clock.now(), sts.node.clone(), event)).await
}

/// The same where the service goes on without the record.
async fn try_to_record(server: &FederationServer, event: Event) {
    if let Err(error) = record(server, event).await {
        tracing::error!(%error, "the journal does not take records");
    }
}
