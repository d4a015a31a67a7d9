//! Comparisons brought to one side, and the steps in which numbers move.
//!
//! `t1 > t2 + 5 K`, `t1 - t2 > 5 K` and `t2 - t1 < -5 K` are one comparison: of a sum of what is measured with a value. In
//! this form a check can tell whether acting and letting go lie apart, and whether the value is finer than what the points
//! can show. One place decides that for rules and for limits: [`Steps::too_fine`].

use super::ast::BinaryOp;
use super::check_numbers::{Extreme, Operand};
use super::program::NodeId;
use crate::catalog::{Catalog, PointId};
use crate::diagnostic::Span;
use crate::finite::Finite;
use crate::quantity::{Dimension, Unit};
use crate::time;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What counts as a whole number of steps: 49.3 / 0.01 is not exact in binary.
const STEP_SLACK: f64 = 1e-6;

/// How much is known of where the steps of a number lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// Every step is where it is said.
    Exact,
    /// The steps were multiplied: they lie at values that nobody can write to the last digit.
    Scaled,
    /// The steps are so wide, and lie anywhere.
    Loose,
}

/// The steps in which a number moves, base unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Steps {
    /// How wide one is; above zero.
    pub width: Finite,
    /// One of the values that it can have.
    pub from: Finite,
    /// How much is known of where they lie.
    pub precision: Precision,
    /// The point that moves in the widest of them.
    pub of: PointId,
}

/// A value between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFine {
    /// The steps.
    pub steps: Steps,
    /// The step below the value.
    pub below: Finite,
    /// The step above it.
    pub above: Finite,
}

impl Steps {
    /// Those of a point, where it says or inherits them.
    pub fn of_point(point: PointId, catalog: &Catalog) -> Option<Self> {
        let width = catalog.point(point)?.resolution.filter(|width| *width > Finite::ZERO);
        let measured = |width| Self { width, from: Finite::ZERO, precision: Precision::Exact, of: point };
        catalog.steps.get(&point).copied().or_else(|| width.map(measured))
    }

    /// The widest: those of a number that may be any of several. What says nothing of its steps does not count.
    pub fn widest(all: impl IntoIterator<Item = Option<Self>>) -> Option<Self> {
        all.into_iter().flatten().max_by_key(|steps| steps.width)
    }

    /// Of the sum of several numbers: the widest, and only where all are known. Where they are not all as wide, the narrow
    /// ones make up values between the wide ones.
    pub fn sum(all: impl IntoIterator<Item = Option<Self>>) -> Option<Self> {
        all.into_iter().reduce(|a, b| Some(a?.plus(b?)))?
    }

    fn plus(self, other: Self) -> Self {
        let wider = if other.width > self.width { other } else { self };
        let from = Finite::saturating(self.from.get() + other.from.get());
        let ratio = self.width.get() / other.width.get();
        let of_both = if (ratio - 1.0).abs() > STEP_SLACK { Precision::Loose } else { Precision::Exact };
        Self { from, precision: of_both.max(self.precision).max(other.precision), ..wider }
    }

    fn times(self, factor: f64) -> Self {
        let is_turned = (libm::fabs(factor) - 1.0).abs() < f64::EPSILON;
        let precision = if is_turned { self.precision } else { self.precision.max(Precision::Scaled) };
        let width = Finite::saturating(libm::fabs(self.width.get() * factor));
        Self { width, from: Finite::saturating(self.from.get() * factor), precision, of: self.of }
    }

    /// Of the change over a time. The time between two samples is never exactly that long.
    pub(super) fn over(self, span: time::Span, factor: f64) -> Self {
        let per_second = self.times(factor / span.secs_f64().max(1e-9));
        Self { from: Finite::ZERO, precision: Precision::Loose, ..per_second }
    }

    /// Of what was counted since a moment.
    pub(super) fn counted_from_zero(self) -> Self {
        Self { from: Finite::ZERO, ..self }
    }

