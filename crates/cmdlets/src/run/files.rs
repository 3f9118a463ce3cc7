//! What arguments name on this machine: rule files, certificates, metadata.

use std::io::Read;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::error::CmdletError;

/// Largest file that is read: metadata of a whole federation.
const MAX_FILE: u64 = 16 << 20;

/// A file, at most 16 MiB of it.
pub(crate) fn bytes_of(path: &str) -> Result<Vec<u8>, CmdletError> {
    let error = |reason: String| {
        CmdletError::new("FileNotRead", format!("The file '{path}' can't be read: {reason}"))
    };
    let file = std::fs::File::open(Path::new(path)).map_err(|cause| error(cause.to_string()))?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|cause| error(cause.to_string()))?;
    match u64::try_from(bytes.len()).is_ok_and(|length| length <= MAX_FILE) {
        true => Ok(bytes),
        false => Err(error(format!("it is larger than {MAX_FILE} bytes"))),
    }
}

/// A text file: UTF-8, or UTF-16 with its mark, as Windows' editors write it.
pub(crate) fn text_of(path: &str) -> Result<String, CmdletError> {
    let bytes = bytes_of(path)?;
    let text = match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        plain => String::from_utf8(plain.to_vec()).ok(),
    };
    text.ok_or_else(|| {
        CmdletError::new("FileNotRead", format!("The file '{path}' is not text in UTF-8 or UTF-16."))
    })
}

fn wide(bytes: &[u8], read: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| read(*pair)).collect();
    String::from_utf16(&units).ok().filter(|_| rest.is_empty())
}

/// Certificates as the configuration holds them, DER in Base64: from a file, from Base64, or from an object that
/// has one.
pub(crate) fn certificates(value: &Value) -> Result<Value, CmdletError> {
    match value {
        Value::Array(items) => items.iter().map(certificates).collect::<Result<_, _>>().map(Value::Array),
        Value::Object(members) => {
            let own = ["Certificate", "RawData"].iter().find_map(|name| members.get(*name)?.as_str());
            let missing = || CmdletError::new("NoCertificate", "the object holds no certificate");
            certificate(own.ok_or_else(missing)?).map(Value::String)
        }
        Value::String(text) if !text.is_empty() => {
            if let Ok(found) = certificate(text) {
                return Ok(Value::String(found));
            }
            let bytes = bytes_of(text)?;
            let text_form = String::from_utf8(bytes.clone()).unwrap_or_default();
            let base64 =
                if text_form.contains("-----BEGIN") { pem_body(&text_form) } else { STANDARD.encode(&bytes) };
            certificate(&base64).map(Value::String)
        }
        other => Ok(other.clone()),
    }
}

/// Base64 of a DER certificate, without line ends.
fn certificate(base64: &str) -> Result<String, CmdletError> {
    let plain: String = base64.chars().filter(|c| !c.is_whitespace()).collect();
    let der = STANDARD.decode(&plain).ok();
    let sound = der.is_some_and(|der| X509Certificate::from_der(&der).is_ok());
    match sound {
        true => Ok(plain),
        false => Err(CmdletError::new(
            "NoCertificate",
            "The value is no certificate: expected a file (DER or PEM), its Base64, or an object of Get-ChildItem Cert:",
        )),
    }
}

fn pem_body(text: &str) -> String {
    let after = text.split_once("-----BEGIN CERTIFICATE-----").map_or("", |(_, after)| after);
    after.split_once("-----END").map_or("", |(body, _)| body).to_owned()
}

/// A thumbprint as it is copied from a certificate dialog: blanks and invisible marks do not count.
pub(crate) fn thumbprint(text: &str) -> Result<String, CmdletError> {
    let digits: String = text.chars().filter(|c| c.is_ascii_graphic() && *c != ':').collect();
    let digits = digits.to_ascii_uppercase();
    match digits.len() == 40 && digits.chars().all(|c| c.is_ascii_hexdigit()) {
        true => Ok(digits),
        false => Err(CmdletError::new(
            "InvalidThumbprint",
            format!(
                "'{}' is not a thumbprint; expected 40 hexadecimal digits, as Get-ChildItem Cert:\\LocalMachine\\My shows them.",
                text.chars().take(80).collect::<String>()
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbprints_are_taken_with_blanks_and_invisible_marks() {
        let copied = "\u{200e}ab cd ef 01 23 45 67 89 ab cd ef 01 23 45 67 89 ab cd ef 01";
        assert_eq!(thumbprint(copied).unwrap(), "ABCDEF0123456789ABCDEF0123456789ABCDEF01");
        assert!(thumbprint("T").unwrap_err().message.contains("'T' is not a thumbprint"));
    }

    #[test]
    fn rule_files_are_read_in_the_encodings_of_windows() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rules.txt");
        let name = path.to_str().unwrap().to_owned();
        let utf16: Vec<u8> = "\u{feff}=> é;".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [utf16, "\u{feff}=> é;".as_bytes().to_vec(), "=> é;".as_bytes().to_vec()] {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(text_of(&name).unwrap(), "=> é;");
        }
        std::fs::write(&path, [0x80, 0x81]).unwrap();
        assert!(text_of(&name).is_err());
        assert!(text_of("/nonexistent").unwrap_err().message.contains("/nonexistent"));
        assert!(certificates(&Value::String(name)).is_err());
    }
}
