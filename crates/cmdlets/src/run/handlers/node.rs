//! The node's certificate store: `Import-PfxCertificate`, `Get-ChildItem Cert:\LocalMachine\My`.

use std::path::Path;

use serde_json::{Value, json};

use crate::error::CmdletError;
use crate::output::{SECURE_STRING, secret_text};
use crate::run::call::Decision;
use crate::run::{Call, Outcome};

/// Whether a path names the store of the node. `\` at the end and letter case do not count.
fn is_own_store(path: &str) -> bool {
    let plain: String = path.to_ascii_lowercase().replace('/', "\\");
    let plain =
        plain.trim_end_matches('\\').trim_start_matches("microsoft.powershell.security\\certificate::");
    matches!(plain, "cert:\\localmachine\\my" | "cert:\\localmachine" | "cert:" | "localmachine\\my")
}

/// `Get-ChildItem Cert:\LocalMachine\My`
pub(crate) fn get_child_item(call: &mut Call<'_, '_>) -> Outcome {
    let path = call.bound.text("Path").unwrap_or(".");
    // One certificate by its thumbprint.
    let (store, one) = match path.trim_end_matches('\\').rsplit_once('\\') {
        Some((store, last)) if crate::run::files::thumbprint(last).is_ok() => (store, Some(last)),
        _ => (path, None),
    };
    if !is_own_store(store) {
        let message = format!(
            "'{path}' is not here: Get-ChildItem lists the certificates of this node, Cert:\\LocalMachine\\My; files are listed by ls."
        );
        return Err(CmdletError::new("PathNotFound", message));
    }
    let certificates = call.session.environment.local.certificates();
    let mut certificates = certificates.map_err(|reason| CmdletError::new("CertificateStore", reason))?;
    if let Some(one) = one {
        let own = |value: &Value| value.get("Thumbprint").and_then(Value::as_str).map(str::to_owned);
        certificates.retain(|value| own(value).is_some_and(|own| own.eq_ignore_ascii_case(one)));
    }
    Ok(certificates)
}

/// `Import-PfxCertificate`: prints the certificate, as Windows does. Without `-Password` it is asked for.
pub(crate) fn import_pfx_certificate(call: &mut Call<'_, '_>) -> Outcome {
    let store = call.bound.text("CertStoreLocation").unwrap_or("Cert:\\LocalMachine\\My");
    if !is_own_store(store) {
        let message = format!("'{store}' is not here: this node has one store, Cert:\\LocalMachine\\My.");
        return Err(CmdletError::new("PathNotFound", message));
    }
    let file = call.bound.text("FilePath").unwrap_or_default().to_owned();
    if call.decide(&file)? != Decision::Proceed {
        return Ok(Vec::new());
    }
    let password = match call.bound.get("Password") {
        Some(given) => secret_text(given),
        None => {
            call.session.environment.console.ask_secret(&format!("Password of {file} (empty for none): "))
        }
    };
    let password = password.filter(|password| !password.is_empty());
    let imported = call.session.environment.local.import_pfx(Path::new(&file), password.as_deref());
    imported
        .map(|certificate| vec![certificate])
        .map_err(|reason| CmdletError::new("CertificateStore", reason))
}

/// `ConvertTo-SecureString 'text' -AsPlainText -Force`: a value that is not printed.
pub(crate) fn convert_to_secure_string(call: &mut Call<'_, '_>) -> Outcome {
    if !call.bound.is_on("AsPlainText") {
        let message = "Only texts can be converted here: add -AsPlainText -Force.";
        return Err(CmdletError::new("InvalidValue", message));
    }
    Ok(vec![json!({ SECURE_STRING: call.bound.text("String") })])
}
