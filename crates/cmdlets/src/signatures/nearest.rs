//! The name that somebody probably meant.

use super::{Cmdlet, cmdlets, common_parameters};

/// Below this likeness a suggestion confuses more than it helps.
const LIKENESS: f64 = 0.85;

/// The command whose name is nearest to `name`.
pub fn nearest_cmdlet(name: &str) -> Option<&'static str> {
    nearest(name, cmdlets().iter().map(|cmdlet| cmdlet.name))
}

/// The parameter of `cmdlet` whose name is nearest to `name`.
pub fn nearest_parameter(cmdlet: &Cmdlet, name: &str) -> Option<&'static str> {
    let own = cmdlet.parameters.iter().map(|parameter| parameter.name);
    nearest(name, own.chain(common_parameters(cmdlet).map(|parameter| parameter.name)))
}

pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // A name of any length would make the comparison long; no known one has more than 64 characters.
    if name.len() > 128 {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    known
        .map(|candidate| (candidate, strsim::jaro_winkler(&candidate.to_ascii_lowercase(), &lower)))
        .filter(|(_, likeness)| *likeness >= LIKENESS)
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(candidate, _)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signatures::find_cmdlet;

    #[test]
    fn misspelt_names_are_told_the_nearest() {
        assert_eq!(nearest_cmdlet("Set-AdfsPropertys"), Some("Set-AdfsProperties"));
        assert_eq!(nearest_cmdlet("Get-AdfsRelayingPartyTrust"), Some("Get-AdfsRelyingPartyTrust"));
        assert_eq!(nearest_cmdlet("ls -la"), None);
        let cmdlet = find_cmdlet("Set-AdfsProperties").unwrap();
        assert_eq!(nearest_parameter(cmdlet, "TlsClientPrt"), Some("TlsClientPort"));
        assert_eq!(nearest_parameter(cmdlet, "Zzz"), None);
    }
}
