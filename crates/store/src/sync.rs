//! How the nodes of a farm with embedded databases keep one history: decisions only, no I/O, no clock.
//!
//! One node is the primary and writes. A secondary asks it again and again ([`PullRequest`]) what follows the place
//! that its own history has reached, named by a serial number and the hash of everything up to there ([`Chain`]); the
//! primary answers ([`PullAnswer`]) with the entries that follow, or that its own history does not have this place.
//! Then the secondary copies the whole history beside its own and changes over when it is complete. What only its own
//! had is kept aside, and can be listed.
//!
//! A promotion begins a new [`Term`] without asking anyone. Who hears of a newer term and is a primary of an older
//! one stops being one. Requests carry the newest term that their sender has heard of, so the news spreads with them.
//!
//! ```text
//! secondary                                    primary
//!   PullRequest { term, serial, chain } ───▶  hear(term) → am I still the primary?
//!   judge(…) → Step  ◀─── PullAnswer          answer(…)
//! ```

use base::Timestamp;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::{Chain, Entry, Scope, Write};

/// How many entries an answer holds, unless the write that is the last of them has more.
pub const PAGE_ENTRIES: usize = 500;
/// How many octets of objects an answer holds, as above.
pub const PAGE_OCTETS: usize = 4 * 1024 * 1024;

/// Who writes. Ordered: a promotion begins a greater one. Two nodes that are promoted without knowing of each other
/// begin terms of one epoch; the name decides which of them everyone comes to follow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Term {
    /// Raised by each promotion, from 1.
    pub epoch: u64,
    /// Name of the node that was promoted; empty in a farm in which none was yet.
    pub primary: String,
}

/// `Role` of `Get-AdfsSyncProperties`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// Writes.
    PrimaryComputer,
    /// Holds a copy.
    SecondaryComputer,
}

/// What a node is in the farm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Role.
    pub role: Role,
    /// The greatest term of which the node has heard.
    pub term: Term,
    /// The node that a secondary asks (`PrimaryComputerName`).
    pub follows: String,
}

impl Standing {
    /// After a promotion of this node, whose name is `me`.
    #[must_use]
    pub fn promoted(&self, me: &str) -> Self {
        let term = Term { epoch: self.term.epoch.saturating_add(1), primary: me.to_owned() };
        Self { role: Role::PrimaryComputer, term, follows: String::new() }
    }

    /// After the order to follow `primary`.
    #[must_use]
    pub fn following(&self, primary: &str) -> Self {
        Self { role: Role::SecondaryComputer, term: self.term.clone(), follows: primary.to_owned() }
    }

    /// After hearing of `term`; `None` when that is no news. A primary of an older term is one no more.
    pub fn hearing(&self, term: &Term) -> Option<Self> {
        if *term <= self.term {
            return None;
        }
        let follows = if term.primary.is_empty() { &self.follows } else { &term.primary };
        Some(Self { role: Role::SecondaryComputer, term: term.clone(), follows: follows.clone() })
    }
}

/// The place that a history, or the copy of one, has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Serial number of the newest entry; 0 before the first.
    pub serial: u64,
    /// The link after it.
    pub chain: Chain,
    /// Its epoch; 0 before the first.
    pub epoch: u64,
    /// Whether this is a copy that grows beside the node's own history.
    pub copying: bool,
}

impl Place {
    /// Where a copy begins.
    pub const START: Self = Self { serial: 0, chain: Chain::START, epoch: 0, copying: true };
}

/// What a secondary asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// The greatest term of which it has heard.
    pub term: Term,
    /// It has the history up to here …
    pub serial: u64,
    /// … with this link.
    pub chain: Chain,
    /// How many entries it would like; the primary gives [`PAGE_ENTRIES`] at most.
    pub limit: usize,
}

/// What a node answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PullAnswer {
    /// There is nothing newer.
    UpToDate {
        /// The primary's term.
        term: Term,
    },
    /// The entries that follow, ending with the end of a write.
    Delta {
        /// The primary's term.
        term: Term,
        /// The entries.
        entries: Vec<Entry>,
        /// The link after them.
        chain: Chain,
        /// The primary's newest serial number, which tells how far the secondary lags.
        newest: u64,
    },
    /// The primary's history does not have this place: begin a copy.
    SnapshotNeeded {
        /// The primary's term.
        term: Term,
    },
    /// The node that was asked is not the primary.
    Fenced {
        /// The greatest term of which it has heard.
        term: Term,
        /// The node that it follows itself.
        primary: String,
    },
}

impl PullAnswer {
    /// The term under which it was given.
    pub const fn term(&self) -> &Term {
        match self {
            Self::UpToDate { term }
            | Self::Delta { term, .. }
            | Self::SnapshotNeeded { term }
            | Self::Fenced { term, .. } => term,
        }
    }
}

