//! Accepting an assertion: the one way in which this service believes a token, its own or another's.
//!
//! element → [`crate::read`] → [`CHECKS`] against the [`Expectations`] → [`ValidatedToken`]
//!
//! All checks run, so an administrator sees all problems of a token at once. A [`ValidatedToken`] is made only
//! from an element that the verifier of signatures returned.
//!
//! That no token is taken twice is for the caller to see to: it remembers [`ValidatedToken::id`] until
//! [`ValidatedToken::not_on_or_after`].

use std::time::Duration;

use base::Timestamp;
use claims::Claim;
use xml::{Element, Profile, SignatureError, SignaturePolicy, VerificationKey, Verified};

use crate::Version;
use crate::error::Shown;
use crate::read::{self, Authentication, Confirmation, ReadError, Token};

/// What a token must satisfy.
#[derive(Debug, Clone, Copy)]
pub struct Expectations<'a> {
    /// The issuers that are believed, and their keys.
    pub issuers: &'a [TrustedIssuer<'a>],
    /// The identifiers of whoever reads the token; each audience restriction has to name one of them.
    pub audiences: &'a [&'a str],
    /// Address that the token came to. A SAML 2.0 token has to name it; SAML 1.1 has no place for it.
    /// `None`: not asked.
    pub recipient: Option<&'a str>,
    /// What the token has to say about the request that it answers.
    pub in_response_to: InResponseTo<'a>,
    /// Now.
    pub now: Timestamp,
    /// By how much the clocks of issuer and reader may differ.
    pub skew: Duration,
}

/// An issuer that is believed.
#[derive(Debug, Clone, Copy)]
pub struct TrustedIssuer<'a> {
    /// Its identifier, compared octet by octet.
    pub identifier: &'a str,
    /// Its keys, as configured; a key in a token counts for nothing.
    pub keys: &'a [VerificationKey],
    /// Whether its signatures may be RSA-SHA1.
    pub allow_sha1: bool,
}

/// What a token has to say about the request that it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InResponseTo<'a> {
    /// The protocol has no such field (WS-Federation).
    NotAsked,
    /// No request was sent, so none may be named.
    Unsolicited,
    /// Exactly this request, the one of this browser.
    Request(&'a str),
}

/// A token that is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatedToken {
    token: Token,
    audience: String,
    not_on_or_after: Timestamp,
    authentication: Authentication,
}

impl ValidatedToken {
    /// Version of the assertion.
    pub fn version(&self) -> Version {
        self.token.version
    }

    /// Its identifier; a token is taken once.
    pub fn id(&self) -> &str {
        &self.token.id
    }

    /// Who made it.
    pub fn issuer(&self) -> &str {
        &self.token.issuer
    }

    /// Under which of the reader's identifiers it was made for the reader.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// The subject's name, if it has one; it is among the claims as well.
    pub fn name_id(&self) -> Option<&str> {
        self.token.name_id.as_deref()
    }

    /// The claims; `Issuer` is the token's issuer, `OriginalIssuer` what the token says.
    pub fn claims(&self) -> &[Claim] {
        &self.token.claims
    }

    /// How the subject signed in, a URI.
    pub fn authentication_method(&self) -> &str {
        &self.authentication.method
    }

    /// When the subject signed in.
    pub fn authentication_instant(&self) -> Timestamp {
        self.authentication.instant
    }

    /// By what name the issuer knows the session (SAML 2.0).
    pub fn session_index(&self) -> Option<&str> {
        self.authentication.session_index.as_deref()
    }

    /// When it was made.
    pub fn issue_instant(&self) -> Timestamp {
        self.token.issue_instant
    }

    /// Not valid before this instant, when it says so.
    pub fn not_before(&self) -> Option<Timestamp> {
        self.token.not_before
    }

    /// Not valid from this instant on.
    pub fn not_on_or_after(&self) -> Timestamp {
        self.not_on_or_after
    }
}

