//! Files that OpenSSL makes, and a TLS handshake with the demo's authority.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use base::{Secret, SystemRandom, Timestamp};
use configuration::{Certificate, CertificateType};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tempfile::TempDir;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::generate::GenerateError;
use crate::{
    Chain, DemoTls, ImportError, ImportRules, MasterKey, SigningKey, generate_demo_tls, import_pem,
    import_pfx, tls_certificate,
};

pub(crate) const PASSWORD: &str = "pässword 1";

/// A folder in which OpenSSL works.
pub(crate) struct OpenSsl(TempDir);

impl OpenSsl {
    /// `None`, and loudly, when it is not installed.
    pub(crate) fn start() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            eprintln!("SKIPPED: this test needs the program 'openssl', which is not installed");
            return None;
        }
        Some(Self(tempfile::tempdir().unwrap()))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Arguments are split at spaces; `@P` is the password.
    pub(crate) fn run(&self, arguments: &str) {
        let arguments = arguments.split_whitespace().map(|argument| match argument {
            "@P" => format!("pass:{PASSWORD}"),
            other => other.to_owned(),
        });
        let output = Command::new("openssl").current_dir(self.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    pub(crate) fn read(&self, names: &[&str]) -> Vec<u8> {
        names.iter().flat_map(|name| std::fs::read(self.path().join(name)).unwrap()).collect()
    }

    /// Root, intermediate and a leaf `fs.contoso.com` (`leaf.pem`, `leaf.key` in PKCS#8).
    pub(crate) fn make_chain(&self, leaf_key: &str) {
        let ca = "basicConstraints=critical,CA:TRUE";
        self.run(&format!("req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -days 30 -subj /CN=Root -addext {ca}"));
        self.run("req -newkey rsa:2048 -nodes -keyout mid.key -out mid.csr -subj /CN=Middle");
        std::fs::write(self.path().join("ca.ext"), ca).unwrap();
        self.run("x509 -req -in mid.csr -CA root.pem -CAkey root.key -CAcreateserial -days 30 -extfile ca.ext -out mid.pem");
        self.run(&format!(
            "req -newkey {leaf_key} -nodes -keyout leaf.key -out leaf.csr -subj /CN=fs.contoso.com"
        ));
        self.issue_leaf("subjectAltName=DNS:fs.contoso.com\nextendedKeyUsage=serverAuth");
    }

    pub(crate) fn issue_leaf(&self, extensions: &str) {
        std::fs::write(self.path().join("leaf.ext"), extensions).unwrap();
        let extensions = if extensions.is_empty() { "" } else { "-extfile leaf.ext" };
        let issuer = "-CA mid.pem -CAkey mid.key -CAcreateserial";
        self.run(&format!("x509 -req -in leaf.csr {issuer} -days 30 {extensions} -out leaf.pem"));
    }
}

#[allow(clippy::disallowed_methods, reason = "OpenSSL takes the time from the machine")]
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_seconds(i64::try_from(since.as_secs()).unwrap() + 60)
}

fn rules() -> ImportRules<'static> {
    ImportRules {
        certificate_type: CertificateType::ServiceCommunications,
        now: now(),
        chain: Chain::Complete { roots: &[] },
    }
}

fn master() -> MasterKey {
    MasterKey::generate(&SystemRandom)
}

fn pem(content: &[u8], rules: &ImportRules<'_>) -> Result<Certificate, ImportError> {
    let master = master();
    let certificate = import_pem(content, rules, &master, &SystemRandom)?;
    // Whatever is imported can be used.
    let certified = tls_certificate(&certificate, &master).unwrap();
    assert_eq!(certified.cert.len(), 1 + certificate.chain.len());
    assert!(!certificate.is_primary);
    Ok(certificate)
}

fn pfx(content: &[u8], password: &str) -> Result<Certificate, ImportError> {
    let master = master();
    let certificate = import_pfx(content, &Secret::new(password), &rules(), &master, &SystemRandom)?;
    tls_certificate(&certificate, &master).unwrap();
    SigningKey::open(&certificate, &master).unwrap().sign(b"message").unwrap();
    Ok(certificate)
}

fn der(pem: &[u8]) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem).unwrap()
}

fn assert_is_the_leaf_with_its_chain(certificate: &Certificate, openssl: &OpenSsl) {
    use base64::Engine;
    let encode = |name| base64::engine::general_purpose::STANDARD.encode(der(&openssl.read(&[name])));
    assert_eq!(certificate.certificate, encode("leaf.pem"));
    assert_eq!(certificate.chain, [encode("mid.pem")], "without the root");
    assert_eq!(certificate.certificate_type, CertificateType::ServiceCommunications);
}

