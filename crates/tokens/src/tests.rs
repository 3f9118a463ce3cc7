//! Whole tokens: their text, their canonical form, other implementations, real captures, and damaged ones.

use std::path::PathBuf;
use std::time::Duration;

use base::{Random, SeededRandom};
use claims::types;
use xml::c14n::{Method, canonicalize};
use xml::{Document, Element, Limits};

use crate::testing::{FSI, ID, REALM, RECIPIENT, Signer, at, claims, saml2, saml11};
use crate::validate::{self, Expectations, InResponseTo, TrustedIssuer, ValidationProblem};
use crate::{TokenError, Version, read};

/// Both tokens of the tests, signed.
fn signed() -> [String; 2] {
    [saml11(&claims()).prepare("MIIC"), saml2(&claims()).prepare("MIIC")]
        .map(|to_sign| Signer::ours().sign(to_sign.unwrap()))
}

mod written {
    use super::*;

    /// The text of a token is a contract: relying parties have parsed it for twenty years. After a change that
    /// is meant, `SEKISHO_GOLDEN=write` writes the files anew, and their difference is reviewed.
    #[test]
    fn tokens_equal_their_golden_files() {
        for (token, file) in [
            (saml11(&claims()).prepare("MIIC"), "saml11.xml"),
            (saml2(&claims()).prepare("MIIC"), "saml2.xml"),
        ] {
            let token = token.unwrap().attach(b"signature");
            let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(file);
            if std::env::var_os("SEKISHO_GOLDEN").is_some_and(|value| value == "write") {
                std::fs::write(&file, format!("{token}\n")).unwrap();
            }
            assert_eq!(token, std::fs::read_to_string(file).unwrap().trim_end_matches('\n'));
        }
    }

    #[test]
    fn a_token_type_names_a_version() {
        for version in [Version::Saml11, Version::Saml20] {
            assert_eq!(Version::from_token_type(version.namespace()), Some(version));
        }
        assert_eq!(Version::from_token_type("urn:ietf:params:oauth:token-type:jwt"), None);
    }

    #[test]
    fn canonical_form_of_a_signed_token_is_the_token() {
        for token in signed() {
            let document = Document::parse(&token, &Limits::MESSAGE).unwrap();
            assert_eq!(canonicalize(document.root(), &Method::EXCLUSIVE, None).unwrap(), token);
            // And of the token cut out of a message that binds other prefixes.
            let message = format!("<t:m xmlns:t='urn:t' xmlns='urn:d' xmlns:saml='urn:s'>{token}</t:m>");
            let document = Document::parse(&message, &Limits::MESSAGE).unwrap();
            let inner = document.root().children().next().unwrap();
            assert_eq!(canonicalize(inner, &Method::EXCLUSIVE, None).unwrap(), token);
        }
    }

    #[test]
    fn a_token_without_claims_states_the_authentication_only() {
        let one = saml11(&[]).write().unwrap().0;
        assert!(!one.contains("AttributeStatement") && !one.contains("NameIdentifier"));
        assert!(one.contains(
            "<saml:Subject><saml:SubjectConfirmation><saml:ConfirmationMethod>\
             urn:oasis:names:tc:SAML:1.0:cm:bearer</saml:ConfirmationMethod></saml:SubjectConfirmation></saml:Subject>"
        ));
        let two = saml2(&[]).unsigned().unwrap();
        assert!(!two.contains("AttributeStatement") && !two.contains("NameID"));
    }

    #[test]
    fn a_name_identifier_alone_makes_no_attribute_statement() {
        let one = saml11(&claims()[2..3]).write().unwrap().0;
        assert!(!one.contains("AttributeStatement"));
        assert_eq!(one.matches("<saml:NameIdentifier Format=").count(), 1);
    }

    #[test]
    fn qualifiers_come_from_the_properties_of_the_claim() {
        let mut name = claims().remove(2);
        for (property, value) in [
            (types::PROPERTY_NAME_QUALIFIER, "q"),
            (types::PROPERTY_SP_NAME_QUALIFIER, "s"),
            (types::PROPERTY_SP_PROVIDED_ID, "p"),
        ] {
            name.properties.insert(property.into(), value.into());
        }
        let names = [name];
        assert!(saml2(&names).unsigned().unwrap().contains(
            "emailAddress\" NameQualifier=\"q\" SPNameQualifier=\"s\" SPProvidedID=\"p\">alice@example.com</NameID>"
        ));
        assert!(saml11(&names).write().unwrap().0.contains("emailAddress\" NameQualifier=\"q\">alice@"));
    }

    #[test]
    fn an_answer_to_nothing_names_no_request() {
        let token = crate::saml2::Assertion { in_response_to: None, ..saml2(&[]) };
        assert!(token.unsigned().unwrap().contains(
            "<SubjectConfirmationData NotOnOrAfter=\"2026-11-24T10:05:00.016Z\" Recipient=\"https://app.example.com/acs\">"
        ));
    }

