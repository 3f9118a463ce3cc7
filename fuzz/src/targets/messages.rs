//! Requests of relying parties, and their metadata.

use std::sync::LazyLock;
use std::time::Duration;

use base::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use configuration::{Object, RelyingPartyTrust, SamlBinding, SamlEndpoint, SamlProtocol};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use protocols::metadata::service_provider::{self, Reading};
use protocols::saml::authn_request;
use protocols::saml::binding::{LONGEST_MESSAGE, Message, from_post, from_redirect};
use protocols::saml::sign_in::{Context, SignIn};
use protocols::ws_federation::sign_in;
use xml::{Limits, decode};

/// Pieces of query strings and forms.
pub(crate) const PIECES: &[&str] = &[
    "&",
    "=",
    "+",
    "%",
    "%00",
    "%26",
    "%3D",
    "%2e%2e%2f",
    "%E4%B8%8A",
    "%ff",
    "&wa=wsignin1.0",
    "&wtrealm=urn%3Afuzz",
    "&wreply=https%3A%2F%2Fapp.example%2F",
    "&wfresh=0",
    "&wfresh=99999999999",
    "&SAMLRequest=",
    "&SAMLResponse=",
    "&RelayState=x",
    "&SigAlg=",
    "&Signature=",
    "&UserName=a",
];

static TRUST: LazyLock<RelyingPartyTrust> = LazyLock::new(|| RelyingPartyTrust {
    name: "Fuzz".to_owned(),
    identifier: vec!["urn:fuzz".into()],
    ws_fed_endpoint: Some("https://app.example/".into()),
    additional_ws_fed_endpoint: vec!["https://app.example/second".into()],
    saml_endpoints: vec![endpoint("https://app.example/acs", 0), endpoint("https://app.example/other", 1)],
    ..RelyingPartyTrust::default()
});

fn endpoint(location: &str, index: u32) -> SamlEndpoint {
    SamlEndpoint {
        protocol: SamlProtocol::AssertionConsumer,
        binding: SamlBinding::Post,
        location: location.to_owned(),
        index,
        is_default: index == 0,
        response_location: None,
    }
}

/// 2026-01-01T12:00:00Z: the time of the requests in the corpus.
fn now() -> Timestamp {
    Timestamp::from_seconds(1_767_268_800)
}

/// A token goes nowhere but to an address of the trust.
pub(crate) fn ws_federation_request(input: &[u8]) -> bool {
    let Ok(request) = sign_in::decode(input) else { return false };
    let Ok(accepted) = sign_in::accept(&request, &TRUST) else { return false };
    assert!(TRUST.has_ws_fed_endpoint(&accepted.reply), "{}", accepted.reply);
    true
}

pub(crate) fn saml_redirect(input: &[u8]) -> bool {
    let query = String::from_utf8_lossy(input);
    let response = from_redirect(&query, "SAMLResponse");
    assert!(response.is_err() || from_redirect(&query, "SAMLRequest").is_err(), "one message is two");
    from_redirect(&query, "SAMLRequest").is_ok_and(|message| answer(&message))
}

pub(crate) fn saml_post(input: &[u8]) -> bool {
    let form = String::from_utf8_lossy(input);
    let _ = from_post(&form, "SAMLResponse");
    from_post(&form, "SAMLRequest").is_ok_and(|message| answer(&message))
}

/// What the redirect binding inflates; whatever it is, it stays below the limit.
pub(crate) fn saml_deflated(input: &[u8]) -> bool {
    let packed = STANDARD.encode(input);
    let query = format!("SAMLRequest={}", utf8_percent_encode(&packed, NON_ALPHANUMERIC));
    from_redirect(&query, "SAMLRequest").is_ok_and(|message| answer(&message))
}

pub(crate) fn saml_request(input: &[u8]) -> bool {
    let Ok(text) = decode(input, &Limits::MESSAGE) else { return false };
    answer(&Message { xml: text.into_owned(), relay_state: None, signature: None })
}

/// A response goes nowhere but to an endpoint of the trust.
fn answer(message: &Message) -> bool {
    assert!(message.xml.len() <= LONGEST_MESSAGE.max(Limits::MESSAGE.size));
    let Ok(received) = authn_request::read(message) else { return false };
    let context = Context {
        endpoint: "https://fs.example/adfs/ls/".to_owned(),
        now: now(),
        delivery_window: Duration::from_secs(300),
    };
    let Ok(checked) = SignIn::new(received, &TRUST, context).check(&TRUST) else { return false };
    assert!(TRUST.saml_endpoints.contains(&checked.assertion_consumer));
    assert!(checked.signed.is_none(), "nobody has a key that the trust knows");
    true
}

/// What a document of a party becomes is a trust that the service would take from an administrator, too.
pub(crate) fn metadata(input: &[u8]) -> bool {
    let reading = Reading { entity_id: None, now: now(), keys: None };
    let Ok(imported) = service_provider::read(input, &reading) else { return false };
    assert_eq!(imported.trust.problems(), [], "{:?}", imported.trust);
    true
}
