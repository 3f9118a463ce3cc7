//! Nodes of the farm (`(Get-AdfsFarmInformation).FarmNodes`).

use base::Timestamp;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::values::date_time;
use crate::{Object, Problem, SyncRole};

/// A node, as the farm knows it. Nodes enter by `Add-AdfsFarmNode` and say themselves how they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "PascalCase", default)]
#[garde(allow_unvalidated)]
pub struct FarmNode {
    /// Fully qualified domain name.
    #[serde(rename = "FQDN")]
    #[garde(length(max = 253))]
    #[schemars(extend("x-read-only" = true))]
    pub fqdn: String,
    /// Farm behaviour level that the node can do.
    #[schemars(extend("x-read-only" = true))]
    pub behavior_level: u32,
    /// When the node was last heard of.
    #[serde(with = "date_time")]
    #[schemars(with = "date_time::DateTime", extend("x-read-only" = true))]
    pub heartbeat_timestamp: Timestamp,
    /// What the node is.
    #[schemars(extend("x-read-only" = true))]
    pub node_type: SyncRole,
}

impl Default for FarmNode {
    fn default() -> Self {
        Self {
            fqdn: String::new(),
            behavior_level: 4,
            heartbeat_timestamp: date_time::year_1(),
            node_type: SyncRole::SecondaryComputer,
        }
    }
}

impl Object for FarmNode {
    const KIND: &'static str = "farm-node";
    const NOUN: &'static str = "AdfsFarmInformation";

    fn id(&self) -> String {
        self.fqdn.clone()
    }

    fn further_problems(&self) -> Vec<Problem> {
        if self.fqdn.is_empty() || self.fqdn.contains(['/', ':', ' ']) {
            let expected = "is not a host name; expected one like fs01.example.com";
            return vec![Problem::new("FQDN", &self.fqdn, expected)];
        }
        Vec::new()
    }
}
