//! Farm-wide properties (`Get-AdfsProperties`).

use std::net::IpAddr;

use base::Timestamp;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::framework::check_uris;
use crate::values::date_time;
use crate::{
    AdditionalErrorPageInfo, AuditLevel, ContactPerson, ExtendedProtectionTokenCheck, ExtranetLockoutMode,
    Flags, LogLevel, Object, Organization, Problem, PromptLoginFederation, RevocationSetting, TimeSpan,
    WiaEvaluationMethod, WindowsHelloKeyVerification,
};

/// Properties of the federation service; names, order and defaults are AD FS's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "PascalCase", default)]
#[garde(allow_unvalidated)]
pub struct ServiceProperties {
    /// Further audiences that tokens sent to this service may name.
    #[schemars(extend("x-effect" = "none"))]
    pub acceptable_identifiers: Vec<String>,
    /// Claim rules that say who may establish trust with a proxy.
    #[schemars(extend("x-effect" = "protects"))]
    pub add_proxy_authorization_rules: String,
    /// Connection to the artifact database. This service keeps artifacts in its own store.
    #[schemars(extend("x-effect" = "none"))]
    pub artifact_db_connection: Option<String>,
    /// How much is audited: `Basic` is at most five events for each request, `Verbose` adds the claims.
    #[schemars(extend("x-effect" = "none"))]
    pub audit_level: Vec<AuditLevel>,
    /// Authentication contexts, the weakest first: a request for one is met by any that follows.
    #[schemars(extend("x-effect" = "none"))]
    pub authentication_context_order: Vec<String>,
    /// Token certificates that the service made itself are renewed by it.
    #[schemars(extend("x-effect" = "none"))]
    pub auto_certificate_rollover: bool,
    /// Days before the end of a certificate at which a new one is made and used at once.
    #[garde(range(min = 1, max = 2_147_483_647))]
    #[schemars(extend("x-effect" = "none", "x-unit" = "days"))]
    pub certificate_critical_threshold: u32,
    /// Life of the certificates that the service makes for itself.
    #[garde(range(min = 1, max = 2_147_483_647))]
    #[schemars(extend("x-effect" = "none", "x-unit" = "days"))]
    pub certificate_duration: u32,
    /// Days before the end of a certificate at which its successor is made.
    #[garde(range(min = 1, max = 2_147_483_647))]
    #[schemars(extend("x-effect" = "none", "x-unit" = "days"))]
    pub certificate_generation_threshold: u32,
    /// Days after which a new certificate becomes the primary one.
    #[garde(range(min = 1, max = 2_147_483_647))]
    #[schemars(extend("x-effect" = "none", "x-unit" = "days"))]
    pub certificate_promotion_threshold: u32,
    /// How often certificates are looked at.
    #[garde(range(min = 1, max = 2_147_483_647))]
    #[schemars(extend("x-effect" = "none", "x-unit" = "minutes"))]
    pub certificate_rollover_interval: u32,
    /// Container in Active Directory that shares the keys of certificates; none here, where the store holds
    /// them sealed.
    #[schemars(extend("x-read-only" = true))]
    pub certificate_sharing_container: Option<String>,
    /// Length of a day of the three thresholds, for tests.
    #[garde(range(min = 1, max = 2_147_483_647))]
    #[schemars(extend("x-effect" = "none", "x-unit" = "minutes"))]
    pub certificate_threshold_multiplier: u32,
    /// How far certificates of users are checked for revocation.
    #[schemars(extend("x-effect" = "protects"))]
    pub client_cert_revocation_check: RevocationSetting,
    /// Whom partners turn to, for the metadata.
    #[schemars(extend("x-effect" = "none"))]
    pub contact_person: Option<ContactPerson>,
    /// Name of the service on its pages.
    pub display_name: String,
    /// Users inside of the network are not asked for their home realm: they sign in by the directory.
    #[schemars(extend("x-effect" = "none"))]
    pub intranet_use_local_claims_provider: bool,
    /// Whether integrated authentication must be bound to the TLS connection.
    #[schemars(extend("x-effect" = "protects"))]
    pub extended_protection_token_check: ExtendedProtectionTokenCheck,
    /// Path of the passive endpoint. AD FS says not to change it.
    #[schemars(extend("x-effect" = "none"))]
    pub federation_passive_address: String,
    /// Name by which clients reach the service, such as `fs.example.com`.
    #[garde(length(max = 253))]
    pub host_name: String,
    /// Port of the health probe, plain HTTP; 0 takes a free one.
    pub http_port: u16,
    /// TLS port of the service.
    #[garde(range(min = 1, max = 65_535))]
    pub https_port: u16,
    /// TLS port that asks users for their certificates.
    #[garde(range(min = 1, max = 65_535))]
    pub tls_client_port: u16,
    /// Federation Service Identifier: issuer of tokens and entity id. Plain `http` by default, never derived.
    #[garde(length(max = 2_048))]
    pub identifier: String,
    /// Issuer of OpenID Connect id tokens, `https://HOST/adfs`.
    #[schemars(extend("x-effect" = "none", "format" = "uri"))]
    pub id_token_issuer: String,
    /// Language of the installation.
    #[schemars(extend("x-read-only" = true))]
    pub installed_language: String,
    /// Which events are written; audits need `SuccessAudits` and `FailureAudits`.
    #[schemars(extend("x-effect" = "none"))]
    pub log_level: Vec<LogLevel>,
    /// How often the metadata of partners is looked at.
    #[garde(range(min = 1, max = 2_147_483_647))]
    #[schemars(extend("x-effect" = "none", "x-unit" = "minutes"))]
    pub monitoring_interval: u32,
    /// Port of AD FS's local management service; there is none here.
    #[garde(range(min = 1, max = 65_535))]
    #[schemars(extend("x-effect" = "none"))]
    pub net_tcp_port: u16,
    /// Clients that come by the proxy are offered NTLM only.
    #[schemars(extend("x-effect" = "none"))]
    pub ntlm_only_supported_client_at_proxy: bool,
    /// The organisation behind the service, for the metadata.
    #[schemars(extend("x-effect" = "none"))]
    pub organization_info: Option<Organization>,
    /// A token that was presented once is refused the next time.
    #[schemars(extend("x-effect" = "protects"))]
    pub prevent_token_replays: bool,
    /// Life of the certificate by which a proxy proves itself.
    #[garde(range(min = 1, max = 2_147_483_647))]
    #[schemars(extend("x-effect" = "none", "x-unit" = "minutes"))]
    pub proxy_trust_token_lifetime: u32,
    /// How long presented tokens are remembered.
    #[garde(range(max = 2_147_483_647))]
    #[schemars(extend("x-effect" = "none", "x-unit" = "minutes"))]
    pub replay_cache_expiration_interval: u32,
    /// SAML requests without a signature are refused, whatever the trust says.
    #[schemars(extend("x-effect" = "protects"))]
    pub signed_saml_requests_required: bool,
    /// Time by which a SAML message may be old or early.
    #[garde(range(max = 2_147_483_647))]
    #[schemars(extend("x-unit" = "minutes"))]
    pub saml_message_delivery_window: u32,
    /// Requests to claims providers are signed.
    #[schemars(extend("x-effect" = "none"))]
    pub sign_saml_authn_requests: bool,
    /// Life of the SSO session.
    #[garde(range(min = 1, max = 2_147_483_647))]
    #[schemars(extend("x-unit" = "minutes"))]
    pub sso_lifetime: u32,
    /// Single sign-on. Deprecated.
    #[schemars(extend("x-effect" = "none"))]
    pub sso_enabled: bool,
    /// Life of the persistent session of a registered device.
    #[garde(range(min = 1, max = 2_628_000))]
    #[schemars(extend("x-effect" = "none", "x-unit" = "minutes"))]
    pub persistent_sso_lifetime_mins: u32,
    /// Life of the session of a user who asked to stay signed in.
    #[garde(range(min = 1, max = 2_628_000))]
    #[schemars(extend("x-effect" = "none", "x-unit" = "minutes"))]
    pub kmsi_lifetime_mins: u32,
    /// Registered devices get a persistent session.
    #[schemars(extend("x-effect" = "none"))]
    pub persistent_sso_enabled: bool,
    /// Persistent sessions that began earlier are refused.
    #[serde(with = "date_time")]
    #[schemars(with = "date_time::DateTime", extend("x-effect" = "protects"))]
    pub persistent_sso_cutoff_time: Timestamp,
    /// The sign-in form offers to stay signed in.
    #[schemars(extend("x-effect" = "none"))]
    pub kmsi_enabled: bool,
    /// A browser that is sent back and forth between the service and an application is stopped.
    #[schemars(extend("x-effect" = "none"))]
    pub loop_detection_enabled: bool,
    /// Interval in which tokens are counted to find a loop.
    #[garde(range(min = 5, max = 2_147_483_647))]
    #[schemars(extend("x-effect" = "none", "x-unit" = "seconds"))]
    pub loop_detection_time_interval_in_seconds: u32,
    /// Tokens for one application within the interval, after which it is a loop.
    #[garde(range(min = 1, max = 2_147_483_647))]
    #[schemars(extend("x-effect" = "none"))]
    pub loop_detection_maximum_tokens_issued_in_interval: u32,
    /// Time after a sign-in during which its session is not compared with the last change of the password.
    #[garde(range(max = 2_147_483_647))]
    #[schemars(extend("x-effect" = "none", "x-unit" = "minutes"))]
    pub password_validation_delay_in_minutes: u32,
    /// Redirects of the service to itself name the activity id in `client-request-id`.
    #[schemars(extend("x-effect" = "none"))]
    pub send_client_request_id_as_query_string_parameter: bool,
    /// Parts of the names of browsers that are offered integrated authentication; `=~` begins a regular
    /// expression.
    #[serde(rename = "WIASupportedUserAgents")]
    #[schemars(extend("x-effect" = "none"))]
    pub wia_supported_user_agents: Vec<String>,
    /// Beginnings of the names of browsers that sign in by the token of their device.
    #[schemars(extend("x-effect" = "none"))]
    pub browser_sso_supported_user_agents: Vec<String>,
    /// Browsers may sign in by the token of their device.
    #[schemars(extend("x-effect" = "none"))]
    pub browser_sso_enabled: bool,
    /// Farm behaviour level: 4 is that of AD FS 2019.
    #[schemars(extend("x-read-only" = true))]
    pub current_farm_behavior: u32,
    /// A device must be used this often to keep its persistent session.
    #[garde(range(min = 1, max = 2_147_483_647))]
    #[schemars(extend("x-effect" = "none", "x-unit" = "days"))]
    pub device_usage_window_in_days: u32,
    /// The page `/adfs/ls/idpinitiatedsignon` exists.
    #[schemars(extend("x-effect" = "none"))]
    pub enable_idp_initiated_signon_page: bool,
    /// Token binding is not looked at.
    #[schemars(extend("x-effect" = "none"))]
    pub ignore_token_binding: bool,
    /// OpenID Connect logout; AD FS has it always since KB4038801.
    #[schemars(extend("x-effect" = "none"))]
    pub enable_oauth_logout: bool,
    /// Devices without a browser may sign in by a code.
    #[schemars(extend("x-effect" = "none"))]
    pub enable_oauth_device_flow: bool,
    /// Group or account that may administer the service.
    #[schemars(extend("x-effect" = "none"))]
    pub delegate_service_administration: Option<String>,
    /// The system account may administer the service.
    #[schemars(extend("x-effect" = "none"))]
    pub allow_system_service_administration: bool,
    /// Administrators of the machine may administer the service.
    #[schemars(extend("x-effect" = "protects"))]
    pub allow_local_admins_service_administration: bool,
    /// Wrong passwords after which the directory is not asked any more. AD FS begins with 2147483647, never.
    #[garde(range(min = 1, max = 2_147_483_647))]
    pub extranet_lockout_threshold: u32,
    /// The same for addresses from which the user signed in before.
    #[garde(range(min = 1, max = 2_147_483_647))]
    #[schemars(extend("x-effect" = "protects"))]
    pub extranet_lockout_threshold_familiar_location: u32,
    /// Which counter of wrong passwords decides. This service always counts by itself, one threshold for all
    /// addresses.
    #[schemars(extend("x-effect" = "protects"))]
    pub extranet_lockout_mode: Flags<ExtranetLockoutMode>,
    /// Wrong passwords are counted against `ExtranetLockoutThreshold` within `ExtranetObservationWindow`. AD FS
    /// begins with false.
    pub extranet_lockout_enabled: bool,
    /// Time after the last wrong password during which the account stays locked.
    pub extranet_observation_window: TimeSpan,
    /// Lockout needs the PDC emulator of the domain.
    #[serde(rename = "ExtranetLockoutRequirePDC")]
    #[schemars(extend("x-effect" = "none"))]
    pub extranet_lockout_require_pdc: bool,
    /// Addresses, networks (CIDR) and ranges `a-b` whose requests are refused.
    #[garde(length(max = 300))]
    #[schemars(extend("x-effect" = "protects"))]
    pub banned_ip_list: Vec<String>,
    /// Claim rules that are added to those of every relying party.
    #[schemars(extend("x-effect" = "none"))]
    pub global_relying_party_claims_issuance_policy: String,
    /// Users may sign in by the directory, not only by claims providers.
    #[schemars(extend("x-effect" = "protects"))]
    pub local_authentication_types_enabled: bool,
    /// Sign-on that begins here takes the application from `RelayState`.
    #[schemars(extend("x-effect" = "none"))]
    pub relay_state_for_idp_initiated_sign_on_enabled: bool,
    /// How `prompt=login` is passed on to claims providers. Obsolete: each trust has its own.
    #[schemars(extend("x-effect" = "none"))]
    pub prompt_login_federation: PromptLoginFederation,
    /// Authentication that the fallback of `PromptLoginFederation` asks for. Obsolete.
    #[schemars(extend("x-effect" = "none"))]
    pub prompt_login_fallback_authentication_type: Option<String>,
    /// How it is found out whether a browser can do integrated authentication.
    #[schemars(extend("x-read-only" = true))]
    pub wia_evaluation_method: WiaEvaluationMethod,
    /// How much the error page tells.
    #[schemars(extend("x-effect" = "none"))]
    pub additional_error_page_info: AdditionalErrorPageInfo,
    /// Which keys of Windows Hello are taken.
    #[schemars(extend("x-effect" = "protects"))]
    pub windows_hello_key_verification: WindowsHelloKeyVerification,
    /// Users may send debug logs from the error page.
    #[schemars(extend("x-effect" = "none"))]
    pub send_logs_enabled: bool,
    /// Memory for the debug logs that users may send.
    #[garde(range(min = 0))]
    #[schemars(extend("x-effect" = "none", "x-unit" = "megabytes"))]
    pub send_logs_cache_size_in_mb: i64,
    /// UPN suffixes that are looked up in the local directory.
    #[schemars(extend("x-effect" = "none"))]
    pub allowed_active_directory_user_principal_names: Vec<String>,
    /// NetBIOS names of domains that are looked up in the local directory.
    #[schemars(extend("x-effect" = "none"))]
    pub allowed_active_directory_netbios_names: Vec<String>,

