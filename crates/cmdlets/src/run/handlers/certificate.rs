//! Certificates of the service: `Get-`, `Add-`, `Set-`, `Remove-` and `Update-AdfsCertificate`.

use serde_json::{Map, Value};

use crate::administration::Change;
use crate::error::CmdletError;
use crate::run::files::thumbprint;
use crate::run::{Call, Outcome};

use super::get::chosen;

/// `Get-AdfsCertificate`: the six properties of the product; where the key lies is the same for all.
pub(crate) fn get_certificate(call: &mut Call<'_, '_>) -> Outcome {
    let types = call.bound.texts("CertificateType");
    let shown = |body: &Value| {
        let of = |name: &str| body.get(name).cloned();
        let mut members = Map::new();
        for (name, default) in [
            ("Certificate", Value::Null),
            ("CertificateType", Value::Null),
            ("IsPrimary", Value::Bool(false)),
            ("StoreLocation", Value::from("CurrentUser")),
            ("StoreName", Value::from("My")),
            ("Thumbprint", Value::Null),
        ] {
            members.insert(name.to_owned(), of(name).unwrap_or(default));
        }
        Value::Object(members)
    };
    let objects = chosen(call)?.into_iter().map(|stored| stored.body);
    let wanted = |body: &Value| {
        let own = body.get("CertificateType").and_then(Value::as_str);
        types.is_empty() || own.is_some_and(|own| types.contains(&own))
    };
    Ok(objects.filter(wanted).map(|body| shown(&body)).collect())
}

/// `Add-AdfsCertificate`: a certificate of the node's store becomes one of the farm.
pub(crate) fn add_certificate(call: &mut Call<'_, '_>) -> Outcome {
    certificate_action(call, "add-certificate")
}

/// `Set-AdfsCertificate`: makes one primary; `Service-Communications` takes it from the node's store.
pub(crate) fn set_certificate(call: &mut Call<'_, '_>) -> Outcome {
    certificate_action(call, "set-certificate")
}

/// `Update-AdfsCertificate`: new self-signed token certificates.
pub(crate) fn update_certificate(call: &mut Call<'_, '_>) -> Outcome {
    let body = call.document(&["CertificateType", "Urgent"]);
    let target = call.bound.text("CertificateType").unwrap_or("Token-Signing, Token-Decrypting").to_owned();
    let objects = call.action("update-certificate", body, &target)?;
    Ok(passed(call, objects))
}

/// `Remove-AdfsCertificate`
pub(crate) fn remove_certificate(call: &mut Call<'_, '_>) -> Outcome {
    let wanted = thumbprint(call.bound.text("Thumbprint").unwrap_or_default())?;
    let certificate_type = call.bound.text("CertificateType").unwrap_or_default().to_owned();
    let is = |body: &Value, name: &str, value: &str| {
        body.get(name).and_then(Value::as_str).is_some_and(|own| own.eq_ignore_ascii_case(value))
    };
    let found = call.list(crate::administration::Selection::All)?.into_iter().find(|stored| {
        is(&stored.body, "Thumbprint", &wanted) && is(&stored.body, "CertificateType", &certificate_type)
    });
    let Some(stored) = found else {
        let message = format!("There is no {certificate_type} certificate with the thumbprint {wanted}.");
        return Err(CmdletError::new("ObjectNotFound", message));
    };
    call.change(&stored.id, &Change::Remove(stored.version), &wanted)?;
    let shows = call.bound.is_on("PassThru") && !call.bound.common.what_if;
    Ok(if shows { vec![stored.body] } else { Vec::new() })
}

fn certificate_action(call: &mut Call<'_, '_>, action: &str) -> Outcome {
    let wanted = thumbprint(call.bound.text("Thumbprint").unwrap_or_default())?;
    let mut body = call.document(&["CertificateType", "IsPrimary"]);
    body.insert("Thumbprint".to_owned(), Value::String(wanted.clone()));
    let certificate_type = call.bound.text("CertificateType").unwrap_or_default().to_owned();
    let objects = call.action(action, body, &format!("{certificate_type} {wanted}"))?;
    Ok(passed(call, objects))
}

fn passed(call: &Call<'_, '_>, objects: Vec<Value>) -> Vec<Value> {
    if call.bound.is_on("PassThru") { objects } else { Vec::new() }
}
