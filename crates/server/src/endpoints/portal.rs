//! `GET /adfs/portal/…`: style sheet, logo, illustration, icons of the pages.
//!
//! Pages name each file with the SHA-256 of its bytes, so what was fetched once stays good; any `id` is
//! answered.

use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};

use crate::exchange::{Exchange, Reply, file, plain};
use crate::pages::assets;

/// What browsers ask for by themselves where a page names no icon.
pub(crate) const FAVICON: &str = "/favicon.ico";

/// Answers.
pub(crate) fn answer(exchange: &Exchange) -> Reply {
    let path = exchange.path.to_ascii_lowercase();
    let path = if path == FAVICON { "/adfs/portal/logo/logo.png" } else { path.as_str() };
    let Some(asset) = assets::find(path) else {
        return plain(StatusCode::NOT_FOUND, "There is no such file.");
    };
    let mut reply = file(&exchange.headers, Bytes::from_static(asset.bytes), asset.content_type, &asset.etag);
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    reply
}
