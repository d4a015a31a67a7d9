//! From text to the parser's tree, going on behind every mistake.

use crate::limits::{LINE_CHARS_MAX, LINES_MAX, RECOVERIES_MAX};
use crate::report::{Report, mistake, problem};
use crate::scan::{Chunk, STATEMENTS, Scanned};
use crate::slips;
use ballast_model::diagnostic::{FileId, Span, did_you_mean};
use ballast_model::expr::Problem;
use rhai::{AST, Engine, LexError, ParseError, ParseErrorType};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Words that belong inside a `rule`.
const CLAUSES: [&str; 4] = ["when", "until", "priority", "each"];

/// The tree of everything in the file that can be parsed; each mistake is reported and its statement left out.
pub(crate) fn parse(
    engine: &Engine,
    file: FileId,
    scanned: &Scanned<'_>,
    report: &mut Report,
) -> Option<AST> {
    if let Err(problem) = check_size(scanned) {
        report.problems(file, [problem]);
        return None;
    }
    if let Some(span) = scanned.open_comment {
        let message = "this comment is not closed: its `*/` is missing";
        let help = "what stands behind it would be lost";
        report.problems(file, [problem(span, "rules::incomplete", message, help)]);
    }
    let mut blanked = incomplete_statements(file, scanned, report);
    if !blanked.contains(&true)
        && let Some(ast) = in_groups(engine, scanned)
    {
        return Some(ast);
    }
    for _ in 0..RECOVERIES_MAX {
        let text = without(scanned, &blanked);
        let parsed = catch_unwind(AssertUnwindSafe(|| engine.compile(text.as_ref())));
        let error = match parsed {
            Ok(Ok(ast)) => return Some(ast),
            Ok(Err(error)) => error,
            Err(_) => {
                let help = "please report this file: nothing in it is taken over";
                let found = problem(Span::new(0, 0), "rules::syntax", "the parser failed on this file", help);
                report.push(mistake(file, found));
                return None;
            }
        };
        let mut found = explain(scanned, &error);
        let Some(index) = culprit(scanned, &blanked, found.span.start) else {
            report.push(mistake(file, found));
            return None;
        };
        // The parser noticed it at the next statement; it is shown at the end of the one that went on too far.
        let chunk =
            scanned.chunks.get(index).copied().unwrap_or(Chunk { first: 0, end: 0, is_closed: false });
        let whole = scanned.chunk_span(chunk);
        if found.span.start >= whole.end
            && let Some(last) = scanned.tokens.get(chunk.end.saturating_sub(1))
        {
            found.span = Span::new(last.start, last.end);
        }
        report.push(mistake(file, found));
        match blanked.get_mut(index) {
            Some(blank) if !*blank => *blank = true,
            _ => return None,
        }
    }
    report_rest(file, scanned, &blanked, report);
    None
}

/// Says that the file has more mistakes of this kind than are looked for.
fn report_rest(file: FileId, scanned: &Scanned<'_>, blanked: &[bool], report: &mut Report) {
    let rest = scanned.chunks.iter().zip(blanked).find(|(_, blank)| !**blank);
    if let Some((chunk, _)) = rest {
        let first = scanned
            .tokens
            .get(chunk.first)
            .map_or(Span::new(0, 0), |token| Span::new(token.start, token.end));
        let message = "so much does not follow the form of the language that the rest was not looked at";
        report.push(mistake(
            file,
            problem(first, "rules::too_many", message, "mend what is shown, and check again"),
        ));
    }
}

/// Which statements cannot be given to the parser at all; each is reported.
fn incomplete_statements(file: FileId, scanned: &Scanned<'_>, report: &mut Report) -> Vec<bool> {
    let mut blanked = vec![false; scanned.chunks.len()];
    let mut is_body_of_none = false;
    for (index, chunk) in scanned.chunks.iter().enumerate() {
        let Err(problem) = check_statement(scanned, *chunk) else {
            is_body_of_none = false;
            continue;
        };
        if let Some(blank) = blanked.get_mut(index) {
            *blank = true;
        }
        // What stands behind a statement whose `{` is missing was meant as its body.
        if is_body_of_none && problem.code == "rules::statement" {
            is_body_of_none = scanned.word(chunk.first) != "}";
            continue;
        }
        is_body_of_none = problem.code == "rules::incomplete" && slips::has_no_body(scanned, *chunk);
        report.problems(file, [problem]);
    }
    blanked
}

/// Statements that are parsed at once. The parser remembers every name of a text and looks through all of them at each
/// word, so that a text of thousands of rules would cost the square of their number.
const GROUP: usize = 32;

