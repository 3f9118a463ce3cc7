//! A running server: its listeners, which come, move and go while others serve, and its end.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base::{Clock, Random};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{sleep, timeout};

use crate::accept::{Accept, Ended, Entrance};
use crate::bind::{BindError, BindFailure, Outcome, Tried, bind, distinct, try_all};
use crate::connection::{Phase, reached};
use crate::port::overlap;
use crate::server::{Drained, Listener};
use crate::status::{Board, FailedChange, ListenerSet, ListenerState, ListenerStatus};

/// Waits between two tries to bind, doubled up to the longest, each a quarter shorter or longer by chance. A
/// port in TIME_WAIT is free after a minute; a balancer must not wait much longer than that for the node.
const SHORTEST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(4);
/// How long connections get to notice that they were cut.
const CUTTING: Duration = Duration::from_secs(1);

/// A running server. Clones are the same server; it ends with the last of them.
#[derive(Clone)]
pub struct ServerHandle(Arc<Running>);

struct Running {
    set: Mutex<Set>,
    surroundings: Arc<Surroundings>,
    places: usize,
    free_places: Arc<Semaphore>,
}

/// What the tasks of all addresses share.
struct Surroundings {
    board: Board,
    acceptor: Arc<dyn Accept>,
    backlog: u32,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

#[derive(Default)]
struct Set {
    listeners: Vec<Member>,
    /// Of addresses that were given up, and whose connections may live.
    retired: Vec<watch::Sender<Phase>>,
    ended: bool,
}

struct Member {
    entrance: Entrance,
    posts: Vec<Post>,
}

/// One address, kept open by a task.
struct Post {
    address: SocketAddr,
    phase: watch::Sender<Phase>,
    task: JoinHandle<()>,
}

/// Why listeners were not changed. They are as they were.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// No listener of that name.
    #[error("there is no listener '{0}'")]
    NoSuchListener(String),
    /// A second listener of one name.
    #[error("there is a listener '{0}' already; change it, or choose another name")]
    NameTaken(String),
    /// No address is given.
    #[error("the listener '{0}' needs an address; remove it if it is not to listen")]
    NoAddress(String),
    /// The port belongs to another listener of this server.
    #[error(
        "the listener '{listener}' cannot listen at {address}: the listener '{other}' of this server has port {}; \
         choose another port",
        address.port()
    )]
    PortOfListener {
        /// The listener to be changed or added.
        listener: String,
        /// Where it was to listen.
        address: SocketAddr,
        /// Whose port that is.
        other: Arc<str>,
    },
    /// An address cannot be bound; the error names who holds its port.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The server is shutting down.
    #[error("the server is shutting down: its listeners cannot be changed")]
    ShuttingDown,
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServerHandle").field(&self.snapshot()).finish()
    }
}

impl ServerHandle {
    pub(crate) fn start(
        tried: Vec<Tried>,
        acceptor: Arc<dyn Accept>,
        (places, free_places): (usize, Arc<Semaphore>),
        backlog: u32,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let statuses = tried.iter().map(|tried| first_status(tried, clock.as_ref())).collect();
        let board = Board::new(statuses);
        let surroundings = Arc::new(Surroundings { board, acceptor, backlog, clock, random });
        let mut set = Set::default();
        for tried in tried {
            set.post(tried, &surroundings);
        }
        Self(Arc::new(Running { set: Mutex::new(set), surroundings, places, free_places }))
    }

    /// How all listeners are now.
    pub fn snapshot(&self) -> ListenerSet {
        self.0.surroundings.board.snapshot()
    }

    /// The same, and word of each change: a listener bound or lost, a new cause of failure, a change of the set
    /// or one that failed. A further try with the same cause is no change. Observers that are slower than the
    /// changes see the last one.
    pub fn watch(&self) -> watch::Receiver<ListenerSet> {
        self.0.surroundings.board.watch()
    }

    /// Waits until every listener of the set has been bound once: the time for READY and event 100.
    pub async fn all_bound_once(&self) {
        // The board lives as long as `self`.
        let _ = self.watch().wait_for(|set| set.all_bound_once).await;
    }

    /// Moves a listener to other addresses without a restart: the new ones are bound first, then nothing more is
    /// accepted at the old ones, whose connections finish their requests and close. Addresses that stay are not
    /// touched; a new one must not overlap an old one (another port, not the wildcard of the same port). On an error the listener stays where it was, and [`ListenerSet::failed_changes`] says so.
    /// Returns where it now listens.
    pub async fn change(&self, name: &str, addresses: &[SocketAddr]) -> Result<Vec<SocketAddr>, ChangeError> {
        let mut set = self.0.set.lock().await;
        let changed = self.try_change(&mut set, name, addresses).await;
        if let Err(error) = &changed {
            self.note_failure(name, addresses, error);
        }
        changed
    }

