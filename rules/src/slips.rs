//! What a tired hand writes, and what was meant.
//!
//! The parser knows only that something else should stand at a place. Here the tokens around it are compared with slips
//! that people make: a unit without quotes, `=` for `==`, a decimal comma, quotes of a word processor.

use crate::pieces::ENDS_HEAD;
use crate::report::problem;
use crate::sandbox::REQUESTS;
use crate::scan::{Chunk, Scanned, TokenKind};
use ballast_model::diagnostic::Span;
use ballast_model::expr::{NO_NUMBER_HELP, Problem, is_no_number};

/// Quotation marks of word processors.
const CURVED: [&str; 8] = ["“", "”", "„", "‟", "‘", "’", "«", "»"];
/// Words of other languages for signs of this one.
const SPOKEN: [(&str, &str); 11] = [
    ("and", "&&"),
    ("or", "||"),
    ("not", "!"),
    ("is", "=="),
    ("equals", "=="),
    ("et", "&&"),
    ("ou", "||"),
    ("non", "!"),
    ("und", "&&"),
    ("oder", "||"),
    ("nicht", "!"),
];
/// Why a rule has no word for waiting.
pub(crate) const NO_WAITING: &str =
    "a rule does not wait: write `when ... for \"5s\"`, or ask for a time, as in `close(x, \"10min\")`";

/// The slip at a token at which the parser stumbled, if it is one that is known.
pub(crate) fn at(scanned: &Scanned<'_>, index: usize) -> Option<Problem> {
    let word = scanned.word(index);
    let before = |back: usize| index.checked_sub(back).map_or("", |index| scanned.word(index));
    let here = span(scanned, index);
    let kind = scanned.tokens.get(index).map(|token| token.kind);
    if let Some(mark) = CURVED.iter().find(|mark| word.starts_with(**mark)) {
        let help = "write the straight one, `\"`; a word processor curves them";
        let first = Span::new(here.start, here.start + mark.len() as u32);
        return Some(said(first, format!("{mark} is no quotation mark here"), help));
    }
    if kind == Some(TokenKind::Text) && word.starts_with('\'') {
        let help = format!("write \"{}\"", word.trim_matches('\''));
        return Some(said(here, "a text stands in double quotes", help));
    }
    if let Some(found) = spoken_sign(scanned, index).or_else(|| other_word(scanned, index)) {
        return Some(found);
    }
    match word {
        "=" if scanned.word(index + 1) == "<" => return Some(said(here, NO_EQUALS, "write `<=`")),
        "=" => return Some(said(here, NO_EQUALS, "write `==` to compare")),
        "=>" => return Some(said(here, NO_EQUALS, "write `>=`")),
        "==" if matches!(before(2), "let" | "const") => {
            return Some(said(here, "`==` compares, and gives nothing a value", "write `=`"));
        }
        ">" if before(1) == "<" => {
            let whole = span(scanned, index - 1).join(here);
            return Some(said(whole, "`<>` compares nothing", "write `!=` for two that differ"));
        }
        "else" => {
            let help = "write `if x > 3 { ... } else { ... }`, the `else` directly behind the `}`";
            return Some(said(here, "this `else` has no `if` before it", help));
        }
        "then" => {
            let help = "leave it out: what is done stands in braces, `if x > 3 { ... }`";
            return Some(said(here, "`then` is no word of the language", help));
        }
        "+" | "-" if before(1) == word || scanned.word(index + 1) == word => {
            let help = format!("write `x {word}= 1`");
            return Some(said(here, format!("`{word}{word}` is not part of the language"), help));
        }
        "." if is_no_number(scanned.word(index + 1)) => {
            let whole = here.join(span(scanned, index + 1));
            let message = format!("`.{}` is no number that can be measured", scanned.word(index + 1));
            return Some(problem(whole, "expr::not_finite", message, NO_NUMBER_HELP));
        }
        "." if is_number(scanned, Some(index + 1)) => {
            let whole = here.join(span(scanned, index + 1));
            let help = format!("write `0.{}`", scanned.word(index + 1));
            return Some(said(whole, "a number begins with a digit", help));
        }
        "#" => return Some(said(here, "a comment does not start with `#`", "write `//` before it")),
        "if" if before(2) == "rule" => return Some(said(here, "a rule has no `if`", "write `when`")),
        _ if before(1) == "priority" => {
            let help = "a whole number from 0 to 99; the higher one wins";
            return Some(said(here, format!("`{word}` is no priority"), help));
        }
        "," | ":" if is_number(scanned, index.checked_sub(1)) && is_number(scanned, Some(index + 1)) => {
            let whole = span(scanned, index - 1).join(span(scanned, index + 1));
            let (left, right) = (before(1), scanned.word(index + 1));
            if word == ":" {
                let message = "a time of day stands in quotes";
                return Some(said(whole, message, format!("write \"{left}:{right}\"")));
            }
            let message = format!("`{left},{right}` has a decimal comma");
            return Some(said(whole, message, format!("write `{left}.{right}`")));
        }
        _ => {}
    }
    bare_quantity(scanned, index).or_else(|| without_brackets(scanned, index))
}