/// The tree of a long file, parsed in groups of statements of which every place stays where it was. `None` for a short
/// file, for one with functions or constants, which belong to the whole file, and for one with a mistake: those are
/// parsed as a whole.
fn in_groups(engine: &Engine, scanned: &Scanned<'_>) -> Option<AST> {
    let is_rule = |chunk: &Chunk| !matches!(scanned.word(chunk.first), "const" | "fn");
    if scanned.chunks.len() <= 2 * GROUP || !scanned.chunks.iter().all(is_rule) {
        return None;
    }
    let (mut whole, mut lines, mut seen) = (AST::empty(), String::new(), 0usize);
    for group in scanned.chunks.chunks(GROUP) {
        let start = scanned.chunk_span(*group.first()?).start as usize;
        let end = scanned.chunk_span(*group.last()?).end as usize;
        let begin = scanned.text.len() - scanned.plain().len();
        let line = scanned.text.get(..start)?.rfind('\n').map_or(begin, |at| at + 1);
        lines.extend(scanned.text.get(seen..line)?.chars().filter(|found| *found == '\n'));
        seen = line;
        let indent = scanned.text.get(line..start)?.chars().count();
        let text = format!("{lines}{:indent$}{}", "", scanned.text.get(start..end)?);
        let parsed = catch_unwind(AssertUnwindSafe(|| engine.compile(&text))).ok()?.ok()?;
        whole.combine(parsed);
    }
    Some(whole)
}

/// The statement in which a mistake lies that was noticed at a byte: the last one that begins before it.
fn culprit(scanned: &Scanned<'_>, blanked: &[bool], byte: u32) -> Option<usize> {
    let begins_before = |chunk: &Chunk| scanned.chunk_span(*chunk).start < byte;
    let last = scanned.chunks.iter().zip(blanked).rposition(|(chunk, blank)| !blank && begins_before(chunk));
    last.or_else(|| blanked.iter().position(|blank| !blank))
}

fn check_size(scanned: &Scanned<'_>) -> Result<(), Problem> {
    let whole = Span::new(0, 0);
    let (lines, widest) = scanned.shape();
    if lines > LINES_MAX || widest > LINE_CHARS_MAX {
        let message = format!("the file has {lines} lines of up to {widest} characters");
        let help = format!("at most {LINES_MAX} lines of {LINE_CHARS_MAX} characters are read");
        return Err(problem(whole, "rules::too_large", message, help));
    }
    Ok(())
}

/// A statement must be one of the known ones and must be complete.
fn check_statement(scanned: &Scanned<'_>, chunk: Chunk) -> Result<(), Problem> {
    let word = scanned.word(chunk.first);
    if word == ";" {
        return Ok(());
    }
    let first =
        scanned.tokens.get(chunk.first).map_or(Span::new(0, 0), |token| Span::new(token.start, token.end));
    if !STATEMENTS.contains(&word) {
        let help = match (did_you_mean(word, STATEMENTS), did_you_mean(word, CLAUSES)) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, Some(near)) => format!("`{near}` belongs to a rule: rule \"NAME\" when ... {{ }}"),
            _ => "what a rule does stands inside its braces".to_string(),
        };
        let message = "only `const`, `fn`, `rule`, `every`, `at` and `campaign` can stand here";
        return Err(problem(first, "rules::statement", message, help));
    }
    if let Some(empty) = slips::empty_clause(scanned, chunk) {
        return Err(empty);
    }
    let end = if word == "const" { ";" } else { "}" };
    let last = chunk.end.checked_sub(1).map_or("", |last| scanned.word(last));
    if !chunk.is_closed || last != end {
        if let Some(open) = slips::open(scanned, chunk) {
            return Err(open);
        }
        if slips::has_no_body(scanned, chunk) {
            let message = format!("the `{word}` that starts here has no body: its `{{` is missing");
            let help = "what it asks for stands in braces, behind everything else: { close(...); }";
            return Err(problem(first, "rules::incomplete", message, help));
        }
        let message = format!("the `{word}` that starts here is not complete: its `{end}` is missing");
        let help = "look for a bracket or a quote that was not closed";
        return Err(problem(first, "rules::incomplete", message, help));
    }
    Ok(())
}

/// The text with the marked statements replaced by spaces, every place staying where it was.
fn without<'a>(scanned: &Scanned<'a>, blanked: &[bool]) -> std::borrow::Cow<'a, str> {
    if !blanked.contains(&true) {
        return scanned.plain().into();
    }
    let mut text = String::with_capacity(scanned.text.len());
    let mut kept = scanned.text.len() - scanned.plain().len();
    for (chunk, _) in scanned.chunks.iter().zip(blanked).filter(|(_, blank)| **blank) {
        let span = scanned.chunk_span(*chunk);
        text.push_str(scanned.text.get(kept..span.start as usize).unwrap_or(""));
        let gone = scanned.text.get(span.start as usize..span.end as usize).unwrap_or("");
        text.extend(gone.chars().map(|found| if found == '\n' { '\n' } else { ' ' }));
        kept = span.end as usize;
    }
    text.push_str(scanned.text.get(kept..).unwrap_or(""));
    text.into()
}

