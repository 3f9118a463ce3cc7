//! The error page: what a person can do, and behind a link what the administrator needs.

use askama::Template;
use base::{Guid, Timestamp};

use super::frame::Frame;
use super::render;
use super::texts::Texts;

/// What the error page shows. Everything behind the link is also in the audits under the same activity id.
#[derive(Debug, Clone, Copy)]
pub struct ErrorPage<'a> {
    /// The frame.
    pub frame: Frame<'a>,
    /// The text for the person.
    pub message: ErrorMessage,
    /// Display name of the relying party, when the request named one we know.
    pub relying_party: Option<&'a str>,
    /// The code and its text: `MSIS7007: …`.
    pub error_details: Option<&'a str>,
    /// Identifier of the node that answered.
    pub node: Guid,
    /// When it happened.
    pub time: Timestamp,
}

/// The text for the person, by what the person can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorMessage {
    /// Nothing but asking the administrator.
    Generic,
    /// The person is known and may not have this application.
    NotAuthorized,
    /// The application and this service send the browser to and fro.
    TooManyRequests,
    /// The request or the sign-in it belongs to is over: start again from the application.
    RequestExpired,
    /// A part of the service does not answer now: try later.
    ServiceUnavailable,
}

impl ErrorMessage {
    /// Every message there is.
    pub const ALL: [Self; 5] = [
        Self::Generic,
        Self::NotAuthorized,
        Self::TooManyRequests,
        Self::RequestExpired,
        Self::ServiceUnavailable,
    ];

    fn text(self, t: &Texts) -> &'static str {
        let messages = &t.error_messages;
        match self {
            Self::Generic => messages.generic,
            Self::NotAuthorized => messages.not_authorized,
            Self::TooManyRequests => messages.too_many_requests,
            Self::RequestExpired => messages.request_expired,
            Self::ServiceUnavailable => messages.service_unavailable,
        }
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct Error<'a> {
    frame: &'a Frame<'a>,
    t: &'static Texts,
    message: &'static str,
    lines: Vec<String>,
}

/// The page as HTML. Each detail is a list item of its own, `label: value`; programs read them so.
pub fn error(page: &ErrorPage<'_>) -> String {
    let t = page.frame.texts();
    let labels = &t.error_page;
    let node = page.node.to_string();
    let time = page.time.to_http();
    let lines = [
        (labels.relying_party, page.relying_party),
        (labels.error_details, page.error_details),
        (labels.node, Some(node.as_str())),
        (labels.time, Some(time.as_str())),
    ];
    render(&Error {
        frame: &page.frame,
        t,
        message: page.message.text(t),
        lines: lines.into_iter().filter_map(|(label, value)| Some(format!("{label}: {}", value?))).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::Language;
    use super::super::test_support::{self, Page, captures, frame, nonce};
    use super::*;

    fn page(language: Language, details: &str) -> String {
        let nonce = nonce();
        error(&ErrorPage {
            error_details: Some(details),
            ..test_support::error_page(frame(language, &nonce))
        })
    }

    #[test]
    fn ids_and_nesting_are_those_that_programs_read() {
        let page = Page::parse(&page(Language::English, "MSIS7007: x"));
        let area = "fullPage contentWrapper content main workArea authArea errorArea";
        for id in ["openingMessage", "errorMessage", "errorDetailsLink", "errorDetails"] {
            assert_eq!(page.way_to(id), format!("{area} {id}"));
        }
        assert_eq!(page.way_to("ReportByEmail"), format!("{area} reportArea ReportByEmail"));
        assert_eq!(page.way_to("activityID"), format!("{area} errorDetails activityID"));
        assert!(page.id("errorDetails").attribute("hidden").is_some());
        assert_eq!(page.text("openingMessage"), "An error occurred");
        assert_eq!(
            page.text("errorMessage"),
            "An error occurred. Contact your administrator for more information."
        );
    }

    #[test]
    fn each_detail_is_a_line_of_its_own_and_apostrophes_are_entities() {
        let html =
            page(Language::English, "MSIS7007: The requested relying party trust 'urn:x' is unspecified.");
        for line in [
            "<li id='activityID'>Activity ID: 3f9a51c7-2f0e-4b13-8d2e-0080000000e3</li>",
            "<li>Relying party: Expense reports</li>",
            "<li>Error details: MSIS7007: The requested relying party trust &#39;urn:x&#39; is unspecified.</li>",
            "<li>Node name: 7f5e2a60-0c3b-4d83-9a52-1e9c8f8d2b11</li>",
            "<li>Error time: Tue, 24 Nov 2026 08:00:10 GMT</li>",
        ] {
            assert!(html.contains(line), "{line}");
        }
        assert_eq!(captures("<li>Error details: (MSIS[0-9]+)", &html).as_deref(), Some("MSIS7007"));
        assert!(!html.contains("Cookie:"), "the script of the page adds that line");
    }

    #[test]
    fn lines_without_a_value_are_left_out() {
        let nonce = nonce();
        let html = error(&ErrorPage {
            relying_party: None,
            error_details: None,
            ..test_support::error_page(frame(Language::English, &nonce))
        });
        // The activity id, the node and the time.
        assert_eq!(Page::parse(&html).all("li").count(), 3);
    }

    #[test]
    fn the_label_of_the_activity_id_is_english_in_every_language() {
        let html = page(Language::Japanese, "MSIS7007: x");
        assert!(html.contains("<li id='activityID'>Activity ID: "));
        assert!(html.contains("<li>エラーの詳細: MSIS7007: x</li>"));
    }

    #[test]
    fn every_message_has_its_own_text_in_each_language() {
        for language in Language::ALL {
            let mut texts = ErrorMessage::ALL.map(|message| message.text(language.texts()));
            texts.sort_unstable();
            assert!(texts.windows(2).all(|pair| pair[0] != pair[1]));
        }
    }
}
