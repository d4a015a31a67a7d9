//! Numbers with units, ranges of them, lengths of time, shares.
//!
//! A unit is always written. Which units fit is said where one is missing or wrong, and a magnitude that no house or
//! village has is taken for a slip of unit.

use ballast_model::Span as Duration;
use ballast_model::diagnostic::Diagnostic;
use ballast_model::quantity::{Quantity, QuantityError, Shown, parse_quantity, split_number};
use ballast_model::{Dimension, Finite, Unit};

use super::scalar;
use super::scalar::place_of;
use crate::codes;
use crate::diagnostics::{Diagnostics, Placed, quote};
use crate::expr::{number_problem, suggest_unit};
use crate::tree::Node;

/// A number with a unit of one dimension. A plain number where the dimension is that.
pub fn quantity(node: &Node, dimension: Dimension, out: &mut Diagnostics) -> Option<Placed<Quantity>> {
    let found = any_quantity(node, Some(dimension), out)?;
    check_dimension(found, dimension, out)
}

/// A number with any unit. `hint` only chooses the examples of a message.
pub fn any_quantity(node: &Node, hint: Option<Dimension>, out: &mut Diagnostics) -> Option<Placed<Quantity>> {
    let expected = hint.map_or("a number with its unit", Dimension::name);
    let found = scalar(node, expected, out)?;
    let text = found.value.text.as_str();
    let value = part(node, text, text, hint, out)?;
    Some(Placed { value, place: found.place })
}

/// A length of time, zero included.
pub fn duration(node: &Node, out: &mut Diagnostics) -> Option<Placed<Duration>> {
    let found = quantity(node, Dimension::Duration, out)?;
    match Duration::from_secs_f64(found.value.base.get()) {
        Some(duration) => Some(found.map(|_| duration)),
        None => {
            out.push(
                found
                    .place
                    .mistake(codes::NUMBER_RANGE, "a length of time is not negative, nor centuries long")
                    .help("write how long it takes, as in `5 s`, `10 min` or `2 h`"),
            );
            None
        }
    }
}

/// A length of time longer than zero.
pub fn positive_duration(node: &Node, out: &mut Diagnostics) -> Option<Placed<Duration>> {
    let found = duration(node, out)?;
    if found.value == Duration::ZERO {
        out.push(
            found
                .place
                .mistake(codes::NUMBER_RANGE, "this length of time must be longer than zero")
                .help("write a time such as `5 s`, or leave the key out if it may be absent"),
        );
        return None;
    }
    Some(found)
}

/// What to do about a share that is none.
pub const SHARE: &str = "write a part of the whole, as in `25 %`";

/// A share of 0 % to 100 %, as a number of 0 to 100.
pub fn share(node: &Node, out: &mut Diagnostics) -> Option<Placed<Finite>> {
    let found = quantity(node, Dimension::Ratio, out)?;
    if (0.0..=100.0).contains(&found.value.base.get()) {
        return Some(found.map(|quantity| quantity.base));
    }
    out.push(found.place.mistake(codes::NUMBER_RANGE, "a share lies between 0 % and 100 %").help(SHARE));
    None
}

/// A quantity above zero.
pub fn positive(node: &Node, dimension: Dimension, out: &mut Diagnostics) -> Option<Placed<Quantity>> {
    let found = quantity(node, dimension, out)?;
    if found.value.base > Finite::ZERO {
        return Some(found);
    }
    out.push(
        found
            .place
            .mistake(codes::NUMBER_RANGE, "this value must be above zero")
            .help("write how much it is, without a sign"),
    );
    None
}

/// Two bounds, inclusive, lower first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Lower bound, base unit.
    pub low: Finite,
    /// Upper bound, base unit; equal to `low` for a single value.
    pub high: Finite,
    /// The unit that was written.
    pub unit: Unit,
}

/// `200..2000 W` or `0.2 kW..2 kW`; a single value `0 W` where `or_one` allows it.
pub fn bounds(
    node: &Node,
    dimension: Dimension,
    or_one: bool,
    out: &mut Diagnostics,
) -> Option<Placed<Bounds>> {
    let found = scalar(node, "a range such as `200..2000 W`", out)?;
    let text = found.value.text.as_str();
    let Some((left, right)) = text.split_once("..") else {
        if or_one {
            let one = quantity(node, dimension, out)?;
            return Some(one.map(|one| Bounds { low: one.base, high: one.base, unit: one.unit }));
        }
        let message = format!("{} is not a range", quote(text));
        // `40-60 °C`, `40 to 60 °C`: what was meant is plain.
        let meant = ["-", "–", " to ", " à ", "..."].into_iter().find_map(|sign| text.split_once(sign));
        let help = match meant.filter(|(low, _)| split_number(low.trim()).is_ok()) {
            Some((low, high)) => {
                format!("write both ends with two points: `{}..{}`", low.trim(), high.trim())
            }
            None => "write both ends: `200..2000 W`".to_owned(),
        };
        out.push(found.place.mistake(codes::VALUE_RANGE, message).help(help));
        return None;
    };
    let high = part(node, text, right, Some(dimension), out)?;
    let low = match split_number(left.trim()) {
        // The unit of the right end counts for both.
        Ok((value, end)) if end == left.trim().len() => {
            Quantity { base: high.unit.to_base(value).unwrap_or_default(), unit: high.unit }
        }
        _ => part(node, text, left, Some(dimension), out)?,
    };
    for end in [low, high] {
        check_dimension(Placed { value: end, place: found.place }, dimension, out)?;
    }
    if low.base > high.base {
        let message = format!("the range is the wrong way round: {} is above {}", shown(low), shown(high));
        out.push(found.place.mistake(codes::VALUE_RANGE, message).help("write the lower end first"));
        return None;
    }
    if low.base == high.base {
        let one = shown(high);
        let help = if or_one {
            format!("write `{one}` for a single value, or two different ends")
        } else {
            "write two different ends".to_owned()
        };
        let message = format!("this range has no width: it holds {one} and nothing else");
        out.push(found.place.warning(codes::VALUE_RANGE, message).help(help));
    }
    Some(found.map(|_| Bounds { low: low.base, high: high.base, unit: high.unit }))
}

