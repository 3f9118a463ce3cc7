//! Claims X-Ray, the built-in relying party: starts sign-ins and shows the token it gets, with every check.
//!
//! `GET /claimsxray` chooses → `GET /claimsxray/start` asks `/adfs/ls/` → `POST /claimsxray/wsfed` or
//! `/claimsxray/saml` takes the answer. The token is validated by [`tokens::validate`], the code by which
//! tokens of other issuers are accepted.

use std::time::Duration;

use base::Guid;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use claims::types;
use configuration::{CLAIMS_XRAY, CLAIMS_XRAY_SAML20};
use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use protocols::saml::authn_request_writer::NewAuthnRequest;
use protocols::saml::binding;
use protocols::saml::read_response::{self, ResponseProblem};
use protocols::ws_federation::read_response as read_rstr;
use sts::Resident;
use tokens::Version;
use tokens::validate::{self, Expectations, InResponseTo, TrustedIssuer, ValidatedToken};
use xml::{Document, Limits, VerificationKey};

use crate::exchange::{self, Exchange, Reply, add_cookies, plain};
use crate::form::Form;
use crate::pages::{
    XRayClaim, XRayKeySource, XRayLifetime, XRayProblem, XRayProtocol, XRayResultPage, XRaySignature,
    XRaySigned, XRaySpan, XRayStartPage, XRayToken, xray_result, xray_start,
};
use crate::{FederationServer, cookies, frame, subject};

/// Path of the page.
const HOME: &str = "/claimsxray";
/// The cookie that binds an answer to the browser that asked.
const ASKED: &str = "SekishoXRay";
/// What that cookie is sealed for.
const PURPOSE: &str = "claimsxray";
/// Clocks are the same here; the second of tolerance is for rounding.
const SKEW: Duration = Duration::from_secs(1);

/// Answers a request below `/claimsxray`.
pub(crate) async fn answer(server: &FederationServer, exchange: &Exchange) -> Reply {
    let resident = exchange.resident.clone();
    if !resident.properties.enable_claims_xray {
        return plain(StatusCode::NOT_FOUND, "Claims X-Ray is not enabled (EnableClaimsXRay).");
    }
    let path = exchange.path.trim_end_matches('/').to_ascii_lowercase();
    match (path.as_str(), &exchange.method) {
        ("/claimsxray", _) => {
            let page =
                XRayStartPage { frame: frame(&resident, exchange), home: HOME, action: "/claimsxray/start" };
            exchange::page(exchange, xray_start(&page))
        }
        ("/claimsxray/start", _) => start(server, &resident, exchange),
        ("/claimsxray/wsfed", &Method::POST) => ws_federation(server, &resident, exchange).await,
        ("/claimsxray/saml", &Method::POST) => saml(server, &resident, exchange).await,
        _ => exchange::redirect(exchange, &format!("{}{HOME}", resident.properties.base_url())),
    }
}

/// Sends the browser to the service.
fn start(server: &FederationServer, resident: &Resident, exchange: &Exchange) -> Reply {
    let form = Form::parse(exchange.query.as_deref().unwrap_or_default());
    let base = resident.properties.base_url();
    let protocol = form.get("protocol").and_then(XRayProtocol::from_value);
    let fresh = form.get("fresh") == Some("true");
    let id = Guid::random(server.sts.random.as_ref()).to_xml_id();
    let target = match protocol {
        Some(XRayProtocol::WsFederationSaml11) => Some(wsignin(&base, CLAIMS_XRAY, &id, fresh)),
        Some(XRayProtocol::WsFederationSaml20) => Some(wsignin(&base, CLAIMS_XRAY_SAML20, &id, fresh)),
        Some(XRayProtocol::Saml20) => NewAuthnRequest {
            id: &id,
            issue_instant: server.sts.clock.now(),
            issuer: CLAIMS_XRAY,
            destination: &format!("{base}/adfs/ls/"),
            assertion_consumer_service_url: &format!("{base}/claimsxray/saml"),
            force_authn: fresh,
            authn_context_class: None,
        }
        .to_redirect_url(None),
        None => None,
    };
    let Some(target) = target else {
        return exchange::redirect(exchange, &format!("{base}{HOME}"));
    };
    let mut reply = exchange::redirect(exchange, &target);
    let sealed = server.sts.seal_cookie(PURPOSE, id.as_bytes());
    let lines = sealed.and_then(|sealed| cookies::set(&exchange.headers, ASKED, HOME, &sealed));
    add_cookies(&mut reply, lines.unwrap_or_default());
    reply
}

