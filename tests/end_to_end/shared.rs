//! What several subjects need.

use std::sync::OnceLock;

use end_to_end::{Answered, Demo, Response};
use roxmltree::{Document, Node};

/// The party of the demo that takes WS-Federation.
pub(crate) const WSFED: &str = "urn:demo:wsfed";
/// The party of the demo that takes SAML.
pub(crate) const SAML: &str = "urn:demo:saml";
/// Where it takes responses.
pub(crate) const SAML_ACS: &str = "https://localhost:9443/saml/acs";
/// The password of the demo's users.
pub(crate) const PASSWORD: &str = "Sekisho-Demo-1";

pub(crate) const CLAIM_UPN: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn";
pub(crate) const CLAIM_SURNAME: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname";
pub(crate) const CLAIM_GIVEN_NAME: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname";
pub(crate) const CLAIM_GROUP: &str = "http://schemas.xmlsoap.org/claims/Group";

pub(crate) const WS_TRUST: &str = "http://schemas.xmlsoap.org/ws/2005/02/trust";
pub(crate) const SAML11: &str = "urn:oasis:names:tc:SAML:1.0:assertion";
pub(crate) const SAML20: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
pub(crate) const SAMLP: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
pub(crate) const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";

/// A demo for tests that change nothing in it: no lockout, no password change, no count of events.
pub(crate) fn demo() -> &'static Demo {
    static DEMO: OnceLock<Demo> = OnceLock::new();
    DEMO.get_or_init(|| {
        let demo = Demo::seeded(SEED);
        demo.end_with_this_process();
        demo
    })
}

/// Parties that the demo itself does not have.
const SEED: &str = r#"
[[relying_party]]
name = "WS-Federation, SAML 2.0 tokens"
identifiers = ["urn:e2e:wsfed-saml20"]
ws_fed_endpoint = "https://localhost:9443/wsfed20"
additional_ws_fed_endpoints = ["https://localhost:9443/other"]
token_type = "SAML 2.0"

[[relying_party]]
name = "Message only"
identifiers = ["urn:e2e:message-only"]
saml_acs = "https://localhost:9443/message-only"
saml_response_signature = "MessageOnly"

[[relying_party]]
name = "Message and assertion"
identifiers = ["urn:e2e:message-and-assertion"]
saml_acs = "https://localhost:9443/message-and-assertion"
saml_response_signature = "MessageAndAssertion"

[[relying_party]]
name = "Nobody may"
identifiers = ["urn:e2e:nobody"]
ws_fed_endpoint = "https://localhost:9443/nobody"
saml_acs = "https://localhost:9443/nobody"
authorization_rules = """
exists([Type == "urn:never"]) => issue(Type = "http://schemas.microsoft.com/authorization/claims/permit", Value = "true");
"""
"#;

/// The one child element of this name.
pub(crate) fn child<'a, 'i>(node: Node<'a, 'i>, namespace: &str, name: &str) -> Node<'a, 'i> {
    let mut found = node.children().filter(|child| child.has_tag_name((namespace, name)));
    let only = found.next().unwrap_or_else(|| panic!("no {name} in {}", node.tag_name().name()));
    assert!(found.next().is_none(), "more than one {name}");
    only
}

/// Local names of the child elements.
pub(crate) fn names<'a>(node: Node<'a, '_>) -> Vec<&'a str> {
    node.children().filter(Node::is_element).map(|child| child.tag_name().name()).collect()
}

/// Values of the attribute that carries this claim type, in SAML 1.1 or 2.0.
pub(crate) fn claim_values(document: &Document<'_>, claim_type: &str) -> Vec<String> {
    let (namespace, name) = claim_type.rsplit_once('/').expect("a URI");
    let attribute = document.descendants().find(|node| {
        node.attribute("Name") == Some(claim_type)
            || (node.attribute("AttributeNamespace") == Some(namespace)
                && node.attribute("AttributeName") == Some(name))
    });
    let values = attribute.iter().flat_map(|node| node.children().filter(Node::is_element));
    values.map(|value| value.text().unwrap_or_default().to_owned()).collect()
}

/// The two status codes of a SAML response, without their common beginning.
pub(crate) fn saml_status(document: &Document<'_>) -> (String, String) {
    let codes = document.descendants().filter(|node| node.has_tag_name((SAMLP, "StatusCode")));
    let mut codes = codes.map(|code| code.attribute("Value").unwrap().rsplit(':').next().unwrap().to_owned());
    (codes.next().unwrap(), codes.next().unwrap_or_default())
}

/// The page is the error page, AD FS's status 200 and all; the journal has these events beside 364; nothing was
/// issued. Returns what the journal has.
pub(crate) fn assert_refused(demo: &Demo, page: &Response, text: &str, further: &[u64]) -> Answered {
    assert_eq!(page.status, 200, "{}", page.head);
    assert!(page.error_details().contains(text), "{text:?} is not in {:?}", page.error_details());
    assert!(!page.issues_something(), "{}", page);
    let answered = demo.answered(&page.activity(), 1);
    for id in further.iter().chain(&[364]) {
        assert!(answered.ids().contains(id), "no event {id}: {:?}", answered.ids());
    }
    assert!(answered.item(364, 3).contains(text), "{}", answered.item(364, 3));
    assert!(!answered.issued_a_token(), "{:?}", answered.ids());
    answered
}
