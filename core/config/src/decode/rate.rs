//! "So many in such a time": `6 per hour`, `3 loads per 10 s`, `6 per hour, 30 per day`.

use ballast_model::Span as Duration;
use ballast_model::quantity::parse_span;

use super::scalar::place_of;
use super::{items, scalar};
use crate::codes;
use crate::diagnostics::{Diagnostics, Placed, quote};
use crate::tree::{Kind, Node};

/// A number of things in a length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many, at least one.
    pub count: u32,
    /// In how long, longer than zero.
    pub per: Duration,
}

/// One rate.
pub fn rate(node: &Node, out: &mut Diagnostics) -> Option<Placed<Rate>> {
    let found = scalar(node, "a rate such as `6 per hour`", out)?;
    let text = found.value.text.as_str();
    let value = part(node, text, text, out)?;
    Some(Placed { value, place: found.place })
}

/// Several rates, separated by commas or in a list.
pub fn rates(node: &Node, out: &mut Diagnostics) -> Option<Vec<Placed<Rate>>> {
    if let Kind::List(_) = node.kind {
        return Some(items(node, "", out)?.iter().filter_map(|item| rate(item, out)).collect());
    }
    let found = scalar(node, "a rate such as `6 per hour`", out)?;
    let text = found.value.text.as_str();
    let mut rates = Vec::new();
    for piece in text.split(',') {
        if let Some(value) = part(node, text, piece, out) {
            rates.push(Placed { value, place: place_of(node, text, piece.trim()) });
        }
    }
    Some(rates)
}

fn part(node: &Node, text: &str, piece: &str, out: &mut Diagnostics) -> Option<Rate> {
    let piece = piece.trim();
    let rate = read(piece);
    if rate.is_some_and(|rate| rate.count == 0) {
        let message = format!("{} allows nothing at all", quote(piece));
        let help = "write at least 1, as in `1 per hour`, or leave the key out for no bound; an output that must never \
                    move is asked for by no rule";
        out.push(place_of(node, text, piece).mistake(codes::VALUE_RATE, message).help(help));
        return None;
    }
    if rate.is_none() {
        let message = format!("{} is not a rate", quote(piece));
        let help = "write how many, then in how long: `6 per hour` or `3 loads per 10 s`";
        out.push(place_of(node, text, piece).mistake(codes::VALUE_RATE, message).help(help));
    }
    rate
}

/// Whether a text reads like a rate.
pub fn is_rate(text: &str) -> bool {
    read(text.trim()).is_some()
}

/// A rate; its count may still be zero.
fn read(piece: &str) -> Option<Rate> {
    let (count, per) = piece.split_once(" per ")?;
    // A word may follow the number, for people: `3 loads`.
    let mut words = count.split_whitespace();
    let count: u32 = words.next()?.parse().ok()?;
    let is_word =
        words.next().is_none_or(|word| word.chars().all(char::is_alphabetic)) && words.next().is_none();
    let per = per.trim();
    let per = parse_span(per).or_else(|| parse_span(&format!("1 {per}")))?;
    (is_word && per > Duration::ZERO).then_some(Rate { count, per })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read() {
        let secs = Duration::from_secs;
        assert_eq!(read("6 per hour"), Some(Rate { count: 6, per: secs(3600) }));
        assert_eq!(read("30 per day"), Some(Rate { count: 30, per: secs(86_400) }));
        assert_eq!(read("3 loads per 10 s"), Some(Rate { count: 3, per: secs(10) }));
        assert_eq!(read("1 per min"), Some(Rate { count: 1, per: secs(60) }));
        for text in ["", "6", "6 per", "6 per 0 s", "-1 per h", "6 per volt", "6 a b per h", "6 per 5 V"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
