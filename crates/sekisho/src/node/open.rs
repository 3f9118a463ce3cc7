//! From what is stored to a service that can answer.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use audit::{Journal, JournalOptions};
use base::{Clock, Guid, Random};
use configuration::{Certificate, CertificateType};
use directory::embedded::{EmbeddedDirectory, EmbeddedOptions};
use keys::{CookieKeys, MasterKey, SigningQueue};
use server::FederationServer;
use store::{Configuration, Document, Kind};
use sts::{AddressRate, Catalog, Sts};

use super::node_store::NodeStore;
use crate::Result;

/// Signatures that may wait; each is half a millisecond of work.
const SIGNING_QUEUE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1_023);

/// What a service is made of.
pub(crate) struct Assembly<'a> {
    pub(crate) data: &'a Path,
    pub(crate) store: NodeStore,
    pub(crate) catalog: Catalog,
    pub(crate) master_key: &'a MasterKey,
    pub(crate) node: Guid,
    /// Name of the node in records.
    pub(crate) node_name: &'a str,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

/// Opens keys, directory and journal, and signs the metadata.
pub(crate) async fn assemble(
    assembly: Assembly<'_>,
) -> Result<(Arc<FederationServer>, Arc<EmbeddedDirectory>)> {
    let Assembly { data, store, catalog, master_key, node, node_name, clock, random } = assembly;
    let configuration = store.configuration();
    let properties = &catalog.resident().properties;
    let options = EmbeddedOptions::new(&*properties.directory_domain, &*properties.directory_dns_domain);
    let directory = EmbeddedDirectory::new(configuration, clock.clone(), random.clone(), options)?;
    let directory = Arc::new(directory);
    let node_name: Arc<str> = node_name.into();
    let options = JournalOptions { node: node_name.clone(), ..JournalOptions::default() };
    let journal = Journal::open(&data.join("journal"), options, clock.clone())?;
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let sts = Sts {
        clock,
        cookie_keys: CookieKeys::new(master_key.cookie_key(1)?, None),
        random,
        catalog,
        directory: directory.clone(),
        activity: store.activity(),
        once: store.once(),
        signing_queue: SigningQueue::start(threads, SIGNING_QUEUE)?,
        journal,
        node: node_name,
        address_rate: AddressRate::default(),
    };
    Ok((FederationServer::new(sts, node)?, directory))
}

/// Certificates of a type, with the documents that hold them.
pub(crate) async fn certificates(
    store: &dyn Configuration,
    wanted: CertificateType,
) -> Result<Vec<(Certificate, Document)>> {
    let mut found = Vec::new();
    for document in store.list(Kind::Certificate, None, 100).await? {
        let certificate: Certificate = serde_json::from_value(document.body.clone())?;
        if certificate.certificate_type == wanted {
            found.push((certificate, document));
        }
    }
    Ok(found)
}
