//! Help, written from the signatures and the table of bindings.

use crate::bindings::{Meaning, binding};
use crate::signatures::{Cmdlet, Parameter};

/// What `Get-Help` says without a name.
pub(crate) const OVERVIEW: &str = "\
Get-Help NAME or NAME -? shows one command; Get-Command lists all of them, Get-Command *Trust* some.

In a Unix shell:          sekisho Set-AdfsProperties -TlsClientPort 32443
With PowerShell's syntax: sekisho -Command 'Get-AdfsRelyingPartyTrust -Name App | Format-List'
                          sekisho run FILE
                          sekisho shell
";

/// The page of a command: syntax by parameter set, then every parameter.
pub(crate) fn page(cmdlet: &Cmdlet) -> String {
    let mut text = format!("\nNAME\n    {} ({})\n\nSYNTAX\n", cmdlet.name, cmdlet.module);
    for set in cmdlet.sets() {
        text.push_str(&format!("    {}\n", syntax(cmdlet, set)));
    }
    let Some(binding) = binding(cmdlet.name) else {
        text.push_str("\nThe command does not exist here yet.\n");
        return text;
    };
    if !cmdlet.parameters.is_empty() {
        text.push_str("\nPARAMETERS\n");
    }
    for parameter in &cmdlet.parameters {
        text.push_str(&format!("    -{} <{}>\n", parameter.name, parameter.type_name));
        let mut facts = Vec::new();
        match binding.meaning(cmdlet, parameter) {
            Meaning::NotYet => facts.push("has no effect here yet and is refused".to_owned()),
            Meaning::Property(property) if property != parameter.name => {
                facts.push(format!("sets {property}"))
            }
            _ => {}
        }
        if !parameter.aliases.is_empty() {
            facts.push(format!("also -{}", parameter.aliases.join(", -")));
        }
        if !parameter.values.is_empty() {
            facts.push(format!("one of {}", parameter.values.join(", ")));
        }
        if let Some((low, high)) = parameter.range() {
            facts.push(format!("{low} to {high}"));
        }
        if let Some(position) = parameter.position {
            facts.push(format!("position {position}"));
        }
        if parameter.takes_value_from_pipeline() {
            facts.push("from the pipeline".to_owned());
        }
        if parameter.takes_property_from_pipeline() {
            facts.push("from the pipeline by property name".to_owned());
        }
        if !facts.is_empty() {
            text.push_str(&format!("        {}\n", facts.join("; ")));
        }
    }
    text.push_str("\nEvery command also takes -Verbose, -ErrorAction, -OutVariable, -Server and the other common parameters");
    text.push_str(if cmdlet.should_process { ", and -WhatIf and -Confirm.\n" } else { ".\n" });
    text
}

/// One line of syntax, positional parameters first.
fn syntax(cmdlet: &Cmdlet, set: &str) -> String {
    let mut parameters: Vec<&Parameter> = cmdlet.parameters.iter().filter(|one| one.is_in(set)).collect();
    parameters.sort_by_key(|one| (one.position.unwrap_or(u32::MAX), !one.required));
    let mut text = cmdlet.name.to_owned();
    for parameter in parameters {
        let name = match parameter.position {
            Some(_) => format!("[-{}]", parameter.name),
            None => format!("-{}", parameter.name),
        };
        let with_type =
            if parameter.is_switch() { name } else { format!("{name} <{}>", parameter.type_name) };
        let whole = if parameter.required { with_type } else { format!("[{with_type}]") };
        text.push_str(&format!(" {whole}"));
    }
    if cmdlet.should_process {
        text.push_str(" [-WhatIf] [-Confirm]");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signatures::{cmdlets, find_cmdlet};

    #[test]
    fn every_command_has_a_page() {
        for cmdlet in cmdlets() {
            assert!(page(cmdlet).contains(cmdlet.name));
        }
        let text = page(find_cmdlet("Get-AdfsRelyingPartyTrust").unwrap());
        assert!(text.contains("    Get-AdfsRelyingPartyTrust [[-Name] <String[]>]\n"), "{text}");
        assert!(text.contains("    Get-AdfsRelyingPartyTrust [-Identifier] <String[]>\n"), "{text}");
        let text = page(find_cmdlet("Set-AdfsProperties").unwrap());
        assert!(text.contains("sets KmsiEnabled") && text.contains("1 to 2628000"), "{text}");
    }
}
