//! TLS by server name, with certificates that change while connections live.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::digest;
use base::{Clock, Random};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::UnixTime;
use rustls::server::NoServerSessionStorage;
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use x509_parser::der_parser::Oid;
use x509_parser::oid_registry as oid;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::signature_algorithm::SignatureAlgorithm;

use crate::client_certificates::ClientCertificates;
use crate::tickets::{TicketKeys, Ticketer};

/// A certificate, the names it is served for, and what these names ask of their clients.
#[derive(Clone)]
pub struct NamedCertificate {
    /// Names by which clients ask for it (SNI). Each is also an authority that requests may name.
    pub names: Vec<String>,
    /// Chain and key.
    pub key: Arc<CertifiedKey>,
    /// Whether clients that come for one of the names are asked for a certificate.
    pub client_certificates: ClientCertificates,
}

/// A name for other servers, beside those of the certificates, with a TLS configuration of its own. It stays when
/// certificates are replaced.
#[derive(Debug, Clone)]
pub struct ReservedName {
    /// The name (SNI), in lower case; also an authority that requests may name.
    pub name: String,
    /// Everything of the handshake, ALPN among it. HTTP/1.1 should be all that it offers.
    pub config: Arc<ServerConfig>,
    /// What `config` asks of clients; requests see it as
    /// [`TlsInfo::client_certificates`](crate::TlsInfo::client_certificates).
    pub client_certificates: ClientCertificates,
}

/// A set of certificates that cannot be served. Nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The list is empty.
    #[error("there is no TLS certificate; expected at least one")]
    NoCertificate,
    /// Two certificates claim one name.
    #[error("the name '{0}' has two TLS certificates; expected one for each name")]
    NameTwice(String),
    /// Key and certificate do not belong together, the certificate cannot be read, or the issuers of client
    /// certificates are none or unreadable.
    #[error("the TLS certificate for '{name}' cannot be used: {source}")]
    Certificate {
        /// The first of its names.
        name: String,
        /// What is wrong.
        source: rustls::Error,
    },
}

/// The TLS side of a listener. Several listeners may share it.
pub struct Tls {
    table: ArcSwap<Table>,
    reserved: ArcSwap<HashMap<String, Arc<Entry>>>,
    ticketer: Arc<Ticketer>,
    time: Arc<ClockTime>,
    provider: Arc<CryptoProvider>,
}

/// One version of the certificates.
#[derive(Debug)]
struct Table {
    by_name: HashMap<String, Arc<Entry>>,
    /// For clients that send no name, or one that is not served.
    fallback: Arc<Entry>,
    authorities: HashSet<String>,
}

/// What is served under one certificate.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) server_end_point: Option<Arc<[u8]>>,
    pub(crate) client_certificates: Arc<ClientCertificates>,
}

impl Tls {
    /// TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1; names that ask for client certificates HTTP/1.1 only. The first
    /// certificate, with what it asks of clients, also serves those that send no name (health checks, old
    /// clients) or an unknown one.
    pub fn new(
        certificates: &[NamedCertificate],
        ticket_keys: TicketKeys,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Arc<Self>, TlsError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let ticketer = Arc::new(Ticketer::new(ticket_keys, random));
        let time = Arc::new(ClockTime(clock));
        let table = Table::new(certificates, &provider, &ticketer, &time)?;
        Ok(Arc::new(Self {
            table: ArcSwap::from_pointee(table),
            reserved: ArcSwap::default(),
            ticketer,
            time,
            provider,
        }))
    }

    /// The next handshake sees the new certificates; connections that live keep theirs. Where what a name asks
    /// of its clients changes too, requests for it over older connections are answered 421, and their clients
    /// connect anew.
    pub fn replace_certificates(&self, certificates: &[NamedCertificate]) -> Result<(), TlsError> {
        let table = Table::new(certificates, &self.provider, &self.ticketer, &self.time)?;
        self.table.store(Arc::new(table));
        Ok(())
    }

    /// Serves these names too, in place of those reserved before. A name that a certificate has stays the
    /// certificate's.
    pub fn reserve(&self, names: Vec<ReservedName>) {
        let entry = |reserved: ReservedName| {
            let client_certificates = Arc::new(reserved.client_certificates);
            let entry = Entry { config: reserved.config, server_end_point: None, client_certificates };
            (reserved.name, Arc::new(entry))
        };
        self.reserved.store(Arc::new(names.into_iter().map(entry).collect()));
    }

    /// Replaces the keys of session tickets, at the latest every [`crate::TICKET_LIFETIME`].
    pub fn replace_ticket_keys(&self, keys: TicketKeys) {
        self.ticketer.replace(keys);
    }

    pub(crate) fn entry(&self, sni: Option<&str>) -> Arc<Entry> {
        let (table, reserved) = (self.table.load(), self.reserved.load());
        let named = sni.and_then(|name| table.by_name.get(name).or_else(|| reserved.get(name)));
        named.unwrap_or(&table.fallback).clone()
    }

