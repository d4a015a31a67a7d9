//! The words of a condition.

use ballast_model::diagnostic::Span;
use ballast_model::expr::{NO_NUMBER_HELP, is_no_number};
use ballast_model::quantity::{QuantityError, UNITS, Unit, split_number};
use ballast_model::{Dimension, Finite};

use super::Problem;
use crate::codes;
use crate::diagnostics::{quote, suggest};
use crate::sources::saturate;

/// One word with its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) span: Span,
    pub(super) kind: TokenKind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    /// A number without a unit.
    Number(f64),
    /// A number with its unit as it is written, or a time of day.
    Quantity(String),
    /// A text in quotes.
    Text(String),
    /// A name, dots included, that is no keyword.
    Name(String),
    /// A keyword or sign.
    Sign(Sign),
    /// The end of the text.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    And,
    Or,
    Not,
    Bang,
    For,
    True,
    False,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    Plus,
    Minus,
    Times,
    Over,
    Open,
    Close,
    Comma,
}

/// Longer signs stand before their beginnings.
const SIGNS: &[(&str, Sign)] = &[
    ("&&", Sign::And),
    ("||", Sign::Or),
    ("<=", Sign::LessOrEqual),
    (">=", Sign::GreaterOrEqual),
    ("==", Sign::Equal),
    ("!=", Sign::NotEqual),
    ("≤", Sign::LessOrEqual),
    ("≥", Sign::GreaterOrEqual),
    ("≠", Sign::NotEqual),
    ("!", Sign::Bang),
    ("<", Sign::Less),
    (">", Sign::Greater),
    ("+", Sign::Plus),
    ("-", Sign::Minus),
    ("\u{2212}", Sign::Minus),
    ("*", Sign::Times),
    ("/", Sign::Over),
    ("(", Sign::Open),
    (")", Sign::Close),
    (",", Sign::Comma),
];

const KEYWORDS: &[(&str, Sign)] = &[
    ("and", Sign::And),
    ("or", Sign::Or),
    ("not", Sign::Not),
    ("for", Sign::For),
    ("true", Sign::True),
    ("false", Sign::False),
];

/// What people write for something that exists under another sign.
const MISTAKEN: &[(&str, &str)] = &[
    ("=>", "write `>=`"),
    ("=<", "write `<=`"),
    ("=", "write `==` to compare"),
    ("&", "write `and`"),
    ("|", "write `or`"),
    ("^", "there is no power operator"),
];

/// All words of a text, an end mark last.
pub(super) fn lex(text: &str) -> Result<Vec<Token>, Problem> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or("");
        let content = rest.trim_start();
        at += rest.len() - content.len();
        if content.is_empty() {
            tokens.push(Token { span: span(at, 0), kind: TokenKind::End });
            return Ok(tokens);
        }
        let (kind, length) = next(content).map_err(|mut problem| {
            problem.span = problem.span.shift(saturate(at));
            problem
        })?;
        tokens.push(Token { span: span(at, length), kind });
        at += length;
    }
}

/// The word at the start of a text that does not start with a blank, and its length.
fn next(text: &str) -> Result<(TokenKind, usize), Problem> {
    let first = text.chars().next().unwrap_or(' ');
    if first.is_ascii_digit() || (first == '.' && text.chars().nth(1).is_some_and(|c| c.is_ascii_digit())) {
        return number(text);
    }
    if first == '"' || first == '\'' {
        return quoted(text, first);
    }
    let length = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).unwrap_or(text.len());
    let word = text.get(..length).unwrap_or("");
    if is_no_number(word) {
        return Err(Problem {
            code: codes::EXPR_NOT_FINITE,
            span: span(0, length),
            message: format!("{} is no number that can be measured", quote(word)),
            help: Some(NO_NUMBER_HELP.to_owned()),
        });
    }
    if first.is_alphabetic() || first == '_' {
        return Ok(name(text));
    }
    if let Some((sign, kind)) = SIGNS.iter().find(|(sign, _)| text.starts_with(sign)) {
        return Ok((TokenKind::Sign(*kind), sign.len()));
    }
    let known = "a condition is made of names, numbers with their unit, `<`, `>`, `==`, `and`, `or`, `not`, `+ - * /`";
    let help = MISTAKEN.iter().find(|(sign, _)| text.starts_with(sign)).map_or(known, |(_, help)| help);
    Err(Problem {
        code: codes::EXPR_SYNTAX,
        span: span(0, first.len_utf8()),
        message: format!("{} has no meaning in a condition", quote(&first.to_string())),
        help: Some(help.to_owned()),
    })
}

