//! The one table that joins commands to what they do, and parameters to the properties they set.
//!
//! A parameter sets the property of its own name; only exceptions are listed. `golden/parameters.txt` holds what
//! became of every parameter of every command.

mod kinds;

use crate::run::handlers as h;
use crate::run::{Call, Outcome};
use crate::signatures::{Cmdlet, Parameter};

pub(crate) use kinds::{By, Identity, Kind};
use kinds::{
    CERTIFICATE, CLAIM_DESCRIPTION, CLAIMS_PROVIDER_TRUST, ENDPOINT, GLOBAL_AUTHENTICATION_POLICY,
    RELYING_PARTY_TRUST, SERVICE_PROPERTIES, SYNC_PROPERTIES,
};

/// What one command does.
pub(crate) struct Binding {
    /// Its name.
    pub(crate) cmdlet: &'static str,
    /// The kind of objects it works on.
    pub(crate) kind: Option<&'static Kind>,
    /// Does it.
    pub(crate) handler: fn(&mut Call<'_, '_>) -> Outcome,
    /// Parameters whose property has another name.
    pub(crate) renamed: &'static [(&'static str, &'static str)],
    /// Parameters that the handler reads itself.
    pub(crate) handled: &'static [&'static str],
    /// Whether it takes everything of the pipeline at once.
    pub(crate) gathers: bool,
}

/// What a parameter means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Sets this property.
    Property(&'static str),
    /// A file whose text sets this property.
    File(&'static str),
    /// Read by the command: what it works on, and how.
    Handled,
    /// Nothing yet.
    NotYet,
}

type Names = &'static [&'static str];
type Renames = &'static [(&'static str, &'static str)];

const fn on(
    cmdlet: &'static str,
    kind: &'static Kind,
    handler: fn(&mut Call<'_, '_>) -> Outcome,
    renamed: Renames,
    handled: Names,
) -> Binding {
    Binding { cmdlet, kind: Some(kind), handler, renamed, handled, gathers: false }
}

const fn free(cmdlet: &'static str, handler: fn(&mut Call<'_, '_>) -> Outcome, handled: Names) -> Binding {
    Binding { cmdlet, kind: None, handler, renamed: &[], handled, gathers: false }
}

const fn gathering(
    cmdlet: &'static str,
    handler: fn(&mut Call<'_, '_>) -> Outcome,
    handled: Names,
) -> Binding {
    Binding { cmdlet, kind: None, handler, renamed: &[], handled, gathers: true }
}

/// The switches of the farm are called otherwise when they are read.
const PROPERTY_SWITCHES: Renames = &[
    ("EnablePersistentSso", "PersistentSsoEnabled"),
    ("EnableKmsi", "KmsiEnabled"),
    ("EnableLoopDetection", "LoopDetectionEnabled"),
    ("EnableExtranetLockout", "ExtranetLockoutEnabled"),
    ("EnableLocalAuthenticationTypes", "LocalAuthenticationTypesEnabled"),
    ("EnableRelayStateForIdpInitiatedSignOn", "RelayStateForIdpInitiatedSignOnEnabled"),
    ("EnableIdPInitiatedSignonPage", "EnableIdpInitiatedSignonPage"),
    ("EnableOAuthDeviceFlow", "EnableOauthDeviceFlow"),
    ("EnableOAuthLogout", "EnableOauthLogout"),
];

const RELYING_PARTY: Renames = &[("SamlEndpoint", "SamlEndpoints"), ("ClaimAccepted", "ClaimsAccepted")];

const CLAIMS_PROVIDER: Renames = &[
    ("SamlEndpoint", "SamlEndpoints"),
    ("ClaimOffered", "ClaimsOffered"),
    ("SupportsMfa", "SupportsMFA"),
    ("TokenSigningCertificate", "TokenSigningCertificates"),
];

