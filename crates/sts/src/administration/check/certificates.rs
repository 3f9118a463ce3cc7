//! Certificates of partners can be read.

use base::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use configuration::{ObjectType, Problem};
use serde_json::Value;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Properties that hold certificates (DER in Base64), one or several, by kind.
fn properties(kind: &str) -> &'static [&'static str] {
    match kind {
        "relying-party-trust" => &["RequestSigningCertificate", "EncryptionCertificate"],
        "claims-provider-trust" => &["TokenSigningCertificates", "EncryptionCertificate"],
        _ => &[],
    }
}

/// Every certificate that can't be read; warnings for those that are not valid now.
pub(super) fn check(
    object: &ObjectType,
    body: &Value,
    now: Timestamp,
    warnings: &mut Vec<String>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for property in properties(object.kind) {
        let value = body.get(property).unwrap_or(&Value::Null);
        let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for (at, certificate) in list.iter().enumerate() {
            let Some(text) = certificate.as_str().filter(|text| !text.is_empty()) else { continue };
            let field = if value.is_array() { format!("{property}[{at}]") } else { (*property).to_owned() };
            match read(text, now) {
                Ok(None) => {}
                Ok(Some(warning)) => warnings.push(format!("{field}: {warning}")),
                Err(expected) => problems.push(Problem::new(field, text, expected)),
            }
        }
    }
    problems
}

/// What should be said of a certificate that can be read.
fn read(text: &str, now: Timestamp) -> Result<Option<String>, String> {
    let der = STANDARD
        .decode(text)
        .map_err(|error| format!("is not Base64 ({error}); expected a certificate, DER in Base64"))?;
    let certificate = match X509Certificate::from_der(&der) {
        Ok(([], certificate)) => certificate,
        Ok(_) => {
            return Err(
                "has octets behind the certificate; expected one certificate, DER in Base64".to_owned()
            );
        }
        Err(error) => return Err(format!("is not an X.509 certificate ({error}); expected DER in Base64")),
    };
    let validity = certificate.validity();
    let (begin, end) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    let subject = certificate.subject();
    Ok(match now.as_seconds() {
        now if now > end => {
            Some(format!("the certificate '{subject}' ended {}", Timestamp::from_seconds(end).to_xml()))
        }
        now if now < begin => {
            Some(format!("the certificate '{subject}' begins {}", Timestamp::from_seconds(begin).to_xml()))
        }
        _ => None,
    })
}
