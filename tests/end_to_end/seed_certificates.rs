//! Certificates that a developer brings along in the seed file, made with openssl as the developer would.

use std::path::Path;
use std::process::Command;

use end_to_end::{AuthnRequest, Demo, Options, decode_base64, output, start};
use tempfile::TempDir;

use crate::shared::{SAML, WSFED};
use crate::signatures::{assertion, verify_with_xmlsec1_and};

/// Files of a developer: keys with their certificates, in a folder of their own.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn openssl(&self, arguments: &str) {
        let mut command = Command::new("openssl");
        output(command.args(arguments.split(' ')).current_dir(self.folder.path()));
    }

    /// `NAME.key` and `NAME.crt`, RSA.
    fn pair(&self, name: &str) {
        self.openssl(&format!(
            "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN={name} -keyout {name}.key -out {name}.crt"
        ));
    }

    /// `NAME.pfx`, under the password `Pfx-Secret-1`.
    fn pfx(&self, name: &str) {
        self.openssl(&format!(
            "pkcs12 -export -inkey {name}.key -in {name}.crt -passout pass:Pfx-Secret-1 -out {name}.pfx"
        ));
    }

    /// `NAME.pem`: certificate and key in one file.
    fn pem(&self, name: &str) {
        let both = self.read(&format!("{name}.crt")) + &self.read(&format!("{name}.key"));
        std::fs::write(self.path(&format!("{name}.pem")), both).expect("a file");
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file")
    }

    /// The `certificates` part of a seed.
    fn seed(&self, key: &str, file: &str, password: Option<&str>) -> String {
        let password = password.map(|password| format!("password = \"{password}\"\n")).unwrap_or_default();
        format!("[certificates.{key}]\nfile = \"{}\"\n{password}", self.path(file).display())
    }
}

/// Base64 of a PEM file's certificate, on one line, as XML has it.
fn base64(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with("-----")).collect()
}

/// The certificate of the first key descriptor of a use in each role of the metadata: the primary one's.
fn published(metadata: &str, of_use: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(metadata).expect("metadata");
    let is_of_use = |node: &roxmltree::Node<'_, '_>| node.attribute("use") == Some(of_use);
    let keys = document.descendants().filter(is_of_use);
    let keys = keys.filter(|key| !key.prev_siblings().skip(1).any(|before| is_of_use(&before)));
    let certificates = keys.filter_map(|key| {
        key.descendants()
            .find(|node| node.tag_name().name() == "X509Certificate")
            .and_then(|node| node.text())
    });
    certificates.map(str::to_owned).collect()
}

#[track_caller]
fn signs_everything(demo: &Demo, certificate: &str) {
    let metadata = demo.curl().get(demo.fact("metadata_url")).body;
    let signing = published(&metadata, "signing");
    assert!(!signing.is_empty() && signing.iter().all(|found| *found == base64(certificate)), "{signing:?}");
    verify_with_xmlsec1_and(
        certificate,
        &metadata,
        "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor",
        "ID",
    );

    let (_, page) = demo.signed_in("hanako", &demo.wsignin(WSFED, ""));
    let token = assertion(&page.field("wresult").expect("a token"));
    verify_with_xmlsec1_and(
        certificate,
        &token,
        "urn:oasis:names:tc:SAML:1.0:assertion:Assertion",
        "AssertionID",
    );

    let url = format!("{}?{}", demo.passive(), AuthnRequest::new(SAML).query(None));
    let (_, page) = demo.signed_in("hanako", &url);
    let token = assertion(&decode_base64(&page.field("SAMLResponse").expect("a response")));
    verify_with_xmlsec1_and(certificate, &token, "urn:oasis:names:tc:SAML:2.0:assertion:Assertion", "ID");
}

#[test]
fn a_pfx_signs_tokens_and_metadata_and_a_pem_is_published_for_decrypting() {
    let files = Files::new();
    files.pair("signing");
    files.pfx("signing");
    files.pair("decrypting");
    files.pem("decrypting");
    let seed = files.seed("token_signing", "signing.pfx", Some("Pfx-Secret-1"))
        + &files.seed("token_decrypting", "decrypting.pem", None);
    let demo = Demo::seeded(&seed);
    signs_everything(&demo, &files.read("signing.crt"));
    let metadata = demo.curl().get(demo.fact("metadata_url")).body;
    let encryption = published(&metadata, "encryption");
    let decrypting = base64(&files.read("decrypting.crt"));
    assert!(!encryption.is_empty() && encryption.iter().all(|found| *found == decrypting), "{encryption:?}");
}

