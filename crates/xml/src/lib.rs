//! Hardened XML: reading, canonical form, signature, encryption; only the profile that SAML, WS-Federation
//! and metadata need.
//!
//! No DTD, no external entity, no network. [`Verified`](verify) values can be made only by the verifier.

pub mod sign;
pub mod write;

pub use sign::{KeyInfoStyle, ToSign};
