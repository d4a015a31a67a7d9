//! Which of two conditions of the same shape is the wider one.
//!
//! Two conditions are compared operation by operation. Where they differ in constants alone, every operation says
//! whether its value can only have gone up or only down, with the order `false`, unknown, `true` for truths. Whatever
//! is of another shape, or goes both ways, is [`Way::Mixed`]: it must never be taken for a tightening.

use crate::tables::Plan;
use ballast_model::PointId;
use ballast_model::expr::{BinaryOp, Node, NodeId, Program};

/// How the value of a condition changes, whatever is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Not at all: the same operations on points of the same names.
    Same,
    /// Never down: true at least where the old one is.
    Up,
    /// Never up: true at most where the old one is.
    Down,
    /// Nothing can be said.
    Mixed,
}

impl Way {
    /// A value that rises with both.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Same, way) | (way, Self::Same) => way,
            (one, other) if one == other => one,
            _ => Self::Mixed,
        }
    }

    /// A value that falls where this one rises.
    fn turned(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
            other => other,
        }
    }

    /// At least as wide.
    pub(super) fn is_wider(self) -> bool {
        matches!(self, Self::Same | Self::Up)
    }

    /// At most as wide.
    pub(super) fn is_narrower(self) -> bool {
        matches!(self, Self::Same | Self::Down)
    }
}

/// From a condition of one site to that of another; points are the same where their names are.
pub(super) fn way((old, before): (&Program, &Plan), (new, after): (&Program, &Plan)) -> Way {
    let pair = Pair { old, before, new, after };
    match (old.nodes().len().checked_sub(1), new.nodes().len().checked_sub(1)) {
        (Some(one), Some(other)) => pair.of(one as NodeId, other as NodeId),
        _ => Way::Mixed,
    }
}

struct Pair<'a> {
    old: &'a Program,
    before: &'a Plan,
    new: &'a Program,
    after: &'a Plan,
}

impl Pair<'_> {
    /// A child comes before its parent, so this ends.
    fn of(&self, one: NodeId, other: NodeId) -> Way {
        let node = |program: &Program, id: NodeId| program.nodes().get(usize::from(id)).copied();
        let (Some(old), Some(new)) = (node(self.old, one), node(self.new, other)) else { return Way::Mixed };
        match (old, new) {
            (Node::Number(old), Node::Number(new)) => match new.cmp(&old) {
                core::cmp::Ordering::Less => Way::Down,
                core::cmp::Ordering::Equal => Way::Same,
                core::cmp::Ordering::Greater => Way::Up,
            },
            (Node::Negate(a), Node::Negate(b)) | (Node::Not(a), Node::Not(b)) => self.of(a, b).turned(),
            (Node::Add(a, b), Node::Add(c, d))
            | (Node::Least(a, b), Node::Least(c, d))
            | (Node::Greatest(a, b), Node::Greatest(c, d))
            | (Node::And(a, b), Node::And(c, d))
            | (Node::Or(a, b), Node::Or(c, d)) => self.of(a, c).and(self.of(b, d)),
            (Node::Subtract(a, b), Node::Subtract(c, d)) => self.of(a, c).and(self.of(b, d).turned()),
            (Node::Compare(was, a, b), Node::Compare(is, c, d)) => {
                self.compared((was, is), self.of(a, c), self.of(b, d))
            }
            (Node::Multiply(a, b, f), Node::Multiply(c, d, g))
            | (Node::Divide(a, b, f), Node::Divide(c, d, g))
                if f == g =>
            {
                same_or_mixed(self.of(a, c).and(self.of(b, d)))
            }
            (Node::OrElse(a, b), Node::OrElse(c, d)) => same_or_mixed(self.of(a, c)).and(self.of(b, d)),
            (old, new) => self.leaf(old, new),
        }
    }

    fn compared(&self, (was, is): (BinaryOp, BinaryOp), left: Way, right: Way) -> Way {
        use BinaryOp::{Greater, GreaterOrEqual, Less, LessOrEqual};
        let sides = match is {
            Greater | GreaterOrEqual => left.and(right.turned()),
            Less | LessOrEqual => left.turned().and(right),
            _ => same_or_mixed(left.and(right)),
        };
        match (was, is) {
            (was, is) if was == is => sides,
            (Greater, GreaterOrEqual) | (Less, LessOrEqual) => sides.and(Way::Up),
            (GreaterOrEqual, Greater) | (LessOrEqual, Less) => sides.and(Way::Down),
            _ => Way::Mixed,
        }
    }

    /// Operations without operands: the same one, on a point of the same name.
    fn leaf(&self, old: Node, new: Node) -> Way {
        let ((shape, point), (other_shape, other_point)) = (apart(old), apart(new));
        let name = |plan: &Plan, point: Option<PointId>| {
            point.and_then(|point| plan.catalog.point(point)).map(|spec| spec.name.clone())
        };
        let is_same = shape == other_shape
            && name(self.before, point) == name(self.after, other_point)
            && word(self.before, old) == word(self.after, new);
        if is_same { Way::Same } else { Way::Mixed }
    }
}

fn same_or_mixed(way: Way) -> Way {
    if way == Way::Same { Way::Same } else { Way::Mixed }
}

/// The word that is compared with: its place in the list of its point may be another one.
fn word(plan: &Plan, node: Node) -> Option<&str> {
    let Node::WordIs(point, word) = node else { return None };
    plan.catalog.point(point)?.words().get(usize::from(word)).map(|word| &**word)
}

/// An operation without its point and its word, and the point.
fn apart(node: Node) -> (Node, Option<PointId>) {
    const NONE: PointId = PointId(0);
    match node {
        Node::Point(point) => (Node::Point(NONE), Some(point)),
        Node::Age(point) => (Node::Age(NONE), Some(point)),
        Node::Since(point) => (Node::Since(NONE), Some(point)),
        Node::FlagPoint(point) => (Node::FlagPoint(NONE), Some(point)),
        Node::WordIs(point, _) => (Node::WordIs(NONE, 0), Some(point)),
        Node::Known(point) => (Node::Known(NONE), Some(point)),
        Node::Changed(point) => (Node::Changed(NONE), Some(point)),
        other => (other, None),
    }
}
