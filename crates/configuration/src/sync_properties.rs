//! Synchronisation of one node with the primary (`Get-AdfsSyncProperties`). Each node has its own.

use base::Timestamp;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::values::date_time;
use crate::{Object, Problem, SyncRole};

/// What a node is in its farm, and how its copy of the configuration is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "PascalCase", default)]
#[garde(allow_unvalidated)]
pub struct SyncProperties {
    /// Primary from which the configuration was last copied.
    #[schemars(extend("x-read-only" = true, "x-scope" = "node"))]
    pub last_sync_from_primary_computer_name: String,
    /// Outcome of the last copy; 0 is well.
    #[schemars(extend("x-read-only" = true, "x-scope" = "node"))]
    pub last_sync_status: u32,
    /// When the configuration was last copied; the year 1 when never.
    #[serde(with = "date_time")]
    #[schemars(with = "date_time::DateTime", extend("x-read-only" = true, "x-scope" = "node"))]
    pub last_sync_time: Timestamp,
    /// How often the primary is asked for changes.
    #[garde(range(min = 1, max = 2_147_483_647))]
    #[schemars(extend("x-effect" = "none", "x-scope" = "node", "x-unit" = "seconds"))]
    pub poll_duration: u32,
    /// Name of the primary.
    #[schemars(extend("x-effect" = "none", "x-scope" = "node"))]
    pub primary_computer_name: String,
    /// Port of the primary.
    #[garde(range(min = 1, max = 65_535))]
    #[schemars(extend("x-effect" = "none", "x-scope" = "node"))]
    pub primary_computer_port: u16,
    /// What the node is.
    #[schemars(extend("x-effect" = "none", "x-scope" = "node"))]
    pub role: SyncRole,
}

impl Default for SyncProperties {
    fn default() -> Self {
        Self {
            last_sync_from_primary_computer_name: String::new(),
            last_sync_status: 0,
            last_sync_time: date_time::year_1(),
            poll_duration: 300,
            primary_computer_name: String::new(),
            primary_computer_port: 80,
            role: SyncRole::PrimaryComputer,
        }
    }
}

impl Object for SyncProperties {
    const KIND: &'static str = "sync-properties";
    const NOUN: &'static str = "AdfsSyncProperties";

    fn id(&self) -> String {
        "node".to_owned()
    }

    fn further_problems(&self) -> Vec<Problem> {
        if self.role == SyncRole::SecondaryComputer && self.primary_computer_name.trim().is_empty() {
            let expected = "is empty; expected the name of the primary, which a secondary copies";
            return vec![Problem::new("PrimaryComputerName", "", expected)];
        }
        Vec::new()
    }
}
