//! Which package uses which: a new arrow between packages is a decision, and has to be seen as one.
//!
//! The table `arrows.txt` holds one arrow a line: `USER -> USED`, with `dev` in front when only the tests use it. For
//! the crates that decide it also holds what they take from outside: `USER => CRATE`.

use serde_json::Value;
use std::collections::BTreeSet;

/// Packages whose use of outside crates is in the table too: they have to build without a standard library, or give
/// the same bits everywhere, and each crate more puts that at risk.
pub const GUARDED: &[&str] = &[
    "ballast-model",
    "ballast-guard",
    "ballast-engine",
    "ballast-config",
    "ballast-plant",
    "bthome-decoder",
    "tic-decoder",
];

/// The arrows in what `cargo metadata --no-deps` printed.
///
/// # Errors
/// When it is not what cargo prints.
pub fn found(metadata: &str) -> Result<BTreeSet<String>, String> {
    let metadata: Value =
        serde_json::from_str(metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    let packages = metadata.get("packages").and_then(Value::as_array).ok_or("cargo metadata: no packages")?;
    let mut arrows = BTreeSet::new();
    for package in packages {
        let user =
            package.get("name").and_then(Value::as_str).ok_or("cargo metadata: a package without a name")?;
        for used in package.get("dependencies").and_then(Value::as_array).into_iter().flatten() {
            let name = used
                .get("name")
                .and_then(Value::as_str)
                .ok_or("cargo metadata: a dependency without a name")?;
            let is_dev = used.get("kind").and_then(Value::as_str) == Some("dev");
            let is_ours = used.get("path").is_some_and(Value::is_string);
            if is_ours {
                arrows.insert(format!("{}{user} -> {name}", if is_dev { "dev " } else { "" }));
            } else if GUARDED.contains(&user) && !is_dev {
                arrows.insert(format!("{user} => {name}"));
            }
        }
    }
    Ok(arrows)
}

/// Compares the arrows with the table.
pub fn complaints(found: &BTreeSet<String>, table: &str) -> Vec<String> {
    let lines = table.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let allowed: BTreeSet<String> = lines.filter(|line| !line.is_empty()).map(str::to_owned).collect();
    let new = found.difference(&allowed).map(|arrow| {
        format!("new arrow `{arrow}`: avoid it, or add it to tools/tidy/arrows.txt with its reason")
    });
    let gone = allowed
        .difference(found)
        .map(|arrow| format!("arrow `{arrow}` is gone: remove it from tools/tidy/arrows.txt"));
    new.chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = r#"{"packages": [
        {"name": "ballast-engine", "dependencies": [
            {"name": "ballast-model", "kind": null, "path": "/x/core/model"},
            {"name": "ballast-plant", "kind": "dev", "path": "/x/core/plant"},
            {"name": "libm", "kind": null}, {"name": "proptest", "kind": "dev"}]},
        {"name": "ballast", "dependencies": [{"name": "tokio", "kind": null}]}]}"#;
    const TABLE: &str = "# comment
        ballast-engine -> ballast-model
        dev ballast-engine -> ballast-plant
        ballast-engine => libm # why";

    #[test]
    fn the_arrows_of_the_table_pass() {
        assert_eq!(complaints(&found(METADATA).unwrap(), TABLE), Vec::<String>::new());
    }

    #[test]
    fn a_new_arrow_and_a_gone_one_are_told() {
        let table = TABLE.replace("ballast-engine -> ballast-model", "ballast-engine -> ballast-guard");
        let told = complaints(&found(METADATA).unwrap(), &table);
        assert_eq!(told.len(), 2);
        assert!(told[0].starts_with("new arrow `ballast-engine -> ballast-model`"));
        assert!(told[1].starts_with("arrow `ballast-engine -> ballast-guard` is gone"));
    }
}
