//! Claims X-Ray, the built-in relying party: it must believe nothing that was not made for it, for this browser, now.

use end_to_end::{AuthnRequest, Curl, Demo, Response, decode_base64, encode_base64};

use crate::shared::demo;

/// Starts at X-Ray, signs in, and stops before the response is delivered.
fn answer(demo: &Demo, protocol: &str) -> (Curl, Response) {
    let (curl, user) = (demo.curl(), demo.user("alice"));
    let started = curl.get(&format!("{}/claimsxray/start?protocol={protocol}", demo.base()));
    assert_eq!(started.status, 302, "{}", started);
    let page = curl.sign_in(started.header("location").unwrap(), &user.upn, &user.password);
    assert!(page.response_action().is_some(), "{}", page);
    (curl, page)
}

fn deliver(curl: &Curl, page: &Response, change: impl Fn(&str, String) -> String) -> Response {
    let fields: Vec<(&str, String)> =
        page.field_names().into_iter().map(|name| (name, change(name, page.field(name).unwrap()))).collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    curl.post(&page.response_action().unwrap(), &fields)
}

fn assert_accepted(page: &Response) {
    assert_eq!(page.status, 200);
    assert!(page.body.contains("data-verdict=\"accepted\""), "{}", page);
    assert_eq!(page.text_of("nameId").as_deref(), Some("alice@contoso.lab"));
}

/// Refused by this check, and nothing of the token is shown as if it were true.
fn assert_refused(page: &Response, check: &str, text: &str) {
    assert_eq!(page.status, 200);
    assert!(page.body.contains("data-verdict=\"refused\""), "{}", page);
    let problem = page
        .body
        .split_once(&format!("data-check=\"{check}\""))
        .unwrap_or_else(|| panic!("no {check}: {}", page));
    let problem = problem.1.split_once("</li>").unwrap().0;
    assert!(problem.contains(text), "{text:?} is not in {problem}");
    assert!(!page.body.contains("id=\"claims\"") && !page.body.contains("id=\"nameId\""), "{}", page);
}

/// Changes the XML of a response.
fn with_xml(name: &str, value: String, change: impl Fn(&str) -> String) -> String {
    match name {
        "wresult" => change(&value),
        "SAMLResponse" => encode_base64(change(&decode_base64(&value))),
        _ => value,
    }
}

/// What an attacker makes of a message.
type Change = fn(&str) -> String;
/// What an attacker makes of a message and the signed assertion in it.
type Wrap = fn(&str, &str) -> String;

const PROTOCOLS: [&str; 3] = ["wsfed-saml11", "wsfed-saml20", "saml20"];

#[test]
fn a_token_of_each_kind_is_shown() {
    let demo = demo();
    for protocol in PROTOCOLS {
        let (curl, page) = answer(demo, protocol);
        let shown = curl.deliver(&page);
        assert_accepted(&shown);
        assert!(shown.body.contains("Alice"), "{protocol}");
        assert!(shown.body.contains(demo.fact("entity_id")), "{protocol}");
    }
}

/// Security case 23.
#[test]
fn a_response_is_taken_once() {
    let demo = demo();
    for protocol in PROTOCOLS {
        let (curl, page) = answer(demo, protocol);
        let jar = curl.jar();
        assert_accepted(&curl.deliver(&page));
        // As if the browser still had the cookie of its request.
        curl.set_jar(&jar);
        assert_refused(&curl.deliver(&page), "token_is_taken_once", "was taken before");
    }
}

/// A restart forgets nothing of it.
#[test]
fn a_response_is_taken_once_across_a_restart() {
    let demo = Demo::plain();
    let (curl, page) = answer(&demo, "wsfed-saml11");
    let jar = curl.jar();
    assert_accepted(&curl.deliver(&page));
    let demo = demo.crash_and_restart();
    let again = demo.curl();
    again.set_jar(&jar);
    assert_refused(&again.deliver(&page), "token_is_taken_once", "was taken before");
}

