//! Files that OpenSSL makes, permissions that a restore gets wrong, and damage.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::process::Command;
use std::time::Duration;

use base::{SeededRandom, SystemRandom};
use p12_keystore::{Certificate as PfxCertificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use tempfile::TempDir;

use super::*;
use crate::ImportError;
use crate::certificate::tests::{OpenSsl, PASSWORD, now};
use base::Secret;

/// A node: its data directory, and the store in it.
struct Node {
    data: TempDir,
    store: CertificateStore,
}

fn node() -> Node {
    let data = tempfile::tempdir().unwrap();
    let key = Arc::new(NodeKey::create(data.path(), &SystemRandom).unwrap());
    let store = CertificateStore::open(data.path(), key);
    Node { data, store }
}

impl Node {
    fn path(&self, thumbprint: &str, extension: &str) -> PathBuf {
        self.data.path().join(format!("certificates/my/{thumbprint}.{extension}"))
    }

    fn pem(&self, pem: &[u8], import: &StoreImport<'_>) -> Result<Imported, CertificateStoreError> {
        let imported = self.store.import_pem(pem, import, &SystemRandom)?;
        // Whatever is imported can be used, and nothing else is left behind.
        self.store.tls_key(&imported.thumbprint).unwrap();
        for file in fs::read_dir(self.data.path().join("certificates/my")).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            assert!(name.ends_with(".json") || name.ends_with(".key"), "{name}");
        }
        Ok(imported)
    }
}

fn import() -> StoreImport<'static> {
    StoreImport {
        exportable: false,
        friendly_name: None,
        roots: &[],
        allow_incomplete_chain: false,
        hosts: &[],
        now: now(),
    }
}

/// A self-signed certificate with its key, PEM.
fn self_signed(host: &str) -> Vec<u8> {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec![host.to_owned()]).unwrap();
    params.distinguished_name = crate::certificate::generate::common_name(host.to_owned());
    let certificate = params.self_signed(&key).unwrap();
    format!("{}{}", certificate.pem(), key.serialize_pem()).into_bytes()
}

#[test]
fn pfx_files_with_modern_and_legacy_ciphers_are_imported_and_listed_as_by_powershell() {
    let Some(openssl) = OpenSsl::start() else { return };
    openssl.make_chain("rsa:2048");
    std::fs::write(openssl.path().join("others.pem"), openssl.read(&["root.pem", "mid.pem"])).unwrap();
    let export = "pkcs12 -export -in leaf.pem -inkey leaf.key -certfile others.pem -name fs2026";
    for ciphers in ["", "-legacy", "-certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1"] {
        let node = node();
        openssl.run(&format!("{export} {ciphers} -passout @P -out file.pfx"));
        let file = openssl.read(&["file.pfx"]);
        let wrong = node.store.import_pfx(&file, &Secret::new("wrong"), &import(), &SystemRandom);
        let error = wrong.unwrap_err();
        assert!(matches!(error, CertificateStoreError::Import(ImportError::WrongPassword)), "{error}");
        assert!(node.store.list().unwrap().certificates.is_empty());

        let exportable = StoreImport { exportable: true, hosts: &["fs.contoso.com"], ..import() };
        let imported = node
            .store
            .import_pfx(&file, &Secret::new(PASSWORD), &exportable, &SystemRandom)
            .unwrap_or_else(|error| panic!("{ciphers}: {error}"));
        assert_eq!(imported.subject, "CN=fs.contoso.com");
        assert!(imported.chain_complete && imported.warnings.is_empty(), "{:?}", imported.warnings);
        let certified = node.store.tls_key(&imported.thumbprint).unwrap();
        assert_eq!(certified.cert.len(), 2, "leaf and intermediate, without the root");
        assert_eq!(crate::thumbprint(&certified.cert[0]), imported.thumbprint);

        let listing = node.store.list().unwrap();
        assert!(listing.problems.is_empty());
        let [stored] = &listing.certificates[..] else { panic!("{listing:?}") };
        assert!(stored.exportable() && stored.imported() == exportable.now);
        let item = stored.item();
        let json = serde_json::to_value(&item).unwrap();
        let keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            keys.join(" "),
            "Subject Issuer Thumbprint FriendlyName NotBefore NotAfter HasPrivateKey DnsNameList EnhancedKeyUsageList SerialNumber Version"
        );
        assert_eq!(item.friendly_name, "fs2026");
        assert_eq!((item.issuer.as_str(), item.version), ("CN=Middle", 3));
        assert!(item.has_private_key);
        assert_eq!(item.dns_name_list, ["fs.contoso.com"]);
        assert_eq!(item.enhanced_key_usage_list, ["Server Authentication (1.3.6.1.5.5.7.3.1)"]);
        let serial = Command::new("openssl")
            .current_dir(openssl.path())
            .args("x509 -noout -serial -in leaf.pem".split(' '))
            .output()
            .unwrap();
        assert_eq!(format!("serial={}", item.serial_number), String::from_utf8_lossy(&serial.stdout).trim());
    }
}

