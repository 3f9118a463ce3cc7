//! A certificate as .NET prints it.

use base::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Subject, issuer, serial number and dates of a DER certificate in Base64, each with its value on the next line.
pub(super) fn summary(base64: &str) -> Option<String> {
    let der = STANDARD.decode(base64.trim()).ok()?;
    let (_, certificate) = X509Certificate::from_der(&der).ok()?;
    let serial: String = certificate.raw_serial().iter().map(|byte| format!("{byte:02X}")).collect();
    let date = |seconds: i64| Timestamp::from_seconds(seconds).to_us();
    let fields = [
        ("Subject", certificate.subject().to_string()),
        ("Issuer", certificate.issuer().to_string()),
        ("Serial Number", serial),
        ("Not Before", date(certificate.validity().not_before.timestamp())),
        ("Not After", date(certificate.validity().not_after.timestamp())),
    ];
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("[{name}]\n  {value}\n")).collect();
    Some(fields.join("\n"))
}
