//! Events with named fields: one variant for each event of the [catalogue](crate::catalogue).
//!
//! A variant holds what differs from one occurrence to the next. The number in `serde(rename)` is the event
//! id; it is part of the stored journal.

mod basic;
mod lists;
mod request;

pub use basic::{
    AuthProtocol, AuthnAudit, BasicAudit, ExtranetLockoutAudit, FailureType, NetworkLocation, OAuthAudit,
    RequestAudit, ResourceAudit, SsoBinding,
};
pub use lists::{CallerIdentity, ClaimPairs};
pub use request::{RequestContextHeaders, RequestFacts};

use base::{ActivityId, Guid, Timestamp};
use serde::{Deserialize, Serialize};

use crate::catalogue::{self, Channel, Definition, Level};
use crate::{HeadersText, Text};

/// Token types that 342, 411 and 412 name.
pub mod token_types {
    /// A user name and a password.
    pub const USER_NAME: &str = "http://schemas.microsoft.com/ws/2006/05/identitymodel/tokens/UserName";
    /// A Kerberos ticket.
    pub const KERBEROS: &str = "http://schemas.microsoft.com/ws/2006/05/identitymodel/tokens/Kerberos";
    /// The SSO session of a browser.
    pub const SECURE_CONVERSATION: &str =
        "http://schemas.microsoft.com/ws/2006/05/servicemodel/tokens/SecureConversation";
}

/// The Windows text for a wrong password; ADFSBadCredsSearch.ps1 keeps the events that contain it.
pub const WRONG_PASSWORD: &str = "The user name or password is incorrect";

