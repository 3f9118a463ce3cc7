//! Text that may hold a peer's words, made safe for logs.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Characters that a [`Text`] holds at most; what is longer ends with `…`.
pub(crate) const LIMIT: usize = 2_000;

/// Text of a record.
///
/// Made from anything, it holds no control character, no line or paragraph separator and no mark that turns
/// the writing direction: each is replaced by its visible code, such as `\u000a`. A reader of the log sees
/// what was sent, and cannot be shown a line that was not written.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(Arc<str>);

impl Text {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Default for Text {
    fn default() -> Self {
        Self("".into())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(neutralise(text, LIMIT).into())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&Arc<str>> for Text {
    fn from(text: &Arc<str>) -> Self {
        match neutralise(text, LIMIT) {
            Cow::Borrowed(_) => Self(text.clone()),
            Cow::Owned(changed) => Self(changed.into()),
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// `text` with unprintable characters made visible, at most `limit` characters of the original.
pub(crate) fn neutralise(text: &str, limit: usize) -> Cow<'_, str> {
    // Without a branch in the loop, whole registers of octets are compared at once.
    let printable = text.bytes().fold(true, |so_far, byte| so_far & matches!(byte, b' '..=b'~'));
    if printable && text.len() <= limit {
        return Cow::Borrowed(text);
    }
    if !text.chars().any(is_unprintable) && text.chars().nth(limit).is_none() {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len().min(limit.saturating_mul(4)));
    for (count, character) in text.chars().enumerate() {
        if count == limit {
            safe.push('…');
            break;
        }
        if is_unprintable(character) {
            safe.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// Control characters, line separators, direction marks and invisible joiners that serve only to deceive.
fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{2028}' | '\u{2029}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{61c}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Security case 36.
    #[test]
    fn line_breaks_nul_and_direction_marks_are_made_visible() {
        for (sent, kept) in [
            ("kim@example.com", "kim@example.com"),
            ("関所 = 100 %", "関所 = 100 %"),
            ("a\r\nb", "a\\u000d\\u000ab"),
            ("a\0b", "a\\u0000b"),
            ("\u{202e}moc.elpmaxe", "\\u202emoc.elpmaxe"),
            ("a\u{2028}b\u{85}c", "a\\u2028b\\u0085c"),
        ] {
            assert_eq!(Text::from(sent).as_str(), kept);
        }
    }

    /// Security case 36.
    #[test]
    fn a_text_of_any_length_is_bounded() {
        for sent in ["a".repeat(10_000), "関".repeat(10_000), "\n".repeat(10_000)] {
            let kept = Text::from(sent);
            assert!(kept.as_str().ends_with('…'));
            assert!(kept.as_str().chars().count() <= LIMIT * 6 + 1);
        }
        let exact = "関".repeat(LIMIT);
        assert_eq!(Text::from(&exact).as_str(), exact);
    }

    #[test]
    fn a_shared_text_is_not_copied_when_it_is_clean() {
        let shared: Arc<str> = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn".into();
        assert!(Arc::ptr_eq(&Text::from(&shared).0, &shared));
    }
}