#[test]
fn pfx_files_with_modern_and_legacy_ciphers_are_imported() {
    let Some(openssl) = OpenSsl::start() else { return };
    openssl.make_chain("rsa:2048");
    std::fs::write(openssl.path().join("others.pem"), openssl.read(&["root.pem", "mid.pem"])).unwrap();
    let export = "pkcs12 -export -in leaf.pem -inkey leaf.key -certfile others.pem";
    for ciphers in ["", "-legacy", "-certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1", "-nomac"] {
        // `-passout` takes one argument, and the password has a space.
        openssl.run(&format!("{export} {ciphers} -passout @P -out file.pfx"));
        let file = openssl.read(&["file.pfx"]);
        let certificate = pfx(&file, PASSWORD).unwrap_or_else(|error| panic!("{ciphers}: {error}"));
        assert_is_the_leaf_with_its_chain(&certificate, &openssl);
        for wrong in ["", "password 1", "pässword 1 "] {
            let error = pfx(&file, wrong).unwrap_err();
            assert!(matches!(error, ImportError::WrongPassword), "{ciphers}: {error}");
            assert!(!error.to_string().contains(PASSWORD));
        }
    }
}

#[test]
fn a_pfx_file_without_key_or_with_damage_is_refused() {
    let Some(openssl) = OpenSsl::start() else { return };
    openssl.make_chain("rsa:2048");
    openssl.run("pkcs12 -export -nokeys -in leaf.pem -passout @P -out file.pfx");
    let file = openssl.read(&["file.pfx"]);
    assert!(matches!(pfx(&file, PASSWORD), Err(ImportError::NoPrivateKey)));
    assert!(matches!(
        pfx(&openssl.read(&["leaf.pem"]), PASSWORD),
        Err(ImportError::Format { expected: "PFX", .. })
    ));
    assert!(matches!(pfx(&[0; LARGE], PASSWORD), Err(ImportError::TooLarge { size: LARGE })));
    for length in (0..file.len()).step_by(7) {
        assert!(pfx(&file[..length], PASSWORD).is_err(), "{length}");
    }
}

const LARGE: usize = 2 * 1024 * 1024;

#[test]
fn pem_files_with_every_form_of_key_in_any_order_are_imported() {
    let Some(openssl) = OpenSsl::start() else { return };
    openssl.make_chain("rsa:2048");
    openssl.run("rsa -traditional -in leaf.key -out leaf.pkcs1");
    for key in ["leaf.key", "leaf.pkcs1"] {
        for order in [["leaf.pem", "mid.pem", "root.pem", key], [key, "root.pem", "mid.pem", "leaf.pem"]] {
            let certificate = pem(&openssl.read(&order), &rules()).unwrap();
            assert_is_the_leaf_with_its_chain(&certificate, &openssl);
        }
    }
}

#[test]
fn elliptic_curve_keys_are_for_tls_alone() {
    let Some(openssl) = OpenSsl::start() else { return };
    for curve in ["P-256", "P-384"] {
        openssl.make_chain(&format!("ec -pkeyopt ec_paramgen_curve:{curve}"));
        openssl.run("ec -in leaf.key -out leaf.sec1");
        assert!(openssl.read(&["leaf.sec1"]).starts_with(b"-----BEGIN EC PRIVATE KEY"));
        for key in ["leaf.key", "leaf.sec1"] {
            let file = openssl.read(&[key, "leaf.pem", "mid.pem", "root.pem"]);
            assert_is_the_leaf_with_its_chain(&pem(&file, &rules()).unwrap(), &openssl);
            let rules = ImportRules { certificate_type: CertificateType::TokenSigning, ..rules() };
            assert!(matches!(pem(&file, &rules), Err(ImportError::RsaNeeded { .. })));
        }
    }
}

