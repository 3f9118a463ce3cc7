//! SAML 2.0 sign-in at the wire: requests by Redirect and POST, responses by POST.

use std::path::Path;
use std::process::Command;

use end_to_end::{
    AuthnRequest, Curl, Demo, Response, decode_base64, encode_base64, output, percent, program, signing_pair,
};
use roxmltree::Document;

use crate::shared::{
    CLAIM_UPN, DSIG, PASSWORD, SAML, SAML_ACS, SAML20, SAMLP, assert_refused, child, claim_values, demo,
    names, saml_status,
};

const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";

fn redirect(demo: &Demo, request: &AuthnRequest, relay_state: Option<&str>) -> String {
    format!("{}?{}", demo.passive(), request.query(relay_state))
}

fn response_of(page: &Response) -> String {
    let field = page.field("SAMLResponse");
    decode_base64(&field.unwrap_or_else(|| panic!("no response: {}\n{}", page.head, page)))
}

/// A client with a session.
fn signed_in(demo: &Demo) -> Curl {
    let (curl, page) = demo.signed_in("alice", &redirect(demo, &AuthnRequest::new(SAML), None));
    assert!(page.field("SAMLResponse").is_some(), "{}", page);
    curl
}

/// The response is signed as a whole, says this status, and holds no assertion.
fn assert_status(demo: &Demo, page: &Response, request: &AuthnRequest, status: (&str, &str)) {
    assert_eq!(page.status, 200);
    assert_eq!(page.response_action().as_deref(), Some(SAML_ACS), "{}", page);
    let xml = response_of(page);
    let document = Document::parse(&xml).unwrap();
    let response = document.root_element();
    assert_eq!(saml_status(&document), (status.0.to_owned(), status.1.to_owned()));
    assert_eq!(names(response), ["Issuer", "Signature", "Status"]);
    assert_eq!(response.attribute("InResponseTo"), Some(request.id.as_str()));
    assert_eq!(response.attribute("Destination"), Some(SAML_ACS));
    let reference = document.descendants().find(|node| node.has_tag_name((DSIG, "Reference"))).unwrap();
    assert_eq!(reference.attribute("URI"), Some(format!("#{}", response.attribute("ID").unwrap()).as_str()));
    crate::signatures::verify_with_xmlsec1(&xml, "urn:oasis:names:tc:SAML:2.0:protocol:Response", "ID", demo);
}

#[test]
fn a_response_has_the_shape_that_service_providers_read() {
    let demo = demo();
    let request = AuthnRequest::new(SAML).attribute("Destination", &demo.passive());
    let (_, page) = demo.signed_in("alice", &redirect(demo, &request, Some("state & <more>")));
    assert_eq!(page.response_action().unwrap(), SAML_ACS);
    assert_eq!(page.field_names(), ["SAMLResponse", "RelayState"]);
    assert_eq!(page.field("RelayState").unwrap(), "state & <more>");
    let xml = response_of(&page);
    let document = Document::parse(&xml).unwrap();
    let response = document.root_element();
    assert!(response.has_tag_name((SAMLP, "Response")));
    assert_eq!(
        names(response),
        ["Issuer", "Status", "Assertion"],
        "by default the assertion alone is signed"
    );
    assert_eq!(response.attribute("InResponseTo"), Some(request.id.as_str()));
    assert_eq!(response.attribute("Destination"), Some(SAML_ACS));
    assert_eq!(response.attribute("Consent"), Some("urn:oasis:names:tc:SAML:2.0:consent:unspecified"));
    assert_eq!(saml_status(&document).0, "Success");
    let assertion = child(response, SAML20, "Assertion");
    let expected = ["Issuer", "Signature", "Subject", "Conditions", "AttributeStatement", "AuthnStatement"];
    assert_eq!(names(assertion), expected);
    let data =
        assertion.descendants().find(|node| node.tag_name().name() == "SubjectConfirmationData").unwrap();
    assert_eq!(data.attribute("InResponseTo"), Some(request.id.as_str()));
    assert_eq!(data.attribute("Recipient"), Some(SAML_ACS));
    assert!(data.attribute("NotOnOrAfter").is_some() && data.attribute("NotBefore").is_none());
    let name_id = assertion.descendants().find(|node| node.has_tag_name((SAML20, "NameID"))).unwrap();
    assert_eq!(name_id.text(), Some("alice@contoso.lab"));
    let audience = assertion.descendants().find(|node| node.has_tag_name((SAML20, "Audience"))).unwrap();
    assert_eq!(audience.text(), Some(SAML));
    let statement = child(assertion, SAML20, "AuthnStatement");
    assert_eq!(statement.attribute("SessionIndex"), assertion.attribute("ID"));
    assert_eq!(claim_values(&document, CLAIM_UPN), ["alice@contoso.lab"]);
}

