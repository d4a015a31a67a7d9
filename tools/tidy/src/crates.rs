//! What we build on: the licences, the banned crates and the origins of `deny.toml`, looked at without a network.
//!
//! `make deny` asks cargo-deny the same and more (advisories, doubles); it takes minutes to install and a network to answer.
//! This looks at the packages that cargo chose for this machine, on every run of the tests.

use serde_json::Value;
use std::collections::BTreeSet;

/// Where packages may come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// What `deny.toml` says, as far as it is looked at here.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Licences that may be.
    pub allowed: BTreeSet<String>,
    /// Crates that may not.
    pub banned: BTreeSet<String>,
}

/// Reads the lists `licenses.allow` and `bans.deny`, one entry a line, as the file has them.
pub fn policy(text: &str) -> Policy {
    let (mut policy, mut section, mut list) = (Policy::default(), "", "");
    for line in text.lines().map(str::trim) {
        let quoted = || line.split('"').nth(1).unwrap_or_default().to_owned();
        match (section, list) {
            _ if line.starts_with('[') => (section, list) = (line, ""),
            _ if line.ends_with("= [") => list = line.split(' ').next().unwrap_or_default(),
            _ if line.starts_with(']') => list = "",
            ("[licenses]", "allow") if line.starts_with('"') => drop(policy.allowed.insert(quoted())),
            ("[bans]", "deny") if line.starts_with("{ crate = ") => drop(policy.banned.insert(quoted())),
            _ => {}
        }
    }
    policy
}

/// What is wrong with the packages in what `cargo metadata` printed.
///
/// # Errors
/// When it is not what cargo prints.
pub fn complaints(metadata: &str, policy: &Policy) -> Result<Vec<String>, String> {
    let metadata: Value =
        serde_json::from_str(metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    let packages = metadata.get("packages").and_then(Value::as_array).ok_or("cargo metadata: no packages")?;
    let mut complaints = Vec::new();
    for package in packages {
        let text = |key| package.get(key).and_then(Value::as_str);
        let name = text("name").ok_or("cargo metadata: a package without a name")?;
        if policy.banned.contains(name) {
            complaints.push(format!(
                "{name} is banned by deny.toml: `cargo tree --invert {name}` shows who brings it"
            ));
        }
        if text("source").is_some_and(|source| source != REGISTRY) {
            complaints.push(format!("{name} does not come from crates.io"));
        }
        let license = text("license").unwrap_or_default();
        if !is_allowed(license, &policy.allowed) {
            complaints.push(format!(
                "{name} is licensed as `{license}`, which deny.toml does not allow: avoid it, or add the licence with its reason"
            ));
        }
    }
    Ok(complaints)
}

/// Whether a licence expression (SPDX; `/` is an old way to write OR) can be met with these licences.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let is_met = any_of(&mut rest, allowed);
    is_met && rest.is_empty()
}

fn any_of(rest: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut is_met = all_of(rest, allowed);
    while let [first, more @ ..] = *rest
        && *first == "OR"
    {
        *rest = more;
        is_met |= all_of(rest, allowed);
    }
    is_met
}

fn all_of(rest: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut is_met = one(rest, allowed);
    while let [first, more @ ..] = *rest
        && *first == "AND"
    {
        *rest = more;
        is_met &= one(rest, allowed);
    }
    is_met
}

fn one(rest: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    match *rest {
        [")", ..] => false,
        ["(", more @ ..] => {
            *rest = more;
            let is_met = any_of(rest, allowed);
            let [")", more @ ..] = *rest else { return false };
            *rest = more;
            is_met
        }
        [license, "WITH", exception, more @ ..] => {
            *rest = more;
            allowed.contains(&format!("{license} WITH {exception}"))
        }
        [license, more @ ..] => {
            *rest = more;
            // "or any later version" may be used as the version that it names.
            allowed.contains(license.trim_end_matches('+'))
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &str = "[licenses]\nallow = [\n    \"MIT\", # why\n    \"Apache-2.0\",\n    \"Apache-2.0 WITH LLVM-exception\",\n]\n\
                        [bans]\nskip = [\n    { crate = \"fine\" },\n]\ndeny = [\n    { crate = \"openssl-sys\", reason = \"x\" },\n]\n";

    #[test]
    fn the_two_lists_are_read() {
        let policy = policy(DENY);
        assert_eq!(
            policy.allowed.iter().collect::<Vec<_>>(),
            ["Apache-2.0", "Apache-2.0 WITH LLVM-exception", "MIT"]
        );
        assert_eq!(policy.banned.iter().collect::<Vec<_>>(), ["openssl-sys"]);
    }

    #[test]
    fn an_expression_is_met_by_what_is_allowed() {
        let allowed = policy(DENY).allowed;
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR GPL-3.0) AND Apache-2.0",
            "MIT+",
            "Apache-2.0 WITH LLVM-exception OR GPL-3.0",
        ] {
            assert!(is_allowed(good, &allowed), "{good}");
        }
        for bad in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT OR GPL-3.0",
            "MIT MIT",
            "GPL-3.0 WITH LLVM-exception",
            "MIT OR )",
        ] {
            assert!(!is_allowed(bad, &allowed), "{bad}");
        }
    }

    #[test]
    fn a_banned_crate_a_strange_licence_and_another_source_are_told() {
        let metadata = r#"{"packages": [
            {"name": "ours", "license": "MIT", "source": null},
            {"name": "openssl-sys", "license": "MIT", "source": "registry+https://github.com/rust-lang/crates.io-index"},
            {"name": "strange", "license": "SSPL-1.0", "source": "git+https://example.org/strange"}]}"#;
        let told = complaints(metadata, &policy(DENY)).unwrap();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(
            told[0].starts_with("openssl-sys is banned")
                && told[1].contains("crates.io")
                && told[2].contains("SSPL-1.0")
        );
    }
}
