//! xmlsec1, signxml and bergshamra: each verifies what we sign, and we verify what xmlsec1 signs.

use std::path::{Path, PathBuf};
use std::process::Command;

use xml::{SignaturePolicy, VerificationKey, verify};

use crate::signer::{
    DS, ENVELOPED, EXCLUSIVE, INCLUSIVE, PARTNER, STRICT, Signer, assertion, method, response, transforms,
};
use crate::support::{elements, installed, parse, run, skipped};
use crate::wrapping::wrapped_messages;

const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion:Assertion";
const RESPONSE: &str = "urn:oasis:names:tc:SAML:2.0:protocol:Response";

fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// An assertion and a response, each signed by this crate, and the same with one character changed.
fn signed_by_us() -> [(String, bool); 4] {
    let assertion = PARTNER.envelop(&assertion("_a", "Ren\u{e9} &lt;\u{4e0a}&gt; 'x'&#xD;"), "_a");
    let response = PARTNER.envelop(&response("_r", &assertion), "_r");
    let changed = |text: &str| text.replacen("Ren\u{e9}", "Rene", 1);
    [(changed(&assertion), false), (changed(&response), false), (assertion, true), (response, true)]
}

#[test]
fn xmlsec1_verifies_what_we_sign() {
    if !installed("xmlsec1") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let certificate = write(directory.path(), "certificate.pem", &PARTNER.certificate_pem());
    for (text, good) in signed_by_us() {
        let file = write(directory.path(), "signed.xml", &text);
        let output = run(
            "xmlsec1",
            &[
                "--verify",
                "--trusted-pem",
                certificate.to_str().unwrap(),
                "--id-attr:ID",
                ASSERTION,
                "--id-attr:ID",
                RESPONSE,
                file.to_str().unwrap(),
            ],
        );
        assert_eq!(output.status.success(), good, "{}\n{text}", String::from_utf8_lossy(&output.stderr));
    }
}

