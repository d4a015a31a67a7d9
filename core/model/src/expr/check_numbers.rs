//! Numbers in conditions: the units they take, and what is said when a quantity cannot be read.

use super::ast::BinaryOp;
use super::check::{Checker, Typed};
use super::comparison::{Steps, Sum};
use super::fault::NO_NUMBER_HELP;
use super::program::{Node, NodeId};
use super::range::Range;
use crate::catalog::PointId;
use crate::diagnostic::{Span, did_you_mean};
use crate::finite::Finite;
use crate::quantity::{Dimension, QuantityError, Unit, parse_quantity};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// A side of an operation that is a number.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub(super) node: NodeId,
    pub(super) dimension: Dimension,
    pub(super) unit: Unit,
    /// Its canonical text, for matching thresholds.
    pub(super) text: String,
    /// The points compared directly.
    pub(super) points: Vec<PointId>,
    pub(super) is_smoothed: bool,
    /// A difference of two temperatures: it goes with `K` as well as with `°C`.
    pub(super) is_difference: bool,
    /// Its value, when it is constant.
    pub(super) constant: Option<Finite>,
    /// What it is the sum of.
    pub(super) sum: Sum,
    /// Of which numbers it is the greatest or the least.
    pub(super) extreme: Option<Extreme>,
    /// Between which values it lies, where that is known.
    pub(super) range: Option<Range>,
}

/// The numbers of a `max` or `min`.
#[derive(Clone, Debug)]
pub(super) struct Extreme {
    pub(super) is_greatest: bool,
    pub(super) of: Vec<Operand>,
}

impl Operand {
    pub(super) fn constant(node: NodeId, unit: Unit, value: Finite) -> Self {
        Self {
            node,
            dimension: unit.dimension(),
            unit,
            text: format!("{value}"),
            points: Vec::new(),
            is_smoothed: true,
            is_difference: false,
            constant: Some(value),
            sum: Sum::constant(value, unit),
            extreme: None,
            range: Some(Range::of(value, value)),
        }
    }

    /// A number that is computed when the time has come, of unknown steps.
    pub(super) fn leaf(node: NodeId, unit: Unit, text: String) -> Self {
        let mut leaf = Self {
            node,
            dimension: unit.dimension(),
            unit,
            text,
            points: Vec::new(),
            is_smoothed: false,
            is_difference: false,
            constant: None,
            sum: Sum::constant(Finite::ZERO, unit),
            extreme: None,
            range: None,
        };
        leaf.sum = leaf.alone(None);
        leaf
    }

    /// The same with what is known of its steps, once its points and the other fields are right.
    pub(super) fn with_steps(mut self, steps: Option<Steps>) -> Self {
        self.sum = self.alone(steps);
        self
    }

    pub(super) fn negated(self, node: NodeId) -> Self {
        let constant = self.constant.map(|value| Finite::saturating(-value.get()));
        let (text, sum) = (format!("-({})", self.text), self.sum.times(-1.0));
        let range = self.range.map(Range::negated);
        Self { node, text, constant, sum, extreme: None, range, ..self }
    }
}

impl Checker<'_> {
    /// A quantity in quotes.
    pub(super) fn quantity(&mut self, text: &str, span: Span) -> Option<(Finite, Unit)> {
        match parse_quantity(text) {
            Ok(quantity) => Some((quantity.base, quantity.unit)),
            Err(error) => {
                let (message, help) = explain_quantity(text, &error);
                self.wrong(span, "expr::quantity", message, Some(help))
            }
        }
    }

    /// Both sides as numbers. A bare number takes the unit of the other side (in sums and comparisons) or stays a plain
    /// number (in products).
    pub(super) fn unify(
        &mut self,
        left: (Typed, Span),
        right: (Typed, Span),
        takes_unit: bool,
    ) -> Option<(Operand, Operand)> {
        let unit_of = |typed: &Typed| match typed {
            Typed::Number(number) => Some((number.unit, number.text.clone())),
            Typed::Text(text) => parse_quantity(text).ok().map(|quantity| (quantity.unit, text.to_string())),
            _ => None,
        };
        let (left_unit, right_unit) = (unit_of(&left.0), unit_of(&right.0));
        let a = self.operand(left, right_unit.filter(|_| takes_unit));
        let b = self.operand(right, left_unit.filter(|_| takes_unit));
        Some((a?, b?))
    }

    fn operand(&mut self, (typed, span): (Typed, Span), meets: Option<(Unit, String)>) -> Option<Operand> {
        match typed {
            Typed::Number(number) => Some(number),
            Typed::Bare(value) => {
                let unit = meets.as_ref().map_or(Unit::NONE, |(unit, _)| *unit);
                if let Some((unit, other)) = meets.filter(|(unit, _)| *unit != Unit::NONE) {
                    self.notes
                        .push((span, format!("{value} is read as {value} {unit}, the unit of {other}")));
                }
                let node = self.constant(value, unit, span)?;
                let constant = unit.to_base(value);
                Some(Operand::constant(node, unit, constant?))
            }
            Typed::Text(text) => {
                let (value, unit) = self.quantity(&text, span)?;
                let node = self.push(Node::Number(value));
                Some(Operand::constant(node, unit, value))
            }
            Typed::Truth(_) | Typed::Words(_) => {
                let help = Some("a number is needed here".to_string());
                self.wrong(span, "expr::type", "this is not a number", help)
            }
        }
    }
}

