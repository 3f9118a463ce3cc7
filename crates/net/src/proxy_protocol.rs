//! The PROXY protocol, versions 1 and 2 (HAProxy's `proxy-protocol.txt`): who connected to the load balancer
//! in front, told before the first byte of the client.
//!
//! [`decode`] is a function of bytes alone. It says how many bytes may be read next without running past the
//! header, so that what follows stays in the socket.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt};

/// Begins a header of version 2: no text, so that no other protocol takes it for a request.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Begins a header of version 1.
const PREFIX: &[u8] = b"PROXY ";
/// The longest header of version 1, with its CR LF (section 2.1).
const LONGEST_TEXT: usize = 107;
/// The fixed part of version 2.
const FIXED: usize = 16;
/// The longest header of version 2 that is taken: addresses need at most 232 bytes, the rest are TLVs.
const LONGEST_BINARY: usize = 8 * 1_024;

/// The two ends of the connection that the load balancer took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxiedAddresses {
    /// Who connected. IPv4-mapped addresses are IPv4.
    pub source: SocketAddr,
    /// Where to.
    pub destination: SocketAddr,
}

/// How far a header is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyHeader {
    /// The header goes on for at least so many bytes.
    Incomplete(usize),
    /// The header is `length` bytes long.
    Complete {
        /// Bytes of the header.
        length: usize,
        /// None when the connection is the balancer's own (`LOCAL`, a health check) or of a kind that has no IP
        /// addresses (`UNKNOWN`, `UNSPEC`, UNIX sockets): then the addresses of the socket hold.
        addresses: Option<ProxiedAddresses>,
    },
}

/// The bytes are no header of the PROXY protocol, or one that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProxyHeaderError {
    /// Neither version begins like that.
    #[error("the connection does not begin with a PROXY header")]
    Absent,
    /// Longer than the standard (version 1) or this server (version 2, 8 KiB) allows.
    #[error("the PROXY header is too long")]
    TooLong,
    /// The line of version 1 is not well formed.
    #[error("the line of the PROXY header (version 1) is malformed")]
    Text,
    /// A version, command or address family of version 2 that does not exist, or not over TCP.
    #[error("the PROXY header (version 2) has an unknown version, command or address family")]
    Unknown,
    /// The addresses of version 2 are cut off.
    #[error("the PROXY header (version 2) is too short for its addresses")]
    Short,
}

/// Reads a header from the beginning of `bytes`.
pub fn decode(bytes: &[u8]) -> Result<ProxyHeader, ProxyHeaderError> {
    let begins = |expected: &[u8]| bytes.iter().zip(expected).all(|(is, wanted)| is == wanted);
    if !begins(&SIGNATURE) && !begins(PREFIX) {
        return Err(ProxyHeaderError::Absent);
    }
    // The shortest header of either version is longer than the signature.
    match bytes.len().checked_sub(SIGNATURE.len()) {
        None => Ok(ProxyHeader::Incomplete(SIGNATURE.len().saturating_sub(bytes.len()))),
        Some(_) if begins(PREFIX) => decode_text(bytes),
        Some(_) => decode_binary(bytes),
    }
}

/// Section 2.1: `PROXY TCP4 198.51.100.4 192.0.2.1 49152 443` CR LF.
fn decode_text(bytes: &[u8]) -> Result<ProxyHeader, ProxyHeaderError> {
    let within = bytes.get(..LONGEST_TEXT).unwrap_or(bytes);
    let Some(end) = within.windows(2).position(|pair| pair == b"\r\n") else {
        return match (within.len(), within.last()) {
            (LONGEST_TEXT.., _) => Err(ProxyHeaderError::TooLong),
            (_, Some(b'\r')) => Ok(ProxyHeader::Incomplete(1)),
            _ => Ok(ProxyHeader::Incomplete(2)),
        };
    };
    let line = within.get(..end).and_then(|line| std::str::from_utf8(line).ok());
    let mut words = line.ok_or(ProxyHeaderError::Text)?.split(' ').skip(1);
    let family = words.next();
    let words: Vec<_> = words.collect();
    let addresses = match (family, words.as_slice()) {
        (Some("UNKNOWN"), _) => None,
        (Some(family), [source, destination, source_port, destination_port]) => {
            let end = |address, port| text_address(family, address, port).ok_or(ProxyHeaderError::Text);
            let source = end(source, source_port)?;
            Some(ProxiedAddresses { source, destination: end(destination, destination_port)? })
        }
        _ => return Err(ProxyHeaderError::Text),
    };
    Ok(ProxyHeader::Complete { length: end.saturating_add(2), addresses })
}

fn text_address(family: &str, address: &str, port: &str) -> Option<SocketAddr> {
    let ip = match family {
        "TCP4" => IpAddr::V4(address.parse::<Ipv4Addr>().ok()?),
        "TCP6" => IpAddr::V6(address.parse::<Ipv6Addr>().ok()?),
        _ => return None,
    };
    let plain = port.bytes().all(|byte| byte.is_ascii_digit()) && (port == "0" || !port.starts_with('0'));
    Some(SocketAddr::new(ip.to_canonical(), port.parse().ok().filter(|_| plain)?))
}

