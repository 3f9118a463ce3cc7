//! The forms sign-in page.

use askama::Template;

use super::escape::js_string;
use super::frame::Frame;
use super::render;
use super::texts::Texts;

/// Longest password the page lets through, in UTF-16 code units.
pub const MAX_PASSWORD_LENGTH: usize = 128;

/// What the sign-in page shows.
#[derive(Debug, Clone, Copy)]
pub struct SignInPage<'a> {
    /// The frame.
    pub frame: Frame<'a>,
    /// Where the form posts to: path and query of the current request, ending in `client-request-id=…`.
    pub action: &'a str,
    /// The same as an absolute URL with port; programs follow it to further authentication.
    pub options_action: &'a str,
    /// Content of the user name box: what was typed before, or a hint of the request; may be empty.
    pub user_name: &'a str,
    /// Why the last attempt was refused.
    pub error: Option<SignInError>,
    /// Whether "Keep me signed in" is offered. Its markup is there in any case.
    pub kmsi_visible: bool,
    /// The page for changing the password, shown with [`SignInError::PasswordExpired`].
    pub change_password_url: Option<&'a str>,
}

/// Why a sign-in was refused, as far as the person may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInError {
    /// Neither `user@domain` nor `DOMAIN\user`.
    UserNameFormat,
    /// No password.
    PasswordEmpty,
    /// More than [`MAX_PASSWORD_LENGTH`].
    PasswordTooLong,
    /// Unknown user, wrong password or locked account: one text, so that nobody learns which accounts exist.
    IncorrectCredentials,
    /// The password was right, and an administrator has turned the account off.
    AccountDisabled,
    /// The password was right and has expired.
    PasswordExpired,
    /// Too many attempts from this address.
    TooManyAttempts,
    /// The request this sign-in belongs to is over; start again from the application.
    RequestExpired,
    /// The directory cannot be asked now.
    ServiceUnavailable,
}

impl SignInError {
    /// Every reason there is.
    pub const ALL: [Self; 9] = [
        Self::UserNameFormat,
        Self::PasswordEmpty,
        Self::PasswordTooLong,
        Self::IncorrectCredentials,
        Self::AccountDisabled,
        Self::PasswordExpired,
        Self::TooManyAttempts,
        Self::RequestExpired,
        Self::ServiceUnavailable,
    ];

    fn text(self, t: &Texts) -> &'static str {
        let errors = &t.sign_in_errors;
        match self {
            Self::UserNameFormat => errors.user_name_format,
            Self::PasswordEmpty => errors.password_empty,
            Self::PasswordTooLong => errors.password_too_long,
            Self::IncorrectCredentials => errors.incorrect_credentials,
            Self::AccountDisabled => errors.account_disabled,
            Self::PasswordExpired => errors.password_expired,
            Self::TooManyAttempts => errors.too_many_attempts,
            Self::RequestExpired => errors.request_expired,
            Self::ServiceUnavailable => errors.service_unavailable,
        }
    }

    fn field(self) -> &'static str {
        match self {
            Self::UserNameFormat | Self::IncorrectCredentials => "userNameInput",
            _ => "passwordInput",
        }
    }
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    frame: &'a Frame<'a>,
    t: &'static Texts,
    page: &'a SignInPage<'a>,
    error_text: Option<&'static str>,
    error_field: &'static str,
    change_password_url: Option<&'a str>,
    login_errors: String,
    max_password_length: usize,
}