/// What a sum or a difference is, and in which unit; `None` where the two cannot be added. A temperature takes a difference of
/// temperatures and stays one.
pub(super) fn sum(op: BinaryOp, a: &Operand, b: &Operand) -> Option<(Dimension, Unit)> {
    use Dimension::{Temperature, TemperatureDifference};
    match (a.dimension, b.dimension) {
        (one, other) if one == other => Some((one, a.unit)),
        (Temperature, TemperatureDifference) => Some((Temperature, a.unit)),
        (TemperatureDifference, Temperature) if op == BinaryOp::Add => Some((Temperature, b.unit)),
        (TemperatureDifference, Temperature) if b.is_difference => Some((TemperatureDifference, a.unit)),
        _ => None,
    }
}

/// The unit of a product or quotient: twice a power in kW is one in kW, on whichever side the 2 stands.
pub(super) fn scaled_unit(op: BinaryOp, dimension: Dimension, a: &Operand, b: &Operand) -> Unit {
    if dimension == a.dimension {
        a.unit
    } else if op == BinaryOp::Multiply && dimension == b.dimension {
        b.unit
    } else {
        dimension.base()
    }
}

/// Whether the outcome is a difference of temperatures although it counts as a temperature: of two temperatures, or of such
/// differences.
pub(super) fn makes_difference(op: BinaryOp, a: &Operand, b: &Operand) -> bool {
    let is_temperature = |operand: &Operand| operand.dimension == Dimension::Temperature;
    let is_factor = |operand: &Operand| matches!(operand.dimension, Dimension::Number | Dimension::Ratio);
    match op {
        BinaryOp::Subtract if is_temperature(a) && is_temperature(b) => a.is_difference == b.is_difference,
        BinaryOp::Add | BinaryOp::Subtract => {
            let goes_along = |x: &Operand| x.is_difference || x.dimension == Dimension::TemperatureDifference;
            (a.is_difference || b.is_difference) && goes_along(a) && goes_along(b)
        }
        _ => a.is_difference && is_factor(b) || b.is_difference && is_factor(a),
    }
}

/// Whether two numbers can be compared: of one kind, or both differences of temperatures.
pub(super) fn is_comparable(a: &Operand, b: &Operand) -> bool {
    let is_kelvin = |operand: &Operand| operand.dimension == Dimension::TemperatureDifference;
    a.dimension == b.dimension || a.is_difference && is_kelvin(b) || b.is_difference && is_kelvin(a)
}

/// What is wrong with a quantity and what to write instead, for people.
pub fn explain_quantity(text: &str, error: &QuantityError) -> (String, String) {
    match error {
        QuantityError::NoNumber => (
            format!("\"{text}\" is not a quantity"),
            "write a number and a unit, as in \"49.8 Hz\"".to_string(),
        ),
        QuantityError::DecimalComma => (
            format!("\"{text}\" has a decimal comma"),
            format!("write a point: \"{}\"", text.replacen(',', ".", 1)),
        ),
        QuantityError::NotFinite => {
            (format!("\"{text}\" is not a finite number"), NO_NUMBER_HELP.to_string())
        }
        QuantityError::NoUnit => (
            format!("\"{text}\" has no unit"),
            "add one, as in \"49.8 Hz\", \"3 kWh\" or \"25 %\"".to_string(),
        ),
        QuantityError::UnknownUnit { start } => {
            let symbol = text.get(*start..).unwrap_or("").trim();
            let known = || crate::quantity::UNITS.iter().map(|row| row.symbol);
            // `3 KW`: the letters are right, and only their size is not.
            let same = known().find(|known| known.to_lowercase() == symbol.to_lowercase());
            let help = match same.or_else(|| did_you_mean(symbol, known())) {
                Some(near) if !near.is_empty() => format!("did you mean `{near}`?"),
                _ => "known units are V, A, W, kW, VA, Wh, kWh, Hz, °C, %, s, min, h and others; see the manual"
                    .to_string(),
            };
            (format!("there is no unit `{symbol}`"), help)
        }
    }
}
