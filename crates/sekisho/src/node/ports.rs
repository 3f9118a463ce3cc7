//! Listeners follow the farm's ports: the new port is bound before the change is stored, and the old one is given
//! up only then. A port that cannot be bound refuses the change and names its holder.

use std::net::SocketAddr;

use async_trait::async_trait;
use configuration::ServiceProperties;
use net::ServerHandle;
use serde::Deserialize;
use serde_json::Value;
use sts::administration::{Effect, Observer, PendingChange};

use super::listeners::{HTTPS, PROBE, USER_CERTIFICATES, addresses};

/// Moves listeners of a server.
pub(crate) struct PortsFollow(pub(crate) ServerHandle);

/// A port of the farm: its property, its listener, its value.
type Port = (&'static str, &'static str, fn(&ServiceProperties) -> u16);

const PORTS: [Port; 3] = [
    ("HttpsPort", HTTPS, |properties| properties.https_port),
    ("TlsClientPort", USER_CERTIFICATES, |properties| properties.tls_client_port),
    ("HttpPort", PROBE, |properties| properties.http_port),
];

#[async_trait]
impl Observer for PortsFollow {
    fn name(&self) -> &'static str {
        "listeners"
    }

    async fn prepare(&self, change: &PendingChange<'_>) -> Result<Option<Box<dyn Effect>>, String> {
        let moved: Vec<Port> = PORTS.into_iter().filter(|(property, ..)| change.changes(property)).collect();
        if change.object.kind != "service-properties" || moved.is_empty() {
            return Ok(None);
        }
        let read = |body: Option<&Value>| {
            body.and_then(|body| ServiceProperties::deserialize(body).ok())
                .ok_or_else(|| "the properties cannot be read".to_owned())
        };
        let (before, after) = (read(change.before)?, read(change.after)?);
        let mut moves = Moves { handle: self.0.clone(), back: Vec::new(), notes: Vec::new() };
        for (property, listener, port) in moved {
            if !self.0.snapshot().listeners.iter().any(|status| &*status.name == listener) {
                moves.notes.push(format!(
                    "{property}: this node has no listener '{listener}': its certificate names the certauth host, \
                     and user certificates are taken there"
                ));
                continue;
            }
            let to = addresses(&after, port(&after));
            self.0.change(listener, &to).await.map_err(|error| format!("{property}: {error}"))?;
            moves.back.push((listener, addresses(&before, port(&before))));
            moves.notes.push(format!(
                "{property}: this node listens at port {} now, without a restart; every other node of the farm does \
                 so when the change reaches it",
                port(&after)
            ));
            let conflicts = net::ephemeral_conflicts(&[port(&after)]);
            moves.notes.extend(conflicts.iter().map(ToString::to_string));
        }
        Ok(Some(Box::new(moves)))
    }
}

/// Listeners that have moved, and where they were. Dropped, they go back.
struct Moves {
    handle: ServerHandle,
    back: Vec<(&'static str, Vec<SocketAddr>)>,
    notes: Vec<String>,
}

#[async_trait]
impl Effect for Moves {
    async fn commit(mut self: Box<Self>) -> Vec<String> {
        self.back.clear();
        std::mem::take(&mut self.notes)
    }

    async fn abort(mut self: Box<Self>) {
        go_back(self.handle.clone(), std::mem::take(&mut self.back)).await;
    }
}

impl Drop for Moves {
    fn drop(&mut self) {
        let back = std::mem::take(&mut self.back);
        if !back.is_empty() {
            tokio::spawn(go_back(self.handle.clone(), back));
        }
    }
}

async fn go_back(handle: ServerHandle, back: Vec<(&'static str, Vec<SocketAddr>)>) {
    for (listener, addresses) in back {
        if let Err(error) = handle.change(listener, &addresses).await {
            tracing::error!(listener, %error, "a listener could not go back to its old port");
        }
    }
}
