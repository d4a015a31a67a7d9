//! Mistakes drawn into their source text for a terminal, and flattened for JSON.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use ballast_model::diagnostic::{Diagnostic, FileId, Label, Severity, Span};
use serde::Serialize;

use crate::diagnostics::Diagnostics;
use crate::sources::{Sources, floor_boundary};

/// A terminal that says it is narrower is drawn for as if it had so many columns.
const WIDTH_MIN: usize = 50;

/// How mistakes are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Text alone: for files, logs and tests.
    Plain,
    /// With terminal colours.
    Coloured,
}

/// Draws all mistakes, each with its lines and carets, and a closing line with their number.
pub fn render(diagnostics: &Diagnostics, sources: &Sources, style: Style) -> String {
    render_within(diagnostics, sources, style, None)
}

/// The same for a terminal of so many columns: messages and help are broken into lines that fit.
pub fn render_within(
    diagnostics: &Diagnostics,
    sources: &Sources,
    style: Style,
    width: Option<usize>,
) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        text.push_str(&render_one(diagnostic, sources, style, width));
        text.push_str("\n\n");
    }
    if let Some(summary) = summary(diagnostics) {
        text.push_str(&summary);
        text.push('\n');
    }
    text
}

/// Draws one mistake. Without a line end at the end.
fn render_one(diagnostic: &Diagnostic, sources: &Sources, style: Style, width: Option<usize>) -> String {
    let broken =
        |text: &str, before: usize| width.map_or(text.to_owned(), |width| wrapped(text, width, before));
    let title = broken(&diagnostic.message, "warning[]: ".len() + diagnostic.code.len());
    let help = diagnostic.help.as_deref().map(|help| broken(help, "99999 = help: ".len()));
    let level = match diagnostic.severity {
        Severity::Mistake => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(&title).id(diagnostic.code));
    let mut files: Vec<FileId> = vec![diagnostic.primary.file];
    for label in &diagnostic.secondary {
        if !files.contains(&label.file) {
            files.push(label.file);
        }
    }
    for file in files {
        group = group.element(snippet(diagnostic, file, sources));
    }
    if let Some(help) = &help {
        group = group.element(Level::HELP.message(help));
    }
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    };
    let renderer = width.map_or(renderer.clone(), |width| renderer.term_width(width.max(WIDTH_MIN)));
    renderer.decor_style(DecorStyle::Ascii).render(&[group])
}

/// Broken between words so that no line is wider than `width` columns, where `before` columns stand in front of each. A
/// word that is too long stays whole: it may be copied.
fn wrapped(text: &str, width: usize, before: usize) -> String {
    let room = width.max(WIDTH_MIN).saturating_sub(before);
    let mut broken = String::with_capacity(text.len());
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > room {
            broken.push('\n');
            used = 0;
        } else if used > 0 {
            broken.push(' ');
            used += 1;
        }
        broken.push_str(word);
        used += length;
    }
    broken
}

/// "3 mistakes, 1 warning"; nothing when there is none.
pub fn summary(diagnostics: &Diagnostics) -> Option<String> {
    let mistakes = diagnostics.mistakes();
    let warnings = (diagnostics.iter().count() + diagnostics.not_kept()).saturating_sub(mistakes);
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let mut text = match (mistakes, warnings) {
        (0, 0) => return None,
        (_, 0) => count(mistakes, "mistake"),
        (0, _) => count(warnings, "warning"),
        _ => format!("{}, {}", count(mistakes, "mistake"), count(warnings, "warning")),
    };
    if diagnostics.not_kept() > 0 {
        text.push_str(&format!("; {} are not shown", diagnostics.not_kept()));
    }
    Some(text)
}

/// The lines of one file that the diagnostic talks about. The text is cut to them first, so that drawing a mistake
/// costs what its lines cost and not what the file costs.
fn snippet<'a>(
    diagnostic: &'a Diagnostic,
    file: FileId,
    sources: &'a Sources,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let text = sources.get(file).map_or("", |source| source.text());
    let labels: Vec<(&Label, AnnotationKind)> =
        core::iter::once((&diagnostic.primary, AnnotationKind::Primary))
            .chain(diagnostic.secondary.iter().map(|label| (label, AnnotationKind::Context)))
            .filter(|(label, _)| label.file == file)
            .collect();
    let first = labels.iter().map(|(label, _)| label.span.start).min().unwrap_or(0);
    let last = labels.iter().map(|(label, _)| label.span.end).max().unwrap_or(0);
    let (from, to) = whole_lines(text, floor_boundary(text, first), floor_boundary(text, last));
    let shown = text.get(from..to).unwrap_or("");
    let line = text.get(..from).unwrap_or("").bytes().filter(|byte| *byte == b'\n').count() + 1;
    let mut snippet = Snippet::source(shown).path(sources.name(file)).line_start(line);
    for (label, kind) in labels {
        let start = floor_boundary(text, label.span.start).saturating_sub(from).min(shown.len());
        let end = floor_boundary(text, label.span.end).saturating_sub(from).clamp(start, shown.len());
        let label_text = (!label.text.is_empty()).then_some(label.text.as_str());
        snippet = snippet.annotation(kind.span(start..end).label(label_text));
    }
    snippet
}

/// The range widened to whole lines.
fn whole_lines(text: &str, start: usize, end: usize) -> (usize, usize) {
    let from = text.get(..start).unwrap_or("").rfind('\n').map_or(0, |newline| newline + 1);
    let to = text.get(end..).unwrap_or("").find('\n').map_or(text.len(), |newline| end + newline);
    (from, to)
}