    #[test]
    fn saml_11_needs_a_claim_type_with_a_namespace() {
        for claim_type in ["sub", "/sub", "http://example.com/", "urn:oid:1.2"] {
            let claims = [claims::Claim::new(claim_type, "v", claims::claim::LOCAL_AUTHORITY)];
            let error = saml11(&claims).prepare("MIIC").unwrap_err();
            assert!(matches!(error, TokenError::ClaimTypeWithoutNamespace(_)), "{claim_type}");
            assert!(saml2(&claims).prepare("MIIC").is_ok());
        }
    }

    #[test]
    fn a_field_that_xml_cannot_carry_is_named() {
        let error = crate::saml2::Assertion { audience: "urn:\u{0}", ..saml2(&[]) }.unsigned().unwrap_err();
        assert_eq!(error, TokenError::FieldNotXmlText { field: "Audience", character: 0 });
        let error =
            crate::saml11::Assertion { audience: "urn:\u{B}", ..saml11(&[]) }.prepare("").unwrap_err();
        assert_eq!(error, TokenError::FieldNotXmlText { field: "Audience", character: 11 });
    }
}

mod xmlsec1 {
    use std::process::Command;

    use base64::Engine;

    use super::*;

    #[test]
    fn another_implementation_verifies_the_tokens() {
        if Command::new("xmlsec1").arg("--version").output().is_err() {
            eprintln!("xmlsec1 is not installed: tokens are not checked against it");
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let key = directory.path().join("key.pem");
        let pem = base64::engine::general_purpose::STANDARD.encode(Signer::ours().public_key_der());
        std::fs::write(&key, format!("-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----\n"))
            .unwrap();
        let ids = [
            ["--id-attr:AssertionID", "urn:oasis:names:tc:SAML:1.0:assertion:Assertion"],
            ["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"],
        ];
        let verify = |token: &str, id: &[&str]| {
            let file = directory.path().join("token.xml");
            std::fs::write(&file, token).unwrap();
            let mut command = Command::new("xmlsec1");
            // Only the given key counts: the certificate in the tokens of the tests is none.
            command
                .args(["--verify", "--enabled-key-data", "rsa", "--pubkey-pem"])
                .arg(&key)
                .args(id)
                .arg(&file);
            command.output().unwrap()
        };
        for (token, id) in signed().iter().zip(ids) {
            let output = verify(token, &id);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            assert!(!verify(&token.replace("visitor", "manager"), &id).status.success());
        }
    }
}

mod captures {
    use super::*;

    /// The directory of captured messages, where there is one.
    fn directory() -> Option<PathBuf> {
        let fixtures = std::env::var_os("SEKISHO_FIXTURES").map(PathBuf::from).or_else(|| {
            let start = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
            start.ancestors().map(|up| up.join("shared/fixtures")).find(|path| path.is_dir())
        });
        let found = fixtures.map(|path| path.join("captures/http")).filter(|path| path.is_dir());
        if found.is_none() {
            eprintln!("shared/fixtures is missing: captured messages are not read");
        }
        found
    }

    /// The first assertion below `element`.
    fn find<'a, 'i>(element: Element<'a, 'i>) -> Option<Element<'a, 'i>> {
        match element.local_name() {
            "Assertion" => Some(element),
            _ => element.children().find_map(find),
        }
    }

    /// What a stranger of today finds wrong with an assertion of long ago.
    fn problems(element: Element<'_, '_>, issuer: &str) -> Vec<ValidationProblem> {
        let keys = [Signer::ours().verification_key()];
        let expectations = Expectations {
            issuers: &[TrustedIssuer { identifier: issuer, keys: &keys, allow_sha1: true }],
            audiences: &["urn:app"],
            recipient: None,
            in_response_to: InResponseTo::NotAsked,
            now: at("10:00:00"),
            skew: Duration::from_secs(300),
        };
        validate::assertion(element, &expectations).unwrap_err()
    }

    #[test]
    fn a_saml_11_token_of_2013_is_read() {
        let Some(directory) = directory() else { return };
        let text = std::fs::read_to_string(directory.join("wstrust13-response-2013.xml")).unwrap();
        let document = Document::parse(&text, &Limits::MESSAGE).unwrap();
        let element = find(document.root()).unwrap();
        let token = read::assertion(element).unwrap();
        assert_eq!(token.version, Version::Saml11);
        assert_eq!(token.id, "_9bd2b280-f153-471a-9b73-c1df0d555075");
        assert_eq!(token.issuer, "http://fs.richard-randall.com/adfs/services/trust");
        assert_eq!(token.audience_restrictions, [["https://login.microsoftonline.com/extSTS.srf"]]);
        assert_eq!(token.not_on_or_after.unwrap().to_xml(), "2013-11-15T04:08:25.205Z");
        assert_eq!(token.name_id.as_deref(), Some("1TIu064jGEmmf+hnI+F0Jg=="));
        let claims: Vec<_> = token.claims.iter().map(|claim| (&*claim.claim_type, &*claim.value)).collect();
        assert_eq!(
            claims,
            [
                (types::NAME_IDENTIFIER, "1TIu064jGEmmf+hnI+F0Jg=="),
                ("http://schemas.xmlsoap.org/claims/UPN", "frizzo@richard-randall.com"),
                (
                    "http://schemas.microsoft.com/LiveID/Federation/2008/05/ImmutableID",
                    "1TIu064jGEmmf+hnI+F0Jg=="
                ),
            ]
        );
        assert_eq!(token.authentication.unwrap().method, "urn:oasis:names:tc:SAML:1.0:am:password");
        let problems = problems(element, &token.issuer);
        assert!(
            matches!(
                problems[..],
                [
                    ValidationProblem::Signature(_),
                    ValidationProblem::AudienceWrong { .. },
                    ValidationProblem::Expired { .. }
                ]
            ),
            "{problems:?}"
        );
    }

