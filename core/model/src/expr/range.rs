//! Between which values a number lies, and comparisons whose outcome is known from that alone.
//!
//! A value outside of a point's bounds is bad and never counted, and nobody can set a setting outside of its own: these bounds
//! hold. What is only usual is no bound here.

use super::ast::BinaryOp;
use super::check::{Checker, Problem};
use super::check_numbers::Operand;
use crate::catalog::{Noun, Origin, PointId};
use crate::diagnostic::Span;
use crate::finite::Finite;
use crate::quantity::{Shown, Unit};
use alloc::format;
use alloc::string::String;

/// What a computed bound may be off.
const SLACK: f64 = 1e-9;

/// The least and the greatest that a number can be, base unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    low: f64,
    high: f64,
}

impl Range {
    pub(super) fn of(low: Finite, high: Finite) -> Self {
        Self { low: low.get(), high: high.get() }
    }

    pub(super) fn negated(self) -> Self {
        Self { low: -self.high, high: -self.low }
    }

    /// Of a sum, a difference or a product; `None` of a quotient by what may be zero.
    pub(super) fn combined(op: BinaryOp, a: &Operand, b: &Operand, factor: f64) -> Option<Self> {
        let (x, y) = (a.range?, b.range?);
        let ends = match op {
            BinaryOp::Add => return Some(Self { low: x.low + y.low, high: x.high + y.high }),
            BinaryOp::Subtract => return Some(Self { low: x.low - y.high, high: x.high - y.low }),
            BinaryOp::Multiply => [x.low * y.low, x.low * y.high, x.high * y.low, x.high * y.high],
            _ if y.low > 0.0 || y.high < 0.0 => {
                [x.low / y.low, x.low / y.high, x.high / y.low, x.high / y.high]
            }
            _ => return None,
        };
        let ends = ends.map(|end| end * factor);
        let low = ends.into_iter().fold(f64::INFINITY, f64::min);
        let high = ends.into_iter().fold(f64::NEG_INFINITY, f64::max);
        (low.is_finite() && high.is_finite()).then_some(Self { low, high })
    }

    /// Of the greatest or least of two. Where one of them is unknown, the other one alone may count.
    pub(super) fn extreme(a: &Operand, b: &Operand) -> Option<Self> {
        let (x, y) = (a.range?, b.range?);
        Some(Self { low: x.low.min(y.low), high: x.high.max(y.high) })
    }

    /// Whether a comparison is always true or never; `None` where it can be either.
    pub(super) fn decides(self, op: BinaryOp, other: Self) -> Option<bool> {
        let slack = SLACK
            * [self.low, self.high, other.low, other.high]
                .into_iter()
                .fold(0.0, |most, end| libm::fabs(end).max(most));
        let (is_above, is_below) = (self.low > other.high + slack, self.high < other.low - slack);
        let (not_above, not_below) = (self.high <= other.low + slack, self.low >= other.high - slack);
        let outcome = |always: bool, never: bool| if always { Some(true) } else { never.then_some(false) };
        match op {
            BinaryOp::Greater => outcome(is_above, not_above),
            BinaryOp::GreaterOrEqual => outcome(not_below, is_below),
            BinaryOp::Less => outcome(is_below, not_below),
            BinaryOp::LessOrEqual => outcome(not_above, is_above),
            BinaryOp::Equal => outcome(false, is_above || is_below),
            BinaryOp::NotEqual => outcome(is_above || is_below, false),
            _ => None,
        }
    }
}

impl Checker<'_> {
    pub(super) fn range_of(&self, point: PointId) -> Option<Range> {
        let (low, high) = self.scope.catalog.point(point)?.valid?;
        Some(Range::of(low, high))
    }

    /// A comparison that never changes is hardly meant.
    pub(super) fn doubt_range(&mut self, op: BinaryOp, a: &Operand, b: &Operand, span: Span) {
        let (Some(x), Some(y)) = (a.range, b.range) else { return };
        if a.constant.is_some() && b.constant.is_some() {
            return;
        }
        let Some(truth) = x.decides(op, y) else { return };
        let lies = |operand: &Operand, range: Range| {
            let show = |base: f64| shown(base, operand.unit);
            format!("`{}` lies between {} and {}", name(operand), show(range.low), show(range.high))
        };
        let bounds = match (a.constant, b.constant) {
            (None, Some(_)) => lies(a, x),
            (Some(_), None) => lies(b, y),
            _ => format!("{}, and {}", lies(a, x), lies(b, y)),
        };
        let always = if truth { "always" } else { "never" };
        let message = format!("{bounds}: this comparison is {always} true");
        let subject = if a.constant.is_some() { b } else { a };
        let help = self.help_on_bounds(subject);
        self.doubts.push(Problem { span, code: "expr::out_of_range", message, help: Some(help) });
    }

    fn help_on_bounds(&self, subject: &Operand) -> String {
        let catalog = self.scope.catalog;
        let point = match catalog.resolve(&subject.text) {
            Some(Noun::Point(point)) => catalog.point(point),
            _ => None,
        };
        match point.map(|spec| spec.origin) {
            Some(Origin::Setting) => {
                "compare it with a value that can be set, or widen the `range` of the setting".into()
            }
            Some(Origin::Measured) => {
                "compare it with a value between these; what lies outside of `valid` is bad and never counts"
                    .into()
            }
            _ => {
                "compare it with a value between these, or widen the `range` or `valid` of what it is made of"
                    .into()
            }
        }
    }
}

fn shown(base: f64, unit: Unit) -> String {
    format!("{}", Shown { base: Finite::saturating(base), unit })
}

/// Its text without the brackets around it.
fn name(operand: &Operand) -> &str {
    let inner = operand.text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    inner.filter(|inner| !inner.contains(['(', ')'])).unwrap_or(&operand.text)
}