/// Every command that exists.
pub(crate) static BINDINGS: &[Binding] = &[
    on("Get-AdfsProperties", &SERVICE_PROPERTIES, h::get, &[], &[]),
    on(
        "Set-AdfsProperties",
        &SERVICE_PROPERTIES,
        h::set_properties,
        PROPERTY_SWITCHES,
        &["AddBannedIps", "RemoveBannedIps"],
    ),
    on("Get-AdfsRelyingPartyTrust", &RELYING_PARTY_TRUST, h::get, &[], &[]),
    on(
        "Add-AdfsRelyingPartyTrust",
        &RELYING_PARTY_TRUST,
        h::add_relying_party_trust,
        RELYING_PARTY,
        &["MetadataFile", "MetadataUrl"],
    ),
    on("Set-AdfsRelyingPartyTrust", &RELYING_PARTY_TRUST, h::set, RELYING_PARTY, &[]),
    on(
        "Update-AdfsRelyingPartyTrust",
        &RELYING_PARTY_TRUST,
        h::update_relying_party_trust,
        &[],
        &["MetadataFile"],
    ),
    on("Enable-AdfsRelyingPartyTrust", &RELYING_PARTY_TRUST, h::enable, &[], &[]),
    on("Disable-AdfsRelyingPartyTrust", &RELYING_PARTY_TRUST, h::disable, &[], &[]),
    on("Remove-AdfsRelyingPartyTrust", &RELYING_PARTY_TRUST, h::remove, &[], &[]),
    on("Get-AdfsClaimsProviderTrust", &CLAIMS_PROVIDER_TRUST, h::get, &[], &[]),
    on("Add-AdfsClaimsProviderTrust", &CLAIMS_PROVIDER_TRUST, h::add, CLAIMS_PROVIDER, &[]),
    on("Set-AdfsClaimsProviderTrust", &CLAIMS_PROVIDER_TRUST, h::set, CLAIMS_PROVIDER, &[]),
    on("Enable-AdfsClaimsProviderTrust", &CLAIMS_PROVIDER_TRUST, h::enable, &[], &[]),
    on("Disable-AdfsClaimsProviderTrust", &CLAIMS_PROVIDER_TRUST, h::disable, &[], &[]),
    on("Remove-AdfsClaimsProviderTrust", &CLAIMS_PROVIDER_TRUST, h::remove, &[], &[]),
    on("Get-AdfsClaimDescription", &CLAIM_DESCRIPTION, h::get, &[], &[]),
    on("Add-AdfsClaimDescription", &CLAIM_DESCRIPTION, h::add, &[], &[]),
    on("Set-AdfsClaimDescription", &CLAIM_DESCRIPTION, h::set, &[], &[]),
    on("Remove-AdfsClaimDescription", &CLAIM_DESCRIPTION, h::remove, &[], &[]),
    on("Get-AdfsEndpoint", &ENDPOINT, h::get, &[], &[]),
    on("Set-AdfsEndpoint", &ENDPOINT, h::set, &[], &[]),
    on("Enable-AdfsEndpoint", &ENDPOINT, h::enable, &[], &[]),
    on("Disable-AdfsEndpoint", &ENDPOINT, h::disable, &[], &[]),
    on("Get-AdfsCertificate", &CERTIFICATE, h::get_certificate, &[], &["CertificateType"]),
    on(
        "Add-AdfsCertificate",
        &CERTIFICATE,
        h::add_certificate,
        &[],
        &["CertificateType", "Thumbprint", "IsPrimary"],
    ),
    on(
        "Set-AdfsCertificate",
        &CERTIFICATE,
        h::set_certificate,
        &[],
        &["CertificateType", "Thumbprint", "IsPrimary"],
    ),
    on(
        "Remove-AdfsCertificate",
        &CERTIFICATE,
        h::remove_certificate,
        &[],
        &["CertificateType", "Thumbprint"],
    ),
    on("Update-AdfsCertificate", &CERTIFICATE, h::update_certificate, &[], &["CertificateType", "Urgent"]),
    free("Get-AdfsSslCertificate", h::get_ssl_certificate, &[]),
    free("Set-AdfsSslCertificate", h::set_ssl_certificate, &["Thumbprint", "Member", "Force"]),
    on("Get-AdfsGlobalAuthenticationPolicy", &GLOBAL_AUTHENTICATION_POLICY, h::get, &[], &[]),
    on("Set-AdfsGlobalAuthenticationPolicy", &GLOBAL_AUTHENTICATION_POLICY, h::set, &[], &[]),
    on("Get-AdfsSyncProperties", &SYNC_PROPERTIES, h::get_sync_properties, &[], &[]),
    on(
        "Set-AdfsSyncProperties",
        &SYNC_PROPERTIES,
        h::set_sync_properties,
        &[],
        &["Role", "PrimaryComputerName", "PrimaryComputerPort", "PollDuration"],
    ),
    free("Get-AdfsFarmInformation", h::get_farm_information, &[]),
    free("Set-AdfsFarmInformation", h::set_farm_information, &["RemoveNode"]),
    free(
        "Add-AdfsFarmNode",
        h::add_farm_node,
        &[
            "CertificateThumbprint",
            "Credential",
            "GroupServiceAccountIdentifier",
            "JoinToken",
            "OverwriteConfiguration",
            "PrimaryComputerName",
            "PrimaryComputerPort",
            "ServiceAccountCredential",
        ],
    ),
    free("New-SekishoJoinToken", h::new_join_token, &["LifetimeMinutes"]),
    free("Get-SekishoDivergedChange", h::get_diverged_change, &[]),
    free(
        "Install-AdfsFarm",
        h::install_farm,
        &[
            "AdminConfiguration",
            "CertificateThumbprint",
            "Credential",
            "DecryptionCertificateThumbprint",
            "FederationServiceDisplayName",
            "FederationServiceName",
            "GroupServiceAccountIdentifier",
            "OverwriteConfiguration",
            "ServiceAccountCredential",
            "SigningCertificateThumbprint",
            "SQLConnectionString",
            "SSLPort",
            "TlsClientPort",
        ],
    ),
    free(
        "New-AdfsSamlEndpoint",
        h::new_saml_endpoint,
        &["Binding", "Protocol", "Uri", "IsDefault", "Index", "ResponseUri"],
    ),
    free("New-AdfsClaimRuleSet", h::new_claim_rule_set, &["ClaimRule", "ClaimRuleFile"]),
    free(
        "New-AdfsContactPerson",
        h::new_contact_person,
        &["Company", "EmailAddress", "GivenName", "Surname", "TelephoneNumber"],
    ),
    free("New-AdfsOrganization", h::new_organization, &["DisplayName", "Name", "OrganizationUrl"]),
    free(
        "Import-PfxCertificate",
        h::import_pfx_certificate,
        &["FilePath", "CertStoreLocation", "Password", "Exportable"],
    ),
    free("ConvertTo-SecureString", h::convert_to_secure_string, &["String", "AsPlainText", "Force"]),
    free("Get-ChildItem", h::get_child_item, &["Path", "Recurse"]),
    free("Import-Module", h::import_module, &["Name", "Force", "Global", "DisableNameChecking"]),
    free("Restart-Service", h::control_service, &["Name", "Force", "PassThru"]),
    free("Start-Service", h::control_service, &["Name", "Force", "PassThru"]),
    free("Stop-Service", h::control_service, &["Name", "Force", "PassThru"]),
    free("New-TimeSpan", h::new_time_span, &["Days", "Hours", "Minutes", "Seconds"]),
    free("Get-SekishoChange", h::get_change, &["After", "First"]),
    free("Move-SekishoStore", h::move_store, &["SQLConnectionString"]),
    free("Undo-SekishoChange", h::undo_change, &["Serial"]),
    free(
        "New-SekishoUser",
        h::new_user,
        &[
            "UserPrincipalName",
            "Password",
            "SamAccountName",
            "DisplayName",
            "Mail",
            "GivenName",
            "Surname",
            "Groups",
            "Disabled",
            "MustChangePassword",
            "Force",
        ],
    ),
    free("Get-SekishoUser", h::get_user, &["UserPrincipalName"]),
    free("Remove-SekishoUser", h::remove_user, &["UserPrincipalName"]),
    free("Get-Help", h::get_help, &["Name", "Full", "Examples", "Detailed", "Parameter"]),
    free("Get-Command", h::get_command, &["Name", "Module", "Verb", "Noun"]),
    free("Install-Cmdlets", h::install_cmdlets, &["Path"]),
    gathering("Format-List", h::format_list, &["Property", "InputObject", "Force"]),
    gathering("Format-Table", h::format_table, &["Property", "InputObject", "AutoSize", "Wrap"]),
    gathering(
        "Select-Object",
        h::select_object,
        &["Property", "ExpandProperty", "First", "Last", "Unique", "InputObject"],
    ),
    gathering("Where-Object", h::where_object, &["FilterScript", "Property", "Value", "InputObject"]),
    gathering("ConvertTo-Json", h::convert_to_json, &["InputObject", "Compress", "Depth"]),
    free("ConvertFrom-Json", h::convert_from_json, &["InputObject"]),
    gathering("Out-String", h::out_string, &["InputObject", "Width"]),
];