#[test]
fn a_request_by_post_survives_the_sign_in() {
    let demo = demo();
    let (curl, user) = (demo.curl(), demo.user("alice"));
    let request = AuthnRequest::new(SAML);
    let message = encode_base64(request.xml());
    let page = curl.post(&demo.passive(), &[("SAMLRequest", &message), ("RelayState", "a=b&c=%20+")]);
    assert!(page.login_action().is_some(), "{}", page);
    let waiting = page.cookies().into_iter().find(|line| line.starts_with("MSISSamlRequest=")).unwrap();
    assert!(
        waiting.to_lowercase().contains("path=/adfs;") && waiting.to_lowercase().contains("samesite=none")
    );
    let action = format!("{}{}", demo.base(), page.login_action().unwrap());
    let wrong = curl.post(&action, &[("UserName", &user.upn), ("Password", "wrong")]);
    assert!(wrong.sign_in_error().is_some());
    let action = format!("{}{}", demo.base(), wrong.login_action().unwrap());
    let page = curl.follow(curl.post(&action, &[("UserName", &user.upn), ("Password", &user.password)]));
    assert_eq!(page.field("RelayState").as_deref(), Some("a=b&c=%20+"), "{}", page);
    let xml = response_of(&page);
    assert_eq!(
        Document::parse(&xml).unwrap().root_element().attribute("InResponseTo"),
        Some(request.id.as_str())
    );
    // The request is answered and forgotten.
    assert!(page.cookie("MSISSamlRequest").is_some_and(str::is_empty), "{}", page.head);
    assert!(curl.get(&demo.passive()).error_details().starts_with("MSIS7065"));
}

#[test]
fn a_posted_request_is_answered_at_once_when_there_is_a_session() {
    let demo = demo();
    let curl = signed_in(demo);
    let message = encode_base64(AuthnRequest::new(SAML).xml());
    let page = curl.post(&demo.passive(), &[("SAMLRequest", &message)]);
    assert_eq!(page.field_names(), ["SAMLResponse"], "no RelayState was sent, so none comes back");
}

/// Security case 33.
#[test]
fn is_passive_without_a_session_is_answered_by_a_signed_no_passive() {
    let demo = demo();
    let request = AuthnRequest::new(SAML).attribute("IsPassive", "true");
    let page = demo.curl().get(&redirect(demo, &request, None));
    assert_status(demo, &page, &request, ("Responder", "NoPassive"));
    let request = AuthnRequest::new(SAML).attribute("IsPassive", "true");
    let page = signed_in(demo).get(&redirect(demo, &request, None));
    assert_eq!(saml_status(&Document::parse(&response_of(&page)).unwrap()).0, "Success");
}

/// Security case 33.
#[test]
fn force_authn_asks_again_and_serves_its_own_request_once() {
    let demo = demo();
    let (curl, user) = (signed_in(demo), demo.user("alice"));
    let request = AuthnRequest::new(SAML).attribute("ForceAuthn", "true");
    let url = redirect(demo, &request, None);
    assert!(curl.get(&url).login_action().is_some());
    let posted = curl.post_password(&url, &user.upn, &user.password);
    let location = posted.header("location").unwrap().to_owned();
    assert!(curl.get(&location).field("SAMLResponse").is_some());
    assert!(curl.get(&location).login_action().is_some(), "the fresh sign-in is used up");
    let passive = AuthnRequest::new(SAML).attribute("ForceAuthn", "true").attribute("IsPassive", "true");
    assert_status(demo, &curl.get(&redirect(demo, &passive, None)), &passive, ("Responder", "NoPassive"));
}

