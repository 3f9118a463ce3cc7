//! Where a node listens, from the farm's ports and the node's TLS certificate.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use base::{Clock, Random, Timestamp};
use configuration::ServiceProperties;
use keys::certificate_store::{CertificateStore, StoredCertificate};
use net::{ClientCertificates, Issuers, Listener, NamedCertificate, Protocol, TicketKey, TicketKeys, Tls};
use rustls::sign::CertifiedKey;

use crate::Result;

/// Browsers and applications; its name in logs and events.
pub(crate) const HTTPS: &str = "https";
/// Sign-in with user certificates at a port of its own.
pub(crate) const USER_CERTIFICATES: &str = "user-certificates";
/// The health probe, plain HTTP.
pub(crate) const PROBE: &str = "probe";

/// Both TLS sides of a node. They change certificates together.
#[derive(Clone)]
pub(crate) struct Doors {
    /// [`HTTPS`].
    pub(crate) https: Arc<Tls>,
    /// [`USER_CERTIFICATES`].
    pub(crate) user_certificates: Arc<Tls>,
}

/// Host that asks for user certificates at the port of the service.
pub(crate) fn certauth(host: &str) -> String {
    format!("certauth.{host}")
}

/// A certificate of the node under which the service can be served.
pub(crate) struct Servable {
    pub(crate) stored: StoredCertificate,
    pub(crate) key: Arc<CertifiedKey>,
    /// What clients would object to.
    pub(crate) warnings: Vec<String>,
}

/// Looks a certificate up and opens its key, so that what cannot be served is found now and not at the next start.
/// `parameter` is where the thumbprint was given.
pub(crate) fn servable(
    certificates: &CertificateStore,
    parameter: &str,
    thumbprint: &str,
    host: &str,
    now: Timestamp,
) -> Result<Servable> {
    let stored = certificates.get(thumbprint)?;
    if !stored.covers(host) {
        return Err(format!(
            "{parameter}: '{}' is a certificate for other names than {host}; expected one whose subject alternative \
             names hold it",
            stored.thumbprint()
        )
        .into());
    }
    let key = certificates.tls_key(stored.thumbprint())?;
    let warnings = stored.check_for_tls(&[host], now).iter().map(ToString::to_string).collect();
    Ok(Servable { stored, key, warnings })
}

/// The TLS side of listeners, with session tickets of this process's own.
pub(crate) fn tls(
    certificates: &[NamedCertificate],
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<Arc<Tls>> {
    let current = TicketKey::random(random.as_ref()).ok_or("TLS session tickets can't be keyed")?;
    let tickets = TicketKeys { current, previous: Vec::new() };
    Ok(Tls::new(certificates, tickets, clock.clone(), random.clone())?)
}

/// Certificates of [`HTTPS`]. A certificate that names `certauth.HOST` takes user certificates there, as AD FS
/// decides it.
pub(crate) fn https_certificates(
    host: &str,
    stored: &StoredCertificate,
    key: &Arc<CertifiedKey>,
) -> Vec<NamedCertificate> {
    let mut certificates = vec![NamedCertificate {
        names: vec![host.to_owned()],
        key: key.clone(),
        client_certificates: ClientCertificates::None,
    }];
    if stored.covers(&certauth(host)) {
        certificates.push(NamedCertificate {
            names: vec![certauth(host)],
            key: key.clone(),
            client_certificates: ClientCertificates::Requested(Issuers::ANY),
        });
    }
    certificates
}

/// The certificate of [`USER_CERTIFICATES`].
pub(crate) fn user_certificates(host: &str, key: &Arc<CertifiedKey>) -> Vec<NamedCertificate> {
    vec![NamedCertificate {
        names: vec![host.to_owned()],
        key: key.clone(),
        client_certificates: ClientCertificates::Requested(Issuers::ANY),
    }]
}

/// All listeners of a node. Without `certauth.HOST` in the certificate, user certificates have a port of their own.
pub(crate) fn listeners(
    properties: &ServiceProperties,
    doors: &Doors,
    has_certauth: bool,
    proxy_protocol: bool,
) -> Vec<Listener> {
    let tls = |tls: &Arc<Tls>| Protocol::Tls(tls.clone());
    let mut listeners = vec![Listener {
        name: HTTPS.to_owned(),
        addresses: addresses(properties, properties.https_port),
        protocol: tls(&doors.https),
        proxy_protocol,
    }];
    if !has_certauth {
        listeners.push(Listener {
            name: USER_CERTIFICATES.to_owned(),
            addresses: addresses(properties, properties.tls_client_port),
            protocol: tls(&doors.user_certificates),
            proxy_protocol,
        });
    }
    listeners.push(Listener {
        name: PROBE.to_owned(),
        addresses: addresses(properties, properties.http_port),
        protocol: Protocol::Plain,
        proxy_protocol: false,
    });
    listeners
}

/// Loopback names are served on loopback; other names wherever this machine has an address.
pub(crate) fn addresses(properties: &ServiceProperties, port: u16) -> Vec<SocketAddr> {
    let ips: [IpAddr; 2] = match properties.is_loopback() {
        true => [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        false => [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()],
    };
    ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect()
}
