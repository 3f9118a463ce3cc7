//! First installation: the objects without which no request can be answered, in one write.

use std::sync::Arc;

use base::{Guid, Random, Timestamp};
use configuration::{
    Certificate, ClaimDescription, ClaimsProviderTrust, Endpoint, GlobalAuthenticationPolicy,
    ServiceProperties, SyncProperties,
};
use keys::{GenerateError, MasterKey, NodeKey, SealError, TokenUse, Validity, generate_token_certificate};
use store::{Configuration, Kind, Operation, StoreError, Write, WriteError};

use crate::catalog::{put, put_claim_description, put_claims_provider, put_properties};

/// The object of [`Kind::Node`] that holds the wrapping of the master key in a store of one node that was installed
/// when nodes had no identifiers there. A wrapping has its node's GUID for an identifier now: nodes may share a store.
pub const NODE_ID: &str = "this-node";

/// Certificates made here are good for a year, as AD FS's are.
const CERTIFICATE_DAYS: u32 = 365;

/// What an installed service has in its keeping.
pub struct Installed {
    /// The farm's master key.
    pub master_key: MasterKey,
    /// Whether this call installed it.
    pub first: bool,
}

/// The service can't be installed, or what is installed can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The first write was refused.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A key or certificate failed.
    #[error(transparent)]
    Certificate(#[from] GenerateError),
    /// The master key can't be wrapped or unwrapped: another node's key file, or a damaged one.
    #[error(transparent)]
    Key(#[from] SealError),
    /// A stored document can't be read or written.
    #[error("a configuration object can't be read or written: {0}")]
    Json(#[from] serde_json::Error),
    /// The store is empty.
    #[error("the store holds no master key for this node: no farm is installed in it")]
    NotInstalled,
    /// A thread that makes keys failed.
    #[error("making the certificates failed")]
    Thread,
}

/// Opens what is installed, or installs it.
pub async fn install(
    store: &dyn Configuration,
    node_key: &NodeKey,
    properties: &ServiceProperties,
    now: Timestamp,
    random: &Arc<dyn Random>,
) -> Result<Installed, InstallError> {
    if let Some(master_key) = stored_master_key(store, node_key).await? {
        return Ok(Installed { master_key, first: false });
    }
    let master_key = MasterKey::generate(random.as_ref());
    let [signing, decrypting] = make_certificates(&properties.host_name, now, &master_key, random).await?;
    let directory = ClaimsProviderTrust {
        object_identifier: Guid::random(random.as_ref()),
        name: "Active Directory".to_owned(),
        identifier: claims::claim::AD_AUTHORITY.to_owned(),
        is_local: true,
        anchor_claim_type: Some(claims::types::WINDOWS_ACCOUNT_NAME.to_owned()),
        acceptance_transform_rules: acceptance_rules(),
        ..ClaimsProviderTrust::default()
    };
    let mut operations = vec![
        Operation::Put {
            kind: Kind::Node,
            id: node_key.node().to_string(),
            expected: 0,
            body: serde_json::to_value(node_key.wrap(&master_key, random.as_ref())?)?,
            keys: Vec::new(),
        },
        put_properties(properties, 0)?,
        put_claims_provider(&directory, 0)?,
        put_certificate(&signing, 0)?,
        put_certificate(&decrypting, 0)?,
    ];
    for description in ClaimDescription::defaults() {
        operations.push(put_claim_description(&description, 0)?);
    }
    for endpoint in Endpoint::defaults() {
        operations.push(put(Kind::Endpoint, &endpoint.of_farm(properties), 0)?);
    }
    operations.push(put(Kind::GlobalAuthenticationPolicy, &GlobalAuthenticationPolicy::default(), 0)?);
    operations.push(put(Kind::SyncProperties, &SyncProperties::default(), 0)?);
    store.write(Write::at_head(store, "installation", now, operations).await?).await?;
    Ok(Installed { master_key, first: true })
}

/// Opens the farm's master key on a node that is installed.
pub async fn open_master_key(
    store: &dyn Configuration,
    node_key: &NodeKey,
) -> Result<MasterKey, InstallError> {
    stored_master_key(store, node_key).await?.ok_or(InstallError::NotInstalled)
}

async fn stored_master_key(
    store: &dyn Configuration,
    node_key: &NodeKey,
) -> Result<Option<MasterKey>, InstallError> {
    let node = node_key.node().to_string();
    let mut found = store.get(Kind::Node, &node).await?;
    if found.is_none() {
        found = store.get(Kind::Node, NODE_ID).await?;
    }
    if found.is_none() {
        // One of another node can't be opened, and the error says for whom it is.
        found = store.list(Kind::Node, None, 1).await?.pop();
    }
    let Some(document) = found else { return Ok(None) };
    Ok(Some(node_key.unwrap(&serde_json::from_value(document.body)?)?))
}

/// The store operation that creates or replaces a certificate.
pub fn put_certificate(certificate: &Certificate, expected: u64) -> Result<Operation, serde_json::Error> {
    put(Kind::Certificate, certificate, expected)
}

/// RSA keys take a tenth of a second each, so both are made at once. They are the first of their kind, so each is
/// the primary one.
async fn make_certificates(
    host: &str,
    now: Timestamp,
    master_key: &MasterKey,
    random: &Arc<dyn Random>,
) -> Result<[Certificate; 2], InstallError> {
    let validity = Validity::days(now, CERTIFICATE_DAYS);
    let make = |token_use| generate_token_certificate(token_use, host, validity, master_key, random.as_ref());
    let made = std::thread::scope(|scope| {
        let signing = scope.spawn(|| make(TokenUse::Signing));
        let decrypting = make(TokenUse::Decrypting);
        Some([signing.join().ok()?, decrypting])
    });
    let [signing, decrypting] = made.ok_or(InstallError::Thread)?;
    Ok([Certificate { is_primary: true, ..signing? }, Certificate { is_primary: true, ..decrypting? }])
}

/// AD FS's ten rules, and two of ours: without the UPN and the list of methods no application is served well, and
/// the rules of relying parties expect both.
fn acceptance_rules() -> String {
    let more = [claims::types::UPN, claims::types::IMPLICIT_UPN, claims::types::AUTHN_METHODS_REFERENCES].map(|claim_type| {
        format!(
            "@RuleTemplate = \"PassThroughClaims\"\n\
             c:[Type == \"{claim_type}\", Issuer =~ \"^(AD AUTHORITY|SELF AUTHORITY|LOCAL AUTHORITY)$\"]\n => issue(claim = c);\n"
        )
    });
    format!("{}\n{}", *claims::defaults::ACTIVE_DIRECTORY_ACCEPTANCE, more.join("\n"))
}