    #[test]
    fn saml_20_responses_of_2010_are_read() {
        let Some(directory) = directory() else { return };
        for name in
            ["saml-response-2010-sha1.xml", "saml-response-2010-sha256.xml", "saml-response-2010-xmlns.xml"]
        {
            let text = std::fs::read_to_string(directory.join(name)).unwrap();
            let document = Document::parse(&text, &Limits::MESSAGE).unwrap();
            let element = find(document.root()).unwrap();
            let token = read::assertion(element).unwrap();
            assert_eq!(token.version, Version::Saml20);
            assert_eq!(token.id, "_721b4a5a-d7e1-4861-9754-a9b197b6f9ab");
            assert_eq!(token.issuer, "http://login.example.com/issuer");
            let confirmation = &token.confirmations[0];
            assert_eq!(confirmation.in_response_to.as_deref(), Some("_fc4a34b0-7efb-012e-caae-782bcb13bb38"));
            assert_eq!(confirmation.recipient.as_deref(), Some("https://someone.example.com/endpoint"));
            assert!(!token.claims.is_empty() && token.authentication.is_some(), "{token:?}");
            let problems = problems(element, &token.issuer);
            assert!(matches!(problems[0], ValidationProblem::Signature(_)), "{problems:?}");
            assert!(problems.iter().any(|problem| matches!(problem, ValidationProblem::Expired { .. })));
        }
    }
}

mod damaged {
    use super::*;

    /// Security case 102: no damage makes the reader panic, and none that is believed changes what is read.
    #[test]
    fn a_damaged_token_is_refused_or_says_the_same() {
        let keys = [Signer::ours().verification_key()];
        let expectations = Expectations {
            issuers: &[TrustedIssuer { identifier: FSI, keys: &keys, allow_sha1: false }],
            audiences: &[REALM],
            recipient: Some(RECIPIENT),
            in_response_to: InResponseTo::NotAsked,
            now: at("10:01:00"),
            skew: Duration::ZERO,
        };
        let random = SeededRandom::new(102);
        let (mut read, mut refused, mut believed) = (0, 0, 0);
        for good in signed() {
            let document = Document::parse(&good, &Limits::MESSAGE).unwrap();
            let original = validate::assertion(document.root(), &expectations).unwrap();
            assert_eq!(original.id(), ID);
            for _ in 0..10_000 {
                let bad = damage(&good, &random);
                let Ok(document) = Document::parse(&bad, &Limits::MESSAGE) else { continue };
                read += 1;
                match validate::assertion(document.root(), &expectations) {
                    Ok(token) => {
                        believed += 1;
                        assert_eq!(token, original);
                    }
                    Err(problems) => {
                        refused += 1;
                        assert!(!problems.is_empty());
                        assert!(problems.iter().all(|problem| !problem.to_string().is_empty()));
                    }
                }
            }
        }
        assert!(read > 2_000 && refused > 2_000 && believed > 0, "{read} {refused} {believed}");
    }

    /// Writes, removes, doubles or moves a few characters, or swaps two tags.
    fn damage(good: &str, random: &SeededRandom) -> String {
        let mut text: Vec<char> = good.chars().collect();
        let number = |below: usize| usize::try_from(random.next_u64() % below as u64).unwrap();
        match number(4) {
            0 => {
                let at = number(text.len());
                let [octet] = (random as &dyn Random).bytes();
                text[at] = char::from(octet);
            }
            1 => {
                let from = number(text.len());
                let to = (from + 1 + number(8)).min(text.len());
                text.drain(from..to);
            }
            2 => {
                let from = number(text.len());
                let to = (from + number(200)).min(text.len());
                let piece: Vec<char> = text[from..to].to_vec();
                let at = number(text.len());
                text.splice(at..at, piece);
            }
            _ => {
                let tags: Vec<usize> = (0..text.len()).filter(|at| text[*at] == '>').collect();
                let at = tags[number(tags.len())] + 1;
                let insert = ["<!--x-->", " ", "<?x?>", "<a></a>", "\n", "&#x9;"][number(6)];
                text.splice(at..at, insert.chars());
            }
        }
        text.into_iter().collect()
    }
}
