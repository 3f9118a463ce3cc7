//! The one place that turns a failure into status, events and page.
//!
//! | failure | page | events |
//! | --- | --- | --- |
//! | a check refused | error page with the MSIS text, HTTP 200 as AD FS answers | 364, and 273, 303, 320, 321 where they fit |
//! | rules failed, an object can't be used | error page without internals | 364, 186 |
//! | store or directory out of reach | error page without internals, 503 with `Retry-After` | 364 |
//! | signing queue full | error page, 503 with `Retry-After` | 364 |

use audit::{Event, Outcome, Text};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use protocols::Refusal;
use sts::{CatalogError, IssueError, SignInFailure, SignInRequest, Trail};
use tokens::TokenError;

use crate::endpoints::passive_plan::{RELYING_PARTY_IS_KNOWN, Refused};
use crate::exchange::{self, Exchange, Reply};
use crate::pages::{self, ErrorMessage, ErrorPage};
use crate::{FederationServer, frame};

/// A failure as the person sees it.
pub(crate) struct Problem {
    /// The general text.
    message: ErrorMessage,
    /// Display name of the relying party, once it is known.
    relying_party: Option<String>,
    /// The text with its MSIS code; never internals, never a secret.
    details: Option<String>,
    /// Name of the check or part that failed, for the journal.
    reason: &'static str,
    status: StatusCode,
}

impl Problem {
    /// A check refused.
    pub(crate) fn refused(
        relying_party: Option<String>,
        name: Option<&'static str>,
        refusal: &Refusal,
    ) -> Self {
        Self {
            message: ErrorMessage::Generic,
            relying_party,
            details: Some(refusal.to_string()),
            reason: name.unwrap_or("message_can_be_read"),
            // AD FS answers 200, and the tools that read its pages rely on it.
            status: StatusCode::OK,
        }
    }

    /// The session has more claims than cookies can hold.
    pub(crate) fn session_too_large() -> Self {
        let details =
            "The session is larger than a browser keeps. Let the acceptance rules pass fewer claims.";
        Self::of_this_service("session_fits_into_cookies", details)
    }

    /// A posted SAML request can't wait in a cookie.
    pub(crate) fn request_too_large() -> Self {
        let details = "The SAML request is too large to wait while you sign in. Let the application send it \
                       without certificates, or by the Redirect binding.";
        Self::of_this_service("saml_request_fits_into_cookies", details)
    }

    /// The journal takes no records, so nothing may be issued.
    pub(crate) fn no_journal() -> Self {
        Self {
            message: ErrorMessage::ServiceUnavailable,
            status: StatusCode::SERVICE_UNAVAILABLE,
            ..Self::of_this_service("journal_takes_records", "The request could not be recorded.")
        }
    }

    fn of_this_service(reason: &'static str, details: &str) -> Self {
        Self {
            message: ErrorMessage::Generic,
            relying_party: None,
            details: Some(details.to_owned()),
            reason,
            status: StatusCode::OK,
        }
    }

    /// The service could not decide.
    pub(crate) fn failed(request: &SignInRequest, failure: &SignInFailure) -> Self {
        let (message, reason) = match failure {
            SignInFailure::Rules { .. } => (ErrorMessage::Generic, "claim_rules_ran"),
            SignInFailure::Activity(_) => (ErrorMessage::ServiceUnavailable, "attempts_can_be_counted"),
            SignInFailure::Directory(_) => (ErrorMessage::ServiceUnavailable, "directory_answers"),
        };
        let status = match failure.may_pass() {
            true => StatusCode::SERVICE_UNAVAILABLE,
            false => StatusCode::OK,
        };
        Self {
            message,
            relying_party: Some(request.relying_party.trust.name.clone()),
            details: None,
            reason,
            status,
        }
    }

    /// No token, after the checks or before.
    pub(crate) fn from_refused(request: Option<&SignInRequest>, refused: &Refused) -> Self {
        let relying_party = request.map(|request| request.relying_party.trust.name.clone());
        match refused {
            Refused::Check { name, refusal, .. } => Self::refused(relying_party, *name, refusal),
            Refused::NotPermitted => Self {
                message: ErrorMessage::NotAuthorized,
                relying_party,
                details: None,
                reason: "caller_is_permitted",
                status: StatusCode::OK,
            },
            Refused::Issue(IssueError::Sign(_)) => Self {
                message: ErrorMessage::ServiceUnavailable,
                relying_party,
                details: None,
                reason: "signing_queue_has_room",
                status: StatusCode::SERVICE_UNAVAILABLE,
            },
            Refused::Catalog(error) => Self {
                message: ErrorMessage::ServiceUnavailable,
                relying_party,
                details: None,
                reason: "configuration_can_be_used",
                status: match error {
                    CatalogError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
                    CatalogError::Missing(_) | CatalogError::Unusable { .. } => StatusCode::OK,
                },
            },
            Refused::Issue(IssueError::Token(_)) | Refused::NotXml(_) => Self {
                message: ErrorMessage::Generic,
                relying_party,
                details: None,
                reason: "token_can_be_written",
                status: StatusCode::OK,
            },
        }
    }
}

