//! Private keys: where they come from, how they rest, and the one queue in which they sign.
//!
//! ```text
//! node.key (0600, in the data directory)
//!   └ wraps the farm master key (in the store, one wrapping for each node)
//!       ├ HKDF "certificate-key" ─ seals the private keys of certificates (in the store)
//!       ├ HKDF "farm-key" ──────── seals other keys of the farm (in the store)
//!       └ HKDF "cookie" ────────── seals what browsers keep
//! ```
//!
//! A copy of the database without a `node.key` gives no usable key. Who may use a key is decided elsewhere.

mod aead;
mod certificate;
mod cookie;
mod master_key;
mod node_key;
mod signing_key;
mod signing_queue;
mod tls;

pub use certificate::demo::{DemoTls, generate_demo_tls};
pub use certificate::generate::{GenerateError, TokenUse, Validity, generate_token_certificate};
pub use certificate::import::{Chain, ImportError, ImportRules};
pub use certificate::pem::import_pem;
pub use certificate::pfx::import_pfx;
pub use certificate::thumbprint;
pub use cookie::{CookieKey, CookieKeys};
pub use master_key::{MasterKey, Purpose, SealError};
pub use node_key::{NodeKey, NodeKeyError, WrappedMasterKey};
pub use signing_key::{KeyError, SigningKey};
pub use signing_queue::{SignError, SigningQueue};
pub use tls::tls_certificate;