/// What a command does, if it exists.
pub(crate) fn binding(cmdlet: &str) -> Option<&'static Binding> {
    BINDINGS.iter().find(|binding| binding.cmdlet == cmdlet)
}

impl Binding {
    /// Parameters that need not be given although the signature requires them: there are no service accounts of
    /// Windows here.
    pub(crate) fn optional(&self) -> &'static [&'static str] {
        match self.cmdlet {
            "Install-AdfsFarm" | "Add-AdfsFarmNode" => {
                &["ServiceAccountCredential", "GroupServiceAccountIdentifier"]
            }
            _ => &[],
        }
    }

    /// What a parameter of the command means.
    pub(crate) fn meaning(&self, cmdlet: &Cmdlet, parameter: &Parameter) -> Meaning {
        let name = parameter.name;
        if self.handled.contains(&name) {
            return Meaning::Handled;
        }
        let Some(kind) = self.kind else { return Meaning::NotYet };
        let changes = cmdlet.verb() != "Get";
        let selectors = if changes { kind.targets } else { kind.filters };
        let is_selector = selectors.iter().any(|(selector, _)| *selector == name);
        // A name is a target to some verbs and a property to others.
        if is_selector || (changes && matches!(name, "PassThru" | "Force")) {
            return Meaning::Handled;
        }
        if !matches!(cmdlet.verb(), "Set" | "Add") {
            return Meaning::NotYet;
        }
        let property = |name: &str| {
            let renamed = self.renamed.iter().find(|(parameter, _)| *parameter == name);
            let wanted = renamed.map_or(name, |(_, property)| property);
            kind.properties.iter().find(|property| **property == wanted).copied()
        };
        if let Some(property) = property(name) {
            return Meaning::Property(property);
        }
        match name.strip_suffix("File").and_then(property) {
            Some(property) => Meaning::File(property),
            None => Meaning::NotYet,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signatures::{cmdlets, find_cmdlet};

    /// What became of every parameter. `UPDATE_GOLDEN=1` writes the file anew.
    #[test]
    fn every_parameter_of_every_command_is_bound_or_listed_as_not_yet() {
        let mut text = String::new();
        for cmdlet in cmdlets() {
            let Some(binding) = binding(cmdlet.name) else {
                text.push_str(&format!("{}: not yet\n", cmdlet.name));
                continue;
            };
            text.push_str(&format!("{}\n", cmdlet.name));
            for parameter in &cmdlet.parameters {
                let meaning = match binding.meaning(cmdlet, parameter) {
                    Meaning::Property(property) if property == parameter.name => "property".to_owned(),
                    Meaning::Property(property) => format!("property {property}"),
                    Meaning::File(property) => format!("file for property {property}"),
                    Meaning::Handled => "bound".to_owned(),
                    Meaning::NotYet => "not yet".to_owned(),
                };
                text.push_str(&format!("    -{}: {meaning}\n", parameter.name));
            }
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/parameters.txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(path, &text).unwrap();
        }
        let golden = std::fs::read_to_string(path).unwrap_or_default();
        assert!(text == golden, "golden/parameters.txt is not up to date; run the test with UPDATE_GOLDEN=1");
    }

    #[test]
    fn the_table_names_only_commands_and_parameters_that_exist() {
        for binding in BINDINGS {
            let cmdlet = find_cmdlet(binding.cmdlet).unwrap_or_else(|| panic!("{}", binding.cmdlet));
            assert_eq!(cmdlet.name, binding.cmdlet);
            for name in binding.handled {
                assert!(
                    cmdlet.parameter(name).is_some_and(|one| one.name == *name),
                    "{} -{name}",
                    cmdlet.name
                );
            }
        }
        let renames =
            [("Set-AdfsProperties", PROPERTY_SWITCHES), ("Set-AdfsRelyingPartyTrust", RELYING_PARTY)];
        for (cmdlet, renames) in renames {
            let binding = binding(cmdlet).unwrap();
            for (parameter, property) in renames {
                assert!(find_cmdlet(cmdlet).unwrap().parameter(parameter).is_some(), "{parameter}");
                assert!(binding.kind.unwrap().properties.contains(property), "{property}");
            }
        }
    }
}
