//! On which node a single-use value lives, where each node has a store of its own.
//!
//! A code or artifact lives on the node that issued it, and its handle says which one that is: another node passes it
//! on. A replay key has no issuer; everyone computes the same node from the key and the list of nodes.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{Context, SHA256};
use base::Random;

/// Octets of the digest of a node's name. They tell the nodes of a farm apart and tell nobody else their names.
const MARK: usize = 6;
/// Octets that nobody can guess.
const SECRET: usize = 32;
const LENGTH: usize = 2 * (MARK + SECRET);

/// A handle of a single-use value, which names the node that keeps it. Its text has 76 hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Handle(String);

/// The text is not a handle; whoever sent it got none from this farm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a handle has 76 hexadecimal digits in lower case")]
pub struct HandleError;

impl Handle {
    /// A fresh handle for a value that `node` keeps.
    pub fn new(node: &str, random: &dyn Random) -> Self {
        let secret: [u8; SECRET] = random.bytes();
        let digits = secret.iter().map(|octet| format!("{octet:02x}"));
        Self(mark(node).chars().chain(digits.collect::<String>().chars()).collect())
    }

    /// The text, which is also the key in the store.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The node among `nodes` that keeps the value; `None` when it has left the farm.
    pub fn keeper<'a, N: AsRef<str>>(&self, nodes: &'a [N]) -> Option<&'a str> {
        nodes.iter().map(AsRef::as_ref).find(|node| self.0.starts_with(&mark(node)))
    }
}

impl FromStr for Handle {
    type Err = HandleError;

    fn from_str(text: &str) -> Result<Self, HandleError> {
        let digits = text.bytes().all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f'));
        if digits && text.len() == LENGTH { Ok(Self(text.to_owned())) } else { Err(HandleError) }
    }
}

/// Whoever knows a handle can redeem it.
impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle(****)")
    }
}

fn mark(node: &str) -> String {
    digest(&[node]).iter().take(MARK).map(|octet| format!("{octet:02x}")).collect()
}

/// The node among `nodes` that keeps `key` (rendezvous hashing): when a node comes or goes, only the keys that it
/// keeps move. `None` when there are no nodes.
pub fn keeper<'a, N: AsRef<str>>(nodes: &'a [N], purpose: &str, key: &str) -> Option<&'a str> {
    nodes.iter().map(AsRef::as_ref).max_by_key(|node| (digest(&[node, purpose, key]), *node))
}

fn digest(parts: &[&str]) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    for part in parts {
        // With its length, so that no octet can move from one part to the next.
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part.as_bytes());
    }
    context.finish().as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use base::SeededRandom;

    use super::*;

    const NODES: [&str; 3] = ["fs01.contoso.com", "fs02.contoso.com", "fs03.contoso.com"];

    #[test]
    fn a_handle_names_its_node_to_the_farm_alone() {
        let random = SeededRandom::new(1);
        for node in NODES {
            let handle = Handle::new(node, &random);
            assert_eq!(handle.keeper(&NODES), Some(node));
            assert_eq!(handle.as_str().parse(), Ok(handle.clone()));
            assert!(!handle.as_str().contains("fs0"));
            assert!(!format!("{handle:?}").contains(handle.as_str().get(..8).unwrap()));
        }
        let (one, two) = (Handle::new(NODES[0], &random), Handle::new(NODES[0], &random));
        assert_ne!(one, two);
        assert_eq!(Handle::new("fs09", &random).keeper(&NODES), None);
    }

    #[test]
    fn other_texts_are_no_handles() {
        for text in [String::new(), "a".repeat(75), "a".repeat(77), "A".repeat(76), "é".repeat(38)] {
            assert_eq!(text.parse::<Handle>(), Err(HandleError));
        }
    }

    #[test]
    fn keys_are_spread_and_few_move_when_a_node_leaves() {
        let mut counts = BTreeMap::new();
        for n in 0..3000 {
            let key = format!("_{n}");
            let node = keeper(&NODES, "replay", &key).unwrap();
            *counts.entry(node).or_insert(0) += 1;
            let reordered = [NODES[2], NODES[0], NODES[1]];
            assert_eq!(keeper(&reordered, "replay", &key), Some(node), "order does not matter");
            let without = [NODES[0], NODES[1]];
            if node != NODES[2] {
                assert_eq!(keeper(&without, "replay", &key), Some(node));
            }
        }
        assert!(counts.values().all(|count| (850..1150).contains(count)), "{counts:?}");
        assert_eq!(keeper::<&str>(&[], "replay", "a"), None);
    }
}