/// The page as HTML.
pub fn sign_in(page: &SignInPage<'_>) -> String {
    let t = page.frame.texts();
    let errors = &t.sign_in_errors;
    render(&SignIn {
        frame: &page.frame,
        t,
        page,
        error_text: page.error.map(|error| error.text(t)),
        error_field: page.error.map_or("userNameInput", SignInError::field),
        change_password_url: page
            .change_password_url
            .filter(|_| page.error == Some(SignInError::PasswordExpired)),
        login_errors: format!(
            "function LoginErrors() {{ this.userNameFormatError = {}; this.passwordEmpty = {}; \
             this.passwordTooLong = {}; }}",
            js_string(errors.user_name_format),
            js_string(errors.password_empty),
            js_string(errors.password_too_long),
        ),
        max_password_length: MAX_PASSWORD_LENGTH,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Language;
    use super::super::test_support::{self, ACTION, Page, captures, frame, nonce};
    use super::*;

    fn page(change: impl FnOnce(&mut SignInPage<'_>)) -> String {
        let nonce = nonce();
        let mut page = test_support::sign_in_page(frame(Language::English, &nonce));
        change(&mut page);
        sign_in(&page)
    }

    #[test]
    fn ids_and_nesting_are_those_that_scripts_and_themes_address() {
        let page = Page::parse(&page(|_| {}));
        let work = "fullPage contentWrapper content main workArea";
        let login = format!("{work} authArea loginArea");
        for (id, way) in [
            ("noScript", "noScript".to_owned()),
            ("branding", "fullPage brandingWrapper branding".to_owned()),
            ("companyLogo", "fullPage contentWrapper content header companyLogo".to_owned()),
            ("footerPlaceholder", "fullPage contentWrapper content footerPlaceholder".to_owned()),
            ("copyright", "fullPage contentWrapper footer footerLinks div copyright".to_owned()),
            ("loginMessage", format!("{login} loginMessage")),
            ("errorText", format!("{login} loginForm error errorText")),
            (
                "userNameInputLabel",
                format!("{login} loginForm formsAuthenticationArea userNameArea userNameInputLabel"),
            ),
            (
                "userNameInput",
                format!("{login} loginForm formsAuthenticationArea userNameArea userNameInput"),
            ),
            (
                "passwordInputLabel",
                format!("{login} loginForm formsAuthenticationArea passwordArea passwordInputLabel"),
            ),
            (
                "passwordInput",
                format!("{login} loginForm formsAuthenticationArea passwordArea passwordInput"),
            ),
            ("kmsiInput", format!("{login} loginForm formsAuthenticationArea kmsiArea kmsiInput")),
            (
                "submitButton",
                format!("{login} loginForm formsAuthenticationArea submissionArea submitButton"),
            ),
            ("optionForms", format!("{login} loginForm optionForms")),
            ("optionSelection", format!("{login} authOptions options optionSelection")),
            ("userNameInputOptionsHolder", format!("{login} authOptions options userNameInputOptionsHolder")),
            ("authOptionLinks", format!("{login} authOptions options authOptionLinks")),
            ("introduction", format!("{login} introduction")),
        ] {
            assert_eq!(page.way_to(id), way);
        }
        let order: Vec<_> = page.id("loginArea").children().filter_map(|node| node.attribute("id")).collect();
        assert_eq!(order, ["loginMessage", "loginForm", "authOptions", "introduction"]);
        let wrappers: Vec<_> =
            page.id("fullPage").children().filter_map(|node| node.attribute("id")).collect();
        assert_eq!(wrappers, ["brandingWrapper", "contentWrapper"]);
    }

    #[test]
    fn inputs_have_their_names_types_and_values() {
        let page = Page::parse(&page(|page| page.user_name = "aiko@contoso.com"));
        for (id, name, kind, value) in [
            ("userNameInput", "UserName", "email", Some("aiko@contoso.com")),
            ("passwordInput", "Password", "password", None),
            ("kmsiInput", "Kmsi", "checkbox", Some("true")),
            ("optionForms", "AuthMethod", "hidden", Some("FormsAuthentication")),
            ("optionSelection", "AuthMethod", "hidden", None),
            ("userNameInputOptionsHolder", "UserName", "hidden", Some("")),
        ] {
            let input = page.id(id);
            assert_eq!(
                (input.attribute("name"), input.attribute("type"), input.attribute("value")),
                (Some(name), Some(kind), value),
                "{id}"
            );
        }
        assert!(page.all("input").all(|input| input.attribute("name").is_some()));
        assert_eq!(page.all("input").next().unwrap().attribute("id"), Some("userNameInput"));
        let button = page.id("submitButton");
        assert_eq!((button.tag_name().name(), button.attribute("role")), ("span", Some("button")));
        assert_eq!(button.attribute("tabindex"), Some("0"));
        assert_eq!(page.id("errorText").tag_name().name(), "label");
    }

    #[test]
    fn scripts_that_sign_in_find_what_they_look_for() {
        let html = page(|_| {});
        let action = captures(r#"<form [^>]*id="loginForm"[^>]*action="([^"]*)""#, &html).unwrap();
        assert_eq!(action.replace("&amp;", "&"), ACTION);
        let page = Page::parse(&html);
        // The last form has an absolute address and sends no method of its own.
        let last = page.all("form").last().unwrap();
        assert_eq!(last.attribute("id"), Some("options"));
        assert!(last.attribute("action").unwrap().starts_with("https://fs.contoso.com:443/adfs/ls/"));
        assert_eq!(test_support::text(page.one("title")), "Sign In");
        for name in [
            "Login.submitLoginRequest =",
            "Login.userNameInput =",
            "Login.initialize =",
            "function InputUtil",
            "function LoginErrors",
            "function SelectOption",
            "InputUtil.updatePlaceholder",
            "maxPasswordLength = 128",
            "userNameFormatError",
            "passwordEmpty",
            "passwordTooLong",
        ] {
            assert!(html.contains(name), "{name}");
        }
    }

    #[test]
    fn without_scripts_a_real_button_sends_the_form() {
        let page = Page::parse(&page(|_| {}));
        let button = page.one("button");
        assert_eq!(button.attribute("type"), Some("submit"));
        assert!(button.ancestors().any(|node| node.has_tag_name("noscript")));
        assert!(button.ancestors().any(|node| node.attribute("id") == Some("loginForm")));
    }

    #[test]
    fn the_error_stands_in_the_label_and_its_box_is_hidden_without_one() {
        let calm = Page::parse(&page(|_| {}));
        assert_eq!(calm.text("errorText"), "");
        assert!(calm.id("error").attribute("hidden").is_some());
        let refused = Page::parse(&page(|page| page.error = Some(SignInError::IncorrectCredentials)));
        assert!(refused.text("errorText").starts_with("Incorrect user ID or password"));
        assert!(refused.id("error").attribute("hidden").is_none());
        assert_eq!(refused.id("passwordInput").attribute("value"), None);
        // The focus goes to the password then, and a screen reader reads the error with it.
        assert_eq!(refused.id("passwordInput").attribute("aria-describedby"), Some("errorText"));
        assert_eq!(refused.id("errorText").attribute("aria-live"), Some("assertive"));
    }

    #[test]
    fn every_reason_has_its_own_text_in_each_language() {
        for language in Language::ALL {
            let mut texts = SignInError::ALL.map(|error| error.text(language.texts()));
            texts.sort_unstable();
            assert!(texts.windows(2).all(|pair| pair[0] != pair[1]));
            assert!(!texts.contains(&""));
        }
    }

    #[test]
    fn the_link_to_change_an_expired_password_is_shown_then_only() {
        let expired = Page::parse(&page(|page| page.error = Some(SignInError::PasswordExpired)));
        assert!(
            expired
                .id("changePasswordLink")
                .attribute("href")
                .unwrap()
                .starts_with("/adfs/portal/updatepassword/")
        );
        let wrong = Page::parse(&page(|page| page.error = Some(SignInError::IncorrectCredentials)));
        assert!(wrong.find("changePasswordLink").is_none());
        let off = Page::parse(&page(|page| {
            page.error = Some(SignInError::PasswordExpired);
            page.change_password_url = None;
        }));
        assert!(off.find("changePasswordLink").is_none());
    }

    #[test]
    fn keep_me_signed_in_is_always_in_the_page_and_hidden_unless_offered() {
        assert!(Page::parse(&page(|_| {})).id("kmsiArea").attribute("hidden").is_some());
        assert!(
            Page::parse(&page(|page| page.kmsi_visible = true)).id("kmsiArea").attribute("hidden").is_none()
        );
    }

    #[test]
    fn japanese_pages_are_titled_in_japanese() {
        let nonce = nonce();
        let html = sign_in(&test_support::sign_in_page(frame(Language::Japanese, &nonce)));
        assert_eq!(test_support::text(Page::parse(&html).one("title")), "サインイン");
        assert!(html.contains("ユーザー ID は someone@example.com または DOMAIN\\\\someone の形式で"));
    }
}
