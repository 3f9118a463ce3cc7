//! Signatures of the commands as data: names, parameters, parameter sets, limits.
//!
//! `data/cmdlets.json` holds those of the modules ADFS and WebApplicationProxy and explains its own format;
//! `data/shell.json` holds the few commands of PowerShell that runbooks use beside them. Both are read once, at
//! the first use; that takes about a millisecond.

mod enumeration;
mod nearest;

use std::collections::HashMap;
use std::sync::OnceLock;

use serde::Deserialize;

pub(crate) use enumeration::{Enumeration, enumeration};
pub use nearest::{nearest_cmdlet, nearest_parameter};

/// One command.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cmdlet {
    /// `Verb-Noun` in its official letter case.
    pub name: &'static str,
    /// Module that has it.
    pub module: &'static str,
    #[serde(default)]
    sets: Vec<DeclaredSet>,
    /// Parameters, without those that every command takes.
    #[serde(rename = "params")]
    pub parameters: Vec<Parameter>,
    /// Whether it takes `-WhatIf` and `-Confirm`.
    #[serde(default)]
    pub should_process: bool,
    #[serde(default)]
    confirm_impact: Option<&'static str>,
    #[serde(default)]
    module_default_set: Option<&'static str>,
}

#[derive(Debug, Clone, Deserialize)]
struct DeclaredSet {
    name: &'static str,
    #[serde(default)]
    default: bool,
}

/// One parameter.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parameter {
    /// Name in its official letter case.
    pub name: &'static str,
    /// Short .NET name of its type: `String[]`, `Int32`, `RelyingPartyTrust`.
    #[serde(rename = "type")]
    pub type_name: &'static str,
    /// Parameter sets it belongs to; empty means all.
    #[serde(default)]
    pub sets: Vec<&'static str>,
    /// Must be given in its sets.
    #[serde(default)]
    pub required: bool,
    /// Position among the arguments without a name.
    #[serde(default)]
    pub position: Option<u32>,
    /// Other names.
    #[serde(default)]
    pub aliases: Vec<&'static str>,
    /// Accepted words; empty means any.
    #[serde(default)]
    pub values: Vec<&'static str>,
    #[serde(default)]
    pipeline: Vec<&'static str>,
    #[serde(default)]
    range: Option<&'static str>,
    /// Least and greatest number of characters.
    #[serde(default)]
    pub length: Option<[usize; 2]>,
    /// Least and greatest number of items; the latter may be without limit.
    #[serde(default)]
    pub count: Option<[Option<usize>; 2]>,
    /// Null is accepted although it is required.
    #[serde(default)]
    pub allow_null: bool,
    /// A value type for which null differs from absent.
    #[serde(default)]
    pub nullable: bool,
    /// Null and empty are refused.
    #[serde(default)]
    pub not_empty: bool,
    /// Null is refused.
    #[serde(default)]
    pub not_null: bool,
}

impl Parameter {
    /// Whether it takes objects of the pipeline whole.
    pub fn takes_value_from_pipeline(&self) -> bool {
        self.pipeline.contains(&"value")
    }

    /// Whether it takes the property of its name from objects of the pipeline.
    pub fn takes_property_from_pipeline(&self) -> bool {
        self.pipeline.contains(&"property")
    }

    /// Whether it is a switch: true when named, without a value.
    pub fn is_switch(&self) -> bool {
        self.type_name == "SwitchParameter"
    }

    /// Least and greatest accepted number.
    pub fn range(&self) -> Option<(i64, i64)> {
        let (low, high) = self.range?.split_once(',')?;
        Some((behavior_level(low)?, behavior_level(high)?))
    }

    /// Whether it belongs to a parameter set.
    pub fn is_in(&self, set: &str) -> bool {
        self.sets.is_empty() || self.sets.contains(&set)
    }

    /// Whether `name` is its name or one of its other names, without regard to case.
    pub fn is_called(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
            || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
    }
}

/// A limit: a number, or a name of the enumeration of farm behaviour levels (1 = 2012 R2, 4 = 2019).
fn behavior_level(text: &str) -> Option<i64> {
    match text.trim() {
        "Win2012R2" => Some(1),
        "Max" => Some(4),
        number => number.parse().ok(),
    }
}

/// How much a command can break, by which PowerShell decides whether to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Impact {
    /// Never asks.
    Low,
    /// Does not ask unless told to.
    Medium,
    /// Asks unless `-Confirm:$false` or `-Force` is given.
    High,
}

/// The one set of a command that declares none.
const ALL_SETS: &str = "__AllParameterSets";