/// Why a token is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValidationProblem {
    /// It can't be read; the checks did not run.
    #[error("the token can't be read: {0}")]
    NotReadable(#[from] ReadError),
    /// Not exactly one assertion stands in what was signed; the checks did not run.
    #[error("the message holds {found} assertions; expected one")]
    AssertionCount {
        /// How many there are, those that are encrypted too.
        found: usize,
    },
    /// Its signature is not believed.
    #[error("the signature of the token is not believed: {0}")]
    Signature(SignatureError),
    /// Its issuer is not trusted.
    #[error("the issuer '{issuer}' is not trusted here")]
    IssuerNotTrusted {
        /// Issuer as sent.
        issuer: Shown,
    },
    /// It does not say whom it is for.
    #[error("the token has no audience restriction")]
    AudienceMissing,
    /// One of its audience restrictions does not name the reader.
    #[error("the token is for the audience '{found}', not for this party")]
    AudienceWrong {
        /// The first audience of the restriction.
        found: Shown,
    },
    /// It is not valid yet.
    #[error("the token is valid from {not_before}, and now it is {now}; compare the clocks of both sides")]
    NotYetValid {
        /// When it begins.
        not_before: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// It is not valid any more.
    #[error("the token was valid before {not_on_or_after}, and now it is {now}")]
    Expired {
        /// When it ended.
        not_on_or_after: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// It does not say when it ends.
    #[error("the token has no NotOnOrAfter")]
    NoEnd,
    /// It is not of the kind that whoever presents it is its subject.
    #[error("the token has not exactly one bearer confirmation")]
    NotBearer,
    /// It came outside of the time in which it may be delivered.
    #[error("the token had to be delivered before {not_on_or_after}, and now it is {now}")]
    DeliveredLate {
        /// When it had to be delivered.
        not_on_or_after: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// It does not say by when it must be delivered, or says what a bearer confirmation must not say.
    #[error("the bearer confirmation needs NotOnOrAfter and must not have NotBefore")]
    DeliveryTime,
    /// It was sent to another address, or does not name one.
    #[error("the token was sent to '{found}', not to the address that received it")]
    RecipientWrong {
        /// Recipient as sent; empty when there is none.
        found: Shown,
    },
    /// It answers another request, or none where one was sent, or one where none was sent.
    #[error("the token answers the request '{found}', which is not the one of this browser")]
    InResponseToWrong {
        /// Request as sent; empty when there is none.
        found: Shown,
    },
    /// It does not say how the subject signed in.
    #[error("the token has no authentication statement")]
    NoAuthentication,
}

/// A token on its way to be believed.
struct Candidate<'a, 'input> {
    token: Token,
    /// What was signed; the element itself, or what it stands in.
    signed: Result<Verified<Element<'a, 'input>>, SignatureError>,
    /// Whether the token names a trusted issuer; its keys were used.
    issuer_is_trusted: bool,
}

impl Candidate<'_, '_> {
    /// The one bearer confirmation.
    fn bearer(&self) -> Option<&Confirmation> {
        let method = self.token.version.bearer();
        let mut found = self.token.confirmations.iter().filter(|confirmation| confirmation.method == method);
        found.next().filter(|_| found.next().is_none())
    }
}

/// One check of a token.
#[derive(Debug)]
pub struct Check {
    /// Name of the check, the name of its function.
    pub name: &'static str,
    /// What it holds.
    pub doc: &'static str,
    run: fn(&Candidate<'_, '_>, &Expectations<'_>) -> Option<ValidationProblem>,
}

macro_rules! check {
    ($run:ident, $doc:literal) => {
        Check { name: stringify!($run), doc: $doc, run: $run }
    };
}

/// What a token must satisfy, in this order; all of them run. This list is the security review.
pub const CHECKS: &[Check] = &[
    check!(
        signature_is_the_issuers,
        "The assertion, or the message around it, is signed by a configured key of the issuer."
    ),
    check!(issuer_is_trusted, "The issuer is one that is configured, compared octet by octet."),
    check!(audience_is_ours, "There is an audience restriction, and each one names this party."),
    check!(not_before_has_come, "Now is NotBefore or later, give or take the skew."),
    check!(
        not_on_or_after_has_not_come,
        "There is a NotOnOrAfter, and now is before it, give or take the skew."
    ),
    check!(confirmation_is_bearer, "There is exactly one bearer confirmation."),
    check!(delivery_is_in_time, "A SAML 2.0 bearer confirmation ends, has not ended, and has no beginning."),
    check!(recipient_is_ours, "A SAML 2.0 token names the address that received it."),
    check!(
        in_response_to_is_our_request,
        "The token answers the request of this browser, or none when none was sent."
    ),
    check!(authentication_is_stated, "The token says how and when the subject signed in."),
];

/// Validates an assertion that carries its own signature.
pub fn assertion(
    element: Element<'_, '_>,
    expectations: &Expectations<'_>,
) -> Result<ValidatedToken, Vec<ValidationProblem>> {
    let token = read::assertion(element).map_err(|error| vec![error.into()])?;
    // Which issuer it says it is from only chooses the keys that its signature must fit.
    let issuer = expectations.issuers.iter().find(|known| known.identifier == token.issuer);
    let signed = verify(element, token.version, issuer);
    decide(Candidate { token, signed, issuer_is_trusted: issuer.is_some() }, expectations)
}

/// Validates the one assertion that stands directly in `message`, whose signature covers it; `signer` is the
/// issuer whose keys verified it, and the only one whose assertion it may hold.
///
/// An assertion that is signed as well has to be signed rightly.
pub fn inside(
    message: Verified<Element<'_, '_>>,
    signer: &TrustedIssuer<'_>,
    expectations: &Expectations<'_>,
) -> Result<ValidatedToken, Vec<ValidationProblem>> {
    let named = |child: &Element<'_, '_>, name| {
        [Version::Saml11, Version::Saml20].iter().any(|version| child.is(version.namespace(), name))
    };
    let held = message.get().children();
    let held: Vec<_> =
        held.filter(|child| named(child, "Assertion") || named(child, "EncryptedAssertion")).collect();
    let [element] = held.as_slice() else {
        return Err(vec![ValidationProblem::AssertionCount { found: held.len() }]);
    };
    let token = read::assertion(*element).map_err(|error| vec![error.into()])?;
    let issuer = Some(signer).filter(|signer| signer.identifier == token.issuer);
    let signed = match verify(*element, token.version, issuer) {
        Err(SignatureError::Missing { .. }) => Ok(message),
        own => own,
    };
    decide(Candidate { token, signed, issuer_is_trusted: issuer.is_some() }, expectations)
}

fn verify<'a, 'input>(
    element: Element<'a, 'input>,
    version: Version,
    issuer: Option<&TrustedIssuer<'_>>,
) -> Result<Verified<Element<'a, 'input>>, SignatureError> {
    let profile = match version {
        Version::Saml11 => Profile::Saml11,
        Version::Saml20 => Profile::Saml2,
    };
    let allow_sha1 = issuer.is_some_and(|issuer| issuer.allow_sha1);
    let policy = SignaturePolicy { allow_sha1, ..SignaturePolicy::strict(profile) };
    xml::verify::enveloped(element, issuer.map_or(&[][..], |issuer| issuer.keys), &policy)
}

fn decide(
    candidate: Candidate<'_, '_>,
    expectations: &Expectations<'_>,
) -> Result<ValidatedToken, Vec<ValidationProblem>> {
    let problems: Vec<_> = CHECKS.iter().filter_map(|check| (check.run)(&candidate, expectations)).collect();
    let audience = audience(&candidate.token, expectations);
    let Candidate { mut token, signed: Ok(_), .. } = candidate else { return Err(problems) };
    match (token.authentication.take(), token.not_on_or_after, audience) {
        (Some(authentication), Some(not_on_or_after), Some(audience)) if problems.is_empty() => {
            Ok(ValidatedToken { token, audience, not_on_or_after, authentication })
        }
        _ => Err(problems),
    }
}

/// Which of the reader's identifiers the first audience restriction names.
fn audience(token: &Token, expectations: &Expectations<'_>) -> Option<String> {
    let mut named = token.audience_restrictions.first()?.iter();
    named.find(|audience| expectations.audiences.contains(&audience.as_str())).cloned()
}

fn signature_is_the_issuers(
    candidate: &Candidate<'_, '_>,
    _: &Expectations<'_>,
) -> Option<ValidationProblem> {
    candidate.signed.as_ref().err().cloned().map(ValidationProblem::Signature)
}

fn issuer_is_trusted(candidate: &Candidate<'_, '_>, _: &Expectations<'_>) -> Option<ValidationProblem> {
    let problem = || ValidationProblem::IssuerNotTrusted { issuer: Shown::new(&candidate.token.issuer) };
    (!candidate.issuer_is_trusted).then(problem)
}

fn audience_is_ours(
    candidate: &Candidate<'_, '_>,
    expectations: &Expectations<'_>,
) -> Option<ValidationProblem> {
    let restrictions = &candidate.token.audience_restrictions;
    if restrictions.is_empty() {
        return Some(ValidationProblem::AudienceMissing);
    }
    let ours = |audience: &String| expectations.audiences.contains(&audience.as_str());
    let foreign = restrictions.iter().find(|audiences| !audiences.iter().any(ours))?;
    let found = Shown::new(foreign.first().map_or("", |audience| audience));
    Some(ValidationProblem::AudienceWrong { found })
}

fn not_before_has_come(
    candidate: &Candidate<'_, '_>,
    expectations: &Expectations<'_>,
) -> Option<ValidationProblem> {
    let Expectations { now, skew, .. } = *expectations;
    let not_before = candidate.token.not_before?;
    (now.plus(skew) < not_before).then_some(ValidationProblem::NotYetValid { not_before, now })
}

fn not_on_or_after_has_not_come(
    candidate: &Candidate<'_, '_>,
    expectations: &Expectations<'_>,
) -> Option<ValidationProblem> {
    let Expectations { now, skew, .. } = *expectations;
    match candidate.token.not_on_or_after {
        None => Some(ValidationProblem::NoEnd),
        Some(end) if now.minus(skew) >= end => Some(ValidationProblem::Expired { not_on_or_after: end, now }),
        Some(_) => None,
    }
}

fn confirmation_is_bearer(candidate: &Candidate<'_, '_>, _: &Expectations<'_>) -> Option<ValidationProblem> {
    candidate.bearer().is_none().then_some(ValidationProblem::NotBearer)
}

/// SAML profiles 4.1.4.2.
fn delivery_is_in_time(
    candidate: &Candidate<'_, '_>,
    expectations: &Expectations<'_>,
) -> Option<ValidationProblem> {
    if candidate.token.version == Version::Saml11 {
        return None; // Has no such field: the conditions alone bound its life.
    }
    let Expectations { now, skew, .. } = *expectations;
    match candidate.bearer()? {
        Confirmation { not_before: None, not_on_or_after: Some(end), .. } => (now.minus(skew) >= *end)
            .then_some(ValidationProblem::DeliveredLate { not_on_or_after: *end, now }),
        _ => Some(ValidationProblem::DeliveryTime),
    }
}

fn recipient_is_ours(
    candidate: &Candidate<'_, '_>,
    expectations: &Expectations<'_>,
) -> Option<ValidationProblem> {
    if candidate.token.version == Version::Saml11 {
        return None; // Has no such field: the audience alone binds it to this party.
    }
    let expected = expectations.recipient?;
    let found = candidate.bearer()?.recipient.as_deref().unwrap_or_default();
    (found != expected).then(|| ValidationProblem::RecipientWrong { found: Shown::new(found) })
}

fn in_response_to_is_our_request(
    candidate: &Candidate<'_, '_>,
    expectations: &Expectations<'_>,
) -> Option<ValidationProblem> {
    let expected = match expectations.in_response_to {
        InResponseTo::NotAsked => return None,
        InResponseTo::Unsolicited => None,
        InResponseTo::Request(id) => Some(id),
    };
    let found = candidate.bearer()?.in_response_to.as_deref();
    let problem = || ValidationProblem::InResponseToWrong { found: Shown::new(found.unwrap_or_default()) };
    (found != expected).then(problem)
}

fn authentication_is_stated(
    candidate: &Candidate<'_, '_>,
    _: &Expectations<'_>,
) -> Option<ValidationProblem> {
    candidate.token.authentication.is_none().then_some(ValidationProblem::NoAuthentication)
}

#[cfg(test)]
mod tests;