#[test]
fn the_files_are_the_owners_alone_and_hold_no_key_in_clear() {
    let node = node();
    let pem = self_signed("fs.contoso.com");
    let thumbprint = node.pem(&pem, &import()).unwrap().thumbprint;
    for extension in ["json", "key"] {
        let path = node.path(&thumbprint, extension);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let content = fs::read_to_string(&path).unwrap();
        let key = std::str::from_utf8(&pem).unwrap().split("PRIVATE KEY-----\n").nth(1).unwrap();
        assert!(!content.contains(&key[..60]) && !content.contains("PRIVATE"));
    }
    for directory in ["certificates", "certificates/my"] {
        let mode = fs::metadata(node.data.path().join(directory)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{directory}");
    }
}

#[test]
fn issuers_are_put_in_order_and_strangers_left_out() {
    let Some(openssl) = OpenSsl::start() else { return };
    openssl.make_chain("rsa:2048");
    // One more level: leaf2 below sub below mid below root.
    openssl.run("req -newkey rsa:2048 -nodes -keyout sub.key -out sub.csr -subj /CN=Sub");
    openssl.run("x509 -req -in sub.csr -CA mid.pem -CAkey mid.key -CAcreateserial -days 30 -extfile ca.ext -out sub.pem");
    openssl.run("x509 -req -in leaf.csr -CA sub.pem -CAkey sub.key -CAcreateserial -days 30 -extfile leaf.ext -out leaf2.pem");
    openssl
        .run("req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.pem -days 30 -subj /CN=Middle");
    let expected = ["leaf2.pem", "sub.pem", "mid.pem"].map(|name| {
        use rustls::pki_types::pem::PemObject;
        CertificateDer::from_pem_slice(&openssl.read(&[name])).unwrap()
    });
    for order in [
        ["root.pem", "other.pem", "mid.pem", "leaf2.pem", "sub.pem", "leaf.key"],
        ["leaf.key", "leaf2.pem", "mid.pem", "sub.pem", "other.pem", "root.pem"],
        ["sub.pem", "leaf2.pem", "leaf.key", "root.pem", "mid.pem", "other.pem"],
    ] {
        let node = node();
        let imported = node.pem(&openssl.read(&order), &import()).unwrap();
        assert!(imported.chain_complete);
        assert_eq!(node.store.tls_key(&imported.thumbprint).unwrap().cert, expected);
    }

    let node = node();
    let gap = openssl.read(&["leaf.key", "leaf2.pem", "mid.pem", "root.pem"]);
    let error = node.pem(&gap, &import()).unwrap_err();
    assert!(error.to_string().contains("'CN=Sub', which issued 'CN=fs.contoso.com'"), "{error}");
    assert!(node.store.list().unwrap().certificates.is_empty());
    let anyway = StoreImport { allow_incomplete_chain: true, ..import() };
    let imported = node.pem(&gap, &anyway).unwrap();
    assert!(!imported.chain_complete);
    assert!(imported.warnings.iter().any(|warning| warning.to_string().contains("'CN=Sub'")));
    let roots = [expected[2].clone()];
    let known = StoreImport { roots: &roots, ..import() };
    assert!(node.pem(&openssl.read(&["leaf.key", "leaf2.pem", "sub.pem"]), &known).unwrap().chain_complete);
}

#[test]
fn what_clients_would_object_to_is_said_and_not_refused() {
    let Some(openssl) = OpenSsl::start() else { return };
    openssl.make_chain("ec -pkeyopt ec_paramgen_curve:P-256");
    let hosts = ["fs.contoso.com", "certauth.fs.contoso.com", "enterpriseregistration.contoso.com"];
    let import = StoreImport { hosts: &hosts, ..import() };
    let warnings = |extensions: &str| {
        openssl.issue_leaf(extensions);
        let file = openssl.read(&["leaf.key", "leaf.pem", "mid.pem", "root.pem"]);
        let imported = node().pem(&file, &import).unwrap();
        imported.warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let all = format!("subjectAltName=DNS:{}", hosts.join(",DNS:"));
    assert!(warnings(&all).is_empty());
    assert_eq!(
        warnings("subjectAltName=DNS:*.contoso.com"),
        [
            "'CN=fs.contoso.com' does not cover the host 'certauth.fs.contoso.com'; its names are: *.contoso.com"
        ]
    );
    assert!(warnings(&format!("{all}\nextendedKeyUsage=clientAuth"))[0].contains("server authentication"));
    assert!(warnings(&format!("{all}\nkeyUsage=keyEncipherment"))[0].contains("digital signature"));
    assert!(warnings(&format!("{all}\nkeyUsage=digitalSignature")).is_empty());
    let none = warnings("keyUsage=digitalSignature");
    assert!(
        none[0].contains("subject alternative names") && none[1].contains("its names are: none"),
        "{none:?}"
    );

    let own =
        node().pem(&self_signed("fs.contoso.com"), &StoreImport { hosts: &hosts[..1], ..import }).unwrap();
    assert!(matches!(&own.warnings[..], [Warning::SelfSigned { .. }]), "{:?}", own.warnings);
    assert!(own.chain_complete);
}

#[test]
fn an_expired_certificate_is_refused_and_one_of_next_month_is_not() {
    let Some(openssl) = OpenSsl::start() else { return };
    openssl.run("req -x509 -newkey rsa:2048 -nodes -keyout own.key -out own.pem -days 30 -subj /CN=fs -addext subjectAltName=DNS:fs");
    let file = openssl.read(&["own.key", "own.pem"]);
    let day = Duration::from_secs(86_400);
    let late = StoreImport { now: now().plus(31 * day), ..import() };
    let error = node().pem(&file, &late).unwrap_err();
    assert!(matches!(error, CertificateStoreError::Import(ImportError::Expired { .. })), "{error}");
    let early = StoreImport { now: now().minus(day), ..import() };
    let node = node();
    let imported = node.pem(&file, &early).unwrap();
    assert!(imported.warnings.iter().any(|warning| warning.to_string().contains("is valid from")));
    // Later the same certificate is fine, and later still it is over.
    let stored = node.store.get(&imported.thumbprint).unwrap();
    let problems =
        |now| stored.check_for_tls(&["fs"], now).iter().filter(|w| matches!(w, Warning::Problem(_))).count();
    assert_eq!((problems(now()), problems(now().plus(31 * day))), (0, 1));
    assert!(stored.covers("FS") && !stored.covers("fs.contoso.com"));
}

#[test]
fn keys_that_cannot_be_served_or_belong_to_another_certificate_are_refused() {
    let Some(openssl) = OpenSsl::start() else { return };
    let new = "-nodes -days 30 -subj /CN=fs -addext subjectAltName=DNS:fs";
    for (key, wanted) in [
        ("rsa:2048", None),
        ("rsa:3072", None),
        ("ec -pkeyopt ec_paramgen_curve:P-256", None),
        ("ec -pkeyopt ec_paramgen_curve:P-384", None),
        ("ec -pkeyopt ec_paramgen_curve:secp256k1", Some("expected RSA of 2048 to 8192 bits")),
        ("ed25519", Some("expected RSA of 2048 to 8192 bits")),
        ("rsa:1024", Some("has 1024 bits")),
    ] {
        openssl.run(&format!("req -x509 -newkey {key} {new} -keyout own.key -out own.pem"));
        let result = node().pem(&openssl.read(&["own.key", "own.pem"]), &import());
        match (result, wanted) {
            (Ok(_), None) => {}
            (Err(error), Some(wanted)) => assert!(error.to_string().contains(wanted), "{key}: {error}"),
            (result, _) => panic!("{key}: {result:?}"),
        }
    }
    openssl.run(&format!("req -x509 -newkey rsa:2048 {new} -keyout other.key -out other.pem"));
    let error = node().pem(&openssl.read(&["other.key", "own.pem"]), &import()).unwrap_err();
    assert!(matches!(error, CertificateStoreError::Import(_)), "{error}");
}

/// A PFX file of certificates with their keys.
fn pfx(hosts: &[&str]) -> Vec<u8> {
    let mut file = KeyStore::new();
    for host in hosts {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![(*host).to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let chain = PrivateKeyChain::new(
            host.as_bytes(),
            PrivateKey::from_der(key.serialized_der()).unwrap(),
            [PfxCertificate::from_der(certificate.der()).unwrap()],
        );
        file.add_entry(host, KeyStoreEntry::PrivateKeyChain(chain));
    }
    file.writer("x").encryption_iterations(100).mac_iterations(100).write().unwrap()
}

#[test]
fn a_pfx_file_with_two_keys_is_refused_with_their_number() {
    let file = pfx(&["a.example", "b.example"]);
    let error = node().store.import_pfx(&file, &Secret::new("x"), &import(), &SystemRandom).unwrap_err();
    let CertificateStoreError::Import(ImportError::SeveralPrivateKeys { count: 2 }) = error else {
        panic!("{error}");
    };
}

#[test]
fn a_file_changed_at_random_is_refused_or_still_good() {
    let random = SeededRandom::new(4);
    let good = pfx(&["fs.contoso.com"]);
    let node = node();
    let mut imported = 0;
    for _ in 0..2_000 {
        let mut file = good.clone();
        for _ in 0..=random.next_u64() % 4 {
            let position = usize::try_from(random.next_u64()).unwrap() % file.len();
            match random.next_u64() % 4 {
                0 => file[position] ^= 1 << (random.next_u64() % 8),
                1 => file[position] = random.next_u64().to_le_bytes()[0],
                2 => file.truncate(position.max(1)),
                _ => file.insert(position, random.next_u64().to_le_bytes()[0]),
            }
        }
        if let Ok(one) = node.store.import_pfx(&file, &Secret::new("x"), &import(), &SystemRandom) {
            imported += 1;
            node.store.tls_key(&one.thumbprint).unwrap();
        }
    }
    assert!(imported < 1_000, "{imported}: the changes do nothing");
    assert!(node.store.list().unwrap().problems.is_empty());
}

#[test]
fn garbage_of_any_size_is_refused() {
    let node = node();
    let circle = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".repeat(1000);
    for garbage in [&[][..], &[0x30; 1000], &[0xff; 1_000_000], &vec![0x30; 50_000_000], &circle] {
        assert!(node.store.import_pfx(garbage, &Secret::new("x"), &import(), &SystemRandom).is_err());
        assert!(node.store.import_pem(garbage, &import(), &SystemRandom).is_err());
    }
    let pem = self_signed("fs").repeat(1);
    let certificate =
        std::str::from_utf8(&pem).unwrap().split_inclusive("END CERTIFICATE-----\n").next().unwrap();
    let many = [&pem[..], certificate.repeat(200).as_bytes()].concat();
    let error = node.store.import_pem(&many, &import(), &SystemRandom).unwrap_err();
    assert!(error.to_string().contains("201 certificates"), "{error}");
    assert!(!node.data.path().join("certificates").exists());
}

#[test]
fn a_certificate_is_found_by_every_spelling_of_its_thumbprint_until_it_is_removed() {
    let node = node();
    let (a, b) = (self_signed("a.example"), self_signed("b.example"));
    let a = node.pem(&a, &StoreImport { friendly_name: Some("first\n"), ..import() }).unwrap().thumbprint;
    let b = node.pem(&b, &import()).unwrap().thumbprint;
    let pasted: String =
        a.as_bytes().chunks(2).map(|pair| format!("{} ", std::str::from_utf8(pair).unwrap())).collect();
    let pasted = format!("\u{200e}{}", pasted.to_lowercase());
    assert_eq!(node.store.get(&pasted).unwrap().item().friendly_name, "first");
    node.store.tls_key(&pasted).unwrap();
    assert_eq!(node.store.list().unwrap().certificates.len(), 2);

    node.store.remove(&pasted).unwrap();
    for error in [
        node.store.remove(&a).unwrap_err(),
        node.store.get(&a).map(|_| ()).unwrap_err(),
        node.store.tls_key(&a).map(|_| ()).unwrap_err(),
    ] {
        assert!(matches!(error, CertificateStoreError::NotFound { .. }), "{error}");
        assert!(error.to_string().contains("Import-PfxCertificate"));
    }
    assert!(!node.path(&a, "key").exists() && node.path(&b, "key").exists());
    assert!(matches!(node.store.get("../../etc/passwd"), Err(CertificateStoreError::Thumbprint(_))));
    let empty = super::CertificateStore::open(Path::new("/nonexistent"), node.store.node_key.clone());
    assert!(empty.list().unwrap().certificates.is_empty());
    assert!(matches!(empty.remove(&a), Err(CertificateStoreError::NotFound { .. })));
}

#[test]
fn an_import_again_replaces_and_several_at_once_do_not_disturb_each_other() {
    let node = node();
    let pem = self_signed("fs.contoso.com");
    let others: Vec<_> = (0..3).map(|number| self_signed(&format!("{number}.example"))).collect();
    std::thread::scope(|scope| {
        for name in ["one", "two", "three", "four"] {
            let (node, pem, others) = (&node, &pem, &others);
            scope.spawn(move || {
                for _ in 0..10 {
                    let import = StoreImport { friendly_name: Some(name), ..import() };
                    let imported = node.store.import_pem(pem, &import, &SystemRandom).unwrap();
                    node.store.tls_key(&imported.thumbprint).unwrap();
                    for other in others {
                        node.store.import_pem(other, &import, &SystemRandom).unwrap();
                    }
                }
            });
        }
    });
    let listing = node.store.list().unwrap();
    assert_eq!((listing.certificates.len(), listing.problems.len()), (4, 0));
    assert_eq!(fs::read_dir(node.data.path().join("certificates/my")).unwrap().count(), 8);
}

#[test]
fn what_a_crash_left_is_no_hindrance_and_a_key_alone_is_invisible() {
    let node = node();
    let pem = self_signed("fs.contoso.com");
    let thumbprint = node.pem(&pem, &import()).unwrap().thumbprint;
    fs::remove_file(node.path(&thumbprint, "json")).unwrap();
    let dir = node.data.path().join("certificates/my");
    for name in [format!(".{thumbprint}.key.new"), format!(".{thumbprint}.json.new")] {
        fs::write(dir.join(name), "half").unwrap();
    }
    assert!(node.store.list().unwrap().certificates.is_empty());
    node.pem(&pem, &import()).unwrap();
    assert_eq!(node.store.list().unwrap().certificates.len(), 1);
}

#[test]
fn no_key_damage_and_a_key_of_another_node_are_told_apart() {
    let (ours, theirs) = (node(), node());
    let pem = self_signed("fs.contoso.com");
    let thumbprint = ours.pem(&pem, &import()).unwrap().thumbprint;
    theirs.pem(&pem, &import()).unwrap();
    let key = ours.path(&thumbprint, "key");
    let good = fs::read_to_string(&key).unwrap();
    let error = || ours.store.tls_key(&thumbprint).map(|_| ()).unwrap_err();

    fs::copy(theirs.path(&thumbprint, "key"), &key).unwrap();
    let other = error();
    assert!(matches!(other, CertificateStoreError::OtherNode { .. }), "{other}");
    assert!(other.to_string().contains(&theirs.store.node_key.node().to_string()), "{other}");

    // The other node's name changed to ours does not make it ours.
    let forged = fs::read_to_string(&key)
        .unwrap()
        .replace(&theirs.store.node_key.node().to_string(), &ours.store.node_key.node().to_string());
    let cut = good.get(..good.len() / 2).unwrap().to_owned();
    let sealed = good.replace("v1.", "v1.AAAA");
    for damaged in [forged, cut, sealed, String::new(), "x".repeat(60_000)] {
        fs::write(&key, damaged).unwrap();
        let error = error();
        assert!(matches!(error, CertificateStoreError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains(".key"), "{error}");
    }
    fs::write(&key, "x".repeat(100_000)).unwrap();
    assert!(error().to_string().contains("more than 65536"), "{}", error());

    fs::remove_file(&key).unwrap();
    let none = error();
    assert!(
        matches!(&none, CertificateStoreError::NoPrivateKey { subject, .. } if subject == "CN=fs.contoso.com")
    );
    assert!(!ours.store.get(&thumbprint).unwrap().item().has_private_key);

    // A damaged certificate hides no other.
    ours.pem(&self_signed("b.example"), &import()).unwrap();
    for content in ["", "{}", "{\"FriendlyName\":\"\"}"] {
        fs::write(ours.path(&thumbprint, "json"), content).unwrap();
        let listing = ours.store.list().unwrap();
        assert_eq!(listing.certificates.len(), 1);
        assert!(matches!(&listing.problems[..], [CertificateStoreError::Damaged { .. }]));
    }
    let another = listing_file(&ours, "b.example");
    fs::copy(another, ours.path(&thumbprint, "json")).unwrap();
    let error = ours.store.get(&thumbprint).unwrap_err();
    assert!(error.to_string().contains("it holds the certificate"), "{error}");
}

fn listing_file(node: &Node, host: &str) -> PathBuf {
    let listing = node.store.list().unwrap();
    let found = listing.certificates.iter().find(|stored| stored.covers(host)).unwrap();
    node.path(found.thumbprint(), "json")
}

#[test]
fn a_key_of_one_certificate_is_not_taken_for_that_of_another() {
    let node = node();
    let a = node.pem(&self_signed("a.example"), &import()).unwrap().thumbprint;
    let b = node.pem(&self_signed("b.example"), &import()).unwrap().thumbprint;
    fs::copy(node.path(&a, "key"), node.path(&b, "key")).unwrap();
    let error = node.store.tls_key(&b).unwrap_err();
    assert!(matches!(error, CertificateStoreError::Damaged { .. }), "{error}");
}

fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("SKIPPED: this test gives files to other accounts, which only root can");
    }
    root
}

/// Any account that is neither root nor used by another test.
const SERVICE: u32 = 54_321;

#[test]
fn what_root_imports_belongs_to_the_account_of_the_data_directory() {
    if !is_root() {
        return;
    }
    let node = node();
    chown(node.data.path(), Some(SERVICE), Some(SERVICE)).unwrap();
    let thumbprint = node.pem(&self_signed("fs.contoso.com"), &import()).unwrap().thumbprint;
    let directories = ["certificates", "certificates/my"].map(|name| node.data.path().join(name));
    for path in
        directories.into_iter().chain(["json", "key"].map(|extension| node.path(&thumbprint, extension)))
    {
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (SERVICE, SERVICE), "{}", path.display());
    }
}

#[test]
fn root_does_not_follow_a_link_out_of_the_data_directory() {
    let (node, elsewhere) = (node(), tempfile::tempdir().unwrap());
    symlink(elsewhere.path(), node.data.path().join("certificates")).unwrap();
    let error = node.pem(&self_signed("fs.contoso.com"), &import()).unwrap_err();
    assert!(error.to_string().contains("not a directory"), "{error}");
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

const CHILD: &str = "SEKISHO_TEST_STORE";

/// Run by the next test as another account.
#[test]
fn child_process_of_another_account() {
    let Ok(arguments) = std::env::var(CHILD) else { return };
    let (data, thumbprint) = arguments.split_once(' ').unwrap();
    let key = NodeKey::open(Path::new(data)).unwrap();
    let store = CertificateStore::open(Path::new(data), Arc::new(key));
    match store.tls_key(thumbprint) {
        Ok(_) => println!("USABLE"),
        Err(error) => println!("{error:?}\n{error}"),
    }
}

/// Security case 97, wrong permissions after a restore: event 133 says what to do.
#[test]
fn a_key_that_the_service_cannot_read_is_named_with_its_owner_and_the_repair() {
    if !is_root() || Command::new("setpriv").arg("--version").output().is_err() {
        eprintln!("SKIPPED: this test needs root and the program 'setpriv'");
        return;
    }
    let outer = tempfile::tempdir().unwrap();
    fs::set_permissions(outer.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let data = outer.path().join("sekisho data");
    fs::create_dir(&data).unwrap();
    let key = Arc::new(NodeKey::create(&data, &SystemRandom).unwrap());
    for path in [data.clone(), data.join("node.key")] {
        chown(path, Some(SERVICE), Some(SERVICE)).unwrap();
    }
    let store = CertificateStore::open(&data, key);
    let imported = store.import_pem(&self_signed("fs.contoso.com"), &import(), &SystemRandom).unwrap();
    let key = data.join(format!("certificates/my/{}.key", imported.thumbprint));
    // A copy of the test program, as its own directory may be closed to others.
    let program = outer.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let run = || {
        // The store's arguments are separated by the last space only in name: the path has one too.
        let link = outer.path().join("data");
        let _ = symlink(&data, &link);
        let output = Command::new("setpriv")
            .args([&format!("--reuid={SERVICE}"), &format!("--regid={SERVICE}"), "--clear-groups"])
            .arg(&program)
            .args(["--exact", "certificate_store::tests::child_process_of_another_account", "--nocapture"])
            .env(CHILD, format!("{} {}", link.display(), imported.thumbprint))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(run().contains("USABLE"), "{}", run());

    chown(&key, Some(0), Some(0)).unwrap();
    let said = run();
    assert!(said.contains("KeyDenied"), "{said}");
    assert!(
        said.contains("belongs to root (uid 0) with mode 600, and this process, which runs as uid 54321"),
        "{said}"
    );
    assert!(said.contains(&format!("Run: chown {SERVICE}: '")), "{said}");

    // The printed command repairs it.
    let command = said.lines().find_map(|line| line.split_once("Run: ")).unwrap().1;
    let status = Command::new("sh").args(["-c", command]).status().unwrap();
    assert!(status.success(), "{command}");
    assert!(run().contains("USABLE"), "{command}");

    fs::set_permissions(&key, fs::Permissions::from_mode(0o040)).unwrap();
    let said = run();
    assert!(said.contains("with mode 040") && said.contains("Run: chmod 600 '"), "{said}");

    // A directory on the way.
    let my = data.join("certificates/my");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    chown(&my, Some(0), Some(0)).unwrap();
    let said = run();
    assert!(said.contains("certificates/my' belongs to root (uid 0) with mode 700"), "{said}");
    assert!(said.contains("chmod 700 '"), "{said}");
    assert!(!said.contains("no certificate with thumbprint"), "{said}");
}
