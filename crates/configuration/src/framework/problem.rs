//! What is wrong with a value that somebody typed.

/// One finding: the field, the value, what was expected and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: '{value}' {expected}")]
pub struct Problem {
    /// Path of the field in AD FS's names, such as `TokenLifetime` or `SamlEndpoints[1].Location`.
    pub field: String,
    /// The value that was given, shortened.
    pub value: String,
    /// What is allowed, as the end of the sentence: "is not …; expected …".
    pub expected: String,
}

impl Problem {
    /// A finding about `field`.
    pub fn new(field: impl Into<String>, value: impl ToString, expected: impl Into<String>) -> Self {
        let value = value.to_string();
        let value = if value.chars().count() > 120 {
            value.chars().take(119).chain(['…']).collect()
        } else {
            value
        };
        Self { field: field.into(), value, expected: expected.into() }
    }
}

/// A finding for each of `values` that is not an absolute URI.
pub(crate) fn check_uris(field: &str, values: &[String], problems: &mut Vec<Problem>) {
    for (at, value) in values.iter().enumerate() {
        if url::Url::parse(value).is_err() {
            let expected = "is not an absolute URI; expected one like urn:app or https://app.example.com/";
            problems.push(Problem::new(format!("{field}[{at}]"), value, expected));
        }
    }
}
