//! The table of faults (`tests/faults.yaml`): every test that it names exists, and docs/safety.md says what it says.
//! `UPDATE_EXPECT=1 cargo test --test faults` writes that section anew.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test is its own message")]

use ballast_config::diagnostics::Diagnostics;
use ballast_config::sources::Sources;
use ballast_config::tree::{self, Kind, Map};
use std::fmt::Write;
use std::path::PathBuf;

/// How many faults there are.
const FAULTS: usize = 45;
const TABLE: &str = "tests/faults.yaml";
const PAGE: &str = "docs/safety.md";
const BEGIN: &str = "<!-- faults: begin -->\n";
const END: &str = "<!-- faults: end -->\n";

/// One row.
struct Fault {
    number: usize,
    name: String,
    noticed: String,
    comes: String,
    within: Option<String>,
    lacks: Option<String>,
    tests: Vec<String>,
}

impl Fault {
    /// How far it goes, in a word.
    fn state(&self) -> &'static str {
        match (self.tests.is_empty(), &self.lacks) {
            (false, None) => "shown",
            (false, Some(_)) => "shown, with a gap",
            (true, _) => "not there",
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(kind: &Kind) -> String {
    let Kind::Scalar(scalar) = kind else { panic!("a text was expected: {kind:?}") };
    scalar.text.clone()
}

fn fault(map: &Map) -> Fault {
    let known = ["fault", "name", "noticed", "comes", "within", "lacks", "tests"];
    for entry in &map.entries {
        assert!(known.contains(&entry.key.text.as_str()), "{TABLE}: no key `{}`", entry.key.text);
    }
    let maybe = |key: &str| map.get(key).map(|node| text(&node.kind)).filter(|text| text != "-");
    let must = |key: &str| maybe(key).unwrap_or_default();
    let number = must("fault").parse().unwrap();
    let tests = match map.get("tests").map(|node| &node.kind) {
        None => Vec::new(),
        Some(Kind::List(list)) => list.items.iter().map(|node| text(&node.kind)).collect(),
        Some(other) => panic!("{TABLE}: the tests of {number}: {other:?}"),
    };
    Fault {
        number,
        name: must("name"),
        noticed: must("noticed"),
        comes: must("comes"),
        within: maybe("within"),
        lacks: maybe("lacks"),
        tests,
    }
}

fn table() -> Vec<Fault> {
    let yaml = std::fs::read(root().join(TABLE)).unwrap();
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add(TABLE, &yaml, &mut out);
    let tree = tree::parse(file, &sources, &mut out);
    assert!(out.is_empty(), "{TABLE}: {:#?}", out.iter().collect::<Vec<_>>());
    let Some(Kind::List(list)) = tree.root.map(|root| root.kind) else { panic!("{TABLE} is no list") };
    let rows = list.items.iter().map(|node| match &node.kind {
        Kind::Map(map) => fault(map),
        other => panic!("{TABLE}: {other:?}"),
    });
    rows.collect()
}

#[test]
fn every_fault_is_there_once_and_says_what_comes_of_it() {
    let table = table();
    let numbers: Vec<usize> = table.iter().map(|fault| fault.number).collect();
    assert_eq!(numbers, (1..=FAULTS).collect::<Vec<_>>());
    for fault in &table {
        let number = fault.number;
        assert!(!fault.name.is_empty(), "fault {number} has no name");
        if fault.tests.is_empty() {
            assert!(fault.lacks.is_some(), "fault {number} has no test, and does not say why");
        } else {
            let begin = format!("::fault_{number:02}_");
            assert!(
                fault.tests.iter().any(|test| test.contains(&begin)),
                "fault {number}: no test is named after it"
            );
            assert!(
                !fault.comes.is_empty() && !fault.noticed.is_empty() || fault.lacks.is_some(),
                "fault {number}"
            );
        }
    }
}

/// Whether a file has a test of this name: with the attribute of one above it, or inside of `proptest!`.
fn has_test(text: &str, name: &str) -> bool {
    let head = format!("fn {name}(");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let Some(place) = lines.iter().position(|line| line.starts_with(&head)) else { return false };
    let above = lines[..place].iter().rev();
    above.take_while(|line| line.starts_with("#[") || line.starts_with("//")).any(|line| *line == "#[test]")
}

#[test]
fn every_test_of_the_table_exists() {
    let mut wrong = Vec::new();
    for fault in table() {
        for test in &fault.tests {
            let (path, name) =
                test.split_once("::").map_or((test.as_str(), None), |(path, name)| (path, Some(name)));
            let found = match (std::fs::read_to_string(root().join(path)), name) {
                (Ok(text), Some(name)) => has_test(&text, name),
                (found, None) => found.is_ok(),
                (Err(_), Some(_)) => false,
            };
            if !found {
                wrong.push(format!("fault {}: there is no {test}", fault.number));
            }
        }
    }
    assert!(wrong.is_empty(), "{TABLE}: {wrong:#?}");
}

/// A test called `fault_NN_...` is in the row of its number.
#[test]
fn every_test_that_bears_a_number_is_in_its_row() {
    let table = table();
    let mut seen = 0;
    for file in sources() {
        let text = std::fs::read_to_string(&file).unwrap();
        let path = file.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        let names = text.lines().filter_map(|line| line.trim().strip_prefix("fn fault_")?.split_once('('));
        for (rest, _) in names {
            let Some(Ok(number)) = rest.get(..2).map(str::parse::<usize>) else { continue };
            let row = table.iter().find(|fault| fault.number == number).unwrap();
            let test = format!("{path}::fault_{rest}");
            assert!(row.tests.contains(&test), "{TABLE}: row {number} lacks {test}");
            seen += 1;
        }
    }
    assert!(seen >= FAULTS - 2, "{seen}");
}

/// Every source of a test that is ours.
fn sources() -> Vec<PathBuf> {
    let mut folders = ["src", "core", "drivers", "firmware", "rules", "guardd", "host", "words", "tests"]
        .map(|name| root().join(name))
        .to_vec();
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                found.push(path);
            }
        }
    }
    found
}

