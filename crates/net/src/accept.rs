//! The accept loop of one open socket.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::sleep;

use crate::admission::Admission;
use crate::connection::{Accepted, Phase, reached, serve};
use crate::server::Protocol;
use crate::service::{Handler, Shared};

/// Waits after a failed accept (no descriptor left, no memory), doubled up to the longest.
const SHORTEST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// What connections of a listener have in common.
#[derive(Debug, Clone)]
pub(crate) struct Entrance {
    pub(crate) name: Arc<str>,
    pub(crate) protocol: Protocol,
    pub(crate) proxy_protocol: bool,
}

/// Why no more connections are accepted.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The listener was asked to close.
    Asked,
    /// The socket does not listen any more.
    Died(io::Error),
}

/// What accepts connections, whoever answers their requests.
pub(crate) trait Accept: Send + Sync {
    /// Accepts until the phase is over or the socket fails.
    fn accept<'a>(
        &'a self,
        socket: TcpListener,
        entrance: &'a Entrance,
        phase: watch::Receiver<Phase>,
    ) -> BoxFuture<'a, Ended>;
}

/// What the accept loops of a server share.
pub(crate) struct Accepting<H> {
    pub(crate) admission: Arc<Admission>,
    pub(crate) places: Arc<Semaphore>,
    pub(crate) turned_away: AtomicU64,
    pub(crate) shared: Arc<Shared<H>>,
}

impl<H: Handler> Accept for Accepting<H> {
    fn accept<'a>(
        &'a self,
        socket: TcpListener,
        entrance: &'a Entrance,
        phase: watch::Receiver<Phase>,
    ) -> BoxFuture<'a, Ended> {
        Box::pin(self.run(socket, entrance, phase))
    }
}

impl<H: Handler> Accepting<H> {
    async fn run(
        &self,
        socket: TcpListener,
        entrance: &Entrance,
        mut phase: watch::Receiver<Phase>,
    ) -> Ended {
        let mut wait = SHORTEST_WAIT;
        let connections = phase.clone();
        loop {
            // The place comes first: when there is none, connections wait in the kernel's queue.
            let next = async {
                let place = self.places.clone().acquire_owned().await;
                (place, socket.accept().await)
            };
            let (place, accepted) = tokio::select! {
                next = next => next,
                () = reached(&mut phase, Phase::Draining) => return Ended::Asked,
            };
            match (place, accepted) {
                (Ok(place), Ok((stream, peer))) => {
                    wait = SHORTEST_WAIT;
                    self.admit(entrance, stream, peer, place, connections.clone());
                }
                // The peer gave up before it was accepted.
                (Ok(_), Err(error)) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                (Ok(_), Err(error)) if means_closed(&error) => return Ended::Died(error),
                (Ok(_), Err(error)) => {
                    if wait == SHORTEST_WAIT {
                        tracing::error!(listener = %entrance.name, %error, "no connection can be accepted");
                    }
                    sleep(wait).await;
                    wait = wait.saturating_mul(2).min(LONGEST_WAIT);
                }
                (Err(_closed), _) => return Ended::Asked,
            }
        }
    }

    fn admit(
        &self,
        entrance: &Entrance,
        stream: TcpStream,
        peer: SocketAddr,
        place: OwnedSemaphorePermit,
        phase: watch::Receiver<Phase>,
    ) {
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let hops = &self.shared.hops;
        let admitted = match self.admission.admit(peer.ip(), hops.contains(peer.ip())) {
            Ok(admitted) => admitted,
            Err(excess) => {
                // A flood must not fill the log: the first, second, fourth … is written.
                let nth = self.turned_away.fetch_add(1, Ordering::Relaxed).saturating_add(1);
                if nth.is_power_of_two() {
                    tracing::warn!(listener = %entrance.name, %peer, ?excess, so_far = nth, "connection closed");
                }
                return;
            }
        };
        let proxied = entrance.proxy_protocol && hops.is_load_balancer(peer.ip());
        let (listener, protocol) = (entrance.name.clone(), entrance.protocol.clone());
        let accepted = Accepted { stream, listener, protocol, peer, proxied, admitted };
        let shared = self.shared.clone();
        tokio::spawn(async move {
            serve(accepted, shared, phase).await;
            drop(place);
        });
    }
}

/// Whether no later accept can succeed, because the socket does not listen: EBADF, EINVAL, ENOTSOCK, EOPNOTSUPP.
/// Everything else (no descriptor or memory left, an error of the connection accepted) passes.
fn means_closed(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(9 | 22 | 88 | 95))
}
