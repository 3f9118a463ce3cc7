//! Each check has a module of its name, with a token that only this check refuses.

use xml::{Document, Limits};

use super::*;
use crate::testing::{FSI, saml2, saml11};
use crate::testing::{ID, Mark, REALM, RECIPIENT, REQUEST, Signer, at, claims};

/// What the reader of the test tokens expects, at half past ten by default.
struct Reader {
    recipient: Option<&'static str>,
    in_response_to: InResponseTo<'static>,
    now: &'static str,
    skew: u64,
    audiences: &'static [&'static str],
    issuer: &'static str,
}

const READER: Reader = Reader {
    recipient: Some(RECIPIENT),
    in_response_to: InResponseTo::Request(REQUEST),
    now: "10:04:00",
    skew: 0,
    audiences: &["urn:other-name", REALM],
    issuer: FSI,
};

/// A reader of WS-Federation.
const WS_FEDERATION: Reader = Reader { in_response_to: InResponseTo::NotAsked, ..READER };

impl Reader {
    fn with<T>(&self, run: impl FnOnce(&Expectations<'_>) -> T) -> T {
        let keys = [Signer::ours().verification_key()];
        let other_keys = [Signer::strangers().verification_key()];
        let issuers = [
            TrustedIssuer { identifier: "urn:other-issuer", keys: &other_keys, allow_sha1: false },
            TrustedIssuer { identifier: self.issuer, keys: &keys, allow_sha1: false },
        ];
        run(&Expectations {
            issuers: &issuers,
            audiences: self.audiences,
            recipient: self.recipient,
            in_response_to: self.in_response_to,
            now: at(self.now),
            skew: Duration::from_secs(self.skew),
        })
    }

    fn read(&self, text: &str) -> Result<ValidatedToken, Vec<ValidationProblem>> {
        let document = Document::parse(text, &Limits::MESSAGE).unwrap();
        self.with(|expectations| assertion(document.root(), expectations))
    }

    /// Reads a message whose signature is around the assertion.
    fn read_inside(&self, text: &str) -> Result<ValidatedToken, Vec<ValidationProblem>> {
        let document = Document::parse(text, &Limits::MESSAGE).unwrap();
        self.with(|expectations| {
            let signer = &expectations.issuers[1];
            let policy = SignaturePolicy::strict(Profile::Saml2);
            let message = xml::verify::enveloped(document.root(), signer.keys, &policy).unwrap();
            inside(message, signer, expectations)
        })
    }
}

const BEHIND_ISSUER: Mark = Mark::Behind("</Issuer>");

/// The SAML 2.0 token of the tests with `from` replaced by `to` before it was signed.
fn changed2(from: &str, to: &str) -> String {
    let element = saml2(&claims()).unsigned().unwrap();
    assert!(element.contains(from), "{from} is not in {element}");
    Signer::ours().sign_element(&element.replace(from, to), ID, BEHIND_ISSUER)
}

/// The SAML 1.1 token of the tests with `from` replaced by `to` before it was signed.
fn changed11(from: &str, to: &str) -> String {
    let element = saml11(&claims()).write().unwrap().0;
    assert!(element.contains(from), "{from} is not in {element}");
    Signer::ours().sign_element(&element.replace(from, to), ID, Mark::Before("</saml:Assertion>"))
}

fn good2() -> String {
    Signer::ours().sign(saml2(&claims()).prepare("MIIC").unwrap())
}

fn good11() -> String {
    Signer::ours().sign(saml11(&claims()).prepare("MIIC").unwrap())
}

/// The element without the `ds:Signature` in it.
fn unsigned(signed: &str) -> String {
    let (before, rest) = signed.split_once("<ds:Signature").unwrap();
    [before, rest.split_once("</ds:Signature>").unwrap().1].concat()
}

/// The only problem of a token that must have one.
#[track_caller]
fn problem(result: Result<ValidatedToken, Vec<ValidationProblem>>) -> ValidationProblem {
    let mut problems = result.unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.remove(0)
}

#[test]
fn a_token_of_either_version_is_read_whole() {
    let two = READER.read(&good2()).unwrap();
    let one = WS_FEDERATION.read(&good11()).unwrap();
    assert_eq!((two.version(), one.version()), (Version::Saml20, Version::Saml11));
    assert_eq!((two.session_index(), one.session_index()), (Some(ID), None));
    for token in [&two, &one] {
        assert_eq!((token.id(), token.issuer(), token.audience()), (ID, FSI, REALM));
        assert_eq!(token.name_id(), Some("alice@example.com"));
        assert_eq!(token.authentication_method(), claims::types::METHOD_PASSWORD_PROTECTED_TRANSPORT);
        assert_eq!(token.authentication_instant(), at("09:59:00"));
        assert_eq!(token.issue_instant(), at("10:00:00.016"));
        assert_eq!((token.not_before(), token.not_on_or_after()), (Some(at("10:00:00")), at("11:00:00")));
        // Name identifier first, then one type after the other, all asserted by the token's issuer.
        let values: Vec<&str> = token.claims().iter().map(|claim| &*claim.value).collect();
        assert_eq!(
            values,
            [
                "alice@example.com",
                "alice@example.com",
                "R&D <Tōkyō>",
                "line\r\nbreak\t\"'",
                "上杉 謙信",
                "visitor"
            ]
        );
        assert_eq!(&*token.claims()[0].claim_type, claims::types::NAME_IDENTIFIER);
        assert_eq!(&*token.claims()[3].claim_type, claims::types::GROUP);
        for claim in token.claims() {
            assert_eq!(&*claim.issuer, FSI);
            assert_eq!(&*claim.original_issuer, if &*claim.value == "visitor" { "urn:partner" } else { FSI });
        }
    }
    assert_eq!(
        two.claims()[5].property(claims::types::PROPERTY_ATTRIBUTE_NAME),
        "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
    );
    assert_eq!(
        two.claims()[0].property(claims::types::PROPERTY_FORMAT),
        "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
    );
}

#[test]
fn all_problems_are_told_at_once_and_in_order() {
    let signed = Signer::strangers().sign(saml2(&claims()).prepare("MIIC").unwrap());
    let reader = Reader {
        audiences: &["urn:b"],
        recipient: Some("https://b.example.com/"),
        in_response_to: InResponseTo::Unsolicited,
        now: "12:00:00",
        issuer: "urn:b",
        ..READER
    };
    let problems = reader.read(&signed).unwrap_err();
    let kinds: Vec<String> = problems
        .iter()
        .map(|problem| format!("{problem:?}").split([' ', '(']).next().unwrap().to_owned())
        .collect();
    assert_eq!(
        kinds,
        [
            "Signature",
            "IssuerNotTrusted",
            "AudienceWrong",
            "Expired",
            "DeliveredLate",
            "RecipientWrong",
            "InResponseToWrong"
        ]
    );
    assert!(problems[2].to_string().contains("'urn:app'"));
}

#[test]
fn the_list_of_checks_is_complete() {
    let names: Vec<&str> = CHECKS.iter().map(|check| check.name).collect();
    assert_eq!(
        names,
        [
            "signature_is_the_issuers",
            "issuer_is_trusted",
            "audience_is_ours",
            "not_before_has_come",
            "not_on_or_after_has_not_come",
            "confirmation_is_bearer",
            "delivery_is_in_time",
            "recipient_is_ours",
            "in_response_to_is_our_request",
            "authentication_is_stated",
        ]
    );
}

mod not_readable_tests {
    use super::*;

