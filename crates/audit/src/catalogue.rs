//! The events as data: id, name, level, channel, items and text.
//!
//! Ids, names, levels, the order of items and the labels in texts are AD FS's. In a text, `%3` is the third
//! item and `%+` stands for all items after the first, one a line.

use serde::{Deserialize, Serialize};

/// How serious an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// Something failed.
    Error,
    /// Something may fail, or a detail of a failure.
    Warning,
    /// News.
    Information,
    /// An audited action succeeded.
    AuditSuccess,
    /// An audited action failed.
    AuditFailure,
}

impl Level {
    /// The name in exports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "Error",
            Self::Warning => "Warning",
            Self::Information => "Information",
            Self::AuditSuccess => "Audit Success",
            Self::AuditFailure => "Audit Failure",
        }
    }
}

/// The log an event belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Channel {
    /// `AD FS/Admin`.
    Admin,
    /// `Security`: audits.
    Security,
}

impl Channel {
    /// Name of the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "AD FS/Admin",
            Self::Security => "Security",
        }
    }

    /// Name of the provider that writes to it.
    pub fn provider(self) -> &'static str {
        match self {
            Self::Admin => "AD FS",
            Self::Security => "AD FS Auditing",
        }
    }
}

/// What is the same for every occurrence of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition {
    /// Event id.
    pub id: u16,
    /// The product's name for it.
    pub name: &'static str,
    /// Level.
    pub level: Level,
    /// Log.
    pub channel: Channel,
    /// Labels of the items, in order.
    pub fields: &'static [&'static str],
    /// The text, see the module's documentation.
    pub message: &'static str,
}

/// The definition of an event id.
pub fn definition(id: u16) -> Option<&'static Definition> {
    CATALOGUE.binary_search_by_key(&id, |definition| definition.id).ok().and_then(|at| CATALOGUE.get(at))
}

impl Definition {
    /// The text with the items put in. A line that is not empty has a blank before its CRLF, as in AD FS's own
    /// texts.
    pub fn message(&self, items: &[String]) -> String {
        let mut text = String::with_capacity(256);
        let mut lines = self.message.lines().peekable();
        while let Some(line) = lines.next() {
            if line == "%+" {
                for item in items.iter().skip(1) {
                    text.push_str(item);
                    text.push_str(" \r\n");
                }
                continue;
            }
            let mut pieces = line.split('%');
            text.push_str(pieces.next().unwrap_or_default());
            for piece in pieces {
                let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
                let (number, after) = piece.split_at(digits);
                let item = number.parse::<usize>().ok().and_then(|number| items.get(number.checked_sub(1)?));
                text.push_str(item.map_or("", String::as_str));
                text.push_str(after);
            }
            if lines.peek().is_some() {
                text.push_str(if line.is_empty() { "\r\n" } else { " \r\n" });
            }
        }
        text
    }
}

use Channel::{Admin, Security};
use Level::{AuditFailure, AuditSuccess, Error, Information, Warning};

const LIST: &[&str] = &[
    "Instance ID",
    "Item 1",
    "Item 2",
    "Item 3",
    "Item 4",
    "Item 5",
    "Item 6",
    "Item 7",
    "Item 8",
    "Item 9",
    "Item 10",
    "Item 11",
    "Item 12",
    "Item 13",
    "Item 14",
    "Item 15",
    "Item 16",
    "Item 17",
    "Item 18",
    "Item 19",
    "Item 20",
];
const XML: &[&str] = &["Activity ID", "XML"];

macro_rules! event {
    ($id:literal, $name:literal, $level:ident, $channel:ident, $fields:expr, $message:expr $(,)?) => {
        Definition {
            id: $id,
            name: $name,
            level: $level,
            channel: $channel,
            fields: $fields,
            message: $message,
        }
    };
}

macro_rules! basic_audit {
    ($id:literal, $name:literal, $level:ident, $sentence:literal) => {
        event!(
            $id,
            $name,
            $level,
            Security,
            XML,
            concat!($sentence, "\n\nActivity ID: %1\n\nAdditional Data\nXML: %2")
        )
    };
}

