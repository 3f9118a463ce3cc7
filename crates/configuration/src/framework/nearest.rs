//! "Did you mean": the known name that a misspelt one most likely stands for.

/// The one of `known` that is nearest to `name`, without regard to case; none when nothing is near.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: String = name.chars().take(128).flat_map(char::to_lowercase).collect();
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&candidate.to_lowercase(), &wanted), candidate))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_name_is_found_whatever_its_case_and_nonsense_has_none() {
        let known = ["TokenLifetime", "NotBeforeSkew", "Notes"];
        assert_eq!(nearest("TokenLifetme", known), Some("TokenLifetime"));
        assert_eq!(nearest("tokenlifetime", known), Some("TokenLifetime"));
        assert_eq!(nearest("note", known), Some("Notes"));
        assert_eq!(nearest("Xyzzy", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest(&"T".repeat(100_000), known), None);
    }
}