/// Security case 33.
#[test]
fn an_unknown_authentication_context_is_answered_by_no_authn_context() {
    let demo = demo();
    let context = |class: &str, comparison: &str| {
        AuthnRequest::new(SAML).element(&format!(
            "<samlp:RequestedAuthnContext Comparison=\"{comparison}\"><saml:AuthnContextClassRef>{class}\
             </saml:AuthnContextClassRef></samlp:RequestedAuthnContext>"
        ))
    };
    let forms = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
    let curl = signed_in(demo);
    let request = context("urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos-of-tomorrow", "exact");
    assert_status(
        demo,
        &curl.get(&redirect(demo, &request, None)),
        &request,
        ("Responder", "NoAuthnContext"),
    );
    let request = context(forms, "better");
    assert_status(
        demo,
        &curl.get(&redirect(demo, &request, None)),
        &request,
        ("Responder", "NoAuthnContext"),
    );
    for comparison in ["exact", "minimum"] {
        let page = curl.get(&redirect(demo, &context(forms, comparison), None));
        let xml = response_of(&page);
        let document = Document::parse(&xml).unwrap();
        let class =
            document.descendants().find(|node| node.tag_name().name() == "AuthnContextClassRef").unwrap();
        assert_eq!(class.text(), Some(forms), "{comparison}");
    }
}

#[test]
fn a_name_id_policy_that_the_rules_do_not_meet_is_answered_by_invalid_name_id_policy() {
    let demo = demo();
    let policy = |format: &str| {
        AuthnRequest::new(SAML)
            .element(&format!("<samlp:NameIDPolicy Format=\"{format}\" AllowCreate=\"true\"/>"))
    };
    let request = policy(TRANSIENT);
    let url =
        format!("{}&client-request-id=5f1b9a60-7c3b-4d83-9a52-1e9c8f8d2b21", redirect(demo, &request, None));
    let page = signed_in(demo).get(&url);
    assert_status(demo, &page, &request, ("Requester", "InvalidNameIDPolicy"));
    let answered = demo.answered("5f1b9a60-7c3b-4d83-9a52-1e9c8f8d2b21", 1);
    assert!(answered.ids().contains(&321), "{:?}", answered.ids());
    assert!(answered.item(364, 3).starts_with("MSIS7070: "), "{}", answered.item(364, 3));
    assert!(!answered.issued_a_token());
    for format in [
        "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
        "urn:oasis:names:tc:SAML:2.0:nameid-format:unspecified",
    ] {
        let page = signed_in(demo).get(&redirect(demo, &policy(format), None));
        assert_eq!(saml_status(&Document::parse(&response_of(&page)).unwrap()).0, "Success", "{format}");
    }
    let bare = AuthnRequest::new(SAML).element("<samlp:NameIDPolicy/>");
    let page = signed_in(demo).get(&redirect(demo, &bare, None));
    assert_eq!(saml_status(&Document::parse(&response_of(&page)).unwrap()).0, "Success");
}

/// A person whom the rules refuse comes back to the party with a status, not to a page that the party knows
/// nothing of.
#[test]
fn a_person_whom_the_rules_do_not_permit_is_answered_by_request_denied() {
    let demo = demo();
    let (_, page) = demo.signed_in("alice", &redirect(demo, &AuthnRequest::new("urn:e2e:nobody"), None));
    let xml = response_of(&page);
    let document = Document::parse(&xml).unwrap();
    assert_eq!(saml_status(&document), ("Responder".to_owned(), "RequestDenied".to_owned()));
    assert_eq!(names(document.root_element()), ["Issuer", "Signature", "Status"]);
}

