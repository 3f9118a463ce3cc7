//! A server under test, and clients that can be as rude as a test needs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base::{ManualClock, SeededRandom, Timestamp};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use net::{
    ClientCertificates, Drained, Handler, Limits, Listener, NamedCertificate, Protocol, RequestBody,
    RequestContext, Server, Settings, TicketKey, TicketKeys, Tls, TrustedHops, read_body,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// No step of a test takes longer, on the busiest machine.
pub const SOON: Duration = Duration::from_secs(20);
pub const NAME: &str = "fs.example.com";

pub struct Certificate {
    pub der: CertificateDer<'static>,
    pub key: Arc<CertifiedKey>,
    /// Certificate and key, as OpenSSL reads them.
    pub pem: String,
}

pub fn certificate(name: &str) -> Certificate {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let der = made.cert.der().clone();
    let pem = made.cert.pem() + &made.signing_key.serialize_pem();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let key = CertifiedKey::from_der(vec![der.clone()], key, &provider).unwrap();
    Certificate { der, key: Arc::new(key), pem }
}

impl Certificate {
    pub fn named(&self, name: &str) -> NamedCertificate {
        self.asking(name, ClientCertificates::None)
    }

    /// Served for a name that asks its clients for certificates so.
    pub fn asking(&self, name: &str, client_certificates: ClientCertificates) -> NamedCertificate {
        NamedCertificate { names: vec![name.to_owned()], key: self.key.clone(), client_certificates }
    }
}

pub fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::parse_xml("2026-11-24T08:00:00Z").unwrap()))
}

pub fn tls(certificates: &[NamedCertificate], ticket_secret: u8) -> Arc<Tls> {
    let current = TicketKey::new(&[ticket_secret; 32]).unwrap();
    let keys = TicketKeys { current, previous: vec![] };
    // The certificates under test are valid from 1975 on, so any clock does.
    Tls::new(certificates, keys, clock(), Arc::new(base::SystemRandom)).unwrap()
}

/// Answers by path, so that each test can choose what happens.
pub struct Paths {
    pub waiting: Notify,
    pub go_on: Notify,
}

impl Handler for Paths {
    type Body = Full<Bytes>;

    async fn handle(&self, context: RequestContext, request: Request<RequestBody>) -> Response<Full<Bytes>> {
        let text = match request.uri().path() {
            "/hello" => format!("hello by {}", request.method()),
            "/context" => format!("{context:#?}"),
            "/body" => match read_body(request, 1_000).await {
                Ok(body) => format!("{} bytes", body.len()),
                Err(error) => {
                    let mut response = Response::new(Full::from(error.to_string()));
                    *response.status_mut() = error.status();
                    return response;
                }
            },
            "/panic" => panic!("a handler fails"),
            "/wait" => {
                self.waiting.notify_one();
                self.go_on.notified().await;
                "waited".to_owned()
            }
            _ => {
                let mut response = Response::new(Full::from("nothing here"));
                *response.status_mut() = StatusCode::NOT_FOUND;
                return response;
            }
        };
        Response::new(Full::from(text))
    }
}

pub fn paths() -> Arc<Paths> {
    Arc::new(Paths { waiting: Notify::new(), go_on: Notify::new() })
}

pub fn settings(listeners: Vec<Listener>) -> Settings {
    Settings {
        listeners,
        limits: Limits::default(),
        trusted_hops: TrustedHops::default(),
        clock: clock(),
        random: Arc::new(SeededRandom::new(1)),
    }
}

pub fn listener(name: &str, address: SocketAddr, protocol: Protocol) -> Listener {
    Listener { name: name.to_owned(), addresses: vec![address], protocol, proxy_protocol: false }
}

pub fn plain(name: &str, address: SocketAddr) -> Listener {
    listener(name, address, Protocol::Plain)
}

pub fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

pub struct Running {
    pub https: SocketAddr,
    pub http: SocketAddr,
    pub tls: Arc<Tls>,
    pub certificate: Certificate,
    pub paths: Arc<Paths>,
    stop: Option<oneshot::Sender<()>>,
    pub ended: JoinHandle<Drained>,
}

