//! Names that ask their clients for certificates, beside one that does not.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use http::{Request, StatusCode};
use http_body_util::Full;
use net::{ClientCertificates, Issuers, NamedCertificate, Protocol, Server, ServerHandle, Tls};
use rustls::client::ResolvesClientCert;
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, HandshakeKind, SignatureScheme};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::openssl::{context, s_client};
use crate::support::{
    Certificate, NAME, certificate, h1_over, h2_over, handshake, listener, loopback, paths, read_to_end,
    settings, tls, trusting,
};

const CERTAUTH: &str = "certauth.fs.example.com";
const FARM: &str = "farm.fs.example.com";

/// `fs` asks nothing, `certauth.fs` for anybody's certificate, `farm.fs` for one of the farm's.
struct Gate {
    _handle: ServerHandle,
    address: SocketAddr,
    tls: Arc<Tls>,
    main: Certificate,
    certauth: Certificate,
    farm: Certificate,
    node: Certificate,
}

impl Gate {
    fn open() -> Self {
        let (main, certauth, farm, node) =
            (certificate(NAME), certificate(CERTAUTH), certificate(FARM), certificate("fs02"));
        let mut gate = certificates(&main, &certauth, &farm, &node);
        let tls = tls(&gate, 1);
        gate.clear();
        let protocol = Protocol::Tls(tls.clone());
        let server = Server::bind(settings(vec![listener("https", loopback(), protocol)])).unwrap();
        let address = server.addresses()[0].1;
        Self { _handle: server.start(paths()), address, tls, main, certauth, farm, node }
    }

    fn config(&self, alpn: &[&str], shown: Option<Arc<CertifiedKey>>) -> Arc<ClientConfig> {
        let roots = [&self.main.der, &self.certauth.der, &self.farm.der];
        let mut config = ClientConfig::clone(&trusting(&roots, alpn));
        config.client_auth_cert_resolver = Arc::new(Shows(shown));
        Arc::new(config)
    }

    async fn connect(&self, name: &str, shown: Option<&Certificate>) -> TlsStream<TcpStream> {
        let config = self.config(&["h2", "http/1.1"], shown.map(|shown| shown.key.clone()));
        handshake(self.address, name, config).await.unwrap()
    }

    /// Everything a server says to a request for its context, nothing when it refused the handshake.
    async fn ask(&self, name: &str, config: Arc<ClientConfig>) -> String {
        let Ok(mut stream) = handshake(self.address, name, config).await else { return String::new() };
        let _ = stream.write_all(context(name).as_bytes()).await;
        read_to_end(&mut stream).await
    }
}

fn certificates(
    main: &Certificate,
    certauth: &Certificate,
    farm: &Certificate,
    node: &Certificate,
) -> Vec<NamedCertificate> {
    vec![
        main.named(NAME),
        certauth.asking(CERTAUTH, ClientCertificates::Requested(Issuers::ANY)),
        farm.asking(FARM, ClientCertificates::Required(Issuers::Trusted(vec![node.der.clone()]))),
    ]
}

/// A client's choice of certificate, whatever the server hints at.
#[derive(Debug)]
struct Shows(Option<Arc<CertifiedKey>>);

impl ResolvesClientCert for Shows {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.clone()
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}

fn ask(host: &str) -> Request<Full<bytes::Bytes>> {
    Request::get("/context").header("host", host).body(Full::default()).unwrap()
}

/// How the context shows a chain of this one certificate.
fn shows(text: &str, certificate: &CertificateDer<'_>) -> bool {
    let first: String = certificate.iter().take(40).map(|byte| format!("{byte:02x}")).collect();
    text.contains(&first)
}

