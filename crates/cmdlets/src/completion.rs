//! Completion of command names, parameters and accepted words in bash and zsh, from the signatures.

use crate::bindings::{BINDINGS, Meaning};
use crate::signatures::{Cmdlet, find_cmdlet};

/// Shells that have completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// bash
    Bash,
    /// zsh, which reads the functions of bash
    Zsh,
}

/// The script to source, or to put where the shell looks for completions. `subcommands` are the program's own.
pub fn completion(shell: Shell, subcommands: &[&str]) -> String {
    let cmdlets: Vec<(&'static Cmdlet, &_)> = BINDINGS
        .iter()
        .filter_map(|binding| Some((find_cmdlet(binding.cmdlet)?, binding)))
        .filter(|(cmdlet, _)| !cmdlet.module.starts_with("Microsoft."))
        .collect();
    let names: Vec<&str> = cmdlets.iter().map(|(cmdlet, _)| cmdlet.name).collect();
    let mut parameters = String::new();
    let mut values = String::new();
    for (cmdlet, binding) in &cmdlets {
        let lower = cmdlet.name.to_ascii_lowercase();
        let bound = cmdlet.parameters.iter().filter(|one| binding.meaning(cmdlet, one) != Meaning::NotYet);
        let mut words: Vec<String> = bound.map(|one| format!("-{}", one.name)).collect();
        if cmdlet.should_process {
            words.extend(["-WhatIf", "-Confirm"].map(str::to_owned));
        }
        words.extend(["-Server", "-Verbose", "-ErrorAction"].map(str::to_owned));
        parameters.push_str(&format!("    {lower}) echo '{}';;\n", words.join(" ")));
        for one in &cmdlet.parameters {
            let accepted = match one.type_name {
                "Boolean" => "true false".to_owned(),
                // Words with blanks or quotes would not survive the shell; there are none.
                _ => one.values.join(" "),
            };
            if !accepted.is_empty() && !one.is_switch() {
                let parameter = one.name.to_ascii_lowercase();
                values.push_str(&format!("    '{lower} -{parameter}') echo '{accepted}';;\n"));
            }
        }
    }
    let start = match shell {
        Shell::Bash => "",
        Shell::Zsh => "autoload -U +X bashcompinit && bashcompinit\n",
    };
    let lower = match shell {
        Shell::Bash => "${1,,}",
        Shell::Zsh => "${(L)1}",
    };
    format!(
        r#"# Completion of sekisho and its commands.
{start}_sekisho_parameters() {{
  case "{lower}" in
{parameters}  esac
}}
_sekisho_values() {{
  case "{lower}" in
{values}  esac
}}
_sekisho() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}" command="${{COMP_WORDS[0]##*/}}" at=0 words
  if [ "$command" = sekisho ]; then
    command="${{COMP_WORDS[1]}}" at=1
  fi
  if [ "$COMP_CWORD" -le "$at" ]; then
    words='{commands} {names}'
  elif [[ "$word" == -* ]]; then
    words="$(_sekisho_parameters "$command")"
  else
    words="$(_sekisho_values "$command $previous")"
  fi
  COMPREPLY=( $(compgen -W "$words" -- "$word") )
  if [ "${{#COMPREPLY[@]}}" -eq 0 ]; then
    COMPREPLY=( $(compgen -f -- "$word") )
  fi
}}
complete -o filenames -F _sekisho sekisho {names}
"#,
        commands = subcommands.join(" "),
        names = names.join(" "),
    )
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Asks bash itself what it would offer.
    fn offered(words: &[&str]) -> String {
        let script = completion(Shell::Bash, &["demo", "run"]);
        let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let last = words.len() - 1;
        let script = format!(
            "{script}\nCOMP_WORDS=({}); COMP_CWORD={last}; _sekisho; echo \"${{COMPREPLY[*]}}\"",
            quoted.join(" ")
        );
        let output = Command::new("bash").arg("-c").arg(script).output().unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    #[test]
    fn bash_offers_commands_parameters_and_words() {
        assert_eq!(offered(&["sekisho", "Set-AdfsProp"]), "Set-AdfsProperties");
        assert_eq!(offered(&["sekisho", "de"]), "demo");
        assert_eq!(offered(&["sekisho", "set-adfsproperties", "-TlsC"]), "-TlsClientPort");
        assert_eq!(offered(&["/usr/bin/Set-AdfsProperties", "-AuditLevel", "B"]), "Basic");
        assert_eq!(offered(&["Set-AdfsProperties", "-EnableKmsi", "t"]), "true");
    }

    #[test]
    fn zsh_gets_its_own_beginning() {
        let script = completion(Shell::Zsh, &[]);
        assert!(script.contains("bashcompinit") && !script.contains(",,}"), "{script}");
    }
}
