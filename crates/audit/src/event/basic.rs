//! The 1200-series: one XML document an audit.

use std::fmt::Write;
use std::net::IpAddr;

use base::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Text;

/// What the kinds of basic audits differ in.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    AppToken,
    FreshCredential,
    PasswordChange,
}

impl Kind {
    /// `xsi:type` of the document and `AuditType`.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::AppToken => ("AppTokenAudit", "AppToken"),
            Self::FreshCredential => ("FreshCredentialAudit", "FreshCredentials"),
            Self::PasswordChange => ("PasswordChangeAudit", "PasswordChange"),
        }
    }
}

/// Why a basic audit reports a failure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureType {
    /// It reports a success.
    #[default]
    None,
    /// The credential is wrong.
    CredentialValidationError,
    /// The account is locked out.
    ExtranetLockoutError,
    /// Anything else.
    GenericError,
}

impl FailureType {
    fn name(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::CredentialValidationError => "CredentialValidationError",
            Self::ExtranetLockoutError => "ExtranetLockoutError",
            Self::GenericError => "GenericError",
        }
    }
}

/// Whether the session is bound to a key of the client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SsoBinding {
    /// No session was involved.
    #[default]
    NotSet,
    /// A session without a binding.
    TokenUnbound,
}

impl SsoBinding {
    fn name(self) -> &'static str {
        match self {
            Self::NotSet => "NotSet",
            Self::TokenUnbound => "TokenUnbound",
        }
    }
}

/// The protocol of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuthProtocol {
    /// WS-Federation.
    WsFederation,
    /// SAML 2.0.
    Samlp,
    /// OAuth and OpenID Connect.
    OAuth,
    /// WS-Trust.
    WsTrust,
}

impl AuthProtocol {
    fn name(self) -> &'static str {
        match self {
            Self::WsFederation => "WSFederation",
            Self::Samlp => "SAMLP",
            Self::OAuth => "OAuth",
            Self::WsTrust => "WSTrust",
        }
    }
}

/// Where the client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NetworkLocation {
    /// Inside: not through a proxy.
    Intranet,
    /// Outside: through a proxy.
    Extranet,
}

/// A basic audit other than [`ExtranetLockoutAudit`]. What is missing is written as `N/A`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasicAudit {
    /// Why it failed.
    #[serde(default)]
    pub failure_type: FailureType,
    /// Error code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<Text>,
    /// What was asked for, and by whom.
    pub resource: ResourceAudit,
    /// How the user was authenticated.
    #[serde(default)]
    pub authn: AuthnAudit,
    /// The OAuth client.
    #[serde(default)]
    pub protocol: OAuthAudit,
    /// The request.
    pub request: RequestAudit,
}

/// `ResourceAuditComponent`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceAudit {
    /// Identifier of the relying party: the real one in 1200 and 1201 of a target, else the service's own.
    pub relying_party: Option<Text>,
    /// `AD AUTHORITY` when the directory accepted the user; none in failures.
    pub claims_provider: Option<Text>,
    /// `DOMAIN\user`, or the name as typed when it was not accepted.
    pub user_id: Option<Text>,
}

/// `AuthNAuditComponent`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthnAudit {
    /// Authentication method; none in 1202 and 1203.
    pub primary_auth: Option<Text>,
    /// Whether the device was authenticated.
    pub device_auth: bool,
    /// The device.
    pub device_id: Option<Text>,
    /// Whether a second factor was used.
    pub mfa_performed: bool,
    /// Which.
    pub mfa_method: Option<Text>,
    /// Session binding.
    pub sso_binding: SsoBinding,
}

/// `ProtocolAuditComponent`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OAuthAudit {
    /// Client identifier.
    pub client_id: Option<Text>,
    /// Grant.
    pub grant: Option<Text>,
}

/// `RequestAuditComponent`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestAudit {
    /// The service's identifier; none in 1210.
    pub server: Option<Text>,
    /// Protocol.
    pub auth_protocol: Option<AuthProtocol>,
    /// Inside or outside.
    pub network_location: Option<NetworkLocation>,
    /// Address of the client.
    pub ip_address: Option<IpAddr>,
    /// The same for a client outside; none inside, where AD FS writes an empty element.
    pub forwarded_ip_address: Option<IpAddr>,
    /// Short host name of the proxy.
    pub proxy_server: Option<Text>,
    /// User agent.
    pub user_agent: Option<Text>,
    /// Path.
    pub endpoint: Option<Text>,
}

/// 1210: has other components than the rest of the series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtranetLockoutAudit {
    /// What was asked for, and by whom.
    pub resource: ResourceAudit,
    /// The request.
    pub request: RequestAudit,
    /// Wrong passwords so far.
    pub current_bad_password_count: u32,
    /// Wrong passwords that lock.
    pub config_bad_password_count: u32,
    /// When the last one was.
    pub last_bad_attempt: Timestamp,
    /// Seconds of the observation window.
    pub lockout_window_seconds: u64,
}

impl BasicAudit {
    pub(super) fn xml(&self, kind: Kind, success: bool) -> String {
        let (document, audit_type) = kind.names();
        let mut xml = Document::new(document, audit_type, success, self.failure_type, &self.error_code);
        self.resource.write(&mut xml);
        xml.component("AuthNAuditComponent", |xml| {
            xml.optional("PrimaryAuth", &self.authn.primary_auth);
            xml.element("DeviceAuth", boolean(self.authn.device_auth));
            xml.optional("DeviceId", &self.authn.device_id);
            xml.element("MfaPerformed", boolean(self.authn.mfa_performed));
            xml.optional("MfaMethod", &self.authn.mfa_method);
            xml.element("TokenBindingProvidedId", boolean(false));
            xml.element("TokenBindingReferredId", boolean(false));
            xml.element("SsoBindingValidationLevel", self.authn.sso_binding.name());
        });
        xml.component("ProtocolAuditComponent", |xml| {
            xml.optional("OAuthClientId", &self.protocol.client_id);
            xml.optional("OAuthGrant", &self.protocol.grant);
        });
        self.request.write(&mut xml);
        xml.finish()
    }
}

