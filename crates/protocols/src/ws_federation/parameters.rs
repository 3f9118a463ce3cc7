//! Parameters of a query string or of a form: `application/x-www-form-urlencoded`.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use crate::{PeerText, Refusal};

/// A parameter that this service reads. What it doesn't read is never decoded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    /// Most octets of the value, decoded.
    pub(super) limit: usize,
    /// What happens when it comes twice.
    pub(super) repeated: Repeated,
}

/// What happens when a parameter comes twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeated {
    /// The request is refused: two readers could take different ones. Security case 28.
    Refused,
    /// The first one counts: a hint that proxies and redirects append again.
    FirstCounts,
}

/// The value of `parameter` in `raw`; names are compared without regard to case, as AD FS does.
///
/// A `%` that begins no escape stands for itself, so whatever the peer wrote comes back to it unchanged.
pub(super) fn find(raw: &[u8], parameter: Parameter) -> Result<Option<String>, Refusal> {
    let Parameter { name, limit, repeated } = parameter;
    let mut values = raw.split(|octet| *octet == b'&').filter_map(|pair| {
        let mut halves = pair.splitn(2, |octet| *octet == b'=');
        let found = decode(halves.next()?).eq_ignore_ascii_case(name.as_bytes());
        found.then(|| halves.next().unwrap_or_default())
    });
    let Some(encoded) = values.next() else { return Ok(None) };
    if repeated == Repeated::Refused && values.next().is_some() {
        return Err(Refusal::DuplicateParameter { parameter: name });
    }
    let value = decode(encoded);
    if value.len() > limit {
        return Err(Refusal::ParameterTooLong { parameter: name, limit });
    }
    // A page can't hold U+0000, so it would come back as another character.
    match String::from_utf8(value.into_owned()) {
        Ok(text) if !text.contains('\0') => Ok(Some(text)),
        Ok(text) => Err(not_text(name, &text)),
        Err(error) => Err(not_text(name, &String::from_utf8_lossy(error.as_bytes()))),
    }
}

fn not_text(parameter: &'static str, value: &str) -> Refusal {
    let expected = "UTF-8 text without U+0000";
    Refusal::ParameterNotReadable { parameter, value: PeerText::new(value), expected }
}

fn decode(encoded: &[u8]) -> Cow<'_, [u8]> {
    if encoded.contains(&b'+') {
        let blanks: Vec<u8> =
            encoded.iter().map(|octet| if *octet == b'+' { b' ' } else { *octet }).collect();
        return Cow::Owned(percent_decode(&blanks).collect());
    }
    percent_decode(encoded).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WCTX: Parameter = Parameter { name: "wctx", limit: 16, repeated: Repeated::Refused };

    fn wctx(raw: &str) -> Option<String> {
        find(raw.as_bytes(), WCTX).unwrap()
    }

    #[test]
    fn escapes_and_blanks_are_decoded_once() {
        assert_eq!(wctx("wctx=a%26b%2520+%E4%B8%8A").as_deref(), Some("a&b%20 上"));
        assert_eq!(wctx("wctx=100%&x=1").as_deref(), Some("100%"));
        assert_eq!(wctx("wctx=%zz%2").as_deref(), Some("%zz%2"));
        assert_eq!(wctx("x=1&wctx").as_deref(), Some(""));
        assert_eq!(wctx("wctx=a=b;c").as_deref(), Some("a=b;c"));
        assert_eq!(wctx("awctx=1&wctxa=2"), None);
        assert_eq!(wctx(""), None);
    }

    /// Security case 28.
    #[test]
    fn a_name_in_disguise_is_still_a_duplicate() {
        for raw in ["wctx=1&wctx=1", "wctx=1&WCTX=2", "wctx=1&%77ctx=2", "wctx&wctx"] {
            let refusal = find(raw.as_bytes(), WCTX).unwrap_err();
            assert_eq!(refusal, Refusal::DuplicateParameter { parameter: "wctx" }, "{raw}");
        }
        let hint = Parameter { repeated: Repeated::FirstCounts, ..WCTX };
        assert_eq!(find(b"wctx=1&wctx=2", hint).unwrap().as_deref(), Some("1"));
    }

    #[test]
    fn the_limit_counts_decoded_octets() {
        assert_eq!(wctx(&format!("wctx={}", "%41".repeat(16))).as_deref(), Some("A".repeat(16).as_str()));
        let refusal = find(format!("wctx={}", "A".repeat(17)).as_bytes(), WCTX).unwrap_err();
        assert_eq!(refusal, Refusal::ParameterTooLong { parameter: "wctx", limit: 16 });
    }

    #[test]
    fn what_is_not_text_is_refused() {
        for raw in ["wctx=%FF", "wctx=a%00b", "wctx=%ED%A0%80"] {
            let refusal = find(raw.as_bytes(), WCTX).unwrap_err();
            assert!(matches!(refusal, Refusal::ParameterNotReadable { parameter: "wctx", .. }), "{raw}");
        }
    }
}
