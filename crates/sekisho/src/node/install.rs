//! `Install-AdfsFarm`: the first node of a new farm, in an empty data directory.
//!
//! certificate of the node's store → node key → store with the farm's first objects → `node.json`, last of all: a
//! directory with `node.json` is installed, one without is not.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{Clock, Random};
use configuration::ServiceProperties;
use keys::certificate_store::{CertificateStore, StoredCertificate};
use keys::{NodeKey, NodeKeyError};

use super::listeners::{Servable, certauth, servable};
use super::node_store::{ConnectionString, NodeStore};
use super::settings::NodeSettings;
use crate::Result;

/// What `Install-AdfsFarm` is told.
#[derive(Debug, Clone)]
pub(crate) struct NewFarm {
    /// `-FederationServiceName`
    pub(crate) federation_service_name: String,
    /// `-FederationServiceDisplayName`; the name without it.
    pub(crate) display_name: Option<String>,
    /// `-CertificateThumbprint`; without it, the one certificate of the store that covers the name.
    pub(crate) certificate_thumbprint: Option<String>,
    /// `-SSLPort`
    pub(crate) ssl_port: u16,
    /// `-TlsClientPort`
    pub(crate) tls_client_port: u16,
    /// `-SQLConnectionString`; without it the store is embedded.
    pub(crate) connection: Option<ConnectionString>,
    /// `-OverwriteConfiguration`: a farm that is installed already is put aside. One in a database is never: others may
    /// use it.
    pub(crate) overwrite: bool,
}

/// What was installed.
#[derive(Debug)]
pub(crate) struct Installed {
    pub(crate) thumbprint: String,
    pub(crate) warnings: Vec<String>,
    /// Where a farm that was there before has gone.
    pub(crate) put_aside: Option<PathBuf>,
}

/// Files of the embedded store.
pub(super) const OF_THE_STORE: [&str; 6] = [
    "configuration.db",
    "configuration.db-wal",
    "configuration.db-shm",
    "activity.db",
    "activity.db-wal",
    "activity.db-shm",
];
/// Further files and folders of a farm. Certificates of the node and its key are not among them: they outlive it.
const OF_A_FARM: [&str; 2] = ["node.json", "journal"];

