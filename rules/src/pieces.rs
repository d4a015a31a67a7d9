//! The pieces of a statement, found by its brackets: which one a mistake lies in, from the smallest to the whole.

use crate::mend::Edit;
use crate::scan::{Chunk, Scanned, TokenKind};
use ballast_model::diagnostic::Span;
use std::collections::BTreeMap;
use std::ops::Range;

/// A name, which the parser takes wherever a value can stand, a condition included.
const VALUE: &str = "x";
/// A text that the parser takes where a name or a time is missing.
const TEXT: &str = "\"\"";
/// A condition that the parser takes where the word for it was not understood.
const WHEN: &str = "when x";

/// Words with which the parts of a statement begin.
const CLAUSES: [&str; 8] = ["when", "until", "only", "for", "unknown", "priority", "each", "in"];
/// What ends every bracket that is still open in the head of a statement.
pub(crate) const ENDS_HEAD: [&str; 3] = ["{", "until", "unknown"];
/// What `fn` is called elsewhere.
const FUNCTION: [&str; 5] = ["fn", "function", "def", "func", "fun"];

/// The brackets of a statement. One that is not closed ends with the block around it, `(` also at the next `;`.
pub(crate) struct Pieces<'a> {
    scanned: &'a Scanned<'a>,
    chunk: Chunk,
    /// The bracket in which each token stands; those that close stand in their own.
    around: Vec<Option<usize>>,
    /// Where each bracket closes.
    close: BTreeMap<usize, usize>,
}

impl<'a> Pieces<'a> {
    pub(crate) fn of(scanned: &'a Scanned<'a>, chunk: Chunk) -> Self {
        let mut found = Self { scanned, chunk, around: Vec::new(), close: BTreeMap::new() };
        let mut open: Vec<usize> = Vec::new();
        for index in chunk.first..chunk.end {
            let word = scanned.word(index);
            if matches!(word, ";" | "}") {
                while let Some(top) = open.pop_if(|top| scanned.word(*top) != "{") {
                    found.close.insert(top, index);
                }
            }
            if ENDS_HEAD.contains(&word) && !open.iter().any(|top| scanned.word(*top) == "{") {
                found.close.extend(open.drain(..).map(|top| (top, index)));
            }
            found.around.push(open.last().copied());
            match word {
                "{" | "(" | "[" => open.push(index),
                "}" | ")" | "]" => {
                    if let Some(top) = open.pop_if(|top| closes(word, scanned.word(*top))) {
                        found.close.insert(top, index);
                    }
                }
                _ => {}
            }
        }
        for top in open {
            found.close.insert(top, chunk.end);
        }
        found
    }

