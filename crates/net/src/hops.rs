//! Which address a request really came from.
//!
//! A header that names an address is only as good as who wrote it. `X-Forwarded-For` is read from load
//! balancers, the `X-MS-*` headers from proxies, and nobody else is believed. Lists are walked from the
//! right, the end that the nearest hop wrote; the first address that is no trusted hop is the client, and
//! what stands left of it was written by the client.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::HeaderMap;

/// Entries of one list that are looked at; a longer list ends the walk.
const LONGEST_WALK: usize = 32;

/// A block of addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// The text is not a block of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a block of addresses; expected one like 10.0.0.0/8, 2001:db8::/32 or 192.0.2.7")]
pub struct NetworkError(String);

impl Network {
    /// Whether `address` lies in the block. IPv4-mapped IPv6 addresses count as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (mine, theirs, width) = match (self.address, address.to_canonical()) {
            (IpAddr::V4(mine), IpAddr::V4(theirs)) => (mine.to_bits().into(), theirs.to_bits().into(), 32),
            (IpAddr::V6(mine), IpAddr::V6(theirs)) => (mine.to_bits(), theirs.to_bits(), 128),
            _ => return false,
        };
        let differing: u128 = mine ^ theirs;
        differing.checked_shr(width - u32::from(self.prefix)).unwrap_or(0) == 0
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let error = || NetworkError(text.chars().take(64).collect());
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().map_err(|_| error())?)),
            None => (text.trim(), None),
        };
        let address = address.parse::<IpAddr>().map_err(|_| error())?.to_canonical();
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(width);
        if prefix > width { Err(error()) } else { Ok(Self { address, prefix }) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// How load balancers name their clients in a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ForwardingHeader {
    /// `X-Forwarded-For: 198.51.100.4`.
    #[default]
    XForwardedFor,
    /// `Forwarded: for=198.51.100.4` (RFC 7239).
    Forwarded,
}

/// Whom this server believes about addresses. Empty by default: nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedHops {
    /// Load balancers that add `header`, or speak the PROXY protocol to listeners that take it.
    pub load_balancers: Vec<Network>,
    /// The header that the load balancers add. The other is not read: a balancer hands it on as the client
    /// wrote it.
    pub header: ForwardingHeader,
    /// Federation proxies that send `X-MS-Forwarded-Client-IP`, `X-MS-Proxy` and
    /// `X-MS-Endpoint-Absolute-Path`.
    pub proxies: Vec<Network>,
}

impl TrustedHops {
    /// Whether `address` is a hop of either kind, so that many users may share it.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.is_load_balancer(address) || self.is_proxy(address)
    }

    pub(crate) fn is_load_balancer(&self, address: IpAddr) -> bool {
        self.load_balancers.iter().any(|network| network.contains(address))
    }

    fn is_proxy(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|network| network.contains(address))
    }
}

/// The addresses of one request, as far as they can be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientAddresses {
    /// Who is at the other end of the connection, or of the load balancer's (`x-ms-client-ip`): the client
    /// itself, or the proxy.
    pub connected: IpAddr,
    /// `X-MS-Forwarded-Client-IP` as the proxy sent it (`x-ms-forwarded-client-ip`): the client last. Empty
    /// without a trusted proxy.
    pub forwarded: Vec<IpAddr>,
    /// The person's address: the nearest one that is no trusted hop.
    pub client: IpAddr,
    /// Whether `connected` is a trusted proxy.
    pub through_proxy: bool,
}

impl ClientAddresses {
    /// Walks the lists of one request.
    pub fn read(peer: IpAddr, headers: &HeaderMap, hops: &TrustedHops) -> Self {
        let peer = peer.to_canonical();
        let forwarded_for = match hops.header {
            ForwardingHeader::XForwardedFor => list(headers, "x-forwarded-for", address),
            ForwardingHeader::Forwarded => list(headers, "forwarded", forwarded_element),
        };
        let mut forwarded_for = forwarded_for.into_iter().rev();
        let mut connected = peer;
        while hops.is_load_balancer(connected) {
            match forwarded_for.next() {
                Some(Some(next)) => connected = next,
                _ => break,
            }
        }
        if !hops.is_proxy(connected) {
            return Self { connected, forwarded: Vec::new(), client: connected, through_proxy: false };
        }
        let named = list(headers, "x-ms-forwarded-client-ip", address);
        // A load balancer in front of the proxy: the proxy names the balancer, and hands on the list that
        // the balancer wrote.
        let mut further = named.iter().copied().rev().chain(forwarded_for);
        let mut client = connected;
        while hops.contains(client) {
            match further.next() {
                Some(Some(next)) => client = next,
                _ => break,
            }
        }
        let forwarded = named.into_iter().flatten().collect();
        Self { connected, forwarded, client, through_proxy: true }
    }

