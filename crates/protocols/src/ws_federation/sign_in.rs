//! WS-Federation sign-in (`wa=wsignin1.0`): [MS-MWBF] 2.2.3 and 3.1.5.4.
//!
//! query or form → [`SignIn`] → [`CHECKS`] against the trust → [`Accepted`]

use base::ActivityId;
use claims::types::METHOD_PASSWORD_PROTECTED_TRANSPORT;
use configuration::RelyingPartyTrust;

use super::parameters::{Parameter, Repeated, find};
use crate::check::{self, Refused, Verdict};
use crate::{PeerText, Refusal, checks};

/// Most octets of `wctx`.
pub const LONGEST_WCTX: usize = 64 * 1024;

/// Most octets of any other parameter.
pub const LONGEST_PARAMETER: usize = 2_048;

/// A sign-in as the relying party sent it. Nothing in it has been checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignIn {
    /// The relying party's identifier, compared octet by octet; empty when none was sent.
    pub wtrealm: String,
    /// Where the token shall go; must be one of the trust's endpoints.
    pub wreply: Option<String>,
    /// Opaque; comes back unchanged.
    pub wctx: Option<String>,
    /// Oldest acceptable sign-in, minutes; 0 asks for fresh credentials.
    pub wfresh: Option<String>,
    /// How the user shall sign in, a URI.
    pub wauth: Option<String>,
    /// Home realm: identifier of a claims provider, or a mail suffix.
    pub whr: Option<String>,
    /// Pre-fills the user name (`username`, else `login_hint`).
    pub username: Option<String>,
    /// `login` asks for fresh credentials; other values are ignored.
    pub prompt: Option<String>,
    /// Correlation id of the client, when it is a GUID.
    pub client_request_id: Option<ActivityId>,
}

/// A sign-in that passed the checks: what the service needs to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Address that the token goes to: an endpoint of the trust.
    pub reply: String,
    /// Authentication methods of which one must have been used; empty: any will do.
    pub methods: &'static [&'static str],
    /// Oldest acceptable sign-in; `None`: whatever session exists.
    pub freshness: Option<Minutes>,
}

/// A number of minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Minutes(pub u32);

impl Minutes {
    /// The user has to enter credentials now, whatever session exists.
    pub const FRESH: Self = Self(0);
}

/// Reads a sign-in from the query string of a GET (without `?`) or from the form of a POST.
///
/// Parameters that this service doesn't know are ignored. Refused: another `wa`, a steering parameter that came
/// twice, and values that are too long or no text.
pub fn decode(raw: &[u8]) -> Result<SignIn, Refusal> {
    let steering =
        |name| find(raw, Parameter { name, limit: LONGEST_PARAMETER, repeated: Repeated::Refused });
    let hint =
        |name| find(raw, Parameter { name, limit: LONGEST_PARAMETER, repeated: Repeated::FirstCounts });
    if steering("wa")?.as_deref() != Some("wsignin1.0") {
        return Err(Refusal::NoHandler { path: PeerText::new("/adfs/ls/") });
    }
    Ok(SignIn {
        wtrealm: steering("wtrealm")?.unwrap_or_default(),
        wreply: steering("wreply")?.filter(|reply| !reply.is_empty()),
        wctx: find(raw, Parameter { name: "wctx", limit: LONGEST_WCTX, repeated: Repeated::Refused })?,
        wfresh: steering("wfresh")?.filter(|fresh| !fresh.is_empty()),
        wauth: steering("wauth")?.filter(|method| !method.is_empty()),
        whr: hint("whr")?.filter(|realm| !realm.is_empty()),
        username: hint("username")?.or(hint("login_hint")?).filter(|name| !name.is_empty()),
        prompt: hint("prompt")?,
        client_request_id: hint("client-request-id")?.and_then(|id| id.parse().ok()).map(ActivityId),
    })
}