fn name(text: &str) -> (TokenKind, usize) {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).unwrap_or(text.len());
    let word = text.get(..end).unwrap_or("").trim_end_matches('.');
    match KEYWORDS.iter().find(|(keyword, _)| *keyword == word) {
        Some((_, sign)) => (TokenKind::Sign(*sign), word.len()),
        None => (TokenKind::Name(word.to_owned()), word.len()),
    }
}

fn quoted(text: &str, quote_sign: char) -> Result<(TokenKind, usize), Problem> {
    let inner = text.get(1..).unwrap_or("");
    let Some(length) = inner.find(quote_sign) else {
        return Err(Problem {
            code: codes::EXPR_SYNTAX,
            span: span(0, 1),
            message: "the quote that opens here is not closed".to_owned(),
            help: Some(format!("add {quote_sign} where the word ends")),
        });
    };
    Ok((TokenKind::Text(inner.get(..length).unwrap_or("").to_owned()), length + 2))
}

/// A number, with its unit when one follows; several terms make one length of time, `1 h 30 min`.
fn number(text: &str) -> Result<(TokenKind, usize), Problem> {
    if let Some(length) = time_of_day(text) {
        return Ok((TokenKind::Quantity(text.get(..length).unwrap_or("").to_owned()), length));
    }
    let (value, mut end) = split_number(text).map_err(|error| {
        let problem = number_problem(text, &error);
        let help = problem.help.or_else(|| Some("write digits and the unit, as in `5 kW`".to_owned()));
        Problem { help, ..problem }
    })?;
    let Some((unit, length)) = unit(text, end)? else { return Ok((TokenKind::Number(value), end)) };
    end += length;
    if unit.dimension() == Dimension::Duration {
        while let Some(length) = further_time(text.get(end..).unwrap_or("")) {
            end += length;
        }
    }
    Ok((TokenKind::Quantity(text.get(..end).unwrap_or("").to_owned()), end))
}

/// The unit behind a number that ends at `end`, with the length of blanks and unit.
fn unit(text: &str, end: usize) -> Result<Option<(Unit, usize)>, Problem> {
    let rest = text.get(end..).unwrap_or("");
    let content = rest.trim_start();
    let blanks = rest.len() - content.len();
    let run = content.find(|c: char| !is_unit_part(c)).unwrap_or(content.len());
    let run = content.get(..run).unwrap_or("");
    let written = if run.is_empty() { run } else { with_powers(content) };
    let is_keyword = |word: &str| KEYWORDS.iter().any(|(keyword, _)| *keyword == word);
    let letters = run.split('/').next().unwrap_or(run);
    if run.is_empty() || is_keyword(letters) || run.starts_with('/') {
        return Ok(None);
    }
    // `W/s` before `W`: the longest known spelling counts, and what follows must not be a part of the same word.
    for candidate in [written, run, letters] {
        // Only times may be followed at once by a digit, as in `1h30min`: `m3x` is no `m`.
        let is_cut =
            candidate.len() < written.len() && written.as_bytes().get(candidate.len()).is_some_and(is_power);
        if let Some(unit) = Unit::parse(candidate)
            && (!is_cut || unit.dimension() == Dimension::Duration)
        {
            return Ok(Some((unit, blanks + candidate.len())));
        }
    }
    let start = end + blanks;
    Err(Problem {
        code: codes::UNIT_UNKNOWN,
        span: span(start, written.len()),
        message: format!("{} is not a unit that is known here", quote(written)),
        help: suggest_unit(written).or_else(|| {
            Some("known units are V, A, W, kW, VA, Wh, kWh, Hz, °C, K, %, s, min, h and others; see the manual".to_owned())
        }),
    })
}

/// A unit with powers that are written as digits: `m3/h`, `W/m^2`.
fn with_powers(content: &str) -> &str {
    let is_part = |c: char| is_unit_part(c) || c == '^' || c.is_ascii_digit();
    let end = content.find(|c: char| !is_part(c)).unwrap_or(content.len());
    content.get(..end).unwrap_or("")
}