/// One event. `instance` chains the audits of one token issue, of one request or of one response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// 100: all listeners are open.
    #[serde(rename = "100")]
    FsServiceStart {
        /// What is served: host name and addresses, one a line.
        hosts: Vec<Text>,
    },
    /// 102: an endpoint could not be enabled.
    #[serde(rename = "102")]
    StartupException {
        /// Which, and why.
        exception: Text,
    },
    /// 103: the service stopped.
    #[serde(rename = "103")]
    FsServiceStop,
    /// 186: the rules gave two name identifiers.
    #[serde(rename = "186")]
    PolicyDuplicateNameIdentifier {
        /// Name of the relying party trust.
        relying_party: Text,
    },
    /// 273: the request's assertion consumer service is not one of the trust's.
    #[serde(rename = "273")]
    AssertionConsumerServiceNotFound {
        /// Identifier of the relying party.
        relying_party: Text,
        /// `AssertionConsumerServiceIndex` of the request.
        index: Option<Text>,
        /// `AssertionConsumerServiceURL` of the request.
        url: Option<Text>,
        /// `ProtocolBinding` of the request.
        binding: Option<Text>,
    },
    /// 299: a token was issued.
    #[serde(rename = "299")]
    TokenIssuanceSuccess {
        /// Instance.
        instance: Guid,
        /// Identifier of the relying party.
        relying_party: Text,
    },
    /// 303: a SAML request failed.
    #[serde(rename = "303")]
    SamlRequestProcessingError {
        /// Why.
        exception: Text,
    },
    /// 307: an administrator changed an object of the configuration.
    #[serde(rename = "307")]
    ConfigurationChangeSuccess {
        /// Who, and with what.
        user: Text,
        /// Which object, and its properties before and after; never a secret.
        change: Text,
    },
    /// 308: a change that an administrator wanted failed; nothing was changed.
    #[serde(rename = "308")]
    ConfigurationChangeFailure {
        /// Who, and with what.
        user: Text,
        /// Which object, and why.
        change: Text,
    },
    /// 320: the signature of a SAML message is wrong, weak or missing.
    #[serde(rename = "320")]
    SamlProtocolSignatureVerificationError {
        /// Issuer of the message.
        issuer: Text,
        /// Why.
        exception: Text,
    },
    /// 321: the NameIDPolicy can't be met.
    #[serde(rename = "321")]
    InvalidNameIdPolicyError {
        /// Identifier of the relying party.
        requestor: Text,
        /// Format asked for.
        format: Option<Text>,
        /// SPNameQualifier asked for.
        sp_name_qualifier: Option<Text>,
        /// Why.
        exception: Text,
    },
    /// 324: authorization denied a token.
    #[serde(rename = "324")]
    CallerAuthorizationTokenIssuanceFailure {
        /// Instance.
        instance: Guid,
        /// Who asked.
        caller: Text,
        /// Identifier of the relying party.
        relying_party: Text,
    },
    /// 325: twin of 324 for administrators.
    #[serde(rename = "325")]
    CallerAuthorizationError {
        /// Who asked.
        caller: Text,
        /// Identifier of the relying party.
        relying_party: Text,
    },
    /// 342: a token or a password was not accepted.
    #[serde(rename = "342")]
    SecurityTokenValidationError {
        /// One of [`token_types`].
        token_type: Text,
        /// For a password `user-message`.
        error_message: Text,
        /// Why.
        exception: Text,
    },
    /// 364: a passive request failed.
    #[serde(rename = "364")]
    WsFederationPassiveRequestFailedError {
        /// `wsfed`, `Saml` or nothing.
        protocol: Text,
        /// Identifier of the relying party, as far as it is known.
        relying_party: Text,
        /// Why, MSIS code first.
        exception: Text,
    },
    /// 403: an HTTP request.
    #[serde(rename = "403")]
    RequestReceived {
        /// Instance.
        instance: Guid,
        /// The request.
        request: Box<RequestFacts>,
    },
    /// 404: an HTTP response.
    #[serde(rename = "404")]
    ResponseSent {
        /// Instance, another one than the request's.
        instance: Guid,
        /// When.
        at: Timestamp,
        /// HTTP status.
        status: u16,
    },
    /// 405: a password was changed.
    #[serde(rename = "405")]
    PasswordChangeSuccess {
        /// Whose.
        user: Text,
        /// Server that changed it.
        server: Text,
    },
    /// 406: a password was not changed.
    #[serde(rename = "406")]
    PasswordChangeFailure {
        /// Whose.
        user: Text,
        /// Server that was asked.
        server: Text,
        /// Why.
        error: Text,
    },
    /// 410: context headers of a request.
    #[serde(rename = "410")]
    RequestContextHeaders(Box<RequestContextHeaders>),
    /// 411: a token or a password was not accepted (audit).
    #[serde(rename = "411")]
    SecurityTokenValidationFailure {
        /// One of [`token_types`].
        token_type: Text,
        /// For a password `user-message`.
        error_message: Text,
        /// Why.
        exception: Text,
        /// Addresses: the client's, then the proxy's, parted by a comma.
        client_ip: Text,
    },
    /// 412: a token was accepted.
    #[serde(rename = "412")]
    AuthenticationSuccess {
        /// Instance.
        instance: Guid,
        /// One of [`token_types`].
        token_type: Text,
        /// Identifier of the relying party; none for WS-Trust.
        relying_party: Option<Text>,
    },
    /// 413: who made a token request that failed (audit).
    #[serde(rename = "413")]
    CallerIdFailure {
        /// Who and for which relying party.
        identity: Box<CallerIdentity>,
        /// Addresses, as in 411.
        client_ip: Text,
    },
    /// 500: claims of an issued token.
    #[serde(rename = "500")]
    IssuedIdentityClaims {
        /// Instance.
        instance: Guid,
        /// The claims.
        claims: ClaimPairs,
    },
    /// 501: claims of the caller.
    #[serde(rename = "501")]
    CallerIdentityClaims {
        /// Instance.
        instance: Guid,
        /// The claims.
        claims: ClaimPairs,
    },
    /// 510: headers of a 403 or a 404 of the same instance.
    #[serde(rename = "510")]
    LongText {
        /// Instance.
        instance: Guid,
        /// The headers.
        text: HeadersText,
    },
    /// 516: refused, because the account is locked out.
    #[serde(rename = "516")]
    ExtranetLockoutAccountRestricted {
        /// Which account, as typed.
        user: Text,
        /// Address of the client.
        client_ip: Text,
        /// Wrong passwords so far.
        bad_password_count: u32,
        /// When the last one was.
        last_bad_attempt: Timestamp,
    },
    /// 1000: who made a token request that failed.
    #[serde(rename = "1000")]
    CallerId(Box<CallerIdentity>),
    /// 1200: a token was issued (basic audit).
    #[serde(rename = "1200")]
    AppTokenSuccess(Box<BasicAudit>),
    /// 1201: no token was issued (basic audit).
    #[serde(rename = "1201")]
    AppTokenFailure(Box<BasicAudit>),
    /// 1202: a credential was accepted (basic audit).
    #[serde(rename = "1202")]
    FreshCredentialSuccess(Box<BasicAudit>),
    /// 1203: a credential was not accepted (basic audit).
    #[serde(rename = "1203")]
    FreshCredentialFailure(Box<BasicAudit>),
    /// 1204: a password was changed (basic audit).
    #[serde(rename = "1204")]
    PasswordChangeBasicSuccess(Box<BasicAudit>),
    /// 1205: a password was not changed (basic audit).
    #[serde(rename = "1205")]
    PasswordChangeBasicFailure(Box<BasicAudit>),
    /// 1210: the account is locked out (basic audit).
    #[serde(rename = "1210")]
    ExtranetLockout(Box<ExtranetLockoutAudit>),
}

/// A definition for an id that the catalogue lacks; a test holds that there is none.
const UNKNOWN: Definition =
    Definition { id: 0, name: "", level: Level::Error, channel: Channel::Admin, fields: &[], message: "" };