impl ExtranetLockoutAudit {
    pub(super) fn xml(&self) -> String {
        let error_code = Some(Text::from("AccountRestrictedAudit"));
        let failure = FailureType::ExtranetLockoutError;
        let mut xml = Document::new("ExtranetLockoutAudit", "ExtranetLockout", false, failure, &error_code);
        self.resource.write(&mut xml);
        self.request.write(&mut xml);
        xml.component("LockoutConfigAuditComponent", |xml| {
            xml.element("CurrentBadPasswordCount", &self.current_bad_password_count.to_string());
            xml.element("ConfigBadPasswordCount", &self.config_bad_password_count.to_string());
            xml.element("LastBadAttempt", &us_date(self.last_bad_attempt));
            let seconds = self.lockout_window_seconds;
            let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
            xml.element("LockoutWindowConfig", &format!("{hours:02}:{minutes:02}:{:02}", seconds % 60));
        });
        xml.finish()
    }
}

impl ResourceAudit {
    fn write(&self, xml: &mut Document) {
        xml.component("ResourceAuditComponent", |xml| {
            xml.optional("RelyingParty", &self.relying_party);
            xml.optional("ClaimsProvider", &self.claims_provider);
            xml.optional("UserId", &self.user_id);
        });
    }
}

impl RequestAudit {
    fn write(&self, xml: &mut Document) {
        let address = |address: Option<IpAddr>| address.map(|address| address.to_string());
        xml.component("RequestAuditComponent", |xml| {
            xml.optional("Server", &self.server);
            xml.element("AuthProtocol", self.auth_protocol.map_or(MISSING, AuthProtocol::name));
            let location = self.network_location.map_or(MISSING, |location| match location {
                NetworkLocation::Intranet => "Intranet",
                NetworkLocation::Extranet => "Extranet",
            });
            xml.element("NetworkLocation", location);
            xml.element("IpAddress", address(self.ip_address).as_deref().unwrap_or(MISSING));
            xml.element("ForwardedIpAddress", &address(self.forwarded_ip_address).unwrap_or_default());
            xml.element("ProxyIpAddress", MISSING);
            xml.element("NetworkIpAddress", MISSING);
            xml.optional("ProxyServer", &self.proxy_server);
            xml.optional("UserAgentString", &self.user_agent);
            xml.optional("Endpoint", &self.endpoint);
        });
    }
}

const MISSING: &str = "N/A";

fn boolean(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

/// `05/21/2018 00:55:05`, in UTC.
pub(super) fn us_date(at: Timestamp) -> String {
    let text = at.to_audit();
    match text.split_once(' ').map(|(date, time)| (date.splitn(3, '-').collect::<Vec<_>>(), time)) {
        Some((date, time)) => match date.as_slice() {
            [year, month, day] => format!("{month}/{day}/{year} {time}"),
            _ => text,
        },
        None => text,
    }
}

/// The document in the layout of .NET's indenting writer: two blanks, CRLF, `<Name />` for empty.
struct Document {
    xml: String,
}

impl Document {
    fn new(
        document: &str,
        audit_type: &str,
        success: bool,
        failure: FailureType,
        code: &Option<Text>,
    ) -> Self {
        let mut xml = String::with_capacity(2_500);
        let _ = write!(
            xml,
            "<?xml version=\"1.0\" encoding=\"utf-16\"?>\r\n<AuditBase xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"{document}\">\r\n"
        );
        let mut document = Self { xml };
        document.at(2, "AuditType", audit_type);
        document.at(2, "AuditResult", if success { "Success" } else { "Failure" });
        document.at(2, "FailureType", failure.name());
        document.at(2, "ErrorCode", code.as_ref().map_or(MISSING, Text::as_str));
        document.xml.push_str("  <ContextComponents>\r\n");
        document
    }

    fn component(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.push(&["    <Component xsi:type=\"", name, "\">\r\n"]);
        content(self);
        self.xml.push_str("    </Component>\r\n");
    }

    fn optional(&mut self, name: &str, value: &Option<Text>) {
        self.element(name, value.as_ref().map_or(MISSING, Text::as_str));
    }

    fn element(&mut self, name: &str, value: &str) {
        self.at(6, name, value);
    }

    fn at(&mut self, indent: usize, name: &str, value: &str) {
        self.xml.extend(std::iter::repeat_n(' ', indent));
        if value.is_empty() {
            self.push(&["<", name, " />\r\n"]);
            return;
        }
        self.push(&["<", name, ">"]);
        let mut rest = value;
        while let Some((clean, found)) = rest.find(['&', '<', '>']).map(|at| rest.split_at(at)) {
            self.push(&[
                clean,
                match found.as_bytes().first() {
                    Some(b'&') => "&amp;",
                    Some(b'<') => "&lt;",
                    _ => "&gt;",
                },
            ]);
            rest = found.get(1..).unwrap_or_default();
        }
        self.push(&[rest, "</", name, ">\r\n"]);
    }

    fn push(&mut self, texts: &[&str]) {
        texts.iter().for_each(|text| self.xml.push_str(text));
    }

    fn finish(mut self) -> String {
        self.xml.push_str("  </ContextComponents>\r\n</AuditBase>");
        self.xml
    }
}
