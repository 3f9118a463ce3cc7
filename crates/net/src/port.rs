//! Who holds a port.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::sockets::{Socket, owners, sockets};

/// Sockets of one port that are looked at.
const MOST_SOCKETS: usize = 10_000;
/// Holders that are named.
const MOST_HOLDERS: usize = 100;

/// A socket that keeps a port from being bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Local address of the socket.
    pub local: SocketAddr,
    /// The other end, where the socket is a connection: an outgoing connection may have taken the port for its
    /// own end.
    pub remote: Option<SocketAddr>,
    /// `LISTEN`, `ESTABLISHED`, `TIME_WAIT` … as the kernel has it.
    pub state: &'static str,
    /// Process id and name, where this process may see them.
    pub process: Option<(u32, String)>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { local, remote, state, process } = self;
        match process {
            Some((id, name)) => write!(f, "process {id} ({name}) holds {local}")?,
            None if *state == "TIME_WAIT" => {
                write!(f, "a closed connection, which the kernel keeps for up to 60 s, holds {local}")?;
            }
            None => write!(f, "a process of another user holds {local}")?,
        }
        if let Some(remote) = remote {
            write!(f, " → {remote}")?;
        }
        write!(f, " ({state})")
    }
}

/// The sockets that keep `address` from being bound, listeners first, then connections that live: those at the
/// same address, or at any where one of the two is a wildcard. At most 100. Empty where `/proc` tells nothing,
/// and for a socket that is bound and neither listens nor is connected, which the kernel's tables leave out.
pub fn port_holders(address: SocketAddr) -> Vec<Holder> {
    let mut found = sockets(|socket| is_in_the_way(socket, address), MOST_SOCKETS);
    found.sort_by_key(|socket| match socket.state {
        "LISTEN" => 0,
        "TIME_WAIT" => 2,
        _ => 1,
    });
    found.truncate(MOST_HOLDERS);
    let owners = owners(&found);
    let holder = |socket: Socket| Holder {
        local: socket.local,
        remote: socket.remote,
        state: socket.state,
        process: owners.get(&socket.inode).cloned(),
    };
    found.into_iter().map(holder).collect()
}

fn is_in_the_way(socket: &Socket, address: SocketAddr) -> bool {
    if socket.local.port() != address.port() {
        return false;
    }
    let (theirs, ours) = (socket.local.ip(), address.ip());
    // A socket at [::] may be one of both families; the tables do not tell.
    let both = theirs == IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED);
    let same_family = theirs.is_ipv4() == ours.is_ipv4();
    theirs == ours || both || (same_family && (theirs.is_unspecified() || ours.is_unspecified()))
}

/// Whether two listeners cannot be open at these addresses at once.
pub(crate) fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port()
        && one.port() != 0
        && one.is_ipv4() == other.is_ipv4()
        && (one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(remote: Option<&str>, state: &'static str, process: Option<(u32, &str)>) -> String {
        let remote = remote.map(|remote| remote.parse().unwrap());
        let process = process.map(|(id, name)| (id, name.to_owned()));
        Holder { local: "10.0.0.1:49443".parse().unwrap(), remote, state, process }.to_string()
    }

    /// Security case 98.
    #[test]
    fn a_holder_is_named_with_both_ends_of_its_connection() {
        assert_eq!(
            holder(Some("10.0.0.9:443"), "ESTABLISHED", Some((4711, "curl"))),
            "process 4711 (curl) holds 10.0.0.1:49443 → 10.0.0.9:443 (ESTABLISHED)"
        );
        assert_eq!(
            holder(None, "LISTEN", Some((4711, "nc"))),
            "process 4711 (nc) holds 10.0.0.1:49443 (LISTEN)"
        );
        assert_eq!(
            holder(Some("10.0.0.9:443"), "TIME_WAIT", None),
            "a closed connection, which the kernel keeps for up to 60 s, holds 10.0.0.1:49443 → \
             10.0.0.9:443 (TIME_WAIT)"
        );
        assert_eq!(holder(None, "LISTEN", None), "a process of another user holds 10.0.0.1:49443 (LISTEN)");
    }

    /// Security case 98.
    #[test]
    fn the_process_that_holds_a_port_is_found() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        for wanted in ["127.0.0.1", "0.0.0.0"] {
            let holders = port_holders(format!("{wanted}:{port}").parse().unwrap());
            assert_eq!((holders[0].state, holders[0].remote), ("LISTEN", None), "{wanted}");
            assert_eq!(holders[0].process.as_ref().unwrap().0, std::process::id());
        }
        // Another address of the machine is free.
        assert_eq!(port_holders(format!("127.0.0.2:{port}").parse().unwrap()), []);
    }

    #[test]
    fn addresses_overlap_within_a_family_only() {
        for (one, other, expected) in [
            ("0.0.0.0:443", "127.0.0.1:443", true),
            ("127.0.0.1:443", "127.0.0.1:443", true),
            ("127.0.0.1:443", "127.0.0.2:443", false),
            ("0.0.0.0:443", "0.0.0.0:444", false),
            ("[::]:443", "0.0.0.0:443", false),
            ("[::]:443", "[::1]:443", true),
            ("0.0.0.0:0", "0.0.0.0:0", false),
        ] {
            assert_eq!(overlap(one.parse().unwrap(), other.parse().unwrap()), expected, "{one} {other}");
        }
    }
}
