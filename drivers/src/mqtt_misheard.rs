//! Payloads that are no values: what was said and what was expected, told once and not for every message.
//!
//! A topic that goes on saying the same kind of thing is not told again; one that was well for a while, or that says another
//! kind of thing, is. Holds a few bytes for each reader of a topic, whatever comes.

use crate::pointer::Found;
use ballast_model::{Mono, Span};

/// After so long without anything wrong the next one is told anew (a guess, as for readings that are not believed).
const WELL_AFTER: Span = Span::from_secs(10);
/// Letters of a payload that are shown.
const SHOWN_MAX: usize = 60;

/// What a reader of a topic has said of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Complaints {
    /// A bit for each kind that was told.
    told: u8,
    last: Option<Mono>,
    was_well: bool,
}

impl Complaints {
    /// It was understood.
    pub(crate) fn well(&mut self) {
        self.was_well = true;
    }

    /// It was not; says whether that is to be told.
    pub(crate) fn is_news(&mut self, payload: &[u8], now: Mono) -> bool {
        let is_over = self.last.is_none_or(|last| now.since(last) >= WELL_AFTER);
        if std::mem::take(&mut self.was_well) && is_over {
            self.told = 0;
        }
        self.last = Some(now);
        let bit = 1_u8 << (kind(payload) as u8);
        let is_news = self.told & bit == 0;
        self.told |= bit;
        is_news
    }
}

/// Kinds of payloads that are no values, as far as they are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Empty,
    Comma,
    Document,
    Page,
    Words,
    Bytes,
    Number,
}

fn kind(payload: &[u8]) -> Kind {
    let text = payload.trim_ascii();
    match text.first() {
        None => Kind::Empty,
        Some(b'<') => Kind::Page,
        Some(b'{' | b'[') => Kind::Document,
        Some(_) if is_decimal_comma(text) => Kind::Comma,
        Some(b'0'..=b'9' | b'-' | b'+' | b'.') => Kind::Number,
        Some(_) if std::str::from_utf8(text).is_ok() => Kind::Words,
        Some(_) => Kind::Bytes,
    }
}

/// Whether it would be a number if its comma were a point.
fn is_decimal_comma(text: &[u8]) -> bool {
    let with_point: Vec<u8> = text.iter().map(|byte| if *byte == b',' { b'.' } else { *byte }).collect();
    text.contains(&b',') && text.len() < 32 && crate::point::parse_number(&with_point).is_some()
}

/// What a reader of a topic expects.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expected<'a> {
    /// A number.
    Number,
    /// One of some words.
    OneOf(&'a [&'a str]),
    /// A document in which something stands.
    Document,
}

/// What stands in the place of a value: the text at the pointer, where there is one, else the whole payload.
pub(crate) fn said<'a>(payload: &'a [u8], found: Option<&'a Found<'_>>) -> &'a [u8] {
    if let Some(Found::Text(text)) = found { text.as_bytes() } else { payload }
}

/// What is told: the topic, what was said and what is expected.
pub(crate) fn text(topic: &[u8], said: &[u8], pointer: Option<&str>, expected: Expected<'_>) -> String {
    let at = pointer.map_or_else(String::new, |pointer| format!(" at {pointer}"));
    let expected = match expected {
        Expected::Document => format!("a JSON document with {} is expected", pointer.unwrap_or("/")),
        Expected::Number if is_decimal_comma(said.trim_ascii()) => {
            format!("a number with a decimal point is expected{at}")
        }
        Expected::Number => format!("a number is expected{at}"),
        Expected::OneOf(words) => format!("one of {} is expected{at}", words.join(", ")),
    };
    format!("{} says {}; {expected}", printable(topic), quoted(said))
}

fn quoted(said: &[u8]) -> String {
    let said = said.trim_ascii();
    if said.is_empty() { "nothing".to_owned() } else { format!("`{}`", printable(said)) }
}

/// Shortened, in one line, and without letters that write over others.
fn printable(bytes: &[u8]) -> String {
    // What is cut away is not decoded: a letter has four bytes at most.
    let text = String::from_utf8_lossy(bytes.get(..4 * SHOWN_MAX).unwrap_or(bytes));
    let is_tricky = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '`')
    };
    let mut shown: String =
        text.chars().take(SHOWN_MAX).map(|c| if is_tricky(c) { ' ' } else { c }).collect();
    if text.chars().count() > SHOWN_MAX || bytes.len() > 4 * SHOWN_MAX {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Mono {
        Mono::from_millis(secs * 1000)
    }

    #[test]
    fn the_same_kind_is_told_once_and_again_after_it_was_well() {
        let mut complaints = Complaints::default();
        let mut news = |payload: &str, secs| complaints.is_news(payload.as_bytes(), at(secs));
        assert!(news("12,5", 0));
        assert!(!news("12,6", 1), "the same kind");
        assert!(news("unavailable", 2), "another one");
        assert!(!news("12,5", 3), "told a moment ago");
        assert!(!news("unavailable", 3000), "never well in between");
        complaints.well();
        assert!(!complaints.is_news(b"unavailable", at(3005)), "well for a moment only");
        complaints.well();
        assert!(complaints.is_news(b"unavailable", at(3015)));
    }

    #[test]
    fn what_was_said_stands_with_what_was_expected() {
        let number = |payload: &str| text(b"m/power", payload.as_bytes(), None, Expected::Number);
        assert_eq!(number(" 12,5\n"), "m/power says `12,5`; a number with a decimal point is expected");
        assert_eq!(number("nan"), "m/power says `nan`; a number is expected");
        assert_eq!(number(""), "m/power says nothing; a number is expected");
        let page = format!("<html>\r\n\u{1b}[2J{}", "x".repeat(500));
        let shown = number(&page);
        assert!(
            shown.starts_with("m/power says `<html>   [2Jxxx") && shown.contains("xx…`; a number"),
            "{shown}"
        );
        assert!(shown.chars().count() < 120 && !shown.contains('\u{1b}'));
        let broken = text(b"m", b"{\"a\":", Some("/a"), Expected::Document);
        assert_eq!(broken, "m says `{\"a\":`; a JSON document with /a is expected");
        let found = Found::Text("unavailable".into());
        let inside = text(b"m", said(b"{\"a\":\"unavailable\"}", Some(&found)), Some("/a"), Expected::Number);
        assert_eq!(inside, "m says `unavailable`; a number is expected at /a");
        let word = text(b"m", &[0xff, 0x00], None, Expected::OneOf(&["ON", "OFF"]));
        assert_eq!(word, "m says `\u{fffd} `; one of ON, OFF is expected");
    }
}