    // Not properties of AD FS.
    /// NetBIOS name of the embedded directory's domain.
    #[schemars(extend("x-own" = true))]
    pub directory_domain: String,
    /// DNS name of the embedded directory's domain.
    #[schemars(extend("x-own" = true))]
    pub directory_dns_domain: String,
    /// Password attempts an address may make in a minute, whatever the accounts.
    #[schemars(extend("x-own" = true))]
    pub password_attempts_per_address_per_minute: u32,
    /// Whether the built-in Claims X-Ray page exists.
    #[schemars(extend("x-own" = true))]
    pub enable_claims_xray: bool,
}

/// Names of browsers that AD FS offers integrated authentication.
const WIA_USER_AGENTS: [&str; 11] = [
    "MSAuthHost/1.0/In-Domain",
    "MSIE 6.0",
    "MSIE 7.0",
    "MSIE 8.0",
    "MSIE 9.0",
    "MSIE 10.0",
    "Trident/7.0",
    "MSIPC",
    "Windows Rights Management Client",
    "MS_WorkFoldersClient",
    r"=~Windows\s*NT.*Edge",
];

/// Names of browsers that can sign in by the token of their device.
const BROWSER_SSO_USER_AGENTS: [&str; 2] = ["Windows NT 1", "Windows Phone 1"];

