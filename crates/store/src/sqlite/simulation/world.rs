//! The farm, its network and its people.

use std::time::Duration;

use base::{Clock, ManualClock, SeededRandom, Timestamp};
use rusqlite::Connection;
use serde_json::json;

use super::check::Checker;
use super::node::{Death, Node};
use super::single_use::Keep;
use crate::placement::{self, Handle};
use crate::sqlite::configuration::{apply, read_head};
use crate::sqlite::replication;
use crate::sqlite::writer::Undo;
use crate::sync::{Accepted, PullAnswer, PullRequest, Role};
use crate::{AccountActivity, Head, Kind, Operation, StoreError, Write, WriteError};

const NAMES: [&str; 3] = ["fs01", "fs02", "fs03"];
const OBJECTS: u64 = 5;
const ACCOUNTS: [&str; 2] = ["alice", "bob"];

/// What happened, for the sum at the end.
#[derive(Debug, Default, Clone)]
pub(super) struct Tally {
    writes: u64,
    refused: u64,
    unacknowledged: u64,
    promotions: u64,
    demotions: u64,
    deaths: u64,
    lost: u64,
    doubled: u64,
    advanced: u64,
    installed: u64,
    set_aside: u64,
    redeemed: u64,
    replays: u64,
    merged: u64,
}

impl Tally {
    pub(super) fn counts(&self) -> [(&'static str, u64); 14] {
        [
            ("writes", self.writes),
            ("refused writes", self.refused),
            ("writes nobody heard of", self.unacknowledged),
            ("promotions", self.promotions),
            ("primaries that learned of another", self.demotions),
            ("deaths", self.deaths),
            ("lost messages", self.lost),
            ("doubled messages", self.doubled),
            ("pages applied", self.advanced),
            ("copies installed", self.installed),
            ("changes kept aside", self.set_aside),
            ("values redeemed", self.redeemed),
            ("replays seen", self.replays),
            ("counters merged", self.merged),
        ]
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.writes += other.writes;
        self.refused += other.refused;
        self.unacknowledged += other.unacknowledged;
        self.promotions += other.promotions;
        self.demotions += other.demotions;
        self.deaths += other.deaths;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.advanced += other.advanced;
        self.installed += other.installed;
        self.set_aside += other.set_aside;
        self.redeemed += other.redeemed;
        self.replays += other.replays;
        self.merged += other.merged;
    }
}

#[derive(Debug, Clone)]
enum Body {
    Pull(PullRequest),
    Answer(PullRequest, PullAnswer),
    Take(String),
    Insert(String),
    Activity(String, AccountActivity),
}

#[derive(Debug, Clone)]
struct Message {
    from: usize,
    to: usize,
    body: Body,
}

pub(super) struct World {
    random: SeededRandom,
    clock: ManualClock,
    nodes: Vec<Node>,
    keeps: Vec<Keep>,
    /// `cut[from][to]`: nothing gets through in this direction.
    cut: [[bool; 3]; 3],
    network: Vec<Message>,
    handles: Vec<String>,
    keys: Vec<String>,
    checker: Checker,
    peace: bool,
    pub(super) tally: Tally,
    _on_panic: TellSeed,
}

/// Names the seed when a check fails.
struct TellSeed(u64, bool);

impl Drop for TellSeed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("replay this day: SEKISHO_SIMULATION_SEED={}", self.0);
        }
    }
}

impl World {
    pub(super) fn new(seed: u64, loud: bool) -> Self {
        let mut nodes: Vec<_> = NAMES.into_iter().map(Node::new).collect();
        // As after Install-AdfsFarm and twice Add-AdfsFarmNode.
        for node in &mut nodes[1..] {
            let joined: Option<Result<(), StoreError>> =
                node.transact(None, |connection| Ok(replication::follow(connection, NAMES[0])?));
            joined.unwrap().unwrap();
        }
        Self {
            random: SeededRandom::new(seed),
            clock: ManualClock::new(Timestamp::from_seconds(1_700_000_000)),
            nodes,
            keeps: NAMES.iter().map(|_| Keep::default()).collect(),
            cut: [[false; 3]; 3],
            network: Vec::new(),
            handles: Vec::new(),
            keys: Vec::new(),
            checker: Checker::new(),
            peace: false,
            tally: Tally::default(),
            _on_panic: TellSeed(seed, loud),
        }
    }

    fn below(&self, limit: u64) -> u64 {
        self.random.next_u64() % limit
    }

    fn one_in(&self, n: u64) -> bool {
        !self.peace && self.below(n) == 0
    }

    fn any_node(&self) -> usize {
        self.below(3) as usize
    }

    fn say(&self, what: impl FnOnce() -> String) {
        if self._on_panic.1 {
            eprintln!("{}", what());
        }
    }