#[test]
fn what_is_wrong_with_a_pem_file_is_named() {
    let Some(openssl) = OpenSsl::start() else { return };
    openssl.make_chain("rsa:2048");
    openssl.run("pkey -in leaf.key -aes256 -passout @P -out encrypted.key");
    openssl.run("rsa -traditional -in leaf.key -aes256 -passout @P -out encrypted.pkcs1");
    let result = |names: &[&str]| pem(&openssl.read(names), &rules()).map(|_| ()).unwrap_err();
    let all = ["leaf.pem", "mid.pem", "root.pem"];

    assert!(matches!(result(&all), ImportError::NoPrivateKey));
    assert!(matches!(result(&["leaf.key"]), ImportError::NoCertificate));
    assert!(matches!(result(&[&all[..], &["encrypted.key"]].concat()), ImportError::EncryptedKey));
    assert!(matches!(result(&[&all[..], &["encrypted.pkcs1"]].concat()), ImportError::EncryptedKey));
    let two = result(&[&all[..], &["leaf.key", "mid.key"]].concat());
    assert!(matches!(two, ImportError::SeveralPrivateKeys { count: 2 }));
    match result(&["leaf.pem", "leaf.csr", "root.key"]) {
        ImportError::KeyMismatch { subject } => assert_eq!(subject, "CN=fs.contoso.com"),
        other => panic!("{other}"),
    }
    match result(&["leaf.key", "leaf.pem", "root.pem"]) {
        ImportError::ChainIncomplete { subject, missing } => {
            assert_eq!((subject.as_str(), missing.as_str()), ("CN=fs.contoso.com", "CN=Middle"));
        }
        other => panic!("{other}"),
    }
    let late = ImportRules { now: now().plus(Duration::from_secs(31 * 86_400)), ..rules() };
    let early = ImportRules { now: now().minus(Duration::from_secs(86_400)), ..rules() };
    let file = openssl.read(&["leaf.key", "leaf.pem", "mid.pem", "root.pem"]);
    assert!(matches!(pem(&file, &late), Err(ImportError::Expired { .. })));
    assert!(matches!(pem(&file, &early), Err(ImportError::NotYetValid { .. })));

    assert!(matches!(pem(b"", &rules()), Err(ImportError::Format { .. })));
    assert!(matches!(pem(&[0xff; 1000], &rules()), Err(ImportError::Format { .. })));
    let cut = &file[..600];
    let error = pem(cut, &rules()).unwrap_err();
    assert!(matches!(error, ImportError::Format { .. }), "{error}");
    assert!(matches!(pem(&[b'\n'; LARGE], &rules()), Err(ImportError::TooLarge { .. })));
    let garbage = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    match pem(&[&openssl.read(&["leaf.key", "leaf.pem"])[..], garbage].concat(), &rules()) {
        Err(ImportError::Certificate { position: 2, .. }) => {}
        other => panic!("{other:?}"),
    }
}

