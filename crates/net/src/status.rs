//! What observers see of a server's listeners: a snapshot, and a stream of its changes.

use std::net::SocketAddr;
use std::sync::Arc;

use base::Timestamp;
use tokio::sync::watch;

use crate::bind::BindFailure;

/// One address of one listener.
#[derive(Debug, Clone)]
pub struct ListenerStatus {
    /// Name of the listener, as configured.
    pub name: Arc<str>,
    /// The address as configured.
    pub address: SocketAddr,
    /// `https` or `http`.
    pub scheme: &'static str,
    /// How it is.
    pub state: ListenerState,
    /// Whether it has been bound since it belongs to the set.
    pub bound_once: bool,
}

/// How an address of a listener is.
#[derive(Debug, Clone)]
pub enum ListenerState {
    /// Open.
    Bound {
        /// The address as the kernel has it: with the port taken where 0 was configured.
        at: SocketAddr,
    },
    /// Not open; tried again for ever, at least every five seconds.
    Retrying {
        /// Why, and who is in the way: its text is that of event 102.
        failure: Arc<BindFailure>,
        /// When this cause was seen first.
        since: Timestamp,
        /// Tries that ended with this cause.
        tries: u64,
    },
    /// The IPv6 wildcard on a machine without IPv6, beside an address of IPv4: not a failure, not tried again.
    Absent,
}

/// A change of the set that failed: the set is what it was before.
#[derive(Debug, Clone)]
pub struct FailedChange {
    /// Name of the listener.
    pub listener: Arc<str>,
    /// Where it was to listen.
    pub addresses: Vec<SocketAddr>,
    /// Why it does not.
    pub reason: String,
    /// When that was.
    pub at: Timestamp,
}

/// All listeners of a server at one moment.
#[derive(Debug, Clone, Default)]
pub struct ListenerSet {
    /// In the order in which they were set.
    pub listeners: Vec<ListenerStatus>,
    /// The last change of each listener that failed and was neither repeated with success nor taken back.
    pub failed_changes: Vec<FailedChange>,
    /// Whether there has been a moment at which every listener of the set had been bound at least once. Stays
    /// true: READY and event 100 are given once.
    pub all_bound_once: bool,
}

impl ListenerSet {
    /// Whether every listener is open now.
    pub fn all_bound(&self) -> bool {
        !self.listeners.iter().any(|listener| matches!(listener.state, ListenerState::Retrying { .. }))
    }

    /// Whether the server was whole and is not any more: a listener is not open, or a change failed.
    pub fn is_degraded(&self) -> bool {
        self.all_bound_once && (!self.all_bound() || !self.failed_changes.is_empty())
    }
}

/// Where the listeners' tasks write, and observers read.
#[derive(Debug)]
pub(crate) struct Board(watch::Sender<ListenerSet>);

impl Board {
    /// The board of a server whose listeners are as they are at its start.
    pub(crate) fn new(listeners: Vec<ListenerStatus>) -> Self {
        let mut set = ListenerSet { listeners, ..ListenerSet::default() };
        note_all_bound(&mut set);
        Self(watch::Sender::new(set))
    }

    pub(crate) fn watch(&self) -> watch::Receiver<ListenerSet> {
        self.0.subscribe()
    }

    pub(crate) fn snapshot(&self) -> ListenerSet {
        self.0.borrow().clone()
    }

    pub(crate) fn bound(&self, name: &str, address: SocketAddr, at: SocketAddr) {
        self.0.send_modify(|set| {
            if let Some(listener) = find(set, name, address) {
                listener.bound_once = true;
                listener.state = ListenerState::Bound { at };
            }
            note_all_bound(set);
        });
    }

    /// Notes a failed try, and says whether its cause is a new one. Observers are told of a new cause only.
    pub(crate) fn failed(&self, failure: Arc<BindFailure>, now: Timestamp) -> bool {
        self.0.send_if_modified(|set| {
            let Some(listener) = find(set, &failure.listener, failure.address) else { return false };
            if let ListenerState::Retrying { failure: known, tries, .. } = &mut listener.state
                && known.to_string() == failure.to_string()
            {
                *tries = tries.saturating_add(1);
                return false;
            }
            listener.state = ListenerState::Retrying { failure, since: now, tries: 1 };
            true
        })
    }