/// AD FS's order of authentication contexts, the weakest first.
const AUTHENTICATION_CONTEXTS: [&str; 6] = [
    "urn:oasis:names:tc:SAML:2.0:ac:classes:Password",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:TLSClient",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:X509",
    "urn:federation:authentication:windows",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos",
];

impl Default for ServiceProperties {
    fn default() -> Self {
        Self {
            acceptable_identifiers: Vec::new(),
            add_proxy_authorization_rules: String::new(),
            artifact_db_connection: None,
            audit_level: vec![AuditLevel::Basic],
            authentication_context_order: AUTHENTICATION_CONTEXTS.map(str::to_owned).to_vec(),
            auto_certificate_rollover: true,
            certificate_critical_threshold: 2,
            certificate_duration: 365,
            certificate_generation_threshold: 20,
            certificate_promotion_threshold: 5,
            certificate_rollover_interval: 720,
            certificate_sharing_container: None,
            certificate_threshold_multiplier: 1440,
            client_cert_revocation_check: RevocationSetting::None,
            contact_person: None,
            display_name: String::new(),
            intranet_use_local_claims_provider: false,
            extended_protection_token_check: ExtendedProtectionTokenCheck::Allow,
            federation_passive_address: "/adfs/ls/".to_owned(),
            host_name: String::new(),
            http_port: 80,
            https_port: 443,
            tls_client_port: 49443,
            identifier: String::new(),
            id_token_issuer: String::new(),
            installed_language: "en-US".to_owned(),
            log_level: vec![LogLevel::Errors, LogLevel::Information, LogLevel::Verbose, LogLevel::Warnings],
            monitoring_interval: 1440,
            net_tcp_port: 1501,
            ntlm_only_supported_client_at_proxy: false,
            organization_info: None,
            prevent_token_replays: false,
            proxy_trust_token_lifetime: 21600,
            replay_cache_expiration_interval: 60,
            signed_saml_requests_required: false,
            saml_message_delivery_window: 5,
            sign_saml_authn_requests: false,
            sso_lifetime: 480,
            sso_enabled: true,
            persistent_sso_lifetime_mins: 129600,
            kmsi_lifetime_mins: 1440,
            persistent_sso_enabled: true,
            persistent_sso_cutoff_time: date_time::year_1(),
            kmsi_enabled: false,
            loop_detection_enabled: true,
            loop_detection_time_interval_in_seconds: 20,
            loop_detection_maximum_tokens_issued_in_interval: 5,
            password_validation_delay_in_minutes: 60,
            send_client_request_id_as_query_string_parameter: false,
            wia_supported_user_agents: WIA_USER_AGENTS.map(str::to_owned).to_vec(),
            browser_sso_supported_user_agents: BROWSER_SSO_USER_AGENTS.map(str::to_owned).to_vec(),
            browser_sso_enabled: true,
            current_farm_behavior: 4,
            device_usage_window_in_days: 14,
            enable_idp_initiated_signon_page: false,
            ignore_token_binding: false,
            enable_oauth_logout: false,
            enable_oauth_device_flow: true,
            delegate_service_administration: None,
            allow_system_service_administration: false,
            allow_local_admins_service_administration: true,
            // AD FS leaves lockout off and the threshold at the largest number; guessing is slowed from the
            // first day here, so both have working values.
            extranet_lockout_threshold: 10,
            extranet_lockout_threshold_familiar_location: 2147483647,
            extranet_lockout_mode: Flags::of([ExtranetLockoutMode::ADPasswordCounter]),
            extranet_lockout_enabled: true,
            extranet_observation_window: TimeSpan::from_minutes(30),
            extranet_lockout_require_pdc: true,
            banned_ip_list: Vec::new(),
            global_relying_party_claims_issuance_policy: String::new(),
            local_authentication_types_enabled: true,
            relay_state_for_idp_initiated_sign_on_enabled: false,
            prompt_login_federation: PromptLoginFederation::FallbackToProtocolSpecificParameters,
            prompt_login_fallback_authentication_type: None,
            wia_evaluation_method: WiaEvaluationMethod::WiaUserAgentDetection,
            additional_error_page_info: AdditionalErrorPageInfo::Private,
            windows_hello_key_verification: WindowsHelloKeyVerification::AllowAll,
            send_logs_enabled: false,
            send_logs_cache_size_in_mb: 32,
            allowed_active_directory_user_principal_names: Vec::new(),
            allowed_active_directory_netbios_names: Vec::new(),
            directory_domain: String::new(),
            directory_dns_domain: String::new(),
            password_attempts_per_address_per_minute: 60,
            enable_claims_xray: false,
        }
    }
}

