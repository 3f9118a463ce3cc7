//! The HTTP face of the service: endpoints, pages, the administration socket.
//!
//! Checks and decisions are made elsewhere: protocols check, [`sts`] decides.

mod admin;
mod cookies;
mod endpoints;
mod exchange;
mod form;
pub mod pages;
mod problem;
mod routes;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use base::Guid;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sts::{AddressRate, Resident, SessionCache, Sts};
use x509_parser::prelude::{FromDer, X509Certificate};

pub use admin::{ActionAnswer, ActionCall, ActionError, Actions, Admin, AdminSocket};
pub use endpoints::metadata::MetadataError;
pub use routes::Routes;

use endpoints::metadata::SignedMetadata;
use exchange::Exchange;
use pages::Frame;

/// The service behind its listeners.
pub struct FederationServer {
    /// The service.
    pub sts: Sts,
    node_id: Guid,
    metadata: ArcSwap<SignedMetadata>,
    ready: AtomicBool,
    early_refusals: AddressRate,
    sessions: SessionCache,
}

impl FederationServer {
    /// Makes the service answerable. The federation metadata is signed here, and again when a change of the
    /// configuration shows in it; requests for it are served from memory.
    pub fn new(sts: Sts, node_id: Guid) -> Result<Arc<Self>, MetadataError> {
        let metadata = endpoints::metadata::signed_for(&sts)?;
        Ok(Arc::new(Self {
            sts,
            node_id,
            metadata: ArcSwap::from_pointee(metadata),
            ready: AtomicBool::new(false),
            early_refusals: AddressRate::default(),
            sessions: SessionCache::default(),
        }))
    }

    /// Everything the service needs is there: the probe says so from now on.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::SeqCst);
    }

    /// Whether all listeners were bound and nothing the service needs is missing.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::SeqCst)
    }

    /// Signs the federation metadata anew, after the configuration was loaded from another node.
    pub fn renew_metadata(&self) -> Result<(), MetadataError> {
        self.metadata.store(Arc::new(endpoints::metadata::signed_for(&self.sts)?));
        Ok(())
    }

    /// Identity of this node, which error pages show.
    pub(crate) fn node_id(&self) -> Guid {
        self.node_id
    }
}

fn frame<'a>(resident: &'a Resident, exchange: &'a Exchange) -> Frame<'a> {
    Frame {
        language: exchange.language,
        display_name: &resident.properties.display_name,
        nonce: &exchange.nonce,
        activity_id: exchange.activity(),
    }
}

/// Subject of a certificate (DER in Base64), for people to read.
fn subject(certificate: &str) -> String {
    let der = STANDARD.decode(certificate).unwrap_or_default();
    X509Certificate::from_der(&der).map(|(_, parsed)| parsed.subject().to_string()).unwrap_or_default()
}