    async fn try_change(
        &self,
        set: &mut Set,
        name: &str,
        addresses: &[SocketAddr],
    ) -> Result<Vec<SocketAddr>, ChangeError> {
        let surroundings = &self.0.surroundings;
        let entrance = set.listeners.iter().find(|member| &*member.entrance.name == name);
        let entrance = entrance.ok_or_else(|| ChangeError::NoSuchListener(name.to_owned()))?.entrance.clone();
        let known: Vec<_> = set.addresses(name);
        let addresses = distinct(addresses);
        let new: Vec<_> = addresses.iter().copied().filter(|address| !known.contains(address)).collect();
        self.check(set, name, &addresses, &new)?;
        let new = Listener {
            name: name.to_owned(),
            addresses: new,
            protocol: entrance.protocol,
            proxy_protocol: entrance.proxy_protocol,
        };
        let tried = bind_all(new, addresses.len() == 1, surroundings.backlog).await?;

        // In the order asked for: those that stay with the state they have.
        let before = surroundings.board.snapshot().listeners;
        let status = |address: &SocketAddr| {
            let stays = before.iter().find(|status| &*status.name == name && status.address == *address);
            let new = tried.iter().find(|tried| tried.address == *address);
            stays.cloned().or_else(|| Some(first_status(new?, surroundings.clock.as_ref())))
        };
        surroundings.board.replace(name, addresses.iter().filter_map(status).collect());
        let leaving = set.remove_posts(name, |address| !addresses.contains(&address));
        for tried in tried {
            set.post(tried, surroundings);
        }
        set.retire(leaving).await;
        tracing::info!(listener = name, ?addresses, "listener moved");
        Ok(self.bound(name))
    }

    /// Adds a listener: all its addresses are bound, or none and nothing changed. Returns where it listens.
    pub async fn add(&self, listener: Listener) -> Result<Vec<SocketAddr>, ChangeError> {
        let mut set = self.0.set.lock().await;
        let (name, addresses) = (listener.name.clone(), distinct(&listener.addresses));
        let added = self.try_add(&mut set, listener, &addresses).await;
        if let Err(error) = &added {
            self.note_failure(&name, &addresses, error);
        }
        added
    }

    async fn try_add(
        &self,
        set: &mut Set,
        listener: Listener,
        addresses: &[SocketAddr],
    ) -> Result<Vec<SocketAddr>, ChangeError> {
        let surroundings = &self.0.surroundings;
        let name = listener.name.clone();
        if set.listeners.iter().any(|member| *member.entrance.name == *name) {
            return Err(ChangeError::NameTaken(name));
        }
        self.check(set, &name, addresses, addresses)?;
        let tried = bind_all(listener, addresses.len() == 1, surroundings.backlog).await?;
        let status = |tried| first_status(tried, surroundings.clock.as_ref());
        surroundings.board.replace(&name, tried.iter().map(status).collect());
        for tried in tried {
            set.post(tried, surroundings);
        }
        Ok(self.bound(&name))
    }

    /// Removes a listener: nothing more is accepted there when this returns, and its connections finish their
    /// requests and close.
    pub async fn remove(&self, name: &str) -> Result<(), ChangeError> {
        let mut set = self.0.set.lock().await;
        if set.ended {
            return Err(ChangeError::ShuttingDown);
        }
        let at = set.listeners.iter().position(|member| &*member.entrance.name == name);
        let at = at.ok_or_else(|| ChangeError::NoSuchListener(name.to_owned()))?;
        let member = set.listeners.remove(at);
        self.0.surroundings.board.replace(name, Vec::new());
        set.retire(member.posts).await;
        Ok(())
    }

    /// Closes the listeners, finishes the requests in progress, and cuts what is left after `drain_for`.
    pub async fn drain(&self, drain_for: Duration) -> Drained {
        let mut set = self.0.set.lock().await;
        set.ended = true;
        let posts = set.listeners.drain(..).flat_map(|member| member.posts).collect();
        set.retire(posts).await;
        let Running { places, free_places, .. } = &*self.0;
        let all = u32::try_from(*places).unwrap_or(u32::MAX);
        if timeout(drain_for, free_places.acquire_many(all)).await.is_ok() {
            return Drained { cut: 0 };
        }
        let cut = places.saturating_sub(free_places.available_permits());
        for phase in &set.retired {
            phase.send_replace(Phase::Cutting);
        }
        // Every connection ends at its next poll; a handler that blocks its thread is not waited for.
        let _ = timeout(CUTTING, free_places.acquire_many(all)).await;
        Drained { cut }
    }

