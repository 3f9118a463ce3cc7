//! A server: its listeners as one set, its accept loops, its end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base::{Clock, Random};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::admission::Admission;
use crate::bind::{BindError, bind, means_no_ipv6};
use crate::connection::{Accepted, Phase, reached, serve};
use crate::hops::TrustedHops;
use crate::limits::Limits;
use crate::service::{Handler, Shared};
use crate::tls::Tls;

/// Descriptors left for files, the store and outgoing connections when the number of connections is fitted to
/// what the process may open.
const OTHER_DESCRIPTORS: usize = 256;
/// Waits after a failed accept (no descriptor left, no memory), doubled up to the longest.
const SHORTEST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// A named place where connections are accepted.
#[derive(Debug, Clone)]
pub struct Listener {
    /// Its name in contexts, logs and errors.
    pub name: String,
    /// IPv4 and IPv6 addresses are listed one by one; port 0 takes a free one.
    pub addresses: Vec<SocketAddr>,
    /// What is spoken.
    pub protocol: Protocol,
}

/// What a listener speaks.
#[derive(Debug, Clone)]
pub enum Protocol {
    /// HTTP/2 or HTTP/1.1, by ALPN.
    Tls(Arc<Tls>),
    /// HTTP/1.1 without encryption, for the health probe.
    Plain,
}

/// Everything a server is made of, besides its handler.
pub struct Settings {
    /// All of them are bound, or none.
    pub listeners: Vec<Listener>,
    /// What peers may use up.
    pub limits: Limits,
    /// Whose word about addresses counts.
    pub trusted_hops: TrustedHops,
    /// Time of requests.
    pub clock: Arc<dyn Clock>,
    /// Randomness of activity ids.
    pub random: Arc<dyn Random>,
}

/// A server whose listeners are bound. The kernel queues connections until [`Server::serve`] takes them.
pub struct Server {
    sockets: Vec<BoundSocket>,
    settings: Settings,
}

struct BoundSocket {
    socket: TcpListener,
    name: Arc<str>,
    protocol: Protocol,
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still busy at the deadline and were cut.
    pub cut: usize,
}

impl Server {
    /// Binds all listeners. When one fails none stays open, and the error names each failed one and who holds
    /// its port. Needs a tokio runtime.
    pub fn bind(mut settings: Settings) -> Result<Self, BindError> {
        let mut sockets = Vec::new();
        let mut failures = Vec::new();
        for listener in &settings.listeners {
            let name: Arc<str> = listener.name.as_str().into();
            for address in &listener.addresses {
                match bind(&name, *address, settings.limits.backlog) {
                    Ok(socket) => {
                        let protocol = listener.protocol.clone();
                        sockets.push(BoundSocket { socket, name: name.clone(), protocol });
                    }
                    Err(failure) if listener.addresses.len() > 1 && means_no_ipv6(&failure) => {
                        tracing::warn!(%failure, "this machine has no IPv6");
                    }
                    Err(failure) => failures.push(failure),
                }
            }
        }
        if !failures.is_empty() {
            return Err(BindError(failures));
        }
        fit_to_machine(&mut settings.limits);
        Ok(Self { sockets, settings })
    }

    /// Name and address of each bound socket, in the order of the settings.
    pub fn addresses(&self) -> Vec<(Arc<str>, SocketAddr)> {
        let bound = |bound: &BoundSocket| Some((bound.name.clone(), bound.socket.local_addr().ok()?));
        self.sockets.iter().filter_map(bound).collect()
    }

    /// Serves until `shutdown` is ready, then closes the listeners, finishes the requests in progress, and
    /// cuts what is left after `drain_for`. A balancer in front wants the probe to fail for a while before
    /// `shutdown`: that is the caller's business.
    pub async fn serve<H: Handler>(
        self,
        handler: H,
        shutdown: impl Future<Output = ()>,
        drain_for: Duration,
    ) -> Drained {
        let Self { sockets, settings } = self;
        let Settings { limits, trusted_hops, clock, random, .. } = settings;
        let (to_phase, phase) = watch::channel(Phase::Serving);
        let places = limits.connections;
        let accepting = Arc::new(Accepting {
            admission: Admission::new(&limits),
            places: Arc::new(Semaphore::new(places)),
            turned_away: AtomicU64::new(0),
            shared: Arc::new(Shared {
                handler,
                limits,
                hops: trusted_hops,
                clock,
                random,
                requests: AtomicU64::new(0),
            }),
        });
        let mut loops = JoinSet::new();
        for socket in sockets {
            loops.spawn(accepting.clone().run(socket, phase.clone()));
        }
        shutdown.await;

        to_phase.send_replace(Phase::Draining);
        while loops.join_next().await.is_some() {}
        let all = u32::try_from(places).unwrap_or(u32::MAX);
        if timeout(drain_for, accepting.places.acquire_many(all)).await.is_ok() {
            return Drained { cut: 0 };
        }
        let cut = places.saturating_sub(accepting.places.available_permits());
        to_phase.send_replace(Phase::Cutting);
        // Every connection ends at its next poll; a handler that blocks its thread is not waited for.
        let _ = timeout(LONGEST_WAIT, accepting.places.acquire_many(all)).await;
        Drained { cut }
    }
}

