//! The configuration as requests read it: properties resident, trusts loaded on first use into a bounded
//! cache with their rules compiled.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use claims::RuleSet;
use configuration::{
    Certificate, ClaimDescription, ClaimsProviderTrust, Object, RelyingPartyTrust, ServiceProperties,
};
use keys::{KeyError, MasterKey};
use quick_cache::sync::Cache;
use store::{Configuration, Document, Head, Kind, Operation, StoreError, Write, WriteError};

use crate::rules;
use crate::token_keys::TokenKeys;

/// Relying parties kept ready at once.
const READY_PARTIES: usize = 1_024;

/// A relying party trust with everything a request needs, ready to use.
#[derive(Debug)]
pub struct RelyingParty {
    /// The trust.
    pub trust: RelyingPartyTrust,
    /// Issuance authorization rules.
    pub authorization: RuleSet,
    /// Issuance transform rules.
    pub transform: RuleSet,
}

/// What every request reads. One request uses one value from beginning to end.
#[derive(Debug)]
pub struct Resident {
    /// Farm properties.
    pub properties: ServiceProperties,
    /// Acceptance rules of the built-in directory.
    pub acceptance: RuleSet,
    /// Claim descriptions, in the order in which metadata has them.
    pub claim_descriptions: Vec<ClaimDescription>,
    /// The token certificates, opened.
    pub token_keys: TokenKeys,
}

/// The stored configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An object is missing: the store was never initialised, or is damaged.
    #[error("the configuration has no {0}; run the installation again or restore the data directory")]
    Missing(&'static str),
    /// A stored object can't be read.
    #[error("the stored {kind:?} '{id}' can't be used: {cause}")]
    Unusable {
        /// Kind of object.
        kind: Kind,
        /// Its identifier.
        id: String,
        /// What is wrong with it.
        cause: String,
    },
}

/// The configuration.
pub struct Catalog {
    store: Arc<dyn Configuration>,
    master_key: Arc<MasterKey>,
    resident: ArcSwap<Resident>,
    parties: Cache<String, Arc<RelyingParty>>,
    /// Changes of relying party trusts since the start. Held while [`Self::parties`] takes or loses one, so that a
    /// trust read before a change is never kept after it.
    party_changes: Mutex<u64>,
    /// Held from a write until what it changed is loaded: of two writers, the later one's properties stay.
    writing: tokio::sync::Mutex<()>,
}

impl Catalog {
    /// Reads what must be resident; `master_key` opens the token certificates.
    pub async fn open(
        store: Arc<dyn Configuration>,
        master_key: Arc<MasterKey>,
    ) -> Result<Self, CatalogError> {
        let resident = read_resident(store.as_ref(), &master_key, None).await?;
        Ok(Self {
            store,
            master_key,
            resident: ArcSwap::from_pointee(resident),
            parties: Cache::new(READY_PARTIES),
            party_changes: Mutex::new(0),
            writing: tokio::sync::Mutex::new(()),
        })
    }

    /// What every request reads.
    pub fn resident(&self) -> Arc<Resident> {
        self.resident.load_full()
    }

    /// The trust with this identifier, compared octet by octet; `None` when there is none.
    pub async fn relying_party(&self, identifier: &str) -> Result<Option<Arc<RelyingParty>>, CatalogError> {
        if let Some(ready) = self.parties.get(identifier) {
            return Ok(Some(ready));
        }
        let changes = *self.party_changes.lock().unwrap_or_else(PoisonError::into_inner);
        let found = self.store.find(Kind::RelyingPartyTrust, "identifier", identifier).await?;
        let Some(document) = found else { return Ok(None) };
        let party = Arc::new(ready(&document)?);
        let now = self.party_changes.lock().unwrap_or_else(PoisonError::into_inner);
        if *now == changes {
            self.parties.insert(identifier.to_owned(), party.clone());
        }
        Ok(Some(party))
    }

    /// The stored objects.
    pub fn store(&self) -> &dyn Configuration {
        self.store.as_ref()
    }

    /// Every relying party trust, in order of identity. For lists that people read, never for a request.
    pub async fn relying_parties(&self) -> Result<Vec<RelyingPartyTrust>, CatalogError> {
        let mut trusts = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.store.list(Kind::RelyingPartyTrust, after.as_deref(), 500).await?;
            let Some(last) = page.last() else { return Ok(trusts) };
            after = Some(last.id.clone());
            for document in &page {
                trusts.push(read(document)?);
            }
        }
    }

    /// Writes and makes the change visible to requests that begin after this returns. What did not change stays
    /// ready: the cost grows with the change, not with the number of trusts.
    pub async fn write(&self, write: Write) -> Result<Head, WriteError> {
        let mut parties = Vec::new();
        let mut resident = false;
        for operation in &write.operations {
            let (Operation::Put { kind, id, .. } | Operation::Delete { kind, id, .. }) = operation;
            match kind {
                Kind::RelyingPartyTrust => parties.push(id.clone()),
                Kind::ServiceProperties
                | Kind::ClaimsProviderTrust
                | Kind::ClaimDescription
                | Kind::Certificate => resident = true,
                _ => {}
            }
        }
        let _writing = self.writing.lock().await;
        let head = self.store.write(write).await?;
        if resident {
            match self.read_resident().await {
                Ok(resident) => self.resident.store(Arc::new(resident)),
                // The change is stored; requests go on with the last good properties.
                Err(error) => tracing::error!(%error, "the changed configuration can't be loaded"),
            }
        }
        if !parties.is_empty() {
            let mut changes = self.party_changes.lock().unwrap_or_else(PoisonError::into_inner);
            *changes = changes.wrapping_add(1);
            self.parties.retain(|_, party| !parties.contains(&party.trust.object_identifier.to_string()));
        }
        Ok(head)
    }
}

