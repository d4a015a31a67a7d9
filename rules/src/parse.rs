//! From text to the parser's tree, going on behind and around every mistake.

use crate::limits::{LINE_CHARS_MAX, LINES_MAX, RECOVERIES_MAX, REPARSED_BYTES_MAX};
use crate::mend::{Edit, Edits};
use crate::pieces::Pieces;
use crate::report::{Report, mistake, problem};
use crate::scan::{Chunk, STATEMENTS, Scanned};
use crate::slips;
use ballast_model::diagnostic::{FileId, Span, did_you_mean};
use ballast_model::expr::Problem;
use rhai::{AST, Engine, LexError, ParseError, ParseErrorType};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Words that belong inside a `rule`.
const CLAUSES: [&str; 4] = ["when", "until", "priority", "each"];

/// A file as far as it can be read.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    pub(crate) ast: AST,
    /// What was left out or put in so that the rest could be read.
    pub(crate) edits: Edits,
    /// Names that nothing stands for since their definition was left out; where, if not in the whole file.
    pub(crate) lost: Vec<(String, Option<Span>)>,
}

/// Reads everything in the file that can be read; each mistake is reported, and the smallest piece around it left out.
pub(crate) fn parse(engine: &Engine, file: FileId, scanned: &Scanned<'_>, report: &mut Report) -> Parsed {
    if let Err(problem) = check_size(scanned) {
        report.problems(file, [problem]);
        return Parsed::default();
    }
    if let Some(span) = scanned.open_comment {
        let message = "this comment is not closed: its `*/` is missing";
        let help = "what stands behind it would be lost";
        report.problems(file, [problem(span, "rules::incomplete", message, help)]);
    }
    let found = Parsed::default();
    let mut parser = Parser { engine, file, scanned, report, found, recoveries: 0, reparsed: 0 };
    parser.incomplete_statements();
    if parser.found.edits.is_empty()
        && let Some(ast) = in_groups(engine, scanned)
    {
        return Parsed { ast, ..parser.found };
    }
    if let Some(ast) = parser.run() {
        parser.found.ast = ast;
    }
    parser.found
}

struct Parser<'a> {
    engine: &'a Engine,
    file: FileId,
    scanned: &'a Scanned<'a>,
    report: &'a mut Report,
    found: Parsed,
    /// How many mistakes were reported, and how many bytes were parsed again.
    recoveries: usize,
    reparsed: usize,
}