#[tokio::test]
async fn a_client_that_is_asked_shows_its_certificate_or_comes_without() {
    let gate = Gate::open();
    let user = certificate("user");
    let with = gate.connect(CERTAUTH, Some(&user)).await;
    assert_eq!(with.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let answer = h1_over(with).await.send(ask(CERTAUTH)).await;
    assert!(shows(&answer.text, &user.der), "{}", answer.text);
    let without = h1_over(gate.connect(CERTAUTH, None).await).await.send(ask(CERTAUTH)).await;
    assert!(without.text.contains("client_chain: []"), "{}", without.text);
    // Who is not asked shows nothing, and speaks HTTP/2.
    let mut main = h2_over(gate.connect(NAME, Some(&user)).await).await;
    let request = Request::get(format!("https://{NAME}/context")).body(Full::default()).unwrap();
    let answer = main.send(request).await;
    assert!(answer.text.contains("client_chain: []") && answer.text.contains("h2: true"), "{}", answer.text);
    // HTTP/2 alone is not spoken where a certificate is asked for.
    assert!(handshake(gate.address, CERTAUTH, gate.config(&["h2"], None)).await.is_err());
}

#[tokio::test]
async fn a_request_for_a_host_with_another_policy_than_its_connection_is_misdirected() {
    let gate = Gate::open();
    let user = certificate("user");
    let mut main = h1_over(handshake(gate.address, NAME, gate.config(&[], None)).await.unwrap()).await;
    let mut certauth = h1_over(gate.connect(CERTAUTH, Some(&user)).await).await;
    for (host, from_main, from_certauth) in [
        (NAME, StatusCode::OK, StatusCode::MISDIRECTED_REQUEST),
        ("FS.example.com.", StatusCode::OK, StatusCode::MISDIRECTED_REQUEST),
        (CERTAUTH, StatusCode::MISDIRECTED_REQUEST, StatusCode::OK),
        ("CertAuth.fs.example.com:443", StatusCode::MISDIRECTED_REQUEST, StatusCode::OK),
        (FARM, StatusCode::MISDIRECTED_REQUEST, StatusCode::MISDIRECTED_REQUEST),
        ("localhost", StatusCode::OK, StatusCode::MISDIRECTED_REQUEST),
    ] {
        assert_eq!(main.send(ask(host)).await.status, from_main, "{host}");
        main = h1_over(handshake(gate.address, NAME, gate.config(&[], None)).await.unwrap()).await;
        assert_eq!(certauth.send(ask(host)).await.status, from_certauth, "{host}");
        certauth = h1_over(gate.connect(CERTAUTH, Some(&user)).await).await;
    }
    // HTTP/2 clients coalesce connections when one certificate covers both names.
    let mut h2 = h2_over(gate.connect(NAME, None).await).await;
    for (host, expected) in [(CERTAUTH, StatusCode::MISDIRECTED_REQUEST), (NAME, StatusCode::OK)] {
        let request = Request::get(format!("https://{host}/context")).body(Full::default()).unwrap();
        assert_eq!(h2.send(request).await.status, expected, "{host}");
    }
}

#[tokio::test]
async fn without_a_name_in_the_handshake_hosts_that_ask_for_certificates_are_out_of_reach() {
    let gate = Gate::open();
    for (host, expected) in [(CERTAUTH, "HTTP/1.1 421 "), (FARM, "HTTP/1.1 421 "), (NAME, "HTTP/1.1 200 ")] {
        let Some(text) = s_client(gate.address, &["-noservername", "-quiet"], &context(host)).await else {
            return;
        };
        assert!(text.contains(expected), "{host}: {text}");
    }
}

#[tokio::test]
async fn where_issuers_are_named_only_their_certificates_open_a_connection() {
    let gate = Gate::open();
    let stranger = certificate("fs02");
    let asked = async |shown: Option<&Certificate>| {
        gate.ask(FARM, gate.config(&[], shown.map(|shown| shown.key.clone()))).await
    };
    assert!(asked(Some(&gate.node)).await.starts_with("HTTP/1.1 200 OK"));
    assert_eq!(asked(None).await, "");
    assert_eq!(asked(Some(&stranger)).await, "");
}

/// A copied certificate is no proof: the handshake demands its key, in both versions of TLS.
#[tokio::test]
async fn a_certificate_without_its_key_opens_no_connection() {
    let gate = Gate::open();
    let (victim, thief) = (certificate("user"), certificate("user"));
    let copied = CertifiedKey::new(vec![victim.der.clone()], thief.key.key.clone());
    let (copied, own) = (Arc::new(copied), victim.key.clone());
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let config = |shown: &Arc<CertifiedKey>| {
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let mut roots = rustls::RootCertStore::empty();
            roots.add(gate.certauth.der.clone()).unwrap();
            let config = ClientConfig::builder_with_provider(provider)
                .with_protocol_versions(&[version])
                .unwrap()
                .with_root_certificates(roots);
            Arc::new(config.with_client_cert_resolver(Arc::new(Shows(Some(shown.clone())))))
        };
        assert!(gate.ask(CERTAUTH, config(&own)).await.starts_with("HTTP/1.1 200 OK"), "{version:?}");
        assert_eq!(gate.ask(CERTAUTH, config(&copied)).await, "", "{version:?}");
    }
}

