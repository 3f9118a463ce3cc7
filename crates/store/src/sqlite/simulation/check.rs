//! What must hold at all times.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::node::Node;
use crate::sqlite::configuration::{entries, read_chain, read_head};
use crate::sqlite::replication;
use crate::sync::{Role, Standing, Term};
use crate::{Chain, Entry, Head, Kind};

/// What an outside observer knows who sees every node and forgets nothing.
#[derive(Default)]
pub(super) struct Checker {
    /// Ends of writes in the history of some primary: there, and nowhere else, may a node's history end.
    ends: HashSet<(u64, Chain)>,
    /// Links of each node's own history while it is the primary, by serial number.
    reigns: HashMap<usize, (Term, Vec<Chain>)>,
    /// Entries that were acknowledged: the node, and the link after each.
    acknowledged: Vec<(usize, Entry, Chain)>,
    /// The last position and standing of each node.
    last: HashMap<usize, (Head, Standing)>,
    /// The greatest term that each node was told of.
    told: HashMap<usize, Term>,
    taken: HashMap<String, u64>,
    first_seen: HashSet<String>,
    counters: HashMap<(usize, String), u32>,
}

impl Checker {
    pub(super) fn new() -> Self {
        Self { ends: HashSet::from([(0, Chain::START)]), ..Self::default() }
    }

    /// A message with this term reached the node.
    pub(super) fn was_told(&mut self, node: usize, term: &Term) {
        let told = self.told.entry(node).or_insert_with(|| term.clone());
        if *term > *told {
            *told = term.clone();
        }
    }

    /// The node died while it was told something: it knows `term`, which may be all it ever will.
    pub(super) fn remembers_only(&mut self, node: usize, term: Term) {
        self.told.insert(node, term);
    }

    /// The node began a reign.
    pub(super) fn was_promoted(&mut self, at: usize, node: &Node) {
        let standing = node.read(replication::standing);
        assert_eq!(standing.role, Role::PrimaryComputer, "{}", node.name);
        self.was_told(at, &standing.term);
        let links = links(node);
        self.reigns.insert(at, (standing.term, links));
    }

    /// The node committed a write; `acknowledged` if its writer was told.
    pub(super) fn has_written(&mut self, at: usize, node: &Node, before: u64, acknowledged: bool) {
        let standing = node.read(replication::standing);
        assert_eq!(standing.role, Role::PrimaryComputer, "{} wrote as a secondary", node.name);
        if let Some(told) = self.told.get(&at) {
            assert!(
                standing.term >= *told,
                "{} wrote under {:?} after it heard of {told:?}",
                node.name,
                standing.term
            );
        }
        let written = node.read(|connection| entries(connection, before, usize::MAX));
        let (_, links) = self.reigns.entry(at).or_insert_with(|| (standing.term.clone(), Vec::new()));
        for entry in written {
            let chain = links.last().copied().unwrap_or(Chain::START).after(&entry);
            links.push(chain);
            if entry.last {
                self.ends.insert((entry.head.serial, chain));
            }
            if acknowledged {
                self.acknowledged.push((at, entry, chain));
            }
        }
    }

    pub(super) fn was_taken(&mut self, handle: &str, value: u64) {
        assert_eq!(self.taken.insert(handle.to_owned(), value), None, "{handle} was redeemed twice");
    }

    pub(super) fn was_first(&mut self, key: &str) {
        assert!(self.first_seen.insert(key.to_owned()), "{key} was new twice");
    }

    pub(super) fn was_reset(&mut self, at: usize, account: &str) {
        self.counters.remove(&(at, account.to_owned()));
    }

    pub(super) fn counts(&mut self, at: usize, account: &str, count: u32) {
        let before = self.counters.insert((at, account.to_owned()), count).unwrap_or(0);
        assert!(count >= before, "node {at} forgot guesses for {account}: {before} → {count}");
    }

