//! Three-valued evaluation.
//!
//! `None` is unknown. `false && unknown` is false and `true || unknown` is true; everything else with an unknown operand
//! is unknown. `max` with an unknown member is *at least* its known members, so a comparison can be certain although a
//! sensor is gone, and is unknown where it cannot.

use super::ast::BinaryOp;
use super::program::{Node, NodeId, Program};
use super::trackers::Trackers;
use crate::catalog::PointId;
use crate::finite::Finite;
use crate::sample::Value;
use crate::snapshot::Snapshot;
use crate::time::{Mono, Span};

/// Everything an evaluation may look at.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// What is known.
    pub snapshot: &'a Snapshot,
    /// What was followed over time.
    pub trackers: &'a Trackers,
    /// Now.
    pub now: Mono,
    /// Points whose value changed in this step, sorted.
    pub changed: &'a [PointId],
    /// Since when the rule that asks is active.
    pub active_since: Option<Mono>,
}

/// A number as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bounded {
    /// Nothing is known.
    Unknown,
    /// Exactly this now, moving by `slope` per second without any sample.
    Exact {
        /// The number.
        value: f64,
        /// Change per second.
        slope: f64,
    },
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl Bounded {
    const fn still(value: f64) -> Self {
        Self::Exact { value, slope: 0.0 }
    }

    const fn negated(self) -> Self {
        match self {
            Self::Exact { value, slope } => Self::Exact { value: -value, slope: -slope },
            Self::AtLeast(value) => Self::AtMost(-value),
            Self::AtMost(value) => Self::AtLeast(-value),
            Self::Unknown => Self::Unknown,
        }
    }

    /// The number, when it is known exactly.
    pub fn exact(self) -> Option<Finite> {
        if let Self::Exact { value, .. } = self { Finite::new(value) } else { None }
    }
}

impl Program {
    /// The truth now; `None` when unknown. Lowers `next` to the earliest moment at which it could change by itself.
    pub fn truth(&self, seen: &Seen<'_>, next: &mut Mono) -> Option<bool> {
        self.truth_at(self.root()?, seen, next)
    }

    /// The number now.
    pub fn number(&self, seen: &Seen<'_>, next: &mut Mono) -> Bounded {
        self.root().map_or(Bounded::Unknown, |root| self.number_at(root, seen, next))
    }

    /// The result as a value of a point; `None` when unknown.
    pub fn value(&self, seen: &Seen<'_>, next: &mut Mono) -> Option<Value> {
        match self.yields {
            super::Type::Truth => self.truth(seen, next).map(Value::Flag),
            super::Type::Number(..) => self.number(seen, next).exact().map(Value::Number),
        }
    }

    pub(super) fn root(&self) -> Option<NodeId> {
        self.nodes.len().checked_sub(1).map(|last| last as NodeId)
    }

    pub(super) fn node(&self, id: NodeId) -> Node {
        self.nodes.get(usize::from(id)).copied().unwrap_or(Node::Flag(false))
    }

    fn tracker(&self, slot: u16) -> Option<super::TrackerId> {
        self.links.get(usize::from(slot)).copied()
    }

