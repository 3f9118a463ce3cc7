//! The administration socket: HTTP over a Unix socket that only the service's own user and root may open.
//!
//! `GET /status` says what runs; `GET /explain/ACTIVITY-ID` says why a request ended as it did.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base::{ActivityId, Timestamp};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

use crate::FederationServer;

/// Connections served at once.
const CONNECTIONS: usize = 16;
/// A request's head must be complete after this time.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The bound socket. Dropping it removes its file.
#[derive(Debug)]
pub struct AdminSocket {
    listener: UnixListener,
    path: PathBuf,
    owner: u32,
}

impl AdminSocket {
    /// Binds the socket with mode 0600. A file left by a process that is gone is replaced; one that answers is
    /// not.
    pub fn bind(path: &Path) -> std::io::Result<Self> {
        if path.exists() {
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                let message = format!("{} is in use by another process", path.display());
                return Err(std::io::Error::new(std::io::ErrorKind::AddrInUse, message));
            }
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(path)?);
        Ok(Self { listener, path: path.to_owned(), owner })
    }

    /// Answers until the future is dropped.
    pub async fn serve(self, server: Arc<FederationServer>) {
        let permits = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(permit) = permits.clone().acquire_owned().await else { return };
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "administration socket: accept failed");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            if !self.may_administer(&stream) {
                tracing::warn!("administration socket: a process of another user was refused");
                continue;
            }
            let server = server.clone();
            tokio::spawn(async move {
                let answer = service_fn(move |request| {
                    let server = server.clone();
                    async move { Ok::<_, std::convert::Infallible>(answer(&server, &request).await) }
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD_TIMEOUT)
                    .serve_connection(TokioIo::new(stream), answer);
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "administration socket");
                }
                drop(permit);
            });
        }
    }

    /// The file's mode keeps others out; this holds even where the mode was changed.
    fn may_administer(&self, stream: &UnixStream) -> bool {
        stream.peer_cred().is_ok_and(|peer| peer.uid() == 0 || peer.uid() == self.owner)
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn answer(server: &FederationServer, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if request.method() != Method::GET {
        return reply(StatusCode::METHOD_NOT_ALLOWED, &json!({"error": "only GET is answered here"}));
    }
    match request.uri().path().split_once('/').map(|(_, path)| path.split_once('/').unwrap_or((path, ""))) {
        Some(("status", "")) => status(server).await,
        Some(("explain", id)) => explain(server, id).await,
        _ => reply(StatusCode::NOT_FOUND, &json!({"error": "expected /status or /explain/ACTIVITY-ID"})),
    }
}

async fn status(server: &FederationServer) -> Response<Full<Bytes>> {
    let resident = server.sts.catalog.resident();
    let now: Timestamp = server.sts.clock.now();
    let body = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "host_name": resident.properties.host_name,
        "identifier": resident.properties.identifier,
        "ready": server.is_ready(),
        "time": now.to_xml(),
    });
    reply(StatusCode::OK, &body)
}

async fn explain(server: &FederationServer, id: &str) -> Response<Full<Bytes>> {
    let Ok(activity) = id.parse().map(ActivityId) else {
        let error = format!("'{id}' is not an activity id; expected the GUID that the error page shows");
        return reply(StatusCode::BAD_REQUEST, &json!({"error": error}));
    };
    // The journal is read from disk, off the workers that answer requests.
    let found = tokio::task::block_in_place(|| server.sts.explain(activity));
    match found {
        Ok(Some(text)) => reply(StatusCode::OK, &json!({"explanation": text})),
        Ok(None) => {
            let error = format!("no request with the activity id {activity} is in this node's journal");
            reply(StatusCode::NOT_FOUND, &json!({"error": error}))
        }
        Err(error) => reply(StatusCode::INTERNAL_SERVER_ERROR, &json!({"error": error.to_string()})),
    }
}

fn reply(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
