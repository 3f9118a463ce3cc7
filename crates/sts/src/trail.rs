//! What happened during one request: the events and steps that become its record in the journal.
//!
//! The order of events is AD FS's own (403, 510, 410, then credential, session and token audits, last 404, 510).

use std::sync::Arc;

use audit::{
    AuthProtocol, AuthnAudit, BasicAudit, CallerIdentity, ClaimPairs, Event, ExtranetLockoutAudit,
    FailureType, NetworkLocation, Outcome, Record, RequestAudit, RequestLine, ResourceAudit, RuleFired,
    SsoBinding, Step, Text, token_types,
};
use base::{Guid, Random, Timestamp};
use claims::Claim;
use configuration::ServiceProperties;
use directory::Subject;

use crate::context::SignInContext;
use crate::session::Session;

/// The growing record of one request.
pub struct Trail {
    /// Facts about the request.
    pub context: SignInContext,
    node: Arc<str>,
    farm: Text,
    at: Timestamp,
    random: Arc<dyn Random>,
    protocol: Option<AuthProtocol>,
    request: Option<RequestLine>,
    events: Vec<Event>,
    steps: Vec<Step>,
    outcome: Option<Outcome>,
    early: Option<&'static str>,
}

impl Trail {
    /// Nothing has happened yet. `farm` is the federation service identifier.
    pub fn new(
        context: SignInContext,
        node: Arc<str>,
        farm: &str,
        at: Timestamp,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            context,
            node,
            farm: farm.into(),
            at,
            random,
            protocol: None,
            request: None,
            events: Vec::with_capacity(16),
            steps: Vec::with_capacity(16),
            outcome: None,
            early: None,
        }
    }

    /// The request line, for explanations.
    pub fn request(&mut self, request: RequestLine) {
        self.request = Some(request);
    }

    /// The protocol of the request, once it is known.
    pub fn protocol(&mut self, protocol: AuthProtocol) {
        self.protocol = Some(protocol);
    }

    /// An event that needs nothing of the trail.
    pub fn event(&mut self, event: Event) {
        self.events.push(event);
    }

    /// A step of the way.
    pub fn step(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// How the request ended; the first ending counts.
    pub fn ended(&mut self, outcome: Outcome) {
        self.outcome.get_or_insert(outcome);
    }

    /// The request was refused before any trust or account was known. Anybody can make such requests without
    /// end, so beyond a rate they are only counted.
    pub fn refused_early(&mut self, reason: &'static str) {
        self.early.get_or_insert(reason);
    }

    /// Why the request was refused before any trust or account was known, if it was.
    pub fn early_refusal(&self) -> Option<&'static str> {
        self.early
    }

    /// A fresh instance id, which chains audits of one credential or token.
    pub fn instance(&self) -> Guid {
        Guid::random(self.random.as_ref())
    }

    /// The record, when the answer has this status.
    pub fn finish(self, status: u16) -> Record {
        let outcome = self.outcome.unwrap_or(Outcome::Answered { status });
        let mut record = Record::new(self.context.activity, self.at, self.node, outcome);
        record.request = self.request;
        record.events = self.events;
        record.steps = self.steps;
        record
    }

    /// 413, 1203, 411, 1201; 342, 1000, 364: a password was not accepted.
    pub(crate) fn password_refused(&mut self, user: &str, reason: &str, relying_party: &str) {
        let identity = CallerIdentity { relying_party: Some(self.farm.clone()), ..CallerIdentity::default() };
        let [security, admin] = Event::password_refused(user, reason, self.client_ips());
        let mut audit = self.basic(self.farm.clone());
        audit.failure_type = FailureType::CredentialValidationError;
        audit.resource.user_id = Some(user.into());
        let exception = Text::from(format!("{user}-{reason}"));
        self.events.extend([
            Event::CallerIdFailure { identity: Box::new(identity.clone()), client_ip: self.client_ips() },
            Event::FreshCredentialFailure(Box::new(audit.clone())),
            security,
            Event::AppTokenFailure(Box::new(audit)),
            admin,
            Event::CallerId(Box::new(identity)),
            self.passive_failure(relying_party, exception),
        ]);
        self.step(Step::refused("password_is_right", reason));
    }

    /// 516, 1210; 364: the account is locked, the directory was not asked.
    pub(crate) fn account_locked(
        &mut self,
        user: &str,
        count: u32,
        last: Timestamp,
        properties: &ServiceProperties,
        relying_party: &str,
    ) {
        let resource = ResourceAudit {
            relying_party: Some(self.farm.clone()),
            claims_provider: None,
            user_id: Some(user.into()),
        };
        let lockout = ExtranetLockoutAudit {
            resource,
            request: RequestAudit { server: None, ..self.request_audit() },
            current_bad_password_count: count,
            config_bad_password_count: properties.extranet_lockout_threshold,
            last_bad_attempt: last,
            lockout_window_seconds: properties.extranet_observation_window.as_seconds(),
        };
        let exception = Text::from(format!("The account '{user}' is locked out."));
        self.events.extend([
            Event::ExtranetLockoutAccountRestricted {
                user: user.into(),
                client_ip: self.client_ips(),
                bad_password_count: count,
                last_bad_attempt: last,
            },
            Event::ExtranetLockout(Box::new(lockout)),
            self.passive_failure(relying_party, exception),
        ]);
        self.step(Step::refused(
            "account_is_not_locked",
            format!("{count} wrong passwords, the last at {last}"),
        ));
    }

    /// 364: an address tries too often; no account was touched.
    pub(crate) fn address_throttled(&mut self, user: &str, relying_party: &str) {
        let address = self.client_ips();
        let exception =
            Text::from(format!("Too many password attempts from {address}; '{user}' was not tried."));
        let event = self.passive_failure(relying_party, exception);
        self.event(event);
        self.step(Step::refused("address_is_within_its_rate", address));
        self.refused_early("address_is_within_its_rate");
    }

    /// 412, 501, 1202: a password was accepted.
    pub(crate) fn password_accepted(&mut self, subject: &Subject) {
        let instance = self.instance();
        let mut audit = self.basic(self.farm.clone());
        audit.resource.claims_provider = Some(claims::claim::AD_AUTHORITY.into());
        audit.resource.user_id = Some((&subject.account_name).into());
        self.events.extend([
            Event::AuthenticationSuccess {
                instance,
                token_type: token_types::USER_NAME.into(),
                relying_party: Some(self.farm.clone()),
            },
            Event::CallerIdentityClaims { instance, claims: ClaimPairs::of(subject.claims.iter()) },
            Event::FreshCredentialSuccess(Box::new(audit)),
        ]);
        self.step(Step::passed("password_is_right"));
    }

    /// 299, 500, 501 for the service's own trust: the session.
    pub(crate) fn session_started(&mut self, session: &Session) {
        let instance = self.instance();
        let claims = ClaimPairs::of(&session.claims);
        self.events.extend([
            Event::TokenIssuanceSuccess { instance, relying_party: self.farm.clone() },
            Event::IssuedIdentityClaims { instance, claims: claims.clone() },
            Event::CallerIdentityClaims { instance, claims },
        ]);
        self.ended(Outcome::Redirect { reason: format!("{} signed in", session.account_name).into() });
    }

    /// 412, 501: a session served as evidence.
    pub(crate) fn session_used(&mut self, realm: &str, input: &[Claim]) {
        let instance = self.instance();
        self.events.extend([
            Event::AuthenticationSuccess {
                instance,
                token_type: token_types::SECURE_CONVERSATION.into(),
                relying_party: Some(realm.into()),
            },
            Event::CallerIdentityClaims { instance, claims: ClaimPairs::of(input) },
        ]);
        self.step(Step::passed("session_is_alive_and_fresh"));
    }

    /// 299, 500, 501, 1200: a token for the relying party.
    pub(crate) fn token_issued(&mut self, session: &Session, issued: &[Claim], realm: &str) {
        let instance = self.instance();
        let mut audit = self.basic(realm.into());
        audit.resource.claims_provider = Some(claims::claim::AD_AUTHORITY.into());
        audit.resource.user_id = Some((&session.account_name).into());
        audit.authn = AuthnAudit {
            primary_auth: Some((&session.method).into()),
            sso_binding: SsoBinding::TokenUnbound,
            ..AuthnAudit::default()
        };
        self.events.extend([
            Event::TokenIssuanceSuccess { instance, relying_party: realm.into() },
            Event::IssuedIdentityClaims { instance, claims: ClaimPairs::of(issued) },
            Event::CallerIdentityClaims { instance, claims: ClaimPairs::of(&session.claims) },
            Event::AppTokenSuccess(Box::new(audit)),
        ]);
        self.ended(Outcome::Token { user: (&session.account_name).into(), relying_party: realm.into() });
    }

    /// 324, 501, 1201; 325, 364: the authorization rules do not permit.
    pub(crate) fn not_permitted(&mut self, session: &Session, realm: &str) {
        let instance = self.instance();
        let (caller, relying_party) = (Text::from(&session.account_name), Text::from(realm));
        let mut audit = self.basic(relying_party.clone());
        audit.failure_type = FailureType::GenericError;
        audit.resource.user_id = Some(caller.clone());
        let exception = Text::from(format!(
            "MSIS5007: The caller authorization failed for caller identity {caller} for relying party trust {realm}."
        ));
        self.events.extend([
            Event::CallerAuthorizationTokenIssuanceFailure {
                instance,
                caller: caller.clone(),
                relying_party: relying_party.clone(),
            },
            Event::CallerIdentityClaims { instance, claims: ClaimPairs::of(&session.claims) },
            Event::AppTokenFailure(Box::new(audit)),
            Event::CallerAuthorizationError { caller, relying_party },
            self.passive_failure(realm, exception.clone()),
        ]);
        self.ended(Outcome::Refused { reason: "caller_is_permitted".into(), message: exception });
    }

    /// 405, 1204: a password was changed.
    pub(crate) fn password_changed(&mut self, user: &str) {
        let mut audit = self.basic(self.farm.clone());
        audit.resource.user_id = Some(user.into());
        self.events.extend([
            Event::PasswordChangeSuccess { user: user.into(), server: Text::from(&self.node) },
            Event::PasswordChangeBasicSuccess(Box::new(audit)),
        ]);
        self.step(Step::note("the password was changed"));
    }

    /// 406, 1205: a password was not changed.
    pub(crate) fn password_change_refused(&mut self, user: &str, reason: &str) {
        let mut audit = self.basic(self.farm.clone());
        audit.failure_type = FailureType::GenericError;
        audit.resource.user_id = Some(user.into());
        self.events.extend([
            Event::PasswordChangeFailure {
                user: user.into(),
                server: Text::from(&self.node),
                error: reason.into(),
            },
            Event::PasswordChangeBasicFailure(Box::new(audit)),
        ]);
        self.step(Step::refused("new_password_meets_the_rules", reason));
    }

    /// A rule set ran: its store queries, then the rules that fired.
    pub(crate) fn rules(&mut self, set: &'static str, outcome: &claims::Outcome) {
        let trace = &outcome.trace;
        for (query, rows) in trace.queries.iter().zip(&trace.rows) {
            self.step(Step::Query {
                store: Text::from(&query.store),
                query: format!("{} ({})", query.query, query.params.join(", ")).into(),
                rows: count(*rows),
                values: Vec::new(),
            });
        }
        let fired = trace
            .rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| rule.combinations > 0)
            .map(|(at, rule)| RuleFired {
                number: count(at.saturating_add(1)),
                name: rule.name.as_ref().map(Text::from).unwrap_or_default(),
                claims: count(rule.claims.len()),
            })
            .collect();
        self.step(Step::Rules { set: set.into(), fired, claims: count(outcome.issued.len()) });
    }

    /// 364 for a request of this protocol.
    pub fn passive_failure(&self, relying_party: &str, exception: Text) -> Event {
        let protocol = match self.protocol {
            Some(AuthProtocol::WsFederation) => "wsfed",
            Some(AuthProtocol::Samlp) => "Saml",
            _ => "",
        };
        Event::WsFederationPassiveRequestFailedError {
            protocol: protocol.into(),
            relying_party: relying_party.into(),
            exception,
        }
    }

    fn basic(&self, relying_party: Text) -> BasicAudit {
        BasicAudit {
            resource: ResourceAudit { relying_party: Some(relying_party), ..ResourceAudit::default() },
            request: self.request_audit(),
            ..BasicAudit::default()
        }
    }

    fn request_audit(&self) -> RequestAudit {
        let context = &self.context;
        let inside = context.inside_corporate_network;
        RequestAudit {
            server: Some(self.farm.clone()),
            auth_protocol: self.protocol,
            network_location: Some(if inside {
                NetworkLocation::Intranet
            } else {
                NetworkLocation::Extranet
            }),
            ip_address: context.client_ip(),
            forwarded_ip_address: context.client_ip().filter(|_| !inside),
            proxy_server: context.proxy.as_deref().map(Text::from),
            user_agent: context.user_agent.as_deref().map(Text::from),
            endpoint: Some((&context.endpoint_path).into()),
        }
    }

    /// Client first, then proxies, as 411 has it.
    fn client_ips(&self) -> Text {
        let list: Vec<String> = self.context.client_ips.iter().map(ToString::to_string).collect();
        list.join(",").into()
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
