//! TLS between nodes: version 1.3, certificates of the farm's authority on both sides, no resumption (a resumed
//! session would not ask whether the node was removed since).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base::{Clock, Guid};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, ParsedCertificate, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::time_provider::TimeProvider;
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    ServerConfig, SignatureScheme,
};

use super::authority::AuthorityFingerprint;
use super::identity::NodeIdentity;
use super::member::{FarmMember, RemovedNodes};

/// The name that a node which joins dials: a listener for nodes answers it with [`join_server`] and every other
/// name with [`node_server`].
pub const JOIN_SERVER_NAME: &str = "join.node.sekisho.invalid";
/// The name that [`member_client`] dials: a listener for nodes answers it with [`node_server`].
pub const MEMBER_SERVER_NAME: &str = "member.node.sekisho.invalid";

/// For listeners: only nodes of this farm get in. After the handshake [`FarmMember::of`] the peer's certificate
/// says who it is. The caller adds ALPN.
pub fn node_server(
    identity: &NodeIdentity,
    removed: Arc<RemovedNodes>,
    clock: Arc<dyn Clock>,
) -> Result<ServerConfig, Error> {
    let roots = roots(identity.authority())?;
    let inner = WebPkiClientVerifier::builder_with_provider(roots, provider())
        .build()
        .map_err(|error| Error::General(error.to_string()))?;
    server(identity, Arc::new(MemberClient { inner, removed }), clock)
}

/// For clients: dial with [`node_server_name`](super::node_server_name) of the node that shall answer. The caller
/// adds ALPN.
pub fn node_client(
    identity: &NodeIdentity,
    removed: Arc<RemovedNodes>,
    clock: Arc<dyn Clock>,
) -> Result<ClientConfig, Error> {
    let inner = WebPkiServerVerifier::builder_with_provider(roots(identity.authority())?, provider())
        .build()
        .map_err(|error| Error::General(error.to_string()))?;
    let mut config = client(clock)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(MemberServer { inner, removed }))
        .with_client_cert_resolver(resolver(identity));
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// For clients that know a node by its address alone, as `-PrimaryComputerName` gives it: dial with
/// [`MEMBER_SERVER_NAME`]. Any node of the farm answers, and nobody else; after the handshake [`FarmMember::of`] the
/// peer's certificate says which. The caller adds ALPN.
pub fn member_client(
    identity: &NodeIdentity,
    removed: Arc<RemovedNodes>,
    clock: Arc<dyn Clock>,
) -> Result<ClientConfig, Error> {
    let authority = AuthorityFingerprint::of(identity.authority());
    let mut config = client(clock)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyMember { authority, removed, provider: provider() }))
        .with_client_cert_resolver(resolver(identity));
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// For listeners, where nodes join that have no certificate yet: whoever comes is anybody, until his token says
/// otherwise. The caller adds ALPN.
pub fn join_server(identity: &NodeIdentity, clock: Arc<dyn Clock>) -> Result<ServerConfig, Error> {
    server(identity, WebPkiClientVerifier::no_client_auth(), clock)
}

/// For a node that joins: dial with [`JOIN_SERVER_NAME`]. Any node answers that the authority of the join token
/// vouches for, and nobody else, so that the token is shown to the farm alone. The caller adds ALPN.
pub fn join_client(authority: AuthorityFingerprint, clock: Arc<dyn Clock>) -> Result<ClientConfig, Error> {
    let mut config = client(clock)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyMember {
            authority,
            removed: Arc::default(),
            provider: provider(),
        }))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn server(
    identity: &NodeIdentity,
    verifier: Arc<dyn ClientCertVerifier>,
    clock: Arc<dyn Clock>,
) -> Result<ServerConfig, Error> {
    let mut config = ServerConfig::builder_with_details(provider(), Arc::new(ClockTime(clock)))
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(resolver(identity));
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

fn client(
    clock: Arc<dyn Clock>,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, Error> {
    ClientConfig::builder_with_details(provider(), Arc::new(ClockTime(clock)))
        .with_protocol_versions(&[&TLS13])
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn roots(authority: &CertificateDer<'static>) -> Result<Arc<RootCertStore>, Error> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.clone())?;
    Ok(Arc::new(roots))
}

fn resolver(identity: &NodeIdentity) -> Arc<SingleCertAndKey> {
    Arc::new(SingleCertAndKey::from(identity.certified_key().clone()))
}

/// The authority issues for nodes alone; one that was removed is a stranger again.
fn member(certificate: &CertificateDer<'_>, removed: &RemovedNodes) -> Result<Guid, Error> {
    let member = FarmMember::of(certificate).ok_or(CertificateError::ApplicationVerificationFailure)?;
    match removed.contains(member.node) {
        true => Err(CertificateError::Revoked.into()),
        false => Ok(member.node),
    }
}

/// The other node as a server: chain, validity and name, then membership.
#[derive(Debug)]
struct MemberServer {
    inner: Arc<WebPkiServerVerifier>,
    removed: Arc<RemovedNodes>,
}

impl ServerCertVerifier for MemberServer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified =
            self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)?;
        member(end_entity, &self.removed)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// The other node as a client: chain and validity, then membership.
#[derive(Debug)]
struct MemberClient {
    inner: Arc<dyn ClientCertVerifier>,
    removed: Arc<RemovedNodes>,
}

impl ClientCertVerifier for MemberClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.inner.verify_client_cert(end_entity, intermediates, now)?;
        member(end_entity, &self.removed)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Any node, below an authority of which the fingerprint is known: it comes with the node's certificate.
#[derive(Debug)]
struct AnyMember {
    authority: AuthorityFingerprint,
    removed: Arc<RemovedNodes>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyMember {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let authority =
            intermediates.iter().find(|certificate| AuthorityFingerprint::of(certificate) == self.authority);
        let authority = authority.ok_or(CertificateError::UnknownIssuer)?;
        let roots = roots(&authority.clone().into_owned())?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        let parsed = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(&parsed, &roots, &[], now, algorithms)?;
        member(end_entity, &self.removed)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn tls12() -> Error {
    Error::PeerIncompatible(rustls::PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig)
}

/// rustls takes its time from our clock too.
struct ClockTime(Arc<dyn Clock>);

impl fmt::Debug for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClockTime")
    }
}

impl TimeProvider for ClockTime {
    fn current_time(&self) -> Option<UnixTime> {
        let micros = u64::try_from(self.0.now().as_micros()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_micros(micros)))
    }
}
