//! Names and values of a query string or of an `application/x-www-form-urlencoded` body.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Pairs in received order. At most [`PAIRS`] are read; a request with more is not a form of this service.
#[derive(Debug, Default)]
pub(crate) struct Form<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// Pairs read at most.
const PAIRS: usize = 128;

impl<'a> Form<'a> {
    /// Splits and decodes. Bytes that are not UTF-8 become replacement characters, which match nothing.
    pub(crate) fn parse(text: &'a str) -> Self {
        let decode = |part: &'a str| -> Cow<'a, str> {
            if part.contains('+') {
                let spaced = part.replace('+', " ");
                percent_decode_str(&spaced).decode_utf8_lossy().into_owned().into()
            } else {
                percent_decode_str(part).decode_utf8_lossy()
            }
        };
        let pairs = text
            .split('&')
            .filter(|pair| !pair.is_empty())
            .take(PAIRS)
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (decode(name), decode(value)))
            .collect();
        Self { pairs }
    }

    /// The value of a name sent exactly once.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.pairs.iter().filter(|(known, _)| known == name);
        let (_, value) = found.next()?;
        found.next().is_none().then_some(value)
    }

    /// Whether the name was sent at all.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(known, _)| known == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_escapes_and_repeats() {
        let form = Form::parse("UserName=CONTOSO%5Ckim+lee&Password=%E4%B8%8A&a=1&a=2&flag");
        assert_eq!(form.get("UserName"), Some("CONTOSO\\kim lee"));
        assert_eq!(form.get("Password"), Some("上"));
        assert_eq!(form.get("a"), None);
        assert!(form.has("a"));
        assert_eq!(form.get("flag"), Some(""));
    }
}
