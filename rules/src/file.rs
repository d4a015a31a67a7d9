//! One rule file after parsing: its tree, its constants and functions, and where things stand in it.

use crate::limits::FUNCTIONS_MAX;
use crate::literal::{Literals, constant};
use crate::mend::Edits;
use crate::parse::{Parsed, parse};
use crate::report::{Report, problem};
use crate::scan::{Chunk, Scanned, TokenKind};
use ballast_model::diagnostic::{FileId, Span};
use ballast_model::expr::Expr;
use rhai::{AST, ASTFlags, CustomExpr, Engine, Position, Stmt};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

const NO_CHUNK: Chunk = Chunk { first: 0, end: 0, is_closed: false };

/// A parsed file.
pub(crate) struct File<'a> {
    pub(crate) id: FileId,
    /// Its name without folders, as it is shown to people.
    pub(crate) name: &'a str,
    pub(crate) scanned: Scanned<'a>,
    pub(crate) ast: AST,
    pub(crate) literals: Rc<Literals>,
    /// The constants as pieces of conditions.
    pub(crate) constants: BTreeMap<Box<str>, Expr>,
    /// The functions with the numbers of arguments they take.
    pub(crate) functions: BTreeMap<Box<str>, BTreeSet<usize>>,
    definitions: BTreeMap<&'a str, Vec<Chunk>>,
    /// What was left out or put in so that the rest could be read.
    edits: Edits,
}

impl<'a> File<'a> {
    /// Parses a file; what cannot be parsed is reported and left out.
    pub(crate) fn new(
        engine: &Engine,
        id: FileId,
        name: &'a str,
        text: &'a str,
        report: &mut Report,
    ) -> Self {
        let scanned = Scanned::new(text);
        let Parsed { ast, edits, lost } = parse(engine, id, &scanned, report);
        let whole = Span::new(0, text.len() as u32);
        report.leave_out(id, edits.left_out());
        for (name, within) in lost {
            report.lose(id, scanned.places_of(&name, within.unwrap_or(whole)));
        }
        let mut functions: BTreeMap<Box<str>, BTreeSet<usize>> = BTreeMap::new();
        for found in ast.iter_functions() {
            functions.entry(found.name.into()).or_default().insert(found.params.len());
        }
        if functions.len() > FUNCTIONS_MAX {
            let message = format!("the file has more than {FUNCTIONS_MAX} functions");
            report.problems(id, [problem(Span::new(0, 0), "rules::too_large", message, "split it")]);
        }
        let mut definitions: BTreeMap<&str, Vec<Chunk>> = BTreeMap::new();
        for chunk in &scanned.chunks {
            if matches!(scanned.word(chunk.first), "const" | "fn") {
                definitions.entry(scanned.word(chunk.first + 1)).or_default().push(*chunk);
            }
        }
        let mut literals = Literals::new();
        for statement in ast.statements() {
            let Stmt::Var(definition, flags, at) = statement else { continue };
            let span = scanned.span_at(definition.0.pos);
            if !flags.intersects(ASTFlags::CONSTANT) {
                let message = "`let` cannot stand here";
                let place = scanned.span_at(*at);
                report.problems(id, [problem(place, "rules::statement", message, "write `const`")]);
            } else if let Err(found) =
                constant(definition.0.name.as_str(), span, &definition.1, &scanned, &mut literals)
            {
                report.problems(id, [found]);
                if !literals.contains_key(definition.0.name.as_str()) {
                    report.lose(id, scanned.places_of(&definition.0.name, whole));
                }
            } else if edits.touch(scanned.chunk_span(scanned.chunk_at(span.start).unwrap_or(NO_CHUNK))) {
                // Its value was not read: another stands for it.
                literals.remove(definition.0.name.as_str());
                report.lose(id, scanned.places_of(&definition.0.name, whole));
            }
        }
        let constants =
            literals.iter().map(|(name, value)| (name.clone(), value.condition(Span::new(0, 0)))).collect();
        let literals = Rc::new(literals);
        Self { id, name, scanned, ast, literals, constants, functions, definitions, edits }
    }

    /// Whether something within a range could not be read, which was reported.
    pub(crate) fn is_damaged(&self, span: Span) -> bool {
        self.edits.touch(span)
    }

    /// Whether a statement could be read as it stands.
    pub(crate) fn is_read(&self, chunk: Chunk) -> bool {
        !self.edits.change(self.scanned.chunk_span(chunk))
    }

