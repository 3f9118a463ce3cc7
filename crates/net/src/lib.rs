//! Listeners: TLS by server name with certificates that change while connections live, plain HTTP for the
//! probe, limits on everything a peer can use up, and the one place that builds a [`RequestContext`].
//!
//! The way of a connection, each step in the file of its name:
//!
//! bind → accept → admission → (proxy_protocol) → (tls) → framing → connection → service → [`Handler`]
//!
//! No route and no protocol is known here.

mod accept;
mod admission;
mod bind;
mod body;
mod client_certificates;
mod connection;
mod context;
mod ephemeral;
mod framing;
mod handle;
mod hops;
mod limits;
mod port;
mod proxy_protocol;
mod server;
mod service;
pub mod service_manager;
mod sockets;
mod status;
mod tickets;
mod tls;

pub use bind::{BindError, BindFailure};
pub use body::{BodyError, RequestBody, read_body};
pub use client_certificates::{ClientCertificates, Issuers};
pub use context::{Connection, RequestContext, RequestHeaders, TlsInfo};
pub use ephemeral::{EphemeralConflict, PortUse, PortUser, ephemeral_conflicts, port_use};
pub use handle::{ChangeError, ServerHandle};
pub use hops::{ClientAddresses, ForwardingHeader, Network, NetworkError, TrustedHops};
pub use limits::Limits;
pub use port::{Holder, port_holders};
pub use proxy_protocol::{ProxiedAddresses, ProxyHeader, ProxyHeaderError, decode as decode_proxy_header};
pub use server::{Drained, Listener, Protocol, Server, Settings};
pub use service::Handler;
pub use status::{FailedChange, ListenerSet, ListenerState, ListenerStatus};
pub use tickets::{TICKET_LIFETIME, TicketKey, TicketKeys};
pub use tls::{NamedCertificate, ReservedName, Tls, TlsError};