/// What the parser says, for people.
fn explain(scanned: &Scanned<'_>, error: &ParseError) -> Problem {
    let span = scanned.span_at(error.position());
    let index = scanned.token_at(span.start);
    let found = scanned.word(index);
    if let Some(slip) = slips::at(scanned, index) {
        return slip;
    }
    let missing_text;
    let (message, help) = match error.err_type() {
        ParseErrorType::UnexpectedEOF => {
            ("the file ends in the middle of a statement".to_string(), "a bracket or a quote is not closed")
        }
        ParseErrorType::BadInput(LexError::UnterminatedString) => {
            ("this text has no closing quote".to_string(), "a text ends on the line on which it starts")
        }
        ParseErrorType::BadInput(LexError::ImproperSymbol(_, message)) if message.starts_with("after ") => (
            message.clone(),
            "the order is: rule \"NAME\" priority, each, when, for, until, for, unknown, { }",
        ),
        ParseErrorType::BadInput(LexError::UnexpectedInput(text)) if text == "|" => (
            "anonymous functions are not part of the language".to_string(),
            "write a function with a name: fn name(x) { }",
        ),
        ParseErrorType::BadInput(LexError::ImproperSymbol(word, why)) if why.contains("disabled") => {
            let help = match word.as_str() {
                "print" => "tell people with `notify(\"...\")`",
                _ => "leave it out: the manual lists what there is",
            };
            (format!("`{word}` is not part of the language"), help)
        }
        ParseErrorType::BadInput(LexError::UnexpectedInput(text)) => {
            (format!("`{text}` has no meaning here"), "look for a missing quote or a stray character")
        }
        ParseErrorType::BadInput(other) => {
            (sentence(&other.to_string()), "look for a stray character at this place")
        }
        ParseErrorType::MissingToken(token, _) => {
            (format!("`{token}` is missing before `{found}`"), "look at the line above as well")
        }
        ParseErrorType::UnknownOperator(word) => {
            (format!("`{word}` is not part of the language"), "there are + - * / %, comparisons, && || and !")
        }
        ParseErrorType::MissingSymbol(_) => {
            missing_text = slips::missing_text(scanned, index);
            (format!("a text in quotes is missing before `{found}`"), missing_text.as_str())
        }
        ParseErrorType::ExprExpected(_) => (
            format!("a value or a condition is missing before `{found}`"),
            "write it, or remove what waits for it",
        ),
        ParseErrorType::Reserved(word) => {
            (format!("`{word}` is a word of the language and cannot be used here"), "choose another name")
        }
        ParseErrorType::ExprTooDeep => (
            "this is nested too deeply".to_string(),
            "name parts of it as derived points in site.yaml or in `let`",
        ),
        ParseErrorType::LiteralTooLarge(_, max) => {
            (format!("this text is longer than {max} bytes"), "shorten it")
        }
        ParseErrorType::WrongFnDefinition => (
            "a function cannot stand inside of a rule".to_string(),
            "write it at the left edge of the file, outside of all brackets",
        ),
        other => (sentence(&other.to_string()), "look at this line and the one above it"),
    };
    problem(span, "rules::syntax", message, help)
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox;

    /// The place of every statement.
    fn places(ast: &AST) -> Vec<rhai::Position> {
        ast.statements().iter().map(rhai::Stmt::position).collect()
    }

    #[test]
    fn in_a_long_file_parsed_in_groups_everything_stands_where_it_stood() {
        let (engine, _) = sandbox::engine();
        // Some statements share a line, and not every letter is one byte.
        let rule = |n: u32| {
            let behind = if n.is_multiple_of(3) { " /* é */ " } else { "\n// « »\n\n" };
            format!("rule \"r{n}\"\n  when a.b > 1 {{ close(x); }}{behind}")
        };
        let text: String = (0..150).map(rule).collect();
        let grouped = in_groups(&engine, &Scanned::new(&text)).unwrap();
        let whole = engine.compile(&text).unwrap();
        assert_eq!(places(&grouped), places(&whole));
        assert_eq!(places(&whole).len(), 150);
    }

    #[test]
    fn what_belongs_to_the_whole_file_or_is_wrong_is_not_parsed_in_groups() {
        let (engine, _) = sandbox::engine();
        let rules = "rule \"r\" when a > 1 { close(x); }\n".repeat(100);
        let is_grouped = |text: &str| in_groups(&engine, &Scanned::new(text)).is_some();
        assert!(is_grouped(&rules));
        assert!(!is_grouped(&format!("const A = 1;\n{rules}")));
        assert!(!is_grouped(&format!("{rules}rule \"r\" when a > {{ close(x); }}")));
        assert!(!is_grouped("rule \"r\" when a > 1 { close(x); }"));
    }
}