/// A place as JSON shows it. Lines and columns start at 1; columns are characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FlatLabel {
    /// The file's name in the site.
    pub file: String,
    /// Line of the first character.
    pub line: u32,
    /// Column of the first character.
    pub column: u32,
    /// Line of the end.
    pub end_line: u32,
    /// Column after the last character.
    pub end_column: u32,
    /// What is said there; may be empty.
    pub label: String,
}

/// A mistake or warning as JSON shows it, for editors, the page and `--format json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FlatDiagnostic {
    /// Stable code.
    pub code: &'static str,
    /// `mistake` or `warning`.
    pub severity: &'static str,
    /// What is wrong, with the values.
    pub message: String,
    /// Where.
    pub place: FlatLabel,
    /// Other places that matter.
    pub also: Vec<FlatLabel>,
    /// What to do next.
    pub help: Option<String>,
}

/// The diagnostics with file names, lines and columns instead of ids and bytes.
pub fn flatten(diagnostics: &Diagnostics, sources: &Sources) -> Vec<FlatDiagnostic> {
    let flat_label = |label: &Label| {
        let Span { start, end } = label.span;
        let (start, end) = (sources.position(label.file, start), sources.position(label.file, end));
        FlatLabel {
            file: sources.name(label.file).to_owned(),
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
            label: label.text.clone(),
        }
    };
    diagnostics
        .iter()
        .map(|diagnostic| FlatDiagnostic {
            code: diagnostic.code,
            severity: match diagnostic.severity {
                Severity::Mistake => "mistake",
                Severity::Warning => "warning",
            },
            message: diagnostic.message.clone(),
            place: flat_label(&diagnostic.primary),
            also: diagnostic.secondary.iter().map(flat_label).collect(),
            help: diagnostic.help.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes;

    fn two_files() -> (Diagnostics, Sources) {
        let mut out = Diagnostics::new();
        let mut sources = Sources::new();
        let site = sources.add("site.yaml", "site:\n  name: a\n  nâme: b\n".as_bytes(), &mut out);
        let safety = sources.add("safety.yaml", b"outputs: {}\n", &mut out);
        out.push(
            Diagnostic::mistake(codes::YAML_DUPLICATE_KEY, site, Span::new(18, 23), "`nâme` stands twice")
                .label("again here")
                .also(site, Span::new(8, 12), "first here")
                .also(safety, Span::new(0, 7), "seen from here")
                .help("remove one"),
        );
        (out, sources)
    }

    #[test]
    fn it_is_drawn_like_this() {
        let (out, sources) = two_files();
        let expected = "\
error[yaml::duplicate_key]: `nâme` stands twice
 --> site.yaml:3:3
  |
2 |   name: a
  |   ---- first here
3 |   nâme: b
  |   ^^^^ again here
  |
 ::: safety.yaml:1:1
  |
1 | outputs: {}
  | ------- seen from here
  |
  = help: remove one

1 mistake
";
        assert_eq!(render(&out, &sources, Style::Plain), expected);
    }

    #[test]
    fn on_a_terminal_messages_and_help_are_broken_between_words() {
        let mut out = Diagnostics::new();
        let mut sources = Sources::new();
        let file = sources.add("site.yaml", b"name: a\n", &mut out);
        let long = "a message that says what is wrong at such a length that it does not fit on one line of a terminal";
        let mistake = Diagnostic::mistake(codes::YAML_DUPLICATE_KEY, file, Span::new(0, 4), long).help(long);
        out.push(mistake);
        let wide = render(&out, &sources, Style::Plain);
        assert!(wide.lines().any(|line| line.chars().count() > 80));
        let narrow = render_within(&out, &sources, Style::Plain, Some(80));
        assert!(narrow.lines().all(|line| line.chars().count() <= 80), "{narrow}");
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&narrow), words(&wide), "{narrow}");
    }

    #[test]
    fn colours_are_optional() {
        let (out, sources) = two_files();
        assert!(!render(&out, &sources, Style::Plain).contains('\u{1b}'));
        assert!(render(&out, &sources, Style::Coloured).contains('\u{1b}'));
    }

    #[test]
    fn escape_sequences_of_the_text_do_not_reach_the_terminal() {
        let mut out = Diagnostics::new();
        let mut sources = Sources::new();
        let file = sources.add("site.yaml", b"a: \x1b[31m red\n", &mut out);
        out.push(Diagnostic::mistake(codes::YAML_SYNTAX, file, Span::new(3, 4), "no"));
        assert!(!render(&out, &sources, Style::Plain).contains('\u{1b}'));
    }

    #[test]
    fn a_place_outside_of_its_text_is_drawn_at_its_end() {
        let mut out = Diagnostics::new();
        let mut sources = Sources::new();
        let file = sources.add("site.yaml", "é".as_bytes(), &mut out);
        out.push(Diagnostic::mistake(codes::YAML_SYNTAX, file, Span::new(1, 900), "half a letter"));
        out.push(Diagnostic::mistake(codes::YAML_SYNTAX, FileId(7), Span::new(1, 900), "unknown file"));
        assert!(render(&out, &sources, Style::Plain).contains("half a letter"));
    }

    #[test]
    fn json_has_lines_and_columns() {
        let (out, sources) = two_files();
        let flat = flatten(&out, &sources);
        assert_eq!(flat.len(), 1);
        assert_eq!((flat[0].place.line, flat[0].place.column, flat[0].place.end_column), (3, 3, 7));
        assert_eq!(flat[0].also[1].file, "safety.yaml");
        assert_eq!(flat[0].severity, "mistake");
    }
}