/// A resumed session would stand for a certificate that nobody showed again.
#[tokio::test]
async fn sessions_of_names_that_ask_for_certificates_are_not_resumed() {
    let gate = Gate::open();
    let user = certificate("user");
    for (name, expected) in [(CERTAUTH, HandshakeKind::Full), (NAME, HandshakeKind::Resumed)] {
        let config = gate.config(&["http/1.1"], Some(user.key.clone()));
        assert!(gate.ask(name, config.clone()).await.starts_with("HTTP/1.1 200 OK"));
        let again = handshake(gate.address, name, config).await.unwrap();
        assert_eq!(again.get_ref().1.handshake_kind(), Some(expected), "{name}");
    }
}

/// NET-20 and the swap under live connections: certificates and what they ask for change together.
#[tokio::test]
async fn a_swap_reaches_the_next_handshake_and_live_connections_go_on_unless_the_policy_changed() {
    let gate = Gate::open();
    let user = certificate("user");
    let mut main = h1_over(handshake(gate.address, NAME, gate.config(&[], None)).await.unwrap()).await;
    let mut certauth = h1_over(gate.connect(CERTAUTH, Some(&user)).await).await;
    let (new_main, new_certauth) = (certificate(NAME), certificate(CERTAUTH));
    // New certificates, the same policies.
    let renewed = certificates(&new_main, &new_certauth, &gate.farm, &gate.node);
    gate.tls.replace_certificates(&renewed).unwrap();
    assert_eq!(main.send(ask(NAME)).await.status, StatusCode::OK);
    assert!(shows(&certauth.send(ask(CERTAUTH)).await.text, &user.der));
    let trust_new = trusting(&[&new_main.der, &new_certauth.der], &[]);
    for (name, certificate) in [(NAME, &new_main), (CERTAUTH, &new_certauth)] {
        let next = handshake(gate.address, name, trust_new.clone()).await.unwrap();
        assert_eq!(next.get_ref().1.peer_certificates().unwrap()[0], certificate.der);
    }
    // Now the main name asks too, and the other does not any more.
    gate.tls
        .replace_certificates(&[
            new_main.asking(NAME, ClientCertificates::Requested(Issuers::ANY)),
            new_certauth.named(CERTAUTH),
        ])
        .unwrap();
    assert_eq!(main.send(ask(NAME)).await.status, StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(certauth.send(ask(CERTAUTH)).await.status, StatusCode::MISDIRECTED_REQUEST);
    let mut config = ClientConfig::clone(&trust_new);
    config.client_auth_cert_resolver = Arc::new(Shows(Some(user.key.clone())));
    let config = Arc::new(config);
    assert!(shows(&gate.ask(NAME, config.clone()).await, &user.der));
    assert!(gate.ask(CERTAUTH, config).await.contains("client_chain: []"));
    // Policies that cannot be served change nothing.
    let none = ClientCertificates::Required(Issuers::Trusted(vec![]));
    assert!(gate.tls.replace_certificates(&[new_main.asking(NAME, none)]).is_err());
    let next = handshake(gate.address, CERTAUTH, trust_new).await.unwrap();
    assert_eq!(next.get_ref().1.peer_certificates().unwrap()[0], new_certauth.der);
}

#[tokio::test]
async fn openssl_without_a_name_gets_the_main_certificate_before_and_after_a_roll() {
    let gate = Gate::open();
    let rolled = certificate(NAME);
    for expected in [&gate.main, &rolled] {
        gate.tls
            .replace_certificates(&certificates(expected, &gate.certauth, &gate.farm, &gate.node))
            .unwrap();
        let Some(text) = s_client(gate.address, &["-noservername"], &context(NAME)).await else { return };
        let pem = expected.pem.split("-----END CERTIFICATE").next().unwrap().replace('\r', "");
        assert!(text.contains(pem.trim()) && text.contains("HTTP/1.1 200 OK"), "{text}");
        assert!(text.contains("No client certificate CA names sent"), "{text}");
    }
}

#[tokio::test]
async fn openssl_shows_a_client_certificate_in_both_versions_of_tls() {
    let gate = Gate::open();
    let user = certificate("user");
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(user.pem.as_bytes()).unwrap();
    let path = file.path().to_str().unwrap();
    for version in ["-tls1_2", "-tls1_3"] {
        let arguments =
            ["-servername", CERTAUTH, "-alpn", "h2,http/1.1", version, "-cert", path, "-key", path];
        let Some(text) = s_client(gate.address, &arguments, &context(CERTAUTH)).await else { return };
        assert!(text.contains("ALPN protocol: http/1.1") && shows(&text, &user.der), "{text}");
    }
    // The names of acceptable issuers are told.
    let arguments = ["-servername", FARM, "-cert", path, "-key", path];
    let Some(text) = s_client(gate.address, &arguments, &context(FARM)).await else { return };
    assert!(text.contains("Acceptable client certificate CA names"), "{text}");
    assert!(!text.contains("HTTP/1.1 200"), "{text}");
}

/// The port for certificate sign-in: the service's own name, but every connection is asked.
#[tokio::test]
async fn a_listener_of_its_own_asks_under_the_name_of_the_service() {
    let main = certificate(NAME);
    let asking = tls(&[main.asking(NAME, ClientCertificates::Requested(Issuers::ANY))], 1);
    let plain = tls(&[main.named(NAME)], 1);
    let listeners = vec![
        listener("https", loopback(), Protocol::Tls(plain)),
        listener("certificates", loopback(), Protocol::Tls(asking)),
    ];
    let server = Server::bind(settings(listeners)).unwrap();
    let addresses = server.addresses();
    let _handle = server.start(paths());
    let user = certificate("user");
    let mut config = ClientConfig::clone(&trusting(&[&main.der], &["h2", "http/1.1"]));
    config.client_auth_cert_resolver = Arc::new(Shows(Some(user.key.clone())));
    let config = Arc::new(config);
    // A ticket of the main port does not open the other one.
    let mut first = handshake(addresses[0].1, NAME, config.clone()).await.unwrap();
    assert_eq!(first.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    first.shutdown().await.unwrap();
    read_to_end(&mut first).await;
    let stream = handshake(addresses[1].1, NAME, config).await.unwrap();
    assert_eq!(stream.get_ref().1.handshake_kind(), Some(HandshakeKind::Full));
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let answer = h1_over(stream).await.send(ask(NAME)).await;
    assert!(shows(&answer.text, &user.der) && answer.text.contains("listener: \"certificates\""));
}
