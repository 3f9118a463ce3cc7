//! SAML sign-in: an AuthnRequest checked against its relying party trust (SAML profiles 4.1.4.1; bindings
//! 3.4.5.2, 3.5.5.2).
//!
//! [`Received`] and its trust → [`SignIn`] → [`CHECKS`] → [`CheckedSignIn`]

use std::time::Duration;

use base::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use configuration::{RelyingPartyTrust, SamlEndpoint};
use url::Url;
use xml::{Profile, SignatureError, SignaturePolicy, VerificationKey, Verified, verify};

use super::BINDING_POST;
use super::authn_request::{AuthnRequest, Received};
use super::requested_authn_context::Wanted;
use crate::check::{self, Refused, Verdict};
use crate::{PeerText, Refusal, checks};

/// Longest `RelayState` in octets. The standard says 80 (bindings 3.4.3), AD FS and many senders do not care.
const LONGEST_RELAY_STATE: usize = 8 * 1024;

/// What a request is measured by, beside its trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Address at which requests arrive, such as `https://fs.example.com/adfs/ls/`.
    pub endpoint: String,
    /// Now.
    pub now: Timestamp,
    /// `SamlMessageDeliveryWindow`: how far the request's time may lie before or after.
    pub delivery_window: Duration,
}

/// A request before its checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// The request.
    pub request: AuthnRequest,
    /// `RelayState`.
    pub relay_state: Option<String>,
    /// What it is measured by.
    pub context: Context,
    signature: Signature,
}

/// What became of the request's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Signature {
    Absent,
    Right(Signed),
    Wrong(SignatureError),
}

/// Evidence that a request was signed by one of its trust's certificates; only a verified signature makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed {
    certificate: usize,
}

impl Signed {
    /// The place of the certificate in the trust's `RequestSigningCertificate`.
    pub fn certificate(self) -> usize {
        self.certificate
    }
}

/// A request that has passed every check.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckedSignIn {
    /// The request.
    pub request: AuthnRequest,
    /// `RelayState`, to be sent back as it came.
    pub relay_state: Option<String>,
    /// Evidence of its signature; `None` when the trust lets unsigned requests pass.
    pub signed: Option<Signed>,
    /// Where the response goes: always an endpoint of the trust, in the trust's spelling.
    pub assertion_consumer: SamlEndpoint,
    /// How the user is to be authenticated.
    pub authentication: Wanted,
}

impl SignIn {
    /// Joins a request with what it is measured by, and verifies its signature with the certificates of
    /// `trust`, the trust that [`AuthnRequest::issuer`] names.
    pub fn new(received: Received<'_>, trust: &RelyingPartyTrust, context: Context) -> Self {
        let signature = verify_signature(&received, trust);
        let relay_state = received.message.relay_state.clone();
        Self { request: received.request, relay_state, context, signature }
    }

    /// Runs the [`CHECKS`].
    ///
    /// A refusal that has a SAML status ([`Refusal::saml_status`]) is answered at [`assertion_consumer`]; every
    /// other one by an error page.
    pub fn check(self, trust: &RelyingPartyTrust) -> Result<CheckedSignIn, Refused> {
        check::run(CHECKS, &self, trust)?;
        let refused = |check| move |refusal| Refused { check, refusal };
        let assertion_consumer = assertion_consumer(&self.request, trust)
            .map_err(refused("assertion_consumer_is_registered"))?
            .clone();
        let authentication =
            authentication(&self.request).map_err(refused("requested_authn_context_can_be_met"))?;
        let signed = match self.signature {
            Signature::Right(signed) => Some(signed),
            Signature::Absent | Signature::Wrong(_) => None,
        };
        let Self { request, relay_state, .. } = self;
        Ok(CheckedSignIn { request, relay_state, signed, assertion_consumer, authentication })
    }

    fn issuer(&self) -> PeerText {
        PeerText::new(&self.request.issuer)
    }
}

