//! Opening the sockets of listeners, and saying why one cannot be opened.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Socket, TcpKeepalive, Type};
use tokio::net::TcpListener;

use crate::accept::Entrance;
use crate::port::{Holder, port_holders};
use crate::server::Listener;

/// How long sent data may stay unacknowledged, and a quiet connection unprobed.
const PEER_GONE_AFTER: Duration = Duration::from_secs(30);

/// A listener that could not be bound. Its text is that of event 102.
#[derive(Debug)]
pub struct BindFailure {
    /// Name of the listener, as configured.
    pub listener: String,
    /// The address it was to listen at.
    pub address: SocketAddr,
    /// What the system answered.
    pub error: io::Error,
    /// Who holds the port, where the kernel tells.
    pub holders: Vec<Holder>,
}

impl fmt::Display for BindFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { listener, address, error, holders } = self;
        write!(f, "the listener '{listener}' cannot listen at {address}: ")?;
        match (error.kind(), holders.first()) {
            (io::ErrorKind::AddrInUse, Some(holder)) => write!(f, "{holder}"),
            (io::ErrorKind::AddrInUse, None) => write!(f, "port {} is in use", address.port()),
            (io::ErrorKind::AddrNotAvailable, _) => {
                write!(f, "this machine does not have the address {}", address.ip())
            }
            (io::ErrorKind::PermissionDenied, _) => {
                write!(f, "port {} needs the capability CAP_NET_BIND_SERVICE", address.port())
            }
            _ => write!(f, "{error}"),
        }
    }
}

/// Addresses that could not be bound. Of what was to be opened with them nothing is open.
#[derive(Debug)]
pub struct BindError(pub Vec<Arc<BindFailure>>);

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, failure) in self.0.iter().enumerate() {
            write!(f, "{}{failure}", if nth == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for BindError {}

/// One address of a listener, and what came of the first try to bind it.
pub(crate) struct Tried {
    pub(crate) entrance: Entrance,
    pub(crate) address: SocketAddr,
    pub(crate) outcome: Outcome,
}

/// What came of a try to bind.
pub(crate) enum Outcome {
    Bound(TcpListener),
    /// The IPv6 wildcard beside another address, on a machine without IPv6.
    Absent,
    Failed(Arc<BindFailure>),
}

impl Outcome {
    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Bound(socket) => socket.local_addr().ok(),
            Self::Absent | Self::Failed(_) => None,
        }
    }

    pub(crate) fn take_failure(&mut self) -> Option<Arc<BindFailure>> {
        match std::mem::replace(self, Self::Absent) {
            Self::Failed(failure) => Some(failure),
            other => {
                *self = other;
                None
            }
        }
    }
}

/// Tries each address of a listener once; one that is listed twice counts once. `only`: the listener has no
/// other address.
pub(crate) fn try_all(listener: &Listener, only: bool, backlog: u32) -> Vec<Tried> {
    let entrance = Entrance {
        name: listener.name.as_str().into(),
        protocol: listener.protocol.clone(),
        proxy_protocol: listener.proxy_protocol,
    };
    let outcome = |address| match bind(&entrance.name, address, backlog) {
        Ok(socket) => Outcome::Bound(socket),
        Err(failure) if !only && means_no_ipv6(&failure) => {
            tracing::warn!(%failure, "this machine has no IPv6");
            Outcome::Absent
        }
        Err(failure) => Outcome::Failed(failure.into()),
    };
    let tried = |address| Tried { outcome: outcome(address), entrance: entrance.clone(), address };
    distinct(&listener.addresses).into_iter().map(tried).collect()
}

/// The addresses in order, each once.
pub(crate) fn distinct(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let mut seen = Vec::new();
    for address in addresses {
        if !seen.contains(address) {
            seen.push(*address);
        }
    }
    seen
}

/// Opens one listener. IPv4 and IPv6 have sockets of their own, and no second process can share the port.
pub(crate) fn bind(name: &str, address: SocketAddr, backlog: u32) -> Result<TcpListener, BindFailure> {
    open(address, backlog).map_err(|error| BindFailure {
        listener: name.to_owned(),
        address,
        holders: if error.kind() == io::ErrorKind::AddrInUse { port_holders(address) } else { vec![] },
        error,
    })
}

fn open(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    // Accepted sockets inherit these: small answers leave at once, and a peer that vanished is noticed.
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_user_timeout(Some(PEER_GONE_AFTER))?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(PEER_GONE_AFTER))?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    TcpListener::from_std(socket.into())
}

/// Whether the failure means that this machine has no IPv6, which is no failure of a wildcard listener that
/// is bound for IPv4.
fn means_no_ipv6(failure: &BindFailure) -> bool {
    // EAFNOSUPPORT has no `ErrorKind`.
    const EAFNOSUPPORT: i32 = 97;
    let absent = failure.error.raw_os_error() == Some(EAFNOSUPPORT)
        || failure.error.kind() == io::ErrorKind::AddrNotAvailable;
    absent && failure.address.ip() == IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED)
}
