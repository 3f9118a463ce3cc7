//! About the commands themselves: `Get-Help`, `Get-Command`, `Install-Cmdlets`.

use serde_json::{Value, json};

use crate::bindings::binding;
use crate::error::CmdletError;
use crate::output::like;
use crate::run::call::Decision;
use crate::run::{Call, Outcome};
use crate::signatures::{cmdlets, find_cmdlet, nearest_cmdlet};
use crate::{help, install};

/// `Get-Help NAME`; without a name, how help is found.
pub(crate) fn get_help(call: &mut Call<'_, '_>) -> Outcome {
    let Some(name) = call.bound.text("Name") else {
        return Ok(vec![Value::String(help::OVERVIEW.to_owned())]);
    };
    if let Some(cmdlet) = find_cmdlet(name) {
        return Ok(vec![Value::String(help::page(cmdlet))]);
    }
    let pattern = if name.contains(['*', '?']) { name.to_owned() } else { format!("*{name}*") };
    let matching: Vec<Value> = cmdlets()
        .iter()
        .filter(|cmdlet| like(cmdlet.name, &pattern))
        .map(|cmdlet| json!({ "Name": cmdlet.name, "Module": cmdlet.module }))
        .collect();
    if matching.is_empty() {
        let nearest =
            nearest_cmdlet(name).map(|nearest| format!(" Did you mean {nearest}?")).unwrap_or_default();
        let message = format!("There is no help for '{name}'.{nearest}");
        return Err(CmdletError::new("HelpNotFound", message));
    }
    Ok(matching)
}

/// `Get-Command`: the commands, and whether they exist yet.
pub(crate) fn get_command(call: &mut Call<'_, '_>) -> Outcome {
    let fits = |names: &[&str], value: &str| names.is_empty() || names.iter().any(|name| like(value, name));
    let (name, module) = (call.bound.texts("Name"), call.bound.texts("Module"));
    let (verb, noun) = (call.bound.texts("Verb"), call.bound.texts("Noun"));
    let matching = cmdlets().iter().filter(|cmdlet| {
        fits(&name, cmdlet.name)
            && fits(&module, cmdlet.module)
            && fits(&verb, cmdlet.verb())
            && fits(&noun, cmdlet.noun())
    });
    Ok(matching
        .map(|cmdlet| {
            json!({ "CommandType": "Cmdlet", "Name": cmdlet.name, "Source": cmdlet.module, "Exists": binding(cmdlet.name).is_some() })
        })
        .collect())
}

/// `Install-Cmdlets [-Path DIRECTORY]`: links by which the commands run without `sekisho` before them.
pub(crate) fn install_cmdlets(call: &mut Call<'_, '_>) -> Outcome {
    let failed = |reason: String| CmdletError::new("InstallCmdlets", reason);
    let (default, program) = call.session.environment.local.command_directory().map_err(failed)?;
    let directory = call.bound.text("Path").map_or(default, std::path::PathBuf::from);
    if call.decide(&directory.display().to_string())? != Decision::Proceed {
        return Ok(Vec::new());
    }
    let count = install::links(&directory, &program).map_err(failed)?;
    let message =
        format!("{count} commands are in {}; add it to PATH if it is not there", directory.display());
    call.session.environment.console.message(&message);
    Ok(Vec::new())
}
