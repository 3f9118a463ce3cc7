//! Hardened XML: reading, canonical form, signature; only the profile that SAML, WS-Federation and metadata
//! need.
//!
//! bytes → [`decode`] → [`Document::parse`] → [`Element`] → [`verify::enveloped`] → [`Verified`]
//!
//! No DTD, no external entity, no network. One parse serves the verifier and the reader, so both see the same
//! text. [`Verified`] values can be made only by the verifier.

mod algorithm;
pub mod c14n;
mod decode;
mod document;
mod element;
mod error;
mod key;
mod scan;
pub mod sign;
mod signature;
pub mod verify;
pub mod write;

pub use decode::decode;
pub use document::{Document, Limits};
pub use element::Element;
pub use error::XmlError;
pub use key::{EcKey, KeyError, RsaKey, VerificationKey};
pub use sign::{KeyInfoStyle, ToSign};
pub use verify::{Profile, SignatureError, SignaturePolicy, Verified};