    pub(super) fn truth_at(&self, id: NodeId, seen: &Seen<'_>, next: &mut Mono) -> Option<bool> {
        match self.node(id) {
            Node::Flag(flag) => Some(flag),
            Node::FlagPoint(point) => match known(point, seen, next)? {
                Value::Flag(flag) => Some(flag),
                _ => None,
            },
            Node::WordIs(point, word) => match known(point, seen, next)? {
                Value::Word(is) => Some(is == word),
                _ => None,
            },
            Node::Compare(op, left, right) => {
                let left = self.number_at(left, seen, next);
                let right = self.number_at(right, seen, next);
                compare(op, left, right, seen.now, next)
            }
            Node::And(left, right) => match self.truth_at(left, seen, next) {
                Some(false) => Some(false),
                left => match (left, self.truth_at(right, seen, next)) {
                    (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                },
            },
            Node::Or(left, right) => match self.truth_at(left, seen, next) {
                Some(true) => Some(true),
                left => match (left, self.truth_at(right, seen, next)) {
                    (_, Some(true)) => Some(true),
                    (Some(false), Some(false)) => Some(false),
                    _ => None,
                },
            },
            Node::Not(inner) => self.truth_at(inner, seen, next).map(|truth| !truth),
            Node::OrElse(first, second) => {
                self.truth_at(first, seen, next).or_else(|| self.truth_at(second, seen, next))
            }
            Node::Known(point) => Some(known(point, seen, next).is_some()),
            Node::Changed(point) => {
                let changed = seen.changed.binary_search(&point).is_ok();
                if changed {
                    // It is no longer true in the step after this one.
                    *next = (*next).min(seen.now.after(Span::from_nanos(1)));
                }
                Some(changed)
            }
            Node::Clock { slot } => {
                let id = self.tracker(slot)?;
                seen.trackers.clock(id)
            }
            Node::ActiveFor(nanos) => {
                let Some(since) = seen.active_since else { return Some(false) };
                let due = since.after(Span::from_nanos(nanos));
                if seen.now < due {
                    *next = (*next).min(due);
                }
                Some(seen.now >= due)
            }
            _ => None,
        }
    }

    pub(super) fn number_at(&self, id: NodeId, seen: &Seen<'_>, next: &mut Mono) -> Bounded {
        match self.node(id) {
            Node::Number(value) => Bounded::still(value.get()),
            Node::Point(point) => match known(point, seen, next) {
                Some(Value::Number(value)) => Bounded::still(value.get()),
                _ => Bounded::Unknown,
            },
            Node::Age(point) => {
                let reading = seen.snapshot.reading(point);
                if reading.count == 0 {
                    return Bounded::Unknown;
                }
                Bounded::Exact { value: seen.now.since(reading.arrival).secs_f64(), slope: 1.0 }
            }
            Node::Since(point) => match known(point, seen, next) {
                // As `PointSpec::read`.
                Some(Value::Number(moment)) => Bounded::Exact {
                    value: (seen.now.nanos() as f64 / 1e9 - moment.get()).max(0.0),
                    slope: 1.0,
                },
                _ => Bounded::Unknown,
            },
            Node::Tracked { slot, statistic } => {
                let Some(id) = self.tracker(slot) else { return Bounded::Unknown };
                let Some(value) = seen.trackers.read(id, statistic, seen.now) else {
                    return Bounded::Unknown;
                };
                let growth = seen.trackers.growth(id, statistic, seen.now);
                let slope = growth.map_or(0.0, |(slope, until)| {
                    *next = (*next).min(until);
                    slope
                });
                Bounded::Exact { value: value.get(), slope }
            }
            Node::Negate(inner) => self.number_at(inner, seen, next).negated(),
            Node::Add(left, right) => {
                self.exact_pair(left, right, seen, next, |a, sa, b, sb| (a + b, sa + sb))
            }
            Node::Subtract(left, right) => {
                self.exact_pair(left, right, seen, next, |a, sa, b, sb| (a - b, sa - sb))
            }
            Node::Multiply(left, right, factor) => {
                self.exact_pair(left, right, seen, next, |a, sa, b, sb| {
                    (a * b * factor.get(), (sa * b + a * sb) * factor.get())
                })
            }
            Node::Divide(left, right, factor) => self.exact_pair(left, right, seen, next, |a, sa, b, sb| {
                (a / b * factor.get(), (sa * b - a * sb) / (b * b) * factor.get())
            }),
            Node::Least(left, right) => {
                let (left, right) = (self.number_at(left, seen, next), self.number_at(right, seen, next));
                meet(left, right, seen.now, next);
                least(left, right)
            }
            Node::Greatest(left, right) => {
                let (left, right) = (self.number_at(left, seen, next), self.number_at(right, seen, next));
                meet(left, right, seen.now, next);
                greatest(left, right)
            }
            Node::OrElse(first, second) => match self.number_at(first, seen, next) {
                exact @ Bounded::Exact { .. } => exact,
                _ => self.number_at(second, seen, next),
            },
            _ => Bounded::Unknown,
        }
    }

    /// Arithmetic on two exact numbers; unknown where one is not or the result is not finite.
    fn exact_pair(
        &self,
        left: NodeId,
        right: NodeId,
        seen: &Seen<'_>,
        next: &mut Mono,
        operate: impl Fn(f64, f64, f64, f64) -> (f64, f64),
    ) -> Bounded {
        let (left, right) = (self.number_at(left, seen, next), self.number_at(right, seen, next));
        let (Bounded::Exact { value: a, slope: sa }, Bounded::Exact { value: b, slope: sb }) = (left, right)
        else {
            return Bounded::Unknown;
        };
        let (value, slope) = operate(a, sa, b, sb);
        if value.is_finite() && slope.is_finite() {
            Bounded::Exact { value, slope }
        } else {
            Bounded::Unknown
        }
    }
}

/// The value of a point that may be used, and the moment at which it may not any more.
fn known(point: PointId, seen: &Seen<'_>, next: &mut Mono) -> Option<Value> {
    let value = seen.snapshot.known(point, seen.now)?;
    if let Some(expires) = seen.snapshot.expires(point) {
        *next = (*next).min(expires.after(Span::from_nanos(1)));
    }
    Some(value)
}

fn greatest(left: Bounded, right: Bounded) -> Bounded {
    use Bounded::{AtLeast, AtMost, Exact, Unknown};
    match (left, right) {
        (Exact { value: a, slope: sa }, Exact { value: b, slope: sb }) => {
            if a >= b {
                Exact { value: a, slope: sa }
            } else {
                Exact { value: b, slope: sb }
            }
        }
        (Exact { value, .. } | AtLeast(value), Unknown | AtMost(_))
        | (Unknown | AtMost(_), Exact { value, .. } | AtLeast(value)) => AtLeast(value),
        (AtLeast(a) | Exact { value: a, .. }, AtLeast(b)) | (AtLeast(a), Exact { value: b, .. }) => {
            AtLeast(a.max(b))
        }
        (AtMost(a), AtMost(b)) => AtMost(a.max(b)),
        _ => Unknown,
    }
}

fn least(left: Bounded, right: Bounded) -> Bounded {
    use Bounded::{AtLeast, AtMost, Exact, Unknown};
    match (left, right) {
        (Exact { value: a, slope: sa }, Exact { value: b, slope: sb }) => {
            if a <= b {
                Exact { value: a, slope: sa }
            } else {
                Exact { value: b, slope: sb }
            }
        }
        (Exact { value, .. } | AtMost(value), Unknown | AtLeast(_))
        | (Unknown | AtLeast(_), Exact { value, .. } | AtMost(value)) => AtMost(value),
        (AtMost(a) | Exact { value: a, .. }, AtMost(b)) | (AtMost(a), Exact { value: b, .. }) => {
            AtMost(a.min(b))
        }
        (AtLeast(a), AtLeast(b)) => AtLeast(a.min(b)),
        _ => Unknown,
    }
}

/// Lowers `next` to the moment at which two numbers meet of which at least one moves.
fn meet(left: Bounded, right: Bounded, now: Mono, next: &mut Mono) {
    let (Bounded::Exact { value: a, slope: sa }, Bounded::Exact { value: b, slope: sb }) = (left, right)
    else {
        return;
    };
    let (gap, closing) = (b - a, sa - sb);
    if closing != 0.0 {
        // Seconds until they meet; one nanosecond more puts them past each other.
        let meet = gap / closing;
        if meet >= 0.0 && meet.is_finite() {
            let span = Span::from_secs_f64(meet).unwrap_or(Span::MAX);
            *next = (*next).min(now.after(span).after(Span::from_nanos(1)));
        }
    }
}

/// The truth of a comparison, and the moment at which two moving numbers meet.
fn compare(op: BinaryOp, left: Bounded, right: Bounded, now: Mono, next: &mut Mono) -> Option<bool> {
    use Bounded::{AtLeast, AtMost, Exact};
    match (left, right) {
        (Exact { value: a, .. }, Exact { value: b, .. }) => {
            meet(left, right, now, next);
            Some(order(op, a, b))
        }
        // At least `a`: certain only where even `a` itself decides.
        (AtLeast(a), Exact { value: b, .. }) => certain(op, a, b, true),
        (AtMost(a), Exact { value: b, .. }) => certain(op, a, b, false),
        (Exact { value: a, .. }, AtLeast(b)) => certain(op.mirrored(), b, a, true),
        (Exact { value: a, .. }, AtMost(b)) => certain(op.mirrored(), b, a, false),
        _ => None,
    }
}

/// `x op b` where `x` is at least (or at most) `bound`.
fn certain(op: BinaryOp, bound: f64, b: f64, at_least: bool) -> Option<bool> {
    let beyond = if at_least { bound > b } else { bound < b };
    let reaches = if at_least { bound >= b } else { bound <= b };
    let rises = matches!(op, BinaryOp::Greater | BinaryOp::GreaterOrEqual);
    match op {
        BinaryOp::Equal => beyond.then_some(false),
        BinaryOp::NotEqual => beyond.then_some(true),
        BinaryOp::Greater | BinaryOp::Less if rises == at_least => beyond.then_some(true),
        BinaryOp::GreaterOrEqual | BinaryOp::LessOrEqual if rises == at_least => reaches.then_some(true),
        BinaryOp::Greater | BinaryOp::Less => reaches.then_some(false),
        BinaryOp::GreaterOrEqual | BinaryOp::LessOrEqual => beyond.then_some(false),
        _ => None,
    }
}

#[expect(clippy::float_cmp, reason = "the operands are finite and the language's == means the same number")]
fn order(op: BinaryOp, a: f64, b: f64) -> bool {
    match op {
        BinaryOp::Less => a < b,
        BinaryOp::LessOrEqual => a <= b,
        BinaryOp::Greater => a > b,
        BinaryOp::GreaterOrEqual => a >= b,
        BinaryOp::Equal => a == b,
        BinaryOp::NotEqual => a != b,
        _ => false,
    }
}
