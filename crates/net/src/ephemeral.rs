//! The range from which outgoing connections take their ports: whether it threatens a listener, and how full
//! it is.

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::ops::RangeInclusive;

use crate::sockets::{Socket, owners, sockets};

/// Connections that are looked at.
const MOST_CONNECTIONS: usize = 300_000;

/// A listener's port that an outgoing connection may take while the listener is down: then the listener
/// cannot be bound for as long as that connection lives, and 60 s longer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "port {port} lies in the range {}-{} from which outgoing connections take their ports, and is not reserved: \
     run sysctl -w net.ipv4.ip_local_reserved_ports={reservation} and put the line '{}' into \
     /etc/sysctl.d/60-sekisho.conf",
    range.start(), range.end(), self.sysctl_line()
)]
pub struct EphemeralConflict {
    /// The port.
    pub port: u16,
    /// `net.ipv4.ip_local_port_range`.
    pub range: RangeInclusive<u16>,
    /// The machine's whole reservation list with the ports in conflict added, since the setting is one list.
    pub reservation: String,
}

impl EphemeralConflict {
    /// The line for a file in `/etc/sysctl.d` that ends this conflict, and those found with it.
    pub fn sysctl_line(&self) -> String {
        format!("net.ipv4.ip_local_reserved_ports = {}", self.reservation)
    }
}

/// Looks ports up in the machine's settings. Empty when all are safe, or the settings cannot be read. All
/// conflicts carry one reservation, which ends them together.
pub fn ephemeral_conflicts(ports: &[u16]) -> Vec<EphemeralConflict> {
    let Some((range, reserved)) = settings() else { return Vec::new() };
    conflicts(ports, &range, &reserved)
}

fn settings() -> Option<(String, String)> {
    let setting = |name: &str| fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).ok();
    Some((setting("ip_local_port_range")?, setting("ip_local_reserved_ports")?))
}

fn conflicts(ports: &[u16], range: &str, reserved: &str) -> Vec<EphemeralConflict> {
    let Some(range) = parse_range(range) else { return Vec::new() };
    let kept = parse_reserved(reserved);
    let mut unsafe_ports: Vec<u16> = ports.to_vec();
    unsafe_ports.retain(|port| range.contains(port) && !kept.iter().any(|block| block.contains(port)));
    unsafe_ports.sort_unstable();
    unsafe_ports.dedup();
    let mut reservation = vec![reserved.trim().to_owned()];
    reservation.extend(unsafe_ports.iter().map(u16::to_string));
    reservation.retain(|part| !part.is_empty());
    let reservation = reservation.join(",");
    let conflict = |port| EphemeralConflict { port, range: range.clone(), reservation: reservation.clone() };
    unsafe_ports.into_iter().map(conflict).collect()
}

fn parse_range(text: &str) -> Option<RangeInclusive<u16>> {
    let mut bounds = text.split_ascii_whitespace().map(str::parse::<u16>);
    match (bounds.next(), bounds.next()) {
        (Some(Ok(first)), Some(Ok(last))) => Some(first..=last),
        _ => None,
    }
}

fn parse_reserved(text: &str) -> Vec<RangeInclusive<u16>> {
    let block = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        Some(from.parse().ok()?..=to.parse().ok()?)
    };
    text.trim().split(',').filter_map(block).collect()
}

/// How much of the range is in use, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortUse {
    /// `net.ipv4.ip_local_port_range`.
    pub range: RangeInclusive<u16>,
    /// Ports of the range that connections may take: without the reserved ones.
    pub available: usize,
    /// Of these, ports in use, each counted once.
    pub used: usize,
    /// Who uses most, in falling order.
    pub top: Vec<PortUser>,
}

/// Connections of one process to one destination. A port can serve several destinations, so that a range is
/// exhausted for one destination first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortUser {
    /// Process id and name, where this process may see them; none of closed connections either, which the kernel
    /// keeps for 60 s (`TIME_WAIT`).
    pub process: Option<(u32, String)>,
    /// The destination; none of a listening socket.
    pub remote: Option<SocketAddr>,
    /// Sockets.
    pub count: usize,
}

impl PortUse {
    /// The share of the range that is in use, 0 to 1.
    pub fn share(&self) -> f64 {
        // Both are at most 65,536, which a float holds exactly.
        let float = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        if self.available == 0 { 1.0 } else { float(self.used) / float(self.available) }
    }
}

/// Reads the kernel's tables, which takes milliseconds with thousands of connections: call it every minute
/// or so, on a thread that may block. None where the settings cannot be read. `top` users are named.
pub fn port_use(top: usize) -> Option<PortUse> {
    let (range, reserved) = settings()?;
    let range = parse_range(&range)?;
    let in_range = sockets(|socket| range.contains(&socket.local.port()), MOST_CONNECTIONS);
    let owners = owners(&in_range);
    Some(count(range.clone(), &parse_reserved(&reserved), &in_range, &owners, top))
}

