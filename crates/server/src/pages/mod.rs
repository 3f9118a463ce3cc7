//! The pages a browser sees: view model in, HTML out. No I/O, no clock, no session.
//!
//! Element ids, input names and nesting are an interface: sign-in scripts and administrators' themes address
//! them. Texts, look and the code behind the script names are our own.
//!
//! - [`sign_in`], [`error`], [`change_password`]: the pages in the common frame.
//! - [`auto_submit`]: the form that carries a response to the relying party; the only hot one.
//! - [`xray_start`], [`xray_result`]: the Claims X-Ray relying party.
//! - [`assets`]: style sheets, scripts and pictures under `/adfs/portal/`.
//! - [`security_headers`]: what every page is sent with.
//!
//! Every page works without scripts. No page has an inline handler or an inline style: the content security
//! policy allows only what carries the nonce of the answer.

pub mod assets;
mod auto_submit;
mod change_password;
mod error;
mod escape;
mod frame;
mod headers;
mod language;
mod sign_in;
#[cfg(test)]
mod test_support;
#[cfg(test)]
mod tests;
mod texts;
mod xray;

pub use auto_submit::auto_submit;
pub use change_password::{ChangePasswordError, ChangePasswordPage, ChangePasswordReason, change_password};
pub use error::{ErrorMessage, ErrorPage, error};
pub use frame::{Frame, Nonce};
pub use headers::{content_security_policy, security_headers};
pub use language::Language;
pub use sign_in::{MAX_PASSWORD_LENGTH, SignInError, SignInPage, sign_in};
pub use xray::{
    XRayClaim, XRayKeySource, XRayLifetime, XRayProblem, XRayProtocol, XRayResultPage, XRaySignature,
    XRaySigned, XRaySpan, XRayStartPage, XRayToken, xray_result, xray_start,
};

use askama::Template;

/// Renders into a string. The only error a template can have here is one of the sink, and a `String` has none.
fn render(template: &impl Template) -> String {
    template.render().unwrap_or_else(|error| error.to_string())
}
