//! Handshakes over memory between nodes of one farm, of another, removed, expired, misnamed and forged.

use std::sync::Arc;
use std::time::Duration;

use base::{Clock, Guid, ManualClock, Secret, SystemRandom, Timestamp};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair, PKCS_ECDSA_P384_SHA384};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ServerConfig};
use tempfile::TempDir;

use super::*;
use crate::{MasterKey, NodeKey, Purpose, SealError};

const DAYS: u32 = 365;

struct Farm {
    authority: FarmAuthority,
    sealed: SealedFarmAuthority,
    master: MasterKey,
    removed: Arc<RemovedNodes>,
    clock: Arc<ManualClock>,
}

struct Node {
    data: TempDir,
    key: NodeKey,
    identity: NodeIdentity,
}

fn start() -> Timestamp {
    Timestamp::parse_xml("2026-11-24T08:00:00Z").unwrap()
}

fn farm() -> Farm {
    let master = MasterKey::generate(&SystemRandom);
    let (authority, sealed) = FarmAuthority::generate(start(), &master, &SystemRandom).unwrap();
    let removed = Arc::new(RemovedNodes::default());
    Farm { authority, sealed, master, removed, clock: Arc::new(ManualClock::new(start())) }
}

impl Farm {
    fn node(&self, name: &str) -> Node {
        let data = tempfile::tempdir().unwrap();
        let key = NodeKey::create(data.path(), &SystemRandom).unwrap();
        let identity = NodeIdentityKey::open_or_create(data.path(), &key, &SystemRandom).unwrap();
        let certificate = self.issue(&identity, key.node(), name);
        let identity = identity
            .install(&certificate, self.authority.certificate(), self.authority.fingerprint())
            .unwrap();
        Node { data, key, identity }
    }

    fn issue(&self, identity: &NodeIdentityKey, node: Guid, name: &str) -> CertificateDer<'static> {
        let request = identity.signing_request().unwrap();
        self.authority.issue(&request, node, name, self.clock.now(), DAYS, &SystemRandom).unwrap()
    }

    fn server(&self, node: &Node) -> ServerConfig {
        node_server(&node.identity, self.removed.clone(), self.clock.clone()).unwrap()
    }

    fn client(&self, node: &Node) -> ClientConfig {
        node_client(&node.identity, self.removed.clone(), self.clock.clone()).unwrap()
    }

    fn dial(&self, from: &Node, to: &Node) -> Result<(FarmMember, FarmMember), rustls::Error> {
        connect(self.client(from), self.server(to), node_server_name(to.key.node()))
    }
}

/// Shakes hands over memory; what each side learned of the other: the server's peer, the client's peer.
fn connect(
    client: ClientConfig,
    server: ServerConfig,
    name: ServerName<'static>,
) -> Result<(FarmMember, FarmMember), rustls::Error> {
    let (client, server) = handshake(client, server, name)?;
    let peer = |certificates: Option<&[CertificateDer<'static>]>| {
        certificates.and_then(|certificates| FarmMember::of(certificates.first()?)).unwrap()
    };
    Ok((peer(server.peer_certificates()), peer(client.peer_certificates())))
}

