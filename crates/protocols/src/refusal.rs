//! Why a request was refused, in AD FS's terms: one place gives each reason its MSIS code, its event text and
//! the SAML status that answers it. HTTP status, event id and page text are the server's.

use std::fmt;

/// Text that a peer sent, made fit for events, logs and pages: at most [`PeerText::LONGEST`] characters, and
/// none that could forge a log line or turn the reading direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerText(String);

impl PeerText {
    /// Longest text that is shown, in characters; the cut is marked by an ellipsis.
    pub const LONGEST: usize = 256;

    /// Takes over what may be shown of `text`. Security case 36.
    pub fn new(text: &str) -> Self {
        // Looks at no more than it keeps: what a peer sent may be megabytes long.
        let mut shown: String = text.chars().take(Self::LONGEST).filter(|c| !is_hidden(*c)).collect();
        if text.chars().nth(Self::LONGEST).is_some() {
            shown.pop();
            shown.push('…');
        }
        Self(shown)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Control characters, line and paragraph separators, and the marks that reorder or hide the text beside them.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{061C}')
}

impl fmt::Display for PeerText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a WS-Federation or SAML request was refused. `Display` is the text of the event: code and sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No protocol answers on this path to this request: no known parameter, or another `wa`.
    NoHandler {
        /// Path that was asked.
        path: PeerText,
    },
    /// No enabled trust has the identifier (`wtrealm`, SAML `Issuer`), or none was sent.
    UnknownRelyingParty {
        /// Identifier as sent.
        identifier: PeerText,
    },
    /// A parameter that steers the answer came more than once.
    DuplicateParameter {
        /// Its name.
        parameter: &'static str,
    },
    /// A parameter is longer than allowed.
    ParameterTooLong {
        /// Its name.
        parameter: &'static str,
        /// Most octets after decoding.
        limit: usize,
    },
    /// A parameter's value can't be read.
    ParameterNotReadable {
        /// Its name.
        parameter: &'static str,
        /// Value as sent.
        value: PeerText,
        /// What it should have been, as the end of "expected …".
        expected: &'static str,
    },
    /// The trust has no WS-Federation endpoint, so no token can be sent.
    NoWsFederationEndpoint {
        /// Identifier as sent.
        identifier: PeerText,
    },
    /// `wreply` is none of the trust's endpoints.
    ReplyNotRegistered {
        /// Identifier as sent.
        identifier: PeerText,
        /// Address as sent.
        reply: PeerText,
    },
    /// No method of this service satisfies the wanted one (`wauth`, SAML `RequestedAuthnContext`).
    AuthenticationMethodNotSupported {
        /// Method as sent; of several, the first.
        method: PeerText,
    },
    /// A SAML message can't be read; `what` ends the sentence "… : {what}".
    SamlNotReadable {
        /// What is wrong with it.
        what: PeerText,
    },
    /// A SAML message is older, or from further in the future, than the delivery window allows.
    SamlMessageOutsideWindow {
        /// Issuer as sent.
        issuer: PeerText,
        /// Its `IssueInstant` as sent.
        issue_instant: PeerText,
    },
    /// The signature of a SAML message is wrong, or none of the trust's certificates made it.
    WrongSignature {
        /// Issuer as sent.
        issuer: PeerText,
    },
    /// A SAML message of a trust that demands signatures has none.
    SignatureMissing {
        /// Issuer as sent.
        issuer: PeerText,
    },
    /// A SAML message is signed by an algorithm that is not accepted.
    SignatureAlgorithmNotSupported {
        /// Issuer as sent.
        issuer: PeerText,
        /// Algorithm as sent.
        algorithm: PeerText,
    },
    /// A SAML message was meant for another address.
    WrongDestination {
        /// Issuer as sent.
        issuer: PeerText,
        /// `Destination` as sent.
        destination: PeerText,
    },
    /// The trust has no assertion consumer endpoint, so no response can be sent.
    NoAssertionConsumer {
        /// Issuer as sent.
        issuer: PeerText,
    },
    /// `AssertionConsumerServiceURL` is none of the trust's endpoints.
    AssertionConsumerNotRegistered {
        /// Issuer as sent.
        issuer: PeerText,
        /// Address as sent.
        url: PeerText,
    },
    /// `AssertionConsumerServiceIndex` is the index of none of the trust's endpoints.
    AssertionConsumerIndexUnknown {
        /// Issuer as sent.
        issuer: PeerText,
        /// Index as sent.
        index: PeerText,
    },
    /// `ProtocolBinding` asks for a response by a binding of which the trust has no endpoint.
    ResponseBindingNotSupported {
        /// Issuer as sent.
        issuer: PeerText,
        /// Binding as sent.
        binding: PeerText,
    },
    /// The issued name identifier is not of the format that `NameIDPolicy` demands.
    NameIdPolicyNotSatisfied {
        /// Format as sent.
        wanted: PeerText,
        /// Format as issued; empty when there is no name identifier, or one without format.
        issued: PeerText,
    },
    /// `IsPassive` was set, and the user would have to be asked something.
    InteractionNeeded,
}

