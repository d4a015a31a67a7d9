//! What is expected of a reading: `>= 48.5 Hz`, `49.8..50.2 Hz`, `50 Hz ± 0.2 Hz`, `true`, `off_peak`.

use super::series::{Reading, reading};
use ballast_config::codes;
use ballast_config::diagnostics::{Diagnostics, Place};
use ballast_model::catalog::{Kind, PointSpec};
use ballast_model::quantity::parse_quantity;
use ballast_model::{Finite, Unit, Value};

/// What a reading may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bounds {
    /// A number between both, in the base unit; where `is_open` a bound itself is not within.
    Between {
        /// The least.
        low: Option<Finite>,
        /// The most.
        high: Option<Finite>,
        /// Whether bounds themselves are outside.
        is_open: bool,
    },
    /// A word, or yes or no.
    Is(Value),
}

impl Bounds {
    /// Reads what is expected of a point; says what is wrong with it.
    pub fn read(text: &str, spec: &PointSpec, place: Place, out: &mut Diagnostics) -> Option<Self> {
        let found = match spec.kind {
            Kind::Number(unit) => number(text, unit),
            Kind::Flag | Kind::Words(_) => match reading(text, spec) {
                Ok(Reading::Value(value)) => Some(Self::Is(value)),
                Ok(_) => None,
                Err(wrong) => {
                    out.push(wrong.drawn(text, place));
                    return None;
                }
            },
        };
        if found.is_none() {
            let message = format!("`{text}` is nothing that `{}` can be", spec.name);
            out.push(place.mistake(codes::TEST_NAME, message).help(help(spec)));
        }
        found
    }

    /// Whether a value is as expected.
    pub fn holds(&self, value: Value) -> bool {
        match (self, value) {
            (Self::Between { low, high, is_open }, Value::Number(number)) => {
                let is_out = |bound: Finite| *is_open && bound == number;
                low.is_none_or(|low| low <= number && !is_out(low))
                    && high.is_none_or(|high| number <= high && !is_out(high))
            }
            (Self::Is(wanted), value) => *wanted == value,
            (Self::Between { .. }, _) => false,
        }
    }
}

fn help(spec: &PointSpec) -> String {
    match spec.kind {
        Kind::Number(unit) => {
            let symbol = unit.symbol();
            format!(
                "write `>= 10 {symbol}`, `< 10 {symbol}`, `10..12 {symbol}` or `10 {symbol} ± 1 {symbol}`"
            )
        }
        _ => "write one of its words".to_owned(),
    }
}

fn number(text: &str, unit: Unit) -> Option<Bounds> {
    let quantity = |text: &str| {
        let found = parse_quantity(text.trim()).ok()?;
        (found.dimension() == unit.dimension()).then_some(found)
    };
    let signs = [(">=", true, false), ("<=", false, false), (">", true, true), ("<", false, true)];
    for (sign, is_least, is_open) in signs {
        let Some(rest) = text.strip_prefix(sign) else { continue };
        let bound = Some(quantity(rest)?.base);
        let (low, high) = if is_least { (bound, None) } else { (None, bound) };
        return Some(Bounds::Between { low, high, is_open });
    }
    let (low, high) = if let Some((low, high)) = text.split_once("..") {
        let high = quantity(high)?;
        // `49.8..50.2 Hz`: one unit for both.
        let own = || low.trim().parse::<f64>().ok().and_then(|low| high.unit.to_base(low));
        (quantity(low).map(|low| low.base).or_else(own)?, high.base)
    } else {
        let (middle, tolerance) = text.split_once('±')?;
        let (middle, tolerance) = (quantity(middle)?.base.get(), quantity(tolerance)?.base.get());
        (Finite::new(middle - tolerance)?, Finite::new(middle + tolerance)?)
    };
    (low <= high).then_some(Bounds::Between { low: Some(low), high: Some(high), is_open: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str, value: f64) -> Option<bool> {
        let bounds = number(text, Unit::parse("Hz").unwrap())?;
        Some(bounds.holds(Value::Number(Finite::new(value).unwrap())))
    }

    #[test]
    fn a_bound_is_within_unless_it_is_said_to_be_outside() {
        let rows = [
            (">= 48.5 Hz", 48.5, true),
            (">= 48.5 Hz", 48.4, false),
            ("> 48.5 Hz", 48.5, false),
            ("<= 50 Hz", 50.0, true),
            ("< 50 Hz", 50.0, false),
            ("49.5..50.5 Hz", 49.5, true),
            ("49.5 Hz..50.5 Hz", 50.6, false),
            ("50 Hz ± 0.5 Hz", 49.5, true),
            ("50 Hz ± 0.5 Hz", 49.4, false),
        ];
        for (text, value, is_within) in rows {
            assert_eq!(holds(text, value), Some(is_within), "{text} {value}");
        }
        for text in ["50", "50 Hz", ">= 50", ">= 50 W", "51..50 Hz", "..50 Hz", "50 Hz ± 1", ""] {
            assert_eq!(holds(text, 50.0), None, "{text}");
        }
    }
}
