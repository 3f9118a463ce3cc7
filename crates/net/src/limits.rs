//! What a peer may use up.

use std::time::Duration;

/// Limits of all listeners of one server. Each protects other users from one; none is a feature switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at once. Further ones wait in the kernel's queue. Lowered at bind time when the
    /// process may not open that many descriptors. Default 16,384.
    pub connections: usize,
    /// Connections open at once from one address (IPv6: one /64). Further ones are closed at once. Trusted
    /// hops are exempt, because many users share their address. Default 1,024.
    pub connections_per_address: usize,
    /// Connections whose TLS handshake is not finished. Further ones are closed at once. Default 2,048.
    pub handshakes: usize,
    /// The same from one address (IPv6: one /64); trusted hops are exempt. Default 256.
    pub handshakes_per_address: usize,
    /// From accept to the end of the TLS handshake. Default 10 s.
    pub handshake_timeout: Duration,
    /// From the first byte of a request's head to its last, and from the handshake to the first request.
    /// Default 10 s.
    pub header_read_timeout: Duration,
    /// Bytes of a request's head; answered 431 when exceeded. A Kerberos ticket with many groups is large.
    /// Default 64 KiB.
    pub header_bytes: usize,
    /// Header lines of a request; answered 431 when exceeded. Default 100.
    pub header_count: usize,
    /// Bytes of a request's body; answered 413 when exceeded. Default 1 MiB.
    pub body_bytes: usize,
    /// From the first wait for a body to its last byte; answered 408 by the handler. Default 30 s.
    pub body_read_timeout: Duration,
    /// How long a connection may stay open without a request in progress. Default 120 s, as Windows' HTTP
    /// service has it.
    pub idle_timeout: Duration,
    /// How long a peer may take to receive the last answer after its connection was told to close.
    /// Default 30 s.
    pub closing_timeout: Duration,
    /// HTTP/2 requests at once on one connection. Default 100.
    pub h2_streams: u32,
    /// HTTP/2 streams that the peer reset before they were answered (rapid reset, CVE-2023-44487); one more
    /// ends the connection. Default 20.
    pub h2_pending_resets: usize,
    /// HTTP/2 streams reset here because of the peer's errors; one more ends the connection. Default 1,024.
    pub h2_error_resets: usize,
    /// Connections that wait in the kernel's queue of each listener. Default 1,024.
    pub backlog: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            connections_per_address: 1_024,
            handshakes: 2_048,
            handshakes_per_address: 256,
            handshake_timeout: Duration::from_secs(10),
            header_read_timeout: Duration::from_secs(10),
            header_bytes: 64 * 1_024,
            header_count: 100,
            body_bytes: 1_024 * 1_024,
            body_read_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(120),
            closing_timeout: Duration::from_secs(30),
            h2_streams: 100,
            h2_pending_resets: 20,
            h2_error_resets: 1_024,
            backlog: 1_024,
        }
    }
}