    /// Whether a request may name `host` (lower case, without port).
    pub(crate) fn serves(&self, host: &str) -> bool {
        self.table.load().authorities.contains(host) || self.reserved.load().contains_key(host)
    }

    /// Whether `host` (lower case, without port) asks of its clients what a connection was made under. A host
    /// that is not served by name counts with the clients that send no name.
    pub(crate) fn asks_the_same(&self, host: &str, connection: &Arc<ClientCertificates>) -> bool {
        let (table, reserved) = (self.table.load(), self.reserved.load());
        let named = table.by_name.get(host).or_else(|| reserved.get(host));
        let asked = &named.unwrap_or(&table.fallback).client_certificates;
        Arc::ptr_eq(asked, connection) || asked == connection
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("names", &self.table.load().authorities).finish_non_exhaustive()
    }
}

impl Table {
    fn new(
        certificates: &[NamedCertificate],
        provider: &Arc<CryptoProvider>,
        ticketer: &Arc<Ticketer>,
        time: &Arc<ClockTime>,
    ) -> Result<Self, TlsError> {
        let mut by_name = HashMap::new();
        let mut fallback = None;
        for certificate in certificates {
            let entry = Arc::new(Entry::new(certificate, provider, ticketer, time)?);
            fallback.get_or_insert_with(|| entry.clone());
            for name in &certificate.names {
                let name = name.to_ascii_lowercase();
                if by_name.insert(name.clone(), entry.clone()).is_some() {
                    return Err(TlsError::NameTwice(name));
                }
            }
        }
        let authorities = by_name.keys().cloned().collect();
        Ok(Self { fallback: fallback.ok_or(TlsError::NoCertificate)?, by_name, authorities })
    }
}

impl Entry {
    fn new(
        certificate: &NamedCertificate,
        provider: &Arc<CryptoProvider>,
        ticketer: &Arc<Ticketer>,
        time: &Arc<ClockTime>,
    ) -> Result<Self, TlsError> {
        let error = |source| TlsError::Certificate {
            name: certificate.names.first().cloned().unwrap_or_default(),
            source,
        };
        certificate.key.keys_match().map_err(error)?;
        let leaf = certificate.key.end_entity_cert().map_err(error)?;
        let server_end_point = server_end_point(leaf);
        let builder = ServerConfig::builder_with_details(provider.clone(), time.clone())
            .with_safe_default_protocol_versions()
            .map_err(error)?;
        let verifier = certificate.client_certificates.verifier(provider).map_err(error)?;
        let asks = verifier.is_some();
        let mut config = match verifier {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        }
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certificate.key.clone())));
        config.session_storage = Arc::new(NoServerSessionStorage {});
        if asks {
            // A resumed session would stand for a certificate that this handshake did not see.
            config.send_tls13_tickets = 0;
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
        } else {
            config.ticketer = ticketer.clone();
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        }
        let client_certificates = Arc::new(certificate.client_certificates.clone());
        Ok(Self { config: Arc::new(config), server_end_point, client_certificates })
    }
}

/// rustls takes its time from our clock too.
struct ClockTime(Arc<dyn Clock>);

impl fmt::Debug for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClockTime")
    }
}

impl TimeProvider for ClockTime {
    fn current_time(&self) -> Option<UnixTime> {
        let micros = u64::try_from(self.0.now().as_micros()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_micros(micros)))
    }
}

/// RFC 5929 4.1: the hash of the certificate, by the hash of its signature; SHA-256 in place of MD5 and SHA-1.
fn server_end_point(certificate: &[u8]) -> Option<Arc<[u8]>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let algorithm = signature_hash(&parsed)?;
    Some(digest::digest(algorithm, certificate).as_ref().into())
}

fn signature_hash(certificate: &X509Certificate<'_>) -> Option<&'static digest::Algorithm> {
    let algorithm = &certificate.signature_algorithm;
    if let Ok(SignatureAlgorithm::RSASSA_PSS(parameters)) = SignatureAlgorithm::try_from(algorithm) {
        return hash(parameters.hash_algorithm_oid());
    }
    hash(algorithm.oid())
}

fn hash(algorithm: &Oid<'_>) -> Option<&'static digest::Algorithm> {
    let is = |known: &[Oid<'static>]| known.contains(algorithm);
    if is(&[
        oid::OID_PKCS1_MD5WITHRSAENC,
        oid::OID_PKCS1_SHA1WITHRSA,
        oid::OID_PKCS1_SHA256WITHRSA,
        oid::OID_SIG_ECDSA_WITH_SHA256,
        oid::OID_HASH_SHA1,
        oid::OID_NIST_HASH_SHA256,
    ]) {
        return Some(&digest::SHA256);
    }
    if is(&[oid::OID_PKCS1_SHA384WITHRSA, oid::OID_SIG_ECDSA_WITH_SHA384, oid::OID_NIST_HASH_SHA384]) {
        return Some(&digest::SHA384);
    }
    if is(&[oid::OID_PKCS1_SHA512WITHRSA, oid::OID_SIG_ECDSA_WITH_SHA512, oid::OID_NIST_HASH_SHA512]) {
        return Some(&digest::SHA512);
    }
    None
}
