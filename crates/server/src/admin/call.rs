//! A request of the API, taken apart strictly: nothing that is not understood is passed over.

use http::header::{HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH};
use http::{Method, Uri};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use sts::administration::Expected;

use super::answer::{Answer, bad_request};

/// Longest name of a cmdlet.
const LONGEST_CMDLET: usize = 64;
/// Names the cmdlet that a person ran.
const CMDLET: HeaderName = HeaderName::from_static("sekisho-cmdlet");

/// A request, read whole.
pub(super) struct Call {
    pub(super) method: Method,
    /// The path's segments, decoded.
    pub(super) path: Vec<String>,
    pub(super) query: Query,
    pub(super) headers: HeaderMap,
    /// `null` when there is none.
    pub(super) body: Value,
    /// Who asks: user of the peer process, and the cmdlet.
    pub(super) by: String,
}

/// Names and values of a query.
type Query = Vec<(String, String)>;

/// Decodes path and query.
pub(super) fn take_apart(uri: &Uri) -> Result<(Vec<String>, Query), Answer> {
    let path =
        uri.path().split('/').skip(1).map(|segment| decode(segment, "path")).collect::<Result<_, _>>()?;
    let mut query = Query::new();
    for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name, "query")?;
        if query.iter().any(|(known, _)| *known == name) {
            return Err(bad_request(format!("the query parameter '{name}' stands twice")));
        }
        query.push((name, decode(value, "query")?));
    }
    Ok((path, query))
}

fn decode(text: &str, place: &str) -> Result<String, Answer> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded =
        decoded.map_err(|_| bad_request(format!("the {place} is not UTF-8 behind its percent signs")))?;
    Ok(decoded.into_owned())
}

/// Who asks: `root (Set-AdfsProperties)`.
pub(super) fn by(user: &str, headers: &HeaderMap) -> Result<String, Answer> {
    let Some(cmdlet) = headers.get(CMDLET) else { return Ok(user.to_owned()) };
    let name = cmdlet.to_str().unwrap_or_default();
    let known = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
    if name.is_empty() || name.len() > LONGEST_CMDLET || !name.bytes().all(known) {
        return Err(bad_request(
            "the header Sekisho-Cmdlet holds no name of a cmdlet; expected one like Set-AdfsProperties",
        ));
    }
    Ok(format!("{user} ({name})"))
}

impl Call {
    /// Every query parameter is one of these.
    pub(super) fn only(&self, allowed: &[&str]) -> Result<(), Answer> {
        let unknown = self.query.iter().find(|(name, _)| !allowed.contains(&name.as_str()));
        let Some((name, _)) = unknown else { return Ok(()) };
        let expected = match allowed {
            [] => "none is expected here".to_owned(),
            allowed => format!("expected {}", allowed.join(", ")),
        };
        Err(bad_request(format!("the query parameter '{name}' is not known here; {expected}")))
    }

    /// A query parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A whole number of the query.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Answer> {
        let Some(text) = self.parameter(name) else { return Ok(None) };
        let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
        match text.parse().ok().filter(|_| digits) {
            Some(number) => Ok(Some(number)),
            None => Err(bad_request(format!("{name}: '{text}' is not a whole number"))),
        }
    }

    /// A switch of the query, off when it is not there.
    pub(super) fn switch(&self, name: &str) -> Result<bool, Answer> {
        match self.parameter(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => {
                Err(bad_request(format!("{name}: '{other}' is not a switch; expected true or false")))
            }
        }
    }

    /// The version for which a change is meant.
    pub(super) fn if_match(&self) -> Result<Expected, Answer> {
        let header = self.headers.get(IF_MATCH).ok_or_else(|| {
            bad_request(
                "the header If-Match is missing; expected the version that was read, such as If-Match: \"3\", or * for \
                 any version",
            )
        })?;
        let text = header.to_str().unwrap_or_default();
        if text == "*" {
            return Ok(Expected::Any);
        }
        let version = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        match version.and_then(|version| version.parse().ok()) {
            Some(version) => Ok(Expected::Version(version)),
            None => {
                Err(bad_request(format!("If-Match: {text} is not a version; expected one like \"3\", or *")))
            }
        }
    }

    /// Whether the object must not exist yet (`If-None-Match: *`).
    pub(super) fn must_be_new(&self) -> Result<bool, Answer> {
        match self.headers.get(IF_NONE_MATCH).map(|value| value.to_str().unwrap_or_default()) {
            None => Ok(false),
            Some("*") => Ok(true),
            Some(other) => Err(bad_request(format!("If-None-Match: {other} is not understood; expected *"))),
        }
    }
}