    /// Whether a value lies between two steps, so that it means another value than the one that is written. `rounded` is
    /// how far a person may be off who rounds to the digits that are written.
    pub fn too_fine(self, value: Finite, rounded: Finite) -> Option<TooFine> {
        let width = self.width.get();
        let steps = (value.get() - self.from.get()) / width;
        if !steps.is_finite() || width <= 0.0 {
            return None;
        }
        let slack = STEP_SLACK * libm::fabs(steps).max(1.0);
        let is_fine = match self.precision {
            Precision::Loose => value == Finite::ZERO || libm::fabs(steps) > 1.0 - slack,
            Precision::Exact => libm::fabs(steps - libm::round(steps)) <= slack,
            Precision::Scaled => {
                libm::fabs(steps - libm::round(steps))
                    <= slack.max(rounded.get() / width * (1.0 + STEP_SLACK))
            }
        };
        let at = |steps: f64| Finite::saturating(self.from.get() + steps * width);
        let below = at(libm::floor(steps));
        (!is_fine).then(|| TooFine { steps: self, below, above: at(libm::ceil(steps)) })
    }
}

/// A part of a sum: something that is measured, times a factor.
#[derive(Clone, Debug)]
pub(super) struct Term {
    text: String,
    points: Vec<PointId>,
    dimension: Dimension,
    unit: Unit,
    factor: f64,
    steps: Option<Steps>,
    is_smoothed: bool,
}

/// A number as a sum: each text once, and what is constant.
#[derive(Clone, Debug)]
pub(super) struct Sum {
    terms: Vec<Term>,
    constant: f64,
    /// Half of the last digit of the finest constant that is written in it.
    rounded: Option<f64>,
}

impl Sum {
    pub(super) fn constant(value: Finite, unit: Unit) -> Self {
        let scale = unit.to_base(1.0).map_or(1.0, Finite::get);
        let text = format!("{}", value.get() / scale);
        let digits = text.split_once('.').map_or("", |(_, digits)| digits);
        let digit = digits.bytes().fold(1.0, |digit, _| digit / 10.0);
        let rounded = (value != Finite::ZERO).then(|| libm::fabs(0.5 * digit * scale));
        Self { terms: Vec::new(), constant: value.get(), rounded }
    }

    fn plus(mut self, other: Self) -> Self {
        self.constant += other.constant;
        self.rounded = [self.rounded, other.rounded].into_iter().flatten().min_by(f64::total_cmp);
        for term in other.terms {
            match self.terms.iter_mut().find(|known| known.text == term.text) {
                Some(known) => known.factor += term.factor,
                None => self.terms.push(term),
            }
        }
        self.terms.retain(|term| libm::fabs(term.factor) > f64::EPSILON);
        self
    }

    pub(super) fn times(&self, factor: f64) -> Self {
        let terms = self.terms.iter().map(|term| Term { factor: term.factor * factor, ..term.clone() });
        let rounded = self.rounded.map(|rounded| libm::fabs(rounded * factor));
        Self { terms: terms.collect(), constant: self.constant * factor, rounded }
    }

    fn steps(&self) -> Option<Steps> {
        let all = Steps::sum(self.terms.iter().map(|term| Some(term.steps?.times(term.factor))))?;
        Some(Steps { from: Finite::saturating(all.from.get() + self.constant), ..all })
    }
}

/// What comes out of an operation as a sum; `None` where it is no sum of its parts.
pub(super) fn sum_of(op: BinaryOp, a: &Operand, b: &Operand, factor: f64) -> Option<Sum> {
    match (op, a.constant, b.constant) {
        (BinaryOp::Add, ..) => Some(a.sum.clone().plus(b.sum.clone())),
        (BinaryOp::Subtract, ..) => Some(a.sum.clone().plus(b.sum.times(-1.0))),
        (BinaryOp::Multiply, Some(a), _) => Some(b.sum.times(a.get() * factor)),
        (BinaryOp::Multiply, _, Some(b)) => Some(a.sum.times(b.get() * factor)),
        (BinaryOp::Divide, _, Some(b)) => Some(a.sum.times(factor / b.get())),
        _ => None,
    }
}

impl Operand {
    /// Itself as the only term of a sum.
    pub(super) fn alone(&self, steps: Option<Steps>) -> Sum {
        let term = Term {
            text: self.text.clone(),
            points: self.points.clone(),
            dimension: self.dimension,
            unit: self.unit,
            factor: 1.0,
            steps,
            is_smoothed: self.is_smoothed,
        };
        Sum { terms: alloc::vec![term], constant: 0.0, rounded: None }
    }

    pub(super) fn steps(&self) -> Option<Steps> {
        self.sum.steps()
    }
}

