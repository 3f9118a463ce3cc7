//! What a peer sent around its request: query strings and headers, without the secrets in them.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Text;
use crate::text::{LIMIT, neutralise};

/// What stands in place of a secret; AD FS writes the same.
const MASK: &str = "****";

/// Headers whose value is a secret as a whole.
const SECRET_HEADERS: &[&str] = &["authorization", "cookie", "proxy-authorization", "set-cookie"];

/// Query parameters whose value is a password, a code or a token. Names are compared without regard to case.
const SECRET_PARAMETERS: &[&str] = &[
    "password",
    "pwd",
    "oldpassword",
    "newpassword",
    "confirmnewpassword",
    "client_secret",
    "client_assertion",
    "assertion",
    "access_token",
    "refresh_token",
    "id_token",
    "id_token_hint",
    "code",
    "code_verifier",
    "authtoken",
    "wresult",
    "samlresponse",
    "samlart",
];

/// A query string as audits hold it: with its `?`, secrets masked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Query(Text);

impl Query {
    /// From a query string with or without its `?`.
    pub fn new(query: &str) -> Self {
        let query = query.strip_prefix('?').unwrap_or(query);
        if query.is_empty() {
            return Self::default();
        }
        Self(Text::from(format!("?{}", mask_parameters(query))))
    }

    /// The text; empty when there was no query.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// The headers of a request or a response as the text of a 510: one JSON object, header to value, in received
/// order. A header that came more than once has its values joined by commas.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HeadersText(Arc<str>);

/// Headers beyond this number are left out.
const HEADERS: usize = 200;

impl HeadersText {
    /// From headers as received. `endpoint_path` is what AD FS adds to a request's headers at the end.
    pub fn new<'a>(
        headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        endpoint_path: Option<&'a str>,
    ) -> Self {
        let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::with_capacity(32);
        for (name, value) in headers.into_iter().take(HEADERS) {
            let value = header_value(name, value);
            match pairs.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
                Some((_, known)) if known == MASK || known.len() >= LIMIT => {}
                Some((_, known)) => *known = format!("{known},{value}").into(),
                None => pairs.push((neutralise(name, 200), value)),
            }
        }
        if let Some(path) = endpoint_path {
            pairs.push(("X-MS-Endpoint-Absolute-Path".into(), neutralise(path, LIMIT)));
        }
        let mut text = String::with_capacity(1_024);
        for (index, (name, value)) in pairs.iter().enumerate() {
            text.push(if index == 0 { '{' } else { ',' });
            push_json(&mut text, name);
            text.push(':');
            push_json(&mut text, value);
        }
        text.push_str(if pairs.is_empty() { "{}" } else { "}" });
        Self(text.into())
    }

    /// The JSON object.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn header_value<'a>(name: &str, value: &'a [u8]) -> Cow<'a, str> {
    if SECRET_HEADERS.iter().any(|secret| secret.eq_ignore_ascii_case(name)) {
        return MASK.into();
    }
    let value = match String::from_utf8_lossy(value) {
        Cow::Borrowed(value) => neutralise(value, LIMIT),
        Cow::Owned(value) => Cow::Owned(neutralise(&value, LIMIT).into_owned()),
    };
    // A Referer or a Location carries a query of its own.
    match value.find(['?', '#']).map(|start| value.split_at(start)) {
        Some((before, query)) => format!("{before}{}", mask_parameters(query)).into(),
        None => value,
    }
}

/// Appends `text` as a JSON string.
pub(crate) fn push_json(to: &mut String, text: &str) {
    to.push('"');
    let mut rest = text;
    while let Some(at) = first_to_escape(rest.as_bytes()) {
        let (clean, found) = rest.split_at(at);
        to.push_str(clean);
        let mut characters = found.chars();
        match characters.next() {
            Some('\n') => to.push_str("\\n"),
            Some('\r') => to.push_str("\\r"),
            Some(quoted @ ('"' | '\\')) => {
                to.push('\\');
                to.push(quoted);
            }
            Some(control) => to.push_str(&format!("\\u{:04x}", u32::from(control))),
            None => {}
        }
        rest = characters.as_str();
    }
    to.push_str(rest);
    to.push('"');
}

/// Place of the first octet that JSON wants escaped. Eight octets are looked at together; in a word, the lowest one
/// found is always a true one.
fn first_to_escape(octets: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word;
    let (words, rest) = octets.as_chunks();
    for (number, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = below(word, b' ')
            | below(word ^ (ONES * u64::from(b'"')), 1)
            | below(word ^ (ONES * u64::from(b'\\')), 1);
        if found & HIGH != 0 {
            return Some(number * 8 + (found & HIGH).trailing_zeros() as usize / 8);
        }
    }
    let within = rest.iter().position(|octet| matches!(octet, ..b' ' | b'"' | b'\\'))?;
    Some(octets.len() - rest.len() + within)
}