/// `close lamp;`
fn without_brackets(scanned: &Scanned<'_>, index: usize) -> Option<Problem> {
    let request = scanned.word(index.checked_sub(1)?);
    let is_word = scanned.tokens.get(index)?.kind == TokenKind::Word;
    let (_, usage) = REQUESTS.iter().find(|(known, _)| *known == request).filter(|_| is_word)?;
    let message = format!("what `{request}` is for stands in brackets");
    Some(said(span(scanned, index - 1), message, format!("write `{usage}`")))
}

const NO_EQUALS: &str = "`=` compares nothing";

fn said(span: Span, message: impl Into<String>, help: impl Into<String>) -> Problem {
    problem(span, "rules::syntax", message, help)
}

fn span(scanned: &Scanned<'_>, index: usize) -> Span {
    scanned.tokens.get(index).map_or(Span::new(0, 0), |token| Span::new(token.start, token.end))
}

fn is_number(scanned: &Scanned<'_>, index: Option<usize>) -> bool {
    let token = index.and_then(|index| scanned.tokens.get(index));
    token.is_some_and(|token| token.kind == TokenKind::Number)
}

/// `and`, `or` where a sign should stand; `not` was taken for a name, and the next word is too much.
fn spoken_sign(scanned: &Scanned<'_>, index: usize) -> Option<Problem> {
    for index in [Some(index), index.checked_sub(1)].into_iter().flatten() {
        let lower = scanned.word(index).to_lowercase();
        if let Some((word, sign)) = SPOKEN.iter().find(|(word, _)| *word == lower) {
            let message = format!("in a rule `{word}` is written `{sign}`");
            let help = match *word {
                "and" | "or" | "not" => "safety.yaml has the words, rules have the signs".to_string(),
                _ => format!("write `{sign}`"),
            };
            return Some(said(span(scanned, index), message, help));
        }
    }
    None
}

/// `when { ... }`: the parser would take the braces for the condition.
pub(crate) fn empty_clause(scanned: &Scanned<'_>, chunk: Chunk) -> Option<Problem> {
    let brace = (chunk.first..chunk.end).find(|index| scanned.word(*index) == "{")?;
    let clause = brace.checked_sub(1).filter(|before| *before > chunk.first)?;
    let word = scanned.word(clause);
    if !matches!(word, "when" | "until" | "only") {
        return None;
    }
    let message = format!("the condition of `{word}` is missing");
    Some(said(span(scanned, clause), message, "write what must be true, as in `battery.soc < \"25 %\"`"))
}

/// A sign directly before the `{` of a body, which the parser would take for a value: `if x > { ... }`, `until x > 60% {`.
pub(crate) fn before_block(scanned: &Scanned<'_>, chunk: Chunk) -> impl Iterator<Item = Problem> {
    const SIGNS: [&str; 13] = ["+", "-", "*", "/", "%", "<", ">", "<=", ">=", "==", "!=", "&&", "||"];
    let braces = (chunk.first + 1..chunk.end).filter(|index| scanned.word(*index) == "{");
    braces.filter(|brace| SIGNS.contains(&scanned.word(brace - 1))).map(|brace| {
        bare_quantity(scanned, brace - 1).filter(|_| scanned.word(brace - 1) == "%").unwrap_or_else(|| {
            let message = "a value or a condition is missing before `{`";
            said(span(scanned, brace - 1), message, "write it, or remove what waits for it")
        })
    })
}