/// A comparison of what is measured with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// What is compared, for people: `battery.voltage`, `hot.out - hot.back`.
    pub subject: String,
    /// Every point whose value of the moment is in it.
    pub points: Vec<PointId>,
    /// How, with the subject on the left; under a `not` its opposite. `==` where the direction is open.
    pub op: BinaryOp,
    /// With what, base unit.
    pub value: Finite,
    /// Dimension of the value.
    pub dimension: Dimension,
    /// The unit in which people would write the value.
    pub unit: Unit,
    /// The constant that is written, or the whole comparison if there is none.
    pub span: Span,
    /// Whether all of it is smoothed over time (`avg` ...) or stands still, and so needs less hysteresis.
    pub is_smoothed: bool,
    /// Whether it is written like this, and not brought to one side.
    pub is_as_written: bool,
    /// The steps of the subject, where they are known.
    pub steps: Option<Steps>,
    rounded: Finite,
    /// Texts and factors, sorted.
    key: Vec<(String, Finite)>,
    /// The operation that it is in its program.
    pub(super) node: NodeId,
    /// Where it compares a `max` or `min`: the same of each of its numbers.
    pub(super) parts: Option<Parts>,
    /// Its truth, where that follows from what its numbers can be.
    pub(super) always: Option<bool>,
}

/// The comparisons that one of a `max` or `min` comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    /// Whether one of them is enough: `max(a, b) > 5`, `min(a, b) < 5`. Otherwise all must be true.
    pub(super) is_any: bool,
    pub(super) each: Vec<Comparison>,
}

impl Comparison {
    /// `None` where nothing that is measured is left.
    pub(super) fn of(op: BinaryOp, a: &Operand, b: &Operand, span: Span, node: NodeId) -> Option<Self> {
        let parts = match (&a.extreme, &b.extreme) {
            (Some(extreme), None) => {
                Parts::of(extreme, op, extreme.of.iter().map(|part| Self::of(op, part, b, span, node)))
            }
            (None, Some(extreme)) => {
                let each = extreme.of.iter().map(|part| Self::of(op, a, part, span, node));
                Parts::of(extreme, op.mirrored(), each)
            }
            _ => None,
        };
        let always = a.range.zip(b.range).and_then(|(a, b)| a.decides(op, b));
        Some(Self { node, parts, always, ..Self::whole(op, a, b, span)? })
    }

    fn whole(op: BinaryOp, a: &Operand, b: &Operand, span: Span) -> Option<Self> {
        let mut sum = a.sum.clone().plus(b.sum.times(-1.0));
        let first = sum.terms.first()?;
        let size = libm::fabs(first.factor);
        let is_even = sum.terms.iter().all(|term| {
            (libm::fabs(term.factor) - size).abs() <= f64::EPSILON * size && term.dimension == first.dimension
        });
        let scale = if is_even { size } else { 1.0 };
        let subject = if a.constant.is_some() { b } else { a };
        let (mut dimension, mut unit) =
            if is_even { (first.dimension, first.unit) } else { (subject.dimension, subject.unit) };
        let balance: f64 = sum.terms.iter().map(|term| term.factor).sum();
        if dimension == Dimension::Temperature && libm::fabs(balance) < 1e-9 {
            dimension = Dimension::TemperatureDifference;
            unit = dimension.base();
        }
        let is_one = sum.terms.len() == 1;
        let has_positive = sum.terms.iter().any(|term| term.factor > 0.0);
        // A value above zero is easier to read; a term alone stands on the left as it is.
        let is_turned = if is_one {
            !has_positive
        } else {
            !has_positive || sum.constant > 0.0 && sum.terms.iter().any(|term| term.factor < 0.0)
        };
        sum = sum.times(if is_turned { -1.0 } else { 1.0 } / scale);
        let value = Finite::saturating(-sum.constant);
        sum.constant = 0.0;
        let mut key: Vec<_> =
            sum.terms.iter().map(|term| (term.text.clone(), Finite::saturating(term.factor))).collect();
        key.sort();
        let is_as_written = (a.constant.is_some() || b.constant.is_some())
            && subject.sum.constant == 0.0
            && (scale - 1.0).abs() < f64::EPSILON;
        Some(Self {
            subject: text_of(&sum),
            points: sum.terms.iter().flat_map(|term| term.points.iter().copied()).collect(),
            op: if is_turned { op.mirrored() } else { op },
            value,
            dimension,
            unit,
            span,
            is_smoothed: sum.terms.iter().all(|term| term.is_smoothed),
            is_as_written,
            steps: sum.steps(),
            rounded: Finite::saturating(sum.rounded.unwrap_or(0.0)),
            key,
            node: 0,
            parts: None,
            always: None,
        })
    }