    /// All addresses, the client first, the proxy last, as audits list them.
    pub fn all(&self) -> Vec<IpAddr> {
        let mut all = vec![self.client];
        for address in self.forwarded.iter().rev().chain([&self.connected]) {
            if !all.contains(address) {
                all.push(*address);
            }
        }
        all
    }
}

/// The last entries of all lines of a list header, in order; `None` where an entry names no address. Commas
/// divide entries even within quotation marks: those that the nearest hop wrote need none, and an open mark of
/// the client's must not swallow them.
fn list(headers: &HeaderMap, name: &str, read: impl Fn(&[u8]) -> Option<IpAddr>) -> Vec<Option<IpAddr>> {
    let entries = headers.get_all(name).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let mut entries: Vec<_> = entries.collect();
    let beyond = entries.len().saturating_sub(LONGEST_WALK);
    entries.drain(..beyond).for_each(drop);
    entries.into_iter().map(read).collect()
}

/// RFC 7239 4: `for=192.0.2.7;proto=https`, `For="[2001:db8::1]:5000"`; none of an obfuscated name, of
/// `unknown`, and of an element with two or no `for`.
fn forwarded_element(element: &[u8]) -> Option<IpAddr> {
    let mut values = element.split(|byte| *byte == b';').filter_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = pair.split_at_checked(at)?;
        name.trim_ascii().eq_ignore_ascii_case(b"for").then(|| value.get(1..))?
    });
    let (value, None) = (values.next()?.trim_ascii(), values.next()) else { return None };
    let unquoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    address(unquoted.unwrap_or(value))
}