/// A demo that ran with a key of its own takes the seed's at its next start, and keeps it without the seed.
#[test]
fn a_pem_takes_the_place_of_the_key_that_signed_so_far() {
    let files = Files::new();
    files.pair("signing");
    files.pem("signing");
    let certificate = files.read("signing.crt");
    let data = Some(files.path("data"));
    let mut demo = Demo::start(&Options { data: data.clone(), ..Options::default() });
    assert_ne!(base64(&demo.signing_certificate()), base64(&certificate));
    demo.stop();
    let seed = Some(files.seed("token_signing", "signing.pem", None));
    let mut demo = Demo::start(&Options { seed, data: data.clone(), ..Options::default() });
    signs_everything(&demo, &certificate);
    demo.stop();
    let demo = Demo::start(&Options { data, ..Options::default() });
    assert_eq!(base64(&demo.signing_certificate()), base64(&certificate));
}

/// What the demo says about a certificate that it does not take: the field, the file, and what to do.
#[track_caller]
fn refused(seed: String, said: &[&str]) {
    let ended = start(&Options { seed: Some(seed.clone()), ..Options::default() });
    let ended = ended.err().unwrap_or_else(|| panic!("it was taken: {seed}"));
    assert!(!ended.status.success());
    assert!(!Path::new(&ended.data).join("demo.json").exists());
    for part in said {
        assert!(ended.error.contains(part), "{part:?} is missing in: {}", ended.error);
    }
    assert!(
        !ended.error.contains("Pfx-Secret-1") && !ended.error.contains("Wrong-Secret-2"),
        "{}",
        ended.error
    );
}

#[test]
fn a_wrong_password_is_refused() {
    let files = Files::new();
    files.pair("signing");
    files.pfx("signing");
    for password in [Some("Wrong-Secret-2"), None] {
        let seed = files.seed("token_signing", "signing.pfx", password);
        refused(seed, &["certificates.token_signing", "signing.pfx", "check the password"]);
    }
}

#[test]
fn a_file_without_a_key_is_refused() {
    let files = Files::new();
    files.pair("signing");
    files.openssl("pkcs12 -export -nokeys -in signing.crt -passout pass:Pfx-Secret-1 -out signing.pfx");
    let remedy = "export the certificate together with its key";
    let seed = files.seed("token_signing", "signing.pfx", Some("Pfx-Secret-1"));
    refused(seed, &["certificates.token_signing", "signing.pfx", remedy]);
    let seed = files.seed("token_decrypting", "signing.crt", None);
    refused(seed, &["certificates.token_decrypting", "signing.crt", remedy]);
}

#[test]
fn an_expired_certificate_is_refused() {
    let files = Files::new();
    files.pair("old");
    files.openssl("req -new -key old.key -subj /CN=old -out old.csr");
    files.openssl("x509 -req -in old.csr -signkey old.key -days -1 -out old.crt");
    files.pfx("old");
    let seed = files.seed("token_signing", "old.pfx", Some("Pfx-Secret-1"));
    refused(seed, &["certificates.token_signing", "old.pfx", "CN=old", "expired on", "renew it"]);
}

#[test]
fn a_file_that_is_missing_or_something_else_is_refused() {
    let files = Files::new();
    let seed = files.seed("token_signing", "nothing.pfx", Some("Pfx-Secret-1"));
    refused(seed, &["certificates.token_signing", "nothing.pfx", "relative to the seed file"]);
    std::fs::write(files.path("notes.txt"), "no certificate").expect("a file");
    let seed = files.seed("token_decrypting", "notes.txt", None);
    refused(seed, &["certificates.token_decrypting", "notes.txt", "not a PFX file", "no line of a PEM file"]);
}

#[test]
fn a_key_that_cannot_sign_tokens_is_refused() {
    let files = Files::new();
    files.openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=ec -keyout ec.key -out ec.crt",
    );
    files.pem("ec");
    let seed = files.seed("token_signing", "ec.pem", None);
    refused(seed, &["certificates.token_signing", "ec.pem", "RSA key"]);
}