/// Security case 31.
#[test]
fn an_assertion_consumer_that_is_not_registered_gets_nothing() {
    let demo = demo();
    let curl = signed_in(demo);
    for url in [
        "https://evil.example/acs",
        "https://localhost:9443/saml/acs.evil.example",
        "https://localhost:9443/saml/acs/../../evil",
        "https://localhost:9443/saml/acs/more",
        "https://localhost:9443/saml/ACS",
        "https://localhost:9443/saml/acs?x=1",
        "https://localhost:9443@evil.example/saml/acs",
        "https://localhost:9444/saml/acs",
        "http://localhost:9443/saml/acs",
        "javascript:alert(1)",
    ] {
        let request = AuthnRequest::new(SAML).attribute("AssertionConsumerServiceURL", url);
        let page = curl.get(&redirect(demo, &request, None));
        assert_refused(demo, &page, "MSIS3200: No AssertionConsumerService is configured", &[273]);
    }
    let request = AuthnRequest::new(SAML).attribute("AssertionConsumerServiceIndex", "7");
    assert_refused(demo, &curl.get(&redirect(demo, &request, None)), "index '7'", &[273]);
    let right = AuthnRequest::new(SAML).attribute("AssertionConsumerServiceURL", SAML_ACS);
    assert_eq!(curl.get(&redirect(demo, &right, None)).response_action().as_deref(), Some(SAML_ACS));
}

/// A party with a key, whose trust demands signatures.
struct Signing {
    demo: Demo,
    pair: end_to_end::SigningPair,
    other: end_to_end::SigningPair,
}

impl Signing {
    fn start() -> Self {
        let (pair, other) = (signing_pair(), signing_pair());
        let seed = format!(
            "[[relying_party]]\nname = \"Signing\"\nidentifiers = [\"urn:e2e:signing\"]\n\
             saml_acs = \"https://localhost:9443/signing\"\nsigned_saml_requests_required = true\n\
             request_signing_certificate_files = [\"{}\"]\n",
            pair.certificate().display()
        );
        Self { demo: Demo::seeded(&seed), pair, other }
    }

    fn get(&self, query: &str) -> Response {
        self.demo.curl().get(&format!("{}?{query}", self.demo.passive()))
    }

    fn refused(&self, query: &str, text: &str, further: &[u64]) {
        let page = self.get(query);
        assert_refused(&self.demo, &page, text, further);
    }
}

/// Security cases 28 and 32.
#[test]
fn a_party_that_must_sign_gets_nothing_for_an_unsigned_or_wrongly_signed_redirect() {
    let signing = Signing::start();
    let request = || AuthnRequest::new("urn:e2e:signing");
    let right = request().signed_query(Some("state"), &signing.pair.key());
    assert!(signing.get(&right).login_action().is_some());

    let none = "The SAML message is not signed";
    let wrong = "MSIS0038: SAML Message has wrong signature. Issuer: 'urn:e2e:signing'.";
    signing.refused(&request().query(None), none, &[320]);
    let stripped = right.split_once("&SigAlg").unwrap().0;
    signing.refused(stripped, none, &[320]);
    signing.refused(&request().signed_query(None, &signing.other.key()), wrong, &[320]);
    signing.refused(&right.replace("RelayState=state", "RelayState=other"), wrong, &[320]);
    let (before, signature) = right.split_once("&Signature=").unwrap();
    let (_, other_signature) = request()
        .signed_query(None, &signing.pair.key())
        .rsplit_once("&Signature=")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    signing.refused(&format!("{before}&Signature={other_signature}"), wrong, &[320]);
    let other_message = request().query(None);
    let moved = right.replace(right.split('&').next().unwrap(), &other_message);
    signing.refused(&moved, wrong, &[320]);

    // Half a signature is a damaged one, never an unsigned message.
    signing.refused(before, "MSIS7015", &[303]);
    signing.refused(&format!("{stripped}&Signature={signature}"), "MSIS7015", &[303]);
    // Twice is not once.
    for doubled in [
        format!("{right}&{other_message}"),
        format!("{right}&RelayState=other"),
        format!("{right}&Signature={signature}"),
    ] {
        signing.refused(&doubled, "came more than once", &[]);
    }
    let sha1 = right.replace(
        &percent("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"),
        &percent("http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
    );
    signing.refused(&sha1, "which is not accepted", &[320]);
}

/// Security case 28: .NET writes its escapes in lower case, and the signature is over what was sent.
#[test]
fn a_signature_over_lower_case_escapes_is_right() {
    let signing = Signing::start();
    let query = AuthnRequest::new("urn:e2e:signing").query(Some("a/b=c"));
    let lower: String = {
        let mut characters = query.chars();
        let mut out = String::new();
        while let Some(character) = characters.next() {
            out.push(character);
            if character == '%' {
                out.extend(characters.by_ref().take(2).map(|hex| hex.to_ascii_lowercase()));
            }
        }
        out
    };
    assert_ne!(query, lower);
    let signed = format!("{lower}&SigAlg=http%3a%2f%2fwww.w3.org%2f2001%2f04%2fxmldsig-more%23rsa-sha256");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &signed).unwrap();
    let run = Command::new("openssl")
        .args(["dgst", "-sha256", "-sign"])
        .arg(signing.pair.key())
        .arg(file.path())
        .output();
    let signature = percent(&encode_base64(run.unwrap().stdout));
    assert!(signing.get(&format!("{signed}&Signature={signature}")).login_action().is_some());
    // The same octets in another spelling are other octets.
    let upper = signed.replace("%3a", "%3A");
    signing.refused(&format!("{upper}&Signature={signature}"), "MSIS0038", &[320]);
}