fn is_power(byte: &u8) -> bool {
    byte.is_ascii_digit() || *byte == b'^'
}

fn is_unit_part(c: char) -> bool {
    c.is_alphabetic() || matches!(c, '%' | '°' | '€' | '/' | '²' | '³' | '\u{2126}' | '℃')
}

/// The length of ` 30 min` after another length of time.
fn further_time(rest: &str) -> Option<usize> {
    let content = rest.trim_start();
    let blanks = rest.len() - content.len();
    if !content.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (_, end) = split_number(content).ok()?;
    let (unit, length) = unit(content, end).ok()??;
    (unit.dimension() == Dimension::Duration).then_some(blanks + end + length)
}

/// The length of `06:00` or `22:30:15`.
fn time_of_day(text: &str) -> Option<usize> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == ':')).unwrap_or(text.len());
    let word = text.get(..end)?;
    let parts: Vec<&str> = word.split(':').collect();
    let is_time = (2..=3).contains(&parts.len()) && parts.iter().all(|part| (1..=2).contains(&part.len()));
    is_time.then_some(end)
}

/// What a mistake in a number is called; `text` starts with the number.
pub(crate) fn number_problem(text: &str, error: &QuantityError) -> Problem {
    let word_end = text.find(char::is_whitespace).unwrap_or(text.len());
    let word = text.get(..word_end).unwrap_or("");
    let whole = span(0, word_end.max(1).min(text.len()));
    match error {
        QuantityError::DecimalComma => Problem {
            code: codes::NUMBER_COMMA,
            span: whole,
            message: format!("{} has a decimal comma", quote(word)),
            help: Some(format!("write {}", quote(&word.replacen(',', ".", 1)))),
        },
        QuantityError::NotFinite => Problem {
            code: codes::NUMBER_NOT_FINITE,
            span: whole,
            message: format!("{} is not a finite number", quote(word)),
            help: Some("write the number that is meant; to have no bound, leave the key out".to_owned()),
        },
        QuantityError::NoNumber | QuantityError::NoUnit | QuantityError::UnknownUnit { .. } => Problem {
            code: codes::NUMBER_EXPECTED,
            span: whole,
            message: format!("{} is not a number", quote(word)),
            help: None,
        },
    }
}

/// Units as people say them, and the symbol to write.
const SPOKEN: [(&str, &str); 20] = [
    ("celsiu", "°C"),
    ("centigrade", "°C"),
    ("degre", "°C"),
    ("degree", "°C"),
    ("watt", "W"),
    ("kilowatt", "kW"),
    ("volt", "V"),
    ("ampere", "A"),
    ("ampère", "A"),
    ("amp", "A"),
    ("hertz", "Hz"),
    ("second", "s"),
    ("minute", "min"),
    ("hour", "h"),
    ("kelvin", "K"),
    ("litre", "L"),
    ("liter", "L"),
    ("pascal", "Pa"),
    ("joule", "J"),
    ("metre", "m"),
];

/// "did you mean `kW`?": the same letters in another case first, then a slip of the finger.
pub(crate) fn suggest_unit(word: &str) -> Option<String> {
    let lower = word.to_lowercase();
    let spoken = lower.strip_suffix('s').unwrap_or(&lower);
    if let Some((_, symbol)) = SPOKEN.iter().find(|(name, _)| *name == spoken) {
        return Some(format!("write `{symbol}`"));
    }
    let spellings = || UNITS.iter().flat_map(|row| core::iter::once(&row.symbol).chain(row.aliases)).copied();
    if let Some(meant) = spellings().find(|spelling| spelling.to_lowercase() == word.to_lowercase()) {
        return Some(format!("did you mean `{meant}`?"));
    }
    // Very short words are like every short unit: a guess would only mislead.
    if word.chars().count() < 3 {
        return None;
    }
    suggest(word, spellings().filter(|spelling| spelling.len() > 1), "")
}

/// The value of a number token; texts of numbers never hold anything but a finite one.
pub(super) fn finite(value: f64) -> f64 {
    Finite::saturating(value).get()
}

fn span(start: usize, length: usize) -> Span {
    Span::new(saturate(start), saturate(start + length))
}
