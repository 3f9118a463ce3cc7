//! What a rule asks of an attribute store, and what it gets.

use std::sync::Arc;

use crate::claim::{AD_AUTHORITY, LOCAL_AUTHORITY};

/// A query to an attribute store. Placeholders are not filled: each store binds or escapes the parameters in
/// its own way ([`crate::ad_store::parse`] for Active Directory).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreQuery {
    /// The store's name, as the rule has it.
    pub store: Arc<str>,
    /// The query, as the rule has it.
    pub query: Arc<str>,
    /// The values for `{0}`, `{1}` and so on. They come from claims: data, never syntax.
    pub params: Vec<String>,
    /// The claim types, one for each column that is wanted.
    pub types: Vec<Arc<str>>,
}

/// The answer of an attribute store: rows of columns; a column of a multi-valued attribute has several values,
/// an empty one (NULL, attribute missing) none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// Issuer and original issuer of the claims made from these rows.
    pub issuer: Arc<str>,
    /// Row, column, value.
    pub rows: Vec<Vec<Vec<String>>>,
}

impl Rows {
    /// Rows of an Active Directory store: claims issued by `AD AUTHORITY`.
    pub fn from_active_directory(rows: Vec<Vec<Vec<String>>>) -> Self {
        Self { issuer: AD_AUTHORITY.into(), rows }
    }

    /// Rows of any other store: claims issued by `LOCAL AUTHORITY`.
    pub fn from_other_store(rows: Vec<Vec<Vec<String>>>) -> Self {
        Self { issuer: LOCAL_AUTHORITY.into(), rows }
    }
}
