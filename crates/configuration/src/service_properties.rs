//! Farm-wide properties (`Get-AdfsProperties`), those that something reads already.

use std::net::IpAddr;

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Object, Problem, TimeSpan};

/// Properties of the federation service; names and defaults are AD FS's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "PascalCase", default)]
#[garde(allow_unvalidated)]
pub struct ServiceProperties {
    /// Name by which clients reach the service, such as `fs.example.com`.
    pub host_name: String,
    /// TLS port of the service.
    pub https_port: u16,
    /// Port of the health probe, plain HTTP; 0 takes a free one.
    pub http_port: u16,
    /// Federation Service Identifier: issuer of tokens and entity id. Plain `http` by default, never derived.
    pub identifier: String,
    /// Display name on pages.
    pub display_name: String,
    /// NetBIOS name of the embedded directory's domain.
    pub directory_domain: String,
    /// DNS name of the embedded directory's domain.
    pub directory_dns_domain: String,
    /// Life of the SSO session in minutes.
    #[garde(range(min = 1, max = 2_147_483_647))]
    #[schemars(extend("x-unit" = "minutes"))]
    pub sso_lifetime: u32,
    /// Wrong passwords are counted against the two values below.
    pub extranet_lockout_enabled: bool,
    /// Wrong passwords after which the directory is not asked any more.
    #[garde(range(min = 1, max = 2_147_483_647))]
    pub extranet_lockout_threshold: u32,
    /// Time after the last wrong password during which that holds.
    pub extranet_observation_window: TimeSpan,
    /// Password attempts an address may make in a minute, whatever the accounts.
    pub password_attempts_per_address_per_minute: u32,
    /// Minutes by which a SAML message may be old or early.
    pub saml_message_delivery_window: u32,
    /// Whether the built-in Claims X-Ray page exists.
    pub enable_claims_xray: bool,
}

impl Default for ServiceProperties {
    fn default() -> Self {
        Self {
            host_name: String::new(),
            https_port: 443,
            http_port: 80,
            identifier: String::new(),
            display_name: String::new(),
            directory_domain: String::new(),
            directory_dns_domain: String::new(),
            sso_lifetime: 480,
            // AD FS leaves lockout off and the threshold at the largest number; guessing is slowed from the
            // first day here, so both have working values.
            extranet_lockout_enabled: true,
            extranet_lockout_threshold: 10,
            extranet_observation_window: TimeSpan::from_minutes(30),
            password_attempts_per_address_per_minute: 60,
            saml_message_delivery_window: 5,
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
        problems
    }
}
