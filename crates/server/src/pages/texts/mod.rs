//! All texts of the pages, one structure for each language: a text that is missing in one does not compile.
//!
//! Wordings are ours and may change, except where programs match them: the title of the sign-in page, the
//! beginning of the wrong-password text, `Activity ID`, and the labels of the error details in English.

mod english;
mod japanese;

pub(crate) use english::ENGLISH;
pub(crate) use japanese::JAPANESE;

pub(crate) struct Texts {
    /// Title of the dialogue that Windows shows around a page; the argument is the display name.
    pub(crate) connecting_to: fn(&str) -> String,
    pub(crate) scripts_are_off: &'static str,
    pub(crate) user_name: &'static str,
    pub(crate) user_name_placeholder: &'static str,
    pub(crate) password: &'static str,
    pub(crate) sign_in: SignIn,
    pub(crate) sign_in_errors: SignInErrors,
    pub(crate) error_page: ErrorPage,
    pub(crate) error_messages: ErrorMessages,
    pub(crate) change_password: ChangePassword,
    pub(crate) change_password_errors: ChangePasswordErrors,
    pub(crate) auto_submit: AutoSubmit,
    pub(crate) xray: XRay,
}

pub(crate) struct SignIn {
    pub(crate) title: &'static str,
    pub(crate) message: &'static str,
    pub(crate) keep_me_signed_in: &'static str,
    pub(crate) button: &'static str,
    pub(crate) change_password: &'static str,
}

pub(crate) struct SignInErrors {
    pub(crate) user_name_format: &'static str,
    pub(crate) password_empty: &'static str,
    pub(crate) password_too_long: &'static str,
    pub(crate) incorrect_credentials: &'static str,
    pub(crate) account_disabled: &'static str,
    pub(crate) password_expired: &'static str,
    pub(crate) too_many_attempts: &'static str,
    pub(crate) request_expired: &'static str,
    pub(crate) service_unavailable: &'static str,
}

pub(crate) struct ErrorPage {
    pub(crate) title: &'static str,
    pub(crate) heading: &'static str,
    pub(crate) details: &'static str,
    pub(crate) relying_party: &'static str,
    pub(crate) error_details: &'static str,
    pub(crate) node: &'static str,
    pub(crate) time: &'static str,
    pub(crate) cookie: &'static str,
    pub(crate) enabled: &'static str,
    pub(crate) disabled: &'static str,
    pub(crate) user_agent: &'static str,
}

pub(crate) struct ErrorMessages {
    pub(crate) generic: &'static str,
    pub(crate) not_authorized: &'static str,
    pub(crate) too_many_requests: &'static str,
    pub(crate) request_expired: &'static str,
    pub(crate) service_unavailable: &'static str,
}

pub(crate) struct ChangePassword {
    pub(crate) title: &'static str,
    pub(crate) chosen: &'static str,
    pub(crate) required: &'static str,
    pub(crate) expired: &'static str,
    pub(crate) old_password: &'static str,
    pub(crate) new_password: &'static str,
    pub(crate) confirm_new_password: &'static str,
    pub(crate) button: &'static str,
    pub(crate) cancel: &'static str,
    pub(crate) done: &'static str,
    pub(crate) go_on: &'static str,
}

pub(crate) struct ChangePasswordErrors {
    pub(crate) old_password_empty: &'static str,
    pub(crate) new_password_empty: &'static str,
    pub(crate) mismatch: &'static str,
    pub(crate) policy_not_met: &'static str,
    pub(crate) unchanged: &'static str,
}

pub(crate) struct AutoSubmit {
    pub(crate) title: &'static str,
    pub(crate) script_is_disabled: &'static str,
    pub(crate) submit: &'static str,
}

