//! One sign-in, whatever the protocol: evidence and input lead to a page, a session, a grant or a refusal.
//!
//! ```text
//! session alive and fresh enough? ──no──→ page ──password──→ lockout → directory → acceptance rules → session
//!        │ yes
//!        ▼
//! authorization rules → issuance rules → Granted
//! ```

use std::sync::Arc;
use std::time::Duration;

use audit::WRONG_PASSWORD;
use base::{Guid, Secret, Timestamp};
use claims::{Claim, Decision, EvaluationError, types};
use directory::{DirectoryError, PasswordChange, PasswordCheck, Subject};

use crate::Sts;
use crate::catalog::{RelyingParty, Resident};
use crate::lockout::{Admission, Lockout};
use crate::rules;
use crate::session::{RequestFingerprint, Session};
use crate::trail::Trail;

/// What a relying party asks for, in no protocol's terms. All checks of the protocol have passed.
#[derive(Debug, Clone)]
pub struct SignInRequest {
    /// Who asks.
    pub relying_party: Arc<RelyingParty>,
    /// The identifier by which it called itself: audience of the token.
    pub realm: String,
    /// How recent the proof of identity must be.
    pub freshness: Freshness,
    /// Authentication methods of which one must have been used; empty: any will do.
    pub methods: &'static [&'static str],
    /// The request itself, to bind a fresh sign-in to it.
    pub fingerprint: RequestFingerprint,
    /// No page may be shown.
    pub passive: bool,
    /// Name to put into the form.
    pub user_hint: Option<String>,
}

/// How recent a proof of identity must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Any live session will do.
    Any,
    /// At most this old.
    Within(Duration),
    /// Proven for this very request.
    Now,
}

/// What the person sent.
#[derive(Debug)]
pub enum Input {
    /// Nothing yet.
    Nothing,
    /// A user name and a password.
    Password {
        /// As typed.
        user: String,
        /// As typed.
        password: Secret,
    },
    /// A password change, because the old one must be changed.
    ChangePassword {
        /// As typed.
        user: String,
        /// The old password.
        old: Secret,
        /// The new one.
        new: Secret,
        /// The new one again.
        confirmation: Secret,
    },
}

/// What to do next.
#[derive(Debug)]
pub enum Outcome {
    /// Show the sign-in page.
    SignInPage {
        /// Name to put into the form.
        user: String,
        /// What was wrong with the last attempt.
        problem: Option<SignInProblem>,
    },
    /// Show the page on which the password must be changed.
    ChangePasswordPage {
        /// Whose.
        user: String,
        /// What was wrong with the last attempt.
        problem: Option<ChangeProblem>,
    },
    /// The person proved who they are: set the session and come back to the same request.
    SignedIn(Session),
    /// The relying party gets a token.
    Granted(Box<Granted>),
    /// A page would be needed and none may be shown.
    InteractionRequired,
    /// The relying party's authorization rules do not permit this person.
    NotPermitted,
    /// The service could not decide. Nothing was issued.
    Failed(SignInFailure),
}

/// Why the sign-in page is shown again. Texts are the pages' business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInProblem {
    /// Unknown user, wrong password or locked account: never told apart.
    Incorrect,
    /// Right password of a disabled account.
    Disabled,
    /// This address tries too often.
    TooManyAttempts,
    /// The directory has too much to do.
    Busy,
}

/// Why the change page is shown again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeProblem {
    /// Unknown user, wrong old password or locked account.
    Incorrect,
    /// The two new passwords differ.
    Mismatch,
    /// The directory's rules refuse the new password.
    TooWeak(&'static str),
    /// This address tries too often, or the directory has too much to do.
    TooManyAttempts,
}

/// The decision that a token may be issued, and what is to stand in it.
#[derive(Debug)]
pub struct Granted {
    /// The session it rests on; a fresh sign-in is used up in it.
    pub session: Arc<Session>,
    /// Whether the session is not any more what the browser has.
    pub session_changed: bool,
    /// Claims of the token.
    pub claims: Vec<Claim>,
}

/// Why the service could not decide.
#[derive(Debug, thiserror::Error)]
pub enum SignInFailure {
    /// A rule set failed.
    #[error("{set}: {cause}")]
    Rules {
        /// Which rules.
        set: &'static str,
        /// Why.
        cause: EvaluationError,
    },
    /// The store of counters failed: without counting, no password is tried.
    #[error("the account activity store is not available: {0}")]
    Activity(#[from] store::StoreError),
    /// The directory failed.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

impl SignInFailure {
    /// Whether the same request may succeed later, without anybody changing the configuration.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Rules { .. } | Self::Directory(DirectoryError::Query(_)) => false,
            Self::Activity(_) | Self::Directory(_) => true,
        }
    }
}

