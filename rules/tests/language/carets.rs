//! What is said about rule files with mistakes, drawn into their text.
//!
//! A file of `tests/diagnostics` holds the rule file, two columns to the right, and under its lines what is said about
//! them. `UPDATE_EXPECT=1` writes it anew; then read the difference.

use crate::compiled;
use ballast_model::diagnostic::{Diagnostic, Severity};
use std::fmt::Write;

fn line_of(text: &str, byte: usize) -> (usize, usize) {
    let before = &text[..byte];
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count(), text[start..byte].chars().count())
}

fn carets(text: &str, start: u32, end: u32, mark: char) -> (usize, String) {
    let (line, column) = line_of(text, start as usize);
    let shown = &text[start as usize..end as usize];
    let width = shown.lines().next().unwrap_or("").chars().count().max(1);
    (line, format!("//{}{}", " ".repeat(column), mark.to_string().repeat(width)))
}

fn drawn(text: &str, diagnostics: &[Diagnostic]) -> String {
    let mut notes: Vec<(usize, String)> = Vec::new();
    for found in diagnostics {
        let severity = if found.severity == Severity::Mistake { "mistake" } else { "warning" };
        let (line, mut shown) = carets(text, found.primary.span.start, found.primary.span.end, '^');
        write!(shown, " {severity} {}: {}", found.code, found.message).unwrap();
        if !found.primary.text.is_empty() {
            write!(shown, " ({})", found.primary.text).unwrap();
        }
        if let Some(help) = &found.help {
            write!(shown, "\n//    help: {help}").unwrap();
        }
        notes.push((line, shown));
        for other in &found.secondary {
            let (line, shown) = carets(text, other.span.start, other.span.end, '-');
            notes.push((line, format!("{shown} {}", other.text)));
        }
    }
    let mut drawn = String::new();
    for (index, line) in text.lines().enumerate() {
        writeln!(drawn, "  {line}").unwrap();
        for (_, note) in notes.iter().filter(|(line, _)| *line == index) {
            writeln!(drawn, "{note}").unwrap();
        }
    }
    drawn
}

#[test]
fn every_mistake_is_shown_where_it_stands() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/diagnostics");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 10);
    let mut helpless = Vec::new();
    for file in files {
        let expected = std::fs::read_to_string(&file).unwrap();
        let text: Vec<&str> = expected.lines().filter(|line| !line.starts_with("//")).collect();
        let text: Vec<&str> = text.iter().map(|line| line.get(2..).unwrap_or("")).collect();
        let text = text.join("\n") + "\n";
        let found = compiled(&text).diagnostics;
        for found in &found {
            if found.help.as_deref().is_none_or(str::is_empty) {
                helpless.push(format!("{}: {} {}", file.display(), found.code, found.message));
            }
        }
        let drawn = drawn(&text, &found);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&file, drawn).unwrap();
        } else {
            assert_eq!(drawn, expected, "{}", file.display());
        }
    }
    assert!(helpless.is_empty(), "no word of what to do: {helpless:#?}");
}
