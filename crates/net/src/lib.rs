//! Listeners: TLS by server name with certificates that change while connections live, plain HTTP for the
//! probe, limits on everything a peer can use up, and the one place that builds a [`RequestContext`].
//!
//! The way of a connection, each step in the file of its name:
//!
//! bind → admission → (tls) → framing → connection → service → [`Handler`]
//!
//! No route and no protocol is known here.

mod admission;
mod bind;
mod body;
mod connection;
mod context;
mod framing;
mod hops;
mod limits;
mod port;
mod server;
mod service;
pub mod service_manager;
mod tickets;
mod tls;

pub use bind::{BindError, BindFailure};
pub use body::{BodyError, RequestBody, read_body};
pub use context::{Connection, RequestContext, RequestHeaders, TlsInfo};
pub use hops::{ClientAddresses, Network, NetworkError, TrustedHops};
pub use limits::Limits;
pub use port::{EphemeralConflict, Holder, ephemeral_conflict, port_holders};
pub use server::{Drained, Listener, Protocol, Server, Settings};
pub use service::Handler;
pub use tickets::{TICKET_LIFETIME, TicketKey, TicketKeys};
pub use tls::{NamedCertificate, Tls, TlsError};
