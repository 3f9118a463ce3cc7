//! How messages travel. HTTP Redirect binding (SAML bindings 3.4): in a query string, deflated, Base64,
//! percent-encoded; the signature stands beside the message and covers the query's octets as they were sent.
//! HTTP POST binding (3.5): in a form, Base64; the signature stands inside the message.

use std::io::{Read, Write};

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use xml::Limits;

use crate::{PeerText, Refusal};

/// Longest SAML message, in octets after decoding and inflating. Security case 29.
pub const LONGEST_MESSAGE: usize = 256 * 1024;

/// The one encoding of the binding (3.4.4.1); it is also the default.
const DEFLATE: &str = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE";

/// Base64 of messages. Senders break lines and leave out padding, so both are tolerated.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A message as it arrived. Nothing in it has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The XML document.
    pub xml: String,
    /// `RelayState`, which goes back as it came.
    pub relay_state: Option<String>,
    /// The signature beside the message; only the Redirect binding has one.
    pub signature: Option<QuerySignature>,
}

/// The signature of a query (3.4.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuerySignature {
    /// What was signed: the parameters in the order of the binding, each in the spelling that arrived.
    pub signed: String,
    /// `SigAlg`.
    pub algorithm: String,
    /// `Signature`, decoded.
    pub value: Vec<u8>,
}

/// Reads a message of the Redirect binding; `query` is what stood behind the question mark, octet by octet.
///
/// `parameter` is `SAMLRequest` or `SAMLResponse`. Parameters that the binding does not know are passed over:
/// the service itself adds `client-request-id`.
pub fn from_redirect(query: &str, parameter: &'static str) -> Result<Message, Refusal> {
    let found = Parameters::parse(query)?;
    let message = found.message(parameter)?;
    if let Some(encoding) = found.encoding
        && text(encoding.value, "SAMLEncoding")? != DEFLATE
    {
        return Err(not_readable("SAMLEncoding is not the DEFLATE encoding"));
    }
    let signature = match (found.algorithm, found.signature) {
        (None, None) => None,
        (Some(algorithm), Some(signature)) => {
            let signed = [Some(message), found.relay_state, Some(algorithm)];
            let signed: Vec<&str> = signed.into_iter().flatten().map(|parameter| parameter.piece).collect();
            let value = from_base64(&text(signature.value, "Signature")?);
            Some(QuerySignature {
                signed: signed.join("&"),
                algorithm: text(algorithm.value, "SigAlg")?,
                value: value.ok_or_else(|| not_readable("Signature is not Base64"))?,
            })
        }
        // Half a signature is a signature that somebody damaged, never an unsigned message. Security case 32.
        _ => return Err(not_readable("SigAlg and Signature must come together")),
    };
    let packed = from_base64(&text(message.value, parameter)?);
    let packed = packed.ok_or_else(|| not_readable(format!("{parameter} is not Base64")))?;
    Ok(Message { xml: inflate(&packed, parameter)?, relay_state: found.relay_state()?, signature })
}

/// Reads a message of the POST binding; `form` is the body, `application/x-www-form-urlencoded`.
pub fn from_post(form: &str, parameter: &'static str) -> Result<Message, Refusal> {
    let found = Parameters::parse(form)?;
    let xml = from_base64(&text(found.message(parameter)?.value, parameter)?);
    let xml = xml.ok_or_else(|| not_readable(format!("{parameter} is not Base64")))?;
    if xml.len() > LONGEST_MESSAGE {
        return Err(Refusal::ParameterTooLong { parameter, limit: LONGEST_MESSAGE });
    }
    Ok(Message { xml: decode(&xml, parameter)?, relay_state: found.relay_state()?, signature: None })
}

/// A parameter of the query: the whole piece as it arrived, and its value.
#[derive(Debug, Clone, Copy)]
struct Parameter<'q> {
    piece: &'q str,
    value: &'q str,
}

