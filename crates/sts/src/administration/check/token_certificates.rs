//! The service's own certificates: of the token-signing and of the token-decrypting ones, exactly one is primary.
//!
//! Of Service-Communications there is one. As in AD FS nobody adds, removes or promotes one by hand while `AutoCertificateRollover` is on.

use configuration::Problem;
use serde_json::Value;
use store::{Document, Kind, Operation};

use super::{ChangeError, Found};
use crate::Sts;
use crate::administration::Origin;
use crate::administration::carry_out::Plan;
use crate::catalog::PROPERTIES_ID;

const TYPE: &str = "CertificateType";
const PRIMARY: &str = "IsPrimary";
/// Certificates of all types that a farm has at most.
const MOST: usize = 1_000;

pub(super) async fn check(sts: &Sts, plan: &Plan, found: &mut Found) -> Result<(), ChangeError> {
    let (before, after) = (plan.body_before(), plan.body_after());
    let certificate_type = text(after.or(before), TYPE);
    if certificate_type == "Service-Communications" && is_primary(after) {
        let others = others_of_type(sts, plan, certificate_type).await?;
        found.operations.extend(others.into_iter().map(removed));
        return Ok(());
    }
    if !["Token-Signing", "Token-Decrypting"].contains(&certificate_type) || before == after {
        return Ok(());
    }
    if plan.origin == Origin::ByHand && rolls_over(sts).await? {
        return Err(ChangeError::not_allowed(format!(
            "{certificate_type} certificates can't be added, changed or removed while AutoCertificateRollover is \
             True; run Set-AdfsProperties -AutoCertificateRollover $false first"
        )));
    }
    let (was, will_be) = (is_primary(before), is_primary(after));
    match after {
        None if was => Err(ChangeError::not_allowed(format!(
            "'{}' is the primary {certificate_type} certificate; make another one primary first",
            text(before, "Thumbprint")
        ))),
        Some(_) if was && !will_be => {
            let expected = "would leave no primary certificate of the type; make another one primary instead";
            Err(ChangeError::invalid(vec![Problem::new(PRIMARY, "false", expected)]))
        }
        Some(_) if will_be => {
            let others = others_of_type(sts, plan, certificate_type).await?.into_iter();
            match plan.origin {
                Origin::MadeUrgently => found.operations.extend(others.map(removed)),
                Origin::ByHand | Origin::Made => {
                    found.operations.extend(others.filter(|other| is_primary(Some(&other.body))).map(demoted))
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

async fn others_of_type(
    sts: &Sts,
    plan: &Plan,
    certificate_type: &str,
) -> Result<Vec<Document>, ChangeError> {
    let mut others = sts.catalog.store().list(Kind::Certificate, None, MOST).await?;
    others.retain(|other| other.id != plan.id && text(Some(&other.body), TYPE) == certificate_type);
    Ok(others)
}

fn removed(document: Document) -> Operation {
    let Document { kind, id, version, .. } = document;
    Operation::Delete { kind, id, expected: version }
}

fn demoted(document: Document) -> Operation {
    let Document { kind, id, version, mut body } = document;
    if let Some(primary) = body.get_mut(PRIMARY) {
        *primary = Value::Bool(false);
    }
    let keys = configuration::object_type(kind.name())
        .and_then(|object| (object.check)(body.clone()).ok())
        .map(|checked| checked.keys)
        .unwrap_or_default();
    Operation::Put { kind, id, expected: version, body, keys }
}

async fn rolls_over(sts: &Sts) -> Result<bool, ChangeError> {
    let properties = sts.catalog.store().get(Kind::ServiceProperties, PROPERTIES_ID).await?;
    let value = properties.as_ref().and_then(|document| document.body.get("AutoCertificateRollover"));
    // AD FS's default.
    Ok(value.and_then(Value::as_bool).unwrap_or(true))
}

fn text<'a>(body: Option<&'a Value>, member: &str) -> &'a str {
    body.and_then(|body| body.get(member)).and_then(Value::as_str).unwrap_or_default()
}

fn is_primary(body: Option<&Value>) -> bool {
    body.and_then(|body| body.get(PRIMARY)) == Some(&Value::Bool(true))
}