impl Parser<'_> {
    /// The tree of what can be read; `None` when there was too much that cannot.
    fn run(&mut self) -> Option<AST> {
        let whole = Span::new(self.scanned.begin(), self.scanned.text.len() as u32);
        let mut is_first = true;
        loop {
            let text = self.found.edits.text(self.scanned, whole);
            let error = match self.compile(&text, whole)? {
                Ok(ast) => return Some(ast),
                Err(error) => error,
            };
            if core::mem::take(&mut is_first) {
                for chunk in &self.scanned.chunks {
                    self.recover(*chunk)?;
                }
                continue;
            }
            // Each statement can be read, and all of them together cannot: a function that is there twice.
            self.count_recovery()?;
            let found = explain(self.scanned, &error, self.scanned.span_at(error.position()));
            let chunk = self.scanned.chunk_at(found.span.start).filter(|chunk| !self.is_left_out(*chunk));
            let chunk = chunk
                .or_else(|| self.scanned.chunks.iter().find(|chunk| !self.is_left_out(**chunk)).copied())?;
            self.report.push(mistake(self.file, found));
            self.leave_out(chunk);
        }
    }

    fn is_left_out(&self, chunk: Chunk) -> bool {
        self.found.edits.covers(self.scanned.chunk_span(chunk))
    }

    /// A panic of the parser is a mistake of the file that nothing can be done about.
    fn compile(&mut self, text: &str, whole: Span) -> Option<Result<AST, ParseError>> {
        let parsed = catch_unwind(AssertUnwindSafe(|| self.engine.compile(text)));
        if parsed.is_err() {
            let help = "please report this file: nothing in it is taken over";
            let place = Span::new(whole.start, whole.start);
            let found = problem(place, "rules::syntax", "the parser failed on this file", help);
            self.report.push(mistake(self.file, found));
        }
        parsed.ok()
    }

    /// Finds every mistake of one statement.
    fn recover(&mut self, chunk: Chunk) -> Option<()> {
        let span = self.scanned.chunk_span(chunk);
        let pieces = Pieces::of(self.scanned, chunk);
        while !self.is_left_out(chunk) {
            let text = self.found.edits.text(self.scanned, span);
            let Err(error) = self.compile(&text, span)? else { return Some(()) };
            self.reparsed += text.len();
            if self.reparsed > REPARSED_BYTES_MAX {
                self.report_rest(chunk);
                return None;
            }
            self.mend(&error, chunk, &pieces)?;
        }
        Some(())
    }

    /// Reports what the parser stumbled over, unless it is only what is left of an earlier mistake, and leaves it out.
    fn mend(&mut self, error: &ParseError, chunk: Chunk, pieces: &Pieces<'_>) -> Option<()> {
        let scanned = self.scanned;
        let whole = scanned.chunk_span(chunk);
        let mut place = scanned.span_at_within(error.position(), whole.start);
        let last = scanned.tokens.get(chunk.end.saturating_sub(1));
        if let Some(last) = last.filter(|_| place.start >= whole.end) {
            place = Span::new(last.start, last.end);
        }
        let dangling = slips::before_block(scanned, chunk).find(|found| !self.found.edits.touch(found.span));
        let mut found = dangling.unwrap_or_else(|| explain(scanned, error, place));
        if found.span.start >= whole.end
            && let Some(last) = last
        {
            found.span = Span::new(last.start, last.end);
        }
        let index = scanned.token_at(found.span.start);
        let is_misplaced = is_misplaced(error) && found.message.starts_with(MISPLACED);
        if !self.found.edits.touch(pieces.whole(index)) {
            self.count_recovery().or_else(|| {
                self.report_rest(chunk);
                None
            })?;
            self.report.push(mistake(self.file, found));
        }
        let is_missing_end =
            matches!(error.err_type(), ParseErrorType::MissingToken(token, _) if token == ";");
        if is_missing_end
            && slips::ends_before(scanned, index)
            && self.found.edits.insert(scanned, index, ";")
        {
            return Some(());
        }
        let candidates = pieces.candidates(index, is_misplaced);
        match candidates.into_iter().find(|edit| !self.found.edits.covers(edit.span)) {
            Some(edit) if edit.span != whole => self.edit(edit, whole, pieces),
            _ => self.leave_out(chunk),
        }
        Some(())
    }

    fn edit(&mut self, edit: Edit, whole: Span, pieces: &Pieces<'_>) {
        let names = pieces.names_in(edit.span).into_iter();
        self.found.lost.extend(names.map(|name| (name.to_string(), Some(whole))));
        self.found.edits.add(edit);
    }

    /// Leaves a whole statement out; what it defines is missing then.
    fn leave_out(&mut self, chunk: Chunk) {
        let span = self.scanned.chunk_span(chunk);
        self.found.edits.add(Edit { span, put: "" });
        if matches!(self.scanned.word(chunk.first), "const" | "fn") {
            self.found.lost.push((self.scanned.word(chunk.first + 1).to_string(), None));
        }
    }

    fn count_recovery(&mut self) -> Option<()> {
        self.recoveries += 1;
        (self.recoveries <= RECOVERIES_MAX).then_some(())
    }

    /// Says that the file has more mistakes of this kind than are looked for.
    fn report_rest(&mut self, chunk: Chunk) {
        let first = self.scanned.tokens.get(chunk.first);
        let first = first.map_or(Span::new(0, 0), |token| Span::new(token.start, token.end));
        let message = "so much does not follow the form of the language that the rest was not looked at";
        let help = "mend what is shown, and check again";
        self.report.push(mistake(self.file, problem(first, "rules::too_many", message, help)));
    }

    /// Reports statements that cannot be given to the parser as they stand, and makes of them what can be read.
    fn incomplete_statements(&mut self) {
        let scanned = self.scanned;
        let (mut is_body_of_none, mut is_behind_stray) = (false, false);
        for chunk in &scanned.chunks {
            let Err((problem, cure)) = check_statement(scanned, *chunk) else {
                (is_body_of_none, is_behind_stray) = (false, false);
                self.unbalanced(*chunk);
                continue;
            };
            let (is_stray, is_end) = (problem.code == "rules::statement", scanned.word(chunk.first) == "}");
            // What stands behind a statement whose `{` is missing, or behind a `}` too many, was meant as its body.
            if is_stray && (is_body_of_none || is_behind_stray && is_end) {
                (is_body_of_none, is_behind_stray) = (is_body_of_none && !is_end, false);
                self.leave_out(*chunk);
                continue;
            }
            let has_no_body = problem.code == "rules::incomplete" && slips::has_no_body(scanned, *chunk);
            (is_body_of_none, is_behind_stray) = (has_no_body || is_end, is_stray);
            let span = problem.span;
            self.report.problems(self.file, [problem]);
            match cure {
                Cure::Close(put) if self.found.edits.insert(scanned, chunk.end, put) => {}
                Cure::Word => self.found.edits.add(Edit { span, put: "" }),
                _ => self.leave_out(*chunk),
            }
        }
    }

    /// Reports what does not fit together in a statement that ends as it must, and leaves it out.
    fn unbalanced(&mut self, chunk: Chunk) {
        let (scanned, whole) = (self.scanned, self.scanned.chunk_span(chunk));
        let pieces = Pieces::of(scanned, chunk);
        for found in slips::unbalanced(scanned, chunk) {
            let span = found.problem.span;
            self.report.problems(self.file, [found.problem]);
            let piece = pieces.candidates(scanned.token_at(span.start), false).into_iter().next();
            match piece {
                _ if found.is_stray => self.found.edits.add(Edit { span, put: "" }),
                Some(edit) if !self.found.edits.covers(edit.span) => self.edit(edit, whole, &pieces),
                _ => {}
            }
        }
    }
}

