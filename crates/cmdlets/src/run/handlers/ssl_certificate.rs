//! `Set-AdfsSslCertificate`: the certificate of the TLS listeners, also of the one without SNI.

use serde_json::Value;

use crate::run::files::thumbprint;
use crate::run::{Call, Outcome};

/// `Set-AdfsSslCertificate`
pub(crate) fn set_ssl_certificate(call: &mut Call<'_, '_>) -> Outcome {
    let wanted = thumbprint(call.bound.text("Thumbprint").unwrap_or_default())?;
    let mut body = call.document(&["Member"]);
    body.insert("Thumbprint".to_owned(), Value::String(wanted.clone()));
    call.action("set-ssl-certificate", body, &wanted)
}
