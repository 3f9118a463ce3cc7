//! The security token service itself: sign-in, lockout, claim rules, sessions, issuance, first installation.
//!
//! Knows neither HTTP nor HTML, and no protocol: see [`sign_in`] for the way of a request.

mod address_rate;
pub mod administration;
mod catalog;
mod context;
mod install;
mod issue;
mod lockout;
mod rules;
mod session;
mod sign_in;
mod token_keys;
mod trail;

use std::sync::Arc;

use audit::Journal;
use base::{ActivityId, Clock, Random};
use directory::Directory;
use keys::{CookieKeys, SigningQueue};
use store::{Activity, Once};
use zeroize::Zeroizing;

pub use address_rate::AddressRate;
pub use catalog::{
    Catalog, CatalogError, PROPERTIES_ID, RelyingParty, Resident, in_order_of_publication,
    put_claim_description, put_claims_provider, put_properties, put_relying_party,
};
pub use context::SignInContext;
pub use install::{InstallError, Installed, NODE_ID, install, open_master_key, put_certificate};
pub use issue::{IssueError, Issued, Wanted};
pub use rules::{STORES, compile};
pub use session::{RequestFingerprint, Session, SessionCache};
pub use sign_in::{
    ChangeProblem, Freshness, Granted, Input, Outcome, SignInFailure, SignInProblem, SignInRequest,
};
pub use token_keys::TokenKeys;
pub use trail::Trail;

/// The service: everything a sign-in needs, each part behind its trait.
pub struct Sts {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Configuration.
    pub catalog: Catalog,
    /// Who a user is.
    pub directory: Arc<dyn Directory>,
    /// Sign-in counters.
    pub activity: Arc<dyn Activity>,
    /// Things that may happen one time.
    pub once: Arc<dyn Once>,
    /// Signatures.
    pub signing_queue: SigningQueue,
    /// Seals what browsers keep.
    pub cookie_keys: CookieKeys,
    /// The journal.
    pub journal: Journal,
    /// Name of this node in records.
    pub node: Arc<str>,
    /// Password attempts of addresses.
    pub address_rate: AddressRate,
}

impl Sts {
    /// The records of a request, in words; `None` when this node's journal has none.
    pub fn explain(&self, activity: ActivityId) -> Result<Option<String>, audit::JournalError> {
        let records = self.journal.find(activity)?;
        Ok((!records.is_empty()).then(|| audit::render(&records)))
    }

    /// Seals what a browser is to keep. `None` only when the cryptographic library fails.
    pub fn seal_cookie(&self, purpose: &str, value: &[u8]) -> Option<String> {
        self.cookie_keys.seal_cookie(purpose, value, self.random.as_ref()).ok()
    }

    /// Opens what a browser kept; `None` for anything that this farm did not seal for this purpose.
    pub fn open_cookie(&self, purpose: &str, sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
        self.cookie_keys.open_cookie(purpose, sealed)
    }
}
