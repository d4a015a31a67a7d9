//! Why something has no value although everything that it is computed from is known.

use super::eval::{Bounded, Seen};
use super::program::{Node, NodeId, Program, Statistic};
use super::trackers::TrackerKey;
use crate::time::Mono;

/// What arithmetic came to that is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Fault {
    /// Something was divided by zero.
    DivisionByZero,
    /// A number grew beyond all that can be written.
    TooLarge,
}

impl Fault {
    /// What it is in a few plain words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::DivisionByZero => "a division by zero",
            Self::TooLarge => "a number grew too large",
        }
    }

    /// What to say of it where it is found in a text: nothing has to run for that.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::DivisionByZero => "this is a division by zero",
            Self::TooLarge => "this number is too large",
        }
    }

    /// What came of an operation on numbers, if it is no number.
    pub fn of(value: f64, divisor: Option<f64>) -> Option<Self> {
        match divisor {
            Some(0.0) => Some(Self::DivisionByZero),
            _ if value.is_finite() => None,
            _ => Some(Self::TooLarge),
        }
    }
}

/// What to write instead of a number that is none.
pub const NO_NUMBER_HELP: &str = "write a number that can be measured, with its unit, as in `49.8 Hz`; where there is no bound, leave the comparison out";

/// Whether a word is what other languages write for a number without end, or for none: `.inf`, `Infinity`, `NaN`.
pub fn is_no_number(word: &str) -> bool {
    let word = word.strip_prefix('.').unwrap_or(word);
    ["inf", "infinity", "infinite", "nan"].iter().any(|known| known.eq_ignore_ascii_case(word))
}

impl Program {
    /// The first piece of arithmetic without a value although its operands have theirs. Ask it where the result is unknown:
    /// a piece that does not matter to the result may have a fault as well.
    pub fn fault(&self, seen: &Seen<'_>) -> Option<Fault> {
        self.nodes.iter().find_map(|node| match *node {
            Node::Divide(left, right, factor) => {
                let (a, b) = (self.exact(left, seen)?, self.exact(right, seen)?);
                Fault::of(a / b * factor.get(), Some(b))
            }
            Node::Multiply(left, right, factor) => {
                Fault::of(self.exact(left, seen)? * self.exact(right, seen)? * factor.get(), None)
            }
            Node::Add(left, right) => Fault::of(self.exact(left, seen)? + self.exact(right, seen)?, None),
            Node::Subtract(left, right) => {
                Fault::of(self.exact(left, seen)? - self.exact(right, seen)?, None)
            }
            _ => None,
        })
    }

    /// The first piece that follows the clock and has no value: `used` before its first time of day, a time of day while the
    /// clock is not trusted. Ask it where the result is unknown.
    pub fn untold(&self, seen: &Seen<'_>) -> Option<TrackerKey> {
        let of_clock = |slot: u16| self.keys.get(usize::from(slot)).copied();
        self.nodes.iter().zip(0..).find_map(|(node, id): (_, NodeId)| match *node {
            Node::Tracked { slot, statistic: Statistic::Used } if self.exact(id, seen).is_none() => {
                of_clock(slot)
            }
            Node::Clock { slot } if self.truth_at(id, seen, &mut Mono::MAX.clone()).is_none() => {
                of_clock(slot)
            }
            _ => None,
        })
    }

    fn exact(&self, id: NodeId, seen: &Seen<'_>) -> Option<f64> {
        match self.number_at(id, seen, &mut Mono::MAX.clone()) {
            Bounded::Exact { value, .. } => Some(value),
            _ => None,
        }
    }
}
