//! One connection, from accept to close.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use crate::admission::Admitted;
use crate::context::{Connection, TlsInfo};
use crate::framing::StrictHttp1;
use crate::limits::Limits;
use crate::proxy_protocol::{self, ProxiedAddresses};
use crate::server::Protocol;
use crate::service::{Handler, Shared, respond};
use crate::tls::Tls;

/// How far the server is on its way to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Serving,
    /// Requests in progress are finished, connections closed.
    Draining,
    /// Whatever is left is cut.
    Cutting,
}

/// Waits until the server is that far. A server that was dropped is at its end.
pub(crate) async fn reached(phase: &mut watch::Receiver<Phase>, wanted: Phase) {
    let _ = phase.wait_for(|now| *now >= wanted).await;
}

/// The listener's side of a new connection.
pub(crate) struct Accepted {
    pub(crate) stream: TcpStream,
    pub(crate) listener: Arc<str>,
    pub(crate) protocol: Protocol,
    pub(crate) peer: SocketAddr,
    /// The peer is a load balancer that names its client by the PROXY protocol.
    pub(crate) proxied: bool,
    pub(crate) admitted: Admitted,
}

/// Serves one connection to its end.
pub(crate) async fn serve<H: Handler>(
    accepted: Accepted,
    shared: Arc<Shared<H>>,
    mut phase: watch::Receiver<Phase>,
) {
    let until_cut = phase.clone();
    tokio::select! {
        () = run(accepted, shared, until_cut) => {}
        () = reached(&mut phase, Phase::Cutting) => {}
    }
}

async fn run<H: Handler>(accepted: Accepted, shared: Arc<Shared<H>>, mut phase: watch::Receiver<Phase>) {
    let Accepted { mut stream, listener, protocol, peer, proxied, mut admitted } = accepted;
    let Ok(local) = stream.local_addr() else { return };
    let mut connection = Connection { listener, peer, local, via: None, tls: None };
    let handshake_ends = later(Instant::now(), shared.limits.handshake_timeout);
    if proxied {
        let header = tokio::select! {
            header = timeout_at(handshake_ends, proxy_protocol::read(&mut stream)) => {
                header.unwrap_or_else(|late| Err(late.into()))
            }
            () = reached(&mut phase, Phase::Draining) => return,
        };
        match header {
            Ok(None) => {}
            Ok(Some(ProxiedAddresses { source, destination })) => {
                connection.via = Some(peer);
                connection.peer = source;
                connection.local = destination;
                if let Err(excess) = admitted.is_of(source.ip(), shared.hops.contains(source.ip())) {
                    tracing::debug!(peer = %source, via = %peer, ?excess, "connection closed");
                    return;
                }
            }
            Err(error) => {
                tracing::debug!(%peer, %error, "no PROXY header");
                return;
            }
        }
    }
    let peer = connection.peer;
    match protocol {
        Protocol::Plain => {
            admitted.established();
            http1(stream, shared, connection, None, phase).await;
        }
        Protocol::Tls(tls) => {
            let handshake = timeout_at(handshake_ends, handshake(stream, &tls));
            let finished = tokio::select! {
                finished = handshake => finished.unwrap_or_else(|late| Err(late.into())),
                () = reached(&mut phase, Phase::Draining) => return,
            };
            let (stream, info) = match finished {
                Ok(finished) => finished,
                Err(error) => {
                    tracing::debug!(%peer, %error, "TLS handshake failed");
                    return;
                }
            };
            admitted.established();
            let h2 = info.h2;
            connection.tls = Some(info);
            if h2 {
                http2(stream, shared, connection, tls, phase).await;
            } else {
                http1(stream, shared, connection, Some(tls), phase).await;
            }
        }
    }
    drop(admitted);
}

async fn handshake(mut stream: TcpStream, tls: &Tls) -> io::Result<(TlsStream<TcpStream>, TlsInfo)> {
    let mut first = [0];
    stream.peek(&mut first).await?;
    // A TLS record begins with a number below 0x20, a request line with a capital letter.
    if first.iter().all(u8::is_ascii_uppercase) {
        stream.write_all(HTTPS_IS_SPOKEN_HERE.as_bytes()).await?;
        return Err(io::Error::new(io::ErrorKind::InvalidData, "plain HTTP"));
    }
    let start = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
    let sni = start.client_hello().server_name().map(str::to_ascii_lowercase);
    let entry = tls.entry(sni.as_deref());
    let stream = start.into_stream(entry.config.clone()).await?;
    let (_, session) = stream.get_ref();
    let info = TlsInfo {
        sni,
        h2: session.alpn_protocol() == Some(b"h2"),
        server_end_point: entry.server_end_point.clone(),
        client_certificates: entry.client_certificates.clone(),
        client_chain: session.peer_certificates().unwrap_or_default().into(),
    };
    Ok((stream, info))
}

const HTTPS_IS_SPOKEN_HERE: &str = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\
    Connection: close\r\n\r\nThis port speaks HTTPS: use an address that begins with https://.\n";

