//! `Get-AdfsSslCertificate` and `Set-AdfsSslCertificate`: the TLS certificate of this node's listeners.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use configuration::ServiceProperties;
use keys::certificate_store::CertificateStore;
use net::{Listener, Protocol, ServerHandle};
use serde_json::{Value, json};
use server::{ActionAnswer, ActionError, FederationServer};

use super::check::{Finding, tls_certificate};
use super::listeners::{
    Doors, HTTPS, Servable, USER_CERTIFICATES, addresses, certauth, https_certificates, servable,
    user_certificates,
};
use super::settings::NodeSettings;

/// AD FS's application id, by which its bindings are known.
const APPLICATION: &str = "5d89a20c-beab-4389-9447-324788eb944a";

/// The parts of a node that its TLS certificate concerns.
pub(crate) struct SslCertificate {
    pub(crate) data: PathBuf,
    pub(crate) settings: Mutex<NodeSettings>,
    pub(crate) certificates: CertificateStore,
    pub(crate) doors: Doors,
    pub(crate) handle: ServerHandle,
    pub(crate) server: Arc<FederationServer>,
}

impl SslCertificate {
    /// The bindings, one for each name and port.
    pub(crate) fn get(&self) -> ActionAnswer {
        let properties = self.properties();
        let hash = self.settings().certificate_hash;
        let binding = |host: &str, port: u16| {
            json!({
                "HostName": host,
                "PortNumber": port,
                "CertificateHash": hash,
                "CertificateStoreName": "My",
                "AppId": APPLICATION,
            })
        };
        let mut objects = vec![binding(&properties.host_name, properties.https_port)];
        match self.has_certauth(&hash, &properties) {
            true => objects.push(binding(&certauth(&properties.host_name), properties.https_port)),
            false => objects.push(binding(&properties.host_name, properties.tls_client_port)),
        }
        // Clients that send no server name get the same certificate.
        objects.push(binding("0.0.0.0", properties.https_port));
        ActionAnswer { objects, warnings: Vec::new() }
    }

    /// Serves the certificate with this thumbprint from the next handshake on. Connections that live keep theirs.
    pub(crate) async fn set(&self, arguments: &Value, what_if: bool) -> Result<ActionAnswer, ActionError> {
        let properties = self.properties();
        let host = properties.host_name.as_str();
        let thumbprint = arguments.get("Thumbprint").and_then(Value::as_str).unwrap_or_default();
        let now = self.server.sts.clock.now();
        let servable = servable(&self.certificates, "Thumbprint", thumbprint, host, now);
        let Servable { stored, key, mut warnings } = servable.map_err(ActionError::failed)?;
        if what_if {
            return Ok(ActionAnswer { objects: Vec::new(), warnings });
        }

        let had = self.has_certauth(&self.settings().certificate_hash, &properties);
        let has = stored.covers(&certauth(host));
        if had && !has {
            // The port first: a certificate that leaves user certificates without a place is not taken.
            let listener = Listener {
                name: USER_CERTIFICATES.to_owned(),
                addresses: addresses(&properties, properties.tls_client_port),
                protocol: Protocol::Tls(self.doors.user_certificates.clone()),
                proxy_protocol: self.settings().proxy_protocol,
            };
            self.handle.add(listener).await.map_err(ActionError::failed)?;
            warnings.push(format!(
                "the certificate does not name {}: user certificates are taken at port {} now",
                certauth(host),
                properties.tls_client_port
            ));
        }
        let settings = NodeSettings { certificate_hash: stored.thumbprint().to_owned(), ..self.settings() };
        settings.write(&self.data).map_err(ActionError::failed)?;
        self.doors
            .https
            .replace_certificates(&https_certificates(host, &stored, &key))
            .map_err(ActionError::failed)?;
        let replaced = self.doors.user_certificates.replace_certificates(&user_certificates(host, &key));
        replaced.map_err(ActionError::failed)?;
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = settings;
        if has && !had && self.handle.remove(USER_CERTIFICATES).await.is_ok() {
            warnings.push(format!("user certificates are taken at {} now", certauth(host)));
        }
        tracing::info!(thumbprint = stored.thumbprint(), listener = HTTPS, "TLS certificate replaced");
        Ok(ActionAnswer { objects: self.get().objects, warnings })
    }

    /// Whether it can be served, and for how long.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let (settings, properties) = (self.settings(), self.properties());
        let now = self.server.sts.clock.now();
        tls_certificate(&self.certificates, &settings.certificate_hash, &properties.host_name, now)
    }

    fn has_certauth(&self, thumbprint: &str, properties: &ServiceProperties) -> bool {
        let stored = self.certificates.get(thumbprint);
        stored.is_ok_and(|stored| stored.covers(&certauth(&properties.host_name)))
    }

    fn properties(&self) -> ServiceProperties {
        self.server.sts.catalog.resident().properties.clone()
    }

    fn settings(&self) -> NodeSettings {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
