//! What is true of this node and of no other: `node.json` in its data directory.

use std::io::ErrorKind;
use std::path::Path;

use net::{Network, TrustedHops};
use serde::{Deserialize, Serialize};

use crate::Result;

const FILE: &str = "node.json";

/// The node's own settings. Everything else is the farm's, and in its configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct NodeSettings {
    /// Name of this node, as other nodes reach it.
    pub(crate) node_name: String,
    /// Thumbprint of the TLS certificate in the node's certificate store (`Set-AdfsSslCertificate`). It serves every
    /// name of the service, and clients that send none.
    pub(crate) certificate_hash: String,
    /// Networks of load balancers whose word about client addresses counts.
    #[serde(default)]
    pub(crate) load_balancers: Vec<String>,
    /// Load balancers begin their connections with a PROXY header.
    #[serde(default)]
    pub(crate) proxy_protocol: bool,
    /// The database that all nodes of the farm share, sealed with the node's key; without it the store is embedded.
    #[serde(rename = "SQLConnectionString", default, skip_serializing_if = "Option::is_none")]
    pub(crate) sql_connection_string: Option<String>,
}

impl NodeSettings {
    /// Reads the settings; `None` when no farm is installed in `data`.
    pub(crate) fn read(data: &Path) -> Result<Option<Self>> {
        let path = data.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("{}: {error}", path.display()).into()),
        };
        let settings: Self =
            serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        settings.trusted_hops()?;
        Ok(Some(settings))
    }

    /// Writes the settings: the old ones or the new ones are there, whatever happens.
    pub(crate) fn write(&self, data: &Path) -> Result<()> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let new = data.join("node.json.new");
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(new, data.join(FILE))?;
        std::fs::File::open(data)?.sync_all()?;
        Ok(())
    }

    /// Whose word about client addresses counts.
    pub(crate) fn trusted_hops(&self) -> Result<TrustedHops> {
        let parse = |text: &String| {
            text.parse::<Network>().map_err(|error| format!("node.json: LoadBalancers: '{text}': {error}"))
        };
        let load_balancers = self.load_balancers.iter().map(parse).collect::<std::result::Result<_, _>>()?;
        Ok(TrustedHops { load_balancers, ..TrustedHops::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_a_file_and_mistakes_in_it_are_named() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(NodeSettings::read(data.path()).unwrap(), None);
        let settings = NodeSettings {
            node_name: "fs01.contoso.com".to_owned(),
            certificate_hash: "AB".repeat(20),
            load_balancers: vec!["10.0.0.0/8".to_owned()],
            proxy_protocol: true,
            sql_connection_string: Some("sealed".to_owned()),
        };
        settings.write(data.path()).unwrap();
        assert_eq!(NodeSettings::read(data.path()).unwrap(), Some(settings.clone()));
        NodeSettings { load_balancers: vec!["10.0.0".to_owned()], ..settings }.write(data.path()).unwrap();
        let error = NodeSettings::read(data.path()).unwrap_err().to_string();
        assert!(error.starts_with("node.json: LoadBalancers: '10.0.0'"), "{error}");
        std::fs::write(data.path().join(FILE), r#"{"NodeName": "a", "CertificateHsh": "b"}"#).unwrap();
        let error = NodeSettings::read(data.path()).unwrap_err().to_string();
        assert!(error.contains("CertificateHsh"), "{error}");
    }
}