    fn read_error(text: &str) -> String {
        match problem(READER.read(text)) {
            ValidationProblem::NotReadable(error) => error.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_must_stand_once_stands_once() {
        for (name, again) in [
            ("<Conditions", "<Conditions NotOnOrAfter=\"2036-01-01T00:00:00Z\"></Conditions>"),
            ("<Issuer>", "<Issuer>urn:evil</Issuer>"),
            ("<Subject>", "<Subject></Subject>"),
            ("<NameID", "<NameID>evil</NameID>"),
            ("<AuthnStatement", "<AuthnStatement></AuthnStatement>"),
            ("<SubjectConfirmationData", "<SubjectConfirmationData></SubjectConfirmationData>"),
        ] {
            let text = read_error(&changed2(name, &format!("{again}{name}")));
            assert!(text.contains("more than once"), "{name}: {text}");
        }
    }

    /// Security case 22: no zone, a year beyond the calendar, an instant that is none.
    #[test]
    fn a_time_that_is_no_instant_is_refused() {
        for time in ["2026-11-24T11:00:00", "99999-11-24T11:00:00Z", "2026-11-24T25:00:00Z", "", "never"] {
            let text = read_error(&changed2(
                "NotOnOrAfter=\"2026-11-24T11:00:00.000Z\"",
                &format!("NotOnOrAfter=\"{time}\""),
            ));
            assert!(text.contains("NotOnOrAfter") && text.contains("expected a UTC date"), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_not_passed_over() {
        for (from, to) in [
            ("<AudienceRestriction>", "<ProxyRestriction></ProxyRestriction><AudienceRestriction>"),
            ("<SubjectConfirmation ", "<EncryptedID></EncryptedID><SubjectConfirmation "),
            ("<AttributeStatement>", "<AttributeStatement><EncryptedAttribute></EncryptedAttribute>"),
            ("<AttributeValue>visitor", "<AttributeValue><NameID>x</NameID>visitor"),
        ] {
            assert!(read_error(&changed2(from, to)).contains("not supported"), "{to}");
        }
        assert!(
            READER
                .read(&changed2("<AudienceRestriction>", "<OneTimeUse></OneTimeUse><AudienceRestriction>"))
                .is_ok()
        );
        assert!(read_error(&changed2("Version=\"2.0\"", "Version=\"2.1\"")).contains("expected 2.0"));
        assert!(read_error(&changed11("MinorVersion=\"1\"", "MinorVersion=\"0\"")).contains("expected 1"));
        assert!(read_error("<Assertion></Assertion>").contains("no SAML 1.1 or SAML 2.0 assertion"));
    }

    #[test]
    fn the_statements_of_saml_11_are_about_one_subject() {
        let element = saml11(&claims()).write().unwrap().0;
        let at = element.rfind("alice@example.com").unwrap();
        let mut two = element.clone();
        two.replace_range(at..at + 5, "mallory");
        let signed = Signer::ours().sign_element(&two, ID, Mark::Before("</saml:Assertion>"));
        assert!(read_error(&signed).contains("different subjects"));
    }

    #[test]
    fn an_empty_value_makes_no_claim() {
        let token = READER.read(&changed2("<AttributeValue>visitor<", "<AttributeValue><")).unwrap();
        assert_eq!(token.claims().len(), claims().len() - 1);
    }
}

mod signature_is_the_issuers_tests {
    use super::*;

    fn code(result: Result<ValidatedToken, Vec<ValidationProblem>>) -> &'static str {
        match problem(result) {
            ValidationProblem::Signature(error) => error.code(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_unsigned_token_is_refused() {
        assert_eq!(code(READER.read(&unsigned(&good2()))), "signature-missing");
        assert_eq!(code(WS_FEDERATION.read(&unsigned(&good11()))), "signature-missing");
    }

    #[test]
    fn a_changed_token_is_refused() {
        for (reader, good) in [(&READER, good2()), (&WS_FEDERATION, good11())] {
            assert_eq!(code(reader.read(&good.replace("visitor", "manager"))), "signature-digest");
        }
    }

    /// Security case 14: the key of another trusted issuer is not the key of this one.
    #[test]
    fn a_key_of_another_issuer_is_refused() {
        let signed = Signer::strangers().sign(saml2(&claims()).prepare("MIIC").unwrap());
        assert_eq!(code(READER.read(&signed)), "signature-mismatch");
    }

    /// Security case 1: the signed token stands inside of one that is read.
    #[test]
    fn a_signature_inside_of_a_wrapped_token_does_not_count() {
        let good = good2();
        let evil = unsigned(&good).replace(ID, "_evil").replace("visitor", "manager");
        let advice =
            evil.replace("<AttributeStatement>", &format!("<Advice>{good}</Advice><AttributeStatement>"));
        assert_eq!(code(READER.read(&advice)), "signature-missing");
        let (head, tail) = good.split_once("<ds:Signature").unwrap();
        let signature = tail.split_once("</ds:Signature>").unwrap().0;
        let object = format!("<ds:Object>{}</ds:Object>", unsigned(&good));
        let moved = format!(
            "{}<ds:Signature{signature}{object}</ds:Signature>{}",
            head.replace(ID, "_evil"),
            evil.split_once("</Issuer>").unwrap().1
        );
        assert!(matches!(problem(READER.read(&moved)), ValidationProblem::Signature(_)));
    }
}

mod issuer_is_trusted_tests {
    use super::*;

    #[test]
    fn the_issuer_is_compared_octet_by_octet() {
        for issuer in
            ["http://fs.example.com/adfs/services/trust/", "HTTP://fs.example.com/adfs/services/trust"]
        {
            let problems = Reader { issuer, ..READER }.read(&good2()).unwrap_err();
            assert!(matches!(
                problems[..],
                [ValidationProblem::Signature(_), ValidationProblem::IssuerNotTrusted { .. }]
            ));
        }
    }

    /// A message of one issuer holds no token of another.
    #[test]
    fn the_signer_of_a_message_speaks_for_itself_only() {
        let message = in_message(&saml2(&claims()).unsigned().unwrap().replace(FSI, "urn:other-issuer"));
        assert!(matches!(problem(READER.read_inside(&message)), ValidationProblem::IssuerNotTrusted { .. }));
    }
}

mod audience_is_ours_tests {
    use super::*;

    const RESTRICTION: &str = "<AudienceRestriction><Audience>urn:app</Audience></AudienceRestriction>";
    const CONDITION: &str = "<saml:AudienceRestrictionCondition><saml:Audience>urn:app</saml:Audience></saml:AudienceRestrictionCondition>";

    fn found(result: Result<ValidatedToken, Vec<ValidationProblem>>) -> String {
        match problem(result) {
            ValidationProblem::AudienceWrong { found } => found.to_string(),
            other => panic!("{other:?}"),
        }
    }

    /// Security case 19.
    #[test]
    fn a_wrong_audience_is_refused() {
        for wrong in ["urn:app2", "URN:app", "urn:app/", " urn:app", "urn:ap", ""] {
            let to = format!("<Audience>{wrong}</Audience>");
            assert_eq!(found(READER.read(&changed2("<Audience>urn:app</Audience>", &to))), wrong);
            let to = format!("<saml:Audience>{wrong}</saml:Audience>");
            assert_eq!(
                found(WS_FEDERATION.read(&changed11("<saml:Audience>urn:app</saml:Audience>", &to))),
                wrong
            );
        }
    }

    /// Security case 19.
    #[test]
    fn an_absent_audience_is_refused() {
        assert_eq!(problem(READER.read(&changed2(RESTRICTION, ""))), ValidationProblem::AudienceMissing);
        assert_eq!(
            problem(WS_FEDERATION.read(&changed11(CONDITION, ""))),
            ValidationProblem::AudienceMissing
        );
        let empty = "<AudienceRestriction></AudienceRestriction>";
        assert_eq!(found(READER.read(&changed2(RESTRICTION, empty))), "");
    }

    /// Security case 19.
    #[test]
    fn a_second_restriction_must_hold_too() {
        let second = RESTRICTION.replace("urn:app", "urn:b");
        assert_eq!(found(READER.read(&changed2(RESTRICTION, &[RESTRICTION, &second].concat()))), "urn:b");
        let second = CONDITION.replace("urn:app", "urn:b");
        assert_eq!(found(WS_FEDERATION.read(&changed11(CONDITION, &[CONDITION, &second].concat()))), "urn:b");
        assert!(READER.read(&changed2(RESTRICTION, &[RESTRICTION, RESTRICTION].concat())).is_ok());
    }

    #[test]
    fn one_of_several_audiences_is_enough() {
        let several = "<Audience>urn:b</Audience><Audience>urn:app</Audience>";
        let token = READER.read(&changed2("<Audience>urn:app</Audience>", several)).unwrap();
        assert_eq!(token.audience(), "urn:app");
    }
}

mod not_before_has_come_tests {
    use super::*;

    /// Security case 22.
    #[test]
    fn the_boundary_is_exact() {
        for (now, skew, valid) in [
            ("09:59:59.999999", 0, false),
            ("10:00:00", 0, true),
            ("09:54:59.999999", 300, false),
            ("09:55:00", 300, true),
        ] {
            let reader = Reader { now, skew, ..WS_FEDERATION };
            for text in [good11(), good2()] {
                match valid {
                    true => assert!(reader.read(&text).is_ok(), "{now}"),
                    false => {
                        assert!(matches!(problem(reader.read(&text)), ValidationProblem::NotYetValid { .. }))
                    }
                }
            }
        }
    }

    #[test]
    fn a_token_may_begin_at_any_time() {
        let open = changed2(" NotBefore=\"2026-11-24T10:00:00.000Z\"", "");
        assert_eq!(Reader { now: "09:00:00", ..READER }.read(&open).unwrap().not_before(), None);
    }
}

mod not_on_or_after_has_not_come_tests {
    use super::*;

    /// Security case 22.
    #[test]
    fn the_boundary_is_exact() {
        for (now, skew, valid) in [
            ("10:59:59.999999", 0, true),
            ("11:00:00", 0, false),
            ("11:04:59.999999", 300, true),
            ("11:05:00", 300, false),
        ] {
            let result = Reader { now, skew, ..WS_FEDERATION }.read(&good11());
            match valid {
                true => assert!(result.is_ok(), "{now}"),
                false => assert!(matches!(problem(result), ValidationProblem::Expired { .. }), "{now}"),
            }
        }
    }

    /// Security case 22: the end of the calendar is later than now; a leap second is the end of its minute.
    #[test]
    fn odd_instants_are_instants() {
        let end = |time: &str| {
            WS_FEDERATION.read(&changed11(
                "NotOnOrAfter=\"2026-11-24T11:00:00.000Z\"",
                &format!("NotOnOrAfter=\"{time}\""),
            ))
        };
        assert!(end("9999-12-31T23:59:59Z").is_ok());
        assert!(end("2026-12-31T23:59:60Z").is_ok());
        assert!(end("2026-11-24T20:00:00+09:00").is_ok());
        assert!(matches!(problem(end("0001-01-01T00:00:00Z")), ValidationProblem::Expired { .. }));
    }

    #[test]
    fn a_token_must_end() {
        let text = changed11(" NotOnOrAfter=\"2026-11-24T11:00:00.000Z\"", "");
        assert_eq!(problem(WS_FEDERATION.read(&text)), ValidationProblem::NoEnd);
    }
}

mod confirmation_is_bearer_tests {
    use super::*;

    #[test]
    fn another_method_or_none_is_refused() {
        let text = changed2("2.0:cm:bearer", "2.0:cm:holder-of-key");
        assert_eq!(problem(READER.read(&text)), ValidationProblem::NotBearer);
        let text = changed11("1.0:cm:bearer", "1.0:cm:artifact-01");
        assert_eq!(problem(WS_FEDERATION.read(&text)), ValidationProblem::NotBearer);
        let element = "<saml:SubjectConfirmation><saml:ConfirmationMethod>urn:oasis:names:tc:SAML:1.0:cm:bearer</saml:ConfirmationMethod></saml:SubjectConfirmation>";
        assert_eq!(problem(WS_FEDERATION.read(&changed11(element, ""))), ValidationProblem::NotBearer);
    }

    #[test]
    fn two_bearer_confirmations_are_refused() {
        let second = "<SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"></SubjectConfirmation></Subject>";
        assert_eq!(problem(READER.read(&changed2("</Subject>", second))), ValidationProblem::NotBearer);
    }
}

mod delivery_is_in_time_tests {
    use super::*;

    const END: &str = " NotOnOrAfter=\"2026-11-24T10:05:00.016Z\"";

    /// Security case 22.
    #[test]
    fn the_boundary_is_exact() {
        for (now, skew, valid) in [
            ("10:05:00.015999", 0, true),
            ("10:05:00.016", 0, false),
            ("10:10:00.015999", 300, true),
            ("10:10:00.016", 300, false),
        ] {
            let result = Reader { now, skew, ..READER }.read(&good2());
            match valid {
                true => assert!(result.is_ok(), "{now}"),
                false => assert!(matches!(problem(result), ValidationProblem::DeliveredLate { .. }), "{now}"),
            }
        }
    }

    #[test]
    fn a_confirmation_ends_and_has_no_beginning() {
        assert_eq!(problem(READER.read(&changed2(END, ""))), ValidationProblem::DeliveryTime);
        let begins = format!(" NotBefore=\"2026-11-24T10:00:00.000Z\"{END}");
        assert_eq!(problem(READER.read(&changed2(END, &begins))), ValidationProblem::DeliveryTime);
    }
}

mod recipient_is_ours_tests {
    use super::*;

    /// Security case 20.
    #[test]
    fn a_wrong_or_absent_recipient_is_refused() {
        let recipient = format!(" Recipient=\"{RECIPIENT}\"");
        for to in [
            "",
            " Recipient=\"\"",
            " Recipient=\"https://app.example.com/acs/\"",
            " Recipient=\"https://APP.example.com/acs\"",
        ] {
            let problem = problem(READER.read(&changed2(&recipient, to)));
            assert!(matches!(problem, ValidationProblem::RecipientWrong { .. }), "{to}");
        }
        assert!(Reader { recipient: None, ..READER }.read(&changed2(&recipient, "")).is_ok());
    }
}

mod in_response_to_is_our_request_tests {
    use super::*;

    fn refused(in_response_to: InResponseTo<'static>, text: &str) -> bool {
        let result = Reader { in_response_to, ..READER }.read(text);
        result.is_err() && matches!(problem(result), ValidationProblem::InResponseToWrong { .. })
    }

    /// Security case 21.
    #[test]
    fn an_absent_unknown_or_unasked_request_is_refused() {
        let absent = changed2(&format!(" InResponseTo=\"{REQUEST}\""), "");
        assert!(refused(InResponseTo::Request(REQUEST), &absent));
        assert!(refused(InResponseTo::Request("_of-another-browser"), &good2()));
        assert!(refused(InResponseTo::Unsolicited, &good2()));
        assert!(refused(InResponseTo::Request(REQUEST), &good11()));
        assert!(!refused(InResponseTo::Unsolicited, &absent));
        assert!(!refused(InResponseTo::Unsolicited, &good11()));
    }
}

mod authentication_is_stated_tests {
    use super::*;

    fn without(element: &str, from: &str, to: &str) -> String {
        let (before, rest) = element.split_once(from).unwrap();
        [before, rest.split_once(to).unwrap().1].concat()
    }

    #[test]
    fn a_token_without_the_statement_is_refused() {
        let element = without(&saml2(&claims()).unsigned().unwrap(), "<AuthnStatement", "</AuthnStatement>");
        let text = Signer::ours().sign_element(&element, ID, BEHIND_ISSUER);
        assert_eq!(problem(READER.read(&text)), ValidationProblem::NoAuthentication);
        let element = saml11(&claims()).write().unwrap().0;
        let element = without(&element, "<saml:AuthenticationStatement", "</saml:AuthenticationStatement>");
        let text = Signer::ours().sign_element(&element, ID, Mark::Before("</saml:Assertion>"));
        assert_eq!(problem(WS_FEDERATION.read(&text)), ValidationProblem::NoAuthentication);
    }
}

/// A signed message around `inner`.
fn in_message(inner: &str) -> String {
    let message = format!(
        "<p:Response xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_message\">\
         <Issuer xmlns=\"urn:oasis:names:tc:SAML:2.0:assertion\">{FSI}</Issuer>{inner}</p:Response>"
    );
    Signer::ours().sign_element(&message, "_message", BEHIND_ISSUER)
}

mod inside_tests {
    use super::*;

    #[test]
    fn the_signature_of_the_message_covers_the_assertion() {
        let unsigned = saml2(&claims()).unsigned().unwrap();
        assert_eq!(READER.read_inside(&in_message(&unsigned)).unwrap().id(), ID);
        assert_eq!(READER.read_inside(&in_message(&good2())).unwrap().id(), ID);
    }

    #[test]
    fn a_second_signature_has_to_be_right_too() {
        let foreign = Signer::strangers().sign(saml2(&claims()).prepare("MIIC").unwrap());
        let problem = problem(READER.read_inside(&in_message(&foreign)));
        assert!(matches!(problem, ValidationProblem::Signature(_)));
    }

    /// Security cases 2 and 16.
    #[test]
    fn a_message_holds_one_assertion() {
        let one = saml2(&claims()).unsigned().unwrap();
        let two = one.replace(ID, "_second");
        let encrypted =
            "<EncryptedAssertion xmlns=\"urn:oasis:names:tc:SAML:2.0:assertion\"></EncryptedAssertion>";
        for (inner, found) in [
            (String::new(), 0),
            ([one.as_str(), &two].concat(), 2),
            ([one.as_str(), encrypted].concat(), 2),
            (format!("<p:Extensions>{one}</p:Extensions>"), 0),
        ] {
            assert_eq!(
                problem(READER.read_inside(&in_message(&inner))),
                ValidationProblem::AssertionCount { found }
            );
        }
    }

    #[test]
    fn every_other_check_runs_as_well() {
        let message = in_message(&saml2(&claims()).unsigned().unwrap());
        let problem = problem(Reader { audiences: &["urn:b"], ..READER }.read_inside(&message));
        assert!(matches!(problem, ValidationProblem::AudienceWrong { .. }));
    }
}
