//! Looking: one object, objects in pages, the history. Secrets stay inside.

use base::Timestamp;
use configuration::ObjectType;
use serde_json::Value;

use super::change::kind_of;
use super::difference::without_secrets;
use super::{Administration, ChangeError, Stored};
use crate::Sts;

/// Objects and changes that one answer holds at most.
const LARGEST_PAGE: usize = 1_000;
/// Entries of the history that one answer looks at, at most.
const SEARCHED: usize = 20_000;

/// Which objects of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Those after an identifier, in order of identifier.
    After(Option<String>),
    /// The one that has a value in a unique index.
    By(&'static str, String),
}

/// Objects.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// In order of identifier.
    pub objects: Vec<Stored>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<String>,
}

/// One change of an object that administrators know.
#[derive(Debug, Clone)]
pub struct HistoryEntry {
    /// Serial number.
    pub serial: u64,
    /// Epoch.
    pub epoch: u64,
    /// Kind of the object.
    pub object: &'static ObjectType,
    /// Identifier of the object.
    pub id: String,
    /// Its version after the change.
    pub version: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// The object after the change, without secrets; `None` when it was removed.
    pub body: Option<Value>,
}

/// Changes, oldest first.
#[derive(Debug, Clone)]
pub struct HistoryPage {
    /// The changes.
    pub changes: Vec<HistoryEntry>,
    /// The serial number after which the next page begins; `None` at the end.
    pub next: Option<u64>,
}

/// The unique indexes of a kind, by which its objects are found.
pub fn indexes(object: &ObjectType) -> &'static [&'static str] {
    match object.kind {
        "relying-party-trust" | "claims-provider-trust" => &["name", "identifier"],
        "claim-description" => &["name", "shortname"],
        _ => &[],
    }
}

impl Administration {
    /// One object.
    pub async fn get(&self, sts: &Sts, object: &'static ObjectType, id: &str) -> Result<Stored, ChangeError> {
        let document = sts.catalog.store().get(kind_of(object)?, id).await?;
        let missing = || ChangeError::NotFound { title: object.title, id: id.to_owned() };
        document.map(|document| Stored::of(object, &document)).ok_or_else(missing)
    }

    /// Objects of a kind, at most `limit` (and never more than 1,000).
    pub async fn list(
        &self,
        sts: &Sts,
        object: &'static ObjectType,
        selection: &Selection,
        limit: usize,
    ) -> Result<Page, ChangeError> {
        let (store, kind) = (sts.catalog.store(), kind_of(object)?);
        let limit = limit.clamp(1, LARGEST_PAGE);
        let (mut documents, more) = match selection {
            Selection::By(index, value) => (Vec::from_iter(store.find(kind, index, value).await?), false),
            Selection::After(after) => {
                // One more than asked for tells whether there is a next page.
                let found = store.list(kind, after.as_deref(), limit.saturating_add(1)).await?;
                let more = found.len() > limit;
                (found, more)
            }
        };
        documents.truncate(limit);
        let next = documents.last().filter(|_| more).map(|document| document.id.clone());
        Ok(Page { objects: documents.iter().map(|document| Stored::of(object, document)).collect(), next })
    }

    /// The history after a serial number, at most `limit` changes (and never more than 1,000). Keys, users and
    /// other things that the service writes for itself are left out.
    pub async fn changes(&self, sts: &Sts, after: u64, limit: usize) -> Result<HistoryPage, ChangeError> {
        let limit = limit.clamp(1, LARGEST_PAGE);
        let (mut changes, mut after, mut searched) = (Vec::new(), after, 0_usize);
        while searched < SEARCHED {
            let page = sts.catalog.store().changes(after, LARGEST_PAGE).await?;
            let at_the_end = page.len() < LARGEST_PAGE;
            searched = searched.saturating_add(page.len());
            for change in page {
                if changes.len() == limit {
                    return Ok(HistoryPage { changes, next: Some(after) });
                }
                after = change.head.serial;
                if let Some(object) = configuration::object_type(change.kind.name()) {
                    changes.push(HistoryEntry {
                        serial: change.head.serial,
                        epoch: change.head.epoch,
                        object,
                        id: change.id,
                        version: change.version,
                        at: change.at,
                        by: change.by,
                        body: change.body.map(|body| without_secrets(object, body)),
                    });
                }
            }
            if at_the_end {
                return Ok(HistoryPage { changes, next: None });
            }
        }
        Ok(HistoryPage { changes, next: Some(after) })
    }
}