    /// Under a `not` its opposite counts.
    pub(super) fn negate(&mut self) {
        self.op = self.op.negated();
        self.always = self.always.map(|truth| !truth);
        if let Some(parts) = &mut self.parts {
            parts.is_any = !parts.is_any;
            parts.each.iter_mut().for_each(Self::negate);
        }
    }

    /// Whether its value is finer than what its points can show.
    pub fn too_fine(&self) -> Option<TooFine> {
        let scaled = |steps: Steps| Steps { precision: steps.precision.max(Precision::Scaled), ..steps };
        let steps = if self.is_as_written { self.steps? } else { self.steps.map(scaled)? };
        steps.too_fine(self.value, self.rounded)
    }

    /// Whose steps they are, where it is more than the point of [`Steps::of`].
    pub fn own_name(&self, fine: &TooFine) -> Option<&str> {
        let is_the_point = self.key.len() == 1
            && fine.steps.from == Finite::ZERO
            && self.steps.is_some_and(|steps| steps.precision == Precision::Exact);
        (!is_the_point).then_some(&*self.subject)
    }

    /// Another comparison of the same subject, turned so that the same stands on its left.
    pub fn facing(&self, other: &Self) -> Option<Self> {
        if self.key == other.key {
            return Some(other.clone());
        }
        let turned = |(text, factor): &(String, Finite)| (text.clone(), Finite::saturating(-factor.get()));
        let key: Vec<_> = other.key.iter().map(turned).collect();
        (self.key == key).then(|| Self {
            subject: self.subject.clone(),
            op: other.op.mirrored(),
            value: Finite::saturating(-other.value.get()),
            key,
            ..other.clone()
        })
    }

    /// Another comparison of the same subject, turned as this one is, or of a point in common.
    pub fn beside(&self, other: &Self) -> Option<Self> {
        self.facing(other).or_else(|| self.shares_point(other).then(|| other.clone()))
    }

    /// The step that is wider than the gap to the value of a comparison beside this one. No gap at all is none.
    pub fn wider_step(&self, other: &Self) -> Option<Finite> {
        let other = self.beside(other)?;
        let width = self.steps.or(other.steps)?.width;
        let gap = libm::fabs(self.value.get() - other.value.get());
        (gap > 0.0 && gap < width.get() * (1.0 - STEP_SLACK)).then_some(width)
    }

    /// Whether both compare one point or the highest or lowest of several, and have a point in common.
    fn shares_point(&self, other: &Self) -> bool {
        let is_one = |comparison: &Self| comparison.key.len() == 1;
        is_one(self) && is_one(other) && self.points.iter().any(|point| other.points.contains(point))
    }

    /// Whether it is true above its value.
    pub const fn is_upper(&self) -> bool {
        matches!(self.op, BinaryOp::Greater | BinaryOp::GreaterOrEqual)
    }
}

impl Parts {
    /// `None` where one of the numbers leaves nothing to compare, or where the direction is open.
    fn of(extreme: &Extreme, op: BinaryOp, each: impl Iterator<Item = Option<Comparison>>) -> Option<Self> {
        let is_upper = matches!(op, BinaryOp::Greater | BinaryOp::GreaterOrEqual);
        let each = each.collect::<Option<Vec<_>>>().filter(|_| op.is_order())?;
        Some(Self { is_any: extreme.is_greatest == is_upper, each })
    }
}

/// A sum as people would write it, what is added first.
fn text_of(sum: &Sum) -> String {
    let (added, taken): (Vec<_>, Vec<_>) = sum.terms.iter().partition(|term| term.factor > 0.0);
    let mut text = String::new();
    for term in added.into_iter().chain(taken) {
        let sign = match (text.is_empty(), term.factor > 0.0) {
            (true, true) => "",
            (true, false) => "-",
            (false, true) => " + ",
            (false, false) => " - ",
        };
        text.push_str(sign);
        let size = libm::fabs(term.factor);
        if (size - 1.0).abs() > f64::EPSILON {
            text.push_str(&format!("{size} * "));
        }
        text.push_str(&term.text);
    }
    text
}