fn wsignin(base: &str, realm: &str, context: &str, fresh: bool) -> String {
    let realm = utf8_percent_encode(realm, NON_ALPHANUMERIC);
    let fresh = if fresh { "&wfresh=0" } else { "" };
    format!("{base}/adfs/ls/?wa=wsignin1.0&wtrealm={realm}&wctx={context}{fresh}")
}

/// The id of the request that this browser sent, if any.
fn asked(server: &FederationServer, exchange: &Exchange) -> Option<String> {
    let sealed = cookies::read(&exchange.headers, ASKED)?;
    String::from_utf8(server.sts.open_cookie(PURPOSE, &sealed)?.to_vec()).ok()
}

/// What became of an answer.
struct Verdict {
    protocol: XRayProtocol,
    /// Name of the failed check, and its text.
    problems: Vec<(&'static str, String)>,
    /// The token; only when it is believed.
    token: Option<ValidatedToken>,
    xml: String,
    /// `wctx` or `RelayState`.
    context: Option<String>,
}

async fn ws_federation(server: &FederationServer, resident: &Resident, exchange: &Exchange) -> Reply {
    let form = Form::parse(&exchange.form);
    let mut verdict = Verdict {
        protocol: XRayProtocol::WsFederationSaml11,
        problems: Vec::new(),
        token: None,
        xml: form.get("wresult").unwrap_or_default().to_owned(),
        context: form.get("wctx").map(str::to_owned),
    };
    if verdict.context.is_none() || verdict.context != asked(server, exchange) {
        let text = "wctx is not the one that this browser sent: the answer is old, was made for another browser, or \
                    the sign-in did not begin at /claimsxray";
        verdict.problems.push(("context_is_ours", text.to_owned()));
    }
    let keys = own_keys(resident);
    let issuers = [own(resident, &keys)];
    let recipient = format!("{}/claimsxray/wsfed", resident.properties.base_url());
    let expectations = expectations(server, &issuers, &recipient, InResponseTo::NotAsked);
    match read_wresult(&verdict.xml, &expectations) {
        Ok(token) => {
            if token.version() == Version::Saml20 {
                verdict.protocol = XRayProtocol::WsFederationSaml20;
            }
            accept_once(server, &mut verdict, token).await;
        }
        Err(problems) => verdict.problems.extend(problems),
    }
    show(server, resident, exchange, &verdict)
}

fn read_wresult(
    xml: &str,
    expectations: &Expectations<'_>,
) -> Result<ValidatedToken, Vec<(&'static str, String)>> {
    let unreadable = |text: String| vec![("message_can_be_read", text)];
    let document = Document::parse(xml, &Limits::MESSAGE).map_err(|error| unreadable(error.to_string()))?;
    let assertion = read_rstr::assertion(document.root()).map_err(|error| unreadable(error.to_string()))?;
    let problems = |found: Vec<validate::ValidationProblem>| {
        found.iter().map(|problem| ("token_is_valid", problem.to_string())).collect::<Vec<_>>()
    };
    validate::assertion(assertion, expectations).map_err(problems)
}

async fn saml(server: &FederationServer, resident: &Resident, exchange: &Exchange) -> Reply {
    let mut verdict = Verdict {
        protocol: XRayProtocol::Saml20,
        problems: Vec::new(),
        token: None,
        xml: String::new(),
        context: None,
    };
    match binding::from_post(&exchange.form, "SAMLResponse") {
        Err(refusal) => verdict.problems.push(("message_can_be_read", refusal.to_string())),
        Ok(message) => {
            let asked = asked(server, exchange).unwrap_or_default();
            let keys = own_keys(resident);
            let issuers = [own(resident, &keys)];
            let recipient = format!("{}/claimsxray/saml", resident.properties.base_url());
            let expectations = expectations(server, &issuers, &recipient, InResponseTo::Request(&asked));
            match read_response::read(&message, &expectations) {
                Ok(token) => accept_once(server, &mut verdict, token).await,
                Err(ResponseProblem::Token(found)) => {
                    verdict
                        .problems
                        .extend(found.iter().map(|problem| ("token_is_valid", problem.to_string())));
                }
                Err(problem) => verdict.problems.push(("response_is_valid", problem.to_string())),
            }
            verdict.context = message.relay_state;
            verdict.xml = message.xml;
        }
    }
    show(server, resident, exchange, &verdict)
}

/// A token is taken once in its life (security case 23).
async fn accept_once(server: &FederationServer, verdict: &mut Verdict, token: ValidatedToken) {
    let until = token.not_on_or_after().plus(SKEW);
    let now = server.sts.clock.now();
    match server.sts.once.insert_if_absent("claimsxray-token", token.id(), until, now).await {
        Ok(true) => {}
        Ok(false) => {
            let text = format!("the token {} was taken before; a token is good for one sign-in", token.id());
            verdict.problems.push(("token_is_taken_once", text));
        }
        Err(error) => verdict.problems.push(("token_is_taken_once", error.to_string())),
    }
    if verdict.problems.is_empty() {
        verdict.token = Some(token);
    }
}

fn expectations<'a>(
    server: &FederationServer,
    issuers: &'a [TrustedIssuer<'a>],
    recipient: &'a str,
    in_response_to: InResponseTo<'a>,
) -> Expectations<'a> {
    Expectations {
        issuers,
        audiences: &[CLAIMS_XRAY, CLAIMS_XRAY_SAML20],
        recipient: Some(recipient),
        in_response_to,
        now: server.sts.clock.now(),
        skew: SKEW,
    }
}

