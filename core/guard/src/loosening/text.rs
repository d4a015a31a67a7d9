//! A condition as people wrote it, so that who confirms a loosening sees what becomes of it.
//!
//! Written from the checked program: points by their full names, constants in the unit of what they are compared with.
//! Nothing is decided by these texts.

use crate::tables::Plan;
use alloc::format;
use alloc::string::{String, ToString};
use ballast_model::catalog::Kind;
use ballast_model::expr::{BinaryOp, Node, NodeId, Program};
use ballast_model::quantity::Shown;
use ballast_model::{Finite, PointId, Unit};

/// The condition or number of a program.
pub(super) fn text(plan: &Plan, program: &Program) -> String {
    let writer = Writer { plan, program };
    let root = program.nodes().len().saturating_sub(1) as NodeId;
    writer.write(root, writer.unit(root), 0)
}

/// The unit in which people write what a program yields; none for a truth.
pub(super) fn unit(plan: &Plan, program: &Program) -> Option<Unit> {
    let root = program.nodes().len().saturating_sub(1) as NodeId;
    Writer { plan, program }.unit(root)
}

/// A number with its unit, where there is one.
pub(super) fn shown(base: Finite, unit: Option<Unit>) -> String {
    unit.map_or_else(|| base.to_string(), |unit| Shown { base, unit }.to_string())
}

struct Writer<'a> {
    plan: &'a Plan,
    program: &'a Program,
}

impl Writer<'_> {
    fn node(&self, id: NodeId) -> Option<Node> {
        self.program.nodes().get(usize::from(id)).copied()
    }

    fn name(&self, point: PointId) -> &str {
        self.plan.catalog.point(point).map_or("?", |spec| &spec.name)
    }

    fn unit(&self, id: NodeId) -> Option<Unit> {
        match self.node(id)? {
            Node::Point(point) => match self.plan.catalog.point(point)?.kind {
                Kind::Number(unit) => Some(unit),
                _ => None,
            },
            Node::Age(_) | Node::Since(_) => Unit::parse("s"),
            Node::Negate(a) => self.unit(a),
            Node::Add(a, b)
            | Node::Subtract(a, b)
            | Node::Least(a, b)
            | Node::Greatest(a, b)
            | Node::OrElse(a, b) => self.unit(a).or_else(|| self.unit(b)),
            _ => None,
        }
    }

    /// In brackets where the operation around it, of strength `outer`, binds more tightly.
    fn write(&self, id: NodeId, unit: Option<Unit>, outer: u8) -> String {
        let Some(node) = self.node(id) else { return "?".to_string() };
        match node {
            Node::Number(value) => shown(value, unit),
            Node::Point(point) | Node::FlagPoint(point) => self.name(point).to_string(),
            Node::Age(point) => format!("age({})", self.name(point)),
            Node::Since(point) => format!("since({})", self.name(point)),
            Node::Known(point) => format!("known({})", self.name(point)),
            Node::Changed(point) => format!("changed({})", self.name(point)),
            Node::WordIs(point, word) => {
                let words = self.plan.catalog.point(point).map_or(&[][..], |spec| spec.words());
                let word = words.get(usize::from(word)).map_or("?", |word| word);
                format!("{} == \"{word}\"", self.name(point))
            }
            Node::Flag(flag) => flag.to_string(),
            Node::Negate(a) => format!("-{}", self.write(a, unit, 7)),
            Node::Not(a) => format!("!{}", self.write(a, None, 7)),
            Node::Least(a, b) => format!("min({}, {})", self.write(a, unit, 0), self.write(b, unit, 0)),
            Node::Greatest(a, b) => format!("max({}, {})", self.write(a, unit, 0), self.write(b, unit, 0)),
            Node::OrElse(a, b) => format!("or_else({}, {})", self.write(a, unit, 0), self.write(b, unit, 0)),
            Node::Add(a, b) => self.pair(BinaryOp::Add, (a, b), unit, outer),
            Node::Subtract(a, b) => self.pair(BinaryOp::Subtract, (a, b), unit, outer),
            Node::Multiply(a, b, _) => self.pair(BinaryOp::Multiply, (a, b), None, outer),
            Node::Divide(a, b, _) => self.pair(BinaryOp::Divide, (a, b), None, outer),
            Node::Compare(op, a, b) => self.pair(op, (a, b), self.unit(a).or_else(|| self.unit(b)), outer),
            Node::And(a, b) => self.pair(BinaryOp::And, (a, b), None, outer),
            Node::Or(a, b) => self.pair(BinaryOp::Or, (a, b), None, outer),
            Node::Tracked { .. } | Node::Clock { .. } | Node::ActiveFor(_) => "a value over time".to_string(),
        }
    }

    fn pair(&self, op: BinaryOp, (a, b): (NodeId, NodeId), unit: Option<Unit>, outer: u8) -> String {
        let strength = match op {
            BinaryOp::Or => 1,
            BinaryOp::And => 2,
            BinaryOp::Add | BinaryOp::Subtract => 4,
            BinaryOp::Multiply | BinaryOp::Divide => 5,
            _ => 3,
        };
        let (left, right) = (self.write(a, unit, strength), self.write(b, unit, strength + 1));
        let text = format!("{left} {} {right}", op.symbol());
        if strength < outer { format!("({text})") } else { text }
    }
}
