//! Answers, and the one place that turns a failure into a status.

use bytes::Bytes;
use configuration::Problem;
use http::header::{CONTENT_TYPE, ETAG, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use store::WriteError;
use sts::administration::{ChangeError, Changed, Stored};

/// An answer of the API.
pub(super) type Answer = Response<Full<Bytes>>;

/// JSON with a status.
pub(super) fn json(status: StatusCode, body: &Value) -> Answer {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An object as it is.
pub(super) fn object(stored: Stored) -> Answer {
    let body = json!({ "id": stored.id, "version": stored.version, "body": stored.body, "warnings": [] });
    with_etag(json(StatusCode::OK, &body), stored.version)
}

/// An object after a change.
pub(super) fn changed(changed: Changed, status: StatusCode) -> Answer {
    let body = json!({
        "id": changed.id,
        "version": changed.version,
        "body": changed.body,
        "serial": changed.head.map(|head| head.serial),
        "warnings": changed.warnings,
    });
    with_etag(json(status, &body), changed.version)
}

fn with_etag(mut answer: Answer, version: u64) -> Answer {
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        answer.headers_mut().insert(ETAG, etag);
    }
    answer
}

/// The request can't be understood.
pub(super) fn bad_request(message: impl Into<String>) -> Answer {
    refused(StatusCode::BAD_REQUEST, &message.into())
}

/// A failure with a text alone.
pub(super) fn refused(status: StatusCode, message: &str) -> Answer {
    error(status, &Failure { message, ..Failure::default() })
}

/// What an error says.
#[derive(Default)]
pub(super) struct Failure<'a> {
    pub(super) code: Option<&'a str>,
    pub(super) message: &'a str,
    pub(super) problems: &'a [Problem],
    pub(super) stored: Option<&'a Stored>,
    pub(super) yours: Option<&'a Value>,
}

/// An error in its one shape.
pub(super) fn error(status: StatusCode, failure: &Failure<'_>) -> Answer {
    let problems: Vec<Value> = failure
        .problems
        .iter()
        .map(
            |problem| json!({ "field": problem.field, "value": problem.value, "expected": problem.expected }),
        )
        .collect();
    let stored = failure
        .stored
        .map(|stored| json!({ "id": stored.id, "version": stored.version, "body": stored.body }));
    let error = json!({
        "code": failure.code,
        "message": failure.message,
        "problems": problems,
        "stored": stored,
        "yours": failure.yours,
    });
    json(status, &json!({ "error": error }))
}

/// A change that was not made.
pub(super) fn not_changed(reason: &ChangeError) -> Answer {
    let status = match reason {
        ChangeError::Secondary { .. } | ChangeError::NotAllowed { .. } => StatusCode::FORBIDDEN,
        ChangeError::NotFound { .. } | ChangeError::NoSuchChange { .. } => StatusCode::NOT_FOUND,
        ChangeError::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        ChangeError::Conflict { .. } => StatusCode::PRECONDITION_FAILED,
        ChangeError::Taken { .. } | ChangeError::Effect { .. } => StatusCode::CONFLICT,
        ChangeError::Write(WriteError::Store(_)) | ChangeError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        ChangeError::Write(_) => StatusCode::CONFLICT,
    };
    not_changed_as(status, reason)
}

/// The same with another status.
pub(super) fn not_changed_as(status: StatusCode, reason: &ChangeError) -> Answer {
    let (stored, yours) = match reason {
        ChangeError::Conflict { stored, yours, .. } => (stored.as_deref(), yours.as_ref()),
        _ => (None, None),
    };
    let message = reason.to_string();
    let problems = reason.problems();
    error(status, &Failure { code: reason.code(), message: &message, problems, stored, yours })
}
