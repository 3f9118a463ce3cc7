//! What every page in the common frame is told.

use std::fmt;

use base::{ActivityId, Random};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::assets;
use super::language::Language;
use super::texts::Texts;

/// The frame of a page: who we are, in which language, for which request.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Language of all texts.
    pub language: Language,
    /// Display name of the federation service, shown as the company name.
    pub display_name: &'a str,
    /// Marks the scripts and style blocks of this answer.
    pub nonce: &'a Nonce,
    /// The request's correlation id, which joins this page to its audits.
    pub activity_id: ActivityId,
}

impl Frame<'_> {
    pub(crate) fn texts(&self) -> &'static Texts {
        self.language.texts()
    }

    // Called by the templates.

    pub(crate) fn style(&self) -> &'static str {
        &assets::links().style
    }

    pub(crate) fn xray_style(&self) -> &'static str {
        &assets::links().xray_style
    }

    pub(crate) fn logo(&self) -> &'static str {
        &assets::links().logo
    }

    pub(crate) fn illustration(&self) -> &'static str {
        &assets::links().illustration
    }

    pub(crate) fn onload_script(&self) -> &'static str {
        assets::ONLOAD_SCRIPT
    }
}

/// A number used once, in the answer's content security policy and on its scripts (CSP Level 3, 2.3.1): 128
/// random bits, so that injected markup cannot guess it.
#[derive(Clone, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    /// A fresh one; never reuse it for a second answer.
    pub fn random(random: &dyn Random) -> Self {
        Self(URL_SAFE_NO_PAD.encode(random.bytes::<16>()))
    }

    /// As it stands in the attribute and in the header: 22 letters, digits, `-` and `_`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
