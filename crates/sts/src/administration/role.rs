//! Who may write: farm.md's primary. Every node reads.

use super::ChangeError;

/// This node's part in the farm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// `PrimaryComputer`: administrators change the configuration here.
    Primary,
    /// `SecondaryComputer`: follows the primary.
    Secondary {
        /// Name of the primary.
        primary: String,
    },
}

impl Role {
    /// The name in `Get-AdfsSyncProperties`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Primary => "PrimaryComputer",
            Self::Secondary { .. } => "SecondaryComputer",
        }
    }
}

/// Knows this node's role, which changes while it runs.
pub trait RoleSource: Send + Sync {
    /// The role now.
    fn role(&self) -> Role;

    /// A secondary refuses changes and names the primary.
    fn may_write(&self) -> Result<(), ChangeError> {
        match self.role() {
            Role::Primary => Ok(()),
            Role::Secondary { primary } => Err(ChangeError::Secondary { primary }),
        }
    }
}

/// A node whose role does not change.
impl RoleSource for Role {
    fn role(&self) -> Role {
        self.clone()
    }
}
