//! Opens the demo's data directory and makes the service of it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use audit::{Event, Text};
use base::{Clock, Random};
use configuration::{Certificate, ServiceProperties};
use directory::embedded::EmbeddedDirectory;
use keys::certificate_store::CertificateStore;
use keys::{DemoTls, MasterKey, NodeKey, NodeKeyError, generate_demo_tls};
use net::{ClientCertificates, NamedCertificate, Tls};
use serde::{Deserialize, Serialize};
use server::FederationServer;
use store::sqlite::SqliteStore;
use store::{Configuration, Kind, Operation, Write};
use sts::Catalog;

use crate::node::certificates::FarmCertificates;
use crate::node::{Assembly, assemble, listeners, record};

use super::content::{DNS_DOMAIN, DOMAIN};
use super::facts::Facts;
use super::seed::Seed;
use super::{Arguments, Result, certificates};

/// The service and what the demo still does with its parts.
pub(super) struct Service {
    pub(super) server: Arc<FederationServer>,
    pub(super) store: Arc<SqliteStore>,
    pub(super) directory: Arc<EmbeddedDirectory>,
    pub(super) farm_certificates: Arc<FarmCertificates>,
    pub(super) tls: Arc<Tls>,
    pub(super) first: bool,
}

/// Opens or installs the service in `data`; `folder` is the one of the seed file.
pub(super) async fn open(
    data: &Path,
    arguments: &Arguments,
    seed: &Seed,
    folder: &Path,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> Result<Service> {
    let now = clock.now();
    let store = Arc::new(SqliteStore::open(data)?);
    let node_key = match NodeKey::open(data) {
        // A database without its key is never given a new one: its keys would be lost for good.
        Err(NodeKeyError::Missing { .. }) if store.head().await?.serial == 0 => {
            NodeKey::create(data, random.as_ref())?
        }
        found => found?,
    };
    let properties = properties(arguments);
    let installed = sts::install(store.as_ref(), &node_key, &properties, now, &random).await?;
    let master_key = Arc::new(installed.master_key);
    let source = certificates::Source {
        seed: &seed.certificates,
        folder,
        master_key: &master_key,
        now,
        random: random.as_ref(),
    };
    certificates::import(&store, &source).await?;

    let catalog = Catalog::open(store.clone(), master_key.clone()).await?;
    let moved = moved(&catalog.resident().properties, arguments);
    if catalog.resident().properties != moved {
        let stored = store.get(Kind::ServiceProperties, sts::PROPERTIES_ID).await?;
        let version = stored.map(|document| document.version).unwrap_or_default();
        let operations = vec![sts::put_properties(&moved, version)?];
        catalog.write(Write::at_head(store.as_ref(), "demo", now, operations).await?).await?;
    }
    let host = moved.host_name.as_str();

    let tls = tls(data, &store, &catalog, &master_key, host, &clock, &random).await?;
    let assembly = Assembly {
        data,
        store: store.clone().into(),
        catalog,
        master_key: &master_key,
        node: node_key.node(),
        node_name: host,
        clock: clock.clone(),
        random,
    };
    let (server, directory) = assemble(assembly).await?;
    let of_node = CertificateStore::open(data, Arc::new(node_key));
    let farm_certificates = Arc::new(FarmCertificates { server: server.clone(), of_node, master_key });
    Ok(Service { server, store, directory, farm_certificates, tls, first: installed.first })
}

/// Properties of a new demo.
fn properties(arguments: &Arguments) -> ServiceProperties {
    let host = arguments.host.as_deref().unwrap_or("localhost");
    ServiceProperties {
        host_name: host.to_owned(),
        https_port: arguments.port.unwrap_or(8443),
        http_port: 0,
        identifier: identifier(host),
        display_name: "Sekisho demo".to_owned(),
        directory_domain: DOMAIN.to_owned(),
        directory_dns_domain: DNS_DOMAIN.to_owned(),
        enable_claims_xray: true,
        ..ServiceProperties::default()
    }
}

fn identifier(host: &str) -> String {
    format!("http://{host}/adfs/services/trust")
}

/// The stored properties with what the command line says of name and port; everything else is the administrator's.
fn moved(stored: &ServiceProperties, arguments: &Arguments) -> ServiceProperties {
    let mut properties = stored.clone();
    if let Some(host) = &arguments.host {
        if properties.identifier == identifier(&properties.host_name) {
            properties.identifier = identifier(host);
        }
        properties.host_name.clone_from(host);
    }
    properties.https_port = arguments.port.unwrap_or(properties.https_port);
    properties
}

/// TLS for `host`. The certificate and the authority above it are made when they are missing or end soon; the
/// authority's key is thrown away, so that whoever trusts it trusts this one certificate.
async fn tls(
    data: &Path,
    store: &SqliteStore,
    catalog: &Catalog,
    master_key: &MasterKey,
    host: &str,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<Arc<Tls>> {
    let now = clock.now();
    let names = names(host);
    let id = format!("demo-tls:{host}");
    let stored = store.get(Kind::FarmKey, &id).await?;
    let version = stored.as_ref().map(|document| document.version).unwrap_or_default();
    let kept: Option<StoredTls> = stored.map(|document| serde_json::from_value(document.body)).transpose()?;
    let tls = match kept.filter(|tls| tls.certificate.not_after > now.plus(RENEW_BEFORE)) {
        Some(tls) => tls,
        None => {
            let DemoTls { authority_pem, certificate } =
                generate_demo_tls(&names, now, master_key, random.as_ref())?;
            let tls = StoredTls { authority_pem, certificate };
            let operation = Operation::Put {
                kind: Kind::FarmKey,
                id,
                expected: version,
                body: serde_json::to_value(&tls)?,
                keys: Vec::new(),
            };
            catalog.write(Write::at_head(store, "demo", now, vec![operation]).await?).await?;
            tls
        }
    };
    std::fs::write(data.join("ca.pem"), &tls.authority_pem)?;
    let key = keys::tls_certificate(&tls.certificate, master_key)?;
    let client_certificates = ClientCertificates::None;
    let served = NamedCertificate { names, key, client_certificates };
    listeners::tls(&[served], clock, random)
}

/// The demo's TLS as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredTls {
    authority_pem: String,
    certificate: Certificate,
}

/// A certificate that ends this soon is replaced at the start.
const RENEW_BEFORE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Names of the demo's certificate: the host, and what this machine calls itself.
fn names(host: &str) -> Vec<String> {
    let mut names = vec![host.to_owned()];
    for loopback in ["localhost", "127.0.0.1", "::1"] {
        if host != loopback {
            names.push(loopback.to_owned());
        }
    }
    names
}

impl Service {
    /// Event 100: everything is bound and served.
    pub(super) async fn record_start(&self, facts: &Facts) -> Result<()> {
        let hosts =
            [format!("{}/adfs/ls/", facts.base_url), facts.metadata_url.clone(), facts.probe_url.clone()];
        let event = Event::FsServiceStart { hosts: hosts.iter().map(Text::from).collect() };
        Ok(record(&self.server, event).await?)
    }

    /// Event 102: a listener could not be bound.
    pub(super) async fn record_startup_failure(&self, problem: &str) -> Result<()> {
        Ok(record(&self.server, Event::StartupException { exception: problem.into() }).await?)
    }

    /// Event 103.
    pub(super) async fn record_stop(&self) -> Result<()> {
        record(&self.server, Event::FsServiceStop).await?;
        self.server.sts.journal.close();
        Ok(())
    }
}
