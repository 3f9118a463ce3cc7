//! Protocol messages: decoding a request, the named checks of it against its trust, encoding the answer.
//!
//! Pure: time, randomness and keys are parameters; no session, no storage, no HTTP types.

pub mod check;
pub mod metadata;
pub mod refusal;
pub mod saml;
pub mod ws_federation;

pub use check::{Check, Refused, Verdict};
pub use refusal::{PeerText, Refusal};
