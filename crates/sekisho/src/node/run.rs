//! `sekisho serve`: a node of an installed farm, from its first try to bind to its end.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use audit::Event;
use base::{Clock, Random, SystemClock, SystemRandom};
use keys::NodeKey;
use keys::certificate_store::CertificateStore;
use net::{Limits, Server, Settings};
use server::{ActionAnswer, Actions, Admin, AdminSocket};
use sts::Catalog;
use sts::administration::{Administration, Role, RoleSource};
use tokio::signal::unix::{SignalKind, signal};

use super::certificates::{self, FarmCertificates};
use super::check;
use super::farm::{self, Farm, NodeRoutes};
use super::listeners::{Doors, certauth, https_certificates, listeners, tls, user_certificates};
use super::node_store::NodeStore;
use super::open::{Assembly, assemble};
use super::ports::PortsFollow;
use super::readiness::{self, record};
use super::settings::NodeSettings;
use super::ssl_certificate::SslCertificate;
use super::users::{self, Users};
use crate::Result;

/// Requests in progress get this long when the node is asked to end.
pub(crate) const DRAIN: Duration = Duration::from_secs(30);

/// Serves the node in `data` until it is asked to end.
pub(crate) async fn run(data: &Path, admin_socket: &Path) -> Result<()> {
    // First of all, so that nobody can end the process in another way than this.
    let mut asked_to_end = std::pin::pin!(asked_to_end()?);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let settings = NodeSettings::read(data)?.ok_or_else(|| not_installed(data))?;
    let node_key = Arc::new(NodeKey::open(data)?);
    let store = tokio::select! {
        store = NodeStore::when_reachable(data, &settings, &node_key, random.clone()) => store?,
        () = &mut asked_to_end => return Ok(()),
    };
    let configuration = store.configuration();
    let master_key = Arc::new(sts::open_master_key(configuration.as_ref(), &node_key).await?);
    let catalog = Catalog::open(configuration, master_key.clone()).await?;
    let farm = match &store {
        NodeStore::Embedded(store) => {
            let farm = Farm::open(farm::Parts {
                data,
                store: store.clone(),
                node_key: &node_key,
                master_key: &master_key,
                name: &settings.node_name,
                clock: clock.clone(),
                random: random.clone(),
            });
            Some(farm.await.map_err(|error| format!("the farm: {error}"))?)
        }
        // Every node writes, and the database keeps them at one.
        NodeStore::Shared { .. } => None,
    };
    let role: Arc<dyn RoleSource> = match &farm {
        Some(farm) => farm.clone(),
        None => Arc::new(Role::Primary),
    };
    // The node's own handle stays here to the end: with it the data directory is locked.
    let assembly = Assembly {
        data,
        store: store.clone(),
        catalog,
        master_key: &master_key,
        node: node_key.node(),
        node_name: &settings.node_name,
        clock: clock.clone(),
        random: random.clone(),
    };
    let (server, directory) = assemble(assembly).await?;

    let properties = server.sts.catalog.resident().properties.clone();
    let host = properties.host_name.as_str();
    let certificates = CertificateStore::open(data, node_key);
    let stored = certificates.get(&settings.certificate_hash)?;
    let key = certificates.tls_key(&settings.certificate_hash)?;
    let doors = Doors {
        https: tls(&https_certificates(host, &stored, &key), &clock, &random)?,
        user_certificates: tls(&user_certificates(host, &key), &clock, &random)?,
    };
    if let Some(farm) = &farm {
        farm.reserve(&doors.https).map_err(|error| error.to_string())?;
    }
    let listeners = listeners(&properties, &doors, stored.covers(&certauth(host)), settings.proxy_protocol);
    for conflict in net::ephemeral_conflicts(&ports(&listeners)) {
        tracing::warn!(%conflict, "a port may be taken while the service is down");
    }
    let admin = AdminSocket::bind(admin_socket)
        .map_err(|error| format!("administration socket {}: {error}", admin_socket.display()))?;
    let listening = Server::bind_available(Settings {
        listeners,
        limits: Limits::default(),
        trusted_hops: settings.trusted_hops()?,
        clock: clock.clone(),
        random,
    });
    let handle = listening.start(NodeRoutes { service: server::Routes(server.clone()), farm: farm.clone() });
    let following = farm.clone().map(|farm| tokio::spawn(farm.follow(server.clone(), handle.clone())));
    let ssl_certificate = Arc::new(SslCertificate {
        data: data.to_owned(),
        settings: Mutex::new(settings),
        certificates,
        doors,
        handle: handle.clone(),
        server: server.clone(),
    });
    let administration = Administration::new(role.clone()).observed_by(Arc::new(PortsFollow(handle.clone())));
    let users = Arc::new(Users { server: server.clone(), directory, role });
    let of_node = ssl_certificate.certificates.clone();
    let certificates = Arc::new(FarmCertificates { server: server.clone(), of_node, master_key });
    let actions = users::actions(actions(&ssl_certificate, &farm), &users);
    let actions = certificates::actions(actions, &certificates);
    let admin = tokio::spawn(admin.serve(Admin::new(server.clone(), administration, actions)));
    let base = properties.base_url();
    let hosts = vec![
        format!("{base}/adfs/ls/"),
        format!("{base}/FederationMetadata/2007-06/FederationMetadata.xml"),
        format!("http://{host}:{}/adfs/probe", properties.http_port),
    ];
    let readiness = tokio::spawn(readiness::follow(server.clone(), handle.clone(), hosts));

    asked_to_end.await;
    net::service_manager::stopping();
    readiness.abort();
    if let Some(following) = following {
        following.abort();
    }
    server.set_ready(false);
    let drained = handle.drain(DRAIN).await;
    admin.abort();
    record(&server, Event::FsServiceStop).await?;
    server.sts.journal.close();
    if drained.cut > 0 {
        tracing::warn!(cut = drained.cut, "connections were cut at the end");
    }
    Ok(())
}

fn actions(ssl_certificate: &Arc<SslCertificate>, farm: &Option<Arc<Farm>>) -> Actions {
    let checked = farm.clone();
    let actions = match farm {
        Some(farm) => farm::actions(Actions::default(), farm),
        None => Actions::default(),
    };
    actions
        .on(check::ACTION, ssl_certificate, move |all, _| {
            let farm = checked.clone();
            async move {
                let mut findings = check::running(&all.handle.snapshot(), all.server.is_ready(), &all);
                findings.push(check::store(all.server.sts.catalog.store()).await);
                if let Some(farm) = &farm {
                    findings.extend(farm.findings().await);
                }
                let objects =
                    findings.iter().filter_map(|finding| serde_json::to_value(finding).ok()).collect();
                Ok(ActionAnswer { objects, warnings: Vec::new() })
            }
        })
        .on("get-ssl-certificate", ssl_certificate, |ssl, _| async move { Ok(ssl.get()) })
        .on("set-ssl-certificate", ssl_certificate, |ssl, call| async move {
            ssl.set(&call.body, call.what_if).await
        })
}

fn ports(listeners: &[net::Listener]) -> Vec<u16> {
    let ports = listeners.iter().flat_map(|listener| &listener.addresses);
    ports.map(std::net::SocketAddr::port).collect()
}

/// What to do in a data directory without a farm.
pub(crate) fn not_installed(data: &Path) -> String {
    format!(
        "no farm is installed in {}; import a TLS certificate (Import-PfxCertificate) and run Install-AdfsFarm, or name \
         another directory with --data",
        data.display()
    )
}

/// Listens for SIGTERM and Ctrl-C from now on; the future is ready when one of them came.
pub(crate) fn asked_to_end() -> Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
