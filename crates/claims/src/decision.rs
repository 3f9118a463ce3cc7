//! What the output of authorization rules means.

use crate::claim::Claim;
use crate::types::{DENY, PERMIT};

/// The decision of a set of authorization rules. Only the types of the issued claims count, never their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// There is a permit claim and no deny claim.
    Permitted,
    /// There is a deny claim, which wins over any permit.
    DeniedByRule,
    /// There is no permit claim; so it is without rules too.
    NotPermitted,
}

impl Decision {
    /// Decides by the claims that the authorization rules issued.
    pub fn of(issued: &[Claim]) -> Self {
        let has = |claim_type: &str| issued.iter().any(|claim| &*claim.claim_type == claim_type);
        match (has(DENY), has(PERMIT)) {
            (true, _) => Self::DeniedByRule,
            (false, true) => Self::Permitted,
            (false, false) => Self::NotPermitted,
        }
    }

    /// Whether the user may have a token.
    pub fn is_permitted(self) -> bool {
        self == Self::Permitted
    }
}