pub fn start() -> Running {
    start_with(Limits::default(), TrustedHops::default(), SOON)
}

pub fn start_with(limits: Limits, trusted_hops: TrustedHops, drain_for: Duration) -> Running {
    let certificate = certificate(NAME);
    let tls = tls(&[certificate.named(NAME)], 1);
    let loopback = loopback();
    let listeners = vec![listener("https", loopback, Protocol::Tls(tls.clone())), plain("http", loopback)];
    let server = Server::bind(Settings { limits, trusted_hops, ..settings(listeners) }).unwrap();
    let addresses = server.addresses();
    let paths = paths();
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(server.serve(
        paths.clone(),
        async move {
            let _ = stopped.await;
        },
        drain_for,
    ));
    Running { https: addresses[0].1, http: addresses[1].1, tls, certificate, paths, stop: Some(stop), ended }
}

impl Running {
    pub fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// A TLS connection with the given name and protocols.
    pub async fn connect(&self, name: &str, alpn: &[&str]) -> TlsStream<TcpStream> {
        let config = trusting(&[&self.certificate.der], alpn);
        handshake(self.https, name, config).await.unwrap()
    }

    pub async fn h1(&self) -> H1 {
        h1_over(self.connect(NAME, &["http/1.1"]).await).await
    }

    pub async fn h2(&self) -> H2 {
        h2_over(self.connect(NAME, &["h2"]).await).await
    }

    /// Sends bytes to the plain listener and returns all that comes back until the server closes.
    pub async fn raw(&self, bytes: impl AsRef<[u8]>) -> String {
        raw(self.http, bytes).await
    }
}

/// Sends bytes and returns all that comes back until the server closes.
pub async fn raw(address: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may refuse and close while the rest is still being written.
    let _ = stream.write_all(bytes.as_ref()).await;
    read_to_end(&mut stream).await
}

/// One request for `/hello` over its own connection.
pub const HELLO: &str = "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

pub async fn h1_over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> H1 {
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    H1 { sender, connection: tokio::spawn(async move { drop(connection.await) }) }
}

pub async fn h2_over(stream: TlsStream<TcpStream>) -> H2 {
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let executor = TokioExecutor::new();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(executor, TokioIo::new(stream)).await.unwrap();
    H2 { sender, connection: tokio::spawn(async move { drop(connection.await) }) }
}

pub struct H1 {
    pub sender: hyper::client::conn::http1::SendRequest<Full<Bytes>>,
    pub connection: JoinHandle<()>,
}

pub struct H2 {
    pub sender: hyper::client::conn::http2::SendRequest<Full<Bytes>>,
    pub connection: JoinHandle<()>,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub text: String,
}

impl H1 {
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Answer {
        self.sender.ready().await.unwrap();
        answer(self.sender.send_request(request).await.unwrap()).await
    }
}

impl H2 {
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Answer {
        answer(self.sender.send_request(request).await.unwrap()).await
    }
}

pub async fn answer(response: Response<hyper::body::Incoming>) -> Answer {
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: head.status, headers: head.headers, text: String::from_utf8(body.into()).unwrap() }
}

/// An HTTP/1.1 request.
pub fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).header("host", NAME).body(Full::default()).unwrap()
}

/// An HTTP/2 request, which needs the whole address.
pub fn get2(path: &str) -> Request<Full<Bytes>> {
    Request::get(format!("https://{NAME}{path}")).body(Full::default()).unwrap()
}

pub fn trusting(roots: &[&CertificateDer<'static>], alpn: &[&str]) -> Arc<ClientConfig> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add((*root).clone()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

pub async fn handshake(
    address: SocketAddr,
    name: &str,
    config: Arc<ClientConfig>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(config).connect(name, stream).await
}

/// Everything until the server closes.
pub async fn read_to_end(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut bytes = Vec::new();
    let _ = timeout(SOON, stream.read_to_end(&mut bytes)).await.expect("the server closes");
    String::from_utf8_lossy(&bytes).into_owned()
}
