//! The floors of the house (ARCHITECTURE.md): a crate imports only from floors below its own.

use serde_json::Value;

/// Every crate and its floor. `base` is the ground that everything stands on.
const FLOORS: &[(&str, u8)] = &[
    ("base", 0),
    ("claims", 1),
    ("xml", 1),
    ("tokens", 2),
    ("configuration", 2),
    ("protocols", 3),
    ("net", 3),
    ("keys", 3),
    ("store", 4),
    ("directory", 5),
    ("audit", 5),
    ("sts", 6),
    ("server", 7),
    ("proxy", 7),
    ("cmdlets", 7),
    ("sekisho", 8),
    ("fuzz", 8),
];

/// Beside the house: they stand on the ground and use the built binary, no other crate.
const OUTSIDE: &[&str] = &["xtask", "end-to-end", "benches"];

/// The proxy asks the federation server and has none of its logic.
const PROXY_MAY_USE: &[&str] = &["base", "net", "keys", "configuration", "audit", "protocols"];

/// All breaches of the rule in `cargo metadata`.
pub(crate) fn breaches(metadata: &Value) -> Vec<String> {
    let mut breaches = Vec::new();
    let packages = metadata.get("packages").and_then(Value::as_array);
    for package in packages.into_iter().flatten() {
        let Some(name) = package.get("name").and_then(Value::as_str) else { continue };
        let own = floor(name);
        if own.is_none() && !OUTSIDE.contains(&name) {
            breaches.push(format!("the crate '{name}' has no floor; give it one in xtask/src/floors.rs"));
            continue;
        }
        for used in workspace_dependencies(package) {
            match (own, floor(used)) {
                (None, Some(0)) => {}
                (None, _) => breaches.push(format!("'{name}' is outside of the house and uses '{used}'")),
                (Some(own), Some(floor)) if floor < own => {
                    if name == "proxy" && !PROXY_MAY_USE.contains(&used) {
                        breaches.push(format!("'proxy' uses '{used}', which is federation logic"));
                    }
                }
                (Some(own), Some(floor)) => {
                    breaches.push(format!("'{name}' (floor {own}) uses '{used}' (floor {floor})"));
                }
                (Some(_), None) => breaches.push(format!("'{name}' uses '{used}', which has no floor")),
            }
        }
    }
    breaches
}

fn floor(name: &str) -> Option<u8> {
    FLOORS.iter().find(|(known, _)| *known == name).map(|(_, floor)| *floor)
}

/// Dependencies of every kind (tests too) that have a path, which are those of this workspace.
fn workspace_dependencies(package: &Value) -> impl Iterator<Item = &str> {
    let dependencies = package.get("dependencies").and_then(Value::as_array);
    dependencies
        .into_iter()
        .flatten()
        .filter(|dependency| dependency.get("path").is_some_and(Value::is_string))
        .filter_map(|dependency| dependency.get("name").and_then(Value::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn workspace(name: &str, uses: &[&str]) -> Value {
        let mut dependencies = vec![json!({ "name": "serde", "kind": null })];
        dependencies.extend(uses.iter().map(|used| json!({ "name": used, "kind": "dev", "path": "/x" })));
        json!({ "packages": [{ "name": name, "dependencies": dependencies }] })
    }

    #[test]
    fn a_crate_may_use_lower_floors_only() {
        for (name, uses) in [
            ("net", &["base"][..]),
            ("sts", &["keys", "store"]),
            ("end-to-end", &["base"]),
            ("proxy", &["net"]),
        ] {
            assert_eq!(breaches(&workspace(name, uses)), [""; 0], "{name}");
        }
        for (name, uses) in [
            ("net", "keys"),
            ("claims", "xml"),
            ("store", "sts"),
            ("proxy", "sts"),
            ("proxy", "tokens"),
            ("xtask", "xml"),
            ("end-to-end", "tokens"),
            ("net", "unknown"),
        ] {
            assert_eq!(breaches(&workspace(name, &[uses])).len(), 1, "{name} → {uses}");
        }
        assert_eq!(breaches(&workspace("unknown", &[])).len(), 1);
    }
}
