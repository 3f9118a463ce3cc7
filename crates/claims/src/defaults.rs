//! Rule sets that a new service starts with.

use std::sync::LazyLock;

use crate::types::*;

/// The claims of Windows sign-in that the Active Directory claims provider trust accepts, with the names that
/// the console gives their rules.
const ACCEPTED: [(&str, &str); 10] = [
    ("Windows account name", WINDOWS_ACCOUNT_NAME),
    ("Name", NAME),
    ("Primary SID", PRIMARY_SID),
    ("Group SID", GROUP_SID),
    ("Primary group SID", PRIMARY_GROUP_SID),
    ("Deny only group SID", DENY_ONLY_SID),
    ("Deny only primary SID", DENY_ONLY_PRIMARY_SID),
    ("Deny only primary group SID", DENY_ONLY_PRIMARY_GROUP_SID),
    ("Authentication method", AUTHENTICATION_METHOD),
    ("Authentication time stamp", AUTHENTICATION_INSTANT),
];

/// Acceptance transform rules of the Active Directory claims provider trust: ten pass-through rules. A claim of
/// another type, or of another issuer, needs a rule of its own.
pub static ACTIVE_DIRECTORY_ACCEPTANCE: LazyLock<String> = LazyLock::new(|| {
    let rules = ACCEPTED.map(|(name, claim_type)| {
        format!(
            "@RuleTemplate = \"PassThroughClaims\"\n\
             @RuleName = \"Pass through all {name} claims\"\n\
             c:[Type == \"{claim_type}\", Issuer =~ \"^(AD AUTHORITY|SELF AUTHORITY|LOCAL AUTHORITY)$\"]\n \
             => issue(claim = c);\n"
        )
    });
    rules.join("\n")
});

/// Issuance authorization rules that permit everyone, as the console's template writes them.
pub static PERMIT_EVERYONE: LazyLock<String> = LazyLock::new(|| {
    format!("@RuleTemplate = \"AllowAllAuthzRule\"\n => issue(Type = \"{PERMIT}\", Value = \"true\");\n")
});