pub(crate) struct XRay {
    pub(crate) title: &'static str,
    pub(crate) introduction: &'static str,
    pub(crate) choose: &'static str,
    pub(crate) sign_in_by: fn(super::XRayProtocol) -> &'static str,
    pub(crate) explain: fn(super::XRayProtocol) -> &'static str,
    pub(crate) fresh: &'static str,
    pub(crate) fresh_hint: &'static str,
    pub(crate) accepted: &'static str,
    pub(crate) accepted_text: &'static str,
    pub(crate) refused: &'static str,
    pub(crate) refused_text: fn(usize) -> String,
    pub(crate) again: &'static str,
    pub(crate) unreadable: &'static str,
    pub(crate) token: &'static str,
    pub(crate) protocol: &'static str,
    pub(crate) token_kind: &'static str,
    pub(crate) token_id: &'static str,
    pub(crate) issuer: &'static str,
    pub(crate) audience: &'static str,
    pub(crate) recipient: &'static str,
    pub(crate) in_response_to: &'static str,
    pub(crate) relay_state: &'static str,
    pub(crate) subject: &'static str,
    pub(crate) name_id: &'static str,
    pub(crate) name_id_format: &'static str,
    pub(crate) no_name_id: &'static str,
    pub(crate) authentication_method: &'static str,
    pub(crate) authentication_instant: &'static str,
    pub(crate) lifetimes: &'static str,
    pub(crate) lifetime: fn(super::XRaySpan) -> &'static str,
    pub(crate) valid_for: fn(&str) -> String,
    pub(crate) ended: fn(&str) -> String,
    pub(crate) begins_in: fn(&str) -> String,
    pub(crate) without_end: &'static str,
    pub(crate) duration: fn(u64) -> String,
    pub(crate) claims: &'static str,
    pub(crate) claim_count: fn(usize) -> String,
    pub(crate) no_claims: &'static str,
    pub(crate) claim_type: &'static str,
    pub(crate) value: &'static str,
    pub(crate) claim_issuer: &'static str,
    pub(crate) originally: fn(&str) -> String,
    pub(crate) more_values: fn(usize) -> String,
    pub(crate) groups: ClaimGroups,
    pub(crate) signatures: &'static str,
    pub(crate) no_signature: &'static str,
    pub(crate) signed_part: &'static str,
    pub(crate) signed: fn(super::XRaySigned) -> &'static str,
    pub(crate) signature_algorithm: &'static str,
    pub(crate) digest_algorithm: &'static str,
    pub(crate) certificate: &'static str,
    pub(crate) thumbprint: &'static str,
    pub(crate) key_source: &'static str,
    pub(crate) key: fn(super::XRayKeySource) -> &'static str,
    pub(crate) raw_xml: &'static str,
    pub(crate) raw_xml_hint: &'static str,
    pub(crate) copy: &'static str,
    pub(crate) copied: &'static str,
}

pub(crate) struct ClaimGroups {
    pub(crate) identity: &'static str,
    pub(crate) groups: &'static str,
    pub(crate) authentication: &'static str,
    pub(crate) request: &'static str,
    pub(crate) other: &'static str,
}

/// The two largest units of a duration: `8 h 12 min`, `45 s`.
fn duration(seconds: u64, units: [&str; 4], between: &str) -> String {
    let amounts = [seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60];
    let parts: Vec<String> = amounts
        .iter()
        .zip(units)
        .skip_while(|(amount, _)| **amount == 0)
        .take(2)
        .filter(|(amount, _)| **amount > 0)
        .map(|(amount, unit)| format!("{amount}{unit}"))
        .collect();
    match units {
        [_, _, _, second] if parts.is_empty() => format!("0{second}"),
        _ => parts.join(between),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_show_their_two_largest_units() {
        for (seconds, english, japanese) in [
            (0, "0 s", "0秒"),
            (59, "59 s", "59秒"),
            (3_590, "59 min 50 s", "59分50秒"),
            (3_600, "1 h", "1時間"),
            (3_601, "1 h", "1時間"),
            (29_520, "8 h 12 min", "8時間12分"),
            (90_000, "1 d 1 h", "1日1時間"),
        ] {
            assert_eq!((ENGLISH.xray.duration)(seconds), english);
            assert_eq!((JAPANESE.xray.duration)(seconds), japanese);
        }
    }
}
