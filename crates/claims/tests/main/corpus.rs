//! Rules that people publish and run.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use claims::RuleSet;

/// The corpus, when it is on this machine.
fn corpus() -> Option<PathBuf> {
    let named = std::env::var_os("SEKISHO_FIXTURES").map(PathBuf::from);
    let beside =
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("shared/fixtures"));
    let found =
        named.into_iter().chain(beside).map(|root| root.join("claim-rules")).find(|folder| folder.is_dir());
    if found.is_none() {
        eprintln!("skipped: no fixtures (set SEKISHO_FIXTURES)");
    }
    found
}

fn table(path: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
fn valid_files_parse_and_print() {
    let Some(corpus) = corpus() else { return };
    let mut checked = 0;
    for row in table(&corpus.join("index.tsv")) {
        let [file, _, _, features, valid, ..] = row.as_slice() else { panic!("{row:?}") };
        if valid != "valid" && valid != "disputed" {
            continue;
        }
        let text = fs::read_to_string(corpus.join(file)).unwrap();
        let rules =
            RuleSet::parse(&text).unwrap_or_else(|errors| panic!("{file}\n{}", errors[0].render(&text)));
        assert_eq!(rules.text(), text, "{file}");
        let printed = rules.to_string();
        let again = RuleSet::parse(&printed)
            .unwrap_or_else(|errors| panic!("{file}\n{}", errors[0].render(&printed)));
        assert_eq!(again, rules, "{file}");
        assert_eq!(again.to_string(), printed, "{file}");
        let expected = features
            .split(',')
            .find_map(|feature| feature.strip_prefix("rules="))
            .map_or(1, |count| count.parse().unwrap());
        assert_eq!(rules.len(), expected, "{file}");
        let mangled = features.split(',').any(|feature| feature == "https-mangled-uri");
        if !rules.warnings().is_empty() {
            assert!(mangled, "{file}: {}", rules.warnings()[0]);
        }
        checked += 1;
    }
    assert!(checked >= 190, "{checked} files");
}

#[test]
fn invalid_files_are_refused_where_they_are_wrong() {
    let Some(corpus) = corpus() else { return };
    let rows = table(&corpus.join("invalid/errors.tsv"));
    for row in &rows {
        let [file, line, column, column_from_one, token, family, _] = row.as_slice() else {
            panic!("{row:?}")
        };
        let text = fs::read_to_string(corpus.join(file)).unwrap();
        let errors = RuleSet::parse(&text).expect_err(file);
        let first = &errors[0];
        if token == "send" {
            // The table has the place behind this token, for all others that of the token.
            assert_eq!((first.line, first.column + token.len()), (1, column.parse().unwrap()), "{file}");
            continue;
        }
        let found = format!("{}:{}", first.line, first.column);
        assert_eq!(found, format!("{line}:{column}"), "{file}\n{}", first.render(&text));
        assert_eq!(first.column_from_one().to_string(), *column_from_one, "{file}");
        if token != "end of text" {
            assert_eq!(first.token, *token, "{file}");
        }
        let code = if family == "semantic" { "POLICY0002" } else { family.as_str() };
        assert_eq!(first.code, code, "{file}\n{}", first.render(&text));
    }
    assert_eq!(rows.len(), 35);
}

#[test]
fn published_mistakes_are_refused_at_the_first_complaint() {
    let Some(corpus) = corpus() else { return };
    let mut places = HashMap::new();
    for row in table(&corpus.join("index.tsv")) {
        let [file, _, _, features, valid, ..] = row.as_slice() else { panic!("{row:?}") };
        if !features.contains("as-printed-error") && !valid.contains("invalid regex") {
            continue;
        }
        let text = fs::read_to_string(corpus.join(file)).unwrap();
        let errors = RuleSet::parse(&text).expect_err(file);
        places.insert(file[..3].to_owned(), (errors[0].line, errors[0].column, errors[0].code));
    }
    for (file, place) in [
        ("184", (1, 98, "POLICY0002")),
        ("197", (3, 231, "POLICY0002")),
        ("198", (2, 48, "POLICY0030")),
        ("199", (1, 15, "POLICY0029")),
        ("200", (1, 115, "POLICY0030")),
        ("201", (1, 151, "POLICY0030")),
        ("202", (1, 11, "POLICY0029")),
        ("203", (1, 214, "POLICY0030")),
        ("204", (2, 26, "POLICY0030")),
        ("205", (1, 9, "POLICY0030")),
    ] {
        assert_eq!(places.get(file), Some(&place), "{file}");
    }
}