#[derive(Debug, Default)]
struct Parameters<'q> {
    request: Option<Parameter<'q>>,
    response: Option<Parameter<'q>>,
    relay_state: Option<Parameter<'q>>,
    encoding: Option<Parameter<'q>>,
    algorithm: Option<Parameter<'q>>,
    signature: Option<Parameter<'q>>,
}

impl<'q> Parameters<'q> {
    fn parse(query: &'q str) -> Result<Self, Refusal> {
        let mut found = Self::default();
        for piece in query.split('&') {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            found.take(name, Parameter { piece, value })?;
        }
        Ok(found)
    }

    /// The one message; a query that holds a request and a response is neither.
    fn message(&self, parameter: &'static str) -> Result<Parameter<'q>, Refusal> {
        match (parameter, self.request, self.response) {
            ("SAMLRequest", Some(message), None) | ("SAMLResponse", None, Some(message)) => Ok(message),
            _ => Err(not_readable(format!("{parameter} alone was expected"))),
        }
    }

    /// In a query and in a form `+` is a blank.
    fn relay_state(&self) -> Result<Option<String>, Refusal> {
        self.relay_state.map(|found| text(&found.value.replace('+', " "), "RelayState")).transpose()
    }

    /// Keeps a parameter of the binding. A second one of the same name is refused, and so is another spelling
    /// of a name: two readers of the query would not agree on which one counts. Security case 28.
    fn take(&mut self, name: &str, parameter: Parameter<'q>) -> Result<(), Refusal> {
        const NAMES: [&str; 6] =
            ["SAMLRequest", "SAMLResponse", "RelayState", "SAMLEncoding", "SigAlg", "Signature"];
        let spelled = percent_decode_str(name).decode_utf8_lossy();
        let Some(known) = NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(spelled.trim())) else {
            return Ok(());
        };
        if known != name {
            return Err(not_readable(format!("the parameter {known} is spelled '{name}'")));
        }
        let place = match known {
            "SAMLRequest" => &mut self.request,
            "SAMLResponse" => &mut self.response,
            "RelayState" => &mut self.relay_state,
            "SAMLEncoding" => &mut self.encoding,
            "SigAlg" => &mut self.algorithm,
            _ => &mut self.signature,
        };
        match place.replace(parameter) {
            None => Ok(()),
            Some(_) => Err(Refusal::DuplicateParameter { parameter: known }),
        }
    }
}

/// Decodes percent escapes once. A `+` stays: senders that leave it bare mean the letter of Base64.
fn text(value: &str, parameter: &'static str) -> Result<String, Refusal> {
    match percent_decode_str(value).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(not_readable(format!("{parameter} is not UTF-8"))),
    }
}

/// Decodes Base64; blanks and line breaks inside are passed over.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let compact: Vec<u8> = text.bytes().filter(|octet| !octet.is_ascii_whitespace()).collect();
    BASE64.decode(compact).ok()
}

/// Raw DEFLATE (RFC 1951) to text, at most [`LONGEST_MESSAGE`] octets of it.
fn inflate(packed: &[u8], parameter: &'static str) -> Result<String, Refusal> {
    let mut message = Vec::new();
    let limit = u64::try_from(LONGEST_MESSAGE).unwrap_or(u64::MAX).saturating_add(1);
    DeflateDecoder::new(packed)
        .take(limit)
        .read_to_end(&mut message)
        .map_err(|_| not_readable(format!("{parameter} is not deflated")))?;
    if message.len() > LONGEST_MESSAGE {
        return Err(Refusal::ParameterTooLong { parameter, limit: LONGEST_MESSAGE });
    }
    decode(&message, parameter)
}

fn decode(message: &[u8], parameter: &'static str) -> Result<String, Refusal> {
    match xml::decode(message, &Limits::MESSAGE) {
        Ok(text) => Ok(text.into_owned()),
        Err(error) => Err(not_readable(format!("{parameter}: {error}"))),
    }
}

