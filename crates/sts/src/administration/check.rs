//! What one object cannot know by itself: rules compile, certificates can be read, built-in objects stay, one token
//! certificate of each type is the primary one.
//!
//! Everything is checked on every write, changed or not: an object that was valid once is not trusted to be so
//! still.

mod certificates;
mod rules;
mod token_certificates;

use configuration::{CLAIMS_XRAY, CLAIMS_XRAY_SAML20, Problem};
use serde_json::Value;
use store::Operation;

use super::ChangeError;
use super::carry_out::Plan;
use crate::Sts;

/// Identifiers of the two trusts of Claims X-Ray.
const CLAIMS_XRAYS: [&str; 2] = [CLAIMS_XRAY, CLAIMS_XRAY_SAML20];

/// What the checks add to a change.
#[derive(Default)]
pub(super) struct Found {
    /// Changes of other objects that belong to this one; made first, in the same write.
    pub(super) operations: Vec<Operation>,
    /// What the administrator should know.
    pub(super) warnings: Vec<String>,
}

/// Checks a plan by the kind of its object.
pub(super) async fn check(sts: &Sts, plan: &Plan) -> Result<Found, ChangeError> {
    built_in_objects_stay(plan)?;
    let mut found = Found::default();
    if let Some(body) = plan.body_after() {
        let mut problems = rules::problems(plan.object, body);
        problems.extend(certificates::check(plan.object, body, sts.clock.now(), &mut found.warnings));
        if !problems.is_empty() {
            return Err(ChangeError::invalid(problems));
        }
    }
    if plan.object.kind == "certificate" {
        token_certificates::check(sts, plan, &mut found).await?;
    }
    Ok(found)
}

/// Without the directory's claims provider trust nobody signs in; Claims X-Ray has a property that ends it.
fn built_in_objects_stay(plan: &Plan) -> Result<(), ChangeError> {
    let identifier =
        |body: Option<&Value>| body.and_then(|body| body.get("Identifier")).cloned().unwrap_or_default();
    let (before, after) = (identifier(plan.body_before()), identifier(plan.body_after()));
    match plan.object.kind {
        "claims-provider-trust" if names(&before, claims::claim::AD_AUTHORITY) => {
            if plan.after.is_none() {
                return Err(ChangeError::not_allowed(
                    "the claims provider trust 'Active Directory' is built in and can't be removed",
                ));
            }
            if !names(&after, claims::claim::AD_AUTHORITY) {
                let expected = "is the identifier of the built-in directory, which can't be changed";
                return Err(ChangeError::invalid(vec![Problem::new(
                    "Identifier",
                    before_text(&before),
                    expected,
                )]));
            }
        }
        "relying-party-trust"
            if plan.after.is_none() && CLAIMS_XRAYS.iter().any(|xray| names(&before, xray)) =>
        {
            return Err(ChangeError::not_allowed(
                "the relying party trust of Claims X-Ray is built in and can't be removed; set EnableClaimsXray of \
                 the service properties to false, or disable the trust",
            ));
        }
        _ => {}
    }
    Ok(())
}

/// Whether an `Identifier`, one text or several, has this value.
fn names(identifier: &Value, value: &str) -> bool {
    match identifier {
        Value::Array(list) => list.iter().any(|one| one == value),
        one => one == value,
    }
}

fn before_text(identifier: &Value) -> String {
    identifier.as_str().map_or_else(|| identifier.to_string(), str::to_owned)
}