/// Signs a request inside its document, as the POST binding has it, by xmlsec1.
fn sign_inside(request: &AuthnRequest, key: &Path) -> String {
    let template = format!(
        "</saml:Issuer><ds:Signature xmlns:ds=\"{DSIG}\"><ds:SignedInfo><ds:CanonicalizationMethod \
         Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/><ds:SignatureMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/><ds:Reference URI=\"#{}\"><ds:Transforms>\
         <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/><ds:Transform \
         Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/></ds:Transforms><ds:DigestMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>\
         <ds:SignatureValue/></ds:Signature>",
        request.id
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("request.xml");
    std::fs::write(&path, request.xml().replace("</saml:Issuer>", &template)).unwrap();
    let mut command = Command::new("xmlsec1");
    command.arg("--sign").args(crate::signatures::key_search());
    command.args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:AuthnRequest", "--privkey-pem"]);
    output(command.arg(key).arg(path))
}

/// Security cases 1, 5, 28 and 32.
#[test]
fn a_signature_inside_a_posted_request_is_verified_where_it_stands() {
    if program("xmlsec1").is_err() {
        return;
    }
    let signing = Signing::start();
    let demo = &signing.demo;
    let post = |xml: &str| demo.curl().post(&demo.passive(), &[("SAMLRequest", &encode_base64(xml))]);
    let request = AuthnRequest::new("urn:e2e:signing");
    let signed = sign_inside(&request, &signing.pair.key());
    let page = post(&signed);
    assert!(page.login_action().is_some(), "{}", page);

    assert_refused(demo, &post(&request.xml()), "The SAML message is not signed", &[320]);
    let foreign = sign_inside(&request, &signing.other.key());
    assert_refused(demo, &post(&foreign), "MSIS0038", &[320]);
    let changed = signed.replace(" Version=\"2.0\"", " Version=\"2.0\" ForceAuthn=\"true\"");
    assert_refused(demo, &post(&changed), "MSIS0038", &[320]);
    // The signed request wrapped into another one.
    let body = signed.split_once("?>").map_or(signed.as_str(), |(_, body)| body);
    let wrapper =
        AuthnRequest::new("urn:e2e:signing").element(&format!("<samlp:Extensions>{body}</samlp:Extensions>"));
    let page = post(&wrapper.xml());
    assert!(page.login_action().is_none() && !page.issues_something(), "{}", page);
    let page = post(&wrapper.xml().replace(&wrapper.id, &request.id));
    assert!(page.login_action().is_none() && !page.issues_something(), "the same ID twice: {}", page);
}

/// Security case 29.
#[test]
fn a_deflate_bomb_is_not_blown_up() {
    let demo = Demo::plain();
    // 48 MiB of blanks in 48 KiB.
    let mut xml = AuthnRequest::new(SAML).xml().into_bytes();
    xml.extend(std::iter::repeat_n(b' ', 48 * 1024 * 1024));
    let query = AuthnRequest::query_of(&xml, None);
    let before = demo.resident_kilobytes();
    let page = demo.curl().with(&["--http1.1"]).get(&format!("{}?{query}", demo.passive()));
    // The address alone is longer than a head may be; a shorter bomb reaches the page.
    assert!(matches!(page.status, 200 | 414 | 431), "{}", page.head);
    let query = AuthnRequest::query_of(&xml[..16 * 1024 * 1024], None);
    let page = demo.curl().get(&format!("{}?{query}", demo.passive()));
    assert_refused(&demo, &page, "'SAMLRequest' is too long", &[]);
    let grown = demo.resident_kilobytes().saturating_sub(before);
    assert!(grown < 8 * 1024, "{grown} KiB more than before");
}

/// Security case 30.
#[test]
fn relay_state_comes_back_as_text_or_not_at_all() {
    let demo = demo();
    let curl = signed_in(demo);
    let get = |state: &str| curl.get(&redirect(demo, &AuthnRequest::new(SAML), Some(state)));
    for state in [
        "\"/></form><script>alert(1)</script>",
        "a\r\nSet-Cookie: x=y\r\n\r\n<html>",
        "https://evil.example/",
        "javascript:alert(1)",
        "上杉 \u{202E}",
        "",
    ] {
        let page = get(state);
        assert_eq!(page.field("RelayState").as_deref(), Some(state));
        assert_eq!(page.response_action().as_deref(), Some(SAML_ACS));
        assert!(page.cookie("x").is_none() && !page.body.contains("<script>alert"), "{}", page);
    }
    // By POST: curl leaves cookies out of requests with long addresses.
    let post = |state: &str| {
        let message = encode_base64(AuthnRequest::new(SAML).xml());
        curl.post(&demo.passive(), &[("SAMLRequest", &message), ("RelayState", state)])
    };
    let long = "r".repeat(8 * 1024);
    assert_eq!(post(&long).field("RelayState"), Some(long.clone()));
    assert_refused(demo, &post(&format!("{long}r")), "'RelayState' is too long", &[]);
}

#[test]
fn a_request_that_is_old_or_meant_for_somebody_else_is_refused() {
    let demo = demo();
    let curl = signed_in(demo);
    let request = AuthnRequest::new(SAML).attribute("Destination", "https://other.example/adfs/ls/");
    assert_refused(
        demo,
        &curl.get(&redirect(demo, &request, None)),
        "https://other.example/adfs/ls/",
        &[303],
    );
    let xml = AuthnRequest::new(SAML).xml();
    let at = xml.split_once("IssueInstant=\"").unwrap().1.split_once('"').unwrap().0;
    for time in ["2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"] {
        let query = AuthnRequest::query_of(xml.replace(at, time).as_bytes(), None);
        let page = curl.get(&format!("{}?{query}", demo.passive()));
        assert_refused(demo, &page, "SamlMessageDeliveryWindow", &[303]);
    }
    let seven_decimals = xml.replace(at, &format!("{}.1234567Z", &at[..19]));
    let page =
        curl.get(&format!("{}?{}", demo.passive(), AuthnRequest::query_of(seven_decimals.as_bytes(), None)));
    assert!(page.field("SAMLResponse").is_some(), "{}", page);
}

/// Security case 32: the trust of the demo demands no signature and has no certificate, so one that is there is
/// not believed, and does no harm.
#[test]
fn a_signature_that_nobody_can_check_changes_nothing() {
    let demo = demo();
    let pair = signing_pair();
    let query = AuthnRequest::new(SAML).signed_query(None, &pair.key());
    let page = demo.curl().get(&format!("{}?{query}", demo.passive()));
    assert!(page.login_action().is_some(), "{}", page);
}

/// One POST with the password and the request in the address, as command lines do it.
#[test]
fn one_post_without_an_earlier_page_signs_in() {
    let demo = demo();
    let curl = demo.curl();
    let url = format!("{}/adfs/ls?{}", demo.base(), AuthnRequest::new(SAML).query(None));
    let posted = curl.post(
        &url,
        &[("UserName", "alice@contoso.lab"), ("Password", PASSWORD), ("AuthMethod", "FormsAuthentication")],
    );
    assert_eq!(posted.status, 302);
    let page = curl.follow(posted);
    assert!(page.field("SAMLResponse").is_some());
    assert!(page.body.contains(" /><noscript>"));
}