/// `a=b&Password=c` → `a=b&Password=****`.
fn mask_parameters(query: &str) -> Cow<'_, str> {
    // `;` and a second `?` or `#` part parameters too, for some readers: a secret behind them is one as well.
    let separators = ['&', ';', '?', '#'];
    let is_secret = |parameter: &str| {
        parameter.split_once('=').is_some_and(|(name, value)| !value.is_empty() && is_secret_name(name))
    };
    if !query.split(separators).any(is_secret) {
        return Cow::Borrowed(query);
    }
    let mut masked = String::with_capacity(query.len());
    for part in query.split_inclusive(separators) {
        let parameter = part.strip_suffix(separators).unwrap_or(part);
        match parameter.split_once('=') {
            Some((name, value)) if !value.is_empty() && is_secret_name(name) => {
                masked.push_str(name);
                masked.push('=');
                masked.push_str(MASK);
                masked.extend(part.chars().next_back().filter(|last| separators.contains(last)));
            }
            _ => masked.push_str(part),
        }
    }
    Cow::Owned(masked)
}

/// Whether `name`, percent-encoded or not, names a secret.
fn is_secret_name(name: &str) -> bool {
    let decoded = percent_decoded(name);
    SECRET_PARAMETERS.iter().any(|secret| secret.as_bytes().eq_ignore_ascii_case(decoded.trim_ascii()))
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        let mut ahead = bytes.clone();
        match (byte, digit(ahead.next()), digit(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap_or_default());
                bytes = ahead;
            }
            _ => decoded.push(byte),
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Security case 86.
    #[test]
    fn passwords_codes_and_tokens_of_a_query_are_masked() {
        for (sent, kept) in [
            ("", ""),
            ("wa=wsignin1.0&wtrealm=urn%3aapp", "?wa=wsignin1.0&wtrealm=urn%3aapp"),
            ("?UserName=kim&Password=S3cret&wa=x", "?UserName=kim&Password=****&wa=x"),
            ("PASSWORD=S3cret", "?PASSWORD=****"),
            ("%50assword=S3cret;a=b", "?%50assword=****;a=b"),
            ("Password=&a=b", "?Password=&a=b"),
            ("a=1&wresult=%3cRequest&code=x#y", "?a=1&wresult=****&code=****#y"),
        ] {
            assert_eq!(Query::new(sent).as_str(), kept);
        }
    }

    #[test]
    fn headers_become_one_json_object_in_received_order() {
        let headers: Vec<(&str, &[u8])> = vec![
            ("Host", b"fs.example.com"),
            ("authorization", b"Basic a2ltOnBhc3M="),
            ("Accept", b"text/html"),
            ("accept", b"*/*"),
            ("X-Odd", b"a\"b\\c\xff\n"),
        ];
        assert_eq!(
            HeadersText::new(headers, Some("/adfs/ls/")).as_str(),
            r#"{"Host":"fs.example.com","authorization":"****","Accept":"text/html,*/*","X-Odd":"a\"b\\c�\\u000a","X-MS-Endpoint-Absolute-Path":"/adfs/ls/"}"#
        );
        assert_eq!(HeadersText::new([], None).as_str(), "{}");
    }

    #[test]
    fn texts_are_escaped_as_json_requires() {
        for text in ["", "plain", "a\"b\\c", "\r\n\t\0\u{1f}", "関所\\", "\u{7f}"] {
            let mut json = String::new();
            push_json(&mut json, text);
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }

    /// Security case 86.
    #[test]
    fn cookies_and_secrets_in_a_location_are_masked() {
        let headers: Vec<(&str, &[u8])> = vec![
            ("Set-Cookie", b"MSISAuth=one"),
            ("Set-Cookie", b"MSISAuth1=two"),
            ("COOKIE", b"MSISAuth=one"),
            ("Proxy-Authorization", b"Basic x"),
            ("Location", b"https://app.example.com/cb?state=1&code=secret"),
            ("Referer", b"https://app.example.com/#access_token=secret&x=1"),
        ];
        assert_eq!(
            HeadersText::new(headers, None).as_str(),
            r#"{"Set-Cookie":"****","COOKIE":"****","Proxy-Authorization":"****","Location":"https://app.example.com/cb?state=1&code=****","Referer":"https://app.example.com/#access_token=****&x=1"}"#
        );
    }
}
