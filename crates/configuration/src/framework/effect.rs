//! Settings that nothing reads yet: said so when set, and refused where they would promise protection.

use serde_json::Value;

use super::Problem;
use super::object::shown;
use super::schema::Shape;

/// What setting a property does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// What AD FS's documentation says.
    Full,
    /// Nothing yet: it is kept and shown, and a warning says so when it is set (`x-effect: none`).
    Nothing,
    /// Nothing yet, and people would rely on it for protection: only the default is taken
    /// (`x-effect: protects`).
    NothingYetProtects,
}

impl Effect {
    /// The effect that the schema of a property declares.
    pub fn of(property: &Value) -> Self {
        match property.get("x-effect").and_then(Value::as_str) {
            Some("none") => Self::Nothing,
            Some("protects") => Self::NothingYetProtects,
            _ => Self::Full,
        }
    }
}

/// Says what the new value of a property, other than the stored one, does not do.
pub(super) fn judge(
    member: &Shape<'_>,
    default: &Value,
    new: &Value,
    warnings: &mut Vec<String>,
    problems: &mut Vec<Problem>,
) {
    let name = &member.path;
    if new == default {
        return;
    }
    match member.text("x-effect") {
        Some("none") => {
            warnings.push(format!("{name} is kept and shown, but has no effect in this version."))
        }
        Some("protects") => {
            let default = match shown(default) {
                text if text.is_empty() => "the empty value".to_owned(),
                text => format!("'{text}'"),
            };
            let expected = format!(
                "would protect, but has no effect in this version, so it is refused rather than relied on; expected its default, {default}"
            );
            let shown = if member.is("x-secret") { "(secret)".to_owned() } else { shown(new) };
            problems.push(Problem::new(name.clone(), shown, expected));
        }
        _ => {}
    }
}