impl Event {
    /// The event id.
    pub fn id(&self) -> u16 {
        match self {
            Self::FsServiceStart { .. } => 100,
            Self::StartupException { .. } => 102,
            Self::FsServiceStop => 103,
            Self::PolicyDuplicateNameIdentifier { .. } => 186,
            Self::AssertionConsumerServiceNotFound { .. } => 273,
            Self::TokenIssuanceSuccess { .. } => 299,
            Self::SamlRequestProcessingError { .. } => 303,
            Self::ConfigurationChangeSuccess { .. } => 307,
            Self::ConfigurationChangeFailure { .. } => 308,
            Self::SamlProtocolSignatureVerificationError { .. } => 320,
            Self::InvalidNameIdPolicyError { .. } => 321,
            Self::CallerAuthorizationTokenIssuanceFailure { .. } => 324,
            Self::CallerAuthorizationError { .. } => 325,
            Self::SecurityTokenValidationError { .. } => 342,
            Self::WsFederationPassiveRequestFailedError { .. } => 364,
            Self::RequestReceived { .. } => 403,
            Self::ResponseSent { .. } => 404,
            Self::PasswordChangeSuccess { .. } => 405,
            Self::PasswordChangeFailure { .. } => 406,
            Self::RequestContextHeaders(_) => 410,
            Self::SecurityTokenValidationFailure { .. } => 411,
            Self::AuthenticationSuccess { .. } => 412,
            Self::CallerIdFailure { .. } => 413,
            Self::IssuedIdentityClaims { .. } => 500,
            Self::CallerIdentityClaims { .. } => 501,
            Self::LongText { .. } => 510,
            Self::ExtranetLockoutAccountRestricted { .. } => 516,
            Self::CallerId(_) => 1000,
            Self::AppTokenSuccess(_) => 1200,
            Self::AppTokenFailure(_) => 1201,
            Self::FreshCredentialSuccess(_) => 1202,
            Self::FreshCredentialFailure(_) => 1203,
            Self::PasswordChangeBasicSuccess(_) => 1204,
            Self::PasswordChangeBasicFailure(_) => 1205,
            Self::ExtranetLockout(_) => 1210,
        }
    }

