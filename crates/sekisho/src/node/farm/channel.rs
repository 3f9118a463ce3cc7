//! One call of another node: a connection, a request, an answer, all within bounds.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

use super::messages::Refused;

/// A connection and its handshake take at most this long.
const CONNECT: Duration = Duration::from_secs(5);
/// Octets of an answer: one write may be larger than a page.
const LARGEST: usize = 64 * 1024 * 1024;

/// A node to call.
pub(super) struct Peer<'a> {
    /// How the handshake is made.
    pub(super) tls: &'a Arc<ClientConfig>,
    /// The name to ask for, which is not its address.
    pub(super) server_name: &'static str,
    /// Host name or address.
    pub(super) host: &'a str,
    /// Port.
    pub(super) port: u16,
}

impl Peer<'_> {
    /// Sends a message and reads the answer, within `time`. Errors are texts for people and name the node.
    pub(super) async fn call<Q: Serialize + Sync, A: DeserializeOwned>(
        &self,
        path: &'static str,
        message: &Q,
        time: Duration,
    ) -> Result<A, String> {
        let (host, port) = (self.host, self.port);
        match tokio::time::timeout(time, self.exchange(path, message)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(format!("{host}:{port}: {error}")),
            Err(_) => Err(format!("{host}:{port}: no answer within {} seconds", time.as_secs())),
        }
    }

    async fn exchange<Q: Serialize, A: DeserializeOwned>(
        &self,
        path: &'static str,
        message: &Q,
    ) -> Result<A, String> {
        let body = serde_json::to_vec(message).map_err(|error| error.to_string())?;
        let request = Request::post(path)
            .header(HOST, self.server_name)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| error.to_string())?;
        let connected = tokio::time::timeout(CONNECT, self.connect()).await;
        let stream =
            connected.map_err(|_| format!("no connection within {} seconds", CONNECT.as_secs()))??;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| error.to_string())?;
        let answer = async {
            let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
            let status = response.status();
            let body = Limited::new(response.into_body(), LARGEST).collect().await;
            let body = body.map_err(|error| format!("the answer cannot be read: {error}"))?.to_bytes();
            Result::<_, String>::Ok((status, body))
        };
        // The connection lives as long as the answer is waited for.
        let (status, body) = tokio::select! {
            answer = answer => answer?,
            ended = connection => match ended {
                Ok(()) => return Err("the connection ended without an answer".to_owned()),
                Err(error) => return Err(error.to_string()),
            },
        };
        if status != StatusCode::OK {
            let reason = serde_json::from_slice::<Refused>(&body).map(|refused| refused.error);
            return Err(reason.unwrap_or_else(|_| format!("the node answered {status}")));
        }
        serde_json::from_slice(&body).map_err(|error| format!("the answer is not understood: {error}"))
    }

    async fn connect(&self) -> Result<tokio_rustls::client::TlsStream<TcpStream>, String> {
        let addresses = lookup_host((self.host, self.port)).await;
        let addresses = addresses.map_err(|error| format!("the name cannot be resolved: {error}"))?;
        let mut failure = "the name has no address".to_owned();
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => return self.shake_hands(stream).await,
                Err(error) => failure = error.to_string(),
            }
        }
        Err(failure)
    }

    async fn shake_hands(
        &self,
        stream: TcpStream,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, String> {
        let name = ServerName::try_from(self.server_name).map_err(|error| error.to_string())?;
        let connected = TlsConnector::from(self.tls.clone()).connect(name, stream).await;
        connected.map_err(|error| {
            format!("it is not accepted as a node of this farm, or does not accept this one: {error}")
        })
    }
}
