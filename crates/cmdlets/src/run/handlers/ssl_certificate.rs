//! The certificate of the TLS listeners, also of the one without SNI: `Get-` and `Set-AdfsSslCertificate`.

use serde_json::{Value, json};

use crate::run::files::thumbprint;
use crate::run::{Call, Outcome};

/// `Get-AdfsSslCertificate`: what the listeners of this node serve.
pub(crate) fn get_ssl_certificate(call: &mut Call<'_, '_>) -> Outcome {
    let answer = call.session.administration()?.action("get-ssl-certificate", &json!({}), false);
    let (objects, warnings) = answer.map_err(|error| call.refused(error))?;
    warnings.iter().for_each(|warning| call.session.warn(warning));
    Ok(objects)
}

/// `Set-AdfsSslCertificate`
pub(crate) fn set_ssl_certificate(call: &mut Call<'_, '_>) -> Outcome {
    let wanted = thumbprint(call.bound.text("Thumbprint").unwrap_or_default())?;
    let mut body = call.document(&["Member"]);
    body.insert("Thumbprint".to_owned(), Value::String(wanted.clone()));
    call.action("set-ssl-certificate", body, &wanted)?;
    Ok(Vec::new())
}