    /// What the catalogue says of the event.
    pub fn definition(&self) -> &'static Definition {
        catalogue::definition(self.id()).unwrap_or(&UNKNOWN)
    }

    /// Level.
    pub fn level(&self) -> Level {
        self.definition().level
    }

    /// Log.
    pub fn channel(&self) -> Channel {
        self.definition().channel
    }

    /// The instance that chains this event to others.
    pub fn instance(&self) -> Option<Guid> {
        match self {
            Self::TokenIssuanceSuccess { instance, .. }
            | Self::CallerAuthorizationTokenIssuanceFailure { instance, .. }
            | Self::RequestReceived { instance, .. }
            | Self::ResponseSent { instance, .. }
            | Self::AuthenticationSuccess { instance, .. }
            | Self::IssuedIdentityClaims { instance, .. }
            | Self::CallerIdentityClaims { instance, .. }
            | Self::LongText { instance, .. } => Some(*instance),
            _ => None,
        }
    }

    /// The items in AD FS's order, for each entry of the log that this event makes: one, except that claims
    /// (500, 501) and headers (510) continue in further entries of the same id when 20 items are not enough.
    /// A missing item of an audit is `-`, one of the AD FS/Admin log is empty.
    pub fn fields(&self, activity: ActivityId) -> Vec<Vec<String>> {
        let activity = activity.to_string();
        let items = match self {
            Self::FsServiceStart { hosts } => {
                vec![hosts.iter().map(Text::as_str).collect::<Vec<_>>().join("\r\n")]
            }
            Self::StartupException { exception } | Self::SamlRequestProcessingError { exception } => {
                vec![exception.to_string()]
            }
            Self::FsServiceStop => vec![],
            Self::PolicyDuplicateNameIdentifier { relying_party } => vec![relying_party.to_string()],
            Self::AssertionConsumerServiceNotFound { relying_party, index, url, binding } => {
                vec![relying_party.to_string(), or_empty(index), or_empty(url), or_empty(binding)]
            }
            Self::TokenIssuanceSuccess { instance, relying_party } => {
                vec![instance.to_string(), activity, relying_party.to_string()]
            }
            Self::ConfigurationChangeSuccess { user, change }
            | Self::ConfigurationChangeFailure { user, change } => vec![dashed(user), dashed(change)],
            Self::SamlProtocolSignatureVerificationError { issuer, exception } => {
                vec![issuer.to_string(), exception.to_string()]
            }
            Self::InvalidNameIdPolicyError { requestor, format, sp_name_qualifier, exception } => vec![
                requestor.to_string(),
                or_empty(format),
                or_empty(sp_name_qualifier),
                exception.to_string(),
            ],
            Self::CallerAuthorizationTokenIssuanceFailure { instance, caller, relying_party } => {
                vec![instance.to_string(), activity, dashed(caller), dashed(relying_party)]
            }
            Self::CallerAuthorizationError { caller, relying_party } => {
                vec![caller.to_string(), relying_party.to_string()]
            }
            Self::SecurityTokenValidationError { token_type, error_message, exception } => {
                vec![token_type.to_string(), error_message.to_string(), exception.to_string()]
            }
            Self::WsFederationPassiveRequestFailedError { protocol, relying_party, exception } => {
                vec![protocol.to_string(), relying_party.to_string(), exception.to_string()]
            }
            Self::RequestReceived { instance, request } => request.fields(*instance, activity),
            Self::ResponseSent { instance, at, status } => vec![
                instance.to_string(),
                activity,
                at.to_audit(),
                status.to_string(),
                request::status_description(*status).to_owned(),
            ],
            Self::PasswordChangeSuccess { user, server } => {
                vec![activity, dashed(user), "-".to_owned(), dashed(server)]
            }
            Self::PasswordChangeFailure { user, server, error } => {
                vec![activity, dashed(user), "-".to_owned(), dashed(server), dashed(error)]
            }
            Self::RequestContextHeaders(headers) => headers.fields(activity),
            Self::SecurityTokenValidationFailure { token_type, error_message, exception, client_ip } => vec![
                activity,
                dashed(token_type),
                dashed(error_message),
                dashed(exception),
                dashed(client_ip),
            ],
            Self::AuthenticationSuccess { instance, token_type, relying_party } => {
                vec![instance.to_string(), activity, dashed(token_type), or_dash(relying_party)]
            }
            Self::CallerIdFailure { identity, client_ip } => {
                let mut items = vec![activity];
                items.extend(identity.fields(or_dash));
                items.push(dashed(client_ip));
                items
            }
            Self::IssuedIdentityClaims { instance, claims }
            | Self::CallerIdentityClaims { instance, claims } => return claims.fields(*instance),
            Self::LongText { instance, text } => return lists::long_text_fields(*instance, text.as_str()),
            Self::ExtranetLockoutAccountRestricted {
                user,
                client_ip,
                bad_password_count,
                last_bad_attempt,
            } => vec![
                activity,
                dashed(user),
                dashed(client_ip),
                bad_password_count.to_string(),
                basic::us_date(*last_bad_attempt),
            ],
            Self::CallerId(identity) => identity.fields(or_empty),
            Self::AppTokenSuccess(audit) => vec![activity, audit.xml(basic::Kind::AppToken, true)],
            Self::AppTokenFailure(audit) => vec![activity, audit.xml(basic::Kind::AppToken, false)],
            Self::FreshCredentialSuccess(audit) => {
                vec![activity, audit.xml(basic::Kind::FreshCredential, true)]
            }
            Self::FreshCredentialFailure(audit) => {
                vec![activity, audit.xml(basic::Kind::FreshCredential, false)]
            }
            Self::PasswordChangeBasicSuccess(audit) => {
                vec![activity, audit.xml(basic::Kind::PasswordChange, true)]
            }
            Self::PasswordChangeBasicFailure(audit) => {
                vec![activity, audit.xml(basic::Kind::PasswordChange, false)]
            }
            Self::ExtranetLockout(audit) => vec![activity, audit.xml()],
        };
        vec![items]
    }

    /// The English text of an entry with these items.
    pub fn message(&self, items: &[String]) -> String {
        self.definition().message(items)
    }

    /// 411 and 342 for a password that was not accepted: the message has the form that scripts look for.
    ///
    /// `user` is the name as typed; `reason` is [`WRONG_PASSWORD`] or another text; `client_ip` is as in 411.
    pub fn password_refused(user: &str, reason: &str, client_ip: impl Into<Text>) -> [Self; 2] {
        let error_message = Text::from(format!("{user}-{reason}"));
        let exception = Text::from(format!("SecurityTokenValidationException: {user}"));
        let token_type = Text::from(token_types::USER_NAME);
        [
            Self::SecurityTokenValidationFailure {
                token_type: token_type.clone(),
                error_message: error_message.clone(),
                exception: exception.clone(),
                client_ip: client_ip.into(),
            },
            Self::SecurityTokenValidationError { token_type, error_message, exception },
        ]
    }
}

fn dashed(text: &Text) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_string() }
}

fn or_dash(text: &Option<Text>) -> String {
    text.as_ref().map_or_else(|| "-".to_owned(), dashed)
}

fn or_empty(text: &Option<Text>) -> String {
    text.as_ref().map(Text::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests;
