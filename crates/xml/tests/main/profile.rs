//! What the profile refuses although the signature over `SignedInfo` is good, and what it reads.

use aws_lc_rs::digest;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use xml::{KeyError, Profile, SignaturePolicy, VerificationKey, verify};

use crate::signer::{
    ENVELOPED, EXCLUSIVE, INCLUSIVE, PARTNER, Parts, RSA_SHA256, SHA256, STRANGER, STRICT, Signer,
    algorithms, assertion, method, reference, sha256, transforms,
};
use crate::support::parse;

const ID: &str = "_a1";

fn element() -> String {
    assertion(ID, "alice@partner.example")
}

fn code_under(text: &str, policy: &SignaturePolicy) -> Result<(), &'static str> {
    let document = parse(text);
    verify::enveloped(document.root(), &[PARTNER.verification_key()], policy)
        .map(|_| ())
        .map_err(|error| error.code())
}

fn code(text: &str) -> Result<(), &'static str> {
    code_under(text, &STRICT)
}

fn with(change: impl FnOnce(&mut Parts)) -> String {
    let mut parts = Parts::regular(&element(), ID);
    change(&mut parts);
    parts.attach_to(&element())
}

fn with_reference(uri: &str, steps: &[&str], digest_method: &str, digest: &[u8]) -> String {
    with(|parts| parts.references = vec![reference(uri, &transforms(steps), digest_method, digest)])
}

#[test]
fn the_regular_signature_is_believed() {
    assert_eq!(code(&with(|_| {})), Ok(()));
}

#[test]
fn one_changed_byte_is_refused() {
    let signed = with(|_| {});
    for (from, to, expected) in [
        ("alice@", "alicf@", "signature-digest"),
        ("Name=\"role\"", "Name=\"Role\"", "signature-digest"),
        ("</saml:Subject>", "</saml:Subject> ", "signature-digest"),
        ("<ds:DigestValue>", "<ds:DigestValue>AA", "signature-malformed"),
        ("Reference URI", "Reference Id=\"x\" URI", "signature-mismatch"),
        (&format!("ID=\"{ID}\""), "ID=\"_a2\"", "signature-reference"),
        (&format!("ID=\"{ID}\""), "", "signature-no-identifier"),
        (&format!("ID=\"{ID}\""), "ID=\"\"", "signature-no-identifier"),
    ] {
        assert!(signed.contains(from));
        assert_eq!(code(&signed.replacen(from, to, 1)), Err(expected), "{from} → {to}");
    }
}

/// Security case 4.
#[test]
fn only_a_reference_to_the_element_itself_is_read() {
    let digest = sha256(&element());
    let steps = [ENVELOPED, EXCLUSIVE];
    for uri in [
        "",
        "#",
        "_a1",
        "#_A1",
        "#_a1 ",
        "#_a10",
        "#xpointer(/)",
        "#xpointer(id('_a1'))",
        "#%5Fa1",
        "file:///etc/passwd",
        "http://partner.example/#_a1",
    ] {
        assert_eq!(code(&with_reference(uri, &steps, SHA256, &digest)), Err("signature-reference"), "{uri}");
    }
    let without = with(|parts| parts.references[0] = parts.references[0].replacen(" URI=\"#_a1\"", "", 1));
    assert_eq!(code(&without), Err("signature-reference"));
}

/// Security case 4.
#[test]
fn exactly_one_reference_is_read() {
    assert_eq!(code(&with(|parts| parts.references.clear())), Err("signature-reference-count"));
    let twice = with(|parts| parts.references.push(parts.references[0].clone()));
    assert_eq!(code(&twice), Err("signature-reference-count"));
}

/// Security case 5.
#[test]
fn the_identifier_is_the_one_of_the_profile() {
    for (attribute, profile, expected) in [
        ("ID", Profile::Saml2, Ok(())),
        ("ID", Profile::Metadata, Ok(())),
        ("ID", Profile::Saml11, Err("signature-no-identifier")),
        ("AssertionID", Profile::Saml11, Ok(())),
        ("AssertionID", Profile::Saml2, Err("signature-no-identifier")),
        ("Id", Profile::Saml2, Err("signature-no-identifier")),
        ("xml:id", Profile::Saml2, Err("signature-no-identifier")),
    ] {
        // Only one attribute changes its name, and the order of the canonical form with it.
        let element = match attribute {
            "xml:id" => {
                element().replacen(" ID=\"_a1\" Version=\"2.0\"", " Version=\"2.0\" xml:id=\"_a1\"", 1)
            }
            _ => element().replacen(" ID=", &format!(" {attribute}="), 1),
        };
        let text = Parts::regular(&element, ID).attach_to(&element);
        assert_eq!(code_under(&text, &SignaturePolicy::strict(profile)), expected, "{attribute} {profile:?}");
    }
}

