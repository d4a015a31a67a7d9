//! Every example is a whole site, and what its pages and the manual tell people to type exists.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::program::ballast;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn examples() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("examples")).unwrap().flatten().map(|entry| entry.path());
    let mut sites: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    sites.sort();
    assert!(sites.len() >= 4, "the examples are gone: {sites:?}");
    sites
}

#[test]
fn every_example_passes_check_without_a_warning() {
    for site in examples() {
        for name in ["site.yaml", "safety.yaml", "rules"] {
            assert!(site.join(name).exists(), "{} has no {name}", site.display());
        }
        let output = ballast().arg("check").arg(&site).output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(0), "{}:\n{text}", site.display());
        assert!(text.contains("no mistakes."), "{text}");
        assert!(!text.contains("warning"), "{}:\n{text}", site.display());
        let output = ballast().arg("check").arg(&site).arg("--explain").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("strength:") && text.contains("must be renewed every"), "{text}");
    }
}

/// Pages that people read, with what they tell to type: lines that begin with `ballast`, in blocks and between backticks.
fn commands() -> BTreeSet<(String, String)> {
    let mut pages = vec![root().join("README.md")];
    for folder in ["docs/manual/en", "docs/manual/fr"] {
        pages.extend(std::fs::read_dir(root().join(folder)).unwrap().flatten().map(|entry| entry.path()));
    }
    pages.extend(examples().into_iter().map(|site| site.join("README.md")).filter(|page| page.exists()));
    let mut found = BTreeSet::new();
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        let name = page.strip_prefix(root()).unwrap().display().to_string();
        let mut is_block = false;
        for line in text.lines() {
            if line.trim_start().starts_with("```") {
                is_block = !is_block;
            } else if is_block {
                let typed = line.trim().trim_start_matches("$ ");
                found.extend(typed.starts_with("ballast ").then(|| (name.clone(), typed.to_owned())));
            } else {
                let spans = line.split('`').skip(1).step_by(2).filter(|span| span.starts_with("ballast "));
                found.extend(spans.map(|span| (name.clone(), span.to_owned())));
            }
        }
    }
    found
}

#[test]
fn every_command_on_a_page_exists() {
    let commands = commands();
    assert!(commands.len() > 10, "{commands:?}");
    let mut wrong = Vec::new();
    for (page, line) in &commands {
        let line = line.split('#').next().unwrap_or_default();
        let words: Vec<&str> =
            line.split(" && ").next().unwrap_or_default().split_whitespace().skip(1).collect();
        let Some(first) = words.first().filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase()))
        else {
            continue;
        };
        let help = ballast()
            .arg(first.trim_end_matches(|c: char| !c.is_alphanumeric()))
            .arg("--help")
            .output()
            .unwrap();
        let mut help = String::from_utf8_lossy(&help.stdout).into_owned();
        // The options of a command below a command are in its own help.
        if let (true, Some(second)) = (help.contains("Commands:"), words.get(1)) {
            let inner = ballast().args([first, second, "--help"]).output().unwrap();
            help.push_str(&String::from_utf8_lossy(&inner.stdout));
        }
        if help.is_empty() {
            wrong.push(format!("{page}: `ballast {first}` does not exist"));
            continue;
        }
        let options = words.iter().filter(|word| word.starts_with("--"));
        for option in
            options.map(|word| word.split('=').next().unwrap_or(word).trim_end_matches([']', ')', ',']))
        {
            if !help.contains(option) {
                wrong.push(format!("{page}: `ballast {first}` has no {option}"));
            }
        }
        let inner = words.get(1).filter(|_| help.contains("Commands:"));
        for word in inner.iter().flat_map(|word| word.split('|')).filter(|word| !word.starts_with('-')) {
            if !help.contains(&format!("  {word}")) {
                wrong.push(format!("{page}: `ballast {first} {word}` does not exist"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