    /// What holds for a change as for an addition. `new`: addresses that are to be bound.
    fn check(
        &self,
        set: &Set,
        name: &str,
        addresses: &[SocketAddr],
        new: &[SocketAddr],
    ) -> Result<(), ChangeError> {
        if set.ended {
            return Err(ChangeError::ShuttingDown);
        }
        if addresses.is_empty() {
            return Err(ChangeError::NoAddress(name.to_owned()));
        }
        let listeners = self.snapshot().listeners;
        let others = || listeners.iter().filter(|status| &*status.name != name);
        for address in new {
            let taken = |status: &&ListenerStatus| {
                let at = match status.state {
                    ListenerState::Bound { at } => at,
                    ListenerState::Retrying { .. } | ListenerState::Absent => status.address,
                };
                overlap(at, *address)
            };
            if let Some(other) = others().find(taken) {
                let (listener, other) = (name.to_owned(), other.name.clone());
                return Err(ChangeError::PortOfListener { listener, address: *address, other });
            }
        }
        Ok(())
    }

    fn note_failure(&self, name: &str, addresses: &[SocketAddr], error: &ChangeError) {
        if matches!(
            error,
            ChangeError::NoSuchListener(_) | ChangeError::NameTaken(_) | ChangeError::ShuttingDown
        ) {
            return;
        }
        tracing::error!(listener = name, %error, "the listener was not changed");
        self.0.surroundings.board.change_failed(FailedChange {
            listener: name.into(),
            addresses: addresses.to_vec(),
            reason: error.to_string(),
            at: self.0.surroundings.clock.now(),
        });
    }

    fn bound(&self, name: &str) -> Vec<SocketAddr> {
        let at = |status: ListenerStatus| match status.state {
            ListenerState::Bound { at } if &*status.name == name => Some(at),
            _ => None,
        };
        self.snapshot().listeners.into_iter().filter_map(at).collect()
    }
}

impl Set {
    fn addresses(&self, name: &str) -> Vec<SocketAddr> {
        let of_name = self.listeners.iter().filter(|member| &*member.entrance.name == name);
        of_name.flat_map(|member| &member.posts).map(|post| post.address).collect()
    }

    /// Gives an address a task that keeps it open.
    fn post(&mut self, tried: Tried, surroundings: &Arc<Surroundings>) {
        let Tried { entrance, address, outcome } = tried;
        let at = self.listeners.iter().position(|member| member.entrance.name == entrance.name);
        let (phase, followed) = watch::channel(Phase::Serving);
        let task = keep_open(entrance.clone(), address, outcome, surroundings.clone(), followed);
        let post = Post { address, phase, task: tokio::spawn(task) };
        match at.and_then(|at| self.listeners.get_mut(at)) {
            Some(member) => member.posts.push(post),
            None => self.listeners.push(Member { entrance, posts: vec![post] }),
        }
    }

    fn remove_posts(&mut self, name: &str, leaves: impl Fn(SocketAddr) -> bool) -> Vec<Post> {
        let member = self.listeners.iter_mut().find(|member| &*member.entrance.name == name);
        let posts = member.map(|member| std::mem::take(&mut member.posts)).unwrap_or_default();
        let (leaving, staying) = posts.into_iter().partition(|post| leaves(post.address));
        if let Some(member) = self.listeners.iter_mut().find(|member| &*member.entrance.name == name) {
            member.posts = staying;
        }
        leaving
    }

    /// Closes addresses. Their sockets are closed when this returns, their connections drain.
    async fn retire(&mut self, posts: Vec<Post>) {
        self.retired.retain(|phase| !phase.is_closed());
        for post in &posts {
            post.phase.send_replace(Phase::Draining);
        }
        for Post { phase, task, .. } in posts {
            // A task that panicked has closed its socket too.
            let _ = task.await;
            self.retired.push(phase);
        }
    }
}

/// All of a listener's new addresses, or the error that names those that cannot be bound. Finding out who holds
/// a port reads much of `/proc`: not on a thread that serves.
async fn bind_all(listener: Listener, only: bool, backlog: u32) -> Result<Vec<Tried>, ChangeError> {
    let bind = move || {
        let mut tried = try_all(&listener, only, backlog);
        let failures: Vec<_> = tried.iter_mut().filter_map(|tried| tried.outcome.take_failure()).collect();
        if failures.is_empty() { Ok(tried) } else { Err(BindError(failures)) }
    };
    Ok(spawn_blocking(bind).await.map_err(|_| ChangeError::ShuttingDown)??)
}

fn first_status(tried: &Tried, clock: &dyn Clock) -> ListenerStatus {
    let Tried { entrance, address, outcome } = tried;
    let state = match outcome {
        Outcome::Bound(socket) => ListenerState::Bound { at: socket.local_addr().unwrap_or(*address) },
        Outcome::Absent => ListenerState::Absent,
        Outcome::Failed(failure) => {
            ListenerState::Retrying { failure: failure.clone(), since: clock.now(), tries: 1 }
        }
    };
    ListenerStatus {
        name: entrance.name.clone(),
        address: *address,
        scheme: entrance.protocol.scheme(),
        bound_once: matches!(state, ListenerState::Bound { .. }),
        state,
    }
}

