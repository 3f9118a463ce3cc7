//! Who holds a port, and whether an outgoing connection might take it: read from `/proc`.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::Path;

/// A socket that keeps a port from being bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Local address of the socket.
    pub local: SocketAddr,
    /// `LISTEN`, `ESTABLISHED`, `TIME_WAIT` … as the kernel has it.
    pub state: &'static str,
    /// Process id and name, where this process may see them.
    pub process: Option<(u32, String)>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.process {
            Some((id, name)) => write!(f, "process {id} ({name}) holds {} ({})", self.local, self.state),
            None if self.state == "TIME_WAIT" => {
                write!(
                    f,
                    "{} belongs to a closed connection that the kernel keeps for up to 60 s",
                    self.local
                )
            }
            None => write!(f, "a process of another user holds {} ({})", self.local, self.state),
        }
    }
}

/// All sockets with `port` as their local port, listeners first. Empty where `/proc` tells nothing.
pub fn port_holders(port: u16) -> Vec<Holder> {
    let mut sockets: Vec<_> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .flat_map(|table| sockets(&table, port))
        .collect();
    sockets.sort_by_key(|socket| socket.state != "LISTEN");
    let owners = owners(Path::new("/proc"), &sockets.iter().map(|socket| socket.inode).collect());
    let process = |inode| owners.iter().find(|owner| owner.inode == inode).map(|o| (o.id, o.name.clone()));
    sockets
        .into_iter()
        .map(|socket| Holder { local: socket.local, state: socket.state, process: process(socket.inode) })
        .collect()
}

#[derive(Debug, PartialEq, Eq)]
struct Socket {
    local: SocketAddr,
    state: &'static str,
    inode: u64,
}

/// Rows of `/proc/net/tcp` or `tcp6` with that local port.
fn sockets(table: &str, port: u16) -> Vec<Socket> {
    table.lines().skip(1).filter_map(socket).filter(|socket| socket.local.port() == port).collect()
}

/// `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …`, addresses as hexadecimal
/// words in the machine's order.
fn socket(row: &str) -> Option<Socket> {
    const STATES: [&str; 12] = [
        "ESTABLISHED",
        "SYN_SENT",
        "SYN_RECV",
        "FIN_WAIT1",
        "FIN_WAIT2",
        "TIME_WAIT",
        "CLOSE",
        "CLOSE_WAIT",
        "LAST_ACK",
        "LISTEN",
        "CLOSING",
        "NEW_SYN_RECV",
    ];
    let mut columns = row.split_ascii_whitespace().skip(1);
    let (address, port) = columns.next()?.split_once(':')?;
    let state = usize::from_str_radix(columns.nth(1)?, 16).ok()?;
    let inode = columns.nth(5)?.parse().ok()?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let words: Option<Vec<[u8; 4]>> = address
        .as_bytes()
        .chunks(8)
        .map(|word| Some(u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?.to_ne_bytes()))
        .collect();
    let bytes = words?.concat();
    let local = match (<[u8; 4]>::try_from(&*bytes), <[u8; 16]>::try_from(&*bytes)) {
        (Ok(v4), _) => SocketAddr::from((v4, port)),
        (_, Ok(v6)) => SocketAddr::from((v6, port)),
        _ => return None,
    };
    Some(Socket { local, state: STATES.get(state.checked_sub(1)?)?, inode })
}

struct Owner {
    inode: u64,
    id: u32,
    name: String,
}

/// Processes that have one of the sockets open. Those of other users cannot be looked into and are left out.
fn owners(proc: &Path, inodes: &HashSet<u64>) -> Vec<Owner> {
    let mut owners = Vec::new();
    for entry in fs::read_dir(proc).into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        for descriptor in fs::read_dir(entry.path().join("fd")).into_iter().flatten().flatten() {
            let inode = fs::read_link(descriptor.path()).ok().and_then(|target| {
                target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse::<u64>().ok()
            });
            if let Some(inode) = inode.filter(|inode| inodes.contains(inode)) {
                let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
                owners.push(Owner { inode, id, name: name.trim().to_owned() });
            }
        }
    }
    owners
}

