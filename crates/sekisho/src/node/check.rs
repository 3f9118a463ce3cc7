//! `sekisho serve --check`: what would keep the node from being ready, or may one day, for people and scripts.

use std::io::{ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

use base::{Clock, SystemClock, SystemRandom, Timestamp};
use cmdlets::administration::{Administration, SocketAdministration};
use keys::NodeKey;
use keys::certificate_store::CertificateStore;
use net::{ListenerSet, ListenerState};
use serde::{Deserialize, Serialize};
use store::{Configuration, Kind};

use super::listeners::{addresses, certauth};
use super::node_store::NodeStore;
use super::run::not_installed;
use super::settings::NodeSettings;
use super::ssl_certificate::SslCertificate;
use crate::Result;

/// Name of the action that answers for a running node.
pub(crate) const ACTION: &str = "check-node";

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// As it should be.
    Ok,
    /// Works now, and may fail one day.
    Warning,
    /// Keeps the node from being ready.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Finding {
    /// What was looked at.
    pub(crate) check: String,
    /// How it is.
    pub(crate) result: Severity,
    /// In words, with what to do.
    pub(crate) detail: String,
}

impl Finding {
    pub(super) fn new(check: &str, result: Severity, detail: impl ToString) -> Self {
        Self { check: check.to_owned(), result, detail: detail.to_string() }
    }
}

/// Whether the TLS certificate can be served, and what clients would object to.
pub(super) fn tls_certificate(
    certificates: &CertificateStore,
    thumbprint: &str,
    host: &str,
    now: Timestamp,
) -> Vec<Finding> {
    const CHECK: &str = "TLS certificate";
    let stored = match certificates.get(thumbprint) {
        Ok(stored) => stored,
        Err(error) => return vec![Finding::new(CHECK, Severity::Problem, error)],
    };
    let objections = stored.check_for_tls(&[host], now);
    let objections = objections.iter().map(|warning| Finding::new(CHECK, Severity::Warning, warning));
    let opened = match certificates.tls_key(thumbprint) {
        Ok(_) => Finding::new(CHECK, Severity::Ok, thumbprint),
        Err(error) => Finding::new(CHECK, Severity::Problem, error),
    };
    objections.chain([opened]).collect()
}

/// Looks at everything and prints it: a table for people, JSON lines for a pipe. Whether the node can be ready, or
/// is.
pub(crate) async fn run(data: &Path, admin_socket: &Path) -> Result<bool> {
    let findings = match std::os::unix::net::UnixStream::connect(admin_socket) {
        Ok(_) => ask(admin_socket)?,
        Err(_) => stopped(data).await,
    };
    let mut out = std::io::stdout().lock();
    for finding in &findings {
        if out.is_terminal() {
            let mark = match finding.result {
                Severity::Ok => "ok     ",
                Severity::Warning => "warning",
                Severity::Problem => "PROBLEM",
            };
            writeln!(out, "{mark}  {:<18} {}", finding.check, finding.detail)?;
        } else {
            writeln!(out, "{}", serde_json::to_string(finding)?)?;
        }
    }
    Ok(findings.iter().all(|finding| finding.result != Severity::Problem))
}

/// A running node knows best.
fn ask(admin_socket: &Path) -> Result<Vec<Finding>> {
    let administration = SocketAdministration::new(admin_socket.to_owned());
    let (objects, _) = administration.action(ACTION, &serde_json::Value::Null, false)?;
    Ok(objects.into_iter().map(serde_json::from_value).collect::<std::result::Result<_, _>>()?)
}

