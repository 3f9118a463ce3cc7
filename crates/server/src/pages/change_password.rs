//! The change password page, `/adfs/portal/updatepassword/`, and the same page within a sign-in that demands it.
//!
//! Fields: `UserName`, `OldPassword`, `NewPassword`, `ConfirmNewPassword`.

use askama::Template;

use super::escape::js_string;
use super::frame::Frame;
use super::render;
use super::sign_in::MAX_PASSWORD_LENGTH;
use super::texts::Texts;

/// What the change password page shows.
#[derive(Debug, Clone, Copy)]
pub struct ChangePasswordPage<'a> {
    /// The frame.
    pub frame: Frame<'a>,
    /// Where the form posts to: path and query of the current request.
    pub action: &'a str,
    /// Content of the user name box, from `username=` or what was typed before.
    pub user_name: &'a str,
    /// Why the page is shown.
    pub reason: ChangePasswordReason,
    /// Why the last attempt was refused.
    pub error: Option<ChangePasswordError>,
    /// The password has been changed: a confirmation is shown in place of the form.
    pub changed: bool,
    /// Where "Cancel", or after the change "Continue", leads.
    pub cancel_url: Option<&'a str>,
}

/// Why the change password page is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangePasswordReason {
    /// The person came by themselves.
    Chosen,
    /// The account must change its password before it can sign in.
    Required,
    /// The password has expired.
    Expired,
}

/// Why a change was refused, as far as the person may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangePasswordError {
    /// Neither `user@domain` nor `DOMAIN\user`.
    UserNameFormat,
    /// No present password.
    OldPasswordEmpty,
    /// No new password.
    NewPasswordEmpty,
    /// More than [`MAX_PASSWORD_LENGTH`].
    PasswordTooLong,
    /// The two new passwords differ.
    Mismatch,
    /// Unknown user, wrong password or locked account: one text.
    IncorrectCredentials,
    /// Too short, too simple, or used before.
    PolicyNotMet,
    /// The new password is the present one.
    Unchanged,
    /// Too many attempts from this address.
    TooManyAttempts,
    /// The directory cannot be asked now.
    ServiceUnavailable,
}

impl ChangePasswordError {
    /// Every reason there is.
    pub const ALL: [Self; 10] = [
        Self::UserNameFormat,
        Self::OldPasswordEmpty,
        Self::NewPasswordEmpty,
        Self::PasswordTooLong,
        Self::Mismatch,
        Self::IncorrectCredentials,
        Self::PolicyNotMet,
        Self::Unchanged,
        Self::TooManyAttempts,
        Self::ServiceUnavailable,
    ];

    fn text(self, t: &Texts) -> &'static str {
        let errors = &t.change_password_errors;
        match self {
            Self::UserNameFormat => t.sign_in_errors.user_name_format,
            Self::OldPasswordEmpty => errors.old_password_empty,
            Self::NewPasswordEmpty => errors.new_password_empty,
            Self::PasswordTooLong => t.sign_in_errors.password_too_long,
            Self::Mismatch => errors.mismatch,
            Self::IncorrectCredentials => t.sign_in_errors.incorrect_credentials,
            Self::PolicyNotMet => errors.policy_not_met,
            Self::Unchanged => errors.unchanged,
            Self::TooManyAttempts => t.sign_in_errors.too_many_attempts,
            Self::ServiceUnavailable => t.sign_in_errors.service_unavailable,
        }
    }

    fn field(self) -> &'static str {
        match self {
            Self::UserNameFormat | Self::IncorrectCredentials => "userNameInput",
            Self::Mismatch => "confirmNewPasswordInput",
            Self::NewPasswordEmpty | Self::PasswordTooLong | Self::PolicyNotMet | Self::Unchanged => {
                "newPasswordInput"
            }
            Self::OldPasswordEmpty | Self::TooManyAttempts | Self::ServiceUnavailable => "oldPasswordInput",
        }
    }
}