/// What the accept loops share.
struct Accepting<H> {
    admission: Arc<Admission>,
    places: Arc<Semaphore>,
    turned_away: AtomicU64,
    shared: Arc<Shared<H>>,
}

impl<H: Handler> Accepting<H> {
    async fn run(self: Arc<Self>, socket: BoundSocket, mut phase: watch::Receiver<Phase>) {
        let mut wait = SHORTEST_WAIT;
        let connections = phase.clone();
        loop {
            // The place comes first: when there is none, connections wait in the kernel's queue.
            let next = async {
                let place = self.places.clone().acquire_owned().await;
                (place, socket.socket.accept().await)
            };
            let (place, accepted) = tokio::select! {
                next = next => next,
                () = reached(&mut phase, Phase::Draining) => return,
            };
            match (place, accepted) {
                (Ok(place), Ok((stream, peer))) => {
                    wait = SHORTEST_WAIT;
                    self.admit(&socket, stream, peer, place, connections.clone());
                }
                // The peer gave up before it was accepted.
                (Ok(_), Err(error)) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                (Ok(_), Err(error)) => {
                    if wait == SHORTEST_WAIT {
                        tracing::error!(listener = %socket.name, %error, "no connection can be accepted");
                    }
                    sleep(wait).await;
                    wait = wait.saturating_mul(2).min(LONGEST_WAIT);
                }
                (Err(_closed), _) => return,
            }
        }
    }

    fn admit(
        &self,
        socket: &BoundSocket,
        stream: TcpStream,
        peer: SocketAddr,
        place: OwnedSemaphorePermit,
        phase: watch::Receiver<Phase>,
    ) {
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let admitted = match self.admission.admit(peer.ip(), self.shared.hops.contains(peer.ip())) {
            Ok(admitted) => admitted,
            Err(excess) => {
                // A flood must not fill the log: the first, second, fourth … is written.
                let nth = self.turned_away.fetch_add(1, Ordering::Relaxed).saturating_add(1);
                if nth.is_power_of_two() {
                    tracing::warn!(listener = %socket.name, %peer, ?excess, so_far = nth, "connection closed");
                }
                return;
            }
        };
        let (listener, protocol) = (socket.name.clone(), socket.protocol.clone());
        let accepted = Accepted { stream, listener, protocol, peer, admitted };
        let shared = self.shared.clone();
        tokio::spawn(async move {
            serve(accepted, shared, phase).await;
            drop(place);
        });
    }
}

/// Lowers the limits to what the machine allows, and says so.
fn fit_to_machine(limits: &mut Limits) {
    let read = |path| std::fs::read_to_string(path).ok();
    if let Some(allowed) = read("/proc/self/limits").as_deref().and_then(descriptors) {
        let most = allowed.saturating_sub(OTHER_DESCRIPTORS).max(allowed / 2).max(1);
        if most < limits.connections {
            tracing::warn!(
                wanted = limits.connections,
                possible = most,
                "the process may open {allowed} descriptors only; raise LimitNOFILE (ulimit -n) for more connections"
            );
            limits.connections = most;
        }
    }
    let longest = read("/proc/sys/net/core/somaxconn").and_then(|text| text.trim().parse::<u32>().ok());
    if let Some(longest) = longest.filter(|longest| *longest < limits.backlog) {
        tracing::warn!(
            wanted = limits.backlog,
            possible = longest,
            "bursts of connections will be refused: raise net.core.somaxconn"
        );
    }
    limits.connections = limits.connections.clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
}

/// The soft limit on open files in `/proc/self/limits`.
fn descriptors(limits: &str) -> Option<usize> {
    let row = limits.lines().find_map(|row| row.strip_prefix("Max open files"))?;
    row.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Security case 98.
    #[test]
    fn the_limit_on_open_files_is_read() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
                    Max processes             95961                95961                processes \n\
                    Max open files            1024                 524288               files     \n";
        assert_eq!(descriptors(text), Some(1_024));
        assert_eq!(
            descriptors("Max open files            unlimited            unlimited            files\n"),
            None
        );
        assert_eq!(descriptors(""), None);
    }
}