/// Security case 6.
#[test]
fn a_comment_in_a_signed_name_is_read_over() {
    let text = with(|_| {}).replacen("alice@partner", "alice@<!-- x -->partner", 1);
    let document = parse(&text);
    let verified = verify::enveloped(document.root(), &[PARTNER.verification_key()], &STRICT).unwrap();
    let subject = verified.get().children().find(|child| child.local_name() == "Subject").unwrap();
    let name = subject.children().next().unwrap();
    assert_eq!(name.text(), "alice@partner.example");
}

/// Security case 11.
#[test]
fn another_spelling_of_the_same_text_changes_nothing_and_another_text_breaks_the_signature() {
    let signed = with(|_| {});
    for (spelling, expected) in [
        ("<![CDATA[alice@partner]]>.example", Ok("alice@partner.example")),
        ("&#97;lice@partner.example", Ok("alice@partner.example")),
        ("alice@partner.example\n", Err("signature-digest")),
        ("alice@partner<?x?>.example", Err("signature-digest")),
        ("alice@partner&#13;.example", Err("signature-digest")),
    ] {
        let text = signed.replacen("alice@partner.example", spelling, 1);
        let document = parse(&text);
        let verdict = verify::enveloped(document.root(), &[PARTNER.verification_key()], &STRICT);
        let read = verdict.map_err(|error| error.code()).map(|verified| {
            let subject = verified.get().children().find(|child| child.local_name() == "Subject").unwrap();
            subject.children().next().unwrap().text().into_owned()
        });
        assert_eq!(read.as_deref().map_err(|code| *code), expected, "{spelling}");
    }
}

/// Security case 10.
#[test]
fn the_digest_of_nothing_is_the_digest_of_no_element() {
    let text = with_reference("#_a1", &[ENVELOPED, EXCLUSIVE], SHA256, &sha256(""));
    assert_eq!(code(&text), Err("signature-digest"));
    let text = with_reference("#_a1", &[ENVELOPED, EXCLUSIVE], SHA256, b"");
    assert_eq!(code(&text), Err("signature-digest"));
}

/// Security case 12.
#[test]
fn only_the_enveloped_transform_and_one_canonicalization_are_read() {
    let digest = sha256(&element());
    for steps in [
        [EXCLUSIVE, ENVELOPED].as_slice(),
        &[ENVELOPED, EXCLUSIVE, EXCLUSIVE],
        &[ENVELOPED, ENVELOPED],
        &[EXCLUSIVE],
        &[],
        &[ENVELOPED, "http://www.w3.org/TR/1999/REC-xslt-19991116"],
        &[ENVELOPED, "http://www.w3.org/TR/1999/REC-xpath-19991116"],
        &[ENVELOPED, "http://www.w3.org/2002/06/xmldsig-filter2"],
        &[ENVELOPED, "http://www.w3.org/2000/09/xmldsig#base64"],
        &["http://www.w3.org/2000/09/xmldsig#base64", EXCLUSIVE],
        &[ENVELOPED, "http://www.w3.org/2006/12/xml-c14n11"],
    ] {
        let text = with_reference("#_a1", steps, SHA256, &digest);
        assert_eq!(code(&text), Err("signature-transform"), "{steps:?}");
    }
    let xslt = with(|parts| {
        parts.canonicalization =
            method("CanonicalizationMethod", "http://www.w3.org/TR/1999/REC-xslt-19991116");
    });
    assert_eq!(code(&xslt), Err("signature-transform"));
}