/// A Python that has the module.
fn python_with(module: &str) -> Option<String> {
    let python = std::env::var("SEKISHO_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let import = format!("import {module}");
    if Command::new(&python).args(["-c", &import]).output().is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    skipped(&format!("{module} not installed for {python}; name another Python by SEKISHO_PYTHON"));
    None
}

#[test]
fn signxml_verifies_what_we_sign() {
    let Some(python) = python_with("signxml") else { return };
    let directory = tempfile::tempdir().unwrap();
    let certificate = write(directory.path(), "certificate.pem", &PARTNER.certificate_pem());
    let script = write(
        directory.path(),
        "verify.py",
        "import sys\n\
         from lxml import etree\n\
         from signxml import XMLVerifier\n\
         root = etree.parse(sys.argv[1]).getroot()\n\
         result = XMLVerifier().verify(root, x509_cert=open(sys.argv[2]).read(), id_attribute='ID')\n\
         assert result.signed_xml.get('ID') == root.get('ID')\n",
    );
    for (text, good) in signed_by_us() {
        let file = write(directory.path(), "signed.xml", &text);
        let paths = [&script, &file, &certificate].map(|path| path.to_str().unwrap());
        let output = run(&python, &paths);
        assert_eq!(output.status.success(), good, "{}\n{text}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Whether bergshamra accepts each message: with the partner's key and no other, and with its strict checks of
/// where a reference leads.
fn bergshamra_accepts(python: &str, messages: &[&str]) -> Vec<bool> {
    let directory = tempfile::tempdir().unwrap();
    let certificate = write(directory.path(), "certificate.pem", &PARTNER.certificate_pem());
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/bergshamra_verify.py").canonicalize();
    let files = messages
        .iter()
        .enumerate()
        .map(|(number, text)| write(directory.path(), &format!("{number}.xml"), text));
    let paths: Vec<_> = [script.unwrap(), certificate].into_iter().chain(files).collect();
    let arguments: Vec<_> = paths.iter().map(|path| path.to_str().unwrap()).collect();
    let output = run(python, &arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let verdicts = String::from_utf8(output.stdout).unwrap();
    let verdicts: Vec<_> = verdicts.lines().map(|line| line == "accepted").collect();
    assert_eq!(verdicts.len(), messages.len());
    verdicts
}

#[test]
fn bergshamra_verifies_what_we_sign() {
    let Some(python) = python_with("pybergshamra") else { return };
    let signed = signed_by_us();
    let texts: Vec<_> = signed.iter().map(|(text, _)| text.as_str()).collect();
    let expected: Vec<_> = signed.iter().map(|(_, good)| *good).collect();
    assert_eq!(bergshamra_accepts(&python, &texts), expected);
}

/// Security case 1. All wrapped messages are refused here (`wrapping`). bergshamra's answer is about a signature,
/// not about an element that is to be read: where the original stands in the message as it was signed, it says
/// "valid" beside an evil element that nobody signed. That is why the answer of our verifier is the element.
#[test]
fn bergshamra_accepts_wrapped_messages_that_still_hold_what_was_signed() {
    let Some(python) = python_with("pybergshamra") else { return };
    let messages = wrapped_messages();
    let texts: Vec<_> = messages.iter().map(|(_, text)| text.as_str()).collect();
    let verdicts = bergshamra_accepts(&python, &texts);
    for ((name, _), accepted) in messages.iter().zip(verdicts) {
        let holds_it =
            ["XSW2", "XSW3", "XSW4", "XSW7"].iter().any(|arrangement| name.starts_with(arrangement));
        // An identifier that names two elements is refused by both.
        assert_eq!(accepted, holds_it && name.ends_with("_evil"), "{name}");
    }
}

/// An empty signature for xmlsec1 to fill.
fn template(signature_method: &str, digest_method: &str, canonicalization: &str, steps: &str) -> String {
    format!(
        "<ds:Signature xmlns:ds=\"{DS}\"><ds:SignedInfo>{canonicalization}{}\
         <ds:Reference URI=\"#_a\"><ds:Transforms>{steps}</ds:Transforms>{}<ds:DigestValue/></ds:Reference>\
         </ds:SignedInfo><ds:SignatureValue/></ds:Signature>",
        method("SignatureMethod", signature_method),
        method("DigestMethod", digest_method)
    )
}

/// An assertion that is far from canonical, inside a response with declarations and `xml` attributes of its own.
fn awkward(signature: &str) -> String {
    format!(
        "<?xml version='1.0'?>\n<!-- before -->\n\
         <p:Response xmlns:p='urn:oasis:names:tc:SAML:2.0:protocol' xmlns:xs='http://www.w3.org/2001/XMLSchema'\n\
         xmlns:unused='urn:unused' xml:lang='de' ID='_r'>\n\
         <Assertion Version='2.0' xmlns='urn:oasis:names:tc:SAML:2.0:assertion' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' ID='_a'>\n\
         <Issuer/>{signature}<Subject><NameID Format='a&#10;b'>Ren\u{e9}<!-- c --> &amp; <![CDATA[<b>]]>&#13;</NameID></Subject>\n\
         <AttributeValue xsi:type='xs:string' xmlns:z='urn:z' z:a='1' xmlns:a='urn:z1' a:z='2'/><?pi  data ?><x xmlns=''/>\n\
         </Assertion></p:Response>"
    )
}

fn sign_with_xmlsec1(directory: &Path, signer: &Signer, template: &str) -> String {
    let key = write(directory, "key.pem", &signer.key.serialize_pem());
    let file = write(directory, "template.xml", &awkward(template));
    let output = run(
        "xmlsec1",
        &["--sign", "--pkcs8-pem", key.to_str().unwrap(), "--id-attr:ID", ASSERTION, file.to_str().unwrap()],
    );
    assert!(output.status.success(), "{}\n{template}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn verdict(text: &str, signer: &Signer, policy: &SignaturePolicy) -> Result<(), &'static str> {
    let document = parse(text);
    let assertion = elements(document.root()).into_iter().find(|e| e.local_name() == "Assertion").unwrap();
    let key: VerificationKey = signer.verification_key();
    verify::enveloped(assertion, &[key], policy).map(|_| ()).map_err(|error| error.code())
}

#[test]
fn we_verify_what_xmlsec1_signs_in_each_canonical_form() {
    if !installed("xmlsec1") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let rsa_sha256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    let sha256 = "http://www.w3.org/2001/04/xmlenc#sha256";
    let with_comments = format!("{EXCLUSIVE}WithComments");
    let list = format!(
        "<ds:Transform Algorithm=\"{EXCLUSIVE}\"><InclusiveNamespaces xmlns=\"{EXCLUSIVE}\" PrefixList=\"xs #default unused\"/></ds:Transform>"
    );
    let allowing = SignaturePolicy { allow_inclusive_c14n: true, ..STRICT };
    for (canonicalization, steps) in [
        (EXCLUSIVE, transforms(&[ENVELOPED, EXCLUSIVE])),
        (&with_comments, transforms(&[ENVELOPED, &with_comments])),
        (EXCLUSIVE, transforms(&[ENVELOPED]) + &list),
        (INCLUSIVE, transforms(&[ENVELOPED, INCLUSIVE])),
        (INCLUSIVE, transforms(&[ENVELOPED])),
        (&format!("{INCLUSIVE}#WithComments"), transforms(&[ENVELOPED, EXCLUSIVE])),
    ] {
        let canonicalization = method("CanonicalizationMethod", canonicalization);
        let template = template(rsa_sha256, sha256, &canonicalization, &steps);
        let signed = sign_with_xmlsec1(directory.path(), &PARTNER, &template);
        assert_eq!(verdict(&signed, &PARTNER, &allowing), Ok(()), "{signed}");
        let changed = signed.replacen("xs:string", "xs:strung", 1);
        assert_eq!(verdict(&changed, &PARTNER, &allowing), Err("signature-digest"), "{changed}");
    }
}

#[test]
fn we_verify_what_xmlsec1_signs_with_each_algorithm() {
    if !installed("xmlsec1") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let more = "http://www.w3.org/2001/04/xmldsig-more#";
    let digests = [
        "http://www.w3.org/2001/04/xmlenc#sha256".to_owned(),
        format!("{more}sha384"),
        "http://www.w3.org/2001/04/xmlenc#sha512".to_owned(),
    ];
    let curves =
        [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ECDSA_P521_SHA512];
    let curves = curves.map(Signer::ec);
    let canonicalization = method("CanonicalizationMethod", EXCLUSIVE);
    let steps = transforms(&[ENVELOPED, EXCLUSIVE]);
    for (bits, digest) in [256, 384, 512].into_iter().zip(&digests) {
        let rsa = [("rsa", &*PARTNER)];
        for (kind, signer) in rsa.into_iter().chain(curves.iter().map(|signer| ("ecdsa", signer))) {
            let template = template(&format!("{more}{kind}-sha{bits}"), digest, &canonicalization, &steps);
            let signed = sign_with_xmlsec1(directory.path(), signer, &template);
            assert_eq!(verdict(&signed, signer, &STRICT), Ok(()), "{kind} {bits}");
        }
    }
    // Security case 13.
    let template = template(&format!("{DS}rsa-sha1"), &format!("{DS}sha1"), &canonicalization, &steps);
    let signed = sign_with_xmlsec1(directory.path(), &PARTNER, &template);
    assert_eq!(verdict(&signed, &PARTNER, &STRICT), Err("signature-sha1-not-allowed"));
    assert_eq!(verdict(&signed, &PARTNER, &SignaturePolicy { allow_sha1: true, ..STRICT }), Ok(()));
}