checks! {
    /// Whether a SAML sign-in may go on, in this order: first whose it is, then where the answer may go, then
    /// what can be answered there.
    pub const CHECKS: [SignIn, RelyingPartyTrust] = [
        /// A disabled trust is answered as if it did not exist.
        trust_is_enabled,
        /// A trust that demands signed requests gets nothing for unsigned ones.
        signature_is_present_when_required,
        /// A signature that is there is right, by whichever of the trust's certificates, unless the trust has
        /// none and demands none.
        signature_is_right,
        /// A request that names its destination names this service.
        destination_is_this_service,
        /// The request was written within SamlMessageDeliveryWindow.
        issue_instant_is_recent,
        /// The response goes to a registered endpoint by the POST binding: to the one that the request names by
        /// address or index, else to the default one. No prefix, no case folding.
        assertion_consumer_is_registered,
        /// RelayState is bounded, since it comes back in the page of the response.
        relay_state_is_bounded,
        /// A method of this service satisfies RequestedAuthnContext.
        requested_authn_context_can_be_met,
    ];
}

fn trust_is_enabled(sign_in: &SignIn, trust: &RelyingPartyTrust) -> Verdict {
    match trust.enabled {
        true => Verdict::Pass,
        false => Verdict::Refuse(Refusal::UnknownRelyingParty { identifier: sign_in.issuer() }),
    }
}

fn signature_is_present_when_required(sign_in: &SignIn, trust: &RelyingPartyTrust) -> Verdict {
    match sign_in.signature {
        Signature::Absent if trust.signed_saml_requests_required => {
            Verdict::Refuse(Refusal::SignatureMissing { issuer: sign_in.issuer() })
        }
        _ => Verdict::Pass,
    }
}

fn signature_is_right(sign_in: &SignIn, trust: &RelyingPartyTrust) -> Verdict {
    let issuer = sign_in.issuer();
    match &sign_in.signature {
        Signature::Absent | Signature::Right(_) => Verdict::Pass,
        Signature::Wrong(_)
            if trust.request_signing_certificate.is_empty() && !trust.signed_saml_requests_required =>
        {
            Verdict::Pass
        }
        Signature::Wrong(SignatureError::Algorithm { uri }) => {
            Verdict::Refuse(Refusal::SignatureAlgorithmNotSupported { issuer, algorithm: PeerText::new(uri) })
        }
        Signature::Wrong(SignatureError::Sha1NotAllowed) => {
            Verdict::Refuse(Refusal::SignatureAlgorithmNotSupported {
                issuer,
                algorithm: PeerText::new("SHA-1"),
            })
        }
        Signature::Wrong(_) => Verdict::Refuse(Refusal::WrongSignature { issuer }),
    }
}

fn destination_is_this_service(sign_in: &SignIn, _trust: &RelyingPartyTrust) -> Verdict {
    match &sign_in.request.destination {
        Some(destination) if !is_same_endpoint(destination, &sign_in.context.endpoint) => {
            Verdict::Refuse(Refusal::WrongDestination {
                issuer: sign_in.issuer(),
                destination: PeerText::new(destination),
            })
        }
        _ => Verdict::Pass,
    }
}

fn issue_instant_is_recent(sign_in: &SignIn, _trust: &RelyingPartyTrust) -> Verdict {
    let Context { now, delivery_window, .. } = sign_in.context;
    let issued = sign_in.request.issue_instant;
    match issued < now.minus(delivery_window) || issued > now.plus(delivery_window) {
        false => Verdict::Pass,
        true => Verdict::Refuse(Refusal::SamlMessageOutsideWindow {
            issuer: sign_in.issuer(),
            issue_instant: PeerText::new(&issued.to_xml()),
        }),
    }
}

fn assertion_consumer_is_registered(sign_in: &SignIn, trust: &RelyingPartyTrust) -> Verdict {
    match assertion_consumer(&sign_in.request, trust) {
        Ok(_) => Verdict::Pass,
        Err(refusal) => Verdict::Refuse(refusal),
    }
}

fn relay_state_is_bounded(sign_in: &SignIn, _trust: &RelyingPartyTrust) -> Verdict {
    match &sign_in.relay_state {
        Some(relay_state) if relay_state.len() > LONGEST_RELAY_STATE => {
            Verdict::Refuse(Refusal::ParameterTooLong { parameter: "RelayState", limit: LONGEST_RELAY_STATE })
        }
        _ => Verdict::Pass,
    }
}