/// A listener's port that an outgoing connection may take while the listener is down: then the listener
/// cannot be bound for as long as that connection lives, and 60 s longer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "port {port} lies in the range {}-{} from which outgoing connections take their ports, and is not reserved: \
     sysctl -w net.ipv4.ip_local_reserved_ports={reservation}",
    range.start(), range.end()
)]
pub struct EphemeralConflict {
    /// The port.
    pub port: u16,
    /// `net.ipv4.ip_local_port_range`.
    pub range: RangeInclusive<u16>,
    /// The whole reservation list with the port added, since the setting is one list.
    pub reservation: String,
}

/// Looks `port` up in the machine's settings. None when it is safe, or the settings cannot be read.
pub fn ephemeral_conflict(port: u16) -> Option<EphemeralConflict> {
    let setting = |name: &str| fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).ok();
    conflict(port, &setting("ip_local_port_range")?, &setting("ip_local_reserved_ports")?)
}

fn conflict(port: u16, range: &str, reserved: &str) -> Option<EphemeralConflict> {
    let mut bounds = range.split_ascii_whitespace().map(str::parse::<u16>);
    let (Some(Ok(first)), Some(Ok(last))) = (bounds.next(), bounds.next()) else { return None };
    let range = first..=last;
    let reserved = reserved.trim();
    let is_reserved = reserved.split(',').any(|part| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        matches!((from.parse::<u16>(), to.parse::<u16>()), (Ok(from), Ok(to)) if (from..=to).contains(&port))
    });
    if !range.contains(&port) || is_reserved {
        return None;
    }
    let separator = if reserved.is_empty() { "" } else { "," };
    Some(EphemeralConflict { port, range, reservation: format!("{reserved}{separator}{port}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_kernels_tables_are_read() {
        let v4 = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:C123 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0\n\
             1: 0A0A007F:C123 0100007F:01BB 06 00000000:00000000 03:00000F00 00000000     0        0 0 3 0\n\
             2: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1 0\n";
        let read = sockets(v4, 0xc123);
        assert_eq!(read.len(), 2);
        assert_eq!(
            read[0],
            Socket { local: "127.0.0.1:49443".parse().unwrap(), state: "LISTEN", inode: 4711 }
        );
        assert_eq!(read[1].local.to_string(), "127.0.10.10:49443");
        assert_eq!(read[1].state, "TIME_WAIT");
        let v6 = "head\n 0: 00000000000000000000000001000000:C123 00000000000000000000000000000000:0000 01 \
                  00000000:00000000 00:00000000 00000000 0 0 9 1\n broken row\n 1: xx:C123 0:0 0A\n";
        assert_eq!(sockets(v6, 0xc123)[0].local.to_string(), "[::1]:49443");
    }

    /// Security case 98.
    #[test]
    fn a_port_of_the_ephemeral_range_is_reported_with_the_command_that_reserves_it() {
        let found = conflict(49443, "32768\t60999\n", "\n").unwrap();
        assert!(found.to_string().ends_with("sysctl -w net.ipv4.ip_local_reserved_ports=49443"), "{found}");
        let merged = conflict(49443, "32768 60999", "8080,49000-49100").unwrap();
        assert_eq!(merged.reservation, "8080,49000-49100,49443");
        for (port, reserved) in [(443, ""), (49443, "49443"), (49443, "1,49000-50000"), (61000, "")] {
            assert_eq!(conflict(port, "32768 60999", reserved), None, "{port} {reserved}");
        }
        assert_eq!(conflict(49443, "", ""), None);
    }

    /// Security case 98.
    #[test]
    fn the_process_that_holds_a_port_is_found() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let holders = port_holders(socket.local_addr().unwrap().port());
        assert_eq!(holders[0].state, "LISTEN");
        assert_eq!(holders[0].process.as_ref().unwrap().0, std::process::id());
    }
}
