//! The kernel's tables of TCP sockets, and the processes behind them: read from `/proc`.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;

/// Rows that are looked at; a machine with more sockets is not described to the last one.
const MOST_ROWS: usize = 1_000_000;
/// Descriptors of other processes that are looked at.
const MOST_DESCRIPTORS: usize = 1_000_000;

/// One TCP socket of this network namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Socket {
    pub(crate) local: SocketAddr,
    /// None of a listening socket.
    pub(crate) remote: Option<SocketAddr>,
    /// `LISTEN`, `ESTABLISHED`, `TIME_WAIT` … as the kernel has it.
    pub(crate) state: &'static str,
    /// 0 when no process has it any more.
    pub(crate) inode: u64,
}

/// All sockets that `wanted` says yes to, at most `most`. Empty where `/proc` tells nothing.
pub(crate) fn sockets(wanted: impl Fn(&Socket) -> bool, most: usize) -> Vec<Socket> {
    let mut found = Vec::new();
    for path in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let Ok(table) = File::open(path) else { continue };
        read_table(BufReader::new(table), &wanted, most, &mut found);
    }
    found
}

fn read_table(table: impl BufRead, wanted: impl Fn(&Socket) -> bool, most: usize, found: &mut Vec<Socket>) {
    // The first row is the heading.
    for row in table.lines().take(MOST_ROWS).skip(1).map_while(Result::ok) {
        if found.len() >= most {
            return;
        }
        found.extend(socket(&row).filter(&wanted));
    }
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
    let local = address(columns.next()?)?;
    let remote = address(columns.next()?)?;
    let state = usize::from_str_radix(columns.next()?, 16).ok()?;
    let inode = columns.nth(5)?.parse().ok()?;
    let state = *STATES.get(state.checked_sub(1)?)?;
    Some(Socket { local, remote: (state != "LISTEN").then_some(remote), state, inode })
}

fn address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let words: Option<Vec<[u8; 4]>> = address
        .as_bytes()
        .chunks(8)
        .map(|word| Some(u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?.to_ne_bytes()))
        .collect();
    let bytes = words?.concat();
    match (<[u8; 4]>::try_from(&*bytes), <[u8; 16]>::try_from(&*bytes)) {
        (Ok(v4), _) => Some(SocketAddr::from((v4, port))),
        (_, Ok(v6)) => {
            let address = SocketAddr::from((v6, port));
            Some(SocketAddr::new(address.ip().to_canonical(), port))
        }
        _ => None,
    }
}

/// The process, id and name, of each socket. Those of other users cannot be looked into and are left out.
pub(crate) fn owners(sockets: &[Socket]) -> HashMap<u64, (u32, String)> {
    let wanted: HashSet<u64> =
        sockets.iter().map(|socket| socket.inode).filter(|inode| *inode != 0).collect();
    owners_in(Path::new("/proc"), &wanted)
}

fn owners_in(proc: &Path, wanted: &HashSet<u64>) -> HashMap<u64, (u32, String)> {
    let mut owners = HashMap::new();
    let mut left = MOST_DESCRIPTORS;
    for entry in fs::read_dir(proc).into_iter().flatten().flatten() {
        if owners.len() == wanted.len() || left == 0 {
            break;
        }
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let mut name = None;
        for descriptor in fs::read_dir(entry.path().join("fd")).into_iter().flatten().flatten().take(left) {
            left = left.saturating_sub(1);
            let Ok(target) = fs::read_link(descriptor.path()) else { continue };
            let Some(inode) = target.to_str().and_then(inode).filter(|inode| wanted.contains(inode)) else {
                continue;
            };
            let name = name.get_or_insert_with(|| {
                let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
                name.trim().to_owned()
            });
            owners.insert(inode, (id, name.clone()));
        }
    }
    owners
}

fn inode(link: &str) -> Option<u64> {
    link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(table: &str, port: u16) -> Vec<Socket> {
        let mut found = Vec::new();
        read_table(table.as_bytes(), |socket| socket.local.port() == port, 100, &mut found);
        found
    }

    #[test]
    fn rows_of_the_kernels_tables_are_read() {
        let v4 = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:C123 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0\n\
             1: 0A0A007F:C123 0100007F:01BB 06 00000000:00000000 03:00000F00 00000000     0        0 0 3 0\n\
             2: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1 0\n";
        let rows = read(v4, 0xc123);
        assert_eq!(rows.len(), 2);
        let local = "127.0.0.1:49443".parse().unwrap();
        assert_eq!(rows[0], Socket { local, remote: None, state: "LISTEN", inode: 4711 });
        assert_eq!(rows[1].local.to_string(), "127.0.10.10:49443");
        assert_eq!(rows[1].remote.unwrap().to_string(), "127.0.0.1:443");
        assert_eq!(rows[1].state, "TIME_WAIT");
        let v6 = "head\n 0: 00000000000000000000000001000000:C123 00000000000000000000000000000000:0000 01 \
                  00000000:00000000 00:00000000 00000000 0 0 9 1\n broken row\n 1: xx:C123 0:0 0A\n \
                  2: 0000000000000000FFFF00000100007F:C123 0000000000000000FFFF00000100007F:01BB 01 \
                  00000000:00000000 00:00000000 00000000 0 0 10 1\n";
        let rows: Vec<_> = read(v6, 0xc123).iter().map(|socket| socket.local.to_string()).collect();
        assert_eq!(rows, ["[::1]:49443", "127.0.0.1:49443"]);
    }

    #[test]
    fn no_more_rows_than_asked_for_are_kept() {
        let row = " 0: 0100007F:C123 00000000:0000 0A 0:0 00:0 0 0 0 4711 1\n";
        let table = "head\n".to_owned() + &row.repeat(50);
        let mut found = Vec::new();
        read_table(table.as_bytes(), |_| true, 7, &mut found);
        assert_eq!(found.len(), 7);
    }
}