/// How the rest of a statement can be read all the same.
enum Cure {
    /// With this at its end.
    Close(&'static str),
    /// Without the word that stands there.
    Word,
    None,
}

/// How the statements of the language begin to say that (`syntax::choose`).
const MISPLACED: &str = "after ";

/// Whether a word came where another part of the statement was to come.
fn is_misplaced(error: &ParseError) -> bool {
    match error.err_type() {
        ParseErrorType::BadInput(LexError::ImproperSymbol(_, message)) => message.starts_with(MISPLACED),
        _ => false,
    }
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

/// Whether a statement ends as it must.
fn is_whole(scanned: &Scanned<'_>, chunk: Chunk) -> bool {
    let end = if scanned.word(chunk.first) == "const" { ";" } else { "}" };
    chunk.is_closed && chunk.end.checked_sub(1).is_some_and(|last| scanned.word(last) == end)
}

/// A statement must be one of the known ones and must be complete.
fn check_statement(scanned: &Scanned<'_>, chunk: Chunk) -> Result<(), (Problem, Cure)> {
    let word = scanned.word(chunk.first);
    if word == ";" {
        return Ok(());
    }
    let first =
        scanned.tokens.get(chunk.first).map_or(Span::new(0, 0), |token| Span::new(token.start, token.end));
    if word == "}" {
        let help = "remove it, or look above for a `{` that is missing";
        return Err((problem(first, "rules::statement", "this `}` closes nothing", help), Cure::None));
    }
    if !STATEMENTS.contains(&word) {
        let lower = word.to_lowercase();
        let help = match (did_you_mean(&lower, STATEMENTS), did_you_mean(word, CLAUSES)) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, Some(near)) => format!("`{near}` belongs to a rule: rule \"NAME\" when ... {{ }}"),
            _ => "what a rule does stands inside its braces".to_string(),
        };
        let message = "only `const`, `fn`, `rule`, `every`, `at` and `campaign` can stand here";
        return Err((problem(first, "rules::statement", message, help), Cure::None));
    }
    if let Some(empty) = slips::empty_clause(scanned, chunk) {
        return Err((empty, Cure::Word));
    }
    if is_whole(scanned, chunk) {
        return Ok(());
    }
    if let Some(open) = slips::unbalanced(scanned, chunk).into_iter().next() {
        return Err((open.problem, Cure::None));
    }
    let end = if word == "const" { ";" } else { "}" };
    if slips::has_no_body(scanned, chunk) {
        let message = format!("the `{word}` that starts here has no body: its `{{` is missing");
        let help = "what it asks for stands in braces, behind everything else: { close(...); }";
        return Err((problem(first, "rules::incomplete", message, help), Cure::None));
    }
    let message = format!("the `{word}` that starts here is not complete: its `{end}` is missing");
    let help = "look for a bracket or a quote that was not closed";
    let cure = match slips::open_blocks(scanned, chunk) {
        0 if word == "const" => Cure::Close(";"),
        count => BRACES.get(..count).filter(|_| count > 0).map_or(Cure::None, Cure::Close),
    };
    Err((problem(first, "rules::incomplete", message, help), cure))
}