    /// Something happens.
    pub(super) fn event(&mut self) {
        let at = self.any_node();
        match self.below(100) {
            0..20 => self.write(at),
            20..38 => self.poll(at),
            38..75 => self.deliver(),
            75..77 => self.promote(at),
            77..80 => self.follow(at),
            80..83 => self.die_or_return(at),
            83..85 => self.change_network(),
            85..87 => self.move_clock(),
            87..95 => self.single_use(at),
            _ => self.guess(at),
        }
        for (at, node) in self.nodes.iter().enumerate() {
            self.checker.node(at, node);
        }
    }

    /// The network is whole again, all nodes live, and administrators agree: everybody comes to hold the same.
    pub(super) fn peace(&mut self) {
        self.peace = true;
        self.cut = [[false; 3]; 3];
        for node in &mut self.nodes {
            node.up = true;
        }
        while !self.network.is_empty() {
            self.deliver();
        }
        let standing = |node: &Node| node.read(replication::standing);
        let primaries = |nodes: &[Node]| {
            (0..3).filter(|at| standing(&nodes[*at]).role == Role::PrimaryComputer).collect::<Vec<_>>()
        };
        // The node of the greatest term, if it is still one; else a new one is promoted.
        let newest =
            primaries(&self.nodes).into_iter().max_by_key(|at| standing(&self.nodes[*at]).term.clone());
        let greatest = self.nodes.iter().map(|node| standing(node).term).max().unwrap();
        let primary = match newest {
            Some(at) if standing(&self.nodes[at]).term == greatest => at,
            _ => {
                // Knows the greatest term, so that its own is greater.
                let at = (0..3).max_by_key(|at| standing(&self.nodes[*at]).term.clone()).unwrap();
                self.promote(at);
                at
            }
        };
        for at in (0..3).filter(|at| *at != primary) {
            let order: Option<Result<(), StoreError>> = self.nodes[at]
                .transact(None, |connection| Ok(replication::follow(connection, NAMES[primary])?));
            order.unwrap().unwrap();
        }
        for _ in 0..2000 {
            for at in (0..3).filter(|at| *at != primary) {
                self.poll(at);
            }
            while !self.network.is_empty() {
                self.deliver();
            }
            let heads: Vec<Head> = self.nodes.iter().map(|node| node.read(read_head)).collect();
            let copying = self.nodes.iter().any(|node| node.read(replication::place).copying);
            if !copying && heads.iter().all(|head| *head == heads[primary]) {
                break;
            }
        }
        assert_eq!(primaries(&self.nodes), [primary]);
        self.checker.agree(&self.nodes);
        for (at, node) in self.nodes.iter().enumerate() {
            self.checker.node(at, node);
            self.checker.thoroughly(at, node);
        }
    }

    fn death(&mut self) -> Option<Death> {
        let death = match self.one_in(25) {
            false => return None,
            true if self.below(2) == 0 => Death::BeforeCommit,
            true => Death::AfterCommit,
        };
        self.tally.deaths += 1;
        Some(death)
    }

    /// An administrator changes one to three objects on a node.
    fn write(&mut self, at: usize) {
        if !self.nodes[at].up {
            return;
        }
        let before = self.nodes[at].read(read_head);
        let steps = 1 + self.below(3);
        let mut operations: Vec<Operation> = Vec::new();
        for _ in 0..steps {
            let id = self.below(OBJECTS).to_string();
            if operations.iter().all(|operation| !matches!(operation, Operation::Put { id: other, .. } | Operation::Delete { id: other, .. } if *other == id)) {
                operations.push(self.change(at, id));
            }
        }
        // Sometimes from an old reading: a lost update would be the result.
        if self.one_in(10) {
            for operation in &mut operations {
                let (Operation::Put { expected, .. } | Operation::Delete { expected, .. }) = operation;
                *expected += 1;
            }
        }
        let write = Write { epoch: before.epoch, by: NAMES[at].into(), at: self.clock.now(), operations };
        let death = self.death();
        let result = self.nodes[at].transact(death, |connection| apply(connection, &write));
        let after = self.nodes[at].read(read_head);
        self.say(|| format!("write at {}: {result:?} {before:?} → {after:?}", NAMES[at]));
        if after.serial > before.serial {
            self.checker.has_written(at, &self.nodes[at], before.serial, result.is_some());
        }
        match result {
            Some(Ok(head)) => {
                assert_eq!(head, after);
                self.tally.writes += 1;
            }
            Some(Err(WriteError::Secondary { .. } | WriteError::Conflict { .. })) => {
                assert_eq!(after, before);
                self.tally.refused += 1;
            }
            Some(Err(other)) => panic!("{other}"),
            None => self.tally.unacknowledged += 1,
        }
    }