async fn http1<H: Handler>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    shared: Arc<Shared<H>>,
    connection: Connection,
    tls: Option<Arc<Tls>>,
    phase: watch::Receiver<Phase>,
) {
    let limits = &shared.limits;
    let stream = StrictHttp1::new(stream, limits.header_read_timeout);
    let activity = Arc::new(Activity::new());
    let service = service(&shared, connection, tls, &activity);
    let served = http1::Builder::new()
        // Slow heads are cut by `StrictHttp1`, idle connections by `drive`: the library has one timer for both.
        .header_read_timeout(None)
        .max_headers(limits.header_count)
        .max_header_size(limits.header_bytes)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service);
    drive(served, &activity, limits, phase).await;
}

async fn http2<H: Handler>(
    stream: TlsStream<TcpStream>,
    shared: Arc<Shared<H>>,
    connection: Connection,
    tls: Arc<Tls>,
    phase: watch::Receiver<Phase>,
) {
    let limits = &shared.limits;
    let activity = Arc::new(Activity::new());
    let service = service(&shared, connection, Some(tls), &activity);
    let served = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.h2_streams)
        .max_pending_accept_reset_streams(limits.h2_pending_resets)
        .max_local_error_reset_streams(limits.h2_error_resets)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        // Bodies that no handler reads yet: at most this much memory for a stream and for a connection.
        .initial_stream_window_size(64 * 1_024)
        .initial_connection_window_size(256 * 1_024)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service);
    drive(served, &activity, limits, phase).await;
}

/// The service of one connection, for either version of HTTP.
fn service<H: Handler>(
    shared: &Arc<Shared<H>>,
    connection: Connection,
    tls: Option<Arc<Tls>>,
    activity: &Arc<Activity>,
) -> impl hyper::service::Service<
    http::Request<hyper::body::Incoming>,
    Response = http::Response<crate::service::Answer<H::Body>>,
    Error = Infallible,
    Future: Send + 'static,
> + 'static {
    let (shared, connection, activity) = (shared.clone(), Arc::new(connection), activity.clone());
    service_fn(move |request| {
        let (shared, connection, tls) = (shared.clone(), connection.clone(), tls.clone());
        let in_progress = Activity::begin(&activity);
        async move {
            let response = respond(&shared, connection, tls.as_deref(), request).await;
            drop(in_progress);
            Ok(response)
        }
    })
}

/// Runs a connection, ends it when it is idle for too long or the server drains.
async fn drive<C: GracefulConnection>(
    connection: C,
    activity: &Activity,
    limits: &Limits,
    mut phase: watch::Receiver<Phase>,
) where
    C::Error: std::fmt::Display,
{
    let mut connection = pin!(connection);
    let mut draining = false;
    let mut cut_at = None;
    loop {
        let look_again = later(Instant::now(), limits.idle_timeout);
        let wake_at = cut_at.unwrap_or_else(|| activity.idle_until(limits).min(look_again));
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended");
                }
                return;
            }
            () = reached(&mut phase, Phase::Draining), if !draining => {
                draining = true;
                connection.as_mut().graceful_shutdown();
            }
            () = sleep_until(wake_at) => {
                if cut_at.is_some() {
                    return;
                }
                if activity.idle_until(limits) <= Instant::now() {
                    connection.as_mut().graceful_shutdown();
                    cut_at = Some(later(Instant::now(), limits.closing_timeout));
                }
            }
        }
    }
}

/// Whether requests are in progress, and since when none is.
#[derive(Debug)]
struct Activity {
    opened: Instant,
    in_progress: AtomicU64,
    finished: AtomicU64,
    /// Milliseconds after `opened`.
    last_finished: AtomicU64,
}

impl Activity {
    fn new() -> Self {
        Self {
            opened: Instant::now(),
            in_progress: AtomicU64::new(0),
            finished: AtomicU64::new(0),
            last_finished: AtomicU64::new(0),
        }
    }

    fn begin(this: &Arc<Self>) -> InProgress {
        this.in_progress.fetch_add(1, Ordering::Relaxed);
        InProgress(this.clone())
    }

    /// When the connection will have been idle for too long, as things stand.
    fn idle_until(&self, limits: &Limits) -> Instant {
        if self.in_progress.load(Ordering::Relaxed) > 0 {
            return later(Instant::now(), limits.idle_timeout);
        }
        if self.finished.load(Ordering::Relaxed) == 0 {
            return later(self.opened, limits.header_read_timeout);
        }
        let idle_since =
            later(self.opened, Duration::from_millis(self.last_finished.load(Ordering::Relaxed)));
        later(idle_since, limits.idle_timeout)
    }
}

/// A request in progress, until it is dropped: answered, or given up because the peer went away.
struct InProgress(Arc<Activity>);

impl Drop for InProgress {
    fn drop(&mut self) {
        let millis = u64::try_from(self.0.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.last_finished.store(millis, Ordering::Relaxed);
        self.0.finished.fetch_add(1, Ordering::Relaxed);
        self.0.in_progress.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A sum that does not overflow: a limit of "never" is a year.
fn later(from: Instant, by: Duration) -> Instant {
    from + by.min(Duration::from_secs(365 * 24 * 60 * 60))
}