/// A fresh sign-in serves its request for this long.
const FRESH_FOR: Duration = Duration::from_secs(5 * 60);

impl Sts {
    /// Takes a sign-in one step further.
    pub async fn advance(
        &self,
        resident: &Resident,
        request: &SignInRequest,
        session: Option<Arc<Session>>,
        input: Input,
        trail: &mut Trail,
    ) -> Outcome {
        let outcome = match input {
            Input::Password { user, password } => {
                self.sign_in_with_password(resident, request, user, &password, trail).await
            }
            Input::ChangePassword { user, old, new, confirmation } => {
                let change = Change { old: &old, new: &new, confirmation: &confirmation };
                self.change_password(resident, request, user, change, trail).await
            }
            Input::Nothing => match session.filter(|session| self.serves(session, request)) {
                Some(session) => self.decide(request, session, trail).await,
                None if request.passive => Ok(Outcome::InteractionRequired),
                None => Ok(Outcome::SignInPage {
                    user: request.user_hint.clone().unwrap_or_default(),
                    problem: None,
                }),
            },
        };
        outcome.unwrap_or_else(Outcome::Failed)
    }

    /// Whether a session is alive and as fresh as the request wants it.
    fn serves(&self, session: &Session, request: &SignInRequest) -> bool {
        let now = self.clock.now();
        let age = now.since(session.authenticated_at);
        let fresh_for_this = session.fresh_for == Some(request.fingerprint) && age <= FRESH_FOR;
        let wanted = if request.relying_party.trust.always_require_authentication {
            Freshness::Now
        } else {
            request.freshness
        };
        session.is_alive(now)
            && (request.methods.is_empty() || request.methods.contains(&session.method.as_str()))
            && match wanted {
                Freshness::Any => true,
                Freshness::Within(limit) => fresh_for_this || age <= limit,
                Freshness::Now => fresh_for_this,
            }
    }

    async fn sign_in_with_password(
        &self,
        resident: &Resident,
        request: &SignInRequest,
        user: String,
        password: &Secret,
        trail: &mut Trail,
    ) -> Result<Outcome, SignInFailure> {
        let check = self.check_password(resident, request, &user, password, trail).await?;
        let subject = match check {
            Checked::Right(subject) => subject,
            Checked::MustChange => return Ok(Outcome::ChangePasswordPage { user, problem: None }),
            Checked::Refused(problem) => {
                return Ok(Outcome::SignInPage { user, problem: Some(problem) });
            }
        };
        let now = self.clock.now();
        let accepted = self.accept(resident, &subject, now, trail).await?;
        let session = Session {
            id: Guid::random(self.random.as_ref()),
            account_name: subject.account_name,
            authenticated_at: now,
            method: types::METHOD_PASSWORD_PROTECTED_TRANSPORT.to_owned(),
            expires: now.plus(Duration::from_secs(u64::from(resident.properties.sso_lifetime) * 60)),
            fresh_for: Some(request.fingerprint),
            claims: accepted,
        };
        trail.session_started(&session);
        Ok(Outcome::SignedIn(session))
    }

    /// Counts, asks the directory, and says nothing that would tell an unknown user from a wrong password.
    async fn check_password(
        &self,
        resident: &Resident,
        request: &SignInRequest,
        user: &str,
        password: &Secret,
        trail: &mut Trail,
    ) -> Result<Checked, SignInFailure> {
        let properties = &resident.properties;
        let realm = &request.realm;
        let rate = properties.password_attempts_per_address_per_minute;
        if let Some(address) = trail.context.client_ip()
            && !self.address_rate.allow(address, rate, self.clock.now())
        {
            trail.address_throttled(user, realm);
            return Ok(Checked::Refused(SignInProblem::TooManyAttempts));
        }
        let lockout = Lockout { activity: self.activity.as_ref(), properties, clock: self.clock.as_ref() };
        let account = self.directory.account_key(user).await?;
        match lockout.admit(&account).await? {
            Admission::Admitted => {}
            Admission::Locked { bad_password_count, last_bad_attempt } => {
                // The same answer after the same time: the empty name is nobody's.
                let _ = self.directory.check_password("", password).await;
                trail.account_locked(user, bad_password_count, last_bad_attempt, properties, realm);
                return Ok(Checked::Refused(SignInProblem::Incorrect));
            }
        }
        match self.directory.check_password(user, password).await {
            Ok(PasswordCheck::Right(subject)) => {
                lockout.forgive(&account).await?;
                trail.password_accepted(&subject);
                Ok(Checked::Right(subject))
            }
            Ok(PasswordCheck::MustChange(_)) => {
                lockout.forgive(&account).await?;
                trail.password_refused(user, "The password must be changed before signing in", realm);
                Ok(Checked::MustChange)
            }
            Ok(PasswordCheck::Disabled) => {
                lockout.forgive(&account).await?;
                trail.password_refused(user, "The referenced account is currently disabled", realm);
                Ok(Checked::Refused(SignInProblem::Disabled))
            }
            Ok(PasswordCheck::Wrong) => {
                trail.password_refused(user, WRONG_PASSWORD, realm);
                Ok(Checked::Refused(SignInProblem::Incorrect))
            }
            Err(DirectoryError::Busy { .. }) => Ok(Checked::Refused(SignInProblem::Busy)),
            Err(error) => Err(error.into()),
        }
    }