/// Checks everything (`Test-AdfsFarmInstallation`) and, unless `only_test`, installs.
pub(crate) async fn install(
    data: &Path,
    farm: &NewFarm,
    only_test: bool,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<Installed> {
    let now = clock.now();
    if NodeSettings::read(data)?.is_some() && !farm.overwrite {
        return Err(format!(
            "a farm is installed in {} already; remove this node from it first, or give -OverwriteConfiguration, \
             which puts it aside and begins a new one",
            data.display()
        )
        .into());
    }
    let host = farm.federation_service_name.as_str();
    let properties = properties(farm);
    check(&properties)?;
    let node_key = Arc::new(node_key(data, random.as_ref())?);
    let certificates = CertificateStore::open(data, node_key.clone());
    let thumbprint = choose(&certificates, farm)?;
    let servable = servable(&certificates, "CertificateThumbprint", &thumbprint, host, now)?;
    let Servable { stored, mut warnings, .. } = servable;
    if !stored.covers(&certauth(host)) {
        let ports = net::ephemeral_conflicts(&[farm.tls_client_port]);
        warnings.extend(ports.iter().map(ToString::to_string));
    }
    if only_test {
        if let Some(connection) = &farm.connection {
            warnings.push(format!("{} is looked at when the farm is installed", connection.place()));
        }
        return Ok(Installed { thumbprint, warnings, put_aside: None });
    }

    // A database that can't be used is found before anything is put aside.
    let shared = match &farm.connection {
        Some(connection) => Some(empty_database(data, connection, random).await?),
        None => None,
    };
    let put_aside = if farm.overwrite { put_aside(data, now)? } else { None };
    let store = match shared {
        Some(store) => store,
        None => NodeStore::open(data, None, random.clone()).await?,
    };
    sts::install(store.configuration().as_ref(), &node_key, &properties, now, random).await?;
    drop(store);
    let sealed = farm.connection.as_ref().map(|connection| connection.seal(&node_key, random.as_ref()));
    let settings = NodeSettings {
        node_name: node_name()?,
        certificate_hash: stored.thumbprint().to_owned(),
        load_balancers: Vec::new(),
        proxy_protocol: false,
        sql_connection_string: sealed.transpose()?,
    };
    settings.write(data)?;
    leave_to_owner(data)?;
    Ok(Installed { thumbprint, warnings, put_aside })
}

/// The database, if no farm is in it.
async fn empty_database(
    data: &Path,
    connection: &ConnectionString,
    random: &Arc<dyn Random>,
) -> Result<NodeStore> {
    let store = NodeStore::open(data, Some(connection), random.clone()).await?;
    if store.configuration().head().await?.serial > 0 {
        return Err(format!(
            "{} holds the configuration of a farm already; name an empty database, or remove the schema 'sekisho' from \
             this one if nobody needs that farm any more",
            connection.place()
        )
        .into());
    }
    Ok(store)
}

fn properties(farm: &NewFarm) -> ServiceProperties {
    let host = &farm.federation_service_name;
    // Until a directory is joined, the embedded one stands for the domain that the service belongs to.
    let domain = host.split_once('.').map_or(host.as_str(), |(_, domain)| domain);
    let netbios = domain.split('.').next().unwrap_or(domain).to_ascii_uppercase();
    ServiceProperties {
        host_name: host.clone(),
        https_port: farm.ssl_port,
        tls_client_port: farm.tls_client_port,
        identifier: format!("http://{host}/adfs/services/trust"),
        display_name: farm.display_name.clone().unwrap_or_else(|| host.clone()),
        directory_domain: netbios,
        directory_dns_domain: domain.to_owned(),
        ..ServiceProperties::default()
    }
}

fn check(properties: &ServiceProperties) -> Result<()> {
    let object =
        configuration::object_type("service-properties").ok_or("service properties are not declared")?;
    let body = serde_json::to_value(properties)?;
    match (object.check)(body) {
        Ok(_) => Ok(()),
        Err(problems) => {
            let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Err(texts.join("; ").into())
        }
    }
}

/// The key of this node; made by whatever needs it first.
pub(crate) fn node_key(data: &Path, random: &dyn Random) -> Result<NodeKey> {
    Ok(match NodeKey::open(data) {
        Err(NodeKeyError::Missing { .. }) => {
            let key = NodeKey::create(data, random)?;
            leave_to_owner(data)?;
            key
        }
        found => found?,
    })
}

/// `-CertificateThumbprint`, or the one certificate that can only be meant.
fn choose(certificates: &CertificateStore, farm: &NewFarm) -> Result<String> {
    if let Some(thumbprint) = &farm.certificate_thumbprint {
        return Ok(thumbprint.clone());
    }
    let host = &farm.federation_service_name;
    let listing = certificates.list()?;
    let covering: Vec<&str> = listing
        .certificates
        .iter()
        .filter(|stored| stored.covers(host))
        .map(StoredCertificate::thumbprint)
        .collect();
    match covering.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => Err(format!(
            "no certificate of this node covers {host}; import one with Import-PfxCertificate and name it with \
             -CertificateThumbprint"
        )
        .into()),
        several => Err(format!(
            "several certificates of this node cover {host}; name one of them with -CertificateThumbprint: {}",
            several.join(", ")
        )
        .into()),
    }
}

/// Moves the files of a farm into a folder of their own.
pub(super) fn put_aside(data: &Path, now: base::Timestamp) -> Result<Option<PathBuf>> {
    move_files(data, "replaced", OF_A_FARM.into_iter().chain(OF_THE_STORE), now)
}

/// Moves those of the files that there are into a new folder, `WORD-TIME`; `None` when there are none.
pub(super) fn move_files(
    data: &Path,
    word: &str,
    names: impl IntoIterator<Item = &'static str>,
    now: base::Timestamp,
) -> Result<Option<PathBuf>> {
    let there: Vec<&str> = names.into_iter().filter(|name| data.join(name).exists()).collect();
    if there.is_empty() {
        return Ok(None);
    }
    let aside = data.join(format!("{word}-{}", now.to_xml().replace([':', '.'], "-")));
    std::fs::create_dir(&aside)?;
    for name in there {
        std::fs::rename(data.join(name), aside.join(name))?;
    }
    Ok(Some(aside))
}

/// The name that the system has; a farm of one node needs no better one.
pub(crate) fn node_name() -> Result<String> {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() {
        Err("this machine has no host name; set one with hostnamectl".into())
    } else {
        Ok(name)
    }
}

/// What root made belongs to the account that the data directory belongs to: the service runs as that.
pub(crate) fn leave_to_owner(data: &Path) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let owner = std::fs::metadata(data)?;
    let mut folders = vec![data.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            std::os::unix::fs::lchown(entry.path(), Some(owner.uid()), Some(owner.gid()))?;
            // Links are not followed: they may lead anywhere.
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(())
}