/// Status of a SAML response: the last part of its two status code URIs
/// (`urn:oasis:names:tc:SAML:2.0:status:…`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SamlStatus {
    /// `Requester` or `Responder`.
    pub code: &'static str,
    /// The nested code.
    pub second: &'static str,
}

impl Refusal {
    /// AD FS's number for this reason, where it is known to have one.
    pub fn code(&self) -> Option<&'static str> {
        use Refusal::*;
        Some(match self {
            NoHandler { .. } => "MSIS7065",
            UnknownRelyingParty { .. } => "MSIS7007",
            AuthenticationMethodNotSupported { .. } => "MSIS7102",
            SamlNotReadable { .. } => "MSIS7015",
            WrongSignature { .. } => "MSIS0038",
            NoAssertionConsumer { .. } => "MSIS3077",
            AssertionConsumerNotRegistered { .. } => "MSIS3200",
            NameIdPolicyNotSatisfied { .. } => "MSIS7070",
            _ => return None,
        })
    }

    /// The SAML status to answer with; `None`: the answer is an error page, because nothing says yet where a
    /// response might safely go.
    pub fn saml_status(&self) -> Option<SamlStatus> {
        let status = |code, second| Some(SamlStatus { code, second });
        match self {
            Self::AuthenticationMethodNotSupported { .. } => status("Responder", "NoAuthnContext"),
            Self::NameIdPolicyNotSatisfied { .. } => status("Requester", "InvalidNameIDPolicy"),
            Self::InteractionNeeded => status("Responder", "NoPassive"),
            _ => None,
        }
    }

    /// The sentence, in English, without the code.
    pub fn text(&self) -> String {
        use Refusal::*;
        match self {
            NoHandler { path } => format!(
                "There are no registered protocol handlers on path {path} to process the incoming request."
            ),
            UnknownRelyingParty { identifier } => format!(
                "The requested relying party trust '{identifier}' is unspecified or unsupported. If a relying \
                 party trust was specified, it is possible that you do not have permission to access the trust \
                 relying party. Contact your administrator for details."
            ),
            DuplicateParameter { parameter } => {
                format!("The parameter '{parameter}' came more than once. Send it once.")
            }
            ParameterTooLong { parameter, limit } => {
                format!("The parameter '{parameter}' is too long. At most {limit} octets are allowed.")
            }
            ParameterNotReadable { parameter, value, expected } => {
                format!("The parameter '{parameter}' has the value '{value}'; expected {expected}.")
            }
            NoWsFederationEndpoint { identifier } => format!(
                "The relying party trust '{identifier}' has no WS-Federation endpoint, so no token can be sent \
                 to it. Set WSFedEndpoint on the trust."
            ),
            ReplyNotRegistered { identifier, reply } => format!(
                "The reply address '{reply}' is not registered on the relying party trust '{identifier}'. It \
                 must equal WSFedEndpoint or an AdditionalWSFedEndpoint of the trust, character by character."
            ),
            AuthenticationMethodNotSupported { .. } => {
                "Requested Authentication Method is not supported on the STS.".to_owned()
            }
            SamlNotReadable { what } => format!(
                "This request does not contain the expected protocol message or incorrect protocol parameters \
                 were found according to the HTTP SAML protocol bindings: {what}."
            ),
            SamlMessageOutsideWindow { issuer, issue_instant } => format!(
                "The SAML message was issued at '{issue_instant}', which lies outside of \
                 SamlMessageDeliveryWindow. Compare the clocks of both sides. Issuer: '{issuer}'."
            ),
            WrongSignature { issuer } => format!("SAML Message has wrong signature. Issuer: '{issuer}'."),
            SignatureMissing { issuer } => format!(
                "The SAML message is not signed, but the relying party trust has SignedSamlRequestsRequired \
                 set. Issuer: '{issuer}'."
            ),
            SignatureAlgorithmNotSupported { issuer, algorithm } => format!(
                "The SAML message is signed by the algorithm '{algorithm}', which is not accepted; expected \
                 http://www.w3.org/2001/04/xmldsig-more#rsa-sha256. Issuer: '{issuer}'."
            ),
            WrongDestination { issuer, destination } => format!(
                "The SAML message names the destination '{destination}', which is not an address of this \
                 service. Issuer: '{issuer}'."
            ),
            NoAssertionConsumer { issuer } => format!(
                "The relying party trust '{issuer}' has no AssertionConsumerService, so no response can be \
                 sent to it. Add an endpoint to SamlEndpoints of the trust."
            ),
            AssertionConsumerNotRegistered { issuer, url } => format!(
                "No AssertionConsumerService is configured on the relying party trust '{issuer}' that is a \
                 prefix match of the AssertionConsumerService URL '{url}' specified by the request."
            ),
            AssertionConsumerIndexUnknown { issuer, index } => format!(
                "No AssertionConsumerService with the index '{index}' is configured on the relying party trust \
                 '{issuer}'."
            ),
            ResponseBindingNotSupported { issuer, binding } => format!(
                "No AssertionConsumerService with the binding '{binding}' is configured on the relying party \
                 trust '{issuer}'."
            ),
            NameIdPolicyNotSatisfied { wanted, issued } => format!(
                "The SAML request contained a NameIDPolicy that was not satisfied by the issued token. \
                 Requested NameIDPolicy: Format: '{wanted}'. Actual NameID properties: Format: '{issued}'."
            ),
            InteractionNeeded => {
                "The request forbids to ask the user (IsPassive), but the user has to sign in.".to_owned()
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code() {
            Some(code) => write!(f, "{code}: {}", self.text()),
            None => f.write_str(&self.text()),
        }
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_the_one_that_administrators_search_for() {
        let refusal = Refusal::UnknownRelyingParty { identifier: PeerText::new("urn:app") };
        assert_eq!(
            refusal.to_string(),
            "MSIS7007: The requested relying party trust 'urn:app' is unspecified or unsupported. If a relying \
             party trust was specified, it is possible that you do not have permission to access the trust \
             relying party. Contact your administrator for details."
        );
        let refusal = Refusal::NoHandler { path: PeerText::new("/adfs/ls/") };
        assert_eq!(
            refusal.to_string(),
            "MSIS7065: There are no registered protocol handlers on path /adfs/ls/ to process the incoming request."
        );
    }

    /// Security case 36.
    #[test]
    fn what_a_peer_sent_can_neither_forge_a_log_line_nor_flood_it() {
        assert_eq!(PeerText::new("a\r\nMSIS0000: \u{202E}b\0\u{2028}").as_str(), "aMSIS0000: b");
        let long = PeerText::new(&"あ".repeat(100_000));
        assert_eq!(long.as_str().chars().count(), PeerText::LONGEST);
        assert!(long.as_str().ends_with('…'));
        assert_eq!(PeerText::new("上杉 謙信").as_str(), "上杉 謙信");
    }

    #[test]
    fn only_a_refusal_behind_a_known_consumer_becomes_a_saml_status() {
        let issuer = PeerText::new("urn:sp");
        assert_eq!(Refusal::WrongSignature { issuer }.saml_status(), None);
        let status = Refusal::InteractionNeeded.saml_status().unwrap();
        assert_eq!((status.code, status.second), ("Responder", "NoPassive"));
    }
}