/// A word of another language, or one in capitals, where this one has its own; it was taken for a name, and the next
/// word is too much.
fn other_word(scanned: &Scanned<'_>, index: usize) -> Option<Problem> {
    const OWN: [&str; 8] = ["if", "else", "for", "while", "let", "switch", "loop", "return"];
    for index in [index, index.checked_sub(1)?] {
        let word = scanned.word(index);
        let lower = word.to_lowercase();
        let own = match lower.as_str() {
            "elsif" | "elif" | "elseif" => "else if",
            "foreach" => "for",
            "var" | "int" | "float" | "double" | "auto" => "let",
            "case" | "match" | "select" => "switch",
            "function" | "def" | "func" | "fun" => "fn",
            same if same != word && OWN.contains(&same) => same,
            _ => continue,
        };
        let help = match own {
            "for" => "write `for x in 1..=3 { ... }`",
            "let" => "write `let x = 0;`",
            "fn" => "write `fn name(x) { ... }` at the left edge of the file, outside of all brackets",
            "switch" => "write `switch x { 1 => ..., _ => ... }`",
            _ => {
                "words are written in small letters, and conditions without brackets: `if x > 3 { ... } else { ... }`"
            }
        };
        return Some(said(span(scanned, index), format!("in a rule `{word}` is written `{own}`"), help));
    }
    None
}

/// `50 Hz`, `50Hz`, `50 %` without quotes, here or a few tokens back.
fn bare_quantity(scanned: &Scanned<'_>, index: usize) -> Option<Problem> {
    let earliest = index.saturating_sub(3);
    let number = (earliest..=index).rev().find(|index| is_number(scanned, Some(*index)))?;
    let digits = scanned.word(number);
    let own_unit = digits.find(|letter: char| letter.is_alphabetic() || letter == '°');
    let (end, unit) = match own_unit {
        Some(_) => (number, ""),
        None => (number + 1, scanned.word(number + 1)),
    };
    let (digits, unit) = own_unit.and_then(|at| digits.split_at_checked(at)).unwrap_or((digits, unit));
    let text = format!("{digits} {unit}");
    ballast_model::quantity::parse_quantity(&text).ok().filter(|_| !unit.is_empty())?;
    let whole = span(scanned, number).join(span(scanned, end));
    Some(said(whole, "a number with a unit stands in quotes", format!("write \"{text}\"")))
}

/// What to write where a text in quotes is missing before a token.
pub(crate) fn missing_text(scanned: &Scanned<'_>, index: usize) -> String {
    let keyword = index.checked_sub(1).map_or("", |index| scanned.word(index));
    let upto = |ends: &[&str]| {
        let end = (index..scanned.tokens.len()).find(|index| ends.contains(&scanned.word(*index)));
        let last = end.and_then(|end| scanned.tokens.get(end.checked_sub(1)?))?;
        let first = scanned.tokens.get(index)?;
        let text = scanned.text.get(first.start as usize..last.end as usize)?;
        (!text.contains('\n') && !text.contains('"')).then(|| text.trim().to_string())
    };
    let found = match keyword {
        "rule" => upto(&["when", "each", "priority"]),
        "campaign" => upto(&["only", "{"]),
        "at" | "every" => upto(&["{"]),
        _ => Some(scanned.word(index).to_string()),
    };
    match found {
        Some(text) if matches!(keyword, "rule" | "campaign" | "at") => format!("write {keyword} \"{text}\""),
        Some(text) if ballast_model::quantity::parse_span(&text).is_some() => {
            format!("write {keyword} \"{text}\"")
        }
        Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("write it with its unit, in quotes: {keyword} \"{text}s\" or \"{text}min\"")
        }
        _ => "names and times are quoted: \"2min\"".to_string(),
    }
}

