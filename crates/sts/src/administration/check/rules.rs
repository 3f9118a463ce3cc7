//! Claim rules compile, and this service can evaluate them.

use configuration::{ObjectType, Problem};
use serde_json::Value;

use crate::rules::compile;

/// Properties that hold claim rules, by kind.
fn properties(kind: &str) -> &'static [&'static str] {
    match kind {
        "relying-party-trust" => &[
            "IssuanceTransformRules",
            "IssuanceAuthorizationRules",
            "DelegationAuthorizationRules",
            "ImpersonationAuthorizationRules",
            "AdditionalAuthenticationRules",
        ],
        "claims-provider-trust" => &["AcceptanceTransformRules"],
        "service-properties" => &["AddProxyAuthorizationRules"],
        "global-authentication-policy" => &["AdditionalAuthenticationRules"],
        _ => &[],
    }
}

/// Every error of every rule set, with line and column as AD FS writes them.
pub(super) fn problems(object: &ObjectType, body: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    for property in properties(object.kind) {
        let Some(text) = body.get(property).and_then(Value::as_str) else { continue };
        for error in compile(text).err().into_iter().flatten() {
            let expected =
                format!("is wrong in line {}, column {}: {error}", error.line, error.column_from_one());
            problems.push(Problem::new(*property, &error.token, expected));
        }
    }
    problems
}