/// What stands behind a colon, with its full stop.
fn sentence(text: &str) -> String {
    let end = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{text}{end}")
}

fn link(test: &str) -> String {
    let (path, name) = test.split_once("::").unwrap_or((test, ""));
    let shown = if name.is_empty() { path.rsplit('/').next().unwrap() } else { name };
    format!("[`{shown}`](../{path})")
}

fn section() -> String {
    let table = table();
    let mut out = String::from(
        "*shown*: tests show all of what is said below. *With a gap*: they do, and something is left that is named. *Not there*: the \
         part of Ballast that would meet the fault does not exist yet, or it lies outside of it.\n\n| | fault | \
         within | |\n|---|---|---|---|\n",
    );
    for fault in &table {
        let within = fault.within.as_deref().unwrap_or("");
        writeln!(
            out,
            "| {} | [{}](#fault-{}) | {within} | {} |",
            fault.number,
            fault.name,
            fault.number,
            fault.state()
        )
        .unwrap();
    }
    for fault in &table {
        writeln!(out, "\n### Fault {}\n**{}** ({}).\n", fault.number, fault.name, fault.state()).unwrap();
        let rows = [("Noticed by", &fault.noticed), ("What comes of it", &fault.comes)];
        for (what, said) in rows.into_iter().filter(|(_, said)| !said.is_empty()) {
            writeln!(out, "- {what}: {}", sentence(said)).unwrap();
        }
        if let Some(within) = &fault.within {
            writeln!(out, "- Within: {}", sentence(within)).unwrap();
        }
        if let Some(lacks) = &fault.lacks {
            writeln!(out, "- What it lacks: {}", sentence(lacks)).unwrap();
        }
        if !fault.tests.is_empty() {
            let tests: Vec<String> = fault.tests.iter().map(|test| link(test)).collect();
            writeln!(out, "- Tests: {}", tests.join(",\n  ")).unwrap();
        }
    }
    out
}

#[test]
fn the_page_says_what_the_table_says() {
    let path = root().join(PAGE);
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    let expected = section();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
        return;
    }
    assert!(
        found == expected,
        "{PAGE} is not what {TABLE} says: UPDATE_EXPECT=1 cargo test --test faults writes it anew"
    );
}