checks! {
    /// What a sign-in must satisfy, in this order. This list is the security review.
    pub const CHECKS: [SignIn, RelyingPartyTrust] = [
        /// A disabled trust is answered as if it did not exist.
        trust_is_enabled,
        /// A token goes to the trust's WSFedEndpoint, unless the request names another address.
        trust_has_a_ws_federation_endpoint,
        /// A reply address is taken only if the trust lists exactly it: no prefix, no case folding, no
        /// decoding.
        wreply_is_registered,
        /// A wanted authentication method must be one that this service offers; here, passwords.
        wauth_is_known,
        /// The age of a sign-in is a whole number of minutes.
        wfresh_is_a_number,
    ];
}

/// Runs the checks. `trust` is the one that has `wtrealm` among its identifiers.
pub fn accept(request: &SignIn, trust: &RelyingPartyTrust) -> Result<Accepted, Refused> {
    check::run(CHECKS, request, trust)?;
    Ok(Accepted {
        // The second check holds that one of the two is there.
        reply: request.wreply.clone().or_else(|| trust.ws_fed_endpoint.clone()).unwrap_or_default(),
        methods: request.wauth.as_deref().and_then(methods).unwrap_or_default(),
        freshness: freshness(request),
    })
}

fn trust_is_enabled(request: &SignIn, trust: &RelyingPartyTrust) -> Verdict {
    match trust.enabled {
        true => Verdict::Pass,
        false => Verdict::Refuse(Refusal::UnknownRelyingParty { identifier: identifier(request) }),
    }
}

fn trust_has_a_ws_federation_endpoint(request: &SignIn, trust: &RelyingPartyTrust) -> Verdict {
    match request.wreply.is_some() || trust.ws_fed_endpoint.is_some() {
        true => Verdict::Pass,
        false => Verdict::Refuse(Refusal::NoWsFederationEndpoint { identifier: identifier(request) }),
    }
}

fn wreply_is_registered(request: &SignIn, trust: &RelyingPartyTrust) -> Verdict {
    match &request.wreply {
        Some(reply) if !trust.has_ws_fed_endpoint(reply) => Verdict::Refuse(Refusal::ReplyNotRegistered {
            identifier: identifier(request),
            reply: PeerText::new(reply),
        }),
        _ => Verdict::Pass,
    }
}

fn wauth_is_known(request: &SignIn, _: &RelyingPartyTrust) -> Verdict {
    match &request.wauth {
        Some(method) if methods(method).is_none() => {
            Verdict::Refuse(Refusal::AuthenticationMethodNotSupported { method: PeerText::new(method) })
        }
        _ => Verdict::Pass,
    }
}

fn wfresh_is_a_number(request: &SignIn, _: &RelyingPartyTrust) -> Verdict {
    match &request.wfresh {
        Some(fresh) if minutes(fresh).is_none() => Verdict::Refuse(Refusal::ParameterNotReadable {
            parameter: "wfresh",
            value: PeerText::new(fresh),
            expected: "a whole number of minutes, 0 for fresh credentials",
        }),
        _ => Verdict::Pass,
    }
}

fn identifier(request: &SignIn) -> PeerText {
    PeerText::new(&request.wtrealm)
}

/// The methods of this service that satisfy a `wauth`; `None`: no method does.
fn methods(wauth: &str) -> Option<&'static [&'static str]> {
    match wauth {
        "urn:oasis:names:tc:SAML:1.0:am:password"
        | "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password" => {
            Some(&[METHOD_PASSWORD_PROTECTED_TRANSPORT])
        }
        _ => None,
    }
}

fn freshness(request: &SignIn) -> Option<Minutes> {
    match request.prompt.as_deref() {
        Some("login") => Some(Minutes::FRESH),
        _ => request.wfresh.as_deref().and_then(minutes),
    }
}

