//! One request, read whole, and the pieces of its answer.

use std::borrow::Cow;
use std::sync::Arc;

use base::ActivityId;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, PRAGMA, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use net::RequestContext;
use sts::Resident;

use crate::pages::{self, Language, Nonce};

/// An answer.
pub(crate) type Reply = Response<Full<Bytes>>;

/// A request, read whole.
pub(crate) struct Exchange {
    /// The configuration as it was when the request began; it holds to its end.
    pub(crate) resident: Arc<Resident>,
    /// Where it came from.
    pub(crate) context: RequestContext,
    /// Method; HEAD has become GET.
    pub(crate) method: Method,
    /// Path as sent.
    pub(crate) path: String,
    /// What stood behind the question mark, octet by octet.
    pub(crate) query: Option<String>,
    /// Headers.
    pub(crate) headers: HeaderMap,
    /// Body; empty unless the request was a form post.
    pub(crate) form: String,
    /// Language of pages.
    pub(crate) language: Language,
    /// Nonce of this answer's scripts.
    pub(crate) nonce: Nonce,
}

impl Exchange {
    /// Correlation id.
    pub(crate) fn activity(&self) -> ActivityId {
        self.context.activity_id
    }

    /// Path and query by which the browser comes back to this request: what it sent, octet by octet, and the
    /// correlation id at the end.
    pub(crate) fn continued(&self, query: Option<&str>) -> String {
        let activity = self.activity();
        match query.filter(|query| !query.is_empty()) {
            None => format!("{}?client-request-id={activity}", self.path),
            Some(query) if has_request_id(query) => format!("{}?{query}", self.path),
            Some(query) => format!("{}?{query}&client-request-id={activity}", self.path),
        }
    }
}

fn has_request_id(query: &str) -> bool {
    query.split('&').any(|pair| {
        pair.split_once('=').is_some_and(|(name, _)| name.eq_ignore_ascii_case("client-request-id"))
    })
}

/// A page: not to be kept, not to be framed, only its own script runs.
pub(crate) fn page(exchange: &Exchange, html: String) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(html)));
    let headers = reply.headers_mut();
    for (name, value) in pages::security_headers(&exchange.nonce) {
        headers.insert(name, value);
    }
    reply
}

/// A redirect. `location` is absolute and made of what this service knows.
pub(crate) fn redirect(exchange: &Exchange, location: &str) -> Reply {
    let Ok(location) = HeaderValue::from_str(location) else {
        return plain(StatusCode::BAD_REQUEST, "The address holds characters that no header can carry.");
    };
    let mut reply = page(exchange, String::new());
    *reply.status_mut() = StatusCode::FOUND;
    reply.headers_mut().insert(LOCATION, location);
    reply
}

/// A short text, for answers that no browser page leads to.
pub(crate) fn plain(status: StatusCode, text: impl Into<Cow<'static, str>>) -> Reply {
    let body = match text.into() {
        Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
        Cow::Owned(text) => Bytes::from(text),
    };
    let mut reply = Response::new(Full::new(body));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache,no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    reply
}

/// A file that stays the same for a while: 304 to who has it already.
pub(crate) fn file(headers: &HeaderMap, bytes: Bytes, content_type: &'static str, etag: &str) -> Reply {
    let etag = format!("\"{etag}\"");
    let known = headers.get(IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == etag.as_bytes());
    let mut reply = Response::new(Full::new(if known { Bytes::new() } else { bytes }));
    if known {
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(ETAG, etag);
    }
    reply
}

/// Adds `Set-Cookie` lines, which this service wrote itself.
pub(crate) fn add_cookies(reply: &mut Reply, lines: impl IntoIterator<Item = String>) {
    for line in lines {
        if let Ok(value) = HeaderValue::from_str(&line) {
            reply.headers_mut().append(SET_COOKIE, value);
        }
    }
}