    /// The statements that could not be read at all: their first word, and their name with its place.
    pub(crate) fn unread(&self) -> impl Iterator<Item = (&'a str, &'a str, Span)> {
        let chunks = self.scanned.chunks.iter();
        let unread = chunks.filter(|chunk| self.edits.covers(self.scanned.chunk_span(**chunk)));
        unread.filter_map(|chunk| {
            let token = self.scanned.tokens.get(chunk.first + 1)?;
            let name = self.scanned.token_text(token).strip_prefix('"')?.strip_suffix('"')?;
            Some((self.scanned.word(chunk.first), name, Span::new(token.start, token.end)))
        })
    }

    /// The statements of the language in this file; everything else but constants is reported.
    pub(crate) fn statements(&self, report: &mut Report) -> Vec<(&CustomExpr, Position)> {
        let mut found = Vec::new();
        for statement in self.ast.statements() {
            match statement {
                Stmt::Expr(expr) => match &**expr {
                    rhai::Expr::Custom(custom, at) if is_statement(custom) => found.push((&**custom, *at)),
                    other => self.stray(other.start_position(), report),
                },
                Stmt::Var(..) | Stmt::Noop(_) => {}
                other => self.stray(other.position(), report),
            }
        }
        found
    }

    fn stray(&self, at: Position, report: &mut Report) {
        let message = "only `const`, `fn`, `rule`, `every`, `at` and `campaign` can stand here";
        let help = "what a rule does stands inside its braces";
        report.problems(self.id, [problem(self.scanned.span_at(at), "rules::statement", message, help)]);
    }

    /// `heating.rhai:12`.
    pub(crate) fn place(&self, at: Position) -> Box<str> {
        let (line, _) = self.scanned.line_column(self.scanned.byte_at(at));
        format!("{}:{line}", self.name).into()
    }

    /// The statement that starts at a place.
    pub(crate) fn chunk(&self, at: Position) -> Chunk {
        let byte = self.scanned.byte_at(at);
        self.scanned.chunk_at(byte).unwrap_or(NO_CHUNK)
    }

    /// The parameters of the function that starts at a token.
    pub(crate) fn parameters(&self, first: usize) -> Vec<&'a str> {
        let mut words = (first..).map(|index| self.scanned.word(index)).skip_while(|word| *word == "fn");
        words.next();
        words.skip(1).take_while(|word| !matches!(*word, ")" | "")).filter(|word| *word != ",").collect()
    }

    /// What stands between a keyword of a statement and the next one, as written, on one line.
    pub(crate) fn clause(&self, chunk: Chunk, keyword: &str) -> Box<str> {
        const ENDS: [&str; 4] = ["for", "until", "unknown", "{"];
        let mut depth = 0u32;
        let mut start = None;
        for index in chunk.first + 1..chunk.end {
            let word = self.scanned.word(index);
            let Some(token) = self.scanned.tokens.get(index) else { break };
            let is_part = self.scanned.word(index - 1) == ".";
            if depth == 0 && !is_part {
                if let Some(start) = start.filter(|_| ENDS.contains(&word)) {
                    let text = self.scanned.text.get(start as usize..token.start as usize).unwrap_or("");
                    return text.split_whitespace().collect::<Vec<_>>().join(" ").into();
                }
                if word == keyword && token.kind == TokenKind::Word {
                    start = Some(token.end);
                }
            }
            match word {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                "{" => break,
                _ => {}
            }
        }
        "".into()
    }

    /// Hash of a statement's tokens and of the constants and functions it uses, theirs included.
    pub(crate) fn text_hash(&self, chunk: Chunk) -> u64 {
        let mut hash = Fnv::new();
        self.hash_into(chunk, &mut hash, &mut BTreeSet::new());
        hash.0
    }

    fn hash_into(&self, chunk: Chunk, hash: &mut Fnv, seen: &mut BTreeSet<&'a str>) {
        for index in chunk.first..chunk.end {
            let word = self.scanned.word(index);
            hash.text(word);
            let Some(definitions) = self.definitions.get(word) else { continue };
            if seen.insert(word) {
                for definition in definitions {
                    self.hash_into(*definition, hash, seen);
                }
            }
        }
    }
}

fn is_statement(custom: &CustomExpr) -> bool {
    matches!(keyword(custom), "rule" | "every" | "at" | "campaign")
}

/// The word with which a statement starts.
pub(crate) fn keyword(custom: &CustomExpr) -> &str {
    custom.tokens.first().map_or("", |word| word.as_str())
}

/// FNV-1a, 64 bits: the same on every machine and in every version.
pub(crate) struct Fnv(pub(crate) u64);

impl Fnv {
    pub(crate) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds a text and a separator.
    pub(crate) fn text(&mut self, text: &str) {
        for byte in text.bytes().chain([0]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