fn count(
    range: RangeInclusive<u16>,
    reserved: &[RangeInclusive<u16>],
    in_range: &[Socket],
    owners: &HashMap<u64, (u32, String)>,
    top: usize,
) -> PortUse {
    let is_free = |port: &u16| !reserved.iter().any(|block| block.contains(port));
    let mut ports: Vec<u16> = in_range.iter().map(|socket| socket.local.port()).filter(is_free).collect();
    ports.sort_unstable();
    ports.dedup();
    let mut users: HashMap<_, usize> = HashMap::new();
    for socket in in_range {
        let users = users.entry((owners.get(&socket.inode), socket.remote)).or_default();
        *users = users.saturating_add(1);
    }
    let mut users: Vec<_> = users.into_iter().collect();
    // Equal counts in a stable order, so that two readings of one state are the same.
    users.sort_by(|(one, n), (other, m)| m.cmp(n).then_with(|| one.cmp(other)));
    let user = |((process, remote), count): ((Option<&(u32, String)>, _), _)| PortUser {
        process: process.cloned(),
        remote,
        count,
    };
    PortUse {
        available: range.clone().filter(is_free).count(),
        used: ports.len(),
        top: users.into_iter().take(top).map(user).collect(),
        range,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Security case 98.
    #[test]
    fn ports_of_the_ephemeral_range_are_reported_with_the_line_that_reserves_them() {
        let found = conflicts(&[49443], "32768\t60999\n", "\n");
        assert_eq!(
            found[0].to_string(),
            "port 49443 lies in the range 32768-60999 from which outgoing connections take their ports, and is \
             not reserved: run sysctl -w net.ipv4.ip_local_reserved_ports=49443 and put the line \
             'net.ipv4.ip_local_reserved_ports = 49443' into /etc/sysctl.d/60-sekisho.conf"
        );
        let merged = conflicts(&[443, 49443, 32801, 49443, 49050], "32768 60999", "8080,49000-49100");
        let ports: Vec<_> = merged.iter().map(|conflict| conflict.port).collect();
        assert_eq!(ports, [32801, 49443]);
        for conflict in merged {
            assert_eq!(
                conflict.sysctl_line(),
                "net.ipv4.ip_local_reserved_ports = 8080,49000-49100,32801,49443"
            );
        }
        for (port, reserved) in [(443, ""), (49443, "49443"), (49443, "1,49000-50000"), (61000, "")] {
            assert_eq!(conflicts(&[port], "32768 60999", reserved), [], "{port} {reserved}");
        }
        assert_eq!(conflicts(&[49443], "", ""), []);
    }

    #[test]
    fn use_counts_ports_once_and_names_the_largest_users() {
        let socket = |port: u16, remote: &str, inode| Socket {
            local: SocketAddr::from(([10, 0, 0, 1], port)),
            remote: Some(remote.parse().unwrap()),
            state: "ESTABLISHED",
            inode,
        };
        let in_range = [
            socket(40_000, "10.0.0.9:389", 1),
            socket(40_001, "10.0.0.9:389", 2),
            socket(40_001, "10.0.0.8:389", 3),
            socket(40_002, "10.0.0.9:389", 0),
            socket(40_005, "10.0.0.9:443", 4),
        ];
        let owner = (7, "sekisho".to_owned());
        let owners = [(1, owner.clone()), (2, owner.clone()), (3, owner.clone())].into();
        let counted = count(40_000..=40_009, &[40_005..=40_006], &in_range, &owners, 2);
        assert_eq!((counted.available, counted.used), (8, 3));
        assert!((counted.share() - 0.375).abs() < 1e-9);
        let busiest =
            PortUser { process: Some(owner), remote: Some("10.0.0.9:389".parse().unwrap()), count: 2 };
        assert_eq!((counted.top.len(), &counted.top[0]), (2, &busiest));
        let full = PortUse { available: 0, ..counted };
        assert!((full.share() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_use_of_this_machine_is_read() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let remote = listener.local_addr().unwrap();
        let streams: Vec<_> = (0..5).map(|_| std::net::TcpStream::connect(remote).unwrap()).collect();
        let Some(used) = port_use(10_000) else {
            println!("skipped: this machine does not tell its range of ports");
            return;
        };
        assert!(used.used >= streams.len());
        let ours = used.top.iter().find(|user| user.remote == Some(remote)).unwrap();
        assert_eq!(ours.count, streams.len());
        assert_eq!(ours.process.as_ref().unwrap().0, std::process::id());
    }
}