fn handshake(
    client: ClientConfig,
    server: ServerConfig,
    name: ServerName<'static>,
) -> Result<(rustls::ClientConnection, rustls::ServerConnection), rustls::Error> {
    let mut client = rustls::ClientConnection::new(Arc::new(client), name)?;
    let mut server = rustls::ServerConnection::new(Arc::new(server))?;
    // One round more than the handshake has, so that a refused client learns of it.
    for _ in 0..4 {
        let mut buffer = Vec::new();
        client.write_tls(&mut buffer).unwrap();
        server.read_tls(&mut buffer.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut buffer = Vec::new();
        server.write_tls(&mut buffer).unwrap();
        client.read_tls(&mut buffer.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    assert_eq!(client.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    Ok((client, server))
}

fn refused(result: Result<(FarmMember, FarmMember), rustls::Error>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn two_nodes_of_one_farm_know_each_other() {
    let farm = farm();
    let (a, b) = (farm.node("fs01.contoso.com"), farm.node("fs02"));
    for (from, to) in [(&a, &b), (&b, &a), (&a, &a)] {
        let (client, server) = farm.dial(from, to).unwrap();
        assert_eq!(&client, from.identity.member());
        assert_eq!(&server, to.identity.member());
    }
    assert_eq!(a.identity.member().name, "fs01.contoso.com");
    assert_eq!(a.identity.member().node, a.key.node());
}

#[test]
fn a_node_of_another_farm_is_refused_on_both_sides() {
    let (ours, theirs) = (farm(), farm());
    let (a, b) = (ours.node("fs01"), theirs.node("fs02"));
    let name = || node_server_name(b.key.node());
    assert!(refused(connect(ours.client(&a), theirs.server(&b), name())).contains("UnknownIssuer"));
    // A client that accepts the server is refused by it.
    let stranger = ours.node("fs03");
    let lenient = join_client(theirs.authority.fingerprint(), ours.clock.clone()).unwrap();
    assert!(connect(lenient, theirs.server(&b), name()).is_err());
    let mut forged = theirs.client(&b);
    forged.client_auth_cert_resolver = ours.client(&stranger).client_auth_cert_resolver.clone();
    assert!(refused(connect(forged, theirs.server(&b), name())).contains("UnknownIssuer"));
}

#[test]
fn a_removed_node_is_refused_from_the_next_handshake_on_and_on_both_sides() {
    let farm = farm();
    let (a, b) = (farm.node("fs01"), farm.node("fs02"));
    let (client, server) = (farm.client(&b), farm.server(&a));
    farm.dial(&b, &a).unwrap();
    farm.removed.replace([b.key.node()]);
    // The configurations were made before it was removed.
    assert!(refused(connect(client, server, node_server_name(a.key.node()))).contains("Revoked"));
    assert!(refused(farm.dial(&a, &b)).contains("Revoked"));
    assert!(farm.removed.contains(b.key.node()) && !farm.removed.contains(a.key.node()));
    farm.removed.replace([]);
    farm.dial(&a, &b).unwrap();
    assert!(RemovedNodes::new([a.key.node()]).contains(a.key.node()));
}

/// Who knows only an address reaches any node of his own farm that was not removed, and none of another farm.
#[test]
fn a_node_dialled_by_its_address_is_a_member_that_was_not_removed() {
    let (farm, other) = (farm(), self::farm());
    let (a, b, stranger) = (farm.node("fs01"), farm.node("fs02"), other.node("fs01"));
    let client = || member_client(&b.identity, farm.removed.clone(), farm.clock.clone()).unwrap();
    let name = || ServerName::try_from(MEMBER_SERVER_NAME).unwrap();
    let (from, to) = connect(client(), farm.server(&a), name()).unwrap();
    assert_eq!((&from, &to), (b.identity.member(), a.identity.member()));
    assert!(connect(client(), other.server(&stranger), name()).is_err());
    farm.removed.replace([a.key.node()]);
    assert!(refused(connect(client(), farm.server(&a), name())).contains("Revoked"));
}

/// Security case 92, for the certificates of nodes: the injected clock alone decides.
#[test]
fn an_expired_certificate_is_refused_by_the_farms_clock() {
    let farm = farm();
    let (a, b) = (farm.node("fs01"), farm.node("fs02"));
    let day = Duration::from_secs(86_400);
    assert!(!a.identity.renewal_is_due(start()));
    assert!(a.identity.renewal_is_due(start().plus(day * 244)));
    farm.clock.advance(day * (DAYS - 1));
    farm.dial(&a, &b).unwrap();
    farm.clock.advance(day);
    assert!(refused(farm.dial(&a, &b)).contains("expired"), "{}", refused(farm.dial(&a, &b)));
    farm.clock.set(start().minus(day));
    assert!(refused(farm.dial(&a, &b)).contains("not valid yet"));

    // A node with a new certificate for the same key is back.
    farm.clock.set(start().plus(day * 366));
    let renew = |node: &Node| {
        let key = NodeIdentityKey::open_or_create(node.data.path(), &node.key, &SystemRandom).unwrap();
        let certificate = farm.issue(&key, node.key.node(), "fs01");
        key.install(&certificate, farm.authority.certificate(), farm.authority.fingerprint()).unwrap()
    };
    let (a, b) = (Node { identity: renew(&a), ..a }, Node { identity: renew(&b), ..b });
    farm.dial(&a, &b).unwrap();
}

#[test]
fn another_node_than_the_one_dialled_is_refused() {
    let farm = farm();
    let (a, b, c) = (farm.node("fs01"), farm.node("fs02"), farm.node("fs02"));
    let name = node_server_name(c.key.node());
    assert!(refused(connect(farm.client(&a), farm.server(&b), name)).contains("not valid for name"));
    for name in ["fs02", "localhost", JOIN_SERVER_NAME, "127.0.0.1"] {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        assert!(connect(farm.client(&a), farm.server(&b), name).is_err());
    }
}

#[test]
fn a_client_without_certificate_gets_in_nowhere_but_at_the_door_for_joining() {
    let farm = farm();
    let b = farm.node("fs02");
    let client = || join_client(farm.authority.fingerprint(), farm.clock.clone()).unwrap();
    let name = || ServerName::try_from(JOIN_SERVER_NAME).unwrap();
    assert!(handshake(client(), farm.server(&b), name()).is_err());
    let door = || join_server(&b.identity, farm.clock.clone()).unwrap();
    let (client_side, server_side) = handshake(client(), door(), name()).unwrap();
    assert!(server_side.peer_certificates().is_none());
    assert_eq!(&FarmMember::of(&client_side.peer_certificates().unwrap()[0]).unwrap(), b.identity.member());

    // The token of another farm leads to no server of this one: it is not shown to it.
    let other = join_client(AuthorityFingerprint([0; 32]), farm.clock.clone()).unwrap();
    assert!(handshake(other, door(), name()).is_err());
    farm.clock.advance(Duration::from_secs(86_400 * 366));
    assert!(handshake(client(), door(), name()).is_err(), "expired");
}

/// The authority's own certificate is public: who sends it along with his own proves nothing.
#[test]
fn a_server_with_a_foreign_certificate_beside_the_authority_is_refused() {
    let (ours, theirs) = (farm(), farm());
    let stranger = theirs.node("fs01");
    let chain = vec![stranger.identity.certified_key().cert[0].clone(), ours.authority.certificate().clone()];
    let key = stranger.identity.certified_key().key.clone();
    let mut server = join_server(&stranger.identity, ours.clock.clone()).unwrap();
    server.cert_resolver =
        Arc::new(rustls::sign::SingleCertAndKey::from(rustls::sign::CertifiedKey::new(chain, key)));
    let client = join_client(ours.authority.fingerprint(), ours.clock.clone()).unwrap();
    assert!(handshake(client, server, ServerName::try_from(JOIN_SERVER_NAME).unwrap()).is_err());
}

/// A node's certificate is no authority's.
#[test]
fn a_node_cannot_issue_for_another_node() {
    let farm = farm();
    let (a, b) = (farm.node("fs01"), farm.node("fs02"));
    // The attacker takes the key out of his own memory.
    let file: serde_json::Value =
        serde_json::from_slice(&std::fs::read(b.data.path().join("node-identity.json")).unwrap()).unwrap();
    let pkcs8 = b
        .key
        .unseal(
            crate::node_key::NodeUse::Identity,
            &b.key.node().to_string(),
            file["SealedKey"].as_str().unwrap(),
        )
        .unwrap();
    let own = KeyPair::try_from(pkcs8.as_slice()).unwrap();
    let own_certificate = b.identity.certified_key().cert[0].clone();
    let issuer = Issuer::from_ca_cert_der(&own_certificate, own).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![super::member::dns_name(a.key.node())]).unwrap();
    params.distinguished_name = crate::certificate::generate::common_name("fs01".into());
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let forged = params.signed_by(&key, &issuer).unwrap().der().clone();
    assert_eq!(FarmMember::of(&forged).unwrap().node, a.key.node());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialized_der()));
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap();
    let chain = vec![forged, own_certificate, farm.authority.certificate().clone()];
    let forged = Arc::new(rustls::sign::SingleCertAndKey::from(rustls::sign::CertifiedKey::new(chain, key)));

    let mut server = farm.server(&b);
    server.cert_resolver = forged.clone();
    assert!(connect(farm.client(&a), server, node_server_name(a.key.node())).is_err());
    let mut client = farm.client(&b);
    client.client_auth_cert_resolver = forged;
    assert!(connect(client, farm.server(&a), node_server_name(a.key.node())).is_err());
}

#[test]
fn tls_1_2_is_refused_on_both_sides() {
    let farm = farm();
    let (a, b) = (farm.node("fs01"), farm.node("fs02"));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(farm.authority.certificate().clone()).unwrap();
    let old = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_cert_resolver(farm.client(&a).client_auth_cert_resolver.clone());
    assert!(connect(old, farm.server(&b), node_server_name(b.key.node())).is_err());
    let old = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(farm.server(&b).cert_resolver.clone());
    assert!(connect(farm.client(&a), old, node_server_name(b.key.node())).is_err());
}

/// The whole way of a new node, as the module says it.
#[test]
fn a_new_node_joins_with_a_token_and_receives_the_master_key() {
    let farm = farm();
    let first = farm.node("fs01");
    let expires = start().plus(Duration::from_secs(3600));
    let (token, record) = JoinToken::generate(farm.authority.fingerprint(), expires, &SystemRandom);
    let line = token.to_text();

    // The new node.
    let token = JoinToken::parse(&line).unwrap();
    let data = tempfile::tempdir().unwrap();
    let node_key = NodeKey::create(data.path(), &SystemRandom).unwrap();
    let identity = NodeIdentityKey::open_or_create(data.path(), &node_key, &SystemRandom).unwrap();
    assert!(matches!(NodeIdentity::open(data.path(), &node_key), Err(NodeIdentityError::NotJoined { .. })));
    let client = join_client(token.authority(), farm.clock.clone()).unwrap();
    let door = join_server(&first.identity, farm.clock.clone()).unwrap();
    handshake(client, door, ServerName::try_from(JOIN_SERVER_NAME).unwrap()).unwrap();

    // The farm, after the token and the request came.
    let shown = JoinToken::parse(&line).unwrap();
    assert_eq!(shown.id(), record.id);
    record.verify(&shown, farm.authority.fingerprint(), farm.clock.now()).unwrap();
    let certificate = farm.issue(&identity, node_key.node(), "fs02");

    // The new node is a member.
    let authority = farm.authority.certificate();
    drop(identity.install(&certificate, authority, token.authority()).unwrap());
    let identity = NodeIdentity::open(data.path(), &node_key).unwrap();
    let second = Node { data, key: node_key, identity };
    farm.dial(&second, &first).unwrap();
    farm.dial(&first, &second).unwrap();
    let received = MasterKey::from_transfer(&Secret::new(farm.master.to_transfer().expose())).unwrap();
    let wrapped = second.key.wrap(&received, &SystemRandom).unwrap();
    let master = second.key.unwrap(&wrapped).unwrap();
    let sealed = farm.master.seal(Purpose::FarmKey, "x", b"y", &SystemRandom).unwrap();
    assert_eq!(master.unseal(Purpose::FarmKey, "x", &sealed).unwrap().as_slice(), b"y");
    // It can let in the next one.
    assert_eq!(
        FarmAuthority::open(&farm.sealed, &master).unwrap().fingerprint(),
        farm.authority.fingerprint()
    );
}

#[test]
fn the_authority_opens_under_the_master_key_alone_and_notices_damage() {
    let farm = farm();
    let stored = serde_json::to_string(&farm.sealed).unwrap();
    let sealed: SealedFarmAuthority = serde_json::from_str(&stored).unwrap();
    FarmAuthority::open(&sealed, &farm.master).unwrap();
    let other = MasterKey::generate(&SystemRandom);
    let error = FarmAuthority::open(&sealed, &other).unwrap_err();
    assert!(matches!(error, AuthorityError::Seal(SealError::Refused { .. })), "{error}");
    let (_, another) = FarmAuthority::generate(start(), &farm.master, &SystemRandom).unwrap();
    let mixed = SealedFarmAuthority { certificate: another.certificate, ..sealed.clone() };
    let error = FarmAuthority::open(&mixed, &farm.master).unwrap_err();
    assert!(error.to_string().contains("does not belong"), "{error}");
    for certificate in ["", "*", "AAAA"] {
        let damaged = SealedFarmAuthority { certificate: certificate.into(), ..sealed.clone() };
        assert!(matches!(FarmAuthority::open(&damaged, &farm.master), Err(AuthorityError::Damaged { .. })));
    }
}

#[test]
fn a_request_that_is_not_signed_with_its_own_p256_key_is_refused() {
    let farm = farm();
    let node = Guid::random(&SystemRandom);
    let issue =
        |request: &[u8], name: &str, now| farm.authority.issue(request, node, name, now, DAYS, &SystemRandom);
    let request = |key: &KeyPair| CertificateParams::default().serialize_request(key).unwrap().der().to_vec();
    let good = request(&KeyPair::generate().unwrap());
    let key_of = |certificate: &CertificateDer<'_>| {
        x509_parser::parse_x509_certificate(certificate).unwrap().1.public_key().raw.to_vec()
    };
    let key = key_of(&issue(&good, "fs02", start()).unwrap());
    let mut accepted = 0;
    for position in 0..good.len() {
        let mut changed = good.clone();
        changed[position] ^= 1;
        // Outside of what is signed there is an octet or two without a meaning.
        if let Ok(issued) = issue(&changed, "fs02", start()) {
            assert_eq!(key_of(&issued), key, "octet {position}");
            accepted += 1;
        }
    }
    assert!(accepted < 5, "{accepted}");
    let p384 = request(&KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap());
    assert!(issue(&p384, "fs02", start()).unwrap_err().to_string().contains("P-256"));
    for garbage in [&[][..], &[0x30; 100], &[0; 1_000_000]] {
        assert!(matches!(issue(garbage, "fs02", start()), Err(AuthorityError::Request { .. })));
    }
    for name in ["", "a b", "関所", "a\0", &"x".repeat(65), "a/b"] {
        assert!(matches!(issue(&good, name, start()), Err(AuthorityError::Name { .. })), "{name}");
    }
    let after = start().plus(Duration::from_secs(86_400 * 366 * 25));
    assert!(matches!(issue(&good, "fs02", after), Err(AuthorityError::Expired { .. })));
}

#[test]
fn what_a_request_asks_for_beyond_its_key_is_not_given() {
    let farm = farm();
    let key = KeyPair::generate().unwrap();
    let mut greedy = CertificateParams::new(vec!["fs.contoso.com".to_owned()]).unwrap();
    greedy.distinguished_name = crate::certificate::generate::common_name("root".into());
    greedy.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let request = greedy.serialize_request(&key).unwrap();
    let node = Guid::random(&SystemRandom);
    let issued = farm.authority.issue(request.der(), node, "fs02", start(), DAYS, &SystemRandom);
    let issued = issued.unwrap();
    let (_, parsed) = x509_parser::parse_x509_certificate(&issued).unwrap();
    assert!(!parsed.is_ca());
    assert_eq!(FarmMember::of(&issued), Some(FarmMember { node, name: "fs02".into() }));
}

#[test]
fn a_certificate_that_is_not_for_this_node_key_and_authority_is_not_installed() {
    let farm = farm();
    let other_farm = self::farm();
    let data = tempfile::tempdir().unwrap();
    let node_key = NodeKey::create(data.path(), &SystemRandom).unwrap();
    let key = || NodeIdentityKey::open_or_create(data.path(), &node_key, &SystemRandom).unwrap();
    let good = farm.issue(&key(), node_key.node(), "fs02");
    let other = farm.node("fs03");
    let (authority, fingerprint) = (farm.authority.certificate(), farm.authority.fingerprint());
    let refused = |certificate: &CertificateDer<'_>, authority: &CertificateDer<'_>, fingerprint| {
        let error = key().install(certificate, authority, fingerprint).unwrap_err();
        assert!(matches!(error, NodeIdentityError::Refused { .. }), "{error}");
        assert!(matches!(
            NodeIdentity::open(data.path(), &node_key),
            Err(NodeIdentityError::NotJoined { .. })
        ));
        error.to_string()
    };
    let foreign = other_farm.authority.certificate();
    assert!(refused(&good, foreign, fingerprint).contains("its authority is"));
    assert!(refused(&good, foreign, other_farm.authority.fingerprint()).contains("did not sign"));
    let others = &other.identity.certified_key().cert[0];
    assert!(refused(others, authority, fingerprint).contains("it is for node"));
    let request = CertificateParams::default().serialize_request(&KeyPair::generate().unwrap()).unwrap();
    let other_key =
        farm.authority.issue(request.der(), node_key.node(), "fs02", start(), DAYS, &SystemRandom).unwrap();
    assert!(refused(&other_key, authority, fingerprint).contains("another key"));
    assert!(refused(authority, authority, fingerprint).contains("not a node's"));
    key().install(&good, authority, fingerprint).unwrap();
    NodeIdentity::open(data.path(), &node_key).unwrap();
}

#[test]
fn the_identity_rests_sealed_and_is_of_no_use_on_another_node() {
    use std::os::unix::fs::PermissionsExt;
    let farm = farm();
    let (a, b) = (farm.node("fs01"), farm.node("fs02"));
    let path = |node: &Node| node.data.path().join("node-identity.json");
    assert_eq!(std::fs::metadata(path(&a)).unwrap().permissions().mode() & 0o777, 0o600);
    let good = std::fs::read_to_string(path(&a)).unwrap();
    let reopened = NodeIdentity::open(a.data.path(), &a.key).unwrap();
    assert_eq!(reopened.member(), a.identity.member());
    assert_eq!(reopened.not_after(), a.identity.not_after());

    std::fs::copy(path(&a), path(&b)).unwrap();
    let error = NodeIdentity::open(b.data.path(), &b.key).unwrap_err();
    assert!(matches!(error, NodeIdentityError::OtherNode { .. }), "{error}");
    let forged = good.replace(&a.key.node().to_string(), &b.key.node().to_string());
    std::fs::write(path(&b), forged).unwrap();
    let error = NodeIdentity::open(b.data.path(), &b.key).unwrap_err();
    assert!(matches!(error, NodeIdentityError::Damaged { .. }), "{error}");
    for damaged in ["", "{}", good.get(..200).unwrap(), &"x".repeat(100_000)] {
        std::fs::write(path(&a), damaged).unwrap();
        let error = NodeIdentity::open(a.data.path(), &a.key).unwrap_err();
        assert!(error.to_string().contains("node-identity.json"), "{error}");
        assert!(
            NodeIdentityKey::open_or_create(a.data.path(), &a.key, &SystemRandom).is_err(),
            "not replaced"
        );
    }
}
