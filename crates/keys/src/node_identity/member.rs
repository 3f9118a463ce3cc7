//! A node as its certificate names it.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

use base::Guid;
use rustls::pki_types::{CertificateDer, DnsName, ServerName};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Nodes are named below this domain, which no resolver answers (RFC 6761 6.4): a node's identity is not its
/// address.
pub(super) const DOMAIN: &str = "node.sekisho.invalid";
/// RFC 5280 appendix A, ub-common-name.
const LONGEST_NAME: usize = 64;

/// A node of the farm, read from a certificate that its authority issued.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FarmMember {
    /// Its identifier, the one in its `node.key`.
    pub node: Guid,
    /// Its name, for people: the host name it joined with.
    pub name: String,
}

impl FarmMember {
    /// Reads a node's certificate, such as the peer's after a handshake; `None` for any other certificate.
    pub fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        let names = parsed.subject_alternative_name().ok()??;
        let [GeneralName::DNSName(dns_name)] = names.value.general_names.as_slice() else { return None };
        let node = dns_name.strip_suffix(DOMAIN)?.strip_suffix('.')?.parse().ok()?;
        let name = parsed.subject().iter_common_name().next()?.as_str().ok()?.to_owned();
        Some(Self { node, name })
    }
}

/// What a node's certificate may be called: a host name, shown to people.
pub(super) fn is_node_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= LONGEST_NAME
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
}

pub(super) fn dns_name(node: Guid) -> String {
    format!("{node}.{DOMAIN}")
}

/// The name to dial a node by, whatever its address is.
pub fn node_server_name(node: Guid) -> ServerName<'static> {
    match DnsName::try_from(dns_name(node)) {
        Ok(name) => ServerName::DnsName(name),
        // A GUID and the domain are letters, digits, dashes and dots. If not, no certificate has this address.
        Err(_) => ServerName::IpAddress(std::net::Ipv4Addr::UNSPECIFIED.into()),
    }
}

/// The nodes that were removed from the farm. Shared with every listener and client; a change holds for the next
/// handshake, and open connections are the caller's to end.
#[derive(Debug, Default)]
pub struct RemovedNodes(RwLock<HashSet<Guid>>);

impl RemovedNodes {
    /// Those removed so far.
    pub fn new(nodes: impl IntoIterator<Item = Guid>) -> Self {
        Self(RwLock::new(nodes.into_iter().collect()))
    }

    /// Takes another list in place of this one.
    pub fn replace(&self, nodes: impl IntoIterator<Item = Guid>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = nodes.into_iter().collect();
    }

    /// Whether the node was removed.
    pub fn contains(&self, node: Guid) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(&node)
    }
}
