//! The headers every page is sent with.

use http::header::{self, HeaderName, HeaderValue};

use super::frame::Nonce;

/// Only what carries the nonce runs or styles; pictures and the style sheet come from this server; no frame may
/// hold the page, which ends clickjacking.
///
/// There is no `form-action`: browsers apply it to the redirects that follow a form post as well, and those end
/// at a relying party.
pub fn content_security_policy(nonce: &Nonce) -> String {
    format!(
        "default-src 'none'; style-src 'self' 'nonce-{nonce}'; script-src 'nonce-{nonce}'; \
         img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// Content type, caching, and what a browser must not do with the page. `Strict-Transport-Security` is not here:
/// it belongs to the host, not to a page.
pub fn security_headers(nonce: &Nonce) -> [(HeaderName, HeaderValue); 7] {
    // A nonce is base64url, so the policy is always a legal value; were it not, nothing may run.
    let policy = HeaderValue::try_from(content_security_policy(nonce))
        .unwrap_or(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache,no-store")),
        (header::PRAGMA, HeaderValue::from_static("no-cache")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        // Paths and queries hold requests and names; relying parties still see which origin posts to them.
        (header::REFERRER_POLICY, HeaderValue::from_static("strict-origin")),
        (header::CONTENT_SECURITY_POLICY, policy),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::SeededRandom;

    /// Security case 79: a page that no foreign frame can hold cannot be click-jacked.
    #[test]
    fn no_frame_may_hold_a_page_and_only_the_nonce_lets_code_run() {
        let nonce = Nonce::random(&SeededRandom::new(7));
        assert_eq!(
            content_security_policy(&nonce),
            format!(
                "default-src 'none'; style-src 'self' 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src 'self' \
                 data:; base-uri 'none'; frame-ancestors 'none'"
            )
        );
        let headers = security_headers(&nonce);
        let value = |name: HeaderName| {
            headers.iter().find(|(n, _)| *n == name).map(|(_, v)| v.to_str().unwrap().to_owned())
        };
        assert_eq!(value(header::X_FRAME_OPTIONS).as_deref(), Some("DENY"));
        assert_eq!(value(header::CACHE_CONTROL).as_deref(), Some("no-cache,no-store"));
        assert_eq!(value(header::CONTENT_SECURITY_POLICY), Some(content_security_policy(&nonce)));
    }

    #[test]
    fn a_nonce_has_22_safe_characters_and_differs_each_time() {
        let random = SeededRandom::new(7);
        let (one, two) = (Nonce::random(&random), Nonce::random(&random));
        assert_ne!(one, two);
        assert_eq!(one.as_str().len(), 22);
        assert!(one.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    }
}