impl Catalog {
    /// Whether a certificate can be used for what its type says: its key opens, fits and is of the right kind.
    pub fn check_certificate(&self, certificate: &Certificate) -> Result<(), KeyError> {
        TokenKeys::check(certificate, &self.master_key)
    }

    async fn read_resident(&self) -> Result<Resident, CatalogError> {
        read_resident(self.store.as_ref(), &self.master_key, Some(&self.resident.load().token_keys)).await
    }

    /// Loads everything anew, after the store took changes that did not come through [`write`](Self::write): those
    /// of the primary, on a secondary. On an error requests go on with what was loaded before.
    pub async fn reload(&self) -> Result<(), CatalogError> {
        let _writing = self.writing.lock().await;
        let resident = self.read_resident().await?;
        self.resident.store(Arc::new(resident));
        let mut changes = self.party_changes.lock().unwrap_or_else(PoisonError::into_inner);
        *changes = changes.wrapping_add(1);
        self.parties.clear();
        Ok(())
    }
}

/// The store operation that creates or replaces a trust. `expected` is the version that was read, 0 for a new
/// trust.
pub fn put_relying_party(trust: &RelyingPartyTrust, expected: u64) -> Result<Operation, serde_json::Error> {
    put(Kind::RelyingPartyTrust, trust, expected)
}

/// The store operation that creates or replaces a claims provider trust.
pub fn put_claims_provider(
    trust: &ClaimsProviderTrust,
    expected: u64,
) -> Result<Operation, serde_json::Error> {
    put(Kind::ClaimsProviderTrust, trust, expected)
}

/// The store operation that creates or replaces the farm's properties.
pub fn put_properties(properties: &ServiceProperties, expected: u64) -> Result<Operation, serde_json::Error> {
    put(Kind::ServiceProperties, properties, expected)
}

/// The store operation that creates or replaces a claim description.
pub fn put_claim_description(
    description: &ClaimDescription,
    expected: u64,
) -> Result<Operation, serde_json::Error> {
    put(Kind::ClaimDescription, description, expected)
}

/// Any object, under the identifier and the names that it declares.
pub(crate) fn put<T: Object + Clone>(
    kind: Kind,
    object: &T,
    expected: u64,
) -> Result<Operation, serde_json::Error> {
    let mut object = object.clone();
    object.settle();
    Ok(Operation::Put {
        kind,
        id: object.id(),
        expected,
        body: serde_json::to_value(&object)?,
        keys: object.keys(),
    })
}

/// The one object of [`Kind::ServiceProperties`].
pub const PROPERTIES_ID: &str = "farm";

async fn read_resident(
    store: &dyn Configuration,
    master_key: &MasterKey,
    before: Option<&TokenKeys>,
) -> Result<Resident, CatalogError> {
    let properties = store.get(Kind::ServiceProperties, PROPERTIES_ID).await?;
    let properties = properties.ok_or(CatalogError::Missing("service properties"))?;
    let provider = store.find(Kind::ClaimsProviderTrust, "identifier", claims::claim::AD_AUTHORITY).await?;
    let provider = provider.ok_or(CatalogError::Missing("claims provider trust 'Active Directory'"))?;
    let trust: ClaimsProviderTrust = read(&provider)?;
    Ok(Resident {
        properties: read(&properties)?,
        acceptance: compiled(&provider, "AcceptanceTransformRules", &trust.acceptance_transform_rules)?,
        claim_descriptions: in_order_of_publication(read_claim_descriptions(store).await?),
        token_keys: TokenKeys::load(store, master_key, before).await?,
    })
}

/// Claim descriptions that a farm has at most.
const CLAIM_DESCRIPTIONS: usize = 1_000;

async fn read_claim_descriptions(store: &dyn Configuration) -> Result<Vec<ClaimDescription>, CatalogError> {
    let stored = store.list(Kind::ClaimDescription, None, CLAIM_DESCRIPTIONS).await?;
    stored.iter().map(read).collect()
}

/// AD FS's own come first, in its order; others after them.
pub fn in_order_of_publication(mut descriptions: Vec<ClaimDescription>) -> Vec<ClaimDescription> {
    let defaults = ClaimDescription::defaults();
    descriptions.sort_by_cached_key(|description| {
        let place = defaults.iter().position(|known| known.claim_type == description.claim_type);
        (place.unwrap_or(usize::MAX), description.claim_type.clone())
    });
    descriptions
}

fn ready(document: &Document) -> Result<RelyingParty, CatalogError> {
    let trust: RelyingPartyTrust = read(document)?;
    Ok(RelyingParty {
        authorization: compiled(document, "IssuanceAuthorizationRules", trust.authorization_rules())?,
        transform: compiled(document, "IssuanceTransformRules", &trust.issuance_transform_rules)?,
        trust,
    })
}

fn compiled(document: &Document, field: &str, text: &str) -> Result<RuleSet, CatalogError> {
    rules::compile(text).map_err(|problems| {
        let first = problems.first().map(ToString::to_string).unwrap_or_default();
        unusable(document, format!("{field}: {first}"))
    })
}

fn read<T: serde::de::DeserializeOwned>(document: &Document) -> Result<T, CatalogError> {
    T::deserialize(&document.body).map_err(|cause| unusable(document, cause.to_string()))
}

fn unusable(document: &Document, cause: String) -> CatalogError {
    CatalogError::Unusable { kind: document.kind, id: document.id.clone(), cause }
}
