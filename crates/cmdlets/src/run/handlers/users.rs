//! Users of the embedded directory: `New-`, `Get-` and `Remove-SekishoUser`.

use serde_json::Value;

use crate::error::CmdletError;
use crate::output::secret_text;
use crate::run::{Call, Outcome};

/// `New-SekishoUser`: prints the user, as `New-` does. Without `-Password` it is asked for.
pub(crate) fn new_user(call: &mut Call<'_, '_>) -> Outcome {
    let mut body = call.document(&[
        "UserPrincipalName",
        "SamAccountName",
        "DisplayName",
        "Mail",
        "GivenName",
        "Surname",
        "Groups",
        "Disabled",
        "MustChangePassword",
        "Force",
    ]);
    let name = call.bound.text("UserPrincipalName").unwrap_or_default().to_owned();
    let password = match call.bound.get("Password") {
        Some(given) => secret_text(given),
        None => call.session.environment.console.ask_secret(&format!("Password of {name}: ")),
    };
    let Some(password) = password else {
        return Err(CmdletError::new("NoPassword", "The user needs a password: add -Password."));
    };
    body.insert("Password".to_owned(), Value::String(password));
    call.action("put-directory-user", body, &name)
}

/// `Get-SekishoUser`: all, or the one that is named.
pub(crate) fn get_user(call: &mut Call<'_, '_>) -> Outcome {
    let body = Value::Object(call.document(&["UserPrincipalName"]));
    let answer = call.session.administration()?.action("get-directory-user", &body, false);
    let (objects, warnings) = answer.map_err(|error| call.refused(error))?;
    warnings.iter().for_each(|warning| call.session.warn(warning));
    Ok(objects)
}

/// `Remove-SekishoUser`
pub(crate) fn remove_user(call: &mut Call<'_, '_>) -> Outcome {
    let name = call.bound.text("UserPrincipalName").unwrap_or_default().to_owned();
    call.action("remove-directory-user", call.document(&["UserPrincipalName"]), &name)
}