#[derive(Template)]
#[template(path = "change_password.html")]
struct ChangePassword<'a> {
    frame: &'a Frame<'a>,
    t: &'static Texts,
    page: &'a ChangePasswordPage<'a>,
    reason: &'static str,
    error_text: Option<&'static str>,
    error_field: &'static str,
    update_errors: String,
    max_password_length: usize,
}

/// The page as HTML.
pub fn change_password(page: &ChangePasswordPage<'_>) -> String {
    let t = page.frame.texts();
    let errors = &t.change_password_errors;
    render(&ChangePassword {
        frame: &page.frame,
        t,
        page,
        reason: match page.reason {
            ChangePasswordReason::Chosen => t.change_password.chosen,
            ChangePasswordReason::Required => t.change_password.required,
            ChangePasswordReason::Expired => t.change_password.expired,
        },
        error_text: page.error.map(|error| error.text(t)),
        error_field: page.error.map_or("userNameInput", ChangePasswordError::field),
        update_errors: format!(
            "function UpdatePasswordErrors() {{ this.userNameFormatError = {}; this.oldPasswordEmpty = {}; \
             this.newPasswordEmpty = {}; this.passwordTooLong = {}; this.mismatchError = {}; }}",
            js_string(t.sign_in_errors.user_name_format),
            js_string(errors.old_password_empty),
            js_string(errors.new_password_empty),
            js_string(t.sign_in_errors.password_too_long),
            js_string(errors.mismatch),
        ),
        max_password_length: MAX_PASSWORD_LENGTH,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Language;
    use super::super::test_support::{self, Page, frame, nonce};
    use super::*;

    fn page(change: impl FnOnce(&mut ChangePasswordPage<'_>)) -> Page {
        let nonce = nonce();
        let mut page = test_support::change_password_page(frame(Language::English, &nonce));
        change(&mut page);
        Page::parse(&change_password(&page))
    }

    #[test]
    fn inputs_have_their_names_and_no_password_is_ever_sent_back() {
        let page = page(|_| {});
        for (id, name, value) in [
            ("userNameInput", "UserName", Some("aiko@contoso.com")),
            ("oldPasswordInput", "OldPassword", None),
            ("newPasswordInput", "NewPassword", None),
            ("confirmNewPasswordInput", "ConfirmNewPassword", None),
        ] {
            assert_eq!(
                (page.id(id).attribute("name"), page.id(id).attribute("value")),
                (Some(name), value),
                "{id}"
            );
        }
        assert!(page.all("input").all(|input| input.attribute("name").is_some()));
        assert_eq!(page.id("submitButton").attribute("role"), Some("button"));
        assert_eq!(page.id("cancelButton").attribute("href"), Some("/adfs/ls/?wa=wsignin1.0"));
    }

    #[test]
    fn the_reason_and_the_error_are_shown() {
        let page = page(|page| {
            page.reason = ChangePasswordReason::Required;
            page.error = Some(ChangePasswordError::Mismatch);
        });
        assert!(page.text("updatePasswordIntroduction").starts_with("Before you can sign in"));
        assert_eq!(page.text("errorText"), "The new passwords differ. Type the same one twice.");
        assert_eq!(page.id("errorText").attribute("for"), Some("confirmNewPasswordInput"));
    }

    #[test]
    fn after_the_change_there_is_a_confirmation_and_no_form() {
        let page = page(|page| page.changed = true);
        assert_eq!(page.text("updatePasswordDone"), "Your password has been changed.");
        assert_eq!(page.all("form").count(), 0);
        assert_eq!(page.id("continueLink").attribute("href"), Some("/adfs/ls/?wa=wsignin1.0"));
    }

    #[test]
    fn every_reason_has_its_own_text_in_each_language() {
        for language in Language::ALL {
            let mut texts = ChangePasswordError::ALL.map(|error| error.text(language.texts()));
            texts.sort_unstable();
            assert!(texts.windows(2).all(|pair| pair[0] != pair[1]));
        }
    }
}
