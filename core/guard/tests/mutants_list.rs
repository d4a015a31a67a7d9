//! The list of changes of the guard that no test notices because they change nothing: every one names a change of a function
//! that exists, once, with its reason.
#![allow(clippy::expect_used, reason = "a failing test is its own message")]

use std::collections::BTreeSet;
use std::path::Path;

/// Function that a change is in: the last word of what cargo-mutants says.
fn function(change: &str) -> Option<&str> {
    let path = match change.rsplit_once(" in ") {
        Some((_, path)) => path,
        // `replace FUNCTION -> TYPE with VALUE`: the whole body.
        None => change.strip_prefix("replace ")?.split(" -> ").next()?.split(" with ").next()?,
    };
    path.rsplit("::").next().filter(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_'))
}

#[test]
fn every_listed_change_names_a_function_that_exists_and_has_a_reason() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(home.join("mutants.txt")).expect("the list");
    let mut lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).peekable();
    let mut seen = BTreeSet::new();
    while let Some(line) = lines.next() {
        let (file, change) = line.split_once(": ").expect("FILE: CHANGE");
        assert!(!line.starts_with(' '), "a reason without a change: {line}");
        assert!(seen.insert(line), "listed twice: {line}");
        let source = std::fs::read_to_string(home.join("src").join(file));
        let source = source.unwrap_or_else(|error| panic!("{line}: {file}: {error}"));
        let name = function(change).unwrap_or_else(|| panic!("{line}: which function?"));
        let is_there = source.contains(&format!("fn {name}(")) || source.contains(&format!("fn {name}<"));
        assert!(is_there, "{line}: there is no function {name} in {file}");
        let mut reason = String::new();
        while let Some(more) = lines.next_if(|next| next.starts_with("    ")) {
            reason.push_str(more.trim());
        }
        assert!(reason.len() > 20, "{line}: why does it change nothing?");
    }
}