    /// Puts new addresses of a listener in the place of its old ones. A failed change of it is forgotten.
    pub(crate) fn replace(&self, name: &str, addresses: Vec<ListenerStatus>) {
        self.0.send_modify(|set| {
            let at = set.listeners.iter().position(|listener| &*listener.name == name);
            let at = at.unwrap_or(set.listeners.len());
            set.listeners.retain(|listener| &*listener.name != name);
            let rest = set.listeners.split_off(at.min(set.listeners.len()));
            set.listeners.extend(addresses.into_iter().chain(rest));
            set.failed_changes.retain(|change| &*change.listener != name);
            note_all_bound(set);
        });
    }

    pub(crate) fn change_failed(&self, change: FailedChange) {
        self.0.send_modify(|set| {
            set.failed_changes.retain(|earlier| earlier.listener != change.listener);
            set.failed_changes.push(change);
        });
    }
}

fn find<'a>(set: &'a mut ListenerSet, name: &str, address: SocketAddr) -> Option<&'a mut ListenerStatus> {
    set.listeners.iter_mut().find(|listener| &*listener.name == name && listener.address == address)
}

fn note_all_bound(set: &mut ListenerSet) {
    let was_bound =
        |listener: &ListenerStatus| listener.bound_once || matches!(listener.state, ListenerState::Absent);
    set.all_bound_once |= set.listeners.iter().all(was_bound);
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn failure(name: &str, error: io::ErrorKind) -> Arc<BindFailure> {
        let listener = name.to_owned();
        BindFailure { listener, address: address(), error: error.into(), holders: vec![] }.into()
    }

    fn address() -> SocketAddr {
        "127.0.0.1:49443".parse().unwrap()
    }

    fn retrying(name: &str) -> ListenerStatus {
        ListenerStatus {
            name: name.into(),
            address: address(),
            scheme: "https",
            state: ListenerState::Retrying {
                failure: failure(name, io::ErrorKind::AddrInUse),
                since: Timestamp::from_seconds(1),
                tries: 1,
            },
            bound_once: false,
        }
    }

    /// Security case 98.
    #[test]
    fn observers_are_told_of_each_cause_once_and_tries_are_counted() {
        let board = Board::new(vec![retrying("certificates")]);
        let mut watch = board.watch();
        assert!(!board.failed(failure("certificates", io::ErrorKind::AddrInUse), Timestamp::from_seconds(2)));
        assert!(!watch.has_changed().unwrap());
        let set = board.snapshot();
        assert!(matches!(set.listeners[0].state, ListenerState::Retrying { tries: 2, since, .. }
            if since == Timestamp::from_seconds(1)));
        let other = failure("certificates", io::ErrorKind::PermissionDenied);
        assert!(board.failed(other, Timestamp::from_seconds(3)));
        assert!(watch.has_changed().unwrap());
        assert!(!watch.borrow_and_update().all_bound_once);
    }

    /// Security case 98.
    #[test]
    fn a_set_is_whole_when_each_was_bound_once_and_degraded_when_one_fails_later() {
        let board = Board::new(vec![retrying("https"), retrying("certificates")]);
        board.bound("https", address(), address());
        // One fails again before the other was bound: not whole yet, and so not degraded either.
        assert!(board.failed(failure("https", io::ErrorKind::AddrInUse), Timestamp::from_seconds(2)));
        assert!(!board.snapshot().all_bound_once && !board.snapshot().is_degraded());
        board.bound("certificates", address(), address());
        assert!(board.snapshot().all_bound_once && board.snapshot().is_degraded());
        board.bound("https", address(), address());
        assert!(board.snapshot().all_bound() && !board.snapshot().is_degraded());
        let change = FailedChange {
            listener: "https".into(),
            addresses: vec![],
            reason: "taken".to_owned(),
            at: Timestamp::from_seconds(4),
        };
        board.change_failed(change.clone());
        board.change_failed(change);
        assert!(board.snapshot().is_degraded());
        assert_eq!(board.snapshot().failed_changes.len(), 1);
        // Another change, which works, ends it; the order of the others stays.
        let bound = ListenerStatus {
            state: ListenerState::Bound { at: address() },
            bound_once: true,
            ..retrying("https")
        };
        board.replace("https", vec![bound]);
        assert!(!board.snapshot().is_degraded());
        let names: Vec<_> = board.snapshot().listeners.iter().map(|l| l.name.to_string()).collect();
        assert_eq!(names, ["https", "certificates"]);
    }
}