/// `192.0.2.7`, `192.0.2.7:5000`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:5000`, white space around.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim_matches([' ', '\t']);
    let bare = match text.strip_prefix('[') {
        Some(bracketed) => {
            let (address, port) = bracketed.split_once(']')?;
            port.is_empty().then_some(()).or_else(|| is_port(port.strip_prefix(':')?).then_some(()))?;
            return address.parse::<std::net::Ipv6Addr>().ok().map(|a| IpAddr::V6(a).to_canonical());
        }
        None => match text.split_once(':') {
            Some((address, port)) if !port.contains(':') => is_port(port).then_some(address)?,
            _ => text,
        },
    };
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hops() -> TrustedHops {
        TrustedHops {
            load_balancers: vec!["10.0.0.0/24".parse().unwrap(), "2001:db8:1::/64".parse().unwrap()],
            proxies: vec!["10.0.1.7".parse().unwrap()],
            header: ForwardingHeader::XForwardedFor,
        }
    }

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn read(peer: &str, lines: &[(&'static str, &str)]) -> ClientAddresses {
        ClientAddresses::read(peer.parse().unwrap(), &headers(lines), &hops())
    }

    /// Security case 71.
    #[test]
    fn an_untrusted_peer_is_the_client_whatever_it_writes() {
        for lines in [
            vec![],
            vec![("x-forwarded-for", "203.0.113.9")],
            vec![("x-ms-forwarded-client-ip", "203.0.113.9"), ("x-ms-proxy", "wap")],
            vec![("x-forwarded-for", "10.0.0.1, 10.0.1.7"), ("x-ms-forwarded-client-ip", "203.0.113.9")],
            vec![("x-forwarded-for", "::ffff:10.0.0.1")],
        ] {
            let seen = read("198.51.100.4", &lines);
            assert_eq!(seen.client.to_string(), "198.51.100.4", "{lines:?}");
            assert!(seen.forwarded.is_empty() && !seen.through_proxy, "{lines:?}");
        }
    }

    /// Security case 71.
    #[test]
    fn behind_a_load_balancer_the_nearest_untrusted_entry_is_the_client() {
        for (peer, value, client) in [
            ("10.0.0.1", "198.51.100.4", "198.51.100.4"),
            ("10.0.0.1", "203.0.113.9, 198.51.100.4", "198.51.100.4"),
            ("10.0.0.1", "203.0.113.9, 198.51.100.4, 10.0.0.2", "198.51.100.4"),
            ("::ffff:10.0.0.1", "198.51.100.4:49152", "198.51.100.4"),
            ("10.0.0.1", "[2001:db8:2::4]:49152", "2001:db8:2::4"),
            ("10.0.0.1", "2001:db8:2::4", "2001:db8:2::4"),
            ("2001:db8:1::1", "::ffff:198.51.100.4", "198.51.100.4"),
            // A malformed entry ends the walk: what stands left of it is not looked at.
            ("10.0.0.1", "198.51.100.4, unknown", "10.0.0.1"),
            ("10.0.0.1", "198.51.100.4, ", "10.0.0.1"),
            ("10.0.0.1", "198.51.100.4, 1.2.3.4:99999", "10.0.0.1"),
            ("10.0.0.1", "198.51.100.4, [::1]x", "10.0.0.1"),
        ] {
            assert_eq!(read(peer, &[("x-forwarded-for", value)]).client.to_string(), client, "{value}");
        }
    }

    /// Security case 71.
    #[test]
    fn the_standard_header_is_read_where_the_load_balancer_writes_it() {
        let hops = TrustedHops { header: ForwardingHeader::Forwarded, ..hops() };
        for (value, client) in [
            ("for=198.51.100.4", "198.51.100.4"),
            ("for=203.0.113.9, For=\"198.51.100.4:5000\";proto=https;by=10.0.0.1", "198.51.100.4"),
            ("for=198.51.100.4, for=10.0.0.2", "198.51.100.4"),
            ("by=10.0.0.1; for=\"[2001:db8:2::4]:49152\"", "2001:db8:2::4"),
            // An open quotation mark of the client's does not reach the balancer's entry.
            ("for=\"203.0.113.9, for=198.51.100.4", "198.51.100.4"),
            // These end the walk.
            ("for=198.51.100.4, for=unknown", "10.0.0.1"),
            ("for=198.51.100.4, for=_hidden", "10.0.0.1"),
            ("for=198.51.100.4, proto=https", "10.0.0.1"),
            ("for=198.51.100.4, for=203.0.113.9;for=203.0.113.9", "10.0.0.1"),
            ("for=198.51.100.4, ", "10.0.0.1"),
        ] {
            // The header that this balancer does not write is the client's.
            let lines = [("forwarded", value), ("x-forwarded-for", "203.0.113.77")];
            let seen = ClientAddresses::read("10.0.0.1".parse().unwrap(), &headers(&lines), &hops);
            assert_eq!(seen.client.to_string(), client, "{value}");
            let untrusted = ClientAddresses::read("192.0.2.50".parse().unwrap(), &headers(&lines), &hops);
            assert_eq!(untrusted.client.to_string(), "192.0.2.50", "{value}");
        }
        let both = [("forwarded", "for=203.0.113.77"), ("x-forwarded-for", "198.51.100.4")];
        assert_eq!(read("10.0.0.1", &both).client.to_string(), "198.51.100.4");
    }

    /// Security case 71: a client behind a load balancer cannot pose as a proxy.
    #[test]
    fn headers_of_a_proxy_are_not_read_from_a_client_behind_a_load_balancer() {
        let lines = [("x-forwarded-for", "198.51.100.4"), ("x-ms-forwarded-client-ip", "203.0.113.9")];
        let seen = read("10.0.0.1", &lines);
        assert_eq!(seen.client.to_string(), "198.51.100.4");
        assert!(seen.forwarded.is_empty());
    }

    #[test]
    fn a_proxy_names_the_client_last() {
        let seen = read("10.0.1.7", &[("x-ms-forwarded-client-ip", "203.0.113.9,198.51.100.4")]);
        assert_eq!(seen.client.to_string(), "198.51.100.4");
        assert_eq!(seen.connected.to_string(), "10.0.1.7");
        assert!(seen.through_proxy);
        let all: Vec<_> = seen.all().iter().map(IpAddr::to_string).collect();
        assert_eq!(all, ["198.51.100.4", "203.0.113.9", "10.0.1.7"]);
    }

    #[test]
    fn load_balancers_on_both_sides_of_a_proxy_are_walked_through() {
        // client → 10.0.0.1 → proxy 10.0.1.7 → 10.0.0.2 → here
        let lines = [
            ("x-forwarded-for", "203.0.113.9, 198.51.100.4"),
            ("x-forwarded-for", "10.0.1.7"),
            ("x-ms-forwarded-client-ip", "10.0.0.1"),
        ];
        let seen = read("10.0.0.2", &lines);
        assert_eq!(seen.connected.to_string(), "10.0.1.7");
        assert_eq!(seen.client.to_string(), "198.51.100.4");
    }

    #[test]
    fn a_very_long_list_is_walked_from_the_right_and_not_further_than_the_limit() {
        let trusted = vec!["10.0.0.3"; 10_000].join(",");
        let value = format!("198.51.100.4,{trusted}");
        assert_eq!(read("10.0.0.1", &[("x-forwarded-for", &value)]).client.to_string(), "10.0.0.3");
    }

    #[test]
    fn networks_are_read_and_refused() {
        for (text, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("0.0.0.0/0", "203.0.113.1", "::1"),
            ("::/0", "2001:db8::1", "203.0.113.1"),
            ("192.0.2.7", "::ffff:192.0.2.7", "192.0.2.8"),
            ("2001:db8::/32", "2001:db8:ffff::", "2001:db9::"),
        ] {
            let network: Network = text.parse().unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{text}");
            assert!(!network.contains(outside.parse().unwrap()), "{text}");
        }
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/-1", "host"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
