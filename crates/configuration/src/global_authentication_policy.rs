//! Global authentication policy (`Get-AdfsGlobalAuthenticationPolicy`): how users may sign in.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ClientAuthenticationMethod, DeviceAuthenticationMethod, Flags, Named, Object};

/// Which authentication providers users may take, inside and outside of the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "PascalCase", default)]
#[garde(allow_unvalidated)]
pub struct GlobalAuthenticationPolicy {
    /// Authentication providers for the second factor.
    #[schemars(extend("x-effect" = "protects"))]
    pub additional_authentication_provider: Vec<String>,
    /// Devices prove themselves.
    #[schemars(extend("x-effect" = "protects"))]
    pub device_authentication_enabled: bool,
    /// How they do.
    #[schemars(extend("x-effect" = "none"))]
    pub device_authentication_method: DeviceAuthenticationMethod,
    /// A device that is joined to the domain counts as compliant.
    #[schemars(extend("x-effect" = "none"))]
    pub treat_domain_joined_devices_as_compliant: bool,
    /// Authentication providers inside of the network. Forms are always there; nothing else exists here yet.
    #[schemars(extend("x-effect" = "none"))]
    pub primary_intranet_authentication_provider: Vec<String>,
    /// Authentication providers outside of the network.
    #[schemars(extend("x-effect" = "none"))]
    pub primary_extranet_authentication_provider: Vec<String>,
    /// Browsers that are not offered integrated authentication get the form.
    #[schemars(extend("x-effect" = "none"))]
    pub windows_integrated_fallback_enabled: bool,
    /// How OAuth clients may prove themselves.
    #[schemars(extend("x-effect" = "none"))]
    pub client_authentication_methods: Flags<ClientAuthenticationMethod>,
    /// Devices that are joined to the domain may sign in by themselves.
    #[schemars(extend("x-effect" = "none"))]
    pub allow_device_auth_as_primary_for_domain_joined_devices: bool,
    /// Authentication providers for the second factor may be the first.
    #[schemars(extend("x-effect" = "none"))]
    pub allow_additional_authentication_as_primary: bool,
    /// The sign-in page asks for the name first and for the password on a second page.
    #[schemars(extend("x-effect" = "none"))]
    pub enable_paginated_authentication_pages: bool,

    // Not printed with the others by AD FS, which has `Get-AdfsAdditionalAuthenticationRule` for it.
    /// Claim rules that ask for a second factor.
    #[schemars(extend("x-effect" = "protects", "x-own" = true))]
    pub additional_authentication_rules: String,
}

impl Default for GlobalAuthenticationPolicy {
    fn default() -> Self {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            additional_authentication_provider: Vec::new(),
            device_authentication_enabled: false,
            device_authentication_method: DeviceAuthenticationMethod::SignedToken,
            treat_domain_joined_devices_as_compliant: false,
            primary_intranet_authentication_provider: names(&[
                "WindowsAuthentication",
                "FormsAuthentication",
            ]),
            primary_extranet_authentication_provider: names(&[
                "FormsAuthentication",
                "MicrosoftPassportAuthentication",
            ]),
            windows_integrated_fallback_enabled: true,
            client_authentication_methods: Flags::of(
                ClientAuthenticationMethod::VALUES.iter().map(|(value, ..)| *value),
            ),
            allow_device_auth_as_primary_for_domain_joined_devices: false,
            allow_additional_authentication_as_primary: false,
            enable_paginated_authentication_pages: true,
            additional_authentication_rules: String::new(),
        }
    }
}

impl Object for GlobalAuthenticationPolicy {
    const KIND: &'static str = "global-authentication-policy";
    const NOUN: &'static str = "AdfsGlobalAuthenticationPolicy";

    fn id(&self) -> String {
        "farm".to_owned()
    }
}
