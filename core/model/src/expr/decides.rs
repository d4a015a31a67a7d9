//! Which point decided: what people are told that a limit acts on.

use super::eval::{Bounded, Seen};
use super::program::{Node, NodeId, Program, Type};
use crate::catalog::PointId;
use crate::time::Mono;

impl Program {
    /// The point that makes the result what it is: of `or` and `and` in a part that decides, of a comparison the one that is
    /// compared, of `max` and `min` the one that they yield. Where the result is unknown, the first point that is.
    pub fn decided_by(&self, seen: &Seen<'_>) -> Option<PointId> {
        let (root, mut next) = (self.root()?, Mono::MAX);
        let decided = match self.yields {
            Type::Truth => {
                self.truth_at(root, seen, &mut next).and_then(|truth| self.deciding(root, truth, seen))
            }
            Type::Number(..) => {
                self.number_at(root, seen, &mut next).exact().and_then(|_| self.deciding(root, true, seen))
            }
        };
        let is_unknown = |point: &PointId| seen.snapshot.known(*point, seen.now).is_none();
        let unknown = || self.reads.iter().copied().find(is_unknown);
        decided.or_else(unknown).or_else(|| self.reads.first().copied())
    }

    fn deciding(&self, id: NodeId, truth: bool, seen: &Seen<'_>) -> Option<PointId> {
        let part = |id| self.deciding(id, truth, seen);
        match self.node(id) {
            Node::Point(point)
            | Node::Age(point)
            | Node::Since(point)
            | Node::FlagPoint(point)
            | Node::WordIs(point, _)
            | Node::Known(point)
            | Node::Changed(point) => Some(point),
            Node::Not(inner) => self.deciding(inner, !truth, seen),
            Node::Negate(inner) => part(inner),
            // One true part makes `or` true, and one false part makes `and` false.
            Node::And(left, right) | Node::Or(left, right) => {
                let decides = self.truth_at(left, seen, &mut { Mono::MAX }) == Some(truth);
                if decides { part(left).or_else(|| part(right)) } else { part(right) }
            }
            Node::Greatest(left, right) => self.further(left, right, seen, |left, right| left >= right, part),
            Node::Least(left, right) => self.further(left, right, seen, |left, right| left <= right, part),
            Node::Compare(_, left, right)
            | Node::Add(left, right)
            | Node::Subtract(left, right)
            | Node::Multiply(left, right, _)
            | Node::Divide(left, right, _)
            | Node::OrElse(left, right) => part(left).or_else(|| part(right)),
            _ => None,
        }
    }

    /// The part of `max` or `min` that it yields, which is a known one.
    fn further(
        &self,
        left: NodeId,
        right: NodeId,
        seen: &Seen<'_>,
        is_further: fn(f64, f64) -> bool,
        part: impl Fn(NodeId) -> Option<PointId>,
    ) -> Option<PointId> {
        let amount = |id| match self.number_at(id, seen, &mut { Mono::MAX }) {
            Bounded::Exact { value, .. } | Bounded::AtLeast(value) | Bounded::AtMost(value) => Some(value),
            Bounded::Unknown => None,
        };
        let is_right = match (amount(left), amount(right)) {
            (Some(left), Some(right)) => !is_further(left, right),
            (left, _) => left.is_none(),
        };
        if is_right { part(right) } else { part(left) }
    }
}