/// Keeps one address open until it is given up: binds it for as long as that fails, accepts for as long as the
/// socket lives.
async fn keep_open(
    entrance: Entrance,
    address: SocketAddr,
    first: Outcome,
    surroundings: Arc<Surroundings>,
    mut phase: watch::Receiver<Phase>,
) {
    let name = &entrance.name;
    let mut socket = match first {
        Outcome::Bound(socket) => Some(socket),
        Outcome::Failed(failure) => {
            tracing::error!(%failure, "trying again until it is bound");
            None
        }
        Outcome::Absent => return,
    };
    loop {
        let open = match socket.take() {
            Some(open) => open,
            None => tokio::select! {
                open = bind_at_last(name, address, &surroundings) => {
                    let at = open.local_addr().unwrap_or(address);
                    tracing::info!(listener = %name, address = %at, "bound");
                    surroundings.board.bound(name, address, at);
                    open
                }
                () = reached(&mut phase, Phase::Draining) => return,
            },
        };
        match surroundings.acceptor.accept(open, &entrance, phase.clone()).await {
            Ended::Asked => return,
            Ended::Died(error) => {
                let failure = BindFailure { listener: name.to_string(), address, error, holders: vec![] };
                note(failure.into(), &surroundings);
            }
        }
    }
}

/// Tries until the address is bound.
async fn bind_at_last(name: &Arc<str>, address: SocketAddr, surroundings: &Surroundings) -> TcpListener {
    let mut wait = SHORTEST_WAIT;
    loop {
        let [chance] = surroundings.random.bytes::<1>();
        // Three to five quarters.
        sleep(wait.saturating_mul(384_u32.saturating_add(chance.into())) / 512).await;
        wait = wait.saturating_mul(2).min(LONGEST_WAIT);
        let (name, backlog) = (name.clone(), surroundings.backlog);
        match spawn_blocking(move || bind(&name, address, backlog)).await {
            Ok(Ok(socket)) => return socket,
            Ok(Err(failure)) => note(failure.into(), surroundings),
            // The runtime ends, and this task with it.
            Err(_) => {}
        }
    }
}

fn note(failure: Arc<BindFailure>, surroundings: &Surroundings) {
    if surroundings.board.failed(failure.clone(), surroundings.clock.now()) {
        tracing::error!(%failure, "trying again until it is bound");
    }
}

#[cfg(test)]
mod tests {
    use base::{ManualClock, SeededRandom, Timestamp};
    use bytes::Bytes;
    use http::{Request, Response};
    use http_body_util::Full;

    use super::*;
    use crate::{Handler, Limits, Protocol, RequestBody, RequestContext, Server, Settings, TrustedHops};

    struct Silent;

    impl Handler for Silent {
        type Body = Full<Bytes>;

        async fn handle(&self, _: RequestContext, _: Request<RequestBody>) -> Response<Full<Bytes>> {
            Response::default()
        }
    }

    /// Security case 98: a socket that stops listening under the server is noticed, shown and opened again.
    #[tokio::test]
    async fn a_listener_that_dies_degrades_the_server_until_it_is_bound_again() {
        let server = Server::bind_available(Settings {
            listeners: vec![],
            limits: Limits::default(),
            trusted_hops: TrustedHops::default(),
            clock: Arc::new(ManualClock::new(Timestamp::from_seconds(1_500_000_000))),
            random: Arc::new(SeededRandom::new(1)),
        });
        let handle = server.start(Silent);
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let address = socket.local_addr().unwrap();
        let same = socket.try_clone().unwrap();
        let entrance = Entrance { name: "https".into(), protocol: Protocol::Plain, proxy_protocol: false };
        let outcome = Outcome::Bound(TcpListener::from_std(socket).unwrap());
        let tried = Tried { entrance, address, outcome };
        let surroundings = handle.0.surroundings.clone();
        surroundings.board.replace("https", vec![first_status(&tried, surroundings.clock.as_ref())]);
        handle.0.set.lock().await.post(tried, &surroundings);
        assert!(handle.snapshot().all_bound_once && !handle.snapshot().is_degraded());

        let mut watch = handle.watch();
        socket2::SockRef::from(&same).shutdown(std::net::Shutdown::Both).unwrap();
        drop(same);
        let soon = Duration::from_secs(20);
        timeout(soon, watch.wait_for(ListenerSet::is_degraded)).await.unwrap().unwrap();
        timeout(soon, watch.wait_for(ListenerSet::all_bound)).await.unwrap().unwrap();
        assert!(!handle.snapshot().is_degraded());
        tokio::net::TcpStream::connect(address).await.unwrap();
    }
}
