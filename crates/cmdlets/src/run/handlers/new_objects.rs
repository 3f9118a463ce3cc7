//! `New-`: objects in memory, for the parameters of other commands.

use serde_json::{Map, Value, json};

use crate::error::CmdletError;
use crate::run::files;
use crate::run::{Call, Outcome};

/// `New-AdfsSamlEndpoint`
pub(crate) fn new_saml_endpoint(call: &mut Call<'_, '_>) -> Outcome {
    let bound = call.bound;
    let of = |name: &str| bound.get(name).cloned().unwrap_or_default();
    let mut endpoint = Map::new();
    endpoint.insert("Protocol".to_owned(), of("Protocol"));
    endpoint.insert("Binding".to_owned(), of("Binding"));
    endpoint.insert("Location".to_owned(), of("Uri"));
    for (name, default) in [("Index", json!(0)), ("IsDefault", json!(false))] {
        let given = bound.get(name).filter(|value| !value.is_null()).cloned();
        endpoint.insert(name.to_owned(), given.unwrap_or(default));
    }
    if let Some(response) = bound.get("ResponseUri").filter(|value| !value.is_null()) {
        endpoint.insert("ResponseLocation".to_owned(), response.clone());
    }
    Ok(vec![Value::Object(endpoint)])
}

/// `New-AdfsClaimRuleSet`: rules of texts or of a file, put together and as a list.
pub(crate) fn new_claim_rule_set(call: &mut Call<'_, '_>) -> Outcome {
    let text = match call.bound.text("ClaimRuleFile") {
        Some(file) => files::text_of(file)?,
        None => call.bound.texts("ClaimRule").join("\n"),
    };
    let rules = match call.bound.get("ClaimRule") {
        Some(Value::Array(rules)) => rules.clone(),
        _ => vec![Value::String(text.clone())],
    };
    Ok(vec![json!({ "ClaimRules": rules, "ClaimRulesString": text })])
}

/// `New-AdfsContactPerson`: the parameters are singular, the properties are not.
pub(crate) fn new_contact_person(call: &mut Call<'_, '_>) -> Outcome {
    let bound = call.bound;
    let of = |name: &str| bound.get(name).cloned();
    Ok(vec![json!({
        "Company": of("Company"),
        "EmailAddresses": of("EmailAddress").unwrap_or_else(|| json!([])),
        "GivenName": of("GivenName"),
        "PhoneNumbers": of("TelephoneNumber").unwrap_or_else(|| json!([])),
        "Surname": of("Surname"),
    })])
}

/// `New-AdfsOrganization`
pub(crate) fn new_organization(call: &mut Call<'_, '_>) -> Outcome {
    let bound = call.bound;
    let of = |name: &str| bound.get(name).cloned().unwrap_or_default();
    let name = bound.get("Name").cloned().unwrap_or_else(|| of("DisplayName"));
    Ok(vec![json!({
        "DisplayName": of("DisplayName"),
        "Name": name,
        "OrganizationUrl": of("OrganizationUrl"),
    })])
}

/// `New-TimeSpan`: `-ExtranetObservationWindow (New-TimeSpan -Minutes 30)`.
pub(crate) fn new_time_span(call: &mut Call<'_, '_>) -> Outcome {
    let units = [("Days", 86_400_i64), ("Hours", 3_600), ("Minutes", 60), ("Seconds", 1)];
    let number = |name: &str| call.bound.get(name).and_then(Value::as_i64).unwrap_or(0);
    let seconds = units
        .iter()
        .fold(0_i64, |sum, (name, factor)| sum.saturating_add(number(name).saturating_mul(*factor)));
    match u64::try_from(seconds) {
        Ok(seconds) => Ok(vec![Value::String(crate::bind::span_text(seconds))]),
        Err(_) => Err(CmdletError::new("InvalidValue", "A span of time can't be negative here.")),
    }
}