/// Security cases 21 and 79: a response that somebody slips into another browser.
#[test]
fn a_response_of_another_browser_is_refused() {
    let demo = demo();
    for (protocol, check) in [
        ("wsfed-saml11", "context_is_ours"),
        ("wsfed-saml20", "context_is_ours"),
        ("saml20", "response_is_valid"),
    ] {
        let (_, page) = answer(demo, protocol);
        assert_refused(&demo.curl().deliver(&page), check, "");
        // Not even when that browser has asked for something itself.
        let (other, _) = answer(demo, protocol);
        assert_refused(&other.deliver(&page), check, "");
    }
    // Leaving the context out does not help.
    let (_, page) = answer(demo, "wsfed-saml11");
    let form = [("wa", "wsignin1.0"), ("wresult", &page.field("wresult").unwrap())];
    let shown = demo.curl().post(&page.response_action().unwrap(), &form);
    assert!(shown.body.contains("data-verdict=\"refused\""), "a response that nobody asked for: {}", shown);
}

/// Security cases 1 to 5.
#[test]
fn a_changed_token_is_refused() {
    let demo = demo();
    for protocol in PROTOCOLS {
        let (curl, page) = answer(demo, protocol);
        let jar = curl.jar();
        let changes: [(&str, Change); 6] = [
            ("a name", |xml| xml.replace("alice@contoso.lab", "hanako@contoso.lab")),
            ("no signature", |xml| {
                let (before, rest) = xml.split_once("<ds:Signature").unwrap();
                let (_, after) = rest.split_once("</ds:Signature>").unwrap();
                format!("{before}{after}")
            }),
            ("the audience", |xml| {
                xml.replace("urn:microsoft:adfs:claimsxray", "urn:microsoft:adfs:claimsxraz")
            }),
            ("the issuer", |xml| xml.replace("/adfs/services/trust", "/adfs/services/trusu")),
            ("the signature", |xml| xml.replacen("<ds:SignatureValue>", "<ds:SignatureValue>AAAA", 1)),
            ("a comment in the name", |xml| {
                xml.replace("alice@contoso.lab", "alice@contoso.lab<!-- -->.evil")
            }),
        ];
        for (what, change) in changes {
            curl.set_jar(&jar);
            let shown = deliver(&curl, &page, |name, value| {
                with_xml(name, value, |xml| {
                    let changed = change(xml);
                    assert_ne!(changed, xml, "{protocol}: {what}");
                    changed
                })
            });
            assert!(shown.body.contains("data-verdict=\"refused\""), "{protocol}, {what}: {}", shown);
            assert!(!shown.body.contains("id=\"claims\""), "{protocol}, {what}");
        }
        // None of it used the token up.
        curl.set_jar(&jar);
        assert_accepted(&curl.deliver(&page));
    }
}

/// Security cases 1, 2 and 3: the signed assertion is there, and another one stands where it would be read.
#[test]
fn a_wrapped_assertion_is_refused() {
    let demo = demo();
    let (curl, page) = answer(demo, "saml20");
    let jar = curl.jar();
    let wraps: [(&str, Wrap); 5] = [
        ("a forged one before", |xml, assertion| {
            xml.replace(assertion, &format!("{}{assertion}", forged(assertion)))
        }),
        ("a forged one behind", |xml, assertion| {
            xml.replace(assertion, &format!("{assertion}{}", forged(assertion)))
        }),
        ("the right one inside Extensions", |xml, assertion| {
            let rest = xml.replace(assertion, &forged(assertion));
            rest.replacen(
                "<samlp:Status>",
                &format!("<samlp:Extensions>{assertion}</samlp:Extensions><samlp:Status>"),
                1,
            )
        }),
        ("the right one inside the forged one's signature", |xml, assertion| {
            let signature = cut(assertion, "<ds:Signature", "</ds:Signature>");
            let object = signature
                .replace("</ds:Signature>", &format!("<ds:Object>{assertion}</ds:Object></ds:Signature>"));
            let with_object = forged(assertion).replacen("<Subject>", &format!("{object}<Subject>"), 1);
            xml.replace(assertion, &with_object)
        }),
        ("the right one inside the forged one", |xml, assertion| {
            let nested = forged(assertion).replacen(
                "</Assertion>",
                &format!("<Advice>{assertion}</Advice></Assertion>"),
                1,
            );
            xml.replace(assertion, &nested)
        }),
    ];
    for (what, wrap) in wraps {
        for same_id in [false, true] {
            curl.set_jar(&jar);
            let shown = deliver(&curl, &page, |name, value| {
                with_xml(name, value, |xml| {
                    let assertion = cut(xml, "<Assertion ", "</Assertion>");
                    let wrapped = wrap(xml, &assertion);
                    assert_ne!(wrapped, xml, "{what}");
                    if same_id { wrapped } else { wrapped.replace("ID=\"_forged", "ID=\"_f0rged") }
                })
            });
            assert!(shown.body.contains("data-verdict=\"refused\""), "{what}: {}", shown);
            assert!(!shown.body.contains("id=\"nameId\""), "{what}");
        }
    }
}