impl Cmdlet {
    /// Names of its parameter sets, the default one first.
    pub fn sets(&self) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = self.sets.iter().map(|set| set.name).collect();
        if names.is_empty() {
            for set in self.parameters.iter().flat_map(|parameter| &parameter.sets) {
                if !names.contains(set) {
                    names.push(set);
                }
            }
        }
        if names.is_empty() {
            names.push(ALL_SETS);
        }
        if let Some(default) = self.default_set() {
            names.sort_by_key(|name| *name != default);
        }
        names
    }

    /// The set that is meant when the arguments fit several.
    pub fn default_set(&self) -> Option<&'static str> {
        let declared = self.sets.iter().find(|set| set.default).map(|set| set.name);
        declared.or(self.module_default_set)
    }

    /// The parameter of this name or other name.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.is_called(name))
    }

    /// How much it can break.
    pub fn impact(&self) -> Impact {
        match self.confirm_impact {
            Some("High") => Impact::High,
            Some("Low") => Impact::Low,
            _ => Impact::Medium,
        }
    }

    /// The part of the name after the dash.
    pub fn noun(&self) -> &'static str {
        self.name.split_once('-').map_or(self.name, |(_, noun)| noun)
    }

    /// The part of the name before the dash.
    pub fn verb(&self) -> &'static str {
        self.name.split_once('-').map_or("", |(verb, _)| verb)
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'static"))]
struct Document {
    cmdlets: Vec<Cmdlet>,
    #[serde(default)]
    undocumented: Vec<Cmdlet>,
    #[serde(default)]
    common: Vec<Parameter>,
    #[serde(default)]
    should_process: Vec<Parameter>,
}

/// Every signature.
struct Signatures {
    cmdlets: Vec<Cmdlet>,
    by_name: HashMap<String, usize>,
    common: Vec<Parameter>,
    should_process: Vec<Parameter>,
}

/// The documents as shipped. A test holds that they can be read.
const DOCUMENTS: [&str; 2] = [include_str!("../../data/cmdlets.json"), include_str!("../../data/shell.json")];

fn signatures() -> &'static Signatures {
    static SIGNATURES: OnceLock<Signatures> = OnceLock::new();
    SIGNATURES.get_or_init(|| {
        let [product, shell] = DOCUMENTS.map(|text| read(text).unwrap_or_default());
        let mut cmdlets = product.cmdlets;
        for addition in product.undocumented {
            match cmdlets.iter_mut().find(|known| known.name == addition.name) {
                Some(known) => known.parameters.extend(addition.parameters),
                None => cmdlets.push(addition),
            }
        }
        cmdlets.extend(shell.cmdlets);
        cmdlets.sort_by_key(|cmdlet| cmdlet.name);
        let names = cmdlets.iter().enumerate();
        let by_name = names.map(|(at, cmdlet)| (cmdlet.name.to_ascii_lowercase(), at)).collect();
        Signatures { cmdlets, by_name, common: shell.common, should_process: shell.should_process }
    })
}

fn read(text: &'static str) -> Result<Document, serde_json::Error> {
    serde_json::from_str(text)
}

/// Every command, in order of name.
pub fn cmdlets() -> &'static [Cmdlet] {
    &signatures().cmdlets
}

/// The command of this name (without regard to case) or short name (`FL`, `Select`).
pub fn find_cmdlet(name: &str) -> Option<&'static Cmdlet> {
    let lower = name.to_ascii_lowercase();
    let full = match lower.as_str() {
        "fl" => "format-list",
        "ft" => "format-table",
        "select" => "select-object",
        "where" | "?" => "where-object",
        "dir" | "ls" | "gci" => "get-childitem",
        "gcm" => "get-command",
        "help" | "man" => "get-help",
        "ipmo" => "import-module",
        _ => lower.as_str(),
    };
    let signatures = signatures();
    signatures.by_name.get(full).and_then(|at| signatures.cmdlets.get(*at))
}

/// The parameters that every command takes, and those of commands that change something.
pub(crate) fn common_parameters(cmdlet: &Cmdlet) -> impl Iterator<Item = &'static Parameter> {
    let signatures = signatures();
    let more = if cmdlet.should_process { signatures.should_process.as_slice() } else { &[] };
    signatures.common.iter().chain(more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_documents_are_read_and_hold_every_cmdlet() {
        for text in DOCUMENTS {
            read(text).unwrap();
        }
        let of = |module: &str| cmdlets().iter().filter(|cmdlet| cmdlet.module == module).count();
        assert_eq!((of("ADFS"), of("WebApplicationProxy")), (185, 12));
        let set = find_cmdlet("set-ADFSproperties").unwrap();
        assert_eq!(
            (set.name, set.noun(), set.should_process),
            ("Set-AdfsProperties", "AdfsProperties", true)
        );
        assert_eq!(find_cmdlet("fl").unwrap().name, "Format-List");
    }

    #[test]
    fn what_other_sources_add_is_part_of_the_signature() {
        let authority = find_cmdlet("Set-AdfsCertificateAuthority").unwrap();
        assert!(authority.parameter("AddSIDCertificateExtension").is_some());
        assert!(authority.parameter("EnrollmentAgent").is_some());
        assert_eq!(find_cmdlet("Get-AdfsAccountActivity").unwrap().sets(), ["Identity", "Upn"]);
    }

    #[test]
    fn limits_sets_and_impact_are_typed() {
        let properties = find_cmdlet("Set-AdfsProperties").unwrap();
        assert_eq!(properties.parameter("KmsiLifetimeMins").unwrap().range(), Some((1, 2_628_000)));
        let level = find_cmdlet("Restore-AdfsFarmBehaviorLevel").unwrap();
        assert_eq!(level.parameter("FarmBehavior").unwrap().range(), Some((1, 4)));
        assert_eq!(level.impact(), Impact::High);
        let get = find_cmdlet("Get-AdfsRelyingPartyTrust").unwrap();
        assert_eq!(get.sets().first(), Some(&"RelyingPartyName"));
        assert!(get.parameter("Identifier").unwrap().is_in("Identifier"));
        assert!(!get.parameter("Identifier").unwrap().is_in("RelyingPartyName"));
    }
}