/// What closes blocks that were left open, as many as anybody forgets.
const BRACES: &str = "}}}}}}}}";

/// What the parser says, for people.
fn explain(scanned: &Scanned<'_>, error: &ParseError, span: Span) -> Problem {
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
        ParseErrorType::BadInput(wrong) => bad_input(wrong, found),
        ParseErrorType::MissingToken(token, _) if token == "{" => (
            format!("`{{` is missing before `{found}`"),
            "what is done stands in braces: `if x > 3 { close(...); }`",
        ),
        ParseErrorType::VariableExpected => (
            format!("`{found}` is no name of a variable"),
            "a name begins with a letter, as in `let limit = 3;`",
        ),
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
        ParseErrorType::PropertyExpected => (
            format!("`{found}` is no part of a value"),
            "a value has no parts and no methods: write `f(x)` instead of `x.f()`",
        ),
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

/// A sign or a word that cannot stand where it does.
fn bad_input(wrong: &LexError, found: &str) -> (String, &'static str) {
    match wrong {
        LexError::UnterminatedString => {
            ("this text has no closing quote".to_string(), "a text ends on the line on which it starts")
        }
        LexError::ImproperSymbol(_, message) if message.starts_with(MISPLACED) => {
            let help = match found {
                _ if message.starts_with("after `wait`") => slips::NO_WAITING,
                "," => {
                    "conditions are joined by `&&` where both must be true, and by `||` where one is enough"
                }
                _ => "the order is: rule \"NAME\" priority, each, when, for, until, for, unknown, { }",
            };
            (message.clone(), help)
        }
        LexError::UnexpectedInput(text) if text == "|" => (
            "anonymous functions are not part of the language".to_string(),
            "write a function with a name: fn name(x) { }",
        ),
        LexError::ImproperSymbol(word, why) if why.contains("disabled") => {
            let help = match word.as_str() {
                "print" => "tell people with `notify(\"...\")`",
                _ => "leave it out: the manual lists what there is",
            };
            (format!("`{word}` is not part of the language"), help)
        }
        LexError::UnexpectedInput(text) => {
            (format!("`{text}` has no meaning here"), "look for a missing quote or a stray character")
        }
        other => (sentence(&other.to_string()), "look for a stray character at this place"),
    }
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