/// Digits only; beyond 8,000 years every sign-in is young enough.
fn minutes(text: &str) -> Option<Minutes> {
    let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    digits.then(|| Minutes(text.parse().unwrap_or(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn trust() -> RelyingPartyTrust {
        RelyingPartyTrust {
            identifier: vec!["urn:app".into()],
            ws_fed_endpoint: Some("https://app.example.com/signin".into()),
            additional_ws_fed_endpoint: vec!["https://app.example.com/other".into()],
            ..Default::default()
        }
    }

    pub(super) fn sign_in() -> SignIn {
        SignIn { wtrealm: "urn:app".into(), ..Default::default() }
    }

    /// The name of the check that ended the request, and its refusal's text.
    pub(super) fn refused(request: &SignIn, trust: &RelyingPartyTrust) -> (&'static str, String) {
        let refused = accept(request, trust).unwrap_err();
        (refused.check, refused.refusal.to_string())
    }

    #[test]
    fn a_request_is_decoded_whole() {
        let raw = "wa=wsignin1.0&wtrealm=urn%3aapp&wreply=https%3a%2f%2fapp.example.com%2fsignin\
                   &wctx=rm%3d0%26id%3dpassive%26ru%3d%252f&wfresh=0&wct=2026-01-01T00%3a00%3a00Z\
                   &wauth=urn:oasis:names:tc:SAML:1.0:am:password&whr=urn:home&mkt=ja&login_hint=a%40b.c\
                   &client-request-id=7f5e2a60-0c3b-4d83-9a52-1e9c8f8d2b11&client-request-id=x";
        let request = decode(raw.as_bytes()).unwrap();
        assert_eq!(
            request,
            SignIn {
                wtrealm: "urn:app".into(),
                wreply: Some("https://app.example.com/signin".into()),
                wctx: Some("rm=0&id=passive&ru=%2f".into()),
                wfresh: Some("0".into()),
                wauth: Some("urn:oasis:names:tc:SAML:1.0:am:password".into()),
                whr: Some("urn:home".into()),
                username: Some("a@b.c".into()),
                prompt: None,
                client_request_id: Some(ActivityId("7f5e2a60-0c3b-4d83-9a52-1e9c8f8d2b11".parse().unwrap())),
            }
        );
        let accepted = accept(&request, &trust()).unwrap();
        assert_eq!(accepted.reply, "https://app.example.com/signin");
        assert_eq!(accepted.methods, [METHOD_PASSWORD_PROTECTED_TRANSPORT]);
        assert_eq!(accepted.freshness, Some(Minutes::FRESH));
    }

    #[test]
    fn without_parameters_the_defaults_of_the_trust_hold() {
        let accepted = accept(&decode(b"wa=wsignin1.0&wtrealm=urn:app").unwrap(), &trust()).unwrap();
        assert_eq!(accepted.reply, "https://app.example.com/signin");
        assert!(accepted.methods.is_empty());
        assert_eq!(accepted.freshness, None);
    }

    #[test]
    fn prompt_login_asks_for_fresh_credentials() {
        let freshness = |raw: &str| accept(&decode(raw.as_bytes()).unwrap(), &trust()).unwrap().freshness;
        assert_eq!(freshness("wa=wsignin1.0&prompt=login&wfresh=60"), Some(Minutes::FRESH));
        assert_eq!(freshness("wa=wsignin1.0&prompt=none&wfresh=60"), Some(Minutes(60)));
    }

    #[test]
    fn another_action_has_no_handler_here() {
        for raw in ["", "wtrealm=urn:app", "wa=wattr1.0", "wa=WSIGNIN1.0", "wa=wsignin1.0%20"] {
            assert_eq!(decode(raw.as_bytes()).unwrap_err().code(), Some("MSIS7065"), "{raw}");
        }
    }

    /// Security case 28.
    #[test]
    fn a_steering_parameter_comes_once() {
        for name in ["wa", "wtrealm", "wreply", "wctx", "wauth", "wfresh"] {
            let raw = format!("wa=wsignin1.0&{name}=wsignin1.0&{name}=wsignin1.0");
            let refusal = decode(raw.as_bytes()).unwrap_err();
            assert!(matches!(refusal, Refusal::DuplicateParameter { parameter } if parameter == name));
        }
    }

    /// Security case 37.
    #[test]
    fn wctx_of_64_kib_comes_back_and_a_longer_one_is_refused() {
        let wctx = "x".repeat(LONGEST_WCTX);
        let request = decode(format!("wa=wsignin1.0&wctx={wctx}").as_bytes()).unwrap();
        assert_eq!(request.wctx.as_deref(), Some(wctx.as_str()));
        let refusal = decode(format!("wa=wsignin1.0&wctx={wctx}x").as_bytes()).unwrap_err();
        assert_eq!(refusal, Refusal::ParameterTooLong { parameter: "wctx", limit: LONGEST_WCTX });
        let long = "x".repeat(LONGEST_PARAMETER + 1);
        for name in ["wtrealm", "wreply", "wauth", "wfresh", "whr", "username", "login_hint"] {
            let refusal = decode(format!("wa=wsignin1.0&{name}={long}").as_bytes()).unwrap_err();
            assert!(matches!(refusal, Refusal::ParameterTooLong { parameter, .. } if parameter == name));
        }
    }

    #[test]
    fn any_text_in_wctx_comes_back_byte_for_byte() {
        use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
        use proptest::prelude::*;
        proptest!(|(text in "[^\0]{0,40}")| {
            let raw = format!("wa=wsignin1.0&wctx={}", utf8_percent_encode(&text, NON_ALPHANUMERIC));
            prop_assert_eq!(decode(raw.as_bytes()).unwrap().wctx, Some(text));
        });
    }

    #[test]
    fn every_check_has_a_comment_and_the_list_is_complete() {
        let names: Vec<&str> = CHECKS.iter().map(|check| check.name).collect();
        assert_eq!(
            names,
            [
                "trust_is_enabled",
                "trust_has_a_ws_federation_endpoint",
                "wreply_is_registered",
                "wauth_is_known",
                "wfresh_is_a_number"
            ]
        );
        assert!(CHECKS.iter().all(|check| check.doc.ends_with('.')));
    }
}

#[cfg(test)]
mod trust_is_enabled_tests {
    use super::tests::{refused, sign_in, trust};
    use super::*;

    #[test]
    fn a_disabled_trust_is_answered_like_an_unknown_one() {
        let (check, text) = refused(&sign_in(), &RelyingPartyTrust { enabled: false, ..trust() });
        assert_eq!(check, "trust_is_enabled");
        assert!(text.starts_with("MSIS7007: The requested relying party trust 'urn:app' is unspecified"));
    }
}

#[cfg(test)]
mod trust_has_a_ws_federation_endpoint_tests {
    use super::tests::{refused, sign_in, trust};
    use super::*;

    #[test]
    fn a_trust_without_an_endpoint_gets_no_token() {
        let trust = RelyingPartyTrust { ws_fed_endpoint: None, ..trust() };
        let (check, text) = refused(&sign_in(), &trust);
        assert_eq!(check, "trust_has_a_ws_federation_endpoint");
        assert!(text.contains("Set WSFedEndpoint"));
        let named = SignIn { wreply: Some("https://app.example.com/other".into()), ..sign_in() };
        assert_eq!(accept(&named, &trust).unwrap().reply, "https://app.example.com/other");
    }
}

#[cfg(test)]
mod wreply_is_registered_tests {
    use super::tests::{refused, sign_in, trust};
    use super::*;

    fn to(reply: &str) -> SignIn {
        SignIn { wreply: Some(reply.into()), ..sign_in() }
    }

    #[test]
    fn every_listed_address_is_taken() {
        for reply in ["https://app.example.com/signin", "https://app.example.com/other"] {
            assert_eq!(accept(&to(reply), &trust()).unwrap().reply, reply);
        }
    }

    /// Security case 37.
    #[test]
    fn an_address_that_only_resembles_a_listed_one_is_refused() {
        for reply in [
            "https://evil.example.com/signin",                      // not registered
            "https://app.example.com/signin/",                      // sub-path
            "https://app.example.com/signin/../evil",               // path traversal
            "https://app.example.com/signin?x",                     // query
            "https://app.example.com/signin#x",                     // fragment
            "https://app.example.com/",                             // parent
            "https://app.example.com/SIGNIN",                       // case of the path
            "https://APP.example.com/signin",                       // case of the host
            "HTTPS://app.example.com/signin",                       // case of the scheme
            "http://app.example.com/signin",                        // scheme
            "https://app.example.com:443/signin",                   // explicit port
            "https://app.example.com.evil.example/signin",          // suffix
            "https://app.example.com@evil.example/signin",          // user information
            "https://evil.example\\@app.example.com/signin",        // backslash
            "https://xn--pp-eka.example.com/signin",                // punycode
            "https://\u{430}pp.example.com/signin",                 // Cyrillic a
            "https://app.example.com./signin",                      // trailing dot
            "https://app.example.com/%73ignin",                     // escaped letter
            "https://app.example.com/signin%20",                    // escaped blank
            " https://app.example.com/signin",                      // blank
            "https://app.example.com/signin\r\nSet-Cookie: a=b",    // header injection
            "//app.example.com/signin",                             // relative
            "javascript:alert(1)//https://app.example.com/signin",  // script
            "https://app.example.com/signin,https://evil.example/", // list
        ] {
            let (check, text) = refused(&to(reply), &trust());
            assert_eq!(check, "wreply_is_registered", "{reply}");
            assert!(!text.contains(['\r', '\n']));
        }
    }
}

#[cfg(test)]
mod wauth_is_known_tests {
    use super::tests::{refused, sign_in, trust};
    use super::*;

    fn wanting(method: &str) -> SignIn {
        SignIn { wauth: Some(method.into()), ..sign_in() }
    }

    #[test]
    fn both_names_of_the_password_are_known() {
        for method in [
            "urn:oasis:names:tc:SAML:1.0:am:password",
            "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password",
        ] {
            let accepted = accept(&wanting(method), &trust()).unwrap();
            assert_eq!(accepted.methods, [METHOD_PASSWORD_PROTECTED_TRANSPORT]);
        }
    }

    /// Security case 38: what is stronger than a password is never answered by a password.
    #[test]
    fn other_methods_are_refused() {
        for method in [
            "http://schemas.microsoft.com/claims/multipleauthn",
            "urn:federation:authentication:windows",
            "urn:ietf:rfc:2246",
            "URN:oasis:names:tc:SAML:1.0:am:password",
            "password",
        ] {
            let (check, text) = refused(&wanting(method), &trust());
            assert_eq!(check, "wauth_is_known", "{method}");
            assert_eq!(text, "MSIS7102: Requested Authentication Method is not supported on the STS.");
        }
    }
}

#[cfg(test)]
mod wfresh_is_a_number_tests {
    use super::tests::{refused, sign_in, trust};
    use super::*;

    fn within(fresh: &str) -> SignIn {
        SignIn { wfresh: Some(fresh.into()), ..sign_in() }
    }

    #[test]
    fn whole_minutes_are_taken() {
        for (fresh, minutes) in [("0", 0), ("00", 0), ("60", 60), ("99999999999999999999", u32::MAX)] {
            assert_eq!(accept(&within(fresh), &trust()).unwrap().freshness, Some(Minutes(minutes)));
        }
    }

    /// Security case 38: a freshness that can't be read is not taken for "any age".
    #[test]
    fn anything_else_is_refused() {
        for fresh in ["-1", "+1", "1.5", "0x10", "ten", " 0", "0 ", "٣"] {
            let (check, text) = refused(&within(fresh), &trust());
            assert_eq!(check, "wfresh_is_a_number", "{fresh}");
            assert!(text.contains("expected a whole number of minutes"));
        }
    }
}
