//! From a protocol message to what the service is asked to do, and from its grant to the protocol's response.

use std::time::Duration;

use audit::{AuthProtocol, Step};
use base::Guid;
use configuration::{RelyingPartyTrust, SAML_20, SamlResponseSignature};
use protocols::check::{self, Check};
use protocols::refusal::SamlStatus;
use protocols::saml::authn_request::{self, AuthnRequest};
use protocols::saml::requested_authn_context::Wanted as WantedClass;
use protocols::saml::response::{self, Envelope, NotXml, Prepared, REQUEST_DENIED};
use protocols::saml::{binding, sign_in as saml_sign_in};
use protocols::ws_federation::{response as ws_federation_response, sign_in as ws_federation_sign_in};
use protocols::{PeerText, Refusal};
use std::sync::Arc;
use sts::{
    CatalogError, Freshness, Granted, IssueError, RelyingParty, RequestFingerprint, Resident, Session,
    SignInRequest, Trail, Wanted,
};
use tokens::Version;

use super::passive::Message;
use crate::FederationServer;

/// How long a person may sit at the sign-in page before a SAML request counts as too old.
const TIME_AT_THE_PAGE: Duration = Duration::from_secs(60 * 60);

/// A request whose checks have passed, and how its answer travels.
pub(crate) struct Plan {
    /// What the service is asked to do.
    pub(super) request: SignInRequest,
    reply: ReplyTo,
}

enum ReplyTo {
    WsFederation { address: String, wctx: Option<String> },
    Saml(Box<SamlReply>),
}

struct SamlReply {
    address: String,
    request: AuthnRequest,
    relay_state: Option<String>,
    class: Option<&'static str>,
}

/// Fields of the form that the browser posts, and where to.
pub(super) struct Response {
    pub(super) action: String,
    pub(super) fields: Vec<(&'static str, String)>,
}

/// Why there is no token.
pub(crate) enum Refused {
    /// A check refused the request.
    Check {
        /// The check's name; none when the message could not be read.
        name: Option<&'static str>,
        /// Why.
        refusal: Refusal,
        /// Who asked, as far as it said.
        identifier: Option<String>,
        /// Where the protocol may answer with a status: the registered address is known already.
        answer_to: Option<Box<Plan>>,
    },
    /// The authorization rules refused the person.
    NotPermitted,
    /// The configuration can't be used.
    Catalog(CatalogError),
    /// The token can't be made.
    Issue(IssueError),
    /// A value can't stand in XML.
    NotXml(NotXml),
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::Check { name: None, refusal, identifier: None, answer_to: None }
    }
}

impl Refused {
    /// The SAML status that says it, where there is one.
    pub(crate) fn saml_status(&self) -> Option<SamlStatus> {
        match self {
            Self::Check { refusal, .. } => refusal.saml_status(),
            Self::NotPermitted => Some(REQUEST_DENIED),
            Self::Catalog(_) | Self::Issue(_) | Self::NotXml(_) => None,
        }
    }
}

/// Decodes a message, finds its relying party and runs the checks of its protocol.
pub(super) async fn plan(
    server: &FederationServer,
    resident: &Resident,
    message: &Message,
    session: Option<&Session>,
    has_input: bool,
    trail: &mut Trail,
) -> Result<Plan, Refused> {
    match message {
        Message::WsFederation(parameters) => {
            trail.protocol(AuthProtocol::WsFederation);
            plan_ws_federation(server, parameters, trail).await
        }
        Message::SamlRedirect(text) | Message::SamlPost(text) => {
            trail.protocol(AuthProtocol::Samlp);
            let fingerprint = fingerprint(text);
            let returned = has_input || session.is_some_and(|session| session.fresh_for == Some(fingerprint));
            let message = match message {
                Message::SamlPost(form) => binding::from_post(form, "SAMLRequest")?,
                _ => binding::from_redirect(text, "SAMLRequest")?,
            };
            plan_saml(server, resident, &message, fingerprint, returned, trail).await
        }
    }
}

/// Names the request, in its received spelling. The correlation id is left out: this service adds it on the way.
fn fingerprint(request: &str) -> RequestFingerprint {
    let is_request = |pair: &&str| {
        let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
        !name.eq_ignore_ascii_case("client-request-id")
    };
    let request = request.split('&').filter(is_request).collect::<Vec<_>>().join("&");
    RequestFingerprint::of(request.as_bytes())
}

