//! Enumerations of AD FS that are the type of a property, with the numbers of its 2019 module.

use super::named::named;

named! {
    /// How far a certificate is checked for revocation.
    pub enum RevocationSetting {
        /// Not at all.
        None = "None" (0),
        /// The certificate itself.
        CheckEndCert = "CheckEndCert" (1),
        /// The certificate itself, by what is known already.
        CheckEndCertCacheOnly = "CheckEndCertCacheOnly" (2),
        /// The certificate and all above it.
        CheckChain = "CheckChain" (3),
        /// The certificate and all above it, by what is known already.
        CheckChainCacheOnly = "CheckChainCacheOnly" (4),
        /// The certificate and all above it but the root.
        CheckChainExcludeRoot = "CheckChainExcludeRoot" (5),
        /// The certificate and all above it but the root, by what is known already.
        CheckChainExcludeRootCacheOnly = "CheckChainExcludeRootCacheOnly" (6),
    }
}

named! {
    /// How much is audited.
    pub enum AuditLevel {
        /// Nothing.
        None = "None",
        /// At most five events for each request.
        Basic = "Basic",
        /// The claims too.
        Verbose = "Verbose",
    }
}

named! {
    /// A sort of events that can be written.
    pub enum LogLevel {
        /// Nothing.
        None = "None",
        /// Errors.
        Errors = "Errors",
        /// Warnings.
        Warnings = "Warnings",
        /// Information.
        Information = "Information",
        /// Details.
        Verbose = "Verbose",
        /// Audits of what went well.
        SuccessAudits = "SuccessAudits",
        /// Audits of what failed.
        FailureAudits = "FailureAudits",
    }
}

named! {
    /// Whether integrated authentication is bound to the TLS connection (channel binding).
    pub enum ExtendedProtectionTokenCheck {
        /// Checked where the client offers it.
        Allow = "Allow",
        /// Demanded.
        Require = "Require",
        /// Not looked at.
        None = "None",
    }
}

named! {
    /// Which counter of wrong passwords decides about lockout.
    pub enum ExtranetLockoutMode {
        /// That of Active Directory.
        ADPasswordCounter = "ADPasswordCounter" (1),
        /// The service's own, which only writes what it would do.
        ADFSSmartLockoutLogOnly = "ADFSSmartLockoutLogOnly" (2),
        /// The service's own.
        ADFSSmartLockoutEnforce = "ADFSSmartLockoutEnforce" (4),
    }
}

named! {
    /// How `prompt=login` is passed on to a claims provider.
    pub enum PromptLoginFederation {
        /// As it is.
        None = "None" (0),
        /// By what the protocol has for it: `wfresh=0`, `wauth`.
        FallbackToProtocolSpecificParameters = "FallbackToProtocolSpecificParameters" (1),
        /// As it is, with the hints, over WS-Federation.
        ForwardPromptAndHintsOverWsFederation = "ForwardPromptAndHintsOverWsFederation" (2),
        /// Not at all.
        Disabled = "Disabled" (3),
    }
}

named! {
    /// How it is found out whether a browser can do integrated authentication.
    pub enum WiaEvaluationMethod {
        /// By trying.
        WiaCapabilityDetection = "WiaCapabilityDetection",
        /// By the name of the browser.
        WiaUserAgentDetection = "WiaUserAgentDetection",
    }
}

named! {
    /// How much the error page tells.
    pub enum AdditionalErrorPageInfo {
        /// Nothing more than that there was an error.
        None = "None" (0),
        /// What users may know.
        Private = "Private" (1),
        /// Everything.
        Detailed = "Detailed" (2),
    }
}

named! {
    /// Which keys of Windows Hello are taken.
    pub enum WindowsHelloKeyVerification {
        /// All.
        AllowAll = "AllowAll" (0),
        /// All; weak ones are written down.
        AllowAllAndLog = "AllowAllAndLog" (1),
        /// Strong ones.
        AllowStrongKeysOnly = "AllowStrongKeysOnly" (2),
    }
}

named! {
    /// Protocols that a partner speaks.
    pub enum ProtocolProfile {
        /// WS-Federation and SAML 2.0.
        WsFedSaml = "WsFed-SAML",
        /// WS-Federation.
        WsFederation = "WSFederation",
        /// SAML 2.0.
        Saml = "SAML",
    }
}

named! {
    /// OAuth clients, by whether they can keep a secret.
    pub enum AllowedClientTypes {
        /// None.
        None = "None" (0),
        /// Those that cannot.
        Public = "Public" (2),
        /// Those that can.
        Confidential = "Confidential" (4),
    }
}

named! {
    /// Devices that get OAuth refresh tokens.
    pub enum RefreshTokenIssuanceDeviceTypes {
        /// None.
        NoDevice = "NoDevice" (0),
        /// Those that are joined.
        WorkplaceJoinedDevices = "WorkplaceJoinedDevices" (1),
        /// All.
        AllDevices = "AllDevices" (2),
    }
}

named! {
    /// How devices prove themselves.
    pub enum DeviceAuthenticationMethod {
        /// By any of the others.
        All = "All" (0),
        /// By the token of the device and TLS.
        ClientTLS = "ClientTLS" (1),
        /// By the token of the device.
        SignedToken = "SignedToken" (2),
        /// By the token of the device and the PKeyAuth protocol.
        PKeyAuth = "PKeyAuth" (3),
    }
}

named! {
    /// How OAuth clients prove themselves.
    pub enum ClientAuthenticationMethod {
        /// Not at all.
        None = "None" (0),
        /// By a secret in the body.
        ClientSecretPostAuthentication = "ClientSecretPostAuthentication" (1),
        /// By a secret in the header.
        ClientSecretBasicAuthentication = "ClientSecretBasicAuthentication" (2),
        /// By a JSON web token that they signed.
        PrivateKeyJWTBearerAuthentication = "PrivateKeyJWTBearerAuthentication" (4),
        /// By integrated authentication.
        WindowsIntegratedAuthentication = "WindowsIntegratedAuthentication" (8),
    }
}

named! {
    /// How a SAML request names the place of its answer.
    pub enum SamlAuthenticationRequestParameters {
        /// Not at all.
        None = "None",
        /// By index.
        Index = "Index",
        /// By address.
        Url = "Url",
        /// By binding.
        ProtocolBinding = "ProtocolBinding",
        /// By address and binding.
        UrlWithProtocolBinding = "UrlWithProtocolBinding",
    }
}

named! {
    /// What a node of the farm is.
    pub enum SyncRole {
        /// The one that writes the configuration.
        PrimaryComputer = "PrimaryComputer",
        /// One that copies it.
        SecondaryComputer = "SecondaryComputer",
    }
}

named! {
    /// What a contact is for.
    pub enum ContactType {
        /// Technical questions.
        Technical = "Technical",
        /// Help for users.
        Support = "Support",
        /// Administration.
        Administrative = "Administrative",
        /// Bills.
        Billing = "Billing",
        /// Anything else.
        Other = "Other",
    }
}
