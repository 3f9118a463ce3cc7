//! Who a node of the farm is, and mutual TLS between nodes.
//!
//! ```text
//! farm authority   P-256; its key is sealed under the farm master key, in the store
//!   └ issues one certificate for each node, for a P-256 key that never leaves the node
//! join token       authority's fingerprint and a secret, one line; lets a new node in once
//! ```
//!
//! How a node joins: an administrator makes a [`JoinToken`] on a node of the farm. The new node reads it, makes its
//! key ([`NodeIdentityKey`]), and dials with [`join_client`], which accepts only a server that the authority of the
//! token vouches for. It sends token and signing request; the server checks the token
//! ([`JoinTokenRecord::verify`]), removes the record, and issues a certificate ([`FarmAuthority::issue`]). With it
//! the node dials as a member ([`node_client`]) and receives the master key
//! ([`MasterKey::to_transfer`](crate::MasterKey::to_transfer)), which it wraps with its own
//! [`NodeKey`](crate::NodeKey).
//!
//! What this does not protect from: every node has the master key, so every node can open the authority. Removing a
//! node shuts it out, as long as its administrator does not turn against the farm; after a break-in the farm needs
//! a new master key and a new authority.

mod authority;
mod identity;
mod join_token;
mod member;
mod mutual_tls;
#[cfg(test)]
mod tests;

pub use authority::{AuthorityError, AuthorityFingerprint, FarmAuthority, SealedFarmAuthority};
pub use identity::{NodeIdentity, NodeIdentityError, NodeIdentityKey};
pub use join_token::{JoinToken, JoinTokenError, JoinTokenRecord};
pub use member::{FarmMember, RemovedNodes, node_server_name};
pub use mutual_tls::{
    JOIN_SERVER_NAME, MEMBER_SERVER_NAME, join_client, join_server, member_client, node_client, node_server,
};