async fn plan_ws_federation(
    server: &FederationServer,
    parameters: &str,
    trail: &mut Trail,
) -> Result<Plan, Refused> {
    let sign_in = ws_federation_sign_in::decode(parameters.as_bytes())?;
    let party = relying_party(server, &sign_in.wtrealm, trail).await?;
    let accepted = ws_federation_sign_in::accept(&sign_in, &party.trust);
    note_checks(trail, ws_federation_sign_in::CHECKS, accepted.as_ref().err());
    let accepted = accepted.map_err(|refused| refused_by(refused, &sign_in.wtrealm, None))?;
    let freshness = match accepted.freshness {
        None => Freshness::Any,
        Some(ws_federation_sign_in::Minutes::FRESH) => Freshness::Now,
        Some(minutes) => Freshness::Within(Duration::from_secs(u64::from(minutes.0) * 60)),
    };
    let request = SignInRequest {
        relying_party: party,
        realm: sign_in.wtrealm,
        freshness,
        methods: accepted.methods,
        fingerprint: fingerprint(parameters),
        passive: false,
        user_hint: sign_in.username,
    };
    Ok(Plan { request, reply: ReplyTo::WsFederation { address: accepted.reply, wctx: sign_in.wctx } })
}

async fn plan_saml(
    server: &FederationServer,
    resident: &Resident,
    message: &binding::Message,
    fingerprint: RequestFingerprint,
    returned: bool,
    trail: &mut Trail,
) -> Result<Plan, Refused> {
    let properties = &resident.properties;
    let received = authn_request::read(message)?;
    let party = relying_party(server, &received.request.issuer, trail).await?;
    let window = Duration::from_secs(u64::from(properties.saml_message_delivery_window) * 60);
    let context = saml_sign_in::Context {
        endpoint: format!("{}/adfs/ls/", properties.public_url()),
        now: server.sts.clock.now(),
        delivery_window: if returned { window.saturating_add(TIME_AT_THE_PAGE) } else { window },
    };
    let sign_in = saml_sign_in::SignIn::new(received, &party.trust, context);
    let (request, relay_state) = (sign_in.request.clone(), sign_in.relay_state.clone());
    let checked = sign_in.check(&party.trust);
    note_checks(trail, saml_sign_in::CHECKS, checked.as_ref().err());
    let to_plan = |class, address: &str| Plan {
        request: SignInRequest {
            relying_party: party.clone(),
            realm: request.issuer.clone(),
            freshness: if request.force_authn { Freshness::Now } else { Freshness::Any },
            methods: &[],
            fingerprint,
            passive: request.is_passive,
            user_hint: None,
        },
        reply: ReplyTo::Saml(Box::new(SamlReply {
            address: address.to_owned(),
            request: request.clone(),
            relay_state: relay_state.clone(),
            class,
        })),
    };
    match checked {
        Ok(checked) => {
            let class = match checked.authentication {
                WantedClass::Any => None,
                WantedClass::Class(class) => Some(class),
            };
            Ok(to_plan(class, &checked.assertion_consumer.location))
        }
        Err(refused) => {
            let consumer = saml_sign_in::assertion_consumer(&request, &party.trust).ok();
            let answer_to = consumer
                .filter(|_| refused.refusal.saml_status().is_some())
                .map(|consumer| Box::new(to_plan(None, &consumer.location)));
            Err(refused_by(refused, &request.issuer, answer_to))
        }
    }
}

fn refused_by(refused: check::Refused, identifier: &str, answer_to: Option<Box<Plan>>) -> Refused {
    let check::Refused { check, refusal } = refused;
    Refused::Check { name: Some(check), refusal, identifier: Some(identifier.to_owned()), answer_to }
}

/// The check that a trust has the identifier, whether it is enabled or not.
pub(crate) const RELYING_PARTY_IS_KNOWN: &str = "relying_party_is_known";

async fn relying_party(
    server: &FederationServer,
    identifier: &str,
    trail: &mut Trail,
) -> Result<Arc<RelyingParty>, Refused> {
    match server.sts.catalog.relying_party(identifier).await {
        Ok(Some(party)) => {
            trail.step(Step::passed(RELYING_PARTY_IS_KNOWN));
            Ok(party)
        }
        Ok(None) => {
            let refusal = Refusal::UnknownRelyingParty { identifier: PeerText::new(identifier) };
            trail.step(Step::refused(RELYING_PARTY_IS_KNOWN, refusal.to_string()));
            let identifier = Some(identifier.to_owned());
            Err(Refused::Check { name: Some(RELYING_PARTY_IS_KNOWN), refusal, identifier, answer_to: None })
        }
        Err(error) => Err(Refused::Catalog(error)),
    }
}