/// Events of a refusal, and the ending in the journal.
pub(crate) fn record(trail: &mut Trail, refused: &Refused) {
    let (identifier, text) = match refused {
        Refused::Check { identifier, refusal, .. } => {
            (identifier.clone().unwrap_or_default(), refusal.to_string())
        }
        // The service wrote its events when it decided.
        Refused::NotPermitted => return,
        Refused::Catalog(error) => (String::new(), error.to_string()),
        Refused::Issue(error) => (String::new(), error.to_string()),
        Refused::NotXml(error) => (String::new(), error.to_string()),
    };
    let exception = Text::from(&text);
    if let Some(event) = special_event(refused, &identifier, &exception) {
        trail.event(event);
    }
    let event = trail.passive_failure(&identifier, exception.clone());
    trail.event(event);
    let reason = match refused {
        Refused::Check { name, .. } => name.unwrap_or("message_can_be_read"),
        _ => "token_can_be_issued",
    };
    if matches!(reason, "message_can_be_read" | RELYING_PARTY_IS_KNOWN) {
        trail.refused_early(reason);
    }
    trail.ended(Outcome::Refused { reason: reason.into(), message: exception });
}

/// The event that AD FS writes beside 364.
fn special_event(refused: &Refused, identifier: &str, exception: &Text) -> Option<Event> {
    let relying_party = Text::from(identifier);
    match refused {
        Refused::Issue(IssueError::Token(TokenError::DuplicateNameIdentifier)) => {
            Some(Event::PolicyDuplicateNameIdentifier { relying_party })
        }
        Refused::Check { refusal, .. } => match refusal {
            Refusal::AssertionConsumerNotRegistered { url, .. } => {
                Some(Event::AssertionConsumerServiceNotFound {
                    relying_party,
                    index: None,
                    url: Some(url.as_str().into()),
                    binding: None,
                })
            }
            Refusal::AssertionConsumerIndexUnknown { index, .. } => {
                Some(Event::AssertionConsumerServiceNotFound {
                    relying_party,
                    index: Some(index.as_str().into()),
                    url: None,
                    binding: None,
                })
            }
            Refusal::WrongSignature { .. }
            | Refusal::SignatureMissing { .. }
            | Refusal::SignatureAlgorithmNotSupported { .. } => {
                Some(Event::SamlProtocolSignatureVerificationError {
                    issuer: relying_party,
                    exception: exception.clone(),
                })
            }
            Refusal::NameIdPolicyNotSatisfied { wanted, .. } => Some(Event::InvalidNameIdPolicyError {
                requestor: relying_party,
                format: Some(wanted.as_str().into()),
                sp_name_qualifier: None,
                exception: exception.clone(),
            }),
            Refusal::SamlNotReadable { .. }
            | Refusal::SamlMessageOutsideWindow { .. }
            | Refusal::WrongDestination { .. } => {
                Some(Event::SamlRequestProcessingError { exception: exception.clone() })
            }
            _ => None,
        },
        _ => None,
    }
}

/// The error page, as the ending of a trail.
pub(crate) fn page(
    server: &FederationServer,
    exchange: &Exchange,
    trail: &mut Trail,
    problem: Problem,
) -> Reply {
    let message = Text::from(problem.details.as_deref().unwrap_or(problem.reason));
    trail.ended(Outcome::Refused { reason: problem.reason.into(), message });
    unrecorded_page(server, exchange, &problem)
}

/// The error page alone, for when no record can be kept.
pub(crate) fn unrecorded_page(server: &FederationServer, exchange: &Exchange, problem: &Problem) -> Reply {
    let html = pages::error(&ErrorPage {
        frame: frame(&exchange.resident, exchange),
        message: problem.message,
        relying_party: problem.relying_party.as_deref(),
        error_details: problem.details.as_deref(),
        node: server.node_id(),
        time: exchange.context.started,
    });
    let mut reply = exchange::page(exchange, html);
    *reply.status_mut() = problem.status;
    if problem.status == StatusCode::SERVICE_UNAVAILABLE {
        reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    reply
}

/// 364 for a failure whose text must not reach the page.
pub(crate) fn record_failure(trail: &mut Trail, realm: &str, failure: &SignInFailure) {
    let event = trail.passive_failure(realm, Text::from(failure.to_string()));
    trail.event(event);
}
