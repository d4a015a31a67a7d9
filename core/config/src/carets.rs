//! Golden tests of diagnostics: the expected mistakes are drawn into the text, below the line that they point at.
//!
//! ```text
//! battery:
//!   min_soc: 95 %
//! #          ^^^^ error[limits::inverted]: must be below
//! ```
//!
//! `^` marks the main place, followed by severity, code and message; `-` marks a further place, followed by `note:` and
//! its label. `= help:` under a main place expects the help as well. Lines that only draw are removed before the text is
//! read. A place in the first column is drawn without the `#`.

use ballast_model::diagnostic::{Diagnostic, FileId, Severity, Span};

use crate::diagnostics::Diagnostics;
use crate::sources::Sources;

/// Checks several texts, given as names and drawings; `read` gets the texts without what was drawn.
pub(crate) fn check_files(files: &[(&str, &str)], read: impl Fn(&Sources, &mut Diagnostics)) {
    let mut out = Diagnostics::new();
    let mut sources = Sources::new();
    for (name, drawn) in files {
        sources.add(*name, undrawn(drawn).as_bytes(), &mut out);
    }
    read(&sources, &mut out);
    out.sort();
    let helpless: Vec<_> =
        out.iter().filter(|found| found.help.as_deref().is_none_or(str::is_empty)).collect();
    assert!(
        helpless.is_empty(),
        "without what to do: {:#?}",
        helpless.iter().map(|found| (found.code, &found.message)).collect::<Vec<_>>()
    );
    let expects_help = files.iter().any(|(_, drawn)| drawn.contains("= help:"));
    for ((file, source), (name, expected)) in sources.iter().zip(files) {
        let found = draw(file, source.text(), &out, expects_help);
        let expected = format!("{}\n", expected.trim_end());
        let found = format!("{}\n", found.trim_end());
        assert!(found == expected, "{name} expected:\n{expected}\nfound:\n{found}");
    }
}

/// Checks one text.
pub(crate) fn check(drawn: &str, read: impl Fn(&Sources, &mut Diagnostics)) {
    check_files(&[("site.yaml", drawn)], read);
}

/// The text without the lines that only draw.
pub(crate) fn undrawn(drawn: &str) -> String {
    drawn.split_inclusive('\n').filter(|line| !is_drawing(line)).collect()
}

fn is_drawing(line: &str) -> bool {
    let content = line.trim_start_matches('#').trim_start();
    let after = content.trim_start_matches(['^', '-']);
    (content.len() > after.len()
        && [" error[", " warning[", " note:"].iter().any(|start| after.starts_with(start)))
        || content.starts_with("= help:")
}

/// The text with everything found drawn below its lines.
fn draw(file: FileId, text: &str, found: &Diagnostics, with_help: bool) -> String {
    let mut drawn = String::new();
    let mut start = 0_u32;
    for line in text.split_inclusive('\n') {
        let end = start + u32::try_from(line.len()).unwrap();
        drawn.push_str(line);
        if !line.ends_with('\n') {
            drawn.push('\n');
        }
        let is_last = usize::try_from(end).unwrap() == text.len();
        let is_here = |span: Span| span.start >= start && (span.start < end || is_last);
        let mut pointers: Vec<(u32, String)> = Vec::new();
        for diagnostic in found {
            let primary = &diagnostic.primary;
            if primary.file == file && is_here(primary.span) {
                let mut text = pointer(line, start, primary.span, '^') + &said(diagnostic);
                if let (true, Some(help)) = (with_help, &diagnostic.help) {
                    text.push_str(&format!("#   = help: {help}\n"));
                }
                pointers.push((primary.span.start, text));
            }
            for label in diagnostic.secondary.iter().filter(|l| l.file == file && is_here(l.span)) {
                let text = format!("{} note: {}\n", pointer(line, start, label.span, '-'), label.text);
                pointers.push((label.span.start, text));
            }
        }
        pointers.sort_by_key(|(start, _)| *start);
        drawn.extend(pointers.into_iter().map(|(_, text)| text));
        start = end;
    }
    drawn
}

fn pointer(line: &str, start: u32, span: Span, mark: char) -> String {
    let from = usize::try_from(span.start - start).unwrap();
    let to = usize::try_from(span.end - start).unwrap().min(line.trim_end().len());
    let before = line.get(..from).unwrap().chars().count();
    let width = line.get(from..to).map_or(1, |marked| marked.chars().count()).max(1);
    let indent = if before == 0 { String::new() } else { format!("#{}", " ".repeat(before - 1)) };
    format!("{indent}{}", mark.to_string().repeat(width))
}

fn said(diagnostic: &Diagnostic) -> String {
    let severity = match diagnostic.severity {
        Severity::Mistake => "error",
        Severity::Warning => "warning",
    };
    let label = &diagnostic.primary.text;
    let label = if label.is_empty() { String::new() } else { format!(" ({label})") };
    format!(" {severity}[{}]: {}{label}\n", diagnostic.code, diagnostic.message)
}