/// Security case 13, for keys of our own.
#[test]
fn a_short_rsa_key_is_refused_with_its_length() {
    let Some(openssl) = OpenSsl::start() else { return };
    openssl.run("req -x509 -newkey rsa:1024 -nodes -keyout leaf.key -out leaf.pem -days 30 -subj /CN=short");
    match pem(&openssl.read(&["leaf.key", "leaf.pem"]), &rules()) {
        Err(ImportError::WeakKey { subject, bits: 1024 }) => assert_eq!(subject, "CN=short"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_chain_may_end_at_a_root_that_clients_have() {
    let Some(openssl) = OpenSsl::start() else { return };
    openssl.make_chain("rsa:2048");
    let file = openssl.read(&["leaf.key", "leaf.pem", "mid.pem"]);
    assert!(matches!(pem(&file, &rules()), Err(ImportError::ChainIncomplete { .. })));
    let roots = [der(&openssl.read(&["root.pem"]))];
    let known = ImportRules { chain: Chain::Complete { roots: &roots }, ..rules() };
    assert_is_the_leaf_with_its_chain(&pem(&file, &known).unwrap(), &openssl);
    // A root of the same name that did not sign it is none.
    openssl.run("req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.pem -days 30 -subj /CN=Root");
    let roots = [der(&openssl.read(&["other.pem"]))];
    let other = ImportRules { chain: Chain::Complete { roots: &roots }, ..rules() };
    assert!(matches!(pem(&file, &other), Err(ImportError::ChainIncomplete { .. })));
    let as_given = ImportRules { chain: Chain::AsGiven, ..rules() };
    assert!(pem(&openssl.read(&["leaf.key", "leaf.pem"]), &as_given).unwrap().chain.is_empty());
    // A self-signed certificate is its own root.
    openssl.run("req -x509 -newkey rsa:2048 -nodes -keyout own.key -out own.pem -days 30 -subj /CN=own -addext subjectAltName=DNS:own");
    let own = pem(&openssl.read(&["own.key", "own.pem"]), &rules()).unwrap();
    assert!(own.chain.is_empty());
}

#[test]
fn a_certificate_that_no_client_accepts_is_refused_for_tls_alone() {
    let Some(openssl) = OpenSsl::start() else { return };
    openssl.make_chain("rsa:2048");
    for (extensions, reason) in [
        ("", "version 3"),
        ("extendedKeyUsage=serverAuth", "subject alternative names"),
        ("subjectAltName=DNS:fs.contoso.com\nextendedKeyUsage=clientAuth", "server authentication"),
    ] {
        openssl.issue_leaf(extensions);
        let file = openssl.read(&["leaf.key", "leaf.pem", "mid.pem", "root.pem"]);
        let error = pem(&file, &rules()).unwrap_err();
        assert!(matches!(error, ImportError::NotForTls { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
        // Tokens are signed with such certificates every day; AD FS's own have no extension at all.
        let (master, rules) =
            (master(), ImportRules { certificate_type: CertificateType::TokenSigning, ..rules() });
        let certificate = import_pem(&file, &rules, &master, &SystemRandom).unwrap();
        SigningKey::open(&certificate, &master).unwrap();
    }
}

fn demo(hosts: &[&str], master: &MasterKey) -> Result<DemoTls, GenerateError> {
    let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
    generate_demo_tls(&hosts, demo_start(), master, &SystemRandom)
}

fn demo_start() -> Timestamp {
    Timestamp::parse_xml("2026-11-24T08:00:00Z").unwrap()
}

#[derive(Debug)]
struct FixedTime;

impl rustls::time_provider::TimeProvider for FixedTime {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = demo_start().plus(Duration::from_secs(3600)).as_seconds();
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds.cast_unsigned())))
    }
}

/// Shakes hands over memory.
fn handshake(
    demo: &DemoTls,
    authority: &DemoTls,
    master: &MasterKey,
    host: &str,
) -> Result<(), rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(
            Arc::into_inner(tls_certificate(&demo.certificate, master).unwrap()).unwrap(),
        )));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(der(authority.authority_pem.as_bytes()))?;
    let client = rustls::ClientConfig::builder_with_details(provider, Arc::new(FixedTime))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let mut client = rustls::ClientConnection::new(Arc::new(client), name)?;
    let mut server = rustls::ServerConnection::new(Arc::new(server))?;
    while client.is_handshaking() || server.is_handshaking() {
        let mut buffer = Vec::new();
        client.write_tls(&mut buffer).unwrap();
        server.read_tls(&mut buffer.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut buffer = Vec::new();
        server.write_tls(&mut buffer).unwrap();
        client.read_tls(&mut buffer.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}

#[test]
fn a_client_that_trusts_the_demo_authority_trusts_the_named_hosts_and_no_other() {
    let master = master();
    let hosts = ["fs.contoso.com", "localhost", "127.0.0.1", "::1", "*.apps.contoso.com"];
    let ours = demo(&hosts, &master).unwrap();
    for host in ["fs.contoso.com", "localhost", "127.0.0.1", "::1", "a.apps.contoso.com"] {
        handshake(&ours, &ours, &master, host).unwrap_or_else(|error| panic!("{host}: {error}"));
    }
    assert!(handshake(&ours, &ours, &master, "contoso.com").is_err());
    assert!(handshake(&ours, &ours, &master, "127.0.0.2").is_err());
    let other = demo(&hosts, &master).unwrap();
    assert!(handshake(&ours, &other, &master, "localhost").is_err(), "another authority");
}

#[test]
fn the_demo_certificate_meets_what_browsers_ask_of_one() {
    let master = master();
    let demo = demo(&["fs.contoso.com"], &master).unwrap();
    assert_eq!(demo.certificate.certificate_type, CertificateType::ServiceCommunications);
    let certified = tls_certificate(&demo.certificate, &master).unwrap();
    let (_, leaf) = X509Certificate::from_der(&certified.cert[0]).unwrap();
    let days = (leaf.validity().not_after.timestamp() - leaf.validity().not_before.timestamp()) / 86_400;
    assert_eq!(days, 397);
    assert_eq!(leaf.subject().to_string(), "CN=fs.contoso.com");
    let usage = leaf.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.server_auth && !usage.client_auth && !usage.any);
    assert!(!leaf.is_ca());
    let authority = der(demo.authority_pem.as_bytes());
    let (_, authority) = X509Certificate::from_der(&authority).unwrap();
    assert!(authority.is_ca());
    leaf.verify_signature(Some(authority.public_key())).unwrap();
}

#[test]
fn a_name_that_no_certificate_can_hold_is_refused_by_name() {
    let master = master();
    assert!(matches!(demo(&[], &master), Err(GenerateError::NoHost)));
    for host in ["", "関所.example", "a b", "a/b", "a\0", &"x".repeat(254)] {
        match demo(&["localhost", host], &master) {
            Err(GenerateError::Host { host: named }) => assert_eq!(named, host),
            other => panic!("{host:?}: {other:?}"),
        }
    }
    // Longer than a common name may be, and still a host name.
    demo(&[&format!("{}.example", "a".repeat(63))], &master).unwrap();
}