/// All events that this server writes, in order of id.
#[rustfmt::skip]
pub const CATALOGUE: &[Definition] = &[
    event!(100, "FsServiceStart", Information, Admin, &["Service hosts"],
        "The Federation Service is running. It serves these hosts:\n\n%1"),
    event!(102, "StartupException", Error, Admin, &["Exception details"],
        "An endpoint of the Federation Service could not be enabled. Correct the configuration and start the service again.\n\nAdditional Data\nException details:\n%1"),
    event!(103, "FsServiceStop", Information, Admin, &[],
        "The Federation Service has stopped."),
    event!(186, "PolicyDuplicateNameIdentifier", Error, Admin, &["Relying party trust"],
        "The issuance transform rules of the relying party trust '%1' gave more than one name identifier. No token was issued.\n\nUser Action\nChange the rules so that at most one name identifier comes out of them."),
    event!(273, "AssertionConsumerServiceNotFound", Error, Admin, &["Relying party", "Requested assertion consumer service index", "Requested assertion consumer service URL", "Requested protocol binding"],
        "The request asked for an assertion consumer service that the relying party '%1' does not have. No token was issued.\n\nAdditional Data\nAssertion consumer service index: %2\nAssertion consumer service URL: %3\nProtocol binding: %4\n\nUser Action\nAdd the endpoint to the relying party trust, or update the trust from its metadata."),
    event!(299, "TokenIssuanceSuccessAudit", AuditSuccess, Security, &["Instance ID", "Activity ID", "Relying party"],
        "A token for the relying party '%3' was issued. Audit 500 with the same Instance ID has the issued claims, audit 501 the identity of the caller.\n\nInstance ID: %1\n\nActivity ID: %2\n\nRelying party: %3"),
    event!(303, "SamlRequestProcessingError", Error, Admin, &["Exception details"],
        "The SAML authentication request could not be processed.\n\nAdditional Data\nException details:\n%1"),
    event!(307, "ConfigurationChangeSuccessAudit", AuditSuccess, Security, &["User", "Change"],
        "The configuration of the Federation Service was changed.\n\nUser: %1\n\nChange:\n%2"),
    event!(308, "ConfigurationChangeFailureAudit", AuditFailure, Security, &["User", "Change"],
        "A change of the configuration of the Federation Service failed. Nothing was changed.\n\nUser: %1\n\nChange:\n%2"),
    event!(320, "SamlProtocolSignatureVerificationError", Error, Admin, &["Issuer", "Exception details"],
        "The signature of a SAML message could not be verified.\n\nMessage issuer: %1\n\nAdditional Data\nException details:\n%2\n\nUser Action\nCompare the signing certificates of the trust with those the partner signs with."),
    event!(321, "InvalidNameIdPolicyError", Error, Admin, &["Requestor", "Name identifier format", "SPNameQualifier", "Exception details"],
        "The NameIDPolicy of the SAML authentication request can't be met.\n\nRequestor: %1\nName identifier format: %2\nSPNameQualifier: %3\n\nException details:\n%4\n\nUser Action\nAdd an issuance transform rule that gives a name identifier of this format."),
    event!(324, "CallerAuthorizationTokenIssuanceFailureAudit", AuditFailure, Security, &["Instance ID", "Activity ID", "Caller", "Relying party"],
        "The authorization rules do not let the caller have a token for the relying party '%4'. Audit 501 with the same Instance ID has the identity of the caller.\n\nInstance ID: %1\n\nActivity ID: %2\n\nCaller: %3\n\nRelying party: %4"),
    event!(325, "CallerAuthorizationError", Error, Admin, &["Caller", "Relying party"],
        "The Federation Service could not issue a token: the caller '%1' is not authorized for the relying party '%2'.\n\nUser Action\nLook at the access control policy or the issuance authorization rules of the relying party trust."),
    event!(342, "SecurityTokenValidationError", Error, Admin, &["Token Type", "Error message", "Exception details"],
        "Token validation failed.\n\nAdditional Data\n\nToken Type:\n%1\n\nError message:\n%2\n\nException details:\n%3"),
    event!(364, "WSFederationPassiveRequestFailedError", Error, Admin, &["Protocol Name", "Relying Party", "Exception details"],
        "A passive federation request failed.\n\nAdditional Data\n\nProtocol Name:\n%1\n\nRelying Party:\n%2\n\nException details:\n%3"),
    event!(403, "RequestReceivedSuccessAudit", AuditSuccess, Security, &["Instance ID", "Activity ID", "Date And Time", "Client IP", "HTTP Method", "Url Absolute Path", "Query string", "Local Port", "Local IP", "User Agent", "Content Length", "Caller Identity", "Certificate Identity", "Targeted relying party", "Through proxy", "Proxy DNS name"],
        "An HTTP request came in. Audit 510 with the same Instance ID has its headers.\n\nInstance ID: %1\n\nActivity ID: %2\n\nRequest Details:\n    Date And Time: %3\n    Client IP: %4\n    HTTP Method: %5\n    Url Absolute Path: %6\n    Query string: %7\n    Local Port: %8\n    Local IP: %9\n    User Agent: %10\n    Content Length: %11\n    Caller Identity: %12\n    Certificate Identity (if any): %13\n    Targeted relying party: %14\n    Through proxy: %15\n    Proxy DNS name: %16"),
    event!(404, "ResponseSentSuccessAudit", AuditSuccess, Security, &["Instance ID", "Activity ID", "Date And Time", "Status Code", "Status Description"],
        "An HTTP response went out. Audit 510 with the same Instance ID has its headers.\n\nInstance ID: %1\n\nActivity ID: %2\n\nResponse Details:\n    Date And Time: %3\n    Status Code: %4\n    Status Description: %5"),
    event!(405, "PasswordChangeSuccessAudit", AuditSuccess, Security, &["Activity ID", "User", "Device Certificate", "Server"],
        "A user's password was changed.\n\nAdditional Data\n\nActivity ID: %1\n\nUser: %2\n\nDevice Certificate: %3\n\nServer that was asked for the change: %4"),
    event!(406, "PasswordChangeFailureAudit", AuditFailure, Security, &["Activity ID", "User", "Device Certificate", "Server", "Error details"],
        "A user's password could not be changed.\n\nAdditional Data\n\nActivity ID: %1\n\nUser: %2\n\nDevice Certificate: %3\n\nServer that was asked for the change: %4\n\nError details: %5"),
    event!(410, "RequestContextHeadersSuccessAudit", AuditSuccess, Security, &["Activity ID", "X-MS-Client-Application", "X-MS-Client-User-Agent", "client-request-id", "X-MS-Endpoint-Absolute-Path", "X-MS-Forwarded-Client-IP", "X-MS-Proxy", "X-MS-ADFS-Proxy-Client-IP"],
        "Request context headers of the request:\n\nActivity ID: %1\n\nCurrent Headers:\n    X-MS-Client-Application: %2\n    X-MS-Client-User-Agent: %3\n    client-request-id: %4\n    X-MS-Endpoint-Absolute-Path: %5\n    X-MS-Forwarded-Client-IP: %6\n    X-MS-Proxy: %7\n    X-MS-ADFS-Proxy-Client-IP: %8"),
    event!(411, "SecurityTokenValidationFailureAudit", AuditFailure, Security, &["Activity ID", "Token Type", "Error message", "Exception details", "Client IP"],
        "Token validation failed. Event 342 of the same activity in the AD FS/Admin log says more.\n\nAdditional Data\n\nActivity ID: %1\n\nToken Type:\n%2\n\nClient IP:\n%5\n\nError message:\n%3\n\nException details:\n%4"),
    event!(412, "AuthenticationSuccessAudit", AuditSuccess, Security, &["Instance ID", "Activity ID", "Token Type", "Relying party"],
        "A token of the type '%3' for the relying party '%4' was accepted. Audit 501 with the same Instance ID has the identity of the caller.\n\nInstance ID: %1\n\nActivity ID: %2\n\nToken Type: %3\n\nRelying party: %4"),
    event!(413, "CallerIdFailureAudit", AuditFailure, Security, &["Activity ID", "Caller", "OnBehalfOf user", "ActAs user", "Target Relying Party", "Device identity", "Client IP"],
        "A token request failed. What is known of who made it:\n\nActivity ID: %1\n\nCaller: %2\n\nOnBehalfOf user: %3\n\nActAs user: %4\n\nTarget Relying Party: %5\n\nDevice identity: %6\n\nClient IP: %7"),
    event!(500, "IssuedIdentityClaims", AuditSuccess, Security, LIST,
        "More about the entry with Instance ID %1. Other events may have the same Instance ID and continue this one.\n\nInstance ID: %1\n\nIssued identity:\n%+"),
    event!(501, "CallerIdentityClaims", AuditSuccess, Security, LIST,
        "More about the entry with Instance ID %1. Other events may have the same Instance ID and continue this one.\n\nInstance ID: %1\n\nCaller identity:\n%+"),
    event!(510, "LongText", AuditSuccess, Security, LIST,
        "More about the entry with Instance ID %1. Other events may have the same Instance ID and continue this one.\n\nInstance ID: %1\n\nDetails:\n%+"),
    event!(516, "ExtranetLockoutAccountRestrictedAudit", AuditFailure, Security, &["Activity ID", "User", "Client IP", "nBad Password Count", "nLast Bad Password Attempt"],
        "The account is locked out for requests from outside; the request was refused.\n\nAdditional Data\n\nActivity ID: %1\n\nUser: %2\n\nClient IP: %3\n\nBad Password Count: %4\n\nLast Bad Password Attempt: %5"),
    event!(1000, "CallerId", Warning, Admin, &["Caller", "OnBehalfOf user", "ActAs user", "Target Relying Party", "Device identity"],
        "A token request failed. What is known of who made it:\n\nAdditional Data\n\nCaller:\n%1\n\nOnBehalfOf user:\n%2\n\nActAs user:\n%3\n\nTarget Relying Party:\n%4\n\nDevice identity:\n%5\n\nUser Action\nFind the cause in the other events with the same Activity ID."),
    basic_audit!(1200, "AppTokenSuccessAudit", AuditSuccess, "A valid token was issued. See XML for details."),
    basic_audit!(1201, "AppTokenFailureAudit", AuditFailure, "No valid token could be issued. See XML for failure details."),
    basic_audit!(1202, "FreshCredentialSuccessAudit", AuditSuccess, "A new credential was accepted. See XML for details."),
    basic_audit!(1203, "FreshCredentialFailureAudit", AuditFailure, "A new credential was not accepted. See XML for failure details."),
    basic_audit!(1204, "PasswordChangeBasicSuccessAudit", AuditSuccess, "A password was changed. See XML for details."),
    basic_audit!(1205, "PasswordChangeBasicFailureAudit", AuditFailure, "A password could not be changed. See XML for failure details."),
    basic_audit!(1210, "ExtranetLockoutAudit", AuditFailure, "An account is locked out for requests from outside. See XML for failure details."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_found_and_every_text_names_only_its_own_items() {
        assert!(CATALOGUE.is_sorted_by(|a, b| a.id < b.id));
        for event in CATALOGUE {
            assert_eq!(definition(event.id), Some(event));
            for piece in event.message.split('%').skip(1).filter(|piece| !piece.starts_with('+')) {
                let number: usize =
                    piece.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap();
                assert!((1..=event.fields.len()).contains(&number), "{} %{number}", event.id);
            }
        }
        assert_eq!(definition(153), None);
    }

    #[test]
    fn a_text_has_the_blank_before_each_line_end() {
        let text = definition(1203).unwrap().message(&["A".into(), "<xml>".into()]);
        assert_eq!(
            text,
            "A new credential was not accepted. See XML for failure details. \r\n\r\nActivity ID: A \r\n\r\nAdditional Data \r\nXML: <xml>"
        );
        let text =
            definition(501).unwrap().message(&["I".into(), "type".into(), "100 %1".into(), "-".into()]);
        assert!(
            text.ends_with("Instance ID: I \r\n\r\nCaller identity: \r\ntype \r\n100 %1 \r\n- \r\n"),
            "{text:?}"
        );
    }
}
