//! The language of a page, chosen from `Accept-Language` (RFC 9110 12.5.4).

use super::texts::{self, Texts};

/// A language the pages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// `en-US`; also what a browser gets that asks for no language we have.
    #[default]
    English,
    /// `ja-JP`.
    Japanese,
}

/// Ranges of the header that are looked at; a browser sends fewer than ten.
const MAX_RANGES: usize = 32;

impl Language {
    /// Every language there is.
    pub const ALL: [Self; 2] = [Self::English, Self::Japanese];

    /// The language with the highest weight; of equal weights the one named first. Malformed parts are passed
    /// over: a page in the wrong language is better than none.
    pub fn negotiate(accept_language: Option<&str>) -> Self {
        let ranges: Vec<(&str, u16)> =
            accept_language.unwrap_or_default().split(',').take(MAX_RANGES).filter_map(range).collect();
        // `*` speaks for the languages that no other range names.
        let weight = |language: Self| {
            let named = |(tag, _): &&(&str, u16)| language.matches(tag);
            let (position, (_, weight)) = ranges
                .iter()
                .enumerate()
                .filter(|(_, range)| named(range))
                .max_by_key(|&(position, (_, weight))| (*weight, std::cmp::Reverse(position)))
                .or_else(|| ranges.iter().enumerate().find(|(_, (tag, _))| *tag == "*"))?;
            (*weight > 0).then_some((*weight, std::cmp::Reverse(position)))
        };
        let mut chosen = None;
        for language in Self::ALL {
            if let Some(found) = weight(language)
                && chosen.is_none_or(|(best, _)| found > best)
            {
                chosen = Some((found, language));
            }
        }
        chosen.map_or_else(Self::default, |(_, language)| language)
    }

    /// The culture name, for `html@lang`.
    pub fn culture(self) -> &'static str {
        match self {
            Self::English => "en-US",
            Self::Japanese => "ja-JP",
        }
    }

    /// All texts of the pages.
    pub(crate) fn texts(self) -> &'static Texts {
        match self {
            Self::English => &texts::ENGLISH,
            Self::Japanese => &texts::JAPANESE,
        }
    }

    fn matches(self, tag: &str) -> bool {
        let primary = tag.split('-').next().unwrap_or_default();
        primary.eq_ignore_ascii_case(match self {
            Self::English => "en",
            Self::Japanese => "ja",
        })
    }
}

/// `tag[;q=weight]`, the weight in thousandths.
fn range(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let tag = parts.next().filter(|tag| !tag.is_empty())?;
    let mut weight = 1_000;
    for parameter in parts {
        let Some((name, value)) = parameter.split_once('=') else { continue };
        if name.trim().eq_ignore_ascii_case("q") {
            weight = thousandths(value.trim())?;
        }
    }
    Some((tag, weight))
}

/// `0`, `1`, `0.8`, `0.123`: RFC 9110 12.4.2 knows no other weights.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let decimals = format!("{decimals:0<3}").parse::<u16>().ok()?;
    match (whole, decimals) {
        ("0", decimals) => Some(decimals),
        ("1", 0) => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_language_wins_and_the_first_of_equals() {
        for (header, language) in [
            ("ja", Language::Japanese),
            ("ja-JP,ja;q=0.9,en-US;q=0.8,en;q=0.7", Language::Japanese),
            ("en-GB,en;q=0.9,ja;q=0.8", Language::English),
            ("fr-FR, ja;q=0.3, en;q=0.2", Language::Japanese),
            ("en;q=0.3,ja;q=0.30001,ja;q=0.31", Language::Japanese),
            ("ja,en", Language::Japanese),
            ("en,ja", Language::English),
            ("JA-jp", Language::Japanese),
            (" ja ; q=0.2 , en ; q=0.1 ", Language::Japanese),
        ] {
            assert_eq!(Language::negotiate(Some(header)), language, "{header}");
        }
    }

    #[test]
    fn zero_refuses_and_the_asterisk_speaks_for_the_others() {
        for (header, language) in [
            ("ja;q=0", Language::English),
            ("en;q=0, *;q=0.5", Language::Japanese),
            ("*", Language::English),
            ("*, ja;q=0.5", Language::English),
            ("ja;q=0.5, *;q=0.1", Language::Japanese),
        ] {
            assert_eq!(Language::negotiate(Some(header)), language, "{header}");
        }
    }

    #[test]
    fn an_absent_or_broken_header_gives_english() {
        for header in
            [None, Some(""), Some(",,;q=;"), Some("ja;q=2"), Some("ja;q=0.1234"), Some("java"), Some("\0")]
        {
            assert_eq!(Language::negotiate(header), Language::English, "{header:?}");
        }
        let endless = "fr,".repeat(10_000) + "ja";
        assert_eq!(Language::negotiate(Some(&endless)), Language::English);
    }
}
