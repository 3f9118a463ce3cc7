//! Private keys: where they come from, how they rest, and the one queue in which they sign.
//!
//! ```text
//! node.key (0600, in the data directory)
//!   └ wraps the farm master key (in the store, one wrapping for each node)
//!       ├ HKDF "certificate-key" ─ seals the private keys of certificates (in the store)
//!       ├ HKDF "farm-key" ──────── seals other keys of the farm (in the store)
//!       └ HKDF "cookie" ────────── seals what browsers keep
//!   ├ HKDF "certificate-store" ── seals the keys of the node's certificate store (files)
//!   ├ HKDF "node-identity" ────── seals the key by which other nodes know this one (a file)
//!   └ HKDF "node-settings" ────── seals settings of the node that hold a secret (`node.json`)
//! ```
//!
//! A copy of the database without a `node.key` gives no usable key. Who may use a key is decided elsewhere.

mod aead;
mod certificate;
pub mod certificate_store;
mod cookie;
mod decrypting_key;
mod denied;
mod files;
mod master_key;
pub mod node_identity;
mod node_key;
mod signing_key;
mod signing_queue;
mod tls;

pub use certificate::demo::{DemoTls, generate_demo_tls};
pub use certificate::generate::{GenerateError, TokenUse, Validity, generate_token_certificate};
pub use certificate::import::{Chain, ImportError, ImportRules};
pub use certificate::pem::import_pem;
pub use certificate::pfx::import_pfx;
pub use certificate::thumbprint::{ThumbprintError, parse_thumbprint, thumbprint};
pub use cookie::{CookieKey, CookieKeys};
pub use decrypting_key::{DecryptError, DecryptingKey, OaepHash};
pub use denied::{Account, Denied, Fault};
pub use master_key::{MasterKey, Purpose, SealError};
pub use node_key::{NodeKey, NodeKeyError, WrappedMasterKey};
pub use signing_key::{KeyError, SigningKey};
pub use signing_queue::{SignError, SigningQueue};
pub use tls::tls_certificate;