/// From the first begin to the first end after it, both included.
fn cut(xml: &str, begin: &str, end: &str) -> String {
    let start = xml.find(begin).unwrap();
    let length = xml[start..].find(end).unwrap() + end.len();
    xml[start..start + length].to_owned()
}

/// The assertion for somebody else, without its signature.
fn forged(assertion: &str) -> String {
    let signature = cut(assertion, "<ds:Signature", "</ds:Signature>");
    let id = assertion.split_once(" ID=\"").unwrap().1.split_once('"').unwrap().0;
    assertion.replace(&signature, "").replace(id, "_forged").replace("alice@contoso.lab", "admin@contoso.lab")
}

/// Security cases 19 and 20: a good token of this service that was made for somebody else.
#[test]
fn a_token_for_another_party_is_refused() {
    let demo = demo();
    let (curl, page) = answer(demo, "wsfed-saml11");
    let foreign = curl.get(&demo.wsignin("urn:demo:wsfed", "")).field("wresult").unwrap();
    let shown = deliver(&curl, &page, |name, value| if name == "wresult" { foreign.clone() } else { value });
    assert_refused(&shown, "token_is_valid", "audience");

    let (curl, page) = answer(demo, "saml20");
    let request = AuthnRequest::new("urn:demo:saml").query(None);
    let foreign = curl.get(&format!("{}?{request}", demo.passive())).field("SAMLResponse").unwrap();
    let shown =
        deliver(&curl, &page, |name, value| if name == "SAMLResponse" { foreign.clone() } else { value });
    assert_refused(&shown, "response_is_valid", "the destination");
}

/// Security case 14: a token that brings its own key.
#[test]
fn a_token_of_another_farm_is_refused() {
    let other = Demo::plain();
    let demo = demo();
    let (curl, page) = answer(demo, "wsfed-saml11");
    let (_, foreign) = answer(&other, "wsfed-saml11");
    let shown =
        deliver(
            &curl,
            &page,
            |name, value| if name == "wresult" { foreign.field("wresult").unwrap() } else { value },
        );
    assert_refused(&shown, "token_is_valid", "signature");
}

#[test]
fn garbage_is_refused_with_a_reason() {
    let demo = demo();
    let curl = demo.curl();
    for xml in ["", "x", "<a/>", "<!DOCTYPE a><a/>"] {
        let page = curl
            .post(&format!("{}/claimsxray/wsfed", demo.base()), &[("wa", "wsignin1.0"), ("wresult", xml)]);
        assert_eq!(page.status, 200);
        assert!(page.body.contains("data-verdict=\"refused\""), "{xml}: {}", page);
        let page =
            curl.post(&format!("{}/claimsxray/saml", demo.base()), &[("SAMLResponse", &encode_base64(xml))]);
        assert!(page.body.contains("data-verdict=\"refused\""), "{xml}: {}", page);
    }
    let script = "<a><![CDATA[</pre><script>alert(1)</script>]]></a>";
    let page = curl.post(&format!("{}/claimsxray/wsfed", demo.base()), &[("wresult", script)]);
    assert!(!page.body.contains("<script>alert"), "{}", page);
    for path in ["/claimsxray/wsfed", "/claimsxray/saml", "/claimsxray/start", "/claimsxray/start?protocol=x"]
    {
        let page = curl.get(&format!("{}{path}", demo.base()));
        assert_eq!(
            (page.status, page.header("location")),
            (302, Some(format!("{}/claimsxray", demo.base()).as_str())),
            "{path}"
        );
    }
}
