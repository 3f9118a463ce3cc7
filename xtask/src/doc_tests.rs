//! Examples in doc comments, which cargo builds and runs as programs of their own: only in the crates that have
//! any, since every crate costs a run of rustdoc.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::outcome::Outcome;
use crate::project::{Project, cargo_command};
use crate::step::Step;

/// Runs the examples of all crates that have some, and adds them to the sum.
pub(crate) fn run(project: &Project, outcome: &mut Outcome) -> Option<Step> {
    let packages = packages_with_examples(&project.metadata);
    if packages.is_empty() {
        return None;
    }
    let mut arguments = vec!["test", "--release", "--doc"];
    arguments.extend(packages.iter().flat_map(|package| ["--package", package.as_str()]));
    let step = Step::run(project, "test examples", &mut cargo_command(&project.root, &arguments));
    let output = fs::read(project.log(&step.name)).unwrap_or_default();
    outcome.add(&String::from_utf8_lossy(&output), step.passed);
    Some(step)
}

fn packages_with_examples(metadata: &Value) -> Vec<String> {
    let packages = metadata.get("packages").and_then(Value::as_array);
    let libraries = packages.into_iter().flatten().filter_map(|package| {
        let name = package.get("name")?.as_str()?;
        let mut targets = package.get("targets")?.as_array()?.iter();
        let library = targets.find(|target| target.get("doctest").and_then(Value::as_bool) == Some(true))?;
        let folder = Path::new(library.get("src_path")?.as_str()?).parent()?;
        sources(folder).iter().any(|file| has_example(file)).then(|| name.to_owned())
    });
    libraries.collect()
}

/// All Rust files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

fn has_example(file: &Path) -> bool {
    let text = fs::read_to_string(file).unwrap_or_default();
    let mut inside = false;
    text.lines().any(|line| match fence(line) {
        Some(_) if inside => {
            inside = false;
            false
        }
        Some(words) => {
            inside = true;
            !words.split(',').any(|word| matches!(word.trim(), "text" | "ignore"))
        }
        None => false,
    })
}

/// What stands behind the fence of a code block, when this line of a doc comment is one.
fn fence(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let comment = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))?;
    comment.trim_start().strip_prefix("```")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn examples_are_told_from_pictures() {
        let folder = std::env::temp_dir().join(format!("sekisho-xtask-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("lib.rs");
        for (text, expected) in [
            ("//! ```\n//! let x = 1;\n//! ```\n", true),
            ("    /// ```compile_fail,E0451\n    /// ```\n", true),
            ("/// ```text\n/// a → b\n/// ```\n", false),
            ("/// ```ignore\n/// ```\n/// ```text\n/// ```\n", false),
            ("/// ```text\n/// ```\n/// ```\n/// ```\n", true),
            ("// ```\n// ```\nlet fence = \"```\";\n", false),
        ] {
            fs::File::create(&file).unwrap().write_all(text.as_bytes()).unwrap();
            assert_eq!(has_example(&file), expected, "{text}");
            assert_eq!(sources(&folder), std::slice::from_ref(&file));
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