/// A quantity as people read it.
pub fn shown(quantity: Quantity) -> String {
    Shown { base: quantity.base, unit: quantity.unit }.to_string()
}

/// `12 V`, `12 kV`, `12 mV`: how a number could be written.
fn examples(number: &str, dimension: Dimension) -> String {
    const SHOWN_MAX: usize = 3;
    let examples: Vec<String> =
        Unit::of(dimension).take(SHOWN_MAX).map(|unit| format!("`{number} {unit}`")).collect();
    examples.join(" or ")
}

/// Reads a part of a scalar's text as a quantity.
pub(crate) fn part(
    node: &Node,
    text: &str,
    part: &str,
    hint: Option<Dimension>,
    out: &mut Diagnostics,
) -> Option<Quantity> {
    let part = part.trim();
    let place = place_of(node, text, part);
    let error = match parse_quantity(part) {
        Ok(quantity) => return Some(quantity),
        Err(error) => error,
    };
    let number_length = split_number(part).map_or(0, |(_, end)| end);
    let number = part.get(..number_length).unwrap_or("");
    let diagnostic = match error {
        QuantityError::NoUnit if hint == Some(Dimension::Number) => {
            let (value, _) = split_number(part).ok()?;
            return Some(Quantity { base: Finite::new(value)?, unit: Unit::NONE });
        }
        QuantityError::NoUnit => {
            let help = hint.map_or("write it with its unit".to_owned(), |dimension| {
                format!("it is {}: write {}", dimension.name(), examples(number, dimension))
            });
            place.mistake(codes::UNIT_MISSING, format!("{} has no unit", quote(number))).help(help)
        }
        QuantityError::UnknownUnit { .. } => {
            let unit = part.get(number_length..).unwrap_or("").trim();
            let message = format!("{} is not a unit that is known here", quote(unit));
            let mut diagnostic = place_of(node, text, unit).mistake(codes::UNIT_UNKNOWN, message);
            diagnostic.help = suggest_unit(unit).or_else(|| {
                hint.filter(|hint| *hint != Dimension::Number)
                    .map(|hint| format!("write {}", examples(number, hint)))
            });
            diagnostic
        }
        error => {
            let problem = number_problem(part, &error);
            let start = usize::try_from(problem.span.start).unwrap_or(0);
            let end = usize::try_from(problem.span.end).unwrap_or(0);
            let blamed = part.get(start..end).unwrap_or(part);
            let mut diagnostic = place_of(node, text, blamed).mistake(problem.code, problem.message);
            diagnostic.help = problem
                .help
                .or_else(|| hint.and_then(example_help))
                .or_else(|| Some("write a number and its unit, as in `5 kW`".to_owned()));
            diagnostic
        }
    };
    out.push(diagnostic);
    None
}

fn example_help(dimension: Dimension) -> Option<String> {
    (dimension != Dimension::Number)
        .then(|| format!("{} is written as {}", dimension.name(), examples("5", dimension)))
}

fn check_dimension(
    found: Placed<Quantity>,
    dimension: Dimension,
    out: &mut Diagnostics,
) -> Option<Placed<Quantity>> {
    if found.value.dimension() != dimension {
        out.push(wrong_dimension(found, dimension));
        return None;
    }
    if let Some(diagnostic) = implausible(found) {
        out.push(diagnostic);
        return None;
    }
    Some(found)
}

/// The mistake of a quantity whose unit counts something else.
pub(crate) fn wrong_dimension(found: Placed<Quantity>, expected: Dimension) -> Diagnostic {
    let number = Shown { base: found.value.unit.from_base(found.value.base), unit: Unit::NONE }.to_string();
    let message = format!(
        "{} is {}; {} is expected",
        shown(found.value),
        found.value.dimension().name(),
        expected.name()
    );
    let help = match (found.value.dimension(), expected) {
        (Dimension::ApparentPower, Dimension::Power) | (Dimension::Power, Dimension::ApparentPower) => {
            "volt-amperes and watts differ by the power factor and are never exchanged".to_owned()
        }
        (Dimension::TemperatureDifference, Dimension::Temperature) => {
            "K is for the difference of two temperatures; write the temperature in °C".to_owned()
        }
        (_, Dimension::Number) => "write the number alone".to_owned(),
        _ => format!("write {}", examples(number.trim(), expected)),
    };
    found.place.mistake(codes::UNIT_WRONG, message).help(help)
}

/// The mistake of a quantity that is more likely a slip of unit than meant.
pub(crate) fn implausible(found: Placed<Quantity>) -> Option<Diagnostic> {
    let most = found.value.dimension().plausible_max()?;
    if found.value.base.get().abs() <= most {
        return None;
    }
    let base = found.value.dimension().base();
    let in_base = Shown { base: found.value.base, unit: base };
    let most = Shown { base: Finite::saturating(most), unit: base };
    let written = if found.value.unit == base { String::new() } else { format!(" ({in_base})") };
    let message =
        format!("{}{written} is implausible: no site of this kind has more than {most}", shown(found.value));
    Some(found.place.mistake(codes::UNIT_IMPLAUSIBLE, message).help("check the unit"))
}

#[cfg(test)]
#[path = "quantity_tests.rs"]
mod tests;
