//! The input set and the output set of one evaluation.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::Cause;
use super::limits::{Budget, within};
use crate::claim::Claim;

/// Claims in the order in which they came, each once. The output set is a part of the input set, because what
/// is issued goes into both.
#[derive(Debug, Default)]
pub(crate) struct ClaimSet {
    claims: Vec<Arc<Claim>>,
    /// Places by claim, once there are more than [`FEW`].
    places: HashMap<Arc<Claim>, usize>,
    issued: Vec<usize>,
    is_issued: Vec<bool>,
}

/// So many claims are compared one by one: for a small set that is cheaper than hashing each.
const FEW: usize = 32;

impl ClaimSet {
    /// Puts a claim into the input set, unless it is there, and returns its place. Claims are the same when all
    /// six fields are; case counts.
    pub(crate) fn add(&mut self, claim: Claim, budget: &Budget) -> Result<usize, Cause> {
        let fields =
            [&claim.claim_type, &claim.value, &claim.value_type, &claim.issuer, &claim.original_issuer];
        let properties = claim.properties.iter().flat_map(|(key, value)| [key, value]);
        for field in fields.into_iter().chain(properties) {
            budget.check_value(field.len())?;
        }
        if let Some(place) = self.place(&claim) {
            return Ok(place);
        }
        let place = self.claims.len();
        within("claims", place + 1, budget.limits.claims)?;
        let claim = Arc::new(claim);
        self.claims.push(claim.clone());
        self.is_issued.push(false);
        match place {
            ..FEW => {}
            FEW => self.places = self.claims.iter().cloned().zip(0..).collect(),
            _ => drop(self.places.insert(claim, place)),
        }
        Ok(place)
    }

    fn place(&self, claim: &Claim) -> Option<usize> {
        match self.places.is_empty() {
            true => self.claims.iter().position(|known| **known == *claim),
            false => self.places.get(claim).copied(),
        }
    }

    /// Puts a claim of the input set into the output set too.
    pub(crate) fn issue(&mut self, place: usize) {
        if let Some(is_issued @ false) = self.is_issued.get_mut(place) {
            *is_issued = true;
            self.issued.push(place);
        }
    }

    pub(crate) fn get(&self, place: usize) -> Option<&Arc<Claim>> {
        self.claims.get(place)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Claim>> {
        self.claims.iter()
    }

    /// The output set in order of first issue, and the whole input set.
    pub(crate) fn finish(self) -> (Vec<Claim>, Vec<Arc<Claim>>) {
        let issued = self.issued.iter().filter_map(|&place| self.claims.get(place));
        (issued.map(|claim| Claim::clone(claim)).collect(), self.claims)
    }
}