    async fn change_password(
        &self,
        resident: &Resident,
        request: &SignInRequest,
        user: String,
        change: Change<'_>,
        trail: &mut Trail,
    ) -> Result<Outcome, SignInFailure> {
        let again = |user, problem| Ok(Outcome::ChangePasswordPage { user, problem: Some(problem) });
        if change.new.expose() != change.confirmation.expose() {
            return again(user, ChangeProblem::Mismatch);
        }
        match self.check_password(resident, request, &user, change.old, trail).await? {
            Checked::Right(_) | Checked::MustChange => {}
            Checked::Refused(SignInProblem::TooManyAttempts | SignInProblem::Busy) => {
                return again(user, ChangeProblem::TooManyAttempts);
            }
            Checked::Refused(SignInProblem::Incorrect | SignInProblem::Disabled) => {
                return again(user, ChangeProblem::Incorrect);
            }
        }
        match self.directory.change_password(&user, change.old, change.new).await? {
            PasswordChange::Changed => {
                trail.password_changed(&user);
                // The person signs in with the new password, with the same checks as anybody.
                self.sign_in_with_password(resident, request, user, change.new, trail).await
            }
            PasswordChange::Refused => again(user, ChangeProblem::Incorrect),
            PasswordChange::TooWeak(rule) => {
                trail.password_change_refused(&user, rule);
                again(user, ChangeProblem::TooWeak(rule))
            }
        }
    }

    /// Acceptance rules of the built-in directory: what they do not let through is not known any more.
    async fn accept(
        &self,
        resident: &Resident,
        subject: &Subject,
        now: Timestamp,
        trail: &mut Trail,
    ) -> Result<Vec<Claim>, SignInFailure> {
        let authority = claims::claim::AD_AUTHORITY;
        let method = types::METHOD_PASSWORD_PROTECTED_TRANSPORT;
        let mut input = subject.claims.to_vec();
        input.push(Claim::new(types::AUTHENTICATION_METHOD, method, authority));
        input.push(Claim::new(types::AUTHN_METHODS_REFERENCES, method, authority));
        input.push(Claim::new(types::AUTHENTICATION_INSTANT, now.to_xml(), authority));
        input.extend(trail.context.claims(None));
        let set = "acceptance transform rules of 'Active Directory'";
        let outcome = rules::evaluate(&resident.acceptance, input, self.directory.as_ref())
            .await
            .map_err(|cause| SignInFailure::Rules { set, cause })?;
        trail.rules(set, &outcome);
        Ok(outcome.issued)
    }

    /// Authorization, then the claims of the token.
    async fn decide(
        &self,
        request: &SignInRequest,
        mut session: Arc<Session>,
        trail: &mut Trail,
    ) -> Result<Outcome, SignInFailure> {
        let party = &request.relying_party;
        let mut input = session.claims.clone();
        input.extend(trail.context.claims(Some(&request.realm)));
        trail.session_used(&request.realm, &input);

        let set = "issuance authorization rules";
        let decision = rules::evaluate(&party.authorization, input.iter().cloned(), self.directory.as_ref())
            .await
            .map_err(|cause| SignInFailure::Rules { set, cause })?;
        trail.rules(set, &decision);
        if !Decision::of(&decision.issued).is_permitted() {
            trail.not_permitted(&session, &request.realm);
            return Ok(Outcome::NotPermitted);
        }

        let set = "issuance transform rules";
        let issued = rules::evaluate(&party.transform, input, self.directory.as_ref())
            .await
            .map_err(|cause| SignInFailure::Rules { set, cause })?;
        trail.rules(set, &issued);
        let session_changed = session.fresh_for.is_some();
        if session_changed {
            Arc::make_mut(&mut session).fresh_for = None;
        }
        Ok(Outcome::Granted(Box::new(Granted { session, session_changed, claims: issued.issued })))
    }
}

enum Checked {
    Right(Subject),
    MustChange,
    Refused(SignInProblem),
}

struct Change<'a> {
    old: &'a Secret,
    new: &'a Secret,
    confirmation: &'a Secret,
}