/// Security case 12.
#[test]
fn inclusive_canonicalization_needs_the_policy() {
    let allowing = SignaturePolicy { allow_inclusive_c14n: true, ..STRICT };
    let digest = sha256(&element());
    for text in [
        with_reference("#_a1", &[ENVELOPED, INCLUSIVE], SHA256, &digest),
        with_reference("#_a1", &[ENVELOPED], SHA256, &digest),
    ] {
        assert_eq!(code(&text), Err("signature-inclusive-not-allowed"));
        assert_eq!(code_under(&text, &allowing), Ok(()));
    }
    // In inclusive form SignedInfo declares the prefix of the assertion too.
    let mut parts = Parts::regular(&element(), ID);
    parts.canonicalization = method("CanonicalizationMethod", INCLUSIVE);
    let declaration = " xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">";
    let inclusive = parts.signed_info().replacen('>', declaration, 1);
    let value = PARTNER.sign_rsa(&RSA_PKCS1_SHA256, inclusive.as_bytes());
    let text = parts.attach_with(&element(), &value);
    assert_eq!(code(&text), Err("signature-inclusive-not-allowed"));
    assert_eq!(code_under(&text, &allowing), Ok(()));
}

#[test]
fn with_comments_is_read_but_a_reference_by_identifier_has_none() {
    const WITH_COMMENTS: &str = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";
    let text = with_reference("#_a1", &[ENVELOPED, WITH_COMMENTS], SHA256, &sha256(&element()));
    assert_eq!(code(&text), Ok(()));
    assert_eq!(code(&text.replacen("<saml:Subject>", "<saml:Subject><!-- -->", 1)), Ok(()));
    // `SignedInfo` is not reached through a reference: there a comment counts.
    let text = with(|parts| parts.canonicalization = method("CanonicalizationMethod", WITH_COMMENTS));
    assert_eq!(code(&text), Ok(()));
    assert_eq!(
        code(&text.replacen("<ds:Reference ", "<!-- --><ds:Reference ", 1)),
        Err("signature-mismatch")
    );
}

/// Security case 13.
#[test]
fn weak_and_unknown_algorithms_are_refused() {
    for algorithm in [
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha224",
        "http://www.w3.org/2001/04/xmldsig-more#RSA-SHA256",
        "none",
        "",
    ] {
        let text = with(|parts| parts.signature_method = method("SignatureMethod", algorithm));
        assert_eq!(code(&text), Err("signature-algorithm"), "{algorithm}");
    }
    for algorithm in
        ["http://www.w3.org/2001/04/xmldsig-more#md5", "http://www.w3.org/2001/04/xmlenc#sha1", ""]
    {
        let text = with_reference("#_a1", &[ENVELOPED, EXCLUSIVE], algorithm, &sha256(&element()));
        assert_eq!(code(&text), Err("signature-algorithm"), "{algorithm}");
    }
}

/// Security case 13.
#[test]
fn hmac_with_the_public_key_as_its_secret_is_refused() {
    let mut parts = Parts::regular(&element(), ID);
    parts.signature_method = method("SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256");
    for secret in [PARTNER.spki(), PARTNER.certificate.clone(), PARTNER.key.public_key_pem().into_bytes()] {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), parts.signed_info().as_bytes());
        assert_eq!(code(&parts.attach_with(&element(), tag.as_ref())), Err("signature-algorithm"));
    }
}

/// Security case 13.
#[test]
fn sha_1_needs_the_policy() {
    const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
    const RSA_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, element().as_bytes());
    let allowing = SignaturePolicy { allow_sha1: true, ..STRICT };
    let text = with_reference("#_a1", &[ENVELOPED, EXCLUSIVE], SHA1, digest.as_ref());
    assert_eq!(code(&text), Err("signature-sha1-not-allowed"));
    assert_eq!(code_under(&text, &allowing), Ok(()));
    let text = with(|parts| parts.signature_method = method("SignatureMethod", RSA_SHA1));
    assert_eq!(code(&text), Err("signature-sha1-not-allowed"));
    assert_eq!(code_under(&text, &allowing), Err("signature-mismatch"));
    assert_eq!(detached(RSA_SHA1, b"m", b"s", &STRICT), Err("signature-sha1-not-allowed"));
}