/// Section 2.2: signature, version and command, family and transport, length, addresses, TLVs.
fn decode_binary(bytes: &[u8]) -> Result<ProxyHeader, ProxyHeaderError> {
    let Some(([.., command, family, high, low], rest)) = bytes.split_first_chunk::<FIXED>() else {
        return Ok(ProxyHeader::Incomplete(FIXED.saturating_sub(bytes.len())));
    };
    let length = FIXED.saturating_add(usize::from(u16::from_be_bytes([*high, *low])));
    if length > LONGEST_BINARY {
        return Err(ProxyHeaderError::TooLong);
    }
    let own = match (command, family) {
        // LOCAL; whatever family comes with it is skipped.
        (0x20, _) => true,
        // PROXY with UNSPEC, or with UNIX sockets.
        (0x21, 0x00 | 0x31 | 0x32) => true,
        // PROXY with TCP over IPv4, over IPv6.
        (0x21, 0x11 | 0x21) => false,
        _ => return Err(ProxyHeaderError::Unknown),
    };
    let Some(block) = rest.get(..length.saturating_sub(FIXED)) else {
        return Ok(ProxyHeader::Incomplete(length.saturating_sub(bytes.len())));
    };
    let addresses = match (own, family) {
        (true, _) => None,
        (false, 0x11) => Some(binary_addresses::<4>(block).ok_or(ProxyHeaderError::Short)?),
        (false, _) => Some(binary_addresses::<16>(block).ok_or(ProxyHeaderError::Short)?),
    };
    Ok(ProxyHeader::Complete { length, addresses })
}

/// Source and destination address, source and destination port; what follows are TLVs, which are skipped.
fn binary_addresses<const N: usize>(block: &[u8]) -> Option<ProxiedAddresses>
where
    IpAddr: From<[u8; N]>,
{
    let (source, block) = block.split_first_chunk::<N>()?;
    let (destination, block) = block.split_first_chunk::<N>()?;
    let (source_port, block) = block.split_first_chunk()?;
    let (destination_port, _) = block.split_first_chunk()?;
    let end = |ip: &[u8; N], port: &[u8; 2]| {
        SocketAddr::new(IpAddr::from(*ip).to_canonical(), u16::from_be_bytes(*port))
    };
    Some(ProxiedAddresses {
        source: end(source, source_port),
        destination: end(destination, destination_port),
    })
}

/// Takes a header, and nothing behind it, from the beginning of a connection.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<ProxiedAddresses>> {
    let mut bytes = Vec::with_capacity(LONGEST_TEXT);
    loop {
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        match decode(&bytes).map_err(invalid)? {
            ProxyHeader::Complete { addresses, .. } => return Ok(addresses),
            ProxyHeader::Incomplete(more) => {
                let known = bytes.len();
                bytes.resize(known.saturating_add(more), 0);
                stream.read_exact(bytes.get_mut(known..).unwrap_or_default()).await?;
            }
        }
    }
}

