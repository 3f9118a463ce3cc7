//! `sekisho serve --check`: what would keep the node from being ready, or may one day, for people and scripts.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

use base::{Clock, SystemClock};
use keys::{CertificateStore, NodeKey};
use serde::Serialize;
use store::sqlite::SqliteStore;
use store::{Configuration, Kind};

use super::listeners::{addresses, certauth};
use super::run::not_installed;
use super::settings::NodeSettings;
use crate::Result;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Finding {
    /// What was looked at.
    pub(crate) check: &'static str,
    /// How it is.
    pub(crate) result: Severity,
    /// In words, with what to do.
    pub(crate) detail: String,
}

impl Finding {
    fn new(check: &'static str, result: Severity, detail: impl ToString) -> Self {
        Self { check, result, detail: detail.to_string() }
    }
}

/// Looks at everything and prints it: a table for people, JSON lines for a pipe. Whether the node can be ready.
pub(crate) async fn run(data: &Path, admin_socket: &Path) -> Result<bool> {
    let findings = findings(data, admin_socket).await;
    let mut out = std::io::stdout().lock();
    for finding in &findings {
        if out.is_terminal() {
            let mark = match finding.result {
                Severity::Ok => "ok     ",
                Severity::Warning => "warning",
                Severity::Problem => "PROBLEM",
            };
            writeln!(out, "{mark}  {:<22} {}", finding.check, finding.detail)?;
        } else {
            writeln!(out, "{}", serde_json::to_string(finding)?)?;
        }
    }
    Ok(findings.iter().all(|finding| finding.result != Severity::Problem))
}

async fn findings(data: &Path, admin_socket: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Err(error) = look(data, admin_socket, &mut findings).await {
        findings.push(Finding::new("Installation", Severity::Problem, error));
    }
    findings
}

/// What cannot be looked at because of an earlier problem is left out.
async fn look(data: &Path, admin_socket: &Path, findings: &mut Vec<Finding>) -> Result<()> {
    let settings = NodeSettings::read(data)?.ok_or_else(|| not_installed(data))?;
    findings.push(Finding::new("Installation", Severity::Ok, format!("node {}", settings.node_name)));
    let node_key = Arc::new(NodeKey::open(data)?);
    let store = SqliteStore::open_to_read(data)?;
    let document = store.get(Kind::ServiceProperties, sts::PROPERTIES_ID).await?;
    let document = document.ok_or("the configuration has no service properties")?;
    let properties: configuration::ServiceProperties = serde_json::from_value(document.body)?;
    sts::open_master_key(&store, &node_key).await?;
    let public = properties.public_url();
    findings.push(Finding::new("Configuration", Severity::Ok, format!("{public}, change {}", document.version)));

    let host = properties.host_name.as_str();
    let certificates = CertificateStore::open(data, node_key);
    let now = SystemClock::new().now();
    let mut has_certauth = false;
    match certificates.get(&settings.certificate_hash) {
        Ok(stored) => {
            has_certauth = stored.covers(&certauth(host));
            let opened = certificates.tls_key(stored.thumbprint());
            let objections = stored.check_for_tls(&[host], now);
            findings.extend(objections.iter().map(|warning| {
                Finding::new("TLS certificate", Severity::Warning, warning)
            }));
            findings.push(match opened {
                Ok(_) => Finding::new("TLS certificate", Severity::Ok, stored.thumbprint()),
                Err(error) => Finding::new("TLS certificate", Severity::Problem, error),
            });
        }
        Err(error) => findings.push(Finding::new("TLS certificate", Severity::Problem, error)),
    }

    let mut ports = vec![("HttpsPort", properties.https_port), ("HttpPort", properties.http_port)];
    if !has_certauth {
        ports.push(("TlsClientPort", properties.tls_client_port));
    }
    let is_served = std::os::unix::net::UnixStream::connect(admin_socket).is_ok();
    for (name, port) in &ports {
        let failure = addresses(&properties, *port).into_iter().find_map(|address| {
            std::net::TcpListener::bind(address).err().map(|error| (address, error))
        });
        let in_use = failure.filter(|(_, error)| error.kind() == std::io::ErrorKind::AddrInUse);
        findings.push(match in_use {
            None => Finding::new(name, Severity::Ok, format!("{port} is free")),
            // The service itself: whether it is ready is said below.
            Some(_) if is_served => Finding::new(name, Severity::Ok, format!("{port} is in use by this node")),
            Some((address, _)) => {
                let holder = net::port_holders(port.to_owned()).first().map(ToString::to_string);
                let holder = holder.unwrap_or_else(|| "nobody who can be seen holds it".to_owned());
                Finding::new(name, Severity::Problem, format!("{address} is taken: {holder}"))
            }
        });
    }
    let numbers: Vec<u16> = ports.iter().map(|(_, port)| *port).collect();
    for conflict in net::ephemeral_conflicts(&numbers) {
        findings.push(Finding::new("Ephemeral ports", Severity::Warning, conflict));
    }
    Ok(())
}
