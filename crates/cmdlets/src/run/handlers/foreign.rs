//! Commands of Windows that runbooks print: accepted where there is nothing to do, else answered with what does it
//! here.

use serde_json::Value;

use crate::language::{Argument, Expression};
use crate::run::{Call, Outcome};

/// Modules whose commands are all here.
const MODULES: &[&str] = &["adfs", "webapplicationproxy", "pki", "sekisho"];

/// `Import-Module ADFS` does nothing: the commands are there.
pub(crate) fn import_module(call: &mut Call<'_, '_>) -> Outcome {
    for name in call.bound.texts("Name") {
        let last = name.rsplit(['\\', '/']).next().unwrap_or(name);
        let known = last.to_ascii_lowercase();
        let known = known.trim_end_matches(".psd1").trim_end_matches(".psm1");
        if !MODULES.contains(&known) {
            call.session.warn(&format!("there is no module '{name}' here; its commands do not exist"));
        }
    }
    Ok(Vec::new())
}

/// `Restart-Service adfssrv` and its sisters: the service manager does that.
pub(crate) fn control_service(call: &mut Call<'_, '_>) -> Outcome {
    let verb = call.bound.cmdlet().verb().to_ascii_lowercase();
    for name in call.bound.texts("Name") {
        let text = service_advice(&verb, name);
        call.session.warn(&text);
    }
    Ok(Vec::new())
}

/// Programs of Windows, by name and arguments.
pub(crate) fn program_advice(name: &str, arguments: &[Argument]) -> Option<String> {
    let words: Vec<&str> = arguments
        .iter()
        .filter_map(|argument| match argument {
            Argument::Value { value: Expression::Constant(Value::String(word)), .. } => Some(word.as_str()),
            _ => None,
        })
        .collect();
    let lower = name.to_ascii_lowercase();
    match (lower.trim_end_matches(".exe"), words.as_slice()) {
        ("net" | "sc", [verb, service, ..]) => Some(service_advice(&verb.to_ascii_lowercase(), service)),
        ("netsh", words) if words.iter().any(|word| word.eq_ignore_ascii_case("sslcert")) => Some(
            "nothing to do for netsh: Set-AdfsSslCertificate covers every TLS listener of the node, also the answer to clients without SNI; Get-AdfsSslCertificate shows them".to_owned(),
        ),
        ("netsh", words) if words.iter().any(|word| word.eq_ignore_ascii_case("dynamicportrange") || word.eq_ignore_ascii_case("dynamicport")) => Some(
            "netsh does not exist here: the range of ephemeral ports is net.ipv4.ip_local_port_range of sysctl; keep the service's port out of it with net.ipv4.ip_local_reserved_ports".to_owned(),
        ),
        ("net" | "netsh" | "sc", _) => Some(format!("{name} is a program of Windows and does nothing here")),
        ("systemctl", words) => Some(format!("run it in the shell: systemctl {}", words.join(" "))),
        _ => None,
    }
}

fn service_advice(verb: &str, service: &str) -> String {
    let is_ours = matches!(
        service.to_ascii_lowercase().as_str(),
        "adfssrv" | "ad fs" | "active directory federation services" | "sekisho" | "appproxysvc" | "drs"
    );
    match is_ours {
        true => format!(
            "nothing was done: the service is sekisho here. Run in the shell: systemctl {verb} sekisho. A changed setting needs no restart"
        ),
        false => format!("there is no service '{service}' of this program; nothing was done"),
    }
}

/// Commands that other products and scripts have.
pub(crate) fn foreign_command_advice(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "restart-webapppool" => "Here it is Restart-WebApplicationProxyPool, which does not exist yet.",
        "restart-webapplicationproxypool" | "switch-sekishoprimary" | "get-adfslockoutreport" => {
            "It does not exist here yet."
        }
        "adfsbadcredssearch.ps1"
        | ".\\adfsbadcredssearch.ps1"
        | "adfssecauditparse.ps1"
        | ".\\adfssecauditparse.ps1" => {
            "The script's report does not exist here yet; sekisho explain shows one request."
        }
        "get-credential" | "invoke-command" | "enter-pssession" | "new-pssession" => {
            "Commands reach this node only; run the line on the other node."
        }
        "install-windowsfeature" | "add-windowsfeature" | "uninstall-windowsfeature" => {
            "Install the package of sekisho instead."
        }
        _ => return None,
    })
}