/// What to answer. The request's term was heard before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// [`PullAnswer::UpToDate`].
    UpToDate,
    /// [`PullAnswer::Delta`] with what follows the request's serial number.
    Delta,
    /// [`PullAnswer::SnapshotNeeded`].
    SnapshotNeeded,
    /// [`PullAnswer::Fenced`].
    Fenced,
}

/// Decides a primary's answer. `newest` is the serial number of its newest entry, `known` its link at the serial
/// number of the request.
pub fn reply(me: &Standing, request: &PullRequest, newest: u64, known: Option<Chain>) -> Reply {
    if me.role != Role::PrimaryComputer {
        return Reply::Fenced;
    }
    if known != Some(request.chain) {
        return Reply::SnapshotNeeded;
    }
    if request.serial == newest { Reply::UpToDate } else { Reply::Delta }
}

/// What a secondary does with an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing: the answer came late, twice or from a former primary.
    Ignore,
    /// Ask another node, which is the primary of a newer term.
    Follow(Term),
    /// Note that nothing is missing.
    Current(Term),
    /// Append the entries to the history.
    Apply,
    /// Begin a copy, throwing away one that was begun.
    BeginCopy(Term),
    /// Append the entries to the copy.
    Stage {
        /// Whether it is the whole history now, and takes the place of the node's own.
        complete: bool,
    },
    /// The copy is the whole history and takes the place of the node's own.
    Install(Term),
    /// The answer cannot be used.
    Refuse(SyncError),
}

/// Why an answer cannot be used. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyncError {
    /// The node that was asked is a secondary itself.
    #[error(
        "the node that was asked is a secondary server itself and follows '{primary}'; see Set-AdfsSyncProperties -PrimaryComputerName"
    )]
    NotPrimary {
        /// Whom it follows.
        primary: String,
    },
    /// The entries do not continue the history.
    #[error("the primary server's answer does not continue the history after change {serial}: {problem}")]
    NotAContinuation {
        /// The last change before the problem.
        serial: u64,
        /// What is wrong.
        problem: &'static str,
    },
}

/// Decides what to do with `answer` to `request`, now that the node stands at `place`.
pub fn judge(me: &Standing, place: &Place, request: &PullRequest, answer: &PullAnswer) -> Step {
    let still_asked = request.serial == place.serial && request.chain == place.chain;
    if me.role != Role::SecondaryComputer || *answer.term() < me.term {
        return Step::Ignore;
    }
    match answer {
        PullAnswer::Fenced { term, .. } if *term > me.term => Step::Follow(term.clone()),
        PullAnswer::Fenced { primary, .. } => {
            Step::Refuse(SyncError::NotPrimary { primary: primary.clone() })
        }
        _ if !still_asked => Step::Ignore,
        PullAnswer::UpToDate { term } if place.copying => Step::Install(term.clone()),
        PullAnswer::UpToDate { term } => Step::Current(term.clone()),
        PullAnswer::SnapshotNeeded { .. } if place.serial == 0 => Step::Refuse(SyncError::NotAContinuation {
            serial: 0,
            problem: "it knows no beginning of the history",
        }),
        PullAnswer::SnapshotNeeded { term } => Step::BeginCopy(term.clone()),
        PullAnswer::Delta { term, entries, chain, newest } => match continues(place, term, entries, *chain) {
            Err((serial, problem)) => Step::Refuse(SyncError::NotAContinuation { serial, problem }),
            Ok(reached) if place.copying => Step::Stage { complete: reached == *newest },
            Ok(_) => Step::Apply,
        },
    }
}

/// Whether the entries follow `place` without a gap and end in `chain`; the last serial number.
fn continues(
    place: &Place,
    term: &Term,
    entries: &[Entry],
    chain: Chain,
) -> Result<u64, (u64, &'static str)> {
    let mut at = *place;
    if entries.len() > PAGE_ENTRIES.saturating_add(Write::OPERATIONS) {
        return Err((at.serial, "it has more entries than an answer may have"));
    }
    for entry in entries {
        let wrong = |problem| Err((at.serial, problem));
        if entry.head.serial != at.serial.saturating_add(1) {
            return wrong("the numbers have a gap");
        }
        if entry.head.epoch < at.epoch || entry.head.epoch > term.epoch {
            return wrong(
                "the epoch is not between that of the change before and that of the primary server",
            );
        }
        // Databases of the first release have such entries, without content.
        if entry.kind.scope() == Scope::Node && (entry.body.is_some() || !entry.keys.is_empty()) {
            return wrong("it has an object that belongs to one node");
        }
        if entry.body.as_deref().is_some_and(|body| serde_json::from_str::<IgnoredAny>(body).is_err()) {
            return wrong("an object is not JSON");
        }
        at.chain = at.chain.after(entry);
        (at.serial, at.epoch) = (entry.head.serial, entry.head.epoch);
    }
    match entries.last() {
        None => Err((at.serial, "it is empty")),
        Some(last) if !last.last => Err((at.serial, "it ends within a write")),
        Some(_) if at.chain != chain => Err((at.serial, "the hashes differ")),
        Some(_) => Ok(at.serial),
    }
}