/// Something that does not fit together in a statement.
pub(crate) struct Unbalanced {
    pub(crate) problem: Problem,
    /// A bracket that closes nothing: without it the rest can be read.
    pub(crate) is_stray: bool,
}

/// Quotes and brackets of a statement that are open, and brackets that close nothing; blocks are looked at elsewhere.
pub(crate) fn unbalanced(scanned: &Scanned<'_>, chunk: Chunk) -> Vec<Unbalanced> {
    let mut found = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let is_block = |index: &usize| scanned.word(*index) == "{";
    let unclosed = |index| Unbalanced { problem: not_closed(scanned, index), is_stray: false };
    for index in chunk.first..chunk.end {
        let word = scanned.word(index);
        let is_cut = word.starts_with('"') && (word.len() == 1 || !word.ends_with('"'));
        if is_cut && scanned.tokens.get(index).is_some_and(|token| token.kind == TokenKind::Text) {
            let start = span(scanned, index).start;
            let help = "a text ends on the line on which it starts";
            let problem = incomplete(Span::new(start, start + 1), "this text has no closing quote", help);
            found.push(Unbalanced { problem, is_stray: false });
            // What closes them may stand in the text.
            open.retain(is_block);
            continue;
        }
        if ENDS_HEAD.contains(&word) && !open.iter().any(is_block) {
            found.extend(open.drain(..).map(unclosed));
        }
        if matches!(word, ";" | "}") {
            while let Some(top) = open.pop_if(|top| !is_block(top)) {
                found.push(unclosed(top));
            }
        }
        match (word, open.last().map(|top| scanned.word(*top))) {
            ("{" | "(" | "[", _) => open.push(index),
            ("}", Some("{")) | (")", Some("(")) | ("]", Some("[")) => drop(open.pop()),
            (")" | "]", Some("(" | "[")) => found.extend(open.pop().map(unclosed)),
            (")" | "]", _) => {
                let message = format!("this `{word}` closes nothing");
                let problem = said(span(scanned, index), message, "remove it, or open it where it begins");
                found.push(Unbalanced { problem, is_stray: true });
            }
            _ => {}
        }
    }
    found.extend(open.into_iter().filter(|index| !is_block(index)).map(unclosed));
    found
}

fn not_closed(scanned: &Scanned<'_>, open: usize) -> Problem {
    let (sign, close) = match scanned.word(open) {
        "(" => ("(", ")"),
        "[" => ("[", "]"),
        _ => ("{", "}"),
    };
    incomplete(
        span(scanned, open),
        format!("this `{sign}` is not closed"),
        format!("write `{close}` where it ends"),
    )
}

fn incomplete(span: Span, message: impl Into<String>, help: impl Into<String>) -> Problem {
    problem(span, "rules::incomplete", message, help)
}

/// How many blocks of a statement are still open at its end.
pub(crate) fn open_blocks(scanned: &Scanned<'_>, chunk: Chunk) -> usize {
    (chunk.first..chunk.end).fold(0, |open, index| match scanned.word(index) {
        "{" => open + 1,
        "}" => open.saturating_sub(1),
        _ => open,
    })
}

/// Whether a statement plainly ends before a token: at the end of a line, or where the next begins.
pub(crate) fn ends_before(scanned: &Scanned<'_>, index: usize) -> bool {
    const BEGINS: [&str; 7] = ["let", "const", "if", "for", "while", "switch", "return"];
    let Some(last) = index.checked_sub(1) else { return false };
    let gap = span(scanned, last).end as usize..span(scanned, index).start as usize;
    let is_end_of_line = scanned.text.get(gap).is_some_and(|gap| gap.contains('\n'));
    let begins = scanned.word(index + 1) == "(" || BEGINS.contains(&scanned.word(index));
    is_end_of_line || (scanned.word(last) == ")" && begins)
}

/// Whether a statement that needs a body has none: its `{` is missing.
pub(crate) fn has_no_body(scanned: &Scanned<'_>, chunk: Chunk) -> bool {
    !matches!(scanned.word(chunk.first), "const")
        && !(chunk.first..chunk.end).any(|index| scanned.word(index) == "{")
}