    fn change(&self, at: usize, id: String) -> Operation {
        let kind = Kind::RelyingPartyTrust;
        let sql = "SELECT version FROM objects WHERE kind = ?1 AND id = ?2";
        let version = |connection: &Connection| {
            connection.prepare_cached(sql)?.query_row([kind.name(), &id], |row| row.get::<_, i64>(0))
        };
        let expected = version(&self.nodes[at].database).unwrap_or(0) as u64;
        if expected > 0 && self.below(4) == 0 {
            return Operation::Delete { kind, id, expected };
        }
        let keys = vec![("identifier", format!("urn:{id}:{}", self.below(3)))];
        Operation::Put { kind, id, expected, body: json!(self.below(1 << 32)), keys }
    }

    /// A secondary asks its primary.
    fn poll(&mut self, at: usize) {
        let standing = self.nodes[at].read(replication::standing);
        let Some(to) = NAMES.iter().position(|name| *name == standing.follows).filter(|to| *to != at) else {
            return;
        };
        if !self.nodes[at].up || standing.role == Role::PrimaryComputer {
            return;
        }
        let mut request = self.nodes[at].read(replication::request);
        request.limit = 1 + self.below(6) as usize;
        self.send(at, to, Body::Pull(request));
    }

    fn send(&mut self, from: usize, to: usize, body: Body) {
        if self.cut[from][to] || self.one_in(10) {
            self.tally.lost += 1;
            return;
        }
        let message = Message { from, to, body };
        if self.one_in(10) {
            self.tally.doubled += 1;
            self.network.push(message.clone());
        }
        self.network.push(message);
    }

    /// Any message arrives, whenever it was sent.
    fn deliver(&mut self) {
        if self.network.is_empty() {
            return;
        }
        let which = self.below(self.network.len() as u64) as usize;
        let Message { from, to, body } = self.network.swap_remove(which);
        if !self.nodes[to].up {
            self.tally.lost += 1;
            return;
        }
        match body {
            Body::Pull(request) => self.answer(from, to, request),
            Body::Answer(request, answer) => self.accept(from, to, &request, &answer),
            Body::Take(handle) => self.redeem(to, &handle),
            Body::Insert(key) => self.remember(to, &key),
            Body::Activity(account, activity) => {
                self.keeps[to].merge(&account, &activity);
                self.tally.merged += 1;
                self.counted(to, &account);
            }
        }
    }

    fn answer(&mut self, from: usize, to: usize, request: PullRequest) {
        self.checker.was_told(to, &request.term);
        let before = self.nodes[to].read(replication::standing);
        let death = self.death();
        let heard = self.nodes[to].transact(death, |connection| -> Result<_, Undo<StoreError>> {
            Ok(replication::hear(connection, &request.term)?)
        });
        if heard.is_none() {
            // It may have died before it could remember.
            self.forget_told(to);
            return;
        }
        self.note_demotion(to, before.role);
        let answer = self.nodes[to].read(|connection| replication::answer(connection, &request));
        self.say(|| format!("{} answers {}: {:?}", NAMES[to], NAMES[from], answer.term()));
        self.send(to, from, Body::Answer(request, answer));
    }

    fn accept(&mut self, from: usize, to: usize, request: &PullRequest, answer: &PullAnswer) {
        let before = self.nodes[to].read(replication::standing);
        let (death, now) = (self.death(), self.clock.now());
        let accepted = self.nodes[to]
            .transact(death, |connection| replication::accept(connection, NAMES[from], request, answer, now));
        self.say(|| format!("{} accepts from {}: {accepted:?}", NAMES[to], NAMES[from]));
        match accepted {
            Some(Ok(Accepted::Advanced)) => self.tally.advanced += 1,
            Some(Ok(Accepted::Installed { diverged })) => {
                self.tally.installed += 1;
                self.tally.set_aside += diverged;
            }
            Some(Ok(Accepted::Refused(error @ crate::sync::SyncError::NotAContinuation { .. }))) => {
                panic!("{error}")
            }
            Some(Err(error)) => panic!("{error}"),
            _ => {}
        }
        if accepted.is_some() {
            self.checker.was_told(to, answer.term());
            self.note_demotion(to, before.role);
        }
    }

    fn forget_told(&mut self, at: usize) {
        let term = self.nodes[at].read(replication::standing).term;
        self.checker.remembers_only(at, term);
    }

    fn note_demotion(&mut self, at: usize, before: Role) {
        let after = self.nodes[at].read(replication::standing).role;
        self.tally.demotions += u64::from(before == Role::PrimaryComputer && after != before);
    }