    fn word(&self, index: usize) -> &'a str {
        if index < self.chunk.end { self.scanned.word(index) } else { "" }
    }

    fn around(&self, index: usize) -> Option<usize> {
        index.checked_sub(self.chunk.first).and_then(|at| self.around.get(at)).copied().flatten()
    }

    fn close(&self, open: usize) -> usize {
        self.close.get(&open).copied().unwrap_or(self.chunk.end)
    }

    /// The block in which a token stands; `None` in the head of the statement.
    fn block(&self, index: usize) -> Option<usize> {
        let mut around = self.around(index);
        while let Some(open) = around.filter(|open| self.word(*open) != "{") {
            around = self.around(open);
        }
        around
    }

    pub(crate) fn span(&self, range: &Range<usize>) -> Span {
        let start = self.scanned.tokens.get(range.start).map_or(0, |token| token.start);
        let last = range.end.checked_sub(1).and_then(|last| self.scanned.tokens.get(last));
        Span::new(start, last.map_or(start, |token| token.end.max(start)))
    }

    /// The statement of a block that holds a token.
    fn statement(&self, block: usize, index: usize) -> Range<usize> {
        let (close, mut start) = (self.close(block), block + 1);
        for at in block + 1..close {
            let is_direct = self.around(at) == Some(block);
            let ends = match self.word(at) {
                ";" => is_direct,
                "}" => {
                    let goes_on =
                        matches!(self.word(at + 1), "else" | "while" | "until" | ")" | "]" | "," | "." | ";");
                    let own = self.around(at).filter(|own| self.word(*own) == "{");
                    own.is_some_and(|own| self.around(own) == Some(block)) && !goes_on
                }
                _ => false,
            };
            if ends && at >= index {
                return start..at + 1;
            }
            if ends {
                start = at + 1;
            }
        }
        start.min(close)..close
    }

    /// What stands between two separators around a token, within its brackets and a range.
    fn part(&self, index: usize, within: &Range<usize>) -> Range<usize> {
        let around = self.around(index);
        let is_between =
            |at: usize| self.around(at) == around && matches!(self.word(at), "," | ";" | "&&" | "||" | "=>");
        let opens = |at: usize| Some(at) == around;
        let is_end = |at: usize| around.is_some_and(|open| at == self.close(open));
        let start = (within.start..index).rev().find(|at| is_between(*at) || opens(*at));
        let end = (index + usize::from(!is_end(index))..within.end).find(|at| is_between(*at) || is_end(*at));
        start.map_or(within.start, |at| at + 1)..end.unwrap_or(within.end)
    }

    /// The clause of the head in which a token stands, its word included.
    fn clause(&self, index: usize) -> Range<usize> {
        let is_clause = |at: &usize| {
            self.around(*at).is_none()
                && CLAUSES.contains(&self.word(*at))
                && self.word(at.saturating_sub(1)) != "."
        };
        let end =
            (self.chunk.first..self.chunk.end).find(|at| self.word(*at) == "{" && self.around(*at).is_none());
        let end = end.unwrap_or(self.chunk.end);
        let start = (self.chunk.first + 1..index.min(end)).rev().find(is_clause).unwrap_or(self.chunk.first);
        start..(index + 1..end).find(is_clause).unwrap_or(end)
    }

    /// The smallest statement or clause that holds a token.
    pub(crate) fn whole(&self, index: usize) -> Span {
        match self.block(index) {
            Some(block) => self.span(&self.header(&self.statement(block, index), index)),
            None => self.span(&self.clause(index)),
        }
    }

    /// Of a statement with blocks what stands before the block that comes after a token; else the statement.
    fn header(&self, statement: &Range<usize>, index: usize) -> Range<usize> {
        let outer = self.around(statement.start);
        let is_block = |at: &usize| self.word(*at) == "{" && self.around(*at) == outer;
        let Some(end) = (index..statement.end).find(is_block) else { return statement.clone() };
        let start = (statement.start..index)
            .rev()
            .find(|at| self.word(*at) == "}")
            .map_or(statement.start, |at| at + 1);
        start..end
    }

    /// What may be left out for a mistake at a token, from the smallest to the whole statement.
    pub(crate) fn candidates(&self, index: usize, is_misplaced: bool) -> Vec<Edit> {
        let index = index.clamp(self.chunk.first, self.chunk.end.saturating_sub(1).max(self.chunk.first));
        let mut found = Vec::new();
        match self.block(index) {
            Some(block) => self.in_body(block, index, &mut found),
            None => self.in_head(index, is_misplaced, &mut found),
        }
        found.push(Edit { span: self.scanned.chunk_span(self.chunk), put: "" });
        found.retain(|edit: &Edit| edit.span.start < edit.span.end && edit.fits(self.scanned));
        found
    }

    fn value(&self, range: &Range<usize>) -> Edit {
        Edit { span: self.span(range), put: VALUE }
    }

    fn in_body(&self, block: usize, index: usize, found: &mut Vec<Edit>) {
        let statement = self.statement(block, index);
        let header = self.header(&statement, index);
        let first = self.word(header.start);
        if self.around(index) != Some(block) {
            found.push(self.value(&self.part(index, &statement)));
        }
        let value = match first {
            "let" | "const" if self.word(header.start + 2) == "=" => Some(header.start + 3),
            "if" | "while" | "switch" => Some(header.start + 1),
            "else" if self.word(header.start + 1) == "if" => Some(header.start + 2),
            "for" => (header.start..header.end).find(|at| self.word(*at) == "in").map(|at| at + 1),
            _ => None,
        };
        if let Some(start) = value.filter(|start| *start <= index) {
            let ends = self.word(header.end.saturating_sub(1)) == ";";
            found.push(self.value(&(start..header.end - usize::from(ends))));
        }
        let is_function = FUNCTION.contains(&first.to_lowercase().as_str());
        if header != statement && !is_function {
            found.push(Edit { span: self.span(&header), put: "" });
        }
        found.push(Edit { span: self.span(&statement), put: "" });
        let mut outer = self.block(block).map(|outer| (outer, block));
        while let Some((around, inner)) = outer {
            found.push(Edit { span: self.span(&self.statement(around, inner)), put: "" });
            outer = self.block(around).map(|next| (next, around));
            if outer.is_none() {
                found.push(Edit { span: self.span(&(around + 1..self.close(around))), put: "" });
            }
        }
        if self.block(block).is_none() {
            found.push(Edit { span: self.span(&(block + 1..self.close(block))), put: "" });
        }
    }

    fn in_head(&self, index: usize, is_misplaced: bool, found: &mut Vec<Edit>) {
        // What is missing at the end of a clause was noticed at the word behind it.
        let is_behind = !is_misplaced && CLAUSES.contains(&self.word(index)) && self.around(index).is_none();
        let index = if is_behind { index.saturating_sub(1).max(self.chunk.first) } else { index };
        let clause = self.clause(index);
        let word = self.word(clause.start);
        if is_misplaced {
            let has_when = (self.chunk.first..self.chunk.end)
                .any(|at| self.word(at) == "when" && self.around(at).is_none());
            let span = self.span(&(index..clause.end.max(index + 1)));
            if !has_when && self.word(self.chunk.first) == "rule" {
                found.push(Edit { span, put: WHEN });
            }
            found.push(Edit { span, put: "" });
        }
        match word {
            "when" | "until" | "only" => {
                if self.around(index).is_some() || index > clause.start {
                    found.push(self.value(&self.part(index, &(clause.start + 1..clause.end))));
                }
                found.push(self.value(&(clause.start + 1..clause.end)));
            }
            "const" => {
                let start = clause.start + if self.word(clause.start + 2) == "=" { 3 } else { 1 };
                found.push(self.value(&(start..self.chunk.end.saturating_sub(1))));
            }
            "rule" | "campaign" | "at" | "every" => {
                let from = self.span(&(clause.start + 1..clause.end)).start;
                let upto = self.scanned.tokens.get(clause.end).map_or(from, |next| next.start);
                found.push(Edit { span: Span::new(from, upto.max(from)), put: TEXT });
            }
            _ => {}
        }
        if clause.start > self.chunk.first {
            found.push(Edit { span: self.span(&clause), put: "" });
        }
    }

    /// The names that a left-out piece would have given a value.
    pub(crate) fn names_in(&self, span: Span) -> Vec<&'a str> {
        let is_inside = |index: &usize| {
            self.scanned
                .tokens
                .get(*index)
                .is_some_and(|token| span.start <= token.start && token.end <= span.end)
        };
        let defines = |index: &usize| {
            let before = if *index > self.chunk.first { self.word(index - 1) } else { "" }.to_lowercase();
            let is_word = self.scanned.tokens.get(*index).is_some_and(|token| token.kind == TokenKind::Word);
            is_word
                && (matches!(self.word(index + 1), "=" | "in" | "+=" | "-=" | "*=" | "/=" | ":")
                    || matches!(
                        before.as_str(),
                        "let" | "const" | "var" | "for" | "int" | "float" | "double" | "auto"
                    )
                    || FUNCTION.contains(&before.as_str()))
        };
        let first = (self.chunk.first..self.chunk.end).find(is_inside).unwrap_or(self.chunk.end);
        // `let f = |x| x`: its name is known, and not as a function.
        let begun = first.checked_sub(2).filter(|at| *at > self.chunk.first && self.word(first - 1) == "=");
        let inside = (first..self.chunk.end).take_while(is_inside).filter(defines);
        begun.into_iter().chain(inside).map(|at| self.word(at)).collect()
    }
}

fn closes(close: &str, open: &str) -> bool {
    matches!((open, close), ("{", "}") | ("(", ")") | ("[", "]"))
}
