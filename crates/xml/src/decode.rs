//! Bytes → text: XML 1.0, 2.11 (line ends) and 4.3.3 (encodings).

use std::borrow::Cow;

use crate::document::Limits;
use crate::error::{XmlError, shorten};

/// The text of a document that came as bytes: UTF-8 with or without a byte-order mark, or UTF-16 with one
/// (some .NET partners send it).
///
/// Line ends become LF as XML 1.0, 2.11 demands before parsing. A declaration may say `utf-8` or `utf-16`,
/// and the bytes decide which it is: .NET declares `utf-16` in strings that travel as UTF-8.
///
/// # Errors
///
/// [`XmlError::TooLarge`] before anything else, [`XmlError::Encoding`] for every other encoding.
pub fn decode<'b>(bytes: &'b [u8], limits: &Limits) -> Result<Cow<'b, str>, XmlError> {
    if bytes.len() > limits.size {
        return Err(XmlError::TooLarge { size: bytes.len(), limit: limits.size });
    }
    let text = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(rest)?,
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes)?,
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes)?,
        rest => utf8(rest)?,
    };
    if let Some(declared) = declared_encoding(&text)
        && !["utf-8", "utf-16"].iter().any(|known| declared.eq_ignore_ascii_case(known))
    {
        return Err(XmlError::Encoding { found: shorten(declared) });
    }
    if text.contains('\r') {
        return Ok(Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")));
    }
    Ok(text)
}

fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, XmlError> {
    std::str::from_utf8(bytes)
        .map(Cow::Borrowed)
        .map_err(|error| XmlError::Encoding { found: format!("not UTF-8 at byte {}", error.valid_up_to()) })
}

fn utf16<'b>(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'b, str>, XmlError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(XmlError::Encoding { found: "UTF-16 with an odd number of bytes".to_owned() });
    }
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .collect::<Result<String, _>>()
        .map(Cow::Owned)
        .map_err(|_| XmlError::Encoding { found: "UTF-16 with a lone surrogate".to_owned() })
}

/// The value of `encoding` in the XML declaration. Its grammar is checked later, by the parser.
fn declared_encoding(text: &str) -> Option<&str> {
    let (declaration, _) = text.strip_prefix("<?xml")?.split_once("?>")?;
    let (_, after) = declaration.split_once("encoding")?;
    let value = after.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value.strip_prefix(quote)?.split_once(quote).map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> Result<String, XmlError> {
        decode(bytes, &Limits::MESSAGE).map(Cow::into_owned)
    }

    fn utf16_bytes(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        "\u{FEFF}".encode_utf16().chain(text.encode_utf16()).flat_map(unit).collect()
    }

    #[test]
    fn utf_8_and_utf_16_give_the_same_text() {
        let text = "<a>上杉 𠮷 é</a>";
        assert_eq!(decoded(text.as_bytes()).unwrap(), text);
        assert_eq!(decoded(&[b"\xEF\xBB\xBF", text.as_bytes()].concat()).unwrap(), text);
        assert_eq!(decoded(&utf16_bytes(text, u16::to_le_bytes)).unwrap(), text);
        assert_eq!(decoded(&utf16_bytes(text, u16::to_be_bytes)).unwrap(), text);
        let declared = "<?xml version=\"1.0\" encoding='UTF-16'?><a/>";
        assert_eq!(decoded(&utf16_bytes(declared, u16::to_le_bytes)).unwrap(), declared);
        assert_eq!(decoded(declared.as_bytes()).unwrap(), declared);
    }

    #[test]
    fn other_encodings_are_refused() {
        for bytes in [
            b"<a>\xE9</a>".as_slice(),
            b"\xFF\xFE<\0a\0/\0>",
            b"\xFF\xFE\x00\xD8<\0",
            b"<?xml version='1.0' encoding='iso-8859-1'?><a/>",
            b"<?xml version=\"1.0\" encoding = \"UTF-7\" ?><a/>",
        ] {
            assert_eq!(decoded(bytes).unwrap_err().code(), "xml-encoding", "{bytes:?}");
        }
    }

    #[test]
    fn a_document_is_measured_before_it_is_decoded() {
        let limits = Limits { size: 3, ..Limits::MESSAGE };
        assert_eq!(decode(b"\xE9\xE9\xE9\xE9", &limits).unwrap_err().code(), "xml-too-large");
    }

    /// Security case 11.
    #[test]
    fn line_ends_are_normalised_before_parsing() {
        assert_eq!(decoded(b"<a>x\r\ny\rz\r&amp;</a>").unwrap(), "<a>x\ny\nz\n&amp;</a>");
    }
}
