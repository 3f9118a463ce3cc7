//! `/adfs/ls/`: WS-Federation and SAML 2.0 sign-in for browsers.
//!
//! find the message → decode → relying party → the protocol's `CHECKS` → `Sts::advance` → page, redirect, token

use std::sync::Arc;

use audit::{Outcome as Ending, Step};
use base::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use protocols::{PeerText, Refusal};
use sts::{ChangeProblem, Input, Outcome, Resident, Session, SignInProblem, Trail};

use super::passive_plan::{Plan, Refused, Response, plan};
use crate::cookies::{self, AUTHENTICATED, SAML_REQUEST, SESSION};
use crate::exchange::{self, Exchange, Reply, add_cookies};
use crate::form::Form;
use crate::pages::{
    self, ChangePasswordError, ChangePasswordPage, ChangePasswordReason, SignInError, SignInPage,
};
use crate::problem::{self, Problem};
use crate::{FederationServer, frame};

/// Cookies of the service go to its own paths only.
const COOKIE_PATH: &str = "/adfs";
/// What the sealed cookie of a waiting SAML request is for.
const WAITING: &str = "saml-request";
/// What the sealed session cookie is for.
const SSO: &str = "session";

/// A protocol message and where it came from.
pub(super) enum Message {
    /// Parameters of WS-Federation, from the query or from a form.
    WsFederation(String),
    /// The query of a SAML request by Redirect, octet by octet.
    SamlRedirect(String),
    /// The form of a SAML request by POST; it waits in a cookie while the person signs in.
    SamlPost(String),
}

/// Answers a request for `/adfs/ls/`.
pub(crate) async fn answer(server: &FederationServer, exchange: &Exchange, trail: &mut Trail) -> Reply {
    let resident = exchange.resident.clone();
    let Some(message) = find_message(server, exchange) else {
        let refused = Refused::from(Refusal::NoHandler { path: PeerText::new(&exchange.path) });
        return refuse(server, &resident, exchange, None, refused, trail).await;
    };
    let input = read_input(&exchange.form);
    let session = read_session(server, exchange);
    let has_input = !matches!(input, Input::Nothing);
    let plan = match plan(server, &resident, &message, session.as_deref(), has_input, trail).await {
        Ok(plan) => plan,
        Err(refused) => return refuse(server, &resident, exchange, None, refused, trail).await,
    };
    match server.sts.advance(&resident, &plan.request, session, input, trail).await {
        Outcome::SignInPage { user, problem } => {
            trail.ended(Ending::Page { page: "forms sign-in".into(), reason: reason(problem).into() });
            let reply = sign_in_page(&resident, exchange, &message, &user, problem);
            keep_waiting(server, exchange, &message, reply, trail)
        }
        Outcome::ChangePasswordPage { user, problem } => {
            trail.ended(Ending::Page {
                page: "password change".into(),
                reason: "the password must be changed".into(),
            });
            let reply = change_password_page(&resident, exchange, &message, &user, problem);
            keep_waiting(server, exchange, &message, reply, trail)
        }
        Outcome::SignedIn(session) => signed_in(server, &resident, exchange, &message, &session, trail),
        Outcome::Granted(granted) => match plan.respond(server, &resident, &granted, trail).await {
            Ok(response) => {
                let mut reply = post(exchange, &response);
                if granted.session_changed {
                    // Without the fresh sign-in that this token used up.
                    set_session(server, exchange, &granted.session, &mut reply);
                }
                add_cookies(&mut reply, cookies::delete(&exchange.headers, SAML_REQUEST, COOKIE_PATH));
                reply
            }
            Err(refused) => refuse(server, &resident, exchange, Some(&plan), refused, trail).await,
        },
        Outcome::InteractionRequired => {
            let refused = Refused::from(Refusal::InteractionNeeded);
            refuse(server, &resident, exchange, Some(&plan), refused, trail).await
        }
        Outcome::NotPermitted => {
            refuse(server, &resident, exchange, Some(&plan), Refused::NotPermitted, trail).await
        }
        Outcome::Failed(failure) => {
            problem::record_failure(trail, &plan.request.realm, &failure);
            problem::page(server, exchange, trail, Problem::failed(&plan.request, &failure))
        }
    }
}