impl fmt::Display for ProxiedAddresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}", self.source, self.destination)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
        let length = u16::try_from(block.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, block].concat()
    }

    fn v4_block() -> Vec<u8> {
        [&[198, 51, 100, 4, 192, 0, 2, 1][..], &49_152_u16.to_be_bytes(), &443_u16.to_be_bytes()].concat()
    }

    fn v6_block() -> Vec<u8> {
        let (one, two): (Ipv6Addr, Ipv6Addr) =
            ("2001:db8::4".parse().unwrap(), "2001:db8::1".parse().unwrap());
        let ports = [49_152_u16.to_be_bytes(), 443_u16.to_be_bytes()].concat();
        [&one.octets()[..], &two.octets(), &ports].concat()
    }

    /// The source, or `own` for the socket's addresses. What follows the header is not looked at, and bytes one
    /// by one lead to the same end without a byte too many.
    fn source(header: &[u8]) -> Result<String, ProxyHeaderError> {
        let with_more = [header, b"GET / HTTP/1.1\r\n"].concat();
        let mut known = 0;
        loop {
            match decode(&with_more[..known])? {
                ProxyHeader::Incomplete(more) => {
                    assert!(more > 0);
                    known += more;
                    assert!(known <= header.len(), "{header:?} is read too far");
                }
                ProxyHeader::Complete { length, addresses } => {
                    assert_eq!(length, header.len());
                    assert_eq!(decode(&with_more).unwrap(), ProxyHeader::Complete { length, addresses });
                    return Ok(addresses.map_or("own".to_owned(), |a| a.source.to_string()));
                }
            }
        }
    }

    #[test]
    fn headers_of_both_versions_are_read() {
        let tlvs = |block: Vec<u8>| [block, vec![0x04, 0, 3, 0, 0, 0, 0xea, 0, 1, 9]].concat();
        for (header, expected) in [
            (b"PROXY TCP4 198.51.100.4 192.0.2.1 49152 443\r\n".to_vec(), "198.51.100.4:49152"),
            (b"PROXY TCP6 2001:db8::4 2001:db8::1 49152 443\r\n".to_vec(), "[2001:db8::4]:49152"),
            (b"PROXY TCP6 ::ffff:198.51.100.4 ::1 0 65535\r\n".to_vec(), "198.51.100.4:0"),
            (b"PROXY UNKNOWN\r\n".to_vec(), "own"),
            (b"PROXY UNKNOWN ffff::1 whatever 1 2 3\r\n".to_vec(), "own"),
            (binary(0x21, 0x11, &v4_block()), "198.51.100.4:49152"),
            (binary(0x21, 0x21, &v6_block()), "[2001:db8::4]:49152"),
            (binary(0x21, 0x11, &tlvs(v4_block())), "198.51.100.4:49152"),
            (binary(0x20, 0x00, &[]), "own"),
            (binary(0x20, 0x11, &v4_block()), "own"),
            (binary(0x21, 0x00, &tlvs(vec![])), "own"),
            (binary(0x21, 0x31, &[b'/'; 216]), "own"),
        ] {
            assert_eq!(source(&header).as_deref(), Ok(expected), "{header:?}");
        }
    }

    #[test]
    fn other_bytes_and_malformed_headers_are_refused() {
        use ProxyHeaderError::{Absent, Short, Text, TooLong, Unknown};
        let long = [&b"PROXY UNKNOWN "[..], &[b'a'; 100], b"\r\n"].concat();
        for (header, expected) in [
            (b"GET / HTTP/1.1\r\n".to_vec(), Absent),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00".to_vec(), Absent),
            (b"proxy TCP4 198.51.100.4 192.0.2.1 1 2\r\n".to_vec(), Absent),
            (b"\r\n\r\n\0\r\nQUIT\r".to_vec(), Absent),
            (b"PROXY TCP4 198.51.100.4 192.0.2.1 49152\r\n".to_vec(), Text),
            (b"PROXY TCP4 198.51.100.4 192.0.2.1 49152 443 \r\n".to_vec(), Text),
            (b"PROXY TCP4  198.51.100.4 192.0.2.1 49152 443\r\n".to_vec(), Text),
            (b"PROXY TCP4 2001:db8::4 192.0.2.1 49152 443\r\n".to_vec(), Text),
            (b"PROXY TCP4 198.51.100.04 192.0.2.1 49152 443\r\n".to_vec(), Text),
            (b"PROXY TCP4 198.51.100.4 192.0.2.1 65536 443\r\n".to_vec(), Text),
            (b"PROXY TCP4 198.51.100.4 192.0.2.1 0443 443\r\n".to_vec(), Text),
            (b"PROXY TCP4 198.51.100.4 192.0.2.1 +443 443\r\n".to_vec(), Text),
            (b"PROXY UDP4 198.51.100.4 192.0.2.1 1 443\r\n".to_vec(), Text),
            (b"PROXY TCP4 198.51.100.4 \xff 1 443\r\n".to_vec(), Text),
            (long, TooLong),
            (binary(0x11, 0x11, &v4_block()), Unknown),
            (binary(0x22, 0x11, &v4_block()), Unknown),
            (binary(0x21, 0x12, &v4_block()), Unknown),
            (binary(0x21, 0x41, &v4_block()), Unknown),
            (binary(0x21, 0x11, &v4_block()[..11]), Short),
            (binary(0x21, 0x21, &v4_block()), Short),
            (binary(0x21, 0x11, &[0; 9_000]), TooLong),
        ] {
            assert_eq!(source(&header), Err(expected), "{header:?}");
        }
    }

    /// Whatever one byte becomes, the header ends where it says, and a line of version 1 never names another
    /// client unless an address or a port was the byte that changed.
    #[test]
    fn a_changed_byte_is_refused_or_read_within_bounds() {
        let text = b"PROXY TCP4 198.51.100.4 192.0.2.1 49152 443\r\n".to_vec();
        for header in [text, binary(0x21, 0x11, &v4_block()), binary(0x21, 0x21, &v6_block())] {
            let unchanged = decode(&header).unwrap();
            for at in 0..header.len() {
                for value in 0..=u8::MAX {
                    let mut changed = header.clone();
                    changed[at] = value;
                    match decode(&changed) {
                        Ok(ProxyHeader::Complete { length, addresses }) => {
                            assert!(length <= changed.len());
                            let in_frame = if header[0] == b'P' { at < 10 } else { at < 12 };
                            if in_frame && addresses.is_some() {
                                assert_eq!(ProxyHeader::Complete { length, addresses }, unchanged);
                            }
                        }
                        Ok(ProxyHeader::Incomplete(more)) => {
                            assert!(more > 0 && more <= LONGEST_BINARY);
                        }
                        Err(_) => {}
                    }
                }
            }
            for length in 0..header.len() {
                assert!(matches!(decode(&header[..length]), Ok(ProxyHeader::Incomplete(_))), "{length}");
            }
        }
    }
}
