//! Enumerations of the product's module with their numbers: PowerShell takes either.

use super::Parameter;

/// An enumeration.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Enumeration {
    /// Short .NET name.
    pub(crate) name: &'static str,
    /// Whether several can be given, separated by commas.
    pub(crate) flags: bool,
    /// Names and numbers.
    pub(crate) values: &'static [(&'static str, i64)],
}

const fn one(name: &'static str, values: &'static [(&'static str, i64)]) -> Enumeration {
    Enumeration { name, flags: false, values }
}

const fn many(name: &'static str, values: &'static [(&'static str, i64)]) -> Enumeration {
    Enumeration { name, flags: true, values }
}

/// Numbers as the module of 2019 has them.
const ENUMERATIONS: &[Enumeration] = &[
    many(
        "ExtranetLockoutModes",
        &[("ADPasswordCounter", 1), ("ADFSSmartLockoutLogOnly", 2), ("ADFSSmartLockoutEnforce", 4)],
    ),
    one("DeviceAuthenticationMethod", &[("All", 0), ("ClientTLS", 1), ("SignedToken", 2), ("PKeyAuth", 3)]),
    many(
        "ClientAuthenticationMethod",
        &[
            ("None", 0),
            ("ClientSecretPostAuthentication", 1),
            ("ClientSecretBasicAuthentication", 2),
            ("PrivateKeyJWTBearerAuthentication", 4),
            ("WindowsIntegratedAuthentication", 8),
        ],
    ),
    one(
        "PromptLoginFederation",
        &[
            ("None", 0),
            ("FallbackToProtocolSpecificParameters", 1),
            ("ForwardPromptAndHintsOverWsFederation", 2),
            ("Disabled", 3),
        ],
    ),
    one(
        "RevocationSetting",
        &[
            ("None", 0),
            ("CheckEndCert", 1),
            ("CheckEndCertCacheOnly", 2),
            ("CheckChain", 3),
            ("CheckChainCacheOnly", 4),
            ("CheckChainExcludeRoot", 5),
            ("CheckChainExcludeRootCacheOnly", 6),
        ],
    ),
    many("AllowedClientTypes", &[("None", 0), ("Public", 2), ("Confidential", 4)]),
    one("ClientType", &[("Unknown", 0), ("Public", 2), ("Confidential", 4)]),
    one("OAuthConsentType", &[("Unknown", 0), ("Administrator", 1), ("User", 2)]),
    one(
        "RefreshTokenIssuanceDeviceTypes",
        &[("NoDevice", 0), ("WorkplaceJoinedDevices", 1), ("AllDevices", 2)],
    ),
    one("LdapAuthenticationMethod", &[("Basic", 0), ("Kerberos", 1), ("Negotiate", 2)]),
    one("LdapSslMode", &[("None", 0), ("Ssl", 1), ("Tls", 2)]),
    one("LockoutLocation", &[("Unknown", 0), ("Familiar", 1)]),
    one("DebugLogConsumer", &[("FileShare", 0), ("Email", 1)]),
    one("ErrorShowLevel", &[("None", 0), ("Private", 1), ("Detailed", 2)]),
    one(
        "WindowsHelloKeyVerificationOptions",
        &[("AllowAll", 0), ("AllowAllAndLog", 1), ("AllowStrongKeysOnly", 2)],
    ),
];

/// The enumeration that a parameter takes. The reference calls some of them strings.
pub(crate) fn enumeration(parameter: &Parameter) -> Option<&'static Enumeration> {
    let name = match parameter.name {
        "ExtranetLockoutMode" => "ExtranetLockoutModes",
        name if name.ends_with("RevocationCheck") => "RevocationSetting",
        _ => parameter.type_name,
    };
    ENUMERATIONS.iter().find(|known| known.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signatures::cmdlets;

    /// The two sources agree on the words.
    #[test]
    fn every_word_a_signature_offers_has_its_number() {
        for cmdlet in cmdlets() {
            for parameter in &cmdlet.parameters {
                let Some(known) = enumeration(parameter) else { continue };
                for word in &parameter.values {
                    let found = known.values.iter().any(|(name, _)| name == word);
                    assert!(found, "{} -{}: {word}", cmdlet.name, parameter.name);
                }
            }
        }
    }
}