/// Security case 13.
#[test]
fn short_rsa_keys_and_other_kinds_of_key_are_refused() {
    let rsa_1024 = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCU9sMQ6FB1s2bWEJCCZsubrrbm4P209gg1lCYRICTxT32XtDhca9EVwbGE\
                    DygkDXomO76FMhlBWX6CejqfKthaYJ3Ymamsj2dc9/HFllz2zQnrH7g+YRS7jefRAsbJGbP1qCDyb/IIE0bqBU/GYy6wVvJtouLO\
                    tJmHui+MurAJ8QIDAQAB";
    let secp256k1 = "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEJS9/2eexYlxulnH92njoJTzGbsctclUbDGqirdrf3qEdxYlt0Pt8z3VdFmAx\
                     Uro9cHvoeJmphWjYFmarc8JV8w==";
    let ed25519 = "MCowBQYDK2VwAyEALzxTqBgtg1zID65cnisDbOK5PNMBzpmfXzBa7yv3gaw=";
    let key = |base64: &str| VerificationKey::from_spki_der(&STANDARD.decode(base64).unwrap());
    assert_eq!(key(rsa_1024), Err(KeyError::RsaSize { bits: 1024 }));
    assert_eq!(key(secp256k1), Err(KeyError::Curve { oid: "1.3.132.0.10".to_owned() }));
    assert_eq!(key(ed25519), Err(KeyError::Kind { oid: "1.3.101.112".to_owned() }));
}

#[test]
fn a_key_is_read_from_a_certificate_or_from_its_public_key() {
    let key = VerificationKey::from_spki_der(&PARTNER.spki()).unwrap();
    assert_eq!(VerificationKey::from_certificate_der(&PARTNER.certificate), Ok(key));
    let longer = [PARTNER.certificate.as_slice(), b"\0"].concat();
    assert_eq!(VerificationKey::from_certificate_der(&longer), Err(KeyError::NotACertificate));
    let longer = [PARTNER.spki().as_slice(), b"\0"].concat();
    assert_eq!(VerificationKey::from_spki_der(&longer), Err(KeyError::NotAPublicKey));
    assert_eq!(VerificationKey::from_certificate_der(b""), Err(KeyError::NotACertificate));
}

/// Security case 14.
#[test]
fn key_info_is_ignored() {
    let key_info = |certificate: &str| {
        format!(
            "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
        )
    };
    let mut parts = Parts::regular(&element(), ID);
    parts.key_info = key_info(&STRANGER.certificate_base64());
    assert_eq!(code(&parts.attach_to(&element())), Ok(()), "another certificate than the one that signed");
    let by_stranger = STRANGER.sign_rsa(&RSA_PKCS1_SHA256, parts.signed_info().as_bytes());
    assert_eq!(code(&parts.attach_with(&element(), &by_stranger)), Err("signature-mismatch"));
    parts.key_info = key_info("not even Base64");
    assert_eq!(code(&parts.attach_to(&element())), Ok(()));
    parts.key_info = String::new();
    assert_eq!(code(&parts.attach_to(&element())), Ok(()));
}

#[test]
fn the_fitting_key_is_named_and_without_keys_nothing_is_believed() {
    let text = with(|_| {});
    let document = parse(&text);
    let keys = [STRANGER.verification_key(), PARTNER.verification_key()];
    assert_eq!(verify::enveloped(document.root(), &keys, &STRICT).unwrap().key_index(), 1);
    assert_eq!(
        verify::enveloped(document.root(), &keys[..1], &STRICT).unwrap_err().code(),
        "signature-mismatch"
    );
    assert_eq!(verify::enveloped(document.root(), &[], &STRICT).unwrap_err().code(), "signature-no-key");
}

#[test]
fn anything_in_a_signature_that_the_profile_does_not_foresee_is_refused() {
    let object = with(|parts| parts.more = "<ds:Object></ds:Object>".to_owned());
    let two_key_infos =
        with(|parts| parts.key_info = "<ds:KeyInfo></ds:KeyInfo><ds:KeyInfo></ds:KeyInfo>".to_owned());
    let parameter = with(|parts| {
        parts.signature_method = format!(
            "<ds:SignatureMethod Algorithm=\"{RSA_SHA256}\"><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>"
        );
    });
    let manifest = with(|parts| parts.references = vec!["<ds:Manifest></ds:Manifest>".to_owned()]);
    let signed = with(|_| {});
    let from = signed.find("<ds:SignedInfo").unwrap();
    let to = signed.find("</ds:SignedInfo>").unwrap() + "</ds:SignedInfo>".len();
    let two_signed_infos = signed.replacen(&signed[from..to], &signed[from..to].repeat(2), 1);
    let foreign = signed.replacen("<ds:SignatureValue>", "<ds:SignatureValue><x></x>", 1);
    let many: String = (0..33).map(|i| format!("p{i} ")).collect();
    let long_list = with(|parts| {
        parts.canonicalization = format!(
            "<ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"><InclusiveNamespaces xmlns=\"{EXCLUSIVE}\" PrefixList=\"{many}\"></InclusiveNamespaces></ds:CanonicalizationMethod>"
        );
    });
    let stuffed = long_list.replacen(&format!("PrefixList=\"{many}\">"), "PrefixList=\"x\"><x></x>", 1);
    for text in [stuffed, object, two_key_infos, parameter, manifest, two_signed_infos, foreign, long_list] {
        assert_eq!(code(&text), Err("signature-malformed"), "{text}");
    }
}

