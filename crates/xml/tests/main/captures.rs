//! Documents of real partners and farms.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use xml::c14n::{Form, Method, canonicalize};
use xml::{Document, Element, Limits, Profile, SignaturePolicy, VerificationKey, decode, verify};

use crate::signer::DS;
use crate::support::{elements, fixtures};

fn files(directory: &str) -> Vec<(String, PathBuf)> {
    let Some(directory) = fixtures(directory) else { return Vec::new() };
    let mut files: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "xml"))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path))
        .collect();
    files.sort();
    files
}

/// The first certificate of the signature's own `KeyInfo`.
fn own_key(root: Element<'_, '_>) -> Result<VerificationKey, String> {
    let signature = root.child(DS, "Signature").unwrap().ok_or("unsigned")?;
    let certificate =
        elements(signature).into_iter().find(|e| e.is(DS, "X509Certificate")).ok_or("no certificate")?;
    let text: String = certificate.text().split_whitespace().collect();
    let der = STANDARD.decode(text).map_err(|_| "no certificate")?;
    VerificationKey::from_certificate_der(&der).map_err(|error| error.to_string())
}

fn verdict(path: &PathBuf, policy: &SignaturePolicy) -> String {
    let bytes = std::fs::read(path).unwrap();
    let verdict = || -> Result<(), String> {
        let text = decode(&bytes, &Limits::METADATA).map_err(|error| error.code().to_owned())?;
        let document = Document::parse(&text, &Limits::METADATA).map_err(|error| error.code().to_owned())?;
        let key = own_key(document.root())?;
        let verdict = verify::enveloped(document.root(), &[key], policy);
        verdict.map(|_| ()).map_err(|error| error.code().to_owned())
    };
    verdict().err().unwrap_or_else(|| "good".to_owned())
}

/// What each signed or broken document of the collection is worth; every other is unsigned.
fn expected() -> BTreeMap<&'static str, &'static str> {
    let short = "the RSA key has 1024 bits; use 2048 to 8192, as AD FS does";
    BTreeMap::from([
        ("adfs-abcl.xml", "good"),
        ("adfs-bsr.xml", "good"),
        ("adfs-cecure-1.xml", "good"),
        ("adfs-melco.xml", "good"),
        ("adfs-testad.xml", "good"),
        ("adfs-ucar.xml", "good"),
        ("entra-tenant-1.xml", "good"),
        ("wif-localsts.xml", "good"),
        // SHA-1: good only for a trust that allows it.
        ("okta-idp.xml", "good"),
        // Changed after it was signed.
        ("adfs-ucar-tampered.xml", "signature-digest"),
        // Changed everywhere: reformatted, anonymised, certificates exchanged.
        ("adfs-cecure-2.xml", "signature-mismatch"),
        ("adfs-endava.xml", "signature-mismatch"),
        ("adfs-sustainsys.xml", "signature-mismatch"),
        ("entra-tenant-2.xml", "signature-mismatch"),
        // Not documents, or with a placeholder for the certificate.
        ("adfs-truncated-head.xml", "xml-not-well-formed"),
        ("ssp-corrupted.xml", "xml-not-well-formed"),
        ("adfs-django-mock.xml", "no certificate"),
        // Keys that are too short.
        ("onelogin-sp-signed.xml", short),
        ("spring-sp-signed.xml", short),
        ("spring-sp-signed-ca.xml", short),
        ("spring-sp-signed-chain.xml", short),
        ("ssp-signed-ca.xml", short),
        ("ssp-signed-selfsigned.xml", short),
        // Signed by the empty reference, for want of an ID.
        ("aggregate-swamid-1.0.xml", "signature-no-identifier"),
    ])
}

#[test]
fn signed_metadata_verifies_against_its_own_certificate() {
    let expected = expected();
    let strict = SignaturePolicy::strict(Profile::Metadata);
    let allowing = SignaturePolicy { allow_sha1: true, allow_inclusive_c14n: true, ..strict };
    let files = files("metadata");
    let found: BTreeMap<_, _> = files
        .iter()
        .map(|(name, path)| (name.as_str(), verdict(path, &allowing)))
        .filter(|(_, verdict)| verdict != "unsigned")
        .collect();
    if files.is_empty() {
        return;
    }
    assert_eq!(found, expected.into_iter().map(|(name, verdict)| (name, verdict.to_owned())).collect());
    for (name, path) in &files {
        if name == "okta-idp.xml" {
            assert_eq!(verdict(path, &strict), "signature-sha1-not-allowed");
        } else if found.get(name.as_str()).is_some_and(|verdict| verdict == "good") {
            assert_eq!(verdict(path, &strict), "good", "{name}");
        }
    }
}

#[test]
fn captured_messages_are_read() {
    for (name, path) in files("captures/http") {
        let bytes = std::fs::read(path).unwrap();
        let text = decode(&bytes, &Limits::MESSAGE).unwrap();
        assert!(Document::parse(&text, &Limits::MESSAGE).is_ok(), "{name}");
    }
}

/// Canonical form against documents whose signature the profile refuses (short key, certificate lost, empty URI):
/// the digest must fit all the same.
#[test]
fn the_digests_of_real_signatures_fit() {
    let mut fitting = Vec::new();
    for (name, path) in files("metadata").into_iter().chain(files("captures/http")) {
        let bytes = std::fs::read(path).unwrap();
        let text = decode(&bytes, &Limits::METADATA).unwrap();
        let Ok(document) = Document::parse(&text, &Limits::METADATA) else { continue };
        for element in elements(document.root()) {
            let Some(signature) = element.child(DS, "Signature").unwrap() else { continue };
            let inside = elements(signature);
            let find = |local: &str| inside.iter().find(|e| e.is(DS, local));
            let Some(digest_method) = find("DigestMethod") else { continue };
            let algorithm = match digest_method.attribute("Algorithm").unwrap().rsplit('#').next().unwrap() {
                "sha1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
                "sha256" => &digest::SHA256,
                other => panic!("{other}"),
            };
            let method = Method { form: Form::Exclusive { prefixes: Vec::new() }, comments: false };
            let canonical = canonicalize(element, &method, Some(signature)).unwrap();
            let ours = STANDARD.encode(digest::digest(algorithm, canonical.as_bytes()));
            if ours == find("DigestValue").unwrap().text().trim() {
                fitting.push(name.clone());
            }
        }
    }
    if fitting.is_empty() && fixtures("metadata").is_none() {
        return;
    }
    for name in [
        "aggregate-swamid-1.0.xml",
        "onelogin-sp-signed.xml",
        "spring-sp-signed.xml",
        "spring-sp-signed-ca.xml",
        "spring-sp-signed-chain.xml",
        "ssp-signed-ca.xml",
        "ssp-signed-selfsigned.xml",
        "saml-response-2010-sha1.xml",
        "saml-response-2010-sha256.xml",
        "saml-response-2010-xmlns.xml",
    ] {
        assert!(fitting.iter().any(|fitting| fitting == name), "{name} is not among {fitting:?}");
    }
}
