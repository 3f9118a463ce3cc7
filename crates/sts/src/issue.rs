//! From a grant to a signed token: written in canonical form, signed in the bounded queue.

use std::time::Duration;

use base::{Guid, Timestamp};
use keys::SignError;
use tokens::{TokenError, Version, saml2, saml11};
use xml::ToSign;

use crate::Sts;
use crate::catalog::Resident;
use crate::sign_in::{Granted, SignInRequest};
use crate::trail::Trail;

/// A signed assertion and its life.
#[derive(Debug)]
pub struct Issued {
    /// The assertion.
    pub assertion: String,
    /// When it was issued.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
}

/// How the relying party wants its token.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// SAML version.
    pub version: Version,
    /// Address the token is sent to (SAML 2.0).
    pub recipient: &'a str,
    /// Request that the token answers (SAML 2.0).
    pub in_response_to: Option<&'a str>,
    /// Class of authentication the token states, where the request names one; else the session's method.
    pub authn_context_class: Option<&'a str>,
    /// Whether the assertion is signed; a party may want the signature on the message around it only.
    pub signed: bool,
}

/// No token was issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The claims can't be written as a token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The signing queue is full or has ended.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl Sts {
    /// Writes and signs the token of a grant.
    pub async fn issue(
        &self,
        resident: &Resident,
        request: &SignInRequest,
        granted: &Granted,
        wanted: Wanted<'_>,
        trail: &mut Trail,
    ) -> Result<Issued, IssueError> {
        let certificate = resident.token_keys.signing.certificate_base64();
        let trust = &request.relying_party.trust;
        let created = self.clock.now();
        let expires = created.plus(Duration::from_secs(trust.token_lifetime_seconds()));
        let skew = Duration::from_secs(u64::from(trust.not_before_skew) * 60);
        let id = Guid::random(self.random.as_ref()).to_xml_id();
        let issuer = &resident.properties.identifier;
        let method = wanted.authn_context_class.unwrap_or(&granted.session.method);
        let assertion = match wanted.version {
            Version::Saml11 => {
                let assertion = saml11::Assertion {
                    id: &id,
                    issuer,
                    issue_instant: created,
                    not_before: created.minus(skew),
                    not_on_or_after: expires,
                    audience: &request.realm,
                    claims: &granted.claims,
                    authentication_method: method,
                    authentication_instant: granted.session.authenticated_at,
                };
                self.sign(resident, assertion.prepare(certificate)?).await?
            }
            Version::Saml20 => {
                let assertion = saml2::Assertion {
                    id: &id,
                    issuer,
                    issue_instant: created,
                    not_before: created.minus(skew),
                    not_on_or_after: expires,
                    audience: &request.realm,
                    recipient: wanted.recipient,
                    in_response_to: wanted.in_response_to,
                    claims: &granted.claims,
                    authentication_method: method,
                    authentication_instant: granted.session.authenticated_at,
                };
                match wanted.signed {
                    true => self.sign(resident, assertion.prepare(certificate)?).await?,
                    false => assertion.unsigned()?,
                }
            }
        };
        trail.token_issued(&granted.session, &granted.claims, &request.realm);
        Ok(Issued { assertion, created, expires })
    }

    /// Signs with the primary token-signing key.
    pub async fn sign(&self, resident: &Resident, to_sign: ToSign) -> Result<String, SignError> {
        let key = &resident.token_keys.signing;
        let signature = self.signing_queue.sign(key, to_sign.message().to_vec()).await?;
        Ok(to_sign.attach(&signature))
    }
}