/// Where the message is, in the order in which AD FS looks: a posted one wins over the address, the address
/// over a waiting one.
fn find_message(server: &FederationServer, exchange: &Exchange) -> Option<Message> {
    let posted = Form::parse(&exchange.form);
    let query = exchange.query.as_deref().unwrap_or_default();
    let asked = Form::parse(query);
    if posted.has("wa") {
        Some(Message::WsFederation(without_page_fields(&exchange.form)))
    } else if posted.has("SAMLRequest") {
        Some(Message::SamlPost(exchange.form.clone()))
    } else if asked.has("wa") {
        Some(Message::WsFederation(query.to_owned()))
    } else if asked.has("SAMLRequest") {
        Some(Message::SamlRedirect(query.to_owned()))
    } else {
        let sealed = cookies::read(&exchange.headers, SAML_REQUEST)?;
        let form = server.sts.open_cookie(WAITING, &sealed)?;
        String::from_utf8(form.to_vec()).ok().map(Message::SamlPost)
    }
}

impl Message {
    /// The query by which the browser comes back to this request: a posted WS-Federation message moves into
    /// the address, a posted SAML message waits in its cookie.
    fn continued_query<'a>(&'a self, exchange: &'a Exchange) -> Option<&'a str> {
        match self {
            Self::WsFederation(parameters) => Some(parameters),
            Self::SamlRedirect(_) | Self::SamlPost(_) => exchange.query.as_deref(),
        }
    }
}

/// Fields of the pages of this service. They may be posted together with a message, and must not get into an
/// address.
const PAGE_FIELDS: [&str; 7] =
    ["UserName", "Password", "AuthMethod", "Kmsi", "OldPassword", "NewPassword", "ConfirmNewPassword"];

/// Of a posted form, the WS-Federation message in its received spelling: never a password.
fn without_page_fields(form: &str) -> String {
    let is_message = |pair: &&str| {
        let name = Form::parse(pair);
        !PAGE_FIELDS.iter().any(|field| name.has(field))
    };
    form.split('&').filter(is_message).collect::<Vec<_>>().join("&")
}

/// A login post is known by its fields alone, on any protocol address; it needs no hidden field and no earlier
/// page, since programs post straight away.
fn read_input(form: &str) -> Input {
    let form = Form::parse(form);
    let text = |name: &str| form.get(name).map(str::to_owned);
    let secret = |name: &str| form.get(name).map(Secret::new);
    match (text("UserName"), secret("Password")) {
        (Some(user), Some(password)) => return Input::Password { user: user.trim().to_owned(), password },
        (Some(user), None) => {
            if let (Some(old), Some(new), Some(confirmation)) =
                (secret("OldPassword"), secret("NewPassword"), secret("ConfirmNewPassword"))
            {
                return Input::ChangePassword { user: user.trim().to_owned(), old, new, confirmation };
            }
        }
        _ => {}
    }
    Input::Nothing
}

fn read_session(server: &FederationServer, exchange: &Exchange) -> Option<Arc<Session>> {
    let sealed = cookies::read(&exchange.headers, SESSION)?;
    server.sessions.unpack(&server.sts.open_cookie(SSO, &sealed)?)
}

/// Sets the cookies of a session; `false` when it is too large for a browser.
fn set_session(server: &FederationServer, exchange: &Exchange, session: &Session, reply: &mut Reply) -> bool {
    let sealed = server.sts.seal_cookie(SSO, &session.pack());
    let lines = sealed.and_then(|sealed| cookies::set(&exchange.headers, SESSION, COOKIE_PATH, &sealed));
    let Some(lines) = lines else { return false };
    add_cookies(reply, lines);
    let time = STANDARD.encode(session.authenticated_at.to_us());
    add_cookies(
        reply,
        cookies::set(&exchange.headers, AUTHENTICATED, COOKIE_PATH, &time).unwrap_or_default(),
    );
    true
}

/// The answer to a right password: back to the same request, with the session.
fn signed_in(
    server: &FederationServer,
    resident: &Resident,
    exchange: &Exchange,
    message: &Message,
    session: &Session,
    trail: &mut Trail,
) -> Reply {
    let base = resident.properties.base_url();
    let location = format!("{base}{}", exchange.continued(message.continued_query(exchange)));
    let mut reply = exchange::redirect(exchange, &location);
    if !set_session(server, exchange, session, &mut reply) {
        trail.step(Step::refused("session_fits_into_cookies", "more than 8,000 characters"));
        return problem::page(server, exchange, trail, Problem::session_too_large());
    }
    keep_waiting(server, exchange, message, reply, trail)
}