/// The same of a node that runs, from within.
pub(crate) fn running(set: &ListenerSet, ready: bool, ssl_certificate: &SslCertificate) -> Vec<Finding> {
    let mut findings = vec![match ready {
        true => Finding::new("Service", Severity::Ok, "running and ready"),
        false => Finding::new("Service", Severity::Problem, "running and not ready"),
    }];
    findings.extend(ssl_certificate.findings());
    for listener in &set.listeners {
        let (result, detail) = match &listener.state {
            ListenerState::Bound { at } => (Severity::Ok, format!("{} listens at {at}", listener.name)),
            ListenerState::Absent => (Severity::Ok, format!("{}: this machine has no IPv6", listener.name)),
            ListenerState::Retrying { failure, since, tries } => {
                (Severity::Problem, format!("{failure} (tried {tries} times since {})", since.to_xml()))
            }
        };
        findings.push(Finding::new("Listener", result, detail));
    }
    for change in &set.failed_changes {
        findings.push(Finding::new("Listener", Severity::Warning, &change.reason));
    }
    let ports: Vec<u16> = set.listeners.iter().map(|listener| listener.address.port()).collect();
    findings.extend(ephemeral(&ports));
    findings
}

/// Whether a running node reaches its configuration. A database may be lost and come back.
pub(crate) async fn store(configuration: &dyn Configuration) -> Finding {
    const CHECK: &str = "Configuration";
    match configuration.head().await {
        Ok(head) => {
            Finding::new(CHECK, Severity::Ok, format!("can be read; it is at change {}", head.serial))
        }
        Err(error) => Finding::new(CHECK, Severity::Problem, error),
    }
}

fn ephemeral(ports: &[u16]) -> impl Iterator<Item = Finding> {
    let conflicts = net::ephemeral_conflicts(ports);
    conflicts.into_iter().map(|conflict| Finding::new("Ephemeral ports", Severity::Warning, conflict))
}

/// A node that does not run, from its files.
async fn stopped(data: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Err(error) = look(data, &mut findings).await {
        findings.push(Finding::new("Installation", Severity::Problem, error));
    }
    findings
}

/// What cannot be looked at because of an earlier problem is left out.
async fn look(data: &Path, findings: &mut Vec<Finding>) -> Result<()> {
    let settings = NodeSettings::read(data)?.ok_or_else(|| not_installed(data))?;
    findings.push(Finding::new("Installation", Severity::Ok, format!("node {}", settings.node_name)));
    let node_key = Arc::new(NodeKey::open(data)?);
    let store = NodeStore::of(data, &settings, &node_key, Arc::new(SystemRandom)).await?.configuration();
    let document = store.get(Kind::ServiceProperties, sts::PROPERTIES_ID).await?;
    let document = document.ok_or("the configuration has no service properties")?;
    let properties: configuration::ServiceProperties = serde_json::from_value(document.body)?;
    sts::open_master_key(store.as_ref(), &node_key).await?;
    let public = properties.public_url();
    findings.push(Finding::new(
        "Configuration",
        Severity::Ok,
        format!("{public}, change {}", document.version),
    ));

    let host = properties.host_name.as_str();
    let certificates = CertificateStore::open(data, node_key);
    let now = SystemClock::new().now();
    findings.extend(tls_certificate(&certificates, &settings.certificate_hash, host, now));
    let stored = certificates.get(&settings.certificate_hash);
    let has_certauth = stored.is_ok_and(|stored| stored.covers(&certauth(host)));

    let mut ports = vec![("HttpsPort", properties.https_port), ("HttpPort", properties.http_port)];
    if !has_certauth {
        ports.push(("TlsClientPort", properties.tls_client_port));
    }
    for (name, port) in &ports {
        let taken = addresses(&properties, *port).into_iter().find(|address| {
            let bound = std::net::TcpListener::bind(address);
            bound.is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
        });
        findings.push(match taken {
            None => Finding::new(name, Severity::Ok, format!("{port} is free")),
            Some(address) => {
                let holder = net::port_holders(address).first().map(ToString::to_string);
                let holder = holder.unwrap_or_else(|| "the system does not say by whom".to_owned());
                Finding::new(name, Severity::Problem, format!("{port} is taken: {holder}"))
            }
        });
    }
    let numbers: Vec<u16> = ports.iter().map(|(_, port)| *port).collect();
    findings.extend(ephemeral(&numbers));
    Ok(())
}
