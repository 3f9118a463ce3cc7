//! Where a person chooses how to sign in to Claims X-Ray.

use askama::Template;

use crate::pages::frame::Frame;
use crate::pages::render;
use crate::pages::texts::Texts;

/// What the start page shows.
#[derive(Debug, Clone, Copy)]
pub struct XRayStartPage<'a> {
    /// The frame.
    pub frame: Frame<'a>,
    /// The page itself, linked from the bar.
    pub home: &'a str,
    /// Where the choice is sent by GET: `protocol=` ([`XRayProtocol::value`]) and, for fresh credentials,
    /// `fresh=true`.
    pub action: &'a str,
}

/// A way to get a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum XRayProtocol {
    /// WS-Federation with a SAML 1.1 token.
    WsFederationSaml11,
    /// WS-Federation with a SAML 2.0 token.
    WsFederationSaml20,
    /// The SAML 2.0 protocol.
    Saml20,
}

impl XRayProtocol {
    /// Every way there is, as the page lists them.
    pub const ALL: [Self; 3] = [Self::WsFederationSaml11, Self::WsFederationSaml20, Self::Saml20];

    /// The value of the field `protocol`.
    pub fn value(self) -> &'static str {
        match self {
            Self::WsFederationSaml11 => "wsfed-saml11",
            Self::WsFederationSaml20 => "wsfed-saml20",
            Self::Saml20 => "saml20",
        }
    }

    /// Reads the value of the field `protocol`.
    pub fn from_value(value: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.value() == value)
    }

    pub(super) fn message(self) -> &'static str {
        match self {
            Self::WsFederationSaml11 | Self::WsFederationSaml20 => "WS-Federation",
            Self::Saml20 => "SAML 2.0",
        }
    }

    pub(super) fn token(self) -> &'static str {
        match self {
            Self::WsFederationSaml11 => "SAML 1.1",
            Self::WsFederationSaml20 | Self::Saml20 => "SAML 2.0",
        }
    }
}

#[derive(Template)]
#[template(path = "xray_start.html")]
struct XRayStart<'a> {
    frame: &'a Frame<'a>,
    t: &'static Texts,
    page: &'a XRayStartPage<'a>,
    home: &'a str,
}

/// The page as HTML.
pub fn xray_start(page: &XRayStartPage<'_>) -> String {
    render(&XRayStart { frame: &page.frame, t: page.frame.texts(), page, home: page.home })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::Language;
    use crate::pages::test_support::{Page, frame, nonce, text, xray_start_page};

    #[test]
    fn each_way_is_a_button_and_fresh_credentials_are_a_box() {
        let nonce = nonce();
        let page = Page::parse(&xray_start(&xray_start_page(frame(Language::English, &nonce))));
        let buttons: Vec<_> = page
            .all("button")
            .map(|button| {
                let name = button.children().find(|node| node.has_tag_name("strong")).unwrap();
                (button.attribute("name").unwrap(), button.attribute("value").unwrap(), text(name))
            })
            .collect();
        assert_eq!(
            buttons,
            [
                ("protocol", "wsfed-saml11", "Sign in by WS-Federation (SAML 1.1)".to_owned()),
                ("protocol", "wsfed-saml20", "Sign in by WS-Federation (SAML 2.0)".to_owned()),
                ("protocol", "saml20", "Sign in by SAML 2.0".to_owned()),
            ]
        );
        assert_eq!(page.id("xrayForm").attribute("method"), Some("get"));
        assert_eq!(page.id("fresh").attribute("name"), Some("fresh"));
    }

    #[test]
    fn the_field_is_read_as_it_is_written() {
        for protocol in XRayProtocol::ALL {
            assert_eq!(XRayProtocol::from_value(protocol.value()), Some(protocol));
        }
        assert_eq!(XRayProtocol::from_value("SAML20"), None);
        assert_eq!(XRayProtocol::from_value(""), None);
    }
}
