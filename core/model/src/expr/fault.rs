//! Why something has no value although everything that it is computed from is known.

use super::eval::{Bounded, Seen};
use super::program::{Node, NodeId, Program};
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

    fn exact(&self, id: NodeId, seen: &Seen<'_>) -> Option<f64> {
        match self.number_at(id, seen, &mut Mono::MAX.clone()) {
            Bounded::Exact { value, .. } => Some(value),
            _ => None,
        }
    }
}