fn requested_authn_context_can_be_met(sign_in: &SignIn, _trust: &RelyingPartyTrust) -> Verdict {
    match authentication(&sign_in.request) {
        Ok(_) => Verdict::Pass,
        Err(refusal) => Verdict::Refuse(refusal),
    }
}

/// The endpoint of the trust to which the response of `request` goes.
pub fn assertion_consumer<'t>(
    request: &AuthnRequest,
    trust: &'t RelyingPartyTrust,
) -> Result<&'t SamlEndpoint, Refusal> {
    let issuer = PeerText::new(&request.issuer);
    if trust.assertion_consumers().next().is_none() {
        return Err(Refusal::NoAssertionConsumer { issuer });
    }
    if let Some(binding) = request.protocol_binding.as_deref().filter(|binding| *binding != BINDING_POST) {
        return Err(Refusal::ResponseBindingNotSupported { issuer, binding: PeerText::new(binding) });
    }
    let url = request.assertion_consumer_service_url.as_deref();
    let has_url = |endpoint: &&SamlEndpoint| url.is_none_or(|url| endpoint.location == url);
    let index = request.assertion_consumer_service_index;
    let has_index = |endpoint: &&SamlEndpoint| index.is_none_or(|index| endpoint.index == index);
    let endpoint = trust.assertion_consumers().filter(has_url).find(has_index);
    match (endpoint, url, index) {
        (Some(endpoint), _, _) => Ok(endpoint),
        (None, Some(url), _) => {
            Err(Refusal::AssertionConsumerNotRegistered { issuer, url: PeerText::new(url) })
        }
        (None, None, Some(index)) => {
            let index = PeerText::new(&index.to_string());
            Err(Refusal::AssertionConsumerIndexUnknown { issuer, index })
        }
        (None, None, None) => Err(Refusal::NoAssertionConsumer { issuer }),
    }
}

fn authentication(request: &AuthnRequest) -> Result<Wanted, Refusal> {
    let Some(context) = &request.requested_authn_context else { return Ok(Wanted::Any) };
    context.meet().ok_or_else(|| {
        let method = context.class_refs.first().map_or("", String::as_str);
        Refusal::AuthenticationMethodNotSupported { method: PeerText::new(method) }
    })
}

/// The signature beside the message, else the one inside it: where it stands decides, not the binding.
fn verify_signature(received: &Received<'_>, trust: &RelyingPartyTrust) -> Signature {
    // A certificate that can't be used, such as one with a short key, verifies nothing; the others still do.
    let usable = |(at, certificate): (usize, &String)| {
        let key = VerificationKey::from_certificate_der(&STANDARD.decode(certificate).ok()?).ok()?;
        Some((at, key))
    };
    let (places, keys): (Vec<usize>, Vec<VerificationKey>) =
        trust.request_signing_certificate.iter().enumerate().filter_map(usable).unzip();
    let policy = SignaturePolicy::strict(Profile::Saml2);
    let key = match &received.message.signature {
        Some(beside) => {
            verify::detached(&beside.algorithm, &keys, beside.signed.as_bytes(), &beside.value, &policy)
                .map(|verified: Verified<_>| verified.key_index())
        }
        None => verify::enveloped(received.document.root(), &keys, &policy)
            .map(|verified: Verified<_>| verified.key_index()),
    };
    match key {
        Ok(key) => match places.get(key) {
            Some(certificate) => Signature::Right(Signed { certificate: *certificate }),
            None => Signature::Wrong(SignatureError::NoKey { keys: keys.len() }),
        },
        Err(SignatureError::Missing { .. }) => Signature::Absent,
        Err(error) => Signature::Wrong(error),
    }
}

/// Whether both are the same endpoint: AD FS's paths are compared without regard to case and to a slash at the
/// end, and the default port may be written.
fn is_same_endpoint(one: &str, other: &str) -> bool {
    let (Ok(one), Ok(other)) = (Url::parse(one), Url::parse(other)) else { return false };
    let path = |url: &Url| url.path().trim_end_matches('/').to_ascii_lowercase();
    one.origin() == other.origin()
        && one.username().is_empty()
        && one.password().is_none()
        && path(&one) == path(&other)
        && one.query() == other.query()
}

#[cfg(test)]
mod tests;
