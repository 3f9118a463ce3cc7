//! What nodes say to each other besides [`store::sync`]'s messages: JSON bodies of `POST`.

use base::Guid;
use serde::{Deserialize, Serialize};
use store::sync::Term;

/// [`store::sync::PullRequest`] → [`store::sync::PullAnswer`].
pub(super) const PULL: &str = "/adfs/services/policystoretransfer/pull";
/// [`Watch`] → [`Watched`], when there is news, or after a while.
pub(super) const WATCH: &str = "/adfs/services/policystoretransfer/watch";
/// [`Term`] → [`Term`]: the greatest one that each side has heard of.
pub(super) const TERM: &str = "/adfs/services/policystoretransfer/term";
/// Nothing → [`Transfer`].
pub(super) const MASTER_KEY: &str = "/adfs/services/policystoretransfer/master-key";
/// [`JoinRequest`] → [`JoinAnswer`]; the one message that needs no certificate.
pub(super) const JOIN: &str = "/adfs/services/policystoretransfer/join";

/// Asks to be told of the next change.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Watch {
    /// The greatest term that the secondary knows.
    pub(super) term: Term,
    /// The newest change that it has.
    pub(super) serial: u64,
}

/// How far the node that was asked is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Watched {
    /// The greatest term that it knows.
    pub(super) term: Term,
    /// Its newest change.
    pub(super) serial: u64,
}

/// The farm master key, for a member.
#[derive(Serialize, Deserialize)]
pub(super) struct Transfer {
    /// As [`keys::MasterKey::to_transfer`] writes it.
    pub(super) master_key: String,
}

/// Asks to be let in.
#[derive(Serialize, Deserialize)]
pub(super) struct JoinRequest {
    /// The line that the administrator was shown.
    pub(super) token: String,
    /// Identifier of the new node.
    pub(super) node: Guid,
    /// Its name, as others reach it.
    pub(super) name: String,
    /// PKCS#10, DER in Base64.
    pub(super) signing_request: String,
}

/// Lets the node in.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct JoinAnswer {
    /// Its certificate, DER in Base64.
    pub(super) certificate: String,
    /// The authority that issued it, DER in Base64.
    pub(super) authority: String,
}

/// Why a request came to nothing.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Refused {
    /// For people.
    pub(super) error: String,
}
