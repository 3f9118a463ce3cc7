//! What a demo says about itself: on the terminal for people, in `demo.json` for scripts.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use configuration::RelyingPartyTrust;
use serde::{Deserialize, Serialize};

/// The facts of a running demo. The file `demo.json` in the data directory holds them while it runs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// Name of the federation service.
    pub(crate) federation_service: String,
    /// Address of the service.
    pub(crate) base_url: String,
    /// Issuer of tokens, SAML entity id.
    pub(crate) entity_id: String,
    /// Federation metadata.
    pub(crate) metadata_url: String,
    /// Claims X-Ray, the page that shows a token.
    pub(crate) claims_xray_url: String,
    /// Health probe, plain HTTP.
    pub(crate) probe_url: String,
    /// Certificate authority to trust, PEM.
    pub(crate) ca_file: PathBuf,
    /// Administration socket.
    pub(crate) admin_socket: PathBuf,
    /// Process id of the demo.
    pub(crate) pid: u32,
    /// Users, those of the seed file first.
    pub(crate) users: Vec<User>,
    /// Relying parties.
    pub(crate) relying_parties: Vec<RelyingParty>,
}

/// A user of the demo.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) upn: String,
    pub(crate) sam: String,
    pub(crate) password: String,
    pub(crate) display_name: String,
    pub(crate) mail: String,
    pub(crate) groups: Vec<String>,
    /// What is special about the user; empty for an ordinary one.
    pub(crate) note: String,
}

/// A relying party of the demo.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RelyingParty {
    pub(crate) name: String,
    pub(crate) identifiers: Vec<String>,
    pub(crate) endpoints: Vec<String>,
}

impl RelyingParty {
    /// The facts of a trust.
    pub(crate) fn of(trust: &RelyingPartyTrust) -> Self {
        let ws_fed = trust.ws_fed_endpoint.iter().chain(&trust.additional_ws_fed_endpoint).cloned();
        let saml = trust.saml_endpoints.iter().map(|endpoint| endpoint.location.clone());
        Self {
            name: trust.name.clone(),
            identifiers: trust.identifier.clone(),
            endpoints: ws_fed.chain(saml).collect(),
        }
    }
}

impl Facts {
    /// Writes `demo.json`, readable by the owner only: it holds passwords.
    pub(crate) fn write(&self, directory: &Path) -> std::io::Result<()> {
        use std::os::unix::fs::OpenOptionsExt;
        let text = serde_json::to_string_pretty(self)?;
        let temporary = directory.join("demo.json.new");
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        std::io::Write::write_all(&mut file, text.as_bytes())?;
        std::fs::rename(temporary, directory.join("demo.json"))
    }

    /// The banner.
    pub(crate) fn banner(&self, milliseconds: u128, data: &Path) -> String {
        let mut out = String::new();
        let ca = self.ca_file.display();
        let host = &self.federation_service;
        let program = std::env::args().next().unwrap_or_else(|| "sekisho".to_owned());
        let _ = writeln!(out, "Sekisho demo is ready ({milliseconds} ms).\n");
        let _ = writeln!(out, "  Open            {}", self.claims_xray_url);
        let _ = writeln!(out, "  Metadata        {}", self.metadata_url);
        let _ = writeln!(out, "  Entity id       {}", self.entity_id);
        let _ = writeln!(out, "  Health probe    {}\n", self.probe_url);
        let _ = writeln!(out, "Sign in as");
        for user in &self.users {
            let upn = &user.upn;
            let password = &user.password;
            let pad = " ".repeat(24_usize.saturating_sub(upn.chars().count()));
            let _ = writeln!(out, "  {upn}{pad}{password}    {}{}", user.display_name, note(&user.note));
        }
        let _ = writeln!(out, "\nRelying parties");
        for party in &self.relying_parties {
            let _ = writeln!(out, "  {}: {}", party.name, party.identifiers.join(", "));
        }
        let _ = writeln!(out, "\nTrust the demo's certificate authority, {ca}");
        let _ = writeln!(out, "  curl      curl --cacert {ca} {}", self.metadata_url);
        let _ = writeln!(out, "  Python    export REQUESTS_CA_BUNDLE={ca} SSL_CERT_FILE={ca}");
        let _ = writeln!(out, "  Node.js   export NODE_EXTRA_CA_CERTS={ca}");
        let _ = writeln!(
            out,
            "  browser   Chromium on Linux: certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n sekisho-demo -i {ca}"
        );
        let _ = writeln!(
            out,
            "            Firefox: Settings, Certificates, Authorities, Import; or accept the warning for {host}"
        );
        let _ = writeln!(out, "\nFacts for scripts: {}", data.join("demo.json").display());
        let _ =
            writeln!(out, "Why did a request fail? {program} explain ACTIVITY-ID --data {}", data.display());
        let _ = writeln!(out, "End with Ctrl-C; the data stays and is used again.");
        out
    }
}

fn note(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" ({text})") }
}
