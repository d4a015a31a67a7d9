//! Rules for the text of single files: what may not stand in them, and what each has to begin with.

use crate::files::File;
use crate::rust;

/// What the crates that decide may not name, with what to use instead. Same inputs, same outputs, bit for bit:
/// whatever differs between two runs or two machines comes in through an argument.
pub const BANNED: &[(&str, &str)] = &[
    ("HashMap", "BTreeMap: the order of a HashMap differs between runs"),
    ("HashSet", "BTreeSet: the order of a HashSet differs between runs"),
    ("Instant::now", "the `now` that `step` is given"),
    ("SystemTime", "wall time with its trust, an input"),
    ("thread::sleep", "the next deadline that `step` says"),
    ("thread::spawn", "the shell: it owns the threads"),
    ("rand::", "a seed from the caller and the generator of core/plant"),
    ("std::fs", "text or bytes that the shell has read"),
    ("File::open", "text or bytes that the shell has read"),
    ("TcpStream", "samples that the bus layer has received"),
    ("UdpSocket", "samples that the bus layer has received"),
    ("UnixStream", "frames that the shell has received"),
    ("std::env", "the site's settings"),
    ("std::process", "the shell"),
];

/// The crates that [`BANNED`] holds for.
pub const PURE: &[&str] = &["core/model/", "core/guard/", "core/engine/", "core/config/", "core/plant/"];

/// Complaints about one file.
pub fn complaints(file: &File) -> Vec<String> {
    let mut complaints = Vec::new();
    leftovers(file, &mut complaints);
    machine_paths(file, &mut complaints);
    if file.is(&[".rs"]) {
        rust_text(file, &mut complaints);
    }
    if file.is(&["README.md"]) && !file.path.contains('/') {
        at_most(file, 150, &mut complaints);
    }
    if file.path == "ARCHITECTURE.md" {
        at_most(file, 250, &mut complaints);
    }
    complaints
}

fn at_most(file: &File, lines_max: usize, complaints: &mut Vec<String>) {
    let lines = file.text.lines().count();
    if lines > lines_max {
        complaints
            .push(format!("{}: {lines} lines, at most {lines_max}: move the rest into docs/", file.path));
    }
}

/// Words that promise work: they belong into an issue, with somebody who does it.
fn leftovers(file: &File, complaints: &mut Vec<String>) {
    // Put together here, so that this file does not hold them.
    let words = [["FIX", "ME"], ["TO", "DO"], ["XX", "X"]].map(|parts| parts.concat());
    // The licence is not ours to edit, and the lock file is cargo's.
    if file.path.starts_with("LICENSE") || file.path.ends_with(".lock") {
        return;
    }
    for (number, line) in file.text.lines().enumerate() {
        for word in words.iter().filter(|word| has_word(line, word)) {
            complaints.push(format!("{}:{}: {word}: do it, or write an issue", file.path, number + 1));
        }
    }
}

/// True when `line` holds `word` with no letter, digit or underscore beside it.
fn has_word(line: &str, word: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// True when `line` names `name`, and not something that only ends like it.
fn names(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

/// Paths of one machine: what runs here has to run anywhere.
fn machine_paths(file: &File, complaints: &mut Vec<String>) {
    let roots = ["work", "farm", "root"].map(|root| format!("/{root}/"));
    for (number, line) in file.text.lines().enumerate() {
        for root in &roots {
            let named = line.match_indices(root.as_str()).any(|(at, _)| {
                let before = line.get(..at).and_then(|text| text.chars().next_back());
                !before.is_some_and(|c| c.is_alphanumeric() || "_./-".contains(c))
            });
            if named {
                complaints.push(format!("{}:{}: {root} is a folder of one machine", file.path, number + 1));
            }
        }
    }
}

fn rust_text(file: &File, complaints: &mut Vec<String>) {
    let path = &file.path;
    if file.text.contains('\t') {
        complaints.push(format!("{path}: a tab: run `make fmt`; in a string write \\t"));
    }
    let has_header =
        file.text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with("#!"));
    if path.contains("src/")
        && !rust::is_test_file(path)
        && !has_header.is_some_and(|line| line.starts_with("//!"))
    {
        complaints.push(format!("{path}: no `//!` header: say what it is for and what it must never do"));
    }
    let code = rust::blanked(&file.text);
    for (number, _) in code.lines().enumerate().filter(|(_, line)| line.contains("dbg!(")) {
        complaints.push(format!("{path}:{}: dbg! is left over", number + 1));
    }
    if PURE.iter().any(|pure| path.strip_prefix(pure).is_some_and(|rest| rest.starts_with("src/"))) {
        bans(path, &code, complaints);
    }
}

/// Banned names outside the tests.
fn bans(path: &str, code: &str, complaints: &mut Vec<String>) {
    if rust::is_test_file(path) {
        return;
    }
    let tests = rust::tests_begin(code);
    for (number, line) in code.lines().enumerate().take_while(|(number, _)| number + 1 < tests) {
        for (name, instead) in BANNED.iter().filter(|(name, _)| names(line, name)) {
            complaints.push(format!("{path}:{}: {name} is banned here; use {instead}", number + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str) -> Vec<String> {
        complaints(&File::new(path, text))
    }

    #[test]
    fn words_that_promise_work_are_found_as_words() {
        let left = ["TO", "DO"].concat();
        assert_eq!(check("docs/a.md", &format!("one\n{left}: later")).len(), 1);
        assert_eq!(
            check("docs/a.md", &format!("x{left} and {left}X and mktemp a.XXXXXX")),
            Vec::<String>::new()
        );
    }

    #[test]
    fn paths_of_one_machine_are_found_and_relative_ones_are_not() {
        let machine = ["/wo", "rk/a"].concat();
        assert_eq!(check("scripts/a.sh", &format!("cd {machine}")).len(), 1);
        assert_eq!(check("scripts/a.sh", &format!("cd frame{machine} .{machine}")), Vec::<String>::new());
    }

    #[test]
    fn a_clock_in_the_core_is_banned_and_in_its_tests_or_comments_is_not() {
        let header = "//! A.\n";
        let breaks = format!("{header}fn a() {{ let now = std::time::Instant::now(); }}\n");
        assert!(
            check("core/engine/src/a.rs", &breaks)[0]
                .contains("core/engine/src/a.rs:2: Instant::now is banned")
        );
        assert_eq!(check("drivers/src/a.rs", &breaks), Vec::<String>::new());
        let comment =
            format!("{header}// never Instant::now()\n#[cfg(test)]\nmod tests {{\n    use std::fs;\n}}\n");
        assert_eq!(check("core/engine/src/a.rs", &comment), Vec::<String>::new());
        let operand = format!("{header}fn a() {{ Operand::new(); }}\n");
        assert_eq!(check("core/engine/src/a.rs", &operand), Vec::<String>::new());
    }

    #[test]
    fn a_module_without_a_header_is_told_so() {
        assert!(check("core/engine/src/a.rs", "use b;\n")[0].contains("no `//!` header"));
        assert_eq!(check("core/engine/src/lib.rs", "#![no_std]\n//! A.\n"), Vec::<String>::new());
    }

    #[test]
    fn a_long_readme_is_told_so_and_other_readmes_are_free() {
        let long = "line\n".repeat(151);
        assert_eq!(check("README.md", &long).len(), 1);
        assert_eq!(check("bench/README.md", &long), Vec::<String>::new());
    }
}