impl ServiceProperties {
    /// `https://host` with the port always written, as AD FS writes it in redirects.
    pub fn base_url(&self) -> String {
        format!("https://{}:{}", self.host_name, self.https_port)
    }

    /// The base address as a browser shows it: without the port when it is the standard one.
    pub fn public_url(&self) -> String {
        match self.https_port {
            443 => format!("https://{}", self.host_name),
            port => format!("https://{}:{port}", self.host_name),
        }
    }

    /// Whether the service is reached by a loopback name: on this machine only.
    pub fn is_loopback(&self) -> bool {
        let host = &self.host_name;
        host == "localhost"
            || host.ends_with(".localhost")
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl Object for ServiceProperties {
    const KIND: &'static str = "service-properties";
    const NOUN: &'static str = "AdfsProperties";

    fn id(&self) -> String {
        "farm".to_owned()
    }

    fn further_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.host_name.is_empty() || self.host_name.contains(['/', ':', ' ']) {
            let expected = "is not a host name; expected one like fs.example.com";
            problems.push(Problem::new("HostName", &self.host_name, expected));
        }
        if self.identifier.is_empty() {
            let expected = "is empty; expected a URI like http://fs.example.com/adfs/services/trust";
            problems.push(Problem::new("Identifier", &self.identifier, expected));
        }
        check_uris("AcceptableIdentifiers", &self.acceptable_identifiers, &mut problems);
        check_uris("AuthenticationContextOrder", &self.authentication_context_order, &mut problems);
        problems
    }
}
