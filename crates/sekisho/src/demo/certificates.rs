//! Token certificates of a seed file: a developer whose application pins a certificate brings it along.

use std::path::Path;

use base::{Random, Secret, Timestamp};
use configuration::{Certificate, CertificateType};
use keys::{Chain, ImportError, ImportRules, MasterKey, import_pem, import_pfx};
use store::sqlite::SqliteStore;
use store::{Configuration, Write};

use crate::node::certificates;

use super::Result;
use super::seed::{SeedCertificate, SeedCertificates};

/// Where the certificates come from, and what seals their keys.
pub(super) struct Source<'a> {
    pub(super) seed: &'a SeedCertificates,
    /// Folder of the seed file.
    pub(super) folder: &'a Path,
    pub(super) master_key: &'a MasterKey,
    pub(super) now: Timestamp,
    pub(super) random: &'a dyn Random,
}

/// Makes the seed's certificates the primary ones of their types. Those that were primary stay, not primary.
pub(super) async fn import(store: &SqliteStore, source: &Source<'_>) -> Result<()> {
    let wanted = [
        (CertificateType::TokenSigning, "token_signing", &source.seed.token_signing),
        (CertificateType::TokenDecrypting, "token_decrypting", &source.seed.token_decrypting),
    ];
    let mut operations = Vec::new();
    for (certificate_type, key, seed) in wanted {
        let Some(seed) = seed else { continue };
        let imported = read(source, certificate_type, seed)
            .map_err(|error| format!("certificates.{key}: {}: {error}", seed.file.display()))?;
        let stored = certificates(store, certificate_type).await?;
        if stored.iter().any(|(known, _)| known.is_primary && known.thumbprint == imported.thumbprint) {
            continue;
        }
        let version = stored.iter().find(|(known, _)| known.thumbprint == imported.thumbprint);
        let version = version.map(|(_, document)| document.version).unwrap_or_default();
        for (known, document) in stored.iter().filter(|(known, _)| known.is_primary) {
            operations.push(sts::put_certificate(
                &Certificate { is_primary: false, ..known.clone() },
                document.version,
            )?);
        }
        operations.push(sts::put_certificate(&Certificate { is_primary: true, ..imported }, version)?);
    }
    if !operations.is_empty() {
        store.write(Write::at_head(store, "demo", source.now, operations).await?).await?;
    }
    Ok(())
}

fn read(
    source: &Source<'_>,
    certificate_type: CertificateType,
    seed: &SeedCertificate,
) -> Result<Certificate> {
    let bytes = std::fs::read(source.folder.join(&seed.file)).map_err(|error| {
        format!("{error}; expected a PEM or PFX file, by a path relative to the seed file")
    })?;
    let rules = ImportRules { certificate_type, now: source.now, chain: Chain::AsGiven };
    let is_pem = bytes.windows(11).any(|window| window == b"-----BEGIN ");
    Ok(match is_pem {
        true => import_pem(&bytes, &rules, source.master_key, source.random)?,
        false => {
            let password = Secret::new(seed.password.clone().unwrap_or_default());
            import_pfx(&bytes, &password, &rules, source.master_key, source.random).map_err(|error| {
                match error {
                    ImportError::Format { .. } => format!("{error}; it has no line of a PEM file either"),
                    other => other.to_string(),
                }
            })?
        }
    })
}
