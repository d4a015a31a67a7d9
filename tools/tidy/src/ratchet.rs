//! Sizes that may only shrink: lines of a file, lines of a function, lines wider than a terminal.
//!
//! Each has a limit. What is above it today stands in `ratchet.txt` with its size; a bigger size than that is refused,
//! a smaller one asks for the entry to follow, and an entry that is no longer needed asks to go.

use crate::files::File;
use crate::rust;
use std::collections::BTreeMap;

/// Lines of a source file. A file past it holds more than one subject.
pub const FILE_LINES_MAX: usize = 600;
/// Lines of a driver with its tests: a device is numbers, and behaviour is small.
pub const DRIVER_LINES_MAX: usize = 300;
/// Lines of a file that holds only tests.
pub const TEST_FILE_LINES_MAX: usize = 900;
/// Lines of a function.
pub const FUNCTION_LINES_MAX: usize = 70;
/// Lines of a function of the tests, which may hold a long table.
pub const TEST_FUNCTION_LINES_MAX: usize = 120;
/// Characters of a line. rustfmt.toml holds code to 110; this is for the comments that it leaves alone.
pub const COLUMNS_MAX: usize = 130;

/// One size and the limit it stands against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    /// `lines PATH`, `function PATH NAME` or `wide PATH`, as in the table.
    pub what: String,
    /// The line where it begins, or the first line that is too wide.
    pub line: usize,
    /// The size found.
    pub found: usize,
    /// What it may be without an entry in the table.
    pub limit: usize,
}

/// The sizes of one file.
pub fn sizes(file: &File) -> Vec<Size> {
    let mut sizes = Vec::new();
    if file.is(&[".rs"]) {
        sizes.push(Size {
            what: format!("lines {}", file.path),
            line: 1,
            found: file.text.lines().count(),
            limit: file_limit(&file.path),
        });
        sizes.extend(function_sizes(file));
    }
    if file.is(&[".rs", ".sh", ".rhai", ".py", "Makefile"]) {
        // An address cannot be broken. Of Rust, only comments are looked at: rustfmt breaks the code, and what it
        // cannot break is a text, which is easier to change in one piece.
        let is_free = |line: &str| file.is(&[".rs"]) && !line.trim().starts_with("//");
        // A row of a table in a comment cannot be broken.
        let is_row = |line: &str| line.trim_start_matches([' ', '/', '!']).starts_with('|');
        let is_wide = |line: &str| {
            line.chars().count() > COLUMNS_MAX && !line.contains("://") && !is_free(line) && !is_row(line)
        };
        let wide: Vec<usize> =
            (1..).zip(file.text.lines()).filter(|(_, line)| is_wide(line)).map(|(n, _)| n).collect();
        let line = wide.first().copied().unwrap_or(1);
        sizes.push(Size { what: format!("wide {}", file.path), line, found: wide.len(), limit: 0 });
    }
    sizes
}

fn file_limit(path: &str) -> usize {
    let is_driver =
        path.strip_prefix("drivers/src/").is_some_and(|name| !name.contains('/') && name != "lib.rs");
    match () {
        () if rust::is_test_file(path) => TEST_FILE_LINES_MAX,
        () if is_driver => DRIVER_LINES_MAX,
        () => FILE_LINES_MAX,
    }
}

/// The longest function of each name, so that an entry of the table is one line.
fn function_sizes(file: &File) -> Vec<Size> {
    let code = rust::blanked(&file.text);
    let tests = if rust::is_test_file(&file.path) { 0 } else { rust::tests_begin(&code) };
    let mut longest = BTreeMap::new();
    for function in rust::functions(&code) {
        let limit = if function.line > tests { TEST_FUNCTION_LINES_MAX } else { FUNCTION_LINES_MAX };
        let what = format!("function {} {}", file.path, function.name);
        let size = Size { what: what.clone(), line: function.line, found: function.lines, limit };
        let known = longest.entry(what).or_insert_with(|| size.clone());
        if size.found > known.found {
            *known = size;
        }
    }
    longest.into_values().collect()
}

/// Compares sizes with the table of exceptions.
pub fn complaints(sizes: &[Size], table: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut allowed = BTreeMap::new();
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.rsplit_once(' ').map(|(what, size)| (what.trim(), size.parse::<usize>())) {
            Some((what, Ok(size))) => {
                allowed.insert(what, size);
            }
            _ => complaints.push(format!("ratchet.txt: not `KIND PATH [NAME] SIZE`: {line}")),
        }
    }
    for Size { what, line, found, limit } in sizes {
        match allowed.remove(what.as_str()) {
            None if found > limit => {
                complaints.push(format!("{what} (line {line}) is {found}, the limit is {limit}: split it"))
            }
            Some(entry) if found > &entry => {
                complaints.push(format!(
                    "{what} (line {line}) grew from {entry} to {found}, the limit is {limit}: split it"
                ));
            }
            Some(_) if found <= limit => {
                complaints.push(format!("ratchet.txt: `{what}` is within its limit: remove it"))
            }
            Some(entry) if found < &entry => {
                complaints.push(format!("ratchet.txt: `{what}` shrank: lower {entry} to {found}"));
            }
            _ => {}
        }
    }
    complaints
        .extend(allowed.keys().map(|gone| format!("ratchet.txt: there is no `{gone}` any more: remove it")));
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(lines: usize) -> File {
        File::new("core/x/src/long.rs", &format!("fn long() {{\n{}}}\n", "    work();\n".repeat(lines - 2)))
    }

    fn check(file: &File, table: &str) -> Vec<String> {
        complaints(&sizes(file), table)
    }

    #[test]
    fn a_function_at_the_limit_passes_and_one_line_more_does_not() {
        assert_eq!(check(&long(70), ""), Vec::<String>::new());
        assert_eq!(
            check(&long(71), ""),
            ["function core/x/src/long.rs long (line 1) is 71, the limit is 70: split it"]
        );
    }

    #[test]
    fn an_entry_allows_its_own_size_and_only_shrinks() {
        assert_eq!(check(&long(80), "function core/x/src/long.rs long 80"), Vec::<String>::new());
        assert!(check(&long(81), "function core/x/src/long.rs long 80")[0].contains("grew from 80 to 81"));
        assert!(check(&long(79), "function core/x/src/long.rs long 80")[0].contains("lower 80 to 79"));
        assert!(check(&long(60), "function core/x/src/long.rs long 80")[0].contains("within its limit"));
        assert!(check(&long(60), "lines core/x/src/gone.rs 700")[0].contains("there is no"));
    }

    #[test]
    fn a_wide_line_is_found_unless_it_holds_an_address() {
        let wide = File::new(
            "scripts/a.sh",
            &format!("{}\n# https://example.org/{}\n", "x".repeat(131), "y".repeat(120)),
        );
        assert_eq!(check(&wide, ""), ["wide scripts/a.sh (line 1) is 1, the limit is 0: split it"]);
    }

    #[test]
    fn tests_may_be_longer() {
        let table = File::new("core/x/tests/a.rs", &long(100).text);
        assert_eq!(check(&table, ""), Vec::<String>::new());
    }
}