    /// After each event: epochs do not go back, and every history ends where a primary's write ended.
    pub(super) fn node(&mut self, at: usize, node: &Node) {
        let head = node.read(read_head);
        let standing = node.read(replication::standing);
        if let Some((before, stood)) = self.last.get(&at) {
            assert!(head.epoch >= before.epoch, "{}: epoch went back: {before:?} → {head:?}", node.name);
            assert!(standing.term >= stood.term, "{}: term went back: {stood:?} → {standing:?}", node.name);
        }
        let chain = node.read(|connection| read_chain(connection, head.serial)).unwrap();
        assert!(
            self.ends.contains(&(head.serial, chain)),
            "{} has a history of its own at {head:?}",
            node.name
        );
        if standing.role == Role::PrimaryComputer {
            if let Some((term, links)) = self.reigns.get(&at)
                && *term == standing.term
            {
                // What was written in this reign, and what it began with, is there in its order.
                assert_eq!(links.len() as u64, head.serial, "{}", node.name);
                assert_eq!(links.last().copied().unwrap_or(Chain::START), chain, "{}", node.name);
            }
        } else {
            self.reigns.remove(&at);
        }
        self.last.insert(at, (head, standing));
    }

    /// The history of the node is whole, its objects are what the history says, and what it once acknowledged is in
    /// its history or was kept aside.
    pub(super) fn thoroughly(&self, at: usize, node: &Node) {
        let history = node.read(|connection| entries(connection, 0, usize::MAX));
        let links = links(node);
        let mut chain = Chain::START;
        let mut state = Objects::new();
        for (n, entry) in history.iter().enumerate() {
            assert_eq!(entry.head.serial, n as u64 + 1, "{}: gap", node.name);
            chain = chain.after(entry);
            assert_eq!(links[n], chain, "{}: link {}", node.name, entry.head.serial);
            let key = (entry.kind.name().to_owned(), entry.id.clone());
            match &entry.body {
                Some(body) => {
                    let mut keys = entry.keys.clone();
                    keys.sort();
                    state.insert(key, (entry.version, body.clone(), keys));
                }
                None => drop(state.remove(&key)),
            }
        }
        assert_eq!(objects(node), state, "{}: the objects are not what the history says", node.name);
        let own: HashSet<Chain> = links.into_iter().collect();
        let aside = node.read(|connection| replication::diverged(connection, 0, usize::MAX));
        for (writer, entry, link) in &self.acknowledged {
            let kept = || aside.iter().any(|change| change.entry == *entry);
            assert!(
                *writer != at || own.contains(link) || kept(),
                "{}: lost without a trace: {entry:?}",
                node.name
            );
        }
    }

    /// All nodes hold the same.
    pub(super) fn agree(&self, nodes: &[Node]) {
        let heads: Vec<Head> = nodes.iter().map(|node| node.read(read_head)).collect();
        let all: Vec<_> = nodes.iter().map(|node| (links(node), objects(node))).collect();
        assert!(heads.windows(2).all(|pair| pair[0] == pair[1]), "{heads:?}");
        assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "the nodes differ");
    }
}

fn links(node: &Node) -> Vec<Chain> {
    node.read(|connection| {
        let mut statement = connection.prepare_cached("SELECT chain FROM changes ORDER BY serial")?;
        statement.query_map([], |row| crate::sqlite::configuration::link(row, 0))?.collect()
    })
}

type Objects = BTreeMap<(String, String), (u64, String, Vec<(String, String)>)>;

/// The farm's objects: version, body, keys.
fn objects(node: &Node) -> Objects {
    node.read(|connection| {
        let mut keys = connection.prepare_cached(
            "SELECT name, value FROM object_keys WHERE kind = ?1 AND id = ?2 ORDER BY name, value",
        )?;
        let mut statement = connection.prepare_cached("SELECT kind, id, version, body FROM objects")?;
        let rows = statement.query_map([], |row| {
            let key: (String, String) = (row.get(0)?, row.get(1)?);
            let keys = keys
                .query_map([&key.0, &key.1], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<Vec<_>, _>>()?;
            Ok((key, (row.get::<_, i64>(2)? as u64, row.get(3)?, keys)))
        })?;
        rows.filter(|row| row.as_ref().map_or(true, |((kind, _), _)| kind != Kind::SyncProperties.name()))
            .collect()
    })
}