/// Puts a SAML message that came by POST into its sealed cookie, so that it survives the sign-in.
fn keep_waiting(
    server: &FederationServer,
    exchange: &Exchange,
    message: &Message,
    mut reply: Reply,
    trail: &mut Trail,
) -> Reply {
    let Message::SamlPost(form) = message else { return reply };
    let kept = message_fields(form);
    let sealed = server.sts.seal_cookie(WAITING, kept.as_bytes());
    match sealed.and_then(|sealed| cookies::set(&exchange.headers, SAML_REQUEST, COOKIE_PATH, &sealed)) {
        Some(lines) => {
            add_cookies(&mut reply, lines);
            reply
        }
        None => {
            trail.step(Step::refused("saml_request_fits_into_cookies", "more than 8,000 characters"));
            problem::page(server, exchange, trail, Problem::request_too_large())
        }
    }
}

/// Of a posted form, the fields of the SAML message in their received spelling: never a password.
fn message_fields(form: &str) -> String {
    let wanted = |pair: &&str| matches!(pair.split_once('='), Some(("SAMLRequest" | "RelayState", _)));
    form.split('&').filter(wanted).collect::<Vec<_>>().join("&")
}

fn sign_in_page(
    resident: &Resident,
    exchange: &Exchange,
    message: &Message,
    user: &str,
    problem: Option<SignInProblem>,
) -> Reply {
    let action = exchange.continued(message.continued_query(exchange));
    let html = pages::sign_in(&SignInPage {
        frame: frame(resident, exchange),
        action: &action,
        options_action: &format!("{}{action}", resident.properties.base_url()),
        user_name: user,
        error: problem.map(|problem| match problem {
            SignInProblem::Incorrect => SignInError::IncorrectCredentials,
            SignInProblem::Disabled => SignInError::AccountDisabled,
            SignInProblem::TooManyAttempts | SignInProblem::Busy => SignInError::TooManyAttempts,
        }),
        kmsi_visible: false,
        change_password_url: None,
    });
    exchange::page(exchange, html)
}

fn change_password_page(
    resident: &Resident,
    exchange: &Exchange,
    message: &Message,
    user: &str,
    problem: Option<ChangeProblem>,
) -> Reply {
    let action = exchange.continued(message.continued_query(exchange));
    let html = pages::change_password(&ChangePasswordPage {
        frame: frame(resident, exchange),
        action: &action,
        user_name: user,
        reason: ChangePasswordReason::Required,
        error: problem.map(|problem| match problem {
            ChangeProblem::Incorrect => ChangePasswordError::IncorrectCredentials,
            ChangeProblem::Mismatch => ChangePasswordError::Mismatch,
            ChangeProblem::TooWeak(_) => ChangePasswordError::PolicyNotMet,
            ChangeProblem::TooManyAttempts => ChangePasswordError::TooManyAttempts,
        }),
        changed: false,
        cancel_url: None,
    });
    exchange::page(exchange, html)
}

fn reason(problem: Option<SignInProblem>) -> &'static str {
    match problem {
        None => "no session that serves this request",
        Some(SignInProblem::Incorrect) => "the user name or password is incorrect",
        Some(SignInProblem::Disabled) => "the account is disabled",
        Some(SignInProblem::TooManyAttempts) => "too many attempts from this address",
        Some(SignInProblem::Busy) => "the directory is busy",
    }
}

/// A SAML party gets a signed status where the protocol has one; everybody else a page.
async fn refuse(
    server: &FederationServer,
    resident: &Resident,
    exchange: &Exchange,
    plan: Option<&Plan>,
    refused: Refused,
    trail: &mut Trail,
) -> Reply {
    problem::record(trail, &refused);
    let answer_to = match &refused {
        Refused::Check { answer_to, .. } => plan.or(answer_to.as_deref()),
        _ => plan,
    };
    if let (Some(plan), Some(status)) = (answer_to, refused.saml_status())
        && let Some(response) = plan.respond_with_status(server, resident, status).await
    {
        let mut reply = post(exchange, &response);
        add_cookies(&mut reply, cookies::delete(&exchange.headers, SAML_REQUEST, COOKIE_PATH));
        return reply;
    }
    problem::page(server, exchange, trail, Problem::from_refused(plan.map(|plan| &plan.request), &refused))
}

/// The page that posts a response to the relying party.
fn post(exchange: &Exchange, response: &Response) -> Reply {
    let fields: Vec<(&str, &str)> =
        response.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    exchange::page(
        exchange,
        pages::auto_submit(exchange.language, &exchange.nonce, &response.action, &fields),
    )
}
