//! A server: what it is made of, and its start.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use base::{Clock, Random};
use tokio::sync::Semaphore;

use crate::accept::Accepting;
use crate::admission::Admission;
use crate::bind::{BindError, Tried, try_all};
use crate::handle::ServerHandle;
use crate::hops::TrustedHops;
use crate::limits::Limits;
use crate::service::{Handler, Shared};
use crate::tls::Tls;

/// Descriptors left for files, the store and outgoing connections when the number of connections is fitted to
/// what the process may open.
const OTHER_DESCRIPTORS: usize = 256;

/// A named place where connections are accepted.
#[derive(Debug, Clone)]
pub struct Listener {
    /// Its name in contexts, logs and errors.
    pub name: String,
    /// IPv4 and IPv6 addresses are listed one by one; port 0 takes a free one.
    pub addresses: Vec<SocketAddr>,
    /// What is spoken.
    pub protocol: Protocol,
    /// Whether connections from [`TrustedHops::load_balancers`] begin with a PROXY header (version 1 or 2) that
    /// names the client. One from there without it is closed; one from elsewhere is the client's own, and a
    /// header on it is refused like any other garbage.
    pub proxy_protocol: bool,
}

/// What a listener speaks.
#[derive(Debug, Clone)]
pub enum Protocol {
    /// HTTP/2 or HTTP/1.1, by ALPN.
    Tls(Arc<Tls>),
    /// HTTP/1.1 without encryption, for the health probe.
    Plain,
}

impl Protocol {
    pub(crate) fn scheme(&self) -> &'static str {
        match self {
            Self::Tls(_) => "https",
            Self::Plain => "http",
        }
    }
}

/// Everything a server is made of, besides its handler.
pub struct Settings {
    /// Each with a name of its own.
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

/// A server whose listeners are bound, or as many as can be. The kernel queues connections until
/// [`Server::start`] takes them.
pub struct Server {
    settings: Settings,
    tried: Vec<Tried>,
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
    pub fn bind(settings: Settings) -> Result<Self, BindError> {
        let mut server = Self::bind_available(settings);
        let mut failures = Vec::new();
        for tried in &mut server.tried {
            failures.extend(tried.outcome.take_failure());
        }
        if failures.is_empty() { Ok(server) } else { Err(BindError(failures)) }
    }

    /// Binds what can be bound. Once the server is started, what could not be is tried again for ever; see
    /// [`ServerHandle::snapshot`] and [`ServerHandle::watch`]. Needs a tokio runtime.
    pub fn bind_available(mut settings: Settings) -> Self {
        let backlog = settings.limits.backlog;
        let try_all = |listener: &Listener| try_all(listener, listener.addresses.len() == 1, backlog);
        let tried = settings.listeners.iter().flat_map(try_all).collect();
        fit_to_machine(&mut settings.limits);
        Self { settings, tried }
    }

    /// Name and address of each bound socket, in the order of the settings.
    pub fn addresses(&self) -> Vec<(Arc<str>, SocketAddr)> {
        let bound = |tried: &Tried| Some((tried.entrance.name.clone(), tried.outcome.local_addr()?));
        self.tried.iter().filter_map(bound).collect()
    }

    /// Serves what is bound and goes on trying the rest, until [`ServerHandle::drain`] or until the last handle
    /// is dropped.
    pub fn start<H: Handler>(self, handler: H) -> ServerHandle {
        let Settings { limits, trusted_hops, clock, random, .. } = self.settings;
        let (places, backlog) = (limits.connections, limits.backlog);
        let accepting = Accepting {
            admission: Admission::new(&limits),
            places: Arc::new(Semaphore::new(places)),
            turned_away: AtomicU64::new(0),
            shared: Arc::new(Shared {
                handler,
                limits,
                hops: trusted_hops,
                clock: clock.clone(),
                random: random.clone(),
                requests: AtomicU64::new(0),
            }),
        };
        let free_places = accepting.places.clone();
        ServerHandle::start(self.tried, Arc::new(accepting), (places, free_places), backlog, clock, random)
    }

    /// [`Server::start`], then [`ServerHandle::drain`] as soon as `shutdown` is ready. A balancer in front wants
    /// the probe to fail for a while before `shutdown`: that is the caller's business.
    pub async fn serve<H: Handler>(
        self,
        handler: H,
        shutdown: impl Future<Output = ()>,
        drain_for: Duration,
    ) -> Drained {
        let handle = self.start(handler);
        shutdown.await;
        handle.drain(drain_for).await
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
