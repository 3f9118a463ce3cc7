//! What the tests of this module share: a signer and messages as service providers send them.

use std::sync::OnceLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};

/// A key and its certificate.
pub(crate) struct Signer {
    key: RsaKeyPair,
    /// DER in Base64.
    pub(crate) certificate: String,
    /// PEM.
    pub(crate) certificate_pem: String,
}

impl Signer {
    fn new() -> Self {
        let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let certificate = CertificateParams::new(vec!["signer.example.com".to_owned()])
            .unwrap()
            .self_signed(&pair)
            .unwrap();
        Self {
            key: RsaKeyPair::from_pkcs8(pair.serialized_der()).unwrap(),
            certificate: STANDARD.encode(certificate.der()),
            certificate_pem: certificate.pem(),
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    }
}

/// One signer and another one.
pub(crate) fn signers() -> &'static [Signer; 2] {
    static SIGNERS: OnceLock<[Signer; 2]> = OnceLock::new();
    SIGNERS.get_or_init(|| [Signer::new(), Signer::new()])
}

/// Runs `xmlsec1 --verify`; `None` when it is not installed.
pub(crate) fn xmlsec1_verifies(xml: &str, id_of: &str, certificate_pem: &str) -> Option<bool> {
    let directory = tempfile::tempdir().unwrap();
    let (document, certificate) = (directory.path().join("document.xml"), directory.path().join("cert.pem"));
    std::fs::write(&document, xml).unwrap();
    std::fs::write(&certificate, certificate_pem).unwrap();
    let output = std::process::Command::new("xmlsec1")
        .args(["--verify", "--id-attr:ID", id_of, "--pubkey-cert-pem"])
        .args([&certificate, &document])
        .output();
    match output {
        Ok(output) => {
            if !output.status.success() {
                eprintln!("{}", String::from_utf8_lossy(&output.stderr));
            }
            Some(output.status.success())
        }
        Err(_) => {
            eprintln!("xmlsec1 is not installed: not compared with it");
            None
        }
    }
}

/// A request as python3-saml writes it.
pub(crate) const PYTHON3_SAML: &str = r#"<samlp:AuthnRequest
  xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"
  xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"
  ID="ONELOGIN_5fe9d6e499b2f0913206aab3f7191729049bb807"
  Version="2.0"
  ProviderName="SP test"
  IssueInstant="2026-11-24T08:00:00Z"
  Destination="https://fs.example.com/adfs/ls/"
  ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
  AssertionConsumerServiceURL="https://sp.example.com/acs">
    <saml:Issuer>https://sp.example.com/metadata</saml:Issuer>
    <samlp:NameIDPolicy
        Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
        AllowCreate="true" />
    <samlp:RequestedAuthnContext Comparison="exact">
        <saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef>
    </samlp:RequestedAuthnContext>
</samlp:AuthnRequest>"#;

/// A request as mod_auth_mellon (Lasso) writes it.
pub(crate) const MELLON: &str = r#"<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_4A0B6C9A7E1D4C3F9B0E6F7A1C2D3E4F" Version="2.0" IssueInstant="2026-11-24T08:00:00Z" Destination="https://fs.example.com/adfs/ls/" Consent="urn:oasis:names:tc:SAML:2.0:consent:current-implicit" ForceAuthn="false" IsPassive="false" AssertionConsumerServiceURL="https://sp.example.com/acs" ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"><saml:Issuer>https://sp.example.com/metadata</saml:Issuer><samlp:NameIDPolicy Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient" AllowCreate="true"/></samlp:AuthnRequest>"#;

/// A request as MSIdentityTools writes it: seven decimals, no destination, no consumer, no format.
pub(crate) const MS_IDENTITY_TOOLS: &str = r#"<samlp:AuthnRequest xmlns="urn:oasis:names:tc:SAML:2.0:metadata" ID="idb8a91c5fbd9b4ef7a4bdbbbfcb4d8a3a" Version="2.0" IssueInstant="2026-11-24T08:00:00.1234567Z" xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"><Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">https://sp.example.com/metadata</Issuer><samlp:NameIDPolicy /><samlp:RequestedAuthnContext><AuthnContextClassRef xmlns="urn:oasis:names:tc:SAML:2.0:assertion">urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</AuthnContextClassRef></samlp:RequestedAuthnContext></samlp:AuthnRequest>"#;

/// A message that came by the POST binding.
pub(crate) fn posted(xml: &str) -> super::binding::Message {
    let xml = STANDARD.encode(xml).replace('+', "%2B").replace('=', "%3D");
    super::binding::from_post(&format!("SAMLRequest={xml}&RelayState=here"), "SAMLRequest").unwrap()
}

/// `xml` with an enveloped signature in front of `before`.
pub(crate) fn signed(xml: &str, id: &str, before: &str, signer: &Signer) -> String {
    let at = xml.find(before).unwrap();
    let style = xml::KeyInfoStyle::DefaultNamespace;
    let to_sign = xml::ToSign::enveloped(xml, id, at, &signer.certificate, style).unwrap();
    let signature = signer.sign(to_sign.message());
    to_sign.attach(&signature)
}

/// Documents of the real world, kept beside the project; `None`, and a line that says so, without them.
pub(crate) fn fixtures(folder: &str) -> Option<std::path::PathBuf> {
    let given = std::env::var_os("SEKISHO_FIXTURES").map(std::path::PathBuf::from);
    let beside =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|up| up.join("shared/fixtures"));
    let found = given.into_iter().chain(beside).map(|root| root.join(folder)).find(|path| path.is_dir());
    if found.is_none() {
        eprintln!("skipped: no fixtures; set SEKISHO_FIXTURES to the folder that holds {folder}/");
    }
    found
}
