//! A file as tokens and top-level statements, found without the parser.
//!
//! The parser tells a single point and stops at its first mistake. With the tokens a point becomes a range of bytes, and
//! with the statements each mistake can be reported and stepped over. Nothing here knows what a statement means.

use ballast_model::diagnostic::Span;
use rhai::Position;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Word,
    Number,
    Text,
    Symbol,
}

/// A token; comments and spaces are none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) kind: TokenKind,
}

/// A top-level statement: a range of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) first: usize,
    /// One past its last token.
    pub(crate) end: usize,
    /// Whether its `}` or `;` was found.
    pub(crate) is_closed: bool,
}

/// A file with its tokens.
#[derive(Debug)]
pub(crate) struct Scanned<'a> {
    pub(crate) text: &'a str,
    pub(crate) tokens: Vec<Token>,
    pub(crate) chunks: Vec<Chunk>,
    /// A comment that is opened and never closed.
    pub(crate) open_comment: Option<Span>,
    line_starts: Vec<u32>,
}

/// What some editors of Windows put before the first letter of a file; it means nothing.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The words with which a top-level statement starts.
pub(crate) const STATEMENTS: [&str; 6] = ["const", "fn", "rule", "every", "at", "campaign"];

impl<'a> Scanned<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at as u32 + 1);
        let begin = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 };
        let line_starts = core::iter::once(begin as u32).chain(starts).collect();
        let (tokens, open_comment) = Lexer { bytes: text.as_bytes(), at: begin, open_comment: None }.run();
        let mut scanned = Self { text, tokens, chunks: Vec::new(), open_comment, line_starts };
        scanned.chunks = scanned.split();
        scanned
    }

    /// The text as the parser gets it: places of the first line begin behind a byte order mark.
    pub(crate) fn plain(&self) -> &'a str {
        self.text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(self.text)
    }

    /// Where the parser's text begins.
    pub(crate) fn begin(&self) -> u32 {
        (self.text.len() - self.plain().len()) as u32
    }

    /// Where a name stands within a range, alone or with parts behind it; a text with values in it is one place.
    pub(crate) fn places_of(&self, name: &str, within: Span) -> Vec<u32> {
        let first = self.token_at(within.start);
        let is_in_text = |text: &str| {
            text.starts_with('`')
                && text
                    .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
                    .any(|word| word == name)
        };
        let is_name = |index: &usize| {
            is_in_text(self.word(*index))
                || self.word(*index) == name
                    && index.checked_sub(1).is_none_or(|before| self.word(before) != ".")
        };
        let upto = (first..self.tokens.len())
            .take_while(|index| self.tokens.get(*index).is_some_and(|token| token.end <= within.end));
        upto.filter(is_name).filter_map(|index| self.tokens.get(index)).map(|token| token.start).collect()
    }

    /// Number of lines, and the most characters in one of them.
    pub(crate) fn shape(&self) -> (usize, usize) {
        let widest = self.text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        (self.line_starts.len(), widest)
    }

    pub(crate) fn token_text(&self, token: &Token) -> &'a str {
        self.text.get(token.start as usize..token.end as usize).unwrap_or("")
    }

    /// The text of the token of that index; empty behind the last.
    pub(crate) fn word(&self, index: usize) -> &'a str {
        self.tokens.get(index).map_or("", |token| self.token_text(token))
    }

    /// Line and column of a byte, both from 1, columns in characters.
    pub(crate) fn line_column(&self, byte: u32) -> (usize, usize) {
        let line = self.line_starts.partition_point(|start| *start <= byte);
        let start = line.checked_sub(1).and_then(|line| self.line_starts.get(line)).copied().unwrap_or(0);
        let column = self.text.get(start as usize..byte as usize).map_or(0, |text| text.chars().count());
        (line, column + 1)
    }

    /// The byte of a place of the parser, whose columns count characters.
    pub(crate) fn byte_at(&self, position: Position) -> u32 {
        let (Some(line), column) = (position.line(), position.position().unwrap_or(1)) else {
            return self.text.len() as u32;
        };
        let start = self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len() as u32);
        let end = self.line_starts.get(line).copied().unwrap_or(self.text.len() as u32);
        let text = self.text.get(start as usize..end as usize).unwrap_or("");
        let before = column.saturating_sub(1);
        if text.is_ascii() {
            return start + before.min(text.len()) as u32;
        }
        let offset = text.char_indices().nth(before).map_or(text.len(), |(offset, _)| offset);
        start + offset as u32
    }

    /// Index of the token at a byte, or of the next one behind it.
    pub(crate) fn token_at(&self, byte: u32) -> usize {
        self.tokens.partition_point(|token| token.end <= byte)
    }

    /// The token at a place; behind the last token an empty range.
    pub(crate) fn span_at(&self, position: Position) -> Span {
        let byte = self.byte_at(position);
        match self.tokens.get(self.token_at(byte)) {
            Some(token) => Span::new(token.start, token.end),
            None => Span::new(byte, byte),
        }
    }

    /// The token at a place in a part of the text that begins at a byte.
    pub(crate) fn span_at_within(&self, position: Position, begin: u32) -> Span {
        let (Some(line), column) = (position.line(), position.position().unwrap_or(1)) else {
            return self.span_at(position);
        };
        let (first, before) = self.line_column(begin);
        let column = if line == 1 { column + before - 1 } else { column };
        let (Ok(line), Ok(column)) = (u16::try_from(line + first - 1), u16::try_from(column)) else {
            return self.span_at(Position::NONE);
        };
        self.span_at(Position::new(line, column))
    }

    /// From the token at `open_before` (a name before its bracket) to the bracket that closes it.
    pub(crate) fn call_end(&self, name: Span) -> u32 {
        let mut depth = 0u32;
        for token in self.tokens.get(self.token_at(name.start) + 1..).unwrap_or(&[]) {
            match self.token_text(token) {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return token.end;
            }
        }
        name.end
    }

    /// From the first to the last token of a statement.
    pub(crate) fn chunk_span(&self, chunk: Chunk) -> Span {
        let start = self.tokens.get(chunk.first).map_or(0, |token| token.start);
        let end = chunk.end.checked_sub(1).and_then(|last| self.tokens.get(last));
        Span::new(start, end.map_or(start, |token| token.end))
    }

    /// The statement that holds a byte; the last one before it when it lies between two.
    pub(crate) fn chunk_at(&self, byte: u32) -> Option<Chunk> {
        let index = self.chunks.partition_point(|chunk| self.chunk_span(*chunk).start <= byte);
        index.checked_sub(1).and_then(|index| self.chunks.get(index)).copied()
    }

    fn split(&self) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        let mut first = 0;
        let mut open: Vec<&str> = Vec::new();
        for index in 0..self.tokens.len() {
            if index > first && self.begins_statement(index) {
                chunks.push(Chunk { first, end: index, is_closed: false });
                first = index;
                open.clear();
            }
            let word = self.word(index);
            match word {
                "{" | "(" | "[" => {
                    // The head of a statement holds no block: what is still open was forgotten.
                    if word == "{" && !open.contains(&"{") {
                        open.clear();
                    }
                    open.push(word);
                }
                // A bracket that was forgotten ends with the block around it.
                "}" => {
                    if let Some(block) = open.iter().rposition(|bracket| *bracket == "{") {
                        open.truncate(block);
                    } else {
                        open.pop();
                    }
                }
                ")" | "]" => drop(open.pop_if(|bracket| *bracket != "{")),
                _ => {}
            }
            if open.is_empty() && matches!(word, "}" | ";") {
                chunks.push(Chunk { first, end: index + 1, is_closed: true });
                first = index + 1;
            }
        }
        if first < self.tokens.len() {
            chunks.push(Chunk { first, end: self.tokens.len(), is_closed: false });
        }
        chunks
    }

    /// Whether a token at the left edge can only be the start of a statement, whatever is still open before it.
    fn begins_statement(&self, index: usize) -> bool {
        let Some(token) = self.tokens.get(index) else { return false };
        let is_left = self.line_starts.first() == Some(&token.start)
            || self.text.as_bytes().get((token.start as usize).saturating_sub(1)) == Some(&b'\n');
        let next = self.tokens.get(index + 1).map(|token| token.kind);
        is_left
            && match self.token_text(token) {
                "rule" | "every" | "at" | "campaign" => next == Some(TokenKind::Text),
                "fn" => next == Some(TokenKind::Word),
                _ => false,
            }
    }
}

struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    open_comment: Option<Span>,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn run(mut self) -> (Vec<Token>, Option<Span>) {
        let mut tokens = Vec::new();
        while self.at < self.bytes.len() {
            let start = self.at;
            if let Some(kind) = self.step() {
                self.at = self.at.min(self.bytes.len());
                tokens.push(Token { start: start as u32, end: self.at as u32, kind });
            }
        }
        (tokens, self.open_comment)
    }

    /// Moves over one token, or over a space or a comment (`None`).
    fn step(&mut self) -> Option<TokenKind> {
        let byte = self.peek(0);
        match (byte, self.peek(1)) {
            (b'/', b'/') => {
                self.skip(|byte| byte != b'\n');
                return None;
            }
            (b'/', b'*') => {
                self.block_comment();
                return None;
            }
            _ => {}
        }
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {
                self.at += 1;
                return None;
            }
            b'"' | b'\'' => self.quoted(byte),
            b'`' => self.backtick(),
            b'#' if matches!(self.peek(1), b'"' | b'#') => self.raw_text(),
            _ if byte.is_ascii_digit() => {
                self.number();
                return Some(TokenKind::Number);
            }
            _ if is_word(byte) => {
                self.skip(is_word);
                return Some(TokenKind::Word);
            }
            _ => {
                self.symbol();
                return Some(TokenKind::Symbol);
            }
        }
        Some(TokenKind::Text)
    }

    fn skip(&mut self, while_true: impl Fn(u8) -> bool) {
        while self.at < self.bytes.len() && while_true(self.peek(0)) {
            self.at += 1;
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0u32;
        let start = self.at as u32;
        while self.at < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => (depth, self.at) = (depth + 1, self.at + 2),
                (b'*', b'/') => (depth, self.at) = (depth.saturating_sub(1), self.at + 2),
                _ => self.at += 1,
            }
            if depth == 0 {
                return;
            }
        }
        self.open_comment = Some(Span::new(start, start + 2));
    }

    /// A text in quotes ends with its line unless the line ends with `\`.
    fn quoted(&mut self, quote: u8) {
        self.at += 1;
        while self.at < self.bytes.len() {
            match self.peek(0) {
                b'\\' => self.at += 2,
                b'\n' => return,
                byte => {
                    self.at += 1;
                    if byte == quote {
                        return;
                    }
                }
            }
        }
    }

    /// A text in backticks spans lines and holds expressions in `${}`.
    fn backtick(&mut self) {
        self.at += 1;
        let mut open = 0u32;
        while self.at < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'`', _) if open == 0 => {
                    self.at += 1;
                    return;
                }
                (b'$', b'{') if open == 0 => (open, self.at) = (1, self.at + 2),
                (b'{', _) if open > 0 => (open, self.at) = (open + 1, self.at + 1),
                (b'}', _) if open > 0 => (open, self.at) = (open - 1, self.at + 1),
                (b'"', _) if open > 0 => self.quoted(b'"'),
                _ => self.at += 1,
            }
        }
    }

    /// `#"..."#` with as many hashes at the end as at the start.
    fn raw_text(&mut self) {
        let start = self.at;
        self.skip(|byte| byte == b'#');
        let hashes = self.at - start;
        if self.peek(0) != b'"' {
            return;
        }
        self.at += 1;
        while self.at < self.bytes.len() {
            let is_end = self.peek(0) == b'"' && (1..=hashes).all(|ahead| self.peek(ahead) == b'#');
            self.at += if is_end { 1 + hashes } else { 1 };
            if is_end {
                return;
            }
        }
    }

    fn number(&mut self) {
        self.skip(is_word);
        if self.peek(0) == b'.' && self.peek(1).is_ascii_digit() {
            self.at += 1;
            self.skip(is_word);
        }
        let is_exponent =
            self.bytes.get(self.at.wrapping_sub(1)).is_some_and(|byte| matches!(byte, b'e' | b'E'));
        if is_exponent && matches!(self.peek(0), b'+' | b'-') && self.peek(1).is_ascii_digit() {
            self.at += 1;
            self.skip(is_word);
        }
    }

    fn symbol(&mut self) {
        const LONG: [&[u8]; 14] = [
            b"&&", b"||", b"<=", b">=", b"==", b"!=", b"..", b"=>", b"+=", b"-=", b"*=", b"/=", b"**", b"??",
        ];
        let rest = self.bytes.get(self.at..).unwrap_or(&[]);
        self.at += if LONG.iter().any(|long| rest.starts_with(long)) { 2 } else { 1 };
        // A character of several bytes is one token.
        self.skip(|byte| byte & 0xC0 == 0x80);
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0xC0 || byte & 0xC0 == 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(text: &str) -> Vec<(String, bool)> {
        let scanned = Scanned::new(text);
        let chunk = |chunk: &Chunk| {
            let span = scanned.chunk_span(*chunk);
            (text[span.start as usize..span.end as usize].to_string(), chunk.is_closed)
        };
        scanned.chunks.iter().map(chunk).collect()
    }

    #[test]
    fn statements_end_with_their_brace_or_semicolon() {
        let text =
            "const A = 1; // x }\nrule \"a}\" when b > 1 { c(\"{\"); /* } */ }\nfn f(x) { `${ \"}\" }` }";
        let found = statements(text);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found.iter().all(|(_, closed)| *closed));
    }

    #[test]
    fn an_open_statement_does_not_swallow_the_next() {
        let found = statements("rule \"a\" when b { close(x);\nrule \"c\" when d { }\nrule \"e");
        let closed: Vec<bool> = found.iter().map(|(_, closed)| *closed).collect();
        assert_eq!(closed, [false, true, false]);
    }

    #[test]
    fn places_count_characters_and_become_bytes() {
        let scanned = Scanned::new("// é\n  ü battery");
        assert_eq!(scanned.byte_at(Position::new(2, 5)), 11);
        assert_eq!(scanned.span_at(Position::new(2, 5)), Span::new(11, 18));
        assert_eq!(scanned.line_column(11), (2, 5));
    }
}