/// The keys that this service publishes; a page of this service believes no other.
fn own_keys(resident: &Resident) -> Vec<VerificationKey> {
    let ders = resident.token_keys.signing_certificates.iter().filter_map(|one| STANDARD.decode(one).ok());
    ders.filter_map(|der| VerificationKey::from_certificate_der(&der).ok()).collect()
}

fn own<'a>(resident: &'a Resident, keys: &'a [VerificationKey]) -> TrustedIssuer<'a> {
    TrustedIssuer { identifier: &resident.properties.identifier, keys, allow_sha1: false }
}

fn show(server: &FederationServer, resident: &Resident, exchange: &Exchange, verdict: &Verdict) -> Reply {
    let problems: Vec<XRayProblem<'_>> =
        verdict.problems.iter().map(|(check, message)| XRayProblem { check, message }).collect();
    let key = &resident.token_keys.signing;
    let subject = subject(key.certificate_base64());
    let token =
        verdict.token.as_ref().map(|token| shown(token, verdict.protocol, &subject, key.thumbprint()));
    let html = xray_result(&XRayResultPage {
        frame: frame(resident, exchange),
        home: HOME,
        problems: &problems,
        token: token.as_ref(),
        relay_state: verdict.context.as_deref(),
        raw_xml: &verdict.xml,
        now: server.sts.clock.now(),
    });
    let mut reply = exchange::page(exchange, html);
    add_cookies(&mut reply, cookies::delete(&exchange.headers, ASKED, HOME));
    reply
}

fn shown<'a>(
    token: &'a ValidatedToken,
    protocol: XRayProtocol,
    subject: &'a str,
    thumbprint: &'a str,
) -> XRayToken<'a> {
    let name_id = token.claims().iter().find(|claim| &*claim.claim_type == types::NAME_IDENTIFIER);
    XRayToken {
        protocol,
        id: token.id(),
        issuer: token.issuer(),
        audiences: vec![token.audience()],
        recipient: None,
        in_response_to: None,
        name_id: token.name_id(),
        name_id_format: name_id.map(|claim| claim.property(types::PROPERTY_FORMAT)).filter(|f| !f.is_empty()),
        authentication_method: Some(token.authentication_method()),
        authentication_instant: Some(token.authentication_instant()),
        lifetimes: vec![XRayLifetime {
            span: XRaySpan::Token,
            not_before: token.not_before(),
            not_on_or_after: Some(token.not_on_or_after()),
        }],
        claims: token
            .claims()
            .iter()
            .map(|claim| XRayClaim {
                claim_type: &claim.claim_type,
                value: &claim.value,
                issuer: &claim.issuer,
                original_issuer: &claim.original_issuer,
            })
            .collect(),
        signatures: vec![XRaySignature {
            signed: XRaySigned::Assertion,
            algorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            digest: "http://www.w3.org/2001/04/xmlenc#sha256",
            certificate_subject: subject,
            thumbprint,
            key_source: XRayKeySource::Trusted,
        }],
    }
}