    /// Set-AdfsSyncProperties -Role PrimaryComputer
    fn promote(&mut self, at: usize) {
        if !self.nodes[at].up {
            return;
        }
        let death = self.death();
        let before = self.nodes[at].read(replication::standing);
        let promoted: Option<Result<_, StoreError>> =
            self.nodes[at].transact(death, |connection| Ok(replication::promote(connection, NAMES[at])?));
        let after = self.nodes[at].read(replication::standing);
        self.say(|| format!("promote {}: {promoted:?}", NAMES[at]));
        if after.term > before.term {
            self.checker.was_promoted(at, &self.nodes[at]);
            self.tally.promotions += 1;
        }
    }

    /// Set-AdfsSyncProperties -Role SecondaryComputer -PrimaryComputerName
    fn follow(&mut self, at: usize) {
        let to = self.any_node();
        if !self.nodes[at].up || at == to {
            return;
        }
        let death = self.death();
        let followed: Option<Result<(), StoreError>> =
            self.nodes[at].transact(death, |connection| Ok(replication::follow(connection, NAMES[to])?));
        self.say(|| format!("{} shall follow {}: {followed:?}", NAMES[at], NAMES[to]));
    }

    fn die_or_return(&mut self, at: usize) {
        self.nodes[at].up = !self.nodes[at].up;
        self.tally.deaths += u64::from(!self.nodes[at].up);
        self.say(|| format!("{} is {}", NAMES[at], if self.nodes[at].up { "back" } else { "dead" }));
    }

    /// Cuts one direction, isolates a node, or heals all.
    fn change_network(&mut self) {
        let (one, other) = (self.any_node(), self.any_node());
        match self.below(4) {
            0 => self.cut[one][other] = true,
            1 => {
                for other in 0..3 {
                    (self.cut[one][other], self.cut[other][one]) = (true, true);
                }
            }
            _ => self.cut = [[false; 3]; 3],
        }
    }

    /// Up to two hours forward or back.
    fn move_clock(&mut self) {
        let by = Duration::from_secs(self.below(7200));
        let now = self.clock.now();
        self.clock.set(if self.below(2) == 0 { now.plus(by) } else { now.minus(by) });
    }

    /// A code is issued or redeemed, or an assertion is seen, at any node.
    fn single_use(&mut self, at: usize) {
        if !self.nodes[at].up {
            return;
        }
        match self.below(4) {
            0 => {
                let handle = Handle::new(NAMES[at], &self.random);
                let value = self.below(1000);
                self.keeps[at].values.insert(handle.as_str().to_owned(), value);
                self.handles.push(handle.as_str().to_owned());
            }
            1 if !self.handles.is_empty() => {
                let which = self.below(self.handles.len() as u64) as usize;
                let handle: Handle = self.handles[which].parse().unwrap();
                let keeper = handle.keeper(&NAMES).unwrap();
                let keeper = NAMES.iter().position(|name| *name == keeper).unwrap();
                if keeper != at {
                    return self.send(at, keeper, Body::Take(handle.as_str().to_owned()));
                }
                self.redeem(at, handle.as_str());
            }
            _ => {
                let key = match self.keys.is_empty() || self.below(2) == 0 {
                    true => format!("_{}", self.random.next_u64()),
                    false => self.keys[self.below(self.keys.len() as u64) as usize].clone(),
                };
                self.keys.push(key.clone());
                let keeper = placement::keeper(&NAMES, "replay", &key).unwrap();
                let keeper = NAMES.iter().position(|name| *name == keeper).unwrap();
                if keeper != at {
                    return self.send(at, keeper, Body::Insert(key));
                }
                self.remember(at, &key);
            }
        }
    }

    fn redeem(&mut self, keeper: usize, handle: &str) {
        match self.keeps[keeper].take(handle) {
            Some(value) => {
                self.checker.was_taken(handle, value);
                self.tally.redeemed += 1;
            }
            None => self.tally.replays += 1,
        }
    }

    fn remember(&mut self, keeper: usize, key: &str) {
        match self.keeps[keeper].insert(key) {
            true => self.checker.was_first(key),
            false => self.tally.replays += 1,
        }
    }

    /// A wrong password at any node, which tells the node that it believes to be the primary; or a reset there.
    fn guess(&mut self, at: usize) {
        if !self.nodes[at].up {
            return;
        }
        let account = ACCOUNTS[self.below(2) as usize];
        if self.below(20) == 0 {
            self.keeps[at].activity.remove(account);
            return self.checker.was_reset(at, account);
        }
        self.keeps[at].count(account);
        self.counted(at, account);
        let standing = self.nodes[at].read(replication::standing);
        if let Some(to) = NAMES.iter().position(|name| *name == standing.follows).filter(|to| *to != at) {
            let activity = self.keeps[at].activity[account].clone();
            self.send(at, to, Body::Activity(account.to_owned(), activity));
        }
    }

    fn counted(&mut self, at: usize, account: &str) {
        let count = self.keeps[at].activity[account].bad_pwd_count_unknown;
        self.checker.counts(at, account, count);
    }
}