/// Writes the checks of a step into the trail: those that passed, and the one that refused.
fn note_checks<R, T>(trail: &mut Trail, checks: &[Check<R, T>], refused: Option<&check::Refused>) {
    for check in checks {
        match refused {
            Some(refused) if refused.check == check.name => {
                trail.step(Step::refused(check.name, refused.refusal.to_string()));
                return;
            }
            _ => trail.step(Step::passed(check.name)),
        }
    }
}

impl Plan {
    /// Issues the token and wraps it into the protocol's response.
    pub(super) async fn respond(
        &self,
        server: &FederationServer,
        resident: &Resident,
        granted: &Granted,
        trail: &mut Trail,
    ) -> Result<Response, Refused> {
        match &self.reply {
            ReplyTo::WsFederation { address, wctx } => {
                let version = token_version(&self.request.relying_party.trust);
                let wanted = Wanted {
                    version,
                    recipient: address,
                    in_response_to: None,
                    authn_context_class: None,
                    signed: true,
                };
                let issued = server.sts.issue(resident, &self.request, granted, wanted, trail).await?;
                let wresult = ws_federation_response::Response {
                    created: issued.created,
                    expires: issued.expires,
                    realm: &self.request.realm,
                    version,
                    assertion: &issued.assertion,
                }
                .wresult();
                let fields = ws_federation_response::form_fields(&wresult, wctx.as_deref());
                let fields = fields.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
                Ok(Response { action: address.clone(), fields })
            }
            ReplyTo::Saml(reply) => {
                let policy = &reply.request.name_id_policy;
                if let Err(refusal) = policy.satisfied(&granted.claims) {
                    trail.step(Step::refused("name_id_policy_is_satisfied", refusal.to_string()));
                    let identifier = Some(self.request.realm.clone());
                    let name = Some("name_id_policy_is_satisfied");
                    return Err(Refused::Check { name, refusal, identifier, answer_to: None });
                }
                let signature = self.request.relying_party.trust.saml_response_signature;
                let wanted = Wanted {
                    version: Version::Saml20,
                    recipient: &reply.address,
                    in_response_to: Some(&reply.request.id),
                    authn_context_class: reply.class,
                    signed: signature != SamlResponseSignature::MessageOnly,
                };
                let issued = server.sts.issue(resident, &self.request, granted, wanted, trail).await?;
                let id = Guid::random(server.sts.random.as_ref()).to_xml_id();
                let envelope = reply.envelope(server, resident, &id);
                let certificate = resident.token_keys.signing.certificate_base64();
                let prepared =
                    response::prepare_response(&envelope, &issued.assertion, signature, certificate)?;
                let text = match prepared {
                    Prepared::Final(text) => text,
                    Prepared::ToSign(to_sign) => {
                        server.sts.sign(resident, *to_sign).await.map_err(IssueError::from)?
                    }
                };
                Ok(reply.post(&text))
            }
        }
    }

    /// The signed SAML response that says why there is no assertion; `None` where the protocol has no such
    /// answer.
    pub(super) async fn respond_with_status(
        &self,
        server: &FederationServer,
        resident: &Resident,
        status: SamlStatus,
    ) -> Option<Response> {
        let ReplyTo::Saml(reply) = &self.reply else { return None };
        let id = Guid::random(server.sts.random.as_ref()).to_xml_id();
        let certificate = resident.token_keys.signing.certificate_base64();
        let to_sign =
            response::prepare_error(&reply.envelope(server, resident, &id), status, certificate).ok()?;
        let text = server.sts.sign(resident, to_sign).await.ok()?;
        Some(reply.post(&text))
    }
}

impl SamlReply {
    fn envelope<'a>(
        &'a self,
        server: &FederationServer,
        resident: &'a Resident,
        id: &'a str,
    ) -> Envelope<'a> {
        Envelope {
            id,
            issue_instant: server.sts.clock.now(),
            issuer: &resident.properties.identifier,
            destination: &self.address,
            in_response_to: Some(&self.request.id),
        }
    }

    fn post(&self, response: &str) -> Response {
        Response {
            action: self.address.clone(),
            fields: response::post_form(response, self.relay_state.as_deref()),
        }
    }
}

fn token_version(trust: &RelyingPartyTrust) -> Version {
    match trust.ws_fed_token_type.as_str() {
        SAML_20 => Version::Saml20,
        _ => Version::Saml11,
    }
}

impl From<IssueError> for Refused {
    fn from(error: IssueError) -> Self {
        Self::Issue(error)
    }
}

impl From<NotXml> for Refused {
    fn from(error: NotXml) -> Self {
        Self::NotXml(error)
    }
}