/// What became of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// It told nothing.
    Ignored,
    /// This node follows another primary now.
    Follows(Term),
    /// Nothing is missing. A poll succeeded.
    Current,
    /// The history has grown; there may be more.
    Advanced,
    /// The copy has grown; there is more.
    Copying,
    /// The copy took the place of the node's own history.
    Installed {
        /// How many entries only the node's own history had; they were kept aside.
        diverged: u64,
    },
    /// It could not be used.
    Refused(SyncError),
}

/// An entry that a node once had in its history, and that the farm's history does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diverged {
    /// Position in the list, from 1.
    pub number: u64,
    /// When it was kept aside.
    pub kept: Timestamp,
    /// The entry.
    pub entry: Entry,
}

/// The last poll, for `Get-AdfsSyncProperties`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastSync {
    /// `LastSyncFromPrimaryComputerName`.
    pub from: String,
    /// `LastSyncTime`: the last poll that succeeded, or failed.
    pub at: Timestamp,
    /// `LastSyncStatus`: empty after success, else the reason.
    pub error: String,
    /// The primary's newest serial number at that time.
    pub newest: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Head, Kind};

    fn term(epoch: u64, primary: &str) -> Term {
        Term { epoch, primary: primary.into() }
    }

    fn primary() -> Standing {
        Standing { role: Role::PrimaryComputer, term: term(1, ""), follows: String::new() }
    }

    fn secondary() -> Standing {
        primary().following("fs01")
    }

    fn entries(from: u64, count: u64) -> (Vec<Entry>, Chain) {
        let mut chain = if from == 1 { Chain::START } else { entries(1, from - 1).1 };
        let entry = |serial| Entry {
            head: Head { epoch: 1, serial },
            kind: Kind::RelyingPartyTrust,
            id: "a".into(),
            version: serial,
            body: Some("{}".into()),
            keys: vec![],
            at: Timestamp::from_seconds(0),
            by: "test".into(),
            last: true,
        };
        let entries: Vec<_> = (from..from + count).map(entry).collect();
        for entry in &entries {
            chain = chain.after(entry);
        }
        (entries, chain)
    }

    fn place(serial: u64) -> Place {
        let chain = if serial == 0 { Chain::START } else { entries(1, serial).1 };
        Place { serial, chain, epoch: u64::from(serial > 0), copying: false }
    }

    fn request(place: &Place) -> PullRequest {
        PullRequest { term: term(1, ""), serial: place.serial, chain: place.chain, limit: 10 }
    }

    fn delta(from: u64, count: u64) -> PullAnswer {
        let (entries, chain) = entries(from, count);
        PullAnswer::Delta { term: term(1, ""), entries, chain, newest: from + count - 1 }
    }

    /// Security case 90.
    #[test]
    fn a_primary_that_hears_of_a_greater_term_is_one_no_more() {
        let heard = primary().hearing(&term(2, "fs02")).unwrap();
        assert_eq!((heard.role, heard.follows.as_str()), (Role::SecondaryComputer, "fs02"));
        assert_eq!(heard.hearing(&term(2, "fs02")), None);
        assert_eq!(heard.hearing(&term(1, "fs09")), None);
        assert_eq!(heard.hearing(&term(2, "fs01")), None);
        // Two promotions that did not know of each other: one of them holds, the same one everywhere.
        assert_eq!(heard.hearing(&term(2, "fs03")).unwrap().follows, "fs03");
        let promoted = heard.promoted("fs01");
        assert_eq!((promoted.role, promoted.term), (Role::PrimaryComputer, term(3, "fs01")));
    }

    #[test]
    fn a_primary_answers_by_the_place_that_its_history_has() {
        let asked = request(&place(3));
        let link = Some(asked.chain);
        assert_eq!(reply(&primary(), &asked, 3, link), Reply::UpToDate);
        assert_eq!(reply(&primary(), &asked, 4, link), Reply::Delta);
        assert_eq!(
            reply(&primary(), &asked, 4, Some(Chain::START)),
            Reply::SnapshotNeeded,
            "another history"
        );
        assert_eq!(reply(&primary(), &asked, 2, None), Reply::SnapshotNeeded, "the secondary is ahead");
        assert_eq!(reply(&secondary(), &asked, 4, link), Reply::Fenced);
    }

    #[test]
    fn a_continuation_is_applied_or_staged() {
        let at = place(3);
        assert_eq!(judge(&secondary(), &at, &request(&at), &delta(4, 2)), Step::Apply);
        let copying = Place { copying: true, ..at };
        let whole = judge(&secondary(), &copying, &request(&at), &delta(4, 2));
        assert_eq!(whole, Step::Stage { complete: true });
        let PullAnswer::Delta { term: reign, entries, chain, .. } = delta(4, 2) else { panic!() };
        let part = PullAnswer::Delta { term: reign.clone(), entries, chain, newest: 9 };
        assert_eq!(judge(&secondary(), &copying, &request(&at), &part), Step::Stage { complete: false });
        let up_to_date = PullAnswer::UpToDate { term: reign.clone() };
        assert_eq!(judge(&secondary(), &at, &request(&at), &up_to_date), Step::Current(reign.clone()));
        assert_eq!(judge(&secondary(), &copying, &request(&at), &up_to_date), Step::Install(reign.clone()));
        let needed = PullAnswer::SnapshotNeeded { term: reign.clone() };
        assert_eq!(judge(&secondary(), &at, &request(&at), &needed), Step::BeginCopy(reign));
        let start = Place::START;
        assert!(matches!(judge(&secondary(), &start, &request(&start), &needed), Step::Refuse(_)));
    }

    #[test]
    fn what_does_not_continue_the_history_is_refused() {
        type Damage = fn(&mut Vec<Entry>, &mut Chain);
        let damages: [(&str, Damage); 10] = [
            ("gap", |entries, _| drop(entries.remove(0))),
            ("gap", |entries, _| drop(entries.remove(1))),
            ("gap", |entries, _| entries.swap(1, 2)),
            ("hashes", |entries, _| entries[1].body = Some("{\"changed\":1}".into())),
            ("hashes", |_, chain| *chain = Chain::START),
            ("within a write", |entries, _| entries[2].last = false),
            ("epoch", |entries, _| entries[1].head.epoch = 0),
            ("epoch", |entries, _| entries[1].head.epoch = 2),
            ("JSON", |entries, _| entries[1].body = Some("{".into())),
            ("one node", |entries, _| entries[1].kind = Kind::SyncProperties),
        ];
        let at = place(3);
        for (what, damage) in damages {
            let PullAnswer::Delta { term, mut entries, mut chain, newest } = delta(4, 3) else { panic!() };
            damage(&mut entries, &mut chain);
            let answer = PullAnswer::Delta { term, entries, chain, newest };
            match judge(&secondary(), &at, &request(&at), &answer) {
                Step::Refuse(error) => assert!(error.to_string().contains(what), "{what}: {error}"),
                other => panic!("{what}: {other:?}"),
            }
        }
        let PullAnswer::Delta { term, chain, .. } = delta(4, 1) else { panic!() };
        let empty = PullAnswer::Delta { term, entries: vec![], chain, newest: 4 };
        assert!(matches!(judge(&secondary(), &at, &request(&at), &empty), Step::Refuse(_)));
    }

    #[test]
    fn late_answers_and_those_of_a_former_primary_are_ignored() {
        let (before, now) = (place(3), place(5));
        assert_eq!(
            judge(&secondary(), &now, &request(&before), &delta(4, 2)),
            Step::Ignore,
            "applied already"
        );
        let newer = secondary().hearing(&term(2, "fs02")).unwrap();
        assert_eq!(judge(&newer, &before, &request(&before), &delta(4, 2)), Step::Ignore);
        assert_eq!(
            judge(&primary(), &before, &request(&before), &delta(4, 2)),
            Step::Ignore,
            "promoted since"
        );
    }

    #[test]
    fn who_is_not_the_primary_says_who_is() {
        let at = place(3);
        let fenced = |term, primary: &str| PullAnswer::Fenced { term, primary: primary.into() };
        let step = judge(&secondary(), &at, &request(&at), &fenced(term(2, "fs02"), "fs02"));
        assert_eq!(step, Step::Follow(term(2, "fs02")));
        let step = judge(&secondary(), &at, &request(&at), &fenced(term(1, ""), "fs09"));
        assert_eq!(step, Step::Refuse(SyncError::NotPrimary { primary: "fs09".into() }));
    }

    #[test]
    fn messages_travel_as_json() {
        let at = place(3);
        let asked = request(&at);
        assert_eq!(
            serde_json::from_str::<PullRequest>(&serde_json::to_string(&asked).unwrap()).unwrap(),
            asked
        );
        for answer in [
            delta(1, 3),
            PullAnswer::UpToDate { term: term(1, "fs01") },
            PullAnswer::SnapshotNeeded { term: term(1, "fs01") },
            PullAnswer::Fenced { term: term(2, "fs02"), primary: "fs02".into() },
        ] {
            let text = serde_json::to_string(&answer).unwrap();
            assert_eq!(serde_json::from_str::<PullAnswer>(&text).unwrap(), answer);
        }
    }
}