#[test]
fn each_algorithm_of_the_profile_is_believed_with_its_own_kind_of_key() {
    for algorithm in algorithms() {
        let element = element();
        let digest = digest::digest(algorithm.digest, element.as_bytes());
        let steps = transforms(&[ENVELOPED, EXCLUSIVE]);
        let mut parts = Parts::regular(&element, ID);
        parts.signature_method = method("SignatureMethod", algorithm.signature);
        parts.references = vec![reference("#_a1", &steps, algorithm.digest_method, digest.as_ref())];
        let value = (algorithm.sign)(&algorithm.signer, parts.signed_info().as_bytes());
        let text = parts.attach_with(&element, &value);
        let document = parse(&text);
        let key = algorithm.signer.verification_key();
        let verdict = verify::enveloped(document.root(), std::slice::from_ref(&key), &STRICT);
        assert!(verdict.is_ok(), "{} {verdict:?}", algorithm.signature);
        let other = match key {
            VerificationKey::Rsa(_) => Signer::ec(&rcgen::PKCS_ECDSA_P256_SHA256),
            VerificationKey::Ec(_) => Signer::ec(&rcgen::PKCS_ECDSA_P521_SHA512),
        };
        let verdict = verify::enveloped(document.root(), &[other.verification_key()], &STRICT);
        let expected = if value.len() == 256 { "signature-no-key" } else { "signature-mismatch" };
        assert_eq!(verdict.unwrap_err().code(), expected, "{}", algorithm.signature);
        // ECDSA: r and s at full length, nothing before or behind.
        for broken in [&value[1..], &[value.as_slice(), b"\0"].concat(), &vec![0; value.len()], b""] {
            let text = parts.attach_with(&element, broken);
            let document = parse(&text);
            let verdict = verify::enveloped(document.root(), std::slice::from_ref(&key), &STRICT);
            assert_eq!(verdict.unwrap_err().code(), "signature-mismatch", "{}", algorithm.signature);
        }
    }
}

fn detached(
    algorithm: &str,
    message: &[u8],
    signature: &[u8],
    policy: &SignaturePolicy,
) -> Result<Vec<u8>, &'static str> {
    let keys = [STRANGER.verification_key(), PARTNER.verification_key()];
    verify::detached(algorithm, &keys, message, signature, policy)
        .map(|verified| verified.into_inner().to_vec())
        .map_err(|error| error.code())
}

#[test]
fn a_detached_signature_fits_its_bytes_only() {
    let query = b"SAMLRequest=fZ%3d&RelayState=x&SigAlg=http%3a%2f%2fwww.w3.org%2f2001%2f04%2fxmldsig-more%23rsa-sha256";
    let signature = PARTNER.sign_rsa(&RSA_PKCS1_SHA256, query);
    assert_eq!(detached(RSA_SHA256, query, &signature, &STRICT), Ok(query.to_vec()));
    let upper = query.map(|byte| byte.to_ascii_uppercase());
    assert_eq!(detached(RSA_SHA256, &upper, &signature, &STRICT), Err("signature-mismatch"));
    let sha512 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512";
    assert_eq!(detached(sha512, query, &signature, &STRICT), Err("signature-mismatch"));
    let ecdsa = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
    assert_eq!(detached(ecdsa, query, &signature, &STRICT), Err("signature-no-key"));
    let hmac = "http://www.w3.org/2000/09/xmldsig#hmac-sha1";
    assert_eq!(detached(hmac, query, &signature, &STRICT), Err("signature-algorithm"));
}

#[test]
fn what_a_peer_sent_is_quoted_shortened() {
    let text = with(|parts| parts.signature_method = method("SignatureMethod", &"x".repeat(10_000)));
    let document = parse(&text);
    let error = verify::enveloped(document.root(), &[PARTNER.verification_key()], &STRICT).unwrap_err();
    assert!(error.to_string().len() < 400, "{error}");
}