/// The address that carries an unsigned `message` to `destination`.
pub(super) fn redirect_url(
    destination: &str,
    parameter: &'static str,
    message: &str,
    relay_state: Option<&str>,
) -> Option<String> {
    // Writing into memory fails only when memory itself does; there is no address then.
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(message.as_bytes()).ok()?;
    let encoded = BASE64.encode(encoder.finish().ok()?);
    let separator = if destination.contains('?') { '&' } else { '?' };
    let mut url =
        format!("{destination}{separator}{parameter}={}", utf8_percent_encode(&encoded, NON_ALPHANUMERIC));
    if let Some(relay_state) = relay_state {
        url.push_str("&RelayState=");
        url.extend(utf8_percent_encode(relay_state, NON_ALPHANUMERIC));
    }
    Some(url)
}

/// What can't be read as the binding says is answered by the error page of MSIS7015.
pub(super) fn not_readable(what: impl AsRef<str>) -> Refusal {
    Refusal::SamlNotReadable { what: PeerText::new(what.as_ref()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(message: &str) -> String {
        redirect_url("", "SAMLRequest", message, None).unwrap().trim_start_matches('?').to_owned()
    }

    fn refused(query: &str) -> String {
        from_redirect(query, "SAMLRequest").unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_read() {
        let url = redirect_url("https://fs.example.com/adfs/ls/?a=b", "SAMLRequest", "<a/>", Some("x y&ü+"))
            .unwrap();
        let (before, query) = url.split_once('?').unwrap();
        assert_eq!(before, "https://fs.example.com/adfs/ls/");
        let read = from_redirect(query, "SAMLRequest").unwrap();
        assert_eq!(read.xml, "<a/>");
        assert_eq!(read.relay_state.as_deref(), Some("x y&ü+"));
        assert_eq!(read.signature, None);
    }

    #[test]
    fn bare_plus_signs_line_breaks_and_missing_padding_are_tolerated() {
        let encoded = query("<a>\u{fffd}\u{1F600} to get every letter of the alphabet into it</a>");
        let spelled = encoded.replace("%2B", "+").replace("%3D", "") + "%0D%0A";
        assert_eq!(
            from_redirect(&spelled, "SAMLRequest").unwrap().xml,
            from_redirect(&encoded, "SAMLRequest").unwrap().xml
        );
    }

    /// Security case 28.
    #[test]
    fn a_signature_covers_the_octets_that_arrived_in_the_order_of_the_binding() {
        let message = query("<a/>");
        let lower_case = "SigAlg=http%3a%2f%2fexample";
        let received =
            format!("Signature=AA%3d%3d&{lower_case}&client-request-id=x&RelayState=%61&{message}");
        let signature = from_redirect(&received, "SAMLRequest").unwrap().signature.unwrap();
        assert_eq!(signature.signed, format!("{message}&RelayState=%61&{lower_case}"));
        assert_eq!(signature.algorithm, "http://example");
        assert_eq!(signature.value, [0]);
    }

    /// Security case 28.
    #[test]
    fn an_empty_relay_state_is_signed_as_it_came() {
        let message = query("<a/>");
        let received = format!("{message}&RelayState=&SigAlg=a&Signature=AA");
        let read = from_redirect(&received, "SAMLRequest").unwrap();
        assert_eq!(read.relay_state.as_deref(), Some(""));
        assert_eq!(read.signature.unwrap().signed, format!("{message}&RelayState=&SigAlg=a"));
    }

    /// Security case 28.
    #[test]
    fn a_parameter_that_comes_twice_is_refused() {
        let message = query("<a/>");
        for (twice, name) in [
            (format!("{message}&{message}"), "SAMLRequest"),
            (format!("{message}&RelayState=a&RelayState=b"), "RelayState"),
            (format!("{message}&SigAlg=a&SigAlg=a&Signature=AA"), "SigAlg"),
            (format!("{message}&SigAlg=a&Signature=AA&Signature=AA"), "Signature"),
        ] {
            let refusal = from_redirect(&twice, "SAMLRequest").unwrap_err();
            assert_eq!(refusal, Refusal::DuplicateParameter { parameter: name });
        }
    }

    /// Security case 28.
    #[test]
    fn a_name_in_another_spelling_is_refused() {
        let message = query("<a/>");
        for odd in ["SAML%52equest=AA", "samlrequest=AA", "Relay%53tate=x", "%20Signature=AA"] {
            assert!(refused(&format!("{message}&{odd}")).contains("is spelled"), "{odd}");
        }
    }

    /// Security case 28.
    #[test]
    fn a_value_is_decoded_once() {
        let twice = query("<a/>").replace('%', "%25");
        assert!(refused(&(twice + "%253D")).starts_with("MSIS7015"));
    }

    /// Security case 32.
    #[test]
    fn half_a_signature_is_refused() {
        let message = query("<a/>");
        for half in ["SigAlg=a", "Signature=AA"] {
            assert!(refused(&format!("{message}&{half}")).contains("must come together"), "{half}");
        }
    }

    /// Security case 29.
    #[test]
    fn a_message_that_inflates_beyond_the_limit_is_refused() {
        let bomb = query(&" ".repeat(LONGEST_MESSAGE + 1));
        assert!(bomb.len() < 2_000, "{}", bomb.len());
        let refusal = from_redirect(&bomb, "SAMLRequest").unwrap_err();
        assert_eq!(refusal, Refusal::ParameterTooLong { parameter: "SAMLRequest", limit: LONGEST_MESSAGE });
        assert!(from_redirect(&query(&" ".repeat(LONGEST_MESSAGE)), "SAMLRequest").is_ok());
    }

    #[test]
    fn a_form_is_read_too() {
        let read = from_post("RelayState=a+b%2B&SAMLResponse=PGEv%0D%0APg%3D%3D", "SAMLResponse").unwrap();
        assert_eq!(read.xml, "<a/>");
        assert_eq!(read.relay_state.as_deref(), Some("a b+"));
    }

    /// Security case 29.
    #[test]
    fn a_form_is_bounded_too() {
        let form =
            format!("SAMLRequest={}", BASE64.encode(" ".repeat(LONGEST_MESSAGE + 1)).replace('=', "%3D"));
        let refusal = from_post(&form, "SAMLRequest").unwrap_err();
        assert_eq!(refusal, Refusal::ParameterTooLong { parameter: "SAMLRequest", limit: LONGEST_MESSAGE });
    }

    /// Security case 28.
    #[test]
    fn a_field_of_a_form_that_comes_twice_is_refused() {
        let refusal = from_post("SAMLRequest=AA&SAMLRequest=AA", "SAMLRequest").unwrap_err();
        assert_eq!(refusal, Refusal::DuplicateParameter { parameter: "SAMLRequest" });
    }

    #[test]
    fn what_is_not_a_message_is_refused_with_the_page_of_msis7015() {
        for (query, what) in [
            ("", "SAMLRequest alone was expected"),
            ("SAMLRequest", "SAMLRequest is not deflated"),
            ("SAMLRequest=PGEvPg", "SAMLRequest is not deflated"),
            ("SAMLRequest=!", "SAMLRequest is not Base64"),
            ("SAMLRequest=%FF", "SAMLRequest is not UTF-8"),
            ("SAMLRequest=AA&SAMLResponse=AA", "SAMLRequest alone was expected"),
        ] {
            let text = refused(query);
            assert!(text.starts_with("MSIS7015: ") && text.contains(what), "{query}: {text}");
        }
        let encoded = query("<a/>") + "&SAMLEncoding=urn:other";
        assert!(refused(&encoded).contains("SAMLEncoding"));
    }
}
